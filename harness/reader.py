"""How a command ends whose reader is gone (``dbharness history | head``): quietly, and with 141."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from select import POLLERR, POLLHUP, poll  # by name, before gevent puts its own there, which tells less

READER_GONE = (
    141  # 128 + SIGPIPE: what a shell says of `cat` there, so that an answer nobody read is never taken for a yes
)
_OUT, _ERR = 1, 2


def until_reader_goes(command: Callable[[], int | None]) -> int:
    """Run the command: its exit code, or READER_GONE where what it says has no reader any more.

    SIGPIPE stays ignored, since it would end a process whose database closed a connection too. That is told apart here: a
    BrokenPipeError while standard output and standard error have their readers is raised as it came.
    """
    watched = dict(_copies((_OUT, _ERR)))
    try:
        try:
            return command() or 0
        finally:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()  # now, not while the interpreter ends: there it is a message and 120
    except (BrokenPipeError, SystemExit) as ending:
        # typer and rich make `sys.exit(1)` of a BrokenPipeError
        broken = ending if isinstance(ending, BrokenPipeError) else ending.__context__
        gone = [descriptor for descriptor, copy in watched.items() if _is_gone(copy)]
        if not isinstance(broken, BrokenPipeError) or not gone:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in gone:
            os.dup2(nowhere, descriptor)
        return READER_GONE
    finally:
        for copy in watched.values():
            os.close(copy)


def _copies(descriptors: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Each that is open, with a copy of it: rich puts /dev/null in the place of one whose reader went."""
    for descriptor in descriptors:
        with suppress(OSError):
            yield descriptor, os.dup(descriptor)


def _is_gone(descriptor: int) -> bool:
    asked = poll()
    asked.register(descriptor, 0)  # that nobody is at the other end is told without being asked for
    return any(event & (POLLERR | POLLHUP) for _, event in asked.poll(0))
