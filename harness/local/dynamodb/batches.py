"""BatchWriteItem and BatchGetItem: rounded per item; what is throttled comes back unprocessed, unless it is all (A3)."""

from dataclasses import dataclass
from typing import Any

import orjson

from harness.dynamodb.metering import read_units
from harness.local.dynamodb.consumed import Consumed, wanted
from harness.local.dynamodb.errors import ServiceError, validation
from harness.local.dynamodb.expressions import Selection, project
from harness.local.dynamodb.items import Write, apply, delete_of, place_of, projection_of, put_of
from harness.local.dynamodb.storage import Stored
from harness.local.dynamodb.tables import Table, Tables

MAX_WRITES, MAX_READS, MAX_READ_BYTES = 25, 100, 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a BatchGetItem asks of one table."""

    name: str
    table: Table
    request: dict[str, Any]
    selection: Selection | None
    places: list[Stored]


class Batches:
    """The batch operations over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def write(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """BatchWriteItem: all is checked before the first write."""
        how, writes = wanted(request), self._writes(request["RequestItems"])
        unprocessed: dict[str, list[Any]] = {}
        consumed: dict[str, Consumed] = {}
        refusal: ServiceError | None = None
        done = 0
        for name, raw, write in writes:
            total = consumed.setdefault(name, Consumed(write.table, "write"))
            try:
                apply(write, None, now_s, total)
                done += 1
            except ServiceError as error:
                refusal = error
                unprocessed.setdefault(name, []).append(raw)
        if refusal is not None and not done:
            raise refusal
        answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
        if how != "NONE":
            answer["ConsumedCapacity"] = [total.told(how) for total in consumed.values()]
        return answer

    def get(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """BatchGetItem: all is checked before the first read; what goes beyond 16 MB comes back unprocessed."""
        how, parts = wanted(request), self._parts(request["RequestItems"])
        answer: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {}}
        told: list[dict[str, Any]] = []
        room, served = MAX_READ_BYTES, 0
        refusal: ServiceError | None = None
        for part in parts:
            total = Consumed(part.table, "read")
            items: list[Any] = []
            unprocessed: list[Any] = []
            for raw, place in zip(part.request["Keys"], part.places, strict=True):
                entry = part.table.items.get(place.partition, place.order)
                fits = entry is None or entry.size <= room
                try:
                    if fits:
                        _meter(part, entry, now_s, total)
                except ServiceError as error:
                    refusal, fits = error, False
                if not fits:
                    unprocessed.append(raw)
                    continue
                served += 1
                if entry is not None:
                    room -= entry.size
                    items.append(_shown(entry, part.selection))
            answer["Responses"][part.name] = items
            if unprocessed:
                answer["UnprocessedKeys"][part.name] = {**part.request, "Keys": unprocessed}
            told.append(total.told(how))
        if refusal is not None and not served:
            raise refusal
        return answer if how == "NONE" else {**answer, "ConsumedCapacity": told}

    def _writes(self, asked: dict[str, list[dict[str, Any]]]) -> list[tuple[str, dict[str, Any], Write]]:
        """Each write of a batch: the table's name as asked, the request, the checked write."""
        if not asked or not all(asked.values()):
            raise validation("The batch write request list for a table cannot be null or empty")
        if sum(map(len, asked.values())) > MAX_WRITES:
            raise validation(f"Too many items requested for the BatchWriteItem call: at most {MAX_WRITES}")
        writes = []
        for name, raws in asked.items():
            table = self._tables.find({"TableName": name})
            for raw in raws:
                if set(raw) not in ({"PutRequest"}, {"DeleteRequest"}):
                    raise validation(
                        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
                        "supported datatypes: a write is either a PutRequest or a DeleteRequest"
                    )
                put = raw.get("PutRequest")
                write = put_of(table, put["Item"]) if put else delete_of(table, raw["DeleteRequest"]["Key"])
                writes.append((name, raw, write))
        if len({(id(one.table), one.entry.partition, one.entry.order) for _, _, one in writes}) != len(writes):
            raise validation("Provided list of item keys contains duplicates")
        return writes

    def _parts(self, asked: dict[str, dict[str, Any]]) -> list[_Part]:
        if not asked or not all(request["Keys"] for request in asked.values()):
            raise validation("The batch get request list for a table cannot be null or empty")
        if sum(len(request["Keys"]) for request in asked.values()) > MAX_READS:
            raise validation(f"Too many items requested for the BatchGetItem call: at most {MAX_READS}")
        parts = []
        for name, request in asked.items():
            table = self._tables.find({"TableName": name})
            places = [place_of(table, raw) for raw in request["Keys"]]
            if len({(place.partition, place.order) for place in places}) != len(places):
                raise validation("Provided list of item keys contains duplicates")
            parts.append(
                _Part(name=name, table=table, request=request, selection=projection_of(request), places=places)
            )
        return parts


def _meter(part: _Part, entry: Stored | None, now_s: float, total: Consumed) -> None:
    """Admit and account one item of a batch; raises its table's throttling error."""
    part.table.meter.check("read", now_s)
    consumed = Consumed(part.table, "read")
    consumed.add(read_units(entry.size if entry else 0, "strong" if part.request.get("ConsistentRead") else "eventual"))
    consumed.account(now_s)
    total.include(consumed)


def _shown(entry: Stored, selection: Selection | None) -> Any:
    return orjson.Fragment(entry.raw) if selection is None else project(entry.parsed(), selection)
