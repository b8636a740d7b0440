"""Snapshots of an instance's volume, and instances made from one.

A snapshot is what a storage snapshot is on RDS: the blocks at one moment, while the server runs. Its whole tree is stopped
(SIGSTOP) while they are copied, which is the *I/O suspension* of a single-AZ instance; what is copied is the state that a process
crash would leave there (F6), and who starts on it recovers from it. RDS's copy is made by the storage, which suspends for seconds
whatever the size; ours is copied by us, so it suspends for as long as that takes.
"""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import gevent
import psutil

from harness.errors import ServerFailed
from harness.local.processes import Warden
from harness.local.topologies.cloning import clone
from harness.sql.operations.instances import Instance

STANDS_STILL_S = 10.0
LOOK_AGAIN_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A copy of a volume. ``began_ns``: the server stood still from then on (CLOCK_MONOTONIC); ``suspended_s``: for how long."""

    folder: Path
    bytes: int
    began_ns: int
    suspended_s: float


def forget(snapshot: Snapshot) -> None:
    """Take its folder away."""
    gevent.get_hub().threadpool.apply(shutil.rmtree, (snapshot.folder, True))


def take(instance: Instance, folder: Path) -> Snapshot:
    """Copy the volume of an instance that runs. Raises ServerFailed where it doesn't stand still."""
    warden, name = instance.warden, instance.server.name
    began_ns = warden.signal(name, signal.SIGSTOP, tree=True)
    try:
        _await_still(warden, name)
        clone(warden, instance.server.data, folder)
    finally:
        ended_ns = warden.signal(name, signal.SIGCONT, tree=True)
    return Snapshot(folder=folder, bytes=_bytes_of(folder), began_ns=began_ns, suspended_s=(ended_ns - began_ns) / 1e9)


def restore(snapshot: Snapshot, instance: Instance) -> float:
    """Make ``instance`` anew from a snapshot of a sibling, and start it; until it answered a query, s."""
    instance.kill()
    began_s = time.monotonic()
    instance.server.adopt(snapshot.folder)
    instance.server.start(instance.host)
    return time.monotonic() - began_s


def settle_disk() -> None:
    """What was copied before and isn't written yet isn't the next operation's."""
    gevent.get_hub().threadpool.apply(os.sync)


def _await_still(warden: Warden, name: str) -> None:
    """A signal stops a thread once it comes back from the kernel: what it was writing is written then."""
    root = psutil.Process(warden.servers()[name])
    deadline = time.monotonic() + STANDS_STILL_S
    while not all(_still(process) for process in (root, *root.children(recursive=True))):
        if time.monotonic() > deadline:
            raise ServerFailed(f"{name} didn't stand still within {STANDS_STILL_S:g} s of SIGSTOP")
        time.sleep(LOOK_AGAIN_S)


def _still(process: psutil.Process) -> bool:
    """Whether every thread of it is stopped, or it has ended."""
    try:
        threads = list(Path(f"/proc/{process.pid}/task").iterdir())
        return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "TtZX" for thread in threads)
    except OSError:
        return True


def _bytes_of(folder: Path) -> int:
    """What its files hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
