"""An estimate in sentences and tables, for a terminal and for a page."""

from harness.aws.deployment import WHAT_IT_IS, Size
from harness.aws.estimate import Estimate, Line, Total
from harness.plan_output import Rows, usd

UNKNOWN, NOTHING = "unknown", "–"
HEADINGS = ("what", "quantity", "price", "an hour", "this run", "source")
NOT_COUNTED = (
    "Not counted: taxes, free tiers and discounts, surplus CPU credits of burstable instances, logs and metrics, requests to S3, what auto "
    "scaling adds while it is up."
)


def headline(size: Size, made: Estimate) -> str:
    """What it costs, before anything else."""
    return (
        f"{size}: {total(made.run)} for {made.work.hours:,.1f} h, {total(made.hourly)} an hour while it stands "
        f"({WHAT_IT_IS[size]}; {made.region})."
    )


def total(of: Total) -> str:
    """A sum, *at least* where something in it isn't known, *unknown* where nothing is."""
    if of.usd is None:
        return UNKNOWN
    return f"{'at least ' if of.at_least else ''}{usd(of.usd)}"


def sentences(size: Size, made: Estimate) -> list[str]:
    """The headline, and what it misses."""
    said = [headline(size, made)]
    if made.unknown:
        said.append(f"Unknown, and so in no sum: {', '.join(made.unknown)}.")
    return said


def lengths(made: Estimate) -> Rows:
    """What the hours are made of."""
    rows: list[tuple[str, ...]] = [
        (part.name, _length(part.seconds), _units(part.read_request_units), _units(part.write_request_units), part.how)
        for part in made.work.parts
    ]
    return "How long", ("part", "length", "reads on demand", "writes on demand", "how that was found"), rows


def lines(made: Estimate) -> Rows:
    """A row for each line, the totals last."""
    rows: list[tuple[str, ...]] = [
        (
            one.what, _quantity(one), _price(one), _dollars(one.usd_hour) if one.hourly else NOTHING,
            _dollars(one.usd_run), one.source,
        )
        for one in made.lines
    ]  # fmt: skip
    rows.append(("total", NOTHING, NOTHING, total(made.hourly), total(made.run), NOTHING))
    return "What it costs", HEADINGS, rows


def markdown(table: Rows) -> str:
    """A table of a page."""
    _, headings, rows = table
    ruled = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in ruled)


def _quantity(one: Line) -> str:
    if one.quantity is None:
        return f"{UNKNOWN} {one.unit}"
    return f"{one.quantity:,.4g} {one.unit}" if one.unit else "none"


def _price(one: Line) -> str:
    if one.usd_per_unit is None:
        return UNKNOWN if one.key else NOTHING
    return f"${one.usd_per_unit:.4g}"


def _dollars(value: float | None) -> str:
    return UNKNOWN if value is None else f"${value:,.4f}"


def _length(seconds: float) -> str:
    return f"{seconds / 3_600:,.1f} h" if seconds >= 3_600 else f"{seconds / 60:,.0f} min"


def _units(units: float) -> str:
    return f"{units:,.0f}" if units else NOTHING
