"""Slopes and crossings of curves whose truth is planted, and what is refused."""

import math

import pytest

from reports import stats

# t(0.975, 5) from a printed table, and six logs that add up to 0 with s = √(0.1 / 5).
T_5 = 2.570582
SWINGS = (0.2, -0.2, 0.1, -0.1, 0.0, 0.0)
HALF = T_5 * math.sqrt(0.1 / 5) / math.sqrt(6)


def test_a_power_has_its_exponent_in_every_round_and_no_spread() -> None:
    """y = 3·x^1.5 over four xs: 1.5, exactly so in each of three rounds."""
    xs = [1.0, 4.0, 16.0, 100.0]
    found = stats.growth_exponent([(xs, [3 * x**1.5 for x in xs])] * 3)
    assert (found.value, found.n) == (pytest.approx(1.5), 3)
    assert found.low == found.high == found.value


def test_rounding_of_logarithms_is_no_spread() -> None:
    """0.1, 0.3 and 0.7, the same at every x of a round: exponents of 0, though their logarithms add up to 1e−17 or so."""
    xs = [1000, 3000, 9000, 27_004]
    found = stats.growth_exponent([(xs, [level] * 4) for level in (0.1, 0.3, 0.7)])
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert math.copysign(1, found.value) == 1


def test_the_exponents_of_rounds_are_averaged_with_the_interval_of_a_t_table() -> None:
    """Between x = 1 and 10, y grows from 1 to 10·e^s: a slope of 1 + s/ln 10 in each round, so ± HALF/ln 10 around 1."""
    found = stats.growth_exponent([([1, 10], [1, 10 * math.exp(swing)]) for swing in SWINGS])
    half = HALF / math.log(10)
    assert (found.value, found.low, found.high) == pytest.approx((1, 1 - half, 1 + half))


def test_least_squares_of_three_points_are_those_worked_out_by_hand() -> None:
    """ln x = 0, 1, 2 and ln y = 0, 2, 1: slope Σ(x−1)(y−1) / Σ(x−1)² = (1 + 0 + 0) / 2; one round has no interval."""
    found = stats.growth_exponent([([1, math.e, math.e**2], [1, math.e**2, math.e])])
    assert (found.value, found.low, found.high, found.n) == (pytest.approx(0.5), None, None, 1)


@pytest.mark.parametrize(("xs", "ys"), [([5, 5], [1, 2]), ([1, 2], [0, 2]), ([1, 2, 3], [1, 2]), ([-1, 2], [1, 2])])
def test_no_slope_through_one_x_or_through_what_has_no_logarithm(xs: list[float], ys: list[float]) -> None:
    with pytest.raises(ValueError, match="slope"):
        stats.growth_exponent([(xs, ys)])


@pytest.mark.parametrize(
    ("rising", "crosses"),
    [
        # Between 10 and 100, where it grows from 50 to 500 as 5·x, it is 300 at x = 60.
        ([0.5, 5, 50, 500], 60),
        # From 100, a third of 300, to 900, three times 300: half way on logarithms, √(10·100).
        ([1, 10, 100, 900], math.sqrt(1000)),
        ([1, 2, 300, 301], 10),  # even at 10, above from there on
        ([1, 400, 100, 900], math.sqrt(1000)),  # what it did before is no break-even
        ([1, 2, 3, 300], stats.NEVER),
        ([301, 400, 500, 600], stats.ALWAYS),
    ],
)
def test_a_crossing_lies_where_the_first_curve_goes_above_for_good(rising: list[float], crosses: float) -> None:
    """Against a level of 300, at 0.1, 1, 10 and 100, straight on logarithms."""
    assert stats.crossing([0.1, 1, 10, 100], rising, [300] * 4) == pytest.approx(crosses)


def test_curves_of_different_length_or_without_logarithms_have_no_crossing() -> None:
    for xs, a, b in (([1, 2], [1], [1, 2]), ([1, 2], [0, 1], [1, 1])):
        with pytest.raises(ValueError, match="two curves"):
            stats.crossing(xs, a, b)


def test_crossings_of_rounds_have_a_geometric_mean_with_a_t_interval_on_logarithms() -> None:
    """0.6·e^s in six rounds: 0.6·e^(±HALF)."""
    found = stats.crossing_of_rounds([0.6 * math.exp(swing) for swing in SWINGS], most=1)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.6, 0.6 * math.exp(-HALF), 0.6 * math.exp(HALF)))


@pytest.mark.parametrize(
    ("crossings", "value", "at_least"),
    [
        ([0.5, 0.6, stats.NEVER], 0.6, False),  # the median is known, the largest isn't
        ([0.5, stats.NEVER, stats.NEVER], 1.0, True),
        ([stats.NEVER], 1.0, True),
    ],
)
def test_rounds_that_never_cross_make_a_median_or_a_bound(crossings: list[float], value: float, at_least: bool) -> None:
    """Measured up to 1, they cross there at the earliest."""
    found = stats.crossing_of_rounds(crossings, most=1)
    assert found is not None
    assert (found.value, found.at_least, found.n) == (value, at_least, len(crossings))


def test_a_round_that_crossed_before_the_first_measurement_leaves_nothing_to_say() -> None:
    assert stats.crossing_of_rounds([0.5, stats.ALWAYS], most=1) is None
    assert stats.crossing_of_rounds([], most=1) is None


def test_the_same_value_in_every_trial_is_exact_whatever_its_rounding() -> None:
    """The mean of six times 0.1 is not 0.1 to the last bit; its interval has no width all the same."""
    found = stats.mean_of_trials([0.1] * 6)
    assert found.low == found.high == found.value == 0.1


def test_a_geometric_mean_is_that_of_the_logarithms() -> None:
    """√(1·100) = 10; of what isn't positive there is none."""
    assert stats.geometric_mean_of_trials([1, 100]).value == pytest.approx(10)
    with pytest.raises(ValueError, match="positive"):
        stats.geometric_mean_of_trials([1, 0])
