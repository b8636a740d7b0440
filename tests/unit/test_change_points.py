"""Change points stand where a series really changed, agree with sums over all pairs, and rarely where nothing did."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from reports.stats import by_chance, change_points, exact_changes
from reports.stats.change_points import LEAST_RUNS, MOST_P, WINDOW


def places(values: list[float]) -> list[int]:
    return [point.index for point in change_points(values)]


def test_a_step_is_found_with_the_means_of_both_sides_and_the_p_of_a_t_table() -> None:
    """1, 2, 1, 2 and 11, 12, 11, 12: means 1.5 and 11.5, each side's squares add up to 1, s² = 2/6, t = 10/√(1/3·(¼ + ¼)) = 10·√6.

    A t of 24.49 with 6 degrees of freedom; 2·P(T > t) by the closed form for 6, 1 − sin θ·(1 + ½cos² θ + ⅜cos⁴ θ), tan θ = t/√6 = 10.
    """
    (point,) = change_points([1, 2, 1, 2, 11, 12, 11, 12])
    assert (point.index, point.before, point.after, point.n_before, point.n_after) == (4, 1.5, 11.5, 4, 4)
    assert point.change == pytest.approx(10 / 1.5)
    sine, squared = 10 / math.sqrt(101), 1 / 101
    assert point.p == pytest.approx(1 - sine * (1 + squared / 2 + 3 / 8 * squared**2), rel=1e-6)


def test_a_series_is_left_alone_where_the_largest_difference_could_be_chance() -> None:
    """1 and 2 by turns: whatever the split, the means differ by at most a half of the spread."""
    assert change_points([1.0, 2.0] * 30) == ()


@pytest.mark.parametrize("values", [[], [3.0], [1.0, 9.0], [1.0, 1.0, 1.0, 9.0, 9.0]])
def test_a_series_of_fewer_than_three_runs_a_side_has_no_change_points(values: list[float]) -> None:
    """Two runs aren't a level."""
    assert change_points(values) == ()


def test_equal_values_never_change_and_two_exact_levels_do_without_a_spread() -> None:
    """With no spread anywhere, t has no meaning: p is 1 or 0. A tenth added up thirty times is 3 up to its last digit."""
    assert change_points([7.5] * 80) == ()
    assert change_points([3.0] * 5 + [sum([0.1] * 30)] * 5) == ()
    (point,) = change_points([40.0, 40.0, 40.0, 50.0, 50.0, 50.0])
    assert (point.index, point.before, point.after, point.change, point.p) == (3, 40.0, 50.0, 0.25, 0.0)


def test_a_change_from_nothing_has_no_relative_size() -> None:
    """0, then 2: by no finite share."""
    (point,) = change_points([0, 0, 0, 2, 2, 2])
    assert (point.before, point.after, point.change) == (0.0, 2.0, None)


def test_a_run_or_two_away_from_all_others_are_no_change_of_level() -> None:
    """In the middle, where they come back, and at the end, where nobody knows yet."""
    steady = [10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.0, 10.1]
    assert places([*steady, 30.0, *steady]) == []
    assert places([*steady, 30.0, 30.2]) == []
    assert places([*steady, 30.0, 30.2, 30.1]) == [8]


def test_what_changed_back_long_ago_is_found_too() -> None:
    """A plateau of 20 runs in the first hundred of 200: the means of all before and all after any split hardly differ."""
    rng = random.Random(4)
    values = [rng.gauss(100, 2) + 15 * (60 <= index < 80) for index in range(200)]
    assert places(values) == [60, 80]


def test_windows_that_split_beside_each_other_leave_one_change_point() -> None:
    """Longer than two windows, with a step where they overlap: no piece is shorter than a level."""
    for seed, step in itertools.product(range(20), (30, 49, 50, 51, 74, 75, 76)):
        rng = random.Random(seed)
        found = change_points([rng.gauss(100, 1) + 30 * (index >= step) for index in range(120)])
        assert [point.index for point in found if abs(point.after - point.before) > 15] == [step]
        assert all(min(point.n_before, point.n_after) >= LEAST_RUNS for point in found)


def test_an_exact_series_changes_wherever_its_value_does() -> None:
    """Units of the same questions have no chance in them: one run is enough, and back is a change as well."""
    found = exact_changes([46.5, 46.5, 47.0, 46.5, 46.5])
    assert [(point.index, point.before, point.after, point.p) for point in found] == [
        (2, 46.5, 47.0, 0.0), (3, 47.0, 46.5, 0.0),
    ]  # fmt: skip
    assert exact_changes([]) == exact_changes([5.0]) == exact_changes([5.0, 5.0]) == ()
    assert exact_changes([3.0, sum([0.1] * 30)]) == ()


@pytest.mark.parametrize(("values", "window"), [([1.0, math.nan], WINDOW), ([1.0, math.inf], WINDOW), ([1.0], 5)])
def test_what_is_no_number_and_a_window_that_cant_be_split_are_refused(values: list[float], window: int) -> None:
    """Rather than an answer about something else."""
    with pytest.raises(ValueError, match=r"finite numbers|needs 6 values"):
        change_points(values, window=window)


# The same by sums over all pairs, with scipy's test: what the module computes from one table of sums.


def divergence(left: list[float], right: list[float]) -> float:
    """Matteson & James' Q̂ with α = 1, from its definition."""
    n, m = len(left), len(right)
    between = sum(abs(a - b) for a in left for b in right) * 2 / (n * m)
    within = sum(
        sum(abs(a - b) for a, b in itertools.combinations(side, 2)) / math.comb(len(side), 2) for side in (left, right)
    )
    return n * m / (n + m) * (between - within)


def splits(values: list[float], at: int, most_p: float) -> list[int]:
    pairs = [
        (divergence(values[:tau], values[tau:kappa]), tau, kappa)
        for tau in range(3, len(values) - 2)
        for kappa in range(tau + 3, len(values) + 1)
    ]
    if not pairs:
        return []
    _, tau, kappa = max(pairs)
    if scipy_stats.ttest_ind(values[:tau], values[tau:kappa]).pvalue > most_p:
        return []
    return [*splits(values[:tau], at, most_p), at + tau, *splits(values[tau:], at + tau, most_p)]


def by_definition(values: list[float]) -> list[int]:
    """Of a series no longer than a window."""
    left = splits(values, 0, 10 * MOST_P)
    while left:
        edges = [0, *left, len(values)]
        p = [
            scipy_stats.ttest_ind(values[start:middle], values[middle:end]).pvalue
            for start, middle, end in zip(edges, edges[1:], edges[2:], strict=False)
        ]
        if max(p) <= MOST_P:
            break
        left.pop(p.index(max(p)))
    return left


@pytest.mark.parametrize("seed", range(25))
def test_the_change_points_are_those_of_the_definition(seed: int) -> None:
    """Random levels of random lengths with noise, all splits tried one by one."""
    rng = random.Random(seed)
    levels = [(rng.randint(3, 9), rng.choice([10, 11, 13, 20])) for _ in range(rng.randint(1, 4))]
    values = [rng.gauss(level, 0.7) for length, level in levels for _ in range(length)]
    assert places(values) == by_definition(values)


@given(
    before=st.integers(6, 24), after=st.integers(6, 24), level=st.floats(1e-3, 1e6), step=st.floats(0.25, 4.0),
    up=st.booleans(), seed=st.integers(0, 10_000),
)  # fmt: skip
@example(before=6, after=6, level=1.0, step=0.25, up=False, seed=0)
def test_a_planted_change_is_found_within_a_run_whatever_the_scale(
    before: int, after: int, level: float, step: float, up: bool, seed: int
) -> None:
    """A change of at least twelve standard deviations and six runs a side: found, in its direction, at most a run away."""
    noise = np.random.default_rng(seed).standard_normal(before + after).clip(-2.5, 2.5) * step / 12
    values = level * (2 + noise + (step if up else -step / 2) * (np.arange(before + after) >= before))
    found = change_points(values)
    nearest = min(found, key=lambda point: abs(point.index - before), default=None)
    assert nearest is not None and abs(nearest.index - before) <= 1
    assert (nearest.after > nearest.before) == up


def test_backwards_the_same_changes_are_found() -> None:
    """Between the same runs, with the sides exchanged: the first of the new level is then the last of the old one."""
    rng = random.Random(9)
    values = [rng.gauss(level, 0.5) for level in (10, 14, 9) for _ in range(12)]
    assert places(values) == [12, 24]
    assert [36 - index for index in reversed(places(values[::-1]))] == [12, 24]


@pytest.mark.parametrize("runs", [12, 50])
@pytest.mark.parametrize("spread", ["normal", "log-normal"])
def test_stationary_series_raise_no_more_alarms_than_is_said(spread: str, runs: int) -> None:
    """At most 0.001 for each run, as Bonferroni has it of its splits: 12 and 50 of 1,000 series, give or take three deviations.

    √(1000·0.012·0.988) = 3.4 and √(1000·0.05·0.95) = 6.9: more than 22 and 70 would be no chance. docs/history.md has the rates.
    """
    rng = np.random.default_rng(20130101)
    draw = {"normal": lambda: rng.normal(100, 5, runs), "log-normal": lambda: np.exp(rng.normal(0, 0.3, runs))}[spread]
    alarms = sum(bool(change_points(draw())) for _ in range(1000))
    assert alarms <= {12: 22, 50: 70}[runs]
    assert by_chance(runs) == pytest.approx({12: 0.012, 50: 0.05}[runs])
