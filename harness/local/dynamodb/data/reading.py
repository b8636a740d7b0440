"""Query and Scan: pages of at most 1 MB evaluated, summed and then rounded once; filters save nothing (A4–A9)."""

from collections.abc import Generator, Mapping
from itertools import islice
from typing import Any

import orjson

from harness.dynamodb.metering import Consistency, read_units
from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.asked import PROJECTION, bindings_of
from harness.local.dynamodb.data.consumed import Consumed, wanted
from harness.local.dynamodb.data.gathering import Gathered
from harness.local.dynamodb.data.key_range import key_range
from harness.local.dynamodb.data.storage import HASH_SPACE, NO_SORT, Index, KeySchema, OrderKey, Partitions
from harness.local.dynamodb.data.values import SortKey, ordered
from harness.local.dynamodb.data.work import Work
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions.bindings import Bindings
from harness.local.dynamodb.expressions.conditions import bind_condition
from harness.local.dynamodb.expressions.grammar import parse_condition
from harness.local.dynamodb.expressions.key_conditions import KEY_CONDITION, KeyCondition, bind_key_conditions
from harness.local.dynamodb.expressions.paths import Selection, project
from harness.local.dynamodb.expressions.prefilter import prefilter
from harness.local.dynamodb.expressions.trees import paths_of
from harness.local.dynamodb.tables.tables import Metered, Table, Tables

_FILTER = "FilterExpression"
_A_TURN = 256  # items parsed before others may have a turn
_A_LONG_TURN = 2_000  # partitions gathered, or items looked through as bytes, before others may


class Reading:
    """Query and Scan over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def query(self, request: dict[str, Any], now_s: float) -> Work:
        """Query: one partition, in the order of its sort key."""
        asked = _Asked(request, is_query=True)
        source = _Source(self._tables.find(request), request)
        partition, low, high = key_range(asked.key_conditions, source.schema)
        page = _Page(request, source, asked)
        asked.check_filter(source.schema)
        after = source.start_key(request)
        if after is not None and after[0] != partition:
            raise validation("The provided starting key is outside query boundaries based on provided conditions")
        forward = request.get("ScanIndexForward", True)
        at = source.entries.hash_of(partition)
        source.meter.check("read", now_s, at)
        gathered = page.gathered(forward=forward)
        stretch = source.entries.of_partition(partition, low, high, after[1] if after else None, forward=forward)
        if stretch is not None:
            gathered.take([stretch])
        return (yield from page.answer(gathered, at, now_s))

    def scan(self, request: dict[str, Any], now_s: float) -> Work:
        """Scan: everything, or one segment of it, in the order of the partition keys' hash."""
        begin, end = _segment(request)
        asked = _Asked(request, is_query=False)
        source = _Source(self._tables.find(request), request)
        page = _Page(request, source, asked)
        after = source.start_key(request)
        at = begin if after is None else source.entries.hash_of(after[0])
        source.meter.check("read", now_s, at)
        gathered = page.gathered()
        while gathered.take(islice(source.entries.scan(begin, end, after), _A_LONG_TURN)) == _A_LONG_TURN:
            after = gathered.reached
            yield
        return (yield from page.answer(gathered, at, now_s))


class _Filter:
    """A bound FilterExpression, and what it demands of an item's bytes."""

    def __init__(self, text: str, bindings: Bindings) -> None:
        node = parse_condition(text, _FILTER)
        self._test = bind_condition(node, bindings, _FILTER)
        self._stands = prefilter(node, bindings, _FILTER)
        self.names = {str(bindings.path(path, _FILTER)[0]) for path in paths_of(node)}

    def kept(self, raws: list[bytes]) -> Generator[None, None, list[bytes]]:
        """Those that pass; others may have a turn between."""
        stands, test, loads = self._stands, self._test, orjson.loads
        if stands is not None:
            raws = [raw for raw in raws if stands(raw)]
            yield
        found: list[bytes] = []
        for first in range(0, len(raws), _A_TURN):
            found += [raw for raw in raws[first : first + _A_TURN] if test(loads(raw))]
            yield
        return found


class _Asked:
    """What a request asks for, as far as that can be told without its table."""

    def __init__(self, request: Mapping[str, Any], *, is_query: bool) -> None:
        bindings = bindings_of(request, _FILTER, *((KEY_CONDITION,) if is_query else ()), PROJECTION)
        self.select = _select(request)
        self.key_conditions = _key_conditions(request, bindings) if is_query else {}
        text = request.get(_FILTER)
        self.filter = None if text is None else _Filter(text, bindings)
        projection = request.get(PROJECTION)
        self.selection: Selection | None = None if projection is None else bindings.projection(projection)
        bindings.check_all_used()

    def check_filter(self, schema: KeySchema) -> None:
        """Raise what a Query's filter on a key raises: that is the key condition's to say."""
        for name in schema.names:
            if self.filter is not None and name in self.filter.names:
                raise validation(
                    f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
                )


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
            if name in table.backfilling:
                raise validation(f"Cannot read from backfilling global secondary index: {name}")
            if request.get("ConsistentRead") and not self.index.local:
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
    def meter(self) -> Metered:
        """Whose capacity it draws on: a local index's is its table's."""
        return self.table.index_meters[self.index.name] if self.index and not self.index.local else self.table.meter

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
        base_order = (ordered(key[base.sort]),) if base.sort else NO_SORT
        if self.index is None:
            return ordered(key[base.partition]), base_order
        own = (ordered(key[self.schema.sort]),) if self.schema.sort else NO_SORT
        return ordered(key[self.schema.partition]), (*own, ordered(key[base.partition]), *base_order)


class _Page:
    """One page: what to keep of the items evaluated, where to stop, what it costs."""

    def __init__(self, request: Mapping[str, Any], source: _Source, asked: _Asked) -> None:
        self.source = source
        self.how = wanted(request)
        self.consistency: Consistency = "strong" if request.get("ConsistentRead") else "eventual"
        self.limit: int | None = request.get("Limit")
        self.selection, self.filter = asked.selection, asked.filter
        _check_select(asked.select, source.index)
        self.count_only = asked.select == "COUNT"
        self.fetches = self._fetches(asked.select)

    def _fetches(self, select: str | None) -> bool:
        """Whether what an index doesn't project is asked for: a local one's table has it (A9), a global one refuses.

        A filter is no such question: to it what isn't projected isn't there.
        """
        index = self.source.index
        held = None if index is None else index.projected(self.source.table.schema)
        if index is None or held is None:
            return False
        missing = sorted({str(name) for name in self.selection or ()} - held)
        if index.local:
            return bool(missing) or select == "ALL_ATTRIBUTES"
        if missing:
            raise validation(
                f"One or more parameter values were invalid: Global secondary index {index.name} does not project "
                f"[{', '.join(missing)}]"
            )
        return False

    def gathered(self, *, forward: bool = True) -> Gathered:
        """An empty page."""
        return Gathered(self.limit, forward=forward, with_orders=self.fetches)

    def answer(self, gathered: Gathered, at: int, now_s: float) -> Work:
        """Account what was evaluated, filter, project; the page as JSON."""
        source, index = self.source, self.source.index
        consumed = Consumed(source.table, "read")
        consumed.add(read_units(gathered.size, self.consistency), index.name if index else None)
        raws = gathered.raws
        if self.fetches:
            raws = self._fetched(gathered, consumed)
        source.meter.account("read", consumed.units + sum(consumed.by_index.values()), now_s, at)
        if self.filter is not None:
            raws = yield from self.filter.kept(raws)
        rest: dict[str, Any] = {"Count": len(raws), "ScannedCount": gathered.count}
        if gathered.is_full:
            last = orjson.loads(gathered.last)
            rest["LastEvaluatedKey"] = {name: last[name] for name in source.key_names}
        if self.how != "NONE":
            rest["ConsumedCapacity"] = consumed.told(self.how)
        tail = orjson.dumps(rest)
        if self.count_only:
            return tail
        if self.selection is not None:
            raws = yield from _projected(raws, self.selection)
        return _framed(raws, tail)

    def _fetched(self, gathered: Gathered, consumed: Consumed) -> list[bytes]:
        """The table's items behind the entries of a local index, each rounded on its own."""
        raws = []
        for order in gathered.orders:
            entry = self.source.table.items.get(order[1], order[2:])
            if entry is None:  # deleted while others had a turn
                continue
            consumed.add(read_units(entry.size, self.consistency))
            raws.append(entry.raw)
        return raws


def _framed(raws: list[bytes], tail: bytes) -> bytes:
    """The page around its items; joined once, for each copy of a full page costs as much as reading it."""
    if not raws:
        return b'{"Items":[],' + tail[1:]
    raws = raws.copy()
    raws[0] = b'{"Items":[' + raws[0]
    raws[-1] = b"".join((raws[-1], b"],", tail[1:]))
    return b",".join(raws)


def _projected(raws: list[bytes], selection: Selection) -> Generator[None, None, list[bytes]]:
    parts: list[bytes] = []
    for first in range(0, len(raws), _A_TURN):
        parts += [orjson.dumps(project(orjson.loads(raw), selection)) for raw in raws[first : first + _A_TURN]]
        yield
    return parts


def _segment(request: Mapping[str, Any]) -> tuple[int, int]:
    segment, total = request.get("Segment"), request.get("TotalSegments")
    if segment is None and total is None:
        return 0, HASH_SPACE
    if segment is None or total is None:
        missing = "Segment" if segment is None else "TotalSegments"
        given = "parameter TotalSegments" if segment is None else "Segment parameter"  # as the service has it
        raise validation(
            f"The {missing} parameter is required but was not present in the request when {given} is present"
        )
    if segment >= total:
        raise validation(
            f"The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not "
            f"less than TotalSegments: {total}"
        )
    return HASH_SPACE * segment // total, HASH_SPACE * (segment + 1) // total


def _key_conditions(request: Mapping[str, Any], bindings: Bindings) -> dict[str, KeyCondition]:
    text = request.get(KEY_CONDITION)
    if text is None:
        raise validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        )
    return bind_key_conditions(text, bindings)


def _select(request: Mapping[str, Any]) -> str | None:
    select: str | None = request.get("Select")
    projected = PROJECTION in request
    if projected and select not in ("SPECIFIC_ATTRIBUTES", None):
        what = "only the Count" if select == "COUNT" else select
        raise validation(f"Cannot specify the ProjectionExpression when choosing to get {what}")
    if select == "SPECIFIC_ATTRIBUTES" and not projected:
        raise validation(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in request:
        raise validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
    return select


def _check_select(select: str | None, index: Index | None) -> None:
    if select == "ALL_ATTRIBUTES" and index is not None and not index.local and index.projection != "ALL":
        raise validation(
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
            f"index {index.name} because its projection type is not ALL"
        )
