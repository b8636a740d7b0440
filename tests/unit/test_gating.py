"""Gates before and after a run: a baseline that isn't there is told before anything is measured, and one exit code comes of all."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from gated import finding, gated
from typer.testing import CliRunner

from harness import gating
from harness.cli import app
from harness.errors import UsageError
from harness.gating import Against, about, checked, worse

RELATIVE = "shop.units no worse than 5%"
FIGURES = [finding("units", 1.0, 1.0, 1.0)]


def refusal(against: Against, gates: Sequence[str]) -> str:
    with pytest.raises(UsageError) as caught:
        against.runs(gates)
    return str(caught.value)


def test_absolute_gates_need_no_baseline(tmp_path: Path) -> None:
    """Nor is one looked for that was given, which may be gone."""
    assert Against(baselines=(str(tmp_path / "gone"),)).runs(["shop.units <= 1"]) == ()


def test_a_relative_gate_without_a_baseline_says_how_to_make_one() -> None:
    """Before anything is measured, with the scenarios that need it."""
    assert refusal(Against(), ["shop.units <= 1", RELATIVE]) == (
        f"gate {RELATIVE} is relative, and there is no baseline; make one: `dbharness run shop --out BASELINE`, "
        "then --baseline BASELINE (`dbharness baseline add` keeps it)"
    )


def test_a_baseline_is_a_run_or_the_newest_whole_one_of_a_folder(tmp_path: Path) -> None:
    """Of three the last is partial; the run that is judged is none of its own."""
    for name, hour in (("old", 17), ("new", 18)):
        gated(tmp_path / name, FIGURES, started=f"2026-11-28T{hour}:00:00+00:00")
    gated(tmp_path / "cut", FIGURES, started="2026-11-28T19:00:00+00:00")
    manifest = json.loads((tmp_path / "cut" / "manifest.json").read_text()) | {"status": "partial"}
    (tmp_path / "cut" / "manifest.json").write_text(json.dumps(manifest))
    assert Against(baselines=(str(tmp_path / "old"),)).runs([RELATIVE]) == (tmp_path / "old",)
    store = Against(baselines=(str(tmp_path),))
    assert store.runs([RELATIVE]) == (tmp_path / "new",)
    assert store.runs([RELATIVE], besides=tmp_path / "new") == (tmp_path / "old",)


def test_a_store_without_a_run_of_the_scenario_is_told(tmp_path: Path) -> None:
    """With its name, and how to make one."""
    gated(tmp_path / "one", FIGURES)
    told = refusal(Against(baselines=(str(tmp_path),)), ["other.units no worse than 5%"])
    assert told == (
        f"--baseline {tmp_path}: has no whole run of other; make one: `dbharness run other --out BASELINE`, "
        "then --baseline BASELINE"
    )


def test_gates_about_the_scenarios_that_are_run() -> None:
    """The others are not asked."""
    assert about(["a.x <= 1", "b.x <= 1"], {"b"}) == ["b.x <= 1"]


def test_typed_gates_are_each_once_in_their_canonical_form() -> None:
    """However they were written; what is none is told with its place."""
    assert checked(["a.b<=1", "a.b  <= 1.0"]) == ("a.b <= 1",)
    with pytest.raises(
        UsageError, match=r"^--gate 'a.b = 1' must have <=, >=, <, > or no worse than at column 5, where"
    ):
        checked(["a.b = 1"])


def test_one_exit_code_comes_of_a_run_and_its_gates() -> None:
    """Ctrl-C, then wrong usage, then what can't be trusted, then what failed, then what was not decided."""
    codes = [130, 2, 3, 1, 4, 0]
    for place, first in enumerate(codes):
        for second in codes[place:]:
            assert (worse(first, second), worse(second, first)) == (first, first)


def test_whoever_makes_runs_to_compare_them_judges_their_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a pair has no baseline of its own; the other side is its baseline."""
    gates = ("shop.units <= 1", RELATIVE)
    assert gating.judged_here(gates) == gates
    monkeypatch.setenv(gating.ELSEWHERE_VARIABLE, "1")
    assert gating.judged_here(gates) == ()


def test_the_command_hands_on_what_it_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths as the child finds them from its own folder, and the child's exit code."""
    gated(tmp_path / "run", FIGURES, started="2026-11-28T19:00:00+00:00")
    gated(tmp_path / "base", FIGURES)
    asked = []

    def ask(module: str, words: Sequence[str]) -> int:
        asked.append((module, list(words)))
        return 4

    monkeypatch.setattr(gating, "ask", ask)
    monkeypatch.chdir(tmp_path)
    words = [
        "gate",
        "run",
        "--gate",
        RELATIVE,
        "--baseline",
        "base",
        "--allow",
        "seed",
        "--inconclusive",
        "fail",
        "--json",
    ]
    assert CliRunner().invoke(app, words).exit_code == 4
    assert asked == [
        (
            "reports.gates",
            [str(tmp_path / "run"), "--inconclusive", "fail", "--gate", RELATIVE, "--baseline", str(tmp_path / "base"),
             "--allow", "seed", "--json"],
        )
    ]  # fmt: skip


def test_a_run_without_findings_has_said_why_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its report couldn't be made; its own exit code says so."""
    monkeypatch.setattr(gating, "answer", lambda *_, as_json: (1, {"schema": 1} if as_json else None))
    gated(tmp_path, FIGURES)
    assert Against().after_report(tmp_path, ["shop.units <= 0"], ()) == (1, None)
    assert Against().after_report(tmp_path, ["shop.units <= 0"], (), as_json=True) == (1, {"schema": 1})
    assert Against().after_report(tmp_path, [], ()) == (0, None)
    (tmp_path / "findings.json").unlink()
    assert Against().after_report(tmp_path, ["shop.units <= 0"], ()) == (0, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere is not a run directory; give a folder that `dbharness run` wrote"),
        (["run"], "run: its configuration has no gates; give one with --gate"),
        (["run", "--gate", RELATIVE], "is relative, and there is no baseline; make one"),
    ],
)
def test_the_command_says_in_a_line_what_it_cannot_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    """As UsageError, which main turns into exit 2."""
    gated(tmp_path / "run", FIGURES)
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["gate", *words]).exception
    assert isinstance(error, UsageError)
    assert said in str(error)
