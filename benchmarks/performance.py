"""``python -m benchmarks.performance``: what the clients, the recorder and the arrivals cost, beside other people's tools.

Each group of lines has its server; in each round every arm of the group is measured once, in a drawn order, so that what else
the machine does meets all of them; a ratio is of pairs of the same round (docs/method.md). A whole run writes
docs/performance.md; ``--quick`` and ``--only`` print the table and write nothing.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks import performance_others as others
from benchmarks import performance_page as page
from benchmarks import servers
from benchmarks.performance_arms import KEYS, ROWS, Servers
from benchmarks.performance_inside import inside_locust
from benchmarks.performance_lines import CORE, LINES, Rounds
from benchmarks.performance_others import Figures
from harness.cache.client import CacheClient
from harness.errors import CannotMeasure
from harness.local.processes import Warden
from harness.local.services import LocalServices
from harness.paths import PROJECT_ROOT
from harness.services import Needs
from harness.sql.connections import connect

SEED = 20260101
VALUE = b"x" * 400  # what a key of the cache holds
ROWS_ON_DISK = 300_000
Measure = Callable[[int], Mapping[str, Figures]]  # the round's number decides the order inside Locust
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How long to measure: rounds, and the seconds of one arm in one round."""

    rounds: int
    seconds: float
    groups: tuple[str, ...]


def main() -> int:
    """Parse, measure, print or write; 3 when a group couldn't be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance", description=__doc__.splitlines()[0])
    groups = (*LINES, *CORE)
    parser.add_argument("--quick", action="store_true", help="two rounds of a second: no intervals, nothing written")
    parser.add_argument("--only", metavar="GROUPS", help=f"comma-separated, of {', '.join(groups)}; nothing written")
    parser.add_argument("--rounds", type=int, help="rounds; below 6 no interval can exclude chance")
    parser.add_argument("--seconds", type=float, help="of one arm in one round")
    parser.add_argument("--page", type=Path, help="the page to write; docs/performance.md when everything is measured")
    words = parser.parse_args()
    chosen = tuple(words.only.split(",")) if words.only else groups
    if unknown := set(chosen) - set(groups):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; there are {', '.join(groups)}")
    extent = Extent(
        rounds=words.rounds or (2 if words.quick else 6), seconds=words.seconds or (1 if words.quick else 2), groups=chosen
    )  # fmt: skip
    target = words.page or (None if words.quick or words.only else PROJECT_ROOT / "docs" / "performance.md")
    measured = measure(extent, lambda line: print(line, file=sys.stderr, flush=True))
    text = page.render(measured, rounds=extent.rounds, seconds=extent.seconds, seed=SEED)
    if target is None:
        print(text)
    else:
        target.write_text(text)
        print(f"written: {target}")
    return 3 if measured.missing else 0


def measure(extent: Extent, say: Say) -> page.Measured:
    """All groups that are asked for, one after the other; one that can't be measured says why and leaves the others."""
    found = page.Measured(rows=[], arms={}, products={}, missing={})
    with contextlib.closing(Warden.start()) as warden:
        folder = warden.scratch / "performance"
        folder.mkdir()
        for group in extent.groups:
            try:
                if group in LINES:
                    with _GROUPS[group](warden, folder, extent.seconds) as (measures, products):
                        rounds = _rounds(group, measures, extent.rounds, say)
                    found.products.update(products)
                    known = rounds[0].keys()
                    found.rows.extend(line.row(rounds) for line in LINES[group] if {line.ours, line.theirs} <= known)
                    found.arms.update({arm: [one[arm] for one in rounds] for arm in rounds[0]})
                else:
                    core = [_core(group, extent.seconds) for _ in _counted(group, extent.rounds, say)]
                    found.rows.extend(line.row(core) for line in CORE[group])
            except CannotMeasure as error:
                say(f"{group}: not measured: {error}")
                found.missing[group] = str(error).splitlines()[0]
    return found


def _rounds(group: str, measures: Sequence[Measure], rounds: int, say: Say) -> Rounds:
    """Every measure once a round, in a drawn order."""
    rng = random.Random(f"{SEED}/{group}")
    taken = []
    for number in _counted(group, rounds, say):
        found: dict[str, Figures] = {}
        for one in rng.sample(list(measures), len(measures)):
            found |= one(number)
        taken.append(found)
    return taken


def _counted(group: str, rounds: int, say: Say) -> Iterator[int]:
    for number in range(rounds):
        say(f"{group}: round {number + 1} of {rounds}")
        yield number


def _inside(arms: Sequence[str], seconds: float, where: Servers, folder: Path, number: int) -> Mapping[str, Figures]:
    return inside_locust(arms, seconds, where, folder / f"{arms[0]}-{number}", SEED + number)


def _alone(name: str, arm: Callable[[], Figures], _: int) -> Mapping[str, Figures]:
    return {name: arm()}


@contextlib.contextmanager
def _apart() -> Iterator[int | None]:
    """The servers that run on one core, whoever asks them on another.

    Left to the kernel it is chance whether both get the same one, and a round trip takes 20 µs or 60. Gives the servers'
    core; None, with nothing done, where there is but one.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield None
        return
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, OSError):  # one that has ended in the meantime
            for thread in process.threads():
                os.sched_setaffinity(thread.id, {cores[0]})
    os.sched_setaffinity(0, {cores[-1]})
    try:
        yield cores[0]
    finally:
        os.sched_setaffinity(0, cores)


def _together(core: int | None, measures: Sequence[Measure]) -> list[Measure]:
    """The same arms once more, named ``…_together``, with whoever asks on the servers' core too."""

    def on_it(measure: Measure, number: int) -> Mapping[str, Figures]:
        usual = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # type: ignore[arg-type] # there are no measures where there is no such core
        try:
            return {f"{arm}_together": found for arm, found in measure(number).items()}
        finally:
            os.sched_setaffinity(0, usual)

    return [] if core is None else [partial(on_it, measure) for measure in measures]


@contextlib.contextmanager
def _getitem(warden: Warden, folder: Path, seconds: float) -> Iterator[tuple[Sequence[Measure], Mapping[str, str]]]:
    """Against a stub that does next to nothing, so that the tool is what is measured."""
    url = f"http://127.0.0.1:{servers.stub(warden).port}"
    where = Servers(dynamodb_url=url)
    yield (
        [
            partial(_inside, ("getitem_lean", "getitem_boto3"), seconds, where, folder),
            partial(_alone, "getitem_bare", lambda: others.bare("getitem_lean", where, seconds)),
            partial(_alone, "rust_sdk", lambda: others.rust_sdk(url, seconds)),
            partial(_alone, "javascript_sdk", lambda: others.javascript_sdk(url, seconds)),
        ],
        others.getitem_versions(),
    )


@contextlib.contextmanager
def _cache(
    warden: Warden,  # noqa: ARG001 - services have one of their own
    folder: Path, seconds: float,
) -> Iterator[tuple[Sequence[Measure], Mapping[str, str]]]:  # fmt: skip
    """Against a real Valkey with 1,000 keys."""
    with contextlib.closing(LocalServices.up(Needs(cache=True))) as services:
        with CacheClient.at(services.cache) as client:
            for number in range(KEYS):
                client.set(b"key:%012d" % number, VALUE)
        where = Servers(cache=services.cache.address)
        with _apart() as core:
            yield (
                [
                    partial(_inside, ("cache_lean", "cache_redis_py", "cache_lean_alone"), seconds, where, folder),
                    partial(_alone, "cache_lean_bare", lambda: others.bare("cache_lean", where, seconds)),
                    partial(_alone, "cache_redis_py_bare", lambda: others.bare("cache_redis_py", where, seconds)),
                    partial(_alone, "redis_benchmark", lambda: others.redis_benchmark(services.cache.address, seconds)),
                    *_together(
                        core,
                        [
                            partial(_inside, ("cache_lean_alone",), seconds, where, folder / "together"),
                            partial(
                                _alone,
                                "redis_benchmark",
                                lambda: others.redis_benchmark(services.cache.address, seconds),
                            ),
                        ],
                    ),
                ],
                {**services.products, **others.cache_versions()},
            )


@contextlib.contextmanager
def _select(
    warden: Warden,  # noqa: ARG001 - services have one of their own
    folder: Path, seconds: float,
) -> Iterator[tuple[Sequence[Measure], Mapping[str, str]]]:  # fmt: skip
    """Against real databases; sysbench fills its table in MariaDB, PostgreSQL gets one of the same shape."""
    with contextlib.closing(LocalServices.up(Needs(engines=("mysql", "postgres")))) as services:
        if services.unavailable:
            raise CannotMeasure("; ".join(services.unavailable.values()))
        mysql, postgres = services.sql["mysql"], services.sql["postgres"]
        others.prepare_sysbench(mysql)
        with connect(postgres) as connection:
            connection.execute("CREATE TABLE sbtest1 (id integer PRIMARY KEY, k integer, c char(120), pad char(60))")
            connection.execute(
                "INSERT INTO sbtest1 SELECT i, i, repeat('c', 119), repeat('p', 59) FROM generate_series(1, %s) i",
                (ROWS,),
            )
            connection.execute("VACUUM ANALYZE sbtest1")
        where = Servers(sql=services.sql)
        selects = ("select_mysql_alone", "select_postgres_alone")
        with _apart() as core:
            yield (
                [
                    partial(_inside, selects, seconds, where, folder),
                    partial(_alone, "sysbench", lambda: others.sysbench(mysql, seconds)),
                    partial(_alone, "sysbench_text", lambda: others.sysbench(mysql, seconds, prepared=False)),
                    partial(_alone, "pgbench", lambda: others.pgbench(postgres, seconds, folder)),
                    *_together(
                        core,
                        [
                            partial(_inside, selects, seconds, where, folder / "together"),
                            partial(_alone, "sysbench", lambda: others.sysbench(mysql, seconds)),
                            partial(_alone, "pgbench", lambda: others.pgbench(postgres, seconds, folder)),
                        ],
                    ),
                ],
                {**services.products, **others.select_versions()},
            )


def _core(group: str, seconds: float) -> dict[str, float]:
    """The figures of the recorder or of the arrivals, in a process of their own."""
    call = {
        "recorder": (
            "from harness.arrow import keep_pandas_out; keep_pandas_out(); from benchmarks.core_recorder import cpu, disk; "
            f"found = cpu(1) | disk({ROWS_ON_DISK})"
        ),
        "arrivals": f"from benchmarks.core_arrivals import figures; found = figures({seconds})",
    }[group]
    ended = subprocess.run(
        [sys.executable, "-c", f"import json; {call}; print(json.dumps(found))"],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if ended.returncode:
        raise CannotMeasure(f"{group}: {(ended.stderr.strip() or 'without a word').splitlines()[-1]}")
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    if group == "recorder":
        return found | {"ten_million_mb": found["stream_mb_per_million"] * 10}
    kept_off = {f"{way}kept_off_percent": found[f"{way}kept_off_core_ms"] / seconds / 10 for way in ("", "sleep_")}
    return found | kept_off | {"p999_off_percent": abs(found["p999_ms"] / found["p999_by_hand_ms"] - 1) * 100}


_GROUPS: Mapping[
    str, Callable[[Warden, Path, float], contextlib.AbstractContextManager[tuple[Sequence[Measure], Mapping[str, str]]]]
] = {"getitem": _getitem, "cache": _cache, "select": _select}

if __name__ == "__main__":
    sys.exit(main())
