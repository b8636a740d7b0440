"""What an operation costs when two worker processes make the load, beside one process that makes all of it.

``python -m benchmarks.crew``: both offer the same fixed rate, below saturation, to a server that does nothing, in turns. CPU an
operation is that of all processes that make load, all their threads, over their trials; the master, which makes none, is apart.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks import servers
from benchmarks.crew_scenario import CrewCost
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
_TIMEOUT_S = 180.0


def cost_us(
    processes: int, where: Servers, folder: Path, *, rate_per_s: float, seconds: float, trials: int
) -> tuple[float, list[float]]:
    """CPU an operation in µs over one run's trials, and the share of a core that each process had; CannotMeasure where a row is missing."""
    settings = {"rate_per_s": rate_per_s, "seconds": seconds, "trials": trials}
    config = Config(seed=1, scenarios={CrewCost.name: settings})
    run = RunDir.create(folder, config, load_prices(config), source="benchmarks", command=[])
    port = str(free_port())
    spread = ["--processes", str(processes), "--master-bind-port", port, "--master-port", port] if processes > 1 else []
    command = [
        sys.executable, "-m", "locust", "-f", str(PROJECT_ROOT / "benchmarks" / "crew_locustfile.py"), "--headless",
        "-u", str(SLOTS), "-r", "100", "--only-summary", *spread,
    ]  # fmt: skip
    environment = os.environ | {RUN_VARIABLE: str(run.path.resolve())} | where.as_environment()
    log = run.log_path(CrewCost.name)
    with log.open("wb") as file:
        subprocess.run(
            command, cwd=PROJECT_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            check=False, timeout=_TIMEOUT_S,
        )  # fmt: skip
    entry = run.manifest["scenarios"].get(CrewCost.name, {"status": "not begun", "reason": None})
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    done = {event["trial"]: event["attempts"] for event in events if event["kind"] == "generator" and event["trial"]}
    spent = {event["trial"]: event["cpu_s"] for event in events if event["kind"] == "cpu" and event["trial"]}
    if entry["status"] != "complete" or sum(done.values()) != int(rate_per_s * seconds) * trials:
        raise CannotMeasure(
            f"{processes} processes: {entry['status']}, {entry['reason']}; {sum(done.values())} operations"
        )
    shares = np.array([spent[trial] for trial in done]) / seconds
    return 1e6 * float(shares.sum()) * seconds / sum(done.values()), shares.mean(axis=0).tolist()


def main(
    rate: Annotated[float, typer.Option(help="Operations a second")] = 1500.0,
    rounds: Annotated[int, typer.Option(help="How often both are measured")] = 6,
    seconds: Annotated[float, typer.Option(help="Length of a trial")] = 3.0,
    trials: Annotated[int, typer.Option(help="Trials of one run")] = 2,
    seed: int = 20260101,
) -> None:
    """One process and two, in turns; prints what an operation costs in each, and the ratio with its interval."""
    draw, costs = random.Random(seed), dict[int, list[float]]({1: [], 2: []})
    with closing(Warden.start()) as warden, tempfile.TemporaryDirectory() as folder:
        where = Servers(dynamodb_url=f"http://127.0.0.1:{servers.stub(warden).port}")
        for number in range(rounds):
            for processes in draw.sample((1, 2), 2):
                place = Path(folder) / f"{number}-{processes}"
                cost, shares = cost_us(processes, where, place, rate_per_s=rate, seconds=seconds, trials=trials)
                costs[processes].append(cost)
                told = " + ".join(f"{share:.2f}" for share in shares)
                typer.echo(
                    f"round {number + 1}, {processes} process{'es' * (processes > 1)}: {cost:.1f} µs an operation, {told} of a core"
                )
    ratio = paired_ratio(np.array(costs[1]), np.array(costs[2]))
    span = "" if ratio.low is None else f" ({ratio.low:.3f} to {ratio.high:.3f})"
    typer.echo(
        f"{rate:,.0f}/s: one process {np.median(costs[1]):.1f} µs, two {np.median(costs[2]):.1f} µs: {ratio.ratio:.3f} times{span}; "
        f"asked for: {ASKED_FOR} at most"
    )


if __name__ == "__main__":
    typer.run(main)
