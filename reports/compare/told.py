"""A change in words: its size, its interval, its verdict, and a sentence of all of them; the same in every output."""

from collections.abc import Iterable, Mapping

from reports.compare.changes import Change
from reports.compare.comparison import WORST, Comparison
from reports.compare.differences import Difference
from reports.records import Figure, told_apart
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


_TIMES = ("us", "ms", "s")  # units that an id ends with and a sentence has beside the figure
MULTIPLE_FROM = 2.0  # +200 %, a tripling: from here on a multiple reads better than per cent
QUIET = ("equivalent", "inconclusive", "no verdict", "not compared")  # what a summary counts rather than lists


def percent(change: float, *, signed: bool = True) -> str:
    """A relative change, +12 %, −3.4 %, three digits at most; from a tripling on as a multiple, 4.1 ×."""
    if change >= MULTIPLE_FROM:
        return f"{multiple(change)} ×"
    text = f"{number(float(f'{100 * change:.3g}'))} %"
    return f"+{text}" if signed and change > 0 else text


def multiple(change: float) -> str:
    """A relative change as how many times the base, 1.1 for +10 %."""
    return number(float(f"{1 + change:.3g}"))


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
    if change.exact:
        return "exact"
    if change.scale != "difference" and change.high >= MULTIPLE_FROM:
        return f"{multiple(change.low)} to {multiple(change.high)} ×"
    return f"{amount(change, change.low)} to {amount(change, change.high)}"


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
    """What such runs could have found, for who reads *inconclusive*; empty where that isn't known, or no chance is in it."""
    if change.detectable is None or change.exact:  # where no chance is in it, any change is found
        return ""
    least = amount(change, change.detectable, signed=False)
    runs = "pairs" if change.design == "interleaved_pairs" else "runs a side"
    told = f"the least change that {change.n} {runs} find is {least}"
    if change.pairs_needed is None or change.margin is None:
        return told
    return f"{told}; one of {amount(change, change.margin, signed=False)} takes {change.pairs_needed:,} {runs}"


def sentence(change: Change, name: object) -> str:
    """All that is known of one change, in one sentence."""
    if change.word == "not compared" or change.effect is None:
        return f"{name} isn't compared: {change.reason}."
    bounds, of = interval(change), " in its odds" if change.scale == "odds" else ""
    runs = "pairs" if change.design == "interleaved_pairs" else "runs a side"
    sure = (
        "exact"
        if change.exact
        else f"{level(change.confidence)} interval {bounds}, {change.n} {runs}"
        if bounds != NONE
        else ""
    )
    told = [
        f"{name}: {amount(change, change.effect)}{of}",
        f"({'; '.join(part for part in (sure, levels(change)) if part)}):",
    ]
    rest = "; ".join(part for part in (change.word, why(change), "tool-bound" if change.tool_bound else "") if part)
    return f"{' '.join(told)} {rest}."


def subject(figure: Figure, unit: str) -> str:
    """A figure as one would name it: ``Latency p95, arm query``."""
    id = figure.id.partition(".")[2]
    id = id.removesuffix(f"_{unit}") if unit in _TIMES else id
    about = "".join(f", {name} {text}" for name, text in figure.labels)
    words = id.replace(".", ", ").replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}{about}"


def plain(change: Change) -> str:
    """The change as one would say it, behind its subject."""
    if change.effect is None:
        return f"not compared: {change.reason}"
    if change.effect == 0:
        return "the same"
    way = "up" if change.effect > 0 else "down"
    if change.scale != "difference" and change.effect >= MULTIPLE_FROM:
        size = f"{multiple(change.effect)} times"
        return f"{size} the odds" if change.scale == "odds" else f"{size} as much"
    return (
        f"{way} by {amount(change, abs(change.effect), signed=False)}{' of its odds' if change.scale == 'odds' else ''}"
    )


def why(change: Change) -> str:
    """Why there is no verdict, or what such runs could have found."""
    return (change.reason or power(change)) if change.word == "inconclusive" else change.reason or ""


def difference_rows(comparison: Comparison, found: Iterable[Difference]) -> list[tuple[str, str, str]]:
    """What differs, labels first: name, base, candidate."""
    labels = [(f"label: {one.name}", one.base, one.candidate) for one in comparison.matching.labels]
    return [*labels, *((one.where, one.base, one.candidate) for one in found)]


def method(comparison: Comparison) -> list[str]:
    """How the figures were compared, in a few sentences; docs/method.md has the rest."""
    said = [
        "The unit is the run: each gives one value for each figure, and requests inside one count for none, since they move together. "
        "A time, a cost, a count is compared by the logarithm of its ratio, a share by its log-odds, what may be 0 by its difference. "
        "Figures that no chance is in, such as units of the same questions, are compared exactly. *Base → candidate* are the means of each "
        "side's runs; a change is a mean of logarithms, and so not quite what dividing these would give."
    ]
    if comparison.design == "interleaved_pairs":
        said.append(
            "The runs were made in pairs, one of each side, so that what drifts hits both: the interval is Student's t over the pairs' "
            "differences (Kalibera & Jones, ISMM'13, 10.1145/2464157.2464160)."
        )
    if comparison.design == "runs_in_sequence":
        said.append("The interval is Welch's t over the runs of either side (Biometrika 34, 10.1093/biomet/34.1-2.28).")
    said.append(
        "Verdicts stand on the margin in each row, declared before: an interval wholly beyond it is a regression or an improvement, wholly "
        "inside it equivalent; one that excludes 0 and straddles the margin is better or worse, its size unresolved; anything else is "
        "inconclusive, which is never to be read as no regression."
    )
    return said


def counted(changes: Iterable[Change]) -> str:
    """``2 regression, 3 equivalent``: how many have which verdict, the loudest first."""
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.word] = counts.get(change.word, 0) + 1
    told = [f"{counts[word]} {word}" for word in SHAPES if word in counts]
    return ", ".join(told) if told else "nothing was compared"


def worst_first(family: Iterable[Change]) -> list[Change]:
    """The changes by their verdicts, those of one verdict in their order."""
    order = (*WORST, "no verdict", "not compared")
    return sorted(family, key=lambda change: order.index(change.word))


def names(changes: Iterable[Change]) -> dict[Figure, Figure]:
    """A shorter figure for each: its id with the labels that tell it from the other figures of its id."""
    by_id: dict[str, list[Figure]] = {}
    for change in changes:
        by_id.setdefault(change.figure.id, []).append(change.figure)
    return {figure: short for those in by_id.values() for figure, short in zip(those, told_apart(those), strict=True)}
