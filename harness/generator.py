"""What the process that makes the load did during a trial: the tool's own share, measured so that it can be shown.

Garbage collection keeps out of a trial: it is off, the collection comes after, and only a process that piles up a
million objects in one trial is collected in between, which is counted.
"""

import gc
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

_MOST_OBJECTS = 1_000_000  # containers made and not freed since the last collection; more are collected in the trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One trial of one process, or of several at once.

    ``cpu_share`` is the CPU time of the whole process over the trial's length, 1 being one core. Lateness is the
    tool's own: from when an operation was due *and* a slot was free for it, to its start; None in a closed loop.
    ``queued_p99_ms`` has the wait for a free slot in it. ``dropped`` counts by operation.
    """

    begin_ns: int
    end_ns: int
    cpu_share: float
    lateness_p50_ms: float | None
    lateness_p99_ms: float | None
    queued_p99_ms: float | None
    attempts: int
    dropped: dict[str, int]
    gc_pauses: int

    def as_event(self) -> dict[str, Any]:
        """The members of the event ``generator``."""
        return {
            "cpu_share": self.cpu_share, "lateness_p50_ms": self.lateness_p50_ms,
            "lateness_p99_ms": self.lateness_p99_ms, "queued_p99_ms": self.queued_p99_ms, "attempts": self.attempts,
            "dropped": sum(self.dropped.values()), "dropped_ops": self.dropped, "gc_pauses": self.gc_pauses,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How the load of one process fares since somebody last looked, or the worst of several; lateness as in :class:`Figures`."""

    cpu_share: float
    lateness_p50_ms: float | None
    lateness_p99_ms: float | None

    @classmethod
    def worst(cls, parts: Iterable["Pulse"]) -> "Pulse":
        """Of several processes, at least one, the worst, whoever had it."""
        parts = list(parts)
        return cls(
            cpu_share=max(part.cpu_share for part in parts),
            lateness_p50_ms=_worst(part.lateness_p50_ms for part in parts),
            lateness_p99_ms=_worst(part.lateness_p99_ms for part in parts),
        )


class Pulses:
    """Takes the pulse of this process, from one look to the next."""

    def __init__(
        self, cpu_ns: Callable[[], int] = time.process_time_ns, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._cpu_ns, self._clock_ns = cpu_ns, clock_ns
        self._looked = clock_ns(), cpu_ns()
        self._meter: Meter | None = None
        self._late = 0  # values of the meter that were looked at

    def take(self, meter: "Meter | None") -> Pulse:
        """Since the last look; ``meter`` is the present trial's, if one is under way."""
        clock_ns, cpu_ns = self._looked
        self._looked = now_ns, used_ns = self._clock_ns(), self._cpu_ns()
        if meter is not self._meter:
            self._meter, self._late = meter, 0
        late = array("q") if meter is None else meter.late[self._late :]
        self._late += len(late)
        return Pulse(
            cpu_share=(used_ns - cpu_ns) / max(1, now_ns - clock_ns),
            lateness_p50_ms=_percentile_ms(late, 50),
            lateness_p99_ms=_percentile_ms(late, 99),
        )


def together(parts: Iterable[Figures]) -> Figures:
    """Several processes of one trial as one: counts added up; of shares and lateness the worst, whoever had it."""
    parts = list(parts)
    return Figures(
        begin_ns=min(part.begin_ns for part in parts),
        end_ns=max(part.end_ns for part in parts),
        cpu_share=max(part.cpu_share for part in parts),
        lateness_p50_ms=_worst(part.lateness_p50_ms for part in parts),
        lateness_p99_ms=_worst(part.lateness_p99_ms for part in parts),
        queued_p99_ms=_worst(part.queued_p99_ms for part in parts),
        attempts=sum(part.attempts for part in parts),
        dropped=dict(sum((Counter(part.dropped) for part in parts), Counter())),
        gc_pauses=sum(part.gc_pauses for part in parts),
    )


class Meter:
    """Watches this process over one trial; ``late`` and ``queued`` take one value a due operation, in ns."""

    def __init__(
        self, cpu_ns: Callable[[], int] = time.process_time_ns, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.late, self.queued = array("q"), array("q")
        self.attempts, self.gc_pauses = 0, 0
        self.dropped: Counter[str] = Counter()
        self._cpu_ns, self._clock_ns = cpu_ns, clock_ns

    def start(self) -> None:
        """The trial begins: collect no garbage from now on."""
        gc.callbacks.append(self._count_pause)
        gc.disable()
        self._began_ns, self._cpu_began_ns = self._clock_ns(), self._cpu_ns()

    def relieve(self) -> None:
        """Collect in the middle of a trial where so much has piled up that memory would be next."""
        if gc.get_count()[0] > _MOST_OBJECTS:
            gc.collect()

    def finish(self, begin_ns: int) -> Figures:
        """The trial that began at ``begin_ns`` is over: its figures; what garbage it left is collected now."""
        cpu_ns, end_ns = self._cpu_ns() - self._cpu_began_ns, self._clock_ns()
        gc.callbacks.remove(self._count_pause)
        gc.enable()
        gc.collect()
        return Figures(
            begin_ns=begin_ns,
            end_ns=end_ns,
            cpu_share=cpu_ns / max(1, end_ns - self._began_ns),
            lateness_p50_ms=_percentile_ms(self.late, 50),
            lateness_p99_ms=_percentile_ms(self.late, 99),
            queued_p99_ms=_percentile_ms(self.queued, 99),
            attempts=self.attempts,
            dropped=dict(self.dropped),
            gc_pauses=self.gc_pauses,
        )

    def _count_pause(self, phase: str, _info: dict[str, int]) -> None:
        self.gc_pauses += phase == "stop"


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _percentile_ms(values_ns: "array[int]", percent: float) -> float | None:
    """The smallest value that so many per cent of all don't exceed."""
    if not values_ns:
        return None
    return float(np.percentile(np.frombuffer(values_ns, np.int64), percent, method="inverted_cdf")) / 1e6
