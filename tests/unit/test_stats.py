"""Estimates agree with sums done by hand, and are refused where their count can't carry them."""

import math
import random

import pytest
from scipy import stats as scipy_stats

from reports import stats

# Student's t, 97.5 %, from a printed table.
T_2, T_3 = 4.302653, 3.182446


def test_the_mean_of_three_trials_has_the_interval_of_a_t_table() -> None:
    """10, 12, 14: mean 12, s = 2, half = 4.302653·2/√3."""
    found = stats.mean_of_trials([10, 12, 14])
    half = T_2 * 2 / math.sqrt(3)
    assert (found.value, found.n) == (12, 3)
    assert (found.low, found.high) == pytest.approx((12 - half, 12 + half))


def test_one_trial_has_a_mean_and_a_share_but_no_interval() -> None:
    """One number says nothing of its own spread."""
    mean, share = stats.mean_of_trials([7.0]), stats.share_of_trials([1], [4])
    assert (mean.value, mean.low, mean.high, mean.n) == (7, None, None, 1)
    assert (share.value, share.low, share.high, share.n) == (0.25, None, None, 1)


@pytest.mark.parametrize(
    ("count", "rank"),
    [
        (1, None),
        (5, None),  # 1 − 2·1/32 = 93.75 %
        (6, 1),  # 1 − 2·1/64 = 96.9 %
        (8, 1),  # 2nd to 7th: 1 − 2·(1 + 8)/256 = 93.0 %
        (9, 2),  # 1 − 2·(1 + 9)/512 = 96.1 %
        (12, 3),  # 1 − 2·(1 + 12 + 66)/4096 = 96.1 %
    ],
)
def test_a_median_stands_between_the_closest_order_statistics_that_cover_it(count: int, rank: int | None) -> None:
    """The binomial with ½ decides, worked out above; below six trials there is no interval."""
    values = [float(value) for value in range(1, count + 1)]
    random.Random(count).shuffle(values)
    found = stats.median_of_trials(values)
    assert (found.value, found.n) == ((count + 1) / 2, count)
    assert (found.low, found.high) == ((None, None) if rank is None else (rank, count + 1 - rank))


@pytest.mark.parametrize(
    ("ended", "unended", "value", "high", "at_least"),
    [
        ([1, 2, 3, 4, 5], [9], 3.5, None, False),  # 6th smallest is open, so the interval is; 3rd and 4th are known
        ([1, 2, 3], [9, 9, 9], 6.0, None, True),  # between 3 and at least 9
        ([1, 2], [9], 2.0, None, False),
        ([1], [9, 9], 9.0, None, True),
        ([], [9], 9.0, None, True),
        ([*range(1, 12)], [20], 6.5, 10, False),  # of 12 the 3rd largest, 10, bounds it, and is known
        ([5, 6], [1], 5.0, None, True),  # given up early: it might have been the longest
    ],
)
def test_a_trial_that_did_not_end_bounds_the_median_from_below(
    ended: list[float], unended: list[float], value: float, high: float | None, at_least: bool
) -> None:
    """An order statistic at or above what was given up on may be anything from there on."""
    found = stats.median_of_trials(ended, unended)
    assert (found.value, found.high, found.at_least) == (value, high, at_least)


def test_a_share_is_pooled_and_its_interval_is_a_t_on_log_odds() -> None:
    """10, 20 and 30 of 100: pooled 0.2; the interval worked out with math alone."""
    odds = [math.log(good / (100 - good)) for good in (10, 20, 30)]
    middle = sum(odds) / 3
    spread = math.sqrt(sum((one - middle) ** 2 for one in odds) / 2)
    low, high = (1 / (1 + math.exp(-(middle + sign * T_2 * spread / math.sqrt(3)))) for sign in (-1, 1))
    found = stats.share_of_trials([10, 20, 30], [100, 100, 100])
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-5)


def test_a_share_of_none_or_all_in_one_trial_gets_half_a_case_so_that_its_odds_exist() -> None:
    """0, 1 and 2 of 10: log-odds of ½, 1½ and 2½ of 11."""
    odds = [math.log((good + 0.5) / (10 - good + 0.5)) for good in (0, 1, 2)]
    middle = sum(odds) / 3
    spread = math.sqrt(sum((one - middle) ** 2 for one in odds) / 2)
    found = stats.share_of_trials([0, 1, 2], [10, 10, 10])
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(1 / (1 + math.exp(-(middle - T_2 * spread / math.sqrt(3)))), rel=1e-5)


@pytest.mark.parametrize("good", [0, 20, 100])
def test_a_share_that_is_the_same_in_every_trial_is_exact(good: int) -> None:
    """No spread, no width: also for none at all and for all."""
    found = stats.share_of_trials([good] * 3, [100] * 3)
    assert (found.value, found.low, found.high) == (good / 100, good / 100, good / 100)


def test_a_paired_ratio_is_the_mean_log_ratio_with_a_t_interval() -> None:
    """Ratios 2, 4, 8, 16: logs 1 to 4 times ln 2, mean 2½, s = ln 2·√(5/3)."""
    found = stats.paired_ratio([1, 10, 100, 1000], [2, 40, 800, 16000])
    half = T_3 * math.sqrt(5 / 3) / 2
    assert found.ratio == pytest.approx(2**2.5)
    assert found.hodges_lehmann == pytest.approx(2**2.5)
    assert (found.low, found.high) == pytest.approx((2 ** (2.5 - half), 2 ** (2.5 + half)))
    assert (found.n, found.exact) == (4, False)


def test_hodges_lehmann_is_the_median_of_pairwise_means_and_shrugs_at_one_wild_pair() -> None:
    """Logs 0, 0, 0, 0 and 5·ln 10: ten of fifteen Walsh averages are 0, so the ratio stays 1."""
    found = stats.paired_ratio([1] * 5, [1, 1, 1, 1, 1e5])
    assert found.hodges_lehmann == pytest.approx(1)
    assert found.ratio == pytest.approx(10)


def test_six_pairs_that_all_point_one_way_reach_two_of_sixty_four_and_five_can_not_reach_a_twentieth() -> None:
    """Of 2⁶ flips only all-plus and all-minus are as extreme: 2/64; of 2⁵, 2/32 > 0.05."""
    candidate = [1.1, 1.2, 1.05, 1.3, 1.15, 1.25]
    assert stats.paired_ratio([1] * 6, candidate).sign_flip_p == pytest.approx(2 / 64)
    assert stats.paired_ratio([1] * 5, candidate[:5]).sign_flip_p == pytest.approx(2 / 32)


def test_the_sign_flip_p_counts_every_flip_that_is_as_extreme() -> None:
    """Logs 1, 2, −3 sum to 0, so all eight flips are; logs 1, 2, 3 sum to 6, which only two reach."""
    e = math.e
    assert stats.paired_ratio([1, 1, 1], [e, e**2, e**-3]).sign_flip_p == 1
    assert stats.paired_ratio([1, 1, 1], [e, e**2, e**3]).sign_flip_p == pytest.approx(2 / 8)


def test_above_sixteen_pairs_the_p_is_the_t_tests_and_still_finds_what_is_there() -> None:
    """2¹⁷ flips are not enumerated; a clear effect has a small p, none has a large one."""
    there = [1.1 + 0.01 * (index % 3) for index in range(17)]
    none = [1.1 if index % 2 else 1 / 1.1 for index in range(18)]
    assert stats.paired_ratio([1] * 17, there).sign_flip_p < 1e-9
    assert stats.paired_ratio([1] * 18, none).sign_flip_p > 0.9


def test_pairs_that_all_give_the_same_ratio_are_exact_and_one_pair_is_not() -> None:
    """0.5 against 1,715 units six times is 3,430 without width; once it is 3,430 without an interval."""
    six, one = stats.paired_ratio([0.5] * 6, [1715] * 6), stats.paired_ratio([0.5], [1715])
    assert six.exact and six.ratio == pytest.approx(3430)
    assert six.low == six.high == pytest.approx(3430)
    assert not one.exact and (one.low, one.high) == (None, None)


@pytest.mark.parametrize(("base", "candidate"), [([1, 2], [1]), ([], []), ([0, 1], [1, 1]), ([1, 1], [1, -1])])
def test_a_ratio_of_unequal_counts_or_of_nothing_or_not_of_positives_is_refused(
    base: list[float], candidate: list[float]
) -> None:
    """It has no logarithm, or no pairs."""
    with pytest.raises(ValueError, match="positive values on both sides|finite numbers"):
        stats.paired_ratio(base, candidate)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_nothing_and_not_a_number_are_refused_instead_of_spreading(values: list[float]) -> None:
    """A NaN that came this far is a mistake before."""
    with pytest.raises(ValueError, match="expected finite numbers"):
        stats.mean_of_trials(values)


def test_the_minimum_detectable_effect_is_the_methods_formula() -> None:
    """Four logs with s = 0.1: (3.182446 + 0.978472)·0.1/2 in logs, t.975 and t.80 of 3 degrees of freedom."""
    wide = 0.1 * math.sqrt(3 / 4)
    found = stats.minimum_detectable_effect([wide, -wide, wide, -wide])
    assert found == pytest.approx(math.exp((T_3 + 0.978472) * 0.1 / 2) - 1, rel=1e-5)


def test_independent_samples_count_in_full_or_nearly_so() -> None:
    """4,000 draws: within a tenth; alternating ones: all, since a negative correlation isn't credited."""
    draw = random.Random(3)
    assert stats.effective_n([draw.gauss(0, 1) for _ in range(4000)]) == pytest.approx(4000, rel=0.1)
    assert stats.effective_n([1.0, 2.0] * 50) == 100


@pytest.mark.parametrize("phi", [0.5, 0.8])
def test_samples_that_follow_each_other_are_worth_what_theory_says(phi: float) -> None:
    """AR(1): n·(1 − φ)/(1 + φ), within a fifth for 20,000 samples."""
    draw, value, series = random.Random(11), 0.0, []
    for _ in range(20_000):
        value = phi * value + draw.gauss(0, 1)
        series.append(value)
    assert stats.effective_n(series) == pytest.approx(20_000 * (1 - phi) / (1 + phi), rel=0.2)


@pytest.mark.parametrize("series", [[5.0], [5.0, 6.0], [5.0] * 40])
def test_a_series_without_a_correlation_counts_as_it_is_long(series: list[float]) -> None:
    """One, two, and forty times the same."""
    assert stats.effective_n(series) == len(series)


@pytest.mark.parametrize(("p", "least"), [(50.0, 6), (95.0, 72), (99.0, 368), (99.9, 3688)])
def test_a_percentile_is_refused_one_sample_below_what_it_takes(p: float, least: int) -> None:
    """The least numbers are docs/method.md's; alternating samples count in full."""
    series = [1.0 + index % 2 for index in range(least)]
    assert stats.percentile([series], p) is not None
    assert stats.percentile([series[:-1]], p) is None


def test_effective_samples_are_added_up_over_trials_and_dependence_is_subtracted() -> None:
    """Four trials of 18 alternating carry a p95; 18 that rise within each trial do not."""
    alternating = [1.0 + index % 2 for index in range(18)]
    assert stats.percentile([alternating] * 4, 95.0) is not None
    assert stats.percentile([sorted(alternating)] * 4, 95.0) is None


def test_a_percentile_is_pooled_and_its_interval_comes_from_the_trials() -> None:
    """Six trials of 20 around 10 to 15: pooled median 12.5, between the trials' smallest and largest."""
    trials = [[centre - 0.25, centre + 0.25] * 10 for centre in (10.0, 11.0, 12.0, 13.0, 14.0, 15.0)]
    found = stats.percentile(trials, 50.0)
    assert found is not None
    assert (found.value, found.low, found.high, found.n) == (12.5, 10, 15, 120)


def test_a_percentile_of_fewer_than_six_trials_has_no_interval() -> None:
    """The value stands alone."""
    found = stats.percentile([[1.0, 3.0] * 10] * 2, 50.0)
    assert found is not None
    assert (found.value, found.low, found.high) == (2, None, None)


def test_an_odds_ratio_is_the_mean_log_odds_ratio_of_the_pairs() -> None:
    """Odds 1 against 2, 4, 8 and 16 (⅔, ⅘, 8/9, 16/17): the same logs as the paired ratio's above."""
    found = stats.paired_odds(([50] * 4, [100] * 4), ([200, 80, 80, 160], [300, 100, 90, 170]))
    half = T_3 * math.sqrt(5 / 3) / 2
    assert (found.ratio, found.n, found.exact) == (pytest.approx(2**2.5), 4, False)
    assert (found.low, found.high) == pytest.approx((2 ** (2.5 - half), 2 ** (2.5 + half)))
    assert found.log_sd == pytest.approx(math.log(2) * math.sqrt(5 / 3))


def test_a_share_of_none_gets_half_a_case_in_a_comparison_too() -> None:
    """0 of 50 against 1 of 50: (1.5 / 49.5) ÷ (0.5 / 50.5)."""
    assert stats.paired_odds(([0], [50]), ([1], [50])).ratio == pytest.approx(1.5 / 49.5 * 50.5 / 0.5)


def test_shares_that_are_equal_in_every_pair_differ_by_nothing_whatever_their_totals() -> None:
    """None of 100 and none of 110; half a case must not make a difference of it."""
    found = stats.paired_odds(([0, 0], [100, 90]), ([0, 0], [110, 80]))
    assert (found.ratio, found.low, found.high, found.exact) == (1, 1, 1, True)


def test_shares_of_unequal_counts_of_trials_are_refused() -> None:
    """They have no pairs."""
    with pytest.raises(ValueError, match="as many trials on both sides"):
        stats.paired_odds(([1, 2], [10, 10]), ([1], [10]))


@pytest.mark.parametrize(
    ("below", "value", "half"),
    [
        # Variance 4 on both sides: 4 degrees of freedom, t = 2.776445, standard error √(4/3 + 4/3).
        ([1, 3, 5], 3, 2.776445 * math.sqrt(8 / 3)),
        # No spread below: the degrees of freedom are those above, 2, and so is the standard error, √(4/3).
        ([1, 1, 1], 5, T_2 * math.sqrt(4 / 3)),
    ],
)
def test_the_difference_of_two_sets_of_trials_has_welchs_interval(
    below: list[float], value: float, half: float
) -> None:
    """Above are 4, 6 and 8: mean 6, variance 4."""
    found = stats.difference_of_trials([4, 6, 8], below)
    assert (found.value, found.low, found.high) == pytest.approx((value, value - half, value + half), rel=1e-5)


def test_a_difference_of_one_trial_has_no_interval_and_one_without_spread_is_exact() -> None:
    """One says nothing of its spread; three and two that agree leave none."""
    one, exact = stats.difference_of_trials([5.0], [1, 2, 3]), stats.difference_of_trials([5.0] * 3, [2.0] * 2)
    assert (one.value, one.low, one.high) == (3, None, None)
    assert (exact.value, exact.low, exact.high) == (3, 3, 3)


def zigzag(count: int) -> list[float]:
    """1 to ``count``, the smallest and the largest left in turn: each sample counts in full, as the correlation is negative."""
    ascending = [float(value) for value in range(1, count + 1)]
    return [ascending.pop(0 if index % 2 == 0 else -1) for index in range(count)]


@pytest.mark.parametrize(
    ("p", "low", "high"),
    [
        (50.0, 40, 61),  # P(Bin(100, ½) ≤ 39) = 1.8 %, ≤ 40 2.8 %
        (
            95.0,
            90,
            100,
        ),  # above it lie 11 or more with 1.1 %, 10 or more with 2.8 %, none with 0.6 %, one or none with 3.7 %
    ],
)
def test_the_percentile_of_one_run_stands_between_two_of_its_order_statistics(
    p: float, low: float, high: float
) -> None:
    """Of 1 to 100 the ranks are the values; binomial tails from a table."""
    found = stats.run_percentile(zigzag(100), p)
    assert found is not None
    assert (found.low, found.high, found.n) == (low, high, 100)


def test_samples_that_follow_each_other_widen_the_interval_of_one_run() -> None:
    """A hundred values each four times in a row are worth less than 400 independent ones; sorted ones no p95 at all."""
    fourfold = [value for value in zigzag(100) for _ in range(4)]
    close, wide = stats.run_percentile(zigzag(400), 50.0), stats.run_percentile(fourfold, 50.0)
    assert close is not None and close.low is not None and close.high is not None
    assert wide is not None and wide.low is not None and wide.high is not None
    assert (wide.high - wide.low) / 100 > 1.3 * (close.high - close.low) / 400
    assert stats.run_percentile(sorted(fourfold), 95.0) is None


def test_moving_blocks_of_independent_seconds_give_the_interval_of_theory() -> None:
    """The median of 400 normal draws has the standard error 1.2533/√400, so the interval is 4·0.0614 wide, within a third."""
    draw = random.Random(7)
    seconds = [[draw.gauss(0, 1)] for _ in range(400)]
    found = stats.block_percentile(seconds, 50.0, seed=1)
    assert found is not None and found.low is not None and found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * 1.2533 / 20, rel=0.33)
    assert found == stats.block_percentile(seconds, 50.0, seed=1)


def test_moving_blocks_keep_together_what_moves_together() -> None:
    """Ten seconds slow, ten fast, in turn: single seconds would give a narrow median, blocks of ten reach from 1 to 2."""
    seconds = [[1.0 + second // 10 % 2, 1.01 + second // 10 % 2] * 5 for second in range(100)]
    found = stats.block_percentile(seconds, 50.0, seed=1)
    assert found is not None and found.low is not None and found.high is not None
    assert found.low < 1.02 and found.high >= 2.0


@pytest.mark.parametrize(("length", "known"), [(49, False), (50, True)])
def test_a_run_of_fewer_than_five_blocks_has_a_value_but_no_interval(length: int, known: bool) -> None:
    """49 s hold four blocks of ten."""
    found = stats.block_percentile([[1.0, 2.0] * 10] * length, 50.0, seed=1)
    assert found is not None
    assert (found.low is not None) == known


def test_moving_blocks_refuse_short_blocks_thin_tails_and_nothing_at_all() -> None:
    """Nine seconds; 50 samples for a p95; no second."""
    with pytest.raises(ValueError, match="below 10 s"):
        stats.block_percentile([[1.0]] * 100, 50.0, seed=1, block_s=9)
    assert stats.block_percentile([[1.0], [2.0]] * 25, 95.0, seed=1) is None
    with pytest.raises(ValueError, match="finite numbers"):
        stats.block_percentile([], 50.0, seed=1)


@pytest.mark.parametrize("seed", range(5))
def test_interval_and_sign_flips_agree_with_scipys_own(seed: int) -> None:
    """Seven random pairs: scipy's t interval of the log ratios, and its exact permutation of their signs."""
    draw = random.Random(seed)
    base = [draw.uniform(1, 2) for _ in range(7)]
    candidate = [value * math.exp(draw.gauss(0.1, 0.2)) for value in base]
    logs = [math.log(b / a) for a, b in zip(base, candidate, strict=True)]
    bounds = scipy_stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    flips = scipy_stats.permutation_test((logs,), sum, permutation_type="samples", n_resamples=math.inf)
    found = stats.paired_ratio(base, candidate)
    assert (found.low, found.high) == pytest.approx((math.exp(bounds.low), math.exp(bounds.high)))
    assert found.sign_flip_p == pytest.approx(flips.pvalue)
