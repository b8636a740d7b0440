"""What expressions are parsed to: small immutable trees of operations, operands, paths and actions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


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
    """``size(operand)``; the service takes a path or a value there."""

    of: "Operand"


@dataclass(frozen=True, slots=True)
class Call:
    """``if_not_exists`` or ``list_append`` with its operands."""

    name: str
    args: "tuple[Operand, ...]"


@dataclass(frozen=True, slots=True)
class Sum:
    """Two operands with ``+`` or ``-`` between them."""

    sign: str
    args: "tuple[Operand, ...]"


Operand = Path | Placeholder | Size | Call


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: and, or, not, a comparator, between, in, or a function; arguments are nodes or operands.

    ``and`` and ``or`` have as many arguments as stand in one row.
    """

    op: str
    args: "tuple[Node | Operand, ...]"


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update: SET (an operand or a sum), REMOVE (nothing), ADD or DELETE (a placeholder)."""

    verb: str
    path: Path
    value: Operand | Sum | None


@dataclass(frozen=True, slots=True)
class Update:
    """An UpdateExpression's actions, as written."""

    actions: tuple[Action, ...]


def paths_of(node: Node) -> Iterator[Path]:
    """All document paths of a condition, as written."""
    return (part for part in parts_of(node) if isinstance(part, Path))


def parts_of(*roots: Any) -> Iterator[Any]:
    """All parts of some trees in the order they are written, without recursion: calls may be nested hundreds deep."""
    pending = list(reversed(roots))
    while pending:
        part = pending.pop()
        if part is None:
            continue
        yield part
        if isinstance(part, Node | Call | Sum):
            pending.extend(reversed(part.args))
        elif isinstance(part, Size):
            pending.append(part.of)
