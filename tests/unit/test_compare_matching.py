"""Which figure is which, and how two sets of runs can be compared."""

import json
from pathlib import Path

import planted_sides as planted
import pytest
from planted_sides import figure, record, run

from reports.compare import designs
from reports.compare.matching import LabelDifference, match
from reports.load import NotARun


def test_figures_are_matched_by_id_and_labels() -> None:
    """One by one; what only one side has is listed."""
    base = run(0, record("latency_p50_ms", 1, arm="query"), record("latency_p50_ms", 2, arm="scan"), record("gone", 1))
    candidate = run(
        1, record("latency_p50_ms", 3, arm="scan"), record("latency_p50_ms", 4, arm="query"), record("new", 1)
    )
    found = match([base], [candidate])
    assert [one.figure for one in found.matches] == [
        figure("latency_p50_ms", arm="query"), figure("latency_p50_ms", arm="scan"),
    ]  # fmt: skip
    assert (found.only_base, found.only_candidate, found.labels) == ((figure("gone"),), (figure("new"),), ())


def test_a_label_that_is_each_sides_own_all_over_is_dropped_and_named() -> None:
    """lean here, boto3 there; the arm tells figures apart and stays."""
    base = run(0, *(record("units", 1, arm=arm, client="boto3") for arm in ("query", "scan")))
    candidate = run(1, *(record("units", 1, arm=arm, client="lean") for arm in ("query", "scan")))
    found = match([base], [candidate])
    assert [one.figure for one in found.matches] == [figure("units", arm="query"), figure("units", arm="scan")]
    assert found.matches[0].base == figure("units", arm="query", client="boto3")
    assert found.labels == (LabelDifference(name="client", base="boto3", candidate="lean"),)


def test_a_label_with_two_values_on_one_side_is_not_guessed_away() -> None:
    """boto3 and lean against lean: lean is compared, boto3 is only one side's."""
    base = run(0, record("units", 1, client="boto3"), record("units", 1, client="lean"))
    found = match([base], [run(1, record("units", 1, client="lean"))])
    assert [one.figure for one in found.matches] == [figure("units", client="lean")]
    assert found.only_base == (figure("units", client="boto3"),)


def test_a_figure_at_another_step_is_another_figure() -> None:
    """A table of 27,004 items isn't one of 4,000, though each side has one step only."""
    found = match([run(0, record("units", 1, step="27004"))], [run(1, record("units", 1, step="4000"))])
    assert (found.matches, found.labels) == ((), ())
    assert (len(found.only_base), len(found.only_candidate)) == (1, 1)


def test_a_label_is_dropped_of_one_id_where_another_id_needs_it() -> None:
    """One id has the engine's server, the other compares servers."""
    base = run(0, record("hits", 1, server="A 1"), record("both", 1, server="A 1"), record("both", 2, server="B"))
    candidate = run(1, record("hits", 1, server="A 2"), record("both", 1, server="A 1"), record("both", 2, server="B"))
    assert {one.figure for one in match([base], [candidate]).matches} == {
        figure("hits"), figure("both", server="A 1"), figure("both", server="B"),
    }  # fmt: skip


def started(*places: int) -> list[planted.Recorded]:
    return [run(place) for place in places]


def test_runs_that_alternate_pair_by_pair_are_interleaved_pairs_in_the_order_of_time() -> None:
    """A B, B A, A B; given in any order."""
    sides = designs.of_runs(started(4, 0, 3), started(2, 5, 1))
    assert (sides.design, sides.order) == ("interleaved_pairs", ("base", "candidate", "base"))
    assert [one.id for one in sides.base.runs] == ["run-00", "run-03", "run-04"]
    assert [one.id for one in sides.candidate.runs] == ["run-01", "run-02", "run-05"]


@pytest.mark.parametrize(
    ("base", "candidate", "design"),
    [
        ((0, 1, 2), (3, 4, 5), "runs_in_sequence"),
        ((0, 3, 4, 5), (1, 2, 6, 7), "runs_in_sequence"),  # the third pair is of two bases
        ((0, 2, 4), (1, 3), "runs_in_sequence"),  # not as many
        ((0,), (1,), "one_against_one"),
        ((0,), (1, 2, 3), "one_against_one"),  # one run on a side says nothing of its spread
    ],
)
def test_other_orders_are_runs_in_sequence_and_a_single_run_is_one(
    base: tuple[int, ...], candidate: tuple[int, ...], design: str
) -> None:
    """By when they were started."""
    assert designs.of_runs(started(*base), started(*candidate)).design == design


def test_runs_that_ran_at_once_are_no_pairs() -> None:
    """They disturbed each other, and their order says nothing."""
    late = (planted.BEGIN + 3 * planted.A_RUN).isoformat()
    base = [run(0, ended=late), run(3)]
    assert designs.of_runs(base, started(1, 4)).design == "runs_in_sequence"


def test_runs_that_do_not_say_when_they_ended_are_no_pairs() -> None:
    """Cut short, or of another tool."""
    assert designs.of_runs([run(0, ended=None), run(3)], started(1, 2)).design == "runs_in_sequence"


def ab(folder: Path, pairs: int, **over: object) -> Path:
    """A folder as ab leaves it; b first in every other pair."""
    document = {
        "schema": 1, "scenario": "query_vs_scan", "seed": 7, "looks": [[2, 0.975], [4, 0.975]], "ended": None,
        "sides": {"a": {"name": "boto3", "words": "client=boto3"}, "b": {"name": "lean", "words": "client=lean"}},
        "pairs": [],
    } | over  # fmt: skip
    listed = document["pairs"]
    assert isinstance(listed, list)
    for pair in range(1, pairs + 1):
        names = {letter: f"{letter}-{pair:02}" for letter in "ab"}
        for place, letter in enumerate("ab" if pair % 2 else "ba"):
            planted.written(folder / names[letter], 2 * pair + place, record("latency_p50_ms", 1.0))
        listed.append({"pair": pair, "order": list("ab" if pair % 2 else "ba"), **names})
    (folder / "comparison.json").write_text(json.dumps(document))
    return folder


def test_the_folder_of_ab_says_which_run_is_whose_and_how_sure_a_look_is(tmp_path: Path) -> None:
    """A and B become base and candidate, under the names they were given."""
    sides = designs.of_folder(ab(tmp_path, 3))
    assert (sides.design, sides.order) == ("interleaved_pairs", ("base", "candidate", "base"))
    assert (sides.base.name, sides.candidate.name, sides.confidence) == ("boto3", "lean", 0.975)
    assert (sides.declared, sides.seed, len(sides.base.runs)) == (True, 7, 3)


def test_a_pair_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    """Its second run has no findings yet."""
    (ab(tmp_path, 3) / "b-03" / "findings.json").unlink()
    assert len(designs.of_folder(tmp_path).base.runs) == 2


def test_a_single_pair_is_one_against_one(tmp_path: Path) -> None:
    """It has no spread."""
    assert designs.of_folder(ab(tmp_path, 1)).design == "one_against_one"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "give a folder that `dbharness ab` wrote"),
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"schema": 1, "sides": {"a": {}}, "pairs": []}', "sides or pairs are missing"),
        ('{"schema": 2, "sides": {"a": {}, "b": {}}, "pairs": []}', "newer dbharness"),
        ('{"schema": 1, "sides": {"a": {"name": "a"}, "b": {"name": "b"}}, "pairs": []}', "no whole pair"),
    ],
)
def test_a_folder_without_pairs_says_what_to_do(tmp_path: Path, text: str | None, said: str) -> None:
    """One line each."""
    if text is not None:
        (tmp_path / "comparison.json").write_text(text)
    with pytest.raises(NotARun, match=said):
        designs.of_folder(tmp_path)
