"""What an operation costs when two worker processes make the load, beside one process that makes all of it.

``python -m benchmarks.crew``: both offer the same fixed rate, below saturation, to a server that does nothing. They are there at the
same time and take turns, trial by trial in random order, so that whatever else the machine does meets both. CPU an
operation is that of all processes that make load, all their threads, over their trials; the master, which makes none, is apart.
A process that wakes up for less at a time takes more for each operation: one process at half the rate, which is what each of two has to
do, shows how much of the difference that is.

``--instructions`` counts instructions instead of CPU time, under Valgrind, with everything that goes by the clock as much
slower as the processes are. ``--before`` names another checkout, whose two workers take their turns too.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from benchmarks import callgrind, servers
from benchmarks.crew_scenario import OVER, SLOWER_VARIABLE, TURN, TURNS_VARIABLE, CrewCost
from benchmarks.performance_arms import Servers
from harness.config import Config, load_prices
from harness.errors import CannotMeasure
from harness.launching import RUN_VARIABLE
from harness.local.processes import Warden, free_port
from harness.paths import PROJECT_ROOT
from harness.rundir import RunDir
from reports.stats import paired_ratio

ASKED_FOR = 1.1
SLOTS = 20
ONE, HALF, TWO, BEFORE = "one process", "one process at half the rate", "two workers", "two workers before"
ALONE = (ONE, HALF)
_SLOWER = 50.0  # of callgrind, about
_LOOK_EVERY_S = 0.01
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What every contestant is asked for; ``slower`` than the rate that is meant, where instructions are counted."""

    rate_per_s: float
    seconds: float
    pairs: int
    slower: float = 1.0

    @property
    def operations(self) -> int:
        """Of one trial."""
        return int(self.rate_per_s * self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One Locust that is up and waits for its turns."""

    name: str
    pace: Pace
    run: RunDir
    process: "subprocess.Popen[bytes]"

    def takes_turn(self, trial: int) -> None:
        """Let it do its next trial. Raises CannotMeasure where it doesn't."""
        (self.run.path / f"{TURN}.{trial}").touch()
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (self.run.path / f"{OVER}.{trial}").exists():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise CannotMeasure(
                    f"{self.name} didn't do trial {trial}: {self.run.log_path(CrewCost.name).read_text()}"
                )
            time.sleep(_LOOK_EVERY_S)

    def told(self) -> list[dict[str, float]]:
        """Of each trial what an operation cost, without and with the master. Raises CannotMeasure where a row is missing."""
        self.process.wait(_PATIENCE_S)
        operations = self.pace.operations
        events = [json.loads(line) for line in (self.run.path / "events.jsonl").read_text().splitlines()]
        done = {event["trial"]: event for event in events if event["kind"] == "generator" and event["trial"]}
        if any(event["attempts"] != operations for event in done.values()):
            raise CannotMeasure(f"{self.name} did {[event['attempts'] for event in done.values()]} operations a trial")
        return [
            {
                "cpu_us": 1e6 * sum(event["cpu_s"]) / operations,
                "with_master_us": 1e6 * (sum(event["cpu_s"]) + event["master_s"] * (self.name not in ALONE)) / operations,
                "instructions": sum(event["instructions"]) / operations,
            }
            for event in events
            if event["kind"] == "cpu" and event["trial"]
        ]  # fmt: skip


@contextmanager
def contestant(name: str, where: Servers, folder: Path, pace: Pace, checkout: Path) -> Iterator[Contestant]:
    """Start one of them."""
    if name == HALF:
        pace = replace(pace, rate_per_s=pace.rate_per_s / 2)
    settings = {
        "rate_per_s": pace.rate_per_s / pace.slower,
        "seconds": pace.seconds * pace.slower,
        "trials": pace.pairs,
    }
    config = Config(seed=1, scenarios={CrewCost.name: settings})
    run = RunDir.create(folder, config, load_prices(config), source="benchmarks", command=[])
    port = str(free_port())
    spread = [] if name in ALONE else ["--processes", "2", "--master-bind-port", port, "--master-port", port]
    here = str(run.path.resolve())
    environment = os.environ | where.as_environment() | {
        RUN_VARIABLE: here, TURNS_VARIABLE: here, SLOWER_VARIABLE: str(pace.slower), "PYTHONPATH": str(checkout),
    }  # fmt: skip
    counting: list[str] = []
    if pace.slower > 1:
        environment[callgrind.FOLDER_VARIABLE] = here
        counting = callgrind.command(run.path.resolve())
    command = [
        *counting, sys.executable, "-m", "locust", "-f", str(checkout / "benchmarks" / "crew_locustfile.py"), "--headless",
        "-u", str(SLOTS), "-r", "100", "--only-summary", *spread,
    ]  # fmt: skip
    with run.log_path(CrewCost.name).open("wb") as log:
        process = subprocess.Popen(
            command, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield Contestant(name=name, pace=pace, run=run, process=process)
        finally:
            process.terminate()
            process.wait()


def costs(
    names: Sequence[str], where: Servers, folder: Path, pace: Pace, checkouts: dict[str, Path], draw: random.Random
) -> dict[str, list[dict[str, float]]]:
    """Of each what its trials cost, in pairs."""
    with ExitStack() as up:
        contestants = [
            up.enter_context(contestant(name, where, folder / name, pace, checkouts.get(name, PROJECT_ROOT)))
            for name in names
        ]
        for trial in range(1 + pace.pairs):
            for one in draw.sample(contestants, len(contestants)):
                one.takes_turn(trial)
        return {one.name: one.told() for one in contestants}


def compared(what: str, unit: str, base: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> str:
    """A sentence: medians, and the mean ratio of a pair with its interval."""
    ratio = paired_ratio(base, other)
    span = "" if ratio.low is None else f" ({ratio.low:.3f} to {ratio.high:.3f})"
    return f"{what}: {np.median(base):,.1f} and {np.median(other):,.1f} {unit}: {ratio.ratio:.3f} times{span}"


def main(
    rate: Annotated[float, typer.Option(help="Operations a second")] = 5000.0,
    pairs: Annotated[int, typer.Option(help="How often both are measured")] = 40,
    seconds: Annotated[float, typer.Option(help="Length of a trial")] = 2.0,
    instructions: Annotated[bool, typer.Option(help="Count instructions instead, under Valgrind")] = False,
    before: Annotated[Path | None, typer.Option(help="Another checkout, measured beside")] = None,
    seed: int = 20260101,
) -> None:
    """One process and two, in turns; prints what an operation costs in each, and the ratio with its interval."""
    pace = Pace(rate_per_s=rate, seconds=seconds, pairs=pairs, slower=_SLOWER if instructions else 1.0)
    names, checkouts = [ONE, HALF, TWO], {}
    if before is not None:
        names.append(BEFORE)
        checkouts[BEFORE] = before.resolve()
    with closing(Warden.start()) as warden, tempfile.TemporaryDirectory() as folder:
        where = Servers(dynamodb_url=f"http://127.0.0.1:{servers.stub(warden).port}")
        found = costs(names, where, Path(folder), pace, checkouts, random.Random(seed))

    def all_of(name: str, what: str) -> npt.NDArray[np.float64]:
        return np.array([one[what] for one in found[name]])

    pairs_of = [(ONE, TWO), (ONE, HALF), (HALF, TWO)]
    if before is not None:
        pairs_of += [(ONE, BEFORE), (BEFORE, TWO)]
    typer.echo(f"{rate:,.0f}/s, {pairs} pairs of {seconds:g} s; asked for: {ASKED_FOR} at most")
    asked = [("instructions", "instructions", "an operation")]
    if not instructions:
        asked = [("CPU", "cpu_us", "µs an operation"), ("CPU with the master's", "with_master_us", "µs an operation")]
    for word, what, unit in asked:
        for base, other in pairs_of:
            typer.echo(compared(f"{word}, {base} and {other}", unit, all_of(base, what), all_of(other, what)))


if __name__ == "__main__":
    typer.run(main)
