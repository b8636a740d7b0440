"""By how much one figure changed from one side to the other, on the scale where its changes add up, and what that is worth."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from reports import stats
from reports.compare.designs import Design
from reports.compare.matching import Match
from reports.findings import Better
from reports.records import Figure, Recorded
from reports.stats import CONFIDENCE, Difference, Ratio, Verdict

Word = Literal[stats.Word, "no verdict", "not compared"]
Scale = Literal["ratio", "odds", "difference"]
Effect = Ratio | Difference

# What happened in a run, counted: exact of that run, and the next may count otherwise.
COUNTED = frozenset({"writes", "reads", "units"})
# The margins of config.yaml's section comparison, for runs that don't say (docs/method.md).
MARGINS: Mapping[str, float] = {"margin": 0.05, "margin_p99": 0.10, "margin_share": 0.10}
ONE_RUN = "one run a side can't tell change from chance"
NO_DIRECTION = "neither more nor less of it is better"
_PLAIN = ("measured", "tool_bound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One side's runs: their mean with its t interval at 95 %, and each run's own value, of pairs in their order."""

    mean: float
    low: float | None
    high: float | None
    n: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure, candidate against base. ``reason`` says why there is no verdict, or why it isn't compared.

    ``scale``: ``effect``, ``low``, ``high``, ``margin`` and ``detectable`` are relative changes, of the value (*ratio*) or of a share's
    odds (*odds*), or in the figure's own unit (*difference*). ``confidence`` is that of the interval: of a **confirmatory** figure the
    one that Holm's steps leave it. ``exact``: no chance is in it. ``tool_bound``: some run says
    that its figure may be the tool's own.
    """

    figure: Figure
    unit: str
    better: Better
    design: Design
    scale: Scale = "ratio"
    base: Level | None = None
    candidate: Level | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    word: Word
    margin: float | None = None
    exact: bool = False
    detectable: float | None = None
    pairs_needed: int | None = None
    p: float | None = None
    confidence: float = CONFIDENCE
    confirmatory: bool = False
    tool_bound: bool = False
    reason: str | None = None

    @property
    def n(self) -> int:
        """Pairs, or runs of the side that has fewer."""
        return min(self.base.n, self.candidate.n) if self.base and self.candidate else 0

    @property
    def relative(self) -> tuple[float, float, float] | None:
        """Effect and bounds as relative changes; None without an interval, or of a difference from a base of 0 that isn't 0.

        A share's are those of its odds.
        """
        if self.effect is None or self.low is None or self.high is None or self.base is None:
            return None
        if self.scale != "difference":
            return self.effect, self.low, self.high
        of = abs(self.base.mean)
        if of == 0:
            return (0.0, 0.0, 0.0) if self.effect == self.low == self.high == 0 else None
        return self.effect / of, self.low / of, self.high / of


def margin_of(id: str, unit: str, manifest: Mapping[str, Any]) -> float:
    """The relative change too small to matter, as the run's configuration declares it for such a figure."""
    declared = {**MARGINS, **((manifest.get("config") or {}).get("comparison") or {})}
    key = "margin_share" if unit == "share" else "margin_p99" if "p99" in id else "margin"
    return float(declared[key])


def change_of(
    match: Match, bases: Sequence[Recorded], candidates: Sequence[Recorded], *, design: Design,
    confidence: float = CONFIDENCE, confirmatory: bool = False,
) -> Change:  # fmt: skip
    """The change of one matched figure; of interleaved pairs the n-th base is of the n-th candidate's pair.

    A figure that a run doesn't have, or has without a plain value, is *not compared*, with the reason.
    """
    records = [run.findings.get(match.base) for run in bases], [run.findings.get(match.candidate) for run in candidates]
    there = [record for side in records for record in side if record is not None]
    described = Change(
        figure=match.figure, unit=str(there[-1]["unit"]), better=_better(there), design=design, word="not compared",
        confidence=confidence, confirmatory=confirmatory, tool_bound=any(one["status"] == "tool_bound" for one in there),
    )  # fmt: skip
    if why := _why_not(*records):
        return replace(described, reason=why)
    base, candidate = ([one for one in side if one is not None] for side in records)
    margin = margin_of(match.figure.id, described.unit, candidates[-1].manifest)
    return _compared(described, base, candidate, margin)


def _compared(
    change: Change, base: Sequence[Mapping[str, Any]], candidate: Sequence[Mapping[str, Any]], margin: float
) -> Change:
    change = replace(change, base=_level(base), candidate=_level(candidate))
    determined = change.unit not in COUNTED and _same(base) and _same(candidate)
    scale = _scale(change.unit, [*base, *candidate], counted=not determined)
    effect = _effect(change, scale, base, candidate, determined=determined)
    found = _verdict(change, effect, margin)
    told = replace(
        change, scale=scale, effect=found.effect, low=found.low, high=found.high, word=found.word, margin=found.margin,
        exact=determined or found.exact, detectable=found.detectable, pairs_needed=found.pairs_needed, p=effect.p,
    )  # fmt: skip
    if change.better == "none":
        return replace(told, word="no verdict", reason=NO_DIRECTION)
    if determined:
        return told
    if change.design == "one_against_one":
        return replace(told, word="no verdict", exact=False, reason=ONE_RUN)
    return _not_by_luck(told)


def _not_by_luck(change: Change) -> Change:
    """Few pairs that all differ by the same: nothing spreads, and yet so few signs agree by chance too."""
    if not change.exact or change.effect == 0 or change.p is None or change.p <= 1 - change.confidence:
        return change
    reason = f"{change.n} that agree to the last digit agree by chance too often (p = {change.p:.2g})"
    return replace(change, word="inconclusive", exact=False, low=None, high=None, detectable=None, reason=reason)


def _effect(
    change: Change,
    scale: Scale,
    base: Sequence[Mapping[str, Any]],
    candidate: Sequence[Mapping[str, Any]],
    *,
    determined: bool,
) -> Effect:
    """The effect by its scale and by what the runs allow; one against one it has no interval."""
    a, b, confidence = _values(base), _values(candidate), change.confidence
    if determined:
        return _exact(scale, a[0], b[0], min(len(a), len(b)))
    in_pairs = change.design == "interleaved_pairs"
    if change.design == "one_against_one":
        a, b, in_pairs = [_middle(a)], [_middle(b)], True
        base, candidate = base[-1:], candidate[-1:]
    if scale == "difference":
        return (stats.paired_difference if in_pairs else stats.difference_of_sets)(a, b, confidence)
    if scale == "odds":
        return (stats.paired_odds if in_pairs else stats.odds_of_sets)(_counts(base), _counts(candidate), confidence)
    return (stats.paired_ratio if in_pairs else stats.ratio_of_sets)(a, b, confidence)


def _middle(values: Sequence[float]) -> float:
    return stats.mean_of_trials(values).value


def _exact(scale: Scale, a: float, b: float, n: int) -> Effect:
    """Two values that no chance is in."""
    p = 1.0 if a == b else 0.0
    if scale == "difference":
        return Difference(value=b - a, low=b - a, high=b - a, n=n, exact=True, sd=0.0, p=p)
    ratio = b / a if scale == "ratio" else (b / (1 - b)) / (a / (1 - a))
    return Ratio(ratio=ratio, low=ratio, high=ratio, n=n, exact=True, log_sd=0.0, p=p)


def _verdict(change: Change, effect: Effect, margin: float) -> Verdict:
    better: Literal["lower", "higher"] = "higher" if change.better == "higher" else "lower"
    if isinstance(effect, Ratio):
        return stats.verdict(effect, margin=margin, better=better, confidence=change.confidence)
    assert change.base is not None
    of = change.base.mean
    # A share's odds change by the margin where the share changes by margin · p · (1 − p).
    absolute = margin * max(0.0, of * (1 - of) if change.unit == "share" else abs(of))
    return stats.verdict_of_difference(effect, margin=absolute, better=better, confidence=change.confidence)


def _scale(unit: str, records: Sequence[Mapping[str, Any]], *, counted: bool) -> Scale:
    """Odds for shares, ratios for what is above 0, differences for all else; a share of 0 or 1 has odds where it is counted."""
    values = _values(records)
    if unit != "share":
        return "ratio" if min(values) > 0 else "difference"
    inside = all(0 < value < 1 for value in values)
    counts = counted and len(set(values)) > 1 and all(record.get("counts") for record in records)
    return "odds" if inside or counts else "difference"


def _counts(records: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    """(successes, totals) of a share by run; where some run has no counts, each share of 1."""
    if all(record.get("counts") for record in records):
        return [record["counts"][0] for record in records], [record["counts"][1] for record in records]
    return _values(records), [1.0] * len(records)


def _values(records: Iterable[Mapping[str, Any]]) -> list[float]:
    return [float(record["value"]) for record in records]


def _level(records: Sequence[Mapping[str, Any]]) -> Level:
    values = _values(records)
    mean = stats.mean_of_trials(values)
    return Level(mean=mean.value, low=mean.low, high=mean.high, n=len(values), values=tuple(values))


def _same(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every run says that no chance is in its figure, and all say the same."""
    exact = all(record["low"] is not None and record["low"] == record["high"] == record["value"] for record in records)
    return exact and len(set(_values(records))) == 1


def _better(records: Sequence[Mapping[str, Any]]) -> Better:
    """The direction; a run that couldn't measure the figure may not know it."""
    return next((one["better"] for one in records if one["better"] != "none"), "none")


def _why_not(base: Sequence[Mapping[str, Any] | None], candidate: Sequence[Mapping[str, Any] | None]) -> str | None:
    """Why a figure can't be compared, or None: the first reason of the base, then of the candidate."""
    for side, records in (("base", base), ("candidate", candidate)):
        reasons = [why for record in records if (why := _why_not_plain(record))]
        if reasons:
            among = "" if len(records) == 1 else f", {len(reasons)} of {len(records)} runs"
            return f"{side}{among}: {reasons[0]}"
    units = {str(record["unit"]) for record in (*base, *candidate) if record is not None}
    return f"it is in {' and in '.join(sorted(units))}" if len(units) > 1 else None


def _why_not_plain(record: Mapping[str, Any] | None) -> str | None:
    if record is None:
        return "not there"
    if record["status"] == "at_least" or (record["low"] is not None and record["high"] is None):
        return "known from below only"
    if record["status"] not in _PLAIN:
        return f"{record['status'].replace('_', ' ')}: {record['reason']}"
    if not math.isfinite(record["value"]):
        return "no finite value"
    return None
