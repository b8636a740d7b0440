"""Walks the trials, one at a time; who does their operations is a *crew*: this process alone, or Locust's workers."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from harness.errors import TrialFailed
from harness.generator import Figures
from harness.performer import Performer
from harness.plan import Trial
from harness.rundir import Events
from harness.scenario import Scenario
from harness.sharing import lines_of

logger = logging.getLogger(__name__)


class Crew(Protocol):
    """Those who do the operations of a trial."""

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        """Do one trial to its end; ``on_begin`` is told the moment it began. Raises CannotMeasure."""

    def stop(self, patience_s: float) -> None:
        """Take no more operations and wait, for so long, for what is in flight."""


class Alone:
    """This process, with all the slots there are."""

    def __init__(self, scenario: Scenario[Any], performer: Performer, slots: int) -> None:
        self._scenario, self._performer, self._slots = scenario, performer, slots

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        """See :class:`Crew`."""
        load = self._scenario.begin(trial)
        return self._performer.perform(trial, load, lines_of(load.streams, [self._slots], 0), on_begin=on_begin)

    def stop(self, patience_s: float) -> None:
        """See :class:`Crew`."""
        self._performer.stop(patience_s)


class Conductor:
    """Walks ``trials`` of one scenario with a crew, and notes what each of them took of the tool.

    One that fails by itself (TrialFailed) ends neither the run nor its cell's turn unheard: it stands in ``failed``, by trial
    number with the reason, and so do the trials of the same cell that come after it, which aren't tried.
    """

    def __init__(
        self, scenario: Scenario[Any], trials: Sequence[Trial], crew: Crew, events: Events,
        *, on_progress: Callable[[int, int, Trial], None],
    ) -> None:  # fmt: skip
        self.trials, self.done = list(trials), 0
        self.failed: dict[int, str] = {}
        self._done: set[int] = set()
        self._failed_cells: dict[object, str] = {}
        self.measuring_ns, self.dropped = 0, 0
        self._scenario, self._crew, self._events = scenario, crew, events
        self._on_progress = on_progress
        self._stopping = False

    def walk(self) -> None:
        """Run all trials; returns when the plan is done or ``stop`` was called. Raises CannotMeasure."""
        for at, trial in enumerate(self.trials):
            if self._stopping:
                return
            self._on_progress(self.done, len(self.trials), trial)
            walked = self._walk_unless_failed(trial)
            self.trials[at] = self._scenario.became(trial)
            if walked and not self._stopping:
                self._done.add(trial.trial)
                self.done += 1
        self._on_progress(self.done, len(self.trials), self.trials[-1])

    def stop(self, patience_s: float = 3.0) -> None:
        """Begin no more trials and settle the one under way."""
        self._stopping = True
        self._crew.stop(patience_s)

    def was_done(self, trial: Trial) -> bool:
        """Whether ``trial`` ran to its end."""
        return trial.trial in self._done

    def _walk_unless_failed(self, trial: Trial) -> bool:
        """Run one trial; False where it failed, or one of its cell did before. Event: ``trial_failed``, with the reason."""
        cell = trial.step, *sorted(trial.labels.items())
        if cell not in self._failed_cells:
            try:
                self._walk_one(trial)
            except TrialFailed as error:
                logger.error("trial %d (%s, %s): %s", trial.trial, trial.arm, trial.step, error)
                self._failed_cells[cell] = str(error)
            else:
                return True
        self.failed[trial.trial] = self._failed_cells[cell]
        self._events.add("trial_failed", trial=trial.trial, reason=self.failed[trial.trial])
        return False

    def _walk_one(self, trial: Trial) -> None:
        scenario, began = self._scenario, False

        def on_begin(begin_ns: int) -> None:
            nonlocal began
            began = True
            self._events.add("trial_begin", trial=trial.trial, t_ns=begin_ns, arm=trial.arm, step=trial.step)
            scenario.begun(trial, begin_ns)

        scenario.tally.clear()
        scenario.prepare(trial)
        try:
            figures = self._crew.perform(trial, on_begin)
            self._events.add("trial_end", trial=trial.trial, t_ns=figures.end_ns)
            self._events.add("generator", trial=trial.trial, **figures.as_event())
            self.measuring_ns += figures.end_ns - figures.begin_ns
            self.dropped += sum(figures.dropped.values())
        finally:
            if began:
                scenario.end(trial)
