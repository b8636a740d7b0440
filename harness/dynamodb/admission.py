"""What DynamoDB admits and what it throttles, and why: token buckets over a clock that the caller passes in.

Pure: every call is given ``now_s``, service seconds on any scale that doesn't run backwards. Rates are units
a second. Facts B of docs/facts.md. What AWS doesn't publish has a name in AdmissionParameters.

A request passes the limits of the whole table or index, then that of its partition. The table's tokens go wherever they
are asked for, so a hot partition may use what the others leave, up to its own limit: adaptive capacity (B1, B3).
"""

from bisect import bisect_right
from math import ceil
from typing import Any

from harness.dynamodb.buckets import PartitionBucket, TokenBucket
from harness.dynamodb.growth import Growth
from harness.dynamodb.parameters import (
    KINDS,
    MINUTE_S,
    PARTITION_BYTES,
    AdmissionParameters,
    Kind,
    Limit,
    Mode,
    Resource,
)
from harness.dynamodb.partitions import Partitions, partition_count
from harness.dynamodb.quotas import Decreases, Switches

__all__ = [
    "PARTITION_BYTES", "Admission", "AdmissionParameters", "Kind", "Limit", "Mode", "Resource",
    "TokenBucket", "exception_name", "partition_count",
]  # fmt: skip


class _Lane:
    """The limits that requests of one kind pass: those of the whole table or index, then those of the partitions."""

    __slots__ = ("_prefix", "begins", "buckets", "growth", "limits", "partition_reason", "partitions", "units")

    def __init__(
        self, prefix: str, kind: Kind, gates: dict[Limit, TokenBucket], growth: Growth | None, partitions: Partitions
    ) -> None:
        self._prefix = prefix
        self.limits: list[Limit] = list(gates)
        self.buckets = tuple(gates.values())
        self.growth = growth
        self.units = 0.0  # of the clock minute that runs
        # The lists themselves, which Partitions keeps up to date: one look-up less a request.
        self.begins: list[int] = partitions.begins
        self.partitions: list[PartitionBucket] = partitions.buckets[kind]
        self.partition_reason = f"{prefix}KeyRangeThroughputExceeded"

    def inherit(self, before: "_Lane", now_s: float) -> None:
        """Go on from a lane of the same mode: its growth, and what is left under each limit that both have."""
        self.growth, self.units = before.growth, before.units
        for limit, bucket in zip(before.limits, before.buckets, strict=True):
            if limit in self.limits:
                own = self.buckets[self.limits.index(limit)]
                own.tokens = min(bucket.level(now_s), own.capacity)

    def reason(self, bucket: TokenBucket) -> str:
        """The throttling reason that one of the whole resource's buckets stands for (B9)."""
        return f"{self._prefix}{self.limits[self.buckets.index(bucket)]}Exceeded"


class Admission:
    """Admission for one resource, a table or a global secondary index, in either capacity mode.

    A server checks before the work and accounts after it, when the units are known; ``admit`` does both.
    ``partition_hash`` is where the partition key lies in a hash space of 64 bits; without one, the limit of a
    single partition (B1) is left out. ``decreases`` and ``switches`` know when the next one is allowed; whoever
    alters a table asks them first, the changes themselves are only recorded here.
    """

    __slots__ = (
        "_lanes", "_minute", "_params", "_partitions", "_resource", "_wake_s", "_warm", "decreases", "mode", "switches",
    )  # fmt: skip

    def __init__(
        self, mode: Mode, *, resource: Resource, partitions: Partitions, params: AdmissionParameters, now_s: float
    ) -> None:
        self.mode: Mode = mode
        self.decreases, self.switches = Decreases(params), Switches(params)
        self._lanes: dict[Kind, _Lane] = {}
        self._resource: Resource = resource
        self._partitions = partitions
        self._params = params
        self._warm: dict[Kind, float] = dict.fromkeys(KINDS, 0.0)
        self._minute = now_s // MINUTE_S
        self._wake_s = (self._minute + 1) * MINUTE_S

    @classmethod
    def provisioned(
        cls,
        read: float,
        write: float,
        *,
        now_s: float,
        resource: Resource = "Table",
        partitions: int | None = None,
        size_bytes: int = 0,
        params: AdmissionParameters | None = None,
    ) -> "Admission":
        """A resource with ``read`` and ``write`` capacity units, on as many partitions as those need (B4)."""
        params = params or AdmissionParameters()
        count = partitions or partition_count(read, write, size_bytes, params)
        admission = cls(
            "provisioned", resource=resource, partitions=Partitions(count, params, now_s), params=params, now_s=now_s
        )
        admission._provision({"read": read, "write": write}, now_s)
        return admission

    @classmethod
    def on_demand(
        cls,
        *,
        now_s: float,
        max_read: float | None = None,
        max_write: float | None = None,
        resource: Resource = "Table",
        partitions: int | None = None,
        params: AdmissionParameters | None = None,
    ) -> "Admission":
        """A new on-demand resource, its rates capped where a maximum is given (B5)."""
        params = params or AdmissionParameters()
        start: dict[Kind, float] = {kind: params.start_rate(kind) for kind in KINDS}
        count = partitions or _partitions_on_demand(start, params)
        admission = cls(
            "on_demand", resource=resource, partitions=Partitions(count, params, now_s), params=params, now_s=now_s
        )
        admission._grow_from(start, {"read": max_read, "write": max_write}, now_s)
        return admission

    @property
    def partitions(self) -> int:
        """Partitions at present; they split and never merge (B4)."""
        return len(self._partitions)

    def admit(self, kind: Kind, units: float, now_s: float, partition_hash: int | None = None) -> str | None:
        """Account the units and return None, or account nothing and return the throttling reason (B9)."""
        reason = self.check(kind, now_s, partition_hash)
        if reason is None:
            self.account(kind, units, now_s, partition_hash)
        return reason

    def check(self, kind: Kind, now_s: float, partition_hash: int | None = None) -> str | None:
        """The reason for which a request would be throttled now, None if it would be admitted."""
        if now_s >= self._wake_s:
            self._catch_up(now_s)
        lane = self._lanes[kind]
        for bucket in lane.buckets:
            # What was left when it was last asked is still there: only an empty bucket needs the clock.
            if bucket.tokens <= 0 and bucket.level(now_s) <= 0:
                return lane.reason(bucket)
        if partition_hash is not None:
            place = lane.partitions[bisect_right(lane.begins, partition_hash) - 1]
            if place.tokens <= 0 and place.level(now_s) <= 0:
                return lane.partition_reason
        return None

    def account(self, kind: Kind, units: float, now_s: float, partition_hash: int | None = None) -> None:
        """Take the units of an admitted request, even below zero (B11)."""
        if now_s >= self._wake_s:
            self._catch_up(now_s)
        lane = self._lanes[kind]
        lane.units += units
        for bucket in lane.buckets:
            bucket.take(units, now_s)
        if partition_hash is not None:
            lane.partitions[bisect_right(lane.begins, partition_hash) - 1].take_at(units, now_s, partition_hash)

    def level(self, kind: Kind, now_s: float) -> float:
        """Units left under the tightest limit of the whole resource; negative when overdrawn."""
        return min(bucket.level(now_s) for bucket in self._lanes[kind].buckets)

    def warm_throughput(self, kind: Kind, now_s: float) -> float:
        """Units a second that can be served at once: the most that was ever provisioned, sustained or warmed up (B5)."""
        growth = self._lanes[kind].growth
        return max(self._warm[kind], growth.catch_up(now_s) if growth else 0.0)

    def warm_up(self, read: float, write: float, now_s: float) -> None:
        """Make the resource ready in advance for this many units a second; partitions split if they must (B5).

        Raises ValueError for less than it has: warm throughput isn't taken back.
        """
        asked: dict[Kind, float] = {"read": read, "write": write}
        for kind, rate_per_s in asked.items():
            if rate_per_s < self.warm_throughput(kind, now_s):
                present = self.warm_throughput(kind, now_s)
                raise ValueError(f"expected at least the present {kind} warm throughput {present}, found {rate_per_s}")
        self._catch_up(now_s)
        for kind, rate_per_s in asked.items():
            self._warm[kind] = rate_per_s
            growth = self._lanes[kind].growth
            if growth:
                growth.warm_up(rate_per_s)
        self._follow_growth(now_s)
        self._partitions.grow(_partitions_on_demand(asked, self._params), now_s)

    def resize(self, size_bytes: int, now_s: float) -> None:
        """Tell how much is stored: a partition that holds more than 10 GB splits (B4). Cheap enough for every write."""
        self._partitions.resize(size_bytes, now_s)

    def set_capacity(self, read: float, write: float, now_s: float) -> None:
        """Provision anew: what is stored stays, up to the new maximum; partitions split if they must (B4).

        Raises ValueError on demand, where nothing is provisioned.
        """
        if self.mode != "provisioned":
            raise ValueError("expected a provisioned resource, found one on demand; call set_mode")
        rates: dict[Kind, float] = {"read": read, "write": write}
        self._catch_up(now_s)
        decreased = False
        for kind, rate_per_s in rates.items():
            (bucket,) = self._lanes[kind].buckets
            decreased = decreased or rate_per_s < bucket.rate_per_s
            bucket.set_rate(rate_per_s, now_s)
            self._warm[kind] = max(self._warm[kind], rate_per_s)
        if decreased:
            self.decreases.record(now_s)
        self._partitions.grow(partition_count(rates["read"], rates["write"], 0, self._params), now_s)

    def set_mode(self, mode: Mode, now_s: float, *, read: float | None = None, write: float | None = None) -> None:
        """Switch the capacity mode.

        To provisioned, ``read`` and ``write`` are its capacity units, and its store begins as a new table's.
        On demand, they are maximum rates, None for none; the most that was ever provisioned is sustained at once (B5).
        Asked for the mode it has, only the rates change. Raises ValueError without capacity units.
        """
        self._catch_up(now_s)
        if mode == "provisioned":
            if read is None or write is None:
                raise ValueError(f"expected read and write capacity units, found {read} and {write}")
            if self.mode == mode:
                self.set_capacity(read, write, now_s)
                return
            self._warm = {kind: self.warm_throughput(kind, now_s) for kind in KINDS}
            self._provision({"read": read, "write": write}, now_s)
        else:
            before = self._lanes.copy() if self.mode == mode else {}
            rates = {kind: max(self.warm_throughput(kind, now_s), self._params.start_rate(kind)) for kind in KINDS}
            self._grow_from(rates, {"read": read, "write": write}, now_s)
            for kind, lane in before.items():
                self._lanes[kind].inherit(lane, now_s)
            if not before:
                self.switches.record(now_s)
        self.mode = mode

    def state(self, now_s: float) -> dict[str, Any]:
        """Buckets, partitions and quotas, ready for JSON."""
        self._catch_up(now_s)
        kinds: dict[str, Any] = {
            kind: {
                "buckets": [
                    {
                        "limit": limit,
                        "units": bucket.level(now_s),
                        "most_units": bucket.capacity,
                        "units_per_s": bucket.rate_per_s,
                    }
                    for limit, bucket in zip(lane.limits, lane.buckets, strict=True)
                ],
                "units_this_minute": lane.units,
                "warm_units_per_s": self.warm_throughput(kind, now_s),
                "units_per_s_a_partition": min(bucket.rate_per_s for bucket in lane.buckets) / len(self._partitions),
            }
            for kind, lane in self._lanes.items()
        }
        return {
            "mode": self.mode,
            **kinds,
            "partitions": self._partitions.state(now_s),
            "decreases_today": self.decreases.today(now_s),
        }

    def _provision(self, rates: dict[Kind, float], now_s: float) -> None:
        """Lanes with a full store of these capacities (B2)."""
        burst_s = self._params.burst_s * (1 - self._params.upkeep_share)
        for kind, rate_per_s in rates.items():
            bucket = TokenBucket(rate_per_s, burst_s, now_s=now_s, fill=self._params.initial_fill)
            self._lanes[kind] = self._lane(kind, {"ProvisionedThroughput": bucket}, None)
            self._warm[kind] = max(self._warm[kind], rate_per_s)
        self._partitions.grow(partition_count(rates["read"], rates["write"], 0, self._params), now_s)

    def _grow_from(self, sustained: dict[Kind, float], most: dict[Kind, float | None], now_s: float) -> None:
        """On-demand lanes that sustain these rates; a maximum of the table's own comes before all other limits."""
        for kind, rate_per_s in sustained.items():
            gates: dict[Limit, TokenBucket] = {}
            cap = most[kind]
            if cap is not None:
                gates["MaxOnDemandThroughput"] = TokenBucket(cap, self._params.on_demand_burst_s, now_s=now_s)
            limit, served_per_s = self._served(rate_per_s)
            gates[limit] = TokenBucket(served_per_s, self._params.on_demand_burst_s, now_s=now_s)
            self._lanes[kind] = self._lane(kind, gates, Growth(rate_per_s, self._params.on_demand_growth_s))
            self._warm[kind] = max(self._warm[kind], rate_per_s)
        self._partitions.grow(_partitions_on_demand(sustained, self._params), now_s)

    def _served(self, sustained_per_s: float) -> tuple[Limit, float]:
        """The lower of what partitions sustain and what the account may have, and its name (B11)."""
        account_rate = self._params.account_rate
        return (
            ("AccountLimit", account_rate)
            if sustained_per_s >= account_rate
            else ("KeyRangeThroughput", sustained_per_s)
        )

    def _lane(self, kind: Kind, gates: dict[Limit, TokenBucket], growth: Growth | None) -> _Lane:
        return _Lane(f"{self._resource}{kind.capitalize()}", kind, gates, growth, self._partitions)

    def _catch_up(self, now_s: float) -> None:
        """Close the clock minute that has ended, with all that follows from it: growth, heat, splits."""
        minute = now_s // MINUTE_S
        if minute > self._minute:
            ended_s = (self._minute + 1) * MINUTE_S
            for lane in self._lanes.values():
                if lane.growth:
                    lane.growth.close_minute(lane.units, ended_s)
                lane.units = 0.0
            self._partitions.close_minute(ended_s, idle_since=minute > self._minute + 1)
            self._minute = minute
        self._follow_growth(now_s)

    def _follow_growth(self, now_s: float) -> None:
        """Raise on-demand limits to what has grown, and set when to look again."""
        self._wake_s = (self._minute + 1) * MINUTE_S
        sustained: dict[Kind, float] = {}
        grown = False
        for kind, lane in self._lanes.items():
            if lane.growth is None:
                return
            sustained[kind] = lane.growth.catch_up(now_s)
            limit, served_per_s = self._served(sustained[kind])
            bucket = lane.buckets[-1]
            if served_per_s != bucket.rate_per_s:
                grown = True
                lane.limits[-1] = limit
                bucket.set_rate(served_per_s, now_s)
            self._wake_s = min(self._wake_s, lane.growth.next_s)
        if grown:
            self._partitions.grow(_partitions_on_demand(sustained, self._params), now_s)


def exception_name(reason: str, mode: Mode = "provisioned") -> str:
    """The exception that carries a throttling reason (B9); a hot partition's depends on the capacity mode."""
    if "AccountLimit" in reason:
        return "RequestLimitExceeded"
    if "ProvisionedThroughput" in reason or ("KeyRange" in reason and mode == "provisioned"):
        return "ProvisionedThroughputExceededException"
    return "ThrottlingException"


def _partitions_on_demand(rates: dict[Kind, float], params: AdmissionParameters) -> int:
    """As many as it takes: each serves reads and writes up to both its limits (B1)."""
    return max(1, *(ceil(rates[kind] / params.partition_rate(kind)) for kind in KINDS))
