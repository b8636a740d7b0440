"""Section ``scenarios.cache_hit_rate`` of config.yaml, which says what each key is for."""

import re
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from harness.config import EachOnce, Settings
from harness.sql.endpoint import Engine

Part = Literal[
    "size", "trips", "ttl", "skew", "write_share", "value_size", "policy", "warm_up", "stale", "stampede", "lost"
]  # fmt: skip
PARTS: tuple[Part, ...] = Part.__args__  # type: ignore[attr-defined]
Policy = Literal["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-ttl", "noeviction"]
Fault = Literal["kill", "hang", "flush", "slow"]
SKEW = re.compile(r"tailnum|dest|zipf_\d+(\.\d+)?")
Share = Annotated[float, Field(gt=0, le=1)]
TtlS = Annotated[float, Field(ge=0.001)]  # a cache keeps them in whole milliseconds
Keys = Annotated[int, Field(ge=10, le=1_000_000)]  # rows of a table made for each trial
WriteShare = Annotated[float, Field(ge=0, lt=1)]
MOST_BYTES = 60_000  # what both engines keep in a column of type text
ValueBytes = Annotated[int, Field(ge=1, le=MOST_BYTES)]

# What takes time in them is the database's, so every engine of setting ``engines`` has them.
OF_EVERY_ENGINE: tuple[Part, ...] = ("size", "trips")


class CacheHitRateSettings(Settings):
    """What is measured, how large and how long."""

    parts: Annotated[tuple[Part, ...], EachOnce] = Field(default=PARTS, min_length=1)
    engines: Annotated[tuple[Engine, ...], EachOnce] = Field(default=("postgres", "mysql"), min_length=1)
    parts_engines: Annotated[tuple[Engine, ...], EachOnce] = Field(default=("postgres",), min_length=1)
    readers: PositiveInt = 1
    cache_shares: Annotated[tuple[Share, ...], EachOnce] = Field(default=(0.02, 0.1, 0.3, 1.0), min_length=1)
    trials: PositiveInt = 3
    warm_up_s: NonNegativeFloat = 0.1
    measured_s: PositiveFloat = 0.15

    trip_shares: Annotated[tuple[Share, ...], EachOnce] = Field(default=(0.1, 0.3, 0.6), min_length=1)
    trip_rounds: PositiveInt = 3
    trip_keys: Keys = 1_000
    trip_warm_up_s: NonNegativeFloat = 0.03
    trip_measured_s: PositiveFloat = 0.1

    rounds: PositiveInt = 1
    keys: Keys = 2_000
    value_bytes: ValueBytes = 1_024
    zipf_alpha: PositiveFloat = 0.99
    cache_share: Share = 0.1
    lru_samples: Annotated[int, Field(ge=1, le=64)] = 5

    ttls_s: Annotated[tuple[TtlS, ...], EachOnce] = Field(default=(0.1, 0.3, 1.0), min_length=1)
    ttl_reads_per_s: PositiveFloat = 1_000
    ttl_warm_up_ttls: NonNegativeFloat = 1.0
    ttl_measured_s: PositiveFloat = 0.6

    skews: Annotated[tuple[str, ...], EachOnce] = Field(
        default=("tailnum", "dest", "zipf_0.6", "zipf_0.8", "zipf_1.0", "zipf_1.2"), min_length=1
    )
    skew_reads_per_s: PositiveFloat = 2_000
    skew_stays_s: NonNegativeFloat = 0.0
    skew_warm_up_s: NonNegativeFloat = 0.2
    skew_measured_s: PositiveFloat = 0.4

    write_shares: Annotated[tuple[WriteShare, ...], EachOnce] = Field(default=(0.0, 0.05, 0.2, 0.5), min_length=1)
    write_share_keys: Keys = 200
    write_share_ttl_s: TtlS = 0.1
    write_share_warm_up_s: NonNegativeFloat = 0.1
    write_share_measured_s: PositiveFloat = 0.2

    value_sizes: Annotated[tuple[ValueBytes, ...], EachOnce] = Field(default=(256, 1_024, 4_096, 16_384), min_length=1)
    value_size_keys: Keys = 500
    value_size_warm_up_s: NonNegativeFloat = 0.05
    value_size_measured_s: PositiveFloat = 0.15

    policies: Annotated[tuple[Policy, ...], EachOnce] = Field(default=Policy.__args__, min_length=1)  # type: ignore[attr-defined]
    policy_ttl_s: TtlS = 60
    policy_warm_up_s: NonNegativeFloat = 0.1
    policy_measured_s: PositiveFloat = 0.2

    warm_up_shares: Annotated[tuple[Share, ...], EachOnce] = Field(default=(0.02, 0.1, 1.0), min_length=1)
    warm_up_keys: Keys = 2_000
    warm_up_measured_s: PositiveFloat = 0.6

    stampede_readers: PositiveInt = 200
    stampede_think_ms: NonNegativeFloat = 25
    stampede_ttl_s: TtlS = 0.3
    stampede_expiries: PositiveInt = 2
    stampede_days: Annotated[int, Field(ge=1, le=28)] = 5
    stampede_patience_s: PositiveFloat = 20

    faults: Annotated[tuple[Fault, ...], EachOnce] = Field(default=Fault.__args__, min_length=1)  # type: ignore[attr-defined]
    lost_reads_per_s: PositiveFloat = 400
    lost_keys: Keys = 200
    lost_before_s: PositiveFloat = 0.2
    lost_fault_s: PositiveFloat = 0.35
    lost_after_s: PositiveFloat = 0.4
    lost_timeout_s: PositiveFloat = 0.03
    lost_delay_ms: PositiveFloat = 25
    breaker_failures: PositiveInt = 5
    breaker_window_s: PositiveFloat = 1.0
    breaker_open_s: PositiveFloat = 0.1

    stale_writes_per_s: Annotated[tuple[PositiveFloat, ...], EachOnce] = Field(default=(20, 200), min_length=1)
    stale_reads_per_s: PositiveFloat = 1_000
    stale_keys: Keys = 50
    stale_ttl_s: TtlS = 0.2
    stale_race_ms: PositiveFloat = 20
    stale_warm_up_s: NonNegativeFloat = 0.1
    stale_measured_s: PositiveFloat = 0.4

    @field_validator("skews")
    @classmethod
    def _known_skews(cls, skews: tuple[str, ...]) -> tuple[str, ...]:
        for skew in skews:
            if not SKEW.fullmatch(skew):
                raise ValueError("each is tailnum, dest or zipf_ with an exponent, zipf_0.99 say")
        return skews

    def engines_of(self, part: Part) -> tuple[Engine, ...]:
        """The databases behind the cache in one part."""
        return self.engines if part in OF_EVERY_ENGINE else self.parts_engines

    def rounds_of(self, part: Part) -> int:
        """How many trials each cell of one part has."""
        return {"size": self.trials, "trips": self.trip_rounds}.get(part, self.rounds)

    @property
    def needed_engines(self) -> tuple[Engine, ...]:
        """Those of all chosen parts."""
        return tuple(dict.fromkeys(engine for part in self.parts for engine in self.engines_of(part)))
