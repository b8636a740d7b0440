"""Simulated runs as docs/method.md has them, equal on both arms unless an effect is planted.

Log-normal latencies, seconds that follow each other (AR(1)), 3 % between runs, 5 % drift of the environment while a comparison
lasts, the arms in pairs whose order is drawn.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.stats import mannwhitneyu

from reports import stats

SECONDS, A_SECOND = 60, 25
SIGMA = 0.5  # of the log of one latency
SECOND_SIGMA, SECOND_PHI = 0.10, 0.8  # what a second adds to the logs of its requests, and how much of it stays
RUN_SIGMA, DRIFT = 0.03, 0.05
_AT_ONCE = 100  # comparisons in memory: 100 of 16 pairs are 38 MB
Arrays = npt.NDArray[np.float64]


def runs(rng: np.random.Generator, shape: tuple[int, ...], shift: Arrays | float = 0.0) -> Arrays:
    """Latencies of ``shape`` runs, one more axis of requests in the order they were made; ``shift`` is added to the logs."""
    seconds = np.empty((*shape, SECONDS))
    seconds[..., 0] = rng.normal(0, SECOND_SIGMA, shape)
    for second in range(1, SECONDS):
        fresh = rng.normal(0, SECOND_SIGMA * np.sqrt(1 - SECOND_PHI**2), shape)
        seconds[..., second] = SECOND_PHI * seconds[..., second - 1] + fresh
    levels = seconds + (rng.normal(0, RUN_SIGMA, shape) + shift)[..., None]
    return np.exp(rng.normal(0, SIGMA, (*shape, SECONDS * A_SECOND)) + np.repeat(levels, A_SECOND, axis=-1))


@cache
def p95_of_pairs(seed: int, comparisons: int, pairs: int) -> tuple[tuple[Arrays, Arrays], ...]:
    """The p95 of both arms in each pair of each comparison; the environment drifts over the 2·K runs, order drawn by pair."""
    rng, places = np.random.default_rng([seed, pairs]), np.arange(2 * pairs) / (2 * pairs - 1)
    found: list[tuple[Arrays, Arrays]] = []
    while len(found) < comparisons:
        some = min(_AT_ONCE, comparisons - len(found))
        slope = rng.normal(0, DRIFT, (some, 1))
        p95 = np.percentile(runs(rng, (some, 2 * pairs), slope * places), 95, axis=-1)
        first, second = p95[:, 0::2], p95[:, 1::2]
        swapped = rng.random(first.shape) < 0.5
        found += zip(np.where(swapped, second, first), np.where(swapped, first, second), strict=True)
    return tuple(found)


def told_apart(seed: int, comparisons: int, pairs: int, planted: float = 0.0) -> int:
    """How many intervals exclude *equal*, every latency of the second side planted so much longer (0.1 is 10 %)."""
    found = (stats.paired_ratio(a, b * (1 + planted)) for a, b in p95_of_pairs(seed, comparisons, pairs))
    return sum(one.low is not None and one.high is not None and not one.low <= 1 <= one.high for one in found)


def p_at_looks(seed: int, comparisons: int, pairs: Sequence[int]) -> Arrays:
    """p of equal sides after so many pairs of each comparison, (comparisons, looks): pairs are added from look to look.

    Below 1 − confidence exactly where the interval at that confidence excludes *equal*.
    """
    sides = p95_of_pairs(seed, comparisons, max(pairs))
    return np.array([[stats.paired_ratio(a[:k], b[:k]).p for k in pairs] for a, b in sides])


def mann_whitney_alarms(seed: int, comparisons: int) -> int:
    """How many of so many pairs of equal runs, one against one, that test on all requests tells apart at p < 0.05."""
    rng = np.random.default_rng([seed, 1])
    slope = rng.normal(0, DRIFT, (comparisons, 1))
    both = runs(rng, (comparisons, 2), slope * np.arange(2))
    return sum(bool(mannwhitneyu(a, b).pvalue < 0.05) for a, b in both)
