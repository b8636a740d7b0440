"""What holds of admission whatever is asked: nothing is made of nothing, more capacity serves more, speed changes nothing."""

from itertools import accumulate
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dynamodb.admission import Admission, AdmissionParameters
from harness.dynamodb.partitions import HASH_SPACE
from harness.local.dynamodb.service import Service

TICK_S = 1 / 16  # sums of powers of two are exact
requests = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 500), st.integers(0, HASH_SPACE - 1)), min_size=1, max_size=40
)  # (ticks since the last, units, where)


def ask(service: Service, operation: str, **request: Any) -> tuple[int, dict[str, Any]]:
    """Status and body of one answer."""
    status, body = service.answer(b"DynamoDB_20120810." + operation.encode(), orjson.dumps(request))
    return status, orjson.loads(body)


def admitted(table: Admission, asked: list[tuple[int, int, int]]) -> list[tuple[float, int, int]]:
    """When, how much and where, of what was admitted."""
    times_s = accumulate(ticks * TICK_S for ticks, _, _ in asked)
    return [
        (at_s, units, where)
        for at_s, (_, units, where) in zip(times_s, asked, strict=True)
        if table.admit("write", units, at_s, where) is None
    ]


def assert_conserved(served: list[tuple[float, int, int]], rate_per_s: float, store: float) -> None:
    """Over any interval: no more than was stored and came in, but for the overshoot of one request."""
    for first in range(len(served)):
        total = largest = 0
        for at_s, units, _ in served[first:]:
            total, largest = total + units, max(largest, units)
            assert total <= rate_per_s * (at_s - served[first][0]) + store + largest


@given(asked=requests, capacity=st.integers(1, 400), fill=st.sampled_from((0.0, 0.5, 1.0)))
def test_a_table_serves_no_more_than_it_has(asked: list[tuple[int, int, int]], capacity: int, fill: float) -> None:
    """Capacity times time, plus 300 s of it, plus one request."""
    table = Admission.provisioned(0, capacity, now_s=0, params=AdmissionParameters(initial_fill=fill))
    assert_conserved(admitted(table, asked), capacity, 300 * capacity)


@given(asked=requests, partitions=st.integers(1, 5))
def test_a_partition_serves_no_more_than_its_limit(asked: list[tuple[int, int, int]], partitions: int) -> None:
    """1,000 writes a second, a second of them kept, plus one request; and each partition for itself."""
    table = Admission.provisioned(0, 40_000, now_s=0, partitions=partitions)
    served = admitted(table, [(ticks, units * 10, where) for ticks, units, where in asked])
    ranges = [(int(one["begin"], 16), int(one["end"], 16)) for one in table.state(0)["partitions"]]
    for begin, end in ranges:
        rate = AdmissionParameters().partition_rate("write")
        assert_conserved([one for one in served if begin <= one[2] <= end], rate, rate)


@given(
    waits=st.lists(st.integers(0, 200), min_size=1, max_size=60),
    units=st.integers(1, 500),
    capacity=st.integers(1, 200),
    more=st.integers(0, 200),
)
def test_more_capacity_never_serves_fewer_of_equal_requests(
    waits: list[int], units: int, capacity: int, more: int
) -> None:
    """At every moment the larger table has admitted at least as many."""
    small, large = (Admission.provisioned(0, units_per_s, now_s=0) for units_per_s in (capacity, capacity + more))
    ahead, now_s = 0, 0.0
    for wait in waits:
        now_s += wait * TICK_S
        ahead += (large.admit("write", units, now_s) is None) - (small.admit("write", units, now_s) is None)
        assert ahead >= 0


@given(asked=requests)
def test_what_is_throttled_changes_nothing_for_what_comes_after(asked: list[tuple[int, int, int]]) -> None:
    """Left out, the refused requests leave the same ones admitted."""
    served = admitted(Admission.provisioned(0, 3, now_s=0), asked)
    alone = Admission.provisioned(0, 3, now_s=0)
    assert all(alone.admit("write", units, at_s, where) is None for at_s, units, where in served)


@settings(max_examples=25, deadline=None)
@given(waits=st.lists(st.integers(0, 4_000), min_size=5, max_size=40), speed=st.sampled_from((2.0, 64.0, 1_024.0)))
@pytest.mark.parametrize("billing", ["PROVISIONED", "PAY_PER_REQUEST"])
def test_a_twin_at_any_speed_is_the_same_in_service_seconds(billing: str, waits: list[int], speed: float) -> None:
    """The same writes at the same service seconds: the same answers, levels and counters as at speed 1."""
    walls = [0.0, 0.0]

    def clock(which: int) -> float:
        return walls[which]

    twins = [Service(speed=1.0, clock_s=lambda: clock(0)), Service(speed=speed, clock_s=lambda: clock(1))]
    throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}
    for twin in twins:
        made = ask(
            twin,
            "CreateTable",
            TableName="same",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode=billing,
            **(throughput if billing == "PROVISIONED" else {}),
        )
        assert made[0] == 200, made
    item = {"id": {"S": "one"}, "pad": {"S": "x" * 90_000}}  # 88 units
    service_s = 0.0
    for wait in waits:
        service_s += wait * TICK_S
        walls[:] = [service_s, service_s / speed]
        answers = [ask(twin, "PutItem", TableName="same", Item=item) for twin in twins]
        assert answers[0] == answers[1]
    meters = [twin.state()["tables"]["same"] for twin in twins]
    assert meters[0] == meters[1]
