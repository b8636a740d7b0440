"""Alarms that ring to the tenth of a millisecond: the event loop's own timers round to whole ones."""

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

from harness.timerfd import TimerFd

_NS_PER_S = 1_000_000_000


class Alarms:
    """Calls back at moments of ``time.monotonic``; one Linux timer (timerfd) for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = TimerFd()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()  # callbacks don't compare
        self._loop = loop
        loop.add_reader(self._timer.fd, self._ring)

    def at(self, due_s: float, call: Callable[[], None]) -> None:
        """Call when ``time.monotonic()`` has reached ``due_s``; who doesn't want it any more ignores the call."""
        heapq.heappush(self._due, (due_s, next(self._order), call))
        if self._due[0][0] == due_s:
            self._set(due_s)

    def close(self) -> None:
        """No alarm rings after this."""
        self._loop.remove_reader(self._timer.fd)
        self._timer.close()

    def _set(self, due_s: float) -> None:
        self._timer.set(round(due_s * _NS_PER_S))

    def _ring(self) -> None:
        self._timer.off()
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
        if self._due:
            self._set(self._due[0][0])
