"""A share of independent things has an exact interval, and so many false alarms are chance."""

from math import comb

import pytest

from harness.series.limits import most_alarms
from reports import stats


def test_none_and_all_of_twenty_are_bounded_by_the_rule_of_the_nth_root() -> None:
    """0 of 20: (1 − p)^20 = 0.025 at p = 1 − 0.025^(1/20); 20 of 20 is its mirror image."""
    none, every = stats.binomial_share(0, 20), stats.binomial_share(20, 20)
    assert (none.value, none.low, none.high, none.n) == (0, 0, pytest.approx(1 - 0.025 ** (1 / 20)), 20)
    assert (every.value, every.low, every.high) == (1, pytest.approx(0.025 ** (1 / 20)), 1)


def test_the_ends_are_the_shares_at_which_the_tails_are_a_fortieth() -> None:
    """9 of 200: nine or more come with 2.5 % at the lower end, nine or fewer at the upper; tails summed term by term."""
    found = stats.binomial_share(9, 200)
    assert found.low is not None and found.high is not None

    def at_most(successes: int, share: float) -> float:
        return sum(comb(200, k) * share**k * (1 - share) ** (200 - k) for k in range(successes + 1))

    assert 1 - at_most(8, found.low) == pytest.approx(0.025)
    assert at_most(9, found.high) == pytest.approx(0.025)


@pytest.mark.parametrize(("successes", "total"), [(0, 0), (3, 2), (-1, 2)])
def test_a_share_of_nothing_is_refused(successes: int, total: int) -> None:
    """Never a zero that nobody measured."""
    with pytest.raises(ValueError, match=f"{successes} of {total}"):
        stats.binomial_share(successes, total)


@pytest.mark.parametrize(("comparisons", "most"), [(20, 4), (50, 7), (100, 11), (200, 18)])
def test_the_limits_of_false_alarms_are_those_of_the_method(comparisons: int, most: int) -> None:
    """One more would come less than once in a hundred series; METHOD §1."""
    assert most_alarms(comparisons) == most
