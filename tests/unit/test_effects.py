"""Ratios, odds and differences of sets and pairs: by hand, and against scipy's own tests."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from reports import stats

A, B = [1.0, 1.1, 1.3, 0.9], [1.5, 1.2, 1.6, 1.4, 1.3]


def test_the_ratio_of_two_sets_is_welchs_on_logarithms() -> None:
    """The interval and the p that scipy's Welch test gives."""
    found = stats.ratio_of_sets(A, B)
    welch = scipy_stats.ttest_ind(np.log(B), np.log(A), equal_var=False)
    bounds = welch.confidence_interval(0.95)
    assert found.ratio == pytest.approx(math.exp(np.log(B).mean() - np.log(A).mean()))
    assert (found.low, found.high) == pytest.approx((math.exp(bounds.low), math.exp(bounds.high)))
    assert (found.p, found.n, found.exact) == (pytest.approx(welch.pvalue), 4, False)


def test_the_spread_of_a_ratio_of_sets_times_one_over_root_n_is_its_standard_error() -> None:
    """So that detectable effects and runs needed follow from it as for pairs."""
    error = math.sqrt(np.log(A).var(ddof=1) / 4 + np.log(B).var(ddof=1) / 5)
    assert stats.ratio_of_sets(A, B).log_sd / math.sqrt(4) == pytest.approx(error)


def test_one_run_on_a_side_has_no_interval_and_no_p() -> None:
    """Its spread isn't known."""
    found = stats.ratio_of_sets([2.0], B)
    assert (found.low, found.high, found.log_sd, found.p) == (None, None, 0.0, 1.0)


def test_two_sets_without_spread_have_the_p_of_relabelling_them() -> None:
    """3 and 3 runs: 20 ways to label them, 2 of them as far apart."""
    found = stats.ratio_of_sets([2.0] * 3, [3.0] * 3)
    assert (found.ratio, found.low, found.high, found.exact) == (pytest.approx(1.5), *[pytest.approx(1.5)] * 2, True)
    assert found.p == pytest.approx(2 / 20)


def test_the_odds_of_two_sets_are_compared_by_their_logarithms() -> None:
    """10/90 and 20/80 twice each: odds 1/9 and 1/4, so the ratio is 2.25, and half a success more where a share is 0."""
    assert stats.odds_of_sets(([10, 10], [100, 100]), ([20, 20], [100, 100])).ratio == pytest.approx(2.25)
    with_edge = stats.odds_of_sets(([0, 0], [100, 100]), ([20, 20], [100, 100]))
    assert with_edge.ratio == pytest.approx((20.5 / 80.5) / (0.5 / 100.5))
    same = stats.odds_of_sets(([5, 10], [10, 20]), ([1, 50], [2, 100]))
    assert (same.ratio, same.low, same.high, same.p) == (1.0, 1.0, 1.0, 1.0)


def test_a_difference_of_sets_is_welchs_too() -> None:
    """On the values themselves."""
    a, b = [0.0, 1.0, 0.0, 2.0], [3.0, 1.0, 4.0, 2.0]
    found = stats.difference_of_sets(a, b)
    welch = scipy_stats.ttest_ind(b, a, equal_var=False)
    bounds = welch.confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx((1.75, bounds.low, bounds.high))
    assert found.p == pytest.approx(welch.pvalue)


def test_paired_differences_are_students_t_over_pairs() -> None:
    """Differences 1, 2, 3: mean 2, s = 1, half = 4.3027·1/√3 = 2.4841."""
    found = stats.paired_difference([0.0, 1.0, 0.0], [1.0, 3.0, 3.0])
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 2 - 2.48414, 2 + 2.48414), rel=1e-5)
    assert found.p == pytest.approx(scipy_stats.ttest_1samp([1.0, 2.0, 3.0], 0).pvalue)
    assert (found.n, found.exact, found.sd) == (3, False, pytest.approx(1.0))


def test_a_paired_ratio_has_the_p_of_its_own_t_test() -> None:
    """Beside the sign-flip test's."""
    a, b = [1.0, 2.0, 3.0, 4.0], [1.2, 2.1, 3.9, 4.4]
    logs = np.log(np.array(b) / np.array(a))
    assert stats.paired_ratio(a, b).p == pytest.approx(scipy_stats.ttest_1samp(logs, 0).pvalue)


@pytest.mark.parametrize(("pairs", "p"), [(2, 0.5), (6, 2 / 64), (8, 2 / 256)])
def test_pairs_that_all_differ_by_the_same_have_the_p_of_their_signs(pairs: int, p: float) -> None:
    """All signs alike: two of 2^K ways. Equal ones have 1."""
    assert stats.paired_difference([0.0] * pairs, [1.0] * pairs).p == pytest.approx(p)
    assert stats.paired_ratio([1.0] * pairs, [2.0] * pairs).p == pytest.approx(p)
    assert stats.paired_difference([3.0] * pairs, [3.0] * pairs).p == 1.0


def test_sign_flips_are_counted_as_by_hand() -> None:
    """Logs 1, 2, 4 ÷ 10: of 8 sums ±1 ±2 ±4 those as far from 0 as 7 are 7 and −7; of 1, 2 and −4 all are as far as 1."""
    assert stats.paired_ratio([1.0] * 3, list(np.exp([0.1, 0.2, 0.4]))).sign_flip_p == pytest.approx(2 / 8)
    assert stats.paired_ratio([1.0] * 3, list(np.exp([0.1, 0.2, -0.4]))).sign_flip_p == pytest.approx(1.0)


def difference(low: float | None, high: float | None, **about: float) -> stats.Difference:
    """Eight pairs with that interval."""
    value = 0.0 if low is None or high is None else (low + high) / 2
    spread = {"n": 8, "sd": 1.0, "p": 0.5} | about
    return stats.Difference(value=value, low=low, high=high, exact=low == high, **spread)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("low", "high", "margin", "word"),
    [
        (6.0, 9.0, 5.0, "regression"),
        (-9.0, -6.0, 5.0, "improved"),
        (-4.0, 4.0, 5.0, "equivalent"),
        (1.0, 9.0, 5.0, "worse, size unresolved"),
        (-9.0, -1.0, 5.0, "better, size unresolved"),
        (-1.0, 9.0, 5.0, "inconclusive"),
        (0.5, 2.0, 0.0, "regression"),  # of a base of 0 nothing is too small to matter
        (-1.0, 2.0, 0.0, "inconclusive"),
        (0.0, 0.0, 0.0, "equivalent"),  # and the same is the same
        (None, None, 5.0, "inconclusive"),
    ],
)
def test_a_difference_is_judged_against_a_margin_in_its_own_unit(
    low: float | None, high: float | None, margin: float, word: str
) -> None:
    """Lower is better, as of lost writes."""
    assert stats.verdict_of_difference(difference(low, high), margin=margin, better="lower").word == word


def test_a_differences_power_is_in_its_own_unit() -> None:
    """(t.975 + t.80)·s/√8 with 7 degrees: (2.364624 + 0.896030)·1/2.828427; pairs for 0.5: (1.959964 + 0.841621)²/0.25 + 2 = 33.4."""
    found = stats.verdict_of_difference(difference(-1.0, 1.0), margin=0.5, better="lower")
    assert found.detectable == pytest.approx(1.152816, rel=1e-5)
    assert found.pairs_needed == 34
    assert stats.verdict_of_difference(difference(-1.0, 1.0), margin=0.0, better="lower").pairs_needed is None


def test_a_stricter_interval_needs_more_pairs_and_finds_less() -> None:
    """At 99 %: (2.575829 + 0.841621)² · 4.20087 + 2 = 51.1, where 95 % takes 35."""
    assert (stats.pairs_needed(0.1, 0.05), stats.pairs_needed(0.1, 0.05, 0.99)) == (35, 52)
    ratio = stats.paired_ratio([1.0] * 4, [1.0, 1.1, 1.2, 1.3])
    at_95, at_99 = (stats.verdict(ratio, margin=0.05, better="lower", confidence=at) for at in (0.95, 0.99))
    assert at_95.detectable is not None and at_99.detectable is not None
    assert at_95.detectable < at_99.detectable


@pytest.mark.parametrize("margin", [-0.1, math.inf])
def test_a_margin_that_is_no_difference_is_refused(margin: float) -> None:
    """0 is one."""
    with pytest.raises(ValueError, match="0 or more"):
        stats.verdict_of_difference(difference(0.0, 1.0), margin=margin, better="lower")
