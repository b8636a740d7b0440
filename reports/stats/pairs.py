"""Two arms by pairs of trials: the ratio of a time or of units, the odds ratio of a share, the difference of a count."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from reports.stats.intervals import CONFIDENCE, Numbers, finite, log_odds, mean_of_trials

_MOST_SIGN_FLIPS = 16
SAME = 1e-12  # logs closer than this are the same number written twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """B ÷ A over ``n`` pairs, or ``n`` runs on the side that has fewer; where shares were compared, a ratio of odds.

    ``exact`` when no chance is in it. ``log_sd`` ÷ √n is the standard error of the log ratio, 0 where n is 1. ``p`` is the
    two-sided p of the t test that the interval belongs to; where nothing spreads, that of the fewest relabellings that n allows.
    """

    ratio: float
    low: float | None
    high: float | None
    n: int
    exact: bool
    log_sd: float
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRatio(Ratio):
    """B ÷ A by pairs. ``exact`` when every pair gives the same ratio: ``log_sd``, that of the pairs' log ratios, is 0 then."""

    hodges_lehmann: float
    sign_flip_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """B − A in the figure's own unit, for what may be 0; ``exact``, ``n``, ``sd`` and ``p`` as of ``Ratio``, without logarithms."""

    value: float
    low: float | None
    high: float | None
    n: int
    exact: bool
    sd: float
    p: float


def paired_ratio(base: Numbers, candidate: Numbers, confidence: float = CONFIDENCE) -> PairedRatio:
    """candidate ÷ base by pairs: t interval of the mean log ratio; Hodges–Lehmann and the exact sign-flip p beside it.

    Raises ValueError where the two sides aren't as many positive values each.
    """
    a, b = finite(base), finite(candidate)
    if len(a) != len(b) or not len(a) or (a <= 0).any() or (b <= 0).any():
        raise ValueError(f"a paired ratio needs as many positive values on both sides, got {len(a)} and {len(b)}")
    return _of_logs(np.log(b / a), confidence)


def paired_odds(
    base: tuple[Numbers, Numbers], candidate: tuple[Numbers, Numbers], confidence: float = CONFIDENCE
) -> PairedRatio:
    """The odds ratio candidate ÷ base of a share (throttled, hits) by pairs, each side (successes, totals) by trial.

    The same design as ``paired_ratio`` on log-odds; no binomial test over requests, since they aren't independent. Where any
    share is 0 or 1, ½ is added on all sides; a pair whose two shares are equal differs by nothing, whatever its totals.
    """
    good_a, all_a, good_b, all_b = (finite(one) for one in (*base, *candidate))
    if not len(good_a) == len(all_a) == len(good_b) == len(all_b):
        raise ValueError(f"paired shares need as many trials on both sides, got {len(good_a)} and {len(good_b)}")
    share_a, share_b = good_a / all_a, good_b / all_b
    edge = 0.5 * bool(np.isin(np.concatenate([share_a, share_b]), (0.0, 1.0)).any())
    logs = log_odds(good_b, all_b, edge) - log_odds(good_a, all_a, edge)
    return _of_logs(np.where(share_a == share_b, 0.0, logs), confidence)


def paired_difference(base: Numbers, candidate: Numbers, confidence: float = CONFIDENCE) -> Difference:
    """candidate − base by pairs, with the t interval of the mean: for counts, which may be 0, where a ratio says nothing.

    Raises ValueError where the two sides aren't as many.
    """
    a, b = finite(base), finite(candidate)
    if len(a) != len(b):
        raise ValueError(f"paired differences need as many values on both sides, got {len(a)} and {len(b)}")
    apart = b - a
    middle, exact = mean_of_trials(apart, confidence), len(apart) > 1 and bool(np.ptp(apart) == 0)
    sd = float(apart.std(ddof=1)) if len(apart) > 1 and not exact else 0.0
    return Difference(
        value=middle.value, low=middle.low, high=middle.high, n=len(apart), exact=exact, sd=sd, p=_t_test(apart, sd)
    )


def _t_test(apart: npt.NDArray[np.float64], sd: float) -> float:
    """Two-sided p of a mean of 0; of what doesn't spread at all, that of the signs: 2/2^n, and 1 where nothing is apart."""
    n, mean = len(apart), float(apart.mean())
    if n < 2 or abs(mean) < SAME:
        return 1.0
    if sd == 0:
        return min(1.0, 2.0 ** (1 - n))
    return float(2 * stats.t.sf(abs(mean) / (sd / math.sqrt(n)), n - 1))


def _of_logs(logs: npt.NDArray[np.float64], confidence: float) -> PairedRatio:
    n, exact = len(logs), len(logs) > 1 and bool(np.ptp(logs) < SAME)
    middle = mean_of_trials(logs, confidence)
    walsh = np.add.outer(logs, logs)[np.triu_indices(n)] / 2
    low, high = (None if bound is None else math.exp(bound) for bound in (middle.low, middle.high))
    log_sd = float(logs.std(ddof=1)) if n > 1 and not exact else 0.0
    return PairedRatio(
        ratio=math.exp(middle.value),
        low=math.exp(middle.value) if exact else low,
        high=math.exp(middle.value) if exact else high,
        hodges_lehmann=float(np.exp(np.median(walsh))),
        sign_flip_p=_sign_flip(logs),
        n=n,
        exact=exact,
        log_sd=log_sd,
        p=_t_test(logs, log_sd),
    )


def _sign_flip(logs: npt.NDArray[np.float64]) -> float:
    """Two-sided p of the mean under all sign flips; above 16 pairs the t test's, which then agrees."""
    if len(logs) > _MOST_SIGN_FLIPS:
        return float(stats.ttest_1samp(logs, 0).pvalue)
    return float((np.abs(_signs(len(logs)) @ logs) >= abs(logs.sum()) - SAME).mean())


@cache
def _signs(n: int) -> npt.NDArray[np.float64]:
    """All patterns of ``n`` signs that begin with +, one a row: those that begin with − are their mirror images."""
    minus = np.arange(2 ** (n - 1))[:, None] >> np.arange(n - 1) & 1
    return np.column_stack([np.ones(len(minus)), 1.0 - 2.0 * minus])
