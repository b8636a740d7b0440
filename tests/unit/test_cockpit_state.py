"""What is live: rings of seconds by feed, and a test after a test that begins anew."""

from pathlib import Path

import pytest

from harness.cockpit.state import FEEDS, Feed, LiveState


def test_a_second_is_one_row_however_often_it_is_told_of() -> None:
    """Values of the same second stand side by side; the next second begins a row."""
    feed = Feed()
    feed.put(10, read_units_per_s=2.0)
    feed.put(10, write_units_per_s=1.0)
    feed.put(12, read_units_per_s=3.0)
    assert feed.rows(0) == [
        {"second": 10, "read_units_per_s": 2.0, "write_units_per_s": 1.0},
        {"second": 12, "read_units_per_s": 3.0},
    ]


def test_only_newer_seconds_are_asked_for() -> None:
    """After the 11th of 10, 11, 12: the 12th; after the last: nothing."""
    feed = Feed()
    for second in (10, 11, 12):
        feed.put(second, x=float(second))
    assert [row["second"] for row in feed.rows(11)] == [12]
    assert feed.rows(12) == []


def test_a_ring_forgets_its_oldest_second() -> None:
    """Of three seconds two are kept."""
    feed = Feed(kept_s=2)
    for second in (1, 2, 3):
        feed.put(second)
    assert [row["second"] for row in feed.rows(0)] == [2, 3]


def test_seconds_come_in_order() -> None:
    """One before the last is a mistake of whoever tells."""
    feed = Feed()
    feed.put(2)
    with pytest.raises(ValueError, match="expected second 2 or a later one, found 1"):
        feed.put(1)


def test_a_second_test_begins_anew_and_the_first_ones_report_stays_readable(tmp_path: Path) -> None:
    """Rows, progress and failure are the present test's; the link too, once its report is there."""
    state, first, second = LiveState(), tmp_path / "first", tmp_path / "second"
    for run in (first, second):
        run.mkdir()
    state.begin("query_vs_scan", first)
    state.feed("truth").put(1, answered_per_s=1.0)
    state.progress = {"state": "measuring", "done": 1}
    (first / "report.html").touch()
    state.end("stopped by hand")
    told = state.since(0)
    assert (told["report"], told["going_on"], told["failure"]) == ("report/first/report.html", False, "stopped by hand")
    assert told["progress"] == {"state": "over", "done": 1}
    assert told["feeds"]["truth"] == [{"second": 1, "answered_per_s": 1.0}]
    state.begin("capacity_modes", second)
    told = state.since(0)
    assert (told["test"], told["scenario"], told["report"], told["failure"]) == (2, "capacity_modes", None, None)
    assert told["feeds"] == {feed: [] for feed in FEEDS}
    assert state.runs == {"first": first, "second": second}
