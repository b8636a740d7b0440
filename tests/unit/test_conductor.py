"""Who does what in a trial: every slot has its stream, every process its share, and what finds no room is dropped."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import CannotMeasure
from harness.recorder import Observation
from harness.scenario import Slot, Stream, Ticket
from harness.sharing import BlockingLine, Line, deal, lines_of, part_of, share_out


def stream(slots: int | None) -> Stream:
    return Stream(tickets=iter(()), slots=slots)


def act(slot: Slot) -> Observation:
    return Observation()


def due_at(*due_ns: int) -> Iterator[Ticket]:
    return (Ticket(op="get", act=act, due_ns=due) for due in due_ns)


def test_streams_that_ask_for_slots_get_them_and_the_others_share_the_rest() -> None:
    """Two probes of two slots each, the writers take what is left of seven."""
    read, write, writers = stream(2), stream(2), stream(None)
    shares = Counter(map(id, share_out([read, write, writers], 7)))
    assert [shares[id(s)] for s in (read, write, writers)] == [2, 2, 3]


def test_too_few_slots_for_the_streams_says_how_many_to_give() -> None:
    """Three streams can't run in two slots."""
    with pytest.raises(CannotMeasure, match="needs at least 3 slots, has 2; give -u 3 or more"):
        share_out([stream(1), stream(1), stream(None)], 2)


@given(asked=st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=1, max_size=5), spare=st.integers(0, 10))
def test_every_stream_has_a_slot_and_none_has_more_than_it_asked_for(asked: list[int | None], spare: int) -> None:
    """Whatever is asked for, and never more shares than slots."""
    streams = [stream(slots) for slots in asked]
    slots = len(streams) + spare
    shares = share_out(streams, slots)
    given_to = Counter(map(id, shares))
    assert len(shares) <= slots
    for s in streams:
        assert given_to[id(s)] >= 1
        assert s.slots is None or given_to[id(s)] <= s.slots


def test_slots_are_dealt_to_processes_in_turn() -> None:
    """Three slots here, one there: the second process has the second slot, the first all others."""
    assert deal([3, 1]) == [0, 1, 0, 0]
    assert deal([2, 2]) == [0, 1, 0, 1]
    assert deal([0, 2]) == [1, 1]


def test_two_probes_and_writers_are_spread_over_two_processes() -> None:
    """Slots in turn: read, write, writers, read again; each process serves what its slots were dealt."""
    read, write, writers = stream(2), stream(1), stream(None)
    here, there = (len(set(map(id, lines_of([read, write, writers], [2, 2], worker)))) for worker in (0, 1))
    assert (here, there) == (2, 2)  # read and writers; write and read


@pytest.mark.parametrize("slots", [[4], [2, 2], [1, 3], [3, 0, 1], [1, 1, 1]])
def test_several_processes_together_do_what_one_would(slots: list[int]) -> None:
    """Whatever the spread of slots: the parts of an open loop, put together, are the schedule, each arrival once."""
    schedule = [7 * number for number in range(50)]
    done: list[int] = []
    for worker in range(len(slots)):
        lines = lines_of([Stream(tickets=due_at(*schedule))], slots, worker)
        assert len(lines) == slots[worker]
        for line in set(lines):
            while (ticket := line.take(0)) is not None:
                done.append(ticket.due_ns or 0)
    assert sorted(done) == schedule


def test_what_falls_due_beyond_the_backlog_while_all_are_busy_is_dropped() -> None:
    """One slot, room for two: five arrivals at 10 to 50 while it is busy until 55 leave those of 30, 40 and 50 out."""
    line = Line(due_at(0, 10, 20, 30, 40, 50, 60), slots=1, backlog=2)
    taken = [line.take(0, first=True), *(line.take(now) for now in (55, 56, 57, 58))]
    assert [ticket and ticket.due_ns for ticket in taken] == [0, 10, 20, 60, None]
    assert line.dropped == {"get": 3}


def test_without_a_backlog_everything_waits_and_nothing_is_dropped() -> None:
    """The same arrivals, however late."""
    line = Line(due_at(0, 10, 20, 30), slots=1)
    assert [ticket.due_ns for ticket in iter(lambda: line.take(1_000), None)] == [0, 10, 20, 30]
    assert line.dropped == {}


def test_an_arrival_that_finds_a_slot_which_has_not_come_yet_is_not_dropped() -> None:
    """At the beginning slots come one after the other, a moment after the first arrivals: those aren't turned away."""
    line = Line(due_at(0, 1, 2, 500), slots=3, backlog=0)
    taken = [line.take(now, first=True) for now in (10, 20, 30)]
    assert [ticket and ticket.due_ns for ticket in taken] == [0, 1, 2]
    assert line.take(400) is not None
    assert line.dropped == {}


def test_a_backlog_is_shared_out_too() -> None:
    """Three may wait, at two processes: of nine arrivals that find the slot busy, two wait here and one there."""
    dropped = []
    for worker in (0, 1):
        (line,) = lines_of([Stream(tickets=due_at(*range(20)), backlog=3)], [1, 1], worker)
        for now in (0, 1_000):
            assert line.take(now, first=now == 0) is not None
        dropped.append(line.dropped["get"])
    assert dropped == [9 - 2, 9 - 1]


@given(whole=st.integers(0, 50), parts=st.integers(1, 9))
def test_parts_of_a_number_are_the_number_and_none_is_larger_by_more_than_one(whole: int, parts: int) -> None:
    """A pool of sixteen connections in three processes: six, five and five."""
    shared = [part_of(whole, rank, parts) for rank in range(parts)]
    assert sum(shared) == whole
    assert max(shared) - min(shared) <= 1
    assert [part_of(16, rank, 3) for rank in range(3)] == [6, 5, 5]


BLOCKED = Observation(outcome="error", error_code="Blocked")


def due(tickets: Iterable[Ticket | None]) -> list[int | None]:
    return [ticket and ticket.due_ns for ticket in tickets]


def test_what_falls_due_while_every_slot_is_at_work_is_turned_away_in_order() -> None:
    """Two slots at work from 12 and from 22 on, one free at 55: 30, 40 and 50 found none, 60 is that slot's next."""
    line = BlockingLine(due_at(0, 10, 20, 30, 40, 50, 60, 70), slots=2, blocked=BLOCKED)
    assert due([line.take(0, first=True), line.take(0, first=True)]) == [0, 10]
    line.begins(2)
    line.ends()
    assert line.take(3) is not None  # that of 20
    line.begins(12)
    assert due(line.turn_away(21)) == []  # one slot waits for 20 to come
    line.begins(22)
    assert due(line.turn_away(45)) == [30, 40]
    assert due(line.turn_away(55)) == [50]
    line.ends()
    assert due(line.turn_away(100)) == []
    assert due(line.take(55) for _ in range(3)) == [60, 70, None]
    assert line.dropped == {}


def test_what_is_due_at_the_moment_a_slot_is_free_is_that_slots() -> None:
    """At work from 0 to 30: 10 and 20 were turned away, 30 wasn't."""
    line = BlockingLine(due_at(0, 10, 20, 30), slots=1, blocked=BLOCKED)
    line.take(0, first=True)
    line.begins(0)
    assert due(line.turn_away(30)) == [10, 20]
    line.ends()
    assert due([line.take(30)]) == [30]


def test_what_fell_due_before_all_were_at_work_is_done_late_and_not_turned_away() -> None:
    """The tool came late: the operation due at 0 began at 35 and took until 50. 10 to 30 found a slot without work; 40 didn't."""
    line = BlockingLine(due_at(0, 10, 20, 30, 40, 50), slots=1, blocked=BLOCKED)
    line.take(0, first=True)
    line.begins(35)
    assert due(line.turn_away(50)) == [40]
    line.ends()
    assert due(line.take(now) for now in (50, 51, 52, 53, 54)) == [10, 20, 30, 50, None]


@pytest.mark.parametrize("slots", [[2], [1, 1], [2, 1], [3, 0, 1]])
def test_several_processes_turn_away_between_them_what_their_own_slots_have_no_room_for(slots: list[int]) -> None:
    """All slots of all processes hang at once from 0 on: what they didn't take is turned away, each tick by one of them."""
    schedule = [10 * number for number in range(30)]
    taken, turned_away = list[int | None](), list[int | None]()
    for worker, count in enumerate(slots):
        stream = Stream(tickets=due_at(*schedule), backlog=0, blocked=BLOCKED)
        lines = lines_of([stream], slots, worker)
        assert len(lines) == count
        for line in lines:
            assert isinstance(line, BlockingLine) and line.blocked is BLOCKED
            taken += due([line.take(0, first=True)])
            line.begins(0)
        for line in lines[:1]:
            turned_away += due(line.turn_away(1_000))
            line.ends()
            assert line.take(1_000) is None
    assert len(taken) == sum(slots)
    assert sorted(taken + turned_away) == schedule


def test_what_finds_no_slot_can_be_blocked_only_where_nothing_waits() -> None:
    """A backlog would hold what is said to be turned away."""
    for backlog in (None, 3):
        with pytest.raises(ValueError, match=f"backlog: 0 where blocked is given, got {backlog}"):
            Stream(tickets=due_at(0), backlog=backlog, blocked=BLOCKED)
