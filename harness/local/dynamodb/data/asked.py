"""What a request asks for by expressions: parsed, bound and checked in the service's order, before any table is looked for.

The order is that of a public record of the service's answers: update, condition, key condition, filter and projection
expressions, then names and values that served none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.local.dynamodb.data import values
from harness.local.dynamodb.data.values import Value
from harness.local.dynamodb.errors import ServiceError, validation
from harness.local.dynamodb.expressions.bindings import Bindings
from harness.local.dynamodb.expressions.conditions import Predicate, bind_condition
from harness.local.dynamodb.expressions.grammar import parse_condition
from harness.local.dynamodb.expressions.paths import Selection

NAMES, VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"
CONDITION, PROJECTION = "ConditionExpression", "ProjectionExpression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold of the item there is, and whether a refusal shows that item."""

    holds: Predicate
    shows_item: bool


def bindings_of(request: Mapping[str, Any], *expressions: str) -> Bindings:
    """A request's names and values, checked; ``expressions`` are those that the operation has a place for."""
    names, raw = request.get(NAMES), request.get(VALUES)
    if names is not None:
        if not any(name in request for name in expressions):
            raise validation(f"{NAMES} can only be specified when using expressions")
        if not names:
            raise validation(f"{NAMES} must not be empty")
    of_values = [name for name in expressions if name != PROJECTION]
    if raw is not None and of_values:
        if not any(name in request for name in of_values):
            raise validation(
                f"{VALUES} can only be specified when using expressions: {' and '.join(of_values)} "
                f"{'are' if len(of_values) > 1 else 'is'} null"
            )
        if not raw:
            raise validation(f"{VALUES} must not be empty")
    if not names and not raw:
        return NOTHING_BOUND
    return Bindings(names or {}, _values(raw) if raw and of_values else {})


def _values(raw: Mapping[str, Any]) -> dict[str, Value]:
    found = {}
    for name, content in raw.items():
        try:
            found[name] = values.value(content)
        except ServiceError as error:
            if not error.kind.endswith("ValidationException"):
                raise
            raise validation(f"{VALUES} contains invalid value: {error} for key {name}") from None
    return found


NOTHING_BOUND = Bindings({}, {})


def condition_of(request: Mapping[str, Any], bindings: Bindings | None = None) -> Condition | None:
    """The bound ConditionExpression, None where there is none; every name and value must have served by now."""
    text = request.get(CONDITION)
    if bindings is None:
        if text is None and NAMES not in request and VALUES not in request:
            return None
        bindings = bindings_of(request, CONDITION)
    holds = None if text is None else bind_condition(parse_condition(text, CONDITION), bindings, CONDITION)
    bindings.check_all_used()
    if holds is None:
        return None
    return Condition(holds=holds, shows_item=request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD")


def projection_of(request: Mapping[str, Any]) -> Selection | None:
    """What a read's ProjectionExpression selects, None for the whole item."""
    text = request.get(PROJECTION)
    if text is None and NAMES not in request:
        return None
    bindings = bindings_of(request, PROJECTION)
    selection = None if text is None else bindings.projection(text)
    bindings.check_all_used()
    return selection
