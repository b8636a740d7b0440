"""docs/performance.md as the benchmark writes it: the prose is here, every figure comes from the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.performance_lines import CORE, LINES, Row
from benchmarks.performance_others import Figures
from benchmarks.where import measured_on

_TITLES = {
    "getitem_lean": "GetItem, lean client, inside Locust",
    "getitem_boto3": "GetItem, boto3, inside Locust",
    "getitem_bare": "GetItem, lean client, bare",
    "rust_sdk": "GetItem, Rust SDK (dynamo-benchmark)",
    "javascript_sdk": "GetItem, JavaScript SDK v3",
    "cache_lean": "cache GET, lean client, inside Locust",
    "cache_redis_py": "cache GET, redis-py, inside Locust",
    "cache_lean_bare": "cache GET, lean client, bare",
    "cache_redis_py_bare": "cache GET, redis-py, bare",
    "cache_lean_alone": "cache GET, lean client, inside Locust, one connection",
    "redis_benchmark": "cache GET, redis-benchmark, one connection",
    "select_mysql_alone": "SELECT, PyMySQL, inside Locust, one connection",
    "sysbench": "SELECT, sysbench, one connection",
    "sysbench_text": "SELECT, sysbench, nothing prepared, one connection",
    "select_postgres_alone": "SELECT, psycopg, inside Locust, one connection",
    "pgbench": "SELECT, pgbench, one connection",
}

_PAGE = """# What the tool itself costs

The first question anyone asks of a benchmark is *tool or database?* This page is written by `python -m benchmarks.performance`,
which sets our clients, recorder and arrivals beside other people's tools, on one machine, in one run. No figure on it is typed
by hand.

```
.venv/bin/python -m benchmarks.performance                    # some minutes; writes this page
.venv/bin/python -m benchmarks.performance --quick            # two short rounds, printed only, no intervals
.venv/bin/python -m benchmarks.performance --only cache,select    # of {groups}
```

## Figures

{when}

{score}

| what | against | ours | theirs | ratio | 95 % interval | asked for | |
|---|---|--:|--:|--:|---|--:|---|
{rows}{missing}

Every arm, medians over the rounds:

| arm | operations a second | CPU an operation | p50 |
|---|--:|--:|--:|
{arms}

## How it is measured

* **Rounds.** In each round every arm of a group is measured once, in a drawn order; a ratio is of pairs of the same round, its
  interval a t interval of the mean log ratio (`reports.stats.paired_ratio`, [method](method.md)). What has no counterpart is
  the median of the rounds between order statistics. *Not surely* stands where the interval reaches to the other side of what
  was asked for.
* **Inside Locust, recorded** is a real Locust process with 20 users (`benchmarks/performance_locustfile.py`): harness's User, its
  conductor, its recorder writing files, Locust's own statistics; every row must be *ok* and Locust must count as many requests as
  there are rows, else the benchmark ends. Its p50 is that of the recorded service times. Each arm's first trial warms up.
* **Bare** is the client under gevent and nothing else, so what it costs beyond that is Locust's, the conductor's and the
  recorder's.
* **CPU** is that of the client's process, user and system, all threads, the recorder's writing included. Of `dynamo-benchmark`
  the start is taken off, measured on one that loads everything and asks for nothing; of Node the first 3,000 operations,
  in which it compiles.
* **Servers.** GetItem asks a stub that answers each request with the same item (uvloop, `benchmarks/stub.py`), since a table would
  cost more than the tools; cache and SQL are the real servers that come with dbharness, on loopback. 1,000 keys, 400 bytes a value;
  sysbench's own table and its own statement, the same in PostgreSQL for pgbench.
* **Prepared statements**: sysbench and pgbench use them, psycopg too; PyMySQL has none, it sends text.
* **Arrivals** are measured by `benchmarks/core_arrivals.py`, the recorder by `benchmarks/core_recorder.py`. Lateness holds what the
  machine's other work adds, so the share of time in which that had the core stands beside it: on a machine that is ours alone
  it is next to nothing.
* Retries are off everywhere, connections are kept, nothing is encrypted: loopback.

On one connection most of the time is the kernel waking one process and then the other, and left to itself it is chance whether
both are put on one core. So for cache and SQL the servers have a core and whoever asks them has another, ours and theirs alike,
as with a server on another machine; that is what the goals are held against. On one core no sleeping core has to be woken, a
round trip costs a third to a half, and the client's own work weighs more: those lines are there too, without a goal: on one core PyMySQL would
miss it. The placement was chosen after runs without it had moved these lines from one side of their goals to the other.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one run of the benchmark found."""

    rows: list[Row]
    arms: dict[str, Sequence[Figures]]
    products: dict[str, str]
    missing: dict[str, str]  # groups that couldn't be measured, and why


def render(found: Measured, *, rounds: int, seconds: float, seed: int) -> str:
    """The page."""
    rows = "\n".join(
        f"| {row.what} | {row.against} | {row.ours} | {row.theirs} | {row.value} | {row.interval} | {row.goal} | {row.verdict} |"
        for row in found.rows
    )
    titles = _TITLES | {f"{name}_together": f"{title}, on the server's core" for name, title in _TITLES.items()}
    arms = "\n".join(f"| {titles[name]} | {_cells(found.arms[name])} |" for name in titles if name in found.arms)
    missing = "".join(f"\n\nNot measured: {group}: {why}." for group, why in found.missing.items())
    when = _when(found.products, rounds, seconds, seed)
    return _PAGE.format(
        rows=rows, arms=arms, when=when, groups=", ".join((*LINES, *CORE)), score=_score(found.rows), missing=missing
    )


def _score(rows: Sequence[Row]) -> str:
    """How many of the goals were reached, in one sentence."""
    verdicts = [row.verdict for row in rows if row.verdict != "–"]
    sure, unsure = verdicts.count("reached"), verdicts.count("reached, not surely")
    also = f", {unsure} more not surely" if unsure else ""
    return f"{sure} of {len(verdicts)} goals reached{also}."


def _cells(taken: Sequence[Figures]) -> str:
    """Rate, CPU and p50 of one arm; a dash for what it doesn't tell."""
    rate, cpu_us, p50_us = (
        median(getattr(one, name) for one in taken) for name in ("per_second", "cpu_us", "p50_us")
    )  # fmt: skip
    return " | ".join("–" if value != value else text for value, text in (
        (rate, f"{rate:,.0f}"), (cpu_us, f"{cpu_us:,.1f} µs"), (p50_us, f"{p50_us:,.0f} µs"),
    ))  # fmt: skip


def _when(products: Mapping[str, str], rounds: int, seconds: float, seed: int) -> str:
    """Date, commit, machine and versions, in one paragraph."""
    where, versions = measured_on(products)
    return f"{where}; {rounds} rounds of {seconds:g} s an arm, seed {seed}. Versions: {versions}."
