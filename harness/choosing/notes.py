"""What was supposed in a choice, and how far its figures were taken."""

from collections.abc import Iterator

from harness.choosing.choose import Choice, Outcome
from harness.stores_compared.patterns import PATTERNS

TABLE_UNITS_PER_S = 40_000  # B11


def notes_of(choice: Choice) -> tuple[str, ...]:
    """Sentences, each once."""
    return tuple(dict.fromkeys(_notes(choice)))


def _notes(choice: Choice) -> Iterator[str]:
    workload = choice.workload
    for one in choice.ranked:
        yield from one.costs.case.supposed
        if one.costs.unpriced:
            yield f"Not considered, since the price file lacks their price or size: {', '.join(one.costs.unpriced)}."
    yield from _how_far(choice)
    if any(figure.basis == "local_model" for figure in choice.stands_on()):
        yield (
            "CPU seconds are those of the machine that measured; a vCPU of a managed instance takes another time. DynamoDB's units are exact "
            "anywhere."
        )
    if any(one.costs.case.cached for one in choice.ranked):
        yield "Hit rates are those of the run, of its keys and its TTL; what a cache node serves a second is not in the price."
    for one in choice.ranked:
        yield from _of_store(one)
    if workload.growth.months > 1:
        yield f"Dollars are the mean of {workload.growth.months} months, each at its own rates and items."


def _how_far(choice: Choice) -> Iterator[str]:
    growth = choice.workload.growth
    most = choice.workload.data.items * (1 + growth.items_percent_a_month / 100) ** (growth.months - 1)
    smallest = min(
        (figure.items for figure in choice.stands_on() if figure.items and PATTERNS[figure.pattern].growing),
        default=None,
    )
    if smallest is not None and most > smallest:
        yield (
            f"Figures of a table of {smallest:,} items are taken to {most:,.0f}, {most / smallest:,.3g} times as many, by the growth that was "
            "measured below."
        )


def _of_store(one: Outcome) -> Iterator[str]:
    costs, last = one.costs, len(one.bills) - 1
    if costs.case.engine is None:
        for kind in ("read", "write"):
            units = costs.units_per_s(last, kind)
            if units > TABLE_UNITS_PER_S:
                yield f"{one.store} asks for {float(units):,.0f} {kind} units a second; a table's quota is 40,000 until it is raised (B11)."
    elif any(" × db." in bill.bought for bill in one.bills) and not costs.workload.sql.sharding:
        yield f"More than one instance of {one.store} are a primary and its read replicas: reads that may be stale go there."
