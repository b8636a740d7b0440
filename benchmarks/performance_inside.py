"""Runs arms of :mod:`benchmarks.performance_scenario` in one Locust process, and reads the figures from what that has recorded."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.performance_arms import MANY, Servers
from benchmarks.performance_others import Figures
from benchmarks.performance_scenario import ToolCost
from harness.config import Config, load_prices
from harness.errors import CannotMeasure
from harness.launching import RUN_VARIABLE
from harness.paths import PROJECT_ROOT
from harness.rundir import RunDir

_TIMEOUT_S = 180.0
_LOG_LINES = 30


def inside_locust(
    arms: Sequence[str], seconds: float, servers: Servers, folder: Path, seed: int
) -> Mapping[str, Figures]:
    """Each arm once, in the order that ``seed`` draws; CannotMeasure when any row isn't *ok* or Locust counted others."""
    config = Config(seed=seed, scenarios={ToolCost.name: {"arms": list(arms), "seconds": seconds}})
    run = RunDir.create(folder / f"run-{seed}", config, load_prices(config), source="benchmarks", command=[])
    command = [
        sys.executable, "-m", "locust", "-f", str(PROJECT_ROOT / "benchmarks" / "performance_locustfile.py"),
        "--headless", "-u", str(MANY), "-r", "100", "--only-summary", "--loglevel", "INFO",
    ]  # fmt: skip
    environment = os.environ | {RUN_VARIABLE: str(run.path.resolve())} | servers.as_environment()
    log = run.log_path(ToolCost.name)
    with log.open("wb") as file:
        subprocess.run(
            command, cwd=PROJECT_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            check=False, timeout=_TIMEOUT_S,
        )  # fmt: skip
    entry = run.manifest["scenarios"].get(ToolCost.name, {"status": "not begun", "reason": None})
    if entry["status"] != "complete":
        raise CannotMeasure(f"inside Locust: {entry['status']}: {entry['reason']}\n{_said(log)}")
    return _figures(run, entry)


def _said(log: Path) -> str:
    """What Locust's log says before and after its tables."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if "|" not in line and line.strip()]
    return "\n".join(lines[-_LOG_LINES:])


def _figures(run: RunDir, entry: Mapping[str, Any]) -> dict[str, Figures]:
    parts = [
        pq.read_table(path, columns=["trial", "outcome", "t_start", "t_end"])
        for path in sorted((run.path / "samples").glob(f"{ToolCost.name}.*.parquet"))
    ]
    rows = pa.concat_tables(parts).unify_dictionaries()
    failed = pc.sum(pc.not_equal(rows["outcome"].cast(pa.string()), "ok")).as_py()
    if failed or rows.num_rows != entry["requests"]:
        raise CannotMeasure(
            f"inside Locust: {failed} of {rows.num_rows} rows aren't ok, Locust counted {entry['requests']} requests"
        )
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    spent = {event["trial"]: event for event in events if event["kind"] == "cpu"}
    numbers = rows["trial"].to_numpy()
    times_ns = rows["t_end"].to_numpy() - rows["t_start"].to_numpy()
    found: dict[str, Figures] = {}
    for trial in entry["trials"]:
        if trial["pair"]:  # the first is the warm-up
            own = times_ns[numbers == trial["trial"]]
            cpu = spent[trial["trial"]]
            found[trial["arm"]] = Figures(
                operations=len(own), cpu_s=cpu["cpu_s"], wall_s=cpu["wall_s"], p50_us=float(np.median(own)) / 1e3
            )
    return found
