"""What master and workers say to each other, and how the times in it are told: on the master's wall clock.

One kind of Locust message carries it all, each way with a member ``do``:

    master → worker   clock · set_up · slots · trial · go · word · abandon · stop · close
    worker → master   clock · ready · slots · at_hand · done · closed · event · failed
"""

from dataclasses import asdict
from typing import Any

from harness.generator import Figures
from harness.recorder import clock_pair

MESSAGE = "dbharness"


def to_wall_ns(monotonic_ns: int) -> int:
    """The wall time of a moment of this machine's monotonic clock."""
    monotonic, wall = clock_pair()
    return monotonic_ns - monotonic + wall


def to_monotonic_ns(wall_ns: int) -> int:
    """The moment of this machine's monotonic clock at a wall time."""
    monotonic, wall = clock_pair()
    return wall_ns - wall + monotonic


def figures_message(figures: Figures, *, ahead_ns: int = 0) -> dict[str, Any]:
    """A worker's figures of a trial to send: times on the master's wall, which this one's is ahead of."""
    times = {name: to_wall_ns(getattr(figures, name)) - ahead_ns for name in ("begin_ns", "end_ns")}
    return asdict(figures) | times


def figures_of(message: dict[str, Any]) -> Figures:
    """A worker's figures as they were sent, times on this machine's clock."""
    times = {name: to_monotonic_ns(message[name]) for name in ("begin_ns", "end_ns")}
    return Figures(**(message | times))
