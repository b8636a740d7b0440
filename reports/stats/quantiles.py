"""Percentiles group by group: each group sorted once, and all its percentiles read off it.

``numpy.percentile``'s own linear interpolation, digit for digit (Hyndman & Fan, Am. Stat. 50, 10.2307/2684934, type 7). A group is
sorted where it lies, in the processor's cache, where ``DataFrame.groupby().quantile()`` sorts all rows by group and value at once.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from reports.stats.intervals import Numbers

Floats = npt.NDArray[np.float64]


def of_sorted(ascending: Floats, ps: Sequence[float]) -> Floats:
    """The ``ps``-th percentiles (0 to 100) of ascending values; raises ValueError where there is none."""
    if not len(ascending):
        raise ValueError("no values, and so no percentile")
    place = (len(ascending) - 1) * (np.asarray(ps, dtype=np.float64) / 100)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, len(ascending) - 1)
    share, low, high = place - below, ascending[below], ascending[above]
    step = high - low
    found: Floats = np.where(share >= 0.5, high - step * (1 - share), low + step * share)
    return found


def grouped_percentiles(
    values: Numbers, groups: npt.NDArray[np.integer], ps: Sequence[float]
) -> tuple[npt.NDArray[np.integer], Floats]:
    """The groups that there are, ascending, and the ``ps``-th percentiles of each: a row a group, a column a percentile.

    ``groups`` says of each value which group it is in, by a whole number. Values are finite.
    """
    data, of = np.asarray(values, dtype=np.float64), np.asarray(groups)
    if len(data) != len(of):
        raise ValueError(f"each value is of one group, got {len(data)} values and {len(of)} groups")
    if (of[1:] < of[:-1]).any():
        order = np.argsort(_small(of), kind="stable")
        data, of = data[order], of[order]
    edges = np.flatnonzero(np.concatenate([[True], of[1:] != of[:-1]])) if len(of) else np.empty(0, np.intp)
    bounds = [*edges.tolist(), len(of)]
    found = [of_sorted(np.sort(data[begin:end]), ps) for begin, end in pairwise(bounds)]
    return of[edges], np.array(found).reshape(len(edges), len(ps))


def _small(groups: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """The same order in as few bits as hold it: numpy sorts 16 bits by radix, in one pass over the values."""
    least = groups - groups.min()
    small: npt.NDArray[np.integer] = least.astype(np.min_scalar_type(int(least.max())))
    return small
