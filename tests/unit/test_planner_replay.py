"""The compiled replay and the twin's own rules, a minute at a time, say the same of every demand under every setting."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dynamodb.autoscaling import AutoscalingParameters, Policy
from harness.dynamodb.parameters import KINDS, AdmissionParameters
from harness.dynamodb.planner import reference
from harness.dynamodb.planner.model import Assumptions, Autoscaled, Demand, Fixed, OnDemand, Scheduled, Setting
from harness.dynamodb.planner.replay import Replayer

minutes = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4_000), st.integers(0, 900)), min_size=1, max_size=25)
"""Stretches of a demand: how many minutes, and the units of each kind in each of them."""
assumptions = st.builds(
    Assumptions,
    peak_to_mean=st.sampled_from((1.0, 2.0, 3.7)),
    key_shares=st.sampled_from(((), (0.5,), (0.25, 0.125, 0.1))),
    admission=st.builds(
        AdmissionParameters,
        initial_fill=st.sampled_from((0.0, 0.3, 1.0)),
        upkeep_share=st.sampled_from((0.0, 0.25)),
        on_demand_read_rate=st.just(20.0),
        on_demand_write_rate=st.just(5.0),
        on_demand_growth_s=st.sampled_from((0.0, 120.0, 1_800.0)),
        account_rate=st.sampled_from((40.0, 40_000.0)),
        decreases_a_day=st.sampled_from((0, 1, 2, 4)),
        day_began_s=st.sampled_from((0.0, 18_000.0)),
    ),
    autoscaling=st.builds(
        AutoscalingParameters, delay_s=st.sampled_from((0.0, 82.0)), up_minutes=st.sampled_from((1, 2, 3))
    ),
)
starts = st.integers(0, 3 * 1_440).map(lambda minute: minute * 60)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy, cooldowns and a forbidden scale-in included."""
    minimum = draw(st.integers(1, 20))
    return Policy(
        target_percent=draw(st.sampled_from((20, 50, 70, 90))),
        minimum=minimum,
        maximum=minimum + draw(st.integers(0, 80)),
        scale_out_cooldown_s=draw(st.sampled_from((0.0, 300.0))),
        scale_in_cooldown_s=draw(st.sampled_from((0.0, 1_800.0))),
        scale_in=draw(st.sampled_from((True, True, False))),
    )


def demand_of(stretches: list[tuple[int, int, int]], start_s: int) -> Demand:
    """Stretches laid end to end."""
    lengths = [max(1, length) for length, _, _ in stretches]
    read, write = (np.repeat(np.array([one[at] for one in stretches], dtype=float), lengths) for at in (1, 2))
    return Demand(start_s=start_s, read=read, write=write)


def assert_same(demand: Demand, setting: Setting, supposed: Assumptions) -> None:
    """Served units and capacities are equal to the last bit, minute by minute."""
    compiled, scalar = Replayer(demand, supposed).replay(setting), reference.replay(demand, setting, supposed)
    for kind in KINDS:
        np.testing.assert_array_equal(compiled[kind].served, scalar[kind].served)
        capacities = compiled[kind].capacity, scalar[kind].capacity
        assert (capacities[0] is None) == (capacities[1] is None)
        if capacities[0] is not None:
            np.testing.assert_array_equal(*capacities)


@settings(max_examples=40, deadline=None)
@given(stretches=minutes, start_s=starts, supposed=assumptions, read=st.integers(1, 80), write=st.integers(1, 20))
def test_a_fixed_capacity(
    stretches: list[tuple[int, int, int]], start_s: int, supposed: Assumptions, read: int, write: int
) -> None:
    """Stores that drain and fill, bursts inside the minute, single keys."""
    assert_same(demand_of(stretches, start_s), Fixed(read=read, write=write), supposed)


@settings(max_examples=40, deadline=None)
@given(stretches=minutes, start_s=starts, supposed=assumptions)
def test_on_demand(stretches: list[tuple[int, int, int]], start_s: int, supposed: Assumptions) -> None:
    """Growth after its delay, up to the account's quota."""
    assert_same(demand_of(stretches, start_s), OnDemand(), supposed)


@settings(max_examples=80, deadline=None)
@given(stretches=minutes, start_s=starts, supposed=assumptions, read=policies(), write=policies())
def test_auto_scaling(
    stretches: list[tuple[int, int, int]], start_s: int, supposed: Assumptions, read: Policy, write: Policy
) -> None:
    """Two policies that share the quota of decreases, over midnights, with delays and cooldowns."""
    assert_same(demand_of(stretches, start_s), Autoscaled(read=read, write=write), supposed)


@settings(max_examples=40, deadline=None)
@given(
    stretches=minutes, start_s=starts, supposed=assumptions,
    read=st.lists(st.integers(1, 80), min_size=24, max_size=24), write=st.lists(st.integers(1, 20), min_size=24, max_size=24),
)  # fmt: skip
def test_a_table_of_hours(
    stretches: list[tuple[int, int, int]], start_s: int, supposed: Assumptions, read: list[int], write: list[int]
) -> None:
    """A store shrinks with the capacity at an hour's begin, and is not filled by a larger one."""
    assert_same(demand_of(stretches, start_s), Scheduled(read=tuple(read), write=tuple(write)), supposed)


@given(stretches=minutes, read=st.integers(1, 80), more=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_more_capacity_never_throttles_more(stretches: list[tuple[int, int, int]], read: int, more: int) -> None:
    """What the search for the least capacity rests on."""
    replayer = Replayer(demand_of(stretches, 0))
    less, greater = (replayer.lane_fixed("read", capacity) for capacity in (read, read + more))
    assert greater.throttled_units <= less.throttled_units * (1 + 1e-9)


def test_a_demand_without_days_of_decreases_is_followed_for_weeks() -> None:
    """Three weeks of a random demand with spikes under scaling that is allowed one decrease a day, then one an hour."""
    rng = np.random.default_rng(6)
    hours = rng.lognormal(3, 1, 21 * 24)
    demand = Demand(start_s=0, read=np.repeat(np.round(hours * 60), 60), write=np.repeat(np.round(hours * 12), 60))
    policy = Policy(target_percent=70, minimum=1, maximum=40_000)
    supposed = replace(Assumptions(), admission=AdmissionParameters(decreases_a_day=1))
    assert_same(demand, Autoscaled(read=policy, write=policy), supposed)


def test_scaling_out_ends_the_cooldown_of_scaling_in() -> None:
    """Two hours to wait between two decreases; 3 busy minutes in between, and the second comes after a quarter of an hour."""
    stretches = [(10, 3_000, 0), (20, 600, 0), (3, 3_000, 0), (20, 300, 0)]
    demand = demand_of(stretches, 0)
    policy = Policy(target_percent=50, minimum=1, maximum=1_000, scale_in_cooldown_s=7_200)
    setting = Autoscaled(read=policy, write=policy)
    assert_same(demand, setting, Assumptions())
    capacity = Replayer(demand).replay(setting)["read"].capacity
    assert capacity is not None
    # 50 units/s at 50 % are 100; 10/s are 20 from minute 25 on; 50/s are 100 again from 32 on; 5/s are 10 from 48 on.
    assert [int(capacity[at]) for at in (24, 25, 31, 32, 47, 48)] == [100, 20, 20, 100, 100, 10]
