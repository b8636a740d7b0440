"""Measured curves, round by round: how steeply one grows, and where one crosses another.

What a round says is put into one number first, and the interval stands on the rounds' numbers: points of one round move
together, so a fit through all points at once would count them for more than they are (Matthews et al., BMJ 300,
10.1136/bmj.300.6719.230, on serial measurements).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from reports.stats.intervals import (
    Interval,
    Numbers,
    finite,
    geometric_mean_of_trials,
    mean_of_trials,
    median_of_trials,
)

NEVER = math.inf  # the first curve stays below the second as far as was measured
_DECIMALS = 12  # of a slope: beyond these stands the rounding of logarithms, which would pass for a spread
ALWAYS = 0.0  # it lies above it from the first point on


def growth_exponent(rounds: Sequence[tuple[Numbers, Numbers]]) -> Interval:
    """The e of y ∝ x^e: the least-squares slope of ln y on ln x in every round, its mean and t interval over rounds.

    A round is (xs, ys), all positive, of at least two different xs; raises ValueError otherwise.
    """
    return mean_of_trials([_slope(finite(xs), finite(ys)) for xs, ys in rounds])


def crossing(xs: Numbers, rising: Numbers, level: Numbers) -> float:
    """The x from which on ``rising`` stays above ``level``, both measured at ``xs``, which ascend; all are positive.

    Straight lines between the points, on logarithms of both axes. ``NEVER`` where it isn't above at the last x, ``ALWAYS``
    where it is above at every one. Raises ValueError for lengths that differ or values that aren't positive.
    """
    x, a, b = finite(xs), finite(rising), finite(level)
    if not len(x) == len(a) == len(b) or min(x.min(), a.min(), b.min()) <= 0:
        raise ValueError(f"two curves need as many positive values as xs, got {len(x)}, {len(a)} and {len(b)}")
    above = np.log(a / b)
    below = np.flatnonzero(above <= 0)
    if not len(below):
        return ALWAYS
    last = int(below[-1])
    if last == len(x) - 1:
        return NEVER
    part = -above[last] / (above[last + 1] - above[last])
    return math.exp(float(np.log(x[last]) + part * np.log(x[last + 1] / x[last])))


def crossing_of_rounds(crossings: Numbers, most: float) -> Interval | None:
    """Where two curves cross, of the crossings of all rounds; ``most`` is how far they were measured.

    The geometric mean with a t interval on logarithms; where some rounds never cross, the median, of which these are known
    to be at least ``most``. None where a round crosses before anything was measured.
    """
    data = np.asarray(crossings, dtype=np.float64)
    if not len(data) or (data <= ALWAYS).any():
        return None
    crossed = data[np.isfinite(data)]
    if len(crossed) == len(data):
        return geometric_mean_of_trials(crossed)
    return median_of_trials(crossed, [most] * (len(data) - len(crossed)))


def _slope(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    if len(x) != len(y) or len(np.unique(x)) < 2 or min(x.min(), y.min()) <= 0:
        raise ValueError(f"a slope needs two different positive xs with a positive y each, got {len(x)} and {len(y)}")
    of_x = np.log(x) - np.log(x).mean()
    return round(float(of_x @ np.log(y) / (of_x @ of_x)), _DECIMALS) + 0.0  # + 0.0: no −0
