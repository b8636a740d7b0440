"""Query and Scan: pages of at most 1 MB evaluated, summed and then rounded once; filters save nothing (A4–A8)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from harness.dynamodb.metering import PAGE_BYTES, read_units
from harness.local.dynamodb import values
from harness.local.dynamodb.consumed import Consumed, wanted
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions import Bindings, bind_condition, project
from harness.local.dynamodb.grammar import parse_condition
from harness.local.dynamodb.items import bindings_of
from harness.local.dynamodb.key_conditions import KeyCondition, bind_key_conditions
from harness.local.dynamodb.prefilter import prefilter
from harness.local.dynamodb.storage import HASH_SPACE, Index, KeySchema, OrderKey, Partitions, Stored
from harness.local.dynamodb.tables import Table, Tables
from harness.local.dynamodb.trees import paths_of
from harness.local.dynamodb.values import SortKey, ordered

Bound = tuple[SortKey, bool] | None


class Reading:
    """Query and Scan over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def query(self, request: dict[str, Any], now_s: float) -> bytes:
        """Query: one partition, in the order of its sort key."""
        source = _Source(self._tables.find(request), request)
        bindings = bindings_of(request)
        partition, low, high = _key_condition(request, source.schema, bindings)
        page = _Page(request, source, bindings, is_query=True)
        after = source.start_key(request)
        if after is not None and after[0] != partition:
            raise validation("The provided starting key is outside query boundaries based on provided conditions")
        forward = request.get("ScanIndexForward", True)
        entries = source.entries.of_partition(partition, low, high, after[1] if after else None, forward)
        return page.read(entries, now_s)

    def scan(self, request: dict[str, Any], now_s: float) -> bytes:
        """Scan: everything, or one segment of it, in the order of the partition keys' hash."""
        source = _Source(self._tables.find(request), request)
        begin, end = _segment(request)
        page = _Page(request, source, bindings_of(request), is_query=False)
        return page.read(source.entries.scan(begin, end, source.start_key(request)), now_s)


class _Source:
    """What is read: the table itself or one of its indexes."""

    def __init__(self, table: Table, request: Mapping[str, Any]) -> None:
        self.table = table
        self.index: Index | None = None
        name = request.get("IndexName")
        if name is not None:
            self.index = table.indexes.get(name)
            if self.index is None:
                raise validation(f"The table does not have the specified index: {name}")
            if request.get("ConsistentRead"):
                raise validation("Consistent reads are not supported on global secondary indexes")

    @property
    def schema(self) -> KeySchema:
        """The keys that are asked by."""
        return self.index.schema if self.index else self.table.schema

    @property
    def entries(self) -> Partitions:
        """What is there to read."""
        return self.index.entries if self.index else self.table.items

    @property
    def key_names(self) -> tuple[str, ...]:
        """The attributes of a LastEvaluatedKey."""
        return tuple(dict.fromkeys((*self.schema.names, *self.table.schema.names)))

    def start_key(self, request: Mapping[str, Any]) -> tuple[SortKey, OrderKey] | None:
        """Where to begin, from ExclusiveStartKey."""
        raw = request.get("ExclusiveStartKey")
        if raw is None:
            return None
        key = values.item(raw)
        types = {**self.table.schema.types, **self.schema.types}
        if set(key) != set(self.key_names) or any(types[name] not in value for name, value in key.items()):
            raise validation("The provided starting key is invalid: The provided key element does not match the schema")
        base = self.table.schema
        base_order = (ordered(key[base.sort]),) if base.sort else (b"",)
        if self.index is None:
            return ordered(key[base.partition]), base_order
        own = (ordered(key[self.schema.sort]),) if self.schema.sort else (b"",)
        return ordered(key[self.schema.partition]), (*own, ordered(key[base.partition]), *base_order)


class _Page:
    """One page: what to keep of the items evaluated, where to stop, what it costs."""

    def __init__(self, request: Mapping[str, Any], source: _Source, bindings: Bindings, *, is_query: bool) -> None:
        self.source = source
        self.how = wanted(request)
        self.consistent = request.get("ConsistentRead", False)
        self.limit = request.get("Limit")
        projection = request.get("ProjectionExpression")
        self.selection = None if projection is None else bindings.projection(projection)
        self.count_only = _select(request, source.index) == "COUNT"
        self.passes = _filter(request, source, bindings, is_query=is_query)
        bindings.check_all_used()

    def read(self, entries: Iterator[Stored], now_s: float) -> bytes:
        """Evaluate entries until 1 MB, the limit or the end; the page as JSON."""
        source, passes = self.source, self.passes
        meter = source.table.index_meters[source.index.name] if source.index else source.table.meter
        meter.check("read", now_s)
        kept: list[Stored] = []
        size = evaluated = 0
        last: Stored | None = None
        limit = self.limit
        for entry in entries:
            size += entry.size
            evaluated += 1
            if passes is None or passes(entry):
                kept.append(entry)
            if size >= PAGE_BYTES or evaluated == limit:
                last = entry
                break
        consumed = Consumed(source.table, "read")
        consumed.add(
            read_units(size, "strong" if self.consistent else "eventual"), source.index.name if source.index else None
        )
        consumed.account(now_s)
        return self._answer(kept, evaluated, last, consumed)

    def _answer(self, kept: list[Stored], evaluated: int, last: Stored | None, consumed: Consumed) -> bytes:
        rest: dict[str, Any] = {"Count": len(kept), "ScannedCount": evaluated}
        if last is not None:
            whole = last.parsed()
            rest["LastEvaluatedKey"] = {name: whole[name] for name in self.source.key_names}
        if self.how != "NONE":
            rest["ConsumedCapacity"] = consumed.told(self.how)
        tail = orjson.dumps(rest)
        if self.count_only:
            return tail
        selection = self.selection
        raws = [entry.raw if selection is None else orjson.dumps(project(entry.parsed(), selection)) for entry in kept]
        return b'{"Items":[' + b",".join(raws) + b"]," + tail[1:]


def _filter(
    request: Mapping[str, Any], source: _Source, bindings: Bindings, *, is_query: bool
) -> Callable[[Stored], bool] | None:
    text = request.get("FilterExpression")
    if text is None:
        return None
    node = parse_condition(text, "FilterExpression")
    test = bind_condition(node, bindings, "FilterExpression")
    if is_query:
        named = {bindings.path(path, "FilterExpression")[0] for path in paths_of(node)}
        for name in source.schema.names:
            if name in named:
                raise validation(
                    "Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name
                )
    stands = prefilter(node, bindings, "FilterExpression")
    if stands is None:
        return lambda entry: test(entry.parsed())
    return lambda entry: stands(entry.raw) and test(entry.parsed())


def _key_condition(request: Mapping[str, Any], schema: KeySchema, bindings: Bindings) -> tuple[SortKey, Bound, Bound]:
    """The partition and the range of sort keys that a KeyConditionExpression names."""
    text = request.get("KeyConditionExpression")
    if text is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    conditions = bind_key_conditions(text, bindings)
    if schema.sort is None and len(conditions) > 1:
        raise validation("Query key condition not supported")
    for name in schema.names if len(conditions) > 1 else (schema.partition,):
        if name not in conditions:
            raise validation(f"Query condition missed key schema element: {name}")
    partition = _keys(conditions[schema.partition], schema)[0]
    if conditions[schema.partition].op != "=":
        raise validation("Query key condition not supported")
    sort = conditions.get(schema.sort) if schema.sort else None
    bounds = _bounds(sort.op, _keys(sort, schema)) if sort else (None, None)
    return partition, *bounds


def _keys(condition: KeyCondition, schema: KeySchema) -> list[SortKey]:
    """What a key is compared with, of the key's type."""
    if any(schema.types[condition.name] not in value for value in condition.values):
        raise validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        )
    return [ordered(value) for value in condition.values]


def _bounds(op: str, operands: list[SortKey]) -> tuple[Bound, Bound]:
    first = operands[0]
    if op == "between":
        return (first, True), (operands[1], True)
    if op == "begins_with":
        assert isinstance(first, bytes)  # the service refuses a prefix that is a number
        return (first, True), (_after_prefix(first), False)
    single: dict[str, tuple[Bound, Bound]] = {
        "=": ((first, True), (first, True)),
        "<": (None, (first, False)),
        "<=": (None, (first, True)),
        ">": ((first, False), None),
        ">=": ((first, True), None),
    }
    return single[op]


def _after_prefix(prefix: bytes) -> bytes:
    """The least key beyond all that begin with ``prefix``; keys have at most 1,024 bytes."""
    return prefix + b"\xff" * 1025


def _segment(request: Mapping[str, Any]) -> tuple[int, int]:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is None and total is None:
        return 0, HASH_SPACE
    if segment is None or total is None:
        missing = "Segment" if segment is None else "TotalSegments"
        given = "TotalSegments" if segment is None else "Segment"
        raise validation(
            f"The {missing} parameter is required but was not present in the request when parameter {given} is present"
        )
    if segment >= total:
        raise validation(
            f"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not "
            f"less than TotalSegments: {total}"
        )
    return HASH_SPACE * segment // total, HASH_SPACE * (segment + 1) // total


def _select(request: Mapping[str, Any], index: Index | None) -> str | None:
    select: str | None = request.get("Select")
    projected = "ProjectionExpression" in request
    if projected and select not in ("SPECIFIC_ATTRIBUTES", None):
        raise validation(f"Cannot specify the ProjectionExpression when choosing to get {select}")
    if select == "SPECIFIC_ATTRIBUTES" and not projected:
        raise validation(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and index is None:
        raise validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    if select == "ALL_ATTRIBUTES" and index is not None and index.projection != "ALL":
        raise validation(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
            f"index {index.name} because its projection type is not ALL"
        )
    return select
