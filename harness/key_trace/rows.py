"""A key trace in CSV or Parquet: a row an access, with its key, and where they are there its bytes, its time and its operation."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.arrow import keep_pandas_out
from harness.cache.sizing.kernel import DELETE, READ, WRITE, Int8, Int64
from harness.demand.blocks import batches
from harness.demand.columns import numbers, place, times
from harness.demand.heading import names_of
from harness.errors import UsageError
from harness.key_trace.trace import Collected, KeyTrace

KEY, BYTES, TIME, OP = "key", "bytes", "time", "op"
OPERATIONS = {
    READ: ("read", "get"),
    WRITE: ("write", "set", "put", "update"),
    DELETE: ("delete", "del", "invalidate"),
}
KINDS = {name: kind for kind, names in OPERATIONS.items() for name in names}
_CSV_TYPES = {KEY: pa.string(), BYTES: pa.float64(), TIME: pa.string(), OP: pa.string()}


def read_rows(path: Path, *, item_bytes: int | None = None, rate: float = 1.0) -> KeyTrace:
    """The accesses of a file, or those to a share ``rate`` of its keys. Raises UsageError that names the first row that is wrong."""
    keep_pandas_out()
    names = names_of(path)
    used = _used(path, names, item_bytes)
    collected = Collected(path.name, rate)
    clock = _Clock(path, keep=rate == 1)
    before = 0
    for batch in batches(path, {name: _CSV_TYPES[name] for name in used}):
        columns = dict(zip(used, batch.columns, strict=True))
        kinds = _kinds(path, before, columns[OP]) if OP in used else np.zeros(batch.num_rows, dtype=np.int8)
        sizes = (
            _sizes(path, before, columns[BYTES], kinds)
            if BYTES in used
            else np.full(batch.num_rows, item_bytes, dtype=np.int64)
        )
        collected.add(_keys(path, before, columns[KEY]), kinds, sizes)
        if TIME in used:
            clock.add(_times_us(path, before, columns[TIME]))
        before += batch.num_rows
    if not before:
        raise UsageError(f"{path.name}: no rows; expected one for each access to a key")
    extra = [name for name in names if name not in used]
    notes = [f"Columns that aren't used: {', '.join(extra)}."] if extra else []
    span_s, order = clock.finish(notes)
    return collected.finish(span_s, notes, order)


def _used(path: Path, names: list[str], item_bytes: int | None) -> list[str]:
    """The columns to read. Raises UsageError where one is missing or there twice."""
    for name in _CSV_TYPES:
        if names.count(name) > 1:
            raise UsageError(f"{path.name}: {names.count(name)} columns are called {name}; leave one")
    if KEY not in names:
        raise UsageError(
            f"{path.name}: no column {KEY}; expected {KEY}, and maybe {BYTES}, {TIME} and {OP}, found {', '.join(names) or 'none'}"
        )
    if BYTES not in names and item_bytes is None:
        raise UsageError(f"{path.name}: no column {BYTES}: add it, or give the size of every value with --item-bytes")
    return [name for name in _CSV_TYPES if name in names and not (name == BYTES and item_bytes is not None)]


def _keys(path: Path, before: int, column: pa.Array) -> pa.Array:
    try:
        keys = column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"{path.name}: {KEY}: expected text or whole numbers, found {column.type}") from error
    _none_missing(path, before, keys, KEY, "a key")
    return keys


def _kinds(path: Path, before: int, column: pa.Array) -> Int8:
    """Operations by their names, in whatever case."""
    _none_missing(path, before, column, OP, "an operation")
    encoded = column.cast(pa.string()).dictionary_encode()
    known = [KINDS.get(name.strip().lower(), -1) for name in encoded.dictionary.to_pylist()]
    kinds: Int8 = np.array(known, dtype=np.int8)[encoded.indices.to_numpy()]
    wrong = np.flatnonzero(kinds < 0)
    if len(wrong):
        at = int(wrong[0])
        raise UsageError(
            f"{place(path, before + at)}: {OP}: expected one of {', '.join(KINDS)}, found {column[at].as_py()!r}"
        )
    return kinds


def _sizes(path: Path, before: int, column: pa.Array, kinds: Int8) -> Int64:
    """Bytes of the values; a delete needs none."""
    if (kinds == DELETE).any():
        column = pc.if_else(pa.array(kinds == DELETE), pa.scalar(0, column.type), column)
    return np.ceil(numbers(path, before, column, BYTES)).astype(np.int64)


def _none_missing(path: Path, before: int, column: pa.Array, name: str, what: str) -> None:
    missing = np.flatnonzero(~column.is_valid().to_numpy(zero_copy_only=False))
    if len(missing):
        raise UsageError(f"{place(path, before + int(missing[0]))}: {name}: expected {what}, found nothing")


def _times_us(path: Path, before: int, column: pa.Array) -> Int64:
    """Times in µs: of a clock, or seconds from wherever; only what lies between them counts, so their zone doesn't."""
    try:
        if not pa.types.is_timestamp(column.type):
            seconds = numbers(path, before, column.cast(pa.float64()), TIME)
            return np.round(seconds * 1e6).astype(np.int64)
    except pa.ArrowInvalid:
        pass
    return times(path, before, column, "UTC")[0]


class _Clock:
    """The times of a trace: its span, and the order of its rows; of a sample only whether they are in order."""

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._path, self._keep = path, keep
        self._stamps: list[Int64] = []
        self._least, self._most = np.iinfo(np.int64).max, np.iinfo(np.int64).min
        self._sorted = True

    def add(self, time_us: Int64) -> None:
        """The times of the next rows."""
        if not len(time_us):
            return
        self._sorted &= bool(time_us[0] >= self._most and (time_us[1:] >= time_us[:-1]).all())
        self._least, self._most = min(self._least, int(time_us.min())), max(self._most, int(time_us.max()))
        if self._keep:
            self._stamps.append(time_us)
        elif not self._sorted:
            raise UsageError(
                f"{self._path.name}: rows aren't in the order of their times, which a sample needs; sort them first"
            )

    def finish(self, notes: list[str]) -> tuple[float | None, Int64 | None]:
        """How long the trace took, None where no times tell it, and the rows' order where they must be put in it."""
        if self._most < self._least:
            return None, None
        if self._most == self._least:
            notes.append("All rows have the same time: it tells no rate.")
            return None, None
        span_s = (self._most - self._least) / 1e6
        if self._sorted:
            return span_s, None
        notes.append("Rows were put in the order of their times.")
        return span_s, np.argsort(np.concatenate(self._stamps), kind="stable")
