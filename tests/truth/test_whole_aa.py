"""Whole runs of equal sides, cut into comparisons: which figures are told apart, by hand."""

import json
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun
from scipy import stats as scipy_stats

from reports.compare.designs import of_folder
from reports.series.__main__ import main
from reports.series.whole import whole

TENTH = 1.1
# By the arithmetic of tests/truth/test_report_series.py: six pairs of 10 % and 21 % more exclude equal, six of 10 % more and as much
# less don't.
APART = (TENTH, TENTH, TENTH, TENTH**2, TENTH**2, TENTH**2)
ALIKE = (TENTH, 1 / TENTH, TENTH, 1 / TENTH, TENTH, 1 / TENTH)


def finding(id: str, value: float, low: float, high: float, unit: str = "ms") -> dict[str, Any]:
    """As findings.json has it."""
    return {
        "id": id, "scenario": "s", "sentence": f"{id}.", "value": value, "unit": unit, "better": "lower", "n": 6, "target": "local",
        "low": low, "high": high, "labels": {}, "basis": "local_model", "status": "measured", "reason": None,
    }  # fmt: skip


def folder_of(path: Path, ratios: Sequence[float], units: Sequence[float] = ()) -> Path:
    """What ab leaves of a pair for each ratio: p50 is 10 ms and so many times that; p95 is 1 % more by turns; units are exact."""
    pairs: list[dict[str, Any]] = []
    for number, ratio in enumerate(ratios, 1):
        order = ["a", "b"] if number % 2 else ["b", "a"]
        pair = {"pair": number, "order": order, "a": f"a-{number:02}", "b": f"b-{number:02}"}
        for side, times in (("a", 1.0), ("b", ratio)):
            consumed = units[number - 1] if units and side == "b" else 2.0
            findings = [
                finding("s.p50_ms", 10 * times, 9.0, 30.0),
                finding("s.p95_ms", 20 * (1.01 if (side == "b") == bool(number % 2) else 1.0), 9.0, 90.0),
                finding("s.units", consumed, consumed, consumed, "RCU"),
            ]
            run = PlantedRun(path / str(pair[side]))
            run.load()
            (run.path / "findings.json").write_text(json.dumps(findings))
        pairs.append(pair)
    sides = {side: {"name": side, "words": "", "commit": None, "endpoint": None} for side in ("a", "b")}
    looks = [[len(ratios), 0.95]]
    document = {
        "schema": 1,
        "scenario": None,
        "sides": sides,
        "seed": 1,
        "looks": looks,
        "pairs": pairs,
        "ended": "done",
    }
    (path / "comparison.json").write_text(json.dumps(document))
    return path


def test_each_figure_is_told_apart_in_so_many_comparisons_and_the_share_is_a_mean_over_comparisons(
    tmp_path: Path,
) -> None:
    """p50 in one of two comparisons, p95 in none, units take no part: shares ½ and 0, mean ¼ ± 12.706·(½/√2)/√2 = 3.18: all there is."""
    found = whole(of_folder(folder_of(tmp_path / "ab", [*APART, *ALIKE])), 6)
    assert found is not None
    assert [(one.figure, one.comparisons, one.alarms) for one in found.figures] == [
        ("s.p50_ms", 2, 1), ("s.p95_ms", 2, 0),
    ]  # fmt: skip
    assert (found.share.value, found.share.low, found.share.high) == (0.25, 0.0, 1.0)
    assert not found.too_many


def test_more_than_is_promised_is_too_many(tmp_path: Path) -> None:
    """p50 told apart in every one of two comparisons: half of the figures each time, without any spread, above 5 %."""
    folder = folder_of(tmp_path / "ab", [*APART, *APART])
    found = whole(of_folder(folder), 6)
    assert found is not None
    assert (found.share.low, found.too_many) == (0.5, True)
    assert main([str(folder)]) == 1


def test_a_figure_without_chance_that_differs_is_named(tmp_path: Path) -> None:
    """Equal sides consume the same units, or they aren't equal."""
    found = whole(of_folder(folder_of(tmp_path / "ab", ALIKE, units=[3.0] * 6)), 6)
    assert found is not None
    assert found.apart == ("s.units",)
    assert found.too_many


def test_people_and_programs_are_told_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each figure that cried, one for all; a document on demand. Of one comparison there is no interval."""
    folder = folder_of(tmp_path / "ab", APART)
    assert main([str(folder), "--pairs", "6"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "s.p50_ms: told apart in 1 of 1 comparison",
        "1 more figure never; in 1 comparison of 6 pairs, 50 % of the figures were told apart; 5 % are promised",
    ]
    assert main([str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["figures"][0] == {"figure": "s.p50_ms", "comparisons": 1, "alarms": 1}
    assert (document["well"], document["share"]["value"]) == (True, 0.5)


def test_too_few_pairs_and_no_folder_are_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3 and 2."""
    folder = folder_of(tmp_path / "ab", APART)
    assert main([str(folder), "--pairs", "7"]) == 3
    assert capsys.readouterr().err == f"error: {folder}: no figure can be compared by 7 pairs of it\n"
    assert main([str(tmp_path)]) == 2
    assert "give a folder that `dbharness ab` wrote" in capsys.readouterr().err


def test_the_alarm_is_that_of_the_paired_t_test(tmp_path: Path) -> None:
    """By scipy on the logs of the twelve ratios at once: a single comparison of twelve."""
    found = whole(of_folder(folder_of(tmp_path / "ab", [*APART, *ALIKE])), 12)
    p = scipy_stats.ttest_1samp([log(ratio) for ratio in (*APART, *ALIKE)], 0).pvalue
    assert found is not None
    assert found.figures[0].alarms == (p < 0.05)
