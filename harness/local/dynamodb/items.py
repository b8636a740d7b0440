"""Single items: put, got, updated, deleted."""

from collections.abc import Mapping
from typing import Any

import orjson

from harness.dynamodb.metering import read_units
from harness.local.dynamodb import values
from harness.local.dynamodb.asked import CONDITION, bindings_of, condition_of, projection_of
from harness.local.dynamodb.consumed import Consumed, wanted
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.grammar import parse_update
from harness.local.dynamodb.keys import located
from harness.local.dynamodb.paths import project
from harness.local.dynamodb.tables import Tables
from harness.local.dynamodb.updates import bind_update
from harness.local.dynamodb.writing import Plan, delete_of, perform, put_of, update_of

UPDATE = "UpdateExpression"
_GIGABYTE = 1 << 30


class Items:
    """PutItem, GetItem, UpdateItem and DeleteItem over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, request: dict[str, Any], now_s: float) -> bytes:
        """GetItem; the stored bytes go out as they are unless a projection asks for parts."""
        selection, key = projection_of(request), values.item(request["Key"])
        table = self._tables.find(request)
        partition, order = located(table.schema, key)
        at = table.items.hash_of(partition)
        table.meter.check("read", now_s, at)
        found = table.items.get(partition, order)
        units = read_units(
            0 if found is None else found.size, "strong" if request.get("ConsistentRead") else "eventual"
        )
        table.meter.account("read", units, now_s, at)
        how, tail = wanted(request), b"}"
        if how != "NONE":
            consumed = Consumed(table, "read")
            consumed.units = units
            tail = b'"ConsumedCapacity":' + orjson.dumps(consumed.told(how)) + b"}"
        if found is None:
            return b"{" + tail
        raw = found.raw if selection is None else orjson.dumps(project(found.parsed(), selection))
        return b"".join((b'{"Item":', raw, b"," if how != "NONE" else b"", tail))

    def put(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """PutItem."""
        _check_returned(request)
        item, condition = values.measured(request["Item"]), condition_of(request)
        done = perform(put_of(self._tables.find(request), *item, condition), now_s)
        return _answer(request, done, _all_old(request, done))

    def delete(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """DeleteItem."""
        _check_returned(request)
        key, condition = values.item(request["Key"]), condition_of(request)
        done = perform(delete_of(self._tables.find(request), key, condition), now_s)
        return _answer(request, done, _all_old(request, done))

    def update(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """UpdateItem."""
        key, bindings = values.item(request["Key"]), bindings_of(request, UPDATE, CONDITION)
        text = request.get(UPDATE)
        updater = None if text is None else bind_update(parse_update(text), bindings)
        condition = condition_of(request, bindings)
        done = perform(update_of(self._tables.find(request), key, updater, condition), now_s)
        attributes: Any = None
        match request.get("ReturnValues", "NONE"):
            case "ALL_OLD":
                attributes = _all_old(request, done)
            case "ALL_NEW":
                attributes = None if done.new is None else orjson.Fragment(done.new.raw)
            case "UPDATED_OLD" if updater:
                attributes = updater.updated(done.old_item or {}) or None
            case "UPDATED_NEW" if updater:
                attributes = updater.updated(done.new_item or {}) or None
        return _answer(request, done, attributes)


def _check_returned(request: Mapping[str, Any]) -> None:
    if request.get("ReturnValues", "NONE") not in ("NONE", "ALL_OLD"):
        raise validation("ReturnValues can only be ALL_OLD or NONE")


def _all_old(request: Mapping[str, Any], done: Plan) -> orjson.Fragment | None:
    asked = done.old is not None and request.get("ReturnValues") == "ALL_OLD"
    return orjson.Fragment(done.old.raw) if asked and done.old is not None else None


def _answer(request: Mapping[str, Any], done: Plan, attributes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if attributes is not None:
        answer["Attributes"] = attributes
    how = wanted(request)
    if how != "NONE":
        answer["ConsumedCapacity"] = done.consumed.told(how)
    if request.get("ReturnItemCollectionMetrics") == "SIZE" and (metrics := collection_metrics(done)):
        answer["ItemCollectionMetrics"] = metrics
    return answer


def collection_metrics(done: Plan) -> dict[str, Any] | None:
    """ItemCollectionMetrics of a write, for a table with local indexes: the key, and bounds of the size in GB."""
    table = done.table
    local = [index for index in table.indexes.values() if index.local]
    if not local:
        return None
    partition = done.place[0]
    gigabytes = sum(p.partition_size(partition) for p in (table.items, *(i.entries for i in local))) / _GIGABYTE
    item = done.new_item or done.old_item or {}
    key = {name: item[name] for name in (table.schema.partition,) if name in item}
    return {"ItemCollectionKey": key, "SizeEstimateRangeGB": [float(int(gigabytes)), float(int(gigabytes) + 1)]}
