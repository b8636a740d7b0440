"""How many servers of which kind: instances by CPU and memory, cache nodes by memory. Section C of docs/facts.md."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from harness.cache.sizing.nodes import GB, Assumptions, node_types
from harness.cache.sizing.nodes import Engine as CacheEngine
from harness.choosing.curves import Line, exact
from harness.choosing.workload import Sql
from harness.dynamodb.planner.model import MONTH_HOURS as HOURS
from harness.dynamodb.pricing import Prices
from harness.sql.endpoint import Engine

PRICE_KEYS: dict[Engine, str] = {"mysql": "rds.", "postgres": "rds.postgres_"}
MOST_REPLICAS = 15  # C6
MOST_INSTANCES = 40  # C6
LEAST_STORAGE_BYTES = 20 * GB  # C6
HELD_SHARE = exact(0.75)  # C6: of an instance's memory, what holds data
MONTH_HOURS = exact(HOURS)
_GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """A class of instances at its price: CPU seconds a second that it gives, and bytes of data that it holds in memory."""

    name: str
    cpu_s_per_s: Fraction
    held_bytes: Fraction
    burstable: bool
    usd_month: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """``count`` instances of a type, ``shards`` of them with a part of the data each; enough up to the rate ``until``."""

    until: Fraction | None
    instances_usd: Fraction
    storage_usd: Fraction
    type: InstanceType
    count: int
    shards: int

    @property
    def usd(self) -> Fraction:
        """A month of it."""
        return self.instances_usd + self.storage_usd

    def __str__(self) -> str:
        several = f"{self.count} × {self.type.name}" if self.count > 1 else self.type.name
        return f"{several}, the data split over them" if self.shards > 1 else several


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What one engine has to carry: CPU seconds a second in all, of it what only a primary may answer, and its data."""

    load: Line
    primary: Line
    stored_bytes: Fraction
    hot_bytes: Fraction
    storage_usd_per_byte: Fraction

    def options(self, types: Iterable[InstanceType], *, sharding: bool) -> list[Option]:
        """Every fleet that may be had, with the rate it is enough for: 1 to 16 copies of all, or, split, a part each."""
        found = []
        for one in types:
            most = 1 if one.burstable else 1 + MOST_REPLICAS
            if self.hot_bytes <= one.held_bytes:
                found += [self._option(one, count, 1) for count in range(1, most + 1)]
            if sharding and not one.burstable:
                least = max(2, ceil(self.hot_bytes / one.held_bytes))
                found += [self._option(one, count, count) for count in range(least, MOST_INSTANCES + 1)]
        return found

    def why_none(self, types: Sequence[InstanceType], rate: Fraction, *, sharding: bool) -> str:
        """Why no fleet carries a rate."""
        if not types:
            return "none of the instance classes that are allowed has a known price and size"
        most = max(one.held_bytes for one in types)
        if self.hot_bytes > most and not sharding:
            return (
                f"{float(self.hot_bytes) / GB:,.3g} GB of hot data don't fit the memory of any class ({float(most) / GB:,.3g} GB at most), and "
                "what was measured had them there; lower data.hot_share, or set sql.sharding: true"
            )
        cpu = max(one.cpu_s_per_s for one in types if self.hot_bytes <= one.held_bytes or sharding)
        if not sharding and self.primary.at(rate) > cpu:
            return (
                f"what only the primary may answer takes {float(self.primary.at(rate)):,.3g} CPU seconds a second, and the largest class gives "
                f"{float(cpu):,.3g}; set sql.sharding: true to split the data"
            )
        limit = (
            f"{MOST_INSTANCES} instances with a part of the data each" if sharding else f"{1 + MOST_REPLICAS} copies"
        )
        return f"{float(self.load.at(rate)):,.3g} CPU seconds a second are more than {limit} give"

    def _option(self, one: InstanceType, count: int, shards: int) -> Option:
        ends = [self.load.until(count * one.cpu_s_per_s), self.primary.until(shards * one.cpu_s_per_s)]
        each = max(self.stored_bytes / shards, Fraction(LEAST_STORAGE_BYTES))
        return Option(
            until=min((end for end in ends if end is not None), default=None), instances_usd=count * one.usd_month,
            storage_usd=count * each * self.storage_usd_per_byte, type=one, count=count, shards=shards,
        )  # fmt: skip


def instance_types(
    prices: Prices, engine: Engine, sql: Sql, *, multi_az: bool
) -> tuple[tuple[InstanceType, ...], tuple[str, ...]]:
    """The classes that may be had, and the names of those whose price or size isn't known.

    A burstable class gives no more than its baseline for good; others ``busy_share`` of their vCPU.
    """
    known, unknown = [], []
    names = sql.instances if sql.instances is not None else sorted(_dotted(key) for key in prices.instance_classes)
    for name in names:
        key = name.replace(".", "_")
        has = prices.instance_classes.get(key)
        usd = prices.usd(f"{PRICE_KEYS[engine]}{key}{'_multi_az' if multi_az else ''}_hour_usd")
        if has is None or usd is None:
            unknown.append(name)
            continue
        share = exact(min(sql.busy_share, has.baseline_share))
        known.append(
            InstanceType(
                name=name, cpu_s_per_s=exact(has.vcpu) * share, held_bytes=exact(has.memory_gib) * _GIB * HELD_SHARE,
                burstable=has.baseline_share < 1, usd_month=exact(usd) * MONTH_HOURS,
            )
        )  # fmt: skip
    return tuple(known), tuple(unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Cache nodes that hold so much, each with its replica where that is asked for."""

    name: str
    count: int
    replicas: int
    usd_month: Fraction

    def __str__(self) -> str:
        several = f"{self.count} × {self.name}" if self.count > 1 else self.name
        return f"{several}{', each with a replica' if self.replicas and self.count > 1 else ' and a replica' if self.replicas else ''}"


def cache_nodes(
    prices: Prices, engine: CacheEngine, items: Fraction, item_bytes: float, *, replicas: int
) -> Nodes | None:
    """The cheapest nodes of one type that hold so many entries; None where no node's price and memory are known."""
    assumed = Assumptions(engine=engine, replicas=replicas)
    held_bytes = items * (exact(item_bytes) + assumed.item_overhead_bytes)
    found = list(_nodes(prices, assumed, held_bytes))
    return min(found, key=lambda one: (one.usd_month, one.count, one.name), default=None)


def _nodes(prices: Prices, assumed: Assumptions, held_bytes: Fraction) -> Iterator[Nodes]:
    for one in node_types(prices, assumed.engine):
        usable, usd_hour = one.usable_bytes(assumed), one.usd_hour
        if usable and usd_hour is not None:
            count = max(1, ceil(held_bytes / exact(usable)))
            usd = count * exact(usd_hour) * MONTH_HOURS * (1 + assumed.replicas)
            yield Nodes(name=one.name, count=count, replicas=assumed.replicas, usd_month=usd)


def _dotted(key: str) -> str:
    return key.replace("_", ".")
