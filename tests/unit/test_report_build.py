"""A report is written whole or not at all, is the same for the same run, and outlives an analysis that fails."""

import html as html_of_python
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, a_query_and_a_scan, trial

from reports import build, query_vs_scan
from reports.load import Run
from reports.query_vs_scan.charts import curves
from reports.section import Section
from reports.words import absent

EXTRA: Any = {"question": "text"}
PARAMS = {"aircraft": 8, "airports": 2, "trial_s": 0.35, "pairs": 6, "warm_up_answers": 1, "engines": ["mysql"]}
FILES = ("findings.json", "report.html", "report.md")
FIELDS = frozenset(
    (
        "id",
        "labels",
        "scenario",
        "sentence",
        "value",
        "unit",
        "better",
        "low",
        "high",
        "n",
        "target",
        "basis",
        "status",
        "reason",
    )
)
VOID = {"meta", "link", "br", "img", "hr", "input", "col", "path", "use"}


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    """query_vs_scan measured, rds_failover not, and a reason and labels that would be markup if they weren't escaped."""
    planted = PlantedRun(tmp_path / "run")
    planted.samples("query_vs_scan", a_query_and_a_scan(), EXTRA)
    planted.scenario(
        "rds_failover", params=PARAMS, trials=[], status="not_measured", reason="<b>no</b> server & no luck"
    )
    planted.scenario("query_vs_scan", params=PARAMS, trials=[trial(0, "query", "1000"), trial(1, "scan", "1000")])
    planted.load()
    return planted


def make(path: Path) -> dict[str, bytes]:
    run = Run.load(path)
    build.write(run, build.analyse(run))
    return {name: (path / name).read_bytes() for name in FILES}


def of_command(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "reports", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_same_run_gives_the_same_bytes_in_another_process_too(planted: PlantedRun) -> None:
    """Nothing of the clock, of hashing or of ids made at random is in it."""
    first = make(planted.path)
    assert of_command(planted.path).returncode == 0
    assert {name: (planted.path / name).read_bytes() for name in FILES} == first


def test_scenarios_stand_in_the_order_of_the_questions_and_the_unmeasured_one_says_why(planted: PlantedRun) -> None:
    """Although the manifest names rds_failover first."""
    files = make(planted.path)
    findings = json.loads(files["findings.json"])
    assert list(dict.fromkeys(finding["scenario"] for finding in findings)) == ["query_vs_scan", "rds_failover"]
    lost = next(finding for finding in findings if finding["id"].endswith("lost_writes"))
    assert (lost["value"], lost["status"], lost["reason"]) == (None, "not_measured", "<b>no</b> server & no luck")
    assert {frozenset(finding) - {"headline"} for finding in findings} == {FIELDS}
    assert [finding["id"] for finding in findings if finding.get("headline")]


def test_the_page_is_well_formed_self_contained_and_escapes_what_it_is_given(planted: PlantedRun) -> None:
    """Every element that opens closes; no script, no address of a network; a reason with markup is text."""
    page = make(planted.path)["report.html"].decode()
    depth: list[str] = []

    class Nesting(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in VOID:
                depth.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in VOID:
                assert depth.pop() == tag

    Nesting().feed(page)
    assert depth == []
    assert "<script" not in page
    assert "<b>no</b>" not in page
    assert html_of_python.escape("<b>no</b> server & no luck") in page
    loaded = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert [address for address in loaded if not address.startswith("data:")] == []
    assert not re.search(r"url\((?!#|&quot;#)", page)


def test_page_and_markdown_say_what_findings_json_says(planted: PlantedRun) -> None:
    """Every headline sentence stands in all three."""
    files = make(planted.path)
    ratio = next(f for f in json.loads(files["findings.json"]) if f["id"] == "query_vs_scan.units_ratio")
    assert ratio["value"] == pytest.approx(30)
    assert ratio["sentence"] in files["report.md"].decode()
    assert html_of_python.escape(ratio["sentence"]) in files["report.html"].decode()


def test_an_analysis_that_fails_costs_only_its_own_section(
    planted: PlantedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It becomes an unknown finding that names the error; the other scenario's stay."""

    def broken(run: Run) -> Any:
        raise ZeroDivisionError("of the planted kind")

    monkeypatch.setattr(query_vs_scan, "analyse", broken)
    findings = {finding["id"]: finding for finding in json.loads(make(planted.path)["findings.json"])}
    failed = findings["query_vs_scan.analysis"]
    assert (failed["value"], failed["status"]) == (None, "unknown")
    assert "ZeroDivisionError: of the planted kind" in failed["reason"]
    assert "rds_failover.mysql.multi_az_instance.crash.lost_writes" in findings


def test_a_chart_that_cannot_be_drawn_leaves_its_table(planted: PlantedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a sentence in its place."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no ink")

    monkeypatch.setattr(curves, "new_axes", broken)
    page = make(planted.path)["report.html"].decode()
    assert "This chart could not be drawn: RuntimeError" in page
    assert "items in table" in page


def test_a_section_of_very_many_findings_is_folded_by_figure_and_shortened_in_markdown(tmp_path: Path) -> None:
    """600 findings of two ids: two folds on the page, which has them all; in Markdown the first ones, and how many are left."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("query_vs_scan", params=PARAMS, trials=[])
    run = planted.load()
    many = [
        absent(
            run, "query_vs_scan", f"query_vs_scan.figure_{index % 2}", "ms", "lower", "it " + 60 * "so " + f"{index}"
        )
        for index in range(600)
    ]
    section = Section(
        scenario="query_vs_scan", title="Many", verdict=(), findings=tuple(many), charts=(), method=("The method.",)
    )
    build.write(run, [section])
    page, text = ((run.path / name).read_text() for name in ("report.html", "report.md"))
    assert page.count("data-finding=") == 600
    assert re.findall(r"<summary><code>(\S+)</code> \((\d+)\)", page) == [
        ("query_vs_scan.figure_0", "300"), ("query_vs_scan.figure_1", "300"),
    ]  # fmt: skip
    rows = text.count("| `query_vs_scan.figure_")
    assert rows in (100, 200)
    assert f"And {600 - rows} more findings, in report.html and findings.json." in text
    assert len(text) <= 65_000 and "The method." in text and "Cut here" not in text


def test_a_report_that_cannot_be_written_leaves_the_old_one_whole(
    planted: PlantedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half file, no file beside it."""
    before = make(planted.path)

    def full(self: Path, *_: Any, **__: Any) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    run = Run.load(planted.path)
    sections = build.analyse(run)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        build.write(run, sections)
    assert {name: (planted.path / name).read_bytes() for name in FILES} == before
    assert sorted(path.name for path in planted.path.iterdir() if path.name.startswith(".")) == []


def test_a_partial_run_is_reported_and_said_to_be_partial(planted: PlantedRun) -> None:
    """On the terminal, on the page and in Markdown."""
    planted.manifest["status"] = "running"
    planted.load()
    done = of_command(planted.path)
    assert done.returncode == 0
    assert "This run is partial: the run ended without being closed" in done.stdout
    for name in ("report.html", "report.md"):
        assert "partial" in (planted.path / name).read_text().lower()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: (path / "manifest.json").unlink(), "is not a run directory"),
        (lambda path: (path / "manifest.json").write_text("{"), "is damaged"),
        (lambda path: (path / "manifest.json").write_text("[]"), "is damaged"),
        (lambda path: (path / "manifest.json").write_text('{"schema": 99, "samples_schema": 1}'), "newer dbharness"),
    ],
)
def test_what_is_not_a_run_is_refused_in_a_sentence(planted: PlantedRun, damage: Any, says: str) -> None:
    """Exit code 2, no traceback."""
    damage(planted.path)
    done = of_command(planted.path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_in_which_nothing_was_measured_exits_with_3(tmp_path: Path) -> None:
    """The report is written all the same."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("query_vs_scan", params=PARAMS, trials=[], status="not_measured", reason="no twin")
    planted.load()
    done = of_command(planted.path)
    assert done.returncode == 3
    assert "not measured: no twin" in (planted.path / "report.md").read_text().lower()


def test_what_makes_the_machine_noisy_stands_where_it_was_measured_on(planted: PlantedRun) -> None:
    """Each warning of the manifest; a quiet machine has no such line."""
    assert "What makes it noisy" not in make(planted.path)["report.md"].decode()
    planted.manifest["machine"]["noise"] = {"warnings": ["the governor is powersave", "two cores share one"]}
    planted.load()
    files = make(planted.path)
    assert "- What makes it noisy: the governor is powersave; two cores share one" in files["report.md"].decode()
    assert "the governor is powersave; two cores share one" in files["report.html"].decode()


def test_the_report_opens_by_counting_what_is_answered(planted: PlantedRun) -> None:
    """One ratio of units measured, the other scenario's downtime not: one of two scenarios is complete."""
    files = make(planted.path)
    opening = "2 main findings: 1 measured, 1 not measured; 1 of 2 scenarios complete."
    assert files["report.md"].decode().splitlines()[2] == opening
    assert f'<p class="opening">{opening}</p>' in files["report.html"].decode()


def test_a_run_without_a_self_test_says_so_and_one_with_has_its_table(planted: PlantedRun) -> None:
    """In the appendix of page and Markdown; of another machine it is called stale."""
    files = make(planted.path)
    assert (
        "Not measured: no self-test had been made before this run; `dbharness selftest`" in files["report.md"].decode()
    )
    assert (
        "no self-test had been made before this run; <code>dbharness selftest</code>" in files["report.html"].decode()
    )
    truth = {
        "name": "downtime",
        "unit": "s",
        "planted": 3.0,
        "error": 0.03,
        "status": "measured",
        "found": 3.011,
        "why": None,
    }
    planted.manifest["selftest"] = {
        "schema": 1, "dbharness": "0.1.0", "commit": "0123456789", "dirty": False, "machine": {"cpu": "another", "cores": 8},
        "date": "2026-11-24T12:00:00+00:00", "took_s": 33.0, "truths": [truth],
    }  # fmt: skip
    planted.load()
    files = make(planted.path)
    assert "| downtime | 3 s | ± 0.03 s | 3.011 s | yes |" in files["report.md"].decode()
    for name in ("report.md", "report.html"):
        assert "1 of 1 planted truths came back" in files[name].decode()
        assert "This self-test is stale: it ran on another machine than the run" in files[name].decode()
