"""The lines of the performance table: what is set against what, what was asked for, and whether that was reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benchmarks.performance_others import Figures
from reports.stats import median_of_trials, paired_ratio

LEAST_PAIRS = 4  # fewer carry no interval
Figure = Literal["cpu_us", "per_cpu_second", "per_second", "p50_us"]
UNITS: Mapping[Figure, str] = {
    "cpu_us": "µs of CPU", "per_cpu_second": "/CPU-s", "per_second": "/s", "p50_us": "µs",
}  # fmt: skip
Rounds = Sequence[Mapping[str, Figures]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """At least or at most so much."""

    limit: float
    at_least: bool

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"

    def verdict(self, value: float, low: float | None, high: float | None) -> str:
        """In words; *not surely* where the interval reaches to the other side."""
        bounds = (value, value if low is None else low, value if high is None else high)
        beyond = [bound >= self.limit if self.at_least else bound <= self.limit for bound in bounds]
        word = "reached" if beyond[0] else "**missed**"
        return word if len(set(beyond)) == 1 else f"{word}, not surely"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table, in words."""

    what: str
    against: str
    ours: str
    theirs: str
    value: str
    interval: str
    goal: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One of our arms against another, by one figure; the ratio is ours ÷ theirs, or theirs ÷ ours where ``inverse``."""

    what: str
    against: str
    ours: str
    theirs: str
    figure: Figure
    goal: Goal | None = None
    inverse: bool = False

    def row(self, rounds: Rounds) -> Row:
        """What the rounds came to."""
        ours, theirs = ([getattr(one[arm], self.figure) for one in rounds] for arm in (self.ours, self.theirs))
        found = paired_ratio(ours, theirs) if self.inverse else paired_ratio(theirs, ours)
        low, high = (found.low, found.high) if found.n >= LEAST_PAIRS else (None, None)
        unit = UNITS[self.figure]
        return Row(
            what=self.what, against=self.against, ours=f"{_number(median(ours))} {unit}", theirs=f"{_number(median(theirs))} {unit}",
            value=f"{found.ratio:.2f} ×", interval=_interval(low, high), goal=f"{self.goal} ×" if self.goal else "–",
            verdict=self.goal.verdict(found.ratio, low, high) if self.goal else "–",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Absolute:
    """A figure of our own core, held against a limit where there is one; ``beside`` names what is printed next to it."""

    what: str
    against: str
    figure: str
    unit: str
    goal: Goal | None = None
    beside: str | None = None

    def row(self, rounds: Sequence[Mapping[str, float]]) -> Row:
        """The median over the rounds between its order statistics."""
        found = median_of_trials([one[self.figure] for one in rounds])
        low, high = (found.low, found.high) if found.n >= LEAST_PAIRS else (None, None)
        known = [one[self.beside] for one in rounds if self.beside in one] if self.beside else []
        beside = f"{_number(median(known))} {self.unit}" if known else "–"
        return Row(
            what=self.what, against=self.against, ours=f"{_number(found.value)} {self.unit}", theirs=beside,
            value="–", interval=_interval(low, high), goal=f"{self.goal} {self.unit}" if self.goal else "–",
            verdict=self.goal.verdict(found.value, low, high) if self.goal else "–",
        )  # fmt: skip


LINES: Mapping[str, tuple[Comparison, ...]] = {
    "getitem": (
        Comparison(
            what="GetItem, 20 slots, CPU an operation, inside Locust, recorded", against="boto3, likewise",
            ours="getitem_lean", theirs="getitem_boto3", figure="cpu_us", inverse=True, goal=Goal(limit=15, at_least=True),
        ),
        Comparison(
            what="GetItem, 20 slots, operations a CPU-second, inside Locust, recorded", against="Rust SDK (dynamo-benchmark), bare",
            ours="getitem_lean", theirs="rust_sdk", figure="per_cpu_second", goal=Goal(limit=1.6, at_least=True),
        ),
        Comparison(
            what="… bare", against="Rust SDK (dynamo-benchmark), bare",
            ours="getitem_bare", theirs="rust_sdk", figure="per_cpu_second", goal=Goal(limit=2.5, at_least=True),
        ),
        Comparison(
            what="… inside Locust, recorded", against="JavaScript SDK v3, bare",
            ours="getitem_lean", theirs="javascript_sdk", figure="per_cpu_second", goal=Goal(limit=6, at_least=True),
        ),
    ),
    "cache": (
        Comparison(
            what="cache GET, one connection, p50, inside Locust, recorded", against="redis-benchmark",
            ours="cache_lean_alone", theirs="redis_benchmark", figure="p50_us", goal=Goal(limit=1.5, at_least=False),
        ),
        Comparison(
            what="… both on the server's core", against="redis-benchmark, likewise",
            ours="cache_lean_alone_together", theirs="redis_benchmark_together", figure="p50_us",
        ),
        Comparison(
            what="cache GET, 20 slots, operations a second, bare", against="redis-py through its pool, bare",
            ours="cache_lean_bare", theirs="cache_redis_py_bare", figure="per_second", goal=Goal(limit=3, at_least=True),
        ),
        Comparison(
            what="… inside Locust, recorded", against="redis-py through its pool, likewise",
            ours="cache_lean", theirs="cache_redis_py", figure="per_second",
        ),
    ),
    "select": (
        Comparison(
            what="point SELECT, one connection, p50, inside Locust, recorded: MySQL", against="sysbench",
            ours="select_mysql_alone", theirs="sysbench", figure="p50_us", goal=Goal(limit=1.8, at_least=False),
        ),
        Comparison(
            what="… MySQL, as text on both sides", against="sysbench, nothing prepared",
            ours="select_mysql_alone", theirs="sysbench_text", figure="p50_us",
        ),
        Comparison(
            what="… PostgreSQL", against="pgbench",
            ours="select_postgres_alone", theirs="pgbench", figure="p50_us", goal=Goal(limit=1.8, at_least=False),
        ),
        Comparison(
            what="… MySQL, both on the server's core", against="sysbench, likewise",
            ours="select_mysql_alone_together", theirs="sysbench_together", figure="p50_us",
        ),
        Comparison(
            what="… PostgreSQL, both on the server's core", against="pgbench, likewise",
            ours="select_postgres_alone_together", theirs="pgbench_together", figure="p50_us",
        ),
    ),
}  # fmt: skip

CORE: Mapping[str, tuple[Absolute, ...]] = {
    "recorder": (
        Absolute(
            what="recorder, CPU an attempt: its Observation, its row, writing and sketches",
            against="the recorder of commit 1b9e9cc", figure="all_told_us", beside="before_all_told_us", unit="µs",
            goal=Goal(limit=2, at_least=False),
        ),
        Absolute(
            what="recorder, 10 million attempts on disk, as they are written", against="–", figure="ten_million_mb", unit="MB",
            goal=Goal(limit=1_000, at_least=False),
        ),
    ),
    "arrivals": (
        Absolute(
            what="p99.9 of a 1 ms stub at 1,000/s with a stall of 200 ms, off by", against="exact arithmetic",
            figure="p999_off_percent", unit="%", goal=Goal(limit=2, at_least=False),
        ),
        Absolute(
            what="arrivals at 2,000/s, lateness p99", against="gevent.sleep",
            figure="lateness_p99_ms", beside="sleep_lateness_p99_ms", unit="ms", goal=Goal(limit=0.5, at_least=False),
        ),
        Absolute(
            what="… on the harness's whole way, recorded", against="gevent.sleep, alone",
            figure="trial_lateness_p99_ms", beside="sleep_lateness_p99_ms", unit="ms", goal=Goal(limit=0.5, at_least=False),
        ),
        Absolute(
            what="… share of that time in which other processes had the core that it wanted", against="gevent.sleep, alone",
            figure="kept_off_percent", beside="sleep_kept_off_percent", unit="%",
        ),
    ),
}  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{_number(low)} – {_number(high)}"
