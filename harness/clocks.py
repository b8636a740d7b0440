"""How far another process's clocks stand from ours, by messages there and back. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One question and its answer: when it left and came back by our monotonic clock, our wall then, their two clocks."""

    sent_ns: int
    received_ns: int
    wall_less_monotonic_ns: int
    their_monotonic_ns: int
    their_wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Theirs as told from ours, each within ``error_ns``: ``shift_ns`` added to their monotonic time gives ours.

    ``ahead_ns`` is how far their wall clock is ahead of ours. Either is 0 where it is within the error: then nothing is
    known to be wrong with it. On one machine both are.
    """

    shift_ns: int
    ahead_ns: int
    error_ns: int

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> "Clocks":
        """By the quickest round: the answer was given somewhere between the two readings, so half of it is the error."""
        best = min(rounds, key=lambda one: one.received_ns - one.sent_ns)
        error_ns = (best.received_ns - best.sent_ns + 1) // 2
        middle_ns = best.sent_ns + error_ns
        shift_ns = middle_ns - best.their_monotonic_ns
        ahead_ns = best.their_wall_ns - (middle_ns + best.wall_less_monotonic_ns)
        return cls(
            shift_ns=shift_ns if abs(shift_ns) > error_ns else 0,
            ahead_ns=ahead_ns if abs(ahead_ns) > error_ns else 0,
            error_ns=error_ns,
        )

    def as_record(self) -> dict[str, Any]:
        """What the manifest keeps of a worker's clocks."""
        return {"shift_ns": self.shift_ns, "ahead_ns": self.ahead_ns, "error_ns": self.error_ns}
