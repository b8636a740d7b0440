"""Samples as columns: of every worker's files only what is asked for, in the order that is asked for, without a copy of the rest.

A scenario's samples are the only thing in a run that grows without end, so they are held once: numbers as numpy has them, words
as the codes of a categorical. What stands together in the frame is looked at through slices, which copy nothing.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, TypeAlias

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
_Piece: TypeAlias = tuple[int, "pa.ChunkedArray | None"]
"""The rows of a file, and a column of it; None where it has none of that name."""
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
    """One file of samples, open: how many rows it has, its columns' types, and one of these read. ``read`` raises Damaged."""

    rows: int
    columns: Mapping[str, pa.DataType]
    read: Callable[[str], pa.ChunkedArray]


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
    absent is NaN. Columns are read one by one, each once, file by file, and put together in the same memory: fresh pages cost more
    than what is done with them.
    """
    found: list[dict[str, Any]] = [{} for _ in wanted]
    takers: dict[str, list[int]] = {}
    for name in dict.fromkeys(name for part in parts for name in part.columns):
        mine = [place for place, one in enumerate(wanted) if one.columns is None or name in one.columns]
        if mine:
            takers[name] = mine
    room = np.empty(sum(part.rows for part in parts), np.int64)
    read = _one_ahead([(part, name) for name in takers for part in parts])
    for name, mine in takers.items():
        text = any(_is_text(part.columns[name]) for part in parts if name in part.columns)
        whole = (_words if text else _numbers)(islice(read, len(parts)), room)
        for place in mine:
            rows = wanted[place].rows
            found[place][name] = whole.copy() if rows is None else whole.take(rows)
    return [pd.DataFrame(columns, copy=False) for columns in found]


def _one_ahead(asked: Sequence[tuple[Part, str]]) -> Iterator[_Piece]:
    """Each file's piece of a column; while one is looked at, the next is read by a thread of its own."""

    def read(part: Part, name: str) -> _Piece:
        return part.rows, part.read(name) if name in part.columns else None

    with ThreadPoolExecutor(1) as thread:
        coming = [thread.submit(read, *first) for first in asked[:1]]
        for at in range(1, len(asked) + 1):
            piece = coming.pop().result()
            coming += [thread.submit(read, *following) for following in asked[at : at + 1]]
            yield piece


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

    def read(column: str) -> pa.ChunkedArray:
        try:
            table = file.read([column])
        except FAILURES as error:
            raise unreadable(name, error) from error
        refuse_damaged(name, table)
        return table.column(0)

    return Part(file.metadata.num_rows, _types(file.schema_arrow), read)


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
    return Part(len(table), _types(table.schema), table.column)


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return dict(zip(schema.names, schema.types, strict=True))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def _numbers(pieces: Iterable[_Piece], room: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """A column of numbers, put together in ``room``; wider from the first piece on that doesn't fit."""
    whole: npt.NDArray[Any] = room
    at = 0
    for size, column in pieces:
        values = np.full(size, np.nan, np.float32) if column is None else _plain(column)
        kind = np.promote_types(whole.dtype, values.dtype) if at else values.dtype
        if kind != whole.dtype:
            before, whole = whole[:at].copy(), room.view(kind)[: len(room)]
            whole[:at] = before
        whole[at : at + size] = values
        at += size
    return whole


def _plain(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8()).cast(pa.float32())
    values: npt.NDArray[Any] = column.to_numpy()
    return values


def _words(pieces: Iterable[_Piece], room: npt.NDArray[np.int64]) -> "pd.Categorical[Any]":
    """Codes by the order of the words, whatever order they came in."""
    codes, at, known = room.view(np.int32), 0, dict[str, int]()
    for size, column in pieces:
        absent = [np.full(size, -1)]
        for some in absent if column is None else _codes(column, known):
            codes[at : at + len(some)] = some
            at += len(some)
    words = sorted(known)
    place = np.full(len(words) + 1, -1, np.min_scalar_type(-len(words) - 1))  # the last is that of code −1
    place[[known[word] for word in words]] = np.arange(len(words))
    found: pd.Categorical[Any] = pd.Categorical.from_codes(place[codes[:at]], categories=pd.Index(words))
    return found


def _codes(column: pa.ChunkedArray, known: dict[str, int]) -> Iterator[npt.NDArray[Any]]:
    """Codes by ``known``, which grows by the words that aren't in it."""
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    for chunk in coded.chunks:
        code_of = np.array([*(known.setdefault(word, len(known)) for word in chunk.dictionary.to_pylist()), -1])
        yield code_of[chunk.indices.fill_null(len(code_of) - 1).to_numpy()]
