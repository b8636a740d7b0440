"""Equal arms are told apart in no more than one comparison in twenty, a tenth more is found; the usual test cries wolf.

Simulated runs as docs/false-alarms.md has them. Printed with ``-s``: what that page says of them.
"""

import pytest
from scipy import stats as scipy_stats

from benchmarks.simulated_runs import mann_whitney_alarms, p95_of_pairs, p_at_looks, told_apart
from harness.pairs.plan import declared_looks
from reports import stats

SEED = 20261125
COMPARISONS = 2_000


def most(share: float) -> float:
    """Were so large a share true, more than this many of the comparisons would come once in a thousand."""
    return float(scipy_stats.binom.ppf(0.999, COMPARISONS, share))


@pytest.mark.parametrize("pairs", [6, 8, 10])
def test_equal_arms_are_told_apart_no_more_often_than_one_in_twenty(pairs: int) -> None:
    """Within binomial error."""
    alarms = told_apart(SEED, COMPARISONS, pairs)
    print(f"paired t on log p95, K = {pairs}, equal arms: {alarms / COMPARISONS:.1%} of {COMPARISONS:,}")
    assert alarms <= most(0.05)


@pytest.mark.parametrize(("pairs", "least"), [(8, 0.80), (10, 0.90)])
def test_a_tenth_more_is_found_by_eight_pairs_in_four_of_five_and_by_ten_in_nine_of_ten(
    pairs: int, least: float
) -> None:
    """Power at +10 %."""
    found = told_apart(SEED, COMPARISONS, pairs, planted=0.10) / COMPARISONS
    print(f"paired t on log p95, K = {pairs}, +10 %: {found:.1%} of {COMPARISONS:,}")
    assert found >= least


def test_adding_pairs_by_the_declared_looks_errs_no_more_often_than_one_look() -> None:
    """Looking after 8 pairs and after 16, at half of 5 % each; at 5 % each the two looks together err more often than that."""
    looked = declared_looks(8, 16)
    p = p_at_looks(SEED, COMPARISONS, [look.pairs for look in looked])
    alarms = int((p < [1 - look.confidence for look in looked]).any(axis=1).sum())
    undeclared = int((p < 0.05).any(axis=1).sum())
    print(f"looks after 8 and 16 pairs, equal arms: {alarms / COMPARISONS:.1%} of {COMPARISONS:,}, ", end="")
    print(f"at 95 % each {undeclared / COMPARISONS:.1%}")
    assert alarms <= most(0.05) < undeclared


def test_mann_whitney_on_the_requests_of_two_equal_runs_cries_wolf_more_often_than_not() -> None:
    """Why no figure here comes from requests: they aren't independent, so thousands of them are not thousands."""
    alarms = mann_whitney_alarms(SEED, 200)
    print(f"Mann–Whitney on all requests, one run against one, equal arms: {alarms / 200:.0%} of 200")
    assert alarms / 200 > 0.5


def test_a_verdict_on_equal_arms_is_never_a_regression() -> None:
    """A regression takes an interval wholly above the margin: far rarer than one in twenty."""
    words = [
        stats.verdict(stats.paired_ratio(a, b), margin=stats.MARGINS["p95"], better="lower").word
        for a, b in p95_of_pairs(SEED, COMPARISONS, 8)
    ]
    print({word: words.count(word) for word in dict.fromkeys(words)})
    assert words.count("regression") / COMPARISONS < 0.005
