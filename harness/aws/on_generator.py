"""What runs on a load generator: ``python -m harness.aws.on_generator master|worker BUCKET REGION RUN``.

The master measures as ``dbharness run`` does, with Locust's workers on the other generators. A worker waits until the master
says in the bucket that a scenario is on whose load may come from several processes, and takes part in it. Each sends what it
wrote to the bucket; the report is made where the run was asked for.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gevent
import locust  # noqa: F401 - first of all: it patches sockets, threads and sleep
import pyarrow as pa
import pyarrow.fs

from harness import config as configuration
from harness import suite
from harness.aws.job import HOME, Job, Progress, job_key, prefix, progress_key
from harness.config import Config
from harness.destination import Destination
from harness.errors import CannotMeasure, HarnessError
from harness.registry import load_scenario, locustfile, settings_models
from harness.rundir import RunDir

WORKERS_PATIENCE_S = 300
_TELL_EVERY_S = 2.0
_LOOK_EVERY_S = 1.0
_SEND_EVERY_S = 60.0
_STOP_PATIENCE_S = 20.0
_WORKER_LATER_S = 120.0


class Place:
    """The run's folder of the bucket, through pyarrow with the instance's own role; ``options`` are a URL's, for tests."""

    def __init__(self, bucket: str, run: str, options: str) -> None:
        self.url = f"s3://{bucket}/{prefix(run)}?{options}"
        self._files, _ = pa.fs.FileSystem.from_uri(self.url)
        self._bucket = bucket

    def read(self, key: str) -> bytes | None:
        """A small object; None where there is none or it can't be had now."""
        try:
            with self._files.open_input_stream(f"{self._bucket}/{key}") as stream:
                body: bytes = stream.read()
        except OSError:
            return None
        return body

    def write(self, key: str, body: bytes) -> None:
        """Put a small object."""
        with self._files.open_output_stream(f"{self._bucket}/{key}") as stream:
            stream.write(body)


class Teller:
    """Passes a master's progress on, from a thread: the last word at most every two seconds, a new scenario at once."""

    def __init__(self, put: Callable[[Progress], None], spread: dict[str, bool]) -> None:
        self._put, self._spread = put, spread
        self._said, self._last = Progress(), Progress()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_telling, daemon=True)
        self._thread.start()

    def update(self, scenario: str, record: dict[str, Any]) -> None:
        """See :class:`harness.suite.ProgressView`."""
        self._last = Progress(scenario=scenario, record=record, spread=self._spread[scenario])
        if scenario != self._said.scenario:
            self._tell(self._last)

    def end(self) -> None:
        """The master measures no more: workers may go home."""
        self._over.set()
        self._thread.join()
        self._put(Progress(scenario=self._last.scenario, record=self._last.record, ended=True))

    def _keep_telling(self) -> None:
        while not self._over.wait(_TELL_EVERY_S):
            if (last := self._last) != self._said:
                self._tell(last)

    def _tell(self, progress: Progress) -> None:
        with contextlib.suppress(OSError):  # the next word gets through
            self._put(progress)
            self._said = progress


def spread_of(config: Config, names: Sequence[str], workers: int) -> dict[str, bool]:
    """Which scenarios' load comes from the workers; the others' is the master's alone."""
    kinds = {name: load_scenario(name) for name in names}
    return {
        name: workers > 0 and kind.distributable and kind.one_process(config.scenarios[name]) is None
        for name, kind in kinds.items()
    }


def master_words(job: Job, spread: dict[str, bool], name: str) -> tuple[str, ...]:
    """What Locust is told besides: to be a master at the private address, where workers take part."""
    if not spread[name]:
        return ()
    return (
        "--master", "--master-bind-host", job.master, "--master-bind-port", str(job.port),
        "--expect-workers", str(job.workers), "--expect-workers-max-wait", str(WORKERS_PATIENCE_S),
    )  # fmt: skip


def be_master(job: Job, place: Place, folder: Path) -> int:
    """Measure every scenario of the job; 0, 3 where something wasn't measured, 130 where it was stopped."""
    file = folder.with_suffix(".yaml")
    file.write_text(job.config)
    config = configuration.load(
        file, settings_models(), profile=job.profile, target=job.target, seed=job.seed, overrides=job.overrides
    )
    directory = RunDir.create(
        folder, config, configuration.load_prices(config), source="config.yaml", command=list(job.command)
    )
    elsewhere = Destination(place.url)
    elsewhere.begin(directory.path)
    spread = spread_of(config, job.scenarios, job.workers)
    told = Teller(lambda progress: place.write(progress_key(job.run), progress.to_json()), spread)
    sending = _Sending(elsewhere, directory.path)
    try:
        stopped = suite.measure(
            job.scenarios, directory, told, config.aws, lambda name: master_words(job, spread, name)
        )
    finally:
        told.end()
        sending.end()
    directory.redact_logs()
    directory.finish(stopped)
    elsewhere.send(directory.path)
    statuses = {entry["status"] for entry in directory.manifest["scenarios"].values()}
    return suite.INTERRUPTED if stopped else 0 if statuses == {"complete"} else 3


def be_worker(job: Job, place: Place, folder: Path, sleep: Callable[[float], None] = time.sleep) -> int:
    """Take part in every scenario that is spread, once, until the master has ended."""
    taken: set[str] = set()
    failed = 0
    folder.mkdir(parents=True, exist_ok=True)
    try:
        while True:
            text = place.read(progress_key(job.run))
            now = Progress.from_json(text) if text else Progress()
            if now.ended:
                return failed
            if now.spread and now.scenario not in taken:
                taken.add(now.scenario)
                failed = _work(job, now.scenario, folder) or failed
                Destination(place.url).send(folder)
            else:
                sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        Destination(place.url).send(folder)
        return suite.INTERRUPTED


def _work(job: Job, name: str, folder: Path) -> int:
    """One Locust worker; its log goes to the run's, under the host's name. Its exit code."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "locust", "-f", str(locustfile(name)), "--worker", "--master-host", job.master,
        "--master-port", str(job.port), "--loglevel", "INFO",
    ]  # fmt: skip
    with (logs / f"{name}.{os.uname().nodename}.log").open("wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_STOP_PATIENCE_S)
            child.kill()
            raise


class _Sending:
    """Keeps manifest and events in the bucket up to date: what a master that dies leaves behind."""

    def __init__(self, elsewhere: Destination, run: Path) -> None:
        self._elsewhere, self._run, self._over = elsewhere, run, threading.Event()
        self._thread = threading.Thread(target=self._keep_sending, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Send no more by itself."""
        self._over.set()
        self._thread.join()

    def _keep_sending(self) -> None:
        while not self._over.wait(_SEND_EVERY_S):
            with contextlib.suppress(HarnessError):
                self._elsewhere.send_only(self._run, ("events.jsonl", "manifest.json"))


def _interrupter() -> Callable[..., None]:
    """Raises KeyboardInterrupt where the caller is, whichever greenlet a signal or an alarm finds running."""
    main_greenlet, loop = gevent.getcurrent(), gevent.get_hub().loop

    def interrupt(*_: object) -> None:
        if gevent.getcurrent() is main_greenlet:
            raise KeyboardInterrupt
        loop.run_callback(main_greenlet.throw, KeyboardInterrupt)

    return interrupt


def main(words: Sequence[str]) -> int:
    """Do one part of the run; one line instead of a traceback for what a user can mend."""
    role, bucket, region, run, *more = words
    interrupt = _interrupter()
    for asked_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked_to_end, interrupt)
    home = Path(more[0]) if more else Path(HOME)
    place = Place(bucket, run, "&".join([f"region={region}", *more[1:]]))
    pid = home / f"{run}.{role}.pid"
    home.mkdir(parents=True, exist_ok=True)
    pid.write_text(str(os.getpid()))
    try:
        text = place.read(job_key(run))
        if text is None:
            raise CannotMeasure(
                f"s3://{bucket}/{job_key(run)}: can't be read; may the instance's role read the bucket?"
            )
        job = Job.from_json(text)
        # A worker goes when the master has closed the run; by itself only where that one is gone.
        gevent.spawn_later(job.most_s if role == "master" else job.most_s + _WORKER_LATER_S, interrupt)
        return (be_master if role == "master" else be_worker)(job, place, home / run)
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return suite.INTERRUPTED
    finally:
        pid.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
