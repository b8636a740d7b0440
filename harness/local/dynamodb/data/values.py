"""Attribute values: checked, brought to the service's one form, compared and ordered as it does."""

import base64
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from harness.dynamodb.metering import number_size, value_size
from harness.local.dynamodb.errors import mistyped, serialization, validation

MAX_DEPTH = 32
_PLAIN_INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,37})\Z")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_BIGGEST, _SMALLEST = Decimal("1E126"), Decimal("1E-130")

_MOST_NUMBERS = 1 << 16
# Numbers met before, in their one form, and their sizes; no more once it is full.
_NUMBER_SIZES: dict[str, int] = {}

Value = dict[str, Any]
SortKey = bytes | Decimal


def number(text: Any) -> str:
    """A number in the form that the service gives back: no exponent, no needless zeros, at most 38 digits."""
    if not isinstance(text, str):
        raise mistyped(text, "String")
    if _PLAIN_INTEGER.match(text):
        return text
    if not _NUMBER.match(text):
        raise validation("The parameter cannot be converted to a numeric value" + (f": {text}" if text else ""))
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent beyond even Decimal's
        raise validation("The parameter cannot be converted to a numeric value: its exponent is too large") from None
    if not exact:
        return "0"
    digits = "".join(map(str, exact.as_tuple().digits)).strip("0")
    if len(digits) > 38:
        raise validation("Attempting to store more than 38 significant digits in a Number")
    magnitude = exact.copy_abs()  # abs() would round to the context's precision
    if magnitude >= _BIGGEST:
        raise validation("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if magnitude < _SMALLEST:
        raise validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    plain = f"{exact:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def value(raw: Any, depth: int = 1) -> Value:
    """An attribute value, checked and in its one form. Raises the service's errors for what is none."""
    if not isinstance(raw, dict):
        raise mistyped(raw, "AttributeValue")
    if len(raw) != 1:
        many = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
        none = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
        raise validation(many if raw else none)
    if depth > MAX_DEPTH:
        raise validation("Nesting Levels have exceeded supported limits")
    ((kind, content),) = raw.items()
    check = _CHECKS.get(kind)
    if check is None:
        raise validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    return {kind: check(content, depth)}


def item(raw: Any) -> dict[str, Value]:
    """A whole item, checked and in its one form."""
    return measured(raw)[0]


def measured(raw: Any) -> tuple[dict[str, Value], int]:
    """A whole item, checked and in its one form, and its size in bytes (A15): what every write needs, in one pass.

    The texts are counted at once, numbers that were met before are looked up: nearly all there are.
    What is already in its one form comes back as it is, not copied.
    """
    if type(raw) is not dict:
        raise mistyped(raw, "Map")
    size, texts, sizes = 0, [*raw], _NUMBER_SIZES
    changed: dict[str, Value] | None = None
    for name, content in raw.items():
        if type(content) is dict and len(content) == 1:
            inner = content.get("S")
            if type(inner) is str:
                texts.append(inner)
                continue
            inner = content.get("N")
            if type(inner) is str and inner in sizes:
                size += sizes[inner]
                continue
        checked = value(content)
        size += value_size(checked)
        if "N" in checked and len(sizes) < _MOST_NUMBERS:
            sizes[checked["N"]] = number_size(checked["N"])
        if checked != content:
            changed = dict(raw) if changed is None else changed
            changed[name] = checked
    text = "".join(texts)
    size += len(text) if text.isascii() else len(text.encode())
    return raw if changed is None else changed, size


def ordered(raw: Value) -> SortKey:
    """A key value as something that sorts as the service sorts: numbers by size, text and binary by bytes."""
    ((kind, content),) = raw.items()
    if kind == "N":
        return Decimal(content)
    if kind == "B":
        return base64.b64decode(content)
    text: str = content
    return text.encode()


def equal(left: Value | None, right: Value | None) -> bool:
    """Equality of two values; sets have no order."""
    if left is None or right is None or left.keys() != right.keys():
        return False
    ((kind, a),) = left.items()
    b = right[kind]
    if kind in ("SS", "NS", "BS"):
        return set(a) == set(b)
    if kind == "L":
        return len(a) == len(b) and all(map(equal, a, b))
    if kind == "M":
        return a.keys() == b.keys() and all(equal(a[name], b[name]) for name in a)
    return bool(a == b)


def _string(content: Any, _depth: int) -> str:
    if not isinstance(content, str):
        raise mistyped(content, "String")
    return content


def _binary(content: Any, _depth: int) -> str:
    if not isinstance(content, str):
        raise mistyped(content, "Blob")
    try:
        decoded = base64.b64decode(content, validate=True)
    except ValueError as error:  # no base64, or not even ASCII
        raise serialization("The text is not base64: found where a Blob was expected") from error
    return base64.b64encode(decoded).decode()


def _flag(content: Any, _depth: int) -> bool:
    if not isinstance(content, bool):
        raise mistyped(content, "Boolean")
    return content


def _null(content: Any, _depth: int) -> bool:
    if content is not True:
        raise validation(
            "One or more parameter values were invalid: Null attribute value types must have the value of true"
        )
    return True


def _set_of(member: Callable[[Any, int], str], if_empty: str) -> Callable[[Any, int], list[str]]:
    def check(content: Any, depth: int) -> list[str]:
        if not isinstance(content, list):
            raise mistyped(content, "List")
        members = [member(one, depth) for one in content]
        if not members:
            raise validation(f"One or more parameter values were invalid: {if_empty}")
        if len(set(members)) != len(members):
            raise validation(
                f"One or more parameter values were invalid: Input collection [{', '.join(members)}] contains duplicates."
            )
        return members

    return check


def _list(content: Any, depth: int) -> list[Value]:
    if not isinstance(content, list):
        raise mistyped(content, "List")
    return [value(one, depth + 1) for one in content]


def _map(content: Any, depth: int) -> dict[str, Value]:
    if not isinstance(content, dict):
        raise mistyped(content, "Map")
    return {name: value(one, depth + 1) for name, one in content.items()}


def _number(content: Any, _depth: int) -> str:
    return number(content)


_CHECKS: dict[str, Callable[[Any, int], Any]] = {
    "S": _string, "N": _number, "B": _binary, "BOOL": _flag, "NULL": _null, "L": _list, "M": _map,
    "SS": _set_of(_string, "An string set  may not be empty"),
    "NS": _set_of(_number, "An number set  may not be empty"),
    "BS": _set_of(_binary, "Binary sets should not be empty"),
}  # fmt: skip
