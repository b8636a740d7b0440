"""What a workload file says: which patterns at which rates, over how much data, and what is asked of the store."""

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from harness.cache.sizing.nodes import Engine as CacheEngine
from harness.config import Settings
from harness.stores_compared.patterns import Name

Store = Literal[
    "postgres", "postgres_flat", "mysql", "mysql_flat", "dynamodb",
    "postgres_cached", "postgres_flat_cached", "mysql_cached", "mysql_flat_cached", "dynamodb_cached",
]  # fmt: skip


class Use(Settings):
    """One pattern: how often, how fresh it has to be, and what to do with a store that can't."""

    rate_per_s: PositiveFloat
    consistency: Literal["any", "strong"] = "any"
    if_cannot: Literal["exclude", "helper"] = "exclude"
    helper_usd_month: NonNegativeFloat | None = None

    @model_validator(mode="after")
    def _helper_is_asked_for(self) -> Self:
        if self.helper_usd_month is not None and self.if_cannot != "helper":
            raise ValueError("has helper_usd_month, which only if_cannot: helper asks for")
        return self


class Data(Settings):
    """How much there is today. An item's bytes are what it takes stored, its index entries included; ``hot_share`` of it is in use."""

    items: PositiveInt
    item_bytes: PositiveFloat
    hot_share: float = Field(default=1.0, gt=0, le=1)


class Growth(Settings):
    """For how many months is compared, and by how much rates and items grow from each to the next."""

    months: int = Field(default=1, ge=1, le=60)
    rate_percent_a_month: float = Field(default=0.0, gt=-100, le=100)
    items_percent_a_month: float = Field(default=0.0, gt=-100, le=100)


class Sql(Settings):
    """How SQL servers are sized: the share of a vCPU that may be busy, which classes may be had, whether data may be split."""

    busy_share: float = Field(default=0.5, gt=0, le=1)
    instances: tuple[str, ...] | None = Field(default=None, min_length=1)
    sharding: bool = False


class DynamoDb(Settings):
    """How capacity is bought, and how much of what is provisioned is used."""

    capacity: Literal["on_demand", "provisioned"] = "on_demand"
    utilisation: float = Field(default=0.7, gt=0, le=1)


class Cache(Settings):
    """Whose nodes the cached stores have."""

    engine: CacheEngine = "valkey"


class Workload(Settings):
    """A workload file."""

    name: str = "workload"
    data: Data
    patterns: dict[Name, Use] = Field(min_length=1)
    availability: Literal["single_az", "multi_az"] = "single_az"
    growth: Growth = Growth()
    stores: tuple[Store, ...] | None = Field(default=None, min_length=1)
    sql: Sql = Sql()
    dynamodb: DynamoDb = DynamoDb()
    cache: Cache = Cache()

    @property
    def rate_per_s(self) -> float:
        """All answers a second, today."""
        return sum(use.rate_per_s for use in self.patterns.values())
