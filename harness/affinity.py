"""Which cores a process keeps to: the load on its own, the servers off them, where the configuration asks for that."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import UsageError


def keep_to(cores: Iterable[int]) -> None:
    """Bind this process, all its threads and what they start from now on, to ``cores``."""
    cores = set(cores)
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


@contextlib.contextmanager
def servers_apart(load: Sequence[int] | None) -> Iterator[None]:
    """What is started inside keeps off the load's cores, if others are left; afterwards this process keeps to its own.

    Nothing changes where ``load`` names none. Raises UsageError for a core that isn't there.
    """
    if not load:
        yield
        return
    there = os.sched_getaffinity(0)
    if unknown := sorted(set(load) - there):
        cores = ", ".join(map(str, sorted(there)))
        raise UsageError(f"load.cpu_affinity: core {unknown[0]} isn't there; this process may use {cores}")
    try:
        keep_to(there - set(load) or there)
        yield
    except BaseException:
        keep_to(there)
        raise
    keep_to(load)
