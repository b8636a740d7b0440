"""A stretch of a demand replayed against the twin as a server: real requests, open loop, on a clock that runs faster.

A request of the replay stands for many of the demand: a Query that counts takes 100 read units, a PutItem 50 write units, so
that some per wall second are enough. What is throttled, scaled and grown is the twin's own; a table of hours is followed by UpdateTable,
auto scaling is set up by Application Auto Scaling's API.
"""

import contextlib
import heapq
import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import boto3
import numpy as np

from harness.arrivals import replay
from harness.dynamodb.client import DynamoClient, outcome
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import Autoscaled, Demand, OnDemand, Scheduled, Setting, Units
from harness.dynamodb.planner.starting import first_capacity, hour_capacity
from harness.errors import CannotMeasure
from harness.local.processes import Warden
from harness.local.twin import TwinServer

TABLE = "flights"
REQUEST_UNITS: dict[Kind, int] = {"read": 100, "write": 50}
BLOCK_BYTES: dict[Kind, int] = {"read": 4_096, "write": 1_024}
CONNECTIONS = 8
UPDATE_PATIENCE_S = 600
"""Service seconds in which a table of hours must have been followed."""
MINUTE_NS = int(MINUTE_S * 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one replay under one setting saw; units by the minute are what its answers consumed, or were refused."""

    asked: dict[Kind, int]
    refused: dict[Kind, int]
    served_units: dict[Kind, Units]
    refused_units: dict[Kind, Units]
    counted_units: dict[Kind, float]
    """What the service itself counted."""
    reasons: dict[str, int]
    late_p99_s: float
    """How late requests were sent, in service seconds."""
    wall_s: float


def drive(demand: Demand, setting: Setting, speed: float) -> Trial:
    """A twin and a table of its own, then the demand. Raises CannotMeasure where anything but a throttle is refused.

    Partitions' limits (B1) are off: at this speed a stall of the machine would look like a burst of seconds.
    """
    with contextlib.closing(Warden.start()) as warden:
        server = TwinServer(warden, speed, partition_limits=False)
        server.start()
        with DynamoClient(server.url) as client:
            _prepare(client, demand, setting, speed)
        before = _counted(server.url)
        begin_s = _next_minute(server.url, speed)
        if isinstance(setting, Autoscaled):
            _scale(server.url, setting)
        trial = _replay(server.url, demand, setting, speed, begin_s)
        counted = {kind: units - before[kind] for kind, units in _counted(server.url).items()}
    return Trial(**trial, counted_units=counted)


def _prepare(client: DynamoClient, demand: Demand, setting: Setting, speed: float) -> None:
    """The table as it is when the demand begins, its store full, with an item to be read and one to be written."""
    shape: dict[str, Any] = {
        "TableName": TABLE,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    first = {kind: first_capacity(setting, kind, float(demand.of(kind)[0]), demand.start_s) for kind in KINDS}
    if isinstance(setting, OnDemand):
        shape["BillingMode"] = "PAY_PER_REQUEST"
    else:
        shape["ProvisionedThroughput"] = _throughput(first)
    _done(client, "CreateTable", shape)
    for kind in KINDS:
        _done(client, "PutItem", {"TableName": TABLE, "Item": _item(kind)})
    taken = sum(REQUEST_UNITS[kind] * BLOCK_BYTES[kind] // BLOCK_BYTES["write"] for kind in KINDS)
    time.sleep((taken / max(first["write"], 1) + MINUTE_S) / speed)


def _item(kind: Kind) -> dict[str, Any]:
    """An item of which one request takes the units of its kind."""
    pad = REQUEST_UNITS[kind] * BLOCK_BYTES[kind] - len("id") - len(kind) - len("pad")
    return {"id": {"S": kind}, "pad": {"S": "x" * pad}}


def _payload(kind: Kind) -> tuple[str, bytes]:
    """Operation and body. What a Query counts costs as much as what it sends (A5)."""
    request: dict[str, Any] = {"TableName": TABLE, "ReturnConsumedCapacity": "TOTAL"}
    if kind == "write":
        return "PutItem", json.dumps(request | {"Item": _item("write")}).encode()
    query = {
        "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "read"}},
        "ConsistentRead": True, "Select": "COUNT",
    }  # fmt: skip
    return "Query", json.dumps(request | query).encode()


def _scale(url: str, setting: Autoscaled) -> None:
    client: Any = boto3.client(
        "application-autoscaling", endpoint_url=url, region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
    )  # fmt: skip
    for name, policy in (("Read", setting.read), ("Write", setting.write)):
        place = {
            "ServiceNamespace": "dynamodb", "ResourceId": f"table/{TABLE}",
            "ScalableDimension": f"dynamodb:table:{name}CapacityUnits",
        }  # fmt: skip
        client.register_scalable_target(**place, MinCapacity=policy.minimum, MaxCapacity=policy.maximum)
        tracking = {
            "TargetValue": policy.target_percent,
            "PredefinedMetricSpecification": {"PredefinedMetricType": f"DynamoDB{name}CapacityUtilization"},
        }
        client.put_scaling_policy(
            **place, PolicyName=name, PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking
        )  # fmt: skip


def schedule(demand: Demand, speed: float) -> tuple[list[tuple[int, Kind]], dict[Kind, int]]:
    """When each request is due, in nanoseconds of the wall, and how many there are of each kind."""
    streams: list[list[tuple[int, Kind]]] = []
    numbers: dict[Kind, int] = {}
    for kind in KINDS:
        whole = np.floor(np.cumsum(demand.of(kind)) / REQUEST_UNITS[kind] + 1e-9).astype(int)
        counts = np.diff(whole, prepend=0).tolist()
        numbers[kind] = int(whole[-1])
        streams.append([(due_ns, kind) for due_ns in replay(counts, bin_ns=MINUTE_NS, speed=speed)])
    return list(heapq.merge(*streams)), numbers


@dataclass(slots=True)
class _Seen:
    """One attempt."""

    kind: Kind
    minute: int
    units: float
    reason: str | None
    late_s: float


def _replay(url: str, demand: Demand, setting: Setting, speed: float, begin_s: float) -> dict[str, Any]:
    due, numbers = schedule(demand, speed)
    turn, requests = threading.Lock(), iter(due)
    bodies = {kind: _payload(kind) for kind in KINDS}

    def connection() -> list[_Seen]:
        seen: list[_Seen] = []
        with DynamoClient(url) as client:
            while True:
                with turn:
                    request = next(requests, None)
                if request is None:
                    return seen
                due_s, kind = request[0] / 1e9, request[1]
                time.sleep(max(0.0, begin_s + due_s - time.monotonic()))
                late_s = (time.monotonic() - begin_s - due_s) * speed
                response = client.call(*bodies[kind])
                if outcome(response) == "error":
                    raise CannotMeasure(f"the twin refused {bodies[kind][0]}: {response.body}")
                served = response.status == 200
                units = response.body["ConsumedCapacity"]["CapacityUnits"] if served else REQUEST_UNITS[kind]
                reason = None if served else response.throttling_reason
                seen.append(_Seen(kind, int(due_s * speed // MINUTE_S), units, reason, late_s))

    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        hours = pool.submit(_follow, url, demand, setting, speed, begin_s)
        connections = [pool.submit(connection) for _ in range(CONNECTIONS)]
        seen = [one for done in connections for one in done.result()]
        hours.result()
    return _added_up(seen, numbers, demand.minutes) | {"wall_s": time.monotonic() - begin_s}


def _added_up(seen: Sequence[_Seen], numbers: dict[Kind, int], minutes: int) -> dict[str, Any]:
    served = {kind: np.zeros(minutes) for kind in KINDS}
    refused = {kind: np.zeros(minutes) for kind in KINDS}
    reasons: dict[str, int] = {}
    for one in seen:
        (served if one.reason is None else refused)[one.kind][min(one.minute, minutes - 1)] += one.units
        if one.reason is not None:
            reasons[one.reason] = reasons.get(one.reason, 0) + 1
    return {
        "asked": numbers, "served_units": served, "refused_units": refused, "reasons": reasons,
        "refused": {kind: sum(one.kind == kind and one.reason is not None for one in seen) for kind in KINDS},
        "late_p99_s": float(np.percentile([one.late_s for one in seen], 99)) if seen else 0.0,
    }  # fmt: skip


def _follow(url: str, demand: Demand, setting: Setting, speed: float, begin_s: float) -> None:
    """Set what a table of hours has for each hour that begins, when it begins."""
    if not isinstance(setting, Scheduled):
        return
    present = {kind: hour_capacity(setting, kind, demand.start_s) for kind in KINDS}
    with DynamoClient(url) as client:
        for at_s in _hours(demand):
            wanted = {kind: hour_capacity(setting, kind, at_s) for kind in KINDS}
            due_s = begin_s + (at_s - demand.start_s) / speed
            time.sleep(max(0.0, due_s - time.monotonic()))
            while wanted != present:
                request = {"TableName": TABLE, "ProvisionedThroughput": _throughput(wanted)}
                response = client.call("UpdateTable", request)
                if response.status == 200:
                    present = wanted
                elif time.monotonic() > due_s + UPDATE_PATIENCE_S / speed:
                    raise CannotMeasure(f"UpdateTable to {wanted} was refused for too long: {response.body}")


def _hours(demand: Demand) -> Iterator[int]:
    """Each second of UTC at which an hour begins within the demand."""
    first = -(-demand.start_s // 3_600) * 3_600
    yield from range(first, demand.start_s + demand.minutes * 60, 3_600)


def _throughput(units: dict[Kind, int]) -> dict[str, int]:
    return {f"{kind.capitalize()}CapacityUnits": units[kind] for kind in KINDS}


def _next_minute(url: str, speed: float) -> float:
    """The monotonic second at which the twin's next clock minute but one begins: auto scaling goes by them."""
    asked_s = time.monotonic()
    state = _state(url)
    now_s = (asked_s + time.monotonic()) / 2
    wait_s = MINUTE_S * (state["now_s"] // MINUTE_S + 2) - state["now_s"]
    return float(now_s + wait_s / speed)


def _counted(url: str) -> dict[Kind, float]:
    meters = _state(url)["tables"][TABLE]["meters"]["table"]
    return {kind: float(meters[kind]["consumed_units"]) for kind in KINDS}


def _state(url: str) -> dict[str, Any]:
    with contextlib.closing(urlopen(f"{url}/_twin/", timeout=10)) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def _done(client: DynamoClient, operation: str, request: dict[str, Any]) -> None:
    response = client.call(operation, request)
    if response.status != 200:
        raise CannotMeasure(f"the twin refused {operation}: {response.body}")
