"""Waiting for a moment, as exactly as an event loop can: one kernel timer for all greenlets of a process.

``gevent.sleep`` rounds to the loop's milliseconds and counts from when it was asked: an open loop built on it is late
by 0.6 ms at the median (F9). Here a greenlet names the *moment* it is due; an absolute timer wakes it.
"""

import heapq
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

import gevent
from gevent.hub import Waiter as Asleep

from harness.timerfd import TimerFd

logger = logging.getLogger(__name__)
SPIN_NS = 100_000
_NS_PER_S = 1_000_000_000
_READABLE = 1


class Bell(Protocol):
    """Calls back once, in the hub, at the moment that it was last set to."""

    def start(self, ring: Callable[[], None]) -> None:
        """Begin to listen; ``ring`` is what is called."""

    def set(self, due_ns: int) -> None:
        """Ring at ``due_ns`` of CLOCK_MONOTONIC, and no more at what was set before."""

    def close(self) -> None:
        """Never ring again."""


class TimerFdBell:
    """A timerfd that gevent's hub watches."""

    def __init__(self) -> None:
        self._timer = TimerFd()
        self._watcher = gevent.get_hub().loop.io(self._timer.fd, _READABLE)
        self.set = self._timer.set

    def start(self, ring: Callable[[], None]) -> None:
        """See :class:`Bell`."""

        def rung() -> None:
            self._timer.off()
            ring()

        self._watcher.start(rung)

    def close(self) -> None:
        """See :class:`Bell`."""
        self._watcher.stop()
        self._watcher.close()
        self._timer.close()


class HubTimerBell:
    """For systems without timerfd: the hub's own timer, set a little early, and a spin over the last 100 µs."""

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._loop, self._clock_ns = gevent.get_hub().loop, clock_ns
        self._timer: Any = None
        self._ring: Callable[[], None] | None = None

    def start(self, ring: Callable[[], None]) -> None:
        """See :class:`Bell`."""
        self._ring = ring

    def set(self, due_ns: int) -> None:
        """See :class:`Bell`."""
        self._stop()
        self._timer = self._loop.timer(max(0.0, (due_ns - SPIN_NS - self._clock_ns()) / _NS_PER_S))
        self._timer.start(self._rung, due_ns)

    def close(self) -> None:
        """See :class:`Bell`."""
        self._stop()
        self._ring = None

    def _rung(self, due_ns: int) -> None:
        until_ns = min(due_ns, self._clock_ns() + SPIN_NS)
        while self._clock_ns() < until_ns:
            pass
        if self._ring is not None:
            self._ring()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None


class Waiter:
    """Lets greenlets of one hub wait for moments of CLOCK_MONOTONIC; make it after a fork, never before.

    ``bell`` and ``clock_ns`` are parameters for tests; by default the best timer that the system has.
    """

    def __init__(self, *, bell: Bell | None = None, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._asleep: list[tuple[int, int, Asleep]] = []
        self._order = count()  # of those due at the same moment, the first to ask is woken first
        self._set_to_ns: int | None = None
        self._ringing = self._closed = False
        self._bell = bell or best_bell()
        self._bell.start(self._ring)

    @property
    def waiting(self) -> int:
        """How many greenlets wait now."""
        return len(self._asleep)

    def wait_until(self, t_ns: int) -> None:
        """Return at ``t_ns`` of ``time.monotonic_ns()`` or a little later, never before; at once when it is past.

        A greenlet that is killed, or times out, while it waits leaves nothing behind.
        """
        if t_ns <= self._clock_ns():
            return
        if self._closed:
            raise RuntimeError("the waiter is closed: nobody would be woken")
        asleep = Asleep()
        entry = (t_ns, next(self._order), asleep)
        heapq.heappush(self._asleep, entry)
        self._set()
        try:
            asleep.get()
        except BaseException:
            self._forget(entry)
            raise

    def close(self) -> None:
        """Wake nobody any more: who still waits sleeps on, its moment has not come, until it is killed."""
        if not self._closed:
            self._closed = True
            self._bell.close()
            self._asleep.clear()

    def _set(self) -> None:
        """Set the bell to the earliest moment, unless it is set to that or an earlier one."""
        if self._ringing or not self._asleep:
            return
        due_ns = self._asleep[0][0]
        if self._set_to_ns is None or due_ns < self._set_to_ns:
            self._set_to_ns = due_ns
            self._bell.set(due_ns)

    def _ring(self) -> None:
        """Wake who is due now; those that fall due meanwhile have their turn after the sockets had theirs."""
        self._set_to_ns = None
        now_ns, due = self._clock_ns(), []
        while self._asleep and self._asleep[0][0] <= now_ns:
            due.append(heapq.heappop(self._asleep)[2])
        self._ringing = True
        try:
            for asleep in due:
                asleep.switch(None)
        finally:
            self._ringing = False
        if not self._closed:
            self._set()

    def _forget(self, entry: tuple[int, int, Asleep]) -> None:
        with suppress(ValueError):  # the waiter was closed in between
            self._asleep.remove(entry)
            heapq.heapify(self._asleep)


def best_bell() -> Bell:
    """A timerfd, or the hub's timer with a line in the log that says so."""
    try:
        return TimerFdBell()
    except OSError as error:
        logger.warning("no timerfd here (%s): arrivals wait by gevent's timer and may be a millisecond late", error)
        return HubTimerBell()
