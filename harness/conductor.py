"""Walks the trials: one at a time, every operation inside a Locust user, each recorded once.

The conductor is a greenlet beside Locust's users. A user is a *slot*: it waits for the next trial, takes tickets from
its stream until there are none, and waits again. A trial is over when its streams are used up and nothing is in flight.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import gevent
from gevent.event import Event

from harness.errors import CannotMeasure
from harness.plan import Trial
from harness.recorder import Observation, Recorder
from harness.rundir import Events
from harness.scenario import Scenario, Slot, Stream, Ticket, TrialLoad

logger = logging.getLogger(__name__)
_INTERRUPTED = Observation(outcome="ambiguous", error_code="Interrupted")

OnSample = Callable[[Trial, str, int | None, int, int, Observation], None]


@dataclass(slots=True)
class _Active:
    """The trial under way."""

    trial: Trial
    load: TrialLoad
    begin_ns: int
    waiting: list[Stream]  # streams still without a slot of the number they are due
    in_flight: int = 0
    exhausted: set[int] = field(default_factory=set)
    stopping: bool = False
    done: Event = field(default_factory=Event)

    def settle(self) -> None:
        """Say so when nothing is left to do."""
        if not self.in_flight and (self.stopping or len(self.exhausted) == len(self.load.streams)):
            self.done.set()


class Conductor:
    """Walks ``trials`` of one scenario with the slots that serve it."""

    def __init__(
        self,
        scenario: Scenario,  # type: ignore[type-arg]
        trials: Sequence[Trial],
        recorder: Recorder,
        events: Events,
        *,
        on_sample: OnSample,
        on_progress: Callable[[int, int, Trial], None],
    ) -> None:
        self.trials, self.done = trials, 0
        self.measuring_ns = 0
        self._scenario, self._recorder, self._events = scenario, recorder, events
        self._on_sample, self._on_progress = on_sample, on_progress
        self._active: _Active | None = None
        self._gate = Event()  # open while a trial has streams that no slot has taken up
        self._stopping = False
        self._operations = 0
        self._surprised: set[str] = set()

    def walk(self, slots: int) -> None:
        """Run all trials with ``slots`` users; returns when the plan is done or ``stop`` was called.

        Raises CannotMeasure when samples can't be written or a trial doesn't end by its deadline.
        """
        for trial in self.trials:
            if self._stopping:
                return
            self._on_progress(self.done, len(self.trials), trial)
            load = self._scenario.begin(trial)
            try:
                self._run(trial, load, slots)
            finally:
                self._scenario.end(trial)
            if not self._stopping:
                self.done += 1
        self._on_progress(self.done, len(self.trials), self.trials[-1])

    def stop(self, patience_s: float = 3.0) -> None:
        """Take no more tickets and wait, for so long, for what is in flight."""
        self._stopping = True
        if (active := self._active) is not None:
            active.stopping = True
            active.settle()
            active.done.wait(patience_s)

    def serve(self, slot: Slot) -> None:
        """One slot's part of the next trial; blocks until there is one. Called in the slot's own greenlet."""
        self._gate.wait()
        active = self._active
        if active is None or not active.waiting:
            return
        stream = active.waiting.pop(0)
        if not active.waiting:
            self._gate.clear()
        while (ticket := self._take(active, stream)) is not None:
            try:
                self._perform(active, slot, ticket)
            finally:
                active.in_flight -= 1
                active.settle()

    def _run(self, trial: Trial, load: TrialLoad, slots: int) -> None:
        begin_ns = self._events.add("trial_begin", trial=trial.trial, arm=trial.arm, step=trial.step)
        active = _Active(trial, load, begin_ns, share_out(load.streams, slots))
        self._active = active
        self._gate.set()
        self._scenario.begun(trial, begin_ns)
        deadline_s = time.monotonic() + load.deadline_s
        while not active.done.wait(0.5):
            self._recorder.flush()
            self._recorder.check()
            if time.monotonic() > deadline_s and not active.stopping:
                active.stopping = True
                raise CannotMeasure(
                    f"trial {trial.trial} ({trial.arm}, {trial.step}) didn't end in {load.deadline_s} s"
                )
        self._gate.clear()
        self._active = None
        self._recorder.flush()
        self._recorder.check()
        end_ns = self._events.add("trial_end", trial=trial.trial)
        self.measuring_ns += end_ns - begin_ns

    def _take(self, active: _Active, stream: Stream) -> Ticket | None:
        ticket = None if active.stopping else next(stream.tickets, None)
        if ticket is None:
            active.exhausted.add(id(stream))
            active.settle()
            return None
        active.in_flight += 1
        return ticket

    def _perform(self, active: _Active, slot: Slot, ticket: Ticket) -> None:
        """Do one operation when it is due and record it, whatever becomes of it."""
        trial, intended = active.trial, None
        self._operations += 1
        operation = self._operations
        if ticket.due_ns is not None:
            intended = active.begin_ns + ticket.due_ns
            if (ahead_ns := intended - time.monotonic_ns()) > 0:
                gevent.sleep(ahead_ns / 1e9)
        seen = _INTERRUPTED
        start = time.monotonic_ns()
        try:
            seen = ticket.act(slot)
        except Exception as error:  # noqa: BLE001 - one operation's surprise is a row, not the end of the run
            seen = Observation(outcome="error", error_code=type(error).__name__)
            self._surprise(error)
        finally:
            end = time.monotonic_ns()
            self._recorder.append(
                trial=trial.trial, pair=trial.pair, phase="warm-up" if ticket.warm_up else "measured",
                t_intended=intended, t_start=start, t_end=end, op_id=operation, attempt=1,
                client=active.load.client, arm=trial.arm, step=trial.step, op=ticket.op, seen=seen,
            )  # fmt: skip
            self._on_sample(trial, ticket.op, intended, start, end, seen)

    def _surprise(self, error: Exception) -> None:
        kind = type(error).__name__
        if kind not in self._surprised:
            self._surprised.add(kind)
            logger.error("an operation failed in a way its scenario didn't foresee", exc_info=error)


def share_out(streams: Sequence[Stream], slots: int) -> list[Stream]:
    """One stream for each slot: those that ask for a number get it (at least one), the others share the rest.

    Raises CannotMeasure when there are fewer slots than streams.
    """
    if slots < len(streams):
        raise CannotMeasure(f"needs at least {len(streams)} slots, has {slots}; give -u {len(streams)} or more")
    shares = list(streams)
    fixed = [stream for stream in streams for _ in range((stream.slots or 1) - 1)]
    shares += islice(fixed, slots - len(shares))
    open_ended = [stream for stream in streams if stream.slots is None]
    if open_ended:
        shares += islice(cycle(open_ended), slots - len(shares))
    return shares
