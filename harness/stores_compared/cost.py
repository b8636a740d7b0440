"""What answers cost a server: processor time and disk traffic of its whole process tree.

Processor time is read from each process's own clock (``clock_getcpuclockid``'s, in nanoseconds, over all of its threads, those
that ended too), not from ``/proc/<pid>/stat``, whose ticks are 10 ms. What children used that have ended is only there, in
ticks: where some ended, between two readings, the event says so by ``resolution_s``.

Bytes read are those that came from the disk. Bytes written are those of the calls that write to files (``wchar``): what the kernel
calls ``write_bytes`` counts the whole folio that a write makes dirty, which on a new kernel is 1 MB for a commit of 8 KB. Calls that
send to a socket aren't among them where a server has ``send`` for that, as both databases do.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_CPUCLOCK_SCHED = 2  # <linux/posix-timers.h>: time on a processor, as the scheduler counts it
_CHILDREN_UTIME = 13  # field of /proc/<pid>/stat, counted behind the name; the next one is their system time


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a server has used since it started: processor time in ns, that of children that ended apart, and bytes."""

    live_ns: int = 0
    ended_ns: int = 0
    read_bytes: int = 0
    write_bytes: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(
            live_ns=self.live_ns + other.live_ns, ended_ns=self.ended_ns + other.ended_ns,
            read_bytes=self.read_bytes + other.read_bytes, write_bytes=self.write_bytes + other.write_bytes,
        )  # fmt: skip

    def __sub__(self, other: "Used") -> "Used":
        return Used(
            live_ns=self.live_ns - other.live_ns, ended_ns=self.ended_ns - other.ended_ns,
            read_bytes=self.read_bytes - other.read_bytes, write_bytes=self.write_bytes - other.write_bytes,
        )  # fmt: skip

    @property
    def cpu_s(self) -> float:
        """Processor time, s."""
        return (self.live_ns + self.ended_ns) / 1e9

    @property
    def resolution_s(self) -> float:
        """How far ``cpu_s`` may be off: two counts of ticks at both ends where children ended, else nothing to speak of."""
        return 4 * TICK_S if self.ended_ns else 0.0


class ServerProcesses:
    """The process tree of a server on this machine."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @classmethod
    def listening(cls, host: str, port: int) -> Self | None:
        """That of who listens there; None where that can't be known."""
        for connection in psutil.net_connections("tcp"):
            if connection.laddr == (host, port) and connection.status == psutil.CONN_LISTEN and connection.pid:
                return cls(connection.pid)
        return None

    def used(self) -> Used:
        """As of now; what ends meanwhile may be missing."""
        total = Used()
        for pid in _tree(self.pid):
            with suppress(OSError):  # it has ended: its parent has waited for it, and has its figures
                total += _used(pid)
        return total

    def cpu_ns(self) -> int:
        """Processor time alone, for less than a look at all: what other threads than the first started isn't in it."""
        with suppress(OSError):
            return _cpu_ns(self.pid)
        return 0


def _cpu_ns(pid: int) -> int:
    """Of a process and those that its first thread started, that ended too."""
    total = time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    total += round((int(stat[_CHILDREN_UTIME]) + int(stat[_CHILDREN_UTIME + 1])) * TICK_S * 1e9)
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):  # it has ended
            total += _cpu_ns(int(child))
    return total


class Meter:
    """What one server used between ``start`` and ``stop``, what was done ``aside`` left out."""

    def __init__(self, server: ServerProcesses) -> None:
        self._server = server
        self._begun: Used | None = None
        self._aside = Used()

    def start(self) -> None:
        """Count from here."""
        self._begun, self._aside = self._server.used(), Used()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What the server does meanwhile isn't counted."""
        before = self._server.used()
        yield
        self._aside += self._server.used() - before

    def stop(self) -> Used:
        """What was used since ``start``."""
        assert self._begun is not None, "start it first"
        return self._server.used() - self._begun - self._aside


def _tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in listed.read_text().split():
                yield from _tree(int(child))


def _used(pid: int) -> Used:
    clock = (~pid << 3) | _CPUCLOCK_SCHED
    live_ns = time.clock_gettime_ns(clock)
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ended = int(stat[_CHILDREN_UTIME]) + int(stat[_CHILDREN_UTIME + 1])
    counters = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return Used(
        live_ns=live_ns, ended_ns=round(ended * TICK_S * 1e9), read_bytes=int(counters["read_bytes"]), write_bytes=int(counters["wchar"]),
    )  # fmt: skip
