"""What a comparison by pairs amounts to, on a margin declared beforehand; *inconclusive* is never *no regression*."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from reports.stats.intervals import CONFIDENCE, Numbers, finite
from reports.stats.pairs import Difference, Ratio

# Relative changes too small to matter, by figure: docs/method.md.
MARGINS: Mapping[str, float] = {"p50": 0.05, "p95": 0.05, "p99": 0.10}
POWER = 0.8

Word = Literal[
    "regression", "equivalent", "improved", "better, size unresolved", "worse, size unresolved", "inconclusive"
]


Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``effect``, ``low``, ``high``, ``margin`` and ``detectable`` are relative changes: 0.1 is 10 % more; in the figure's own unit
    where differences were compared.

    ``detectable`` is the least change that so many such pairs find with 80 % power, and ``pairs_needed`` how many pairs it takes
    to find one of the margin's size; both are None where one pair says nothing of its own spread. Runs in sequence count runs a
    side in the place of pairs.
    """

    word: Word
    effect: float
    low: float | None
    high: float | None
    margin: float
    n: int
    exact: bool
    detectable: float | None
    pairs_needed: int | None


def verdict(pairs: Ratio, *, margin: float, better: Better, confidence: float = CONFIDENCE) -> Verdict:
    """The verdict on candidate ÷ base: its interval against ±``margin``, worse being up where ``better`` is *lower*.

    ``confidence`` is that of the interval. Raises ValueError for a margin that is not above 0 and below 1.
    """
    if not 0 < margin < 1:
        raise ValueError(f"a margin is a relative change between 0 and 1, got {margin}")
    low, high = (None if bound is None else bound - 1 for bound in (pairs.low, pairs.high))
    known = pairs.n > 1
    return Verdict(
        word=_word(low, high, margin, up_is_worse=better == "lower"),
        effect=pairs.ratio - 1,
        low=low,
        high=high,
        margin=margin,
        n=pairs.n,
        exact=pairs.exact,
        detectable=math.expm1(_detectable(pairs.log_sd, pairs.n, confidence)) if known else None,
        pairs_needed=pairs_needed(pairs.log_sd, margin, confidence) if known else None,
    )


def verdict_of_difference(
    apart: Difference, *, margin: float, better: Better, confidence: float = CONFIDENCE
) -> Verdict:
    """The same of candidate − base, ``margin`` in the figure's own unit; 0 is one that nothing but equality is within.

    Raises ValueError for a margin below 0.
    """
    if not 0 <= margin < math.inf:
        raise ValueError(f"a margin is a difference of 0 or more, got {margin}")
    known = apart.n > 1
    same = apart.low == apart.high == 0
    return Verdict(
        word="equivalent" if same else _word(apart.low, apart.high, margin, up_is_worse=better == "lower"),
        effect=apart.value,
        low=apart.low,
        high=apart.high,
        margin=margin,
        n=apart.n,
        exact=apart.exact,
        detectable=_detectable(apart.sd, apart.n, confidence) if known else None,
        pairs_needed=_needed(apart.sd, margin, confidence) if known and margin > 0 else None,
    )


def _word(low: float | None, high: float | None, margin: float, *, up_is_worse: bool) -> Word:
    if low is None or high is None:
        return "inconclusive"
    if -margin < low and high < margin:
        return "equivalent"
    if low > margin:
        return "regression" if up_is_worse else "improved"
    if high < -margin:
        return "improved" if up_is_worse else "regression"
    if low <= 0 <= high:
        return "inconclusive"
    return "worse, size unresolved" if (low > 0) == up_is_worse else "better, size unresolved"


def minimum_detectable_effect(logs: Numbers) -> float:
    """The least relative change that such pairs find with 80 % power: exp((t.975 + t.80)·s/√K) − 1 (docs/method.md)."""
    data = finite(logs)
    return math.expm1(_detectable(float(data.std(ddof=1)), len(data), CONFIDENCE))


def pairs_needed(log_sd: float, margin: float, confidence: float = CONFIDENCE) -> int:
    """Pairs that find a change of ``margin`` with 80 % power: 7.85·s²/δ² + 2 at 95 %, δ = ln(1 + margin), rounded up."""
    return _needed(log_sd, math.log1p(margin), confidence)


def least_pairs(gates: int, confidence: float = CONFIDENCE) -> int:
    """The fewest pairs whose smallest sign-flip p, 2/2^K, can pass Holm's first step over so many gate metrics."""
    return math.ceil(math.log2(2 * gates / (1 - confidence)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for the family they are in, in the order given: Holm, Scand. J. Statist. 6 (1979)."""
    data = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(data, kind="stable")
    steps = np.maximum.accumulate(data[order] * np.arange(len(data), 0, -1))
    adjusted = np.empty_like(data)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(p) for p in adjusted]


def _detectable(sd: float, n: int, confidence: float) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, n - 1) + stats.t.ppf(POWER, n - 1)) * sd / math.sqrt(n)


def _needed(sd: float, apart: float, confidence: float) -> int:
    quantiles = float(stats.norm.ppf((1 + confidence) / 2) + stats.norm.ppf(POWER))
    return math.ceil((quantiles * sd / apart) ** 2 + 2)
