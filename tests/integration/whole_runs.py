"""Starts the real command line in a child process, and looks whether anything of it is left."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from harness.local.processes import held_port
from reports.load import Run

ROOT = Path(__file__).resolve().parents[2]
MARK = "DBHARNESS_TEST_RUN"  # an environment variable that every process below a run inherits


@dataclass(frozen=True)
class Place:
    """Where one test's run goes: its directory, and a temporary directory of its own that must be empty afterwards."""

    run: Path
    temporary: Path
    mark: str
    port: int  # where Locust's workers find their master, not at the port that all have by default

    @property
    def environment(self) -> dict[str, str]:
        master = dict.fromkeys(("LOCUST_MASTER_BIND_PORT", "LOCUST_MASTER_NODE_PORT"), str(self.port))
        return os.environ | master | {"TMPDIR": str(self.temporary), MARK: self.mark}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "harness.cli", *words]

    def call(self, *words: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """The command line to its end."""
        return subprocess.run(
            self.command(*words), cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout_s
        )

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """The command line, in a session of its own, its output in a file beside the run."""
        with self.run.with_suffix(".log").open("wb") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.run.with_suffix(".log").read_text()

    def processes(self) -> list[psutil.Process]:
        """Everything alive that a run of this place has started, however it was adopted since."""
        return [process for process in psutil.process_iter(["name"]) if _belongs(process, self)]

    def leftovers(self, within_s: float = 10.0) -> list[str]:
        """Processes and temporary files that are still there; empty as it should be, at the latest after ``within_s``."""
        deadline = time.monotonic() + within_s
        while True:
            left = [f"{process.pid} {process.info['name']}" for process in self.processes()]  # which may be gone by now
            left += [path.name for path in self.temporary.iterdir()]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.05)

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.run / "manifest.json").read_text())
        return manifest

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The events of a kind that the run has written so far, in their order; none before it has begun."""
        path = self.run / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [event for event in map(json.loads, lines) if event["kind"] == kind]

    def samples(self, scenario: str) -> pd.DataFrame:
        return Run.load(self.run).samples(scenario)

    def rows(self, scenario: str) -> int:
        return len(self.samples(scenario))


def place(tmp_path: Path) -> Iterator[Place]:
    """A place whose temporary directory an unprivileged server can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="whole-run-", dir="/tmp") as temporary, held_port() as port:
        Path(temporary).chmod(0o755)
        here = Place(tmp_path / "run", Path(temporary), f"{os.getpid()}-{temporary}", port)
        yield here
        for process in here.processes():
            process.kill()


def until(condition: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(0.05)


def _belongs(process: psutil.Process, here: Place) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get(MARK) == here.mark or process.cwd().startswith(str(here.temporary))
    except psutil.Error:
        return False


def two_processes(scenario: str, out: Path, *words: str, sets: tuple[str, ...] = ()) -> list[str]:
    """Locust on a scenario with two load processes, four slots."""
    overrides = [word for one in sets for word in ("--harness-set", one)]
    return [
        sys.executable, "-m", "locust", "-f", f"scenarios/{scenario}.py", "--headless", "--processes", "2",
        "-u", "4", "-r", "4", "--only-summary", "--harness-profile", "smoke", "--harness-out", str(out),
        *overrides, *words,
    ]  # fmt: skip
