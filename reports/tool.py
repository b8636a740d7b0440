"""The tool's own share: the floors and the generator's events of one scenario, and which of its findings they bind.

A latency is tool-bound when the interval of its excess over the floor, or of the difference between arms, includes 0; when
the generator's core was above 80 %; or when it was late by more than max(1 ms, 10 % of the figure) at p99. Units, shares, hit
rates and downtime are exempt unless requests were dropped or the schedule was missed: late, the tool itself, by more than
max(1 ms, 10 % of the time the figure stands on) at p99. The worst trial of a finding decides. What a run doesn't hold (older
ones have neither floors nor events) marks nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.tool_rules import CPU_LIMIT, LATE_MS, LATE_SHARE
from reports.findings import Finding, ToolShare
from reports.load import Run
from reports.stats import Interval, difference_of_trials
from reports.words import microseconds, percent, span

Statistic = Literal["mean", "p50", "p95", "p99"]
STATISTICS: tuple[Statistic, ...] = ("mean", "p50", "p95", "p99")
US_IN = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
_NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What the same client took for the same bytes from a responder that does nothing: one figure a trial, in µs."""

    client: str
    op: str
    labels: Mapping[str, str] = field(default_factory=dict)
    trials_us: Mapping[Statistic, tuple[float, ...]]

    @property
    def name(self) -> tuple[str, str]:
        """Client and operation as a table shows them."""
        about = ", ".join(f"{name} {text}" for name, text in self.labels.items())
        return self.client, f"{self.op} ({about})" if about else self.op

    def plus(self, other: "Floor", times: float = 1.0) -> "Floor":
        """The floor of doing this and then, ``times`` on average, ``other``; as many trials as both have."""
        pairs = {which: zip(self.trials_us[which], other.trials_us[which], strict=False) for which in STATISTICS}
        clients = dict.fromkeys([*self.client.split(" + "), other.client])
        return Floor(
            client=" + ".join(clients),
            op=f"{self.op} + {other.op}",
            trials_us={which: tuple(a + times * b for a, b in both) for which, both in pairs.items()},
        )

    def us(self, which: Statistic) -> float:
        """The mean of a statistic over its trials."""
        return sum(self.trials_us[which]) / len(self.trials_us[which])


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """How the load's own processes fared in a trial, or at worst in several; lateness is None in a closed loop.

    Lateness is the tool's own, from when a request was due and a slot was free; ``queued_p99_ms`` has the wait for a slot in it.
    """

    trial: int
    cpu_share: float
    lateness_p99_ms: float | None
    queued_p99_ms: float | None
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRow:
    """A line of the section *the tool's own share*; None is what wasn't measured, or what a closed loop doesn't have."""

    client: str
    op: str
    floor_p50_us: float | None
    floor_p95_us: float | None
    excess_us: tuple[float, float] | None
    cpu_share: float | None
    lateness_p99_ms: float | None
    queued_p99_ms: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Tool:
    """What the run of one scenario holds about the tool itself."""

    floors: tuple[Floor, ...]
    generator: Mapping[int, Generator]

    @classmethod
    def of(cls, run: Run, scenario: str) -> "Tool":
        """Floors from the manifest, and the generator's events."""
        floors = (_floor(record) for record in run.scenario(scenario).get("floors") or () if record.get("trials"))
        events = (_generator(event) for event in run.events_of(scenario, "generator"))
        return cls(tuple(floors), {one.trial: one for one in events})

    def floor(self, client: str, op: str, labels: Mapping[str, str] = _NO_LABELS) -> Floor | None:
        """The floor of ``op`` by ``client``, the one that has most ``labels`` in common and none against; or None."""
        fitting = [
            floor
            for floor in self.floors
            if (floor.client, floor.op) == (client, op) and floor.labels.items() <= labels.items()
        ]
        return max(fitting, key=lambda floor: len(floor.labels), default=None)

    def judged(
        self,
        finding: Finding,
        *,
        trials: Iterable[int],
        per_trial: Sequence[float],
        floor: Floor | None,
        statistic: Statistic,
        speed: float = 1.0,
    ) -> Finding:
        """A latency with its floor and its excess, marked where it is tool-bound.

        ``per_trial`` is the same statistic of each trial, in the finding's unit (ns, us, ms or s); its spread and that of the
        floor's trials give the interval of the excess (Welch's t). ``speed`` where the finding is in service time: the tool's
        own times are the wall's.
        """
        if finding.value is None:
            return finding
        unit_us, worst = US_IN[finding.unit] / speed, self._worst_of(trials)
        reasons = _reasons(worst, finding.value * unit_us / 1e3)
        excess, sentence = None, finding.sentence
        if floor is not None:
            excess = _excess(finding.value, per_trial, [us / unit_us for us in floor.trials_us[statistic]])
            clock = "" if speed == 1 else " of the wall's clock"
            sentence = f"{sentence} {_in_words(excess, finding.value, unit_us, clock)}"
            if (excess.value if excess.low is None else excess.low) <= 0:
                reasons.insert(0, "the excess over the tool's floor can't be told from 0")
        client, op = floor.name if floor else (finding.labels.get("client", ""), finding.labels.get("op", ""))
        share = ToolShare(
            client=client,
            op=op,
            statistic=statistic,
            unit_us=unit_us,
            floor=None if excess is None else finding.value - excess.value,
            excess=excess,
            cpu_share=worst.cpu_share if worst else None,
            lateness_p99_ms=worst.lateness_p99_ms if worst else None,
            queued_p99_ms=worst.queued_p99_ms if worst else None,
        )
        return _marked(replace(finding, sentence=sentence, tool=share), reasons)

    def compared(
        self,
        finding: Finding,
        *,
        trials: Iterable[int],
        figure_ms: float,
        bounds: tuple[float | None, float | None] | None = None,
    ) -> Finding:
        """What two arms' latencies come to, marked where its interval includes 1, at which the arms are equal.

        ``figure_ms`` is the shorter of the two latencies, ``bounds`` the interval where it isn't the finding's own.
        """
        if finding.value is None:
            return finding
        low, high = bounds or (finding.low, finding.high)
        reasons = _reasons(self._worst_of(trials), figure_ms)
        if low is not None and high is not None and low <= 1 <= high:
            reasons.insert(0, "the difference between the arms can't be told from 0")
        return _marked(finding, reasons)

    def exempt(
        self, finding: Finding, *, trials: Iterable[int], figure_ms: float = math.inf, queue_counts: bool = False
    ) -> Finding:
        """Units, a share, a hit rate or a downtime: marked only where requests were dropped or the schedule was missed.

        ``figure_ms`` is the time the figure stands on: an outage, or a trial's length. ``queue_counts`` where the demand
        itself is the point: a request that had to wait for a slot came later than planned, whoever kept the slot busy.
        """
        worst = self._worst_of(trials)
        if finding.value is None or worst is None:
            return finding
        reasons = [*_late(worst, figure_ms), *_dropped(worst)]
        queued_ms = worst.queued_p99_ms or 0.0
        if queue_counts and not reasons and queued_ms > max(LATE_MS, LATE_SHARE * figure_ms):
            reasons.append(
                f"requests waited {microseconds(1e3 * queued_ms)} for a slot at p99, so the demand came late"
            )
        return _marked(finding, reasons)

    def rows(self, findings: Iterable[Finding]) -> tuple[ToolRow, ...]:
        """A row for each floor, and for each client and operation whose latencies were held against something else."""
        floors = {floor.name: floor for floor in sorted(self.floors, key=self._place)}
        held: dict[tuple[str, str], list[Finding]] = {name: [] for name in floors}
        for finding in findings:
            share = finding.tool
            if share is not None and (share.floor is not None or share.cpu_share is not None):
                held.setdefault((share.client, share.op), []).append(finding)
        return tuple(self._row(name, floors.get(name), those) for name, those in held.items())

    def _place(self, floor: Floor) -> tuple[int, list[tuple[bool, float, str]]]:
        """Operations in the order they were probed, then by their labels, numbers by size."""
        first = next(index for index, one in enumerate(self.floors) if (one.client, one.op) == (floor.client, floor.op))
        texts = (text for _, text in sorted(floor.labels.items()))
        return first, [(text.isdecimal(), float(text) if text.isdecimal() else 0.0, text) for text in texts]

    def _row(self, name: tuple[str, str], floor: Floor | None, held: Sequence[Finding]) -> ToolRow:
        shares = [finding.tool for finding in held if finding.tool is not None]
        excesses_us = [share.excess.value * share.unit_us for share in shares if share.excess is not None]
        bound = sum(finding.status == "tool_bound" for finding in held)
        verdict = f"tool-bound: {bound} of {len(held)} figures" if bound else "not tool-bound"
        every = self._worst_of(self.generator)
        read: Sequence[ToolShare | Generator] = shares or ([every] if every else [])
        return ToolRow(
            client=name[0],
            op=name[1],
            floor_p50_us=_floor_us(floor, shares, "p50"),
            floor_p95_us=_floor_us(floor, shares, "p95"),
            excess_us=(min(excesses_us), max(excesses_us)) if excesses_us else None,
            cpu_share=_most(one.cpu_share for one in read),
            lateness_p99_ms=_most(one.lateness_p99_ms for one in read),
            queued_p99_ms=_most(one.queued_p99_ms for one in read),
            verdict=verdict if held else "no latency rests on it",
        )

    def _worst_of(self, trials: Iterable[int]) -> Generator | None:
        """The worst of each reading over ``trials``; None where none of them has any."""
        seen = [self.generator[trial] for trial in map(int, trials) if trial in self.generator]
        return _worst(seen) if seen else None


def _floor(record: Mapping[str, Any]) -> Floor:
    trials_us = {which: tuple(trial[f"{which}_ns"] / 1e3 for trial in record["trials"]) for which in STATISTICS}
    labels = {name: str(text) for name, text in (record.get("labels") or {}).items()}
    return Floor(client=record["client"], op=record["op"], labels=labels, trials_us=trials_us)


def _generator(event: Mapping[str, Any]) -> Generator:
    return Generator(
        trial=event["trial"],
        cpu_share=event["cpu_share"],
        lateness_p99_ms=event["lateness_p99_ms"],
        queued_p99_ms=event.get("queued_p99_ms"),
        dropped=event["dropped"],
    )


def _worst(seen: Sequence[Generator]) -> Generator:
    busiest = max(seen, key=lambda one: one.cpu_share)
    return Generator(
        trial=busiest.trial,
        cpu_share=busiest.cpu_share,
        lateness_p99_ms=_most(one.lateness_p99_ms for one in seen),
        queued_p99_ms=_most(one.queued_p99_ms for one in seen),
        dropped=sum(one.dropped for one in seen),
    )


def _floor_us(floor: Floor | None, shares: Sequence[ToolShare], which: Statistic) -> float | None:
    """The floor itself, or where it was added up from several, what a figure of this statistic was held against."""
    if floor is not None:
        return floor.us(which)
    added = (share.floor * share.unit_us for share in shares if share.statistic == which and share.floor is not None)
    return next(added, None)


def _most(readings: Iterable[float | None]) -> float | None:
    return max((reading for reading in readings if reading is not None), default=None)


def _reasons(worst: Generator | None, figure_ms: float) -> list[str]:
    """Why the generator itself binds a latency of ``figure_ms``."""
    if worst is None:
        return []
    busy = worst.cpu_share > CPU_LIMIT
    core = [f"the generator's core was {percent(worst.cpu_share)} busy in trial {worst.trial}"] if busy else []
    return [*core, *_late(worst, figure_ms), *_dropped(worst)]


def _late(worst: Generator, figure_ms: float) -> list[str]:
    late_ms = worst.lateness_p99_ms
    if late_ms is None or late_ms <= max(LATE_MS, LATE_SHARE * figure_ms):
        return []
    return [f"the tool was late by {microseconds(1e3 * late_ms)} at p99"]


def _dropped(worst: Generator) -> list[str]:
    return [f"{worst.dropped:,} requests were dropped"] if worst.dropped else []


def _excess(value: float, per_trial: Sequence[float], floor: Sequence[float]) -> Interval:
    """``value`` less the mean floor; the trials' own difference bounds it, widened to hold it where ``value`` is pooled."""
    between, excess = difference_of_trials(per_trial, floor), value - sum(floor) / len(floor)
    low = None if between.low is None else min(between.low, excess)
    high = None if between.high is None else max(between.high, excess)
    return Interval(value=excess, low=low, high=high, n=between.n, method=between.method)


def _in_words(excess: Interval, value: float, unit_us: float, clock: str) -> str:
    def time(in_unit: float) -> str:
        return microseconds(in_unit * unit_us)

    within = span(excess.low, excess.high, time)
    return f"The tool's floor is {time(value - excess.value)}{clock}, the excess over it {time(excess.value)}{within}."


def _marked(finding: Finding, reasons: Sequence[str]) -> Finding:
    if not reasons:
        return finding
    why = "; ".join(reasons)
    return replace(finding, status="tool_bound", reason=why, sentence=f"{finding.sentence} Tool-bound: {why}.")
