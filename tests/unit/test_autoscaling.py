"""Target tracking, minute by minute, against figures worked out by hand."""

import pytest

from harness.dynamodb.autoscaling import AutoscalingParameters, Policy, TargetTracking
from harness.dynamodb.parameters import AdmissionParameters
from harness.dynamodb.quotas import Decreases

POLICY = Policy(target_percent=70, minimum=5, maximum=1_000)


def follow(tracking: TargetTracking, capacity: int, rates: list[float], from_minute: int = 1) -> list[int]:
    """The capacity after each minute of such demand, in units a second, all of it consumed."""
    after = []
    for minute, rate_per_s in enumerate(rates, from_minute):
        changed = tracking.step(60.0 * minute, rate_per_s * 60, capacity)
        capacity = capacity if changed is None else changed
        after.append(capacity)
    return after


def test_two_minutes_above_the_target_raise_capacity_to_it() -> None:
    """140 a second are 70 % of 200: from 100, two minutes of 140 make 200; one alone makes nothing."""
    assert follow(TargetTracking(POLICY), 100, [140, 140, 140]) == [100, 200, 200]
    assert follow(TargetTracking(POLICY), 100, [140, 60, 140, 60]) == [100] * 4


def test_at_the_target_nothing_changes() -> None:
    """70 of 100 is not above 70 %."""
    assert follow(TargetTracking(POLICY), 100, [70] * 60) == [100] * 60


def test_fifteen_minutes_twenty_points_below_the_target_lower_capacity() -> None:
    """Below 50 of 100 for fifteen minutes: 35 a second are 70 % of 50."""
    assert follow(TargetTracking(POLICY), 100, [35] * 16) == [100] * 14 + [50, 50]


def test_between_the_thresholds_nothing_changes() -> None:
    """At 50 and at 70 of 100, hours pass without a change."""
    assert follow(TargetTracking(POLICY), 100, [50, 70] * 60) == [100] * 120


def test_one_minute_at_the_lower_threshold_begins_the_fifteen_anew() -> None:
    """Fourteen low, one of 50, fourteen low: no change. One low one more, and 10 a second are 70 % of 15."""
    rates = [10.0] * 14 + [50.0] + [10.0] * 14
    assert follow(TargetTracking(POLICY), 100, rates) == [100] * 29
    assert follow(TargetTracking(POLICY), 100, [*rates, 10]) == [100] * 29 + [15]


def test_capacity_is_lowered_to_what_the_busiest_minute_needs() -> None:
    """Fourteen minutes of 7 and one of 42 a second: 60, not 10."""
    assert follow(TargetTracking(POLICY), 100, [7] * 7 + [42] + [7] * 7)[-1] == 60


def test_an_idle_table_comes_down_to_its_minimum() -> None:
    """As measured on the service, no consumption is low consumption."""
    assert follow(TargetTracking(POLICY), 100, [0] * 15)[-1] == 5


def test_capacity_stays_within_its_bounds() -> None:
    """10,000 a second ask for 14,286: 1,000 is the most."""
    assert follow(TargetTracking(POLICY), 900, [10_000] * 3) == [900, 1_000, 1_000]


def test_the_service_catches_up_with_a_demand_that_it_throttles_step_by_step() -> None:
    """Consumption can't exceed what is provisioned, so each step is 1 / 0.7 and needs two minutes; 300 asks for 429.

    100 / 0.7 = 142.9, 143 / 0.7 = 204.3, 205 / 0.7 = 292.9, 293 / 0.7 = 418.6, 300 / 0.7 = 428.6. The minute after a step
    shows the old capacity's consumption just below the new threshold: 100 against 0.7 × 143 = 100.1.
    """
    tracking, capacity, seen = TargetTracking(POLICY), 100, []
    for minute in range(1, 11):
        changed = tracking.step(60.0 * minute, min(300, capacity) * 60, capacity)
        capacity = changed or capacity
        seen.append(capacity)
    assert seen == [100, 143, 143, 205, 205, 293, 293, 419, 419, 429]


def test_a_scale_out_cooldown_holds_back_all_but_a_larger_step() -> None:
    """+100 at minute 2; within ten minutes +29 waits, +200 (after two minutes above 140) doesn't."""
    policy = Policy(target_percent=70, minimum=5, maximum=1_000, scale_out_cooldown_s=600)
    assert follow(TargetTracking(policy), 100, [140, 140, 160, 160, 160]) == [100, 200, 200, 200, 200]
    assert follow(TargetTracking(policy), 100, [140, 140, 280, 280]) == [100, 200, 200, 400]
    assert follow(TargetTracking(policy), 100, [140, 140] + [160] * 10)[-2:] == [200, 229]


def test_a_scale_in_cooldown_spaces_decreases() -> None:
    """Down at minute 15; demand halves again, but an hour must pass."""
    policy = Policy(target_percent=70, minimum=1, maximum=1_000, scale_in_cooldown_s=3_600)
    capacities = follow(TargetTracking(policy), 100, [35] * 15 + [7] * 61)
    assert capacities[14] == 50
    assert capacities[73] == 50
    assert capacities[74] == 10


def test_scaling_in_may_be_disabled() -> None:
    """Only up."""
    policy = Policy(target_percent=70, minimum=5, maximum=1_000, scale_in=False)
    assert follow(TargetTracking(policy), 100, [0] * 60) == [100] * 60


def test_a_decrease_that_the_quota_forbids_waits_for_it() -> None:
    """Four were made at noon: what is low from then on is lowered an hour after the last."""
    noon_s = 43_200
    decreases = Decreases(AdmissionParameters())
    for _ in range(4):
        decreases.record(noon_s)
    tracking = TargetTracking(POLICY, decreases=decreases)
    capacities = follow(tracking, 100, [7] * 61, from_minute=noon_s // 60 + 1)
    assert capacities == [100] * 59 + [10, 10]


def test_a_delay_puts_off_the_change_and_not_its_size() -> None:
    """Three minutes after the second one above the target, though demand has fallen by then."""
    tracking = TargetTracking(POLICY, params=AutoscalingParameters(delay_s=180))
    assert follow(tracking, 100, [140, 140, 60, 60, 60, 60]) == [100, 100, 100, 100, 200, 200]


def test_a_change_by_hand_moves_the_thresholds() -> None:
    """Two minutes of 140 are above 70 % of 100, not of 300."""
    tracking = TargetTracking(POLICY)
    assert tracking.step(60, 140 * 60, 300) is None
    assert tracking.step(120, 140 * 60, 300) is None
    assert tracking.step(180, 140 * 60, 100) == 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target_percent": 19.9}, "expected a target from 20 to 90 %, found 19.9"),
        ({"target_percent": 91}, "expected a target"),
        ({"minimum": 0}, "found 0 and 1000"),
        ({"maximum": 4}, "found 5 and 4"),
        ({"scale_in_cooldown_s": -1}, "expected cooldowns of 0 s or more, found -1 and 0"),
    ],
)
def test_a_policy_of_impossible_numbers_is_refused(change: dict[str, float], message: str) -> None:
    """The error shows what was found."""
    with pytest.raises(ValueError, match=message):
        Policy(**({"target_percent": 70, "minimum": 5, "maximum": 1_000} | change))  # type: ignore[arg-type]
