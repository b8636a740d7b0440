"""The same seeded requests to the twin and to dynalite, and to the twin and to moto: the same answers, but for what is known.

dynalite is held against in everything: items, order, pages, units, errors and their messages. moto counts units as
constants, so against it only items, counts and the names of errors count. What they answer otherwise than the service is
listed in differences.py, by the names under which docs/emulators.md says who is right and why; anything else is a defect.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from differences import DYNALITE, MOTO, Difference, explain
from emulator_wire import await_active, create, sender
from normalised import Send, data_only, outcome
from random_requests import CAPACITY, KEYS, TYPES, Requests, tables

ITEMS = ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem", "BatchGetItem")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
TRANSACTIONS = ("TransactWriteItems", "TransactGetItems")
INDEXES = ("by_g", "by_g_keys", "by_n")
MOST_SHOWN = 5


@pytest.fixture
def twin(twin_url: str) -> Iterator[Send]:
    send = sender(twin_url)
    yield send
    for table in KEYS:
        send("DeleteTable", {"TableName": table})


def _unexplained(
    requests: Iterator[tuple[str, dict[str, Any]]],
    twin: Send,
    other: Send,
    known: Sequence[Difference],
    *,
    metered: bool,
) -> list[str]:
    """Requests that the two answer otherwise, each with both answers."""
    found = []
    for operation, payload in requests:
        ours, theirs = outcome(twin, operation, payload), outcome(other, operation, payload)
        refused = ("error" in ours) != ("error" in theirs)
        (left, right), _ = explain(known, operation, payload, ours, theirs)
        if not metered:
            left, right = data_only(left), data_only(right)
        if left != right:
            found.append(f"{operation} {json.dumps(payload)}\n  twin:  {left}\n  other: {right}")
        if refused:
            _align(operation, payload, (twin, other))
    return found


def _create_tables(*servers: Send) -> None:
    for send in servers:
        for definition in tables():
            create(send, definition)


def _align(operation: str, payload: dict[str, Any], servers: tuple[Send, Send]) -> None:
    """After a write that only one of them did: the item goes from both, so that one difference isn't met again and again."""
    keys = KEYS.get(str(payload.get("TableName")))
    item = payload.get("Item") or payload.get("Key") or {}
    if operation in ("PutItem", "UpdateItem", "DeleteItem") and keys and set(keys) <= set(item):
        for send in servers:
            send("DeleteItem", {"TableName": payload["TableName"], "Key": {name: item[name] for name in keys}})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_twin_answers_like_dynalite(twin: Send, dynalite: Send, seed: int) -> None:
    """1,500 requests, a quarter of them wrong in one place: the same items, pages, units, errors and messages."""
    requests = Requests(seed, operations=ITEMS, indexes=INDEXES, wrong_share=0.25, plain=True)
    _create_tables(twin, dynalite)
    found = _unexplained(requests.take(1500), twin, dynalite, DYNALITE, metered=True)
    assert not found, f"seed {seed}: {len(found)} differ\n" + "\n".join(found[:MOST_SHOWN])


def test_the_twin_answers_like_moto(twin: Send, moto: Send) -> None:
    """1,000 right requests, transactions among them: the same items, counts and kinds of refusal."""
    requests = Requests(4, operations=(*ITEMS, *TRANSACTIONS), indexes=INDEXES, wrong_share=0, plain=True, simple=True)
    _create_tables(twin, moto)
    found = _unexplained(requests.take(1000), twin, moto, MOTO, metered=False)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:MOST_SHOWN])


def test_an_index_added_later_holds_what_motos_does(twin: Send, moto: Send) -> None:
    """After 300 writes an index is added and filled: the same entries; 150 writes more: still; dropped: both refuse it."""
    requests = Requests(5, operations=WRITES, indexes=(), wrong_share=0, plain=True, simple=True)
    _create_tables(twin, moto)
    assert not _unexplained(requests.take(300), twin, moto, MOTO, metered=False)
    added = {
        "IndexName": "by_number",
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["u"]},
        "ProvisionedThroughput": CAPACITY,
    }
    definitions = [{"AttributeName": name, "AttributeType": kind} for name, kind in TYPES.items()]
    for send in (twin, moto):
        _alter(send, {"AttributeDefinitions": definitions}, {"Create": added}, {"by_g", "by_g_keys", "by_number"})
    before = _entries(twin)
    assert before == _entries(moto)
    assert before["Count"] > 0

    assert not _unexplained(requests.take(150), twin, moto, MOTO, metered=False)
    after = _entries(twin)
    assert after == _entries(moto)
    assert after != before

    for send in (twin, moto):
        _alter(send, {}, {"Delete": {"IndexName": "by_number"}}, {"by_g", "by_g_keys"})
        assert _entries(send)["error"] == "ValidationException"


def _entries(send: Send) -> dict[str, Any]:
    """What a Scan of the added index finds."""
    return data_only(outcome(send, "Scan", {"TableName": "ranged", "IndexName": "by_number"}))


def _alter(send: Send, members: dict[str, Any], update: dict[str, Any], indexes: set[str]) -> None:
    """Change the table's indexes and wait until the change is done."""
    status, body = send("UpdateTable", {"TableName": "ranged", **members, "GlobalSecondaryIndexUpdates": [update]})
    assert status == 200, body
    await_active(send, "ranged", indexes)
