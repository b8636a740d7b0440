"""When a flat demand is first throttled, over random levels and multiples of it: B2's 300·C/(D − C) seconds, within 2 %.

The load side's own demand, arms and requests, answered by the twin in this process on a clock that the test sets to
each request's due time: no network, no lateness. ``pytest -rP`` prints the levels drawn.
"""

import random
from itertools import repeat

import pytest
from twin_in_process import ask, done

from harness.demand_shapes import due_ns, flat
from harness.dynamodb.capacity_arms import CapacityArm, Units
from harness.dynamodb.capacity_jobs import Job, get, put
from harness.local.dynamodb.service import Service

SEED = 20131128
LEVELS = 20
KEY = {"tailnum": {"S": "N14228"}, "flight_key": {"S": "2013-01-01T05:15#UA#1545"}}
KEY_BYTES = len("tailnum" + "N14228" + "flight_key" + "2013-01-01T05:15#UA#1545" + "pad")


def item_of(size_bytes: int) -> dict[str, dict[str, str]]:
    """An item of so many bytes (A15)."""
    return {**KEY, "pad": {"S": "x" * (size_bytes - KEY_BYTES)}}


def drawn() -> list[tuple[str, int, float, int]]:
    """Kind, capacity, multiple of it demanded, units a request; kinds in turn."""
    rng = random.Random(SEED)
    return [
        (kind, rng.randint(1, 20), round(rng.uniform(1.5, 6), 2), rng.randint(1, 4))
        for kind in ("read", "write")
        for _ in range(LEVELS)
    ]


def first_throttle_s(kind: str, capacity: int, multiple: float, units: int) -> float:
    """When the twin first refuses a request of a flat demand, service seconds since the first."""
    now_s = [0.0]
    service = Service(clock_s=lambda: now_s[0])
    # The other kind has plenty, so that loading the item costs nothing of what is measured.
    arm = CapacityArm(provisioned=Units(capacity, 100) if kind == "read" else Units(100, capacity))
    done(service, "CreateTable", **arm.definition("table"))
    # Strongly consistent reads cost a unit for 4 KB begun (A1), writes one for 1 KB (A2).
    item = item_of(4096 * units if kind == "read" else 1024 * units)
    job: Job = get("table", item) if kind == "read" else put("table", item)
    assert job.units == units
    if kind == "read":
        done(service, "PutItem", TableName="table", Item=item)
    demand = flat(multiple * capacity, for_s=3_000)
    for at_ns in due_ns(demand, repeat(float(units))):
        now_s[0] = at_ns / 1e9
        status, body = service.answer(b"DynamoDB_20120810." + job.op.encode(), job.payload)
        if status != 200:
            assert b"ProvisionedThroughputExceeded" in body, body
            return now_s[0]
    raise AssertionError(f"no throttle in 3,000 s at {multiple} times {capacity}")


@pytest.mark.parametrize(("kind", "capacity", "multiple", "units"), drawn())
def test_the_first_throttle_comes_when_b2_says(kind: str, capacity: int, multiple: float, units: int) -> None:
    """300·C are stored and go at (m − 1)·C a second, so 300/(m − 1) s, whatever C is and whatever a request costs."""
    by_hand_s = 300 / (multiple - 1)
    measured_s = first_throttle_s(kind, capacity, multiple, units)
    print(
        f"seed {SEED}: {kind}s, {capacity} units/s, {multiple} times as much, {units} a request: by hand "
        f"{by_hand_s:.2f} s, measured {measured_s:.2f} s, {measured_s / by_hand_s - 1:+.2%}"
    )
    assert measured_s == pytest.approx(by_hand_s, rel=0.02)


@pytest.mark.parametrize("kind", ["read", "write"])
def test_demand_at_capacity_is_never_throttled(kind: str) -> None:
    """At 1 times the capacity nothing is drained; in ten times 300 s nothing is refused."""
    with pytest.raises(AssertionError, match="no throttle"):
        first_throttle_s(kind, 3, 1.0, 1)


def test_what_was_refused_consumes_nothing() -> None:
    """One write unit a second, 4 asked: 300 stored and one a second come back; 300 + 200 are served in the first 200 s.

    The store is gone after 300/3 = 100 s; until then 400 are served, then one a second for 100 s more.
    """
    now_s = [0.0]
    service = Service(clock_s=lambda: now_s[0])
    done(service, "CreateTable", **CapacityArm(provisioned=Units(1, 1)).definition("table"))
    served = 0
    for at_ns in due_ns(flat(4, for_s=200), repeat(1.0)):
        now_s[0] = at_ns / 1e9
        status, _ = ask(service, "PutItem", TableName="table", Item=item_of(100))
        served += status == 200
    assert served == pytest.approx(500, abs=2)
    assert service.state()["tables"]["table"]["meters"]["table"]["write"]["consumed_units"] == served
