"""`dbharness plan-cache`: reads a key trace, sizes a cache for it, says which pays; with a directory, leaves a report there."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from harness import cache_answer, plan_output
from harness import config as configuration
from harness.cache.sizing.analysis import Analysis, analyse
from harness.cache.sizing.kernel import READ
from harness.cache.sizing.nodes import ENGINES, Assumptions, Engine
from harness.cache.sizing.plan import Demand, Plan, make_plan
from harness.cache.sizing.record import SCHEMA, analysis_record, plan_record
from harness.cache.sizing.theory import Trips
from harness.cache.sizing.worth import Worth, dynamodb_worth, instances, rds_worth
from harness.config import Config
from harness.dynamodb.pricing import Prices
from harness.errors import CannotMeasure, UsageError
from harness.key_trace.rows import read_rows
from harness.key_trace.run import read_run
from harness.key_trace.trace import KeyTrace

SCENARIO = "cache_planner"
"""The name under which a plan stands in its directory's manifest, and of its analysis in reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line; ``trips_us`` are t_get, t_db and t_set."""

    trace: Path | None = None
    from_run: Path | None = None
    scenario: str | None = None
    arm: str | None = None
    part: str | None = None
    step: str | None = None
    item_bytes: int | None = None
    reads_per_s: float | None = None
    read_usd_per_million: float | None = None
    rds: str | None = None
    rds_reads_per_s: float | None = None
    trips_us: tuple[float | None, float | None, float | None] = (None, None, None)
    ttl_s: float | None = None
    engine: str = "valkey"
    reserved_memory_percent: float = 25.0
    item_overhead_bytes: int = Assumptions().item_overhead_bytes
    replicas: int = 0
    warm_up_percent: float = 0.0
    sample: float = 1.0
    region: str = "us-east-1"
    prices_file: str | None = None
    check: bool = False
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what it stands on."""

    plan: Plan
    trace: KeyTrace
    analysis: Analysis
    demand: Demand
    worth: Worth
    assumed: Assumptions
    trips: Trips | None
    ttl_s: float | None
    ttl_hit_rate: float | None
    notes: tuple[str, ...]
    prices: Prices
    config: Config
    seconds: float
    checked: str | None

    def as_record(self) -> dict[str, Any]:
        """The plan for JSON."""
        trace, prices = self.trace, self.prices
        return {
            "schema": SCHEMA,
            "source": trace.source,
            "notes": list(self.notes),
            "trace": {
                "accesses": trace.count, "reads": trace.reads, "span_s": trace.span_s, "sample": trace.rate,
                "reads_per_s": self.demand.reads_per_s,
            }
            | analysis_record(self.analysis),
            "assumed": asdict(self.assumed),
            "worth": asdict(self.worth),
            "trips": None
            if self.trips is None
            else asdict(self.trips) | {"break_even_hit_rate": self.trips.break_even_hit_rate},
            "ttl": None if self.ttl_s is None else {"ttl_s": self.ttl_s, "hit_rate": self.ttl_hit_rate},
            "prices": {"date": prices.date, "region": prices.region, "source": prices.source},
            **plan_record(self.plan),
            "checked": self.checked,
        }  # fmt: skip


def plan(asked: Request) -> Planned:
    """Read, size, compare. Raises UsageError, and CannotMeasure where a check finds a difference."""
    _refuse(asked)
    plan_output.refuse_used(asked.out)
    config = Config(region=asked.region, prices_file=asked.prices_file)
    prices = configuration.load_prices(config)
    trips = _trips(asked)
    trace = _trace(asked)
    assumed = Assumptions(
        engine=_engine(asked.engine), reserved_memory_share=asked.reserved_memory_percent / 100,
        item_overhead_bytes=asked.item_overhead_bytes, replicas=asked.replicas,
    )  # fmt: skip
    began_s = time.monotonic()
    analysis = analyse(
        trace.accesses, overhead_bytes=assumed.item_overhead_bytes, rate=trace.rate, groups=trace.groups, reads=trace.reads,
        begin=int(len(trace.accesses.keys) * asked.warm_up_percent / 100),
    )  # fmt: skip
    if not analysis.by_bytes.reads:
        raise UsageError(f"{trace.source}: --warm-up {asked.warm_up_percent:g} leaves no read to count; take less")
    demand = Demand(
        curve=analysis.by_bytes, stored_bytes=analysis.stored_bytes, requests=analysis.requests(),
        reads_per_s=asked.reads_per_s or trace.reads_per_s,
    )  # fmt: skip
    worth = _worth(asked, prices, trace)
    made = make_plan(demand, prices, worth, assumed, trips)
    seconds = time.monotonic() - began_s
    ttl = None
    if asked.ttl_s is not None and demand.reads_per_s is not None:
        ttl = analysis.ttl(asked.ttl_s, demand.reads_per_s)
    return Planned(
        plan=made, trace=trace, analysis=analysis, demand=demand, worth=worth, assumed=assumed, trips=trips,
        ttl_s=asked.ttl_s, ttl_hit_rate=ttl, notes=_notes(asked, trace), prices=prices, config=config, seconds=seconds,
        checked=check(made, analysis) if asked.check else None,
    )  # fmt: skip


def check(made: Plan, analysis: Analysis) -> str:
    """Play the trace through a plain LRU cache of each size that the answer names; what came of it.

    Raises CannotMeasure where a read hits in the one and not in the other.
    """
    curve = analysis.by_bytes
    named = (curve.knee(), curve.least(0.9), *(one.usable_bytes for one in made.outcomes))
    sizes = sorted({size for size in named if size})
    accesses, differing = analysis.check(sizes)
    if differing:
        raise CannotMeasure(f"{differing:,} reads differ from those of a plain LRU cache; please report it")
    return f"{len(sizes)} sizes over {accesses:,} accesses, read by read the same as a plain LRU cache"


def show(planned: Planned, console: Console) -> None:
    """The answer and its reasons, the tables, then what it stands on."""
    record = planned.as_record()
    first, last = cache_answer.lines(record, planned.seconds)
    plan_output.show(first, cache_answer.tables(record), last, console)


def write_report(planned: Planned, out: Path, console: Console | None) -> int:
    """A directory with the plan and its report; the report's exit code."""
    return plan_output.write_report(SCENARIO, planned.as_record(), planned.config, planned.prices, out, console)


def _refuse(asked: Request) -> None:
    """Raises UsageError for an option that can't be meant."""
    if (asked.trace is None) == (asked.from_run is None):
        raise UsageError("expected a trace file, or --from-run RUN")
    for name in ("scenario", "arm", "part", "step"):
        if asked.from_run is None and getattr(asked, name) is not None:
            raise UsageError(f"--{name} chooses among the trials of a run: give --from-run RUN")
    least: tuple[tuple[str, float | None], ...] = (
        ("--item-overhead-bytes", asked.item_overhead_bytes), ("--replicas", asked.replicas),
        ("--item-bytes", asked.item_bytes), ("--read-usd-per-million", asked.read_usd_per_million),
    )  # fmt: skip
    for name, value in least:
        if value is not None and not 0 <= value < float("inf"):
            raise UsageError(f"{name} must be 0 or more, got {value:g}")
    for name, value in (
        ("--reads-per-s", asked.reads_per_s), ("--rds-reads-per-s", asked.rds_reads_per_s), ("--ttl-s", asked.ttl_s),
    ):  # fmt: skip
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{name} must be above 0, got {value:g}")
    for name, value in (
        ("--reserved-memory-percent", asked.reserved_memory_percent),
        ("--warm-up", asked.warm_up_percent),
    ):
        if not 0 <= value < 100:
            raise UsageError(f"{name} must be from 0 to below 100, got {value:g}")
    _refuse_pairs(asked)


def _refuse_pairs(asked: Request) -> None:
    """Raises UsageError for options that don't go together, or only do."""
    if asked.warm_up_percent and asked.sample != 1:
        raise UsageError("--warm-up and --sample don't go together: leave one")
    if (asked.rds is None) != (asked.rds_reads_per_s is None):
        raise UsageError("--rds and --rds-reads-per-s go together: an instance, and how many reads a second use it up")
    if asked.read_usd_per_million is not None and asked.rds is not None:
        raise UsageError("--read-usd-per-million and --rds both say what a read is worth: leave one")


def _engine(name: str) -> Engine:
    for engine in ENGINES:
        if engine == name:
            return engine
    raise UsageError(f"--engine must be {' or '.join(ENGINES)}, got {name}")


def _trips(asked: Request) -> Trips | None:
    get_us, db_us, set_us = asked.trips_us
    if get_us is None and db_us is None and set_us is None:
        return None
    if get_us is None or db_us is None or set_us is None:
        raise UsageError("--t-get-us, --t-db-us and --t-set-us go together: give all three, or none")
    if min(get_us, db_us, set_us) < 0:
        raise UsageError("--t-get-us, --t-db-us and --t-set-us must be 0 or more")
    return Trips(get_us=get_us, db_us=db_us, set_us=set_us)


def _trace(asked: Request) -> KeyTrace:
    if asked.from_run is not None:
        return read_run(
            asked.from_run, asked.scenario, asked.arm, part=asked.part, step=asked.step, item_bytes=asked.item_bytes,
            rate=asked.sample,
        )  # fmt: skip
    assert asked.trace is not None, "one of the two was asked for"
    return read_rows(asked.trace, item_bytes=asked.item_bytes, rate=asked.sample)


def _worth(asked: Request, prices: Prices, trace: KeyTrace) -> Worth:
    if asked.read_usd_per_million is not None:
        return Worth(usd_per_million=asked.read_usd_per_million, by="as given")
    if asked.rds is not None and asked.rds_reads_per_s is not None:
        if (worth := rds_worth(prices, asked.rds, asked.rds_reads_per_s)).usd_per_million is None:
            raise UsageError(
                f"--rds {asked.rds}: the price file has no price of it; known are {', '.join(instances(prices))}, or give --read-usd-per-million"
            )
        return worth
    return dynamodb_worth(prices, trace.accesses.value_bytes[trace.accesses.kinds == READ])


def _notes(asked: Request, trace: KeyTrace) -> tuple[str, ...]:
    """What was supposed."""
    said = [*trace.notes]
    if asked.item_bytes is not None:
        said.append(f"Every value has {asked.item_bytes:,} bytes.")
    if asked.reads_per_s is not None:
        said.append(f"{asked.reads_per_s:,.10g} reads a second, as given.")
    if asked.warm_up_percent:
        said.append(f"The first {asked.warm_up_percent:g} % of the accesses fill the cache and aren't counted.")
    if asked.ttl_s is not None and asked.reads_per_s is None and trace.reads_per_s is None:
        said.append("What a TTL leaves isn't known: the trace tells no rate; give --reads-per-s.")
    return tuple(said)
