"""What DynamoDB admits and what it throttles, and why: token buckets over a clock that the caller passes in.

Pure: every call is given ``now_s``, service seconds on any scale that doesn't run backwards. Rates are units
a second. Facts B of docs/facts.md. What AWS doesn't publish has a name in AdmissionParameters.
"""

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

Mode = Literal["provisioned", "on_demand"]
Kind = Literal["read", "write"]
Resource = Literal["Table", "Index"]
Limit = Literal["ProvisionedThroughput", "KeyRangeThroughput", "AccountLimit", "MaxOnDemandThroughput"]

PARTITION_BYTES: Final = 10 * 1024**3
PARTITION_RATE: Final[dict[Kind, float]] = {"read": 3_000.0, "write": 1_000.0}
"""Units a second that one partition serves at most (B1)."""

_KINDS: Final[tuple[Kind, ...]] = ("read", "write")
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionParameters:
    """What admission supposes where AWS names no figure, or a quota that an account can have raised."""

    burst_s: float = 300.0
    """Seconds of unused provisioned capacity that are kept (B2; documented)."""
    initial_fill: float = 1.0
    """Share of that store which a new table begins with (B2; not documented)."""
    partition_burst_s: float = 1.0
    """Seconds of its limit that a partition keeps: B1's "at most" leaves no more than the present second."""
    on_demand_read_rate: float = 12_000.0
    on_demand_write_rate: float = 4_000.0
    """What a new on-demand table sustains (B5; documented)."""
    on_demand_burst_s: float = 1.0
    """Seconds of its limits that an on-demand table keeps (not documented; limits are stated a second)."""
    on_demand_growth_s: float = 1_800.0
    """How long ago a peak must be to count as the previous one, which may be doubled (B5: 30 minutes)."""
    account_rate: float = 40_000.0
    """Units a second of each kind that an on-demand table may reach, a quota (B11)."""

    def start_rate(self, kind: Kind) -> float:
        """Units a second that a new on-demand table sustains."""
        return self.on_demand_read_rate if kind == "read" else self.on_demand_write_rate


class TokenBucket:
    """Tokens that refill at a rate up to what ``burst_s`` seconds bring, and may go below zero (B2, B11).

    A request is admitted while anything is left, whatever it turns out to take: it is accounted afterwards.
    """

    __slots__ = ("_burst_s", "_capacity", "_rate_per_s", "_then_s", "_tokens")

    def __init__(self, rate_per_s: float, burst_s: float = 300.0, *, now_s: float = 0.0, fill: float = 1.0) -> None:
        if rate_per_s < 0 or burst_s < 0 or not 0 <= fill <= 1:
            raise ValueError(
                "expected a rate and a burst of 0 or more and a fill from 0 to 1, "
                f"found {rate_per_s}, {burst_s} and {fill}"
            )
        self._burst_s = max(burst_s, 1.0)  # the present second's own tokens are always there to be used
        self._rate_per_s = rate_per_s
        self._capacity = rate_per_s * self._burst_s
        self._tokens = self._capacity * fill
        self._then_s = now_s

    @property
    def rate_per_s(self) -> float:
        """Tokens that come back each second."""
        return self._rate_per_s

    def level(self, now_s: float) -> float:
        """Tokens left at this instant; negative after a request that took more than there was."""
        elapsed_s = now_s - self._then_s
        if elapsed_s > 0:
            self._tokens = min(self._capacity, self._tokens + elapsed_s * self._rate_per_s)
            self._then_s = now_s
        return self._tokens

    def try_take(self, units: float, now_s: float) -> bool:
        """Take the units if anything is left; False, and nothing taken, if not."""
        if self.level(now_s) <= 0:
            return False
        self._tokens -= units
        return True

    def take(self, units: float, now_s: float) -> None:
        """Take the units of a request that was admitted before they were known."""
        self.level(now_s)
        self._tokens -= units

    def set_rate(self, rate_per_s: float, now_s: float) -> None:
        """Change the rate; what is stored stays, up to the new maximum."""
        self.level(now_s)
        self._rate_per_s = rate_per_s
        self._capacity = rate_per_s * self._burst_s
        self._tokens = min(self._tokens, self._capacity)


class _Growth:
    """What an on-demand table sustains: twice its previous peak, at least what it began with (B5).

    A peak is the mean of a clock minute; it counts as previous once ``delay_s`` have passed since.
    """

    __slots__ = ("_delay_s", "_minute", "_peaks", "_rate_per_s", "_units")

    def __init__(self, rate_per_s: float, delay_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._delay_s = delay_s
        self._minute = 0
        self._units = 0.0
        self._peaks: deque[tuple[float, float]] = deque()  # (counts from, mean); one a minute of the delay

    def account(self, units: float, now_s: float) -> None:
        self._close_minute(now_s)
        self._units += units

    def rate_per_s(self, now_s: float) -> float:
        self._close_minute(now_s)
        while self._peaks and self._peaks[0][0] <= now_s:
            self._rate_per_s = max(self._rate_per_s, 2 * self._peaks.popleft()[1])
        return self._rate_per_s

    def _close_minute(self, now_s: float) -> None:
        minute = int(now_s // _MINUTE_S)
        if minute == self._minute:
            return
        mean = self._units / _MINUTE_S
        if 2 * mean > self._rate_per_s:
            self._peaks.append(((self._minute + 1) * _MINUTE_S + self._delay_s, mean))
        self._minute, self._units = minute, 0.0


class _Lane:
    """The limits that requests of one kind pass, all of the table or index as a whole."""

    __slots__ = ("gates", "growth")

    def __init__(self, gates: dict[Limit, TokenBucket], growth: _Growth | None = None) -> None:
        self.gates = gates
        self.growth = growth

    def throttled_by(self, now_s: float) -> Limit | None:
        for limit, bucket in self.gates.items():
            if bucket.level(now_s) <= 0:
                return limit
        return None

    def account(self, units: float, now_s: float) -> None:
        if self.growth:
            self.growth.account(units, now_s)
        for bucket in self.gates.values():
            bucket.take(units, now_s)

    def follow(self, growth: _Growth, now_s: float) -> bool:
        """Raise the limit to what has grown; True if it changed."""
        bucket = self.gates["KeyRangeThroughput"]
        rate_per_s = growth.rate_per_s(now_s)
        if rate_per_s == bucket.rate_per_s:
            return False
        bucket.set_rate(rate_per_s, now_s)
        return True


class Admission:
    """Admission for one resource, a table or a global secondary index, in either capacity mode.

    A server checks before the work and accounts after it, when the units are known; ``admit`` does both.
    ``partition_hash`` is any number of 0 or more derived from the partition key; without one, the limit of a
    single partition (B1) is left out.
    """

    __slots__ = ("_lanes", "_params", "_partition_buckets", "_partitions", "_resource", "mode")

    def __init__(
        self,
        mode: Mode,
        lanes: dict[Kind, _Lane],
        *,
        resource: Resource,
        partitions: int,
        params: AdmissionParameters,
    ) -> None:
        self.mode: Mode = mode
        self._lanes = lanes
        self._resource: Resource = resource
        self._partitions = partitions
        self._params = params
        self._partition_buckets: dict[tuple[Kind, int], TokenBucket] = {}

    @classmethod
    def provisioned(
        cls,
        read: float,
        write: float,
        *,
        now_s: float,
        resource: Resource = "Table",
        partitions: int | None = None,
        params: AdmissionParameters | None = None,
    ) -> "Admission":
        """A resource with ``read`` and ``write`` capacity units, on as many partitions as those need (B4)."""
        params = params or AdmissionParameters()
        lanes = _provisioned_lanes(read, write, now_s, params)
        partitions = partitions or partition_count(read, write, 0)
        return cls("provisioned", lanes, resource=resource, partitions=partitions, params=params)

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
        start: dict[Kind, float] = {kind: params.start_rate(kind) for kind in _KINDS}
        lanes = _on_demand_lanes(start, {"read": max_read, "write": max_write}, now_s, params)
        partitions = partitions or _partitions_for(start)
        return cls("on_demand", lanes, resource=resource, partitions=partitions, params=params)

    @property
    def partitions(self) -> int:
        """Partitions at present; they split and never merge (B4)."""
        return self._partitions

    def admit(self, kind: Kind, units: float, now_s: float, partition_hash: int | None = None) -> str | None:
        """Account the units and return None, or account nothing and return the throttling reason (B9)."""
        reason = self.check(kind, now_s, partition_hash)
        if reason is None:
            self.account(kind, units, now_s, partition_hash)
        return reason

    def check(self, kind: Kind, now_s: float, partition_hash: int | None = None) -> str | None:
        """The reason for which a request would be throttled now, None if it would be admitted."""
        lane = self._lanes[kind]
        if lane.growth and lane.follow(lane.growth, now_s):
            self._split_for({kind: self._sustained(kind, now_s) for kind in _KINDS})
        limit = lane.throttled_by(now_s)
        if limit is None and partition_hash is not None:
            bucket = self._partition_bucket(kind, partition_hash, now_s)
            limit = "KeyRangeThroughput" if bucket.level(now_s) <= 0 else None
        return None if limit is None else f"{self._resource}{kind.capitalize()}{limit}Exceeded"

    def account(self, kind: Kind, units: float, now_s: float, partition_hash: int | None = None) -> None:
        """Take the units of an admitted request, even below zero (B11)."""
        self._lanes[kind].account(units, now_s)
        if partition_hash is not None:
            self._partition_bucket(kind, partition_hash, now_s).take(units, now_s)

    def level(self, kind: Kind, now_s: float) -> float:
        """Units left under the tightest limit of the whole resource; negative when overdrawn."""
        return min(bucket.level(now_s) for bucket in self._lanes[kind].gates.values())

    def set_capacity(self, read: float, write: float, now_s: float) -> None:
        """Provision anew: what is stored stays, up to the new maximum; partitions split if they must (B4).

        Raises ValueError on demand, where nothing is provisioned.
        """
        if self.mode != "provisioned":
            raise ValueError("expected a provisioned resource, found one on demand; call set_mode")
        rates: dict[Kind, float] = {"read": read, "write": write}
        for kind, rate_per_s in rates.items():
            self._lanes[kind].gates["ProvisionedThroughput"].set_rate(rate_per_s, now_s)
        self._split_for(rates)

    def set_mode(self, mode: Mode, now_s: float, *, read: float | None = None, write: float | None = None) -> None:
        """Switch the capacity mode.

        To provisioned, ``read`` and ``write`` are its capacity units, and its store begins as a new table's.
        On demand, they are maximum rates, None for none; what was provisioned is sustained at once (B5).
        Asked for the mode it has, only the rates change. Raises ValueError without capacity units.
        """
        if mode == "provisioned":
            if read is None or write is None:
                raise ValueError(f"expected read and write capacity units, found {read} and {write}")
            if self.mode == mode:
                self.set_capacity(read, write, now_s)
                return
            self._lanes = _provisioned_lanes(read, write, now_s, self._params)
            self._split_for({"read": read, "write": write})
        else:
            before = self._lanes
            rates = {kind: self._sustained(kind, now_s) for kind in _KINDS}
            self._lanes = _on_demand_lanes(rates, {"read": read, "write": write}, now_s, self._params)
            if self.mode == mode:
                for kind in _KINDS:
                    self._lanes[kind].growth = before[kind].growth
            self._split_for(rates)
        self.mode = mode

    def _sustained(self, kind: Kind, now_s: float) -> float:
        lane = self._lanes[kind]
        if lane.growth:
            return lane.growth.rate_per_s(now_s)
        return max(self._params.start_rate(kind), lane.gates["ProvisionedThroughput"].rate_per_s)

    def _split_for(self, rates: dict[Kind, float]) -> None:
        needed = _partitions_for(rates)
        while self._partitions < needed:
            self._partitions *= 2
            self._partition_buckets.clear()

    def _partition_bucket(self, kind: Kind, partition_hash: int, now_s: float) -> TokenBucket:
        place = (kind, partition_hash % self._partitions)
        bucket = self._partition_buckets.get(place)
        if bucket is None:
            bucket = TokenBucket(PARTITION_RATE[kind], self._params.partition_burst_s, now_s=now_s)
            self._partition_buckets[place] = bucket
        return bucket


def partition_count(read: float, write: float, size_bytes: int) -> int:
    """Partitions of a new resource: enough for its capacity units and one for every 10 GB begun (B4)."""
    for_rates = ceil(read / PARTITION_RATE["read"] + write / PARTITION_RATE["write"])
    return max(1, for_rates, -(-size_bytes // PARTITION_BYTES))


def exception_name(reason: str, mode: Mode = "provisioned") -> str:
    """The exception that carries a throttling reason (B9); a hot partition's depends on the capacity mode."""
    if "AccountLimit" in reason:
        return "RequestLimitExceeded"
    if "ProvisionedThroughput" in reason or ("KeyRange" in reason and mode == "provisioned"):
        return "ProvisionedThroughputExceededException"
    return "ThrottlingException"


def _provisioned_lanes(read: float, write: float, now_s: float, params: AdmissionParameters) -> dict[Kind, _Lane]:
    def lane(rate_per_s: float) -> _Lane:
        bucket = TokenBucket(rate_per_s, params.burst_s, now_s=now_s, fill=params.initial_fill)
        return _Lane({"ProvisionedThroughput": bucket})

    return {"read": lane(read), "write": lane(write)}


def _on_demand_lanes(
    sustained: dict[Kind, float],
    maximum: dict[Kind, float | None],
    now_s: float,
    params: AdmissionParameters,
) -> dict[Kind, _Lane]:
    def bucket(rate_per_s: float) -> TokenBucket:
        return TokenBucket(rate_per_s, params.on_demand_burst_s, now_s=now_s)

    def lane(kind: Kind) -> _Lane:
        # The account's limit stands where no maximum of the table's own is set.
        cap = maximum[kind]
        gates: dict[Limit, TokenBucket] = (
            {"AccountLimit": bucket(params.account_rate)} if cap is None else {"MaxOnDemandThroughput": bucket(cap)}
        )
        gates["KeyRangeThroughput"] = bucket(sustained[kind])
        return _Lane(gates, _Growth(sustained[kind], params.on_demand_growth_s))

    return {kind: lane(kind) for kind in _KINDS}


def _partitions_for(rates: dict[Kind, float]) -> int:
    return partition_count(rates["read"], rates["write"], 0)
