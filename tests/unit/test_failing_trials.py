"""A trial that fails by itself: its cell is given up with the reason, the rest of the plan is measured."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.conductor import Conductor
from harness.errors import CannotMeasure, TrialBroken, TrialFailed
from harness.generator import Figures
from harness.plan import Cell, Trial, interleave

FIGURES = Figures(
    begin_ns=0, end_ns=5, cpu_share=0.0, lateness_p50_ms=None, lateness_p99_ms=None, queued_p99_ms=None, attempts=1,
    dropped={}, gc_pauses=0,
)  # fmt: skip


class Heard:
    """Events as they are written."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int | None, dict[str, Any]]] = []

    def add(self, kind: str, *, trial: int | None = None, t_ns: int | None = None, **fields: Any) -> int:
        self.events.append((kind, trial, fields))
        return 0


class Crew:
    """Does nothing, at once; trials that are ``breaking`` lose part of their load."""

    def __init__(self, breaking: tuple[int, ...] = ()) -> None:
        self.breaking = breaking
        self.performed: list[int] = []

    def muster(self, trial: Trial) -> None:
        """All are there."""

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        on_begin(0)
        self.performed.append(trial.trial)
        if trial.trial in self.breaking:
            raise TrialBroken("worker 1 was lost")
        return FIGURES

    def stop(self, patience_s: float) -> None:
        """Nothing is under way."""


class Breaks:
    """A scenario whose cell ``broken`` fails where it is told to; every trial turns out to be one of a crash."""

    def __init__(self, where: str, error: Exception) -> None:
        self.where, self.error = where, error
        self.tally: dict[str, int] = {}
        self.ended: list[int] = []

    def prepare(self, trial: Trial) -> None:
        self._maybe("prepare", trial)

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """Nothing to inject."""

    def end(self, trial: Trial) -> None:
        self.ended.append(trial.trial)
        self._maybe("end", trial)

    def became(self, trial: Trial) -> Trial:
        return replace(trial, labels={"fault": "crash"})

    def _maybe(self, where: str, trial: Trial) -> None:
        if where == self.where and trial.step == "broken":
            raise self.error


def walked(where: str, error: Exception, *breaking: int) -> tuple[Conductor, Crew, Heard, list[Trial]]:
    trials = interleave([Cell(arms=("one",), step="sound"), Cell(arms=("one",), step="broken")], rounds=3, seed="s")
    crew, heard = Crew(breaking), Heard()
    scenario: Any = Breaks(where, error)
    events: Any = heard
    conductor = Conductor(scenario, trials, crew, events, on_progress=lambda *_: None)
    return conductor, crew, heard, trials


@pytest.mark.parametrize(("where", "tried"), [("prepare", 0), ("end", 1)])
def test_a_trial_that_fails_takes_its_cell_with_it_and_nothing_else(where: str, tried: int) -> None:
    """Three rounds of two cells: the sound one is done three times, the broken one tried once, and each of its three trials says why."""
    conductor, crew, heard, trials = walked(where, TrialFailed("no server came back"))
    conductor.walk()
    sound = [trial.trial for trial in trials if trial.step == "sound"]
    broken = [trial.trial for trial in trials if trial.step == "broken"]
    assert conductor.done == 3
    assert [trial.trial for trial in trials if conductor.was_done(trial)] == sound
    assert conductor.failed == dict.fromkeys(broken, "no server came back")
    assert len([trial for trial in crew.performed if trial in broken]) == tried
    said = [(trial, fields) for kind, trial, fields in heard.events if kind == "trial_failed"]
    assert said == [(trial, {"reason": "no server came back"}) for trial in broken]


def test_what_concerns_the_whole_run_still_ends_it() -> None:
    """Samples that can't be written, say: the first round isn't even finished."""
    conductor, _, _, trials = walked("prepare", CannotMeasure("the disk is full"))
    with pytest.raises(CannotMeasure, match="the disk is full"):
        conductor.walk()
    assert conductor.done <= 1
    assert conductor.failed == {}
    assert len(trials) == 6


def test_a_trial_that_breaks_off_is_done_again_right_after_it_and_so_is_its_repetition() -> None:
    """Of six trials the second breaks off, and so does the one that repeats it, numbered 6: 7 takes its turn before the third."""
    conductor, crew, heard, planned = walked("nowhere", CannotMeasure("never"), 1, 6)
    conductor.walk()
    assert crew.performed == [0, 1, 6, 7, 2, 3, 4, 5]
    assert (conductor.done, conductor.planned) == (6, 6)
    assert conductor.broken == {1: "worker 1 was lost", 6: "worker 1 was lost"}
    first, again, third = conductor.trials[1:4]
    assert (again.repeats, third.repeats) == (1, 6)
    assert {(one.pair, one.arm, one.step) for one in (first, again, third)} == {
        (planned[1].pair, "one", planned[1].step)
    }
    assert [conductor.was_done(one) for one in (first, again, third)] == [False, False, True]
    said = [(trial, fields) for kind, trial, fields in heard.events if kind == "trial_repeated"]
    assert said == [(1, {"by": 6, "reason": "worker 1 was lost"}), (6, {"by": 7, "reason": "worker 1 was lost"})]


def test_what_a_trial_became_stands_in_its_place_but_one_that_broke_off_stays_as_planned() -> None:
    """The second of six breaks off; the trial that does it again, number 6, is known by what it became."""
    conductor, _, _, planned = walked("nowhere", CannotMeasure("never"), 1)
    conductor.walk()
    assert [one.trial for one in conductor.trials] == [0, 1, 6, 2, 3, 4, 5]
    assert conductor.trials[1] == planned[1]
    assert {one.labels["fault"] for one in conductor.trials if one.trial != 1} == {"crash"}
    assert conductor.done == 6


def test_what_the_end_of_a_broken_trial_finds_in_disorder_does_not_take_its_cell_along() -> None:
    """The topology was left in the middle of a failover: the trial that does it again has a new one."""
    conductor, crew, _, trials = walked("end", TrialFailed("no server came back"))
    (first, *_) = (trial.trial for trial in trials if trial.step == "broken")
    crew.breaking = (first,)
    conductor.walk()
    assert conductor.broken == {first: "worker 1 was lost"}
    assert first not in conductor.failed
    assert crew.performed.count(6) == 1


def test_a_repetition_takes_a_turn_of_its_own_and_only_it_says_what_it_repeats() -> None:
    """Trial 9 repeats trial 3 of pair 1: what is written differs from all that pairs write, whose numbers are lower."""
    planned = Trial(trial=3, pair=1, arm="a", step="s", labels={}, params={})
    again = Trial(trial=9, pair=1, arm="a", step="s", labels={}, params={}, repeats=3)
    assert (planned.turn, again.turn) == (1, 9)
    assert "repeats" not in planned.as_record(done=False)
    assert again.as_record(done=True)["repeats"] == 3
