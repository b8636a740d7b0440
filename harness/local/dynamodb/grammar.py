"""The grammar of condition, filter, key condition and projection expressions: from a text to a tree.

A recursive-descent parser over one regular expression's tokens; the trees are cached by their text. The grammar is that of
the developer guide's *Condition and filter expressions*.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from harness.local.dynamodb.errors import validation

_TOKEN = re.compile(r"\s*(?:(<>|<=|>=|[=<>(),.\[\]])|([#:]?[A-Za-z0-9_][A-Za-z0-9_\-]*)|(\S))")
_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_FUNCTIONS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
_OF_PATHS = ("attribute_exists", "attribute_not_exists")
MAX_BYTES, MAX_OPERATORS, MAX_NESTING, MAX_CHOICES = 4096, 300, 100, 100


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
        self.at = self.operators = self.nesting = 0

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
        found = self.peek()
        if self.at == len(self.tokens) or (expected is not None and found.upper() != expected):
            raise self.error(f'Syntax error; token: "{found}"')
        self.at += 1
        return found

    def word(self, *words: str) -> bool:
        if self.peek().upper() in words:
            self.at += 1
            return True
        return False

    def end(self) -> None:
        if self.at != len(self.tokens):
            raise self.error(f'Syntax error; token: "{self.peek()}"')

    def node(self, op: str, *args: "Node | Operand") -> Node:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise self.error(f"The expression has more than {MAX_OPERATORS} operators and functions;")
        return Node(op, args)

    def disjunction(self) -> Node:
        node = self.conjunction()
        while self.word("OR"):
            node = self.node("or", node, self.conjunction())
        return node

    def conjunction(self) -> Node:
        node = self.negation()
        while self.word("AND"):
            node = self.node("and", node, self.negation())
        return node

    def negation(self) -> Node:
        if not self.word("NOT"):
            return self.primary()
        with self.deeper():
            return self.node("not", self.negation())

    @contextmanager
    def deeper(self) -> Iterator[None]:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(f"The expression is nested more than {MAX_NESTING} deep;")
        yield
        self.nesting -= 1

    def primary(self) -> Node:
        if self.word("("):
            with self.deeper():
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
            return self.node("between", left, low, self.operand())
        if self.word("IN"):
            choices = self.arguments()
            if len(choices) > MAX_CHOICES:
                raise self.error(
                    f"The IN operator is provided with too many operands; number of operands: {len(choices)}"
                )
            return self.node("in", left, *choices)
        operator = self.take()
        if operator not in _COMPARATORS:
            raise self.error(f'Syntax error; token: "{operator}"')
        return self.node(operator, left, self.operand())

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
        if name in _OF_PATHS and not isinstance(arguments[0], Path):
            raise self.error(f"Operator or function requires a document path; operator or function: {name}")
        return self.node(name, *arguments)

    def arguments(self) -> tuple[Operand, ...]:
        self.take("(")
        arguments = [self.operand()]
        while self.word(","):
            arguments.append(self.operand())
        self.take(")")
        return tuple(arguments)

    def operand(self) -> Operand:
        if self.peek().startswith(":"):
            return Placeholder(self.take())
        if self.tokens[self.at : self.at + 2] == ["size", "("]:
            self.take()
            self.take("(")
            inner = self.path()
            self.take(")")
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
        found = self.take()
        if not (found[0] in "#_" or found[0].isalpha()):
            raise self.error(f'Syntax error; token: "{found}"')
        return found


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
