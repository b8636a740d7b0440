"""The tables of the DynamoDB arm, their indexes, and their items.

Flights lie under their aircraft, in the order of their keys. Each item has, beside the flight, what is asked for of its airline,
its plane and its weather: DynamoDB joins nothing. An index has no more attributes than a pattern wants of it, so what is written
elsewhere costs it nothing (A12). Planes are a table of their own, read where a flight moves to another one.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from harness.dynamodb.answers import Item
from harness.flights import NUMBER_ATTRIBUTES, TEXT_ATTRIBUTES, FlightIndex, serialised, table_definition
from harness.stores_compared.sql.ddl import flight_rows
from harness.stores_compared.tables import Tables

# Of the plane, on a flight's item and in the table of planes; the others beside a flight are the airline's and the weather's.
PLANE_TEXTS, PLANE_NUMBERS = ("manufacturer", "model"), ("seats",)
PLANE = (*PLANE_TEXTS, *PLANE_NUMBERS)
WITH_ALL = ("airline", *PLANE, "temp", "wind_speed")

BY_FLIGHT = FlightIndex(
    name="by_flight", key=("flight_key", "tailnum"),
    projected=("carrier", "origin", "dest", "dep_delay", "arr_delay", *WITH_ALL),
)  # fmt: skip
BY_DEST = FlightIndex(name="by_dest", key=("dest", "flight_key"), projected=("carrier", "origin", "arr_delay"))
BY_MONTH = FlightIndex(name="by_month", key=("month", "carrier"), projected=("arr_delay",))
INDEXES = (BY_FLIGHT, BY_DEST, BY_MONTH)

_TEXTS = {**TEXT_ATTRIBUTES, "airline": "airline", **{name: name for name in PLANE_TEXTS}}
_NUMBERS = (*NUMBER_ATTRIBUTES, *PLANE_NUMBERS, "temp", "wind_speed")


class Names:
    """What the tables are called, behind the prefix of those that a run makes for itself."""

    def __init__(self, prefix: str) -> None:
        self.planes, self.widened, self.bulk = f"{prefix}compared_planes", f"{prefix}compared_widened", f"{prefix}compared_bulk"  # fmt: skip
        self._flights = f"{prefix}compared_"

    def flights(self, size: int) -> str:
        """The flights of a table of that size."""
        return f"{self._flights}{size}"


def flights_definition(name: str, capacity_units: int | None) -> dict[str, Any]:
    """CreateTable's payload of a table of flights; on demand where no capacity is given."""
    return table_definition(
        name, read_capacity_units=capacity_units, write_capacity_units=capacity_units, by_dest=False, indexes=INDEXES
    )


def planes_definition(name: str, capacity_units: int | None) -> dict[str, Any]:
    """CreateTable's payload of the planes."""
    billing: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    if capacity_units is not None:
        throughput = {"ReadCapacityUnits": capacity_units, "WriteCapacityUnits": capacity_units}
        billing = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": throughput}
    return {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "tailnum", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "tailnum", "KeyType": "HASH"}],
    } | billing


class Items:
    """The items of all tables, serialised once: a table of n flights has the first n."""

    def __init__(self, tables: Tables) -> None:
        rows = flight_rows(tables.data, tables.everything, flat=True)  # in the same order
        flights = tables.everything
        for name in WITH_ALL:
            flights = flights.append_column(name, rows[name])
        self.flights: Sequence[bytes] = serialised(flights, _TEXTS, _NUMBERS)
        self.planes: Sequence[bytes] = serialised(tables.data.planes, _same(("tailnum", *PLANE_TEXTS)), PLANE_NUMBERS)
        self._everything = tables.everything

    def flight(self, flight_key: str) -> Item:
        """One flight as the data has it."""
        item: Item = orjson.loads(self.flights[self._places[flight_key]])
        return item

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {key: place for place, key in enumerate(self._everything["flight_key"].to_pylist())}


def _same(names: Sequence[str]) -> dict[str, str]:
    return {name: name for name in names}
