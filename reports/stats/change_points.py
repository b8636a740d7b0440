"""Where a series changed its level: E-divisive with a t-test, over windows. Where to look, not a verdict (docs/history.md).

The distance between what lies left and right of a split is Matteson & James' (arXiv 1306.4933, eq. 5, α = 1). Test, windows and
the two thresholds are Hunter's (Fleming et al., ICPE'23, 10.1145/3578244.3583719): Student's t in place of permutations, so that the same
series gives the same points; windows, so that what changed back long ago hides nothing; weak points first, so that a change
isn't missed for want of another one found beside it. Ours differs in three things: a split is first tested against what it was found
for, piece[τ:κ], where a third level after κ would hide it; a piece that can't be split ends the search in that piece alone; and a
level lasts three runs at least, since one or two say next to nothing of their own spread.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

from reports.stats.intervals import Numbers, finite

MOST_P = 0.001
WINDOW = 50
LEAST_RUNS = 3  # on each side of a change; of two the spread is too often small by chance
_WEAK = 10  # how many times ``most_p`` a split may have at first
_SAME = 1e-12  # values nearer to each other than this, relatively, are one number computed in two ways

_Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """The level changed at ``index``, the place of the first value of the new one.

    ``before`` and ``after`` are the means of the ``n_before`` and ``n_after`` values from this change to the ones next to it;
    ``change`` is after ÷ before − 1, None where that has no meaning, at 0. ``p`` is of Student's t-test between the two: as the split was
    searched for, it ranks, and isn't the chance of a false alarm.
    """

    index: int
    before: float
    after: float
    n_before: int
    n_after: int
    change: float | None
    p: float


def change_points(values: Numbers, *, most_p: float = MOST_P, window: int = WINDOW) -> tuple[ChangePoint, ...]:
    """The change points of a series in the order it was measured, first to last; none in fewer than six values.

    Raises ValueError for values that aren't finite, or a window too short to be split.
    """
    if window < 2 * LEAST_RUNS:
        raise ValueError(f"a window needs {2 * LEAST_RUNS} values to be split, got {window}")
    series = finite(values) if len(values) else np.empty(0)
    return _merged(series, _weak_points(series, _WEAK * most_p, window), most_p)


def by_chance(runs: int) -> float:
    """The share of series of so many runs that show a change point without a change, at most: ``MOST_P`` for each run.

    Simulated, of normal and log-normal series of 12 to 100 independent runs (docs/history.md); of runs that are like their neighbours
    far more do.
    """
    return MOST_P * runs


def exact_changes(values: Numbers) -> tuple[ChangePoint, ...]:
    """The changes of a series without chance in it, such as units of the same questions: wherever a value differs from the last."""
    series = finite(values) if len(values) else np.empty(0)
    places = [index for index in range(1, len(series)) if not _same(series[index - 1 : index + 1])]
    return _tested(series, places)


def _weak_points(series: _Values, most_p: float, window: int) -> list[int]:
    """Splits of windows that overlap by half, so that each has runs on both sides in one of them."""
    step = window // 2
    starts = range(0, max(1, len(series) - window + step), step)
    return sorted({split for start in starts for split in _splits(series, start, start + window, most_p)})


def _splits(series: _Values, start: int, end: int, most_p: float) -> list[int]:
    """Where the piece falls apart, and where its parts do."""
    piece = series[start:end]
    if len(piece) < 2 * LEAST_RUNS:
        return []
    split, until = _best_split(piece)
    if _p(piece[:split], piece[split:until]) > most_p:
        return []
    split += start
    return [*_splits(series, start, split, most_p), split, *_splits(series, split, end, most_p)]


def _best_split(piece: _Values) -> tuple[int, int]:
    """The τ and κ of the largest Q̂, that between piece[:τ] and piece[τ:κ]: what comes later may be a third level."""
    length = len(piece)
    corner = np.zeros(
        (length + 1, length + 1)
    )  # [i, j]: the distances of the first i from the first j values, added up
    corner[1:, 1:] = np.abs(piece[:, None] - piece[None, :]).cumsum(axis=0).cumsum(axis=1)
    tau, kappa = np.arange(length + 1)[:, None], np.arange(length + 1)[None, :]
    n, m = tau, kappa - tau
    allowed = (n >= LEAST_RUNS) & (m >= LEAST_RUNS)
    n, m = np.where(allowed, n, LEAST_RUNS), np.where(allowed, m, LEAST_RUNS)
    left, both = np.diag(corner)[:, None], np.diag(corner)[None, :]  # each pair counts twice in these
    across = corner - left
    right = both - left - 2 * across
    distance = 2 * across / (n * m) - left / (n * (n - 1)) - right / (m * (m - 1))
    divergence = np.where(allowed, n * m / (n + m) * distance, -math.inf)
    split, until = np.unravel_index(np.argmax(divergence), divergence.shape)
    return int(split), int(until)


def _merged(series: _Values, places: Sequence[int], most_p: float) -> tuple[ChangePoint, ...]:
    """Without those that don't stand against their neighbours: the weakest goes, and the others are tested again.

    Two windows may have split beside each other; a piece too short to be a level goes before any that is only weak.
    """
    left = list(places)
    while True:
        points = _tested(series, left)
        weakest = max(points, key=lambda point: (_too_short(point), point.p), default=None)
        if weakest is None or (weakest.p <= most_p and not _too_short(weakest)):
            return points
        left.remove(weakest.index)


def _too_short(point: ChangePoint) -> bool:
    return min(point.n_before, point.n_after) < LEAST_RUNS


def _tested(series: _Values, places: Sequence[int]) -> tuple[ChangePoint, ...]:
    edges = [0, *places, len(series)]
    pieces = [series[start:end] for start, end in pairwise(edges)]
    return tuple(
        _point(index, before, after)
        for index, before, after in zip(places, pieces[:-1], pieces[1:], strict=True)
    )  # fmt: skip


def _point(index: int, before: _Values, after: _Values) -> ChangePoint:
    first, second = _mean(before), _mean(after)
    return ChangePoint(
        index=index,
        before=first,
        after=second,
        n_before=len(before),
        n_after=len(after),
        change=second / first - 1 if first else None,
        p=_p(before, after),
    )


def _p(before: _Values, after: _Values) -> float:
    """Two-sided p of Student's t-test; of two sides without any spread 0 where they differ, 1 where they don't."""
    n, m = len(before), len(after)
    if _same(before) and _same(after):
        return float(_same(np.concatenate([before, after])))
    squares = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    error = math.sqrt(squares / (n + m - 2) * (1 / n + 1 / m))
    return float(2 * stats.t.sf(abs(after.mean() - before.mean()) / error, n + m - 2))


def _mean(values: _Values) -> float:
    return float(values[0]) if _same(values) else float(values.mean())


def _same(values: _Values) -> bool:
    return bool(np.ptp(values) <= _SAME * np.abs(values).max())
