"""What a self-test leaves is kept, shown with what it was measured on, and called stale where it doesn't speak for a run."""

from pathlib import Path
from typing import Any

import pytest

from harness import selftest_record, selftest_table
from harness.paths import PROJECT_ROOT
from harness.planted.truths import PlantedSettings, Recovery, Truth, truths
from reports.render import selftest as appendix

MACHINE = {"cpu": "a processor", "cores": 2, "memory_bytes": 8_000_000_000}
RECORD: dict[str, Any] = {
    "schema": 1, "dbharness": "0.1.0", "commit": "0123456789abcdef", "dirty": False, "machine": {**MACHINE, "os": "an OS"},
    "date": "2026-11-28T18:29:27+00:00", "took_s": 33.4,
    "truths": [
        {"name": "service time at p50", "unit": "ms", "planted": 5.0, "error": 0.75, "status": "measured", "found": 5.123, "why": None},
        {"name": "share throttled", "unit": "share", "planted": 0.2, "error": 0.0, "status": "measured", "found": 0.25, "why": "off by +0.05 share"},
        {"name": "ratio", "unit": "ratio", "planted": 1.1, "error": 0.015, "status": "measured", "found": None, "why": "there is no such finding"},
        {"name": "too slow", "unit": "ms", "planted": 4.0, "error": None, "status": "tool_bound", "found": 4.4, "why": None},
    ],
}  # fmt: skip
MANIFEST: dict[str, Any] = {"versions": {"dbharness": "0.1.0"}, "machine": MACHINE, "selftest": RECORD}


def test_a_row_says_what_was_planted_its_error_what_was_found_and_whether_that_will_do() -> None:
    """Shares in per cent, a ratio without a unit; what didn't come back says why, what must be marked that it was."""
    assert selftest_table.rows(RECORD) == [
        ("service time at p50", "5 ms", "± 0.75 ms", "5.123 ms", "yes"),
        ("share throttled", "20 %", "none", "25 %", "no: off by +0.05 share"),
        ("ratio", "1.1", "± 0.015", "nothing", "no: there is no such finding"),
        ("too slow", "4 ms", "only the mark", "4.4 ms", "yes, tool-bound"),
    ]
    assert selftest_table.counted(RECORD) == "2 of 4"


def test_markdown_is_the_table_and_what_it_was_measured_on() -> None:
    """Heading, rule, four rows, an empty line, a sentence."""
    lines = list(selftest_table.markdown(RECORD))
    assert len(lines) == 8
    assert lines[2] == "| service time at p50 | 5 ms | ± 0.75 ms | 5.123 ms | yes |"
    assert lines[-1] == (
        "*2 of 4 planted truths came back (2026-11-28; dbharness 0.1.0 at commit 01234567, a processor, 2 cores, in 33 s).*"
    )


@pytest.mark.parametrize(
    ("version", "machine", "why"),
    [
        ("0.1.0", MACHINE, None),
        ("0.2.0", MACHINE, "it was of dbharness 0.1.0, the run of 0.2.0"),
        ("0.1.0", MACHINE | {"cpu": "another"}, "it ran on another machine than the run"),
        ("0.1.0", MACHINE | {"cores": 4}, "it ran on another machine than the run"),
    ],
)
def test_a_record_of_another_version_or_machine_is_stale_and_says_why(
    version: str, machine: dict[str, Any], why: str | None
) -> None:
    """Another load or another kernel isn't another machine."""
    assert selftest_table.stale(RECORD, version=version, machine=machine | {"load_1min_at_start": 3.0}) == why
    manifest = {"versions": {"dbharness": version}, "machine": machine}
    said = appendix.stale(manifest, RECORD)
    assert said is None if why is None else said is not None and why in said


def test_what_is_kept_is_read_back_and_what_cannot_be_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing yet, the record, a file cut short, a record of a newer form."""
    monkeypatch.setenv("DBHARNESS_CACHE", str(tmp_path / "cache"))
    assert selftest_record.latest() is None
    path = selftest_record.keep(RECORD)
    assert selftest_record.latest() == RECORD
    assert [one.name for one in path.parent.iterdir()] == ["selftest.json"]
    path.write_text(path.read_text()[:50])
    assert selftest_record.latest() is None
    selftest_record.keep(RECORD | {"schema": 2})
    assert selftest_record.latest() is None


def test_a_record_says_what_ran_where_and_what_became_of_each_truth() -> None:
    """Of this checkout and this machine, just now."""
    truth = Truth(name="x", finding="planted.x", value=5.0, error=0.75, unit="ms")
    record = selftest_record.record_of([Recovery(truth=truth, found=5.1, why=None)], 33.44)
    assert record["took_s"] == 33.4
    assert record["truths"] == [
        {"name": "x", "unit": "ms", "planted": 5.0, "error": 0.75, "status": "measured", "found": 5.1, "why": None}
    ]
    assert {"dbharness", "commit", "dirty", "machine", "date"} <= record.keys()
    assert record["machine"]["cores"] >= 1


def test_the_appendix_shows_the_record_of_the_manifest_or_says_that_there_is_none() -> None:
    """A record of a form that isn't known is none."""
    assert appendix.record(MANIFEST) == RECORD
    assert "2 of 4 planted truths came back (28 November 2026, 18:29 UTC; dbharness 0.1.0" in appendix.sentence(RECORD)
    for without in ({}, {"selftest": None}, {"selftest": RECORD | {"schema": 2}}):
        assert appendix.record(without) is None
    assert "Not measured" in appendix.NOT_MEASURED and "dbharness selftest" in appendix.NOT_MEASURED


def test_readme_has_the_table_that_the_tool_prints_of_what_is_planted_today() -> None:
    """Every truth with its value and error, and all of them came back."""
    text = (PROJECT_ROOT / "README.md").read_text()
    heading = next(selftest_table.lines_of(selftest_table.HEADINGS, []))
    rows = [line.strip("| ").split(" | ") for line in text.partition(heading)[2].strip().splitlines()[1:]]
    table = [tuple(row) for row in rows[: len(truths(PlantedSettings()))]]
    planted = selftest_record.record_of(
        [Recovery(truth=truth, found=0.0, why=None) for truth in truths(PlantedSettings())], 0.0
    )
    assert [row[:3] for row in table] == [row[:3] for row in selftest_table.rows(planted)]
    assert all(row[4].startswith("yes") for row in table)
