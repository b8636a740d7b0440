"""What is wrong with an expression as it is written, whatever its names and values are: told in the service's words and order."""

from collections.abc import Iterator
from typing import Any

from harness.local.dynamodb.errors import ServiceError, validation
from harness.local.dynamodb.expressions.reserved import is_reserved
from harness.local.dynamodb.expressions.trees import Call, Node, Path, Size, Sum

MAX_OPERATORS, MAX_CHOICES, MAX_INDEX = 300, 100, 2**31 - 1
TESTS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
CHANGES = {"if_not_exists": 2, "list_append": 2}


def invalid(kind: str, why: str) -> ServiceError:
    """The refusal of an expression; ``kind`` (FilterExpression, …) names it."""
    return validation(f"Invalid {kind}: {why}")


def check(parts: Iterator[Any], kind: str) -> None:
    """Raise for the first name, index or function that is wrong as written, then for counts."""
    operators, nested, miscounted = 0, set[int](), None
    for part in parts:
        if isinstance(part, Path):
            _check_path(part, kind)
        elif isinstance(part, Sum):
            operators += 1
        elif isinstance(part, Size) and kind == "UpdateExpression":
            raise _not_in_update("size")
        elif isinstance(part, Call):
            _check_call(part, kind, is_nested=id(part) in nested)
            operators += kind == "UpdateExpression"
            nested.update(map(id, part.args))
            miscounted = miscounted or (None if kind == "UpdateExpression" else miscount(part.name, len(part.args)))
        elif isinstance(part, Node):
            miscounted = miscounted or _check_node(part, kind)
            is_test = part.op in TESTS
            operators += 0 if is_test else max(1, len(part.args) - 1) if part.op in ("and", "or") else 1
    if operators > MAX_OPERATORS:  # the service stops counting there
        raise invalid(kind, f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}")
    if miscounted:
        raise invalid(kind, miscounted)


def _check_path(path: Path, kind: str) -> None:
    for part in path.parts:
        if isinstance(part, int):
            if part > MAX_INDEX:
                raise invalid(kind, f"List index is not within the allowable range; index: [{part}]")
        elif part[0] != "#" and is_reserved(part):
            raise invalid(kind, f"Attribute name is a reserved keyword; reserved keyword: {part}")


def _check_call(call: Call, kind: str, *, is_nested: bool) -> None:
    """A call as an operand: an update's two functions, or a function that mustn't stand there."""
    if call.name not in {*TESTS, *CHANGES, "size"}:
        raise invalid(kind, f"Invalid function name; function: {call.name}")
    if kind == "UpdateExpression":
        if call.name not in CHANGES:
            raise _not_in_update(call.name)
        if is_nested and call.name == "list_append":
            raise _misused(call.name, kind)
    elif call.name in CHANGES:
        raise invalid(kind, f"The function is not allowed in a condition expression; function: {call.name}")
    elif call.name != "size":
        raise _misused(call.name, kind)


def _check_node(node: Node, kind: str) -> str | None:
    """An operation: raises for a function that is none, or no condition; says whether its operands are too few or many."""
    if node.op == "in" and len(node.args) - 1 > MAX_CHOICES:
        return f"The IN operator is provided with too many operands; number of operands: {len(node.args) - 1}"
    if node.op in ("and", "or", "not", "between", "in") or not node.op[0].isalpha():
        return None
    if node.op in TESTS:
        return miscount(node.op, len(node.args))
    if node.op == "size":
        raise _misused(node.op, kind)
    if node.op in CHANGES:
        raise invalid(kind, f"The function is not allowed in a condition expression; function: {node.op}")
    raise invalid(kind, f"Invalid function name; function: {node.op}")


def miscount(name: str, count: int) -> str | None:
    """What is said of a function with the wrong number of operands; None where it is right."""
    if {**TESTS, **CHANGES, "size": 1}[name] == count:
        return None
    return (
        "Incorrect number of operands for operator or function; operator or function: "
        f"{name}, number of operands: {count}"
    )


def _misused(name: str, kind: str) -> ServiceError:
    return invalid(kind, f"The function is not allowed to be used this way in an expression; function: {name}")


def _not_in_update(name: str) -> ServiceError:
    return invalid("UpdateExpression", f"The function is not allowed in an update expression; function: {name}")
