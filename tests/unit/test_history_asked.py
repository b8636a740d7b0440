"""What may be asked of a history: figures, scenarios, profiles, the last runs; what isn't there is wrong usage."""

import json
import re
from pathlib import Path

import pytest
from planted_history import noisy, planted_run, record

from reports.history.__main__ import main


@pytest.fixture
def nights(tmp_path: Path) -> list[str]:
    """Twelve nights of two figures, the second of which changes at the seventh; one quick try; one run of another scenario."""
    steady, stepped = noisy(5, 12), [*noisy(10, 6), *noisy(14, 6)]
    labels = {"arm": "query"}
    paths = [
        planted_run(
            tmp_path / f"night-{night + 1:02}",
            [record("p50", steady[night], labels=labels), record("p95", stepped[night], labels=labels)],
            night=night,
        )
        for night in range(12)
    ]
    paths.append(planted_run(tmp_path / "tried", [record("p50", 1.0, labels=labels)], night=3, profile="smoke"))
    failover = [record("downtime_s", 1.0) | {"id": "rds_failover.downtime_s", "scenario": "rds_failover"}]
    paths.append(planted_run(tmp_path / "other", failover, night=2, scenario="rds_failover"))
    return [str(path) for path in paths]


def test_figures_that_are_chosen_have_their_charts_though_they_didnt_change(
    nights: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One selector, one figure, one scenario; without one all that changed are drawn and no other."""
    page = tmp_path / "page"
    assert main([*nights, "--figure", "query_vs_scan.p50{arm=query}", "--out", str(page)]) == 0
    said = capsys.readouterr().out
    assert "0 of 1 figures changed their level, 1 didn't." in said and "rds_failover" not in said
    assert (page / "history.html").read_text().count("<svg") == 1
    assert main([*nights, "--out", str(page)]) == 0
    assert (page / "history.html").read_text().count("<svg") == 1
    assert "rds_failover: 1 run, 3 Nov 2026, 02:00" in capsys.readouterr().out


def test_the_last_runs_are_of_the_series_and_a_profile_has_its_own(
    nights: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Six runs from the seventh night on: no change among them. One run was a try of profile smoke."""
    assert main([*nights, "--scenario", "query_vs_scan", "--last", "6", "--json"]) == 0
    (history,) = json.loads(capsys.readouterr().out)["histories"]
    assert [run["name"] for run in history["runs"]] == [f"night-{night:02}" for night in range(7, 13)]
    assert history["figures"] == {"changed": 0, "unchanged": 2, "not_tested": 0}
    assert main([*nights, "--scenario", "query_vs_scan", "--profile", "smoke", "--json"]) == 0
    (history,) = json.loads(capsys.readouterr().out)["histories"]
    assert [run["name"] for run in history["runs"]] == ["tried"]
    assert len(history["left_out"]) == 12


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--figure", "query_vs_scan.p59"], "--figure query_vs_scan.p59: no such figure in these runs; the nearest are query_vs_scan.p"),
        (["--figure", "query_vs_scan.p50{arm=scan}"], r"the nearest are query_vs_scan.p50\{arm=query\}"),
        (["--figure", "query_vs_scan.p50{arm="], r"--figure query_vs_scan.p50\{arm=: must have what label arm"),
        (["--figure", "capacity_modes.usd"], "no such figure in these runs; there are runs of query_vs_scan, rds_failover"),
        (["--scenario", "capacity_modes"], "--scenario capacity_modes: no run of it in these runs; there are runs of query_vs_scan"),
        (["--profile", "standard"], "--profile standard: no run of it in these runs; there are quick, smoke"),
        (["--allow", "profile"], "--allow profile: there are machine, seed, dataset"),
    ],
)  # fmt: skip
def test_what_isnt_there_is_wrong_usage_and_says_what_is(
    nights: list[str], words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, one line."""
    assert main([*nights, *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert re.search(told, said.err) and said.err.count("\n") == 1
