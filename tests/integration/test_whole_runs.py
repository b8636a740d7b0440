"""Runs to their end: what Locust counts is what is written, the seed decides the order, nothing stays behind."""

import csv
import json
import sys

import pytest
from whole_runs import Place

SHORT = (
    "--set", "query_vs_scan.parts=[table_items]", "--set", "query_vs_scan.table_items=[500]",
    "--set", "query_vs_scan.pairs=2", "--profile", "smoke",
)  # fmt: skip


def test_a_run_measures_reports_and_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the command line: complete, as many rows as Locust counted requests, findings of its scenario alone; the latest
    self-test of its cache is in its manifest and its report."""
    cache = place.run.parent / "cache"
    cache.mkdir()
    record = {
        "schema": 1, "dbharness": "0.0.9", "commit": None, "dirty": False, "machine": {"cpu": "another", "cores": 8},
        "date": "2026-11-24T12:00:00+00:00", "took_s": 33.0,
        "truths": [{"name": "downtime", "unit": "s", "planted": 3.0, "error": 0.03, "status": "measured", "found": 3.011, "why": None}],
    }  # fmt: skip
    (cache / "selftest.json").write_text(json.dumps(record))
    monkeypatch.setenv("DBHARNESS_CACHE", str(cache))
    done = place.call("run", "query_vs_scan", *SHORT, "--out", str(place.run))
    assert done.returncode == 0, done.stdout + done.stderr
    entry = place.manifest()["scenarios"]["query_vs_scan"]
    assert (place.manifest()["status"], entry["status"]) == ("complete", "complete")
    assert all(trial["done"] for trial in entry["trials"])
    assert place.rows("query_vs_scan") == entry["requests"] > 50
    findings = json.loads((place.run / "findings.json").read_text())
    assert {finding["scenario"] for finding in findings} == {"query_vs_scan"}
    assert f"report: {place.run}/report.html" in done.stdout
    assert "times the read units of a Query" in done.stdout
    assert place.manifest()["selftest"] == record
    assert "stale: it was of dbharness 0.0.9, the run of 0.1.0" in (place.run / "report.md").read_text()
    assert place.leftovers() == []


@pytest.mark.parametrize(
    ("scenario", "sets"),
    [
        ("query_vs_scan", ["query_vs_scan.table_items=[500]", "query_vs_scan.pairs=2"]),
        ("capacity_modes", ["capacity_modes.parts=[ramp]", "capacity_modes.speed=300"]),
        ("cache_hit_rate", ["cache_hit_rate.engines=[postgres]", "cache_hit_rate.cache_shares=[0.2]"]),
        (
            "rds_failover",
            ["rds_failover.engines=[postgres]", "rds_failover.client_arms=[tuned]", "rds_failover.trials=1"],
        ),
        (
            "sql_vs_nosql",
            ["sql_vs_nosql.arms=[postgres, dynamodb]", "sql_vs_nosql.sizes=[500]", "sql_vs_nosql.parts=[patterns]"],
        ),
        ("rds_operations", ["rds_operations.engines=[postgres]", "rds_operations.parts=[connections]"]),
    ],
)
def test_a_plain_locustfile_counts_what_is_written(place: Place, scenario: str, sets: list[str]) -> None:
    """``locust -f … --headless``: Locust's own CSV, the manifest and the rows agree; exit 0 and a report."""
    prefix = place.temporary / "stats"
    words = ["--headless", "-u", "4", "-r", "4", "-t", "8s", "--csv", str(prefix), "--harness-profile", "smoke"]
    for override in sets:
        words += ["--harness-set", override]
    place.run.mkdir()
    command = [sys.executable, "-m", "locust", "-f", f"scenarios/{scenario}.py", *words]
    process = place.start([*command, "--harness-out", str(place.run / "it")])
    assert process.wait(90) == 0, place.said
    with (place.temporary / "stats_stats.csv").open() as file:
        counted = next(int(row["Request Count"]) for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    run = Place(place.run / "it", place.temporary, place.mark, place.port)
    assert counted == run.manifest()["scenarios"][scenario]["requests"] == run.rows(scenario) > 0
    assert (run.run / "report.html").is_file()
    for file in place.temporary.glob("stats*"):
        file.unlink()
    assert place.leftovers() == []
