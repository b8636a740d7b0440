"""comparison.md: a comparison for a pull request, short enough for a comment; charts stay in the page."""

from collections.abc import Iterator, Mapping, Sequence

from reports.compare import told, verdict_line
from reports.compare.changes import Change
from reports.compare.compared import Compared
from reports.compare.designs import WORDS
from reports.records import Figure
from reports.render import run
from reports.render.figures import markdown_row
from reports.render.markdown import MOST_CHARACTERS, cut

_HEADINGS = ("Figure", "Verdict", "Change", "Interval", "Margin", "Base → candidate")
_MOST_ROWS = (200, 80, 40, 20, 10)  # of each table: the most that let the whole fit
_REST = "comparison.html and verdicts.json"


def markdown(of: Compared) -> str:
    """The comparison; where it would not fit a comment its tables keep their first rows, and that is said."""
    text = ""
    for most in _MOST_ROWS:
        text = "\n".join(_lines(of, most)) + "\n"
        if len(text) <= MOST_CHARACTERS:
            return text
    return cut(text, _REST)


def _lines(of: Compared, most: int) -> Iterator[str]:
    comparison, sides = of.comparison, of.sides
    yield from (f"# {sides.candidate.name} against {sides.base.name}", "")
    yield from (f"**{told.SHAPES[of.word]} {verdict_line.headline(of)}**", "")
    for warning in comparison.warnings:
        yield from (f"> {warning}", "")
    if of.gates.outcomes:
        yield from (f"- gate `{one.gate}`: {one.sentence}" for one in of.gates.outcomes)
        yield ""
    family, names = told.worst_first(comparison.family), told.names(comparison.changes)
    if family:
        yield from ("## What was declared", "", *_changes(family, names, most), "")
    loud = [change for change in comparison.exploratory if change.word not in told.QUIET]
    if loud:
        yield from ("## What else changed (exploratory)", "", *_changes(loud, names, most), "")
    yield from (_rest(of), "", "## What differs between the sides", "")
    yield from (f"- {side.name}: {side.words}" for side in (sides.base, sides.candidate) if side.words)
    yield from (f"- design: {WORDS[comparison.design]}", "")
    rows = told.difference_rows(comparison, of.differences)
    yield from _table(("What", sides.base.name, sides.candidate.name), rows, most)
    yield from ("", "## What it was measured on", "")
    yield from (f"- {name}: {text}" for name, text in run.environment(sides.candidate.runs[-1].manifest))
    yield from ("", "## How it was compared", "")
    for paragraph in told.method(comparison):
        yield from (paragraph, "")
    made_by = [sides.command] if sides.command else []
    yield from ("## How to repeat it", "", "```", *made_by, of.command, "```")


def _changes(changes: Sequence[Change], names: Mapping[Figure, Figure], most: int) -> Iterator[str]:
    rows = []
    for change in changes:
        word = f"{told.SHAPES[change.word]} {change.word}" + (f": {told.why(change)}" if told.why(change) else "")
        at = "" if change.exact or change.low is None else f" ({told.level(change.confidence)})"
        rows.append(
            (
                f"`{names[change.figure]}`", word, told.effect(change), told.interval(change) + at, told.margin(change),
                told.levels(change),
            )
        )  # fmt: skip
    yield from _table(_HEADINGS, rows, most)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], most: int) -> Iterator[str]:
    if not rows:
        yield "Nothing."
        return
    yield from (markdown_row(headings), "|---" * len(headings) + "|")
    yield from map(markdown_row, rows[:most])
    if len(rows) > most:
        yield from ("", f"And {len(rows) - most:,} more, in {_REST}.")


def _rest(of: Compared) -> str:
    comparison = of.comparison
    only = len(comparison.matching.only_base) + len(comparison.matching.only_candidate)
    quiet = [change for change in comparison.exploratory if change.word in told.QUIET]
    return f"Besides: {told.counted(quiet)}; {len(comparison.not_compared)} can't be compared, {only} only one side has ({_REST})."
