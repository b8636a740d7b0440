"""What is compared with what, as it is typed, and as the child that compares is told."""

from pathlib import Path

import pytest

from harness.cli_compare import Difference, words_of_runs
from harness.errors import UsageError
from reports.compare.refusals import ALLOWABLE


def test_two_runs_are_base_and_candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order; the child works elsewhere, so they are told whole."""
    monkeypatch.chdir(tmp_path)
    assert words_of_runs(["before", "/runs/after"], [], []) == [
        "--base", str(tmp_path / "before"), "--candidate", "/runs/after",
    ]  # fmt: skip


def test_several_runs_a_side_are_named_by_side() -> None:
    """All bases after one option, all candidates after the other."""
    assert words_of_runs([], ["/a", "/b"], ["/c"]) == ["--base", "/a", "/b", "--candidate", "/c"]


def test_a_url_is_the_same_everywhere() -> None:
    """Runs that are kept at a bucket."""
    assert words_of_runs(["s3://bucket/run", "/after"], [], [])[:2] == ["--base", "s3://bucket/run"]


def test_one_folder_is_what_ab_made_and_its_report_is_made_again_there(tmp_path: Path) -> None:
    """The pairs are known, and so is the place."""
    (tmp_path / "comparison.json").write_text("{}")
    assert words_of_runs([str(tmp_path)], [], []) == ["--folder", str(tmp_path), "--out", str(tmp_path)]


def test_pairs_are_held_to_the_gates_that_were_declared_before_them_unless_others_are_given(tmp_path: Path) -> None:
    """Which figures count isn't chosen by looking at them."""
    (tmp_path / "comparison.json").write_text('{"gates": ["x no worse than 5%", "y no worse than 2%"]}')
    place = ["--folder", str(tmp_path), "--out", str(tmp_path)]
    declared = ["--gate", "x no worse than 5%", "--gate", "y no worse than 2%"]
    assert words_of_runs([str(tmp_path)], [], []) == [*place, *declared]
    assert words_of_runs([str(tmp_path)], [], [], ["z no worse than 1%"]) == [*place, "--gate", "z no worse than 1%"]


def test_runs_are_held_to_the_gates_that_are_given() -> None:
    """After both sides."""
    assert words_of_runs(["/a", "/b"], [], [], ["x no worse than 5%"])[4:] == ["--gate", "x no worse than 5%"]


def test_a_damaged_comparison_is_no_folder_of_pairs(tmp_path: Path) -> None:
    """Nor is a list."""
    for text in ("{", "[]"):
        (tmp_path / "comparison.json").write_text(text)
        with pytest.raises(UsageError, match="no folder that `dbharness ab` made"):
            words_of_runs([str(tmp_path)], [], [])


@pytest.mark.parametrize(
    ("runs", "bases", "candidates", "says"),
    [
        ([], [], [], "--base: no run on that side; give BASE CANDIDATE"),
        ([], ["x"], [], "--candidate: no run on that side; give BASE CANDIDATE"),
        ([], [], ["x"], "--base: no run on that side"),
        (
            ["x"],
            [],
            [],
            f"{Path('x').absolute()}: no folder that `dbharness ab` made; a single run is compared with another",
        ),
        (["x", "y", "z"], [], [], "3 runs: which are on which side? give several by --base RUN"),
        (["x"], ["y"], ["z"], "x: which side is it on? name runs either one by one, or by --base and --candidate"),
    ],
)
def test_anything_else_is_refused_in_one_line(
    runs: list[str], bases: list[str], candidates: list[str], says: str
) -> None:
    """With what would do."""
    with pytest.raises(UsageError) as refused:
        words_of_runs(runs, bases, candidates)
    assert str(refused.value).startswith(says) and "\n" not in str(refused.value)


def test_what_may_be_allowed_is_what_the_comparison_knows() -> None:
    """The command line lists it before anything is measured; the comparison lives in another process."""
    assert {one.value for one in Difference} == set(ALLOWABLE)
