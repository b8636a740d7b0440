"""Walks the trials, one at a time; who does their operations is a *crew*: this process alone, or Locust's workers."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from harness.errors import TrialBroken, TrialFailed
from harness.generator import Figures
from harness.performer import Performer
from harness.plan import Trial
from harness.rundir import Events
from harness.scenario import Scenario
from harness.sharing import lines_of

logger = logging.getLogger(__name__)


class Crew(Protocol):
    """Those who do the operations of a trial."""

    def muster(self, trial: Trial) -> None:
        """Before ``trial`` is prepared: who is there now does it. Raises CannotMeasure where nobody is."""

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        """Do one trial to its end; ``on_begin`` is told the moment it began.

        Raises CannotMeasure, TrialBroken where part of the load was lost on the way and others can do it again.
        """

    def stop(self, patience_s: float) -> None:
        """Take no more operations and wait, for so long, for what is in flight."""


class Alone:
    """This process, with all the slots there are."""

    def __init__(self, scenario: Scenario[Any], performer: Performer, slots: int) -> None:
        self._scenario, self._performer, self._slots = scenario, performer, slots

    def muster(self, trial: Trial) -> None:
        """See :class:`Crew`."""

    def perform(self, trial: Trial, on_begin: Callable[[int], None]) -> Figures:
        """See :class:`Crew`."""
        scenario = self._scenario

        def begun(begin_ns: int) -> None:
            scenario.load_begun(trial, begin_ns)
            on_begin(begin_ns)

        scenario.handed, scenario.shares = scenario.hand_out(trial), (self._slots,)
        load = scenario.begin(trial)
        try:
            return self._performer.perform(trial, load, lines_of(load.streams, [self._slots], 0), on_begin=begun)
        finally:
            scenario.collect(trial, [scenario.load_ended(trial)])

    def stop(self, patience_s: float) -> None:
        """See :class:`Crew`."""
        self._performer.stop(patience_s)


class Conductor:
    """Walks ``trials`` of one scenario with a crew, and notes what each of them took of the tool.

    One that fails by itself (TrialFailed) ends neither the run nor its cell's turn unheard: it stands in ``failed``, by trial
    number with the reason, and so do the trials of the same cell that come after it, which aren't tried. One that broke off
    (TrialBroken) stands in ``broken``, and the trial that does it again comes next, with a number of its own.
    """

    def __init__(
        self, scenario: Scenario[Any], trials: Sequence[Trial], crew: Crew, events: Events,
        *, on_progress: Callable[[int, int, Trial], None], on_repeat: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.trials, self.done = list(trials), 0
        self.failed: dict[int, str] = {}
        self.broken: dict[int, str] = {}
        self._done: set[int] = set()
        self._failed_cells: dict[object, str] = {}
        self.measuring_ns, self.dropped = 0, 0
        self._scenario, self._crew, self._events = scenario, crew, events
        self._on_progress, self._on_repeat = on_progress, on_repeat
        self._stopping = False

    @property
    def planned(self) -> int:
        """How many trials are to be done: those that broke off are done again."""
        return len(self.trials) - len(self.broken)

    def walk(self) -> None:
        """Run all trials; returns when the plan is done or ``stop`` was called. Raises CannotMeasure."""
        for at, trial in enumerate(self.trials):  # they grow behind the one that broke off
            if self._stopping:
                return
            self._on_progress(self.done, self.planned, trial)
            try:
                walked = self._walk_unless_failed(trial)
            except TrialBroken as error:
                if not self._stopping:
                    self._do_again(trial, str(error))
                continue
            self.trials[at] = self._scenario.became(trial)
            if walked and not self._stopping:
                self._done.add(trial.trial)
                self.done += 1
        self._on_progress(self.done, self.planned, self.trials[-1])

    def stop(self, patience_s: float = 3.0) -> None:
        """Begin no more trials and settle the one under way."""
        self._stopping = True
        self._crew.stop(patience_s)

    def was_done(self, trial: Trial) -> bool:
        """Whether ``trial`` ran to its end."""
        return trial.trial in self._done

    def _do_again(self, trial: Trial, reason: str) -> None:
        """Put another trial of the same pair next. Event: ``trial_repeated``, with the reason and the number of that trial."""
        again = replace(trial, trial=len(self.trials), repeats=trial.trial)
        logger.warning("trial %d (%s, %s): %s; it is done again", trial.trial, trial.arm, trial.step, reason)
        self.broken[trial.trial] = reason
        self.trials.insert(self.trials.index(trial) + 1, again)
        self._events.add("trial_repeated", trial=trial.trial, by=again.trial, reason=reason)
        self._on_repeat()

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

        self._crew.muster(trial)
        scenario.tally.clear()
        scenario.prepare(trial)
        try:
            figures = self._crew.perform(trial, on_begin)
            self._events.add("trial_end", trial=trial.trial, t_ns=figures.end_ns)
            self._events.add("generator", trial=trial.trial, **figures.as_event())
            self.measuring_ns += figures.end_ns - figures.begin_ns
            self.dropped += sum(figures.dropped.values())
        except TrialBroken:
            with suppress(
                TrialFailed
            ):  # what is in no state to go on with is made anew for the trial that does it again
                if began:
                    scenario.end(trial)
            began = False
            raise
        finally:
            if began:
                scenario.end(trial)
