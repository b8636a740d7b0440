"""How sure each interval of a family has to be: Holm's steps over gates."""

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
