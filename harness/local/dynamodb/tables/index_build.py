"""A new global index filled from the items that are there, a bounded number at a time."""

from harness.dynamodb.metering import index_write_units
from harness.local.dynamodb.data.storage import Entry, Index, Partitions
from harness.local.dynamodb.tables.table import Table


class Filling(Partitions):
    """Entries of an index that may not have got all of them yet: one that isn't there needn't be removed."""

    def remove(self, entry: Entry) -> None:
        """Remove the entry with these keys if it is there."""
        if self.get(entry.partition, entry.order) is not None:
            super().remove(entry)


class IndexBuild:
    """The backfilling of one index of one table, which writes already keep."""

    def __init__(self, table: Table, index: Index, *, takes_capacity: bool) -> None:
        self._table, self._index, self._takes_capacity = table, index, takes_capacity
        self._last: Entry | None = None
        self.done = False

    def step(self, items: int, now_s: float) -> None:
        """Look at some more items; at none while the index's write capacity is spent, if that counts."""
        table, index = self._table, self._index
        admission = table.index_meters[index.name].admission
        for stored in self._following(items):
            if self._takes_capacity and admission.check("write", now_s) is not None:
                return
            self._last = stored
            entry = index.entry(table.schema, stored.parsed(), stored)
            if entry is not None:
                index.entries.put(entry)
                if self._takes_capacity:
                    units = index_write_units(None, entry.size, same_key=False, identical=False)
                    admission.account("write", units, now_s)
        self.done = not self._following(1)

    def _following(self, items: int) -> list[Entry]:
        """Some items after the last one that was looked at."""
        after = None if self._last is None else (self._last.partition, self._last.order)
        return self._table.items.following(after, items)
