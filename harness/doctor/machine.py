"""What the system gives: interpreter, cores, memory, disk, files, addresses, timers, clock, and what makes it noisy."""

import os
import platform
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from harness.doctor.findings import Check, state_of
from harness.local.deaf import set_deaf
from harness.local.doors import door_of
from harness.local.topologies.model import ZONES
from harness.noise import Noise, noise
from harness.timerfd import TimerFd

PYTHON, RUNS, TEMPORARY = "Python", "run directory", "temporary files"
LOOPBACK, MINTTL, TIMERFD = "loopback addresses", "IP_MINTTL", "timerfd"
LEAST_PYTHON = (3, 11)
_GB = 1e9
# Of a standard run: samples, servers' data and logs; below the least the recorder refuses to write (harness.samples.parts).
_DISK_BYTES, _LEAST_DISK_BYTES, _INODES = 2 * _GB, 0.2 * _GB, 10_000
_MEMORY_BYTES, _LEAST_MEMORY_BYTES = 4 * _GB, 1 * _GB
_FILES, _LEAST_FILES = 4096, 256
_CLOCK_NS = 1000
_READINGS = 2000


def checks(runs: Path) -> Iterator[Check]:
    """Every check of this machine; ``runs`` is where run directories go."""
    cores = len(os.sched_getaffinity(0))
    readings = noise(cores=cores)
    yield python(sys.version_info[:3])
    yield cores_of(cores, readings)
    yield memory(psutil.virtual_memory().total, psutil.virtual_memory().available)
    yield folder(RUNS, runs, "samples and reports", "dbharness run --out DIR, on a disk with room")
    yield folder(TEMPORARY, Path(tempfile.gettempdir()), "the servers' data", "export TMPDIR=DIR, on a disk with room")
    yield open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield loopback((*ZONES, *map(door_of, ZONES)), _can_bind)
    yield option(MINTTL, _vanish, "the fault black_hole of rds_failover", "run on Linux")
    yield option(TIMERFD, lambda: TimerFd().close(), "open loops that start on time", "run on Linux")
    yield clock(readings.clock, _reading_ns())
    yield quiet(readings)


def python(version: Sequence[int]) -> Check:
    """The interpreter."""
    return Check(
        subject=PYTHON, state=state_of(missing=tuple(version[:2]) < LEAST_PYTHON), needed_for="everything",
        found=f"{platform.python_implementation()} {'.'.join(map(str, version))}",
        mend=f"make PYTHON=/path/to/python{'.'.join(map(str, LEAST_PYTHON))} setup",
    )  # fmt: skip


def cores_of(cores: int, readings: Noise) -> Check:
    """How many this process may use; with one alone, load and servers wait for each other."""
    quota = readings.quota_cores
    usable = cores if quota is None else min(cores, quota)
    return Check(
        subject="cores", state=state_of(limited=usable < 2), needed_for="load and servers side by side",
        found=f"{cores}" + ("" if quota is None else f", of which a control group allows {quota:g}"),
        mend="give this machine, or its container (docker run --cpus 2), two cores or more",
    )  # fmt: skip


def memory(total_bytes: float, available_bytes: float) -> Check:
    """All there is, and what is free now."""
    return Check(
        subject="memory", needed_for="servers and the analysis of a run",
        state=state_of(missing=available_bytes < _LEAST_MEMORY_BYTES, limited=available_bytes < _MEMORY_BYTES),
        found=f"{available_bytes / _GB:.1f} of {total_bytes / _GB:.1f} GB are free",
        mend="end other programs, or measure less: --profile smoke",
    )  # fmt: skip


def folder(subject: str, path: Path, needed_for: str, mend: str) -> Check:
    """Whether a folder, or the one it would be made in, can be written, and what room its disk has."""
    there = next(parent for parent in (path, *path.parents) if parent.exists())
    disk = os.statvfs(there)
    free, inodes = disk.f_bavail * disk.f_frsize, disk.f_favail
    counted = disk.f_files > 0  # some file systems make them as they need them
    writable = os.access(there, os.W_OK | os.X_OK)
    return Check(
        subject=subject, needed_for=needed_for, mend=mend,
        state=state_of(missing=not writable or free < _LEAST_DISK_BYTES, limited=free < _DISK_BYTES or (counted and inodes < _INODES)),
        found=f"{path}: {free / _GB:.1f} GB{f' and {inodes:,} files' if counted else ''} free"
        + ("" if writable else ", can't be written"),
    )  # fmt: skip


def open_files(most: int) -> Check:
    """The hard limit: servers raise their own to it."""
    unlimited = most == resource.RLIM_INFINITY
    return Check(
        subject="open files", needed_for="connections: each is one",
        state=state_of(missing=not unlimited and most < _LEAST_FILES, limited=not unlimited and most < _FILES),
        found="unlimited" if unlimited else f"{most:,} at most", mend=f"ulimit -Hn {_FILES}",
    )  # fmt: skip


def loopback(addresses: Sequence[str], can_bind: Callable[[str], bool]) -> Check:
    """The addresses that stand for availability zones, and for doors before them."""
    closed = [address for address in addresses if not can_bind(address)]
    linux = sys.platform == "linux"
    return Check(
        subject=LOOPBACK, state=state_of(missing=bool(closed)), needed_for="the zones of rds_failover",
        found=f"{', '.join(closed)} can't be had" if closed else f"{addresses[0]} to {addresses[-1]}",
        mend=f"sudo ip address add {closed[0]}/8 dev lo" if closed and linux else f"sudo ifconfig lo0 alias {addresses[0]}",
    )  # fmt: skip


def option(subject: str, attempt: Callable[[], None], needed_for: str, mend: str) -> Check:
    """Something that the kernel has or hasn't, by trying it."""
    try:
        attempt()
    except OSError as error:
        return Check(
            subject=subject, state="missing", found=error.strerror or str(error), needed_for=needed_for, mend=mend
        )
    return Check(subject=subject, state="ok", found="there", needed_for=needed_for)


def clock(source: str | None, reading_ns: float) -> Check:
    """The kernel's clock source, and what a reading costs."""
    return Check(
        subject="clock", state=state_of(limited=reading_ns > _CLOCK_NS), needed_for="three readings an operation",
        found=f"{source or 'source unknown'}, read in {reading_ns:.0f} ns",
        mend="echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource",
    )  # fmt: skip


def quiet(readings: Noise) -> Check:
    """What makes figures of this machine less sure, as the manifest of a run says it too."""
    warnings = list(readings.warnings())
    return Check(
        subject="quiet", state=state_of(limited=bool(warnings)), needed_for="figures that repeat",
        found="; ".join(warnings) or "nothing that makes it noisy",
        mend="sudo cpupower frequency-set -g performance" if readings.governors else "measure on a machine of its own",
    )  # fmt: skip


def _can_bind(address: str) -> bool:
    try:
        with socket.create_server((address, 0)):
            return True
    except OSError:
        return False


def _vanish() -> None:
    with socket.socket() as of:
        set_deaf(of, deaf=True)


def _reading_ns() -> float:
    began_ns = time.monotonic_ns()
    for _ in range(_READINGS):
        time.monotonic_ns()
    return (time.monotonic_ns() - began_ns) / _READINGS
