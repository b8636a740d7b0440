"""What units cost: dated prices as data, and a few sums over them. Pure; section C of docs/facts.md.

A price that isn't known is None, never zero, and whatever needs it is None too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["read", "write"]

_MILLION = 1_000_000
_HOUR_S = 3_600
_PROVISIONED_KEY: Mapping[Kind, str] = MappingProxyType(
    {"read": "dynamodb.provisioned_rcu_hour_usd", "write": "dynamodb.provisioned_wcu_hour_usd"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceClass:
    """What a class of RDS instances has. ``baseline_share`` of its vCPU is what it may use for good: 1 unless it is burstable."""

    vcpu: float
    memory_gib: float
    baseline_share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The prices of one region: ``values`` holds dollars by key, as in ``dynamodb.storage_gb_month_usd``.

    ``node_memory_bytes`` are the ``maxmemory`` of cache node types by key, as in ``cache_t4g_micro``, and ``instance_classes`` what RDS
    instances have, as ``db_m5_large``: not prices, and the same everywhere, but without them the price of a node says nothing.
    """

    date: str
    region: str
    source: str
    values: Mapping[str, float]
    node_memory_bytes: Mapping[str, float] = field(default_factory=dict)
    instance_classes: Mapping[str, InstanceClass] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Where prices come from, by how their keys begin; ``source`` holds for all others."""

    @classmethod
    def from_mapping(cls, document: Any, *, region: str) -> "Prices":
        """The prices of ``region`` in a document ``{date, source, regions: {region: {key: dollars}}, node_memory_bytes: {key: bytes}}``.

        The last part may be missing, and so may ``instance_classes: {key: {vcpu, memory_gib, baseline_share}}`` and ``sources: {beginning
        of a key: where its price comes from}``. Raises ValueError that says what is wrong and where: a part missing, the region unknown,
        or a price that isn't a number of 0 or more.
        """
        top = _mapping(document, "the price document")
        regions = _mapping(top.get("regions"), "regions")
        if region not in regions:
            known = ", ".join(sorted(map(str, regions))) or "none"
            raise ValueError(f"no prices for region {region!r}; there are prices for {known}")
        prices = _mapping(regions[region], f"regions.{region}")
        return cls(
            date=_date(top.get("date")),
            region=region,
            source=_text(top.get("source"), "source"),
            values=MappingProxyType(
                {str(key): _number(value, f"regions.{region}.{key}", "dollars") for key, value in prices.items()}
            ),
            node_memory_bytes=MappingProxyType(
                {
                    str(key): _number(value, f"node_memory_bytes.{key}", "bytes")
                    for key, value in _mapping(top.get("node_memory_bytes", {}), "node_memory_bytes").items()
                }
            ),
            instance_classes=MappingProxyType(
                {
                    str(key): _instance_class(value, f"instance_classes.{key}")
                    for key, value in _mapping(top.get("instance_classes", {}), "instance_classes").items()
                }
            ),
            sources=MappingProxyType(
                {
                    str(key): _text(value, f"sources.{key}")
                    for key, value in _mapping(top.get("sources", {}), "sources").items()
                }
            ),
        )

    def usd(self, key: str) -> float | None:
        """The price under a key, None when it isn't known."""
        return self.values.get(key)

    def source_of(self, key: str) -> str:
        """Where the price under a key comes from: what the longest beginning of it says."""
        said = max((start for start in self.sources if key.startswith(start)), key=len, default=None)
        return self.source if said is None else self.sources[said]

    def as_record(self) -> dict[str, Any]:
        """The prices as a run's manifest keeps them: date, region, source and values."""
        return {"date": self.date, "region": self.region, "source": self.source, "values": dict(self.values)}


def on_demand_usd(prices: Prices, read_units: float = 0.0, write_units: float = 0.0) -> float | None:
    """What read and write request units cost on demand; None when a price of what is used isn't known."""
    return _sum(
        _times(read_units, prices.usd(_on_demand_key("read")), _MILLION),
        _times(write_units, prices.usd(_on_demand_key("write")), _MILLION),
    )


def provisioned_usd(
    prices: Prices, read_capacity_units: float, write_capacity_units: float, hours: float
) -> float | None:
    """What capacity units cost for some hours, used or not; None when a price of what is used isn't known."""
    return _sum(
        _times(read_capacity_units * hours, prices.usd(_PROVISIONED_KEY["read"])),
        _times(write_capacity_units * hours, prices.usd(_PROVISIONED_KEY["write"])),
    )


def break_even_utilisation(prices: Prices, kind: Kind) -> float | None:
    """The mean utilisation of provisioned capacity at which both modes cost the same, as a share (C1).

    Below it on demand is cheaper. None when a price isn't known, or when on demand costs nothing.
    """
    on_demand = prices.usd(_on_demand_key(kind))
    provisioned = prices.usd(_PROVISIONED_KEY[kind])
    if not on_demand or provisioned is None:
        return None
    return provisioned / (on_demand / _MILLION * _HOUR_S)


def _on_demand_key(kind: Kind) -> str:
    return f"dynamodb.on_demand_{kind}_usd_per_million"


def _times(amount: float, usd: float | None, per: int = 1) -> float | None:
    if not amount:
        return 0.0
    return None if usd is None else amount * usd / per


def _sum(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _mapping(found: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(found, Mapping):
        raise ValueError(f"{where}: expected a mapping, found {found!r}")
    return found


def _instance_class(found: Any, where: str) -> InstanceClass:
    """A class that has something of everything; raises ValueError."""
    has = {key: _number(value, f"{where}.{key}", "a size") for key, value in _mapping(found, where).items()}
    if not {"vcpu", "memory_gib"} <= has.keys() <= {"vcpu", "memory_gib", "baseline_share"} or 0 in has.values():
        raise ValueError(
            f"{where}: expected vcpu, memory_gib and perhaps baseline_share, each above 0, found {found!r}"
        )
    return InstanceClass(**has)


def _text(found: Any, where: str) -> str:
    if not isinstance(found, str) or not found:
        raise ValueError(f"{where}: expected a text, found {found!r}")
    return found


def _date(found: Any) -> str:
    """A date as text; YAML reads an unquoted 2026-11-30 as a date of its own."""
    return found.isoformat() if isinstance(found, date) else _text(found, "date")


def _number(found: Any, where: str, what: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found) or found < 0:
        raise ValueError(f"{where}: expected {what}, a number of 0 or more, found {found!r}")
    return float(found)
