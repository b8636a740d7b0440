"""When the twin first throttles a provisioned table under steady demand, against B2's arithmetic: 300·C / (D − C) seconds.

Open loop, at speed: each request has a due time counted from the first, and several connections take turns, so a slow
answer holds up no other request and a late one is sent at once. The onset is when the first request that is throttled
was sent, in service seconds since the first; ``pytest -rP`` shows the figures.
"""

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from harness.dynamodb.client import DynamoClient, Outcome, outcome
from harness.local.services import LocalServices
from harness.services import Needs

SPEED = 50.0
CAPACITY = 4  # units a second
CONNECTIONS = 4
# Large requests, so that a slow machine keeps the schedule: at three times the capacity 150 a wall second.
UNITS_A_REQUEST = 4
LONGEST_S = 1_000  # service seconds
KEY = {"id": {"S": "one"}}
OVERHEAD_BYTES = len("id") + len("one") + len("pad")
# 14,000 bytes are 4 blocks of 4 KB: 4 read units strongly consistent (A1). Put before the clock counts, into another bucket.
READ_ITEM = {**KEY, "pad": {"S": "x" * (14_000 - OVERHEAD_BYTES)}}
# 3,500 bytes are 4 blocks of 1 KB: 4 write units (A2).
WRITE_ITEM = {**KEY, "pad": {"S": "x" * (3_500 - OVERHEAD_BYTES)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request: when it was due and sent, in service seconds since the first was due, and what came of it."""

    due_s: float
    sent_s: float
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """When the first throttle came, what was really demanded until then, and how late a request was at worst."""

    service_s: float
    demand_units: float
    late_s: float


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A twin of our own, whatever ``services up`` may have left running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBHARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        services = LocalServices.up(Needs(dynamodb=True, dynamodb_speed=SPEED))
    with contextlib.closing(services):
        yield services.dynamodb_url


def make_table(client: DynamoClient, name: str) -> None:
    """Reads and writes of ``CAPACITY``, both stores full."""
    definition = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": CAPACITY, "WriteCapacityUnits": CAPACITY},
    }
    assert client.call("CreateTable", definition).status == 200


def drive(url: str, operation: str, payload: dict[str, Any], demand_units: float) -> list[Request]:
    """Ask for ``demand_units`` a service second until a request is throttled; all requests in the order sent."""
    interval_s = UNITS_A_REQUEST / demand_units
    numbers = iter(range(int(LONGEST_S / interval_s)))
    turn, over = threading.Lock(), threading.Event()
    begin_s = time.monotonic()

    def ask(client: DynamoClient, number: int) -> Request:
        due_s = number * interval_s
        time.sleep(max(0.0, begin_s + due_s / SPEED - time.monotonic()))
        sent_s = (time.monotonic() - begin_s) * SPEED
        response = client.call(operation, payload)
        if outcome(response) != "throttled":
            assert response.status == 200, response.body
            assert response.body["ConsumedCapacity"]["CapacityUnits"] == UNITS_A_REQUEST, response.body
        return Request(due_s=due_s, sent_s=sent_s, outcome=outcome(response))

    def connection() -> list[Request]:
        done: list[Request] = []
        try:
            with DynamoClient(url) as client:
                while not over.is_set() and not (done and done[-1].outcome == "throttled"):
                    with turn:
                        number = next(numbers, None)
                    assert number is not None, f"expected a throttle within {LONGEST_S} s, found none"
                    done.append(ask(client, number))
        finally:
            over.set()  # also when this one failed: the others needn't go on
        return done

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        connections = [pool.submit(connection) for _ in range(CONNECTIONS)]
    requests = itertools.chain.from_iterable(done.result() for done in connections)
    return sorted(requests, key=lambda request: request.sent_s)


def onset_of(requests: list[Request]) -> Onset:
    """The first throttle among requests in the order sent."""
    served = list(itertools.takewhile(lambda request: request.outcome == "ok", requests))
    service_s = requests[len(served)].sent_s - requests[0].sent_s
    late_s = max(request.sent_s - request.due_s for request in requests)
    return Onset(service_s=service_s, demand_units=len(served) * UNITS_A_REQUEST / service_s, late_s=late_s)


def by_arithmetic_s(demand_units: float) -> float:
    """B2: 300 s of capacity are stored, and go as fast as demand exceeds what comes back."""
    return 300 * CAPACITY / (demand_units - CAPACITY)


@pytest.mark.parametrize(("demand_units", "by_hand_s"), [(8, 300), (12, 150)], ids=["twice", "three_times"])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_the_first_throttle_comes_when_300_s_of_stored_capacity_are_gone(
    url: str, kind: str, demand_units: int, by_hand_s: float
) -> None:
    """1,200 units stored: at 8 − 4 a second gone in 300 s, at 12 − 4 in 150 s; within 5 %, for reads and writes alike."""
    table = f"{kind}_{demand_units}"
    request: dict[str, Any] = {"TableName": table, "ReturnConsumedCapacity": "TOTAL"}
    with DynamoClient(url) as client:
        make_table(client, table)
        if kind == "read":
            assert client.call("PutItem", {"TableName": table, "Item": READ_ITEM}).status == 200
            requests = drive(url, "GetItem", {**request, "Key": KEY, "ConsistentRead": True}, demand_units)
        else:
            requests = drive(url, "PutItem", {**request, "Item": WRITE_ITEM}, demand_units)
    onset = onset_of(requests)
    as_sent_s = by_arithmetic_s(onset.demand_units)
    figures = (
        f"{kind}s at {demand_units} units/s on {CAPACITY}: by hand {by_hand_s} s, measured {onset.service_s:.1f} s; "
        f"really sent {onset.demand_units:.3f} units/s, for which by hand {as_sent_s:.1f} s; "
        f"latest request {onset.late_s:.2f} s late"
    )
    print(figures)
    assert onset.demand_units == pytest.approx(demand_units, rel=0.02), figures
    assert onset.service_s == pytest.approx(as_sent_s, rel=0.05), figures
    assert onset.service_s == pytest.approx(by_hand_s, rel=0.05), figures
