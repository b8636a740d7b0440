"""A row in memory: packed by the load with one struct call, unpacked by the writing thread into Arrow columns.

What stays the same over a trial (its arm, step, client …) is packed as one number, the row's *context*; strings are
packed as codes, in order of first sight. Both tables only ever grow, and a row is handed to the writing thread
after its codes were given out, so that thread may read them without a lock.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from harness.samples.schema import COLUMNS, Kind, Observation, arrow_type

Append = Callable[[str, bool, int | None, int, int, int, int, Observation], None]

# What a context stands for, the row's own fields in the order they are packed, and how.
_CONTEXT = ("trial", "pair", "phase", "client", "arm", "step", "op")
_ROW = {
    "t_intended": "q", "t_start": "q", "t_end": "q", "op_id": "q",
    "read_units": "d", "write_units": "d", "index_units": "d",
    "items_returned": "q", "items_scanned": "q", "bytes": "q", "pages": "q",
    "context": "i", "outcome": "i", "error_code": "i", "reason": "i", "attempt": "h", "hit": "b",
}  # fmt: skip
_TIMES = ("t_intended", "t_start", "t_end")
_EXTRA: dict[Kind, str] = {"small": "i", "key": "q", "int": "q", "float": "d", "text": "i", "bool": "b"}
_DTYPES = {"q": "i8", "d": "f8", "i": "i4", "h": "i2", "b": "i1"}
_FLAGS = {None: -1, False: 0, True: 1}
_SLOT_BYTES = 8  # rows and the scenario's own columns begin at multiples of it, as numpy likes them


class Codes(dict[str | None, int]):
    """Strings to small numbers, in order of first sight; None is 0."""

    def __init__(self) -> None:
        super().__init__({None: 0})
        self.words: list[str] = []
        self._dictionary = pa.array([], pa.string())

    def __missing__(self, word: str | None) -> int:
        self.words.append(str(word))
        self[word] = code = len(self.words)
        return code

    def dictionary(self) -> pa.Array:
        """The words so far; for the writing thread alone."""
        if len(self._dictionary) < len(self.words):
            self._dictionary = pa.array(list(self.words), pa.string())
        return self._dictionary


class Contexts(dict[tuple[int, ...], int]):
    """Contexts, their strings coded, to small numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[tuple[int, ...]] = []
        self._table = np.empty((0, len(_CONTEXT)), np.int32)

    def __missing__(self, context: tuple[int, ...]) -> int:
        self.known.append(context)
        self[context] = code = len(self.known) - 1
        return code

    def table(self) -> npt.NDArray[np.int32]:
        """One line a context; for the writing thread alone."""
        if len(self._table) < len(self.known):
            self._table = np.array(list(self.known), np.int32)
        return self._table


class _Operations(dict[str, int]):
    """The contexts of one phase of a trial by operation; one new to it is asked for once."""

    def __init__(self, context_of: Callable[[str], int]) -> None:
        super().__init__()
        self._context_of = context_of

    def __missing__(self, op: str) -> int:
        self[op] = code = self._context_of(op)
        return code


class Packing:
    """How the rows of one scenario and worker are packed; ``extra`` declares the scenario's own columns.

    ``shift_ns`` is added to their times as they are unpacked: to the monotonic clock of the run's master, on another machine.
    """

    def __init__(self, worker: str, extra: Mapping[str, Kind], shift_ns: int = 0) -> None:
        self.columns, self._shift_ns = COLUMNS | dict(extra), shift_ns
        self.contexts = Contexts()
        self.codes = {name: Codes() for name, kind in self.columns.items() if kind == "text"}
        self._worker = self.codes["worker"][worker]
        self._encoders = [(name, self._encoder(name, kind)) for name, kind in extra.items()]
        head = struct.calcsize("<" + "".join(_ROW.values()))
        head_pad = -head % _SLOT_BYTES
        own = [_EXTRA[kind] for kind in extra.values()]
        tail = "".join(f"{code}{_SLOT_BYTES - struct.calcsize('<' + code)}x" for code in own)
        self.struct = struct.Struct(f"<{''.join(_ROW.values())}{head_pad}x{tail}")
        self._dtype = self._row_type(head + head_pad, extra)

    def context(self, trial: int, pair: int, phase: str, client: str, arm: str, step: str, op: str) -> int:
        """The number that stands for these in a packed row."""
        codes = self.codes
        return self.contexts[
            trial, pair, codes["phase"][phase], codes["client"][client], codes["arm"][arm], codes["step"][step],
            codes["op"][op],
        ]  # fmt: skip

    def operations(self, *, trial: int, pair: int, phase: str, client: str, arm: str, step: str) -> Mapping[str, int]:
        """Contexts of one phase of a trial, looked up by operation."""
        return _Operations(lambda op: self.context(trial, pair, phase, client, arm, step, op))

    def own(self, extra: Mapping[str, Any]) -> list[Any]:
        """The scenario's own columns of a row, as they are packed."""
        return [encode(extra.get(name)) for name, encode in self._encoders]

    def rows(self, buffer: bytearray, count: int) -> npt.NDArray[Any]:
        """The first ``count`` rows of a buffer as a structured array that shares its memory."""
        return np.frombuffer(buffer, self._dtype, count)

    def batch(self, rows: npt.NDArray[Any], schema: pa.Schema) -> pa.RecordBatch:
        """The rows as Arrow columns; for the writing thread alone."""
        contexts = self.contexts.table()[rows["context"]]
        return pa.record_batch([self._column(name, rows, contexts) for name in self.columns], schema=schema)

    def latencies(self, rows: npt.NDArray[Any]) -> list[tuple[tuple[int, str], npt.NDArray[np.int64]]]:
        """Latencies in ns of measured attempts that went well, by trial and operation; for the writing thread alone.

        From the intended start, or from the start where none was intended.
        """
        phase, ops = _CONTEXT.index("phase"), self.codes["op"].words
        contexts = self.contexts.table()
        good = contexts[:, phase][rows["context"]] == self.codes["phase"].get("measured", 0)
        good &= rows["outcome"] == self.codes["outcome"].get("ok", 0)
        which, begun = rows["context"][good], rows["t_intended"][good]
        latencies_ns = rows["t_end"][good] - np.where(begun < 0, rows["t_start"][good], begun)
        found = []
        for context in np.flatnonzero(np.bincount(which)):
            trial, op = contexts[context, _CONTEXT.index("trial")], ops[contexts[context, _CONTEXT.index("op")] - 1]
            found.append(((int(trial), op), latencies_ns[which == context]))
        return found

    def _column(self, name: str, rows: npt.NDArray[Any], contexts: npt.NDArray[np.int32]) -> pa.Array:
        kind = self.columns[name]
        if name == "worker":
            values = np.full(len(rows), self._worker, np.int32)
        elif name in _CONTEXT:
            values = contexts[:, _CONTEXT.index(name)]
        else:
            values = rows[name]
        if self._shift_ns and name in _TIMES:
            values = np.where(values == -1, -1, values + self._shift_ns)
        if kind == "text":
            return _coded(values, self.codes[name].dictionary())
        return _plain(values, kind, arrow_type(name, kind))

    def _encoder(self, name: str, kind: Kind) -> Callable[[Any], Any]:
        if kind == "text":
            return self.codes[name].__getitem__
        if kind == "bool":
            return _FLAGS.__getitem__
        null = {"int": -1, "float": float("nan")}.get(kind, 0)
        return lambda value: null if value is None else value

    @staticmethod
    def _row_type(head_bytes: int, extra: Mapping[str, Kind]) -> np.dtype[Any]:
        names = [*_ROW, *extra]
        formats = [f"<{_DTYPES[code]}" for code in [*_ROW.values(), *(_EXTRA[kind] for kind in extra.values())]]
        offsets = [struct.calcsize("<" + "".join(list(_ROW.values())[:place])) for place in range(len(_ROW))]
        offsets += [head_bytes + _SLOT_BYTES * place for place in range(len(extra))]
        itemsize = head_bytes + _SLOT_BYTES * len(extra)
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize})


def _coded(values: npt.NDArray[Any], dictionary: pa.Array) -> pa.Array:
    missing = values == 0
    codes = pa.array(values - 1, pa.int32(), mask=missing if missing.any() else None)
    return pa.DictionaryArray.from_arrays(codes, dictionary)


def _plain(values: npt.NDArray[Any], kind: Kind, arrow_type: pa.DataType) -> pa.Array:
    if kind in ("key", "small"):
        return pa.array(np.ascontiguousarray(values), arrow_type)
    missing = np.isnan(values) if kind == "float" else values == -1
    if missing.all():  # most columns of most scenarios
        return pa.nulls(len(values), arrow_type)
    known = values == 1 if kind == "bool" else np.ascontiguousarray(values)
    return pa.array(known, arrow_type, mask=missing if missing.any() else None)
