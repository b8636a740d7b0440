"""What a stack costs an hour and for a planned run, line by line. Pure; section C of docs/facts.md.

A line whose price, or how much of it there is, isn't known is *unknown*, never zero, and a total that misses it is *at least*.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any, Final

from harness.aws.deployment import INSTANCES, CacheNodes, Database, Deployment, Table, Topology, Work
from harness.aws.price_sheet import PriceSheet, generator_key, instance_key, iops_key, node_key, storage_key
from harness.cache.sizing.nodes import GB
from harness.dynamodb.planner.model import MONTH_HOURS

ITEM_OVERHEAD_BYTES: Final = 100
"""That DynamoDB bills with every item and index entry (section C)."""
PROXY_LEAST_VCPUS: Final = 2
_MILLION = 1_000_000
VCPUS: Mapping[str, int] = MappingProxyType(
    {
        "db.t2.micro": 1, "db.t2.small": 1, "db.t3.micro": 2, "db.t3.small": 2, "db.t3.medium": 2, "db.t3.large": 2,
        "db.t4g.micro": 2, "db.t4g.small": 2, "db.t4g.medium": 2, "db.t4g.large": 2, "db.m5.large": 2,
        "db.m5.xlarge": 4, "db.m5d.large": 2, "db.m5d.xlarge": 4, "db.m6g.large": 2, "db.m6gd.large": 2,
        "db.m6gd.xlarge": 4, "db.r5.large": 2, "db.r5d.large": 2, "db.r6g.large": 2, "db.r6gd.large": 2,
    }
)  # fmt: skip
"""Of RDS instance classes; "Hardware specifications for DB instance classes" in the Amazon RDS User Guide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that is billed: how much of it, for what price (and its key), and what that comes to.

    ``quantity`` are ``unit`` that are there all the time (billed by the hour, or by the month and taken as a part of it) or, where
    ``hourly`` is false, in the whole run. None is *unknown*: the quantity, the price, and what follows from either.
    """

    what: str
    quantity: float | None
    unit: str
    usd_per_unit: float | None
    source: str
    usd_hour: float | None
    usd_run: float | None
    key: str | None = None
    hourly: bool = True

    @property
    def known(self) -> bool:
        """Whether it can be added up."""
        return self.usd_run is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum of what is known; ``at_least`` where something isn't, and None where nothing that costs is."""

    usd: float | None
    at_least: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """All lines of a deployment for some work."""

    region: str
    work: Work
    lines: tuple[Line, ...]

    @property
    def hourly(self) -> Total:
        """What it costs while it stands, an hour; what is billed by the request comes on top of it."""
        return _total([(one.usd_hour, one.quantity) for one in self.lines if one.hourly])

    @property
    def run(self) -> Total:
        """What it costs for the planned run, from deploying to the end of taking down."""
        return _total([(one.usd_run, one.quantity) for one in self.lines])

    @property
    def by_amount_usd(self) -> float:
        """What is known of the planned run's costs that go by how much is used, not by time: requests, data."""
        return sum(one.usd_run or 0.0 for one in self.lines if not one.hourly)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all prices that it takes, whether known or not."""
        return tuple(dict.fromkeys(one.key for one in self.lines if one.key))

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the total misses."""
        return tuple(one.what for one in self.lines if not one.known)

    def as_record(self) -> dict[str, Any]:
        """For JSON; null is unknown."""
        return {
            "region": self.region,
            "hours": self.work.hours,
            "parts": [
                {
                    "name": part.name, "seconds": part.seconds, "how": part.how,
                    "read_request_units": part.read_request_units, "write_request_units": part.write_request_units,
                }
                for part in self.work.parts
            ],
            "lines": [
                {
                    "what": one.what, "quantity": one.quantity, "unit": one.unit, "key": one.key,
                    "usd_per_unit": one.usd_per_unit, "usd_hour": one.usd_hour, "usd_run": one.usd_run, "source": one.source,
                }
                for one in self.lines
            ],
            "usd_hour": {"usd": self.hourly.usd, "at_least": self.hourly.at_least},
            "usd_run": {"usd": self.run.usd, "at_least": self.run.at_least},
            "unknown": list(self.unknown),
        }  # fmt: skip


def estimate(deployed: Deployment, work: Work, sheet: PriceSheet) -> Estimate:
    """Every line of it, in the order of the services."""
    bill = _Bill(sheet=sheet, hours=work.hours)
    lines = [
        *_databases(bill, deployed),
        *(_nodes(bill, cache) for cache in deployed.caches),
        *_tables(bill, deployed.tables, work),
        *_network(bill, deployed),
        *_generators(bill, deployed),
    ]
    return Estimate(region=sheet.prices.region, work=work, lines=tuple(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """Makes lines: prices, and for how long."""

    sheet: PriceSheet
    hours: float

    def by_hour(self, what: str, quantity: float | None, unit: str, key: str, *, whole_hours: bool = False) -> Line:
        """Priced an hour; ``whole_hours`` where one that has begun is billed in full (C3)."""
        hours = ceil(self.hours) if whole_hours else self.hours
        return self._line(what, quantity, f"{unit} × h", key, per_hour=1.0, hours=hours)

    def by_month(self, what: str, quantity: float | None, unit: str, key: str) -> Line:
        """Priced a month of 730 hours, and billed for a part of it."""
        return self._line(what, quantity, f"{unit}-month", key, per_hour=1 / MONTH_HOURS, hours=self.hours)

    def by_amount(self, what: str, quantity: float | None, unit: str, key: str) -> Line:
        """Priced by how much is used, however long that takes."""
        return self._line(what, quantity, unit, key, per_hour=None, hours=1.0)

    def none_of(self, what: str, why: str) -> Line:
        """What costs nothing because there is none of it."""
        return Line(what=what, quantity=0.0, unit="", usd_per_unit=None, source=why, usd_hour=0.0, usd_run=0.0)

    def _line(
        self, what: str, quantity: float | None, unit: str, key: str, *, per_hour: float | None, hours: float
    ) -> Line:
        quote = self.sheet.quote(key)
        if quantity == 0:
            usd: float | None = 0.0  # whatever the price is
        else:
            usd = None if quote is None or quantity is None else quantity * quote.usd
        source = quote.source if quote else f"unknown: no price {key} for {self.sheet.prices.region}"
        if quantity is None:
            source = "unknown: how much of it there is can't be told" if quote else source
        return Line(
            what=what, quantity=quantity, unit=unit, usd_per_unit=quote.usd if quote else None, source=source,
            usd_hour=None if usd is None or per_hour is None else usd * per_hour,
            usd_run=None if usd is None else usd * (1.0 if per_hour is None else per_hour * hours),
            key=key, hourly=per_hour is not None,
        )  # fmt: skip


_DEPLOYED_AS: Mapping[Topology, str] = {
    "single_az": "instance", "multi_az_instance": "pair of instances", "multi_az_cluster": "three instances",
}  # fmt: skip


def _databases(bill: _Bill, deployed: Deployment) -> Iterator[Line]:
    for one in deployed.databases:
        name = f"RDS {one.engine}, {one.topology}"
        key = instance_key(one.engine, one.instance_class, one.topology)
        yield bill.by_hour(f"{name}: {one.instance_class}", 1.0, _DEPLOYED_AS[one.topology], key)
        yield bill.by_month(f"{name}: storage", one.storage_gb, "GB", storage_key(one.topology, one.iops))
        if one.iops:
            yield bill.by_month(f"{name}: operations a second", float(one.iops), "IOPS", iops_key(one.topology))
        if one.proxy:
            yield bill.by_hour(f"{name}: proxy", proxy_vcpus(one), "vCPU", "rds.proxy_vcpu_hour_usd")
    if deployed.databases:
        free_gb = sum(one.storage_gb for one in deployed.databases)
        beyond_gb = max(0.0, deployed.backup_gb - free_gb)
        key = "rds.backup_gb_month_usd"
        yield bill.by_month("RDS: backups beyond the free part", beyond_gb, "GB", key)


def proxy_vcpus(one: Database) -> float | None:
    """What an RDS Proxy is billed for: vCPU of the instances that it can send to, two at least each; None for a class that isn't known.

    The standby of a Multi-AZ instance takes no connections (D1); whether it is billed all the same isn't published.
    """
    vcpus = VCPUS.get(one.instance_class)
    reached = INSTANCES[one.topology] if one.topology == "multi_az_cluster" else 1
    return None if vcpus is None else float(max(PROXY_LEAST_VCPUS, vcpus) * reached)


def _nodes(bill: _Bill, cache: CacheNodes) -> Line:
    what, key = f"ElastiCache {cache.engine}: {cache.node_type}", node_key(cache.engine, cache.node_type)
    return bill.by_hour(what, float(cache.nodes), "nodes", key, whole_hours=True)


def _tables(bill: _Bill, tables: tuple[Table, ...], work: Work) -> Iterator[Line]:
    for one in tables:
        if one.mode == "provisioned":
            for kind, units, key in (
                ("reads", one.read_capacity_units, "dynamodb.provisioned_rcu_hour_usd"),
                ("writes", one.write_capacity_units, "dynamodb.provisioned_wcu_hour_usd"),
            ):
                yield bill.by_hour(f"DynamoDB {one.name}: {kind}", units, "units", key, whole_hours=True)
    if work.read_request_units or work.write_request_units:
        for kind, units in (("read", work.read_request_units), ("write", work.write_request_units)):
            key = f"dynamodb.on_demand_{kind}_usd_per_million"
            yield bill.by_amount(f"DynamoDB on demand: {kind}s", units / _MILLION, "million units", key)
    if tables:
        stored_gb = sum(map(stored_bytes, tables)) / GB
        yield bill.by_month("DynamoDB: storage", stored_gb, "GB", "dynamodb.storage_gb_month_usd")
    if kept := [one for one in tables if one.point_in_time]:
        kept_gb = sum(map(kept_bytes, kept)) / GB
        key = "dynamodb.point_in_time_gb_month_usd"
        yield bill.by_month("DynamoDB: restorable to a point in time", kept_gb, "GB", key)


def stored_bytes(table: Table) -> float:
    """What is billed as stored: every item and index entry with 100 bytes more (section C)."""
    return table.items * (table.item_bytes + table.index_bytes + ITEM_OVERHEAD_BYTES * (1 + table.indexes))


def kept_bytes(table: Table) -> float:
    """What is billed for being restorable to a point in time: the table and its local indexes (C4)."""
    local = table.local_index_bytes + ITEM_OVERHEAD_BYTES * table.local_indexes
    return table.items * (table.item_bytes + ITEM_OVERHEAD_BYTES + local)


def _network(bill: _Bill, deployed: Deployment) -> Iterator[Line]:
    if deployed.endpoint_zones:
        key = "vpc.interface_endpoint_az_hour_usd"
        places = float(deployed.endpoint_zones)
        yield bill.by_hour("Interface endpoints", places, "endpoint-zones", key, whole_hours=True)
        key = "vpc.interface_endpoint_gb_usd"
        yield bill.by_amount("Interface endpoints: data", deployed.endpoint_gb, "GB", key)
    yield bill.none_of(
        "NAT gateway", "none: the private subnets have no way out; DynamoDB and S3 have gateway endpoints"
    )
    if deployed.secrets:
        yield bill.by_month("Secrets Manager", float(deployed.secrets), "secret", "secretsmanager.secret_month_usd")
    if deployed.zones > 1:
        yield bill.by_amount("Data between zones", None, "GB", "ec2.between_zones_gb_usd")


def _generators(bill: _Bill, deployed: Deployment) -> Iterator[Line]:
    for kind in dict.fromkeys(made.instance_type for made in deployed.generators):
        count = sum(made.count for made in deployed.generators if made.instance_type == kind)
        yield bill.by_hour(f"EC2 load generators: {kind}", float(count), "instances", generator_key(kind))
    if deployed.generators:
        disks_gb = sum(made.count * made.disk_gb for made in deployed.generators)
        yield bill.by_month("EC2 load generators: disks", disks_gb, "GB", "ec2.gp3_gb_month_usd")
    if deployed.bucket_gb:
        yield bill.by_month("S3: the run's bucket", deployed.bucket_gb, "GB", "s3.storage_gb_month_usd")
    if deployed.alarms:
        key = "cloudwatch.alarm_month_usd"
        yield bill.by_month("CloudWatch: alarms of auto scaling", float(deployed.alarms), "alarm", key)


def _total(parts: list[tuple[float | None, float | None]]) -> Total:
    known = [usd for usd, _ in parts if usd is not None]
    misses = len(known) < len(parts)
    return Total(usd=None if misses and not any(known) else sum(known), at_least=misses)
