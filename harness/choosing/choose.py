"""The ranking of stores for a workload, what decides it, and where it flips."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import get_args

from harness.choosing import flips
from harness.choosing.costs import Bill, Costs, Rates
from harness.choosing.curves import Curve, Line, exact
from harness.choosing.figures import Figure, Measured
from harness.choosing.needs import case_of
from harness.choosing.workload import Store, Workload
from harness.dynamodb.pricing import Prices
from harness.stores_compared.patterns import Name

STORES: tuple[str, ...] = get_args(Store)
BUSY_SHARES = (0.3, 0.7)
"""What the share of a vCPU that may be busy is varied to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One store: its mean month where it can be had, the bill of each month, and what stands against it."""

    costs: Costs
    usd_month: Fraction | None
    bills: tuple[Bill, ...] = ()

    @property
    def store(self) -> str:
        """Its name."""
        return self.costs.case.store

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it can't be taken, whatever it costs."""
        return (*self.costs.case.out, *dict.fromkeys(one.why for one in self.bills if one.why is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A flip of the answer when all rates change together (``pattern`` None), or one pattern's; rates are answers a second."""

    pattern: str | None
    direction: str
    rate_per_s: Fraction
    factor: Fraction
    included: bool
    store: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """The answer if it is otherwise: the cheapest then, each store's mean month, and where it would flip."""

    name: str
    cheapest: str | None
    usd: Mapping[str, Fraction | None]
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The answer.

    ``outcomes`` begin with those that can be had, cheapest first; ``decides`` are the patterns without any one of which another store
    would be the cheapest; ``rivals`` says of each other store at which rates it costs less than the cheapest.
    """

    workload: Workload
    measured: Measured
    prices: Prices
    outcomes: tuple[Outcome, ...]
    decides: Mapping[str, str | None]
    turns: tuple[Turn, ...]
    own_turns: tuple[Turn, ...]
    rivals: Mapping[str, tuple[Turn, ...]]
    variations: tuple[Variation, ...]
    curves: Mapping[str, Curve]

    @property
    def ranked(self) -> tuple[Outcome, ...]:
        """The stores that can be had, cheapest first."""
        return tuple(one for one in self.outcomes if one.usd_month is not None)

    @property
    def best(self) -> Outcome | None:
        """The cheapest."""
        return self.ranked[0] if self.ranked else None

    def stands_on(self) -> tuple[Figure, ...]:
        """The figures that the ranked stores' costs are made of."""
        return tuple(dict.fromkeys(figure for one in self.ranked for figure in one.costs.case.stands_on()))


def choose(workload: Workload, measured: Measured, prices: Prices) -> Choice:
    """Rank what can be had, and say what would change it."""
    all_costs = _costs(workload, measured, prices)
    outcomes = sorted((_outcome(one) for one in all_costs), key=_order)
    best = outcomes[0] if outcomes and outcomes[0].usd_month is not None else None
    possible = [one for one in all_costs if one.possible]
    curves = {one.case.store: one.curve(one.own_rates()) for one in possible}
    turns: tuple[Turn, ...] = ()
    own_turns: tuple[Turn, ...] = ()
    rivals: dict[str, tuple[Turn, ...]] = {}
    if best is not None:
        turns = _turns(curves, best.store, workload)
        rivals = {
            name: _turns({best.store: curves[best.store], name: curve}, best.store, workload)
            for name, curve in curves.items()
            if name != best.store
        }
        own_turns = tuple(
            turn for name in workload.patterns for turn in _own_turns(possible, best.store, workload, name)
        )
    return Choice(
        workload=workload, measured=measured, prices=prices, outcomes=tuple(outcomes), curves=curves, turns=turns, own_turns=own_turns, rivals=rivals,
        decides={} if best is None else _decides(workload, measured, prices, best.store),
        variations=() if best is None else tuple(_variations(workload, measured, prices, best.store)),
    )  # fmt: skip


def rates_about(workload: Workload, pattern: str) -> Rates:
    """The rates over that of one pattern, the others as they are."""
    return {
        name: Line(each=Fraction(1)) if name == pattern else Line(fixed=exact(use.rate_per_s))
        for name, use in workload.patterns.items()
    }


def _costs(
    workload: Workload, measured: Measured, prices: Prices, vary: Callable[[Costs], Costs] = lambda costs: costs
) -> list[Costs]:
    stores = workload.stores or STORES
    return [vary(Costs.of(case_of(store, workload, measured), workload, prices)) for store in stores]


def _outcome(costs: Costs) -> Outcome:
    if not costs.possible:
        return Outcome(costs=costs, usd_month=None)
    return Outcome(costs=costs, usd_month=costs.mean_usd(), bills=tuple(costs.bill(month) for month in costs.months))


def _order(one: Outcome) -> tuple[bool, Fraction, bool, str]:
    return one.usd_month is None, one.usd_month or Fraction(0), not one.reasons, one.store


def _means(all_costs: list[Costs]) -> dict[str, Fraction | None]:
    return {one.case.store: one.mean_usd() for one in all_costs if one.possible}


def _cheapest(usd: Mapping[str, Fraction | None]) -> str | None:
    known = [(each, name) for name, each in usd.items() if each is not None]
    return min(known)[1] if known else None


def _decides(workload: Workload, measured: Measured, prices: Prices, best: str) -> dict[str, str | None]:
    """For each pattern without which another store would be the cheapest: which. A sole pattern decides it by itself."""
    if len(workload.patterns) == 1:
        return dict.fromkeys(map(str, workload.patterns))
    found: dict[str, str | None] = {}
    for pattern in workload.patterns:
        others = {name: use for name, use in workload.patterns.items() if name != pattern}
        without = _cheapest(_means(_costs(workload.model_copy(update={"patterns": others}), measured, prices)))
        if without != best:
            found[pattern] = without
    return found


def _turns(curves: Mapping[str, Curve], best: str, workload: Workload) -> tuple[Turn, ...]:
    now, rate = Fraction(1), sum((exact(use.rate_per_s) for use in workload.patterns.values()), Fraction(0))
    found = (("below", flips.below(curves, best, now)), ("above", flips.above(curves, best, now)))
    return tuple(
        Turn(
            pattern=None, direction=direction, rate_per_s=flip.rate * rate, factor=flip.rate, included=flip.included, store=flip.store
        )
        for direction, flip in found
        if flip is not None
    )  # fmt: skip


def _own_turns(possible: list[Costs], best: str, workload: Workload, pattern: Name) -> tuple[Turn, ...]:
    rates, now = rates_about(workload, pattern), exact(workload.patterns[pattern].rate_per_s)
    curves = {one.case.store: one.curve(rates) for one in possible}
    found = (("below", flips.below(curves, best, now)), ("above", flips.above(curves, best, now)))
    return tuple(
        Turn(
            pattern=pattern, direction=direction, rate_per_s=flip.rate, factor=flip.rate / now, included=flip.included, store=flip.store
        )
        for direction, flip in found
        if flip is not None
    )  # fmt: skip


def _variations(workload: Workload, measured: Measured, prices: Prices, best: str) -> list[Variation]:
    found = []
    for share in BUSY_SHARES:
        varied = workload.model_copy(update={"sql": workload.sql.model_copy(update={"busy_share": share})})
        found.append(_variation(f"{share:g} of a vCPU busy", varied, _costs(varied, measured, prices)))

    def against(costs: Costs) -> Costs:
        return replace(costs, bound="high" if costs.case.store == best else "low")

    name = "measured figures at the ends of their intervals, against the answer"
    return [*found, _variation(name, workload, _costs(workload, measured, prices, against))]


def _variation(name: str, workload: Workload, all_costs: list[Costs]) -> Variation:
    usd = _means(all_costs)
    cheapest = _cheapest(usd)
    curves = {one.case.store: one.curve(one.own_rates()) for one in all_costs if one.possible}
    turns = _turns(curves, cheapest, workload) if cheapest is not None else ()
    return Variation(name=name, cheapest=cheapest, usd=usd, turns=turns)
