"""Demand over time is due exactly where its integral says, whatever requests cost and however fast the clock runs."""

from collections.abc import Callable, Iterable
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.demand_shapes import Demand, Stretch, due_ns, flat, ramp, spike, trace

ONES = repeat(1.0)


def due_s(demand: Demand, costs: Iterable[float] = ONES, speed: float = 1.0) -> list[float]:
    """Due times in seconds."""
    return [at / 1e9 for at in due_ns(demand, costs, speed=speed)]


def test_flat_demand_in_unit_costs_is_evenly_spaced() -> None:
    """2 units a second for 3 s: six requests, half a second apart, none at the end itself."""
    assert due_s(flat(2, for_s=3)) == [0, 0.5, 1, 1.5, 2, 2.5]


def test_what_a_request_costs_puts_off_the_next() -> None:
    """At 2 units a second: 3 units are covered after 1.5 s, 4 after 2 s, and then 6: the demand is over."""
    assert due_s(flat(2, for_s=3), [3, 1, 2, 5]) == [0, 1.5, 2]


def test_a_ramp_is_due_by_the_square_root() -> None:
    """To 10 a second over 10 s, D(t) = t²/2: the 2nd at √2 s, the 51st at 10 s, then each 0.1 s: 50 + 10 in all."""
    due = due_s(ramp(10, ramp_s=10, hold_s=1))
    assert due[:2] == [0, pytest.approx(2**0.5)]
    assert due[50:52] == [pytest.approx(10.0), pytest.approx(10.1)]
    assert len(due) == 60


def test_a_ramp_of_no_time_is_its_peak() -> None:
    """4 a second at once."""
    assert due_s(ramp(4, ramp_s=0, hold_s=1)) == due_s(flat(4, for_s=1)) == [0, 0.25, 0.5, 0.75]


def test_a_spike_begins_and_ends_at_once() -> None:
    """1 a second for 2 s, 10 a second for 1 s, 1 a second for 2 s: 2, 10 and 2 requests, each where its stretch puts it."""
    due = due_s(spike(1, 10, before_s=2, spike_s=1, after_s=2))
    assert due == pytest.approx([0, 1, *(2 + tenth / 10 for tenth in range(10)), 3, 4])


def test_a_trace_has_each_bin_at_its_own_rate() -> None:
    """2, 0 and 4 a second, bins of 1 s: nothing in the second one."""
    assert due_s(trace([2, 0, 4], bin_s=1)) == [0, 0.5, 2, 2.25, 2.5, 2.75]


def test_what_one_bin_has_begun_the_next_one_covers() -> None:
    """Requests of 3 units: the second is due when 3 are covered, 2 of them in the first second, the third in 0.25 s more."""
    assert due_s(trace([2, 4], bin_s=1), repeat(3.0)) == [0, 1.25]


def test_a_faster_clock_brings_everything_nearer() -> None:
    """500 times as fast: half a second is a millisecond."""
    assert due_s(flat(2, for_s=1), speed=500) == [0, 0.001]


def test_requests_may_end_before_the_demand_does() -> None:
    """Two requests are two."""
    assert due_s(flat(2, for_s=100), [1, 1]) == [0, 0.5]


RATES = st.floats(0, 1000).filter(lambda rate: rate == 0 or rate > 0.01)


@given(
    stretches=st.lists(st.tuples(RATES, RATES, st.floats(0.1, 50)), min_size=1, max_size=5),
    costs=st.lists(st.floats(0.5, 40), min_size=1, max_size=200),
)
def test_demand_so_far_is_what_was_asked_before(
    stretches: list[tuple[float, float, float]], costs: list[float]
) -> None:
    """At each due time the integral of the rate, taken another way (trapezia up to it), is the cost of those before."""
    demand = tuple(Stretch(from_per_s=a, to_per_s=b, for_s=t) for a, b, t in stretches)
    asked, earlier = 0.0, 0.0
    for cost, at_s in zip(costs, due_s(demand, costs), strict=False):
        covered, begins_s = 0.0, 0.0
        for a, b, for_s in stretches:
            inside_s = min(max(at_s - begins_s, 0.0), for_s)
            covered += (a + (a + (b - a) * inside_s / for_s)) / 2 * inside_s
            begins_s += for_s
        assert covered == pytest.approx(asked, abs=1e-5 * max(1, asked))
        assert at_s >= earlier
        asked, earlier = asked + cost, at_s


@pytest.mark.parametrize(
    "make",
    [
        lambda: flat(-1, for_s=1), lambda: flat(1, for_s=-1), lambda: ramp(-2, ramp_s=1, hold_s=1),
        lambda: spike(1, 2, before_s=1, spike_s=-1, after_s=1), lambda: trace([1, -1], bin_s=1),
    ],
)  # fmt: skip
def test_a_demand_below_nothing_is_refused(make: Callable[[], Demand]) -> None:
    """When it is made, not in the middle of a trial."""
    with pytest.raises(ValueError, match="must be >= 0"):
        make()
