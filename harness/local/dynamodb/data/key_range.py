"""What a key condition selects: one partition, and a range of its sort keys."""

from collections.abc import Mapping

from harness.local.dynamodb.data.storage import KeySchema
from harness.local.dynamodb.data.values import SortKey, ordered
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.expressions.key_conditions import KeyCondition

Bound = tuple[SortKey, bool] | None
"""A sort key, and whether it is included."""


def key_range(conditions: Mapping[str, KeyCondition], schema: KeySchema) -> tuple[SortKey, Bound, Bound]:
    """The partition and the range of sort keys that key conditions name."""
    if schema.sort is None and len(conditions) > 1:
        raise validation("Query key condition not supported")
    for name in schema.names if len(conditions) > 1 else (schema.partition,):
        if name not in conditions:
            raise validation(f"Query condition missed key schema element: {name}")
    partition = _keys(conditions[schema.partition], schema)[0]
    if conditions[schema.partition].op != "=":
        raise validation("Query key condition not supported")
    sort = conditions.get(schema.sort) if schema.sort else None
    bounds = _bounds(sort.op, _keys(sort, schema)) if sort else (None, None)
    return partition, *bounds


def _keys(condition: KeyCondition, schema: KeySchema) -> list[SortKey]:
    """What a key is compared with, of the key's type."""
    if any(schema.types[condition.name] not in value for value in condition.values):
        raise validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type"
        )
    return [ordered(value) for value in condition.values]


def _bounds(op: str, operands: list[SortKey]) -> tuple[Bound, Bound]:
    first = operands[0]
    if op == "between":
        return (first, True), (operands[1], True)
    if op == "begins_with":
        assert isinstance(first, bytes)  # the service refuses a prefix that is a number
        return (first, True), (_after_prefix(first), False)
    single: dict[str, tuple[Bound, Bound]] = {
        "=": ((first, True), (first, True)),
        "<": (None, (first, False)),
        "<=": (None, (first, True)),
        ">": ((first, False), None),
        ">=": ((first, True), None),
    }
    return single[op]


def _after_prefix(prefix: bytes) -> bytes:
    """The least key beyond all that begin with ``prefix``; keys have at most 1,024 bytes."""
    return prefix + b"\xff" * 1025
