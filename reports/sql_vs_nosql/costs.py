"""What answers cost: DynamoDB's by units on demand, SQL's by the processor time of instances; and at what rate the cheaper one changes.

An instance is planned to be busy for a share of its vCPU; dollars a month at that share are the value, at BUSY_MOST and BUSY_LEAST the
bounds. Without storage, a standby, backups and caches: these are ``dbharness choose``'s.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from reports import stats
from reports.findings import Finding
from reports.sql_vs_nosql.arms import (
    BUSY,
    BUSY_LEAST,
    BUSY_MOST,
    DYNAMODB,
    INSTANCE,
    INSTANCE_PRICES,
    KINDS,
    MONTH_HOURS,
    MONTH_S,
    OPENING,
    PATTERNS_PART,
    RATES_PER_S,
    VCPU,
    arm_words,
    is_cached,
    is_sql,
    sentence_of,
    server_of,
)
from reports.sql_vs_nosql.cells import Cell, Measured, trials_of
from reports.stats import Interval
from reports.words import count, dollars, milliseconds, number, percent, scaled, span

_MILLION = 1_000_000
BOUNDS = f"{BUSY_MOST:g} to {BUSY_LEAST:g} of a vCPU busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """DynamoDB on demand: dollars an answer, the same at any rate."""

    usd: float

    def month_usd(self, rate_per_s: float, busy: float = BUSY) -> float:  # noqa: ARG002 - nothing is planned to be busy
        """A month of so many answers a second."""
        return rate_per_s * MONTH_S * self.usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Instances:
    """SQL: processor time an answer, and dollars an hour of an instance, of which there is one at least."""

    cpu_s: float
    hour_usd: float

    def capacity_per_s(self, busy: float = BUSY) -> float:
        """Answers a second of one instance."""
        return VCPU * busy / self.cpu_s if self.cpu_s else math.inf

    def count(self, rate_per_s: float, busy: float = BUSY) -> int:
        """Instances for so many answers a second."""
        return max(1, math.ceil(rate_per_s / self.capacity_per_s(busy) * (1 - 1e-12)))

    def month_usd(self, rate_per_s: float, busy: float = BUSY) -> float:
        """A month of so many answers a second."""
        return self.count(rate_per_s, busy) * self.hour_usd * MONTH_HOURS


Cost = Units | Instances


def cost_of(found: Measured, cell: Cell) -> Cost | str:
    """What an answer of a cell costs, or why that can't be said."""
    if is_sql(cell.arm):
        key, cpu_s = INSTANCE_PRICES[server_of(cell.arm)], cell.cpu_s()
        hour_usd = found.price(key)
        if cpu_s is None:
            return "the server's processor time wasn't measured: it isn't on this machine"
        return Instances(cpu_s=cpu_s.value, hour_usd=hour_usd) if hour_usd is not None else _no_price(key)
    usd = usd_by_units(found, cell)
    return usd if isinstance(usd, str) else Units(usd=usd.value)


def usd_by_units(found: Measured, cell: Cell) -> Interval | str:
    """Dollars an answer by DynamoDB's units, over trials; or why not."""
    each = cell.rows.groupby("trial")[[f"{kind}_units" for kind in KINDS]].mean()
    known = each.dropna(how="all").fillna(0.0)
    usd = 0.0 * known.sum(axis="columns")
    for kind, key in KINDS.items():
        units, price = known[f"{kind}_units"], found.price(key)
        if price is None and units.any():
            return _no_price(key)
        usd = usd + units * (price or 0.0) / _MILLION
    return stats.mean_of_trials(usd.to_numpy()) if len(usd) else "no answer told its units"


def usd_per_million(found: Measured, cell: Cell) -> Interval | str:
    """Dollars of a million answers, or why that can't be said."""
    cost = cost_of(found, cell)
    if isinstance(cost, Instances):
        cpu_s = cell.cpu_s()
        assert cpu_s is not None, "it was priced"
        return scaled(cpu_s, _MILLION * cost.hour_usd / (VCPU * BUSY * 3_600))
    usd = cost if isinstance(cost, str) else usd_by_units(found, cell)
    return usd if isinstance(usd, str) else scaled(usd, _MILLION)


def of_cells(found: Measured) -> Iterator[Finding]:
    """Of every arm without a cache: a million answers, and a month at each rate."""
    for cell in found.cells:
        if not is_cached(cell.arm):
            made = [_million(found, cell), *(_months(found, cell) if cell.part == PATTERNS_PART else ())]
            yield from (found.tool.exempt(finding, trials=cell.trials) for finding in made)


def flips(found: Measured) -> Iterator[Finding]:
    """Of every pattern that DynamoDB answers: where each SQL arm becomes the cheaper one."""
    for pattern in found.patterns:
        yield from _of_pattern(found, pattern)


def _no_price(key: str) -> str:
    return f"the price {key} isn't in the price file"


def _million(found: Measured, cell: Cell) -> Finding:
    usd = usd_per_million(found, cell)
    if isinstance(usd, str):
        return found.unknown("usd_per_million_answers", f"{cell.about}: no dollars", usd, "USD", cell.labels)
    sentence = (
        f"{cell.about}: {dollars(usd.value)} a million answers{span(usd.low, usd.high, dollars)} ({_by(found, cell)})."
    )
    return found.measured("usd_per_million_answers", sentence, usd, "USD", cell.labels, basis="modelled")


def _by(found: Measured, cell: Cell) -> str:
    if not is_sql(cell.arm):
        return f"units measured on the local model × on-demand {found.prices_of}"
    return f"processor time measured on this machine, of {INSTANCE} whose {VCPU} vCPU are {percent(BUSY)} busy, {found.prices_of}"


def _months(found: Measured, cell: Cell) -> Iterator[Finding]:
    cost = cost_of(found, cell)
    for rate in RATES_PER_S:
        labels = cell.labels | {"rate": str(rate)}
        about = f"{cell.about}, {rate:,} answers a second"
        if isinstance(cost, str):
            yield found.unknown("usd_month", f"{about}: no dollars", cost, "USD a month", labels)
            continue
        n = len(cell.trials)
        usd = cost.month_usd(rate)
        if isinstance(cost, Units):
            an_answer = usd_by_units(found, cell)
            assert not isinstance(an_answer, str), "it was priced"
            figure = scaled(an_answer, rate * MONTH_S)
            sentence = f"{about}: {dollars(usd)} a month{span(figure.low, figure.high, dollars)} ({_by(found, cell)})."
            yield found.measured("usd_month", sentence, figure, "USD a month", labels, basis="modelled")
            continue
        low, high = cost.month_usd(rate, BUSY_MOST), cost.month_usd(rate, BUSY_LEAST)
        figure = Interval(value=usd, low=low, high=high, n=n, method="instances at other shares busy")
        sentence = (
            f"{about}: {dollars(usd)} a month for {count(cost.count(rate), 'instance')}, {dollars(low)} where they may be {percent(BUSY_MOST)} busy, "
            f"{dollars(high)} where {percent(BUSY_LEAST)} ({_by(found, cell)})."
        )
        yield found.measured(
            "usd_month", sentence, figure, "USD a month", labels | {"bounds": BOUNDS}, basis="modelled"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """From which rate on SQL is cheaper than DynamoDB, and from which for good; infinite where it never is.

    Between the two another instance's step may turn it back.
    """

    first_per_s: float
    for_good_per_s: float


def flip(units: Units, instances: Instances, busy: float = BUSY) -> Flip:
    """Where K instances' month is what DynamoDB's costs: K × instance ÷ an answer's dollars a month, if K instances carry that rate.

    All K cross or none does: both sides grow by as much with each instance. Beyond the last step that begins below its own crossing
    it never turns back.
    """
    if units.usd == 0:
        return Flip(first_per_s=math.inf, for_good_per_s=math.inf)
    each = instances.month_usd(0) / (units.usd * MONTH_S)
    capacity = instances.capacity_per_s(busy)
    if each > capacity:
        return Flip(first_per_s=math.inf, for_good_per_s=math.inf)
    if each == capacity:
        return Flip(first_per_s=each, for_good_per_s=math.inf)
    if math.isinf(capacity):
        return Flip(first_per_s=each, for_good_per_s=each)
    last = max(1, math.ceil(capacity / (capacity - each)) - 1)
    return Flip(first_per_s=each, for_good_per_s=last * each)


def _of_pattern(found: Measured, pattern: str) -> Iterator[Finding]:
    of_units = found.cell(pattern, DYNAMODB)
    units = cost_of(found, of_units) if of_units is not None else None
    if of_units is None or not isinstance(units, Units):
        return
    priced = [
        (cell, cost)
        for cell in found.where(PATTERNS_PART, pattern)
        if not is_cached(cell.arm) and isinstance(cost := cost_of(found, cell), Instances)
    ]
    cheapest = min(priced, key=lambda one: one[1].cpu_s * one[1].hour_usd, default=None)
    for cell, cost in priced:
        opens = pattern in OPENING and cheapest is not None and cell is cheapest[0]
        yield _flip(found, of_units, units, cell, cost, opens=opens)


def _flip(found: Measured, of_units: Cell, units: Units, cell: Cell, cost: Instances, *, opens: bool) -> Finding:
    where, sql = flip(units, cost), arm_words(cell.arm)
    labels = cell.labels | {"against": DYNAMODB}
    one = f"a {INSTANCE} at {dollars(cost.month_usd(0))} a month carries {number(cost.capacity_per_s())} a second at {milliseconds(1e3 * cost.cpu_s)} each"
    basis = f"{one}; DynamoDB {dollars(_MILLION * units.usd)} a million; without storage and standby; modelled by {found.prices_of}"
    about = f"{sentence_of(cell.pattern)}, {cell.flights:,} flights"
    n = min(len(cell.trials), len(of_units.trials))
    if math.isinf(where.first_per_s):
        figure = Interval(
            value=float(RATES_PER_S[-1]), low=None, high=None, n=n, method="no rate up to it", at_least=True
        )
        sentence = f"{about}: DynamoDB is the cheaper store at every rate, {sql} at none ({basis})."
    else:
        figure = Interval(value=where.first_per_s, low=None, high=None, n=n, method="instances against units")
        sentence = (
            f"{about}: DynamoDB is the cheaper store up to {_rate(where.first_per_s)}, above that {sql}{_steps(where)} "
            f"({basis}{_at_least_busy(units, cost)})."
        )
    made = found.measured(
        "flip_rate_per_s", sentence, figure, "answers/s", labels, better="none", basis="modelled", headline=opens
    )
    return found.tool.exempt(made, trials=trials_of([cell, of_units]))


def _rate(rate_per_s: float) -> str:
    return (
        f"{number(rate_per_s)} answers a second" if rate_per_s >= 1 else f"{number(60 * rate_per_s)} answers a minute"
    )


def _steps(where: Flip) -> str:
    if where.for_good_per_s == where.first_per_s:
        return ""
    if math.isinf(where.for_good_per_s):
        return ", though each further instance turns it back for a while"
    return (
        f", for good from {_rate(where.for_good_per_s)} on: until then each further instance turns it back for a while"
    )


def _at_least_busy(units: Units, cost: Instances) -> str:
    never = math.isinf(flip(units, cost, BUSY_LEAST).first_per_s)
    return f"; where instances are {percent(BUSY_LEAST)} busy, DynamoDB is cheaper at every rate" if never else ""
