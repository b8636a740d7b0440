"""Single items: put, got, deleted; every write keeps the indexes and pays for them (A10–A12)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from harness.dynamodb.metering import (
    MAX_ITEM_BYTES,
    failed_condition_units,
    index_write_units,
    put_units,
    read_units,
)
from harness.local.dynamodb import values
from harness.local.dynamodb.consumed import Consumed, wanted
from harness.local.dynamodb.errors import condition_failed, validation
from harness.local.dynamodb.expressions import Bindings, Predicate, Selection, bind_condition, project
from harness.local.dynamodb.grammar import parse_condition
from harness.local.dynamodb.storage import Index, KeySchema, Stored, make_entry
from harness.local.dynamodb.tables import Table, Tables
from harness.local.dynamodb.values import Value, ordered

MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2048, 1024
_INVALID = "One or more parameter values were invalid: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold of the item there is, and whether a refusal shows that item."""

    holds: Predicate
    shows_item: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write, its keys and size checked: the entry to store and its item, or only the place of what is to go."""

    table: Table
    entry: Stored
    item: dict[str, Value] | None


def put_of(table: Table, raw: Any) -> Write:
    """A put of an item as the client sent it."""
    item = values.item(raw)
    _check_keys(table, item)
    entry = make_entry(table.schema, item)
    if entry.size > MAX_ITEM_BYTES:
        raise validation("Item size has exceeded the maximum allowed size")
    return Write(table=table, entry=entry, item=item)


def delete_of(table: Table, raw: Any) -> Write:
    """A deletion by a key as the client sent it."""
    return Write(table=table, entry=place_of(table, raw), item=None)


def place_of(table: Table, raw: Any) -> Stored:
    """Where the item with a key lies: the key, which must be whole and of the right types, as an entry."""
    key = values.item(raw)
    mismatch = "The provided key element does not match the schema"
    if set(key) != set(table.schema.names):
        raise validation(mismatch)
    for name in table.schema.names:
        _check_key_value(table.schema, name, key[name], mismatch)
    return make_entry(table.schema, key)


class Items:
    """PutItem, DeleteItem and GetItem over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """PutItem."""
        return _write(put_of(self._tables.find(request), request["Item"]), request, now_s)

    def delete(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """DeleteItem."""
        return _write(delete_of(self._tables.find(request), request["Key"]), request, now_s)

    def get(self, request: dict[str, Any], now_s: float) -> bytes | dict[str, Any]:
        """GetItem; the stored bytes go out as they are unless a projection asks for parts."""
        table = self._tables.find(request)
        how, selection = wanted(request), projection_of(request)
        place = place_of(table, request["Key"])
        table.meter.check("read", now_s)
        found = table.items.get(place.partition, place.order)
        consumed = Consumed(table, "read")
        consumed.add(read_units(found.size if found else 0, "strong" if request.get("ConsistentRead") else "eventual"))
        consumed.account(now_s)
        tail = orjson.dumps({"ConsumedCapacity": consumed.told(how)})[1:] if how != "NONE" else b"}"
        if found is None:
            return b"{" + tail
        raw = found.raw if selection is None else orjson.dumps(project(found.parsed(), selection))
        return b'{"Item":' + raw + (b"," if tail != b"}" else b"") + tail


def _write(write: Write, request: dict[str, Any], now_s: float) -> dict[str, Any]:
    how, returned = wanted(request), request.get("ReturnValues", "NONE")
    if returned not in ("NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")
    consumed = Consumed(write.table, "write")
    old = apply(write, condition_of(request), now_s, consumed)
    answer: dict[str, Any] = {}
    if old is not None and returned == "ALL_OLD":
        answer["Attributes"] = orjson.Fragment(old.raw)
    if how != "NONE":
        answer["ConsumedCapacity"] = consumed.told(how)
    return answer


def apply(write: Write, condition: Condition | None, now_s: float, total: Consumed) -> Stored | None:
    """Do one write with everything that follows from it, add its units to ``total``; returns the old entry.

    Raises before anything is changed: a throttling error, or the condition's.
    """
    table, entry, item = write.table, write.entry, write.item
    table.meter.check("write", now_s)
    old = table.items.get(entry.partition, entry.order)
    old_item = old.parsed() if old is not None and (condition or table.indexes) else None
    old_size, new_size = old.size if old else None, entry.size if item is not None else None
    consumed = Consumed(table, "write")
    if condition is not None and not condition.holds(old_item or {}):
        consumed.add(failed_condition_units(old_size, new_size))
        consumed.account(now_s)
        raise condition_failed(orjson.Fragment(old.raw) if old is not None and condition.shows_item else None)
    consumed.add(put_units(old_size, new_size))
    changes = []
    for index in table.indexes.values():
        before = index.entry(table.schema, old_item, old) if old is not None and old_item is not None else None
        after = index.entry(table.schema, item, entry) if item is not None else None
        units = _index_units(before, after)
        if units:
            # An index that has no capacity left holds back the table's write (B8).
            table.index_meters[index.name].check("write", now_s)
            consumed.add(units, index.name)
        changes.append((index, before, after))
    if item is not None:
        table.items.put(entry)
    elif old is not None:
        table.items.remove(old)
    for index, before, after in changes:
        _reindex(index, before, after)
    consumed.account(now_s)
    total.include(consumed)
    return old


def _reindex(index: Index, before: Stored | None, after: Stored | None) -> None:
    if before is not None and (after is None or not _same_key(before, after)):
        index.entries.remove(before)
    if after is not None:
        index.entries.put(after)


def _same_key(one: Stored, other: Stored) -> bool:
    return (one.partition, one.order) == (other.partition, other.order)


def _index_units(before: Stored | None, after: Stored | None) -> float:
    same_key = before is not None and after is not None and _same_key(before, after)
    return index_write_units(
        before.size if before else None,
        after.size if after else None,
        same_key=same_key,
        identical=same_key and before is not None and after is not None and _identical(before, after),
    )


def _identical(one: Stored, other: Stored) -> bool:
    """The same attributes with the same values, in whatever order they were sent."""
    return one.raw == other.raw or values.equal({"M": one.parsed()}, {"M": other.parsed()})


def bindings_of(request: Mapping[str, Any]) -> Bindings:
    """A request's expression names and values, checked."""
    names, raw = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    for given, what in ((names, "Names"), (raw, "Values")):
        if given is not None and not given:
            raise validation(f"ExpressionAttribute{what} must not be empty")
    return Bindings(names or {}, {name: values.value(content) for name, content in (raw or {}).items()})


def condition_of(request: Mapping[str, Any]) -> Condition | None:
    """The bound ConditionExpression, None where there is none."""
    text, bindings, kind = request.get("ConditionExpression"), bindings_of(request), "ConditionExpression"
    holds = None if text is None else bind_condition(parse_condition(text, kind), bindings, kind)
    bindings.check_all_used()
    if holds is None:
        return None
    return Condition(holds=holds, shows_item=request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")


def projection_of(request: Mapping[str, Any]) -> Selection | None:
    """What a read's ProjectionExpression selects, None for the whole item."""
    text, bindings = request.get("ProjectionExpression"), bindings_of(request)
    selection = None if text is None else bindings.projection(text)
    bindings.check_all_used()
    return selection


def _check_keys(table: Table, item: dict[str, Value]) -> None:
    """An item's keys, the table's and the indexes'."""
    for name in table.schema.names:
        if name not in item:
            raise validation(f"{_INVALID}Missing the key {name} in the item")
        mismatch = f"Type mismatch for key {name} expected: {table.types[name]} actual: {next(iter(item[name]))}"
        _check_key_value(table.schema, name, item[name], _INVALID + mismatch)
    for index in table.indexes.values():
        for name in index.schema.names:
            if name in item:
                mismatch = (
                    f"Type mismatch for Index Key {name} Expected: {table.types[name]} "
                    f"Actual: {next(iter(item[name]))} IndexName: {index.name}"
                )
                _check_key_value(index.schema, name, item[name], _INVALID + mismatch)


def _check_key_value(schema: KeySchema, name: str, value: Value, mismatch: str) -> None:
    if schema.types[name] not in value:
        raise validation(mismatch)
    size = 1 if "N" in value else len(ordered(value))  # type: ignore[arg-type]
    if not size:
        raise validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
            f"string value. Key: {name}"
        )
    most, what = (MAX_PARTITION_KEY_BYTES, "hashkey") if name == schema.partition else (MAX_SORT_KEY_BYTES, "rangekey")
    if size > most:
        raise validation(f"{_INVALID}Size of {what} has exceeded the maximum size limit of {most} bytes")
