"""A trial that fails by itself: its cell is given up with the reason, the rest of the plan is measured."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.conductor import Conductor
from harness.errors import CannotMeasure, TrialFailed
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
    """Does nothing, at once."""

    def __init__(self) -> None:
        self.performed: list[int] = []

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        on_begin(0)
        self.performed.append(trial.trial)
        return FIGURES

    def stop(self, patience_s: float) -> None:
        """Nothing is under way."""


class Breaks:
    """A scenario whose cell ``broken`` fails where it is told to."""

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
        return trial

    def _maybe(self, where: str, trial: Trial) -> None:
        if where == self.where and trial.step == "broken":
            raise self.error


def walked(where: str, error: Exception) -> tuple[Conductor, Crew, Heard, list[Trial]]:
    trials = interleave([Cell(arms=("one",), step="sound"), Cell(arms=("one",), step="broken")], rounds=3, seed="s")
    crew, heard = Crew(), Heard()
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
