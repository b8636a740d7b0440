"""The rows of a demand trace in CSV or Parquet, a block at a time: times in UTC, requests as capacity units a second."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.arrow import keep_pandas_out
from harness.demand.blocks import batches
from harness.demand.columns import BYTES, READS, TIME, WRITES, checked_zone, numbers, one_kind, place, times
from harness.demand.heading import check_names, names_of
from harness.dynamodb import metering
from harness.dynamodb.planner.model import Units
from harness.errors import UsageError

MOST_ROWS = 50_000_000


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
        return place(self.path, row if self.numbers is None else int(self.numbers[row]))

    def chosen(self, order: npt.NDArray[np.int64]) -> "Rows":
        """These of the rows, in this order."""
        return Rows(
            path=self.path, time_us=self.time_us[order], read=self.read[order], write=self.write[order], notes=self.notes,
            numbers=order if self.numbers is None else self.numbers[order],
        )  # fmt: skip


def read_rows(path: Path, *, timezone: str | None, item_bytes: int | None, strong: bool) -> Rows:
    """All rows of a file. Raises UsageError that names the first row that is wrong."""
    keep_pandas_out()
    zone = checked_zone(timezone)
    names = names_of(path)
    check_names(path, names, item_bytes)
    columns = [TIME, READS, WRITES, *([BYTES] if BYTES in names and item_bytes is None else [])]
    tables = _unit_tables(strong=strong)
    stamps: list[npt.NDArray[np.int64]] = []
    rates: tuple[list[Units], list[Units]] = ([], [])
    count, sizeless = 0, False
    aware: bool | None = None
    for batch in batches(path, {name: pa.string() if name == TIME else pa.float64() for name in columns}):
        time_us, aware_here = times(path, count, batch.column(0), zone)
        one_kind(path, count, aware_here, aware_here if aware is None else aware)
        aware = aware_here
        *units, sizeless_here = _units(path, count, batch, item_bytes, tables)
        sizeless |= sizeless_here
        stamps.append(time_us)
        for column, part in zip(rates, units, strict=True):
            column.append(part)
        count += batch.num_rows
        if count > MOST_ROWS:
            raise UsageError(f"{path.name}: more than {MOST_ROWS:,} rows; add up to minutes first")
    extra = [name for name in names if name not in (TIME, READS, WRITES, BYTES)]
    notes = [f"Columns that aren't used: {', '.join(extra)}."] if extra else []
    if sizeless:
        notes.append(f"Requests whose {BYTES} are 0 count as of the smallest item.")
    if zone is not None and not aware:
        notes.append(f"Times without an offset are taken as {timezone}.")
    return Rows(
        path=path, time_us=_joined(stamps, np.int64), read=_joined(rates[0], np.float64),
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


def _units(
    path: Path, before: int, batch: pa.RecordBatch, item_bytes: int | None, tables: tuple[Units, Units]
) -> tuple[Units, Units, bool]:
    """One block's requests as units of both kinds, and whether there are some of items without a size."""
    reads, writes = (numbers(path, before, batch.column(at), batch.schema.names[at]) for at in (1, 2))
    sizes = np.full(batch.num_rows, float(item_bytes or 0))
    if item_bytes is None:
        sizes = numbers(path, before, batch.column(3), BYTES)
        large = np.flatnonzero(sizes > metering.MAX_ITEM_BYTES)
        if len(large):
            where = place(path, before + int(large[0]))
            raise UsageError(f"{where}: {BYTES}: an item has at most 400 KB, found {sizes[large[0]]:.0f} bytes")
    blocks = [
        np.ceil(sizes / block).astype(np.int64) for block in (metering.READ_BLOCK_BYTES, metering.WRITE_BLOCK_BYTES)
    ]
    sizeless = bool(((sizes == 0) & ((reads > 0) | (writes > 0))).any())
    return reads * tables[0][blocks[0]], writes * tables[1][blocks[1]], sizeless


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
