"""Keys: where an item lies, from what the client sent, and what the service refuses as a key."""

from typing import Any

from harness.local.dynamodb.data.storage import NO_SORT, KeySchema, Place
from harness.local.dynamodb.data.values import Value, ordered
from harness.local.dynamodb.errors import validation
from harness.local.dynamodb.tables.tables import Table

MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES = 2048, 1024
_INVALID = "One or more parameter values were invalid: "
_USUAL_CHARACTERS = MAX_SORT_KEY_BYTES // 4  # no character takes more than four bytes
_MISMATCH = "The provided key element does not match the schema"


def usual_place(schema: KeySchema, raw: Any) -> Place | None:
    """Where the item lies, for a key of texts of a usual length, as nearly all are; None for any other, right or wrong."""
    if schema.is_text and type(raw) is dict and len(raw) == len(schema.names):
        partition = _usual(raw.get(schema.partition))
        if schema.sort is None:
            if partition:
                return partition, NO_SORT
        elif partition and (sort := _usual(raw.get(schema.sort))):
            return partition, (sort,)
    return None


def _usual(value: Any) -> bytes | None:
    """A value of type S that is neither empty nor so long that it might exceed a limit."""
    if type(value) is dict and len(value) == 1:
        text = value.get("S")
        if type(text) is str and len(text) <= _USUAL_CHARACTERS:
            return text.encode()
    return None


def located(schema: KeySchema, key: dict[str, Value]) -> Place:
    """Where the item with a key lies; the key must be whole and of the right types."""
    if len(key) != len(schema.names):
        raise validation(_MISMATCH)
    for name in schema.names:
        if name not in key:
            raise validation(_MISMATCH)
        _check(schema, name, key[name], _MISMATCH)
    return place_of(schema, key)


def place_of(schema: KeySchema, item: dict[str, Value]) -> Place:
    """Where an item lies whose keys have been checked."""
    return ordered(item[schema.partition]), (ordered(item[schema.sort]),) if schema.sort else NO_SORT


def check_item(table: Table, item: dict[str, Value]) -> None:
    """An item's keys, the table's and the indexes'."""
    schema = table.schema
    for name in schema.names:
        if name not in item:
            raise validation(f"{_INVALID}Missing the key {name} in the item")
        value = item[name]
        if schema.types[name] not in value:
            (actual,) = value
            mismatch = f"Type mismatch for key {name} expected: {schema.types[name]} actual: {actual}"
            raise validation(_INVALID + mismatch)
        _check(schema, name, value, "")
    if table.indexes:
        check_index_keys(table, item)


def check_index_keys(table: Table, item: dict[str, Value]) -> None:
    """The keys of the indexes, as far as the item has them."""
    for index in table.indexes.values():
        for name in index.schema.names:
            value = item.get(name)
            if value is None or name in table.schema.names:
                continue
            if index.schema.types[name] not in value:
                (actual,) = value
                raise validation(
                    f"{_INVALID}Type mismatch for Index Key {name} Expected: {index.schema.types[name]} "
                    f"Actual: {actual} IndexName: {index.name}"
                )
            _check(index.schema, name, value, "")


def _check(schema: KeySchema, name: str, value: Value, mismatch: str) -> None:
    """Type, emptiness and length of one key value."""
    kind = schema.types[name]
    content = value.get(kind)
    if content is None:
        raise validation(mismatch)
    if kind == "N":
        return
    if not content:
        raise validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
            f"{'string' if kind == 'S' else 'binary'} value. Key: {name}"
        )
    most, what = (MAX_PARTITION_KEY_BYTES, "hashkey") if name == schema.partition else (MAX_SORT_KEY_BYTES, "rangekey")
    # No character takes more than four bytes of UTF-8, nor of base64 less than it stands for.
    if len(content) * 4 > most and len(ordered(value)) > most:  # type: ignore[arg-type]
        raise validation(f"{_INVALID}Size of {what} has exceeded the maximum size limit of {most} bytes")
