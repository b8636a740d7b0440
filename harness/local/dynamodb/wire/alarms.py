"""Alarms that ring to the tenth of a millisecond: the event loop's own timers round to whole ones."""

import asyncio
import ctypes
import heapq
import os
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1
_NS_PER_S = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class Alarms:
    """Calls back at moments of ``time.monotonic``; one Linux timer (timerfd) for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()  # callbacks don't compare
        self._loop = loop
        loop.add_reader(self._fd, self._ring)

    def at(self, due_s: float, call: Callable[[], None]) -> None:
        """Call when ``time.monotonic()`` has reached ``due_s``; who doesn't want it any more ignores the call."""
        heapq.heappush(self._due, (due_s, next(self._order), call))
        if self._due[0][0] == due_s:
            self._set(due_s)

    def close(self) -> None:
        """No alarm rings after this."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _set(self, due_s: float) -> None:
        seconds, ns = divmod(max(1, round(due_s * _NS_PER_S)), _NS_PER_S)
        spec = _Itimerspec(_Timespec(0, 0), _Timespec(seconds, ns))
        self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, ctypes.byref(spec), None)

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # set anew since it rang: nothing to read
            os.read(self._fd, 8)
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
        if self._due:
            self._set(self._due[0][0])
