"""Section ``scenarios.sql_vs_nosql`` of config.yaml, which says what each key is for."""

from typing import Annotated, Literal, get_args

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from harness.config import EachOnce, Settings
from harness.sql.endpoint import Engine
from harness.stores_compared.patterns import PATTERNS, Name

Part = Literal["patterns", "growth"]
Arm = Literal[
    "postgres", "postgres_flat", "mysql", "mysql_flat", "dynamodb",
    "postgres_cached", "postgres_flat_cached", "mysql_cached", "mysql_flat_cached", "dynamodb_cached",
]  # fmt: skip
QUICK_ARMS: tuple[Arm, ...] = ("postgres", "postgres_flat", "mysql", "mysql_flat", "dynamodb", "postgres_cached", "dynamodb_cached")  # fmt: skip
QUICK_CACHED: tuple[Name, ...] = ("flight_by_key", "aircraft_flights", "flight_with_all", "carrier_month_delays")
QUICK_GROWTH: tuple[Name, ...] = ("flight_by_key", "ad_hoc", "count")
CACHED = "_cached"
SIZES = (1_000, 3_000, 9_000)
LEAST_FLIGHTS = 500  # of a table: the asked-for flights of part growth are half of it at most
READS: tuple[Name, ...] = tuple(one.name for one in PATTERNS.values() if one.reads)

Size = Annotated[int, Field(ge=LEAST_FLIGHTS)]


class SqlVsNosqlSettings(Settings):
    """What is asked of whom, of how many flights, and how long."""

    parts: Annotated[tuple[Part, ...], EachOnce] = Field(default=get_args(Part), min_length=1)
    patterns: Annotated[tuple[Name, ...], EachOnce] = Field(default=get_args(Name), min_length=1)
    arms: Annotated[tuple[Arm, ...], EachOnce] = Field(default=QUICK_ARMS, min_length=1)
    cached_patterns: Annotated[tuple[Name, ...], EachOnce] = QUICK_CACHED
    growth_patterns: Annotated[tuple[Name, ...], EachOnce] = QUICK_GROWTH
    sizes: Annotated[tuple[Size, ...], EachOnce] = Field(default=SIZES, min_length=1)
    rounds: PositiveInt = 3
    trial_s: PositiveFloat = 0.015
    least_answers: PositiveInt = 2
    questions: Annotated[int, Field(ge=2)] = 4
    keys: PositiveInt = 200
    cache_ttl_s: Annotated[float, Field(ge=0.001)] = 60.0
    least_rewrites: PositiveInt = 1
    attribute_items: PositiveInt = 500
    bulk_items: PositiveInt = 500

    @field_validator("cached_patterns", "growth_patterns")
    @classmethod
    def _read_only(cls, patterns: tuple[Name, ...]) -> tuple[Name, ...]:
        for pattern in patterns:
            if not PATTERNS[pattern].reads:
                raise ValueError(f"has {pattern}, which changes data: there are {', '.join(READS)}")
        return patterns

    @field_validator("growth_patterns")
    @classmethod
    def _growing(cls, patterns: tuple[Name, ...]) -> tuple[Name, ...]:
        for pattern in patterns:
            if not PATTERNS[pattern].growing:
                raise ValueError(f"has {pattern}, whose table doesn't grow with the flights")
        return patterns

    @property
    def largest(self) -> int:
        """Flights of the largest table: that of part patterns."""
        return max(self.sizes)

    @property
    def plain_arms(self) -> tuple[str, ...]:
        """The stores that the arms need, those behind caches too."""
        return tuple(dict.fromkeys(map(plain, self.arms)))

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The databases that the arms need."""
        known: tuple[Engine, ...] = get_args(Engine)
        return tuple(engine for engine in known if {engine, f"{engine}_flat"} & set(self.plain_arms))


def plain(arm: str) -> str:
    """The arm behind the cache; the arm itself where there is none."""
    return arm.removesuffix(CACHED)
