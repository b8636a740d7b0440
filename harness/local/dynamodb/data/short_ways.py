"""A plain GetItem and a plain PutItem, which most of a load is made of, without what they don't ask for.

A short way answers a request that is sound and asks for nothing but the item, or leaves it, with None, to the operation
itself, which knows every member and every fault. Both give the same answer: the programs of tests/truth/test_twin_stateful.py
go both ways.
"""

from collections.abc import Callable
from typing import Any

from harness.dynamodb.metering import MAX_ITEM_BYTES, put_units, read_units
from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.keys import check_item, place_of, usual_place
from harness.local.dynamodb.data.storage import Entry, as_json
from harness.local.dynamodb.tables.tables import Table, Tables

ShortWay = Callable[[Any, float], bytes | None]


class ShortWays:
    """The short ways over some tables."""

    def __init__(self, tables: Tables) -> None:
        self._by_name = tables.by_name

    def get(self, request: Any, now_s: float) -> bytes | None:
        """GetItem of a whole item."""
        table = self._table(request, "Key")
        place = None if table is None else usual_place(table.schema, request["Key"])
        if table is None or place is None:
            return None
        at, raw, size = table.items.look_up(*place)
        table.meter.take("read", read_units(size), now_s, at)
        return b"{}" if raw is None else b'{"Item":%b}' % raw

    def put(self, request: Any, now_s: float) -> bytes | None:
        """PutItem into a table without indexes, on no condition."""
        table = self._table(request, "Item")
        if table is None or table.indexes:
            return None
        item, size = values.measured(request["Item"])
        check_item(table, item)
        if size > MAX_ITEM_BYTES:
            return None
        partition, order = place_of(table.schema, item)
        at = table.items.hash_of(partition)
        table.meter.check("write", now_s, at)
        old = table.items.put(Entry(partition, order, as_json(item), size))
        table.meter.account("write", put_units(None if old is None else old.size, size), now_s, at)
        return b"{}"

    def _table(self, request: Any, content: str) -> Table | None:
        """The table of a request that has just a table's name and an item or its key."""
        if type(request) is dict and len(request) == 2 and content in request:
            name = request.get("TableName")
            table = self._by_name.get(name) if type(name) is str else None
            if table is not None and table.serving:
                return table
        return None
