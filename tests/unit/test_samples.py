"""Samples are read by columns and rows as if all of every file had been read and looked through."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_cache import EXTRA as EXTRA_OF_CACHE
from planted_cache import PlantedParts
from rundir import PlantedRun

from reports import cache_hit_rate
from reports.build import analyse, write
from reports.load import Run
from reports.samples import NOWHERE, Wanted, by_trial, those, trial_by_trial

NAME = "query_vs_scan"
EXTRA: Any = {"question": "text", "trips": "int"}


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "trial": 0,
        "t_start": number,
        "t_end": number + 5,
        "op_id": number,
        "arm": "query",
        "step": "10",
        "op": "Query",
    } | fields


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three workers: two with words of their own, one of which has no column ``trips``, and one that never wrote a row."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario(NAME, params={}, trials=[])
    planted.samples(NAME, [row(0, question="b", trips=4), row(1, question="a", arm="scan")], EXTRA, worker="0")
    planted.samples(NAME, [row(2, question="c", hit=True, items_returned=3)], {"question": "text"}, worker="1")
    planted.samples(NAME, [], EXTRA, worker="2")
    return planted.load()


def test_what_one_worker_lacks_is_absent_in_its_rows_alone(run: Run) -> None:
    """Words are those of all workers, in the order of the alphabet; a number is one still, and NaN where there is none."""
    rows = run.samples(NAME)
    assert rows["question"].tolist() == ["b", "a", "c"]
    assert list(rows["question"].cat.categories) == ["a", "b", "c"]
    assert rows["trips"].fillna(-1).tolist() == [4, -1, -1]
    assert rows["items_returned"].fillna(-1).tolist() == [-1, -1, 3]
    assert rows["hit"].fillna(-1).tolist() == [-1, -1, 1]
    assert rows["arm"].tolist() == ["query", "scan", "query"]


def test_columns_and_rows_are_those_that_are_asked_for_in_the_order_that_is_asked_for(run: Run) -> None:
    """A column that no file has isn't in the frame; rows may be none."""
    rows = run.samples(NAME, ("op_id", "trips", "nowhere", "question"), np.array([2, 0]))
    assert set(rows.columns) == {"op_id", "trips", "question"}
    assert (rows["op_id"].tolist(), rows["question"].tolist()) == ([2, 0], ["c", "b"])
    assert rows["trips"].isna().tolist() == [True, False]
    assert run.samples(NAME, ("op_id",), NOWHERE).empty


def test_several_frames_of_one_reading_are_those_of_several(run: Run) -> None:
    """Each with its own columns and rows."""
    wanted = [
        Wanted(("op_id", "question"), np.array([1])),
        Wanted(("question",)),
        Wanted(("t_end", "hit"), np.array([2, 1])),
    ]
    for one, found in zip(wanted, run.frames(NAME, wanted), strict=True):
        pd.testing.assert_frame_equal(found, run.samples(NAME, one.columns, one.rows))


def test_what_is_read_is_what_pandas_reads(tmp_path: Path) -> None:
    """Every kind of column, 3,000 rows in groups of 700, with and without gaps, against pandas.read_parquet of the same file."""
    rng, size = np.random.default_rng(3), 3_000
    gaps = rng.random(size) < 0.3
    words = pa.array(rng.choice(["x", "a", "m"], size), mask=gaps).dictionary_encode()
    columns: dict[str, Any] = {
        "trial": pa.array(rng.integers(0, 9, size), pa.int32()), "t_start": rng.integers(0, 1 << 60, size),
        "bytes": pa.array(rng.integers(0, 1 << 40, size), mask=gaps), "pages": pa.nulls(size, pa.int64()),
        "read_units": pa.array(rng.random(size), mask=gaps), "hit": pa.array(rng.random(size) < 0.5, mask=gaps), "reason": words,
    }  # fmt: skip
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("s", params={}, trials=[])
    path = tmp_path / "run" / "samples" / "s.0.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=700)
    plain, found = pd.read_parquet(path), planted.load().samples("s")
    assert list(found.columns) == list(plain.columns)
    for name in columns:
        told, expected = found[name], plain[name]
        assert told.isna().tolist() == expected.isna().tolist(), name
        assert told.dropna().tolist() == expected.dropna().tolist(), name


@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 9)), max_size=40), st.sets(st.integers(0, 6))
)
def test_rows_are_found_trial_by_trial_as_by_looking_through_all(
    rows: list[tuple[int, bool, int]], wanted: set[int]
) -> None:
    """Trials in any order and torn apart, as several workers write them; equal keys stay as they came."""
    trials, chosen, keys = (
        np.array([row[place] for row in rows], dtype=kind) for place, kind in ((0, int), (1, bool), (2, int))
    )
    by_key = trial_by_trial(trials, wanted, chosen, keys)
    as_they_come = trial_by_trial(trials, wanted, chosen)
    assert by_key.keys() == as_they_come.keys() == wanted
    for trial in wanted:
        places = [place for place, row in enumerate(rows) if row[0] == trial and row[1]]
        assert as_they_come[trial].tolist() == places
        assert by_key[trial].tolist() == sorted(places, key=lambda place: rows[place][2])


@pytest.mark.parametrize("trials", [[1, 1, 4, 9], [4, 1, 9, 1], []], ids=["in order", "torn apart", "none"])
def test_a_frame_falls_into_its_trials(trials: list[int]) -> None:
    """As groupby has it."""
    frame = pd.DataFrame({"trial": np.array(trials, dtype=np.int64), "at": range(len(trials))})
    found = {trial: rows["at"].tolist() for trial, rows in by_trial(frame)}
    assert found == {trial: rows["at"].tolist() for trial, rows in frame.groupby("trial")}
    assert list(found) == sorted(found)


def test_rows_that_are_all_wanted_are_not_copied() -> None:
    """Themselves; else those alone."""
    frame = pd.DataFrame({"a": [1, 2, 3]})
    assert those(frame, frame["a"] > 0) is frame
    assert those(frame, frame["a"] > 1)["a"].tolist() == [2, 3]


def test_a_run_of_several_workers_has_the_findings_of_one(tmp_path: Path) -> None:
    """The same rows of a cache, dealt out to three workers one by one: every finding and every chart's table is the same."""
    section = {}
    for workers in (1, 3):
        planted = PlantedRun(tmp_path / str(workers))
        parts = PlantedParts(planted)
        for _ in range(2):
            parts.trial(
                "policy",
                "lazy",
                "allkeys-lru",
                ({"at_ms": at, "hit": at % 3 > 0, "ms": 1 + at % 7} for at in range(300)),
            )
            parts.trial(
                "warm_up", "lazy", "0.5", ({"at_ms": 5 * at, "due_ms": 5 * at - 1, "hit": at > 90} for at in range(200))
            )
        parts.write()
        rows = parts.rows
        for worker in range(workers):
            planted.samples(cache_hit_rate.NAME, rows[worker::workers], EXTRA_OF_CACHE, worker=str(worker))
        section[workers] = cache_hit_rate.analyse(planted.load())
    assert [one.as_record() for one in section[1].findings] == [one.as_record() for one in section[3].findings]
    for one, three in zip(section[1].charts, section[3].charts, strict=True):
        pd.testing.assert_frame_equal(one.table, three.table)


def test_a_report_may_be_written_elsewhere_and_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    """The same three files as in the run's own directory."""
    parts = PlantedParts(PlantedRun(tmp_path / "run"))
    parts.trial("policy", "lazy", "allkeys-lru", ({"at_ms": at, "hit": at % 3 > 0} for at in range(50)))
    parts.write()
    run = parts.planted.load()
    before = sorted(path.name for path in run.path.rglob("*"))
    page = write(run, analyse(run), tmp_path / "out" / "report")
    assert page == tmp_path / "out" / "report" / "report.html"
    assert sorted(path.name for path in run.path.rglob("*")) == before
    assert json.loads(page.with_name("findings.json").read_text())
    assert write(run, analyse(run)).read_bytes() == page.read_bytes()
