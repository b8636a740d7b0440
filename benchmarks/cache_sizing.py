"""How fast `dbharness plan-cache` sizes: ten million accesses, beside a plain LRU cache that plays them through at one size.

Keys are drawn by Zipf(0.99) from a million. Both sides take the same trace in turns; a ratio is of one round. What a first call
pays for compiling isn't in it. Run it on a quiet machine: ``python -m benchmarks.cache_sizing``.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.planner import timed
from harness import cache_planning
from harness.cache.sizing.curve import GROUPS, Accesses, exact_curve, sampled_curve
from harness.cache.sizing.kernel import DELETE, READ, WRITE, distances
from harness.cache.sizing.reference import simulate
from harness.cache.sizing.theory import zipf

KEYS, ALPHA, GOAL_S = 1_000_000, 0.99, 20.0


def trace_of(count: int, seed: int = 7) -> Accesses:
    """Reads only; values of 100 to 1,999 bytes, a size for each key."""
    rng = np.random.default_rng(seed)
    drawn = np.searchsorted(np.cumsum(zipf(KEYS, ALPHA)), rng.random(count)).clip(max=KEYS - 1)
    keys = rng.permutation(KEYS)[drawn].astype(np.int64)
    return Accesses(
        keys=keys, kinds=np.zeros(count, dtype=np.int8), value_bytes=100 + keys * 7 % 1_900,
        key_bytes=np.full(KEYS, 7, dtype=np.int64),
    )  # fmt: skip


def seconds_of(act: Callable[[], object]) -> float:
    """How long it takes, by the wall."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def beside_plain(trace: Accesses, rounds: int, capacity: int) -> None:
    """All sizes at once against one size by access, in turns; and the hit rates of both, which must be the same."""
    one = np.ones_like(trace.keys)
    plain = list(zip(trace.keys.tolist(), one.tolist(), trace.kinds.tolist(), strict=True))
    ratios = []
    for number in range(rounds):
        ours, theirs = lambda: exact_curve(trace, one), lambda: simulate(plain, capacity)
        first, second = (ours, theirs) if number % 2 == 0 else (theirs, ours)
        took = {first: seconds_of(first), second: seconds_of(second)}
        ratios.append(took[theirs] / took[ours])
        print(f"round {number + 1}: all sizes {took[ours]:.2f} s, one size {took[theirs]:.2f} s", flush=True)
    hits = simulate(plain, capacity)
    print(
        f"one pass over all sizes takes {1 / statistics.median(ratios):.2f} (median of {rounds} rounds, "
        f"{1 / max(ratios):.2f}–{1 / min(ratios):.2f}) of what a plain LRU cache in Python takes for one; at {capacity:,} entries "
        f"they hit {exact_curve(trace, one).hit_rate(capacity):.6f} and {sum(hits) / len(hits):.6f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accesses", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="beside a plain cache; 0 leaves them out")
    asked = parser.parse_args()
    few, trace = trace_of(1_000), trace_of(asked.accesses)
    exact_curve(few, few.charges(80))
    count = f"{asked.accesses:,} accesses"
    timed(f"{count}, every size in entries", lambda: exact_curve(trace, np.ones_like(trace.keys)), GOAL_S)
    timed(f"{count}, every size in bytes", lambda: exact_curve(trace, trace.charges(80)), GOAL_S)
    rng = np.random.default_rng(8)
    kinds = rng.choice([READ, WRITE, DELETE], asked.accesses, p=[0.9, 0.07, 0.03]).astype(np.int8)
    timed(
        f"{count}, 7 % writes and 3 % deletes, in bytes",
        lambda: distances(trace.keys, trace.charges(80), kinds, KEYS),
        GOAL_S,
    )
    mine, groups = rng.random(KEYS) < 0.01, rng.integers(0, GROUPS, KEYS).astype(np.int8)
    sample = trace.chosen(mine[trace.keys])
    timed(
        f"a sample of 1 % of the keys ({len(sample.keys):,} accesses), with its error",
        lambda: sampled_curve(sample, sample.charges(80), rate=0.01, groups=groups, reads=asked.accesses),
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "trace.csv"
        names = pa.array([f"k{key:06}" for key in range(KEYS)])
        table = pa.table({"key": names.take(pa.array(trace.keys)), "bytes": trace.value_bytes})
        pa.csv.write_csv(table, path)
        del table
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        timed(
            f"dbharness plan-cache of {path.stat().st_size / 1e6:.0f} MB of CSV, both curves and the answer",
            lambda: cache_planning.plan(cache_planning.Request(trace=path, reads_per_s=1_000)).as_record(),
            GOAL_S,
        )
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"{'':64} {grown:8.0f} MB more at its peak")
    if asked.rounds:
        beside_plain(trace, asked.rounds, KEYS // 10)


if __name__ == "__main__":
    main()
