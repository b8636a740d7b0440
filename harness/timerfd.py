"""One Linux timer behind a file descriptor (timerfd), set to absolute moments of the monotonic clock.

An event loop's own timers round to whole milliseconds; a descriptor that becomes readable when the kernel's timer
expires doesn't (F9). Python itself offers it only from 3.13 on, so libc is asked. Nothing here knows of a loop:
asyncio and gevent each watch the descriptor in their own way.
"""

import ctypes
import errno
import os

_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1
_NS_PER_S = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class TimerFd:
    """The timer; ``fd`` is readable from the moment it was set to until it is set anew or switched off.

    Raises OSError where the system has none.
    """

    def __init__(self) -> None:
        # PyDLL keeps the interpreter's lock: to give it up for a call of half a microsecond could mean to wait for
        # a busy thread to hand it back, up to 5 ms. For the same reason nothing is read from the descriptor.
        self._libc = ctypes.PyDLL(None, use_errno=True)
        if not hasattr(self._libc, "timerfd_create"):
            raise OSError(errno.ENOSYS, "timerfd_create: not on this system")
        self.fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._spec = _Itimerspec()
        self._at = ctypes.byref(self._spec)

    def set(self, due_ns: int) -> None:
        """Expire when ``time.monotonic_ns()`` reaches ``due_ns``, at once when it has; what was set before is void."""
        self._set(max(1, due_ns))

    def off(self) -> None:
        """Switch it off: the descriptor isn't readable until the timer is set again."""
        self._set(0)

    def close(self) -> None:
        """Give the descriptor back; no watcher may be on it any more."""
        os.close(self.fd)

    def _set(self, due_ns: int) -> None:
        value = self._spec.it_value
        value.tv_sec, value.tv_nsec = divmod(due_ns, _NS_PER_S)
        self._libc.timerfd_settime(self.fd, _TFD_TIMER_ABSTIME, self._at, None)
