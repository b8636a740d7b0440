"""A Locust worker's side of a run: it makes the load that its master asks for, and keeps its own samples file."""

import ctypes
import gc
import logging
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from harness import target
from harness.affinity import keep_to
from harness.errors import CannotMeasure, HarnessError, TrialFailed
from harness.launching import config_of
from harness.live import Live
from harness.messages import MESSAGE, figures_message, to_monotonic_ns, to_wall_ns
from harness.performer import OnSample, Performer
from harness.plan import Trial
from harness.recorder import Recorder, clock_pair
from harness.rundir import Events
from harness.scenario import MOST_WORKERS, Context, Scenario, Slot, TrialLoad
from harness.sharing import lines_of

logger = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1
_STOP_PATIENCE_S = 3.0


class Worker:
    """Answers the messages of ``harness.messages``; one object for all tests of its process."""

    def __init__(self, runner: Any, scenario: type[Scenario[Any]], on_sample: OnSample, live: Live) -> None:
        self._runner, self._kind, self._on_sample, self._live = runner, scenario, on_sample, live
        self._test, self._slots = 0, [0]
        self._performer: Performer | None = None
        self._recorder: Recorder | None = None
        self._load: tuple[Trial, TrialLoad] | None = None  # of the trial that is at hand or under way
        self._under_way: Any = None  # the greenlet of a trial
        self._stopping = self._closing = self._abandoned = False
        self._rank = 0  # among those that do the trial
        self.ahead_ns = 0  # of our wall clock before the master's
        self._closed = Event()
        runner.register_message(MESSAGE, self._on_message)
        runner.environment.events.report_to_master.add_listener(self._on_report)

    def serve(self, slot: Slot) -> bool:
        """One slot's part of the next trial; False when there is none to wait for yet."""
        if self._performer is None or self._stopping:
            return False
        self._performer.serve(slot)
        return True

    def stop(self, patience_s: float = _STOP_PATIENCE_S) -> None:
        """Take no more operations; wait, for so long, for those in flight."""
        self._stopping = True
        if self._performer is not None:
            self._performer.stop(patience_s)

    def close(self) -> None:
        """End the samples and send what the master still lacks; a second caller waits for the first."""
        if self._recorder is None:
            return
        if self._closing:
            self._closed.wait()
            return
        self._closing = True
        try:
            self._close(self._recorder)
        finally:
            self._closed.set()

    def tell(self, do: str, **members: Any) -> None:
        """Send the master a message of the run under way."""
        self._runner.send_message(MESSAGE, {"do": do, "test": self._test, **members})

    def _close(self, recorder: Recorder) -> None:
        self.stop()
        if self._under_way is not None:
            self._under_way.join(_STOP_PATIENCE_S)
        if self._performer is not None:
            self._performer.close()
        try:
            recorder.flush(wait=True)
            self._runner._send_stats()
            recorder.close()
        except HarnessError as error:
            self.tell("failed", reason=str(error))
        self.tell("closed", rows=recorder.rows)

    def _on_message(self, msg: Any, **_: Any) -> None:
        asked = dict(msg.data)
        do, test = asked.pop("do"), asked.pop("test")
        if do == "clock":
            monotonic, wall = clock_pair()
            answer = {"do": "clock", "test": test, "monotonic_ns": monotonic, "wall_ns": wall}
            self._runner.send_message(MESSAGE, answer)
            return
        if do == "set_up":
            self._test = test
        elif test != self._test or self._closing:
            return
        try:
            self._obey(do, asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, the master must hear of it
            self._failed(error)

    def _obey(self, do: str, asked: dict[str, Any]) -> None:
        match do:
            case "set_up":
                self._set_up(asked)
            case "slots":
                self.tell("slots", slots=self._runner.user_count)
            case "trial":
                self._trial(asked)
            case "go":
                self._go(asked)
            case "word":
                self._scenario.heard(asked["word"])
            case "abandon":
                self._abandon()
            case "stop":
                self.stop(0)
            case "close":
                self.close()

    def _set_up(self, job: dict[str, Any]) -> None:
        kind, index = self._kind, job["worker"]
        self._performer = self._recorder = self._under_way = self._load = None
        self._stopping = self._closing = self._abandoned = False
        self._closed.clear()
        self._live.clear()
        host, clocks = socket.gethostname(), job["clocks"]
        self.ahead_ns = clocks["ahead_ns"]
        config = config_of(job["config"])
        if host != job["host"] and config.target == "local":
            raise CannotMeasure(f"runs on {host}, and the local stand-ins of {job['host']} can be reached there only")
        if kind.name != job["scenario"]:
            raise CannotMeasure(f"has the file of {kind.name}, and the master measures {job['scenario']}")
        if config.load.cpu_affinity:
            keep_to([config.load.cpu_affinity[index % len(config.load.cpu_affinity)]])
        services = target.attached(job["services"], config)
        context = Context(
            config=config, services=services, events=_Relay(self), slots=job["slots"], worker=index, shift_ns=clocks["shift_ns"]
        )  # fmt: skip
        self._scenario = kind(config.scenarios[kind.name], context)
        for name in kind.shared:
            setattr(self._scenario, name, job["shared"][name])
        self._scenario.attach()
        folder = Path(job["samples"])
        folder.mkdir(parents=True, exist_ok=True)
        submit = gevent.get_hub().threadpool.spawn
        self._recorder = Recorder(
            folder / f"{kind.name}.{index}.arrows", worker=str(index), extra=kind.columns,
            submit=submit, sketches=True, shift_ns=clocks["shift_ns"],
        )  # fmt: skip
        self._performer = Performer(self._recorder, self._on_sample, worker=index)
        self._live.pulse = self._performer.pulse
        self._live.levels = self._scenario.load_live if job["watched"] else None
        gc.collect()
        gc.freeze()
        self.tell("ready", slots=self._runner.user_count, host=host, pid=os.getpid())

    def _trial(self, asked: dict[str, Any]) -> None:
        self._leave_load()
        scenario, trial = self._scenario, Trial(**asked["trial"])
        self._slots, self._rank = asked["slots"], asked["rank"]
        scenario.part, scenario.shares, scenario.handed = (self._rank, len(self._slots)), self._slots, asked["handed"]
        scenario.tally.clear()
        load = scenario.begin(trial)
        self._load = trial, load
        self.tell("at_hand", deadline_s=load.deadline_s)

    def _go(self, asked: dict[str, Any]) -> None:
        assert self._load
        self._under_way = gevent.spawn(self._walk, *self._load, to_monotonic_ns(asked["begin_wall_ns"] + self.ahead_ns))

    def _abandon(self) -> None:
        """The trial is broken: end it here, and be ready for the next; ``done`` is said when it has ended."""
        assert self._performer
        self._abandoned = True
        self._performer.stop(0)

    def _walk(self, trial: Trial, load: TrialLoad, begin_ns: int) -> None:
        performer = self._performer
        assert performer

        def on_begin(began_ns: int) -> None:
            self._scenario.load_begun(trial, began_ns)
            if self._stopping or self._abandoned:
                performer.stop(0)

        more: list[Any] = []
        try:
            lines = lines_of(load.streams, self._slots, self._rank)
            more += [gevent.spawn(_serve_once, performer) for _ in range(len(lines) - self._runner.user_count)]
            figures = performer.perform(trial, load, lines, on_begin=on_begin, begin_ns=begin_ns)
            message = figures_message(figures, ahead_ns=self.ahead_ns)
            self.tell("done", figures=message, tally=dict(self._scenario.tally), told=self._leave_load())
        except Exception as error:  # noqa: BLE001 - whatever it is, the master must hear of it
            self._failed(error)
        finally:
            gevent.killall(more)

    def _leave_load(self) -> dict[str, Any]:
        """The end of the trial that was at hand, if there is one: what the scenario has to tell of it."""
        self._abandoned = False
        if self._load is None:
            return {}
        (trial, _), self._load = self._load, None
        return self._scenario.load_ended(trial)

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, HarnessError):
            logger.error("a worker's part of the run failed", exc_info=error)
        reason = str(error) if isinstance(error, HarnessError) else f"{type(error).__name__}: {error}"
        self.tell("failed", reason=reason, trial_only=isinstance(error, TrialFailed))

    def _on_report(self, data: dict[str, Any], **_: Any) -> None:
        """Sketches and counts since the last report travel with Locust's own statistics."""
        if self._recorder is not None:
            taken = self._recorder.take_sketches().items()
            sketches = [(trial, op, sketch.to_bytes()) for (trial, op), sketch in taken]
            data[MESSAGE] = {"test": self._test, "sketches": sketches, "live": self._live.take()}


def _serve_once(performer: Performer) -> None:
    """A slot beside Locust's users, for a trial that one process does with the slots of all."""
    slot = Slot(MOST_WORKERS)
    try:
        performer.serve(slot)
    finally:
        slot.close()


class _Relay(Events):
    """Events of a worker: the master writes them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def add(self, kind: str, *, trial: int | None = None, t_ns: int | None = None, **fields: Any) -> int:
        """See :class:`Events`."""
        when = time.monotonic_ns() if t_ns is None else t_ns
        wall_ns = to_wall_ns(when) - self._worker.ahead_ns
        self._worker.tell("event", kind=kind, trial=trial, wall_ns=wall_ns, fields=fields)
        return when

    def close(self) -> None:
        """Nothing is open here."""


def die_with(parent: int) -> None:
    """In a child just forked: end when process ``parent`` is gone, were it by kill -9, were it gone already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
