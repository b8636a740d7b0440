"""Samples in the order they were taken: what they are worth, percentiles that refuse, and one run alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from reports.stats.intervals import CONFIDENCE, Interval, Numbers, finite, median_of_trials
from reports.stats.quantiles import of_sorted

# Effective samples below which a percentile isn't given: the fewest whose largest lies above it with 97.5 %, pⁿ ≤ 0.025.
LEAST_SAMPLES = {50.0: 6, 95.0: 72, 99.0: 368, 99.9: 3688}
LEAST_BLOCK_S = 10.0
_LEAST_BLOCKS = 5  # of fewer the resampled runs are all but the same one
_RESAMPLES = 1000


def effective_n(samples: Numbers) -> float:
    """How many independent samples a series is worth: n / (1 + 2Σρ), the sum up to the first ρ that isn't positive."""
    data = finite(samples)
    n = len(data)
    if n < 3 or np.ptp(data) == 0:
        return float(n)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(data - data.mean(), size)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), size)[: n // 2]
    falls = np.flatnonzero(correlation <= 0)
    positive = correlation[1 : falls[0]] if len(falls) else correlation[1:]
    return n / (1 + 2 * float(positive.sum() / correlation[0]))


def highest_percentile(worth: float) -> float:
    """The highest percentile that so many effective samples carry, by the rule of LEAST_SAMPLES: pⁿ = 0.025."""
    return 100 * math.exp(math.log((1 - CONFIDENCE) / 2) / worth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Several percentiles of several trials' samples, by their number (50, 95, 99, 99.9).

    ``pooled`` has each over all trials, None where the effective samples can't carry it; ``each`` has the trials' own, where any
    is carried. ``worth`` are the effective samples, added up over the trials no further than the highest takes.
    """

    pooled: Mapping[float, Interval | None]
    each: Mapping[float, list[float]]
    worth: float


def percentile(trials: Sequence[Numbers], p: float) -> Interval | None:
    """One of ``percentiles``, over all trials."""
    return percentiles(trials, (p,)).pooled[p]


def percentiles(trials: Sequence[Numbers], ps: Sequence[float]) -> Percentiles:
    """The ``ps``-th percentiles of several trials' samples, each in the order they were taken.

    The interval stands between order statistics of the trials' own percentiles; ``n`` counts samples.
    """
    data = [finite(samples) for samples in trials]
    worth = _worth(data, max(LEAST_SAMPLES[p] for p in ps))
    if worth < min(LEAST_SAMPLES[p] for p in ps):
        return Percentiles(pooled=dict.fromkeys(ps), each={}, worth=worth)
    each = np.array([of_sorted(np.sort(samples), ps) for samples in data])
    values, n = of_sorted(np.sort(np.concatenate(data)), ps).tolist(), sum(map(len, data))
    pooled = {
        p: _between(value, of_trials, n) if worth >= LEAST_SAMPLES[p] else None
        for p, value, of_trials in zip(ps, values, each.T, strict=True)
    }
    return Percentiles(pooled=pooled, each=dict(zip(ps, each.T.tolist(), strict=True)), worth=worth)


def _between(value: float, of_trials: Numbers, n: int) -> Interval:
    """A percentile of all samples within the median of the trials' own; the interval holds it in any case."""
    spread = median_of_trials(of_trials)
    low = None if spread.low is None else min(spread.low, value)
    high = None if spread.high is None else max(spread.high, value)
    return Interval(value=value, low=low, high=high, n=n, method=spread.method)


def _worth(trials: Sequence[Numbers], enough: int) -> float:
    """The trials' effective samples, added up until they are enough; how many more there are nobody asks."""
    worth = 0.0
    for samples in trials:
        worth += effective_n(samples)
        if worth >= enough:
            break
    return worth


def run_percentile(samples: Numbers, p: float) -> Interval | None:
    """The ``p``-th percentile of one run alone, between two order statistics of as many samples as it is worth.

    Descriptive: it tells of this run, not of the next. With m effective samples the ranks are the 2.5 and 97.5 % points of
    Bin(m, p), stretched over the samples there are (David & Nagaraja, Order Statistics, 10.1002/0471722162, §7.1). None
    where m can't carry the percentile.
    """
    data = np.sort(finite(samples))
    n, worth = len(data), effective_n(samples)
    if worth < LEAST_SAMPLES[p]:
        return None
    m, tail = int(worth), (1 - CONFIDENCE) / 2
    first, last = (int(rank) for rank in stats.binom.ppf((tail, 1 - tail), m, p / 100))
    low = data[max(0, int(first / m * n) - 1)]
    high = data[min(n, math.ceil((last + 1) / m * n)) - 1]
    method = "order statistics of the effective samples of one run"
    return Interval(value=float(np.percentile(data, p)), low=float(low), high=float(high), n=n, method=method)


def block_percentile(
    seconds: Sequence[Numbers], p: float, *, seed: int, block_s: float = LEAST_BLOCK_S
) -> Interval | None:
    """The ``p``-th percentile of one run alone, its interval by moving blocks; ``seconds`` holds each second's samples.

    Blocks of consecutive seconds are drawn with replacement, so that what moves together stays together (Künsch, Ann.
    Statist. 17, 10.1214/aos/1176347265). Descriptive, as ``run_percentile``. No interval for a run of fewer than five
    blocks, no percentile where the effective samples can't carry it; raises ValueError for blocks below 10 s.
    """
    if block_s < LEAST_BLOCK_S:
        raise ValueError(f"a block below {LEAST_BLOCK_S:g} s tears apart what moves together, got {block_s:g} s")
    full = [np.asarray(second, dtype=np.float64) for second in seconds]
    samples = finite(np.concatenate(full)) if full else finite([])
    if effective_n(samples) < LEAST_SAMPLES[p]:
        return None
    value, length, block = float(np.percentile(samples, p)), len(full), int(block_s)
    if length < _LEAST_BLOCKS * block:
        return Interval(value=value, low=None, high=None, n=len(samples), method="one run, too short for blocks")
    place = np.repeat(np.arange(length), [len(second) for second in full])
    order = np.argsort(samples, kind="stable")
    drawn = _resampled(samples[order], place[order], length, block, p, np.random.default_rng(seed))
    tail = 50 * (1 - CONFIDENCE)
    low, high = (float(bound) for bound in np.percentile(drawn, (tail, 100 - tail)))
    method = f"moving blocks of {block} s"
    return Interval(value=value, low=min(low, value), high=max(high, value), n=len(samples), method=method)


def _resampled(
    ascending: npt.NDArray[np.float64],
    second: npt.NDArray[np.int64],
    length: int,
    block: int,
    p: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """The percentile of each resampled run, its samples weighted by how often their second was drawn."""
    found = np.empty(_RESAMPLES)
    for index in range(_RESAMPLES):
        starts = rng.integers(0, length - block + 1, size=-(-length // block))
        drawn = (starts[:, None] + np.arange(block)).ravel()[:length]
        weight = np.cumsum(np.bincount(drawn, minlength=length)[second])
        found[index] = ascending[min(len(ascending) - 1, int(np.searchsorted(weight, p / 100 * weight[-1])))]
    return found
