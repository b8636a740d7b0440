"""The planner against figures worked out by hand, and against the twin's admission asked for every unit."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dynamodb.admission import Admission, AdmissionParameters
from harness.dynamodb.autoscaling import Policy, TargetTracking
from harness.dynamodb.planner.costs import reservation
from harness.dynamodb.planner.model import Assumptions, Autoscaled, Demand, Fixed, OnDemand, Outcome
from harness.dynamodb.planner.plan import make_plan, weighted_utilisation
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.planner.search import Found, Wanted, least_capacity, schedule_of, search, usd_month
from harness.dynamodb.pricing import Prices

VALUES: Mapping[str, float] = {
    "dynamodb.on_demand_read_usd_per_million": 0.125,
    "dynamodb.on_demand_write_usd_per_million": 0.625,
    "dynamodb.provisioned_rcu_hour_usd": 0.00013,
    "dynamodb.provisioned_wcu_hour_usd": 0.00065,
    "dynamodb.reserved_1y_100_rcu_upfront_usd": 30.0,
    "dynamodb.reserved_1y_100_rcu_hour_usd": 0.0025,
    "dynamodb.reserved_1y_100_wcu_upfront_usd": 150.0,
    "dynamodb.reserved_1y_100_wcu_hour_usd": 0.0128,
}
PRICES = Prices(date="2026-11", region="us-east-1", source="by hand", values=VALUES)
HOUR = 60


def rates(*stretches: tuple[int, float], write_per_s: float = 0) -> Demand:
    """Minutes at so many read units a second, one stretch after the other."""
    read = np.concatenate([np.full(minutes, rate * 60.0) for minutes, rate in stretches])
    return Demand(start_s=0, read=read, write=np.full(len(read), write_per_s * 60.0))


def outcome(demand: Demand, setting: Fixed | OnDemand | Autoscaled, **supposed: float) -> Outcome:
    """What a setting comes to."""
    return Replayer(demand, Assumptions(**supposed)).outcome(setting, PRICES)  # type: ignore[arg-type]


def test_a_flat_demand_costs_its_capacity_or_its_units() -> None:
    """50 reads/s: 100 RCU and 1 WCU are (0.013 + 0.00065) · 730 = $9.9645; 131.4 million units are $16.425."""
    demand = rates((HOUR, 50))
    fixed = outcome(demand, Fixed(read=100, write=1))
    assert fixed.usd_month == pytest.approx(9.9645)
    assert fixed.read.utilisation == 0.5
    assert outcome(demand, OnDemand()).usd_month == pytest.approx(16.425)


def test_c1_both_modes_cost_the_same_at_28_9_percent() -> None:
    """26 writes/s on 90 WCU, 28.889 %: 68.328 million units are $42.705, 90 · 0.00065 · 730 as well."""
    demand = Demand(start_s=0, read=np.zeros(HOUR), write=np.full(HOUR, 26 * 60.0))
    replayer = Replayer(demand)
    on_demand = replayer.outcome(OnDemand(), PRICES).usd_month
    fixed = replayer.outcome(Fixed(read=1, write=90), PRICES).usd_month
    assert on_demand == pytest.approx(42.705)
    assert fixed - 0.00013 * 730 == pytest.approx(on_demand)  # the one read unit that a table has at least
    plan = make_plan(demand, PRICES, Wanted(most_throttled=0))
    assert plan.break_even == pytest.approx({"read": 0.2888889, "write": 0.2888889})


def test_b2_a_spike_drains_the_store_of_300_s() -> None:
    """150 RCU store 45,000; 200/s take 50 a second more: all is served for 15 minutes, then 9,000 of 12,000 a minute."""
    demand = rates((20, 200))
    served = Replayer(demand).replay(Fixed(read=150, write=1))["read"].served
    assert served.tolist() == [12_000.0] * 15 + [9_000.0] * 5
    lane = outcome(demand, Fixed(read=150, write=1)).read
    assert (lane.throttled_units, lane.throttled_minutes, lane.longest_throttled_minutes) == (15_000, 5, 5)
    assert lane.throttled_share == 15_000 / 240_000


def test_b2_an_idle_table_stores_again() -> None:
    """Drained, 4 minutes idle bring 36,000: 200/s are then served for 12 minutes."""
    demand = rates((20, 200), (4, 0), (13, 200))
    lane = outcome(demand, Fixed(read=150, write=1)).read
    assert (lane.throttled_units, lane.longest_throttled_minutes) == (15_000 + 3_000, 5)


def test_b5_on_demand_serves_what_it_began_with_until_its_peak_is_half_an_hour_old() -> None:
    """20,000 reads/s: 12,000 a second and one second's store; the first minute's 12,200/s count double from minute 31 on."""
    served = Replayer(rates((40, 20_000))).replay(OnDemand())["read"].served
    assert served[0] == 732_000
    assert set(served[1:31]) == {720_000.0}
    assert set(served[31:]) == {1_200_000.0}


def test_bursts_inside_the_minute_pass_a_store_of_300_s_but_not_one_of_a_second() -> None:
    """10,000/s on the mean, all in 15 s: on demand serves 15 · 12,000 + 12,000 of 600,000; 10,000 RCU serve them all."""
    demand = rates((1, 10_000))
    assert outcome(demand, OnDemand(), peak_to_mean=4).read.served_units == 192_000
    assert outcome(demand, Fixed(read=10_000, write=1), peak_to_mean=4).read.throttled_units == 0


def test_b1_a_single_key_has_what_one_partition_serves() -> None:
    """All of 1,500 writes/s on one key, of 2,000 WCU: 60,000 a minute of 90,000, and 1,000 stored at first."""
    demand = Demand(start_s=0, read=np.zeros(3), write=np.full(3, 90_000.0))
    supposed = Assumptions(key_shares=(1.0,))
    lane = Replayer(demand, supposed).outcome(Fixed(read=1, write=2_000), PRICES).write
    assert lane.throttled_units == 29_000 + 30_000 + 30_000
    assert least_capacity(Replayer(demand, supposed), "write", 0.001) is None


def test_b6_auto_scaling_follows_two_minutes_late() -> None:
    """105/s at 70 % are 150 units; two minutes at 200/s, and ⌈200 / 0.7⌉ = 286 are there for the third."""
    policy = Policy(target_percent=70, minimum=1, maximum=40_000)
    replayed = Replayer(rates((5, 105), (5, 200))).replay(Autoscaled(read=policy, write=policy))["read"]
    assert replayed.capacity is not None
    assert replayed.capacity.tolist() == [150] * 7 + [286] * 3


def test_as_much_is_reserved_as_pays() -> None:
    """A hundred RCU reserved are 30/12 + 0.0025 · 730 = $4.325 a month, 46 of them by the hour $4.37: 250 take three."""
    flat = reservation(PRICES, "read", np.array([250]))
    assert flat is not None
    assert (flat.units, flat.usd_month) == (300, pytest.approx(12.975))
    # 245 would need 45 units of the third hundred, $4.27 by the hour: two are reserved.
    less = reservation(PRICES, "read", np.array([245]))
    assert less is not None
    assert (less.units, less.usd_month) == (200, pytest.approx(8.65 + 45 * 0.00013 * 730))
    assert reservation(Prices(date="d", region="r", source="s", values={}), "read", np.array([250])) is None


def test_the_least_capacity_is_found_to_the_unit() -> None:
    """100/s for 30 days on 99: 29,700 stored last 29,700 s of 2,592,000, so 0.9885 % is throttled."""
    replayer = Replayer(rates((30 * 24 * HOUR, 100)))
    assert replayer.lane_fixed("read", 99).throttled_share == pytest.approx(0.0098854, abs=1e-7)
    assert least_capacity(replayer, "read", 0.001) == 100
    assert least_capacity(replayer, "read", 0.01) == 99


def test_the_cheapest_of_a_flat_demand_is_its_own_capacity() -> None:
    """Used to 100 %, 100 RCU cost $9.49 and on demand 3.46 times as much; one write unit comes on top, $0.4745."""
    plan = make_plan(rates((24 * HOUR, 100)), PRICES, Wanted(most_throttled=0))
    assert plan.found.cheapest is not None
    assert plan.advised.setting.family in ("fixed", "scheduled")  # the same capacity in every hour
    assert plan.advised.usd_month == pytest.approx(9.49 + 0.4745)
    used = weighted_utilisation(plan.advised, PRICES)
    assert used == pytest.approx(9.49 / 9.9645)


def test_a_rare_demand_is_cheapest_on_demand() -> None:
    """One minute a day at 1,000/s: 1.825 million a month are $0.23; ⌈60,000 / (300 + 60)⌉ = 167 RCU would be $15.85."""
    minute = rates((1_439, 0), (1, 1_000))
    plan = make_plan(minute, PRICES, Wanted(most_throttled=0))
    assert plan.advised.setting == OnDemand()
    assert plan.advised.usd_month == pytest.approx(0.228125)
    assert plan.found.by_family["fixed"].setting == Fixed(read=167, write=1)


def test_a_table_of_hours_is_fitted_on_the_demand() -> None:
    """Hours 0 and 1 at 10 and 20 reads/s, two days long: their capacities, and the larger for hours nobody has seen."""
    demand = rates((60, 10), (60, 20))
    assert schedule_of(demand, 1.0).read == (10, *[20] * 23)
    assert set(schedule_of(demand, 1.0).write) == {1}


def frontier_of(found: Found, wanted: Wanted) -> list[tuple[float, float]]:
    """Shares and dollars along it; each throttles more and costs less than the one before, and every setting is beaten by one."""
    points = [(one.throttled_share, usd_month(one, wanted)) for one in found.frontier]
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(points))
    for one in found.outcomes:
        assert any(share <= one.throttled_share and usd <= usd_month(one, wanted) for share, usd in points)
    return points


def test_on_the_frontier_what_is_cheaper_throttles_more() -> None:
    """For a random demand, with many points on it."""
    rng = np.random.default_rng(3)
    demand = Demand(start_s=0, read=rng.lognormal(8, 1, 600), write=rng.lognormal(6, 1, 600))
    wanted = Wanted(most_throttled=0.01)
    assert len(frontier_of(search(demand, PRICES, wanted, Assumptions(), levels=40), wanted)) > 10


@settings(max_examples=25, deadline=None)
@given(
    stretches=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 9_000), st.integers(0, 3_000)), min_size=1, max_size=12),
    most_throttled=st.sampled_from((0.0, 0.001, 0.05)), reserved=st.booleans(), keys=st.sampled_from(((), (0.4, 0.1))),
)  # fmt: skip
def test_the_frontier_of_any_demand_is_monotone(
    stretches: list[tuple[int, int, int]], most_throttled: float, reserved: bool, keys: tuple[float, ...]
) -> None:
    """And the cheapest setting that throttles little enough is never dearer than a point of it that does."""
    lengths = [length for length, _, _ in stretches]
    read, write = (np.repeat([float(one[at]) for one in stretches], lengths) for at in (1, 2))
    wanted = Wanted(most_throttled=most_throttled, reserved=reserved)
    supposed = Assumptions(key_shares=keys)
    found = search(Demand(start_s=0, read=read, write=write), PRICES, wanted, supposed, levels=12)
    points = frontier_of(found, wanted)
    enough = [usd for share, usd in points if share <= most_throttled]
    assert (found.cheapest is None) == (not enough)
    if found.cheapest is not None:
        assert usd_month(found.cheapest, wanted) == min(enough)


def random_rates(seed: int, minutes: int, most: int) -> list[int]:
    """Units a second, whole, that stay for some minutes and jump."""
    rng = np.random.default_rng(seed)
    return np.repeat(rng.integers(0, most + 1, minutes // 5), 5).tolist()


def admitted(
    table: Admission, per_s: list[int], tracking: TargetTracking | None = None, capacity: int = 0
) -> list[int]:
    """Units admitted in each minute, each unit asked for by itself and evenly in time."""
    served = []
    for minute, rate in enumerate(per_s):
        served.append(0)
        for number in range(rate * 60):
            if table.admit("read", 1, minute * 60 + (number + 0.5) / rate) is None:
                served[-1] += 1
        if tracking:
            changed = tracking.step((minute + 1) * 60, served[-1], capacity)
            if changed is not None:
                capacity = changed
                table.set_capacity(changed, 1, (minute + 1) * 60)
    return served


@pytest.mark.parametrize("seed", range(6))
def test_the_twin_asked_for_every_unit_throttles_the_same_share(seed: int) -> None:
    """Within 1 % of all units, at capacities that throttle much, little and nothing."""
    per_s = random_rates(seed, 60, 12)
    demand = rates(*((1, rate) for rate in per_s))
    for capacity in (2, 5, 12):
        told = outcome(demand, Fixed(read=capacity, write=1)).read
        seen = admitted(Admission.provisioned(capacity, 1, now_s=0), per_s)
        assert told.throttled_share == pytest.approx(1 - sum(seen) / sum(per_s) / 60, abs=0.01)
        if not told.throttled_units:
            assert sum(seen) == told.served_units
    assert outcome(demand, Fixed(read=12, write=1)).read.throttled_units == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_on_demand_throttles_the_same_share(seed: int) -> None:
    """A table that begins with 3 reads a second and doubles after five minutes."""
    per_s = random_rates(seed, 60, 20)
    params = AdmissionParameters(on_demand_read_rate=3, on_demand_growth_s=300)
    told = Replayer(rates(*((1, rate) for rate in per_s)), Assumptions(admission=params)).outcome(OnDemand(), PRICES)
    seen = admitted(Admission.on_demand(now_s=0, params=params), per_s)
    assert told.read.throttled_share > 0.05
    assert told.read.throttled_share == pytest.approx(1 - sum(seen) / sum(per_s) / 60, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_under_auto_scaling_consumes_the_same(seed: int) -> None:
    """From 20 units on nothing is throttled, and every unit is the same; from 2 on shares are within 1 %."""
    per_s = random_rates(seed, 90, 14)
    for minimum in (20, 2):
        policy = Policy(target_percent=70, minimum=minimum, maximum=100)
        setting = Autoscaled(read=policy, write=Policy(target_percent=70, minimum=1, maximum=1))
        replayed = Replayer(rates(*((1, rate) for rate in per_s))).replay(setting)["read"]
        assert replayed.capacity is not None
        first = int(replayed.capacity[0])
        table = Admission.provisioned(first, 1, now_s=0)
        seen = admitted(table, per_s, TargetTracking(policy, decreases=table.decreases), first)
        if minimum == 20:
            assert replayed.served.tolist() == seen
        assert sum(seen) == pytest.approx(replayed.served.sum(), abs=0.01 * sum(per_s) * 60)
