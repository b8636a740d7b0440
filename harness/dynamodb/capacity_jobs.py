"""The requests of capacity_modes: what each asks for, what it would consume, and what is noted of its answer.

A request that is asked again and again is serialised once.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from math import ceil
from typing import Any, Literal

import orjson

from harness.dynamodb import metering
from harness.dynamodb.attempts import DynamoAttempt
from harness.dynamodb.capacity_arms import SORT_KEY
from harness.observing import of_attempt
from harness.samples.schema import Observation

Load = Literal["read", "write"]
Item = dict[str, Any]
UNHEARD_OF = 10_000  # a delay that no flight has, min: whatever stands there, it is a change


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request and what it would consume of its table (an index's part comes on top)."""

    op: str
    load: Load
    payload: bytes
    units: float


def get(table: str, item: Item, partition_key: str = "tailnum") -> Job:
    """A strongly consistent GetItem: one unit for each 4 KB begun (A1)."""
    asked = {"Key": {name: item[name] for name in (partition_key, SORT_KEY)}, "ConsistentRead": True}
    return _job("GetItem", "read", table, asked, units=ceil(metering.item_size(item) / 4096))


def query(table: str, flights: Sequence[Item]) -> Job:
    """A strongly consistent Query of one aircraft: its flights summed, then rounded up to 4 KB once (A4)."""
    asked = {
        "KeyConditionExpression": "tailnum = :aircraft",
        "ExpressionAttributeValues": {":aircraft": flights[0]["tailnum"]},
        "ConsistentRead": True,
    }
    return _job("Query", "read", table, asked, units=ceil(sum(map(metering.item_size, flights)) / 4096))


def put(table: str, item: Item) -> Job:
    """A PutItem over the same item: one unit for each 1 KB begun (A2, A10); an index entry, where there is one, another."""
    return _job("PutItem", "write", table, {"Item": item}, units=_write_units(item))


def change(table: str, item: Item, delay: str) -> Job:
    """An UpdateItem of the arrival's delay: consumes as a PutItem of the whole item (A10)."""
    asked = {
        "Key": {name: item[name] for name in ("tailnum", SORT_KEY)},
        "UpdateExpression": "SET arr_delay = :delay",
        "ExpressionAttributeValues": {":delay": {"N": delay}},
    }
    return _job("UpdateItem", "write", table, asked, units=_write_units(item))


def reads(table: str, flights: Mapping[str, Sequence[Item]], rng: random.Random) -> Iterator[Job]:
    """Endless: a Query of all flights of an aircraft and a GetItem of one of them, in turn."""
    asked = [(query(table, flights[name]), [get(table, item) for item in flights[name]]) for name in sorted(flights)]
    for number in count():
        whole, singles = rng.choice(asked)
        one = rng.choice(singles)
        yield one if number % 2 else whole


def writes(table: str, flights: Mapping[str, Sequence[Item]], rng: random.Random) -> Iterator[Job]:
    """Endless PutItems over flights that are there: every item as likely as its aircraft and then itself."""
    asked = [[put(table, item) for item in flights[name]] for name in sorted(flights)]
    while True:
        yield rng.choice(rng.choice(asked))


def touching_writes(table: str, flights: Mapping[str, Sequence[Item]], rng: random.Random) -> Iterator[Job]:
    """Endless: PutItem and UpdateItem in turn, each of which changes a delay, and so the index's entry (A12)."""
    items = [item for name in sorted(flights) for item in flights[name]]
    for number in count():
        item, delay = rng.choice(items), str(UNHEARD_OF + number)
        yield change(table, item, delay) if number % 2 else put(table, item | {"arr_delay": {"N": delay}})


def skewed(table: str, items: Sequence[Item], weights: Sequence[int], load: Load, rng: random.Random) -> Iterator[Job]:
    """Endless requests of single items by destination, each as often as its weight says."""
    asked = [get(table, item, "dest") if load == "read" else put(table, item) for item in items]
    bounds = list(accumulate(weights))
    while True:
        yield from rng.choices(asked, cum_weights=bounds, k=64)


def observe(job: Job, attempt: DynamoAttempt) -> Observation:
    """One attempt as a sample: all that the service says it consumed, and the index's part of it."""
    extra = {"kind": job.load, "demand_units": job.units}
    return of_attempt(attempt, extra, wrote=job.load == "write")


def _job(op: str, load: Load, table: str, asked: dict[str, Any], *, units: float) -> Job:
    payload = {"TableName": table, "ReturnConsumedCapacity": "INDEXES"} | asked
    return Job(op=op, load=load, payload=orjson.dumps(payload), units=units)


def _write_units(item: Item) -> int:
    return ceil(metering.item_size(item) / 1024)
