"""A run directory is read as far as it goes, and what isn't one is refused in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, trial, write_samples

from harness.recorder import Observation, Recorder
from reports.load import NotARun, Run

NAME = "query_vs_scan"
EXTRA: Any = {"question": "text"}


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "trial": 0, "t_start": number, "t_end": number + 5, "op_id": number, "arm": "query", "step": "10", "op": "Query",
        "question": f"question {number}",
    } | fields  # fmt: skip


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    planted = PlantedRun(tmp_path / "run")
    planted.scenario(NAME, params={}, trials=[])
    return planted


def test_rows_of_every_worker_come_back_with_words_and_gaps_as_they_were(planted: PlantedRun) -> None:
    """One worker's Parquet and another's stream, each with words of its own; null stays null, never zero."""
    planted.samples(NAME, [row(1, read_units=0.5), row(2, hit=True)], EXTRA, worker="0")
    planted.samples(NAME, [row(3, arm="scan", outcome="error", error_code="X")], EXTRA, worker="1", form="arrows")
    rows = planted.load().samples(NAME)
    assert rows["op_id"].tolist() == [1, 2, 3]
    assert rows["arm"].tolist() == ["query", "query", "scan"]
    assert rows["question"].tolist() == ["question 1", "question 2", "question 3"]
    assert rows["read_units"].isna().tolist() == [False, True, True]
    assert rows["error_code"].isna().tolist() == [True, True, False]
    assert rows["hit"].eq(True).tolist() == [False, True, False]
    assert rows["hit"].isna().tolist() == [True, False, True]
    assert rows["t_intended"].isna().all()


def test_words_first_seen_in_a_later_batch_of_a_stream_are_read(planted: PlantedRun) -> None:
    """Three batches, a new question in each: the dictionary grows."""
    stem = planted.path / "samples" / f"{NAME}.0"
    write_samples(stem, [row(number) for number in range(6)], EXTRA, form="arrows", batches=3)
    assert planted.load().samples(NAME)["question"].tolist() == [f"question {number}" for number in range(6)]


def test_a_stream_cut_anywhere_gives_its_whole_batches_and_never_fails(planted: PlantedRun) -> None:
    """As after kill -9: cut at every 97th byte, no rows are lost that came before the cut batch, and none is invented."""
    stem = planted.path / "samples" / f"{NAME}.0"
    path = write_samples(stem, [row(number) for number in range(6)], EXTRA, form="arrows", batches=3)
    run, whole = planted.load(), path.read_bytes()
    counts = []
    for size in range(0, len(whole) + 1, 97):
        path.write_bytes(whole[:size])
        counts.append(len(run.samples(NAME)))
    path.write_bytes(whole)
    assert counts == sorted(counts)
    assert set(counts) <= {0, 2, 4, 6}
    assert {0, 2, 4} <= set(counts)
    assert len(run.samples(NAME)) == 6


def test_where_a_stream_was_compacted_the_compacted_file_alone_counts(planted: PlantedRun) -> None:
    """A kill between compacting and removing leaves both; rows are not counted twice, nor is a half-written one read."""
    planted.samples(NAME, [row(1), row(2)], EXTRA, form="arrows")
    planted.samples(NAME, [row(1), row(2)], EXTRA, form="parquet")
    (planted.path / "samples" / f"{NAME}.1.parquet.partial").write_bytes(b"half of a file")
    assert planted.load().samples(NAME)["op_id"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("marked", "ended"),
    [([False] * 4, [True, True, False, False]), ([True, False, False, False], [True, False, False, False])],
    ids=["killed", "closed"],
)
def test_trials_that_a_killed_process_could_not_mark_have_ended_where_every_process_wrote_of_a_later_one(
    planted: PlantedRun, marked: list[bool], ended: list[bool]
) -> None:
    """One process has rows of trial 3, another up to trial 2, which therefore may lack some; what a run marked itself stands."""
    trials = [trial(number, "query", "10", done=done) for number, done in enumerate(marked)]
    planted.scenario(NAME, params={}, trials=trials, status="running")
    planted.samples(NAME, [row(number, trial=number) for number in range(4)], EXTRA, worker="0", form="arrows")
    planted.samples(NAME, [row(number, trial=number) for number in range(3)], EXTRA, worker="1", form="arrows")
    run = planted.load()
    assert run.trials(NAME)["done"].tolist() == ended
    assert [one["done"] for one in run.scenario(NAME)["trials"]] == ended


def test_a_repetition_has_its_place_in_the_plan_and_not_that_of_its_number(planted: PlantedRun) -> None:
    """Trials 0, 1, 3 (which repeats 1) and 2 were walked when the master was killed: 0 and 3 had ended. Worker 1 was lost in trial 1."""
    trials = [
        trial(0, "query", "10"),
        trial(1, "query", "10"),
        trial(3, "query", "10") | {"repeats": 1},
        trial(2, "query", "10"),
    ]
    lost = [{"worker": "1", "host": "h", "reason": "nothing was heard of it any more", "trial": 1}]
    planted.scenario(
        NAME, params={}, trials=[one | {"done": False} for one in trials], status="running", workers_lost=lost
    )
    planted.samples(NAME, [row(number, trial=number) for number in (0, 1, 3, 2)], EXTRA, worker="0", form="arrows")
    planted.samples(NAME, [row(number, trial=number) for number in (0, 1)], EXTRA, worker="1", form="arrows")
    run = planted.load()
    assert {one["trial"]: one["done"] for one in run.scenario(NAME)["trials"]} == {0: True, 1: False, 3: True, 2: False}
    assert run.broken_off(NAME) == {1}


def test_what_the_recorder_writes_is_what_is_read(planted: PlantedRun) -> None:
    """The harness's own writer, its stream still open and then compacted: the same rows, the same columns as planted ones."""
    path = planted.path / "samples" / f"{NAME}.0.arrows"
    recorder = Recorder(path, worker="0", extra=EXTRA, submit=_at_once)
    recorder.append(
        trial=1, pair=2, phase="measured", t_intended=None, t_start=5, t_end=9, op_id=7, attempt=1, client="lean", arm="scan",
        step="10", op="Scan", seen=Observation(read_units=2.5, pages=3, extra={"question": "aircraft"}),
    )  # fmt: skip
    recorder.flush(wait=True)
    run = planted.load()
    streamed = run.samples(NAME)
    recorder.close()
    compacted = run.samples(NAME)
    planted.samples(NAME, [row(1)], EXTRA)
    assert list(run.samples(NAME).columns) == list(streamed.columns) == list(compacted.columns)
    for found in (streamed, compacted):
        (only,) = found.to_dict("records")
        assert (only["trial"], only["pair"], only["read_units"], only["pages"], only["question"]) == (
            1,
            2,
            2.5,
            3,
            "aircraft",
        )


class _at_once:  # noqa: N801 - a function to the recorder
    def __init__(self, work: Callable[[], None]) -> None:
        work()

    def ready(self) -> bool:
        return True

    def get(self) -> None:
        return None


def test_a_scenario_without_samples_has_no_rows(planted: PlantedRun) -> None:
    """Neither has one whose name begins another's."""
    planted.samples(f"{NAME}_more", [row(1)], EXTRA)
    assert planted.load().samples(NAME).empty


def test_trials_are_flat_and_events_are_found_by_kind(planted: PlantedRun) -> None:
    """Labels and params under their prefixes; a last line that was cut off is passed over."""
    planted.scenario(
        NAME, params={}, trials=[trial(4, "scan", "10", pair=2, labels={"question": "a"}, params={"table_items": 10})]
    )
    planted.event(NAME, "trial_begin", trial=4, t_ns=1)
    planted.event("other", "trial_begin", trial=4, t_ns=2)
    planted.event(NAME, "trial_end", trial=4, t_ns=3)
    run = planted.load()
    with (planted.path / "events.jsonl").open("a") as events:
        events.write('{"t_ns": 4, "scenario": "query_vs_sc')
    again = Run.load(planted.path)
    assert run.trials(NAME).to_dict("records") == [
        {
            "trial": 4,
            "pair": 2,
            "arm": "scan",
            "step": "10",
            "done": True,
            "label_question": "a",
            "param_table_items": 10,
        }
    ]
    assert [event["t_ns"] for event in again.events_of(NAME, "trial_begin")] == [1]
    assert again.events == run.events


def test_a_run_without_events_or_trials_is_read_too(planted: PlantedRun) -> None:
    """It died before it had any."""
    run = planted.load()
    (planted.path / "events.jsonl").unlink()
    assert Run.load(planted.path).events == ()
    assert run.trials(NAME).empty


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("complete", None, None),
        ("failed", "no disk", None),
        ("partial", "interrupted", "interrupted"),
        ("partial", None, f"not finished: {NAME}"),
        ("running", None, "the run ended without being closed; what was written until then is reported"),
    ],
)
def test_a_run_that_was_cut_short_says_so(
    planted: PlantedRun, status: str, reason: str | None, said: str | None
) -> None:
    """Interrupted, unfinished, or killed before it could say anything."""
    planted.manifest |= {"status": status, "reason": reason}
    planted.manifest["scenarios"][NAME]["status"] = "partial" if status == "partial" else "complete"
    assert planted.load().partial == said


def test_a_folder_that_is_no_run_is_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    """Empty, or not there at all."""
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotARun, match=r"is not a run directory: manifest.json: No such file.*give a folder"):
            Run.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        "{}",
        '{"schema": 1}',
        '{"schema": "new", "samples_schema": 1}',
        '{"schema": 1, "samples_schema": 1}',
    ],
)
def test_a_damaged_manifest_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    """Not JSON, not an object, without its schema or with one that is no number, or without the rest."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(NotARun, match="manifest.json is damaged"):
        Run.load(tmp_path)


@pytest.mark.parametrize("newer", [{"schema": 2}, {"samples_schema": 2}])
def test_a_run_of_a_newer_version_is_left_to_that_version(planted: PlantedRun, newer: dict[str, int]) -> None:
    """Guessing at an unknown schema would give wrong figures."""
    planted.load()
    (planted.path / "manifest.json").write_text(json.dumps(planted.manifest | newer))
    with pytest.raises(NotARun, match="is of a newer dbharness"):
        Run.load(planted.path)
