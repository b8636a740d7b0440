"""Key traces as they are read: every column, both forms, samples; and what is refused, by its row."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.cache.sizing.kernel import DELETE, READ, WRITE
from harness.errors import UsageError
from harness.key_trace.rows import read_rows
from harness.key_trace.trace import Collected, KeyTrace


def csv(folder: Path, *lines: str, name: str = "trace.csv") -> Path:
    """A file of these lines."""
    path = folder / name
    text = "".join(f"{line}\n" for line in lines)
    if name.endswith(".gz"):
        with gzip.open(path, "wt") as file:
            file.write(text)
    else:
        path.write_text(text)
    return path


def summary(trace: KeyTrace) -> list[tuple[int, int, int]]:
    """Each access as key number, kind and bytes."""
    accesses = trace.accesses
    columns = (accesses.keys, accesses.kinds, accesses.value_bytes)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
def test_a_row_is_an_access(tmp_path: Path, name: str) -> None:
    """Keys are numbered as they come; operations by any of their names; a delete needs no bytes; 4 s from first to last."""
    path = csv(
        tmp_path, "time,op,key,bytes", "2026-11-25T10:00:00Z,read,ant,10", "2026-11-25T10:00:01Z,SET,beetle,20",
        "2026-11-25T10:00:04Z,del,ant,", "2026-11-25T10:00:04Z,get,ant,11", name=name,
    )  # fmt: skip
    trace = read_rows(path)
    assert summary(trace) == [(0, READ, 10), (1, WRITE, 20), (0, DELETE, 0), (0, READ, 11)]
    assert trace.accesses.key_bytes.tolist() == [3, 6]
    assert (trace.count, trace.reads, trace.span_s, trace.reads_per_s) == (4, 2, 4.0, 0.5)


def test_parquet_with_whole_numbers_for_keys(tmp_path: Path) -> None:
    """Keys weigh as their text does; seconds from wherever are times too."""
    path = tmp_path / "trace.parquet"
    pq.write_table(pa.table({"key": [7, 123, 7], "time": [100, 101, 102], "other": [1, 2, 3]}), path)
    trace = read_rows(path, item_bytes=50)
    assert summary(trace) == [(0, READ, 50), (1, READ, 50), (0, READ, 50)]
    assert trace.accesses.key_bytes.tolist() == [1, 3]
    assert trace.span_s == 2
    assert trace.notes == ("Columns that aren't used: other.",)


def test_keys_and_nothing_else_are_a_trace(tmp_path: Path) -> None:
    """Reads in the order of their rows, at no known rate."""
    trace = read_rows(csv(tmp_path, "key", "a", "a"), item_bytes=1)
    assert (trace.reads, trace.span_s, trace.reads_per_s) == (2, None, None)


def test_rows_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    """By their times, and said."""
    trace = read_rows(csv(tmp_path, "time,key", "3,c", "1,a", "2,b"), item_bytes=1)
    assert trace.accesses.keys.tolist() == [1, 2, 0]
    assert trace.notes == ("Rows were put in the order of their times.",)


def test_one_time_for_all_rows_tells_no_rate(tmp_path: Path) -> None:
    """Not a rate without end."""
    trace = read_rows(csv(tmp_path, "time,key", "3,c", "3,a"), item_bytes=1)
    assert trace.reads_per_s is None
    assert trace.notes == ("All rows have the same time: it tells no rate.",)


def test_many_blocks_have_one_numbering(tmp_path: Path) -> None:
    """300,000 rows of Parquet come in three blocks; a key keeps its number."""
    path = tmp_path / "trace.parquet"
    keys = [f"k{row % 1_000}" for row in range(300_000)]
    pq.write_table(pa.table({"key": keys}), path)
    trace = read_rows(path, item_bytes=1)
    assert (trace.accesses.keys == np.arange(300_000) % 1_000).all()


def test_a_sample_takes_all_accesses_to_some_of_the_keys(tmp_path: Path) -> None:
    """A tenth of 20,000 keys, each read three times: about 2,000, each still three times, in eight groups alike; totals are of all."""
    keys = [f"user:{number}" for number in range(20_000)] * 3
    path = csv(tmp_path, "key", *keys)
    trace = read_rows(path, item_bytes=1, rate=0.1)
    taken = len(trace.accesses.key_bytes)
    # 2,000 ± 4 · √(20,000 · 0.1 · 0.9).
    assert abs(taken - 2_000) < 170
    assert (np.bincount(trace.accesses.keys) == 3).all()
    assert trace.reads == 60_000
    assert np.bincount(trace.groups, minlength=8).min() > taken / 8 * 0.7
    assert any("sample of 10 % of the keys" in note for note in trace.notes)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("id,bytes", "a,1"), "trace.csv: no column key; expected key, and maybe bytes, time and op, found id, bytes"),
        (("key", "a"), "trace.csv: no column bytes: add it, or give the size of every value with --item-bytes"),
        (("key,key,bytes", "a,b,1"), "trace.csv: 2 columns are called key; leave one"),
        (("key,bytes",), "trace.csv: no rows; expected one for each access to a key"),
        (("key,bytes", "a,1", ",1"), "trace.csv:3: key: expected a key, found nothing"),
        (("key,bytes", "a,1", "b,many"), "trace.csv:3: bytes: expected a number of 0 or more, found 'many'"),
        (("key,bytes", "a,1", "b,-5"), "trace.csv:3: bytes: expected a number of 0 or more, found -5"),
        (("key,bytes", "a,1", "b,"), "trace.csv:3: bytes: expected a number of 0 or more, found nothing"),
        (("key,bytes", "a,1", "b,1,2"), "trace.csv:3: expected 2 fields, found 3"),
        (("key,bytes,op", "a,1,read", "b,1,steal"), "trace.csv:3: op: expected one of read, get, write"),
        (("key,bytes,op", "a,1,read", "b,1,"), "trace.csv:3: op: expected an operation, found nothing"),
        (("key,bytes,op", "a,1,set"), "trace.csv: no reads; expected a row for each read of a key"),
        (("key,bytes,time", "a,1,2026-11-25T10:00:00Z", "b,1,noon"), "trace.csv:3: time: expected a time such as"),
        (("key,bytes,time", "a,1,1", "b,1,"), "trace.csv:3: time: expected a number of 0 or more, found nothing"),
    ],
)
def test_what_is_wrong_is_named_by_its_row(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    """File, line and way out."""
    with pytest.raises(UsageError) as refused:
        read_rows(csv(tmp_path, *lines))
    assert said in str(refused.value)


def test_a_line_of_a_packed_file_is_named_too(tmp_path: Path) -> None:
    """Counted as if it were unpacked."""
    with pytest.raises(UsageError, match="trace.csv.gz:3: bytes: expected a number of 0 or more, found 'x'"):
        read_rows(csv(tmp_path, "key,bytes", "a,1", "b,x", name="trace.csv.gz"))


def test_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    """Another form, nothing there, a torn packing, a column of lists."""
    torn = csv(tmp_path, "key,bytes", *(f"key{number},{number}" for number in range(10_000)), name="torn.csv.gz")
    torn.write_bytes(torn.read_bytes()[:-2_000])
    (tmp_path / "trace.xlsx").write_text("x")
    (tmp_path / "plain.csv.gz").write_text("key,bytes\na,1\n")
    lists = tmp_path / "lists.parquet"
    pq.write_table(pa.table({"key": [[1], [2]]}), lists)
    for path, said in (
        (tmp_path / "trace.xlsx", "expected a file that ends in .csv, .csv.gz or .parquet"),
        (tmp_path / "none.csv", "No such file or directory; name a readable file"),
        (torn, "torn.csv.gz: can't be read"),
        (tmp_path / "plain.csv.gz", "Not a gzipped file"),
        (lists, "lists.parquet: key: expected text or whole numbers, found list"),
    ):
        with pytest.raises(UsageError, match=said):
            read_rows(path, item_bytes=1)


def test_a_sample_of_unordered_rows_is_refused(tmp_path: Path) -> None:
    """Their order would need all of them."""
    with pytest.raises(UsageError, match="aren't in the order of their times, which a sample needs; sort them first"):
        read_rows(csv(tmp_path, "time,key", "3,c", "1,a"), item_bytes=1, rate=0.5)


@pytest.mark.parametrize("rate", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(rate: float) -> None:
    """Above 0, at most 1."""
    with pytest.raises(UsageError, match="--sample must be above 0 and at most 1"):
        Collected("trace.csv", rate)


def test_a_sample_without_a_read_is_refused(tmp_path: Path) -> None:
    """One key, and one in a million of the keys."""
    with pytest.raises(UsageError, match="--sample 1e-06 takes no key that is read; take more"):
        read_rows(csv(tmp_path, "key", "a"), item_bytes=1, rate=1e-6)


def test_too_many_accesses_are_refused_before_memory_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the way out: a sample."""
    monkeypatch.setattr("harness.key_trace.trace.MOST_ACCESSES", 2)
    with pytest.raises(UsageError, match=r"more than 2 accesses; take a sample of the keys, such as --sample 0\.01"):
        read_rows(csv(tmp_path, "key", "a", "b", "c"), item_bytes=1)
