"""DynamoDB in a few plain dictionaries: what must come back, and what it must cost.

Written from facts A1–A14 and A15's words, not from the twin: values are Python's, every read sorts everything anew, and
nothing is fast. A value is a pair of its type and its content, so that a number never equals a text.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

Value = tuple[str, Any]
Item = dict[str, Value]
Key = tuple[Any, ...]
Units = Counter[str]
"""Units of one request by the name of what gave them: the table's own under the empty name."""
EXACT = Context(prec=60)


class RefusalError(Exception):
    """The service answers with an error of this name; a transaction's has one code for each of its parts."""

    def __init__(self, error: str, codes: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.error, self.codes = error, list(codes)


def plain(raw: dict[str, Any]) -> Value:
    """A value of DynamoDB's JSON as a Python value beside its type."""
    ((kind, content),) = raw.items()
    match kind:
        case "N":
            return kind, Decimal(content)
        case "B":
            return kind, base64.b64decode(content)
        case "L":
            return kind, [plain(one) for one in content]
        case "M":
            return kind, plain_item(content)
        case "SS" | "NS" | "BS":
            return kind, frozenset(plain({kind[0]: one})[1] for one in content)
    return kind, content


def plain_item(raw: dict[str, Any]) -> Item:
    """An item of DynamoDB's JSON."""
    return {name: plain(content) for name, content in raw.items()}


def value_bytes(value: Value) -> int:
    """A15: UTF-8 of a string, raw bytes, 1 for a flag; 3, and 1 an element, for a document; what is in a set."""
    kind, content = value
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            whole, _, fraction = f"{content.copy_abs():f}".partition(".")
            digits = whole.zfill(len(whole) + len(whole) % 2) + fraction + "0" * (len(fraction) % 2)
            pairs = "".join("x" if digits[at : at + 2] != "00" else " " for at in range(0, len(digits), 2)).strip()
            return min(1 + len(pairs) + (content < 0), 21)
        case "L":
            return 3 + sum(1 + value_bytes(one) for one in content)
        case "M":
            return 3 + len(content) + item_bytes(content)
        case "SS" | "NS" | "BS":
            return sum(value_bytes((kind[0], one)) for one in content)
    return 1


def item_bytes(item: Item) -> int:
    """A15: the names of all attributes and their values."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def blocks(size: int, block: int) -> int:
    """Blocks begun, one at least."""
    return max(1, (size + block - 1) // block)


def write_cost(*items: Item | None) -> float:
    """A2 and A10: the KB begun of the largest of some items, 1 where there is none."""
    return float(max(blocks(item_bytes(item), 1024) for item in (*items, {}) if item is not None))


def read_cost(size: int, *, consistent: bool) -> float:
    """A1 and A4: halves of 4 KB begun, or wholes."""
    return blocks(size, 4096) * (1.0 if consistent else 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What can be read in order: a table by its own keys, or an index; ``projected`` is None where that is everything."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None = None
    local: bool = False

    def entry(self, item: Item | None) -> Item | None:
        """What is here of an item; None where it lacks one of the keys (a sparse index)."""
        if item is None or any(name not in item for name in self.keys):
            return None
        return item if self.projected is None else {name: item[name] for name in item if name in self.projected}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: the items evaluated, whether there may be more, and what it cost."""

    evaluated: list[Item]
    more: bool
    units: Units


@dataclass(slots=True)
class Table:
    """One table, its indexes, and everything they have consumed since they were made."""

    name: str
    source: Source
    types: dict[str, str]
    indexes: tuple[Source, ...]
    items: dict[Key, Item] = field(default_factory=dict)
    consumed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def key_of(self, item: Item) -> Key:
        """An item's place: the contents of its keys."""
        return tuple(item[name][1] for name in self.source.keys)

    def check(self, item: Item) -> None:
        """The types and the content of the indexes' keys, and 400 KB."""
        for name in {name for index in self.indexes for name in index.keys} & item.keys():
            if item[name][0] != self.types[name] or item[name][1] in ("", b""):
                raise RefusalError("ValidationException")
        if item_bytes(item) > 400 * 1024:
            raise RefusalError("ValidationException")

    def write(self, key: Item, change: Change, condition: Test, *, factor: int = 1) -> tuple[Item | None, Units]:
        """Put, update or delete one item (``change`` makes the new one of the old); the old item and the units."""
        old = self.items.get(self.key_of(key))
        if not condition(old or {}):
            self.spend("write", Counter({"": factor * write_cost(old, self.attempted(old, change))}))
            raise RefusalError("ConditionalCheckFailedException")
        new = change(old)
        if new is not None:
            self.check(new)
        units: Units = Counter({"": factor * write_cost(old, new)})
        for index in self.indexes:
            units[index.name] += index_cost(index, old, new)
        if new is not None:
            self.items[self.key_of(key)] = new
        else:
            self.items.pop(self.key_of(key), None)
        self.spend("write", units)
        return old, units

    def attempted(self, old: Item | None, change: Change) -> Item | None:
        """A11: what a refused write would have made, if it could have been made."""
        try:
            new = change(old)
            if new is not None:
                self.check(new)
        except RefusalError:
            return None
        return new

    def get(self, key: Item, *, consistent: bool = False, factor: float = 1) -> tuple[Item | None, Units]:
        """One item and the units (A1); ``factor`` is 2 in a transaction, which reads consistently."""
        item = self.items.get(self.key_of(key))
        units: Units = Counter({"": factor * read_cost(item_bytes(item or {}), consistent=consistent)})
        self.spend("read", units)
        return item, units

    def rows(self, source: Source, partition: Value | None = None) -> list[tuple[Key, Item]]:
        """Entries with the keys that order them: the source's own, then the table's."""
        entries = map(source.entry, self.items.values())
        found = [
            (self.place(source, entry), entry)
            for entry in entries
            if entry is not None and (partition is None or entry[source.keys[0]] == partition)
        ]
        return sorted(found, key=lambda row: row[0])

    def place(self, source: Source, start: Item) -> Key:
        """Where a start key lies among the rows of a source, whether or not there is an entry."""
        return (*(start[name][1] for name in source.keys[1:]), *self.key_of(start))

    def page(
        self, source: Source, entries: Iterable[Item], *, limit: int | None, consistent: bool, fetch: bool = False
    ) -> Page:
        """Entries until their bytes reach 1 MB or their number the limit (A6), rounded once (A4), fetches singly (A9)."""
        evaluated: list[Item] = []
        size, more, units = 0, False, Counter[str]()
        for entry in entries:
            whole = self.items[self.key_of(entry)] if fetch else entry
            size += item_bytes(entry)
            if fetch:
                units[""] += read_cost(item_bytes(whole), consistent=consistent)
            evaluated.append(whole)
            more = size >= 1024 * 1024 or len(evaluated) == limit
            if more:
                break
        units["" if source is self.source else source.name] += read_cost(size, consistent=consistent)
        self.spend("read", units)
        return Page(evaluated=evaluated, more=more, units=units)

    def spend(self, kind: str, units: Units) -> None:
        """Add to what was consumed: a local index draws on its table's capacity, a global one on its own (A12)."""
        own = {index.name for index in self.indexes if not index.local}
        for name, amount in units.items():
            self.consumed[f"index/{name}" if name in own else "table", kind] += amount


Change = Callable[[Item | None], Item | None]
Test = Callable[[Item], bool]


def index_cost(index: Source, old: Item | None, new: Item | None) -> float:
    """A12, for one index; the table's own key is the same before and after."""
    before, after = index.entry(old), index.entry(new)
    if before is None or after is None:
        return sum(write_cost(one) for one in (before, after) if one is not None)
    if any(before[name] != after[name] for name in index.keys):
        return write_cost(before) + write_cost(after)
    return 0.0 if before == after else write_cost(before, after)


def holds(condition: Any, item: Item) -> bool:
    """A condition as a tuple: ("<", "b", value), ("between", "b", low, high), ("exists", "a"), ("and", one, other) …"""
    op, name, *operands = condition
    if op in ("and", "or"):
        return (all if op == "and" else any)(holds(one, item) for one in (name, *operands))
    if op == "not":
        return not holds(name, item)
    if op in ("exists", "missing"):
        return (name in item) == (op == "exists")
    kind, content = item.get(name, ("nothing", None))
    wanted = [plain(one) for one in operands]
    if op == "<>":
        return (kind, content) != wanted[0]
    if any(other[0] != kind for other in wanted):
        return False
    low, high = wanted[0][1], wanted[-1][1]
    match op:
        case "=":
            return bool(content == low)
        case "between":
            return bool(low <= content <= high)
        case "begins_with":
            return bool(content[: len(low)] == low)
    return bool({"<": content < low, "<=": content <= low, ">": content > low, ">=": content >= low}[op])


def updated(old: Item | None, key: Item, actions: Sequence[tuple[Any, ...]]) -> Item | None:
    """An item after some actions, each on another attribute: ("set", "a", value), ("plus", …), ("remove", "a") …

    Actions that only take away make no item where there was none.
    """
    if old is None and all(action in ("remove", "delete") for action, *_ in actions):
        return None
    item = dict(old or key)
    for action, name, *operands in actions:
        before, given = item.get(name), plain(operands[0]) if operands else ("nothing", None)
        if action == "remove":
            item.pop(name, None)
        elif action == "set" or before is None:
            if action == "plus":
                raise RefusalError("ValidationException")  # an operand that isn't there
            if action != "delete":
                item[name] = given
        elif action != "default":
            if before[0] != given[0]:
                raise RefusalError("ValidationException")
            result = _combined(action, before, given)
            if result is None:
                del item[name]
            else:
                item[name] = result
    return item


def _combined(action: str, before: Value, given: Value) -> Value | None:
    kind = before[0]
    if kind == "N":
        return kind, EXACT.add(before[1], given[1])
    if kind == "L":
        return kind, before[1] + given[1]
    rest = before[1] - given[1] if action == "delete" else before[1] | given[1]
    return (kind, rest) if rest else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a transaction; one that only checks changes nothing."""

    table: Table
    key: Item
    change: Change | None
    condition: Test


def transact(parts: Sequence[Part]) -> dict[str, Units]:
    """A13: all parts or none, each paid twice on the table whether or not it comes about; units by table.

    What a part costs that couldn't even be made, the facts don't say: nothing here.
    """
    codes = [_code(part) for part in parts]
    whole = not any(codes)
    units: dict[str, Units] = {}
    for part, code in zip(parts, codes, strict=True):
        old = part.table.items.get(part.table.key_of(part.key))
        if whole and part.change is not None:
            _, cost = part.table.write(part.key, part.change, lambda _: True, factor=2)
        else:
            attempted = None if part.change is None else part.table.attempted(old, part.change)
            cost = Counter({"": 0 if code == "ValidationError" else 2 * write_cost(old, attempted)})
            part.table.spend("write", cost)
        units.setdefault(part.table.name, Counter()).update(cost)
    if not whole:
        raise RefusalError("TransactionCanceledException", [code or "None" for code in codes])
    return units


def _code(part: Part) -> str | None:
    """Why a part can't be done, None where it can."""
    old = part.table.items.get(part.table.key_of(part.key))
    if not part.condition(old or {}):
        return "ConditionalCheckFailed"
    try:
        new = None if part.change is None else part.change(old)
        if new is not None:
            part.table.check(new)
    except RefusalError:
        return "ValidationError"
    return None
