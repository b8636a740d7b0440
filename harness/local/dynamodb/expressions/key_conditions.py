"""Key conditions: one comparison with constants for one or two attributes, which the service's grammar leaves to a check."""

from dataclasses import dataclass

from harness.local.dynamodb.data.values import Value
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions.bindings import Bindings
from harness.local.dynamodb.expressions.conditions import bind_condition
from harness.local.dynamodb.expressions.grammar import parse_condition
from harness.local.dynamodb.expressions.trees import Node, Path, Placeholder, Size

KEY_CONDITION = "KeyConditionExpression"
_OPERATORS = ("=", "<", "<=", ">", ">=", "between", "begins_with")
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_IN_CONDITION = "Invalid condition in KeyConditionExpression: "


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """An attribute, how it is compared (as seen from the attribute), and with what: one value, two for ``between``."""

    name: str
    op: str
    values: tuple[Value, ...]


def bind_key_conditions(text: str, bindings: Bindings) -> dict[str, KeyCondition]:
    """The comparisons of a KeyConditionExpression by attribute. Raises what is wrong with them, whatever the keys are."""
    root = parse_condition(text, KEY_CONDITION)
    bind_condition(root, bindings, KEY_CONDITION)  # undefined names and values, bounds, operands: as in any condition
    found: dict[str, KeyCondition] = {}
    pending = [root]
    while pending:
        node = pending.pop()
        if node.op == "and":
            pending.extend(arg for arg in reversed(node.args) if isinstance(arg, Node))
            continue
        condition = _condition(node, bindings)
        if condition.name in found:
            raise validation("KeyConditionExpressions must only contain one condition per key")
        found[condition.name] = condition
    if len(found) > 2:
        raise validation("Conditions can be of length 1 or 2 only")
    return found


def _condition(node: Node, bindings: Bindings) -> KeyCondition:
    if node.op not in _OPERATORS:
        name = node.op.upper() if node.op in ("or", "not", "in") else node.op
        raise validation(f"Invalid operator used in KeyConditionExpression: {name}")
    if node.op in ("between", "begins_with") and not isinstance(node.args[0], Path):
        name = node.op.upper() if node.op == "between" else node.op
        raise validation(f"{_IN_CONDITION}{name} operator must have the key attribute as its first operand")
    path: Path | None = None
    values: list[Value] = []
    for arg in node.args:
        if isinstance(arg, Placeholder):
            values.append(bindings.value(arg, KEY_CONDITION))
        elif isinstance(arg, Size):
            raise validation("KeyConditionExpressions cannot contain nested operations")
        elif isinstance(arg, Path):
            if path is not None:
                raise validation(f"{_IN_CONDITION}Multiple attribute names used in one condition")
            if len(arg.parts) > 1:
                raise validation("KeyConditionExpressions cannot have conditions on nested attributes")
            path = arg
    if path is None:
        raise validation(f"{_IN_CONDITION}No key attribute specified")
    op = node.op if isinstance(node.args[0], Path) else _MIRRORED[node.op]
    return KeyCondition(str(bindings.path(path, KEY_CONDITION)[0]), op, tuple(values))
