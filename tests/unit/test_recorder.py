"""The recorder keeps every row, typed and in order, and what it can't keep stops the run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import recorder as module
from harness.errors import CannotMeasure
from harness.recorder import COLUMNS, Observation, Recorder


class AtOnce:
    """Stands in for the hub's thread pool: does the work when it is submitted."""

    def __init__(self, work: Callable[[], None]) -> None:
        work()

    def ready(self) -> bool:
        return True

    def get(self) -> None:
        return None


def opened(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "s.0.arrows", worker="0", extra={"kind": "text", "demand_units": "float"}, submit=AtOnce)


def append(recorder: Recorder, number: int, seen: Observation, **fields: Any) -> None:
    recorder.append(
        **{  # type: ignore[arg-type]
            "trial": 1, "pair": 2, "phase": "measured", "t_intended": None, "t_start": number, "t_end": number + 5,
            "op_id": number, "attempt": 1, "client": "lean", "arm": "query", "step": "10", "op": "Query", "seen": seen,
        } | fields
    )  # fmt: skip


def test_a_row_comes_back_as_it_went_in_with_nulls_where_nothing_was_known(tmp_path: Path) -> None:
    """Units, hit and intended start unknown are null, never zero."""
    recorder = opened(tmp_path)
    append(recorder, 10, Observation(read_units=1.5, pages=2, extra={"kind": "read", "demand_units": 3.0}))
    append(recorder, 11, Observation(outcome="throttled", error_code="X", hit=False), t_intended=9)
    table = pq.read_table(recorder.close())
    first, second = table.to_pylist()
    assert table.column_names == [*COLUMNS, "kind", "demand_units"]
    assert (first["read_units"], first["pages"], first["kind"], first["demand_units"]) == (
        1.5,
        2,
        "read",
        3.0,
    )
    assert [first[k] for k in ("t_intended", "write_units", "hit", "error_code", "bytes")] == [None] * 5
    assert (second["outcome"], second["error_code"], second["hit"], second["t_intended"]) == (
        "throttled",
        "X",
        False,
        9,
    )
    assert (second["kind"], second["demand_units"], second["read_units"]) == (None, None, None)


def test_the_file_says_its_schema_and_pairs_of_clock_readings(tmp_path: Path) -> None:
    """One pair from the beginning, one from the end, wall time after 2020."""
    metadata = pq.read_schema(opened(tmp_path).close()).metadata
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
    rows = pq.read_table(recorder.close()).to_pylist()
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


def test_a_disk_that_is_nearly_full_stops_the_run_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is full, and the rows so far stay."""
    recorder = opened(tmp_path)
    append(recorder, 1, Observation())
    recorder.flush()
    monkeypatch.setattr(module, "_KEEP_FREE_BYTES", 1 << 62)
    append(recorder, 2, Observation())
    recorder.flush()
    with pytest.raises(CannotMeasure, match="less than 64 MB free on the disk"):
        recorder.check()
    with pytest.raises(CannotMeasure):
        recorder.close()
    with pa.ipc.open_stream(str(recorder.path)) as reader:
        assert reader.read_all().num_rows == 1
