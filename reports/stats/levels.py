"""How sure each interval of a family has to be: Holm's steps over gates, and a share of the error for every look."""

from collections.abc import Sequence

import numpy as np

from reports.stats.intervals import CONFIDENCE


def holm_levels(p_values: Sequence[float], confidence: float = CONFIDENCE) -> list[float]:
    """The confidence at which each figure's interval stands, in the order given: Holm, Scand. J. Statist. 6 (1979).

    With α = 1 − ``confidence`` and m figures the k-th smallest p is held against α/(m − k + 1); from the first that isn't below
    on, all have its level. So an interval excludes *no change* exactly where Holm's procedure rejects it, and the chance that
    any of the family does so by chance alone stays at or below α.
    """
    data, alpha = np.asarray(p_values, dtype=np.float64), 1 - confidence
    levels, level, going = np.empty(len(data)), alpha / max(1, len(data)), True
    for step, place in enumerate(np.argsort(data, kind="stable")):
        if going:
            level = alpha / (len(data) - step)
            going = bool(data[place] < level)
        levels[place] = 1 - level
    return [float(one) for one in levels]


def looks(first: int, most: int, confidence: float = CONFIDENCE) -> tuple[tuple[int, float], ...]:
    """When to look, declared before the first pair: (pairs, confidence) of each look, after ``first`` and after ``most``.

    α is shared evenly by the looks (Bonferroni), so that stopping at the first of them that decides errs no more often than one
    look would. Raises ValueError where ``first`` is below 2 or above ``most``.
    """
    if not 2 <= first <= most:
        raise ValueError(f"looks take 2 pairs or more and a cap that isn't below them, got {first} and {most}")
    at = (first,) if first == most else (first, most)
    return tuple((pairs, 1 - (1 - confidence) / len(at)) for pairs in at)
