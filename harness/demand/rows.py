"""The rows of a demand trace in CSV or Parquet, a block at a time: times in UTC, requests as capacity units a second."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from harness.arrow import keep_pandas_out
from harness.dynamodb import metering
from harness.dynamodb.planner.model import Units
from harness.errors import UsageError

TIME, READS, WRITES, BYTES = "time", "reads_per_s", "writes_per_s", "item_bytes"
MOST_ROWS = 50_000_000
_BLOCK_BYTES, _BATCH_ROWS = 8 << 20, 1 << 17
_EXAMPLE = "2026-11-25T10:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows as they stand in the file: microseconds since 1970 in UTC, and units a second."""

    path: Path
    time_us: npt.NDArray[np.int64]
    read: Units
    write: Units
    notes: tuple[str, ...] = ()
    numbers: npt.NDArray[np.int64] | None = None
    """Which row of the file each one was, where they aren't in its order."""

    @property
    def name(self) -> str:
        """The file's."""
        return self.path.name

    def place(self, row: int) -> str:
        """How an error names a row, counted from 0: by the line of a CSV file, whose first one has the names."""
        return _place(self.path, row if self.numbers is None else int(self.numbers[row]))

    def chosen(self, order: npt.NDArray[np.int64]) -> "Rows":
        """These of the rows, in this order."""
        return Rows(
            path=self.path, time_us=self.time_us[order], read=self.read[order], write=self.write[order], notes=self.notes,
            numbers=order if self.numbers is None else self.numbers[order],
        )  # fmt: skip


def read_rows(path: Path, *, timezone: str | None, item_bytes: int | None, strong: bool) -> Rows:
    """All rows of a file. Raises UsageError that names the first row that is wrong."""
    keep_pandas_out()
    zone = _zone(timezone)
    names = _names(path)
    missing = [name for name in (TIME, READS, WRITES) if name not in names]
    if missing:
        raise UsageError(
            f"{path.name}: no column {' and '.join(missing)}; expected {TIME}, {READS}, {WRITES} and {BYTES}, "
            f"found {', '.join(names) or 'none'}"
        )
    if BYTES not in names and item_bytes is None:
        raise UsageError(f"{path.name}: no column {BYTES}: add it, or give the size of every item with --item-bytes")
    columns = [TIME, READS, WRITES, *([BYTES] if BYTES in names and item_bytes is None else [])]
    tables = _unit_tables(strong=strong)
    times: list[npt.NDArray[np.int64]] = []
    rates: tuple[list[Units], list[Units]] = ([], [])
    count = 0
    for batch in _batches(path, columns):
        time_us, *units = _part(path, count, batch, zone, item_bytes, tables)
        times.append(time_us)
        for column, part in zip(rates, units, strict=True):
            column.append(part)
        count += batch.num_rows
        if count > MOST_ROWS:
            raise UsageError(f"{path.name}: more than {MOST_ROWS:,} rows; add up to minutes first")
    extra = [name for name in names if name not in (TIME, READS, WRITES, BYTES)]
    notes = [f"Columns that aren't used: {', '.join(extra)}."] if extra else []
    if zone is not None:
        notes.append(f"Times without an offset are taken as {timezone}.")
    return Rows(
        path=path, time_us=_joined(times, np.int64), read=_joined(rates[0], np.float64),
        write=_joined(rates[1], np.float64), notes=tuple(notes),
    )  # fmt: skip


def _joined(parts: list[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    """The parts as one, each given up once it is copied."""
    whole: npt.NDArray[Any] = np.empty(sum(map(len, parts)), dtype=kind)
    at = len(whole)
    while parts:
        part = parts.pop()
        at -= len(part)
        whole[at : at + len(part)] = part
    return whole


def _part(
    path: Path,
    before: int,
    batch: pa.RecordBatch,
    zone: str | None,
    item_bytes: int | None,
    tables: tuple[Units, Units],
) -> tuple[npt.NDArray[np.int64], Units, Units]:
    """One block: checked, in UTC, in units."""
    time_us = _times(path, before, batch.column(0), zone)
    reads, writes = (_numbers(path, before, batch.column(at), batch.schema.names[at]) for at in (1, 2))
    if item_bytes is None:
        sizes = _numbers(path, before, batch.column(3), BYTES)
        large = np.flatnonzero(sizes > metering.MAX_ITEM_BYTES)
        if len(large):
            where = _place(path, before + int(large[0]))
            raise UsageError(f"{where}: {BYTES}: an item has at most 400 KB, found {sizes[large[0]]:g} bytes")
    else:
        sizes = np.full(batch.num_rows, float(item_bytes))
    blocks = [
        np.ceil(sizes / block).astype(np.int64) for block in (metering.READ_BLOCK_BYTES, metering.WRITE_BLOCK_BYTES)
    ]
    return time_us, reads * tables[0][blocks[0]], writes * tables[1][blocks[1]]


def _unit_tables(*, strong: bool) -> tuple[Units, Units]:
    """Units of one read and one write by the blocks of an item, as metering.py counts them (A1, A2)."""
    read_blocks, write_blocks = (
        range(metering.MAX_ITEM_BYTES // block + 1) for block in (metering.READ_BLOCK_BYTES, metering.WRITE_BLOCK_BYTES)
    )
    consistency: metering.Consistency = "strong" if strong else "eventual"
    return (
        np.array([metering.read_units(blocks * metering.READ_BLOCK_BYTES, consistency) for blocks in read_blocks]),
        np.array([metering.write_units(blocks * metering.WRITE_BLOCK_BYTES) for blocks in write_blocks]),
    )


def _numbers(path: Path, before: int, column: pa.Array, name: str) -> Units:
    """A column of numbers of 0 or more, none missing."""
    try:
        values: Units = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"{path.name}: {name}: expected numbers, found {column.type}") from error
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        at = int(wrong[0])
        found = "nothing" if not column[at].is_valid else f"{values[at]:g}"
        raise UsageError(f"{_place(path, before + at)}: {name}: expected a number of 0 or more, found {found}")
    return values


def _times(path: Path, before: int, column: pa.Array, zone: str | None) -> npt.NDArray[np.int64]:
    """A column of times as microseconds of UTC."""
    missing = np.flatnonzero(~column.is_valid().to_numpy(zero_copy_only=False))
    if len(missing):
        raise UsageError(f"{_place(path, before + int(missing[0]))}: {TIME}: expected a time, found nothing")
    if pa.types.is_timestamp(column.type):
        aware = column.type.tz is not None
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column, aware = _parsed(path, before, column)
    else:
        raise UsageError(f"{path.name}: {TIME}: expected times such as {_EXAMPLE}, found numbers of type {column.type}")
    if not aware:
        if zone is None:
            raise UsageError(
                f"{_place(path, before)}: {TIME}: no offset from UTC; write times as {_EXAMPLE}, or say whose they are with "
                "--timezone, such as UTC or Europe/Berlin"
            )
        column = _localised(path, before, column, zone)
    us: npt.NDArray[np.int64] = column.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64()).to_numpy()
    return us


def _parsed(path: Path, before: int, column: pa.Array) -> tuple[pa.Array, bool]:
    """Texts as times, and whether they have offsets: all of them or none."""
    for kind, aware in ((pa.timestamp("us", "UTC"), True), (pa.timestamp("us"), False)):
        try:
            return column.cast(kind), aware
        except pa.ArrowInvalid:
            continue
    first: bool | None = None
    for row, value in enumerate(column):
        text, aware_here = value.as_py(), None
        for kind, aware in ((pa.timestamp("us", "UTC"), True), (pa.timestamp("us"), False)):
            try:
                pa.scalar(text).cast(kind)
                aware_here = aware
            except pa.ArrowInvalid:
                continue
        where = f"{_place(path, before + row)}: {TIME}:"
        if aware_here is None:
            raise UsageError(f"{where} expected a time such as {_EXAMPLE}, found {text!r}")
        if first is not None and aware_here != first:
            raise UsageError(
                f"{where} {text} {'has' if aware_here else 'has no'} offset from UTC, unlike the rows before"
            )
        first = aware_here
    raise AssertionError("a column that can't be read as a whole was read row by row")


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
                    f"{_place(path, before + row)}: {TIME}: {value.as_py()} {why} in {zone} (clocks were changed); "
                    f"write times with their offset, as {_EXAMPLE}"
                ) from error
        raise


def _zone(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"--timezone {name}: no such time zone; expected one such as UTC or Europe/Berlin") from error
    return name


def _names(path: Path) -> list[str]:
    try:
        if path.suffix.lower() == ".parquet":
            return list(pq.read_schema(path).names)
        if path.suffix.lower() != ".csv":
            raise UsageError(f"{path.name}: expected a file that ends in .csv, .parquet or .json")
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a readable file") from error
    except (UnicodeDecodeError, pa.ArrowInvalid) as error:
        raise UsageError(f"{path.name}: can't be read: {error}") from error


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The file a block at a time, these columns in this order."""
    try:
        if path.suffix.lower() == ".parquet":
            for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=columns):
                yield batch.select(columns)
            return
        kinds: dict[str, Any] = {name: pa.string() if name == TIME else pa.float64() for name in columns}
        yield from pa.csv.open_csv(
            path,
            read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            convert_options=pa.csv.ConvertOptions(
                column_types=kinds, include_columns=columns, strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):
            return
        raise UsageError(_bad_line(path, columns) or f"{path.name}: can't be read: {error}") from error


def _bad_line(path: Path, columns: list[str]) -> str | None:
    """The first line of a CSV file whose fields aren't as many as its names, or one of whose figures isn't a number."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        names = next(reader)
        places = [names.index(name) for name in columns if name != TIME]
        for fields in reader:
            where = f"{path.name}:{reader.line_num}"
            if not fields:
                continue
            if len(fields) != len(names):
                return f"{where}: expected {len(names)} fields, found {len(fields)}"
            for at in places:
                try:
                    float(fields[at] or "0")
                except ValueError:
                    return f"{where}: {names[at]}: expected a number of 0 or more, found {fields[at]!r}"
    return None


def _place(path: Path, row: int) -> str:
    return f"{path.name}:{row + 2}" if path.suffix.lower() == ".csv" else f"{path.name}: row {row + 1}"
