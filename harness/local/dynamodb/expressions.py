"""Expressions at work: a tree bound to a request's names and values becomes a function of an item."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.grammar import Node, Operand, Path, Placeholder, Size, parse_projection
from harness.local.dynamodb.values import Value, equal, ordered

Item = Mapping[str, Value]
Predicate = Callable[[Item], bool]
Selection = Mapping[str | int, Any]  # a Selection again, or None for all that lies there


class Bindings:
    """A request's names and values; remembers which were used, since the service refuses unused ones."""

    def __init__(self, names: Mapping[str, str], values: Mapping[str, Value]) -> None:
        self._names, self._values = names, values
        self._unused_names, self._unused_values = set(names), set(values)

    def name(self, part: str, kind: str) -> str:
        """The attribute a name or ``#placeholder`` stands for."""
        if not part.startswith("#"):
            return part
        if part not in self._names:
            raise validation(
                f"Invalid {kind}: An expression attribute name used in the document path is not defined; "
                f"attribute name: {part}"
            )
        self._unused_names.discard(part)
        return self._names[part]

    def path(self, path: Path, kind: str) -> tuple[str | int, ...]:
        """A path with its placeholders replaced."""
        return tuple(part if isinstance(part, int) else self.name(part, kind) for part in path.parts)

    def projection(self, text: str) -> "Selection":
        """What a ProjectionExpression selects."""
        return select([self.path(path, "ProjectionExpression") for path in parse_projection(text)])

    def value(self, placeholder: Placeholder, kind: str) -> Value:
        """The value a ``:placeholder`` stands for."""
        if placeholder.name not in self._values:
            raise validation(
                f"Invalid {kind}: An expression attribute value used in expression is not defined; "
                f"attribute value: {placeholder.name}"
            )
        self._unused_values.discard(placeholder.name)
        return self._values[placeholder.name]

    def check_all_used(self) -> None:
        """Raise what the service raises when a name or value served no expression."""
        for unused, what in ((self._unused_names, "Names"), (self._unused_values, "Values")):
            if unused:
                raise validation(
                    f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{', '.join(sorted(unused))}}}"
                )


def lookup(item: Item, path: tuple[str | int, ...]) -> Value | None:
    """The value at a path, None where there is none."""
    current: Any = item.get(path[0])  # type: ignore[arg-type]
    for part in path[1:]:
        if current is None:
            return None
        if isinstance(part, int):
            members = current.get("L", ())
            current = members[part] if part < len(members) else None
        else:
            current = current.get("M", {}).get(part)
    found: Value | None = current
    return found


def bind_condition(node: Node, bindings: Bindings, kind: str) -> Predicate:
    """A tree as a function of an item."""
    if node.op in ("and", "or", "not"):
        inner = [bind_condition(arg, bindings, kind) for arg in node.args if isinstance(arg, Node)]
        if node.op == "not":
            return lambda item: not inner[0](item)
        left, right = inner
        if node.op == "and":
            return lambda item: left(item) and right(item)
        return lambda item: left(item) or right(item)
    operands = [_bind_operand(arg, bindings, kind) for arg in node.args if not isinstance(arg, Node)]
    make = _LEAVES.get(node.op)
    return make(operands) if make else _bind_comparison(node.op, operands)


def necessary_bytes(node: Node, bindings: Bindings, kind: str) -> bytes | None:
    """Bytes that every item which passes must contain, or None where no such bytes are known.

    ``name = :text`` on a top-level attribute can only hold where the item's JSON has exactly ``"name":{"S":"text"}``: looking
    for those bytes first spares parsing most items of a Scan. It is necessary, not sufficient; who finds them still asks
    the predicate.
    """
    if node.op == "and":
        found = (necessary_bytes(arg, bindings, kind) for arg in node.args if isinstance(arg, Node))
        return next(filter(None, found), None)
    if node.op != "=":
        return None
    path = next((arg for arg in node.args if isinstance(arg, Path)), None)
    literal = next((arg for arg in node.args if isinstance(arg, Placeholder)), None)
    if path is None or literal is None or len(path.parts) != 1 or not isinstance(path.parts[0], str):
        return None
    value = bindings.value(literal, kind)
    if not value.keys() & {"S", "N"}:
        return None
    return orjson.dumps({bindings.name(path.parts[0], kind): value})[1:-1]


def _bind_operand(operand: Operand, bindings: Bindings, kind: str) -> Callable[[Item], Value | None]:
    if isinstance(operand, Placeholder):
        constant = bindings.value(operand, kind)
        return lambda _item: constant
    path = bindings.path(operand.path if isinstance(operand, Size) else operand, kind)
    if isinstance(operand, Size):
        return lambda item: _size(lookup(item, path))
    if len(path) == 1:
        name = str(path[0])
        return lambda item: item.get(name)
    return lambda item: lookup(item, path)


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind in ("N", "BOOL", "NULL"):
        return None
    length = len(ordered(value)) if kind in ("S", "B") else len(content)  # type: ignore[arg-type]
    return {"N": str(length)}


def _bind_comparison(op: str, operands: list[Callable[[Item], Value | None]]) -> Predicate:
    left, right = operands
    if op == "=":
        return lambda item: equal(left(item), right(item))
    if op == "<>":  # what isn't there differs from every value
        return lambda item: not equal(left(item), right(item))
    wanted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[op]
    return lambda item: _order(left(item), right(item)) in wanted


def _order(left: Value | None, right: Value | None) -> int | None:
    """-1, 0, 1; None where the two can't be ordered."""
    if left is None or right is None or left.keys() != right.keys() or not left.keys() & {"S", "N", "B"}:
        return None
    a: Any = ordered(left)
    b: Any = ordered(right)
    return int(a > b) - int(a < b)


def _between(operands: list[Callable[[Item], Value | None]]) -> Predicate:
    subject, low, high = operands
    return lambda item: _order(subject(item), low(item)) in (0, 1) and _order(subject(item), high(item)) in (-1, 0)


def _begins_with(operands: list[Callable[[Item], Value | None]]) -> Predicate:
    subject, prefix = operands

    def test(item: Item) -> bool:
        whole, start = subject(item), prefix(item)
        if whole is None or start is None or whole.keys() != start.keys() or not whole.keys() & {"S", "B"}:
            return False
        a, b = ordered(whole), ordered(start)
        return not isinstance(a, Decimal) and not isinstance(b, Decimal) and a.startswith(b)

    return test


def _contains(operands: list[Callable[[Item], Value | None]]) -> Predicate:
    subject, member = operands

    def test(item: Item) -> bool:
        whole, part = subject(item), member(item)
        if whole is None or part is None:
            return False
        ((kind, content),) = whole.items()
        ((part_kind, wanted),) = part.items()
        if kind == "L":
            return any(equal(one, part) for one in content)
        if kind == part_kind == "B":
            return ordered(part) in ordered(whole)  # type: ignore[operator]
        return (kind == part_kind == "S" or kind == f"{part_kind}S") and wanted in content

    return test


def _attribute_type(operands: list[Callable[[Item], Value | None]]) -> Predicate:
    subject, wanted = operands
    return lambda item: (found := subject(item)) is not None and (wanted(item) or {}).get("S") in found


_LEAVES: dict[str, Callable[[list[Callable[[Item], Value | None]]], Predicate]] = {
    "between": _between,
    "in": lambda operands: lambda item: any(equal(operands[0](item), one(item)) for one in operands[1:]),
    "attribute_exists": lambda operands: lambda item: operands[0](item) is not None,
    "attribute_not_exists": lambda operands: lambda item: operands[0](item) is None,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}


def select(paths: list[tuple[str | int, ...]]) -> Selection:
    """Paths as one tree; a leaf is None. Raises where two paths overlap, or one names a list and one a map at one place."""
    root: dict[str | int, Any] = {}
    for path in paths:
        level: Any = root
        for depth, part in enumerate(path, 1):
            is_leaf = depth == len(path)
            if level is None or (is_leaf and part in level):
                raise _clash("overlap", path)
            if any(isinstance(other, int) != isinstance(part, int) for other in level):
                raise _clash("conflict", path)
            level = level.setdefault(part, None if is_leaf else {})
    return root


def _clash(how: str, path: tuple[str | int, ...]) -> Exception:
    shown = ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path)
    return validation(
        f"Invalid ProjectionExpression: Two document paths {how} with each other; must remove or rewrite one of these "
        f"paths; path two: [{shown}]"
    )


def project(item: Item, selection: Selection) -> dict[str, Value]:
    """The item with only what is selected; what is left of a list closes up, in the list's order."""
    found = ((str(name), _part(item.get(str(name)), inner)) for name, inner in selection.items())
    return {name: part for name, part in found if part is not None}


def _part(value: Value | None, inner: Selection | None) -> Value | None:
    if value is None or inner is None:
        return value
    ((kind, content),) = value.items()
    if kind == "M":
        members = project(content, inner)
        return {"M": members} if members else None
    if kind != "L":
        return None
    places = sorted(place for place in inner if isinstance(place, int) and place < len(content))
    parts = [part for place in places if (part := _part(content[place], inner[place])) is not None]
    return {"L": parts} if parts else None
