"""What gates leave behind: gates.json, junit.xml, the report's section; and the child that leaves it."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from gated import finding, gated, judged

from reports import build
from reports.findings import Finding
from reports.gates.files import read, write
from reports.load import Run
from reports.records import Recorded
from reports.render.gates import BEGIN, END, placed
from reports.render.markdown import MOST_CHARACTERS
from reports.section import Section

FIGURES = [
    finding("down_s", 0.29, 0.15, 0.43, unit="s", labels={"client": "tuned"}),
    finding("hits", 0.2, 0.15, 0.25, unit="share", labels={"share": "0.1"}),
    finding("hits", 0.6, 0.55, 0.65, unit="share", labels={"share": "0.3"}),
    finding("p95_ms", 1.0, 0.9, 1.1, status="tool_bound", reason="a busy <core> & more"),
]
GATES = ("shop.down_s <= 1", "shop.down_s <= 300 ms", "all shop.hits >= 50 %", "shop.p95_ms <= 2", "other.x >= 1")


@pytest.fixture
def run(tmp_path: Path) -> Recorded:
    return gated(tmp_path / "run", FIGURES, gates=GATES)


def child(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "reports.gates", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_gates_json_has_words_figures_and_the_exit_code(run: Recorded) -> None:
    """What docs/gates.md says of it; limits in the figure's unit."""
    document = write(run, judged(run, *GATES))
    assert document == json.loads((Path(run.path) / "gates.json").read_text())
    assert {name: document[name] for name in ("schema", "run", "word", "exit_code", "inconclusive", "baselines")} == {
        "schema": 1, "run": "run", "word": "invalid", "exit_code": 3, "inconclusive": "pass", "baselines": [],
    }  # fmt: skip
    assert [gate["word"] for gate in document["gates"]] == ["pass", "inconclusive", "fail", "invalid"]
    assert document["not_asked"] == [{"gate": "other.x >= 1", "reason": "this run wasn't asked for other"}]
    [figure] = document["gates"][1]["figures"]
    assert {name: figure[name] for name in ("id", "labels", "value", "low", "high", "limit", "unit", "n")} == {
        "id": "shop.down_s", "labels": {"client": "tuned"}, "value": 0.29, "low": 0.15, "high": 0.43, "limit": 0.3, "unit": "s",
        "n": 6,
    }  # fmt: skip


@pytest.mark.parametrize(("inconclusive", "shown"), [("pass", "skipped"), ("fail", "failure")])
def test_junit_has_a_case_for_each_gate(run: Recorded, inconclusive: Any, shown: str) -> None:
    """An inconclusive one is skipped, unless inconclusive fails."""
    write(run, judged(run, *GATES, inconclusive=inconclusive))
    cases = ET.parse(Path(run.path) / "junit.xml").getroot().findall("testsuite/testcase")
    kinds = [next(child.tag for child in case if child.tag != "properties") for case in cases]
    assert kinds == ["system-out", shown, "failure", "error", "skipped"]
    assert [case.attrib["name"] for case in cases] == list(GATES)
    assert cases[0].attrib["classname"] == "shop.down_s"
    properties = {one.attrib["name"]: one.attrib["value"] for one in cases[0].iter("property")}
    assert properties == {
        "word": "pass",
        "value": "0.29",
        "low": "0.15",
        "high": "0.43",
        "limit": "1.0",
        "unit": "s",
        "n": "6",
    }
    assert "fail: share 0.1: 20 %, 95 % interval 15 % to 25 %, against >= 50 %" in str(cases[2].findtext("failure"))


def test_the_report_shows_the_gates_whenever_they_are_judged(run: Recorded) -> None:
    """Put into page and Markdown that were there before, once however often, and kept when the report is made again."""
    path, made = Path(run.path), Run.load(Path(run.path))
    findings = tuple(Finding(**record) for record in FIGURES)  # type: ignore[arg-type] - records have a finding's members
    sections = [Section(scenario="shop", title="Shop", verdict=(), findings=findings, charts=(), method=())]
    build.write(made, sections)
    bare = {name: (path / name).read_text() for name in ("report.html", "report.md")}
    assert all(part(text) == f"{BEGIN}\n{END}" for text in bare.values())
    for _ in range(2):
        write(run, judged(run, *GATES))
    page, text = (path / "report.html").read_text(), (path / "report.md").read_text()
    assert (page.count('id="gates"'), text.count("## Gates")) == (1, 1)
    assert "| `shop.down_s <= 1` | ✓ pass | 290 ms, 95 % interval 150 ms to 430 ms | <= 1 s |" in part(text)
    assert (
        '<span class="badge fail"><span aria-hidden="true">✗</span> fail</span> <code>all shop.hits &gt;= 50 %</code>'
        in part(page)
    )
    assert '<td class="state pass"><span aria-hidden="true">✓</span> pass</td>' in part(page)
    assert "a busy &lt;core&gt; &amp; more" in part(page)
    assert placed(page, part(bare["report.html"])) == bare["report.html"]
    assert placed(text, part(bare["report.md"])) == bare["report.md"]
    build.write(made, sections)
    assert ((path / "report.html").read_text(), (path / "report.md").read_text()) == (page, text)


def part(text: str) -> str:
    """What stands between the marks, with them."""
    return BEGIN + text.partition(BEGIN)[2].partition(END)[0] + END


def test_a_report_made_again_shows_gates_that_rest_on_its_findings_and_no_others(run: Recorded) -> None:
    """The document says on which findings it rests."""
    path = Path(run.path)
    document = write(run, judged(run, GATES[0]))
    findings = (path / "findings.json").read_text()
    assert read(path, findings) == document
    assert read(path, findings.replace("0.29", "0.28")) is None
    (path / "gates.json").write_text("{")
    assert read(path, findings) is None


def test_markdown_still_fits_a_comment_with_its_gates(run: Recorded) -> None:
    """What is too long is cut at its end."""
    file = Path(run.path) / "report.md"
    file.write_text(f"# it\n\n{BEGIN}\n{END}\n" + "a line\n" * 9_285)
    write(run, judged(run, *GATES))
    text = file.read_text()
    assert len(text) <= MOST_CHARACTERS
    assert "## Gates" in text
    assert text.endswith("Cut here: the rest is in report.html and findings.json.\n")


def test_the_child_judges_the_configurations_gates_and_warns_of_what_is_inconclusive(tmp_path: Path) -> None:
    """Exit 0 with a warning; 4 where inconclusive fails."""
    run = gated(tmp_path / "run", FIGURES, gates=GATES[:2])
    told = child(run.path)
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[0].startswith("shop.down_s <= 1: Pass: 290 ms")
    assert lines[1].startswith("warning: shop.down_s <= 300 ms: Inconclusive: 290 ms")
    assert lines[2].startswith("2 gates: 1 inconclusive, 1 pass. gates: ")
    assert child(run.path, "--inconclusive", "fail").returncode == 4


def test_the_child_prints_one_document_for_programs(run: Recorded) -> None:
    """The same as gates.json; exit 1 for a gate that fails."""
    told = child(run.path, "--gate", GATES[2], "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout) == json.loads((Path(run.path) / "gates.json").read_text())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--gate", "shop.downs <= 1"], "no figure of this run has the id shop.downs; nearest: shop.down_s"),
        (["--gate", "shop.down_s == 1"], "gate 'shop.down_s == 1' must have <=, >=, <, > or no worse than at column 13"),
        (["--gate", "shop.down_s no worse than 5%"], "is relative, and there is no baseline; make one: `dbharness run shop"),
        (["--gate", "other.x >= 1"], "run run has no scenario other; it has shop"),
        (["--baseline", "nowhere"], "nowhere: manifest.json: No such file or directory; give a folder that `dbharness run` wrote"),
    ],
)  # fmt: skip
def test_the_child_ends_with_2_for_wrong_usage_and_leaves_nothing(run: Recorded, words: list[str], said: str) -> None:
    """One line, with the way out."""
    told = child(run.path, *words)
    assert (told.returncode, told.stdout) == (2, "")
    assert said in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (Path(run.path) / "gates.json").exists()
