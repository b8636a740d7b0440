"""Workloads, prices and figures for the chooser whose arithmetic can be done by hand."""

from collections.abc import Mapping
from typing import Any

from planted_choices import Record, cpu, needed, units

from harness.choosing.figures import Measured
from harness.choosing.workload import Workload
from harness.dynamodb.pricing import InstanceClass, Prices

VALUES = {
    "rds.postgres_db_m5_large_hour_usd": 0.178, "rds.postgres_db_m5_large_multi_az_hour_usd": 0.356, "rds.db_m5_large_hour_usd": 0.171,
    "rds.storage_gb_month_usd": 0.115, "rds.storage_multi_az_gb_month_usd": 0.23,
    "dynamodb.on_demand_read_usd_per_million": 0.125, "dynamodb.on_demand_write_usd_per_million": 0.625,
    "dynamodb.provisioned_rcu_hour_usd": 0.00013, "dynamodb.provisioned_wcu_hour_usd": 0.00065, "dynamodb.storage_gb_month_usd": 0.25,
    "elasticache.valkey_cache_t4g_micro_hour_usd": 0.0128,
}  # fmt: skip
CLASSES = {"db_m5_large": InstanceClass(vcpu=2, memory_gib=8)}


def prices(classes: Mapping[str, InstanceClass] = CLASSES, **values: float | None) -> Prices:
    """One class of instances, of both engines, and DynamoDB; ``values`` by key, dots as __, over them, None takes one away."""
    changed = {key.replace("__", "."): usd for key, usd in values.items()}
    return Prices(
        date="2026-11", region="us-east-1", source="by hand", instance_classes=classes, node_memory_bytes={"cache_t4g_micro": 536_870_912},
        values={key: usd for key, usd in (VALUES | changed).items() if usd is not None},
    )  # fmt: skip


def workload(patterns: Mapping[str, Any], **more: Any) -> Workload:
    """A thousand items of 1,000 bytes, as many as were measured; a number for a pattern is its rate."""
    uses = {name: use if isinstance(use, dict) else {"rate_per_s": use} for name, use in patterns.items()}
    return Workload.model_validate({"data": {"items": 1_000, "item_bytes": 1_000}, "patterns": uses} | more)


def measured(*records: Record, events: tuple[Record, ...] = ()) -> Measured:
    """A run with these findings."""
    return Measured.of("planted", records, events)


def key_lookups(cpu_ms: float = 1.0, read_units: float = 1.0) -> Measured:
    """A flight by its key, on PostgreSQL and on DynamoDB, strongly consistent on both."""
    events = (needed("postgres", "flight_by_key", "read committed"), needed("dynamodb", "flight_by_key", "strong"))
    records = (cpu("postgres", "flight_by_key", cpu_ms), units("flight_by_key", read_units, kind="read"))
    return measured(*records, events=events)
