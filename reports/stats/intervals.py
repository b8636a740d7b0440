"""One arm alone: a mean, a median, a share over its trials, and the difference between two sets of trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
Numbers = Sequence[float] | npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate; ``low`` and ``high`` are None where ``n`` can't carry an interval at 95 %.

    ``at_least``: too many trials ended before what was waited for came, so ``value`` is only a bound from below.
    ``counts`` are the successes and the total that a share is made of.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    at_least: bool = False
    counts: tuple[float, float] | None = None


def mean_of_trials(values: Numbers, confidence: float = CONFIDENCE) -> Interval:
    """The mean over trials with its t interval (K − 1 degrees of freedom) at ``confidence``."""
    data = finite(values)
    mean, n = float(data.mean()), len(data)
    if n < 2:
        return Interval(value=mean, low=None, high=None, n=n, method="one trial")
    if np.ptp(data) == 0:  # the mean of equal values may differ from them by rounding, and so have a spread
        same = float(data[0])
        return Interval(value=same, low=same, high=same, n=n, method="exact: every trial the same")
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * data.std(ddof=1) / math.sqrt(n))
    return Interval(value=mean, low=mean - half, high=mean + half, n=n, method="t over trials")


def geometric_mean_of_trials(values: Numbers) -> Interval:
    """The geometric mean of positive values over trials, its interval a t on their logarithms."""
    data = finite(values)
    if (data <= 0).any():
        raise ValueError(f"a geometric mean needs positive values, got {data.min()}")
    of_logs = mean_of_trials(np.log(data))
    low, high = (None if bound is None else math.exp(bound) for bound in (of_logs.low, of_logs.high))
    return replace(of_logs, value=math.exp(of_logs.value), low=low, high=high)


def median_of_trials(values: Numbers, unended: Numbers = ()) -> Interval:
    """The median over trials between two order statistics that cover it with at least 95 %.

    Between the j-th smallest and j-th largest of K the coverage is 1 − 2·P(Bin(K, ½) < j): K = 6 gives 96.9 % for
    smallest and largest, K < 6 gives no interval. ``unended`` are trials of which only a least value is known: an order
    statistic at or above the smallest of these has no upper bound, and a median there is *at least*.
    """
    data = np.sort(finite([*values, *unended]))
    n, known_below = len(data), min(unended, default=math.inf)
    best = max((j for j in range(1, n // 2 + 1) if 1 - 2 * stats.binom.cdf(j - 1, n, 0.5) >= CONFIDENCE), default=0)
    low, high = (float(data[best - 1]), float(data[n - best])) if best else (None, None)
    return Interval(
        value=float(np.median(data)),
        low=low,
        high=None if high is not None and high >= known_below else high,
        n=n,
        method="order statistics over trials",
        at_least=bool(data[n // 2] >= known_below),
    )


def share_of_trials(successes: Numbers, totals: Numbers) -> Interval:
    """A share pooled over trials; the interval is a t on the trials' log-odds, ½ added where a share is 0 or 1."""
    good, all_ = finite(successes), finite(totals)
    n, counts = len(good), (float(good.sum()), float(all_.sum()))
    pooled = counts[0] / counts[1]
    if n < 2:
        return Interval(value=pooled, low=None, high=None, n=n, method="one trial", counts=counts)
    if np.ptp(good / all_) == 0:
        method = "exact: every trial the same"
        return Interval(value=pooled, low=pooled, high=pooled, n=n, method=method, counts=counts)
    edge = 0.5 * bool(((good == 0) | (good == all_)).any())
    middle = mean_of_trials(log_odds(good, all_, edge))
    assert middle.low is not None and middle.high is not None
    low, high = (1 / (1 + math.exp(-bound)) for bound in (middle.low, middle.high))
    method = "t on log-odds over trials"
    return Interval(value=pooled, low=min(low, pooled), high=max(high, pooled), n=n, method=method, counts=counts)


def difference_of_trials(above: Numbers, below: Numbers, confidence: float = CONFIDENCE) -> Interval:
    """mean(above) − mean(below) of two sets of trials that aren't paired: Welch's t interval, unequal spreads allowed.

    Welch, Biometrika 34 (10.1093/biomet/34.1-2.28). A set of one trial says nothing of its spread: no interval then. Two sets
    without any spread give an exact difference.
    """
    a, b = finite(above), finite(below)
    value, n = float(a.mean() - b.mean()), min(len(a), len(b))
    if n < 2:
        return Interval(value=value, low=None, high=None, n=n, method="one trial")
    if np.ptp(a) == 0 and np.ptp(b) == 0:
        return Interval(value=value, low=value, high=value, n=n, method="exact: every trial the same")
    error, degrees = welch(a, b)
    half = float(stats.t.ppf((1 + confidence) / 2, degrees)) * error
    return Interval(value=value, low=value - half, high=value + half, n=n, method="Welch's t over trials")


def welch(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The standard error of mean(a) − mean(b) and its degrees of freedom; two values or more on each side, of any spread.

    Not scipy's ttest_ind: it warns of lost precision where one side alone has no spread.
    """
    of_a, of_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    degrees = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    return math.sqrt(of_a + of_b), float(degrees)


def log_odds(
    successes: npt.NDArray[np.float64], totals: npt.NDArray[np.float64], edge: float
) -> npt.NDArray[np.float64]:
    """ln(good ÷ bad) of each trial, ``edge`` added to both so that 0 and 1 have odds too."""
    odds: npt.NDArray[np.float64] = np.log((successes + edge) / (totals - successes + edge))
    return odds


def finite(values: Numbers) -> npt.NDArray[np.float64]:
    """The values as an array; raises ValueError where there is none, or one that is no finite number."""
    data = np.asarray(values, dtype=np.float64)
    if not len(data) or not np.isfinite(data).all():
        raise ValueError(f"expected finite numbers, got {len(data)} of which {int(np.isfinite(data).sum())} are")
    return data
