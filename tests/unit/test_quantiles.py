"""Percentiles of many groups at once are numpy's of each group alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import stats
from reports.stats.quantiles import of_sorted

PS = (0.0, 2.5, 50.0, 95.0, 99.0, 99.9, 100.0)
VALUES = st.floats(-1e12, 1e12, allow_subnormal=False)


@given(st.lists(st.tuples(st.integers(-3, 400), VALUES), max_size=60), st.booleans())
def test_each_group_has_the_percentiles_that_numpy_gives_it_alone(
    rows: list[tuple[int, float]], in_order: bool
) -> None:
    """To the last digit, whether the rows of a group stand together or not; groups come back ascending."""
    rows = sorted(rows, key=lambda row: row[0]) if in_order else rows
    groups, values = np.array([group for group, _ in rows], dtype=np.int64), np.array([value for _, value in rows])
    there, found = stats.grouped_percentiles(values, groups, PS)
    assert there.tolist() == sorted(set(groups.tolist()))
    assert found.shape == (len(there), len(PS))
    for group, percentiles in zip(there, found, strict=True):
        assert percentiles.tolist() == np.percentile(values[groups == group], PS).tolist()


def test_a_percentile_between_two_values_lies_on_the_line_between_them() -> None:
    """Of 10, 20, 30 and 50 p50 is half way from the second to the third; p90 at place 2.7: 30 + 0.7 · 20 = 44."""
    assert of_sorted(np.array([10.0, 20.0, 30.0, 50.0]), (0, 50, 90, 100)).tolist() == [10, 25, 44, 50]


def test_nothing_has_no_percentile_and_no_groups_give_none() -> None:
    """An empty group is refused; without rows there are no groups."""
    with pytest.raises(ValueError, match="no values"):
        of_sorted(np.array([]), (50,))
    there, found = stats.grouped_percentiles([], np.array([], dtype=np.int64), (50, 95))
    assert (there.tolist(), found.shape) == ([], (0, 2))


def test_a_value_without_a_group_is_refused() -> None:
    """Two values and one group."""
    with pytest.raises(ValueError, match="2 values and 1 groups"):
        stats.grouped_percentiles([1.0, 2.0], np.array([0]), (50,))


def test_several_percentiles_of_a_cell_are_those_that_are_asked_for_one_by_one() -> None:
    """Three trials of 400 draws: p50, p95 and p99 with the trials' own; 1,200 draws don't carry a p99.9."""
    rng = np.random.default_rng(7)
    trials = [rng.lognormal(5, 1, 400) for _ in range(3)]
    found = stats.percentiles(trials, (50.0, 95.0, 99.0, 99.9))
    for p in (50.0, 95.0, 99.0):
        one = found.pooled[p]
        assert one == stats.percentile(trials, p)
        assert one is not None
        assert one.value == np.percentile(np.concatenate(trials), p)
        assert found.each[p] == [np.percentile(trial, p) for trial in trials]
    assert found.pooled[99.9] is None
    assert found.worth == pytest.approx(sum(map(stats.effective_n, trials)))


def test_effective_samples_are_counted_no_further_than_the_highest_percentile_takes() -> None:
    """Of two trials of 5,000 draws the first is worth more than the 72 that a p95 takes: the second isn't asked."""
    rng = np.random.default_rng(7)
    first, second = rng.normal(size=5_000), rng.normal(size=5_000)
    assert stats.percentiles([first, second], (50.0, 95.0)).worth == stats.effective_n(first)
