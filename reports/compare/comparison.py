"""A whole comparison: every figure's change, the family whose verdicts count, and what the reader must know of both."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from reports import stats
from reports.compare import changes, designs
from reports.compare.changes import Change
from reports.compare.designs import Design
from reports.compare.matching import Match, Matching, match
from reports.records import Figure, Recorded
from reports.stats import CONFIDENCE

# The worst first: the first of these that a family has is the comparison's.
WORST = (
    "regression", "worse, size unresolved", "inconclusive", "improved", "better, size unresolved", "equivalent",
)  # fmt: skip
_UNDECIDED = "inconclusive"
_WITHOUT = frozenset({"no verdict", "not compared"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Candidate against base. ``changes`` has a row for every figure that both sides have, the family's first.

    ``confidence`` is that of the family as a whole; ``scenarios`` are those that were compared.
    """

    design: Design
    confidence: float
    scenarios: tuple[str, ...]
    changes: tuple[Change, ...]
    matching: Matching
    warnings: tuple[str, ...]

    @property
    def family(self) -> tuple[Change, ...]:
        """The confirmatory figures, whatever came of them."""
        return tuple(change for change in self.changes if change.confirmatory)

    @property
    def exploratory(self) -> tuple[Change, ...]:
        """All figures that were compared beside the family."""
        return tuple(one for one in self.changes if not one.confirmatory and one.word != "not compared")

    @property
    def not_compared(self) -> tuple[Change, ...]:
        """All figures that both sides have and that can't be compared."""
        return tuple(change for change in self.changes if change.word == "not compared")

    @property
    def word(self) -> str:
        """The family's worst verdict; a figure without one leaves it undecided. *no verdict* where no figure has one."""
        words: set[str] = {change.word for change in self.family}
        if not words - _WITHOUT:
            return "no verdict"
        words = {_UNDECIDED if word in _WITHOUT else word for word in words}
        return next(word for word in WORST if word in words)

    @property
    def decided(self) -> bool:
        """Whether no figure of the family is inconclusive: more pairs would change no verdict's kind."""
        return all(change.word != _UNDECIDED for change in self.family)


def compare(
    bases: Sequence[Recorded], candidates: Sequence[Recorded], *, design: Design,
    family: Collection[Figure] | None = None, confidence: float = CONFIDENCE, scenarios: Collection[str] | None = None,
    order: Sequence[str] = (),
) -> Comparison:  # fmt: skip
    """Compare two sides, of interleaved pairs in the order of the pairs.

    ``family`` are figures as ``match`` names them; without one, the headlines of either side. Its intervals stand at the levels of
    Holm's steps over ``confidence``; everything else is exploratory, at 95 %. ``scenarios`` leaves out all others.
    """
    matching = match(bases, candidates)
    those = [one for one in matching.matches if scenarios is None or _scenario(one, bases) in scenarios]
    chosen = headlines(those, bases, candidates) if family is None else frozenset(family)
    found = {
        one.figure: changes.change_of(
            one, bases, candidates, design=design, confirmatory=one.figure in chosen,
            confidence=confidence if one.figure in chosen else CONFIDENCE,
        )
        for one in those
    }  # fmt: skip
    at_levels = _at_levels(those, found, bases, candidates, confidence)
    rows = sorted(at_levels.values(), key=lambda change: not change.confirmatory)
    told = Comparison(
        design=design, confidence=confidence, changes=tuple(rows), matching=matching, warnings=(),
        scenarios=tuple(dict.fromkeys(_scenario(one, bases) for one in those)),
    )  # fmt: skip
    return replace(told, warnings=tuple(_warnings(told, order)))


def change_of(
    figure: Figure, bases: Sequence[Recorded], candidates: Sequence[Recorded], *, design: Design | None = None,
    confidence: float = CONFIDENCE, confirmatory: bool = False,
) -> Change | None:  # fmt: skip
    """The change of one figure, named as the candidate has it or as both have it; None where the base has no such figure.

    Without a ``design`` it is read from when the runs ran, as ``designs.of_runs`` does.
    """
    sides = designs.of_runs(bases, candidates)
    if design is None:
        design, bases, candidates = sides.design, sides.base.runs, sides.candidate.runs
    one = next((one for one in match(bases, candidates).matches if figure in (one.candidate, one.figure)), None)
    if one is None:
        return None
    return changes.change_of(one, bases, candidates, design=design, confidence=confidence, confirmatory=confirmatory)


def headlines(matches: Sequence[Match], bases: Sequence[Recorded], candidates: Sequence[Recorded]) -> frozenset[Figure]:
    """The figures that open the report of a run of either side, and have a direction."""
    found = set()
    for one in matches:
        records = [
            *(run.findings.get(one.base, {}) for run in bases),
            *(run.findings.get(one.candidate, {}) for run in candidates),
        ]
        if any(record.get("headline") for record in records) and any(
            record.get("better") != "none" for record in records
        ):
            found.add(one.figure)
    return frozenset(found)


def _at_levels(
    matches: Sequence[Match], found: Mapping[Figure, Change], bases: Sequence[Recorded],
    candidates: Sequence[Recorded], confidence: float,
) -> dict[Figure, Change]:  # fmt: skip
    """The changes, those of the family at the levels that Holm's steps leave them."""
    tested = [one for one in matches if _is_tested(found[one.figure])]
    levels = stats.holm_levels([found[one.figure].p or 0.0 for one in tested], confidence)
    again = {
        one.figure: changes.change_of(
            one, bases, candidates, design=found[one.figure].design, confidence=level, confirmatory=True
        )
        for one, level in zip(tested, levels, strict=True)
    }
    return {figure: again.get(figure, change) for figure, change in found.items()}


def _is_tested(change: Change) -> bool:
    """Whether chance is in a figure of the family; an exact one takes no part of the error, since it can't err."""
    has_verdict = change.word not in ("not compared", "no verdict")
    return change.confirmatory and has_verdict and not (change.exact and change.p in (0.0, 1.0))


def _scenario(one: Match, bases: Sequence[Recorded]) -> str:
    records = (run.findings.get(one.base) for run in bases)
    return next(str(record["scenario"]) for record in records if record is not None)


def _warnings(comparison: Comparison, order: Sequence[str]) -> list[str]:
    said = []
    if comparison.design == "runs_in_sequence":
        said.append(
            "The runs of one side ran after the other's: drift of the machine isn't excluded, and with it 28 % of comparisons of "
            "equal sides found a change. `dbharness ab` makes interleaved pairs, which drift can't tell apart."
        )
    if comparison.design == "one_against_one":
        said.append(
            f"{changes.ONE_RUN[:1].upper()}{changes.ONE_RUN[1:]}; only exact figures have a verdict. `dbharness ab` makes pairs."
        )
    if comparison.design == "interleaved_pairs" and len(set(order)) == 1:
        said.append(
            f"The {order[0]} ran first in every pair: what drifts steadily looks like a change. `dbharness ab` draws the order."
        )
    tested = [change for change in comparison.family if _is_tested(change)]
    if comparison.design == "interleaved_pairs" and tested:
        pairs, least = tested[0].n, stats.least_pairs(len(tested), comparison.confidence)
        if pairs < least:
            said.append(
                f"{pairs} pairs are few for {len(tested)} figures together: no sign-flip test could tell them apart below "
                f"{least} pairs, so the verdicts rest on the t intervals alone."
            )
    bound = sum(change.tool_bound for change in comparison.family)
    if bound:
        said.append(
            f"{bound} of {len(comparison.family)} figures of the family are tool-bound: their change may be the tool's own."
        )
    if not comparison.family:
        said.append(
            "No figure was declared, so everything here is exploratory: findings to look into, not verdicts to act on."
        )
    return said
