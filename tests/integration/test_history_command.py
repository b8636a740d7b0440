"""`dbharness history` and `dbharness baseline`, as they are typed, over stores of planted runs."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from planted_history import noisy, planted_nights, planted_run, record

from harness.paths import PROJECT_ROOT


def typed(*words: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    command = [sys.executable, "-m", "harness.cli", *map(str, words)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve nights of one figure with a change at the seventh; one quick try; one that was cut short."""
    store = tmp_path_factory.mktemp("kept")
    nights = planted_nights(
        store,
        [*noisy(10, 6), *noisy(14, 6)],
        changes={6: {"git": {"commit": "c" * 40, "dirty": False}}},
        labels={"arm": "query"},
    )
    for night in nights:
        findings = json.loads((night / "findings.json").read_text())
        steady = noisy(5, 12)[int(night.name[-2:]) - 1]
        (night / "findings.json").write_text(
            json.dumps([*findings, record("latency_p50_ms", steady, labels={"arm": "query"})])
        )
    planted_run(store / "tried", [record("latency_p95_ms", 1.0)], night=3, profile="smoke")
    planted_run(store / "cut", [], night=4, status="partial", reason="interrupted")
    return store


def test_the_terminal_has_the_figures_that_changed_and_how_many_didnt(store: Path) -> None:
    """And which runs were left out, and that this is a screen."""
    code, out, err = typed("history", store)
    assert (code, err) == (0, "")
    assert (
        "query_vs_scan: 12 runs, 1 Nov 2026, 02:00 to 12 Nov 2026, 02:00 (alike in target local · profile quick · seed 1 · "
        in out
    )
    assert "1 left out: 1 of another profile." in out
    changed = "against the run before: git: commit – → cccccccccccc; git: uncommitted changes – → no"
    assert f"run 7: night-07, 7 Nov 2026, 02:00\n  {changed}\n" in out
    assert re.search(r"\n  \+40 %  9\.99 → 13\.99 ms  p < 1e-6  query_vs_scan\.latency_p95_ms\{arm=query\}\n", out)
    assert "latency_p50_ms" not in out
    assert "1 of 2 figures changed their level, 1 didn't." in out
    assert "left out: cut: it is partial: interrupted" in out
    assert "Where to look, not a verdict" in out


def test_json_is_the_one_document_of_standard_output_and_the_page_is_one_file(store: Path, tmp_path: Path) -> None:
    """Both have the change; the page has its chart, tables, the sentence about verdicts, and fetches nothing."""
    code, out, _ = typed("history", store, "--json", "--out", tmp_path / "page")
    assert code == 0
    said = json.loads(out)
    assert said["schema"] == 1 and [left["run"] for left in said["left_out"]] == ["cut"]
    (history,) = said["histories"]
    assert history["figures"] == {"changed": 1, "unchanged": 1, "not_tested": 0}
    assert [left["run"] for left in history["left_out"]] == ["tried"]
    changed = next(trend for trend in history["trends"] if trend["change_points"])
    assert (changed["figure"], len(changed["points"])) == ("query_vs_scan.latency_p95_ms{arm=query}", 12)
    (point,) = changed["change_points"]
    assert (point["run"], point["previous"], point["n_before"], point["n_after"]) == ("night-07", "night-06", 6, 6)
    assert point["differs"][0] == {"topic": "git", "name": "commit", "before": "–", "after": "c" * 12}
    assert json.loads((tmp_path / "page" / "history.json").read_text()) == said
    page = (tmp_path / "page" / "history.html").read_text()
    assert "Where to look, not a verdict" in page and page.count("<figure") == page.count("<svg") == 1
    assert "<script" not in page and not re.search(r'(?:src|href)="https?:', page)
    assert typed("history", store, "--out", tmp_path / "again")[0] == 0
    assert (tmp_path / "again" / "history.html").read_text() == page


def test_a_store_without_a_run_says_how_to_put_one_there(store: Path, tmp_path: Path) -> None:
    """Not there, empty, or with nothing that is whole."""
    code, _, err = typed("history", tmp_path / "none")
    assert code == 2 and "no such folder; put a run there: dbharness baseline add RUN --store" in err
    code, _, err = typed("history", tmp_path)
    assert code == 2 and "no run to follow; put a run there: dbharness baseline add RUN" in err
    planted_run(tmp_path / "cut", [], status="partial", reason="interrupted")
    code, _, err = typed("history", tmp_path)
    assert code == 2
    assert "no run to follow (1 left out: 1 partial; the last: cut, it is partial: interrupted); put a run there" in err
    (tmp_path / "file").write_text("")
    code, _, err = typed("history", store, "--out", tmp_path / "file" / "page")
    assert code == 3 and "--out" in err and err.count("\n") == 1


def test_a_baseline_is_added_listed_and_fetched(store: Path, tmp_path: Path) -> None:
    """The newest whole run where none is named; not one that was cut short."""
    kept = tmp_path / "kept"
    for name in ("night-02", "night-01"):
        assert typed("baseline", "add", store / name, "--store", kept) == (0, f"{kept}/{name}\n", "")
    code, _, err = typed("baseline", "add", store / "cut", "--store", kept)
    assert (code, err) == (2, f"{store}/cut: is partial; a baseline needs a whole run\n")
    _, out, _ = typed("baseline", "list", "--store", kept)
    assert [line.split()[0] for line in out.splitlines()] == ["run", "night-01", "night-02"]
    _, out, _ = typed("baseline", "list", "--store", kept, "--json")
    assert [(run["name"], run["status"], run["profile"]) for run in json.loads(out)["runs"]] == [
        ("night-01", "complete", "quick"), ("night-02", "complete", "quick"),
    ]  # fmt: skip
    assert typed("baseline", "fetch", "--store", kept, "--out", tmp_path / "base") == (0, f"{tmp_path}/base\n", "")
    assert json.loads((tmp_path / "base" / "manifest.json").read_text())["id"] == "night-02"
    code, out, _ = typed("baseline", "fetch", "night-01", "--store", kept, "--out", tmp_path / "named", "--json")
    assert (code, json.loads(out)) == (0, {"schema": 1, "run": f"{tmp_path}/named"})
    code, out, _ = typed("baseline", "add", store / "night-03", "--store", kept, "--name", "release", "--json")
    assert (code, json.loads(out)) == (0, {"schema": 1, "run": f"{kept}/release"})
    code, _, err = typed("baseline", "fetch", "night-09", "--store", kept, "--out", tmp_path / "other")
    assert code == 2 and "no run night-09; there are night-01, night-02, release" in err
    code, _, err = typed("baseline", "fetch", "--scenario", "rds_failover", "--store", kept)
    assert code == 2 and "no whole run of rds_failover; put a run there" in err
