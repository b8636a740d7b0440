"""Runs scenarios one after the other, each in a Locust process of its own, into one run directory."""

import contextlib
import ctypes
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import gevent
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from harness import config as configuration
from harness import selftest_record, target
from harness.config import AwsSettings, Config
from harness.destination import Destination
from harness.dynamodb.pricing import Prices
from harness.errors import UsageError
from harness.gating import Against, about, judged_here, worse
from harness.launching import AWS_VARIABLE, RUN_VARIABLE
from harness.paths import PROJECT_ROOT
from harness.reader import READER_GONE
from harness.registry import known, load_scenario, locustfile, settings_models
from harness.report_child import report_of
from harness.run_record import run_record
from harness.rundir import RunDir, now_iso
from harness.session import PROGRESS_VARIABLE

INTERRUPTED = 130
_PR_SET_PDEATHSIG = 1
_STOP_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; ``as_json``: nothing is printed, all that there is to say is in the outcome's record."""

    scenarios: tuple[str, ...]
    profile: str | None
    target: str | None
    out: str | None
    seed: int | None
    overrides: tuple[str, ...]
    config: Path
    command: tuple[str, ...]
    against: Against = field(default_factory=Against)
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What there is to say at the end, to people and to programs."""

    exit_code: int
    lines: tuple[str, ...]
    record: Mapping[str, Any]


class ProgressView(Protocol):
    """Shows how far a scenario is."""

    def update(self, scenario: str, record: dict[str, Any]) -> None:
        """A scenario said where it is."""


def run(asked: Request, progress: ProgressView) -> Outcome:
    """Measure every scenario that was asked for, make the report, judge the gates; raises HarnessError for what can't start."""
    names = known(asked.scenarios)
    config, prices = checked(asked)
    gates = judged_here(config.gates)
    baselines = asked.against.runs(about(gates, names))
    elsewhere = Destination.of(asked.out) if asked.out else None
    directory = RunDir.create(
        Path(asked.out) if asked.out and not elsewhere else None,
        config, prices, source=asked.config.name, command=list(asked.command),
    )  # fmt: skip
    directory.update(selftest=selftest_record.latest())
    if elsewhere is not None:
        _begin_elsewhere(elsewhere, directory)
    interrupted = measure(names, directory, progress, config.aws)
    ignore_interrupts()
    directory.redact_logs()
    status = directory.finish(interrupted)
    directory.point_latest()
    reported, report = report_of(directory.path, as_json=asked.as_json)
    judged, gated = asked.against.after_report(directory.path, gates, baselines, as_json=asked.as_json)
    lines = list(_summary(directory, status))
    if elsewhere is not None:
        lines.append(f"{elsewhere.send(directory.path)} files are at {elsewhere.name} too")
    code = INTERRUPTED if interrupted else worse(_exit_code(directory, reported), judged)
    record = run_record(directory, code, report=report, gates=gated)
    return Outcome(exit_code=code, lines=tuple(lines), record=record)


def checked(asked: Request) -> tuple[Config, Prices]:
    """What was asked for, read and found in order before anything is begun; raises HarnessError with the way out."""
    known(asked.scenarios)
    config = configuration.load(
        asked.config,
        settings_models(),
        profile=asked.profile,
        target=asked.target,
        seed=asked.seed,
        overrides=asked.overrides,
    )
    target.refuse_nothing_named(config)
    return config, configuration.load_prices(config)


def _begin_elsewhere(elsewhere: Destination, directory: RunDir) -> None:
    """Show before anything is measured that the run can be kept there; else leave no empty run behind."""
    try:
        elsewhere.begin(directory.path)
    except UsageError:
        shutil.rmtree(directory.path)
        raise


def measure(
    names: Sequence[str],
    directory: RunDir,
    progress: ProgressView,
    aws: AwsSettings | None = None,
    words: Callable[[str], Sequence[str]] = lambda _: (),
) -> str | None:
    """One scenario after the other into ``directory``; None, or *interrupted* where Ctrl-C came before all were done.

    ``aws`` is that section of the configuration, which the manifest may not have as it is; ``words`` are what Locust is told
    besides, for a scenario.
    """
    interrupt_quietly()
    name = names[0]
    try:
        for name in names:
            progress.update(name, {"state": "starting"})
            code = _run_scenario(name, directory, progress, aws, words(name))
            _settle(directory, name, code)
    except KeyboardInterrupt:
        _settle(directory, name, None)
        return "interrupted"
    return None


@contextlib.contextmanager
def progress_on(console: Console) -> Iterator[ProgressView]:
    """A bar on a terminal, plain lines elsewhere."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("{task.description:16}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield _Bar(bar)


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar, self._tasks = bar, {}  # type: ignore[var-annotated]

    def update(self, scenario: str, record: dict[str, Any]) -> None:
        if scenario not in self._tasks:
            self._tasks[scenario] = self._bar.add_task(scenario, total=None, state="")
        task = self._tasks[scenario]
        self._bar.update(task, total=record.get("planned"), completed=record.get("done", 0), state=_words(record))
        if "planned" in record and record["done"] == record["planned"]:
            self._bar.stop_task(task)


class _Lines:
    """One line when the state changes, then one every ten seconds at most."""

    def __init__(self, console: Console) -> None:
        self._console, self._last = console, ("", "", 0.0)

    def update(self, scenario: str, record: dict[str, Any]) -> None:
        before, state, said_s = self._last
        finished = "planned" in record and record["done"] == record["planned"]
        if (scenario, record["state"]) != (before, state) or finished or time.monotonic() - said_s > 10:
            self._last = (scenario, record["state"], time.monotonic())
            self._console.print(f"{scenario}: {_words(record)}", markup=False)


def _words(record: dict[str, Any]) -> str:
    return f"trial {record['done']} of {record['planned']} done" if "planned" in record else record["state"]


def _run_scenario(
    name: str, directory: RunDir, progress: ProgressView, aws: AwsSettings | None, words: Sequence[str]
) -> int:
    """One Locust process for one scenario; stopped gently and then firmly when we are interrupted."""
    slots = str(load_scenario(name).default_slots)
    reader, writer = os.pipe()
    command = [
        sys.executable, "-m", "locust", "-f", str(locustfile(name)),
        "--headless", "-u", slots, "-r", "100", "--only-summary", "--loglevel", "INFO", *words,
    ]  # fmt: skip
    section = {AWS_VARIABLE: aws.model_dump_json()} if aws is not None else {}
    environment = os.environ | {RUN_VARIABLE: str(directory.path.resolve()), PROGRESS_VARIABLE: str(writer)} | section
    with directory.log_path(name).open("wb") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=PROJECT_ROOT, env=environment,
            pass_fds=(writer,), start_new_session=True, preexec_fn=die_with_parent,  # noqa: PLW1509 - one ctypes call
        )  # fmt: skip
    os.close(writer)
    try:
        _follow(name, reader, progress)
        return child.wait()
    except KeyboardInterrupt:
        stop(child)
        raise
    finally:
        os.close(reader)


def _follow(name: str, reader: int, progress: ProgressView) -> None:
    """Pass a scenario's progress on until it closes its end."""
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=1.0):
                continue
            data = os.read(reader, 65536)
            if not data:
                return
            *whole, pending = (pending + data).split(b"\n")
            for line in whole:
                progress.update(name, json.loads(line))


def stop(child: subprocess.Popen[bytes], patience_s: float = _STOP_PATIENCE_S) -> None:
    """Ask for an orderly end; a second interrupt, or too long a wait, kills (the warden then ends the servers)."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(patience_s)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


def die_with_parent() -> None:
    """In the child: SIGKILL when the parent is gone, so that kill -9 of us leaves no load running."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def interrupt_quietly() -> None:
    """The scenarios' modules bring gevent in, whose hub would print a Ctrl-C as a traceback before it passes it on."""
    hub = gevent.get_hub()
    hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)


def ignore_interrupts() -> None:
    """From here on only the report is made: an impatient second Ctrl-C must not lose it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _settle(directory: RunDir, name: str, code: int | None) -> None:
    """A scenario whose process died without closing its entry is closed here, with what its log says last."""
    entry = directory.manifest["scenarios"].get(name, {"status": "running"})
    if entry["status"] == "running":
        tail = directory.log_path(name).read_text(errors="replace").splitlines()[-5:]
        if code is None:
            how = "was stopped, since it didn't end when it was asked to"
        else:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        status = "partial" if any(directory.path.glob(f"samples/{name}.*")) else "not_measured"
        reason = f"the load process {how}" + (f"; its last lines: {' | '.join(tail)}" if tail else "")
        directory.update_scenario(name, status=status, reason=reason, ended=now_iso())


def _exit_code(directory: RunDir, reported: int) -> int:
    """0 when every scenario that was asked for came to its end; 3 otherwise."""
    statuses = {entry["status"] for entry in directory.manifest["scenarios"].values()}
    return 0 if reported in (0, READER_GONE) and statuses == {"complete"} else 3


def _summary(directory: RunDir, status: str) -> Iterator[str]:
    """What wasn't measured and why, and how long the rest took; the report's own process has said the findings."""
    manifest = directory.manifest
    for name, entry in manifest["scenarios"].items():
        if entry["status"] != "complete":
            yield f"warning: {name} is {entry['status'].replace('_', ' ')}: {entry['reason']}"
        for what, why in entry.get("unavailable", {}).items():
            yield f"warning: {name}: {what} not measured: {why}"
    if status == "partial":
        yield "this run is partial"
    seconds = sum(entry.get("measuring_s", 0.0) for entry in manifest["scenarios"].values())
    yield f"measured for {seconds:.0f} s; everything is in {directory.path}"
