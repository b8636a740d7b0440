"""Two arms by pairs of trials: the ratio of a time or of units, and the odds ratio of a share."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import stats

from reports.stats.intervals import CONFIDENCE, Numbers, finite, log_odds, mean_of_trials

_MOST_SIGN_FLIPS = 16
_SAME = 1e-12  # logs closer than this are the same number written twice


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRatio:
    """B ÷ A over ``n`` pairs. ``exact`` when every pair gives the same ratio: no chance is in it.

    ``log_sd`` is the standard deviation of the pairs' log ratios, 0 for one pair; where shares were compared the ratio is
    one of odds.
    """

    ratio: float
    low: float | None
    high: float | None
    hodges_lehmann: float
    sign_flip_p: float
    n: int
    exact: bool
    log_sd: float


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


def _of_logs(logs: npt.NDArray[np.float64], confidence: float) -> PairedRatio:
    n, exact = len(logs), len(logs) > 1 and bool(np.ptp(logs) < _SAME)
    middle = mean_of_trials(logs, confidence)
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
        log_sd=float(logs.std(ddof=1)) if n > 1 and not exact else 0.0,
    )


def _sign_flip(logs: npt.NDArray[np.float64]) -> float:
    """Two-sided p of the mean under all sign flips; above 16 pairs the t test's, which then agrees."""
    if len(logs) > _MOST_SIGN_FLIPS:
        return float(stats.ttest_1samp(logs, 0).pvalue)
    signs = np.array(list(product((-1.0, 1.0), repeat=len(logs))))
    return float((np.abs(signs @ logs) >= abs(logs.sum()) - _SAME).mean())
