"""The files of one scenario's samples of one worker: Arrow streams while it runs, Parquet once it is over.

A stream is begun anew after so many rows or bytes, so that no file grows without end and compacting needs
little room. What is on disk stays readable after kill -9; a stream that broke off is readable up to its last whole batch.
"""

import errno
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import CannotMeasure
from harness.samples.schema import SAMPLES_SCHEMA, Kind, arrow_type, clock_pair

# One part: about 30 MB as a stream, 15 MB as Parquet.
_ROWS_A_PART = 1_000_000
_BYTES_A_PART = 128 * 1024 * 1024
_ROWS_A_GROUP = 131_072
# What must stay free besides what is still to be written: the report, the logs, the user's own work.
_KEEP_FREE_BYTES = 64 * 1024 * 1024
# Times and ids grow by small steps: their differences are stored. All else repeats: a dictionary.
_DELTAS = ("t_intended", "t_start", "t_end", "op_id")


class Parts:
    """Writes record batches to ``path`` and, once that is full, to ``<stem>.001.arrows``, ``<stem>.002.arrows`` …

    All methods but the constructor may be called from another thread than the load's, one at a time. Raises OSError
    or ArrowException where something can't be written; what was written before stays readable.
    """

    def __init__(self, path: Path, columns: dict[str, Kind], shift_ns: int = 0) -> None:
        self.streams: list[Path] = []
        self._path, self._shift_ns = path, shift_ns
        self.clock_pairs = [self.clock_pair()]
        self._fields = [pa.field(name, arrow_type(name, kind)) for name, kind in columns.items()]
        self._begin()

    def write(self, batch: pa.RecordBatch, *, waiting_bytes: int = 0) -> None:
        """Append one batch; ``waiting_bytes`` are buffered behind it and must find room as well.

        Refuses, before anything is lost, where the disk would be left without room for those, for one part as
        Parquet, and for 64 MB more.
        """
        needed = _KEEP_FREE_BYTES + batch.nbytes + waiting_bytes + self._sink.tell()
        if (free := shutil.disk_usage(self._path.parent).free) < needed:
            raise OSError(errno.ENOSPC, f"{free >> 20} MB are free on the disk, {needed >> 20} MB must be")
        if self._rows >= _ROWS_A_PART or self._sink.tell() >= _BYTES_A_PART:
            self.close()
            self.clock_pairs.append(self.clock_pair())
            self._begin()
        self._writer.write_batch(batch)
        self._sink.flush()
        self._rows += batch.num_rows

    def clock_pair(self) -> tuple[int, int]:
        """This instant, by the clock that the rows' times are on and by this machine's wall clock."""
        monotonic, wall = clock_pair()
        return monotonic + self._shift_ns, wall

    def close(self) -> None:
        """End the stream that is open."""
        self._writer.close()
        self._sink.close()

    def abandon(self) -> None:
        """Close the file as it is, without the end mark: after a failed write nothing may follow."""
        self._sink.close()

    @property
    def schema(self) -> pa.Schema:
        """Schema of the open stream: the columns, the version and the clock pairs so far."""
        return self._schema

    def _begin(self) -> None:
        number = len(self.streams)
        stream = self._path.with_suffix(f".{number:03d}.arrows") if number else self._path
        self._sink, self._rows = pa.OSFile(str(stream), "wb"), 0
        self.streams.append(stream)
        metadata = {"samples_schema": str(SAMPLES_SCHEMA), "clock_pairs": json.dumps(self.clock_pairs)}
        self._schema = pa.schema(self._fields, metadata)
        # One thread: the others' cores belong to the servers that are measured.
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True, compression="lz4", use_threads=False)
        self._writer = pa.ipc.new_stream(self._sink, self._schema, options=options)


def compact(stream: Path, clock_pairs: Iterable[tuple[int, int]]) -> Path:
    """Rewrite an Arrow stream as Parquet beside it and remove the stream, once both hold the same number of rows.

    Needs memory for one group of 131,072 rows, however long the stream. Raises CannotMeasure where the counts
    differ and OSError where there is no room; the stream is then kept.
    """
    final = stream.with_suffix(".parquet")
    partial = final.with_suffix(".parquet.partial")
    try:
        count = _rewrite(stream, partial, list(clock_pairs))
        if pq.read_metadata(partial).num_rows != count:
            raise CannotMeasure(f"{partial}: holds another number of rows than {stream} ({count}); the stream is kept")
        partial.rename(final)
    finally:
        partial.unlink(missing_ok=True)
    stream.unlink()
    return final


def rows_kept(folder: Path, name: str) -> int | None:
    """How many rows of one worker are in its files ``<name>.…``, of a stream that broke off its whole batches; None without any file."""
    streams, compacted = sorted(folder.glob(f"{name}.*arrows")), sorted(folder.glob(f"{name}.*parquet"))
    if not streams and not compacted:
        return None
    whole = {path.with_suffix("") for path in compacted}
    rows = sum(int(pq.read_metadata(path).num_rows) for path in compacted)
    return rows + sum(_rows_of(stream) for stream in streams if stream.with_suffix("") not in whole)


def _rows_of(stream: Path) -> int:
    rows = 0
    try:
        with pa.ipc.open_stream(str(stream)) as reader:
            for batch in reader:
                rows += batch.num_rows
    except (pa.ArrowException, OSError):  # it broke off here
        pass
    return rows


def _rewrite(stream: Path, partial: Path, clock_pairs: Sequence[tuple[int, int]]) -> int:
    """Write the stream's rows to ``partial`` in groups; returns their number."""
    count, waiting, waiting_rows = 0, [], 0
    with pa.ipc.open_stream(pa.OSFile(str(stream))) as reader:
        schema = reader.schema.with_metadata(
            {**reader.schema.metadata, b"clock_pairs": json.dumps(clock_pairs).encode()}
        )
        repeating = [name for name in schema.names if name not in _DELTAS]
        with pq.ParquetWriter(
            partial, schema, compression="zstd", use_dictionary=repeating,
            column_encoding=dict.fromkeys(_DELTAS, "DELTA_BINARY_PACKED"),
        ) as writer:  # fmt: skip
            for batch in reader:
                waiting.append(batch)
                waiting_rows += batch.num_rows
                if waiting_rows >= _ROWS_A_GROUP:
                    writer.write_table(_group(waiting))
                    count, waiting, waiting_rows = count + waiting_rows, [], 0
            if waiting:
                writer.write_table(_group(waiting))
    return count + waiting_rows


def _group(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Many small batches as one row group, each text column with one dictionary."""
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
