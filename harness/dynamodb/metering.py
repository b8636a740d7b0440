"""What an operation on DynamoDB consumes: bytes to capacity units. Pure arithmetic, facts A of docs/facts.md.

Items are in DynamoDB's JSON, ``{"tailnum": {"S": "N14228"}, "distance": {"N": "1400"}}``. Sizes are bytes,
``None`` means that there is no such item. What a Query or Scan sums (A4) and where its page ends (A6) is the
caller's: it passes the sum.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Literal

Consistency = Literal["eventual", "strong", "transactional"]

READ_BLOCK_BYTES: Final = 4_096
WRITE_BLOCK_BYTES: Final = 1_024
PAGE_BYTES: Final = 1_048_576
"""A page of a Query or Scan ends with the item that reaches this sum of evaluated bytes (A6)."""
MAX_ITEM_BYTES: Final = 409_600
MAX_NUMBER_BYTES: Final = 21
"""Twenty pairs and one: the byte that marks a negative number is left out where 38 digits need all twenty (A15)."""
STORAGE_OVERHEAD_BYTES: Final = 100
"""What storage is billed for beside an item's own bytes, per item and per index entry (C)."""

_UNITS_PER_BLOCK: Final[dict[Consistency, float]] = {"eventual": 0.5, "strong": 1.0, "transactional": 2.0}
_CONTAINER_BYTES: Final = 3
_ELEMENT_BYTES: Final = 1


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item: the names of its attributes and their values (A15).

    Raises ValueError for a value that isn't DynamoDB's JSON. Every write pays for this, so names and strings are
    joined and counted at once: a flight costs a call for each of its numbers and one for all the rest.
    """
    texts = [*item]
    size = 0
    for value in item.values():
        if len(value) != 1:
            raise _not_one_type(value)
        if "N" in value:
            size += number_size(value["N"])
        elif "S" in value:
            texts.append(value["S"])
        else:
            size += value_size(value)
    return size + _text_bytes("".join(texts))


def value_size(value: Mapping[str, Any]) -> int:
    """Bytes of one attribute value such as ``{"S": "x"}``, without its name (A15).

    Raises ValueError when the value isn't one type with its content.
    """
    if len(value) != 1:
        raise _not_one_type(value)
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return _text_bytes(content)
        case "N":
            return number_size(content)
        case "B":
            return _binary_bytes(content)
        case "BOOL" | "NULL":
            return 1
        case "M":
            return _CONTAINER_BYTES + _ELEMENT_BYTES * len(content) + item_size(content)
        case "L":
            return _CONTAINER_BYTES + _ELEMENT_BYTES * len(content) + sum(map(value_size, content))
        case "SS":
            return sum(map(_text_bytes, content))
        case "NS":
            return sum(map(number_size, content))
        case "BS":
            return sum(map(_binary_bytes, content))
    raise ValueError(f"unknown type {kind!r}: expected one of S N B BOOL NULL L M SS NS BS")


@lru_cache(maxsize=16_384)
def number_size(text: str) -> int:
    """Bytes of a number: one, one a pair of significant digits, one if it is negative, 21 at most (A15).

    Pairs lie on either side of the decimal point, so 12.34 has two and 123.4 three (01 23 . 40); pairs of
    zeros at either end are dropped. Raises ValueError for a text that isn't a finite number. Sizes of the numbers met
    last are remembered: the columns of a table repeat theirs.
    """
    try:
        negative, digits, exponent = Decimal(text).as_tuple()
    except InvalidOperation:
        raise ValueError(f"expected a number, found {text!r}") from None
    if not isinstance(exponent, int):
        raise ValueError(f"expected a finite number, found {text!r}")
    significant = len(digits)
    while significant and digits[significant - 1] == 0:
        significant -= 1
        exponent += 1
    if not significant:
        return 1
    pairs = (significant + exponent % 2 + 1) // 2
    return min(1 + pairs + negative, MAX_NUMBER_BYTES)


def read_units(size_bytes: int, consistency: Consistency = "eventual") -> float:
    """Read units of one item, or of the summed items of one Query or Scan page (A1, A4).

    Nothing found, size 0, costs as much as the smallest item (A7).
    """
    return _blocks(size_bytes, READ_BLOCK_BYTES) * _UNITS_PER_BLOCK[consistency]


def write_units(size_bytes: int, *, transactional: bool = False) -> float:
    """Write units of one item: one for each KB begun and at least one, twice that in a transaction (A2)."""
    return float(_blocks(size_bytes, WRITE_BLOCK_BYTES) * (2 if transactional else 1))


def put_units(old_size: int | None, new_size: int | None, *, transactional: bool = False) -> float:
    """Write units of a put, update or delete: of the larger of the item before and after (A10).

    A deletion has no new size; deleting what isn't there costs one unit.
    """
    return write_units(max(old_size or 0, new_size or 0), transactional=transactional)


def failed_condition_units(
    existing_size: int | None, attempted_size: int | None, *, transactional: bool = False
) -> float:
    """Write units of a write whose condition didn't hold: as if it had (A11)."""
    return put_units(existing_size, attempted_size, transactional=transactional)


def index_write_units(old: int | None, new: int | None, *, same_key: bool, identical: bool) -> float:
    """Write units one index takes from a write to its table (A12); a transaction doesn't double them.

    ``old`` and ``new`` are the bytes of the index entry before and after. ``same_key`` says that both stand
    under the same index key, ``identical`` that all that is projected is the same; both matter only where
    there are two entries.
    """
    if old is None or new is None:
        return sum(write_units(size) for size in (old, new) if size is not None)
    if not same_key:
        return write_units(old) + write_units(new)
    return 0.0 if identical else write_units(max(old, new))


def _blocks(size_bytes: int, block_bytes: int) -> int:
    if size_bytes < 0:
        raise ValueError(f"expected a size of 0 bytes or more, found {size_bytes}")
    return max(1, -(-size_bytes // block_bytes))


def _not_one_type(value: Mapping[str, Any]) -> ValueError:
    return ValueError(f"expected a value with exactly one type, found {sorted(value)}")


def _text_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _binary_bytes(base64_text: str) -> int:
    """Bytes that a base64 text stands for, without decoding it."""
    return len(base64_text) // 4 * 3 - base64_text.count("=", -2)
