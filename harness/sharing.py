"""Who does what in a trial: streams over slots, slots over processes, tickets over both. Pure.

Several processes together do exactly what one would: each draws the same and takes its part of it.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from harness.arrivals import share
from harness.errors import CannotMeasure
from harness.recorder import Observation
from harness.scenario import Stream, Ticket


class Line:
    """What one process does of one stream: tickets in order, a bounded number of them waiting for a slot.

    ``slots`` is how many slots serve it. One that never came yet is free, so what falls due before it comes waits
    for it, beyond the backlog.
    """

    def __init__(self, tickets: Iterator[Ticket], *, slots: int, backlog: int | None = None) -> None:
        self.dropped: Counter[str] = Counter()
        self._tickets, self._backlog, self._expected = tickets, backlog, slots
        self._waiting: deque[Ticket] = deque()
        self._ahead: Ticket | None = None

    def take(self, since_begin_ns: int, *, first: bool = False) -> Ticket | None:
        """The next operation for a slot that is free now, None when all are given out; ``first`` of this slot.

        What fell due while every slot was busy and the backlog full is dropped, as if it had been turned away then.
        """
        if self._backlog is None:
            return next(self._tickets, None)
        room = self._backlog + self._expected
        self._expected -= first
        while (ticket := self._next()) is not None and ticket.due_ns is not None and ticket.due_ns <= since_begin_ns:
            self._ahead = None
            if len(self._waiting) < room:
                self._waiting.append(ticket)
            else:
                self.dropped[ticket.op] += 1
        if self._waiting:
            return self._waiting.popleft()
        self._ahead = None
        return ticket

    def _next(self) -> Ticket | None:
        """The ticket at the head of the stream, left there."""
        if self._ahead is None:
            self._ahead = next(self._tickets, None)
        return self._ahead


class BlockingLine(Line):
    """A line in which nothing waits: what falls due while every slot has an operation under way is turned away.

    ``blocked`` is what such a ticket is recorded as. Slots say when they begin and end one (``begins``, ``ends``). What fell due while one of them had none, and wasn't taken
    all the same since the tool itself came late, is given out as soon as one comes.
    """

    def __init__(self, tickets: Iterator[Ticket], *, slots: int, blocked: Observation) -> None:
        super().__init__(tickets, slots=slots, backlog=0)
        self.blocked = blocked
        self._slots, self._at_work = slots, 0
        self._all_since_ns: int | None = None  # since when every slot is at work

    def take(self, since_begin_ns: int, *, first: bool = False) -> Ticket | None:  # noqa: ARG002 - nothing is dropped
        """The next operation for a slot that is free now, None when all are given out or turned away."""
        if self._waiting:
            return self._waiting.popleft()
        ticket, self._ahead = self._next(), None
        return ticket

    def begins(self, since_begin_ns: int) -> None:
        """A slot is at work from now on."""
        self._at_work += 1
        if self._at_work == self._slots:
            self._all_since_ns = since_begin_ns

    def ends(self) -> None:
        """A slot isn't at work any more; call ``turn_away`` first."""
        self._at_work -= 1
        self._all_since_ns = None

    def turn_away(self, until_ns: int) -> Iterator[Ticket]:
        """What fell due before ``until_ns`` (since the trial began) and since every slot is at work; nothing while one isn't."""
        while self._all_since_ns is not None:
            ticket = self._next()
            if ticket is None or ticket.due_ns is None or ticket.due_ns >= until_ns:
                return
            self._ahead = None
            if ticket.due_ns < self._all_since_ns:
                self._waiting.append(ticket)
            else:
                yield ticket


def lines_of(streams: Sequence[Stream], slots: Sequence[int], worker: int) -> list[Line]:
    """One line for each slot of process ``worker`` (a line is there as often as slots serve it).

    ``slots`` has the number of slots of every process. Raises CannotMeasure when there are fewer slots than streams.
    """
    served = share_out(streams, sum(slots))
    owners = deal(slots)
    lines: dict[int, Line] = {}
    for stream in streams:
        mine = [owner for owner, what in zip(owners, served, strict=False) if what is stream]
        takers = sorted(set(mine))
        if worker in takers:
            rank = takers.index(worker)
            lines[id(stream)] = _line(stream, mine.count(worker), rank, len(takers))
    return [lines[id(what)] for owner, what in zip(owners, served, strict=False) if owner == worker]


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


def deal(slots: Sequence[int]) -> list[int]:
    """Which process has each slot: in turn, until one after the other has all of its own."""
    return [owner for turn in range(max(slots, default=0)) for owner, count in enumerate(slots) if turn < count]


def _line(stream: Stream, slots: int, rank: int, parts: int) -> Line:
    """The part of one process in a stream: its tickets, its backlog."""
    tickets = share(stream.tickets, rank, parts)
    if stream.blocked is not None:
        return BlockingLine(tickets, slots=slots, blocked=stream.blocked)
    return Line(tickets, slots=slots, backlog=None if stream.backlog is None else part_of(stream.backlog, rank, parts))


def part_of(whole: int, rank: int, parts: int) -> int:
    """The part of one process in a number that all share: parts differ by one at most, and together are the whole."""
    return whole // parts + (rank < whole % parts)
