"""Makes a scenario a locustfile: one Locust test is one scenario run.

Whoever starts Locust, the headless job, ``dbharness run`` or the web UI, goes the same way: ``test_start`` brings
services and data up and starts the conductor, ``test_stop`` brings everything down and closes the run directory. The
report is made by a child process, so that pandas never lives where load is made.
"""

import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import locust.runners
import locust.stats
from locust import User, task
from locust import events as locust_events
from locust.runners import STATE_CLEANUP, STATE_INIT, STATE_STOPPED, STATE_STOPPING, MasterRunner, WorkerRunner

from harness import downloads, web_access
from harness.cockpit import opening
from harness.dispatching import StandingDispatcher
from harness.distributed import Workers
from harness.errors import HarnessError, UsageError
from harness.gating import Against
from harness.launching import launch_from_environment
from harness.live import Live, three_digits
from harness.plan import Trial
from harness.recorder import Observation
from harness.scenario import Scenario, Slot
from harness.session import Session
from harness.start_form.opening import open_start_form
from harness.start_form.options import add_options, overrides_of
from harness.start_form.starting import Offered
from harness.worker import Worker, die_with

if TYPE_CHECKING:
    from harness.cockpit.ticking import Cockpit

logger = logging.getLogger(__name__)
_CLOSE_PATIENCE_S = 15.0
_REPORT_EVERY_S = 1.0  # how often a worker tells its counts and sketches; Locust has 3 s
_IDLE = (STATE_INIT, STATE_STOPPED)
_ENDING = (STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED)
# Locust's hooks have no types, and its options are known to its parser only.
Environment = Any
events: Any = locust_events


class SlotUser(User):
    """One in-flight slot."""

    abstract = True
    session: Session | Worker | None = None
    hooks: "_Hooks"
    _count = 0

    def on_start(self) -> None:
        """Number the slot."""
        self.slot = Slot(SlotUser._count)
        SlotUser._count += 1

    def on_stop(self) -> None:
        """Close its connections."""
        self.slot.close()

    @task
    def serve(self) -> None:
        """Take part in the next trial."""
        session = type(self).session
        if session is None or not session.serve(self.slot):
            gevent.sleep(0.05)


def locust_user(scenario: type[Scenario[Any]]) -> type[SlotUser]:
    """The Locust user class of ``scenario``, with the hooks that run it; assign it in the scenario's module."""
    user: type[SlotUser] = type(
        f"{scenario.__name__}Slot",
        (SlotUser,),
        {"weight": 1, "host": "local stand-ins", "__module__": scenario.__module__},
    )
    user.hooks = hooks = _Hooks(scenario, user)
    events.init_command_line_parser.add_listener(hooks.on_parser)
    events.init.add_listener(hooks.on_init)
    return user


class _Hooks:
    """What Locust calls, in the order it calls it."""

    def __init__(self, scenario: type[Scenario[Any]], user: type[SlotUser]) -> None:
        self.scenario, self.user = scenario, user
        self.run_time_s: float | None = None
        self.session: Session | None = None
        self.workers: Workers | None = None
        self.counted = None if scenario.counted is Scenario.counted else scenario.counted
        self.live = Live(self.counted)
        self.cockpit: Cockpit | None = None
        self.begun_by: int | None = None  # the process that first read the command line
        self.initialised = False

    def on_parser(self, parser: Any) -> None:
        """Defaults of ours: loopback, as many slots as the scenario likes; and the harness's own options."""
        if self.begun_by is None:
            self.begun_by = os.getpid()
            os.register_at_fork(after_in_child=self.on_fork)
        slots = max(self.scenario.default_slots, parser.get_default("num_users") or 0)  # of several the largest
        parser.set_defaults(web_host="127.0.0.1", num_users=slots, spawn_rate=100)
        add_options(parser)

    def on_fork(self) -> None:
        """In a worker of ``--processes``: it may not outlive its master, not even while it tries to reach it.

        What is forked after Locust is initialised isn't a worker.
        """
        if self.begun_by is not None and not self.initialised:
            die_with(self.begun_by)

    def on_init(self, environment: Environment, **_: Any) -> None:
        """Take over the run time and hook the test's beginning and end, if this scenario is the one that runs."""
        self.initialised = True
        if self.user not in environment.user_classes:
            return
        offered = [user.hooks for user in environment.user_classes]
        if self is offered[0]:  # one interrupt for one Ctrl-C, of however many scenarios there are
            _interrupt_main()
        if len(offered) > 1:
            _check_choice(environment)
        locust.stats.bucket_response_time = three_digits  # type: ignore[assignment]
        options = environment.parsed_options
        if isinstance(environment.runner, (MasterRunner, WorkerRunner)):
            self._check_distribution(options)
        if isinstance(environment.runner, WorkerRunner):
            self._be_worker(environment)
            return
        if isinstance(environment.runner, MasterRunner):
            environment.dispatcher_class = StandingDispatcher
            self.workers = Workers(environment.runner, self.live)
        if environment.web_ui is not None and self is offered[0]:
            self._open_pages(environment, offered)
        environment.events.test_start.add_listener(self.on_test_start)
        environment.events.test_stopping.add_listener(self.on_test_stopping)
        environment.events.test_stop.add_listener(self.on_test_stop)
        environment.events.spawning_complete.add_listener(self.on_spawning_complete)
        environment.events.quitting.add_listener(self.on_quitting)
        environment.events.reset_stats.add_listener(lambda **_: self.live.clear())
        downloads.extend(lambda: self.live)
        if options.headless:
            # Locust would count the set-up too; -t is the time that is measured.
            self.run_time_s, options.run_time = options.run_time, None

    def _open_pages(self, environment: Environment, offered: list["_Hooks"]) -> None:
        """The web UI's rules of access, the live page and the start page: one of each, whichever of the scenarios is chosen."""
        _guard(environment)
        cockpit = opening.open_cockpit(environment, self.live)
        for one in offered:
            one.cockpit, one.live = cockpit, self.live
        keys = {user: key for key, user in (environment.available_user_classes or {}).items()}
        by_name = {
            one.scenario.name: Offered(
                user_class=keys.get(one.user, one.user.__name__),
                slots=environment.parsed_options.num_users if len(offered) == 1 else one.scenario.default_slots,
            )
            for one in offered
        }

        def under_way() -> str:
            running = [one.scenario.name for one in offered if one.session is not None]
            return running[0] if running else "" if environment.runner.state in _IDLE else "a run"

        open_start_form(environment, by_name, under_way=under_way, runs=lambda: cockpit.state.runs)
        base_path = (environment.parsed_options.web_base_path or "").rstrip("/")
        downloads.offer(environment.web_ui, lambda: self.live, lambda: cockpit.state.feeds, base_path=base_path)

    def on_test_start(self, environment: Environment, **_: Any) -> None:
        """Begin a session: its greenlet brings services and data up, then walks the trials."""
        if environment.user_classes != [self.user]:
            if self.user in environment.user_classes[:1]:  # several: by a key in the terminal, which asks for no choice
                logger.error("one run is of one scenario: choose it on the start page")
                self._end(environment, UsageError.exit_code)
            return
        options = environment.parsed_options
        self.live.counted = self.counted
        try:
            out = Path(options.harness_out) if options.harness_out else None
            against = Against(
                baselines=tuple(options.harness_baseline),
                allowed=tuple(options.harness_allow),
                inconclusive=options.harness_inconclusive,
            )
            launch = launch_from_environment(
                self.scenario.name,
                profile=options.harness_profile,
                overrides=overrides_of(options),
                out=out,
                against=against,
            )
            session = Session(self.scenario, launch, _sample_to_locust(environment, self.live), self.workers)
        except HarnessError as error:
            logger.error("%s", error)
            if self.cockpit is not None:
                self.cockpit.refuse(str(error))
            self._end(environment, error.exit_code)
            return
        except Exception:  # Locust would log it and go on, with nothing to do and no end
            logger.exception("the run can't begin")
            self._end(environment, 3)
            return
        self.live.clear()
        self.user.session = self.session = session
        if self.cockpit is not None:
            self.cockpit.begin(session)
        gevent.spawn(self._conduct, environment, session)

    def on_spawning_complete(self, user_count: int, **_: Any) -> None:
        """All slots are there: the first trial may begin."""
        if self.session is not None:
            self.session.slots_ready(user_count)

    def on_test_stopping(self, **_: Any) -> None:
        """Let what is in flight come home before Locust kills the users."""
        if self.session is not None:
            self.session.stop()

    def on_test_stop(self, environment: Environment, **_: Any) -> None:
        """Close the run directory, with Locust's own count of requests beside ours; stop the services.

        In a greenlet of its own: Locust may come here in one that it kills before the end.
        """
        if self.session is not None:
            gevent.spawn(self._close, environment, self.session).join()

    def _close(self, environment: Environment, session: Session) -> None:
        environment.process_exit_code = session.close(lambda: environment.stats.total.num_requests)
        if self.cockpit is not None:
            self.cockpit.end(session, session.reason)
        if self.session is session:
            self.user.session = self.session = None

    def on_quitting(self, environment: Environment, **_: Any) -> None:
        """Close the run before Locust decides on its exit code, and wait for that where someone else is at it.

        Locust quits without another word when it is stopping already, in whatever greenlet; one that it kills
        doesn't come to ``test_stop``, so the run is closed here then.
        """
        if self.session is None:
            return
        if environment.runner.state not in _ENDING:
            environment.runner.quit()
        self._see_it_closed(environment)

    def _see_it_closed(self, environment: Environment) -> None:
        """Wait for whoever is closing the run; close it here where nobody does."""
        deadline_s = time.monotonic() + _CLOSE_PATIENCE_S
        while self.session is not None and time.monotonic() < deadline_s:
            gevent.sleep(0.02)
        if self.session is not None:
            self.session.stop()
            self.on_test_stop(environment)

    def _check_distribution(self, options: Any) -> None:
        """One process only, where a scenario keeps in it what its operations did; and no users that move about."""
        if not self.scenario.distributable:
            _refuse(
                f"{self.scenario.name} {self.scenario.alone}: leave out --processes, --master and --worker", options
            )
        if options.enable_rebalancing:
            _refuse(
                "--enable-rebalancing would move slots between workers in the middle of a trial: leave it out", options
            )

    def _be_worker(self, environment: Environment) -> None:
        """The master has services, data, plan and report; here is load only."""
        locust.runners.WORKER_REPORT_INTERVAL = _REPORT_EVERY_S
        worker = Worker(environment.runner, self.scenario, _sample_to_locust(environment, self.live), self.live)
        self.user.session = worker
        environment.events.test_stopping.add_listener(lambda **_: worker.stop())
        environment.events.test_stop.add_listener(lambda **_: worker.close())
        # Locust runs the listeners of the end in reverse: this one before its own, which takes leave of the master.
        environment.events.quitting.add_listener(lambda **_: worker.close())

    def _conduct(self, environment: Environment, session: Session) -> None:
        try:
            session.run(on_measuring=lambda: self._start_timer(session))
        finally:
            self._end(environment)

    def _start_timer(self, session: Session) -> None:
        if self.run_time_s:
            gevent.spawn_later(self.run_time_s, self._time_is_up, session)

    def _time_is_up(self, session: Session) -> None:
        session.note_end(f"stopped after {self.run_time_s} s as asked for by --run-time")
        session.stop()

    def _end(self, environment: Environment, exit_code: int | None = None) -> None:
        """The plan is over: a headless Locust quits, the web UI stays for the next test."""
        if exit_code is not None:
            environment.process_exit_code = exit_code
        if environment.parsed_options.headless:
            gevent.spawn(self._quit, environment)
        else:
            gevent.spawn(environment.runner.stop)

    def _quit(self, environment: Environment) -> None:
        """Quit, but not under someone who is closing the run already, as after Ctrl-C.

        A master that is stopping quits at once, and with that no longer hears its workers: the run would wait in
        vain for their last words.
        """
        if environment.runner.state in _ENDING:
            self._see_it_closed(environment)
        environment.runner.quit()


def _guard(environment: Environment) -> None:
    """The web UI's rules of access; Locust binds all addresses where the option is empty."""
    options = environment.parsed_options
    try:
        web_access.guard(
            environment.web_ui, host=options.web_host, base_path=(options.web_base_path or "").rstrip("/"),
            tls=bool(options.tls_cert), environ=os.environ, say=logger.warning,
        )  # fmt: skip
    except UsageError as error:
        _refuse(str(error), options)


def _check_choice(environment: Environment) -> None:
    """Several scenarios are for a page on which one of them is chosen, in the one process that then runs it."""
    options = environment.parsed_options
    names = ", ".join(user.hooks.scenario.name for user in environment.user_classes)
    if not options.class_picker or options.headless or options.autostart:
        _refuse(
            f"one Locust test is one scenario run: give one file of scenarios/ to -f, or --class-picker to choose of {names}",
            options,
        )
    if isinstance(environment.runner, (MasterRunner, WorkerRunner)):
        _refuse(
            f"--class-picker chooses for one process: with --processes, --master and --worker give -f the file of one of {names}",
            options,
        )


def _interrupt_main() -> None:
    """Let Ctrl-C reach the greenlet that waits for the run's end, as Locust expects it to.

    Python raises KeyboardInterrupt in whichever greenlet runs: one that walks a trial, or that hears the master, would end by it.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # who started this in a background meant it
        gevent.signal_handler(signal.SIGINT, gevent.kill, gevent.getcurrent(), KeyboardInterrupt)


def _sample_to_locust(environment: Environment, counts: Live) -> Any:
    """Every recorded row is one request of Locust's; a throttle is an answer, not a failure of the tool."""
    fire = environment.events.request.fire

    def on_sample(trial: Trial, op: str, intended: int | None, start: int, end: int, seen: Observation) -> None:
        latency_ns = end - (start if intended is None else intended)
        counts.note(trial, op, latency_ns, seen)
        failed = seen.outcome in ("error", "timeout", "ambiguous")
        fire(
            request_type=op, name=f"{trial.arm} {trial.step}", context={},
            response_time=latency_ns / 1e6, response_length=max(seen.bytes, 0),
            exception=RuntimeError(f"{seen.outcome}: {seen.error_code}") if failed else None,
            start_time=time.time(), url=None,
        )  # fmt: skip

    return on_sample


def _refuse(message: str, options: Any) -> None:
    """End this process as wrong usage; a worker that was forked leaves it to its master to say why."""
    if not (options.processes and options.worker):
        sys.stderr.write(f"{message}\n")
    sys.exit(2)
