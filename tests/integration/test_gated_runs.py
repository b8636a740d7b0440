"""Runs with gates: the same files and the same exit code, whether dbharness runs the scenario or Locust does."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from whole_runs import ROOT, Place

KEPT = "all query_vs_scan.units_per_answer{arm=query} <= 5 read units"
BROKEN = "all query_vs_scan.units_per_answer{arm=scan} <= 1 read units"
NOT_RUN = "cache_hit_rate.postgres.miscounted_reads <= 0"
SHORT = {"query_vs_scan.parts": "[table_items]", "query_vs_scan.table_items": "[500]", "query_vs_scan.pairs": "2"}


def configured(tmp_path: Path, *gates: str) -> Path:
    """The project's configuration with gates; its line 12 is the first of them."""
    text = (ROOT / "config.yaml").read_text()
    before, _, after = text.partition("gates: []")
    file = tmp_path / "config.yaml"
    file.write_text(
        before
        + "gates:\n"
        + "".join(f"  - {gate}\n" for gate in gates)
        + "comparison:"
        + after.partition("comparison:")[2]
    )
    return file


def by_dbharness(place: Place, config: Path) -> tuple[int, str]:
    sets = [word for key, value in SHORT.items() for word in ("--set", f"{key}={value}")]
    words = ("run", "query_vs_scan", "--profile", "smoke", "--config", str(config), "--out", str(place.run), *sets)
    done = place.call(*words)
    return done.returncode, done.stdout + done.stderr


def by_locust(place: Place, config: Path) -> tuple[int, str]:
    sets = [word for key, value in SHORT.items() for word in ("--harness-set", f"{key}={value}")]
    words = ["--headless", "-u", "4", "-r", "4", "--harness-profile", "smoke", "--harness-out", str(place.run), *sets]
    process = place.start(
        [
            "env",
            f"DBHARNESS_CONFIG={config}",
            sys.executable,
            "-m",
            "locust",
            "-f",
            "scenarios/query_vs_scan.py",
            *words,
        ]
    )
    return process.wait(90), place.said


@pytest.mark.parametrize("start", [by_dbharness, by_locust])
def test_a_broken_gate_is_exit_1_and_stands_in_every_file(place: Place, tmp_path: Path, start: object) -> None:
    """One kept, one broken, one about a scenario that isn't run."""
    code, told = start(place, configured(tmp_path, KEPT, BROKEN, NOT_RUN))  # type: ignore[operator]
    assert code == 1, told
    document = json.loads((place.run / "gates.json").read_text())
    assert [gate["word"] for gate in document["gates"]] == ["pass", "fail"]
    assert (document["word"], document["exit_code"]) == ("fail", 1)
    suite = ET.parse(place.run / "junit.xml").getroot()
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "3", "failures": "1", "errors": "0", "skipped": "1",
    }  # fmt: skip
    for name in ("report.html", "report.md"):
        assert "2 gates: 1 fail, 1 pass." in (place.run / name).read_text()
    assert f"{BROKEN}: Fail: of 2 figures 2 fail; " in told
    assert f"warning: {NOT_RUN}: Not asked: this run wasn't asked for cache_hit_rate." in told
    assert place.leftovers() == []


@pytest.mark.parametrize("start", [by_dbharness, by_locust])
def test_a_relative_gate_without_a_baseline_measures_nothing(place: Place, tmp_path: Path, start: object) -> None:
    """Exit 2 before the run has a directory."""
    code, told = start(place, configured(tmp_path, "all query_vs_scan.units_per_answer no worse than 5%"))  # type: ignore[operator]
    assert code == 2, told
    assert "there is no baseline; make one: `dbharness run query_vs_scan --out BASELINE`" in " ".join(told.split())
    assert not place.run.exists()


def test_a_gate_that_cannot_be_read_is_told_with_its_line(place: Place, tmp_path: Path) -> None:
    """Exit 2, and the column."""
    config = configured(tmp_path, KEPT, "query_vs_scan.units_ratio = 30")
    line = 1 + next(number for number, text in enumerate(config.read_text().splitlines(), 1) if KEPT in text)
    code, told = by_dbharness(place, config)
    assert code == 2
    assert (
        f"config.yaml:{line}: gates.1 must have <=, >=, <, > or no worse than at column 27, where '= 30' stands" in told
    )
    assert not place.run.exists()
