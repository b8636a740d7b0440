"""How units grow while the table grows under the same answer, and while the answer grows in the same table."""

from collections.abc import Sequence

from reports import stats
from reports.findings import Finding
from reports.query_vs_scan.arms import QUESTIONS
from reports.query_vs_scan.cells import Asked, ByRound, Cell, trials_of
from reports.words import count, percent, span

# part that grows something -> its questions, each with its arms
_GROWN: dict[str, dict[str, tuple[str, ...]]] = {
    "table_items": {"aircraft": ("query", "scan"), "airport": ("gsi_all", "scan")},
    "answer_share": {"range": ("query", "batch_get", "get_item", "scan")},
}


def findings(asked: Asked) -> list[Finding]:
    """An exponent for each arm; the Scan's for one aircraft tells the Query's too, and opens the report."""
    found = [
        _exponent(asked, axis, asked.where(axis, question, arm))
        for axis, questions in _GROWN.items()
        for question, arms in questions.items()
        for arm in arms
        if asked.where(axis, question, arm)
    ]
    return [finding for finding in found if finding is not None]


def _exponent(asked: Asked, axis: str, cells: Sequence[Cell]) -> Finding | None:
    """None where only one size was asked: nothing grew."""
    if len(set(_sizes(axis, cells))) < 2:
        return None
    labels = {
        "part": axis, "axis": axis, "question": cells[0].question, "arm": cells[0].arm, "client": cells[0].labels["client"],
    }  # fmt: skip
    opens, arm = _while_it_grew(axis, cells), cells[0].how.words
    exponent = of_rounds(axis, cells)
    if exponent is None:
        return asked.unknown(
            "units_growth_exponent",
            f"{opens}: no exponent of the units by {arm}",
            "no round has every step",
            "exponent",
            labels,
        )
    beside, headline = "", axis == "table_items" and (cells[0].question, cells[0].arm) == ("aircraft", "scan")
    query = asked.where(axis, "aircraft", "query") if headline else []
    other = of_rounds(axis, query) if len(set(_sizes(axis, query))) > 1 else None
    if other is not None:
        beside = f", by Query with {shown(other.value)}{_within(other)}"
    sentence = (
        f"{opens}, units by {arm} grew with exponent {shown(exponent.value)}{_within(exponent)}{beside} "
        f"({count(exponent.n, 'round')}; {asked.on})."
    )
    finding = asked.measured("units_growth_exponent", sentence, exponent, "", labels, headline=headline)
    return asked.tool.exempt(finding, trials=trials_of([*cells, *query]))


def of_rounds(axis: str, cells: Sequence[Cell]) -> stats.Interval | None:
    """The exponent over the rounds that have every step; None where none has."""
    alike = axis == "table_items" and cells[0].op != "Scan"  # what reads it all consumes the same for any answer
    units = _of_same_answers(cells) if alike else [cell.units() for cell in cells]
    whole = set.intersection(*(set(of_step.index[of_step > 0]) for of_step in units))
    xs = _sizes(axis, cells)
    rounds = [(xs, [float(of_step[number]) for of_step in units]) for number in sorted(whole)]
    return stats.growth_exponent(rounds) if rounds else None


def _of_same_answers(cells: Sequence[Cell]) -> list[ByRound]:
    """Units by round at each size, over answers as long as some at every other size, each length counting once.

    Each trial draws its own keys: without this, those that it happened to draw oftener would look like growth.
    """
    by_length = [
        cell.rows.assign(length=cell.rows["items_returned"].fillna(0)).groupby(["round", "length"])["read_units"].mean()
        for cell in cells
    ]
    common = by_length[0].index
    for one in by_length[1:]:
        common = common.intersection(one.index)
    return [one[common].groupby("round").mean() for one in by_length]


def _sizes(axis: str, cells: Sequence[Cell]) -> list[float]:
    return [float(cell.share if axis == "answer_share" else cell.items) for cell in cells]


def shown(exponent: float) -> str:
    """Two decimals, and no sign before a zero."""
    text = f"{exponent:.2f}".replace("-", "−")
    return text.removeprefix("−") if float(text.replace("−", "-")) == 0 else text


def _within(exponent: stats.Interval) -> str:
    inner = span(exponent.low, exponent.high, shown).removeprefix(", ")
    return f" ({inner})" if inner else ""


def _while_it_grew(axis: str, cells: Sequence[Cell]) -> str:
    first, last, what = cells[0], cells[-1], QUESTIONS[cells[0].question]
    if axis == "answer_share":
        return f"While the answer grew from {percent(first.share)} to {percent(last.share)} of {last.items:,} items ({what})"
    return f"While the table grew from {first.items:,} to {last.items:,} items under the same answer ({what})"
