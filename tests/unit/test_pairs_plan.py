"""Pairs of runs are planned beforehand: which, in which order, and when may be looked."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.pairs.plan import Look, declared_looks, plan_pairs

numbers, seeds = st.integers(2, 40), st.integers(0, 2**31)


@given(first=numbers, more=st.integers(0, 40), seed=seeds)
def test_every_pair_has_a_run_of_each_side_and_both_orders_come_equally_often_up_to_each_look(
    first: int, more: int, seed: int
) -> None:
    """So that what a run leaves behind, and what drifts, hits both sides alike whenever it is looked."""
    looks = declared_looks(first, first + more)
    pairs = plan_pairs(looks, seed)
    assert [pair.pair for pair in pairs] == list(range(1, first + more + 1))
    assert all(sorted(pair.order) == ["a", "b"] for pair in pairs)
    begun = 0
    for look in looks:
        firsts = Counter(pair.order[0] for pair in pairs[begun : look.pairs])
        assert abs(firsts["a"] - firsts["b"]) == (look.pairs - begun) % 2
        begun = look.pairs


@given(first=numbers, more=st.integers(1, 40), seed=seeds)
def test_what_may_be_added_changes_nothing_of_what_is_made_before(first: int, more: int, seed: int) -> None:
    """The pairs up to the first look are those of a plan that ends there."""
    with_more, alone = declared_looks(first, first + more), declared_looks(first, None)
    assert plan_pairs(with_more, seed)[:first] == plan_pairs(alone, seed)


def test_the_same_seed_gives_the_same_orders_and_another_seed_others() -> None:
    """Of 40 pairs there are 40!/(20!·20!) ≈ 1.4·10¹¹ orders."""
    looks = declared_looks(40, None)
    assert plan_pairs(looks, 1) == plan_pairs(looks, 1)
    assert plan_pairs(looks, 1) != plan_pairs(looks, 2)


def test_which_side_begins_is_chance() -> None:
    """Over 1,000 seeds the first pair begins with a in 500 ± 4·√(1000/4) = 437 to 563 of them, but once in 16,000."""
    begins = Counter(plan_pairs(declared_looks(3, None), seed)[0].order[0] for seed in range(1000))
    assert 437 <= begins["a"] <= 563


def test_five_percent_of_false_alarms_are_split_between_the_looks() -> None:
    """One look has it all; two have 2.5 % each, whose intervals are of 97.5 %."""
    assert declared_looks(8, None) == (Look(pairs=8, confidence=0.95),)
    assert declared_looks(8, 8) == (Look(pairs=8, confidence=0.95),)
    assert declared_looks(8, 16) == (Look(pairs=8, confidence=0.975), Look(pairs=16, confidence=0.975))


@pytest.mark.parametrize(
    ("first", "most", "says"),
    [
        (1, None, "--pairs 1: at least 2; from 6 on an interval can exclude chance"),
        (-3, 8, "--pairs -3: at least 2; from 6 on an interval can exclude chance"),
        (8, 6, "--most-pairs 6: below --pairs 8, which are made in any case"),
    ],
)
def test_numbers_that_are_no_plan_are_refused(first: int, most: int | None, says: str) -> None:
    """One line that names the option and what would do."""
    with pytest.raises(UsageError) as refused:
        declared_looks(first, most)
    assert str(refused.value) == says


def test_run_directories_are_named_by_side_and_pair_and_a_pair_made_again_has_names_of_its_own() -> None:
    """What failed is kept beside what counts."""
    pair = plan_pairs(declared_looks(12, None), 1)[8]
    assert (pair.run("a"), pair.run("b"), pair.run("a", 2)) == ("a-09", "b-09", "a-09-again")
