"""Prices with where each comes from: the price file, the Pricing API, or what was given. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.aws.deployment import Topology
from harness.cache.sizing.nodes import ENGINES
from harness.cache.sizing.nodes import Engine as CacheEngine
from harness.dynamodb.pricing import Prices
from harness.sql.endpoint import Engine

_RDS: Mapping[Engine, str] = {"mysql": "rds.", "postgres": "rds.postgres_"}
_TOPOLOGY: Mapping[Topology, str] = {
    "single_az": "", "multi_az_instance": "_multi_az", "multi_az_cluster": "_multi_az_cluster",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price and where it comes from, with its date."""

    usd: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSheet:
    """The price file of a region, and quotes that go before it."""

    prices: Prices
    quotes: Mapping[str, Quote] = field(default_factory=dict)

    def quote(self, key: str) -> Quote | None:
        """The price under a key, None where nobody knows it."""
        if key in self.quotes:
            return self.quotes[key]
        usd = self.prices.usd(key)
        return None if usd is None else Quote(usd=usd, source=f"{self.prices.source_of(key)}, read {self.prices.date}")

    def with_quotes(self, quotes: Mapping[str, Quote]) -> "PriceSheet":
        """The same with quotes that go before those there are."""
        return replace(self, quotes={**self.quotes, **quotes})


def instance_key(engine: Engine, instance_class: str, topology: Topology) -> str:
    """An RDS instance, both of a Multi-AZ instance or all three of a cluster, for an hour: the engines differ."""
    return f"{_RDS[engine]}{instance_class.replace('.', '_')}{_TOPOLOGY[topology]}_hour_usd"


def storage_key(topology: Topology, iops: int = 0) -> str:
    """A GB of what is provisioned, in every copy of it, for a month: gp3, or io1 where operations a second are paid for."""
    return f"rds.storage{'_io1' if iops else ''}{_TOPOLOGY[topology]}_gb_month_usd"


def iops_key(topology: Topology) -> str:
    """One operation a second of io1, in every copy, for a month."""
    return f"rds.iops{_TOPOLOGY[topology]}_month_usd"


def node_key(engine: CacheEngine, node_type: str) -> str:
    """A node of ElastiCache for an hour."""
    return f"{ENGINES[engine]}{node_type.removeprefix('cache.').replace('.', '_')}_hour_usd"


def generator_key(instance_type: str) -> str:
    """An EC2 instance with Linux, on demand, for an hour."""
    return f"ec2.{instance_type.replace('.', '_')}_hour_usd"
