"""Two sets of runs that aren't paired, one after the other: what Welch's t says of them, and what drift may have said.

Runs in sequence share nothing but the machine: whatever drifts between the sets looks like a change, and so it did in 28 % of
simulated comparisons of equal sides (docs/method.md). Welch, Biometrika 34 (10.1093/biomet/34.1-2.28).
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import stats

from reports.stats.intervals import CONFIDENCE, Numbers, difference_of_trials, finite, log_odds, welch
from reports.stats.pairs import SAME, Difference, Ratio

_Array = npt.NDArray[np.float64]


def ratio_of_sets(base: Numbers, candidate: Numbers, confidence: float = CONFIDENCE) -> Ratio:
    """candidate ÷ base of two sets of positive values: Welch's t on their logarithms. Raises ValueError for others."""
    a, b = finite(base), finite(candidate)
    if (a <= 0).any() or (b <= 0).any():
        raise ValueError(f"a ratio needs positive values, got {min(a.min(), b.min())}")
    return _of_logs(np.log(a), np.log(b), confidence)


def odds_of_sets(
    base: tuple[Numbers, Numbers], candidate: tuple[Numbers, Numbers], confidence: float = CONFIDENCE
) -> Ratio:
    """The odds ratio candidate ÷ base of a share, each side (successes, totals) by run; ½ is added where any share is 0 or 1."""
    good_a, all_a, good_b, all_b = (finite(one) for one in (*base, *candidate))
    shares = np.concatenate([good_a / all_a, good_b / all_b])
    if np.ptp(shares) == 0:
        return _of_logs(np.zeros(len(good_a)), np.zeros(len(good_b)), confidence)
    edge = 0.5 * bool(np.isin(shares, (0.0, 1.0)).any())
    return _of_logs(log_odds(good_a, all_a, edge), log_odds(good_b, all_b, edge), confidence)


def difference_of_sets(base: Numbers, candidate: Numbers, confidence: float = CONFIDENCE) -> Difference:
    """candidate − base of two sets, for counts that may be 0: Welch's t interval."""
    a, b = finite(base), finite(candidate)
    between = difference_of_trials(b, a, confidence)
    exact, sd = _spread(a, b)
    return Difference(
        value=between.value,
        low=between.low,
        high=between.high,
        n=between.n,
        exact=exact,
        sd=sd,
        p=_p(a, b, exact=exact),
    )


def _of_logs(a: _Array, b: _Array, confidence: float) -> Ratio:
    between = difference_of_trials(b, a, confidence)
    exact, log_sd = _spread(a, b)
    low, high = (None if bound is None else math.exp(bound) for bound in (between.low, between.high))
    return Ratio(
        ratio=math.exp(between.value),
        low=low,
        high=high,
        n=between.n,
        exact=exact,
        log_sd=log_sd,
        p=_p(a, b, exact=exact),
    )


def _spread(a: _Array, b: _Array) -> tuple[bool, float]:
    """Whether neither set spreads, and the standard error of their difference × √n, n the smaller set's."""
    n = min(len(a), len(b))
    if n < 2:
        return False, 0.0
    exact = bool(np.ptp(a) == 0 and np.ptp(b) == 0)
    return exact, 0.0 if exact else welch(a, b)[0] * math.sqrt(n)


def _p(a: _Array, b: _Array, *, exact: bool) -> float:
    """Two-sided; of two sets without spread the share of relabellings as far apart, 2 of all, and 1 where they are one."""
    apart = abs(float(b.mean() - a.mean()))
    if min(len(a), len(b)) < 2 or apart < SAME:
        return 1.0
    if exact:
        return min(1.0, 2 / math.comb(len(a) + len(b), len(a)))
    error, degrees = welch(a, b)
    return float(2 * stats.t.sf(apart / error, degrees))
