"""How a report does at size: ten million samples from Parquet to all findings and charts, and its quantile step beside pandas'.

The run is made of a real one: ``python -m benchmarks.report_size RUN`` takes a run directory (a quick run of all scenarios) and makes of
each of its scenarios one with ten million samples. Every row is cut into as many as are needed, close beside each other in its own
trial, as if so many times as much had been in flight: their times are shifted by a microsecond each, their durations differ by up to
a tenth at random, their ids are new. So faults, expiries and phases stay where they were, and every analysis has its question still.
Where demand is stated in units, each part asks for its share of them. The plan and the events are the real run's own.

A report is a child process, as ever: wall time, CPU and peak memory are the child's. Where other processes had the cores that it
wanted, the time that they kept it off is told, and the time without that is held against what was asked for. The quantile step is p50, p95 and p99 of every
trial's latencies, ours and a plain ``groupby().quantile()`` in turns in one process, on the same rows in the same order.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.where import measured_on
from harness.paths import PROJECT_ROOT
from harness.samples.parts import compact
from reports import stats
from reports.load import Run
from reports.samples import trial_by_trial

ROWS, ROWS_A_FILE, ROWS_AT_ONCE = 10_000_000, 1_000_000, 100_000  # the recorder begins a new file after a million rows
GOAL_S, GOAL_GB, GOAL_TIMES = 10.0, 2.0, 3.0
PS = (50.0, 95.0, 99.0)
# A process of its own starts the report: what a child has used at most is counted from its parent's own size on. What its main thread
# waited for a core that other processes had is read (schedstat, its second number, ns) before the child is let go.
_MEASURES = """
import json, os, resource, subprocess, sys, time
began = time.perf_counter()
child = subprocess.Popen(sys.argv[1:])
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
wall_s = time.perf_counter() - began
kept_off_s = int(open(f"/proc/{child.pid}/schedstat").read().split()[1]) / 1e9
code, used = child.wait(), resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall_s, kept_off_s, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e9]))
sys.exit(code)
"""
_STEP_NS = 1_000
_TENTH = 0.1
_DURATIONS = ("get_ns", "db_ns", "set_ns", "waited_ns")
_UNITS = ("demand_units", "read_units", "write_units", "index_units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A run at size; ``times``: into how many each row was cut."""

    path: Path
    scenario: str
    rows: int
    times: int

    @property
    def megabytes(self) -> float:
        """Its samples on disk."""
        return sum(path.stat().st_size for path in (self.path / "samples").iterdir()) / 1e6


def make(source: Path, scenario: str, rows: int, out: Path) -> Made:
    """A run with one scenario of ``source``, at least so many samples in it."""
    (out / "samples").mkdir(parents=True)
    table = pa.concat_tables(
        [pq.read_table(path) for path in sorted((source / "samples").glob(f"{scenario}.*.parquet"))],
        promote_options="permissive",
    )
    times = -(-rows // len(table))
    _write(out / "samples" / f"{scenario}.0.arrows", table, times)
    manifest = json.loads((source / "manifest.json").read_text())
    entry = manifest["scenarios"][scenario]
    count = len(table) * times
    entry |= {"rows": count, "requests": count, "workers": None}
    manifest |= {"scenarios": {scenario: entry}, "hashes": {}}
    (out / "manifest.json").write_text(json.dumps(manifest))
    lines = (source / "events.jsonl").read_text().splitlines()
    mine = [line for line in lines if json.loads(line)["scenario"] == scenario]
    (out / "events.jsonl").write_text("".join(f"{line}\n" for line in mine))
    return Made(path=out, scenario=scenario, rows=count, times=times)


def _write(first: Path, table: pa.Table, times: int) -> None:
    """As the recorder does: streams of a million rows, each compacted."""
    rng, at_once = np.random.default_rng(1), max(1, ROWS_AT_ONCE // times)
    starts = iter(range(0, len(table), at_once))
    for number in range(-(-len(table) * times // ROWS_A_FILE) + 1):
        stream, written = first.with_suffix(f".{number:03d}.arrows") if number else first, 0
        with pa.OSFile(str(stream), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            while written < ROWS_A_FILE and (start := next(starts, None)) is not None:
                part = _cut(table.slice(start, at_once), times, rng)
                writer.write_table(part.combine_chunks())
                written += len(part)
        if not written:
            stream.unlink()
            return
        compact(stream, [(0, 0)])


def _cut(rows: pa.Table, times: int, rng: np.random.Generator) -> pa.Table:
    """Each row as so many, beside each other."""
    part = np.tile(np.arange(times), len(rows))
    table = rows.unify_dictionaries().take(pa.array(np.repeat(np.arange(len(rows)), times)))
    longer = rng.uniform(1 - _TENTH, 1 + _TENTH, len(table)) if times > 1 else np.ones(len(table))
    begins, ends = (table[name].to_numpy() for name in ("t_start", "t_end"))
    took, later = np.round((ends - begins) * longer).astype(np.int64), part * _STEP_NS
    changed: dict[str, Any] = {
        "t_intended": pc.add(table["t_intended"], pa.array(later)), "t_start": begins + later, "t_end": begins + later + took,
        "op_id": table["op_id"].to_numpy() * times + part,
    }  # fmt: skip
    for name in table.column_names:
        if name in _DURATIONS:
            changed[name] = pc.round(pc.multiply(table[name].cast(pa.float64()), pa.array(longer))).cast(pa.int64())
        elif name in _UNITS and "demand_units" in table.column_names:
            changed[name] = pc.divide(table[name], float(times))
    for name, values in changed.items():
        column = values if isinstance(values, pa.ChunkedArray) else pa.array(values)
        table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
    return table


@dataclass(frozen=True, slots=True)
class Report:
    """What a report's child took: wall seconds, how many of these other processes kept it off the cores, CPU seconds, and its peak
    memory in GB of 10⁹ bytes.
    """

    wall_s: float
    kept_off_s: float
    cpu_s: float
    peak_gb: float


def report(made: Made) -> Report:
    """Make the report of a run, in a child."""
    command = [sys.executable, "-c", _MEASURES, sys.executable, "-m", "reports", str(made.path), "--quiet"]
    return Report(*json.loads(subprocess.run(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, check=True).stdout))


def quantile_step(made: Made, rounds: int) -> Iterator[tuple[float, float]]:
    """Seconds of pandas' and of ours, round by round; ends the benchmark where they don't agree."""
    rows = Run.load(made.path).samples(made.scenario, ("trial", "t_start", "t_end"))
    trials = rows["trial"].to_numpy()
    order = trial_by_trial(trials, np.unique(trials).tolist(), np.ones(len(rows), dtype=bool))
    rows = rows.iloc[np.concatenate(list(order.values()))].reset_index(drop=True)
    frame = pd.DataFrame({"trial": rows["trial"], "took_us": (rows["t_end"] - rows["t_start"]) / 1e3})
    values, groups = frame["took_us"].to_numpy(), frame["trial"].to_numpy()
    for turn in range(rounds):
        ways: list[Callable[[], Any]] = [
            lambda: frame.groupby("trial")["took_us"].quantile(np.array(PS) / 100).unstack().to_numpy(),
            lambda: stats.grouped_percentiles(values, groups, PS)[1],
        ]
        found, seconds = [np.empty(0), np.empty(0)], [0.0, 0.0]
        for place in (0, 1) if turn % 2 else (1, 0):
            began = time.perf_counter()
            found[place] = ways[place]()
            seconds[place] = time.perf_counter() - began
        np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
        yield seconds[0], seconds[1]


def _print_reports(made: list[Made], rounds: int) -> None:
    print(
        "| scenario | samples | on disk | wall time | of it kept off the cores | without that | CPU | peak memory | asked for |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|--:|---|")
    for one in made:
        took = [report(one) for _ in range(rounds)]
        alone_s, peak_gb = (
            statistics.median(each.wall_s - each.kept_off_s for each in took),
            max(each.peak_gb for each in took),
        )
        reached = "reached" if alone_s <= GOAL_S and peak_gb <= GOAL_GB else "**missed**"
        wall_s, kept_off_s, cpu_s = (
            statistics.median(getattr(each, name) for each in took) for name in ("wall_s", "kept_off_s", "cpu_s")
        )
        print(
            f"| {one.scenario} | {one.rows:,} | {one.megabytes:.0f} MB | {wall_s:.1f} s | {kept_off_s:.1f} s | {alone_s:.1f} s | "
            f"{cpu_s:.1f} s | {peak_gb:.2f} GB | ≤ {GOAL_S:g} s and ≤ {GOAL_GB:g} GB: {reached} |",
            flush=True,
        )


def _print_quantiles(made: list[Made], rounds: int) -> None:
    print("\n| p50, p95 and p99 by trial | groups of | pandas | ours | times faster | 95 % interval | asked for |")
    print("|---|--:|--:|--:|--:|---|---|")
    for one in made:
        theirs, ours = zip(*quantile_step(one, rounds), strict=True)
        found = stats.paired_ratio(ours, theirs)
        trials = sum(trial["done"] for trial in Run.load(one.path).scenario(one.scenario)["trials"])
        interval = "–" if found.low is None or found.high is None else f"{found.low:.1f} – {found.high:.1f}"
        reached = "reached" if found.ratio >= GOAL_TIMES else "**missed**"
        print(
            f"| {one.scenario} | {one.rows // trials:,} | {statistics.median(theirs):.2f} s | {statistics.median(ours):.2f} s | "
            f"{found.ratio:.1f} | {interval} | ≥ {GOAL_TIMES:g}: {reached} |",
            flush=True,
        )


def main() -> None:
    """Make the runs, measure, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run directory whose samples are multiplied")
    parser.add_argument("--scenario", action="append", help="one of its scenarios; all where none is named")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=6)
    asked = parser.parse_args()
    names = asked.scenario or list(json.loads((asked.run / "manifest.json").read_text())["scenarios"])
    names.sort(key=lambda name: name != "cache_hit_rate")  # the one with most cells first
    with TemporaryDirectory() as folder:
        made = [make(asked.run, name, asked.rows, Path(folder) / name) for name in names]
        _print_reports(made, asked.rounds)
        _print_quantiles(made, asked.rounds)
    print("\nEach row was cut into " + ", ".join(f"{one.times} ({one.scenario})" for one in made) + ".")
    print(*measured_on(), sep="\n")


if __name__ == "__main__":
    main()
