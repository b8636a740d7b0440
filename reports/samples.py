"""Samples as columns: of every worker's files only what is asked for, in the order that is asked for, without a copy of the rest.

A scenario's samples are the only thing in a run that grows without end, so they are held once: numbers as numpy has them, words
as the codes of a categorical. What stands together in the frame is looked at through slices, which copy nothing.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reports.damage import refuse_damaged, unreadable
from reports.folder import FAILURES, Folder

FOLDER = "samples"
_FORMS = (".parquet", ".arrows")
Places = npt.NDArray[np.intp]
NOWHERE = np.empty(0, np.intp)


def files_of(scenario: str, names: Sequence[str]) -> list[str]:
    """Of the files in ``samples/`` those with samples of a scenario: where a stream was compacted, the compacted one alone."""
    stems: dict[str, str] = {}
    for form in _FORMS:
        mine = (name for name in names if name.startswith(f"{scenario}.") and name.endswith(form))
        for name in sorted(mine):
            stems.setdefault(name.removesuffix(form), name)
    return [stems[stem] for stem in sorted(stems)]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of samples, open: how many rows it has, which columns, and one of these as a table. ``read`` raises Damaged."""

    rows: int
    columns: Sequence[str]
    read: Callable[[str], pa.Table]


@contextlib.contextmanager
def opened(folder: Folder, files: Iterable[str]) -> Iterator[list[Part]]:
    """What can be read of each file: a compacted one, or what is whole of a stream; without streams of nothing. Raises Damaged."""
    with contextlib.ExitStack() as stack:
        parts = []
        for file in files:
            open_one = _compacted if file.endswith(_FORMS[0]) else _streamed
            if (part := open_one(folder, f"{FOLDER}/{file}", stack)) is not None:
                parts.append(part)
        yield parts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the samples becomes one frame: ``columns``, all where none are named, and ``rows`` by their places, all where not given."""

    columns: Sequence[str] | None = None
    rows: Places | None = None


def frames_of(parts: Sequence[Part], wanted: Sequence[Wanted]) -> list[pd.DataFrame]:
    """A frame for each of ``wanted``, of several files together; a column that no file has isn't in it. Raises Damaged.

    Words are categoricals in the order of the alphabet, whole numbers floats where one is absent, yes and no 1.0 and 0.0; what is
    absent is NaN. Columns are read one by one, each once, so that there are never more than two of them twice.
    """
    found: list[dict[str, Any]] = [{} for _ in wanted]
    room, takers = _Room(), {}
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        mine = [place for place, one in enumerate(wanted) if one.columns is None or name in one.columns]
        if mine:
            takers[name] = mine
    for name, column in _one_ahead(list(takers), lambda name: _column(parts, name)):
        take = _words(column, room) if _is_text(column.type) else _numbers(column, room)
        for place in takers[name]:
            found[place][name] = take(wanted[place].rows)
    return [pd.DataFrame(columns, copy=False) for columns in found]


def _column(parts: Sequence[Part], name: str) -> pa.ChunkedArray:
    each = [part.read(name) if name in part.columns else pa.table({name: pa.nulls(part.rows)}) for part in parts]
    return pa.concat_tables(each, promote_options="permissive").column(0)


def _one_ahead(names: Sequence[str], read: Callable[[str], pa.ChunkedArray]) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Each name with what is read for it; while one is looked at, the next is read by a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        coming = [thread.submit(read, name) for name in names[:1]]
        for at, name in enumerate(names, start=1):
            column = coming.pop().result()
            coming += [thread.submit(read, following) for following in names[at : at + 1]]
            yield name, column


def those(rows: pd.DataFrame, wanted: "pd.Series[bool]") -> pd.DataFrame:
    """The rows that are wanted; where that is every one, themselves and no copy."""
    return rows if wanted.all() else rows[wanted]


def by_trial(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Each trial and its rows in their order, by its number; slices where the rows stand trial by trial, ascending."""
    trials = rows["trial"].to_numpy()
    if (np.diff(trials) < 0).any():
        order = np.argsort(trials, kind="stable")
        rows, trials = rows.iloc[order], trials[order]
    edges = [0, *(np.flatnonzero(np.diff(trials)) + 1).tolist(), len(trials)]
    for begin, end in pairwise(edges):
        if end > begin:
            yield int(trials[begin]), rows.iloc[begin:end]


def trial_by_trial(
    trials: npt.NDArray[Any],
    wanted: Iterable[int],
    chosen: npt.NDArray[np.bool_],
    within: npt.NDArray[Any] | None = None,
) -> dict[int, Places]:
    """Where the chosen rows of each wanted trial are, as they come; in order of ``within`` where that is given.

    ``trials``, ``chosen`` and ``within`` are of all rows. A process walks its trials one after the other and writes rows nearly in
    order, so that a trial is a few stretches of rows, and sorted only where it has to be.
    """
    edges = [0, *(np.flatnonzero(trials[1:] != trials[:-1]) + 1).tolist(), len(trials)]
    stretches: dict[int, list[Places]] = {number: [NOWHERE] for number in wanted}
    for begin, end in pairwise(edges):
        if end > begin and (mine := stretches.get(int(trials[begin]))) is not None:
            mine.append(begin + np.flatnonzero(chosen[begin:end]))
    return {number: _sorted(np.concatenate(mine), within) for number, mine in stretches.items()}


def _sorted(places: Places, within: npt.NDArray[Any] | None) -> Places:
    if within is None:
        return places
    keys = within[places]
    return places if (keys[1:] >= keys[:-1]).all() else places[np.argsort(keys, kind="stable")]


def _compacted(folder: Folder, name: str, stack: contextlib.ExitStack) -> Part:
    try:
        file = stack.enter_context(
            pq.ParquetFile(stack.enter_context(folder.open(name)), pre_buffer=not folder.is_local)
        )
    except FAILURES as error:
        raise unreadable(name, error) from error

    def read(column: str) -> pa.Table:
        try:
            table = file.read([column])
        except FAILURES as error:
            raise unreadable(name, error) from error
        refuse_damaged(name, table)
        return table

    return Part(file.metadata.num_rows, file.schema_arrow.names, read)


def _streamed(folder: Folder, name: str, stack: contextlib.ExitStack) -> Part | None:
    """A stream is read through once: it is of a run that was cut short, or still goes on."""
    batches: list[pa.RecordBatch] = []
    try:
        with pa.ipc.open_stream(stack.enter_context(folder.open(name))) as reader:
            while True:
                batches.append(reader.read_next_batch())
    except StopIteration:
        pass
    except FAILURES:  # cut off: what is whole counts
        if not batches:
            return None
    if not batches:
        return None
    table = pa.Table.from_batches(batches)
    refuse_damaged(name, table)
    return Part(len(table), table.column_names, lambda column: table.select([column]))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


_Take = Callable[[Places | None], Any]  # a column's rows, all for None


class _Room:
    """Where columns are put together before their rows are taken: the same memory for each, since fresh pages are what costs."""

    def __init__(self) -> None:
        self._used = np.empty(0, np.int64)

    def joined(self, chunks: Iterator[npt.NDArray[Any]], size: int, kind: Any) -> npt.NDArray[Any]:
        """A column that comes in chunks, ``size`` rows in all; until the next one is joined."""
        if len(self._used) < size:
            self._used = np.empty(size, np.int64)
        into: npt.NDArray[Any] = self._used.view(kind)[:size]
        at = 0
        for chunk in chunks:
            into[at : at + len(chunk)] = chunk
            at += len(chunk)
        return into


def _numbers(column: pa.ChunkedArray, room: _Room) -> _Take:
    kind = column.type.to_pandas_dtype()
    if pa.types.is_boolean(column.type):
        column, kind = column.cast(pa.int8()), np.float32
    elif column.null_count:
        kind = np.float64
    values = room.joined((chunk.to_numpy(zero_copy_only=False) for chunk in column.chunks), len(column), kind)
    return lambda rows: values.copy() if rows is None else np.take(values, rows)


def _words(column: pa.ChunkedArray, room: _Room) -> _Take:
    """Codes by the order of the words, whatever order they came in."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    coded = coded.unify_dictionaries()
    words: list[str] = coded.chunk(0).dictionary.to_pylist()
    order = sorted(range(len(words)), key=words.__getitem__)
    place = np.full(len(words) + 1, -1, np.min_scalar_type(-len(words) - 1))
    place[order] = np.arange(len(words))
    chunks = (place[chunk.indices.fill_null(len(words)).to_numpy()] for chunk in coded.chunks)
    codes, kind = room.joined(chunks, len(column), place.dtype), pd.CategoricalDtype([words[at] for at in order])
    return lambda rows: pd.Categorical.from_codes(codes.copy() if rows is None else np.take(codes, rows), dtype=kind)
