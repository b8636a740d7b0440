"""A series' plan, and what becomes of its findings on the command line."""

from pathlib import Path
from typing import Any

import pytest

from harness.plan import Cell, interleave
from harness.series.run import FALSE_ALARMS, Outcome


def false_alarms(figure: str, alarms: int, comparisons: int, pairs: int = 6) -> dict[str, Any]:
    """A finding as findings.json has it."""
    return {
        "id": FALSE_ALARMS, "labels": {"figure": figure, "pairs": str(pairs)}, "value": alarms / comparisons, "low": 0.0,
        "high": 1.0, "n": comparisons, "counts": [alarms, comparisons],
    }  # fmt: skip


def outcome(*findings: dict[str, Any], interrupted: bool = False) -> Outcome:
    return Outcome(run=Path("runs/aa"), pairs=6, findings=findings, interrupted=interrupted)


def test_as_many_false_alarms_as_chance_gives_are_well_and_one_more_is_not() -> None:
    """4 of 20 and 5 of 20; METHOD §1."""
    well = outcome(false_alarms("p50", 1, 20), false_alarms("p95", 4, 20))
    assert (well.exit_code, well.as_record()["well"]) == (0, True)
    assert list(well.lines()) == ["no figure was told apart more often than chance does", "everything is in runs/aa"]
    crying = outcome(false_alarms("p50", 1, 20), false_alarms("p95", 5, 20))
    assert (crying.exit_code, crying.as_record()["well"]) == (1, False)
    assert next(crying.lines()) == (
        "TOO MANY: p95: 5 of 20 comparisons told apart what is the same, 4 or fewer were to be expected"
    )


def test_only_the_pairs_that_were_asked_for_decide() -> None:
    """The same series cut at ten pairs is reported and no more."""
    found = outcome(false_alarms("p50", 1, 20), false_alarms("p50", 9, 12, pairs=10))
    assert [one["alarms"] for one in found.alarms] == [1]
    assert found.exit_code == 0


def test_a_figure_that_was_not_compared_says_nothing_and_none_at_all_is_exit_3() -> None:
    """Not measured is neither well nor ill."""
    absent = false_alarms("p99", 0, 20) | {"value": None}
    assert outcome(absent, false_alarms("p50", 0, 20)).exit_code == 0
    assert outcome(absent).exit_code == 3
    assert outcome(absent).as_record()["well"] is False


def test_ctrl_c_is_130_whatever_was_found() -> None:
    """What there is can be read all the same."""
    assert outcome(false_alarms("p50", 9, 20), interrupted=True).exit_code == 130


@pytest.mark.parametrize("seed", ["1/series", "2/series"])
def test_both_names_come_in_every_pair_and_which_is_first_is_drawn(seed: str) -> None:
    """Each is first about as often: of 200 pairs, from 70 to 130 times (4.2 standard deviations either way)."""
    plan = interleave([Cell(arms=("a", "b"), step="dynamodb")], rounds=200, seed=seed)
    pairs = [(plan[at].arm, plan[at + 1].arm) for at in range(0, 400, 2)]
    assert {*pairs} == {("a", "b"), ("b", "a")}
    assert 70 <= pairs.count(("a", "b")) <= 130
    assert [trial.pair for trial in plan] == [number // 2 for number in range(400)]
