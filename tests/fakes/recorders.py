"""Recorders that write without a pool of threads, and pools that do as a test says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.recorder import Kind, Observation, Recorder

EXTRA: dict[str, Kind] = {"kind": "text", "demand_units": "float"}


class AtOnce:
    """Stands in for the hub's thread pool: does the work when it is submitted."""

    def __init__(self, work: Callable[[], None]) -> None:
        work()

    def ready(self) -> bool:
        """The work is done."""
        return True

    def get(self) -> None:
        """Nothing to wait for."""


class Held:
    """A pool whose thread gets to run when the test says so; from then on at once."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self._released = False

    def __call__(self, work: Callable[[], None]) -> "Held":
        self.jobs.append(work)
        if self._released:
            work()
        return self

    def ready(self) -> bool:
        """Whether the work is done."""
        return self._released

    def get(self) -> None:
        """Nothing to wait for."""

    def release(self) -> None:
        """Do what was submitted."""
        self._released = True
        for work in self.jobs:
            work()


def opened(folder: Path, submit: Callable[[Callable[[], None]], Any] = AtOnce) -> Recorder:
    """A recorder of worker 0 with two columns of the scenario's own."""
    return Recorder(folder / "s.0.arrows", worker="0", extra=EXTRA, submit=submit)


def append(recorder: Recorder, number: int, seen: Observation, **fields: Any) -> None:
    """Add a row whose times and id are ``number``; ``fields`` go over what is usual."""
    recorder.append(
        **{  # type: ignore[arg-type]
            "trial": 1, "pair": 2, "phase": "measured", "t_intended": None, "t_start": number, "t_end": number + 5,
            "op_id": number, "attempt": 1, "client": "lean", "arm": "query", "step": "10", "op": "Query", "seen": seen,
        } | fields
    )  # fmt: skip
