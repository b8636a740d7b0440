"""Which setting is the cheapest that throttles little enough: every setting of a grid replayed, the fixed one to the unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from harness.dynamodb.autoscaling import Policy
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import (
    HOURS_A_DAY,
    Assumptions,
    Autoscaled,
    Demand,
    Family,
    Fixed,
    OnDemand,
    Outcome,
    Scheduled,
    Setting,
)
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.planner.starting import hours_of
from harness.dynamodb.pricing import Prices

LEVELS = 200
"""Fixed capacities of each kind that the frontier is drawn from."""
TARGETS_PERCENT = (50, 55, 60, 65, 70, 75, 80, 85, 90)
MINIMA = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Minima of auto scaling, in multiples of the mean demand."""
QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
"""What a schedule provisions for an hour: this quantile of the demand in the minutes of that hour of all days."""
MOST_CAPACITY = 40_000
"""A table's quota of each kind unless it was raised (B11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a setting: each kind throttles at most ``most_throttled``, a share of its units.

    ``reserved``: compare with as much capacity reserved for a year as pays. ``most_capacity``: nothing provisions more of a
    kind. ``schedule``: one of the user's own.
    """

    most_throttled: float
    reserved: bool = False
    most_capacity: int = MOST_CAPACITY
    schedule: Scheduled | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was replayed. ``cheapest`` is None where nothing throttles little enough; ``least`` then throttles least."""

    outcomes: tuple[Outcome, ...]
    cheapest: Outcome | None
    least: Outcome
    by_family: dict[Family, Outcome]
    """The cheapest of each family among those that throttle little enough; a family may be missing."""
    frontier: tuple[Outcome, ...]
    """From the dearest to the cheapest, each throttling more than the one before: nothing is cheaper and throttles less."""


def search(demand: Demand, prices: Prices, wanted: Wanted, assumptions: Assumptions, *, levels: int = LEVELS) -> Found:
    """Replay the grid and choose. ``levels`` 0 leaves out the fixed capacities that only the frontier needs.

    Raises ValueError where a price that is needed isn't known.
    """
    replayer = Replayer(demand, assumptions)
    outcomes = [replayer.outcome(setting, prices) for setting in _settings(replayer, wanted, levels)]
    enough = [one for one in outcomes if one.throttled_share <= wanted.most_throttled]
    by_family: dict[Family, Outcome] = {}
    for one in sorted(enough, key=lambda one: _rank(one, wanted)):
        by_family.setdefault(one.setting.family, one)
    return Found(
        outcomes=tuple(outcomes),
        cheapest=min(enough, key=lambda one: _rank(one, wanted), default=None),
        least=min(outcomes, key=lambda one: (one.throttled_share, usd_month(one, wanted))),
        by_family=by_family,
        frontier=tuple(_frontier(outcomes, wanted)),
    )


def usd_month(outcome: Outcome, wanted: Wanted) -> float:
    """Dollars a month as they are compared. Raises ValueError for a reservation whose price isn't known."""
    if not wanted.reserved or isinstance(outcome.setting, OnDemand):
        return outcome.usd_month
    if outcome.reserved_usd_month is None:
        raise ValueError("the price of reserved capacity isn't in the price file")
    return outcome.reserved_usd_month


def least_capacity(
    replayer: Replayer, kind: Kind, most_throttled: float, most_capacity: int = MOST_CAPACITY
) -> int | None:
    """The least fixed capacity of one kind that throttles at most this share, to the unit.

    None where no capacity does: what throttles then is single keys, or the quota is too small.
    """
    low, high = 1, min(peak_capacity(replayer, kind), most_capacity)
    if replayer.lane_fixed(kind, high).throttled_share > most_throttled:
        return None
    while low < high:
        middle = (low + high) // 2
        if replayer.lane_fixed(kind, middle).throttled_share <= most_throttled:
            high = middle
        else:
            low = middle + 1
    return high


def peak_capacity(replayer: Replayer, kind: Kind) -> int:
    """What the busiest minute asks for at its peak: with it nothing is throttled but by single keys."""
    rate_per_s = float(replayer.demand.of(kind).max()) / MINUTE_S * replayer.assumptions.peak_to_mean
    return max(1, ceil(round(rate_per_s, 6)))


def schedule_of(demand: Demand, quantile: float, most_capacity: int = MOST_CAPACITY) -> Scheduled:
    """A table of hours fitted on the demand itself: what it asked for in each hour of the day, at this quantile.

    An hour that the demand doesn't reach takes the dearest of the others.
    """
    hours = hours_of(demand.start_s, demand.minutes)
    tables: dict[Kind, tuple[int, ...]] = {}
    for kind in KINDS:
        units = demand.of(kind)
        seen = {
            hour: max(1, ceil(round(float(np.quantile(units[hours == hour], quantile)) / MINUTE_S, 6)))
            for hour in range(HOURS_A_DAY)
            if (hours == hour).any()
        }
        tables[kind] = tuple(min(seen.get(hour, max(seen.values())), most_capacity) for hour in range(HOURS_A_DAY))
    return Scheduled(read=tables["read"], write=tables["write"], name=f"the {100 * quantile:g} % quantile of it")


def _settings(replayer: Replayer, wanted: Wanted, levels: int) -> Iterator[Setting]:
    yield OnDemand()
    least = {kind: least_capacity(replayer, kind, wanted.most_throttled, wanted.most_capacity) for kind in KINDS}
    if least["read"] and least["write"]:
        yield Fixed(read=least["read"], write=least["write"])
    yield from _fixed(replayer, levels, wanted.most_capacity)
    yield from _autoscaled(replayer.demand, wanted)
    yield from (schedule_of(replayer.demand, quantile, wanted.most_capacity) for quantile in QUANTILES)
    if wanted.schedule:
        yield wanted.schedule


def _fixed(replayer: Replayer, levels: int, most_capacity: int) -> Iterator[Fixed]:
    """For each share that a level of either kind throttles: the least levels that throttle no more than it."""
    if not levels:
        return
    grids = {kind: _grid(replayer, kind, levels, most_capacity) for kind in KINDS}
    shares = {
        kind: np.array([replayer.lane_fixed(kind, capacity).throttled_share for capacity in grid])
        for kind, grid in grids.items()
    }
    seen: set[tuple[int, int]] = set()
    for share in np.unique(np.concatenate(list(shares.values()))):
        enough = {kind: shares[kind] <= share for kind in KINDS}
        if all(one.any() for one in enough.values()):
            read, write = (grids[kind][int(enough[kind].argmax())] for kind in KINDS)
            if (read, write) not in seen:
                seen.add((read, write))
                yield Fixed(read=read, write=write)


def _grid(replayer: Replayer, kind: Kind, levels: int, most_capacity: int) -> list[int]:
    """So many capacities from half the mean to the peak or the quota, each by the same factor above the one before."""
    mean = float(replayer.demand.of(kind).mean()) / MINUTE_S
    peak = min(peak_capacity(replayer, kind), most_capacity)
    low = min(max(1.0, mean / 2), peak)
    return sorted({ceil(round(capacity, 6)) for capacity in np.geomspace(low, peak, levels).tolist()} | {peak})


def _autoscaled(demand: Demand, wanted: Wanted) -> Iterator[Autoscaled]:
    mean = {kind: float(demand.of(kind).mean()) / MINUTE_S for kind in KINDS}
    seen: set[Autoscaled] = set()
    for target in TARGETS_PERCENT:
        for share in MINIMA:
            policies = {
                kind: Policy(
                    target_percent=target,
                    minimum=min(max(1, ceil(round(mean[kind] * share, 6))), wanted.most_capacity),
                    maximum=wanted.most_capacity,
                )
                for kind in KINDS
            }
            setting = Autoscaled(read=policies["read"], write=policies["write"])
            if setting not in seen:
                seen.add(setting)
                yield setting


def _rank(outcome: Outcome, wanted: Wanted) -> tuple[float, float]:
    return usd_month(outcome, wanted), outcome.throttled_share


def _frontier(outcomes: Sequence[Outcome], wanted: Wanted) -> Iterator[Outcome]:
    """Those that nothing beats in both."""
    cheapest = float("inf")
    for one in sorted(outcomes, key=lambda one: (one.throttled_share, usd_month(one, wanted))):
        if usd_month(one, wanted) < cheapest:
            cheapest = usd_month(one, wanted)
            yield one
