"""The columns of a trace, checked a block at a time: times in UTC, numbers of 0 or more; what is wrong names its row."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from harness.demand.forms import CSV, form_of, opened
from harness.dynamodb.planner.model import Units
from harness.errors import UsageError

TIME, READS, WRITES, BYTES = "time", "reads_per_s", "writes_per_s", "item_bytes"
EXAMPLE = "2026-11-25T10:00:00Z"
YEARS = (1970, 2199)
"""Of which a trace may be; any other is a mistake in writing."""
MOST = 1e9
"""No table is asked so much a second, and no item is so large: such a number is of another unit."""

_FIRST_US, _END_US = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for year in (YEARS[0], YEARS[1] + 1)
)
_EPOCH_DIGITS = {10: 1, 13: 1_000, 16: 1_000_000}
"""How many digits today's seconds, milliseconds and microseconds since 1970 have, and how many make a second."""


def numbers(path: Path, before: int, column: pa.Array, name: str) -> Units:
    """A column of numbers of 0 or more, none missing; ``before`` rows of the file came before it."""
    try:
        if pa.types.is_boolean(column.type):
            raise pa.ArrowInvalid("true and false aren't numbers")
        values: Units = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row = _first_uncastable(column, pa.float64())
        raise UsageError(
            f"{place(path, before + row)}: {name}: expected a number of 0 or more, found {column[row].as_py()!r} ({column.type})"
        ) from error
    wrong = np.flatnonzero(~((values >= 0) & (values <= MOST)))
    if len(wrong):
        at = int(wrong[0])
        found = "nothing" if not column[at].is_valid else f"{values[at]:g}"
        expected = "a number of 0 or more" if not values[at] > MOST or np.isinf(values[at]) else f"at most {MOST:g}"
        raise UsageError(f"{place(path, before + at)}: {name}: expected {expected}, found {found}")
    return values


def times(path: Path, before: int, column: pa.Array, zone: str | None) -> tuple[npt.NDArray[np.int64], bool]:
    """A column of times as microseconds of UTC, and whether they have offsets."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    missing = np.flatnonzero(~column.is_valid().to_numpy(zero_copy_only=False))
    if len(missing):
        raise UsageError(f"{place(path, before + int(missing[0]))}: {TIME}: expected a time, found nothing")
    if pa.types.is_timestamp(column.type):
        aware = column.type.tz is not None
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column, aware = _parsed(path, before, column)
    else:
        found = f"{column[0].as_py()}" if len(column) else "none"
        raise UsageError(
            f"{place(path, before)}: {TIME}: expected times such as {EXAMPLE}, found {found} of type {column.type}{_epoch(found)}"
        )
    if not aware:
        if zone is None:
            raise UsageError(
                f"{place(path, before)}: {TIME}: no offset from UTC; write times as {EXAMPLE}, or say whose they are with "
                "--timezone, such as UTC or Europe/Berlin"
            )
        column = _localised(path, before, column, zone)
    us: npt.NDArray[np.int64] = column.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).to_numpy()
    wrong = np.flatnonzero((us < _FIRST_US) | (us >= _END_US))
    if len(wrong):
        at = int(wrong[0])
        raise UsageError(
            f"{place(path, before + at)}: {TIME}: expected a year from {YEARS[0]} to {YEARS[1]}, found {column[at]}"
        )
    return us, aware


def one_kind(path: Path, row: int, aware: bool, before: bool, text: str = "") -> None:
    """Refuses a time with an offset after times without, or the other way round."""
    if aware != before:
        raise UsageError(
            f"{place(path, row)}: {TIME}: {text}{' ' * bool(text)}{'has' if aware else 'has no'} offset from UTC, "
            "unlike the rows before"
        )


def _parsed(path: Path, before: int, column: pa.Array) -> tuple[pa.Array, bool]:
    """Texts as times, and whether they have offsets: all of them or none."""
    kinds = ((pa.timestamp("us", "UTC"), True), (pa.timestamp("us"), False))
    for kind, aware in kinds:
        try:
            return column.cast(kind), aware
        except pa.ArrowInvalid:
            continue
    first: bool | None = None
    for row, value in enumerate(column):
        text = value.as_py()
        aware_here = next((aware for kind, aware in kinds if _castable(value, kind)), None)
        if aware_here is None:
            raise UsageError(
                f"{place(path, before + row)}: {TIME}: expected a time such as {EXAMPLE}, found {text!r}{_epoch(text)}"
            )
        if first is not None:
            one_kind(path, before + row, aware_here, first, text)
        first = aware_here
    raise AssertionError("a column that can't be read as a whole was read row by row")


def _castable(value: pa.Scalar, kind: pa.DataType) -> bool:
    try:
        value.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _first_uncastable(column: pa.Array, kind: pa.DataType) -> int:
    """The first row that isn't of the kind; the first of all where a type as such isn't."""
    if pa.types.is_boolean(column.type):
        return 0
    try:
        return next(row for row, value in enumerate(column) if not _castable(value, kind))
    except (pa.ArrowNotImplementedError, StopIteration):
        return 0


def _epoch(text: str) -> str:
    """What a number would be as a time, where it looks like one that counts from 1970."""
    if not text.isdigit() or len(text) not in _EPOCH_DIGITS:
        return ""
    instant = datetime.fromtimestamp(int(text) // _EPOCH_DIGITS[len(text)], UTC)
    return f"; counted from 1970 that would be {instant.isoformat().replace('+00:00', 'Z')}: write it so"


def _localised(path: Path, before: int, column: pa.Array, zone: str) -> pa.Array:
    try:
        return pc.assume_timezone(column, zone)
    except pa.ArrowInvalid:
        for row, value in enumerate(column):
            try:
                pc.assume_timezone(value, zone)
            except pa.ArrowInvalid as error:
                why = "comes twice" if "ambiguous" in str(error).lower() else "doesn't exist"
                raise UsageError(
                    f"{place(path, before + row)}: {TIME}: {value.as_py()} {why} in {zone} (clocks were changed); "
                    f"write times with their offset, as {EXAMPLE}"
                ) from error
        raise


def checked_zone(name: str | None) -> str | None:
    """The name of a time zone that there is. Raises UsageError."""
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"--timezone {name}: no such time zone; expected one such as UTC or Europe/Berlin") from error
    return name


def place(path: Path, row: int) -> str:
    """How an error names a row, counted from 0: by the line of a CSV file, whose first one has the names."""
    if form_of(path) != CSV:
        return f"{path.name}: row {row + 1}"
    with opened(path) as file:
        filled = (number for number, line in enumerate(file, start=1) if line.strip(b"\r\n"))
        number = next((number for at, number in enumerate(filled) if at == row + 1), row + 2)
    return f"{path.name}:{number}"
