"""The flights as DynamoDB keeps them: items, keys and the table's definition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from harness.dataset import Dataset
from harness.dynamodb import metering

TABLE = "flights"
KEY = ("tailnum", "flight_key")
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


def serialised_items(dataset: Dataset, limit: int | None = None, *, places: Sequence[int] | None = None) -> list[bytes]:
    """One JSON object a flight, as BatchWriteItem takes it, in the data's order; at most ``limit``, or those at ``places``.

    Partition key ``tailnum``, sort key ``flight_key``. What the data lacks is left out of the item. Whole
    columns are joined at once.
    """
    flights = dataset.flights.slice(0, limit) if places is None else dataset.flights.take(pa.array(places, pa.int64()))
    return serialised(flights, TEXT_ATTRIBUTES, NUMBER_ATTRIBUTES)


def serialised(rows: pa.Table, texts: Mapping[str, str], numbers: Sequence[str]) -> list[bytes]:
    """One JSON object a row: ``texts`` maps attributes to columns, ``numbers`` are attributes and columns of one name.

    Nothing is escaped: neither keys and codes nor names of airlines and planes hold what would have to be.
    """
    members = [_members(name, "S", rows[column]) for name, column in texts.items()]
    members += [_members(name, "N", rows[name].cast(pa.string())) for name in numbers]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FlightIndex:
    """An index of the flights: ``projected`` beside its keys and the table's, or all attributes where None.

    A local one has the table's partition key and draws on the table's capacity; a global one has its own (A8, A12).
    """

    name: str
    key: tuple[str, str]
    projected: tuple[str, ...] | None = None
    local: bool = False

    def entry(self, item: dict[str, Any]) -> dict[str, Any]:
        """What the index keeps of an item."""
        if self.projected is None:
            return item
        return {name: item[name] for name in (*KEY, *self.key, *self.projected) if name in item}

    def definition(self, throughput: dict[str, Any]) -> dict[str, Any]:
        """A member of CreateTable's payload; ``throughput`` is a provisioned table's, empty on demand."""
        projection: dict[str, Any] = {"ProjectionType": "ALL"}
        if self.projected is not None:
            projection = {"ProjectionType": "KEYS_ONLY"}
        if self.projected:
            projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(self.projected)}
        made = {"IndexName": self.name, "KeySchema": _key_schema(self.key), "Projection": projection}
        return made if self.local else made | throughput


DELAYS = ("dep_delay", "arr_delay")
BY_DEST = FlightIndex(name="by_dest", key=("dest", "flight_key"))
BY_DEST_INCLUDE = FlightIndex(name="by_dest_include", key=("dest", "flight_key"), projected=DELAYS)
BY_DEST_KEYS = FlightIndex(name="by_dest_keys", key=("dest", "flight_key"), projected=())
LOCAL_INCLUDE = FlightIndex(name="to_dest_include", key=("tailnum", "dest"), projected=DELAYS, local=True)
LOCAL_KEYS = FlightIndex(name="to_dest_keys", key=("tailnum", "dest"), projected=(), local=True)


def key(item: dict[str, Any]) -> dict[str, Any]:
    """The primary key of an item, as GetItem and DeleteItem take it."""
    return {name: item[name] for name in KEY}


def narrow(item: dict[str, Any]) -> dict[str, Any]:
    """The least of a flight that answers what is asked: its key, where to, and its delays."""
    return {name: item[name] for name in (*KEY, "dest", *DELAYS) if name in item}


def padded(item: dict[str, Any], size_bytes: int) -> dict[str, Any]:
    """The flight brought to that size by an attribute ``pad``; raises ValueError where it is larger without."""
    room = size_bytes - metering.item_size(item) - len("pad")
    if room < 0:
        raise ValueError(f"expected at least {size_bytes - room} bytes for this flight, found {size_bytes}")
    return item | {"pad": {"S": "x" * room}}


ItemSize = Literal["narrow", "as_is"] | int


def resized(item: dict[str, Any], size: ItemSize) -> dict[str, Any]:
    """The flight narrow, as it is, or padded to so many bytes."""
    match size:
        case "as_is":
            return item
        case "narrow":
            return narrow(item)
        case _:
            return padded(item, size)


def table_definition(
    name: str = TABLE,
    *,
    read_capacity_units: int | None = None,
    write_capacity_units: int | None = None,
    by_dest: bool = True,
    indexes: Sequence[FlightIndex] = (),
) -> dict[str, Any]:
    """CreateTable's payload: provisioned with both capacities, its global indexes with the same, else on demand.

    ``by_dest`` false leaves out the index of that name (partition key ``dest``, sort key ``flight_key``, all
    attributes); ``indexes`` come beside it.
    """
    if (read_capacity_units is None) != (write_capacity_units is None):
        raise ValueError("give both capacities for a provisioned table, none for an on-demand one")
    billing: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    throughput: dict[str, Any] = {}
    if read_capacity_units is not None:
        capacity = {"ReadCapacityUnits": read_capacity_units, "WriteCapacityUnits": write_capacity_units}
        throughput = {"ProvisionedThroughput": capacity}
        billing = {"BillingMode": "PROVISIONED"} | throughput
    indexes = (*((BY_DEST,) if by_dest else ()), *indexes)
    keys = dict.fromkeys((*KEY, *(name for index in indexes for name in index.key)))
    definition = {
        "TableName": name,
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "N" if name in NUMBER_ATTRIBUTES else "S"} for name in keys
        ],
        "KeySchema": _key_schema(KEY),
    } | billing
    for kind, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True)):
        if made := [index.definition(throughput) for index in indexes if index.local is local]:
            definition[kind] = made
    return definition


def _key_schema(names: tuple[str, str]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=True)]
