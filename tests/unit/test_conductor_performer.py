"""Each attempt is recorded once, with the tool's own part in it apart; a stop waits for what acts, not for what waits."""

import gc
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import gevent
import pytest
from gevent.event import Event

from harness.errors import CannotMeasure
from harness.generator import Figures, Meter, together
from harness.performer import Performer
from harness.plan import Trial
from harness.recorder import Observation
from harness.scenario import Slot, Stream, Ticket, TrialLoad
from harness.sharing import lines_of

TRIAL = Trial(trial=3, pair=1, arm="a", step="s", labels={}, params={})


class FakeRecorder:
    """Keeps rows as they come."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []

    def begin_trial(self, **_: Any) -> Callable[..., None]:
        return lambda *row: self.rows.append(row)

    def flush(self) -> None: ...

    def check(self) -> None: ...


class Stage:
    """A performer with slots that serve it in greenlets of their own."""

    def __init__(self, slots: int = 1, **numbered: int) -> None:
        self.recorder, self.samples = FakeRecorder(), list[tuple[Any, ...]]()
        self.slots = slots
        self.performer = Performer(self.recorder, lambda *row: self.samples.append(row), **numbered)  # type: ignore[arg-type]
        self.greenlets = [gevent.spawn(self._user, Slot(number)) for number in range(slots)]

    def _user(self, slot: Slot) -> None:
        while True:
            self.performer.serve(slot)

    def perform(
        self,
        tickets: Iterator[Ticket],
        *,
        backlog: int | None = None,
        blocked: Observation | None = None,
        deadline_s: float = 5.0,
    ) -> Figures:
        streams = (Stream(tickets=tickets, backlog=backlog, blocked=blocked),)
        load = TrialLoad(client="lean", streams=streams, deadline_s=deadline_s)
        lines = lines_of(load.streams, [self.slots], 0)
        return self.performer.perform(TRIAL, load, lines, on_begin=lambda _: None)

    def close(self) -> None:
        gevent.killall(self.greenlets)
        self.performer.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    one = Stage()
    yield one
    one.close()


def test_every_operation_is_a_row_and_a_request(stage: Stage) -> None:
    """Two operations in a closed loop: numbered from 1, one attempt each, no intended start."""
    figures = stage.perform(iter([Ticket(op="get", act=lambda _: Observation()) for _ in range(2)]))
    assert [(row[0], row[2], row[5], row[6]) for row in stage.recorder.rows] == [
        ("get", None, 1, 1),
        ("get", None, 2, 1),
    ]
    assert len(stage.samples) == figures.attempts == 2
    assert figures.lateness_p99_ms is None


def test_an_operation_that_was_tried_again_is_a_row_for_each_attempt() -> None:
    """Throttled at 100 to 110, again at 150: two rows of one operation, of the second worker, which numbers 2, 1,002, 2,002 …"""
    stage = Stage(worker=1)

    def act(slot: Slot) -> Observation:
        slot.attempt(Observation(outcome="throttled"), start_ns=100, end_ns=110)
        slot.attempt_begins(150)
        return Observation()

    stage.perform(iter([Ticket(op="put", act=act), Ticket(op="put", act=lambda _: Observation())]))
    rows = [(row[3], row[5], row[6], row[7].outcome) for row in stage.recorder.rows]
    assert rows[:2] == [(100, 2, 1, "throttled"), (150, 2, 2, "ok")]
    assert rows[2][1:] == (1_002, 1, "ok")
    assert rows[2][0] > 150
    stage.close()


def test_a_surprise_in_an_operation_is_an_error_row_and_the_trial_goes_on(stage: Stage) -> None:
    """What the scenario didn't foresee has its class for a code."""

    def act(_: Slot) -> Observation:
        raise ZeroDivisionError

    stage.perform(iter([Ticket(op="get", act=act), Ticket(op="get", act=lambda _: Observation())]))
    assert [(row[7].outcome, row[7].error_code) for row in stage.recorder.rows] == [
        ("error", "ZeroDivisionError"),
        ("ok", None),
    ]


def test_waiting_for_a_busy_slot_is_queued_time_and_not_the_tools_lateness(stage: Stage) -> None:
    """One slot, 30 ms an operation, three due at once: the last is queued for 60 ms, the tool late by next to none."""

    def act(_: Slot) -> Observation:
        gevent.sleep(0.03)
        return Observation()

    figures = stage.perform(iter([Ticket(op="get", act=act, due_ns=0) for _ in range(3)]))
    assert figures.queued_p99_ms is not None and figures.queued_p99_ms >= 60
    assert figures.lateness_p99_ms is not None and figures.lateness_p99_ms < 30


def test_dropped_operations_are_counted_and_leave_no_row(stage: Stage) -> None:
    """While the only slot takes 20 ms, nine fall due and one of them may wait."""

    def act(_: Slot) -> Observation:
        gevent.sleep(0.02)
        return Observation()

    due = [0, *range(1_000_000, 10_000_000, 1_000_000)]
    figures = stage.perform(iter([Ticket(op="get", act=act, due_ns=at) for at in due]), backlog=1)
    assert figures.dropped == {"get": 8}
    assert len(stage.recorder.rows) == figures.attempts == 2


def test_a_user_thinks_before_the_next_operation(stage: Stage) -> None:
    """20 ms between the end of one and the start of the other."""
    stage.perform(iter([Ticket(op="get", act=lambda _: Observation(), think_ns=20_000_000) for _ in range(2)]))
    first, second = stage.recorder.rows
    assert second[3] - first[4] >= 20_000_000


def test_a_stop_does_not_wait_for_what_is_not_yet_due(stage: Stage) -> None:
    """An operation due in an hour isn't waited for, and leaves no row: not in a minute, however busy the machine is."""
    gevent.spawn_later(0.02, stage.performer.stop, 3.0)
    with gevent.Timeout(60):
        stage.perform(iter([Ticket(op="get", act=lambda _: Observation(), due_ns=3_600 * 10**9)]))
    assert stage.recorder.rows == []


def test_a_trial_that_does_not_end_says_which(stage: Stage) -> None:
    """An operation that hangs beyond the deadline ends the run, with a line that names the trial."""

    def act(_: Slot) -> Observation:
        gevent.sleep(60)
        return Observation()

    with pytest.raises(CannotMeasure, match=r"trial 3 \(a, s\) didn't end in 0.1 s"):
        stage.perform(iter([Ticket(op="get", act=act)]), deadline_s=0.1)


def test_slots_take_turns_though_no_answer_is_waited_for() -> None:
    """Two slots, operations that never yield: neither does more than half of them, give or take one."""
    stage, did = Stage(slots=2), dict[int, int]()

    def act(slot: Slot) -> Observation:
        did[slot.index] = did.get(slot.index, 0) + 1
        return Observation()

    stage.perform(iter([Ticket(op="get", act=act) for _ in range(20)]))
    assert abs(did[0] - did[1]) <= 1
    stage.close()


def test_no_garbage_is_collected_in_a_trial_and_the_share_of_the_cpu_is_measured() -> None:
    """CPU clock 30 ms while the wall's went 100: 0.3 of a core; collection is off, then on again."""
    cpu, wall = iter([0, 30_000_000]), iter([0, 100_000_000])
    meter = Meter(cpu_ns=lambda: next(cpu), clock_ns=lambda: next(wall))
    meter.start()
    assert not gc.isenabled()
    meter.late.extend([1_000_000] * 98 + [9_000_000] * 2)
    figures = meter.finish(0)
    assert gc.isenabled()
    assert (figures.cpu_share, figures.gc_pauses) == (0.3, 0)
    assert (figures.lateness_p50_ms, figures.lateness_p99_ms) == (1.0, 9.0)


def test_of_several_processes_the_worst_counts_and_numbers_add_up() -> None:
    """The busier core, the later schedule; attempts and drops of both."""

    def part(share: float, late: float | None, dropped: dict[str, int]) -> Figures:
        return Figures(
            begin_ns=5, end_ns=9, cpu_share=share, lateness_p50_ms=late, lateness_p99_ms=late, queued_p99_ms=late,
            attempts=10, dropped=dropped, gc_pauses=1,
        )  # fmt: skip

    both = together([part(0.2, 0.5, {"get": 1}), part(0.9, None, {"get": 2, "put": 1})])
    assert (both.cpu_share, both.lateness_p99_ms, both.attempts) == (0.9, 0.5, 20)
    assert both.dropped == {"get": 3, "put": 1}
    assert both.as_event()["dropped"] == 4


BLOCKED = Observation(outcome="error", error_code="Blocked")


class Hang:
    """Operations that hang, from the ``first`` one on, until somebody lets all of them go."""

    def __init__(self, first: int) -> None:
        self.first, self.begun, self.over = first, 0, Event()

    def __call__(self, _: Slot) -> Observation:
        self.begun += 1
        if self.begun < self.first or self.over.is_set():
            return Observation()
        self.over.wait()
        return Observation(outcome="timeout")


def due_every(interval_ms: int, count: int, act: Callable[[Slot], Observation]) -> Iterator[Ticket]:
    return (Ticket(op="probe", act=act, due_ns=number * interval_ms * 1_000_000) for number in range(count))


def test_ticks_that_find_every_slot_hanging_are_rows_at_their_due_moments_and_none_is_dropped() -> None:
    """100 ticks, two slots: the third and the fourth operation hang until after the last tick.

    Blocked are those due from the later one's beginning on, as the rows themselves tell: 96 where nothing was late. Two
    answered, two hung: 100 rows and 100 requests in all, each once, each due 10 ms after the one before.
    """
    stage, act = Stage(slots=2), Hang(first=3)
    gevent.spawn_later(1.2, act.over.set)
    figures = stage.perform(due_every(10, 100, act), backlog=0, blocked=BLOCKED)
    rows = stage.recorder.rows
    hung_since = max(row[3] for row in rows if row[7].outcome == "timeout")
    expected = [row[2] for row in sorted(rows, key=lambda row: row[2]) if row[2] >= hung_since]
    turned_away = [row for row in rows if row[7] is BLOCKED]
    assert [row[2] for row in turned_away] == expected != []
    assert all(row[2] == row[3] == row[4] for row in turned_away)
    assert [sample[2:] for sample in stage.samples if sample[5] is BLOCKED] == [
        (*row[2:5], BLOCKED) for row in turned_away
    ]
    assert len(rows) == len(stage.samples) == figures.attempts == len({row[5] for row in rows}) == 100
    due = sorted(row[2] for row in rows)
    assert {later - earlier for earlier, later in pairwise(due)} == {10_000_000}
    assert figures.dropped == {}
    stage.close()


def test_what_is_blocked_is_recorded_while_the_slots_hang_and_not_only_when_they_are_free() -> None:
    """The only slot hangs for good: a stop finds the ticks that were due until then recorded, and none is after it."""
    stage, act = Stage(), Hang(first=1)
    trial = gevent.spawn(stage.perform, due_every(10, 1_000, act), backlog=0, blocked=BLOCKED, deadline_s=60)
    while not act.begun:
        gevent.sleep(0.01)
    gevent.sleep(0.1)
    before_ns = time.monotonic_ns()
    stage.performer.stop(0.0)
    rows = list(stage.recorder.rows)
    assert len(rows) >= 9
    assert all(row[7] is BLOCKED for row in rows)
    assert before_ns - 10_000_000 <= rows[-1][4] < time.monotonic_ns()
    gevent.sleep(0.6)  # longer than the performer lies between two looks at what hangs
    assert stage.recorder.rows == rows
    act.over.set()
    trial.join()
    assert [row[7].outcome for row in stage.recorder.rows[len(rows) :]] == ["timeout"]
    stage.close()


def test_a_tool_that_stands_still_is_late_and_blocks_nothing() -> None:
    """The process itself sleeps for 60 ms while both slots wait for their next tick: all are done, late by what it slept.

    Neither slot had an operation under way, so no tick is blocked, whoever held it.
    """
    stage = Stage(slots=2)
    gevent.spawn_later(0.025, time.sleep, 0.06)
    figures = stage.perform(due_every(10, 20, lambda _: Observation()), backlog=0, blocked=BLOCKED)
    rows = stage.recorder.rows
    assert (len(rows), figures.dropped) == (20, {})
    assert {row[7].outcome for row in rows} == {"ok"}
    assert figures.lateness_p99_ms is not None and figures.lateness_p99_ms >= 40
    assert max(row[3] - row[2] for row in rows) >= 40_000_000
    stage.close()
