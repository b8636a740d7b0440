"""The tables and requests of the comparison: the same bytes for every server."""

import json
import random
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.driving import load
from benchmarks.servers import Server
from harness import dataset
from harness.flights import serialised_items, table_definition

PLENTY = {"ReadCapacityUnits": 40_000, "WriteCapacityUnits": 40_000}
PARTITIONS, PER_PARTITION = 50, 100
SINGLE_ITEMS = 2_000
TINY_ITEMS = 30_000
PAYLOAD = "x" * 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One line of the table: what is asked, over how many connections, and which figure of it counts."""

    name: str
    title: str
    operation: str
    bodies: tuple[str, ...]
    connections: int
    figure: Literal["per_second", "p50_us"]
    goal: float | None


def _table(name: str, keys: dict[str, str], index: str | None = None) -> dict[str, Any]:
    attributes = keys if index is None else keys | {index: "S"}
    definition: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": t} for a, t in attributes.items()],
        "KeySchema": [
            {"AttributeName": a, "KeyType": role} for a, role in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        "ProvisionedThroughput": PLENTY,
    }  # fmt: skip
    if index is not None:
        definition["GlobalSecondaryIndexes"] = [
            {
                "IndexName": f"by_{index}",
                "KeySchema": [{"AttributeName": index, "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": PLENTY,
            }
        ]
    return definition


def flights_table(name: str, *, by_dest: bool = True) -> dict[str, Any]:
    """The flights' table with capacity that is never used up."""
    units = PLENTY["ReadCapacityUnits"]
    return table_definition(name, read_capacity_units=units, write_capacity_units=units, by_dest=by_dest)


def _dump(item: dict[str, Any]) -> bytes:
    return json.dumps(item).encode()


def prepare(server: Server, flights: list[bytes]) -> None:
    """Create the tables and load them."""
    create(server, _table("single", {"pk": "S"}))
    load(server, "single", [_dump({"pk": {"S": f"k{n:05d}"}, **_rest(n)}) for n in range(SINGLE_ITEMS)])
    create(server, _table("indexed", {"pk": "S"}, index="g"))
    create(server, _table("pairs", {"pk": "S", "sk": "S"}))
    pairs = [
        _dump({"pk": {"S": f"p{p:03d}"}, "sk": {"S": f"s{n:05d}"}, "payload": {"S": PAYLOAD}})
        for p in range(PARTITIONS)
        for n in range(PER_PARTITION)
    ]
    load(server, "pairs", pairs)
    create(server, _table("tiny", {"pk": "S", "sk": "S"}))
    tiny = [
        _dump({"pk": {"S": f"p{n % 97:03d}"}, "sk": {"S": f"s{n:05d}"}, "text": {"S": f"{n % 100:030d}"}})
        for n in range(TINY_ITEMS)
    ]
    load(server, "tiny", tiny)
    create(server, flights_table("flights"))
    load(server, "flights", flights)


def create(server: Server, definition: dict[str, Any]) -> None:
    """Create one table and wait for it."""
    server.call("CreateTable", definition)
    server.await_table(definition["TableName"])


def january() -> list[bytes]:
    """The flights of January, each as JSON."""
    return serialised_items(dataset.load([1]))


def _rest(n: int) -> dict[str, Any]:
    return {"n": {"N": str(n)}, "payload": {"S": PAYLOAD}}


def loads(rng: random.Random) -> list[Load]:
    """All lines; keys and values in a seeded order."""
    keys = [f"k{n:05d}" for n in range(SINGLE_ITEMS)]
    rng.shuffle(keys)
    gets = tuple(json.dumps({"TableName": "single", "Key": {"pk": {"S": key}}}) for key in keys)
    puts = tuple(
        json.dumps({"TableName": "single", "Item": {"pk": {"S": key}, **_rest(10_000 + n)}})
        for n, key in enumerate(keys * 2)
    )
    # A key comes back with another value of the index's key, so each write moves its entry.
    moves = tuple(
        json.dumps({"TableName": "indexed", "Item": {"pk": {"S": key}, "g": {"S": f"g{n % 501:04d}"}, **_rest(n)}})
        for n, key in enumerate(keys * 2)
    )
    queries = tuple(
        json.dumps(
            {
                "TableName": "pairs",
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": f"p{n:03d}"}},
            }
        )
        for n in rng.sample(range(PARTITIONS), PARTITIONS)
    )
    lines = [
        Load(name="get", title="GetItem, 430 B", operation="GetItem", bodies=gets, connections=20, figure="per_second", goal=3),
        Load(name="put", title="PutItem, 430 B", operation="PutItem", bodies=puts, connections=20, figure="per_second", goal=3),
        Load(name="put_gsi", title="PutItem, one GSI, entry moves", operation="PutItem", bodies=moves, connections=20, figure="per_second", goal=2),
        Load(name="query", title="Query, 100 items of 430 B", operation="Query", bodies=queries, connections=1, figure="p50_us", goal=5),
    ]  # fmt: skip
    scans = (
        ("scan", "Scan page of 1 MB, items of 430 B", "pairs", None, 8),
        ("scan_equal", "… filter =, 3 attributes, 430 B", "pairs", ("sk = :v", {"S": "s00050"}), 2),
        ("scan_range", "… filter <, 3 attributes, 430 B", "pairs", ("sk < :v", {"S": "s00002"}), 2),
        ("tiny_equal", "… filter =, 3 attributes, 45 B", "tiny", ("#f = :v", {"S": f"{7:030d}"}), 2),
        ("tiny_range", "… filter <, 3 attributes, 45 B", "tiny", ("#f < :v", {"S": f"{2:030d}"}), 2),
        ("flights", "Scan page of 1 MB, flights", "flights", None, None),
        ("flights_equal", "… filter =, flights of 19 attributes", "flights", ("dest = :v", {"S": "BOS"}), None),
        ("flights_range", "… filter >, flights of 19 attributes", "flights", ("distance > :v", {"N": "2500"}), None),
    )
    for name, title, table, condition, goal in scans:
        request: dict[str, Any] = {"TableName": table}
        if condition is not None:
            request |= {"FilterExpression": condition[0], "ExpressionAttributeValues": {":v": condition[1]}}
            if "#f" in condition[0]:
                request["ExpressionAttributeNames"] = {"#f": "text"}
        lines.append(
            Load(name=name, title=title, operation="Scan", bodies=(json.dumps(request),), connections=1, figure="p50_us", goal=goal)
        )  # fmt: skip
    return lines
