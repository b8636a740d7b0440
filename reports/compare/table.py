"""The verdict table of the terminal: the family, then what else changed; plain text that a log keeps readable."""

from collections.abc import Iterator, Sequence

from reports.compare import told, verdict_line
from reports.compare.changes import Change
from reports.compare.compared import Compared
from reports.compare.comparison import Comparison
from reports.compare.designs import WORDS

_HEADINGS = ("verdict", "change", "interval", "margin", "base → candidate", "figure")
_MOST = 20  # of what isn't declared; all of it is in the page


def lines(of: Compared) -> Iterator[str]:
    """The verdict line, warnings, what differs, the gates, and the tables."""
    comparison, sides, found = of.comparison, of.sides, of.differences
    yield verdict_line.headline(of)
    yield f"{sides.base.name}: {sides.base.words}"
    yield f"{sides.candidate.name}: {sides.candidate.words}"
    yield f"design: {WORDS[comparison.design]}"
    for one in comparison.matching.labels:
        yield f"label {one.name}: {one.base} → {one.candidate}"
    for difference in found[:_MOST]:
        yield f"differs: {difference.where}: {difference.base} → {difference.candidate}"
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more differences"
    for warning in comparison.warnings:
        yield f"warning: {warning}"
    short = told.names(comparison.changes)
    if comparison.family:
        yield from ("", *_table([_row(change, str(short[change.figure])) for change in comparison.family]))
    for outcome in of.gates.outcomes:
        yield f"gate {outcome.gate}: {outcome.sentence}"
    yield from _exploratory(comparison)


def _exploratory(comparison: Comparison) -> Iterator[str]:
    short = told.names(comparison.changes)
    loud = [change for change in comparison.exploratory if change.word not in told.QUIET]
    quiet = len(comparison.exploratory) - len(loud)
    if loud:
        yield from ("", "exploratory (each at 95 %, so one in twenty of those that are equal is here by chance):")
        yield from _table([_row(change, str(short[change.figure])) for change in loud[:_MOST]])
        if len(loud) > _MOST:
            yield f"and {len(loud) - _MOST} more"
    sides = comparison.matching
    only = len(sides.only_base) + len(sides.only_candidate)
    rest = (f"{quiet} others compared", f"{len(comparison.not_compared)} not compared", f"{only} on one side only")
    yield from ("", "; ".join(rest))


def _row(change: Change, name: str) -> tuple[str, ...]:
    word = f"{told.SHAPES[change.word]} {change.word}"
    bounds = told.interval(change)
    at = (
        f" ({told.level(change.confidence)})"
        if change.confirmatory and not change.exact and change.low is not None
        else ""
    )
    return word, told.effect(change), bounds + at, told.margin(change), told.levels(change), name


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    whole = [_HEADINGS, *rows]
    widths = [max(len(row[column]) for row in whole) for column in range(len(_HEADINGS))]
    for row in whole:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
