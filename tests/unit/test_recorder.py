"""The recorder keeps every row, typed and in order, whichever way it was added."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recorders import EXTRA, AtOnce, Held, append, opened

from harness import recorder as module
from harness.errors import CannotMeasure
from harness.recorder import COLUMNS, Observation, Recorder


def rows_of(recorder: Recorder) -> list[dict[str, Any]]:
    """Every row of a recorder that is closed for it."""
    return [row for path in recorder.close() for row in pq.read_table(path).to_pylist()]


def test_a_row_comes_back_as_it_went_in_with_nulls_where_nothing_was_known(tmp_path: Path) -> None:
    """Units, hit and intended start unknown are null, never zero."""
    recorder = opened(tmp_path)
    append(recorder, 10, Observation(read_units=1.5, pages=2, extra={"kind": "read", "demand_units": 3.0}))
    append(recorder, 11, Observation(outcome="throttled", error_code="X", hit=False), t_intended=9)
    (path,) = recorder.close()
    table = pq.read_table(path)
    first, second = table.to_pylist()
    assert table.column_names == [*COLUMNS, *EXTRA]
    assert [first[k] for k in ("read_units", "pages", "kind", "demand_units")] == [1.5, 2, "read", 3.0]
    assert [first[k] for k in ("t_intended", "write_units", "hit", "error_code", "bytes")] == [None] * 5
    assert [second[k] for k in ("outcome", "error_code", "hit", "t_intended")] == ["throttled", "X", False, 9]
    assert [second[k] for k in ("kind", "demand_units", "read_units")] == [None] * 3


def test_every_column_has_its_value_and_type_whichever_way_the_row_was_added(tmp_path: Path) -> None:
    """One row with all columns known, by begin_trial's function and by append: equal, and as worked out by hand."""
    seen = Observation(
        outcome="timeout", error_code="E", reason="R", read_units=0.5, write_units=2.0, index_units=1.25, items_returned=3,
        items_scanned=4, bytes=1 << 40, pages=5, hit=True, extra={"kind": "k", "demand_units": 7.5},
    )  # fmt: skip
    recorder = opened(tmp_path)
    quick = recorder.begin_trial(trial=6, pair=3, client="lean", arm="scan", step="10")
    quick("Scan", True, 100, 110, 1 << 60, 42, 2, seen)
    append(
        recorder, 0, seen, trial=6, pair=3, phase="warm-up", t_intended=100, t_start=110, t_end=1 << 60, op_id=42,
        attempt=2, arm="scan", op="Scan",
    )  # fmt: skip
    (path,) = recorder.close()
    table = pq.read_table(path)
    by_hand = {
        "trial": 6, "pair": 3, "phase": "warm-up", "t_intended": 100, "t_start": 110, "t_end": 1 << 60, "op_id": 42,
        "attempt": 2, "client": "lean", "arm": "scan", "step": "10", "op": "Scan", "outcome": "timeout",
        "error_code": "E", "reason": "R", "read_units": 0.5, "write_units": 2.0, "index_units": 1.25,
        "items_returned": 3, "items_scanned": 4, "bytes": 1 << 40, "pages": 5, "hit": True, "worker": "0",
        "kind": "k", "demand_units": 7.5,
    }  # fmt: skip
    assert table.to_pylist() == [by_hand, by_hand]
    types = {name: str(table.schema.field(name).type) for name in ("trial", "attempt", "t_start", "hit", "read_units")}
    assert types == {"trial": "int32", "attempt": "int16", "t_start": "int64", "hit": "bool", "read_units": "double"}


def test_two_trials_and_both_phases_may_be_added_in_turn(tmp_path: Path) -> None:
    """A function of an earlier trial stays good; each row is of the trial whose function added it."""
    recorder = opened(tmp_path)
    first = recorder.begin_trial(trial=0, pair=0, client="lean", arm="query", step="10")
    second = recorder.begin_trial(trial=1, pair=0, client="boto3", arm="scan", step="20")
    for number, (add, warm_up) in enumerate([(first, True), (second, False), (first, False), (second, True)]):
        add("Get", warm_up, None, number, number, number, 1, Observation())
    rows = rows_of(recorder)
    assert [(row["trial"], row["phase"], row["client"], row["arm"], row["step"]) for row in rows] == [
        (0, "warm-up", "lean", "query", "10"), (1, "measured", "boto3", "scan", "20"),
        (0, "measured", "lean", "query", "10"), (1, "warm-up", "boto3", "scan", "20"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "known", "zero"), [("int", 5, 0), ("float", 5.5, 0.0), ("text", "t", ""), ("bool", True, False)]
)
def test_a_scenarios_own_column_tells_zero_from_unknown(tmp_path: Path, kind: Any, known: Any, zero: Any) -> None:
    """Known, zero, None, and not named at all."""
    recorder = Recorder(tmp_path / "s.0.arrows", worker="0", extra={"own": kind}, submit=AtOnce)
    for number, extra in enumerate([{"own": known}, {"own": zero}, {"own": None}, {}]):
        append(recorder, number, Observation(extra=extra))
    assert [row["own"] for row in rows_of(recorder)] == [known, zero, None, None]


def test_the_file_says_its_schema_and_pairs_of_clock_readings(tmp_path: Path) -> None:
    """One pair from the beginning, one from the end, wall time after 2020."""
    (path,) = opened(tmp_path).close()
    metadata = pq.read_schema(path).metadata
    pairs = json.loads(metadata[b"clock_pairs"])
    assert metadata[b"samples_schema"] == b"1"
    assert len(pairs) == 2
    assert all(wall > 1_577_836_800e9 for _, wall in pairs)


def test_rows_beyond_one_buffer_and_words_first_seen_late_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three buffers of four rows, a new error code in each."""
    monkeypatch.setattr(module, "_ROWS_A_BUFFER", 4)
    recorder = opened(tmp_path)
    for number in range(11):
        append(recorder, number, Observation(outcome="error", error_code=f"E{number // 4}"))
        assert recorder.rows == number + 1
    rows = rows_of(recorder)
    assert [row["op_id"] for row in rows] == list(range(11))
    assert [row["error_code"] for row in rows] == ["E0"] * 4 + ["E1"] * 4 + ["E2"] * 3


def test_what_was_flushed_is_readable_while_the_stream_is_still_open(tmp_path: Path) -> None:
    """As after kill -9: no end of stream, the flushed rows there."""
    recorder = opened(tmp_path)
    append(recorder, 1, Observation())
    recorder.flush()
    append(recorder, 2, Observation())
    with pa.ipc.open_stream(str(recorder.path)) as reader:
        assert reader.read_next_batch().column("op_id").to_pylist() == [1]


def test_the_load_goes_on_while_the_writing_thread_is_busy_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread doesn't get to run until nine rows have filled two buffers of four; then all are written at once."""
    monkeypatch.setattr(module, "_ROWS_A_BUFFER", 4)
    held = Held()
    recorder = opened(tmp_path, submit=held)
    for number in range(9):
        append(recorder, number, Observation())
        recorder.flush()
    assert len(held.jobs) == 1
    held.release()
    assert [row["op_id"] for row in rows_of(recorder)] == list(range(9))


def test_a_pool_that_runs_other_greenlets_while_it_is_asked_doesnt_write_a_row_twice(tmp_path: Path) -> None:
    """The pool may be full and make its caller wait; whoever runs meanwhile adds and flushes too."""
    nested: list[int] = []

    def submit(work: Any) -> AtOnce:
        if len(nested) < 2:
            nested.append(1)
            append(recorder, 10 + len(nested), Observation())
            recorder.flush()
        return AtOnce(work)

    recorder = opened(tmp_path, submit=submit)
    append(recorder, 10, Observation())
    recorder.flush()
    assert [row["op_id"] for row in rows_of(recorder)] == [10, 11, 12]


def test_rows_that_come_faster_than_they_are_written_stop_the_run_before_memory_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At more than three waiting buffers of four rows; sixteen of them wait, and they aren't lost."""
    monkeypatch.setattr(module, "_ROWS_A_BUFFER", 4)
    monkeypatch.setattr(module, "_MOST_BUFFERS_WAITING", 3)
    held = Held()
    recorder = opened(tmp_path, submit=held)
    for number in range(12):
        append(recorder, number, Observation())
    recorder.check()
    for number in range(4):
        append(recorder, number, Observation())
    with pytest.raises(CannotMeasure, match=r"s\.0\.arrows: 16 samples wait to be written: the disk can't keep up"):
        recorder.check()


def test_sketches_sum_up_what_was_measured_and_went_well_since_they_were_last_taken(tmp_path: Path) -> None:
    """From the intended start, or the start in a closed loop; no warm-up, no throttled ones; by trial and operation."""
    recorder = Recorder(tmp_path / "s.0.arrows", worker="0", extra={}, submit=AtOnce, sketches=True)
    for trial in (1, 2):
        add = recorder.begin_trial(trial=trial, pair=0, client="lean", arm="a", step="1")
        add("Get", False, 1_000, 5_000, 11_000, 1, 1, Observation())  # 10 µs from when it was due
        add("Get", False, None, 5_000, 25_000, 2, 1, Observation())  # 20 µs from when it was sent
        add("Get", True, None, 0, 77_000, 3, 1, Observation())
        add("Get", False, None, 0, 88_000, 4, 1, Observation(outcome="throttled"))
        add("Put", False, None, 0, 30_000, 5, 1, Observation())
        recorder.flush()
    taken = recorder.take_sketches()
    assert {key: sketch.count for key, sketch in taken.items()} == {
        (1, "Get"): 2, (1, "Put"): 1, (2, "Get"): 2, (2, "Put"): 1,
    }  # fmt: skip
    assert taken[1, "Get"].quantile(0) == pytest.approx(10_000, rel=0.001)
    assert taken[1, "Get"].quantile(1) == pytest.approx(20_000, rel=0.001)
    assert recorder.take_sketches() == {}


def test_a_recorder_made_without_sketches_has_none(tmp_path: Path) -> None:
    """It keeps no latencies back for them either."""
    recorder = opened(tmp_path)
    append(recorder, 1, Observation())
    recorder.flush()
    assert recorder.take_sketches() == {}
