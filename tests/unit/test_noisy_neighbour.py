"""Somebody who reads it all beside everyone else: demand, the job of each arm, and a store that is used up first."""

import random
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from harness.dynamodb.accesses import Connections
from harness.dynamodb.client import Response
from harness.errors import CannotMeasure
from harness.noisy_neighbour import ARMS, Neighbourhood, Neighbours, empty_stores
from harness.recorder import Observation
from harness.scenario import Slot, Ticket

# 200 flights of 256 bytes to two airports: 51,200 bytes, 6.25 blocks of 8 KB.
ITEMS = [
    {"tailnum": {"S": f"N{number:03}"}, "flight_key": {"S": "2013-01-01#1"}, "dest": {"S": ("MIA", "ATL")[number % 2]},
     "pad": {"S": "x" * 212}}
    for number in range(200)
]  # fmt: skip
HOOD = Neighbourhood(ITEMS, capacity_units=50, speed=10, service_s=8, reports=2)
THROTTLED = {"__type": "x#ProvisionedThroughputExceededException"}
SCANNED = {"Count": 200, "ScannedCount": 200, "ConsumedCapacity": {"TableName": "neighbours", "CapacityUnits": 6.5}}
Answer = tuple[int, dict[str, Any]]


class World:
    """A clock that only sleep moves, and a service that answers as the test says."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], Answer] = lambda *_: (200, SCANNED)) -> None:
        self.now_ns, self.answer, self.asked = 10**12, answer, list[tuple[float, str, dict[str, Any]]]()
        self.slot = Slot(0)
        context: Any = SimpleNamespace(
            clock_ns=lambda: self.now_ns,
            sleep_s=self.sleep,
            rng=lambda *names: random.Random("/".join(map(str, names))),
        )
        self.load = Neighbours(HOOD, context, lambda: Connections(lambda: self), pair=3)  # type: ignore[arg-type, return-value]

    def sleep(self, seconds: float) -> None:
        self.now_ns += int(seconds * 1e9)

    def call(self, operation: str, payload: dict[str, Any]) -> Response:
        self.asked.append(((self.now_ns - 10**12) / 1e9 * HOOD.speed, operation, payload))
        status, body = self.answer(operation, payload)
        return Response(status, orjson.dumps(body))

    def job(self, arm: str) -> Iterator[Ticket]:
        """The tickets of a job in one stream."""
        (_, job) = self.load.streams(arm)
        assert job.slots == 1
        return iter(job.tickets)

    def do(self, tickets: Iterator[Ticket]) -> list[Observation]:
        """All of them, each when it is due."""
        seen = []
        for ticket in tickets:
            if ticket.due_ns is not None:
                self.now_ns = max(self.now_ns, 10**12 + ticket.due_ns)
            seen.append(ticket.act(self.slot))
        return seen


def test_everyone_else_asks_for_half_of_what_is_provisioned_most_of_it_in_the_first_half() -> None:
    """50 units, 8 s: 65 % of 200 in the first 4 s, 35 % in the last 4; ten times as fast, 0.4 s of the wall each."""
    neighbours = list(World().load.streams("alone")[0].tickets)
    due_ms = [ticket.due_ns / 1e6 for ticket in neighbours if ticket.due_ns is not None]
    assert (sum(due < 400 for due in due_ms), sum(due >= 400 for due in due_ms), max(due_ms) < 800) == (130, 70, True)
    assert due_ms == sorted(due_ms)


def test_everyone_else_asks_for_the_same_in_every_arm_of_a_pair() -> None:
    """The same flights at the same moments, strongly consistent."""
    asked = []
    for arm in ARMS:
        world = World(lambda *_: (200, {"Item": ITEMS[0], "ConsumedCapacity": {"CapacityUnits": 1.0}}))
        seen = world.do(iter(world.load.streams(arm)[0].tickets))
        asked.append([payload["Key"] for _, _, payload in world.asked])
        assert {(one.read_units, one.items_returned, one.extra["role"]) for one in seen} == {(1.0, 1, "neighbour")}
        assert all(payload["ConsistentRead"] for _, _, payload in world.asked)
    assert all(keys == asked[0] for keys in asked)
    assert len({orjson.dumps(one) for one in asked[0]}) > 50


def test_alone_has_no_job() -> None:
    """Everyone else's stream, and nothing beside it."""
    assert len(World().load.streams("alone")) == 1


def test_a_scan_reads_it_all_as_often_as_it_reports() -> None:
    """Two Scans one after the other, at once; a row each, by the role of the report."""
    world = World()
    seen = world.do(world.job("scan"))
    assert [(at_s, operation) for at_s, operation, _ in world.asked] == [(0.0, "Scan")] * 2
    assert [(one.read_units, one.items_scanned, one.extra["role"]) for one in seen] == [(6.5, 200, "report")] * 2


def test_a_page_that_was_refused_is_asked_for_again_until_it_is_there() -> None:
    """Four refusals end the operation (botocore's standard), so a second one asks for the same page; then the next Scan."""
    refusals = iter([True] * 5)
    world = World(lambda *_: (400, THROTTLED) if next(refusals, False) else (200, SCANNED))
    rows = []
    for ticket in world.job("scan"):
        last = ticket.act(world.slot)
        rows += [tried.seen.outcome for tried in world.slot.earlier] + [last.outcome]
        world.slot.earlier.clear()
    assert rows == ["throttled"] * 5 + ["ok", "ok"]


def test_a_job_that_never_gets_through_gives_up() -> None:
    """After four times the trial's length: 32 s of the service's, 3.2 s of the wall's."""
    world = World(lambda *_: (400, THROTTLED))
    world.do(world.job("scan"))
    assert 32 <= world.asked[-1][0] < 60


def test_a_paced_scan_asks_for_small_pages_and_waits_until_each_is_paid_for() -> None:
    """A quarter of 50 units a second: pages of 4 units, 128 flights of 256 bytes, every 0.32 s; then it starts again."""

    def page(operation: str, payload: dict[str, Any]) -> Answer:
        more = {} if "ExclusiveStartKey" in payload else {"LastEvaluatedKey": {"tailnum": {"S": "N127"}}}
        return 200, {"Count": 128, "ScannedCount": 128, "ConsumedCapacity": {"CapacityUnits": 4.0}, **more}

    world = World(page)
    world.do(world.job("paced_scan"))
    assert [round(at_s, 6) for at_s, _, _ in world.asked] == [0.0, 0.32, 0.64, 0.96]
    assert {payload["Limit"] for _, _, payload in world.asked} == {4 * 8_192 // 256}
    assert ["ExclusiveStartKey" in payload for _, _, payload in world.asked] == [False, True, False, True]


def test_a_parallel_scan_off_peak_waits_for_the_quiet_half() -> None:
    """Two segments in streams of their own; the first page of each is due when the second 4 s begin."""
    world = World()
    _, *jobs = world.load.streams("parallel_scan_off_peak")
    for job in jobs:
        tickets = iter(job.tickets)
        first = next(tickets)
        assert first.due_ns == 400_000_000
        world.do(iter([first]))
        world.do(tickets)
    assert {(p["Segment"], p["TotalSegments"]) for _, _, p in world.asked} == {(0, 2), (1, 2)}
    assert all(at_s >= 4.0 for at_s, _, _ in world.asked)
    assert len(world.asked) == 4


def test_the_report_by_the_index_asks_for_every_airport() -> None:
    """Two reports of two airports; the units are the index's own."""
    told = {"CapacityUnits": 3.5, "GlobalSecondaryIndexes": {"by_dest": {"CapacityUnits": 3.5}}}
    world = World(lambda *_: (200, {"Count": 100, "ScannedCount": 100, "ConsumedCapacity": told}))
    seen = world.do(world.job("gsi_query"))
    asked = [p["ExpressionAttributeValues"][":airport"]["S"] for _, _, p in world.asked]
    assert (asked, {p["IndexName"] for _, _, p in world.asked}) == (["ATL", "MIA"] * 2, {"by_dest"})
    assert {(one.read_units, one.index_units) for one in seen} == {(3.5, 3.5)}


def test_what_was_saved_is_used_up_until_nothing_is_overdrawn() -> None:
    """Scans until one is refused, then the least read until one isn't; of the table, then of the index."""
    left = {"table": 3, "index": 2}
    refused = {"table": 2, "index": 1}

    def answer(operation: str, payload: dict[str, Any]) -> Answer:
        what = "index" if "IndexName" in payload else "table"
        if operation == "Scan":
            left[what] -= 1
            return (200, SCANNED) if left[what] >= 0 else (400, THROTTLED)
        refused[what] -= 1
        return (400, THROTTLED) if refused[what] >= 0 else (200, SCANNED)

    world = World(answer)
    empty_stores(world, {}, world.sleep)  # type: ignore[arg-type]
    assert [operation for _, operation, _ in world.asked] == ["Scan"] * 4 + ["GetItem"] * 3 + ["Scan"] * 3 + [
        "Query"
    ] * 2


def test_a_store_that_cant_be_used_up_says_so() -> None:
    """A table with far more than was asked for; and one that isn't there."""
    with pytest.raises(CannotMeasure, match="didn't use up what neighbours had saved"):
        empty_stores(World(), {}, lambda _: None)  # type: ignore[arg-type]
    gone = World(lambda *_: (400, {"__type": "x#ResourceNotFoundException", "message": "no such table"}))
    with pytest.raises(CannotMeasure, match="Scan of neighbours: ResourceNotFoundException: no such table"):
        empty_stores(gone, {}, lambda _: None)  # type: ignore[arg-type]
