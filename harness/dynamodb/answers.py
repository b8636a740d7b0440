"""Whole answers and whole tables: paging through Query and Scan, getting many items, loading with BatchWriteItem."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from harness.dynamodb.client import Client, Outcome, Response, outcome
from harness.errors import CannotMeasure

BATCH_ITEMS, BATCH_KEYS = 25, 100  # A3
LOAD_ATTEMPTS = 12
LOAD_BACKOFF_S = 0.05
LOAD_BACKOFF_MOST_S = 2.0

Item = dict[str, Any]
Keep = Callable[[Item], Any]
"""What to keep of each item of an answer: page by page, so that a large one needs no more room than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question's answer, all pages together; ``pages`` counts round trips.

    Not ok: what came before the refusal is summed, and the answer is incomplete. ``index_units`` are the
    part of ``read_units`` that an index consumed, None where no index was read. ``items`` is what was to be kept of
    each item, in order; nothing unless asked for.
    """

    outcome: Outcome
    error_code: str | None
    reason: str | None
    read_units: float
    index_units: float | None
    pages: int
    items_returned: int
    items_scanned: int
    bytes_count: int
    items: tuple[Any, ...] = ()


def whole(item: Item) -> Item:
    """Keeps an item as it is."""
    return item


def together(answers: Iterable[Answer]) -> Answer:
    """The sum of several parts of an answer; the first that isn't ok says what became of the whole, and ends it.

    Raises ValueError where there is no part.
    """
    parts: list[Answer] = []
    for answer in answers:
        parts.append(answer)
        if answer.outcome != "ok":
            break
    if not parts:
        raise ValueError("expected at least one part of an answer")
    of_indexes = [part.index_units for part in parts if part.index_units is not None]
    return Answer(
        outcome=parts[-1].outcome,
        error_code=parts[-1].error_code,
        reason=parts[-1].reason,
        read_units=sum(part.read_units for part in parts),
        index_units=sum(of_indexes) if of_indexes else None,
        pages=sum(part.pages for part in parts),
        items_returned=sum(part.items_returned for part in parts),
        items_scanned=sum(part.items_scanned for part in parts),
        bytes_count=sum(part.bytes_count for part in parts),
        items=tuple(item for part in parts for item in part.items),
    )


def consumed_units(body: dict[str, Any]) -> tuple[float | None, float | None]:
    """(all units, the indexes' part of them) that a single-table answer says it consumed (A14)."""
    consumed = body.get("ConsumedCapacity")
    if consumed is None:
        return None, None
    if isinstance(consumed, list):  # a batch tells it by table
        (consumed,) = consumed
    indexes = [
        index["CapacityUnits"]
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for index in (consumed.get(kind) or {}).values()
    ]
    return consumed["CapacityUnits"], sum(indexes) if indexes else None


def query_all(client: Client, payload: dict[str, Any], *, keep: Keep | None = None) -> Answer:
    """Query to the last page. Raises ConnectionTrouble like ``call``."""
    return together(_pages(client, "Query", payload, keep=keep))


def scan_all(client: Client, payload: dict[str, Any], *, keep: Keep | None = None) -> Answer:
    """Scan to the last page. Raises ConnectionTrouble like ``call``."""
    return together(_pages(client, "Scan", payload, keep=keep))


def scan_in_parallel(clients: Sequence[Client], payload: dict[str, Any], *, keep: Keep | None = None) -> Answer:
    """Scan in as many segments as there are clients, each over its own, all at once (A17).

    Threads: greenlets where gevent patched them. Raises ConnectionTrouble when every segment has come to its end.
    """

    def segment(number: int) -> Answer:
        part = payload | {"Segment": number, "TotalSegments": len(clients)}
        return scan_all(clients[number], part, keep=keep)

    with ThreadPoolExecutor(max_workers=len(clients)) as pool:
        return together(pool.map(segment, range(len(clients))))


def get_each(
    client: Client, table: str, keys: Iterable[Item], *, strong: bool = False, keep: Keep | None = None
) -> Answer:
    """One GetItem a key, one after the other; a key without an item adds none. Raises ConnectionTrouble like ``call``."""

    def one(key: Item) -> Answer:
        response = client.call(
            "GetItem",
            {"TableName": table, "Key": key, "ConsistentRead": strong, "ReturnConsumedCapacity": "TOTAL"},
        )
        item = response.body.get("Item")
        return _part(response, [] if item is None else [item], keep=keep)

    return together(map(one, keys))


def batch_get_all(
    client: Client, table: str, keys: Iterable[Item], *, strong: bool = False, keep: Keep | None = None
) -> Answer:
    """BatchGetItem, 100 keys a request; what comes back unprocessed is asked for again at once (A3).

    Each request brings something, or is throttled as a whole, which ends the answer. Raises ConnectionTrouble
    like ``call``.
    """

    def batches() -> Iterator[Answer]:
        waiting = deque(keys)
        while waiting:
            asked = [waiting.popleft() for _ in range(min(BATCH_KEYS, len(waiting)))]
            response = client.call(
                "BatchGetItem",
                {
                    "RequestItems": {table: {"Keys": asked, "ConsistentRead": strong}},
                    "ReturnConsumedCapacity": "TOTAL",
                },
            )
            waiting.extendleft(response.body.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ()))
            yield _part(response, response.body.get("Responses", {}).get(table, []), keep=keep)

    return together(batches())


def _pages(client: Client, operation: str, payload: dict[str, Any], *, keep: Keep | None) -> Iterator[Answer]:
    request = {"ReturnConsumedCapacity": "INDEXES"} | payload
    while True:
        response = client.call(operation, request)
        yield _part(response, response.body.get("Items", ()), keep=keep)
        if not (last_key := response.body.get("LastEvaluatedKey")):
            return
        request["ExclusiveStartKey"] = last_key


def _part(response: Response, items: Sequence[Item], *, keep: Keep | None) -> Answer:
    """What one request brought; where the service doesn't count (Get), every item was evaluated and returned."""
    body = response.body
    units, of_indexes = consumed_units(body) if response.status == 200 else (None, None)
    return Answer(
        outcome=outcome(response),
        error_code=response.error_code,
        reason=response.throttling_reason,
        read_units=units or 0.0,
        index_units=of_indexes,
        pages=1,
        items_returned=body.get("Count", len(items)),
        items_scanned=body.get("ScannedCount", len(items)),
        bytes_count=response.bytes_count,
        items=tuple(map(keep, items)) if keep else (),
    )


def bulk_load(
    client_factory: Callable[[], Client],
    table: str,
    items: Iterable[dict[str, Any] | bytes],
    concurrency: int = 4,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Put all items, 25 a batch over ``concurrency`` connections; returns how many were written.

    Items are dictionaries or serialised JSON objects. Unprocessed items and throttled batches are sent
    again with growing pauses; raises CannotMeasure when the table still refuses after 12 attempts, or at
    any other refusal. Threads: greenlets where gevent patched them.
    """
    batches = _Shared(_batches(items))

    def worker() -> int:
        try:
            with client_factory() as client:
                return sum(_put_batch(client, table, batch, sleep) for batch in batches)
        except BaseException:
            batches.stop()
            raise

    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = [pool.submit(worker) for _ in range(concurrency)]
    return sum(future.result() for future in futures)


def _put_batch(client: Client, table: str, batch: list[dict[str, Any]], sleep: Callable[[float], None]) -> int:
    requests, pause_s = batch, LOAD_BACKOFF_S
    for _ in range(LOAD_ATTEMPTS):
        response = client.call("BatchWriteItem", orjson.dumps({"RequestItems": {table: requests}}))
        requests = _left_over(response, table, requests)
        if not requests:
            return len(batch)
        sleep(pause_s)
        pause_s = min(2 * pause_s, LOAD_BACKOFF_MOST_S)
    raise CannotMeasure(
        f"loading {table}: {len(requests)} items still refused after {LOAD_ATTEMPTS} attempts; "
        "load with more write capacity, or on demand"
    )


def _left_over(response: Response, table: str, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the answer leaves to be sent again: nothing, the unprocessed, or all when throttled whole (A3)."""
    match outcome(response):
        case "ok":
            unprocessed: dict[str, list[dict[str, Any]]] = response.body.get("UnprocessedItems") or {}
            return unprocessed.get(table, [])
        case "throttled":
            return requests
        case _:
            said = response.body.get("message") or response.body.get("Message") or f"HTTP {response.status}"
            raise CannotMeasure(f"loading {table}: {response.error_code}: {said}")


def _batches(items: Iterable[dict[str, Any] | bytes]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(items)
    while batch := [
        {"PutRequest": {"Item": orjson.Fragment(item) if isinstance(item, bytes) else item}}
        for item in islice(rest, BATCH_ITEMS)
    ]:
        yield batch


class _Shared(Iterator[list[dict[str, Any]]]):
    """One source of batches for several workers."""

    def __init__(self, source: Iterator[list[dict[str, Any]]]) -> None:
        self._source = source
        self._lock = threading.Lock()

    def __next__(self) -> list[dict[str, Any]]:
        with self._lock:
            return next(self._source)

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._lock:
            self._source = iter(())
