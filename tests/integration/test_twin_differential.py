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
from emulator_wire import create, sender
from normalised import Send, data_only, outcome
from random_requests import KEYS, Requests, tables

from harness.local.processes import Warden
from tools.emulators import HOST, start_dynalite, start_moto

ITEMS = ("PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem", "BatchGetItem")
TRANSACTIONS = ("TransactWriteItems", "TransactGetItems")
INDEXES = ("by_g", "by_g_keys", "by_n")
MOST_SHOWN = 5


@pytest.fixture(scope="module")
def emulators() -> Iterator[Warden]:
    keeper = Warden.start()
    yield keeper
    keeper.close()


@pytest.fixture(scope="module")
def dynalite(emulators: Warden) -> Send:
    return sender(f"http://{HOST}:{start_dynalite(emulators)}")


@pytest.fixture(scope="module")
def moto(emulators: Warden) -> Send:
    return sender(f"http://{HOST}:{start_moto(emulators)}")


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
    for send in (twin, other):
        for _, definition in tables(local_index=True):
            create(send, definition)
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
    found = _unexplained(requests.take(1500), twin, dynalite, DYNALITE, metered=True)
    assert not found, f"seed {seed}: {len(found)} differ\n" + "\n".join(found[:MOST_SHOWN])


def test_the_twin_answers_like_moto(twin: Send, moto: Send) -> None:
    """1,000 right requests, transactions among them: the same items, counts and kinds of refusal."""
    requests = Requests(4, operations=(*ITEMS, *TRANSACTIONS), indexes=INDEXES, wrong_share=0, plain=True, simple=True)
    found = _unexplained(requests.take(1000), twin, moto, MOTO, metered=False)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:MOST_SHOWN])
