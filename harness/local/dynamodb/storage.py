"""Items as ready-to-send bytes, in partitions ordered by hash and, inside, by sort key.

A stored item is its JSON, its size by the service's rules and its keys; nobody keeps parsed dictionaries. An index that
projects everything shares the item's bytes with the table.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5
from typing import Any

import orjson
from sortedcontainers import SortedList

from harness.dynamodb.metering import item_size
from harness.local.dynamodb.values import SortKey, Value, ordered

HASH_SPACE = 1 << 64
OrderKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The names of the partition key and, where there is one, the sort key, with their types."""

    partition: str
    sort: str | None
    types: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """One name or two."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


@dataclass(slots=True)
class Stored:
    """One item (or index entry): its JSON, its size in bytes, its keys."""

    raw: bytes
    size: int
    partition: SortKey
    order: OrderKey

    def parsed(self) -> dict[str, Value]:
        """The item as attribute values."""
        item: dict[str, Value] = orjson.loads(self.raw)
        return item


def partition_hash(key: SortKey) -> int:
    """Where a partition lies in the hash space: 64 bits, the same in every run."""
    text = key if isinstance(key, bytes) else str(key.normalize()).encode()
    return int.from_bytes(md5(text, usedforsecurity=False).digest()[:8], "big")


class Partitions:
    """Entries of a table or an index, by partition and sort key; ``size_bytes`` and ``count`` are kept up to date."""

    def __init__(self) -> None:
        self._by_key: dict[SortKey, tuple[list[OrderKey], list[Stored]]] = {}
        self._by_hash: SortedList = SortedList()
        self.count = self.size_bytes = 0

    def get(self, partition: SortKey, order: OrderKey) -> Stored | None:
        """The entry under exactly these keys."""
        keys, entries = self._by_key.get(partition, ((), ()))
        at = bisect_left(keys, order)
        return entries[at] if at < len(keys) and keys[at] == order else None

    def put(self, entry: Stored) -> None:
        """Add an entry, or replace the one with the same keys."""
        held = self._by_key.get(entry.partition)
        if held is None:
            held = self._by_key[entry.partition] = ([], [])
            self._by_hash.add((partition_hash(entry.partition), entry.partition))
        keys, entries = held
        at = bisect_left(keys, entry.order)
        self.size_bytes += entry.size
        if at < len(keys) and keys[at] == entry.order:
            self.size_bytes -= entries[at].size
            entries[at] = entry
        else:
            keys.insert(at, entry.order)
            entries.insert(at, entry)
            self.count += 1

    def remove(self, entry: Stored) -> None:
        """Remove the entry with the keys of ``entry``, which is there."""
        keys, entries = self._by_key[entry.partition]
        at = bisect_left(keys, entry.order)
        del keys[at]
        self.size_bytes -= entries.pop(at).size
        self.count -= 1
        if not keys:
            del self._by_key[entry.partition]
            self._by_hash.remove((partition_hash(entry.partition), entry.partition))

    def of_partition(
        self,
        partition: SortKey,
        low: tuple[SortKey, bool] | None,
        high: tuple[SortKey, bool] | None,
        after: OrderKey | None,
        forward: bool,
    ) -> Iterator[Stored]:
        """Entries of one partition between two sort keys (each with whether it is included), beginning after a key."""
        keys, entries = self._by_key.get(partition, ([], []))
        first, last = 0, len(keys)
        if low is not None:
            first = _edge(keys, low[0], before=low[1])
        if high is not None:
            last = _edge(keys, high[0], before=not high[1])
        if after is not None and forward:
            first = max(first, bisect_right(keys, after))
        elif after is not None:
            last = min(last, bisect_left(keys, after))
        positions = range(first, last) if forward else range(last - 1, first - 1, -1)
        return (entries[at] for at in positions)

    def scan(self, begin: int, end: int, after: tuple[SortKey, OrderKey] | None) -> Iterator[Stored]:
        """Entries whose partition's hash lies in [begin, end), in hash order, beginning after given keys."""
        at = self._by_hash.bisect_left((begin,))
        if after is not None:
            place = (partition_hash(after[0]), after[0])
            at = max(at, self._by_hash.bisect_left(place))
        for hashed, partition in self._by_hash.islice(at):
            if hashed >= end:
                return
            keys, entries = self._by_key[partition]
            first = bisect_right(keys, after[1]) if after is not None and partition == after[0] else 0
            yield from entries[first:]


def _edge(keys: list[OrderKey], sort: SortKey, *, before: bool) -> int:
    """Where entries with that sort key begin (``before``) or have ended."""
    return bisect_left(keys, (sort,)) if before else bisect_right(keys, (sort, _LAST))


class _Last:
    """Compares greater than anything: the end of all entries that share a sort key."""

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True


_LAST = _Last()


@dataclass(slots=True)
class Index:
    """A secondary index: its keys, what it projects, its entries. A local one has its table's partition key."""

    name: str
    schema: KeySchema
    projection: str
    included: tuple[str, ...]
    entries: Partitions
    local: bool = False

    def entry(self, base: KeySchema, item: dict[str, Value], stored: Stored) -> Stored | None:
        """The index's entry for an item; None where the item lacks one of its keys (a sparse index).

        An item from before the index may have a key of another type, or an empty one: it is left out as well.
        """
        for name, kind in self.schema.types.items():
            value = item.get(name)
            if value is None or not value.get(kind):
                return None
        partition = ordered(item[self.schema.partition])
        sort = (ordered(item[self.schema.sort]),) if self.schema.sort else (b"",)
        order = (*sort, stored.partition, *stored.order)
        if self.projection == "ALL":
            return Stored(stored.raw, stored.size, partition, order)
        kept = {*self.schema.names, *base.names, *self.included}
        projected = {name: value for name, value in item.items() if name in kept}
        return Stored(_json(projected), item_size(projected), partition, order)


def make_entry(schema: KeySchema, item: dict[str, Value]) -> Stored:
    """A table's entry for an item whose keys have been checked."""
    sort = ordered(item[schema.sort]) if schema.sort else b""
    return Stored(_json(item), item_size(item), ordered(item[schema.partition]), (sort,))


def _json(item: dict[str, Value]) -> bytes:
    """The item's JSON in no more memory than it needs: what orjson returns keeps the 8 KB it was written into."""
    return bytes(memoryview(orjson.dumps(item)))
