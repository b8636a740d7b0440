"""The lean client against the twin: a thousand flights in, the same thousand out."""

import subprocess
import sys

import pytest

from harness import dataset
from harness.dynamodb.answers import bulk_load, consumed_units, query_all, scan_all, whole
from harness.dynamodb.client import DynamoClient, outcome
from harness.flights import flight_items, key, serialised_items, table_definition
from harness.local.services import LocalServices
from harness.services import Needs

FLIGHTS = 1000


@pytest.fixture(scope="module")
def january():
    return dataset.load((1,))


@pytest.fixture(scope="module")
def items(january):
    return list(flight_items(january, FLIGHTS))


@pytest.fixture(scope="module")
def url():
    services = LocalServices.up(Needs(dynamodb=True))
    yield services.dynamodb_url
    services.close()


@pytest.fixture(scope="module")
def client(url, january):
    with DynamoClient(url) as client:
        assert outcome(client.call("CreateTable", table_definition("thousand"))) == "ok"
        loaded = bulk_load(lambda: DynamoClient(url), "thousand", serialised_items(january, FLIGHTS))
        assert loaded == FLIGHTS
        yield client
        assert outcome(client.call("DeleteTable", {"TableName": "thousand"})) == "ok"


def by_key(items):
    return sorted(items, key=lambda item: (item["tailnum"]["S"], item["flight_key"]["S"]))


def query(**conditions):
    name, value = conditions.popitem()
    return {
        "TableName": "thousand",
        "KeyConditionExpression": f"{name} = :value",
        "ExpressionAttributeValues": {":value": {"S": value}},
    } | ({"IndexName": "by_dest"} if name == "dest" else {})


def test_a_scan_gives_back_what_was_loaded(client, items):
    """Every item, attribute by attribute, and nothing else."""
    answer = scan_all(client, {"TableName": "thousand"}, keep=whole)
    assert by_key(answer.items) == by_key(items)
    assert (answer.outcome, answer.items_returned, answer.items_scanned) == ("ok", FLIGHTS, FLIGHTS)
    assert answer.read_units > 0


def test_pages_of_any_size_make_the_same_answer(client, items):
    """With a Limit of 64 the scan takes 16 pages and still misses or repeats nothing."""
    answer = scan_all(client, {"TableName": "thousand", "Limit": 64}, keep=whole)
    assert by_key(answer.items) == by_key(items)
    assert answer.pages == 16


def test_a_query_gives_one_aircrafts_flights_in_order(client, items):
    """The busiest aircraft's flights by scheduled time; a Scan with a filter finds the same."""
    tails = [item["tailnum"]["S"] for item in items]
    busiest = max(set(tails), key=tails.count)
    expected = [item for item in by_key(items) if item["tailnum"]["S"] == busiest]
    answer = query_all(client, query(tailnum=busiest), keep=whole)
    assert list(answer.items) == expected
    assert answer.index_units is None
    filtered = query(tailnum=busiest)
    filtered["FilterExpression"] = filtered.pop("KeyConditionExpression")
    scan = scan_all(client, filtered, keep=whole)
    assert by_key(scan.items) == expected
    assert (scan.items_scanned, scan.read_units > answer.read_units) == (FLIGHTS, True)


def test_the_index_gives_one_airports_flights(client, items):
    """All flights to Atlanta from the index by_dest, its units counted as the index's own."""
    expected = sorted((item for item in items if item["dest"]["S"] == "ATL"), key=lambda item: item["flight_key"]["S"])
    answer = query_all(client, query(dest="ATL"), keep=whole)
    assert sorted(answer.items, key=lambda item: item["flight_key"]["S"]) == expected
    assert answer.index_units == answer.read_units > 0


def test_one_item_is_read_and_written(client, items):
    """GetItem finds what was loaded for half a unit; PutItem and DeleteItem do what they say."""
    known = {"TableName": "thousand", "Key": key(items[0]), "ReturnConsumedCapacity": "TOTAL"}
    response = client.call("GetItem", known)
    assert response.body["Item"] == items[0]
    assert consumed_units(response.body) == (0.5, None)
    new = items[0] | {"tailnum": {"S": "N00000"}}
    where = {"TableName": "thousand", "Key": key(new)}
    assert outcome(client.call("PutItem", {"TableName": "thousand", "Item": new})) == "ok"
    assert client.call("GetItem", where).body["Item"] == new
    assert outcome(client.call("DeleteItem", where)) == "ok"
    assert "Item" not in client.call("GetItem", where).body


def test_a_refusal_is_an_answer(client):
    """A table that isn't there is an error by AWS's name, and the connection goes on."""
    response = client.call("GetItem", {"TableName": "nowhere", "Key": {"k": {"S": "1"}}})
    assert (response.status, response.error_code, outcome(response)) == (
        400,
        "ResourceNotFoundException",
        "error",
    )
    assert outcome(client.call("ListTables", {})) == "ok"


PATCHED = """
from gevent import monkey; monkey.patch_all()
import sys
from harness import dataset
from harness.dynamodb.answers import bulk_load, scan_all
from harness.dynamodb.client import DynamoClient
from harness.flights import serialised_items, table_definition
def client(): return DynamoClient(sys.argv[1])
with client() as one:
    one.call("CreateTable", table_definition("patched"))
    print(bulk_load(client, "patched", serialised_items(dataset.load((1,)), 1000), concurrency=8))
    print(scan_all(one, {"TableName": "patched"}).items_returned)
"""


def test_a_table_is_loaded_by_greenlets_where_gevent_patched(url):
    """The same load in a patched process: eight greenlets instead of eight threads."""
    command = [sys.executable, "-c", PATCHED, url]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (said.stdout, said.stderr) == ("1000\n1000\n", "")
