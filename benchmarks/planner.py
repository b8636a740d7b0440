"""How fast `dbharness plan` replays: a year of one table over its settings, a thousand keys for a month, ten million rows.

Figures of CPU and of the wall, warm, and what the first call of a fresh process pays for compiled code: from scratch, and
from what is kept on disk. Run it on a quiet machine: ``python -m benchmarks.planner``.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from harness import config
from harness.config import Config
from harness.demand.files import read_trace
from harness.dynamodb.planner.model import Assumptions, Demand, Fixed
from harness.dynamodb.planner.plan import make_plan
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.planner.search import Wanted, search
from harness.paths import PROJECT_ROOT

DAY = 1_440
YEAR, MONTH = 365 * DAY, 30 * DAY
KEYS = 1_000
FIRST_CALL = (
    "import time; began = time.perf_counter(); import numpy as np; from harness.dynamodb.planner.replay import Replayer; "
    "from harness.dynamodb.planner.model import *; from harness.dynamodb.autoscaling import Policy; "
    "one = Policy(target_percent=70, minimum=1, maximum=9); r = Replayer(Demand(start_s=0, read=np.ones(9), write=np.ones(9)), "
    "Assumptions(key_shares=(0.5,))); [r.replay(s) for s in (OnDemand(), Fixed(read=1, write=1), Autoscaled(read=one, write=one))]; "
    "r.lane_fixed('read', 1); print(time.perf_counter() - began)"
)


def demand_of(minutes: int, seed: int = 6) -> Demand:
    """Days with a peak, and noise that makes every minute another."""
    rng = np.random.default_rng(seed)
    day = 300 + 250 * np.sin(np.arange(minutes) / DAY * 2 * np.pi)
    read = np.round(60 * day * rng.lognormal(0, 0.3, minutes))
    return Demand(start_s=0, read=read, write=np.round(read / 5))


def timed(what: str, act: Callable[[], object], goal_s: float | None = None) -> float:
    """Do it once and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    goal = f"   goal {goal_s:g} s" if goal_s else ""
    print(f"{what:64} {wall_s:8.2f} s wall {cpu_s:8.2f} s CPU{goal}", flush=True)
    return wall_s


def first_call(cache: str | None) -> float:
    """Seconds from a fresh process's import to the last of its first replays."""
    environment = dict(os.environ) | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    command = [sys.executable, "-c", FIRST_CALL]
    done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def write_rows(path: Path, rows: int) -> None:
    """A trace a second apart."""
    start = np.datetime64("2026-01-01T00:00:00")
    with path.open("w") as file:
        file.write("time,reads_per_s,writes_per_s,item_bytes\n")
        for block in range(0, rows, 100_000):
            at = np.arange(block, min(block + 100_000, rows))
            times = np.datetime_as_string(start + at.astype("timedelta64[s]"))
            file.writelines(
                f"{one}Z,{number % 700},{number % 90},430\n" for one, number in zip(times, at.tolist(), strict=True)
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the trace that is read; 0 leaves it out")
    asked = parser.parse_args()
    prices = config.load_prices(Config())
    with TemporaryDirectory() as folder:
        print(
            f"first call of a process, compiled from scratch {first_call(folder):6.2f} s, from disk {first_call(folder):6.2f} s"
        )
    year, month = demand_of(YEAR), demand_of(MONTH)
    replayer = Replayer(year)
    replayer.outcome(Fixed(read=1, write=1), prices)
    search(demand_of(DAY), prices, Wanted(most_throttled=0.001), Assumptions(), levels=2)
    Replayer(demand_of(DAY), Assumptions(key_shares=(0.1,)))
    levels = np.unique(np.geomspace(100, 1_500, 200).astype(int)).tolist()
    wanted = Wanted(most_throttled=0.001)
    timed(
        f"a year of one table, {len(levels)} fixed capacities of both kinds",
        lambda: [replayer.outcome(Fixed(read=level, write=level // 5), prices) for level in levels],
        5,
    )
    count = len(search(demand_of(DAY), prices, wanted, Assumptions()).outcomes)
    timed(
        f"a year of one table, every setting (about {count}) and the choice",
        lambda: search(year, prices, wanted, Assumptions()),
        5,
    )
    timed("the whole plan of that year, with its five variations", lambda: make_plan(year, prices, wanted))
    shares = Assumptions(key_shares=(0.9 / KEYS,) * KEYS)
    timed(
        f"{KEYS:,} keys, each a partition, 30 days by the minute",
        lambda: Replayer(month, shares).outcome(Fixed(read=600, write=120), prices),
        2,
    )
    if asked.rows:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "trace.csv"
            write_rows(path, asked.rows)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            timed(f"{asked.rows:,} rows of CSV ({path.stat().st_size / 1e6:.0f} MB)", lambda: read_trace([path]))
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            print(f"{'':64} {grown:8.0f} MB more at its peak")


if __name__ == "__main__":
    main()
