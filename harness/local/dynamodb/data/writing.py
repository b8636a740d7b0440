"""Writes: planned, admitted, then done with everything that follows from them in the indexes (A10–A13, B8).

A plan changes nothing, so that a batch or a transaction can be refused as a whole; a write that is done can't fail.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson

from harness.dynamodb.metering import MAX_ITEM_BYTES, failed_condition_units, index_write_units, put_units
from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.asked import Condition
from harness.local.dynamodb.data.consumed import Consumed
from harness.local.dynamodb.data.keys import check_index_keys, check_item, located, place_of
from harness.local.dynamodb.data.storage import Entry, Index, Place, as_json
from harness.local.dynamodb.data.values import Value
from harness.local.dynamodb.errors import ServiceError, condition_failed, validation
from harness.local.dynamodb.expressions.paths import BoundPath
from harness.local.dynamodb.expressions.updates import Updater
from harness.local.dynamodb.tables.tables import Table

Item = dict[str, Value]
# From the item there is, parsed where it was needed, to the entry to store and its item; both None for none.
Make = Callable[[Item | None], tuple[Entry | None, Item | None]]


class Write:
    """One write as the client asked for it, its keys checked: ``entry`` and ``item`` to store, or None to remove.

    ``make`` makes both from the item there is; ``is_check`` is a condition alone. A plain class: one is made for every
    item that is written.
    """

    __slots__ = ("condition", "entry", "is_check", "item", "make", "place", "table")

    def __init__(
        self, table: Table, place: Place, entry: Entry | None = None, item: Item | None = None,
        condition: Condition | None = None, *, make: Make | None = None, is_check: bool = False,
    ) -> None:  # fmt: skip
        self.table, self.place, self.entry, self.item = table, place, entry, item
        self.condition, self.make, self.is_check = condition, make, is_check

    @property
    def size(self) -> int:
        """Bytes of the item to put; 0 where that isn't known yet."""
        return 0 if self.entry is None else self.entry.size

    def made(self, old: Item | None) -> tuple[Entry | None, Item | None]:
        """The entry to store and its item."""
        return (self.entry, self.item) if self.make is None else self.make(old)


@dataclass(slots=True)
class Plan:
    """What a write will do: the entry before and after, those of the indexes it touches, and what it consumes."""

    table: Table
    place: Place
    old: Entry | None
    old_item: Item | None
    new: Entry | None
    new_item: Item | None
    indexes: list[tuple[Index, Entry | None, Entry | None]]
    consumed: Consumed


def put_of(table: Table, item: Item, size: int, condition: Condition | None = None) -> Write:
    """A put of an item of so many bytes."""
    check_item(table, item)
    if size > MAX_ITEM_BYTES:
        raise validation("Item size has exceeded the maximum allowed size")
    place = place_of(table.schema, item)
    return Write(table, place, Entry(*place, as_json(item), size), item, condition)


def delete_of(table: Table, key: Item, condition: Condition | None = None) -> Write:
    """A deletion by a key."""
    return Write(table, located(table.schema, key), condition=condition)


def check_of(table: Table, key: Item, condition: Condition) -> Write:
    """A transaction's ConditionCheck: a write of nothing."""
    return Write(table, located(table.schema, key), condition=condition, is_check=True)


def update_of(table: Table, key: Item, updater: Updater | None, condition: Condition | None = None) -> Write:
    """An update of the item with a key, which is made if it isn't there; without an expression it is the key alone."""
    place = located(table.schema, key)
    _check_targets(table, updater.paths if updater else ())

    def make(old: Item | None) -> tuple[Entry | None, Item | None]:
        if old is None and updater is not None and not updater.creates:
            return None, None
        base = key if old is None else old
        item, size = values.measured(updater.apply(base, is_new=old is None) if updater else base)
        check_index_keys(table, item)
        if size > MAX_ITEM_BYTES:
            raise validation("Item size to update has exceeded the maximum allowed size")
        return Entry(*place, as_json(item), size), item

    return Write(table, place, condition=condition, make=make)


def _check_targets(table: Table, paths: Iterable[BoundPath]) -> None:
    """What an update may not write to: its own key, and parts of what is a key of an index."""
    of_indexes = {name for index in table.indexes.values() for name in index.schema.names}
    for path in paths:
        if path[0] in table.schema.names and len(path) == 1:
            raise validation(
                f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                "This attribute is part of the key"
            )
        if len(path) > 1 and (path[0] in table.schema.names or path[0] in of_indexes):
            kind = "Key" if path[0] in table.schema.names else "IndexKey"
            raise validation(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                f"{kind}: {path[0]}"
            )


def plan(write: Write, *, transactional: bool = False) -> Plan:
    """Work out what a write does. Raises the condition's error, its units accounted on the plan in ``ConditionRefused``."""
    table, condition = write.table, write.condition
    old = table.items.get(*write.place)
    old_item = old.parsed() if old is not None and (condition or write.make or table.indexes) else None
    consumed = Consumed(table, "write")
    old_size = None if old is None else old.size
    if condition is not None and not condition.holds(old_item or {}):
        attempted = _attempted_size(write, old_item)
        consumed.units = failed_condition_units(old_size, attempted, transactional=transactional)
        shown = orjson.Fragment(old.raw) if old is not None and condition.shows_item else None
        raise ConditionRefused(consumed, write.place, shown)
    new, new_item = (old, old_item) if write.is_check else write.made(old_item)
    consumed.units = put_units(old_size, None if new is None else new.size, transactional=transactional)
    planned = Plan(table, write.place, old, old_item, new, new_item, [], consumed)
    if table.indexes and not write.is_check:
        _plan_indexes(planned)
    return planned


def _attempted_size(write: Write, old_item: Item | None) -> int | None:
    """The size of what was to be written; nothing where it can't even be made."""
    try:
        attempted, _ = write.made(old_item)
    except ServiceError:
        return None
    return None if attempted is None else attempted.size


class ConditionRefused(Exception):  # noqa: N818 - the service's answer, not a mistake of the caller's
    """A condition didn't hold; what was consumed all the same, where, and the item there is, if it was asked for."""

    def __init__(self, consumed: Consumed, place: Place, shown: orjson.Fragment | None) -> None:
        super().__init__("the condition didn't hold")
        self.consumed, self.place, self.shown = consumed, place, shown


def _plan_indexes(planned: Plan) -> None:
    schema, old, new = planned.table.schema, planned.old, planned.new
    for index in planned.table.indexes.values():
        before = index.entry(schema, planned.old_item, old) if old is not None and planned.old_item else None
        after = index.entry(schema, planned.new_item, new) if new is not None and planned.new_item else None
        units = _index_units(before, after)
        if units:
            planned.consumed.add(units, index.name)
            planned.indexes.append((index, before, after))
        elif after is not None and index.projection == "ALL":  # equal, yet the bytes it shares with the table are new
            planned.indexes.append((index, before, after))


def _index_units(before: Entry | None, after: Entry | None) -> float:
    same_key = before is not None and after is not None and before[:2] == after[:2]
    return index_write_units(
        None if before is None else before.size,
        None if after is None else after.size,
        same_key=same_key,
        identical=same_key and before is not None and after is not None and _identical(before, after),
    )


def _identical(one: Entry, other: Entry) -> bool:
    """The same attributes with the same values, in whatever order they were sent."""
    return one.raw == other.raw or values.equal({"M": one.parsed()}, {"M": other.parsed()})


def admit(planned: Plan, now_s: float) -> None:
    """Raise the throttling error of the table, or of an index without capacity, which holds back its table (B8)."""
    table = planned.table
    table.meter.check("write", now_s, table.items.hash_of(planned.place[0]))
    for index, before, after in planned.indexes:
        if not index.local and index.name in planned.consumed.by_index:
            place = after if after is not None else before
            assert place is not None
            table.index_meters[index.name].check("write", now_s, index.entries.hash_of(place.partition))


def account(
    consumed: Consumed, place: Place, now_s: float, indexes: list[tuple[Index, Entry | None, Entry | None]]
) -> None:
    """Take what a write consumed: a local index's from its table, a global one's from its own capacity (A12)."""
    table, units = consumed.table, consumed.units
    for index, before, after in indexes:
        of_index = consumed.by_index.get(index.name)
        if not of_index:
            continue
        if index.local:
            units += of_index
            continue
        lies = after if after is not None else before
        assert lies is not None
        table.index_meters[index.name].account("write", of_index, now_s, index.entries.hash_of(lies.partition))
    table.meter.account("write", units, now_s, table.items.hash_of(place[0]))


def carry_out(planned: Plan, now_s: float) -> None:
    """Do what was planned and account it."""
    table = planned.table
    if planned.new is not None:
        if planned.new is not planned.old:
            table.items.put(planned.new)
    elif planned.old is not None:
        table.items.remove(planned.old)
    for index, before, after in planned.indexes:
        if before is not None and (after is None or before[:2] != after[:2]):
            index.entries.remove(before)
        if after is not None:
            index.entries.put(after)
    account(planned.consumed, planned.place, now_s, planned.indexes)


def perform(write: Write, now_s: float) -> Plan:
    """Plan, admit and do one write. Raises before anything is changed: a throttling error, or the condition's."""
    table = write.table
    try:
        planned = plan(write)
    except ConditionRefused as refused:
        table.meter.check("write", now_s, table.items.hash_of(write.place[0]))
        account(refused.consumed, refused.place, now_s, [])
        raise condition_failed(refused.shown) from None
    admit(planned, now_s)
    carry_out(planned, now_s)
    return planned


def remove_silently(table: Table, stored: Entry) -> None:
    """Remove an item and its index entries, and consume nothing: as the expiry of a time to live does."""
    item = stored.parsed()
    for index in table.indexes.values():
        entry = index.entry(table.schema, item, stored)
        if entry is not None:
            index.entries.remove(entry)
    table.items.remove(stored)
