"""How a duration grows with the data: what each size took, and the exponent over the rounds that have every size."""

from collections.abc import Mapping, Sequence

from reports import stats
from reports.findings import Finding
from reports.rds_operations.cells import Cell, Measured
from reports.words import count, engine_name, span


def exponent(
    found: Measured, cells: Sequence[Cell], figure: str, what: str, each_s: Mapping[str, Mapping[int, float]]
) -> Finding | None:
    """The e of seconds ∝ flights^e; ``each_s`` has by step what each trial took, in the order of rounds. None for one size."""
    sizes = [cell for cell in cells if each_s.get(cell.step)]
    rounds = list(zip(*(each_s[cell.step].values() for cell in sizes), strict=False))
    if len({cell.flights for cell in sizes}) < 2 or any(value <= 0 for each in rounds for value in each):
        return None
    xs = [cell.flights for cell in sizes]
    fitted = stats.growth_exponent([(xs, list(each)) for each in rounds])
    first, last = min(xs), max(xs)
    sentence = (
        f"{engine_name(cells[0].engine)}: from {int(first):,} to {int(last):,} flights {what} took longer by flights^{shown(fitted.value)} "
        f"(least squares on logarithms; {count(fitted.n, 'round')}{span(fitted.low, fitted.high, shown)}; {found.on(cells[0])})."
    )
    one = sizes[-1]
    finding = found.say(one, figure, sentence, fitted, "exponent", "lower")
    return found.tool.exempt(finding, trials=[trial for cell in sizes for trial in cell.trials])


def shown(value: float) -> str:
    """Two decimals, and no sign before a zero."""
    text = f"{value:.2f}".replace("-", "−")
    return text.removeprefix("−") if float(text.replace("−", "-")) == 0 else text
