"""When the twin first throttles a provisioned table under steady demand, against B2's arithmetic: 300·C / (D − C) seconds.

Open loop, at speed: each request is due at a time of its own, and a late one is sent at once, so the demand holds on average.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from harness.dynamodb.client import DynamoClient, outcome
from harness.local.services import LocalServices, Needs

SPEED = 100.0
CAPACITY = 4  # units a second
UNITS_A_REQUEST = 2
KEY = {"id": {"S": "one"}}
# An item of 5,000 bytes: 2 read units strongly consistent (A1). Its write would cost 5, so it is put before the clock counts.
READ_ITEM = {**KEY, "pad": {"S": "x" * (5_000 - len("id") - len("one") - len("pad"))}}
# An item of 1,500 bytes: 2 write units (A2).
WRITE_ITEM = {**KEY, "pad": {"S": "x" * (1_500 - len("id") - len("one") - len("pad"))}}


@dataclass(frozen=True)
class Onset:
    """When the first throttle came, in service seconds since the first request, and how many were served before it."""

    service_s: float
    served: int


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    services = LocalServices.up(Needs(dynamodb=True, dynamodb_speed=SPEED))
    yield services.dynamodb_url
    services.close()


def make_table(client: DynamoClient, name: str) -> None:
    """Reads and writes of ``CAPACITY``; the item to read is put while the write bucket is full."""
    definition = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "ProvisionedThroughput": {"ReadCapacityUnits": CAPACITY, "WriteCapacityUnits": CAPACITY},
    }
    assert client.call("CreateTable", definition).status == 200


def drive(client: DynamoClient, operation: str, payload: dict[str, Any], demand_units: float) -> Onset:
    """Ask for ``demand_units`` a service second until a request is throttled, for 1,000 service seconds at most."""
    interval_s = UNITS_A_REQUEST / demand_units / SPEED
    begin_s = time.monotonic()
    for number in range(int(1_000 * demand_units / UNITS_A_REQUEST)):
        time.sleep(max(0.0, begin_s + number * interval_s - time.monotonic()))
        response = client.call(operation, payload)
        if outcome(response) == "throttled":
            return Onset((time.monotonic() - begin_s) * SPEED, number)
        assert response.status == 200, response.body
        assert response.body["ConsumedCapacity"]["CapacityUnits"] == UNITS_A_REQUEST
    raise AssertionError("never throttled")


@pytest.mark.parametrize("demand_units", [8, 12], ids=["twice", "three_times"])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_the_first_throttle_comes_when_300_s_of_stored_capacity_are_gone(
    url: str, kind: str, demand_units: int
) -> None:
    """Twice the capacity: 300 s; three times: 150 s. Within 5 %, by the clock and by the units that were served."""
    by_hand_s = 300 * CAPACITY / (demand_units - CAPACITY)
    table = f"{kind}_{demand_units}"
    with DynamoClient(url) as client:
        make_table(client, table)
        common = {"TableName": table, "ReturnConsumedCapacity": "TOTAL"}
        if kind == "read":
            assert client.call("PutItem", {"TableName": table, "Item": READ_ITEM}).status == 200
            onset = drive(client, "GetItem", {**common, "Key": KEY, "ConsistentRead": True}, demand_units)
        else:
            onset = drive(client, "PutItem", {**common, "Item": WRITE_ITEM}, demand_units)
    print(
        f"{kind}s at {demand_units} units/s on {CAPACITY}: by hand {by_hand_s:.0f} s, measured {onset.service_s:.1f} s"
    )
    assert onset.service_s == pytest.approx(by_hand_s, rel=0.05)
    stored_and_refilled = 300 * CAPACITY + CAPACITY * onset.service_s
    assert onset.served * UNITS_A_REQUEST == pytest.approx(stored_and_refilled, rel=0.05)
