"""Conditions at work: a tree bound to a request's names and values becomes a function of an item.

Binding checks what the names and values show to be wrong; a bound condition raises nothing. Constants are prepared once, so
that a filter over a page compares them with as little work an item as possible.
"""

import base64
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.local.dynamodb.data.values import Value, equal
from harness.local.dynamodb.expressions.bindings import Bindings
from harness.local.dynamodb.expressions.paths import BoundPath, Item, Selection, lookup, project, select, written
from harness.local.dynamodb.expressions.trees import Call, Node, Operand, Placeholder, Size
from harness.local.dynamodb.expressions.well_formed import invalid

__all__ = [
    "Bindings",
    "Item",
    "Predicate",
    "Selection",
    "bind_condition",
    "lookup",
    "project",
    "select",
]

Predicate = Callable[[Item], bool]
Getter = Callable[[Item], Value | None]

_TYPES = ("B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M")
_SCALARS = frozenset(("S", "N", "B", "BOOL", "NULL"))
_COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
# Contents that sort as the service sorts. Texts sort by their UTF-8 bytes, and that is the order of their code points.
_SORTED_BY: dict[str, Callable[[str], Any]] = {"S": str, "N": Decimal, "B": base64.b64decode}


@dataclass(slots=True)  # not frozen: several are made for every conditional write, and freezing doubles what that costs
class Bound:
    """An operand bound to a request: how to get its value, its type where it is known, its constant value or its path."""

    get: Getter
    type: str | None = None
    constant: Value | None = None
    path: BoundPath | None = None


def bind_condition(node: Node, bindings: Bindings, kind: str) -> Predicate:
    """A tree as a function of an item. Raises the service's errors for what the names and values show to be wrong."""
    negated = False
    while node.op == "not":
        negated = not negated
        (inner,) = node.args
        assert isinstance(inner, Node)
        node = inner
    test = _bind(node, bindings, kind)
    return (lambda item: not test(item)) if negated else test


def _bind(node: Node, bindings: Bindings, kind: str) -> Predicate:
    if node.op in ("and", "or"):
        tests = [bind_condition(arg, bindings, kind) for arg in node.args if isinstance(arg, Node)]
        return _all(tests) if node.op == "and" else _any(tests)
    operands = [bind_operand(arg, bindings, kind) for arg in node.args if not isinstance(arg, Node)]
    _check_operands(node.op, operands, kind)
    make = _LEAVES.get(node.op)
    return make(operands) if make else _ordering(node.op, *operands)


def bind_operand(operand: Operand, bindings: Bindings, kind: str) -> Bound:
    """An operand of a condition, or the path or value of an update."""
    if isinstance(operand, Placeholder):
        constant = bindings.value(operand, kind)
        return Bound(lambda _item: constant, next(iter(constant)), constant)
    if isinstance(operand, Size):
        of = operand.of
        while isinstance(of, Size):  # a text holds hundreds of these; each but the innermost is of a number
            of = of.of
        inner = bind_operand(of, bindings, kind)
        unsized = inner.type in ("N", "BOOL", "NULL")
        if unsized or of is not operand.of:
            raise wrong_type("size", inner.type if unsized else "N", kind)
        get = inner.get
        return Bound(lambda item: _size(get(item)), "N", _size(inner.constant))
    assert not isinstance(operand, Call)  # the parser lets none through
    path = bindings.path(operand, kind)
    if len(path) == 1:
        name = str(path[0])
        return Bound(lambda item: item.get(name), path=path)
    return Bound(lambda item: lookup(item, path), path=path)


def wrong_type(name: str, found: str | None, kind: str) -> Exception:
    """An operand's type is known and doesn't fit."""
    return invalid(
        kind,
        f"Incorrect operand type for operator or function; operator or function: {name}, operand type: {found}",
    )


def check_is_path(name: str, operand: Bound, kind: str) -> None:
    """Raise unless an operand is a document path."""
    if operand.path is None:
        raise invalid(kind, f"Operator or function requires a document path; operator or function: {name}")


def check_distinct(name: str, operands: Sequence[Bound], kind: str) -> None:
    """Raise where the first operand's path comes again."""
    first = operands[0].path
    if first is not None and any(operand.path == first for operand in operands[1:]):
        raise invalid(
            kind,
            "The first operand must be distinct from the remaining operands for this operator or function; operator: "
            f"{name}, first operand: {written(first)}",
        )


def _check_operands(op: str, operands: Sequence[Bound], kind: str) -> None:
    name = op.upper() if op in ("between", "in") else op
    if op in ("attribute_exists", "attribute_not_exists"):
        check_is_path(op, operands[0], kind)
    check_distinct(name, operands, kind)
    allowed = (
        ("S", "B") if op == "begins_with" else ("S", "N", "B") if op in _COMPARATORS or op == "between" else _TYPES
    )
    for operand in operands:
        if operand.type is not None and operand.type not in allowed:
            raise wrong_type(name, operand.type, kind)
    if op == "between":
        _check_bounds(operands[1].constant, operands[2].constant, kind)
    if op == "attribute_type":
        wanted = operands[1].constant
        if wanted is None or "S" not in wanted:
            raise wrong_type(op, operands[1].type or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}", kind)
        if wanted["S"] not in _TYPES:
            valid = f"valid types: {{{','.join(_TYPES)}}}"
            raise invalid(kind, f"Invalid attribute type name found; type: {wanted['S']}, {valid}")


def _check_bounds(low: Value | None, high: Value | None, kind: str) -> None:
    if low is None or high is None:
        return
    shown = f"lower bound operand: {_shown(low)}, upper bound operand: {_shown(high)}"
    ((low_type, low_content),) = low.items()
    ((high_type, high_content),) = high.items()
    if low_type != high_type:
        raise invalid(kind, f"The BETWEEN operator requires same data type for lower and upper bounds; {shown}")
    if _SORTED_BY[low_type](low_content) > _SORTED_BY[low_type](high_content):
        raise invalid(
            kind, f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown}"
        )


def _shown(bound: Value) -> str:
    ((kind, content),) = bound.items()
    if kind == "B":
        size = len(base64.b64decode(content))
        content = f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
    return f"AttributeValue: {{{kind}:{content}}}"


def _size(value: Value | None) -> Value | None:
    """What size() says: UTF-16 code units of a text, bytes of a binary, members of anything else that has some."""
    if value is None:
        return None
    ((kind, content),) = value.items()
    if kind in ("N", "BOOL", "NULL"):
        return None
    if kind == "B":
        return {"N": str(len(base64.b64decode(content)))}
    beyond = 0 if kind != "S" or content.isascii() else sum(character > "\uffff" for character in content)
    return {"N": str(len(content) + beyond)}


def _all(tests: Sequence[Predicate]) -> Predicate:
    if len(tests) == 2:
        left, right = tests
        return lambda item: left(item) and right(item)
    return lambda item: all(test(item) for test in tests)


def _any(tests: Sequence[Predicate]) -> Predicate:
    if len(tests) == 2:
        left, right = tests
        return lambda item: left(item) or right(item)
    return lambda item: any(test(item) for test in tests)


def _equality(operands: Sequence[Bound]) -> Predicate:
    left, right = operands
    if left.constant is not None:
        left, right = right, left
    get, other, constant = left.get, right.get, right.constant
    if constant is not None and not constant.keys() <= _SCALARS:
        return lambda item: equal(get(item), constant)
    if constant is not None and left.path is not None and len(left.path) == 1:
        name = str(left.path[0])  # the most common condition of all
        return lambda item: item.get(name) == constant
    if constant is not None:
        return lambda item: get(item) == constant
    return lambda item: equal(get(item), other(item))


def _inequality(operands: Sequence[Bound]) -> Predicate:
    same = _equality(operands)
    return lambda item: not same(item)  # what isn't there differs from every value


def _ordering(op: str, left: Bound, right: Bound) -> Predicate:
    if left.constant is not None:
        left, right, op = right, left, _MIRRORED[op]
    compare, get, other = _COMPARATORS[op], left.get, right.get
    if right.constant is None:

        def test(item: Item) -> bool:
            one, two = get(item), other(item)
            if one is None or two is None:
                return False
            ((kind, content),) = one.items()
            key = _SORTED_BY.get(kind)
            return key is not None and kind in two and compare(key(content), key(two[kind]))

        return test
    ((kind, content),) = right.constant.items()
    key = _SORTED_BY[kind]
    bound = key(content)

    def test_constant(item: Item) -> bool:
        found = get(item)
        return found is not None and kind in found and compare(key(found[kind]), bound)

    return test_constant


def _between(operands: Sequence[Bound]) -> Predicate:
    subject, low, high = operands
    return _all([_ordering(">=", subject, low), _ordering("<=", subject, high)])


def _in(operands: Sequence[Bound]) -> Predicate:
    subject, choices = operands[0].get, operands[1:]
    scalars = {content for one in choices if one.constant for content in one.constant.items() if content[0] in _SCALARS}
    others = [one.get for one in choices if one.constant is None or not one.constant.keys() <= _SCALARS]

    def test(item: Item) -> bool:
        found = subject(item)
        if found is None:
            return False
        ((kind, content),) = found.items()
        if kind in _SCALARS and (kind, content) in scalars:
            return True
        return any(equal(found, other(item)) for other in others)

    return test


def _begins_with(operands: Sequence[Bound]) -> Predicate:
    subject, prefix = operands[0].get, operands[1].get

    def test(item: Item) -> bool:
        whole, start = subject(item), prefix(item)
        if whole is None or start is None:
            return False
        if "S" in whole and "S" in start:
            return bool(whole["S"].startswith(start["S"]))
        if "B" in whole and "B" in start:
            return base64.b64decode(whole["B"]).startswith(base64.b64decode(start["B"]))
        return False

    return test


def _contains(operands: Sequence[Bound]) -> Predicate:
    subject, member = operands[0].get, operands[1].get

    def test(item: Item) -> bool:
        whole, part = subject(item), member(item)
        if whole is None or part is None:
            return False
        ((kind, content),) = whole.items()
        ((part_kind, wanted),) = part.items()
        if kind == "L":
            return any(equal(one, part) for one in content)
        if kind == part_kind == "B":
            return base64.b64decode(wanted) in base64.b64decode(content)
        return (kind == part_kind == "S" or kind == f"{part_kind}S") and wanted in content

    return test


def _attribute_type(operands: Sequence[Bound]) -> Predicate:
    get, constant = operands[0].get, operands[1].constant
    wanted = (constant or {})["S"]
    return lambda item: (found := get(item)) is not None and wanted in found


def _exists(operands: Sequence[Bound]) -> Predicate:
    get = operands[0].get
    return lambda item: get(item) is not None


def _not_exists(operands: Sequence[Bound]) -> Predicate:
    get = operands[0].get
    return lambda item: get(item) is None


_LEAVES: dict[str, Callable[[Sequence[Bound]], Predicate]] = {
    "=": _equality,
    "<>": _inequality,
    "between": _between,
    "in": _in,
    "attribute_exists": _exists,
    "attribute_not_exists": _not_exists,
    "attribute_type": _attribute_type,
    "begins_with": _begins_with,
    "contains": _contains,
}
