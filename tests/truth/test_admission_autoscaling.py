"""B6: auto scaling over a table whose buckets fill and empty meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from harness.dynamodb.admission import Admission
from harness.dynamodb.autoscaling import Policy, TargetTracking

MINUTE_S, HOUR_S = 60, 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of a table under a policy: what was provisioned, and the share of the demand that was throttled."""

    capacity: int
    throttled: float


def scaled(capacity: int, demand: Callable[[int], float], minutes: int, policy: Policy) -> list[Minute]:
    """Reads of a table under a policy; ``demand`` tells each minute's units a second, asked for every second at once."""
    table = Admission.provisioned(capacity, 1, now_s=0)
    tracking = TargetTracking(policy, decreases=table.decreases)
    seen = []
    for minute in range(minutes):
        rate, consumed, refused = demand(minute), 0.0, 0
        for second in range(MINUTE_S):
            if table.admit("read", rate, minute * MINUTE_S + second) is None:
                consumed += rate
            else:
                refused += 1
        seen.append(Minute(capacity=capacity, throttled=refused / MINUTE_S))
        changed = tracking.step((minute + 1) * MINUTE_S, consumed, capacity)
        if changed is not None:
            capacity = changed
            table.set_capacity(capacity, 1, (minute + 1) * MINUTE_S)
    return seen


CATALOG = Policy(target_percent=70, minimum=150, maximum=1_200)
"""The developer guide's ProductCatalog: 150 to 1,200 read units at 70 %."""


def test_b6_burst_carries_demand_until_scaling_has_followed() -> None:
    """200 a second on 150 could go on for 900 s; after two minutes ⌈200 / 0.7⌉ = 286 are there, and none is ever throttled."""
    seen = scaled(150, lambda _: 200, 60, CATALOG)
    assert [one.capacity for one in seen[:4]] == [150, 150, 286, 286]
    assert {one.capacity for one in seen[2:]} == {286}
    assert not any(one.throttled for one in seen)


def test_b6_a_spike_beyond_the_burst_is_throttled_until_then() -> None:
    """1,000 a second on 150: 45,000 stored are gone after 45,000 / 850 = 53 s, and 1,000 / 0.7 is more than the maximum."""
    seen = scaled(150, lambda _: 1_000, 10, CATALOG)
    assert seen[0].throttled == pytest.approx(6 / 60, abs=0.03)
    assert seen[1].throttled == pytest.approx(0.85, abs=0.03)
    # Consumed: about 54,000 and 9,000 a minute, 900 and 150 a second; 150 / 0.7 = 215 are set.
    assert seen[2].capacity == pytest.approx(215, abs=25)
    assert seen[-1].capacity <= 1_200


def test_b6_capacity_comes_down_fifteen_minutes_after_demand() -> None:
    """An hour at 600 (⌈600 / 0.7⌉ = 858), then 200, below 50 % of it: 286 from the sixteenth minute on."""
    seen = scaled(858, lambda minute: 600 if minute < 60 else 200, 90, CATALOG)
    assert [one.capacity for one in seen[:60]] == [858] * 60
    assert [one.capacity for one in seen[60:75]] == [858] * 15
    assert {one.capacity for one in seen[75:]} == {286}


def test_b6_demand_between_the_thresholds_changes_nothing() -> None:
    """Of 1,000: 510 and 690 are between 50 and 70 %."""
    seen = scaled(1_000, lambda minute: 510 if minute % 2 else 690, 120, CATALOG)
    assert {one.capacity for one in seen} == {1_000}


def test_b6_after_four_decreases_a_day_one_an_hour() -> None:
    """Demand that falls by a third every 20 minutes wants 10 decreases in 200 minutes: 4 are made, then one an hour each."""
    policy = Policy(target_percent=70, minimum=1, maximum=40_000)
    seen = scaled(20_000, lambda minute: 14_000 * (2 / 3) ** (minute // 20), 300, policy)
    changes = [minute for minute, (before, after) in enumerate(pairwise(seen), 1) if after.capacity < before.capacity]
    assert changes[3] < 110
    assert len(changes) >= 6
    assert [after - before for before, after in pairwise(changes[3:])] == [60] * (len(changes) - 4)


@pytest.mark.parametrize(("target", "capacity"), [(20, 500), (50, 200), (90, 112)])
def test_b6_any_target_from_20_to_90_percent_is_met(target: int, capacity: int) -> None:
    """100 a second are 20 % of 500, 50 % of 200, 90 % of 111.1 and so of 112 at most."""
    policy = Policy(target_percent=target, minimum=5, maximum=1_200)
    seen = scaled(40, lambda _: 100, 30, policy)
    assert seen[-1].capacity == capacity
