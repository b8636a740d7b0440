"""One row an attempt: packed into memory by the load, written by a thread the load never waits for.

A row is packed with one struct call into a preallocated buffer (FACTS: about a third of a microsecond; strings
are interned to codes first). Twice a second the full part of the buffer goes to the hub's thread pool, which
turns it into an Arrow record batch and appends it to an IPC *stream*: what is on disk stays readable after
kill -9. ``close`` compacts the stream into one Parquet file and compares the counts.
"""

import json
import shutil
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import CannotMeasure

# Version 1: the columns below, in this order; then the scenario's own.
SAMPLES_SCHEMA = 1

Kind = Literal["int", "float", "text", "bool", "small", "key"]
Outcome = Literal["ok", "throttled", "error", "timeout", "ambiguous"]

# name -> kind. "key": int64 never null. "small": int32/int16 never null. "int", "float", "bool": null where not known.
COLUMNS: dict[str, Kind] = {
    "trial": "small", "pair": "small", "phase": "text",
    "t_intended": "int", "t_start": "key", "t_end": "key",
    "op_id": "key", "attempt": "small",
    "client": "text", "arm": "text", "step": "text", "op": "text",
    "outcome": "text", "error_code": "text", "reason": "text",
    "read_units": "float", "write_units": "float", "index_units": "float",
    "items_returned": "int", "items_scanned": "int", "bytes": "int", "pages": "int",
    "hit": "bool", "worker": "text",
}  # fmt: skip
_PACKED = {"small": "i", "key": "q", "int": "q", "float": "d", "text": "i", "bool": "b"}
_NULL: dict[str, Any] = {"int": -1, "float": float("nan"), "text": None, "bool": None}
_ROWS_A_BUFFER = 65_536
_KEEP_FREE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one attempt came to, as the scenario saw it; ``extra`` fills the scenario's own columns."""

    outcome: Outcome = "ok"
    error_code: str | None = None
    reason: str | None = None
    read_units: float = float("nan")
    write_units: float = float("nan")
    index_units: float = float("nan")
    items_returned: int = -1
    items_scanned: int = -1
    bytes: int = -1
    pages: int = -1
    hit: bool | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class _Codes(dict[str | None, int]):
    """Strings to small numbers, in order of first sight; None is 0."""

    def __init__(self) -> None:
        super().__init__({None: 0})
        self.words: list[str] = []

    def __missing__(self, word: str | None) -> int:
        self[word] = code = len(self.words) + 1
        self.words.append(str(word))
        return code


class Recorder:
    """Writes one scenario's samples of one worker; ``submit`` runs a function off the load's thread.

    ``extra`` declares the scenario's own columns. A failed write is kept in ``failure`` and raised by
    ``check``: the load must then stop, since rows would be lost.
    """

    def __init__(
        self,
        path: Path,
        *,
        worker: str,
        extra: Mapping[str, Kind],
        submit: Callable[[Callable[[], None]], Any],
    ) -> None:
        self.path, self.rows = path, 0
        self.failure: CannotMeasure | None = None
        self._columns = COLUMNS | dict(extra)
        self._extra = tuple((name, kind, _NULL.get(kind, 0)) for name, kind in extra.items())
        self._codes = {name: _Codes() for name, kind in self._columns.items() if kind == "text"}
        self._worker = self._codes["worker"][worker]
        self._struct = struct.Struct("<" + "".join(_PACKED[kind] for kind in self._columns.values()))
        self._dtype = np.dtype(
            [
                (name, "<" + {"i": "i4", "q": "i8", "d": "f8", "b": "i1"}[_PACKED[kind]])
                for name, kind in self._columns.items()
            ]
        )
        self._submit = submit
        self._buffer, self._spare, self._used = self._new_buffer(), self._new_buffer(), 0
        self._writing: Any = None
        self._clock_pairs = [clock_pair()]
        self._written = 0
        self._sink = pa.OSFile(str(path), "wb")
        metadata = {"samples_schema": str(SAMPLES_SCHEMA), "clock_pairs": json.dumps(self._clock_pairs)}
        self._schema = pa.schema(
            [pa.field(name, _arrow_type(name, kind)) for name, kind in self._columns.items()], metadata
        )
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        self._writer = pa.ipc.new_stream(self._sink, self._schema, options=options)

    def append(
        self, *, trial: int, pair: int, phase: str, t_intended: int | None, t_start: int, t_end: int,
        op_id: int, attempt: int, client: str, arm: str, step: str, op: str, seen: Observation,
    ) -> None:  # fmt: skip
        """Add one attempt; times in monotonic ns, ``t_intended`` None in a closed loop."""
        codes, hit = self._codes, seen.hit
        fields = [
            trial, pair, codes["phase"][phase],
            -1 if t_intended is None else t_intended, t_start, t_end, op_id, attempt,
            codes["client"][client], codes["arm"][arm], codes["step"][step], codes["op"][op],
            codes["outcome"][seen.outcome], codes["error_code"][seen.error_code], codes["reason"][seen.reason],
            seen.read_units, seen.write_units, seen.index_units,
            seen.items_returned, seen.items_scanned, seen.bytes, seen.pages,
            -1 if hit is None else hit, self._worker,
        ]  # fmt: skip
        for name, kind, null in self._extra:
            value = seen.extra.get(name, null)
            fields.append(codes[name][value] if kind == "text" else null if value is None else value)
        if self._used == _ROWS_A_BUFFER:
            self.flush(wait=True)
        self._struct.pack_into(self._buffer, self._used * self._struct.size, *fields)
        self._used += 1
        self.rows += 1

    def flush(self, *, wait: bool = False) -> None:
        """Hand what is buffered to the writing thread; unless ``wait``, a write still under way postpones it."""
        if self._writing is not None:
            if not (wait or self._writing.ready()):
                return
            self._writing.get()
        if self._used:
            full, count = self._buffer, self._used
            self._buffer, self._spare, self._used = self._spare, full, 0
            words = {name: list(codes.words) for name, codes in self._codes.items()}
            self._writing = self._submit(lambda: self._write(full, count, words))
            if wait:
                self._writing.get()

    def check(self) -> None:
        """Raise what stopped the writing, if anything did."""
        if self.failure:
            raise self.failure

    def close(self) -> Path:
        """Flush, end the stream, compact it into Parquet; returns the file that holds the samples."""
        self.flush(wait=True)
        if self._writing is not None:
            self._writing.get()
        self._clock_pairs.append(clock_pair())
        try:
            self._writer.close()
            self._sink.close()
            self.check()
            compacted = compact(self.path, self._clock_pairs)
        except OSError as error:
            raise CannotMeasure(f"{self.path}: {error.strerror or error}; samples up to here are kept") from error
        return compacted

    def _new_buffer(self) -> bytearray:
        return bytearray(_ROWS_A_BUFFER * self._struct.size)

    def _write(self, buffer: bytearray, count: int, words: Mapping[str, list[str]]) -> None:
        """In the writing thread: one record batch; the first failure is kept and ends the writing."""
        if self.failure:
            return
        try:
            if shutil.disk_usage(self.path.parent).free < _KEEP_FREE_BYTES:
                raise OSError(28, "less than 64 MB free on the disk")
            rows = np.frombuffer(buffer, self._dtype, count)
            arrays = [
                _arrow_array(rows[name], kind, _arrow_type(name, kind), words.get(name, []))
                for name, kind in self._columns.items()
            ]
            self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
            self._sink.flush()
            self._written += count
        except (OSError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.failure = CannotMeasure(f"{self.path}: can't write samples: {reason}; free some space and run again")


def clock_pair() -> tuple[int, int]:
    """Monotonic and wall time of one instant, ns; the monotonic is the mean of a reading before and after."""
    before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
    return (before + after) // 2, wall


def compact(stream: Path, clock_pairs: Iterable[tuple[int, int]]) -> Path:
    """Rewrite an Arrow stream as Parquet beside it and remove the stream, once both hold the same number of rows."""
    final = stream.with_suffix(".parquet")
    partial = final.with_suffix(".parquet.partial")
    count = 0
    with pa.ipc.open_stream(str(stream)) as reader:
        metadata = {**reader.schema.metadata, b"clock_pairs": json.dumps(list(clock_pairs)).encode()}
        with pq.ParquetWriter(partial, reader.schema.with_metadata(metadata), compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                count += batch.num_rows
    if pq.read_metadata(partial).num_rows != count:
        raise CannotMeasure(f"{partial}: holds another number of rows than {stream} ({count}); the stream is kept")
    partial.rename(final)
    stream.unlink()
    return final


def _arrow_type(name: str, kind: Kind) -> pa.DataType:
    if kind == "small":
        return pa.int16() if name == "attempt" else pa.int32()
    return {
        "int": pa.int64(),
        "key": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.dictionary(pa.int32(), pa.string()),
    }[kind]


def _arrow_array(values: npt.NDArray[Any], kind: Kind, arrow_type: pa.DataType, words: list[str]) -> pa.Array:
    if kind == "text":
        codes = pa.array(values - 1, pa.int32(), mask=values == 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string()))
    if kind == "float":
        return pa.array(values, arrow_type, from_pandas=True)
    if kind == "bool":
        return pa.array(values == 1, arrow_type, mask=values == -1)
    return pa.array(values.astype(arrow_type.to_pandas_dtype()), mask=values == -1 if kind == "int" else None)
