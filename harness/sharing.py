"""Who does what in a trial: streams over slots, slots over processes, tickets over both. Pure.

Several processes together do exactly what one would: each draws the same tickets and takes its part of them.
"""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from harness.arrivals import share
from harness.errors import CannotMeasure
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
            lines[id(stream)] = Line(
                share(stream.tickets, rank, len(takers)),
                slots=mine.count(worker),
                backlog=None if stream.backlog is None else _part(stream.backlog, rank, len(takers)),
            )
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


def _part(whole: int, rank: int, parts: int) -> int:
    return whole // parts + (rank < whole % parts)
