"""Whole answers and whole tables: paging through Query and Scan, loading with BatchWriteItem."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from harness.dynamodb.client import Client, Outcome, Response, outcome
from harness.errors import CannotMeasure

BATCH_ITEMS = 25  # A3
LOAD_ATTEMPTS = 12
LOAD_BACKOFF_S = 0.05
LOAD_BACKOFF_MOST_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question's answer, all pages together; ``pages`` counts round trips.

    Not ok: what came before the refusal is summed, and the answer is incomplete. ``index_units`` are the
    part of ``read_units`` that an index consumed, None where no index was read. ``items`` are kept only
    when asked for.
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
    items: tuple[dict[str, Any], ...] = ()


def consumed_units(body: dict[str, Any]) -> tuple[float | None, float | None]:
    """(all units, the indexes' part of them) that a single-table answer says it consumed (A14)."""
    consumed = body.get("ConsumedCapacity")
    if consumed is None:
        return None, None
    indexes = [
        index["CapacityUnits"]
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        for index in (consumed.get(kind) or {}).values()
    ]
    return consumed["CapacityUnits"], sum(indexes) if indexes else None


def query_all(client: Client, payload: dict[str, Any], *, keep_items: bool = False) -> Answer:
    """Query to the last page. Raises ConnectionTrouble like ``call``."""
    return _all_pages(client, "Query", payload, keep_items=keep_items)


def scan_all(client: Client, payload: dict[str, Any], *, keep_items: bool = False) -> Answer:
    """Scan to the last page. Raises ConnectionTrouble like ``call``."""
    return _all_pages(client, "Scan", payload, keep_items=keep_items)


def _all_pages(client: Client, operation: str, payload: dict[str, Any], *, keep_items: bool) -> Answer:
    request = {"ReturnConsumedCapacity": "INDEXES"} | payload
    read_units, index_units = 0.0, None
    pages = returned = scanned = size = 0
    items: list[dict[str, Any]] = []
    while True:
        response = client.call(operation, request)
        body = response.body
        pages += 1
        size += response.bytes_count
        if response.status != 200:
            break
        units, of_indexes = consumed_units(body)
        read_units += units or 0.0
        if of_indexes is not None:
            index_units = (index_units or 0.0) + of_indexes
        returned += body["Count"]
        scanned += body["ScannedCount"]
        if keep_items:
            items += body["Items"]
        if not (last_key := body.get("LastEvaluatedKey")):
            break
        request["ExclusiveStartKey"] = last_key
    return Answer(
        outcome=outcome(response),
        error_code=response.error_code,
        reason=response.throttling_reason,
        read_units=read_units,
        index_units=index_units,
        pages=pages,
        items_returned=returned,
        items_scanned=scanned,
        bytes_count=size,
        items=tuple(items),
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
