"""``python -m benchmarks.twin``: the twin against dynalite, side by side on this machine, as a table of ratios.

Both hold the same data and get the same requests from ``wrk``, in rounds of a few seconds, in a seeded order; a ratio is of
pairs of the same round (docs/method.md), so what else the machine does in a round meets both. The stub is a server that
does nothing: what it manages is the most that ``wrk`` and Python's event loop allow here.
"""

import argparse
import platform
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks import workload
from benchmarks.driving import Driven, drive, load, scanning, script
from benchmarks.servers import Server, dynalite, stub, twin
from benchmarks.workload import Load, create, flights_table
from harness import dataset
from harness.errors import CannotMeasure
from harness.flights import serialised_items
from harness.local.processes import Warden
from reports.stats import paired_ratio
from tools import fetched
from tools.fetched import Program

SEED = 20260101
LEAST_PAIRS = 4  # fewer carry no interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How long to measure."""

    rounds: int
    seconds: int
    load_rounds: int
    loaded_flights: int
    whole_year: bool
    lines: frozenset[str] | None  # None: all of them


FULL = Extent(rounds=6, seconds=2, load_rounds=6, loaded_flights=5_000, whole_year=True, lines=None)
QUICK = Extent(
    rounds=2, seconds=1, load_rounds=1, loaded_flights=2_500, whole_year=False,
    lines=frozenset({"get", "put", "put_gsi", "query", "scan", "scan_range", "flights_range", "load"}),
)  # fmt: skip


def main() -> int:
    """Parse, measure, print; 3 when something needed can't be had."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.twin", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="some lines, two rounds of a second: under a minute, no intervals"
    )
    parser.add_argument("--only", metavar="NAMES", help="comma-separated lines: get,put,query,scan,…,load,year")
    words = parser.parse_args()
    extent = QUICK if words.quick else FULL
    if words.only:
        extent = replace(extent, lines=frozenset(words.only.split(",")))
    warden = Warden.start()
    try:
        measure(warden, extent)
    except CannotMeasure as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 3
    finally:
        warden.close()
    return 0


def measure(warden: Warden, extent: Extent) -> None:
    """All lines of the table, printed as they are done."""
    wrk = fetched.wrk()
    ours, theirs = twin(warden), dynalite(warden)
    rng = random.Random(SEED)
    folder = warden.scratch / "wrk"
    folder.mkdir()
    print(_header(wrk.version, theirs.version, extent))
    flights = workload.january()
    fresh_mb = {server.name: server.memory_mb for server in (ours, theirs)}
    for server in (ours, theirs):
        workload.prepare(server, flights)
    held_mb = {server.name: server.memory_mb for server in (ours, theirs)}
    print("\n| load | twin | dynalite | times faster | 95 % interval | asked for | CPU an answer |")
    print("|---|--:|--:|--:|---|--:|--:|")
    for line in workload.loads(rng):
        if _wanted(extent, line.name):
            _compare(line, wrk, (ours, theirs), folder, extent, rng)
    if _wanted(extent, "load"):
        _compare_loads((ours, theirs), flights[: extent.loaded_flights], extent, rng)
    if _wanted(extent, "get"):
        _ceiling(wrk, warden, (ours, theirs), folder, extent, rng)
        _tails(wrk, (ours, theirs), folder, extent)
    print(f"\nMemory (RSS) with {len(flights):,} flights, one GSI on them, and 37,000 other items:")
    for server in (ours, theirs):
        print(f"  {server.name}: {fresh_mb[server.name]:.0f} MB empty, {held_mb[server.name]:.0f} MB loaded")
    if extent.whole_year and _wanted(extent, "year"):
        _whole_year(warden)


def _wanted(extent: Extent, name: str) -> bool:
    return extent.lines is None or name in extent.lines


def _header(wrk_version: str, dynalite_version: str, extent: Extent) -> str:
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return (
        f"twin {version('dbharness')} ({head.stdout.strip() or 'no commit'}), Python {platform.python_version()}; dynalite "
        f"{dynalite_version}, node {_said('node', '--version')}; wrk {wrk_version}; {_cpu()}; seed {SEED}; {extent.rounds} rounds "
        f"of {extent.seconds} s"
    )


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _cpu() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} × {names[0].partition(':')[2].strip()}" if names else platform.machine()


def _interleaved(
    measures: Mapping[str, Callable[[], float]], rounds: int, rng: random.Random
) -> dict[str, list[float]]:
    """Each round takes every measure once, in a drawn order."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name in rng.sample(list(measures), len(measures)):
            taken[name].append(measures[name]())
    return taken


def _compare(
    line: Load, wrk: Program, servers: Sequence[Server], folder: Path, extent: Extent, rng: random.Random
) -> None:
    path = script(folder, line.name, line.operation, line.bodies)
    cpu_us: dict[str, list[float]] = {server.name: [] for server in servers}

    def measure_one(server: Server) -> float:
        began_s = server.cpu_s
        seen = drive(wrk, server, path, connections=line.connections, seconds=extent.seconds)
        cpu_us[server.name].append((server.cpu_s - began_s) / seen.requests * 1e6)
        return float(getattr(seen, line.figure))

    taken = _interleaved({s.name: partial(measure_one, s) for s in servers}, extent.rounds, rng)
    unit = "/s" if line.figure == "per_second" else " µs"
    _print_ratio(line.title, taken, unit, line.goal, cpu_us)


def _print_ratio(
    title: str, taken: Mapping[str, list[float]], unit: str, goal: float | None, cpu_us: Mapping[str, list[float]]
) -> None:
    """One line of the table; a rate is better when higher, a time when lower."""
    pair = [taken["twin"], taken["dynalite"]]
    found = paired_ratio(*(pair if unit == " µs" else reversed(pair)))
    carries = found.n >= LEAST_PAIRS and found.low is not None and found.high is not None
    interval = f"{found.low:.2f} – {found.high:.2f}" if carries else "–"
    wanted = "–" if goal is None else f"≥ {goal:g}"
    ours, theirs = (f"{median(values):,.0f}{unit}" for values in pair)
    cpu = " : ".join(f"{median(cpu_us[name]):,.0f}" for name in ("twin", "dynalite")) + " µs" if cpu_us else "–"
    print(f"| {title} | {ours} | {theirs} | {found.ratio:.2f} | {interval} | {wanted} | {cpu} |", flush=True)


def _compare_loads(servers: Sequence[Server], flights: list[bytes], extent: Extent, rng: random.Random) -> None:
    for by_dest in (False, True):

        def measure_one(server: Server, *, by_dest: bool = by_dest) -> float:
            create(server, flights_table("loaded", by_dest=by_dest))
            rate = len(flights) / load(server, "loaded", flights)
            server.call("DeleteTable", {"TableName": "loaded"})
            server.await_gone("loaded")
            return rate

        taken = _interleaved({s.name: partial(measure_one, s) for s in servers}, extent.load_rounds, rng)
        title = f"BatchWriteItem, {len(flights):,} flights{', one GSI' if by_dest else ''}"
        _print_ratio(title, taken, "/s", None, {})


def _ceiling(
    wrk: Program, warden: Warden, servers: Sequence[Server], folder: Path, extent: Extent, rng: random.Random
) -> None:
    """GetItem of both beside a server that does nothing."""
    path = folder / "get.lua"
    servers = (*servers, stub(warden))
    cpu_us: dict[str, list[float]] = {server.name: [] for server in servers}

    def measure_one(server: Server) -> float:
        began_s = server.cpu_s
        seen = drive(wrk, server, path, connections=20, seconds=extent.seconds)
        cpu_us[server.name].append((server.cpu_s - began_s) / seen.requests * 1e6)
        return seen.per_second

    taken = _interleaved({s.name: partial(measure_one, s) for s in servers}, extent.rounds, rng)
    of_stub = paired_ratio(taken["stub"], taken["twin"])
    of_dynalite = paired_ratio(taken["dynalite"], taken["stub"])
    print(
        f"\nThe stub manages {median(taken['stub']):,.0f} answers/s, {of_dynalite.ratio:.2f} times dynalite's GetItem; "
        f"the twin's GetItem is {of_stub.ratio:.0%} of the stub. CPU an answer: "
        + ", ".join(f"{name} {median(values):.1f} µs" for name, values in cpu_us.items())
    )


def _tails(wrk: Program, servers: Sequence[Server], folder: Path, extent: Extent) -> None:
    """GetItem's tail alone, and while one connection scans all flights over and over."""
    path = folder / "get.lua"
    print("\n| GetItem, 20 connections | answers/s | p50 | p99 | p99.9 |\n|---|--:|--:|--:|--:|")
    for server in servers:
        for beside in (False, True):
            seen: list[Driven] = []
            for _ in range(extent.load_rounds):
                with scanning(server, "flights") if beside else nullcontext():
                    seen.append(drive(wrk, server, path, connections=20, seconds=extent.seconds))
            rate = median(one.per_second for one in seen)
            p50, p99, p999 = (median(getattr(one, p) for one in seen) / 1000 for p in ("p50_us", "p99_us", "p999_us"))
            title = f"{server.name}, {'beside a full Scan' if beside else 'alone'}"
            print(f"| {title} | {rate:,.0f} | {p50:.2f} ms | {p99:.2f} ms | {p999:.2f} ms |", flush=True)


def _whole_year(warden: Warden) -> None:
    """All flights into a twin of their own, month by month so that the client stays small."""
    server = twin(warden, "year")
    create(server, flights_table("flights"))
    count, took_s = 0, 0.0
    for month in range(1, 13):
        flights = serialised_items(dataset.load([month]))
        count += len(flights)
        took_s += load(server, "flights", flights)
    print(
        f"\nAll {count:,} flights with one GSI: {count / took_s:,.0f} flights/s over four connections, "
        f"{server.memory_mb:,.0f} MB (RSS)"
    )


if __name__ == "__main__":
    sys.exit(main())
