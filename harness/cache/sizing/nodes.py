"""ElastiCache's node types and its serverless cache: what they hold, and what they cost a month. Section C of docs/facts.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from harness.dynamodb.planner.model import MONTH_HOURS
from harness.dynamodb.pricing import Prices

Engine = Literal["valkey", "redis"]
ENGINES: Mapping[Engine, str] = MappingProxyType({"valkey": "elasticache.valkey_cache_", "redis": "elasticache.cache_"})
"""How the keys of an engine's node prices begin."""
SERVERLESS = "serverless"
MONTH_S = MONTH_HOURS * 3_600
GB, KB = 10**9, 10**3
"""As decimals: where AWS means 2³⁰ and 2¹⁰ by them, the bill is 7 and 2 % lower."""
SERVERLESS_LEAST_BYTES: Mapping[Engine, int] = MappingProxyType({"valkey": 100 * 10**6, "redis": GB})
"""What a serverless cache is billed for at least (E10)."""
_MILLION, _HOUR = 1_000_000, "_hour_usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is supposed of every cache: the share of a node's memory that is kept back, and what the server adds to an entry.

    ``item_overhead_bytes`` was measured on Valkey 9.1 (E11); replicas are nodes more that hold the same.
    """

    engine: Engine = "valkey"
    reserved_memory_share: float = 0.25
    item_overhead_bytes: int = 80
    replicas: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeType:
    """A type of node: its ``maxmemory`` and its price, None where the price file doesn't know it."""

    name: str
    memory_bytes: float | None
    usd_hour: float | None

    def usable_bytes(self, assumed: Assumptions) -> float | None:
        """What entries can fill."""
        return None if self.memory_bytes is None else self.memory_bytes * (1 - assumed.reserved_memory_share)

    def usd_month(self, assumed: Assumptions) -> float | None:
        """The node and its replicas for 730 hours."""
        return None if self.usd_hour is None else self.usd_hour * MONTH_HOURS * (1 + assumed.replicas)


def node_types(prices: Prices, engine: Engine) -> tuple[NodeType, ...]:
    """Every type whose memory or price is known, by memory, then by price."""
    prefix = ENGINES[engine]
    priced = {
        f"cache_{key[len(prefix) : -len(_HOUR)]}": usd
        for key, usd in prices.values.items()
        if key.startswith(prefix) and key.endswith(_HOUR)
    }
    found = [
        NodeType(name=key.replace("_", "."), memory_bytes=prices.node_memory_bytes.get(key), usd_hour=priced.get(key))
        for key in {*priced, *prices.node_memory_bytes}
    ]
    unknown = float("inf")
    return tuple(
        sorted(
            found,
            key=lambda one: (
                one.memory_bytes or unknown,
                unknown if one.usd_hour is None else one.usd_hour,
                one.name,
            ),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What one read of the trace brings a serverless cache, in ECPU: a hit's GET, a miss's GET and SET, its share of the writes.

    One ECPU is a kilobyte transferred, one at least a request (E10).
    """

    hit: float
    miss: float
    writes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Serverless:
    """Prices of the serverless cache; it grows with its data, so it evicts nothing."""

    usd_gb_hour: float | None
    usd_per_million_ecpu: float | None
    least_bytes: int

    @classmethod
    def of(cls, prices: Prices, engine: Engine) -> "Serverless":
        """The prices of an engine."""
        return cls(
            usd_gb_hour=prices.usd(f"elasticache.serverless_{engine}_gb_hour_usd"),
            usd_per_million_ecpu=prices.usd(f"elasticache.serverless_{engine}_ecpu_usd_per_million"),
            least_bytes=SERVERLESS_LEAST_BYTES[engine],
        )

    def stored_usd_month(self, stored_bytes: float) -> float | None:
        """What is stored, for a month."""
        if self.usd_gb_hour is None:
            return None
        return max(stored_bytes, self.least_bytes) / GB * MONTH_HOURS * self.usd_gb_hour

    def usd_per_read(self, hit_rate: float, requests: Requests) -> float | None:
        """What a read of the trace costs in requests, its share of the writes included."""
        if self.usd_per_million_ecpu is None:
            return None
        ecpu = hit_rate * requests.hit + (1 - hit_rate) * requests.miss + requests.writes
        return ecpu * self.usd_per_million_ecpu / _MILLION
