"""Plans interleave and repeat by seed; arrivals follow their demand exactly."""

from collections import Counter
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.arrivals import constant, work_ramp
from harness.plan import Cell, interleave

CELLS = [Cell(arms=("query", "scan"), step=step) for step in ("10", "100", "1000")]


@given(rounds=st.integers(1, 12), seed=st.text(max_size=8))
def test_every_pair_holds_each_arm_of_one_cell_once_and_side_by_side(rounds: int, seed: str) -> None:
    """Pairs are adjacent in time and never mix steps."""
    trials = interleave(CELLS, rounds=rounds, seed=seed)
    assert [t.trial for t in trials] == list(range(rounds * 6))
    for first, second in zip(trials[::2], trials[1::2], strict=True):
        assert (first.pair, first.step) == (second.pair, second.step)
        assert {first.arm, second.arm} == {"query", "scan"}
    assert Counter(t.step for t in trials) == {"10": 2 * rounds, "100": 2 * rounds, "1000": 2 * rounds}


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    """Two plans of 20 rounds agree by chance once in 2^60."""
    assert interleave(CELLS, rounds=20, seed="a") == interleave(CELLS, rounds=20, seed="a")
    assert interleave(CELLS, rounds=20, seed="a") != interleave(CELLS, rounds=20, seed="b")


def test_constant_arrivals_start_at_zero_and_end_before_the_duration() -> None:
    """Every 10 ms for 35 ms: 0, 10, 20, 30."""
    assert list(constant(interval_ns=10, duration_ns=35)) == [0, 10, 20, 30]


def test_a_ramp_of_unit_costs_is_due_where_the_integral_says() -> None:
    """To 10 a second over 10 s, D(t) = t²/2: the 2nd (1 unit asked) at √2 s, the 51st at 10 s, then each 0.1 s."""
    due = [offset / 1e9 for offset, _ in work_ramp(repeat(1.0), peak_per_s=10, ramp_s=10, hold_s=1)]
    assert due[0] == 0
    assert due[1] == pytest.approx(2**0.5)
    assert due[50] == pytest.approx(10.0)
    assert due[51] == pytest.approx(10.1)
    assert len(due) == 60  # 50 units while rising, 10 while level


@given(
    costs=st.lists(st.floats(0.5, 40), min_size=1, max_size=200),
    peak=st.floats(0.1, 1000),
    ramp_s=st.floats(0.1, 50),
    hold_s=st.floats(0, 50),
)
def test_work_asked_for_by_any_time_is_the_integral_of_demand(
    costs: list[float], peak: float, ramp_s: float, hold_s: float
) -> None:
    """Each arrival comes when the demand so far equals the cost of those before it."""
    asked = 0.0
    for offset_ns, cost in work_ramp(iter(costs), peak_per_s=peak, ramp_s=ramp_s, hold_s=hold_s):
        t = offset_ns / 1e9
        demand = peak * t * t / (2 * ramp_s) if t < ramp_s else peak * ramp_s / 2 + peak * (t - ramp_s)
        assert demand == pytest.approx(asked, abs=peak * 1e-6 + 1e-6)
        asked += cost


def test_impossible_schedules_are_refused() -> None:
    """A zero interval would never end."""
    with pytest.raises(ValueError, match="interval_ns must be > 0"):
        constant(interval_ns=0, duration_ns=1)
    with pytest.raises(ValueError, match="peak > 0"):
        next(work_ramp(repeat(1.0), peak_per_s=0, ramp_s=1, hold_s=1))
