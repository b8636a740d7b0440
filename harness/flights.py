"""The flights as DynamoDB keeps them: items, keys and the table's definition."""

from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from harness.dataset import Dataset

TABLE = "flights"
INDEX = "by_dest"
# Attribute name in an item -> column of the dataset; text ones as S, all others as N.
TEXT_ATTRIBUTES = {
    "tailnum": "aircraft_key",
    "flight_key": "flight_key",
    "carrier": "carrier",
    "origin": "origin",
    "dest": "dest",
    "time_hour": "time_hour",
}
NUMBER_ATTRIBUTES = (
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "flight",
    "air_time",
    "distance",
    "hour",
    "minute",
)


def serialised_items(dataset: Dataset, limit: int | None = None) -> list[bytes]:
    """One JSON object a flight, as BatchWriteItem takes it, in the data's order; at most ``limit``.

    Partition key ``tailnum``, sort key ``flight_key``. What the data lacks is left out of the item. Whole
    columns are joined at once; nothing is escaped, since keys, codes and numbers hold nothing to escape.
    """
    flights = dataset.flights.slice(0, limit)
    members = [_members(name, "S", flights[column]) for name, column in TEXT_ATTRIBUTES.items()]
    members += [_members(name, "N", flights[name].cast(pa.string())) for name in NUMBER_ATTRIBUTES]
    joined = pc.binary_join_element_wise(*members, ",", null_handling="skip")
    objects = pc.binary_join_element_wise("{", joined, "}", "")
    items: list[bytes] = objects.cast(pa.binary()).to_pylist()
    return items


def flight_items(dataset: Dataset, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The items of :func:`serialised_items` as dictionaries."""
    return map(orjson.loads, serialised_items(dataset, limit))


def _members(name: str, kind: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """``"name":{"S":"value"}`` for each value, null where it is null."""
    return pc.binary_join_element_wise(f'"{name}":{{"{kind}":"', values, '"}', "")


def key(item: dict[str, Any]) -> dict[str, Any]:
    """The primary key of an item, as GetItem and DeleteItem take it."""
    return {"tailnum": item["tailnum"], "flight_key": item["flight_key"]}


def table_definition(
    name: str = TABLE,
    *,
    read_capacity_units: int | None = None,
    write_capacity_units: int | None = None,
    by_dest: bool = True,
) -> dict[str, Any]:
    """CreateTable's payload: provisioned with both capacities, the index with the same, else on demand.

    ``by_dest`` false leaves out the index (partition key ``dest``, sort key ``flight_key``, all attributes).
    """
    if (read_capacity_units is None) != (write_capacity_units is None):
        raise ValueError("give both capacities for a provisioned table, none for an on-demand one")
    billing: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    throughput: dict[str, Any] = {}
    if read_capacity_units is not None:
        capacity = {"ReadCapacityUnits": read_capacity_units, "WriteCapacityUnits": write_capacity_units}
        throughput = {"ProvisionedThroughput": capacity}
        billing = {"BillingMode": "PROVISIONED"} | throughput
    attributes = ["tailnum", "flight_key"] + (["dest"] if by_dest else [])
    definition = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        "KeySchema": _key_schema("tailnum"),
    } | billing
    if by_dest:
        index = {
            "IndexName": INDEX,
            "KeySchema": _key_schema("dest"),
            "Projection": {"ProjectionType": "ALL"},
        }
        definition["GlobalSecondaryIndexes"] = [index | throughput]
    return definition


def _key_schema(partition: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": "flight_key", "KeyType": "RANGE"},
    ]
