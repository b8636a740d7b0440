"""The whole answer: the cheapest setting for a demand, why, and how far it holds when the demand is another."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.costs import provisioned_usd_month
from harness.dynamodb.planner.model import Assumptions, Demand, LaneReplay, OnDemand, Outcome, short
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.planner.search import Found, Wanted, search, usd_month
from harness.dynamodb.pricing import Prices, break_even_utilisation

PLAN_SCHEMA = 1
GROWTHS = (0.8, 1.2)
PEAKS_TO_MEAN = (2.0, 4.0)
MOST_POINTS = 800
"""Points of a timeline that a chart is drawn from."""
POINT_MINUTES = (1, 5, 15, 60, 360, 1_440)
CLOSE_UP_MINUTES = 3 * 1_440


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """The demand grown by a factor or asked for in bursts, or a service that stores no more than a second of capacity (B2);
    what would be cheapest then, and what ``kept``, the advised setting, would come to.
    """

    growth: float = 1.0
    peak_to_mean: float = 1.0
    stored: bool = True
    cheapest: Outcome | None
    kept: Outcome

    @property
    def name(self) -> str:
        """In words."""
        if not self.stored:
            return "no store of unused capacity"
        if self.growth != 1:
            return f"demand {'+' if self.growth > 1 else '−'}{100 * abs(self.growth - 1):.0f} %"
        return f"peaks of {self.peak_to_mean:g} × the mean in each minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A demand, what was asked of a setting, what was found; ``advised`` is the cheapest, else what throttles least."""

    demand: Demand
    wanted: Wanted
    found: Found
    advised: Outcome
    on_demand: Outcome
    variations: tuple[Variation, ...]
    break_even: dict[str, float | None]


def make_plan(demand: Demand, prices: Prices, wanted: Wanted, assumptions: Assumptions | None = None) -> Plan:
    """Search the demand as it is, grown and shrunk by a fifth, in bursts inside the minute, and without a store to draw on.

    Raises ValueError where a price that is needed isn't known.
    """
    assumptions = assumptions or Assumptions()
    found = search(demand, prices, wanted, assumptions)
    advised = found.cheapest or found.least
    peak = assumptions.peak_to_mean
    cases = [(growth, peak, assumptions) for growth in GROWTHS]
    cases += [(1.0, more, replace(assumptions, peak_to_mean=more)) for more in PEAKS_TO_MEAN if more > peak]
    cases.append((1.0, peak, replace(assumptions, admission=replace(assumptions.admission, burst_s=1.0))))
    variations = []
    for growth, peak_to_mean, other in cases:
        grown = demand if growth == 1 else demand.grown(growth)
        cheapest = search(grown, prices, wanted, other, levels=0).cheapest
        kept = Replayer(grown, other).outcome(advised.setting, prices)
        variations.append(
            Variation(
                growth=growth, peak_to_mean=peak_to_mean, stored=other.admission.burst_s > 1, cheapest=cheapest, kept=kept,
            )
        )  # fmt: skip
    return Plan(
        demand=demand, wanted=wanted, found=found, advised=advised, variations=tuple(variations),
        on_demand=next(one for one in found.outcomes if isinstance(one.setting, OnDemand)),
        break_even={kind: break_even_utilisation(prices, kind) for kind in KINDS},
    )  # fmt: skip


def weighted_utilisation(outcome: Outcome, prices: Prices) -> float | None:
    """Of what is provisioned, reads and writes by what they cost: below the break-even on demand is cheaper (C1).

    None on demand.
    """
    if isinstance(outcome.setting, OnDemand) or not outcome.usd_month:
        return None
    used = [(outcome.of(kind).mean_capacity or 0.0) * (outcome.of(kind).utilisation or 0.0) for kind in KINDS]
    return provisioned_usd_month(prices, *used) / outcome.usd_month


def as_record(
    plan: Plan, prices: Prices, assumptions: Assumptions, *, source: str, notes: tuple[str, ...]
) -> dict[str, Any]:
    """The plan for JSON, schema 1; docs/planner.md names its members."""
    return {
        "schema": PLAN_SCHEMA,
        "source": source,
        "notes": list(notes),
        "demand": _demand_record(plan.demand),
        "asked": {
            "most_throttled_share": plan.wanted.most_throttled,
            "reserved": plan.wanted.reserved,
            "most_capacity": plan.wanted.most_capacity,
            "peak_to_mean": assumptions.peak_to_mean,
            "key_shares": len(assumptions.key_shares),
            "scaling_delay_s": assumptions.autoscaling.delay_s,
        },
        "prices": {"date": prices.date, "region": prices.region, "source": prices.source},
        "settings": len(plan.found.outcomes),
        "cheapest": plan.found.cheapest.as_record() if plan.found.cheapest else None,
        "advised": plan.advised.as_record(),
        "advised_usd_month": usd_month(plan.advised, plan.wanted),
        "on_demand": plan.on_demand.as_record(),
        "by_family": {family: one.as_record() for family, one in plan.found.by_family.items()},
        "weighted_utilisation": weighted_utilisation(plan.advised, prices),
        "break_even_utilisation": plan.break_even,
        "frontier": [_short(one, plan.wanted) for one in plan.found.frontier],
        "outcomes": [_short(one, plan.wanted) for one in plan.found.outcomes],
        "variations": [
            {
                "name": one.name, "growth": one.growth, "peak_to_mean": one.peak_to_mean, "stored": one.stored,
                "cheapest": _short(one.cheapest, plan.wanted) if one.cheapest else None,
                "kept": _short(one.kept, plan.wanted),
            }
            for one in plan.variations
        ],
        **_timelines(plan, assumptions),
    }  # fmt: skip


def _short(outcome: Outcome, wanted: Wanted) -> dict[str, Any]:
    return {
        "family": outcome.setting.family, "setting": short(outcome.setting), "usd_month": usd_month(outcome, wanted),
        "throttled_share": outcome.throttled_share, "longest_throttled_minutes": outcome.longest_throttled_minutes,
        **{f"{kind}_utilisation": outcome.of(kind).utilisation for kind in KINDS},
    }  # fmt: skip


def _demand_record(demand: Demand) -> dict[str, Any]:
    return {
        "start_s": demand.start_s,
        "minutes": demand.minutes,
        **{
            kind: {
                "units": float(demand.of(kind).sum()),
                "mean_units_per_s": float(demand.of(kind).mean()) / MINUTE_S,
                "peak_units_per_s": float(demand.of(kind).max()) / MINUTE_S,
            }
            for kind in KINDS
        },
    }


def _timelines(plan: Plan, assumptions: Assumptions) -> dict[str, Any]:
    """Demand, capacity and throttling of the advised setting: over the whole time, and of three days around the worst."""
    replays = Replayer(plan.demand, assumptions).replay(plan.advised.setting)
    minutes = plan.demand.minutes
    timelines = {"timeline": _timeline(plan.demand, replays, 0, minutes)}
    if minutes <= CLOSE_UP_MINUTES:
        return timelines | {"close_up": None}
    begin = min(max(worst_minute(plan.demand, replays) - CLOSE_UP_MINUTES // 2, 0), minutes - CLOSE_UP_MINUTES)
    return timelines | {"close_up": _timeline(plan.demand, replays, begin, begin + CLOSE_UP_MINUTES)}


def worst_minute(demand: Demand, replays: dict[Kind, LaneReplay]) -> int:
    """In which the largest share of a kind was throttled of its busiest minute's units; where nothing was, the busiest."""
    throttled, asked = np.zeros(demand.minutes), np.zeros(demand.minutes)
    for kind in KINDS:
        units = demand.of(kind)
        most = float(units.max()) or 1.0
        throttled = np.maximum(throttled, (units - replays[kind].served) / most)
        asked = np.maximum(asked, units / most)
    return int((throttled if throttled.max() > 0 else asked).argmax())


def _timeline(demand: Demand, replays: dict[Kind, LaneReplay], begin: int, end: int) -> dict[str, Any]:
    """A stretch of time in points of whole minutes, hours or days, few enough for a chart."""
    each = next((one for one in POINT_MINUTES if (end - begin) / one <= MOST_POINTS), -(-(end - begin) // MOST_POINTS))
    edges = np.arange(0, end - begin, each)
    lengths = np.diff(np.append(edges, end - begin))
    columns: dict[str, Any] = {
        "minutes_each": each,
        "start_s": (demand.start_s + (begin + edges) * 60).tolist(),
    }
    for kind in KINDS:
        units, served = demand.of(kind)[begin:end], replays[kind].served[begin:end]
        capacity = replays[kind].capacity
        columns[kind] = {
            "mean_units_per_s": (np.add.reduceat(units, edges) / lengths / MINUTE_S).tolist(),
            "peak_units_per_s": (np.maximum.reduceat(units, edges) / MINUTE_S).tolist(),
            "throttled_units_per_s": (np.add.reduceat(units - served, edges) / lengths / MINUTE_S).tolist(),
            "capacity": None if capacity is None else (np.add.reduceat(capacity[begin:end], edges) / lengths).tolist(),
            "most_capacity": None if capacity is None else np.maximum.reduceat(capacity[begin:end], edges).tolist(),
        }
    return columns
