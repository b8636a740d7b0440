"""`dbharness choose`: what it prints, its JSON, the report it leaves, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted_choices import Record, cannot, cpu, hit_rate, needed, planted_run, units
from typer.testing import CliRunner

from harness import store_choice
from harness.cli import app
from harness.errors import CannotMeasure, HarnessError
from reports.choice import analyse
from reports.load import Run
from reports.render.html import html
from reports.render.markdown import markdown

LOOKUPS = "data: {items: 1000, item_bytes: 1000}\npatterns:\n  flight_by_key: {rate_per_s: 500}\nsql: {instances: [db.m5.large]}\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Lookups by key of 1 ms or 1 unit; a text search that DynamoDB can't do."""
    records: list[Record] = [
        cpu("postgres", "flight_by_key", 1.0, width=0.1), units("flight_by_key", 1.0, kind="read"), cpu("postgres", "full_text", 2.0),
        cannot("dynamodb", "full_text", "no text search"), hit_rate("postgres", "flight_by_key", 0.5, n=12),
    ]  # fmt: skip
    events = [needed("postgres", "flight_by_key", "read committed"), needed("dynamodb", "flight_by_key", "eventual")]
    return planted_run(tmp_path / "run", records, events)


@pytest.fixture
def lookups(tmp_path: Path) -> Path:
    """500 a second, on one class of instances."""
    file = tmp_path / "lookups.yaml"
    file.write_text(LOOKUPS)
    return file


def said(*words: str | Path, exit_code: int = 0) -> str:
    """What the command prints."""
    result = CliRunner().invoke(app, ["choose", *map(str, words)])
    assert result.exit_code == exit_code, result.output
    return result.stdout


def refused(*words: str | Path) -> HarnessError:
    """What it is refused with."""
    result = CliRunner().invoke(app, ["choose", *map(str, words)])
    assert isinstance(result.exception, HarnessError), result.output
    return result.exception


def test_the_answer_comes_first_then_why_and_where_it_flips(lookups: Path, run: Path) -> None:
    """$132.24 for one instance of the shipped prices against 500 × 0.3285 = $164.25 in units; the flip of (132.24 − 0.0003) / 0.3285."""
    lines = said(lookups, "--from-run", run).splitlines()
    assert lines[0] == (
        "workload: postgres is the cheapest, $132.24 a month for 500 answers a second (db.m5.large); next is postgres_cached with "
        "$141.58, 1.07 times as much (db.m5.large + cache.t4g.micro)."
    )
    assert "It flips below 402.6 answers a second in all (0.8051 times today's): dynamodb is the cheapest." in lines
    assert "It flips above 1,000 answers a second in all (2 times today's): postgres_cached is the cheapest." in lines
    assert (
        "It stays so with 0.3 and with 0.7 of a vCPU busy, and with the figures at the ends of their intervals against it."
        in lines
    )
    assert (
        "  postgres flight_by_key cpu_ms_per_answer: value 1 ms, 95 % 0.9 to 1.1, n 6, basis local model, items 1,000"
        in lines
    )
    nowhere = "mysql, mysql_cached, mysql_flat, mysql_flat_cached, postgres_flat, postgres_flat_cached"
    assert f"{nowhere}: not ranked: nothing of it was measured." in lines
    assert (
        lines[-1] == "Modelled on what run run measured (3 figures), a month of 730 hours, us-east-1 prices of 2026-11."
    )


def test_a_store_that_cannot_is_said_to_be_out(tmp_path: Path, run: Path) -> None:
    """With the run's reason, and the pattern that decides it."""
    file = tmp_path / "search.yaml"
    file.write_text(LOOKUPS.replace("rate_per_s: 500}", "rate_per_s: 50}\n  full_text: {rate_per_s: 1}"))
    lines = said(file, "--from-run", run).splitlines()
    assert "Why: full_text decides it: without it dynamodb would be the cheapest." in lines
    assert "dynamodb, dynamodb_cached: out: it cannot full_text: no text search." in lines


def test_json_is_one_document_with_the_same_figures(lookups: Path, run: Path) -> None:
    """Schema 1, nothing else on standard output."""
    found = json.loads(said(lookups, "--from-run", run, "--json"))
    assert (found["schema"], found["best"], found["run"], found["rate_per_s"]) == (1, "postgres", "run", 500)
    first = found["outcomes"][0]
    assert first["usd_month"] == pytest.approx(132.24)
    assert first["parts"] == pytest.approx({"flight_by_key": 129.94, "storage": 2.30})
    assert [found["stands_on"][place]["id"] for place in first["stands_on"]] == ["sql_vs_nosql.cpu_ms_per_answer"]
    assert {one["direction"]: one["store"] for one in found["turns"]} == {
        "below": "dynamodb",
        "above": "postgres_cached",
    }
    assert {one["basis"] for one in found["stands_on"]} == {"local_model"} and found["stands_on"][0]["n"] == 6
    assert len(found["chart"]["rate_per_s"]) == len(found["chart"]["usd_month"]["postgres"])
    assert "dbharness run sql_vs_nosql" in found["measure"]


def test_nothing_to_name_is_exit_3_and_says_what_measures_it(tmp_path: Path, run: Path) -> None:
    """No verdict without a figure behind it."""
    file = tmp_path / "routes.yaml"
    file.write_text(LOOKUPS.replace("flight_by_key", "top_routes"))
    lines = said(file, "--from-run", run, exit_code=3).splitlines()
    assert lines[0] == "workload: no store can be named: of none is everything known and nothing against it."
    assert any(
        line.startswith("What lacks is measured by: dbharness run sql_vs_nosql --profile standard") for line in lines
    )


def test_a_report_stands_on_the_choice_alone(lookups: Path, run: Path, tmp_path: Path) -> None:
    """Findings are modelled, n is the least that a store's figures stand on; the flips are marked; a store that isn't ranked is *not measured*."""
    out = tmp_path / "choice"
    assert "report:" in said(lookups, "--from-run", run, "--out", out).splitlines()[-1]
    section = analyse(Run.load(out))
    by_figure = {(finding.id, *sorted(finding.labels.values())): finding for finding in section.findings}
    best = by_figure["choice.usd_month", "postgres"]
    assert (best.value, best.basis, best.n) == (pytest.approx(132.24), "modelled", 6)
    assert by_figure["choice.usd_month", "mysql"].status == "not_measured"
    below = by_figure["choice.flip_rate_per_s", "below"]
    assert below.value == pytest.approx(402.5562, abs=1e-4) and "there dynamodb is the cheapest" in below.sentence
    assert by_figure["choice.takes_over_rate_per_s", "above", "postgres_cached"].value == pytest.approx(1_000)
    assert [chart.id for chart in section.charts] == ["choice-rate", "choice-figures"]
    rates = section.charts[0].table
    assert list(rates.columns[1:]) == ["postgres, USD a month", "postgres_cached, USD a month", "dynamodb, USD a month"]
    at = np.searchsorted(rates["answers a second in all"], 700)
    assert rates["postgres, USD a month"][at] == pytest.approx(132.24)
    written = json.loads((out / "findings.json").read_text())
    assert [one["id"] for one in written] == [finding.id for finding in section.findings]
    manifest = json.loads((out / "manifest.json").read_text())
    assert "Which store for this workload" in html(manifest, False, [section])
    assert "choice.flip_rate_per_s" in markdown(manifest, False, [section])


def test_a_report_shows_growth_and_what_lacks(run: Path, tmp_path: Path) -> None:
    """A chart of the months; where nothing can be named, the report says so and measured nothing."""
    growing = tmp_path / "growing.yaml"
    growing.write_text(LOOKUPS + "growth: {months: 4, rate_percent_a_month: 20}\n")
    out = tmp_path / "growth"
    said(growing, "--from-run", run, "--out", out)
    months = analyse(Run.load(out)).charts[1].table
    assert list(months["cheapest"]) == ["postgres", "postgres", "postgres", "postgres"]
    assert months["dynamodb, USD"].tolist() == pytest.approx(
        [500 * 1.2**month * 0.3285 + 0.000275 for month in range(4)]
    )
    nothing = tmp_path / "routes.yaml"
    nothing.write_text(LOOKUPS.replace("flight_by_key", "top_routes"))
    said(nothing, "--from-run", run, "--out", tmp_path / "none", exit_code=3)
    section = analyse(Run.load(tmp_path / "none"))
    assert section.verdict == (
        "No store can be named for workload: of none is everything known and nothing against it.",
    )
    assert {finding.status for finding in section.findings} == {"not_measured"} and section.charts == ()


def test_the_last_whole_run_is_taken(lookups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that have the scenario; without any, what measures it is said."""
    monkeypatch.setattr("harness.stores.runs_dir", lambda: tmp_path / "runs")
    assert isinstance(refused(lookups), CannotMeasure)
    assert "no whole run in runs/ has sql_vs_nosql; measure it (dbharness run sql_vs_nosql --profile standard)" in str(
        refused(lookups)
    )
    for name, started, ms in (("old", "2026-11-01", 9.0), ("new", "2026-11-02", 1.0)):
        planted_run(tmp_path / "runs" / name, [cpu("postgres", "flight_by_key", ms)], started=started)
    planted_run(tmp_path / "runs" / "cut", [], started="2026-11-03", status="partial")
    assert json.loads(said(lookups, "--json"))["run"] == "new"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"manifest.json": None}, "--from-run {run}: not a run directory; name one that `dbharness run` wrote"),
        ({"findings.json": None}, "{run}: findings.json: No such file or directory; make its report first: dbharness report {run}"),
        ({"findings.json": "[{{"}, "{run}/findings.json is damaged"),
        ({"findings.json": "{}"}, "{run}/findings.json is no list of findings; make it again: dbharness report {run}"),
    ],
)  # fmt: skip
def test_a_run_that_cant_be_read_is_refused(
    lookups: Path, run: Path, spoil: dict[str, str | None], message: str
) -> None:
    """With the way out."""
    for name, text in spoil.items():
        if text is None:
            (run / name).unlink()
        else:
            (run / name).write_text(text)
    error = refused(lookups, "--from-run", run)
    assert message.format(run=run) in str(error) and error.exit_code == 2


def test_a_run_of_other_scenarios_is_refused(lookups: Path, tmp_path: Path) -> None:
    """And events that were cut off by a kill are read as far as they go."""
    other = planted_run(tmp_path / "other", [], scenarios={"rds_failover": {}})
    assert "has no sql_vs_nosql; measure it: dbharness run sql_vs_nosql" in str(refused(lookups, "--from-run", other))
    cut = planted_run(tmp_path / "cut", [cpu("postgres", "flight_by_key", 1.0)])
    (cut / "events.jsonl").write_text('{"scenario": "sql_vs_nosql", "kind": "needed", "arm": "postgres"')
    assert store_choice.read_measured(cut).consistency == {}


def test_a_used_directory_is_refused_and_so_is_an_unknown_region(lookups: Path, run: Path, tmp_path: Path) -> None:
    """Before anything is read, or priced."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("")
    words: list[tuple[list[Any], str]] = [
        (["--out", tmp_path / "used"], "exists and isn't an empty directory"), (["--region", "mars-1"], "no prices for region 'mars-1'"),
    ]  # fmt: skip
    for more, message in words:
        assert message in str(refused(lookups, "--from-run", run, *more))


def test_prices_of_ones_own_are_taken(lookups: Path, run: Path, tmp_path: Path) -> None:
    """Without classes of instances nothing of SQL can be sized: unknown, not free."""
    file = tmp_path / "prices.yaml"
    file.write_text(
        "date: 2027-01\nsource: mine\nregions: {us-east-1: {dynamodb.on_demand_read_usd_per_million: 0.25, dynamodb.storage_gb_month_usd: 0}}\n"
    )
    lines = said(lookups, "--from-run", run, "--prices", file).splitlines()
    assert lines[0].startswith("workload: dynamodb at $328.50 a month for 500 answers a second")
    assert any("the price of an instance for postgres isn't known" in line for line in lines)
