"""What a read that the database is spared is worth, by the price of the database."""

import re
from dataclasses import dataclass

import numpy as np

from harness.cache.sizing.kernel import Int64
from harness.dynamodb.metering import READ_BLOCK_BYTES, read_units
from harness.dynamodb.pricing import Prices, on_demand_usd

_MILLION, _HOUR_S = 1_000_000, 3_600
_RDS = re.compile(r"rds\.(db_[a-z0-9]+_[a-z0-9]+)_hour_usd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Dollars a million reads, None where no price tells it, and by what they were found."""

    usd_per_million: float | None
    by: str


def dynamodb_worth(prices: Prices, value_bytes: Int64) -> Worth:
    """Reads of so many bytes each, eventually consistent and on demand (A1)."""
    blocks = np.bincount(-(-value_bytes // READ_BLOCK_BYTES))
    units = sum(int(count) * read_units(size * READ_BLOCK_BYTES, "eventual") for size, count in enumerate(blocks))
    mean = units / len(value_bytes)
    return Worth(
        usd_per_million=on_demand_usd(prices, read_units=mean * _MILLION),
        by=f"DynamoDB on demand, {mean:.3g} read units a read, eventually consistent",
    )


def instances(prices: Prices) -> list[str]:
    """The RDS instances whose price is known."""
    found = (_RDS.fullmatch(key) for key in prices.values)
    return [one[1].replace("_", ".") for one in found if one]


def rds_worth(prices: Prices, instance: str, reads_per_s: float) -> Worth:
    """An RDS instance (``db.t3.large``) that so many reads a second use up: each is a part of its hour."""
    hour = prices.usd(f"rds.{instance.replace('.', '_')}_hour_usd")
    return Worth(
        usd_per_million=None if hour is None else hour / (reads_per_s * _HOUR_S) * _MILLION,
        by=f"{instance}, used up by {reads_per_s:,.10g} reads a second",
    )
