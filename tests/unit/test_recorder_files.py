"""The files of samples: in parts, compacted one by one, and a full disk loses nothing that was written."""

import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recorders import append, opened
from rundir import PlantedRun

from harness.errors import CannotMeasure
from harness.recorder import Observation, clock_pair, compact
from harness.samples import parts
from reports.load import Run

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is full at four rows, a row group at three."""
    monkeypatch.setattr(parts, "_ROWS_A_PART", 4)
    monkeypatch.setattr(parts, "_ROWS_A_GROUP", 3)


def run_with(tmp_path: Path) -> Run:
    """The run directory around these samples, as a report reads it."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("s", params={}, trials=[])
    return planted.load()


def test_a_full_part_is_followed_by_another_and_a_report_reads_them_all_open_and_compacted(
    tmp_path: Path, small_parts: None
) -> None:
    """Eleven rows flushed in twos make parts of 4, 4 and 3; each names its words itself."""
    run = run_with(tmp_path)
    recorder = opened(run.path / "samples")
    for number in range(11):
        append(recorder, number, Observation(reason=f"R{number}"))
        if number % 2:
            recorder.flush()
    recorder.flush()
    names = sorted(path.name for path in (run.path / "samples").iterdir())
    assert names == ["s.0.001.arrows", "s.0.002.arrows", "s.0.arrows"]
    streamed = run.samples("s").sort_values("op_id")
    files = recorder.close()
    compacted = run.samples("s").sort_values("op_id")
    assert [path.name for path in files] == ["s.0.parquet", "s.0.001.parquet", "s.0.002.parquet"]
    assert [pq.read_metadata(path).num_rows for path in files] == [4, 4, 3]
    for frame in (streamed, compacted):
        assert frame["op_id"].tolist() == list(range(11))
        assert frame["reason"].tolist() == [f"R{number}" for number in range(11)]
    assert sorted((run.path / "samples").iterdir()) == sorted(files)


def test_small_batches_become_row_groups_of_a_decent_size(tmp_path: Path, small_parts: None) -> None:
    """Four batches of one row: groups of three rows and of one."""
    recorder = opened(tmp_path)
    for number in range(4):
        append(recorder, number, Observation())
        recorder.flush()
    (path,) = recorder.close()
    found = pq.read_metadata(path)
    assert [found.row_group(place).num_rows for place in range(found.num_row_groups)] == [3, 1]


def test_a_stream_is_kept_where_compacting_it_fails_and_no_half_of_a_file_stays(tmp_path: Path) -> None:
    """A stream that broke off in the middle of a batch can't be compacted; it is the report that reads it."""
    recorder = opened(tmp_path)
    append(recorder, 1, Observation())
    recorder.flush()
    with recorder.path.open("r+b") as file:
        file.truncate(recorder.path.stat().st_size - 10)
    with pytest.raises((pa.ArrowException, OSError)):
        compact(recorder.path, [clock_pair()])
    assert [path.name for path in tmp_path.iterdir()] == ["s.0.arrows"]


@pytest.mark.parametrize(("free_mb", "stops"), [(80, False), (63, True)])
def test_a_disk_that_is_nearly_full_stops_the_run_before_rows_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mb: int, stops: bool
) -> None:
    """64 MB and what is buffered must be free; the message says how much is, and the rows so far stay."""
    recorder = opened(tmp_path)
    append(recorder, 1, Observation())
    recorder.flush()
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: Usage(0, 0, free_mb << 20))
    append(recorder, 2, Observation())
    recorder.flush()
    if not stops:
        recorder.check()
        recorder.close()
        return
    with pytest.raises(CannotMeasure, match="63 MB are free on the disk, 64 MB must be; what was written is kept"):
        recorder.check()
    with pytest.raises(CannotMeasure, match=r"s\.0\.arrows: can't write samples"):
        recorder.close()
    with pa.ipc.open_stream(str(recorder.path)) as reader:
        assert reader.read_next_batch().column("op_id").to_pylist() == [1]


def test_what_is_buffered_behind_a_batch_must_find_room_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 100 MB waiting behind it, a batch isn't written onto a disk with 150 MB free: 164 MB must be."""
    recorder = opened(tmp_path)
    written = parts.Parts(tmp_path / "t.0.arrows", {"op_id": "key"})
    batch = pa.record_batch([pa.array([1], pa.int64())], schema=written.schema)
    monkeypatch.setattr(parts.shutil, "disk_usage", lambda path: Usage(0, 0, 150 << 20))
    written.write(batch)
    with pytest.raises(OSError, match="150 MB are free on the disk, 164 MB must be"):
        written.write(batch, waiting_bytes=100 << 20)
    recorder.close()


_FILLS_ITS_FILE = """
import resource, sys
from pathlib import Path
from random import Random
from harness.errors import CannotMeasure
from harness.recorder import Observation
from recorders import append, opened
resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, 64_000))
recorder = opened(Path(sys.argv[1]))
try:
    for number in range(1_000_000):
        append(recorder, number, Observation(reason=f"reason {number}"))
        if number % 100 == 99:
            recorder.flush()
            recorder.check()
            print(number + 1)
except CannotMeasure as error:
    print(error)
try:
    recorder.close()
except CannotMeasure as error:
    print("close:", error)
"""


def test_a_write_that_the_system_refuses_midway_leaves_all_whole_batches_readable(tmp_path: Path) -> None:
    """Another process's files may have 64,000 bytes: its run stops with the file's name, what it flushed before is there."""
    run = run_with(tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", _FILLS_ITS_FILE, str(run.path / "samples")],
        env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True, timeout=60,
    ).stdout.splitlines()  # fmt: skip
    *counts, stopped, closed = said
    assert "s.0.arrows: can't write samples: " in stopped
    assert "File too large" in stopped
    assert closed.startswith("close: ")
    assert run.samples("s")["op_id"].tolist() == list(range(int(counts[-1])))


def test_compacting_takes_no_more_memory_for_a_longer_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the rows in groups of 2,000 each: at most half as much again, as Arrow's pool counts it."""
    monkeypatch.setattr(parts, "_ROWS_A_GROUP", 2_000)
    peaks = []
    for rows in (5_000, 50_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        recorder = opened(folder)
        add = recorder.begin_trial(trial=1, pair=0, client="lean", arm="query", step="10")
        for number in range(rows):
            add(
                "Get",
                False,
                None,
                number * 977,
                number * 977 + number % 1013,
                number,
                1,
                Observation(bytes=number % 89),
            )
            if number % 500 == 499:
                recorder.flush()
        usual = pa.default_memory_pool()
        pool = pa.proxy_memory_pool(usual)
        pa.set_memory_pool(pool)
        try:
            recorder.close()
        finally:
            pa.set_memory_pool(usual)
        peaks.append(pool.max_memory())
    assert 0 < peaks[1] <= 1.5 * peaks[0]


def test_ten_million_attempts_take_less_than_a_gigabyte(tmp_path: Path) -> None:
    """50,000 attempts with random times, sizes and ids stay below 5 MB, as a stream and as Parquet."""
    random, now_ns = Random(5), 0
    recorder = opened(tmp_path)
    add = recorder.begin_trial(trial=1, pair=0, client="lean", arm="query", step="10")
    for number in range(50_000):
        now_ns += int(random.expovariate(1 / 50_000))
        took_ns = int(random.lognormvariate(12.9, 0.4))
        seen = Observation(read_units=0.5, items_returned=1, bytes=random.randint(300, 500), pages=1)
        add(random.choice(("get", "put")), False, now_ns, now_ns, now_ns + took_ns, number, 1, seen)
        if number % 5_000 == 0:
            recorder.flush()
    recorder.flush()
    assert recorder.path.stat().st_size < 5_000_000
    (path,) = recorder.close()
    assert path.stat().st_size < 5_000_000
    assert pq.read_metadata(path).num_rows == 50_000


def test_rows_of_a_worker_that_was_killed_are_counted_in_whole_batches_and_nobody_elses(
    tmp_path: Path, small_parts: None
) -> None:
    """Six rows in two parts, the second cut off in its last batch: five are there. Worker 01 isn't worker 0, and a host without files knows none."""
    recorder = opened(tmp_path)
    for number in range(6):
        append(recorder, number, Observation())
        recorder.flush(wait=True)
    assert parts.rows_kept(tmp_path, "s.0") == 6
    last = tmp_path / "s.0.001.arrows"
    last.write_bytes(last.read_bytes()[:-20])
    assert parts.rows_kept(tmp_path, "s.0") == 5
    assert parts.rows_kept(tmp_path, "s.01") is None
