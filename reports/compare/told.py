"""A change in words: its size, its interval, its verdict, and a sentence of all of them; the same in every output."""

from collections.abc import Iterable, Mapping

from reports.compare.changes import Change
from reports.compare.comparison import Comparison
from reports.compare.designs import WORDS as DESIGNS
from reports.compare.designs import Sides
from reports.records import Figure
from reports.render.figures import NONE, number, quantity

SHAPES: Mapping[str, str] = {
    "regression": "▲",
    "worse, size unresolved": "△",
    "improved": "▼",
    "better, size unresolved": "▽",
    "equivalent": "=",
    "inconclusive": "?",
    "no verdict": "·",
    "not compared": "○",
}
_FAMILY = "of the family"


def percent(change: float, *, signed: bool = True) -> str:
    """A relative change, +12 %, −3.4 %, three digits at most; from a tripling on as a multiple, 4.1 ×."""
    if change >= 2:
        return f"{number(float(f'{1 + change:.3g}'))} ×"
    text = f"{number(float(f'{100 * change:.3g}'))} %"
    return f"+{text}" if signed and change > 0 else text


def amount(change: Change, size: float, *, signed: bool = True) -> str:
    """``size`` on the scale of ``change``: per cent, per cent of the odds, or the figure's own unit."""
    if change.scale != "difference":
        return percent(size, signed=signed)
    scaled = float(f"{size:.3g}")
    text = f"{number(100 * scaled)} points" if change.unit == "share" else quantity(scaled, change.unit)
    return f"+{text}" if signed and size > 0 else text


def effect(change: Change) -> str:
    """By how much, as a share of the odds where that is what changed."""
    if change.effect is None:
        return NONE
    return amount(change, change.effect) + (" (odds)" if change.scale == "odds" else "")


def interval(change: Change) -> str:
    """The interval of the change; *exact* where no chance is in it."""
    if change.low is None or change.high is None:
        return NONE
    return "exact" if change.exact else f"{amount(change, change.low)} to {amount(change, change.high)}"


def level(confidence: float) -> str:
    """``95 %``, ``99.2 %``: of an interval."""
    return f"{number(float(f'{100 * confidence:.4g}'))} %"


def levels(change: Change) -> str:
    """``1.23 ms → 1.38 ms``."""
    if change.base is None or change.candidate is None:
        return NONE
    return " → ".join(quantity(float(f"{side.mean:.4g}"), change.unit) for side in (change.base, change.candidate))


def margin(change: Change) -> str:
    """``± 5 %``."""
    return NONE if change.margin is None else f"± {amount(change, change.margin, signed=False)}"


def power(change: Change) -> str:
    """What such runs could have found, for who reads *inconclusive*; empty where that isn't known."""
    if change.detectable is None:
        return ""
    least = amount(change, change.detectable, signed=False)
    runs = "pairs" if change.design == "interleaved_pairs" else "runs a side"
    told = f"the least change that {change.n} {runs} find is {least}"
    if change.pairs_needed is None or change.margin is None:
        return told
    return f"{told}; one of {amount(change, change.margin, signed=False)} takes {change.pairs_needed:,} {runs}"


def verdict(change: Change) -> str:
    """The verdict word, with what it is worth where it is none."""
    return change.word


def sentence(change: Change, name: str) -> str:
    """All that is known of one change, in one sentence."""
    if change.word == "not compared":
        return f"{name}: not compared: {change.reason}."
    told = [f"{name}: {change.word}: {effect(change)}"]
    if (bounds := interval(change)) != NONE:
        told.append("exact" if change.exact else f"{level(change.confidence)} interval {bounds}")
    told.append(levels(change))
    if change.word == "inconclusive":
        told.append(change.reason or power(change))
    elif change.reason:
        told.append(change.reason)
    if change.tool_bound:
        told.append("tool-bound")
    return "; ".join(part for part in told if part) + "."


def headline(comparison: Comparison, sides: Sides) -> str:
    """The verdict line: what came of the family, in one sentence."""
    a, b = sides.base.name, sides.candidate.name
    family = comparison.family
    if not family:
        return f"{b} against {a}: no verdict; {_counted(comparison.exploratory)}, all of it exploratory."
    counts = _counted(family)
    by = f"{family[0].n} pairs" if comparison.design == "interleaved_pairs" else DESIGNS[comparison.design]
    return f"{b} against {a}: {comparison.word}; of {len(family)} declared figures {counts} ({by})."


def _counted(changes: Iterable[Change]) -> str:
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.word] = counts.get(change.word, 0) + 1
    told = [f"{counts[word]} {word}" for word in SHAPES if word in counts]
    return ", ".join(told) if told else "nothing was compared"


def names(changes: Iterable[Change]) -> dict[Figure, str]:
    """A short name for each figure: its id with the labels that tell it from the other figures of its id."""
    by_id: dict[str, list[Figure]] = {}
    for change in changes:
        by_id.setdefault(change.figure.id, []).append(change.figure)
    found = {}
    for id, figures in by_id.items():
        common = set.intersection(*(set(figure.labels) for figure in figures))
        for figure in figures:
            found[figure] = str(Figure(id, tuple(pair for pair in figure.labels if pair not in common)))
    return found
