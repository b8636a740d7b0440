"""Items as ready-to-send bytes: partitions ordered by hash and, inside each, columns ordered by sort key.

A partition keeps three columns, orders, JSON and sizes, rather than an object an item: a page is then slices of columns and
the sum of one. Nobody keeps parsed dictionaries. An index that projects everything shares the item's bytes with its table.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, NamedTuple

import orjson
from sortedcontainers import SortedList

from harness.local.dynamodb.data.values import SortKey, Value, measured, ordered

HASH_SPACE = 1 << 64
OrderKey = tuple[Any, ...]
Place = tuple[SortKey, OrderKey]
"""Where an entry lies: in which partition, and where in that."""
NO_SORT: OrderKey = (b"",)
"""The order of the only item of its partition."""


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The names of the partition key and, where there is one, the sort key, with their types."""

    partition: str
    sort: str | None
    types: dict[str, str]
    names: tuple[str, ...] = field(init=False)
    """One name or two."""
    is_text: bool = field(init=False)
    """Whether all of it is of type S, as nearly always."""

    def __post_init__(self) -> None:
        names = (self.partition,) if self.sort is None else (self.partition, self.sort)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "is_text", all(self.types[name] == "S" for name in names))


class Entry(NamedTuple):
    """One item, or one entry of an index: where it lies, its JSON and its size in bytes by the service's rules."""

    partition: SortKey
    order: OrderKey
    raw: bytes
    size: int

    def parsed(self) -> dict[str, Value]:
        """The item as attribute values."""
        item: dict[str, Value] = orjson.loads(self.raw)
        return item


class Partition:
    """The entries that share a partition key, as columns in the order of their sort keys."""

    __slots__ = ("hashed", "orders", "raws", "sizes")

    def __init__(self, hashed: int) -> None:
        self.hashed = hashed
        self.orders: list[OrderKey] = []
        self.raws: list[bytes] = []
        self.sizes = array("I")


class Stretch(NamedTuple):
    """A run of entries of one partition, from the first position to before the last."""

    key: SortKey
    partition: Partition
    first: int
    last: int


def partition_hash(key: SortKey) -> int:
    """Where a partition lies in the hash space: 64 bits, the same in every run."""
    text = key if isinstance(key, bytes) else str(key.normalize()).encode()
    return int.from_bytes(md5(text, usedforsecurity=False).digest()[:8], "big")


class Partitions:
    """Entries of a table or an index, by partition and sort key; ``size_bytes`` and ``count`` are kept up to date."""

    __slots__ = ("_by_hash", "_by_key", "count", "size_bytes")

    def __init__(self) -> None:
        self._by_key: dict[SortKey, Partition] = {}
        self._by_hash: SortedList = SortedList()
        self.count = self.size_bytes = 0

    def get(self, partition: SortKey, order: OrderKey) -> Entry | None:
        """The entry under exactly these keys."""
        held = self._by_key.get(partition)
        if held is None:
            return None
        orders = held.orders
        at = bisect_left(orders, order)
        if at == len(orders) or orders[at] != order:
            return None
        return Entry(partition, order, held.raws[at], held.sizes[at])

    def look_up(self, partition: SortKey, order: OrderKey) -> tuple[int, bytes | None, int]:
        """Where a partition lies in the hash space, and JSON and size of the entry under these keys: None and 0 for none."""
        held = self._by_key.get(partition)
        if held is None:
            return partition_hash(partition), None, 0
        orders = held.orders
        at = bisect_left(orders, order)
        if at == len(orders) or orders[at] != order:
            return held.hashed, None, 0
        return held.hashed, held.raws[at], held.sizes[at]

    def hash_of(self, partition: SortKey) -> int:
        """Where a partition lies, or would, in the hash space; known already for those that hold something."""
        held = self._by_key.get(partition)
        return partition_hash(partition) if held is None else held.hashed

    def partition_size(self, partition: SortKey) -> int:
        """Bytes of the entries of one partition."""
        held = self._by_key.get(partition)
        return 0 if held is None else sum(held.sizes)

    def put(self, entry: Entry) -> Entry | None:
        """Add an entry, or replace the one with the same keys, which is returned."""
        partition, order, raw, size = entry
        held = self._by_key.get(partition)
        if held is None:
            held = self._by_key[partition] = Partition(partition_hash(partition))
            self._by_hash.add((held.hashed, partition))
        orders = held.orders
        at = bisect_left(orders, order)
        self.size_bytes += size
        if at < len(orders) and orders[at] == order:
            old = Entry(partition, order, held.raws[at], held.sizes[at])
            self.size_bytes -= old.size
            held.raws[at] = raw
            held.sizes[at] = size
            return old
        orders.insert(at, order)
        held.raws.insert(at, raw)
        held.sizes.insert(at, size)
        self.count += 1
        return None

    def remove(self, entry: Entry) -> None:
        """Remove the entry with the keys of ``entry``, which is there."""
        held = self._by_key[entry.partition]
        at = bisect_left(held.orders, entry.order)
        del held.orders[at], held.raws[at]
        self.size_bytes -= held.sizes.pop(at)
        self.count -= 1
        if not held.orders:
            del self._by_key[entry.partition]
            self._by_hash.remove((held.hashed, entry.partition))

    def shed(self, entries: int) -> bool:
        """Let go of some entries of what nobody reads any more; True while there are others.

        To free hundreds of thousands at once takes tens of milliseconds, in which nobody is served.
        """
        self.count = self.size_bytes = 0
        while self._by_hash and entries > 0:
            held = self._by_key[self._by_hash[-1][1]]
            left = len(held.orders) - entries
            if left > 0:
                del held.orders[left:], held.raws[left:], held.sizes[left:]
            else:
                del self._by_key[self._by_hash.pop()[1]]
            entries = -left
        return bool(self._by_hash)

    def of_partition(
        self,
        partition: SortKey,
        low: tuple[SortKey, bool] | None = None,
        high: tuple[SortKey, bool] | None = None,
        after: OrderKey | None = None,
        *,
        forward: bool = True,
    ) -> Stretch | None:
        """Entries of one partition between two sort keys (each with whether it is included), ``after`` a key.

        Forward they begin after that key, backward they end before it. None where there are none.
        """
        held = self._by_key.get(partition)
        if held is None:
            return None
        orders = held.orders
        first, last = 0, len(orders)
        if low is not None:
            first = _edge(orders, low[0], before=low[1])
        if high is not None:
            last = _edge(orders, high[0], before=not high[1])
        if after is not None and forward:
            first = max(first, bisect_right(orders, after))
        elif after is not None:
            last = min(last, bisect_left(orders, after))
        return Stretch(partition, held, first, last) if first < last else None

    def scan(self, begin: int, end: int, after: Place | None = None) -> Iterator[Stretch]:
        """Whole partitions whose hash lies in [begin, end), in hash order; the first one from ``after`` given keys on.

        Nothing may be written while the iterator is in use.
        """
        place: tuple[Any, ...] = (begin,)
        if after is not None:
            place = max(place, (partition_hash(after[0]), after[0]))
        for hashed, key in self._by_hash.islice(self._by_hash.bisect_left(place)):
            if hashed >= end:
                return
            held = self._by_key[key]
            first = bisect_right(held.orders, after[1]) if after is not None and key == after[0] else 0
            if first < len(held.orders):
                yield Stretch(key, held, first, len(held.orders))

    def everything(self) -> Iterator[Stretch]:
        """All partitions, whole, in the order of a scan; nothing may be written meanwhile."""
        return self.scan(0, HASH_SPACE)

    def restore(self, groups: Iterable[tuple[SortKey, list[OrderKey], list[bytes], list[int]]]) -> None:
        """Take whole partitions, each with its columns in order, into a storage that is empty."""
        for key, orders, raws, sizes in groups:
            held = self._by_key[key] = Partition(partition_hash(key))
            held.orders, held.raws, held.sizes = orders, raws, array("I", sizes)
            self.count += len(orders)
            self.size_bytes += sum(sizes)
        self._by_hash = SortedList((held.hashed, key) for key, held in self._by_key.items())

    def following(self, after: Place | None, count: int) -> list[Entry]:
        """So many entries in the order of a scan, ``after`` given keys: for who walks through all with pauses."""
        found: list[Entry] = []
        for key, held, first, last in self.scan(0, HASH_SPACE, after):
            places = range(first, min(last, first + count - len(found)))
            found += [Entry(key, held.orders[at], held.raws[at], held.sizes[at]) for at in places]
            if len(found) >= count:
                break
        return found


def _edge(orders: list[OrderKey], sort: SortKey, *, before: bool) -> int:
    """Where entries with that sort key begin (``before``) or have ended."""
    return bisect_left(orders, (sort,)) if before else bisect_right(orders, (sort, _LAST))


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

    def projected(self, base: KeySchema) -> frozenset[str] | None:
        """The names of the attributes an entry holds; None where it holds them all."""
        return None if self.projection == "ALL" else frozenset((*self.schema.names, *base.names, *self.included))

    def entry(self, base: KeySchema, item: dict[str, Value], stored: Entry) -> Entry | None:
        """The index's entry for an item; None where the item lacks one of its keys (a sparse index).

        An item from before the index may have a key of another type, or an empty one: it is left out as well.
        """
        schema = self.schema
        for name in schema.names:
            value = item.get(name)
            if value is None or not value.get(schema.types[name]):
                return None
        partition = ordered(item[schema.partition])
        sort = ordered(item[schema.sort]) if schema.sort else b""
        order = (sort, stored.partition, *stored.order)
        kept = self.projected(base)
        if kept is None:
            return Entry(partition, order, stored.raw, stored.size)
        part = {name: value for name, value in item.items() if name in kept}
        return Entry(partition, order, as_json(part), measured(part)[1])


def as_json(item: dict[str, Value]) -> bytes:
    """The item's JSON in no more memory than it needs: what orjson returns keeps the 8 KB it was written into."""
    return bytes(memoryview(orjson.dumps(item)))
