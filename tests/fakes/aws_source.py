"""What the source asks of AWS: read from its syntax tree, not from running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

METHODS = ("call", "guarded", "paginate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One place that names a call, by service and operation. ``method`` is None in a table of calls (keywords)."""

    service: str
    operation: str
    method: str | None
    where: str


def asked(path: Path) -> list[Asked]:
    """Every ``….call("x", "Y")``, ``call("x", "Y")`` of a call handed over, and ``Something(service="x", operation="Y")``."""
    found = []
    for node in _calls(path):
        where = f"{path.name}:{node.lineno}"
        if (method := _named(node)) in METHODS:
            names = [_text(argument) for argument in node.args[:2]]
            if len(names) == 2 and names[0] and names[1]:
                found.append(Asked(service=names[0], operation=names[1], method=method, where=where))
        words = {each.arg: _text(each.value) for each in node.keywords}
        if (service := words.get("service")) and (operation := words.get("operation")):
            found.append(Asked(service=service, operation=operation, method=None, where=where))
    return found


def unread(path: Path) -> set[str]:
    """Every text of a file in which some call's names aren't written at the call: the operation may be any of them."""
    for node in _calls(path):
        gateway = isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and len(node.args) >= 2
        if gateway and not all(_text(argument) for argument in node.args[:2]):
            return {
                each.value
                for each in ast.walk(_tree(path))
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
    return set()


def imports(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def method_calls(path: Path, *names: str) -> list[str]:
    """Where a file calls one of these methods or functions."""
    return [f"{path.name}:{node.lineno}" for node in _calls(path) if _named(node) in names]


def first_texts(path: Path, method: str) -> set[str]:
    """The first argument of each call of that method, where it is written there."""
    calls = (
        node for node in _calls(path) if isinstance(node.func, ast.Attribute) and node.func.attr == method and node.args
    )
    return {text for node in calls if (text := _text(node.args[0]))}


def _named(node: ast.Call) -> str | None:
    """The method or function that is called, where it has a name."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call))


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
