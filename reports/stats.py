"""Statistics that may refuse: pure functions from numbers to dataclasses; docs/method.md says why these.

The unit is the trial, never the request: requests of one trial move together. Sources: Kalibera & Jones, ISMM'13
(10.1145/2464157.2464160); Bakshy & Frachtenberg, WWW'15 (10.1145/2736277.2741082).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

CONFIDENCE = 0.95
# Effective samples below which a percentile isn't given.
LEAST_SAMPLES = {50.0: 6, 95.0: 72, 99.0: 368, 99.9: 3688}
_MOST_SIGN_FLIPS = 16
Numbers = Sequence[float] | npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate; ``low`` and ``high`` are None where ``n`` can't carry an interval at 95 %.

    ``at_least``: too many trials ended before what was waited for came, so ``value`` is only a bound from below.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRatio:
    """B ÷ A over ``n`` pairs. ``exact`` when every pair gives the same ratio: no chance is in it."""

    ratio: float
    low: float | None
    high: float | None
    hodges_lehmann: float
    sign_flip_p: float
    n: int
    exact: bool


def mean_of_trials(values: Numbers) -> Interval:
    """The mean over trials with its t interval (K − 1 degrees of freedom)."""
    data = _finite(values)
    mean, n = float(data.mean()), len(data)
    if n < 2:
        return Interval(value=mean, low=None, high=None, n=n, method="one trial")
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * data.std(ddof=1) / math.sqrt(n))
    return Interval(value=mean, low=mean - half, high=mean + half, n=n, method="t over trials")


def median_of_trials(values: Numbers, unended: Numbers = ()) -> Interval:
    """The median over trials between two order statistics that cover it with at least 95 %.

    Between the j-th smallest and j-th largest of K the coverage is 1 − 2·P(Bin(K, ½) < j): K = 6 gives 96.9 % for
    smallest and largest, K < 6 gives no interval. ``unended`` are trials of which only a least value is known: an order
    statistic at or above the smallest of these has no upper bound, and a median there is *at least*.
    """
    data = np.sort(_finite([*values, *unended]))
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
    good, all_ = _finite(successes), _finite(totals)
    pooled, n = float(good.sum() / all_.sum()), len(good)
    if n < 2:
        return Interval(value=pooled, low=None, high=None, n=n, method="one trial")
    if np.ptp(good / all_) == 0:
        return Interval(value=pooled, low=pooled, high=pooled, n=n, method="exact: every trial the same")
    edge = bool(((good == 0) | (good == all_)).any())
    odds = np.log((good + 0.5 * edge) / (all_ - good + 0.5 * edge))
    middle = mean_of_trials(odds)
    assert middle.low is not None and middle.high is not None
    low, high = (1 / (1 + math.exp(-bound)) for bound in (middle.low, middle.high))
    return Interval(value=pooled, low=min(low, pooled), high=max(high, pooled), n=n, method="t on log-odds over trials")


def paired_ratio(base: Numbers, candidate: Numbers) -> PairedRatio:
    """candidate ÷ base by pairs: t interval of the mean log ratio; Hodges–Lehmann and the exact sign-flip p beside it."""
    a, b = _finite(base), _finite(candidate)
    if len(a) != len(b) or not len(a) or (a <= 0).any() or (b <= 0).any():
        raise ValueError(f"a paired ratio needs as many positive values on both sides, got {len(a)} and {len(b)}")
    logs = np.log(b / a)
    n, exact = len(logs), len(logs) > 1 and bool(np.ptp(logs) < 1e-12)
    middle = mean_of_trials(logs)
    walsh = np.add.outer(logs, logs)[np.triu_indices(n)] / 2
    low, high = (None if bound is None else math.exp(bound) for bound in (middle.low, middle.high))
    return PairedRatio(
        ratio=math.exp(middle.value),
        low=math.exp(middle.value) if exact else low,
        high=math.exp(middle.value) if exact else high,
        hodges_lehmann=float(np.exp(np.median(walsh))),
        sign_flip_p=_sign_flip(logs),
        n=n,
        exact=exact,
    )


def minimum_detectable_effect(logs: Numbers) -> float:
    """The least relative change that such pairs find with 80 % power: exp((t.975 + t.80)·s/√K) − 1 (docs/method.md)."""
    data = _finite(logs)
    n = len(data)
    return math.exp((stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) * data.std(ddof=1) / math.sqrt(n)) - 1


def effective_n(samples: Numbers) -> float:
    """How many independent samples a series is worth: n / (1 + 2Σρ), the sum up to the first ρ that isn't positive."""
    data = _finite(samples)
    n = len(data)
    if n < 3 or np.ptp(data) == 0:
        return float(n)
    centred = data - data.mean()
    power = float(centred @ centred)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), size)[1 : n // 2] / power
    falls = np.flatnonzero(correlation <= 0)
    positive = correlation[: falls[0]] if len(falls) else correlation
    return n / (1 + 2 * float(positive.sum()))


def percentile(trials: Sequence[Numbers], p: float) -> Interval | None:
    """The ``p``-th percentile (50, 95, 99, 99.9) of several trials' samples, each in the order they were taken.

    None where the effective samples, added up over the trials, can't carry it. The interval stands between order
    statistics of the trials' own percentiles; ``n`` counts samples.
    """
    data = [_finite(samples) for samples in trials]
    if sum(effective_n(samples) for samples in data) < LEAST_SAMPLES[p]:
        return None
    spread = median_of_trials([float(np.percentile(samples, p)) for samples in data])
    pooled = np.concatenate(data)
    value = float(np.percentile(pooled, p))
    low = None if spread.low is None else min(spread.low, value)
    high = None if spread.high is None else max(spread.high, value)
    return Interval(value=value, low=low, high=high, n=len(pooled), method=spread.method)


def _sign_flip(logs: npt.NDArray[np.float64]) -> float:
    """Two-sided p of the mean under all sign flips; above 16 pairs the t test's, which then agrees."""
    if len(logs) > _MOST_SIGN_FLIPS:
        return float(stats.ttest_1samp(logs, 0).pvalue)
    signs = np.array(list(product((-1.0, 1.0), repeat=len(logs))))
    return float((np.abs(signs @ logs) >= abs(logs.sum()) - 1e-12).mean())


def _finite(values: Numbers) -> npt.NDArray[np.float64]:
    data = np.asarray(values, dtype=np.float64)
    if not len(data) or not np.isfinite(data).all():
        raise ValueError(f"expected finite numbers, got {len(data)} of which {int(np.isfinite(data).sum())} are")
    return data
