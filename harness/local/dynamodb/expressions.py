"""Condition, filter, key condition and projection expressions: parsed once, bound to a request's names and values.

A recursive-descent parser over one regular expression's tokens; the trees are cached by their text. A tree bound to names
and values becomes a function of an item. The grammar is that of the developer guide's *Condition and filter expressions*.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.values import Value, equal, ordered

Item = Mapping[str, Value]
Predicate = Callable[[Item], bool]
_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),.\[\]])|([#:]?[A-Za-z0-9_][A-Za-z0-9_\-]*)|(\S))")
_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_FUNCTIONS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: names (possibly ``#placeholders``) and list positions."""

    parts: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A ``:value``."""

    name: str


@dataclass(frozen=True, slots=True)
class Size:
    """``size(path)``."""

    path: Path


Operand = Path | Placeholder | Size


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: and, or, not, a comparator, between, in, or a function; arguments are nodes or operands."""

    op: str
    args: "tuple[Node | Operand, ...]"


class _Parser:
    def __init__(self, text: str, kind: str) -> None:
        self.kind = kind
        self.tokens = list(self._split(text))
        self.at = 0

    def _split(self, text: str) -> Iterator[str]:
        if not text.strip():
            raise self.error("The expression can not be empty;")
        if len(text.encode()) > MAX_BYTES:
            raise self.error("Expression size has exceeded the maximum allowed size;")
        for symbol, word, other in _TOKEN.findall(text):
            if other:
                raise self.error(f'Syntax error; token: "{other}"')
            yield symbol or word

    def error(self, why: str) -> Exception:
        return validation(f"Invalid {self.kind}: {why}")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else "<EOF>"

    def take(self, expected: str | None = None) -> str:
        token = self.peek()
        if token == "<EOF>" or (expected is not None and token.upper() != expected):
            raise self.error(f'Syntax error; token: "{token}"')
        self.at += 1
        return token

    def word(self, *words: str) -> bool:
        if self.peek().upper() in words:
            self.at += 1
            return True
        return False

    def end(self) -> None:
        if self.at != len(self.tokens):
            raise self.error(f'Syntax error; token: "{self.peek()}"')

    def disjunction(self) -> Node:
        node = self.conjunction()
        while self.word("OR"):
            node = Node("or", (node, self.conjunction()))
        return node

    def conjunction(self) -> Node:
        node = self.negation()
        while self.word("AND"):
            node = Node("and", (node, self.negation()))
        return node

    def negation(self) -> Node:
        return Node("not", (self.negation(),)) if self.word("NOT") else self.primary()

    def primary(self) -> Node:
        if self.word("("):
            node = self.disjunction()
            self.take(")")
            return node
        following = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else ""
        if following == "(" and self.peek() != "size":
            return self.function()
        left = self.operand()
        if self.word("BETWEEN"):
            low = self.operand()
            self.take("AND")
            return Node("between", (left, low, self.operand()))
        if self.word("IN"):
            return Node("in", (left, *self.arguments()))
        operator = self.take()
        if operator not in _COMPARATORS:
            raise self.error(f'Syntax error; token: "{operator}"')
        return Node(operator, (left, self.operand()))

    def function(self) -> Node:
        name = self.take()
        if name not in _FUNCTIONS:
            raise self.error(f"Invalid function name; function: {name}")
        arguments = self.arguments()
        if len(arguments) != _FUNCTIONS[name]:
            raise self.error(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{name}, number of operands: {len(arguments)}"
            )
        return Node(name, arguments)

    def arguments(self) -> tuple[Operand, ...]:
        self.take("(")
        arguments = [self.operand()]
        while self.word(","):
            arguments.append(self.operand())
        self.take(")")
        return tuple(arguments)

    def operand(self) -> Operand:
        token = self.peek()
        if token.startswith(":"):
            return Placeholder(self.take())
        if token == "size" and self.tokens[self.at + 1 : self.at + 2] == ["("]:
            self.take()
            (inner,) = self.arguments()
            if not isinstance(inner, Path):
                raise self.error("Operator or function requires a document path; operator or function: size")
            return Size(inner)
        return self.path()

    def path(self) -> Path:
        parts: list[str | int] = [self.name()]
        while self.peek() in (".", "["):
            if self.take() == ".":
                parts.append(self.name())
                continue
            index = self.take()
            if not index.isdigit():
                raise self.error(f'Syntax error; token: "{index}"')
            parts.append(int(index))
            self.take("]")
        return Path(tuple(parts))

    def name(self) -> str:
        token = self.take()
        if not (token[0] in "#_" or token[0].isalpha()):
            raise self.error(f'Syntax error; token: "{token}"')
        return token


@lru_cache(maxsize=4096)
def parse_condition(text: str, kind: str) -> Node:
    """The tree of a condition; ``kind`` (FilterExpression, …) names it in errors."""
    parser = _Parser(text, kind)
    node = parser.disjunction()
    parser.end()
    return node


@lru_cache(maxsize=4096)
def parse_projection(text: str) -> tuple[Path, ...]:
    """The paths of a ProjectionExpression."""
    parser = _Parser(text, "ProjectionExpression")
    paths = [parser.path()]
    while parser.word(","):
        paths.append(parser.path())
    parser.end()
    return tuple(paths)


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
        return lambda item: constant
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
    if op == "<>":
        return lambda item: (found := left(item)) is not None and not equal(found, right(item))
    wanted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}[op]
    return lambda item: _order(left(item), right(item)) in wanted


def _order(left: Value | None, right: Value | None) -> int | None:
    """-1, 0, 1; None where the two can't be ordered."""
    if left is None or right is None or left.keys() != right.keys() or not left.keys() & {"S", "N", "B"}:
        return None
    a: Any = ordered(left)
    b: Any = ordered(right)
    return (a > b) - (a < b)


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


def project(item: Item, paths: list[tuple[str | int, ...]]) -> dict[str, Value]:
    """The item with only what the paths name; list positions close up, in their order."""
    result: dict[str, Value] = {}
    for path in paths:
        found = lookup(item, path)
        if found is not None:
            _graft(result, path, found)
    return result


def _graft(result: dict[str, Any], path: tuple[str | int, ...], found: Value) -> None:
    holder: Any = result
    for part, following in zip(path, path[1:], strict=False):
        shell: Value = {"L": []} if isinstance(following, int) else {"M": {}}
        if isinstance(part, int):
            holder.append(shell)
            holder = next(iter(holder[-1].values()))
        else:
            holder = next(iter(holder.setdefault(part, shell).values()))
    if isinstance(path[-1], int):
        holder.append(found)
    else:
        holder[path[-1]] = found
