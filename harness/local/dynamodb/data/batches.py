"""BatchWriteItem and BatchGetItem: rounded per item; what is throttled comes back unprocessed, unless it is all (A3)."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import orjson

from harness.dynamodb.metering import read_units
from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.asked import projection_of
from harness.local.dynamodb.data.consumed import Consumed, wanted
from harness.local.dynamodb.data.items import collection_metrics
from harness.local.dynamodb.data.keys import located
from harness.local.dynamodb.data.storage import Entry, Place
from harness.local.dynamodb.data.work import Work
from harness.local.dynamodb.data.writing import Write, delete_of, perform, put_of
from harness.local.dynamodb.errors import ServiceError, validation
from harness.local.dynamodb.expressions.paths import Selection, project
from harness.local.dynamodb.members import fault, refusal
from harness.local.dynamodb.tables.tables import Table, Tables

A_TURN_BYTES = 256 * 1024  # of items checked before others may have a turn
_Asked = tuple[str, dict[str, Any], Write]  # the table's name as asked, the request, the checked write
MAX_WRITES, MAX_READS, MAX_READ_BYTES = 25, 100, 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a BatchGetItem asks of one table."""

    name: str
    table: Table
    request: dict[str, Any]
    selection: Selection | None
    places: list[Place]


class Batches:
    """The batch operations over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def write(self, request: dict[str, Any], now_s: float) -> Work:
        """BatchWriteItem: all is checked before the first write."""
        how, writes = wanted(request), (yield from self._writes(request["RequestItems"]))
        unprocessed: dict[str, list[Any]] = {}
        consumed: dict[str, Consumed] = {}
        metrics: dict[str, list[Any]] = {}
        refusal: ServiceError | None = None
        done = 0
        for name, raw, write in writes:
            total = consumed.get(name)
            if total is None:
                total = consumed[name] = Consumed(write.table, "write")
            try:
                planned = perform(write, now_s)
            except ServiceError as error:
                refusal = error
                unprocessed.setdefault(name, []).append(raw)
                continue
            total.include(planned.consumed)
            done += 1
            if "ReturnItemCollectionMetrics" in request and (found := collection_metrics(planned)):
                metrics.setdefault(name, []).append(found)
        if refusal is not None and not done:
            raise refusal
        answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
        if request.get("ReturnItemCollectionMetrics") == "SIZE":
            answer["ItemCollectionMetrics"] = metrics
        if how != "NONE":
            answer["ConsumedCapacity"] = [total.told(how) for total in consumed.values()]
        return answer

    def get(self, request: dict[str, Any], now_s: float) -> Work:
        """BatchGetItem: all is checked before the first read; what goes beyond 16 MB comes back unprocessed."""
        how, parts = wanted(request), self._parts(request["RequestItems"])
        responses: dict[str, Any] = {}
        unread: dict[str, Any] = {}
        told: list[dict[str, Any]] = []
        room, served = MAX_READ_BYTES, 0
        refusal: ServiceError | None = None
        for part in parts:
            yield
            total = Consumed(part.table, "read")
            items: list[Any] = []
            unprocessed: list[Any] = []
            for raw, place in zip(part.request["Keys"], part.places, strict=True):
                entry = part.table.items.get(*place)
                fits = entry is None or entry.size <= room
                try:
                    if fits:
                        _meter(part, place, entry, now_s, total)
                except ServiceError as error:
                    refusal, fits = error, False
                if not fits:
                    unprocessed.append(raw)
                    continue
                served += 1
                if entry is not None:
                    room -= entry.size
                    items.append(_shown(entry, part.selection))
            responses[part.name] = items
            if unprocessed:
                unread[part.name] = {**part.request, "Keys": unprocessed}
            told.append(total.told(how))
        if refusal is not None and not served:
            raise refusal
        answer = {"Responses": responses, "UnprocessedKeys": unread}
        return answer if how == "NONE" else {**answer, "ConsumedCapacity": told}

    def _writes(self, asked: dict[str, list[dict[str, Any]]]) -> Generator[None, None, list[_Asked]]:
        """Each write of a batch, checked; others may have a turn after every large part of it."""
        if not asked:
            raise validation("The requestItems parameter is required for BatchWriteItem")
        for name, raws in asked.items():
            if not 1 <= len(raws) <= MAX_WRITES:
                says = (
                    f"Map value must satisfy constraint: [Member must have length less than or equal to {MAX_WRITES}, "
                    "Member must have length greater than or equal to 1]"
                )
                raise refusal(iter([fault(f"{{{name}=[{len(raws)} requests]}}", "requestItems", says)]))
        if sum(map(len, asked.values())) > MAX_WRITES:
            raise validation("Too many items requested for the BatchWriteItem call")
        writes: list[_Asked] = []
        size = 0
        for name, raws in asked.items():
            table = self._tables.find({"TableName": name})
            for raw in raws:
                if len(raw) != 1:
                    raise validation(
                        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
                        "supported datatypes: a write is either a PutRequest or a DeleteRequest"
                    )
                put = raw.get("PutRequest")
                write = (
                    put_of(table, *values.measured(put["Item"]))
                    if put
                    else delete_of(table, values.item(raw["DeleteRequest"]["Key"]))
                )
                writes.append((name, raw, write))
                size += write.size
                if size > A_TURN_BYTES:
                    size = 0
                    yield
        if len({(id(one.table), one.place) for _, _, one in writes}) != len(writes):
            raise validation("Provided list of item keys contains duplicates")
        return writes

    def _parts(self, asked: dict[str, dict[str, Any]]) -> list[_Part]:
        if not asked:
            raise validation("The requestItems parameter is required for BatchGetItem")
        for name, request in asked.items():
            if not 1 <= len(request["Keys"]) <= MAX_READS:
                bound = f"less than or equal to {MAX_READS}" if request["Keys"] else "greater than or equal to 1"
                raise validation(
                    f"1 validation error detected: Value at 'RequestItems.{name}.member.Keys' failed to satisfy "
                    f"constraint: Member must have length {bound}"
                )
        if sum(len(request["Keys"]) for request in asked.values()) > MAX_READS:
            raise validation("Too many items requested for the BatchGetItem call")
        return list(map(self._part, asked, asked.values()))

    def _part(self, name: str, request: dict[str, Any]) -> _Part:
        keys, selection = [values.item(raw) for raw in request["Keys"]], projection_of(request)
        table = self._tables.find({"TableName": name})
        places = [located(table.schema, key) for key in keys]
        if len(set(places)) != len(places):
            raise validation("Provided list of item keys contains duplicates")
        return _Part(name=name, table=table, request=request, selection=selection, places=places)


def _meter(part: _Part, place: Place, entry: Entry | None, now_s: float, total: Consumed) -> None:
    """Admit and account one item of a batch; raises its table's throttling error."""
    units = read_units(entry.size if entry else 0, "strong" if part.request.get("ConsistentRead") else "eventual")
    part.table.meter.take("read", units, now_s, part.table.items.hash_of(place[0]))
    total.units += units


def _shown(entry: Entry, selection: Selection | None) -> Any:
    return orjson.Fragment(entry.raw) if selection is None else project(entry.parsed(), selection)
