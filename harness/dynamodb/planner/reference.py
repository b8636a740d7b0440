"""The scalar replay: the twin's own Admission and TargetTracking, a minute at a time. What the compiled one must equal.

A minute's units are accounted at its beginning, as far as they will be served: a bucket may go below zero, and at the
minute's end it holds what it would hold if they had come one by one (B11).
"""

import numpy as np

from harness.dynamodb.admission import Admission
from harness.dynamodb.autoscaling import TargetTracking
from harness.dynamodb.buckets import TokenBucket
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import (
    Assumptions,
    Autoscaled,
    Demand,
    LaneReplay,
    OnDemand,
    Scheduled,
    Setting,
    Units,
)
from harness.dynamodb.planner.starting import first_capacity, hour_capacity


def replay(demand: Demand, setting: Setting, assumptions: Assumptions) -> dict[Kind, LaneReplay]:
    """What is served, and the capacity, minute by minute."""
    through = {kind: _pass_keys(demand.of(kind), kind, assumptions) for kind in KINDS}
    table = _Table(demand, setting, assumptions)
    served: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    capacity: dict[Kind, list[int]] = {kind: [] for kind in KINDS}
    for minute in range(demand.minutes):
        now_s = demand.start_s + MINUTE_S * minute
        table.begin(now_s)
        for kind in KINDS:
            capacity[kind].append(table.capacity[kind])
            served[kind].append(table.serve(kind, through[kind][minute], now_s))
        table.end(now_s + MINUTE_S, {kind: served[kind][-1] for kind in KINDS})
    return {
        kind: LaneReplay(
            np.array(served[kind]), None if isinstance(setting, OnDemand) else np.array(capacity[kind], dtype=np.int64)
        )
        for kind in KINDS
    }


class _Table:
    """One table in one setting, and whoever alters it."""

    def __init__(self, demand: Demand, setting: Setting, assumptions: Assumptions) -> None:
        self._setting = setting
        self._params = assumptions.admission
        self._busy_s = MINUTE_S / assumptions.peak_to_mean
        start_s = float(demand.start_s)
        self.capacity: dict[Kind, int] = {
            kind: first_capacity(setting, kind, float(demand.of(kind)[0]), start_s) for kind in KINDS
        }
        self._tracking: dict[Kind, TargetTracking] = {}
        if isinstance(setting, OnDemand):
            self._admission = Admission.on_demand(now_s=start_s, params=self._params)
            return
        self._admission = Admission.provisioned(
            self.capacity["read"], self.capacity["write"], now_s=start_s, params=self._params
        )
        if isinstance(setting, Autoscaled):
            for kind in KINDS:
                policy = setting.read if kind == "read" else setting.write
                self._tracking[kind] = TargetTracking(
                    policy, decreases=self._admission.decreases, params=assumptions.autoscaling
                )

    def begin(self, now_s: float) -> None:
        """Follow the schedule."""
        if isinstance(self._setting, Scheduled):
            self._set({kind: hour_capacity(self._setting, kind, now_s) for kind in KINDS}, now_s)

    def serve(self, kind: Kind, units: float, now_s: float) -> float:
        """Serve what can be of a minute's units."""
        self._admission.check(kind, now_s)  # closes the minute before, with the growth that follows
        rate = (
            min(self._admission.warm_throughput(kind, now_s), self._params.account_rate)
            if isinstance(self._setting, OnDemand)
            else float(self.capacity[kind])
        )
        served = min(units, max(self._admission.level(kind, now_s), 0.0) + rate * self._busy_s)
        self._admission.account(kind, served, now_s)
        return served

    def end(self, now_s: float, served: dict[Kind, float]) -> None:
        """Let auto scaling see the minute that has ended."""
        for kind, tracking in self._tracking.items():
            wanted = tracking.step(now_s, served[kind], self.capacity[kind])
            if wanted is not None:
                self._set(self.capacity | {kind: wanted}, now_s)

    def _set(self, capacity: dict[Kind, int], now_s: float) -> None:
        if capacity != self.capacity:
            self.capacity = capacity
            self._admission.set_capacity(capacity["read"], capacity["write"], now_s)


def _pass_keys(units: Units, kind: Kind, assumptions: Assumptions) -> list[float]:
    """What single keys let through, each on a partition of its own (B1)."""
    busy_s = MINUTE_S / assumptions.peak_to_mean
    passed = [float(asked) for asked in units]
    for share in assumptions.key_shares:
        bucket = TokenBucket(assumptions.admission.partition_rate(kind), assumptions.admission.partition_burst_s)
        for minute, asked in enumerate(float(every) * share for every in units):
            now_s = minute * MINUTE_S
            through = min(asked, max(bucket.level(now_s), 0.0) + bucket.rate_per_s * busy_s)
            bucket.take(through, now_s)
            passed[minute] -= asked - through
    return passed
