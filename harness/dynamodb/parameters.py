"""What admission supposes where AWS names no figure, and the words it is told in: kinds, modes, limits."""

from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["provisioned", "on_demand"]
Kind = Literal["read", "write"]
Resource = Literal["Table", "Index"]
Limit = Literal["ProvisionedThroughput", "KeyRangeThroughput", "AccountLimit", "MaxOnDemandThroughput"]

KINDS: Final[tuple[Kind, ...]] = ("read", "write")
PARTITION_BYTES: Final = 10 * 1024**3
MINUTE_S: Final = 60.0
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionParameters:
    """What admission supposes where AWS names no figure, or a quota that an account can have raised.

    docs/twin.md lists them all with where they come from.
    """

    burst_s: float = 300.0
    """Seconds of unused provisioned capacity that are kept (B2; developer guide, burst capacity)."""
    initial_fill: float = 1.0
    """Share of that store which a new table begins with (B2; not published)."""
    upkeep_share: float = 0.0
    """Share of that store which the service uses itself: it may, says the developer guide (B2; how much: not published)."""
    partition_limits: bool = True
    """Whether a single partition's limits hold (B1). Off, a load far faster than any network meets only its table's."""
    partition_read_rate: float = 3_000.0
    partition_write_rate: float = 1_000.0
    """Units a second that one partition serves at most (B1; developer guide, partitions): less of them is a scale model."""
    partition_burst_s: float = 1.0
    """Seconds of its limit that a partition keeps: B1's "at most" leaves no more than the present second (not published)."""
    partition_bytes: int = PARTITION_BYTES
    """What a partition holds before it splits (B4; AWS Database Blog, split for heat, part 3: "close to 10 GB")."""
    split_heat: float = 0.8
    """Share of its limit at which a partition is hot ("near its throughput capacity limit", same; how near: not published)."""
    split_after_s: float = 600.0
    """How long a partition stays hot before it splits (B3: minutes; how many: not published)."""
    on_demand_read_rate: float = 12_000.0
    on_demand_write_rate: float = 4_000.0
    """What a new on-demand table sustains (B5; developer guide, on-demand capacity mode)."""
    on_demand_burst_s: float = 1.0
    """Seconds of its limits that an on-demand table keeps (not published; limits are stated a second)."""
    on_demand_growth_s: float = 1_800.0
    """How long ago a peak must be to count as the previous one, which may be doubled (B5: 30 minutes)."""
    account_rate: float = 40_000.0
    """Units a second of each kind that an on-demand table may reach, a quota (B11; developer guide, quotas)."""
    switches_a_day: int = 4
    """Switches to on-demand in any 24 hours (B7; developer guide, capacity modes)."""
    decreases_a_day: int = 4
    decrease_interval_s: float = 3_600.0
    """Decreases of capacity in a UTC day, and after those one for each such time without any (B6; quotas)."""
    day_began_s: float = 0.0
    """Any second of the caller's clock at which a UTC day begins: decreases are counted by the day."""

    def __post_init__(self) -> None:
        if not min(self.partition_rate(kind) for kind in KINDS) > 0:
            raise ValueError("partition_read_rate and partition_write_rate must be > 0")

    def start_rate(self, kind: Kind) -> float:
        """Units a second that a new on-demand table sustains."""
        return self.on_demand_read_rate if kind == "read" else self.on_demand_write_rate

    def partition_rate(self, kind: Kind) -> float:
        """Units a second that one partition serves at most."""
        return self.partition_read_rate if kind == "read" else self.partition_write_rate
