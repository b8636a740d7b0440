"""Single items: put, got, deleted, in batches; every write keeps the indexes and pays for them (A10–A12)."""

from collections.abc import Iterator, Mapping
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
from harness.local.dynamodb.errors import ServiceError, condition_failed, serialization, validation
from harness.local.dynamodb.expressions import (
    Bindings,
    Predicate,
    bind_condition,
    parse_condition,
    parse_projection,
    project,
)
from harness.local.dynamodb.storage import KeySchema, Stored, make_entry
from harness.local.dynamodb.tables import Table, Tables
from harness.local.dynamodb.values import Value, ordered

MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2048, 1024
MAX_BATCH_WRITES, MAX_BATCH_READS, MAX_BATCH_READ_BYTES = 25, 100, 16 * 1024 * 1024


class Items:
    """The item operations over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """PutItem."""
        table = self._tables.find(request)
        item = values.item(_member(request, "Item"))
        _check_keys(table, item)
        return self._write(table, request, make_entry(table.schema, item), item, now_s)

    def delete(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """DeleteItem."""
        table = self._tables.find(request)
        place = make_entry(table.schema, _key(table.schema, _member(request, "Key")))
        return self._write(table, request, place, None, now_s)

    def get(self, request: dict[str, Any], now_s: float) -> bytes | dict[str, Any]:
        """GetItem; the stored bytes go out as they are unless a projection asks for parts."""
        table = self._tables.find(request)
        key = _key(table.schema, _member(request, "Key"))
        how, paths = wanted(request), projection_of(request)
        table.meter.check("read", now_s)
        place = make_entry(table.schema, key)
        found = table.items.get(place.partition, place.order)
        consumed = Consumed(table, "read")
        consumed.add(read_units(found.size if found else 0, "strong" if request.get("ConsistentRead") else "eventual"))
        consumed.account(now_s)
        tail = orjson.dumps({"ConsumedCapacity": consumed.told(how)})[1:] if how != "NONE" else b"}"
        if found is None:
            return b"{" + tail
        raw = found.raw if paths is None else orjson.dumps(project(found.parsed(), paths))
        return b'{"Item":' + raw + (b"," if tail != b"}" else b"") + tail

    def batch_write(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """BatchWriteItem: rounded per item; what is throttled comes back unprocessed, unless that is all (A3)."""
        how = wanted(request)
        writes = list(self._batch(request, "Put or Delete", MAX_BATCH_WRITES))
        if len({(id(table), entry.partition, entry.order) for table, _, entry, _ in writes}) != len(writes):
            raise validation("Provided list of item keys contains duplicates")
        unprocessed: dict[str, list[Any]] = {}
        consumed: dict[str, Consumed] = {}
        refusal: ServiceError | None = None
        for table, one, entry, item in writes:
            total = consumed.setdefault(table.name, Consumed(table, "write"))
            try:
                self._apply(table, entry, item, None, now_s, total)
            except ServiceError as error:
                refusal = error
                unprocessed.setdefault(table.name, []).append(one)
        if refusal is not None and sum(map(len, unprocessed.values())) == len(writes):
            raise refusal
        answer: dict[str, Any] = {"UnprocessedItems": unprocessed}
        if how != "NONE":
            answer["ConsumedCapacity"] = [total.told(how) for total in consumed.values()]
        return answer

    def batch_get(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """BatchGetItem: rounded per item; stops at 16 MB or where throttled, the rest unprocessed (A3)."""
        how = wanted(request)
        asked = _member(request, "RequestItems")
        if not isinstance(asked, dict) or not asked:
            raise validation("1 validation error detected: Value at 'requestItems' failed: Member must not be null")
        if sum(len(part.get("Keys") or ()) for part in asked.values()) > MAX_BATCH_READS:
            raise validation("Too many items requested for the BatchGetItem call")
        responses: dict[str, list[Any]] = {}
        unprocessed: dict[str, Any] = {}
        consumed: list[Consumed] = []
        room, refusal, served = MAX_BATCH_READ_BYTES, None, 0
        for name, part in asked.items():
            table = self._tables.find({"TableName": name})
            paths, total = projection_of(part), Consumed(table, "read")
            consistency = "strong" if part.get("ConsistentRead") else "eventual"
            keys = [(raw, make_entry(table.schema, _key(table.schema, raw))) for raw in part.get("Keys") or ()]
            if len({(place.partition, place.order) for _, place in keys}) != len(keys):
                raise validation("Provided list of item keys contains duplicates")
            for raw, place in keys:
                found = table.items.get(place.partition, place.order)
                try:
                    table.meter.check("read", now_s)
                except ServiceError as error:
                    refusal = error
                if refusal or (found and found.size > room):
                    unprocessed.setdefault(name, {**part, "Keys": []})["Keys"].append(raw)
                    continue
                served += 1
                units = read_units(found.size if found else 0, consistency)  # type: ignore[arg-type]
                total.add(units)
                table.meter.account("read", units, now_s)
                if found:
                    room -= found.size
                    whole = orjson.Fragment(found.raw) if paths is None else project(found.parsed(), paths)
                    responses.setdefault(name, []).append(whole)
            responses.setdefault(name, [])
            consumed.append(total)
        if refusal is not None and not served:
            raise refusal
        answer: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
        if how != "NONE":
            answer["ConsumedCapacity"] = [total.told(how) for total in consumed]
        return answer

    def _batch(
        self, request: dict[str, Any], what: str, most: int
    ) -> Iterator[tuple[Table, dict[str, Any], Stored, dict[str, Value] | None]]:
        """Each write of a batch, checked: its table, the request, the entry (or place), the item (None: delete)."""
        asked = _member(request, "RequestItems")
        if (
            not isinstance(asked, dict)
            or not asked
            or not all(isinstance(part, list) and part for part in asked.values())
        ):
            raise validation("The batch write request list for a table cannot be null or empty")
        if sum(map(len, asked.values())) > most:
            raise validation("Too many items requested for the BatchWriteItem call")
        for name, part in asked.items():
            table = self._tables.find({"TableName": name})
            for one in part:
                if set(one) == {"PutRequest"}:
                    item = values.item(_member(one["PutRequest"], "Item"))
                    _check_keys(table, item)
                    yield table, one, make_entry(table.schema, item), item
                elif set(one) == {"DeleteRequest"}:
                    key = _key(table.schema, _member(one["DeleteRequest"], "Key"))
                    yield table, one, make_entry(table.schema, key), None
                else:
                    raise validation(
                        f"Supplied AttributeValue has more than one datatypes set, must contain exactly one {what}"
                    )

    def _write(
        self, table: Table, request: dict[str, Any], entry: Stored, item: dict[str, Value] | None, now_s: float
    ) -> dict[str, Any]:
        how, returned = wanted(request), request.get("ReturnValues", "NONE")
        if returned not in ("NONE", "ALL_OLD"):
            raise validation("ReturnValues can only be ALL_OLD or NONE")
        condition = condition_of(request)
        consumed = Consumed(table, "write")
        old = self._apply(table, entry, item, condition, now_s, consumed)
        answer: dict[str, Any] = {}
        if old is not None and returned == "ALL_OLD":
            answer["Attributes"] = orjson.Fragment(old.raw)
        if how != "NONE":
            answer["ConsumedCapacity"] = consumed.told(how)
        return answer

    def _apply(
        self,
        table: Table,
        entry: Stored,
        item: dict[str, Value] | None,
        condition: Predicate | None,
        now_s: float,
        total: Consumed,
    ) -> Stored | None:
        """One write with everything that follows from it; returns the old entry. Raises before anything is changed."""
        if entry.size > MAX_ITEM_BYTES:
            raise validation("Item size has exceeded the maximum allowed size")
        table.meter.check("write", now_s)
        old = table.items.get(entry.partition, entry.order)
        old_item = old.parsed() if old is not None and (condition or table.indexes) else None
        consumed = Consumed(table, "write")
        if condition is not None and not condition(old_item or {}):
            consumed.add(failed_condition_units(old.size if old else None, entry.size if item is not None else None))
            consumed.account(now_s)
            raise condition_failed()
        consumed.add(put_units(old.size if old else None, entry.size if item is not None else None))
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
            if before is not None and (
                after is None or (before.partition, before.order) != (after.partition, after.order)
            ):
                index.entries.remove(before)
            if after is not None:
                index.entries.put(after)
        consumed.account(now_s)
        total.add(consumed.units)
        for name, units in consumed.by_index.items():
            total.add(units, name)
        return old


def _index_units(before: Stored | None, after: Stored | None) -> float:
    same_key = (
        before is not None and after is not None and (before.partition, before.order) == (after.partition, after.order)
    )
    return index_write_units(
        before.size if before else None,
        after.size if after else None,
        same_key=same_key,
        identical=same_key and before is not None and after is not None and before.raw == after.raw,
    )


def bindings_of(request: Mapping[str, Any]) -> Bindings:
    """A request's expression names and values, checked."""
    names, raw = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    for given, what in ((names, "Names"), (raw, "Values")):
        if given is not None and (not isinstance(given, dict) or not given):
            raise validation(f"ExpressionAttribute{what} must not be empty")
    return Bindings(names or {}, {name: values.value(content) for name, content in (raw or {}).items()})


def condition_of(request: Mapping[str, Any]) -> Predicate | None:
    """The bound ConditionExpression, None where there is none."""
    text, bindings = request.get("ConditionExpression"), bindings_of(request)
    bound = (
        bind_condition(parse_condition(text, "ConditionExpression"), bindings, "ConditionExpression") if text else None
    )
    bindings.check_all_used()
    return bound


def projection_of(request: Mapping[str, Any]) -> list[tuple[str | int, ...]] | None:
    """The paths of a read's ProjectionExpression, None for the whole item."""
    text = request.get("ProjectionExpression")
    bindings = bindings_of(request)
    paths = None
    if text is not None:
        paths = [bindings.path(path, "ProjectionExpression") for path in parse_projection(text)]
    bindings.check_all_used()
    return paths


def _member(request: Any, name: str) -> Any:
    if not isinstance(request, dict):
        raise serialization("Unexpected value type in payload")
    if request.get(name) is None:
        member = name[0].lower() + name[1:]
        raise validation(
            f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        )
    return request[name]


def _key(schema: KeySchema, raw: Any) -> dict[str, Value]:
    """A primary key: exactly the key attributes, of the right types and sizes."""
    key = values.item(raw)
    if set(key) != set(schema.names):
        raise validation("The provided key element does not match the schema")
    for name in schema.names:
        _check_key_value(schema, name, key[name], "The provided key element does not match the schema")
    return key


def _check_keys(table: Table, item: dict[str, Value]) -> None:
    """An item's keys, the table's and the indexes', and its size."""
    prefix = "One or more parameter values were invalid: "
    for name in table.schema.names:
        if name not in item:
            raise validation(f"{prefix}Missing the key {name} in the item")
        _check_key_value(
            table.schema,
            name,
            item[name],
            f"{prefix}Type mismatch for key {name} expected: {table.types[name]} actual: {next(iter(item[name]))}",
        )
    for index in table.indexes.values():
        for name in index.schema.names:
            if name in item and table.types[name] not in item[name]:
                raise validation(
                    f"{prefix}Type mismatch for Index Key {name} Expected: {table.types[name]} "
                    f"Actual: {next(iter(item[name]))} IndexName: {index.name}"
                )
            if name in item and item[name] in ({"S": ""}, {"B": ""}):
                raise validation(
                    f"{prefix}The AttributeValue for a key attribute cannot contain an empty string value. "
                    f"IndexName: {index.name}, IndexKey: {name}"
                )


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
        raise validation(
            f"One or more parameter values were invalid: Size of {what} has exceeded the maximum size limit of {most} bytes"
        )
