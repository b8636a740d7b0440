"""Single items: put, got, updated, deleted."""

from collections.abc import Mapping
from typing import Any

import orjson

from harness.dynamodb.metering import read_units
from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.asked import CONDITION, bindings_of, condition_of, projection_of
from harness.local.dynamodb.data.consumed import Consumed, wanted
from harness.local.dynamodb.data.keys import located
from harness.local.dynamodb.data.writing import Plan, delete_of, perform, put_of, update_of
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions.grammar import parse_update
from harness.local.dynamodb.expressions.paths import project
from harness.local.dynamodb.expressions.updates import bind_update
from harness.local.dynamodb.tables.tables import Tables

UPDATE = "UpdateExpression"
_GIGABYTE = 1 << 30


class Items:
    """PutItem, GetItem, UpdateItem and DeleteItem over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, request: dict[str, Any], now_s: float) -> bytes:
        """GetItem; the stored bytes go out as they are unless a projection asks for parts."""
        selection = projection_of(request)
        key = values.item(request["Key"])  # what is wrong with a key is said before what is wrong with a table
        table = self._tables.find(request)
        at, raw, size = table.items.look_up(*located(table.schema, key))
        units = read_units(size, "strong" if request.get("ConsistentRead") else "eventual")
        table.meter.take("read", units, now_s, at)
        how = wanted(request)
        if how == "NONE":
            tail = b"}"
        else:
            consumed = Consumed(table, "read")
            consumed.units = units
            tail = b'"ConsumedCapacity":' + orjson.dumps(consumed.told(how)) + b"}"
        if raw is None:
            return b"{" + tail
        if selection is not None:
            raw = orjson.dumps(project(orjson.loads(raw), selection))
        return b'{"Item":%b%b%b' % (raw, b"," if how != "NONE" else b"", tail)

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
