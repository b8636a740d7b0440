"""Equal arms are told apart in no more than one comparison in twenty, a tenth more is found; the usual test cries wolf.

Simulated runs as docs/method.md has them: log-normal latencies, seconds that follow each other, 3 % between runs, 5 % drift
of the environment while the comparison lasts. Printed with ``-s``: the table of docs/method.md.
"""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats as scipy_stats

from reports import stats

SEED = 20261125
REPETITIONS = 400
SECONDS, A_SECOND = 60, 25
SIGMA = 0.5  # of the log of one latency
SECOND_SIGMA, SECOND_PHI = 0.10, 0.8  # what a second adds to the logs of its requests, and how much of it stays
RUN_SIGMA, DRIFT = 0.03, 0.05
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


def percentiles_of_pairs(rng: np.random.Generator, pairs: int, effect: float) -> tuple[Arrays, Arrays]:
    """The p95 of both arms in each pair of each repetition; the environment drifts over the 2·K trials, order drawn by pair."""
    places = np.arange(2 * pairs) / (2 * pairs - 1)
    slope = rng.normal(0, DRIFT, (REPETITIONS, 1))
    p95 = np.percentile(runs(rng, (REPETITIONS, 2 * pairs), slope * places), 95, axis=-1)
    first, second = p95[:, 0::2], p95[:, 1::2]
    swapped = rng.random(first.shape) < 0.5
    base, candidate = np.where(swapped, second, first), np.where(swapped, first, second)
    return base, candidate * (1 + effect)


def share_told_apart(pairs: int, effect: float) -> float:
    """How many of the repetitions give an interval that excludes *equal*."""
    rng = np.random.default_rng([SEED, pairs, round(1000 * effect)])
    base, candidate = percentiles_of_pairs(rng, pairs, effect)
    found = [stats.paired_ratio(a, b) for a, b in zip(base, candidate, strict=True)]
    apart = sum(one.low is not None and one.high is not None and not one.low <= 1 <= one.high for one in found)
    print(f"paired t on log p95, K = {pairs}, effect {effect:+.0%}: {apart / REPETITIONS:.1%} of {REPETITIONS}")
    return apart / REPETITIONS


@pytest.mark.parametrize("pairs", [6, 8, 10])
def test_equal_arms_are_told_apart_no_more_often_than_one_in_twenty(pairs: int) -> None:
    """Within binomial error: were it 5 %, more than this many of the repetitions would come once in a thousand."""
    most = scipy_stats.binom.ppf(0.999, REPETITIONS, 0.05)
    assert share_told_apart(pairs, 0.0) * REPETITIONS <= most


def test_a_tenth_more_is_found_by_eight_pairs_in_four_of_five() -> None:
    """Power at +10 %, K = 8."""
    assert share_told_apart(8, 0.10) >= 0.80


def test_mann_whitney_on_the_requests_of_two_equal_runs_cries_wolf_more_often_than_not() -> None:
    """Why no figure here comes from requests: they aren't independent, so thousands of them are not thousands."""
    rng = np.random.default_rng([SEED, 1])
    slope = rng.normal(0, DRIFT, (200, 1))
    both = runs(rng, (200, 2), slope * np.arange(2))
    alarms = sum(scipy_stats.mannwhitneyu(a, b).pvalue < 0.05 for a, b in both)
    print(f"Mann–Whitney on all requests, one run against one, equal arms: {alarms / 200:.0%} of 200")
    assert alarms / 200 > 0.5


def test_a_verdict_on_equal_arms_is_never_a_regression() -> None:
    """A regression takes an interval wholly above the margin: far rarer than one in twenty."""
    base, candidate = percentiles_of_pairs(np.random.default_rng([SEED, 2]), 8, 0.0)
    words = [
        stats.verdict(stats.paired_ratio(a, b), margin=stats.MARGINS["p95"], better="lower").word
        for a, b in zip(base, candidate, strict=True)
    ]
    print({word: words.count(word) for word in dict.fromkeys(words)})
    assert words.count("regression") / REPETITIONS < 0.005
