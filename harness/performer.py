"""Does the operations of one trial at a time with the slots of this process, and records each attempt once.

A Locust user is a *slot*: it waits for the next trial, takes tickets from its line until there are none, and waits
again. A trial is over when its lines are used up and nothing is in flight.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gevent
from gevent.event import Event

from harness.errors import CannotMeasure
from harness.generator import Figures, Meter, Pulse, Pulses
from harness.plan import Trial
from harness.recorder import Observation, Recorder
from harness.scenario import Slot, Ticket, TrialLoad, numbers
from harness.sharing import BlockingLine, Line
from harness.timing import Waiter

logger = logging.getLogger(__name__)
_INTERRUPTED = Observation(outcome="ambiguous", error_code="Interrupted")
_FLUSH_EVERY_S = 0.5

OnSample = Callable[[Trial, str, int | None, int, int, Observation], None]
Row = Callable[[Ticket, int | None, int, int, int, int, Observation], None]


@dataclass(slots=True)
class _Active:
    """The trial under way."""

    begin_ns: int
    unserved: list[Line]  # a line for each slot that hasn't come yet
    lines: int
    meter: Meter
    record: Row
    blocking: list[BlockingLine]
    taken: int = 0  # tickets that slots hold
    acting: int = 0  # … and act on
    exhausted: set[int] = field(default_factory=set)
    stopping: bool = False
    done: Event = field(default_factory=Event)

    def settle(self) -> None:
        """Say so when nothing is left to do; when stopping, who only waits for its moment isn't waited for."""
        if not self.acting if self.stopping else not self.taken and len(self.exhausted) == self.lines:
            self.done.set()


class Performer:
    """The slots of this process. ``worker`` numbers its operations apart from those of others; None where there are none."""

    def __init__(self, recorder: Recorder, on_sample: OnSample, *, worker: int | None = None) -> None:
        self._recorder, self._on_sample = recorder, on_sample
        self._numbers = numbers(worker)
        self._waiter = Waiter()
        self._active: _Active | None = None
        self._gate = Event()  # open while a trial has lines that no slot has come for
        self._surprised: set[str] = set()
        self._pulses = Pulses()

    def perform(
        self, trial: Trial, load: TrialLoad, lines: Sequence[Line], *, on_begin: Callable[[int], None],
        begin_ns: int | None = None,
    ) -> Figures:  # fmt: skip
        """Do one trial to its end, from ``begin_ns`` on (now); ``on_begin`` is told the moment it began.

        Raises CannotMeasure when samples can't be written or the trial doesn't end by its deadline.
        """
        meter = Meter()
        if begin_ns is not None:
            self._waiter.wait_until(begin_ns)
        meter.start()
        began_ns = time.monotonic_ns() if begin_ns is None else begin_ns
        apart = {id(line): line for line in lines}.values()
        blocking = [line for line in apart if isinstance(line, BlockingLine)]
        active = _Active(began_ns, list(lines), len(apart), meter, self._row(trial, load, meter), blocking)
        try:
            self._active = active
            if lines:
                self._gate.set()
            on_begin(began_ns)
            active.settle()
            self._see_through(active, trial, load)
        finally:
            self._gate.clear()
            self._active = None
            for line in apart:
                meter.dropped += line.dropped
            figures = meter.finish(began_ns)
        self._recorder.flush()
        self._recorder.check()
        return figures

    def serve(self, slot: Slot) -> None:
        """One slot's part of the next trial; blocks until there is one. Called in the slot's own greenlet."""
        self._gate.wait()
        active = self._active
        if active is None or not active.unserved:
            return
        line = active.unserved.pop(0)
        if not active.unserved:
            self._gate.clear()
        free_ns, first = active.begin_ns, True
        while not active.stopping:
            ticket = line.take(time.monotonic_ns() - active.begin_ns, first=first)
            if ticket is None:
                break
            first = False
            active.taken += 1
            try:
                self._perform(active, slot, line, ticket, free_ns)
            finally:
                active.taken -= 1
                active.settle()
            free_ns = time.monotonic_ns()
            if ticket.think_ns and not active.stopping:
                self._waiter.wait_until(free_ns + ticket.think_ns)
            # An answer that is there already is read without yielding: one slot would run on while the others starve.
            gevent.sleep(0)
        active.exhausted.add(id(line))
        active.settle()

    def stop(self, patience_s: float) -> None:
        """Take no more tickets and wait, for so long, for what is in flight."""
        if (active := self._active) is not None:
            self._turn_away(active, active.blocking, time.monotonic_ns())
            active.stopping = True
            active.settle()
            active.done.wait(patience_s)

    def pulse(self) -> Pulse:
        """How the load fares since this was last asked."""
        return self._pulses.take(self._active.meter if self._active else None)

    def close(self) -> None:
        """Wake nobody any more; the recorder is its owner's."""
        self._waiter.close()

    def _see_through(self, active: _Active, trial: Trial, load: TrialLoad) -> None:
        deadline_s = time.monotonic() + load.deadline_s
        while not active.done.wait(_FLUSH_EVERY_S):
            self._turn_away(active, active.blocking, time.monotonic_ns())
            self._recorder.flush()
            self._recorder.check()
            active.meter.relieve()
            if time.monotonic() > deadline_s and not active.stopping:
                active.stopping = True
                raise CannotMeasure(
                    f"trial {trial.trial} ({trial.arm}, {trial.step}) didn't end in {load.deadline_s} s"
                )

    def _perform(self, active: _Active, slot: Slot, line: Line, ticket: Ticket, free_ns: int) -> None:
        """Do one operation when it is due and record it, whatever becomes of it; the slot is free since ``free_ns``."""
        intended = None
        if ticket.due_ns is not None:
            intended = active.begin_ns + ticket.due_ns
            if intended > time.monotonic_ns():
                self._waiter.wait_until(intended)
                if active.stopping:
                    return
        seen = _INTERRUPTED
        active.acting += 1
        start = time.monotonic_ns()
        if intended is not None:
            active.meter.late.append(start - max(intended, free_ns))
            active.meter.queued.append(start - intended)
        if isinstance(line, BlockingLine):
            line.begins(start - active.begin_ns)
        try:
            seen = ticket.act(slot)
        except Exception as error:  # noqa: BLE001 - one operation's surprise is a row, not the end of the run
            seen = Observation(outcome="error", error_code=type(error).__name__)
            self._surprise(error)
        finally:
            end = time.monotonic_ns()
            number, attempt = next(self._numbers), 1
            if slot.earlier or slot.begins_ns is not None:
                for attempt, tried in enumerate(slot.earlier, 1):
                    active.record(ticket, intended, tried.start_ns, tried.end_ns, number, attempt, tried.seen)
                    start = tried.end_ns
                attempt, start = len(slot.earlier) + 1, slot.begins_ns or start
                slot.earlier.clear()
                slot.begins_ns = None
            active.record(ticket, intended, start, end, number, attempt, seen)
            active.acting -= 1
            if isinstance(line, BlockingLine):
                self._turn_away(active, [line], end)
                line.ends()

    def _turn_away(self, active: _Active, lines: Sequence[BlockingLine], until_ns: int) -> None:
        """Record what fell due until then and found every slot of its stream at work, unless the trial is being stopped."""
        for line in lines if not active.stopping else ():
            for ticket in line.turn_away(until_ns - active.begin_ns):
                due = active.begin_ns + (ticket.due_ns or 0)
                active.record(ticket, due, due, due, next(self._numbers), 1, line.blocked)

    def _row(self, trial: Trial, load: TrialLoad, meter: Meter) -> Row:
        """What records one attempt of ``trial``: a row, and a request of Locust's."""
        on_sample = self._on_sample
        append = self._recorder.begin_trial(
            trial=trial.trial, pair=trial.pair, client=load.client, arm=trial.arm, step=trial.step
        )

        def record(
            ticket: Ticket, intended: int | None, start: int, end: int, number: int, attempt: int, seen: Observation
        ) -> None:
            append(ticket.op, ticket.warm_up, intended, start, end, number, attempt, seen)
            meter.attempts += 1
            on_sample(trial, ticket.op, intended, start, end, seen)

        return record

    def _surprise(self, error: Exception) -> None:
        kind = type(error).__name__
        if kind not in self._surprised:
            self._surprised.add(kind)
            logger.error("an operation failed in a way its scenario didn't foresee", exc_info=error)
