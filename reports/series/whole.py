"""Whole runs of equal sides, cut into comparisons of K pairs: how many of their figures cry wolf?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.series.limits import FALSE_ALARM_SHARE
from reports import stats
from reports.compare.changes import Change
from reports.compare.comparison import compare
from reports.compare.designs import Sides
from reports.stats import Interval
from reports.words import count, percent, span


@dataclass(frozen=True, slots=True, kw_only=True)
class Cried:
    """A figure that chance is in: how many of the comparisons it was compared in told it apart."""

    figure: str
    comparisons: int
    alarms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All comparisons of a folder. ``share`` is the mean over comparisons of the share of its figures that were told apart.

    The comparison is its unit: figures of one run move together. ``apart`` names figures that chance isn't in and that differ
    all the same, which equal sides have none of.
    """

    pairs: int
    comparisons: int
    share: Interval
    figures: tuple[Cried, ...]
    apart: tuple[str, ...]

    @property
    def too_many(self) -> bool:
        """Whether the share lies above what is promised, or figures without chance differ."""
        return bool(self.apart) or (self.share.low is not None and self.share.low > FALSE_ALARM_SHARE)

    def as_record(self) -> dict[str, Any]:
        """For programs."""
        share = {"value": self.share.value, "low": self.share.low, "high": self.share.high}
        return {
            "schema": 1, "pairs": self.pairs, "comparisons": self.comparisons, "well": not self.too_many, "share": share,
            "figures": [asdict(one) for one in self.figures], "apart": list(self.apart),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """For people."""
        crying = [one for one in self.figures if one.alarms]
        for one in crying:
            yield f"{one.figure}: told apart in {one.alarms} of {count(one.comparisons, 'comparison')}"
        for figure in self.apart:
            yield f"NOT THE SAME: {figure}: no chance is in it, and yet the sides differ"
        quiet = len(self.figures) - len(crying)
        yield (
            f"{count(quiet, 'more figure') if crying else count(quiet, 'figure')} never; in {count(self.comparisons, 'comparison')} of "
            f"{count(self.pairs, 'pair')}, {percent(self.share.value)} of the figures were told apart"
            f"{span(self.share.low, self.share.high, percent)}; {percent(FALSE_ALARM_SHARE)} are promised"
        )


def whole(sides: Sides, pairs: int) -> Whole | None:
    """Every ``pairs`` pairs in a row compared, figure by figure at 95 %; None where that makes no comparison of any figure."""
    starts = range(0, len(sides.base.runs) - pairs + 1, pairs)
    compared = [_changes(sides, slice(start, start + pairs)) for start in starts]
    tested = [{name: change for name, change in one.items() if not change.exact} for one in compared]
    names = dict.fromkeys(name for one in tested for name in one)
    figures = [_cried(name, [one[name] for one in tested if name in one]) for name in names]
    shares = [sum(map(_alarm, one.values())) / len(one) for one in tested if one]
    if not shares:
        return None
    apart = dict.fromkeys(name for one in compared for name, change in one.items() if change.exact and change.effect)
    return Whole(
        pairs=pairs, comparisons=len(compared), share=_within(stats.mean_of_trials(shares)), apart=tuple(apart),
        figures=tuple(sorted(figures, key=lambda one: (-one.alarms, one.figure))),
    )  # fmt: skip


def _changes(sides: Sides, part: slice) -> Mapping[str, Change]:
    """The figures of one comparison that have an interval, none of them declared: each stands at 95 %."""
    found = compare(sides.base.runs[part], sides.candidate.runs[part], design="interleaved_pairs", family=())
    return {str(one.figure): one for one in found.changes if one.low is not None and one.high is not None}


def _alarm(change: Change) -> bool:
    assert change.low is not None and change.high is not None
    return not change.low <= 0 <= change.high


def _within(share: Interval) -> Interval:
    """An interval of a share that ends where shares do."""
    if share.low is None or share.high is None:
        return share
    return replace(share, low=max(0.0, share.low), high=min(1.0, share.high))


def _cried(figure: str, changes: Sequence[Change]) -> Cried:
    return Cried(figure=figure, comparisons=len(changes), alarms=sum(map(_alarm, changes)))
