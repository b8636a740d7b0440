"""One row an attempt: packed into memory by the load, written by a thread the load never waits for.

A row is packed with one struct call into a preallocated buffer (FACTS: about a third of a microsecond; strings
are interned to codes first). Full buffers, and twice a second what there is, go to the hub's thread pool, which
turns them into an Arrow record batch and appends it to an IPC *stream*: what is on disk stays readable after
kill -9. ``close`` compacts each stream into a Parquet file and compares the counts.
"""

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.errors import CannotMeasure
from harness.samples.packing import Append, Packing
from harness.samples.parts import Parts, compact
from harness.samples.schema import COLUMNS, SAMPLES_SCHEMA, Kind, Observation, Outcome, clock_pair
from harness.sketches import Sketch

__all__ = [
    "COLUMNS", "SAMPLES_SCHEMA", "Append", "Kind", "Observation", "Outcome", "Recorder", "clock_pair", "compact",
]  # fmt: skip

_ROWS_A_BUFFER = 16_384
_BUFFERS_A_BATCH = 8
_BUFFERS_AT_FIRST = 3
_BUFFERS_KEPT = 8  # for use again; more are freed
_MOST_BUFFERS_WAITING = 128  # two million rows: seconds behind any load one process can make


class Recorder:
    """Writes one scenario's samples of one worker; ``submit`` runs a function off the load's thread.

    ``extra`` declares the scenario's own columns. A failed write is kept in ``failure`` and raised by
    ``check``: the load must then stop, since rows would be lost. With ``sketches``, what is written is
    also summed up for ``take_sketches``. ``shift_ns`` is added to all times: a master's clock on another machine. All
    methods are the load's thread's.
    """

    def __init__(
        self,
        path: Path,
        *,
        worker: str,
        extra: Mapping[str, Kind],
        submit: Callable[[Callable[[], None]], Any],
        sketches: bool = False,
        shift_ns: int = 0,
    ) -> None:
        self.path = path
        self.failure: CannotMeasure | None = None
        self._packing = Packing(worker, extra, shift_ns)
        self._own = self._packing.own if extra else None
        self._row_bytes = self._packing.struct.size
        self._limit = _ROWS_A_BUFFER * self._row_bytes
        self._buffer, self._end = bytearray(self._limit), 0  # ``_end``: where the next row goes
        self._handed_rows = 0
        # Some from the start: the system takes a millisecond or two to give out fresh memory, which the load would feel.
        self._free = deque((bytearray(self._limit) for _ in range(_BUFFERS_AT_FIRST)), maxlen=_BUFFERS_KEPT)
        self._waiting: deque[tuple[bytearray, int]] = deque()
        self._turn = deque([True])  # whoever holds its only item writes; a deque, for gevent replaces threads' locks
        self._submit, self._writing = submit, None
        self._unsummed: deque[tuple[tuple[int, str], npt.NDArray[np.int64]]] | None = deque() if sketches else None
        self._parts = Parts(path, self._packing.columns, shift_ns)
        self._files: tuple[Path, ...] = ()

    @property
    def rows(self) -> int:
        """Rows appended so far."""
        return self._handed_rows + self._end // self._row_bytes

    def begin_trial(self, *, trial: int, pair: int, client: str, arm: str, step: str) -> Append:
        """How attempts of this trial are added from now on: what stays the same over it is coded once.

        The function takes ``op, warm_up, t_intended, t_start, t_end, op_id, attempt, seen`` in this order: times
        in monotonic ns, ``t_intended`` None in a closed loop.
        """
        same = {"trial": trial, "pair": pair, "client": client, "arm": arm, "step": step}
        warm = self._packing.operations(phase="warm-up", **same)  # type: ignore[arg-type]
        measured = self._packing.operations(phase="measured", **same)  # type: ignore[arg-type]
        codes, pack, row_bytes, limit = (
            self._packing.codes,
            self._packing.struct.pack_into,
            self._row_bytes,
            self._limit,
        )
        outcomes, errors, reasons, own = codes["outcome"], codes["error_code"], codes["reason"], self._own

        def append(
            op: str, warm_up: bool, t_intended: int | None, t_start: int, t_end: int, op_id: int, attempt: int,
            seen: Observation,
        ) -> None:  # fmt: skip
            outcome, error, reason, read, write, index, returned, scanned, size, pages, hit, extra = seen
            end = self._end
            pack(
                self._buffer, end, -1 if t_intended is None else t_intended, t_start, t_end, op_id,
                read, write, index, returned, scanned, size, pages, (warm if warm_up else measured)[op],
                outcomes[outcome], errors[error], reasons[reason], attempt, -1 if hit is None else hit,
                *(own(extra) if own else ()),
            )  # fmt: skip
            self._end = end = end + row_bytes
            if end == limit:
                self._hand_over()

        return append

    def append(
        self, *, trial: int, pair: int, phase: str, t_intended: int | None, t_start: int, t_end: int,
        op_id: int, attempt: int, client: str, arm: str, step: str, op: str, seen: Observation,
    ) -> None:  # fmt: skip
        """Add one attempt of any trial and phase; ``begin_trial`` gives a quicker way."""
        codes = self._packing.codes
        self._packing.struct.pack_into(
            self._buffer, self._end, -1 if t_intended is None else t_intended, t_start, t_end, op_id, *seen[3:10],
            self._packing.context(trial, pair, phase, client, arm, step, op),
            codes["outcome"][seen.outcome], codes["error_code"][seen.error_code], codes["reason"][seen.reason],
            attempt, -1 if seen.hit is None else seen.hit, *(self._own(seen.extra) if self._own else ()),
        )  # fmt: skip
        self._end += self._row_bytes
        if self._end == self._limit:
            self._hand_over()

    def flush(self, *, wait: bool = False) -> None:
        """Hand what is buffered to the writing thread; with ``wait``, return once it is written."""
        if self._end:
            self._hand_over()
        self._keep_writing()
        while wait and (writing := self._writing) is not None:
            writing.get()
            self._keep_writing()

    def check(self) -> None:
        """Raise what stopped the writing, if anything did, or that it can't keep up."""
        if len(self._waiting) > _MOST_BUFFERS_WAITING and not self.failure:
            rows = len(self._waiting) * _ROWS_A_BUFFER
            why = f"{rows:,} samples wait to be written: the disk can't keep up; name a faster one with --out"
            self.failure = CannotMeasure(f"{self.path}: {why}")
        if self.failure:
            raise self.failure

    def take_sketches(self) -> dict[tuple[int, str], Sketch]:
        """Latencies written since the last call, by trial and operation: measured, outcome ok, from intended start.

        Nothing where the recorder was made without ``sketches``. Summed up in the pool; other greenlets run meanwhile.
        """
        taken: dict[tuple[int, str], Sketch] = {}
        if self._unsummed:
            self._submit(lambda: self._sum_up(taken)).get()
        return taken

    def close(self) -> tuple[Path, ...]:
        """Flush, end the stream, compact it into Parquet; returns the files that hold the samples.

        Raises CannotMeasure where samples are missing, or were kept but not compacted.
        """
        self.flush(wait=True)
        self._submit(self._finish).get()
        self.check()
        return self._files

    def _hand_over(self) -> None:
        """Put the buffer in line for the writing thread and go on in another."""
        full, rows = self._buffer, self._end // self._row_bytes
        self._buffer, self._end = self._free.pop() if self._free else bytearray(self._limit), 0
        self._handed_rows += rows
        self._waiting.append((full, rows))
        self._keep_writing()

    def _keep_writing(self) -> None:
        """See to it that the writing thread is at work where something waits."""
        if self._writing is not None:
            if not self._writing.ready():
                return
            done, self._writing = self._writing, None
            done.get()  # raises what nobody foresaw
        if self._waiting:
            self._writing = self._submit(self._write)

    def _write(self) -> None:
        """In the writing thread: what waits, as few record batches as may be; the first failure ends the writing."""
        try:
            self._turn.pop()
        except IndexError:  # another is at it; what it doesn't see any more is written at the next flush
            return
        try:
            while self._waiting:
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BUFFERS_A_BATCH))]
                if not self.failure:
                    self._write_batch([self._packing.rows(*one) for one in taken])
                self._free.extend(buffer for buffer, _ in taken)
        except (OSError, pa.ArrowException) as error:
            self.failure = CannotMeasure(
                f"{self.path}: can't write samples: {_said(error)}; what was written is kept; free some space and run again"
            )
        finally:
            self._turn.append(True)

    def _write_batch(self, buffers: list[npt.NDArray[Any]]) -> None:
        rows = np.concatenate(buffers) if len(buffers) > 1 else buffers[0]
        batch = self._packing.batch(rows, self._parts.schema)
        self._parts.write(batch, waiting_bytes=len(self._waiting) * self._limit)
        if self._unsummed is not None:
            self._unsummed.extend(self._packing.latencies(rows))

    def _sum_up(self, taken: dict[tuple[int, str], Sketch]) -> None:
        waiting = self._unsummed or deque()
        values: dict[tuple[int, str], list[npt.NDArray[np.int64]]] = {}
        for _ in range(len(waiting)):
            key, latencies_ns = waiting.popleft()
            values.setdefault(key, []).append(latencies_ns)
        for key, parts in values.items():
            taken[key] = sketch = Sketch()
            sketch.add_many(np.concatenate(parts))

    def _finish(self) -> None:
        """In the pool: end the stream and compact every part; the load's greenlets go on meanwhile."""
        try:
            if self.failure:
                self._parts.abandon()
                return
            self._parts.close()
            pairs = [*self._parts.clock_pairs, self._parts.clock_pair()]
            self._files = tuple(compact(stream, pairs) for stream in self._parts.streams)
        except CannotMeasure as error:
            self.failure = error
        except (OSError, pa.ArrowException) as error:
            self.failure = CannotMeasure(f"{self.path}: {_said(error)}; samples up to here are kept")


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
