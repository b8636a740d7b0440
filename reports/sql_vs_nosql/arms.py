"""The scenario's words: its arms, the instance that SQL is priced by, and what a month is."""

from collections.abc import Mapping
from typing import Literal

from harness.stores_compared.patterns import PATTERNS

NAME, TITLE = "sql_vs_nosql", "Which database for which use"
PATTERNS_PART, GROWTH = "patterns", "growth"
CACHED, DYNAMODB = "_cached", "dynamodb"
ARMS: Mapping[str, str] = {
    "postgres": "PostgreSQL",
    "postgres_flat": "PostgreSQL with one wide table",
    "mysql": "MySQL",
    "mysql_flat": "MySQL with one wide table",
    DYNAMODB: "DynamoDB",
}
Kind = Literal["read", "write"]
KINDS: Mapping[Kind, str] = {
    "read": "dynamodb.on_demand_read_usd_per_million",
    "write": "dynamodb.on_demand_write_usd_per_million",
}
# What SQL is priced by: the smallest class of RDS that isn't burstable (docs/facts.md, section C; its vCPU by the RDS User Guide's
# "Hardware specifications for DB instance classes"), Single-AZ, by the engine's own price.
INSTANCE, VCPU = "db.m5.large", 2
INSTANCE_PRICES: Mapping[str, str] = {
    "mysql": "rds.db_m5_large_hour_usd",
    "postgres": "rds.postgres_db_m5_large_hour_usd",
}
BUSY, BUSY_LEAST, BUSY_MOST = 0.5, 0.3, 0.7  # of its vCPU, what is planned to be in use
MONTH_HOURS = 730
MONTH_S = MONTH_HOURS * 3_600
RATES_PER_S = (10, 1_000, 100_000)
OPENING = ("flight_by_key", "ad_hoc")  # the patterns whose costs open the report


def plain(arm: str) -> str:
    """The arm behind the cache; the arm itself where there is none."""
    return arm.removesuffix(CACHED)


def is_cached(arm: str) -> bool:
    """Whether a cache stands in front."""
    return arm.endswith(CACHED)


def server_of(arm: str) -> str:
    """The server behind an arm, as manifests call it: postgres, mysql or dynamodb."""
    return plain(arm).removesuffix("_flat")


def is_sql(arm: str) -> bool:
    """Whether what it costs is processor time."""
    return server_of(arm) in INSTANCE_PRICES


def arm_words(arm: str) -> str:
    """An arm in words; one that isn't known is called by its name."""
    words = ARMS.get(plain(arm), plain(arm))
    return f"{words}, behind a cache" if is_cached(arm) else words


def pattern_words(pattern: str) -> str:
    """A pattern in words; one that isn't known is called by its name."""
    return PATTERNS[pattern].title if pattern in PATTERNS else pattern


def sentence_of(pattern: str) -> str:
    """The same, to begin a sentence with."""
    words = pattern_words(pattern)
    return words[0].upper() + words[1:]
