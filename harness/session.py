"""One scenario run from services to closed run directory, without knowing who drives it."""

import gc
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from gevent.event import Event

from harness import dataset, floors, target
from harness.affinity import keep_to, servers_apart
from harness.conductor import Alone, Conductor, Crew
from harness.distributed import Workers
from harness.errors import CannotMeasure, HarnessError, UsageError
from harness.gating import worse
from harness.generator import Pulse
from harness.launching import Launch
from harness.performer import OnSample, Performer
from harness.plan import Trial
from harness.reader import READER_GONE
from harness.recorder import Recorder
from harness.report_child import make_report
from harness.rundir import Events, RunDir, now_iso
from harness.scenario import Context, FaultKind, Scenario, Slot
from harness.services import Services

logger = logging.getLogger(__name__)
PROGRESS_VARIABLE = "DBHARNESS_PROGRESS_FD"


class Session:
    """One run of one scenario: services, data, plan, samples; closed once, however it ends."""

    def __init__(
        self, scenario: type[Scenario[Any]], launch: Launch, on_sample: OnSample, workers: Workers | None = None
    ) -> None:
        self.launch = launch
        self._workers = workers
        self._opened = False  # whether workers are at this run
        self._cores = os.sched_getaffinity(0)
        self._kind, self._on_sample = scenario, on_sample
        if scenario.name not in launch.config.scenarios:
            raise UsageError(f"{scenario.name} isn't in the list of scenarios; add it to scenarios/__init__.py")
        self._settings = launch.config.scenarios[scenario.name]
        self._slots = 0
        self._slots_ready, self._over = Event(), Event()
        self._stopped = self._closing = False
        self._closed, self._exit_code = Event(), 0
        self._services: Services | None = None
        self._scenario: Scenario[Any] | None = None
        self._conductor: Conductor | None = None
        self._recorder: Recorder | None = None
        self._performer: Performer | None = None
        self._events = Events(launch.run, scenario.name)
        self._greenlet: Any = None
        self.progress: dict[str, Any] = {"state": "beginning"}
        self.reason: str | None = None  # why it isn't complete, once it is closed
        launch.run.update_scenario(
            scenario.name, status="running", reason=None, started=now_iso(), ended=None, measuring_s=0.0, requests=0,
            slots=0, servers={}, unavailable={}, params=self._settings.model_dump(mode="json"), trials=[],
        )  # fmt: skip

    def serve(self, slot: Slot) -> bool:
        """One slot's part of the next trial; False when there is none to wait for yet."""
        if self._performer is None or self._stopped:
            return False
        self._performer.serve(slot)
        return True

    def slots_ready(self, count: int) -> None:
        """All users have spawned."""
        self._slots = count
        self._slots_ready.set()

    @property
    def scenario_name(self) -> str:
        """Whose run it is."""
        return self._kind.name

    @property
    def run_dir(self) -> RunDir:
        """Where it is written."""
        return self.launch.run

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What the scenario knows now, once there is a plan; see :meth:`Scenario.live`."""
        there = self._scenario is not None and self._conductor is not None and not self._closing
        return self._scenario.live() if there and self._scenario is not None else {}

    def load_live(self) -> Mapping[str, Mapping[str, float]]:
        """What the load of this process knows now; see :meth:`Scenario.load_live`."""
        return {} if self._performer is None or self._scenario is None else self._scenario.load_live()

    def pulse(self) -> Pulse | None:
        """How the load of this process fares; None where it makes none."""
        return None if self._performer is None else self._performer.pulse()

    @property
    def on_aws(self) -> bool:
        """Whether what fails is somebody's on AWS."""
        return self.launch.config.target == "aws"

    def fault(self, kind: FaultKind) -> str:
        """Let something fail by hand; what happened. Raises UsageError where nothing can now."""
        if self._scenario is None or self._conductor is None or self._stopped:
            raise UsageError("nothing is being measured yet, or any more")
        return self._scenario.fault(kind)

    def note_end(self, reason: str) -> None:
        """Keep why the run ends before its plan."""
        self.launch.reason = self.launch.reason or reason

    def run(self, on_measuring: Callable[[], None]) -> None:
        """Services up, data in, trials walked; errors are kept for ``close``."""
        self._greenlet = gevent.getcurrent()
        try:
            self._prepare()
            if not self._stopped:
                on_measuring()
                assert self._conductor
                self._conductor.walk()
                if not self._stopped and self._scenario is not None:
                    self._scenario.afterwards()
                self._say_what_failed(self._conductor)
        except HarnessError as error:
            self.launch.failure = error
            logger.error("%s", error)
        except gevent.GreenletExit:
            raise
        except Exception as error:  # a defect of ours must not leave servers behind; its traceback is in the log
            logger.exception("the run failed")
            self.launch.failure = CannotMeasure(f"{type(error).__name__}: {error}")
        finally:
            self._over.set()

    def stop(self) -> None:
        """Take no more operations; waits a little for those in flight."""
        self._stopped = True
        if self._conductor is not None:
            self._conductor.stop()

    def close(self, requests: Callable[[], int]) -> int:
        """Bring everything down and write how it went, with Locust's own count at the end; returns the exit code.

        A second caller waits for the first: Locust may stop twice at once, and ends the process after either.
        """
        if self._closing:
            self._closed.wait()
        else:
            self._closing = True
            try:
                self._exit_code = self._close(requests)
            finally:
                self._closed.set()
        return self._exit_code

    def _close(self, requests: Callable[[], int]) -> int:
        self.progress = self.progress | {"state": "closing"}
        self._settle_greenlet()
        failure = self.launch.failure
        try:
            self._end_load()
        except (HarnessError, OSError) as error:
            failure = failure or CannotMeasure(str(error))
        try:
            if self._scenario is not None:
                self._scenario.tear_down()
        except (HarnessError, OSError) as error:
            failure = failure or CannotMeasure(str(error))
        finally:
            try:
                if self._services is not None:
                    self._services.close()
            except HarnessError as error:
                failure = failure or error
            self._events.close()
            gc.unfreeze()
            if self.launch.config.load.cpu_affinity:
                keep_to(self._cores)
        status, reason = self._verdict(failure)
        conductor = self._conductor
        self.launch.run.update_scenario(
            self._kind.name, status=status, reason=reason, ended=now_iso(), requests=requests(), slots=self._slots,
            measuring_s=conductor.measuring_ns / 1e9 if conductor else 0.0,
            dropped=conductor.dropped if conductor else 0,
            rows=self._rows(), trials=self._trial_records(), **self._crew_records(),
        )  # fmt: skip
        self.reason = reason
        code = failure.exit_code if failure else 0
        return worse(code, self._report()) if self.launch.owned else code

    def _prepare(self) -> None:
        launch, kind = self.launch, self._kind
        target.refuse_nothing_named(launch.config)
        if self._workers is not None and (why := kind.one_process(self._settings)):
            raise UsageError(f"{kind.name} {why}")
        self._progress({"state": "starting services"})
        with servers_apart(launch.config.load.cpu_affinity):
            self._services = target.up(kind.needs(self._settings), launch.config)
        if launch.config.target == "aws":
            self._narrow(self._services)
        launch.run.update_scenario(
            kind.name, servers=self._services.products, places=self._services.places,
            unavailable=self._services.unavailable,
        )  # fmt: skip
        self._slots_ready.wait()
        redactor = launch.run.redactor
        context = Context(
            config=launch.config, services=self._services, events=self._events, slots=self._slots,
            redact=redactor.text if redactor else str,
        )  # fmt: skip
        self._scenario = kind(self._settings, context)
        self._progress({"state": "loading data"})
        launch.run.update(dataset=dataset.load(launch.config.months).as_record())
        self._scenario.set_up()
        launch.run.update_scenario(kind.name, floors=floors.measure(self._scenario, context))
        trials = self._scenario.plan()
        crew = self._alone(self._scenario) if self._workers is None else self._with_workers(self._scenario)
        self._conductor = Conductor(
            self._scenario, trials, crew, self._events, on_progress=self._trial_begins, on_repeat=self._note_plan
        )
        launch.run.update_scenario(kind.name, slots=self._slots)
        self._note_plan()
        gc.collect()
        gc.freeze()

    def _narrow(self, services: Services) -> None:
        """Measure what of the settings managed services allow; the manifest keeps what was left out, and why."""
        name, config = self._kind.name, self.launch.config
        if self.launch.run.redactor is not None and (settings := getattr(services, "settings", None)) is not None:
            self.launch.run.redactor.learn(settings)  # the stack's outputs too
        narrowed = self._kind.on_aws(self._settings, services)
        self._settings = narrowed.settings
        self.launch.config = config.model_copy(update={"scenarios": config.scenarios | {name: narrowed.settings}})
        params = narrowed.settings.model_dump(mode="json")
        self.launch.run.update_scenario(name, params=params, left_out=dict(narrowed.left_out))

    def _alone(self, scenario: Scenario[Any]) -> Crew:
        """All slots are this process's."""
        path, submit = self.launch.run.samples_path(scenario.name, "0"), gevent.get_hub().threadpool.spawn
        self._recorder = Recorder(path, worker="0", extra=scenario.columns, submit=submit)
        self._performer = Performer(self._recorder, self._on_sample)
        return Alone(scenario, self._performer, self._slots)

    def _with_workers(self, scenario: Scenario[Any]) -> Crew:
        """The slots are those of Locust's workers, who are told here all that they need to know."""
        assert self._workers and self._services
        job = {
            "scenario": scenario.name,
            "config": self.launch.config.as_used(),
            "services": self._services.as_record(),
            "samples": str(self.launch.run.samples_path(scenario.name, "0").parent.resolve()),
            "slots": self._slots,
            "shared": {name: getattr(scenario, name) for name in scenario.shared},
        }
        self._opened = True
        self._workers.open(scenario, self._events, job)
        return self._workers

    def _end_load(self) -> None:
        """Close the samples, here and at the workers."""
        if self._performer is not None:
            self._performer.close()
        if self._recorder is not None:
            self._recorder.close()
        if self._workers is not None and self._opened:
            self._workers.close()
            path = self.launch.run.samples_path(self._kind.name, "sketches").with_suffix(".json")
            self._workers.sketches.write(path)
            if self._workers.failure:
                raise self._workers.failure

    def _rows(self) -> int | None:
        """Rows that are kept; None where nobody knows, since a worker on another machine was lost."""
        if self._recorder is not None:
            return self._recorder.rows
        return self._workers.rows() if self._workers is not None and self._opened else 0

    def _crew_records(self) -> dict[str, Any]:
        """What the manifest says of the workers; nothing of lost ones where none was."""
        if self._workers is None or not self._opened:
            return {"workers": []}
        return {"workers": self._workers.records} | ({"workers_lost": lost} if (lost := self._workers.lost) else {})

    def _settle_greenlet(self) -> None:
        """Wait for the run's own greenlet, or end it where it hangs in a set-up; not when it is the caller."""
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent() and not self._over.wait(3.0):
            self._greenlet.kill(timeout=10.0)

    def _verdict(self, failure: HarnessError | None) -> tuple[str, str | None]:
        conductor = self._conductor
        measured = bool(conductor and conductor.done)
        if failure:
            return ("partial" if measured else "not_measured"), str(failure)
        if conductor and conductor.done == conductor.planned:
            return "complete", None
        reason = self.launch.reason or "interrupted before the plan was done"
        return ("not_measured" if self._rows() == 0 else "partial"), reason

    def _trial_records(self) -> list[dict[str, Any]]:
        if self._conductor is None:
            return []
        conductor, unmeasured = self._conductor, self._conductor.failed | self._conductor.broken
        return [
            trial.as_record(done=conductor.was_done(trial))
            | ({"reason": reason} if (reason := unmeasured.get(trial.trial)) else {})
            for trial in conductor.trials
        ]

    def _note_plan(self) -> None:
        """Keep the trials in the manifest, in their order: were this process killed, nobody else would know them."""
        self.launch.run.update_scenario(self._kind.name, trials=self._trial_records(), **self._crew_records())

    def _say_what_failed(self, conductor: Conductor) -> None:
        """Trials that failed by themselves are what the run's end says, though all others were measured."""
        if conductor.failed:
            why = "; ".join(dict.fromkeys(conductor.failed.values()))
            said = f"{len(conductor.failed)} of {conductor.planned} trials not measured: {why}"
            self.launch.failure = CannotMeasure(said)

    def _trial_begins(self, done: int, planned: int, trial: Trial) -> None:
        self._progress({"state": "measuring", "done": done, "planned": planned, "arm": trial.arm, "step": trial.step})
        self.progress = self.progress | {"trial": trial.trial, "labels": dict(trial.labels)}

    def _progress(self, record: dict[str, Any]) -> None:
        """Tell the parent, if there is one that listens; else the log, at most once in two seconds."""
        self.progress = record
        if fd := os.environ.get(PROGRESS_VARIABLE):
            os.write(int(fd), (json.dumps(record) + "\n").encode())
        elif time.monotonic() - getattr(self, "_said_s", -10.0) > 2:
            self._said_s = time.monotonic()
            logger.info("%s", ", ".join(f"{key} {value}" for key, value in record.items()))

    def _report(self) -> int:
        """Close the run, make its report, judge its gates; what these come to as an exit code."""
        run, launch = self.launch.run, self.launch
        self.progress = self.progress | {"state": "making the report"}
        run.finish(launch.reason)
        run.point_latest()
        if make_report(run.path) not in (0, READER_GONE):  # its page was made before anything was said
            logger.error("no report could be made; the samples are in %s", run.path)
        judged, _ = launch.against.after_report(run.path, launch.config.gates, launch.baselines)
        return judged
