"""What Locust's own statistics leave out, counted as it happens: throttles apart from failures, units, hits, what a second took.

Every process counts for itself. A worker's counts go to the master with Locust's reports; the master has the sums.
"""

import math
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from harness.generator import Pulse
from harness.plan import Trial
from harness.recorder import Observation
from harness.sketches import Sketch

COLUMNS = {
    "op": "Operation", "name": "Arm and step", "ok": "# Answered", "throttled": "# Throttled", "failed": "# Failed",
    "read_units": "Read units", "write_units": "Write units", "hits": "# Hits", "misses": "# Misses",
}  # fmt: skip
_OUTCOMES = {"ok": 0, "throttled": 1}
_FAILED, _READ, _WRITE, _HIT, _MISS = 2, 3, 4, 5, 6
_LEAST_FOR_P99 = 100
_STALE_SPANS = 3  # a worker that didn't report for so many of its spans has nothing lately

Counted = Callable[[str, Observation], str | None]
Pulsed = Callable[[], Pulse | None]
Levels = Callable[[], Mapping[str, Mapping[str, float]]]
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Of the latencies of one operation lately, from its intended start where it had one; p99 needs a hundred of them."""

    count: int
    p50_ms: float
    p99_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What happened a second, in the last one that is known of: of all processes together.

    ``noticed`` has what the scenario counts beside, ``reasons`` throttles by the reason that the service gave. Pulses are the worst
    worker's, None where nobody makes load. ``levels`` has what its loads know (``Scenario.load_live``).
    """

    ok: float = 0.0
    throttled: float = 0.0
    failed: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    hits: float = 0.0
    misses: float = 0.0
    reasons: dict[str, float] = field(default_factory=dict)
    noticed: dict[str, float] = field(default_factory=dict)
    latencies: dict[str, Percentiles] = field(default_factory=dict)
    pulse: Pulse | None = None
    levels: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Taken:
    """What one process counted in ``span_s``, in plain members so that it can be sent."""

    span_s: float
    counts: list[list[Any]]
    reasons: dict[str, int]
    noticed: dict[str, int]
    pulse: dict[str, Any] | None
    levels: dict[str, dict[str, float]] = field(default_factory=dict)


class Live:
    """Counts by operation, arm and step: of this process since the test began, or of all workers together.

    ``counted`` says what an attempt counts as beside its outcome. ``pulse`` tells how the load of this process fares, where it
    makes any, ``levels`` what it knows besides. With ``keeps_latencies`` somebody takes ``lately`` every second.
    """

    def __init__(self, counted: Counted | None = None, *, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.counted = counted
        self.pulse: Pulsed | None = None
        self.levels: Levels | None = None
        self.keeps_latencies = False
        self._clock_ns = clock_ns
        self.clear()

    def note(self, trial: Trial, op: str, latency_ns: int, seen: Observation) -> None:
        """Count one attempt."""
        key = op, trial.arm, trial.step
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0, 0, 0, 0.0, 0.0, 0, 0]
        place = _OUTCOMES.get(seen.outcome, _FAILED)
        counts[place] += 1
        if seen.read_units > 0:  # not where it isn't known: NaN
            counts[_READ] += seen.read_units
        if seen.write_units > 0:
            counts[_WRITE] += seen.write_units
        if seen.hit is not None:
            counts[_HIT if seen.hit else _MISS] += 1
        if place == 1:
            self._reasons[seen.reason or seen.error_code or "unknown"] += 1
        if self.counted is not None and (what := self.counted(op, seen)) is not None:
            self._noticed[what] += 1
        if self.keeps_latencies and not place:
            latencies_ns = self._latencies_ns.get(op)
            if latencies_ns is None:
                latencies_ns = self._latencies_ns[op] = array("q")
            latencies_ns.append(latency_ns)

    def clear(self, **_: Any) -> None:
        """Begin again."""
        self._counts: dict[Key, list[float]] = {}
        self._reasons: Counter[str] = Counter()
        self._noticed: Counter[str] = Counter()
        self._latencies_ns: dict[str, array[int]] = {}
        self._sketches: dict[str, Sketch] = {}
        self._before: tuple[dict[Key, list[float]], Counter[str], Counter[str]] = {}, Counter(), Counter()
        self._latest: dict[str, tuple[int, Taken]] = {}
        self._since_ns = self._clock_ns()

    def take(self) -> dict[str, Any]:
        """What was counted since the last call, to be sent."""
        taken = Taken(
            span_s=self._span_s(), counts=[[*key, *counts] for key, counts in self._counts.items()],
            reasons=dict(self._reasons), noticed=dict(self._noticed),
            pulse=self._beat(), levels=self._known(),
        )  # fmt: skip
        self._counts, self._reasons, self._noticed = {}, Counter(dict.fromkeys(self._reasons, 0)), Counter()
        return asdict(taken)

    def merge(self, sent: dict[str, Any], worker: str) -> None:
        """Add what another process has taken."""
        taken = Taken(**sent)
        for op, arm, step, *counts in taken.counts:
            mine = self._counts.setdefault((op, arm, step), [0, 0, 0, 0.0, 0.0, 0, 0])
            for place, count in enumerate(counts):
                mine[place] += count
        self._latest[worker] = self._clock_ns(), taken

    def merge_sketch(self, op: str, sketch: Sketch) -> None:
        """Add latencies that another process has summed up since it last did."""
        if self.keeps_latencies:
            self._sketches.setdefault(op, Sketch()).merge(sketch)

    def lately(self) -> Lately:
        """What happened a second: since the last call in this process, or by what each worker said last."""
        if self._latest:
            now_ns = self._clock_ns()
            fresh = [
                taken for at_ns, taken in self._latest.values() if now_ns - at_ns < _STALE_SPANS * 1e9 * max(1.0, taken.span_s)
            ]  # fmt: skip
            return together(fresh, self._percentiles())
        return together([self._own()], self._percentiles())

    def rows(self) -> list[dict[str, Any]]:
        """A row for each operation, arm and step, with the members of ``COLUMNS``."""
        return [
            dict(zip(COLUMNS, (op, f"{arm} {step}", *counts), strict=True))
            for (op, arm, step), counts in sorted(self._counts.items())
        ]

    def _own(self) -> Taken:
        """What this process counted since the last look; its counts go on."""
        counts, reasons, noticed = self._before
        self._before = {key: list(now) for key, now in self._counts.items()}, self._reasons.copy(), self._noticed.copy()
        return Taken(
            span_s=self._span_s(),
            counts=[
                [*key, *(now - then for now, then in zip(after, counts.get(key, [0] * len(after)), strict=True))]
                for key, after in self._counts.items()
            ],
            # A reason that there was before is none now, where it isn't given.
            reasons={what: count - reasons[what] for what, count in self._reasons.items()},
            noticed=dict(self._noticed - noticed),
            pulse=self._beat(), levels=self._known(),
        )  # fmt: skip

    def _beat(self) -> dict[str, Any] | None:
        pulse = self.pulse() if self.pulse else None
        return None if pulse is None else asdict(pulse)

    def _known(self) -> dict[str, dict[str, float]]:
        return {feed: dict(levels) for feed, levels in self.levels().items()} if self.levels else {}

    def _span_s(self) -> float:
        before_ns, self._since_ns = self._since_ns, self._clock_ns()
        return max(1, self._since_ns - before_ns) / 1e9

    def _percentiles(self) -> dict[str, Percentiles]:
        """Of what came since the last call, by operation."""
        own, merged, self._latencies_ns, self._sketches = self._latencies_ns, self._sketches, {}, {}
        found = {op: percentiles(values_ns) for op, values_ns in own.items()}
        for op, sketch in merged.items():
            p99_ns = sketch.quantile(0.99) if sketch.count >= _LEAST_FOR_P99 else None
            found[op] = Percentiles(
                count=sketch.count, p50_ms=(sketch.quantile(0.5) or 0.0) / 1e6, p99_ms=None if p99_ns is None else p99_ns / 1e6
            )  # fmt: skip
        return found


def is_count(name: str) -> bool:
    """Whether levels of that name are added up over processes; what it is of stands behind a bar."""
    return name.partition("|")[0].endswith("_count")


def percentiles(values_ns: "array[int]") -> Percentiles:
    """Of at least one latency."""
    values = np.frombuffer(values_ns, np.int64)
    wanted = [50, 99] if len(values) >= _LEAST_FOR_P99 else [50]
    found = np.percentile(values, wanted, method="inverted_cdf") / 1e6
    return Percentiles(count=len(values), p50_ms=float(found[0]), p99_ms=float(found[1]) if len(found) > 1 else None)


def together(parts: Iterable[Taken], latencies: dict[str, Percentiles]) -> Lately:
    """Rates of several processes added up, each over its own span, and levels that are counts; of other levels the largest, of pulses the worst."""
    sums = [0.0] * 7
    reasons: dict[str, float] = {}
    noticed: dict[str, float] = {}
    levels: dict[str, dict[str, float]] = {}
    pulses = []
    for part in parts:
        for _, _, _, *counts in part.counts:
            for place, count in enumerate(counts):
                sums[place] += count / part.span_s
        for into, told in ((reasons, part.reasons), (noticed, part.noticed)):
            for what, count in told.items():
                into[what] = into.get(what, 0.0) + count / part.span_s
        for feed, named in part.levels.items():
            known = levels.setdefault(feed, {})
            for name, level in named.items():
                both = known.get(name, level), level
                known[name] = level if name not in known else sum(both) if is_count(name) else max(both)
        if part.pulse is not None:
            pulses.append(Pulse(**part.pulse))
    names = ("ok", "throttled", "failed", "read_units", "write_units", "hits", "misses")
    return Lately(
        **dict(zip(names, sums, strict=True)),
        reasons=reasons, noticed=noticed, latencies=latencies, pulse=Pulse.worst(pulses) if pulses else None,
        levels=levels,
    )  # fmt: skip


def three_digits(response_time: float) -> float:
    """Locust's histogram key with three significant digits, instead of its whole milliseconds; ms in, ms out."""
    if response_time <= 0:
        return 0.0
    return round(response_time, 2 - math.floor(math.log10(response_time)))
