"""One setting over one demand: the compiled replay, and what it comes to in units and dollars."""

from functools import lru_cache

import numpy as np

from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner import kernel
from harness.dynamodb.planner.costs import Reservation, on_demand_usd_month, provisioned_usd_month, reservation
from harness.dynamodb.planner.model import (
    Assumptions,
    Autoscaled,
    Capacities,
    Demand,
    Fixed,
    Lane,
    LaneReplay,
    OnDemand,
    Outcome,
    Scheduled,
    Setting,
    Units,
)
from harness.dynamodb.planner.starting import first_capacity, scheduled_path
from harness.dynamodb.pricing import Prices


class Replayer:
    """Replays one demand under any number of settings. What single keys let through is worked out once."""

    def __init__(self, demand: Demand, assumptions: Assumptions | None = None) -> None:
        self.demand = demand
        self.assumptions = assumptions or Assumptions()
        self._busy_s = MINUTE_S / self.assumptions.peak_to_mean
        params = self.assumptions.admission
        self._burst_s = max(params.burst_s * (1 - params.upkeep_share), 1.0)
        self._asked = np.stack([demand.read, demand.write])
        self._through = np.stack([self._pass_keys(kind) for kind in KINDS])
        self.lane_fixed = lru_cache(maxsize=4_096)(self._lane_fixed)

    def replay(self, setting: Setting) -> dict[Kind, LaneReplay]:
        """What is served, and the capacity, minute by minute."""
        match setting:
            case OnDemand():
                return {kind: LaneReplay(self._on_demand(row, kind), None) for row, kind in enumerate(KINDS)}
            case Autoscaled():
                return self._autoscaled(setting)
            case _:
                paths = {kind: self._path(setting, kind) for kind in KINDS}
                return {kind: LaneReplay(self._along(row, paths[kind]), paths[kind]) for row, kind in enumerate(KINDS)}

    def outcome(self, setting: Setting, prices: Prices) -> Outcome:
        """What the setting comes to. Raises ValueError where a price that is needed isn't known."""
        if isinstance(setting, Fixed):
            lanes = {"read": self.lane_fixed("read", setting.read), "write": self.lane_fixed("write", setting.write)}
            paths: dict[Kind, Capacities] = {
                "read": np.array([setting.read], dtype=np.int64), "write": np.array([setting.write], dtype=np.int64),
            }  # fmt: skip
        else:
            replays = self.replay(setting)
            lanes = {kind: self._lane(kind, one) for kind, one in replays.items()}
            paths = {kind: one.capacity for kind, one in replays.items() if one.capacity is not None}
        if isinstance(setting, OnDemand):
            usd = on_demand_usd_month(
                prices, lanes["read"].served_units, lanes["write"].served_units, self.demand.hours
            )
            return Outcome(setting=setting, read=lanes["read"], write=lanes["write"], usd_month=usd)
        usd = provisioned_usd_month(prices, lanes["read"].mean_capacity or 0.0, lanes["write"].mean_capacity or 0.0)
        reserved: dict[Kind, Reservation | None] = {kind: reservation(prices, kind, paths[kind]) for kind in KINDS}
        read, write = reserved["read"], reserved["write"]
        known = read is not None and write is not None
        return Outcome(
            setting=setting, read=lanes["read"], write=lanes["write"], usd_month=usd,
            reserved_usd_month=read.usd_month + write.usd_month if read and write else None,
            reserved_units=(read.units, write.units) if known and read and write else (0, 0),
        )  # fmt: skip

    def _lane_fixed(self, kind: Kind, capacity: int) -> Lane:
        """One kind with the same capacity all the time; remembered, since a search asks again."""
        row = KINDS.index(kind)
        path = np.full(self.demand.minutes, capacity, dtype=np.int64)
        return self._lane(kind, LaneReplay(self._along(row, path), path))

    def _lane(self, kind: Kind, one: LaneReplay) -> Lane:
        asked = self._asked[KINDS.index(kind)]
        total, minutes, longest = kernel.throttled(asked, one.served)
        asked_units = float(asked.sum())
        mean = most = utilisation = None
        served_units = asked_units - total
        if one.capacity is not None:
            mean, most = float(one.capacity.mean()), int(one.capacity.max())
            utilisation = served_units / (mean * MINUTE_S * self.demand.minutes)
        return Lane(
            asked_units=asked_units, served_units=served_units, throttled_units=total, throttled_minutes=minutes,
            longest_throttled_minutes=longest, mean_capacity=mean, most_capacity=most, utilisation=utilisation,
        )  # fmt: skip

    def _path(self, setting: Fixed | Scheduled, kind: Kind) -> Capacities:
        if isinstance(setting, Scheduled):
            return scheduled_path(setting, kind, self.demand.start_s, self.demand.minutes)
        return np.full(self.demand.minutes, setting.read if kind == "read" else setting.write, dtype=np.int64)

    def _along(self, row: int, path: Capacities) -> Units:
        served = np.empty(self.demand.minutes)
        fill = self.assumptions.admission.initial_fill
        kernel.serve_path(self._through[row], path, self._burst_s, fill, self._busy_s, served)
        return served

    def _on_demand(self, row: int, kind: Kind) -> Units:
        params, served = self.assumptions.admission, np.empty(self.demand.minutes)
        delay_minutes = -int(-params.on_demand_growth_s // MINUTE_S)
        kernel.serve_on_demand(
            self._through[row], params.start_rate(kind), params.account_rate, max(params.on_demand_burst_s, 1.0),
            delay_minutes, self._busy_s, served,
        )  # fmt: skip
        return served

    def _autoscaled(self, setting: Autoscaled) -> dict[Kind, LaneReplay]:
        params, scaling = self.assumptions.admission, self.assumptions.autoscaling
        never = float("-inf")
        tracking = np.array(
            [
                [one.target_percent, one.minimum, one.maximum, one.scale_out_cooldown_s, one.scale_in_cooldown_s,
                 one.scale_in, never, never, 0, float("inf"), 0]
                for one in (setting.read, setting.write)
            ]
        )  # fmt: skip
        decreases = np.array([0, never, never, params.decreases_a_day, params.decrease_interval_s, params.day_began_s])
        start_s = float(self.demand.start_s)
        first = np.array(
            [first_capacity(setting, kind, float(self.demand.of(kind)[0]), start_s) for kind in KINDS], dtype=np.int64
        )
        served, capacity = np.empty_like(self._through), np.empty(self._through.shape, dtype=np.int64)
        kernel.serve_autoscaled(
            self._through, first, start_s, self._burst_s, params.initial_fill, self._busy_s, scaling.up_minutes,
            scaling.down_minutes, scaling.down_points, scaling.delay_s, tracking, decreases, served, capacity,
        )  # fmt: skip
        return {kind: LaneReplay(served[row], capacity[row]) for row, kind in enumerate(KINDS)}

    def _pass_keys(self, kind: Kind) -> Units:
        units = self.demand.of(kind)
        if not self.assumptions.key_shares:
            return units
        passed = np.empty_like(units)
        kernel.pass_keys(
            units, np.array(self.assumptions.key_shares, dtype=np.float64),
            self.assumptions.admission.partition_rate(kind),
            max(self.assumptions.admission.partition_burst_s, 1.0), self._busy_s, passed,
        )  # fmt: skip
        return passed
