"""What is planted, and what the report must find: each figure with the error that it may have.

The errors are absolute and say where they come from: a service time is met from above by the tool's own floor and the
scheduler of the machine (tenths of a millisecond), an outage is seen through a probe, shares are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any, Literal

from pydantic import PositiveFloat, PositiveInt

from harness.config import Settings

Status = Literal["measured", "tool_bound"]
TIMER_MS = 0.75  # the tool's floor and two wake-ups of a busy machine
STALL_ERROR = 0.02


class PlantedSettings(Settings):
    """What is planted; times in ms. ``tail`` gives how many of a hundred answers take how long."""

    tail: tuple[tuple[PositiveFloat, PositiveInt], ...] = ((5.0, 94), (15.0, 4), (40.0, 2))
    tail_trials: PositiveInt = 6  # what an interval of the median takes
    tail_answers: PositiveInt = 300
    throttled_of_10: PositiveInt = 2
    hits_of_10: PositiveInt = 8
    counted_answers: PositiveInt = 2000
    base_ms: PositiveFloat = 10.0
    slower_ms: PositiveFloat = 11.0
    pairs: PositiveInt = 8
    pair_answers: PositiveInt = 80
    down_ms: PositiveFloat = 3000.0
    down_around_ms: PositiveFloat = 500.0
    probe_interval_ms: PositiveFloat = 10.0
    stub_ms: PositiveFloat = 1.0
    stall_ms: PositiveFloat = 200.0
    stall_at_ms: PositiveFloat = 4000.5
    stall_duration_ms: PositiveInt = 10_000
    stall_rate_per_s: PositiveInt = 1000
    tool_ms: PositiveFloat = 4.0
    tool_trials: PositiveInt = 3
    tool_answers: PositiveInt = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One planted figure: the finding that must say it, within ``error`` of ``value``, with that status.

    Without an ``error`` only the status counts: how long a busy loop takes is up to who else wants the core.
    """

    name: str
    finding: str
    value: float
    error: float | None
    unit: str
    status: Status = "measured"
    excludes: float | None = None  # a value that the finding's interval must not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of a truth: ``found`` is None where nothing was found, ``why`` says what is wrong where it isn't well."""

    truth: Truth
    found: float | None
    why: str | None

    @property
    def well(self) -> bool:
        """Whether the truth came back."""
        return self.why is None


def truths(planted: PlantedSettings) -> list[Truth]:
    """All that must come back from a run with these settings."""
    tail = [
        Truth(
            name=f"service time at p{p}", finding=f"planted.service_p{p}_ms", unit="ms",
            value=tail_percentile(planted.tail, p), error=TIMER_MS,
        )
        for p in (50, 95, 99)
    ]  # fmt: skip
    return [
        *tail,
        Truth(
            name="share throttled", finding="planted.throttled_share", unit="share",
            value=planted.throttled_of_10 / 10, error=0.0,
        ),
        Truth(name="share of hits", finding="planted.hit_share", unit="share", value=planted.hits_of_10 / 10, error=0.0),
        Truth(
            name="downtime", finding="planted.down_s", unit="s", value=planted.down_ms / 1e3,
            error=(2 * planted.probe_interval_ms + 10) / 1e3,
        ),
        Truth(
            name="ratio of two arms", finding="planted.arms_ratio", unit="ratio",
            value=planted.slower_ms / planted.base_ms, error=0.015, excludes=1.0,
        ),
        Truth(
            name="p99.9 of an open loop with a stall", finding="planted.stall_p999_ms", unit="ms",
            value=(stalled := stalled_percentile(planted, 99.9)), error=STALL_ERROR * stalled,
        ),
        Truth(
            name="a tool too slow, marked", finding="planted.slow_tool_p50_ms", unit="ms",
            value=planted.tool_ms, error=None, status="tool_bound",
        ),
    ]  # fmt: skip


def tail_percentile(tail: Sequence[tuple[float, int]], p: float) -> float:
    """The ``p``-th percentile of a hundred answers, ``tail`` sorted from the quickest: no rounding, no chance."""
    below = 0
    for time_ms, of_100 in tail:
        below += of_100
        if p < below:
            return time_ms
    return tail[-1][0]


def stalled_percentile(planted: PlantedSettings, p: float) -> float:
    """The ``p``-th percentile (linear between ranks) of latencies from the intended start, ms.

    Requests are due every ``1000 / rate`` ms from 0 and take ``stub_ms``; one that comes while the server stands still is
    answered ``stub_ms`` after that is over. What waits behind it in the client is later still, but those were due
    so long after the beginning of the stall that they are not among the longest.
    """
    interval_ms = 1000 / planted.stall_rate_per_s
    over_ms = planted.stall_at_ms + planted.stall_ms
    latencies = sorted(
        planted.stub_ms + (over_ms - due if planted.stall_at_ms <= due < over_ms else 0.0)
        for due in (index * interval_ms for index in range(floor(planted.stall_duration_ms / interval_ms)))
    )
    rank = p / 100 * (len(latencies) - 1)
    low = floor(rank)
    high = min(low + 1, len(latencies) - 1)
    return latencies[low] + (rank - low) * (latencies[high] - latencies[low])


def recovered(expected: Sequence[Truth], findings: Sequence[dict[str, Any]]) -> list[Recovery]:
    """What became of each truth in the findings of a report (records of findings.json)."""
    by_id = {finding["id"]: finding for finding in findings}
    return [_recovery(truth, by_id.get(truth.finding)) for truth in expected]


def _recovery(truth: Truth, finding: dict[str, Any] | None) -> Recovery:
    if finding is None or finding["value"] is None:
        reason = "there is no such finding" if finding is None else str(finding["reason"])
        return Recovery(truth=truth, found=None, why=reason)
    found, why = float(finding["value"]), None
    if truth.error is not None and abs(found - truth.value) > truth.error + 1e-12:
        why = f"off by {found - truth.value:+.4g} {truth.unit}"
    elif finding["status"] != truth.status:
        why = f"marked {finding['status']}, not {truth.status}: {finding['reason']}"
    elif truth.excludes is not None and not _excludes(finding, truth.excludes):
        why = f"the interval {finding['low']} to {finding['high']} doesn't exclude {truth.excludes:g}"
    return Recovery(truth=truth, found=found, why=why)


def _excludes(finding: dict[str, Any], value: float) -> bool:
    low, high = finding["low"], finding["high"]
    return low is not None and high is not None and not low <= value <= high
