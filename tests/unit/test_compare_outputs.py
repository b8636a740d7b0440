"""What a comparison leaves: a page, Markdown, JSON, JUnit, a table and an exit code; from planted pairs with samples."""

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import planted_sides
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planted_pairs import make_pairs
from planted_sides import figure, latency, record, side, written

from reports.compare import designs, told, verdict_line
from reports.compare.changes import Word
from reports.compare.charts.look import reach, ticks
from reports.compare.compared import Compared, compared
from reports.compare.junit import as_junit
from reports.compare.markdown import markdown
from reports.compare.page import html
from reports.compare.verdicts import to_json
from reports.gates import outcome

GATE = "all query_vs_scan.latency_p50_ms no worse than 5%"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pairs; through lean a Query takes half as long."""
    return make_pairs(tmp_path_factory.mktemp("ab") / "pairs")


@pytest.fixture(scope="module")
def of_pairs(folder: Path) -> Compared:
    return compared(designs.of_folder(folder), gates=[GATE])


@pytest.fixture(scope="module")
def page(of_pairs: Compared) -> str:
    return html(of_pairs)


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "reports.compare", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


def test_the_planted_ratio_is_found_and_the_other_arm_is_left_alone(of_pairs: Compared) -> None:
    """0.5 lies in the Query's interval, which is an improvement; a Scan is neither that nor a regression, and units are exactly equal."""
    by_name = {str(change.figure): change for change in of_pairs.comparison.changes}
    query = next(change for name, change in by_name.items() if "latency_p50_ms{arm=query" in name)
    scan = next(change for name, change in by_name.items() if "latency_p50_ms{arm=scan" in name)
    assert query.low is not None
    assert query.high is not None
    assert query.low <= -0.5 <= query.high
    assert query.word == "improved"
    assert scan.word not in ("improved", "regression")
    units = [change for change in by_name.values() if change.figure.id.endswith("units_per_answer")]
    assert [(change.word, change.exact) for change in units] == [("equivalent", True)] * 2


def test_an_exact_figure_has_no_least_change_and_no_level(of_pairs: Compared, page: str) -> None:
    """No chance is in it, so that no number of pairs would find more."""
    units = [change for change in of_pairs.comparison.changes if change.exact]
    assert units
    assert {told.power(change) for change in units} == {""}
    assert "change that 6 pairs find is 0 %" not in page


@pytest.mark.parametrize(
    ("word", "gate", "said"),
    [
        ("equivalent", "invalid", "inconclusive"),
        ("improved", "inconclusive", "inconclusive"),
        ("regression", "invalid", "regression"),
        ("equivalent", "pass", "equivalent"),
        ("no verdict", "invalid", "no verdict"),
    ],
)
def test_a_gate_that_is_not_decided_takes_a_good_word_back(
    of_pairs: Compared, word: Word, gate: outcome.Word, said: str
) -> None:
    (asked,) = of_pairs.gates.outcomes
    family = tuple(replace(change, word=word) for change in of_pairs.comparison.family)
    judged = replace(asked, figures=tuple(replace(one, word=gate) for one in asked.figures))
    one = replace(
        of_pairs,
        comparison=replace(of_pairs.comparison, changes=family),
        gates=replace(of_pairs.gates, outcomes=(judged,)),
    )
    assert one.word == said
    assert f": {said}; " in verdict_line.headline(one)
    assert verdict_line.headline(one).endswith(f"; of 1 gate 1 {gate}.")


def test_how_the_pairs_were_made_is_told_as_it_was_typed(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "ab")
    file = tmp_path / "ab/comparison.json"
    typed = ["/usr/bin/dbharness", "ab", "--gate", "all a.b no worse than 5%"]
    file.write_text(json.dumps({**json.loads(file.read_text()), "command": typed}))
    of = compared(designs.of_folder(tmp_path / "ab"), gates=[GATE])
    assert "\ndbharness ab --gate 'all a.b no worse than 5%'\n" in markdown(of)
    assert "dbharness ab --gate &#39;all a.b no worse than 5%&#39;" in html(of)


def test_the_page_is_well_formed_self_contained_and_without_scripts(page: str) -> None:
    """Every element that opens closes, ids are unique, and nothing is fetched."""
    open_tags: list[str] = []
    ids: list[str] = []

    class Nesting(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            ids.extend(str(value) for name, value in attrs if name == "id")
            if tag not in ("meta", "link", "br", "img"):
                open_tags.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag, tag

    parser = Nesting()
    parser.feed(page)
    parser.close()
    assert open_tags == []
    assert sorted(ids) == sorted(set(ids))
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page) == []


def test_the_page_is_in_the_order_of_the_method(page: str) -> None:
    """Verdict, sentences, the forest plot, what differs, the scenario with its charts, environment, method, how to repeat it."""
    marks = (
        'class="verdict"', 'class="headlines"', 'id="chart-family"', 'id="differs"', 'id="query_vs_scan"',
        'id="chart-query_vs_scan-ratios"', 'id="chart-query_vs_scan-latency-1-percentiles"',
        'id="chart-query_vs_scan-latency-1-quantile-ratio"', 'id="environment"', 'id="method"', 'id="repeat"',
    )  # fmt: skip
    places = [page.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)


def test_every_verdict_on_the_page_is_a_word_and_a_shape(page: str) -> None:
    """For who can't tell colours apart."""
    for word in set(re.findall(r'data-verdict="([^"]+)"', page)):
        assert re.search(rf'aria-hidden="true">{re.escape(told.SHAPES[word])}</span> {word}<', page), word


def test_what_is_given_is_escaped(folder: Path) -> None:
    """A side may be named anything."""
    document = json.loads((folder / "comparison.json").read_text())
    document["sides"]["b"]["name"] = "<script>alert(1)</script>"
    sides = designs.of_folder(folder)
    named = designs.Side(name=document["sides"]["b"]["name"], words="", runs=sides.candidate.runs)
    found = compared(
        designs.Sides(base=sides.base, candidate=named, design=sides.design, order=sides.order, declared=True)
    )
    assert "<script>alert" not in html(found)


def test_the_same_comparison_gives_the_same_bytes(folder: Path, of_pairs: Compared, page: str) -> None:
    """Nothing of the clock or of hashing is in any of them."""
    again = compared(designs.of_folder(folder), gates=[GATE])
    assert (to_json(again), markdown(again), as_junit(again)) == (
        to_json(of_pairs),
        markdown(of_pairs),
        as_junit(of_pairs),
    )
    assert html(again) == page


def test_both_distributions_are_drawn_and_their_quantiles_divided(page: str) -> None:
    """The table under the ratio has the planted half, at every percentile that the samples carry."""
    start = page.index('id="chart-query_vs_scan-latency-1-quantile-ratio"')
    figures = page[start : page.index("</figure>", start)]
    rows = re.findall(r'<th scope="row">([\d.]+)</th><td>([\d.]+)</td><td>([\d.]+)</td><td>([\d.]+)</td><td>(yes|no)', figures)  # fmt: skip
    ratios = {float(p): [float(figure) for figure in those] for p, *those, carried in rows if carried == "yes"}
    assert set(ratios) >= {5.0, 25.0, 50.0, 75.0, 90.0, 95.0}
    for p in (25.0, 50.0, 75.0):
        ratio, low, high = ratios[p]
        assert low <= ratio <= high
        assert ratio == pytest.approx(0.5, rel=0.1), p


def test_latencies_that_do_not_give_back_the_finding_are_not_drawn(tmp_path: Path) -> None:
    """A finding altered by hand: a plot beside it would say otherwise."""
    folder = make_pairs(tmp_path / "pairs", pairs=2)
    file = folder / "a-01" / "findings.json"
    findings = json.loads(file.read_text())
    for one in findings:
        if "latency_p" in one["id"] and one["value"] is not None:
            one["value"] *= 1.1
    file.write_text(json.dumps(findings))
    assert "-percentiles" not in html(compared(designs.of_folder(folder)))


def test_rows_that_have_another_word_for_their_step_are_drawn_with_their_trial(tmp_path: Path) -> None:
    """A trial that waited for somebody is a planned one in the manifest and in the figures; its rows were written before."""
    folder = make_pairs(tmp_path / "pairs", pairs=2)
    for file in folder.glob("*/samples/*.parquet"):
        rows = pq.read_table(file)
        at = rows.schema.get_field_index("step")
        waited = pa.array(["by_hand"] * len(rows)).dictionary_encode().cast(rows.schema.field(at).type)
        pq.write_table(rows.set_column(at, rows.schema.field(at), waited), file)
    assert 'id="chart-query_vs_scan-latency-1-percentiles"' in html(compared(designs.of_folder(folder)))


def test_runs_without_samples_are_compared_without_distributions(tmp_path: Path) -> None:
    """A baseline may keep its findings alone."""
    paths = [written(tmp_path / f"run-{n}", n, *latency("latency_p50_ms", [1.0])) for n in range(2)]
    found = compared(designs.of_runs(*([planted_sides.Recorded.load(path)] for path in paths)))
    page = html(found)
    assert "query_vs_scan.latency_p50_ms" in page
    assert "-percentiles" not in page


def test_the_json_has_every_figure_and_what_its_verdict_rests_on(of_pairs: Compared) -> None:
    """Schema 1."""
    document = json.loads(to_json(of_pairs))
    assert (document["schema"], document["design"], document["word"]) == (
        1,
        "interleaved_pairs",
        of_pairs.comparison.word,
    )
    assert (document["sides"]["base"]["name"], document["sides"]["candidate"]["name"]) == ("boto3", "lean")
    assert document["labels"] == [{"name": "client", "base": "boto3", "candidate": "lean"}]
    assert len(document["changes"]) == len(of_pairs.comparison.changes)
    change = next(
        one for one in document["changes"] if one["id"].endswith("latency_p50_ms") and one["labels"]["arm"] == "query"
    )
    assert change["confirmatory"] is True
    assert (change["n"], change["scale"], change["margin"], change["unit"]) == (6, "ratio", 0.05, "ms")
    assert change["base"]["n"] == len(change["base"]["values"]) == 6
    assert change["sentence"].count(change["word"]) == 1
    assert document["gates"][0]["gate"] == GATE


def test_markdown_fits_a_comment_however_many_figures_there_are() -> None:
    """3,000 figures that all changed."""
    base = [latency("latency_p50_ms", [1.0, 1.1], arm=str(n)) for n in range(3000)]
    candidate = [latency("latency_p50_ms", [2.0, 2.2], arm=str(n)) for n in range(3000)]
    text = markdown(compared(designs.of_runs(side(base, [0, 1]), side(candidate, [2, 3]))))
    assert len(text) <= 65_000
    assert re.search(r"And [\d,]+ more, in comparison.html and verdicts.json", text)
    assert text.rstrip().endswith("```")


def test_markdown_says_verdict_gates_and_what_differs(of_pairs: Compared) -> None:
    """A pull request's reader needs no page."""
    text = markdown(of_pairs)
    assert text.startswith("# lean against boto3\n")
    for part in (f"gate `{GATE}`: ", "## What was declared", "| label: client | boto3 | lean |", "dbharness compare "):
        assert part in text, part


def test_junit_has_a_case_for_each_gated_figure(of_pairs: Compared) -> None:
    """Two arms under one gate."""
    suite = ET.fromstring(as_junit(of_pairs)).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert [case.get("classname") for case in cases] == ["query_vs_scan.latency_p50_ms"] * 2
    assert {case.get("name") for case in cases} == {f"{GATE}: arm query, op Query", f"{GATE}: arm scan, op Scan"}


def junit_of_family(base: list[float], candidate: list[float]) -> ET.Element:
    """The only case of a family of one headline."""
    runs = planted_sides.interleaved(
        [latency("a_p95_ms", base, headline=True)], [latency("a_p95_ms", candidate, headline=True)]
    )
    (case,) = ET.fromstring(as_junit(compared(designs.of_runs(*runs)))).iter("testcase")
    return case


def test_without_gates_junit_has_a_case_for_each_declared_figure_and_skips_what_is_inconclusive() -> None:
    """With what such pairs could have found, and how many it takes."""
    wide = [1.0, 2.0, 0.5, 1.5, 0.7, 1.2]
    skipped = junit_of_family(wide, wide[::-1]).find("skipped")
    assert skipped is not None
    assert re.search(
        r"the least change that 6 pairs find is .*; one of 5 % takes [\d,]+ pairs", skipped.get("message") or ""
    )
    failure = junit_of_family([1.0] * 5 + [1.01], [2.0] * 5 + [2.01]).find("failure")
    assert failure is not None
    assert failure.get("type") == "regression"
    assert junit_of_family([1.0, 1.01] * 3, [1.01, 1.0] * 3).find("system-out") is not None


def test_the_command_writes_all_of_it_and_prints_the_table(folder: Path, tmp_path: Path) -> None:
    """Exit 0: lean is faster."""
    done = command("--folder", folder, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.html",
        "comparison.md",
        "verdicts.json",
        "junit.xml",
    }
    assert done.stdout.startswith("lean against boto3: ")
    assert "▼ improved" in done.stdout
    assert done.stdout.rstrip().endswith("comparison.html")


def test_with_json_nothing_else_is_printed(folder: Path) -> None:
    """One document."""
    assert json.loads(command("--folder", folder, "--json").stdout)["schema"] == 1
    assert command("--folder", folder, "--quiet").stdout == ""


def test_a_gate_that_fails_is_exit_1(folder: Path) -> None:
    """boto3 against lean, the other way round: twice as slow is worse than 5 %."""
    bases = [folder / f"b-{pair:02}" for pair in range(1, 7)]
    candidates = [folder / f"a-{pair:02}" for pair in range(1, 7)]
    done = command(
        "--base",
        *bases,
        "--candidate",
        *candidates,
        "--gate",
        "query_vs_scan.latency_p50_ms{arm=query} no worse than 5%",
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "no worse than 5%: Fail: " in done.stdout


def two(tmp_path: Path, **over: object) -> list[object]:
    """Words for a run and another whose manifest differs."""
    base = written(tmp_path / "base", 0, record("f", 1.0))
    return ["--base", base, "--candidate", written(tmp_path / "candidate", 1, record("f", 2.0), **over)]


def test_what_cannot_be_compared_is_exit_2_with_the_way_out(tmp_path: Path) -> None:
    """One line; allowed, it is compared."""
    words = two(tmp_path, seed=2)
    done = command(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.rstrip().endswith("--allow seed")
    assert command(*words, "--allow", "seed").returncode == 0


@pytest.mark.parametrize(
    "words", [(), ("--base", "/nowhere"), ("--base", "/nowhere", "--candidate", "/nowhere"), ("--folder", "/nowhere")]
)
def test_wrong_usage_is_exit_2(words: tuple[str, ...]) -> None:
    """Nothing, half of it, what isn't there."""
    done = command(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("text", ["5", "0.2", "1"])
def test_a_confidence_that_is_none_is_exit_2(tmp_path: Path, text: str) -> None:
    """5 for 5 % is the likely mistake."""
    done = command(*two(tmp_path), "--confidence", text)
    assert done.returncode == 2
    assert "from 0.5 to below 1" in done.stderr


def test_a_run_that_was_cut_short_is_exit_3_unless_that_is_allowed(tmp_path: Path) -> None:
    """Its figures may be of its first half."""
    scenarios = {"query_vs_scan": {"status": "partial", "reason": "stopped by -t", "trials": []}}
    words = two(tmp_path, scenarios=scenarios)
    (tmp_path / "candidate" / "samples").mkdir()
    done = command(*words)
    assert done.returncode == 3
    assert "query_vs_scan is partial: stopped by -t" in done.stderr
    assert command(*words, "--allow", "partial").returncode == 0


def test_a_folder_that_cannot_be_written_is_exit_3(tmp_path: Path) -> None:
    """A file stands where it should be."""
    (tmp_path / "out").write_text("")
    done = command(*two(tmp_path), "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "can't be written" in done.stderr


def test_nothing_that_can_be_compared_is_exit_3(tmp_path: Path) -> None:
    """Both sides have the figure, and neither measured it."""
    silent = record("f", None, status="not_measured", reason="no server")
    paths = [written(tmp_path / name, place, silent) for place, name in enumerate(("base", "candidate"))]
    assert command("--base", paths[0], "--candidate", paths[1]).returncode == 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (0.1234, "+12.3 %"),
        (-0.0341, "−3.41 %"),
        (0.0, "0 %"),
        (1.5, "+150 %"),
        (2.0, "3 ×"),
        (10.3, "11.3 ×"),
        (-0.99, "−99 %"),
    ],
)
def test_a_change_is_written_in_per_cent_and_from_a_tripling_on_as_a_multiple(change: float, text: str) -> None:
    """Three digits at most."""
    assert told.percent(change) == text


@pytest.mark.parametrize(
    ("id", "unit", "text"),
    [
        ("latency_p95_ms", "ms", "Latency p95, arm query"),
        ("neighbour.throttled_share", "share", "Neighbour, throttled share, arm query"),
        ("units_per_answer", "read units", "Units per answer, arm query"),
    ],
)
def test_a_figure_is_named_as_one_would_say_it(id: str, unit: str, text: str) -> None:
    """Without the scenario, and without the unit that the figures beside it have."""
    assert told.subject(figure(id, arm="query"), unit) == text


def test_an_axis_has_room_for_all_changes_but_not_for_an_interval_without_end() -> None:
    """From −0.1 to ln 11 = 2.398, and 6 % of these 2.498 at both ends; the interval goes on to ln 400."""
    assert reach([np.log(11)], [-0.1, np.log(400)]) == pytest.approx((-0.2499, 2.5478), abs=1e-4)
    assert reach([0.0], [-9.0, 9.0]) == pytest.approx((-1.12 * np.log(4), 1.12 * np.log(4)))


def test_ticks_stand_apart_and_the_first_come_first() -> None:
    """Of an axis from 0 to 10, a fifth apart: 1 is too near to 0, and 4 comes before 5."""
    assert ticks([0.0, 1.0, 4.0, 5.0, 9.0, 11.0], (0.0, 10.0), 0.2) == [0.0, 4.0, 9.0]
