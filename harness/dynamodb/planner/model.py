"""What the planner replays and what comes out: demand by the minute, settings of a table, outcomes."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.dynamodb.autoscaling import AutoscalingParameters, Policy
from harness.dynamodb.parameters import KINDS, AdmissionParameters, Kind

Units = npt.NDArray[np.float64]
"""Capacity units, one figure a minute."""
Capacities = npt.NDArray[np.int64]
"""Capacity units provisioned, one figure a minute."""
Family = Literal["on_demand", "fixed", "autoscaled", "scheduled"]

HOURS_A_DAY = 24
MONTH_HOURS = 730.0
"""An average month, as AWS's own calculator has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Capacity units asked for in each clock minute from ``start_s`` on, seconds of UTC and a whole minute.

    What is asked for is spread evenly over the busy part of a minute (see Assumptions.peak_to_mean).
    """

    start_s: int
    read: Units
    write: Units

    def __post_init__(self) -> None:
        if len(self.read) != len(self.write) or not len(self.read):
            raise ValueError(f"expected as many minutes of both kinds, found {len(self.read)} and {len(self.write)}")
        if self.start_s % 60:
            raise ValueError(f"expected a whole minute to begin with, found {self.start_s} s")

    @property
    def minutes(self) -> int:
        """How many minutes there are."""
        return len(self.read)

    @property
    def hours(self) -> float:
        """How long it lasts."""
        return self.minutes / 60

    def of(self, kind: Kind) -> Units:
        """The units of one kind."""
        return self.read if kind == "read" else self.write

    def repeated(self, least_minutes: int) -> "Demand":
        """The demand over and over, whole, for at least so many minutes; itself where it is as long."""
        times = -(-least_minutes // self.minutes)
        if times <= 1:
            return self
        return Demand(start_s=self.start_s, read=np.tile(self.read, times), write=np.tile(self.write, times))

    def grown(self, factor: float) -> "Demand":
        """The same demand, every minute of it times a factor."""
        return Demand(start_s=self.start_s, read=self.read * factor, write=self.write * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a replay supposes beside the demand. ``key_shares``: of the demand, what each of the busiest keys takes."""

    peak_to_mean: float = 1.0
    """Within a minute all units are asked for in its first 60 / peak_to_mean seconds, evenly."""
    key_shares: tuple[float, ...] = ()
    admission: AdmissionParameters = field(default_factory=AdmissionParameters)
    autoscaling: AutoscalingParameters = field(default_factory=AutoscalingParameters)

    def __post_init__(self) -> None:
        if not self.peak_to_mean >= 1:
            raise ValueError(f"expected a peak of at least the mean, found {self.peak_to_mean}")
        if any(share < 0 for share in self.key_shares) or sum(self.key_shares) > 1 + 1e-9:
            raise ValueError("expected shares of keys from 0 on that add up to at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemand:
    """A new on-demand table, growing as its demand does (B5)."""

    family: Family = "on_demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The same capacity all the time."""

    read: int
    write: int
    family: Family = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A capacity for each hour of the UTC day, of both kinds."""

    read: tuple[int, ...]
    write: tuple[int, ...]
    name: str = ""
    family: Family = "scheduled"

    def __post_init__(self) -> None:
        if len(self.read) != HOURS_A_DAY or len(self.write) != HOURS_A_DAY or min(*self.read, *self.write) < 1:
            raise ValueError("expected 24 capacities of 1 or more for each kind, one an hour of the UTC day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaled:
    """Target tracking of both kinds (B6), at work before the demand begins: the first minute finds its target met."""

    read: Policy
    write: Policy
    family: Family = "autoscaled"


Setting = OnDemand | Fixed | Scheduled | Autoscaled


@dataclass(frozen=True, slots=True)
class LaneReplay:
    """One kind, minute by minute: what was served, and the capacity; that is None on demand."""

    served: Units
    capacity: Capacities | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One kind under one setting, in sum. ``mean_capacity`` and ``utilisation`` are None on demand."""

    asked_units: float
    served_units: float
    throttled_units: float
    throttled_minutes: int
    longest_throttled_minutes: int
    mean_capacity: float | None
    most_capacity: int | None
    utilisation: float | None

    @property
    def throttled_share(self) -> float:
        """Of the units asked for; 0 where nothing was."""
        return self.throttled_units / self.asked_units if self.asked_units else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a setting comes to: dollars a month of 730 hours like the demand's, and what it throttles.

    ``reserved_usd_month`` is with as much capacity reserved for a year as pays; None where a price isn't known.
    """

    setting: Setting
    read: Lane
    write: Lane
    usd_month: float
    reserved_usd_month: float | None = None
    reserved_units: tuple[int, int] = (0, 0)

    def of(self, kind: Kind) -> Lane:
        """One kind's part."""
        return self.read if kind == "read" else self.write

    @property
    def throttled_share(self) -> float:
        """The share of the kind that has the larger one: a limit on it holds for reads and for writes."""
        return max(self.of(kind).throttled_share for kind in KINDS)

    @property
    def longest_throttled_minutes(self) -> int:
        """Of either kind."""
        return max(self.of(kind).longest_throttled_minutes for kind in KINDS)

    def as_record(self) -> dict[str, Any]:
        """The outcome for JSON."""
        return {
            "family": self.setting.family, "setting": describe(self.setting), "capacity": as_record(self.setting),
            "usd_month": self.usd_month, "reserved_usd_month": self.reserved_usd_month,
            "reserved_units": dict(zip(KINDS, self.reserved_units, strict=True)),
            "throttled_share": self.throttled_share,
            "longest_throttled_minutes": self.longest_throttled_minutes,
            **{kind: _lane_record(self.of(kind)) for kind in KINDS},
        }  # fmt: skip


def describe(setting: Setting) -> str:
    """A setting in words."""
    match setting:
        case OnDemand():
            return "on demand"
        case Fixed():
            return f"{setting.read:,} read and {setting.write:,} write units, fixed"
        case Scheduled():
            read, write = _span(setting.read, " to "), _span(setting.write, " to ")
            return f"a capacity for each hour of the day ({setting.name}), {read} read and {write} write units"
        case Autoscaled():
            return (
                f"auto scaling at {setting.read.target_percent:g} %, {setting.read.minimum:,} to {setting.read.maximum:,} "
                f"read and {setting.write.minimum:,} to {setting.write.maximum:,} write units"
            )


def short(setting: Setting) -> str:
    """A setting in few words, for a table: R read units, W write units."""
    match setting:
        case OnDemand():
            return "on demand"
        case Fixed():
            return f"fixed, {setting.read:,} R {setting.write:,} W"
        case Scheduled():
            return f"by the hour, {setting.name}, {_span(setting.read, '–')} R {_span(setting.write, '–')} W"
        case Autoscaled():
            target = f"{setting.read.target_percent:g} %"
            return f"auto scaling {target}, from {setting.read.minimum:,} R {setting.write.minimum:,} W"


def as_record(setting: Setting) -> dict[str, Any]:
    """A setting's own figures for JSON."""
    match setting:
        case OnDemand():
            return {}
        case Fixed():
            return {"read": setting.read, "write": setting.write}
        case Scheduled():
            return {"name": setting.name, "read": list(setting.read), "write": list(setting.write)}
        case Autoscaled():
            policies = {"read": setting.read, "write": setting.write}
            return {
                kind: {"target_percent": one.target_percent, "minimum": one.minimum, "maximum": one.maximum}
                for kind, one in policies.items()
            }


def _span(table: tuple[int, ...], to: str) -> str:
    least, most = min(table), max(table)
    return f"{most:,}" if least == most else f"{least:,}{to}{most:,}"


def _lane_record(lane: Lane) -> dict[str, Any]:
    return {
        "asked_units": lane.asked_units, "served_units": lane.served_units, "throttled_units": lane.throttled_units,
        "throttled_share": lane.throttled_share, "throttled_minutes": lane.throttled_minutes,
        "longest_throttled_minutes": lane.longest_throttled_minutes, "mean_capacity": lane.mean_capacity,
        "most_capacity": lane.most_capacity, "utilisation": lane.utilisation,
    }  # fmt: skip
