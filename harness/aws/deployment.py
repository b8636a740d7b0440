"""What is deployed, as far as it costs something; read from a stack's parameters. And the three that are estimated. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from harness.cache.sizing.nodes import ENGINES as CACHE_ENGINES
from harness.cache.sizing.nodes import Engine as CacheEngine
from harness.sql.endpoint import Engine

Parameters = Mapping[str, str | int]
"""Of stack.yaml, by name."""
Topology = Literal["single_az", "multi_az_instance", "multi_az_cluster"]
TOPOLOGIES: Final[tuple[Topology, ...]] = get_args(Topology)
INSTANCES: Mapping[Topology, int] = MappingProxyType({"single_az": 1, "multi_az_instance": 2, "multi_az_cluster": 3})
"""How many instances hold the data (D1)."""
ITEM_BYTES: Final = 242.0
"""A flight by A15, on average; an entry of an index with everything has as much."""
FIVE_ENTRIES_BYTES: Final = 502.0
"""Its entries of the five indexes of table ``on_demand`` together …"""
LOCAL_ENTRIES_BYTES: Final = 130.0
"""… and of the two of them that are local."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One RDS database. ``storage_gb`` of each copy; ``iops`` where they are paid for, 0 where they come with it."""

    engine: Engine
    topology: Topology
    instance_class: str
    storage_gb: float
    iops: int = 0
    proxy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheNodes:
    """Nodes of one ElastiCache replication group, replicas included."""

    engine: CacheEngine
    node_type: str
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One DynamoDB table: capacity units of itself and its indexes where provisioned, and what it stores.

    ``index_bytes`` are those of an item's entries in all ``indexes`` together, ``local_index_bytes`` in the local ones of them.
    """

    name: str
    mode: Literal["provisioned", "on_demand"]
    read_capacity_units: float = 0.0
    write_capacity_units: float = 0.0
    items: int = 0
    item_bytes: float = 0.0
    indexes: int = 0
    index_bytes: float = 0.0
    local_indexes: int = 0
    local_index_bytes: float = 0.0
    point_in_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Generators:
    """The instances that make the load; ``disk_gb`` of each."""

    instance_type: str
    count: int
    disk_gb: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Everything of one or more stacks that is billed. ``endpoint_zones``: interface endpoints times the zones each is in.

    ``backup_gb`` are automated backups and snapshots together.
    """

    databases: tuple[Database, ...] = ()
    caches: tuple[CacheNodes, ...] = ()
    tables: tuple[Table, ...] = ()
    generators: tuple[Generators, ...] = ()
    endpoint_zones: int = 0
    endpoint_gb: float = 0.0
    secrets: int = 0
    alarms: int = 0
    bucket_gb: float = 0.0
    backup_gb: float = 0.0
    zones: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one scenario, or deploying, takes of a run, and how that was found; request units are those on demand."""

    name: str
    seconds: float
    how: str
    read_request_units: float = 0.0
    write_request_units: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A planned run, from deploying to the end of taking down."""

    parts: tuple[Part, ...]

    @property
    def hours(self) -> float:
        """How long the stack stands."""
        return sum(part.seconds for part in self.parts) / 3_600

    @property
    def read_request_units(self) -> float:
        """Asked for on demand."""
        return sum(part.read_request_units for part in self.parts)

    @property
    def write_request_units(self) -> float:
        """Asked for on demand."""
        return sum(part.write_request_units for part in self.parts)


Size = Literal["quick", "standard", "full"]
SIZES: Final[tuple[Size, ...]] = get_args(Size)
PROFILE_OF: Mapping[Size, Literal["quick", "standard"]] = MappingProxyType(
    {"quick": "quick", "standard": "standard", "full": "standard"}
)
WHAT_IT_IS: Mapping[Size, str] = MappingProxyType(
    {
        "quick": "profile quick, a Multi-AZ instance of each engine, small",
        "standard": "profile standard, a Multi-AZ instance of each engine",
        "full": "profile standard with every topology of both engines deployed at once, behind RDS Proxies: three stacks",
    }
)
_QUICK: Parameters = MappingProxyType(
    {
        "MySqlTopology": "multi_az_instance", "PostgresTopology": "multi_az_instance", "SqlInstanceClass": "db.t3.small",
        "SqlStorageGb": 20, "SqlClusterClass": "db.m6gd.large", "SqlClusterStorageGb": 100, "SqlClusterIops": 1000,
        "SqlProxy": "off", "DynamoDb": "on", "ProvisionedReadUnits": 50, "ProvisionedWriteUnits": 50, "AutoScaling": "on",
        "CacheEngine": "valkey", "CacheNodeType": "cache.t4g.micro", "CacheShards": 1, "CacheReplicas": 1,
        "Generators": 2, "GeneratorType": "c6i.large",
    }
)  # fmt: skip
_STANDARD: Parameters = {
    **_QUICK, "SqlInstanceClass": "db.m5.large", "SqlStorageGb": 100, "CacheNodeType": "cache.m6g.large", "GeneratorType": "c6i.xlarge",
}  # fmt: skip
STACKS: Mapping[Size, tuple[Parameters, ...]] = MappingProxyType(
    {
        "quick": (_QUICK,),
        "standard": (_STANDARD,),
        "full": tuple(
            {**_STANDARD, "MySqlTopology": topology, "PostgresTopology": topology, "SqlProxy": "on"}
            | ({} if topology == "single_az" else {"DynamoDb": "off", "CacheShards": 0})
            for topology in TOPOLOGIES
        ),
    }
)
"""The parameters of each stack: a stack has one topology of each engine, and one set of tables and one cache are enough."""
ALARMS_A_TARGET: Final = 4
"""Assumed of target tracking, for reads or writes of a table or index: two of what is consumed, two of what is provisioned."""


def of_stacks(stacks: Iterable[Parameters], *, items: int, backup_gb: float = 0.0) -> Deployment:
    """What those stacks have together; ``items`` flights are in each table.

    Raises ValueError for a parameter that is missing or isn't what the template takes.
    """
    each = [_of_stack(one, items) for one in stacks]
    return Deployment(
        databases=tuple(database for one in each for database in one.databases),
        caches=tuple(cache for one in each for cache in one.caches),
        tables=tuple(table for one in each for table in one.tables),
        generators=tuple(made for one in each for made in one.generators),
        endpoint_zones=sum(one.endpoint_zones for one in each),
        endpoint_gb=sum(one.endpoint_gb for one in each),
        secrets=sum(one.secrets for one in each),
        alarms=sum(one.alarms for one in each),
        bucket_gb=sum(one.bucket_gb for one in each),
        backup_gb=backup_gb,
        zones=max((one.zones for one in each), default=1),
    )


def _of_stack(stack: Parameters, items: int) -> Deployment:
    databases = tuple(_databases(stack))
    shards, generators = _number(stack, "CacheShards"), _number(stack, "Generators")
    tables = tuple(_tables(stack, items)) if _on(stack, "DynamoDb") else ()
    cache = CacheNodes(
        engine=_cache_engine(stack), node_type=_text(stack, "CacheNodeType"),
        nodes=shards * (1 + _number(stack, "CacheReplicas")),
    )  # fmt: skip
    zones = 3 if any(one.topology == "multi_az_cluster" for one in databases) else 2
    # Systems Manager needs three (section C); then secrets and metrics, and what is asked of RDS and of auto scaling.
    endpoints = 5 + bool(databases) + bool(tables) if generators else 0
    scaled = 2 * 2 if tables and _on(stack, "AutoScaling") else 0  # reads and writes of a table and its index
    return Deployment(
        databases=databases,
        caches=(cache,) if shards else (),
        tables=tables,
        generators=(Generators(instance_type=_text(stack, "GeneratorType"), count=generators),) if generators else (),
        endpoint_zones=endpoints,  # in the zone of the generators alone
        endpoint_gb=1.0 if generators else 0.0,
        secrets=len(databases) + bool(shards),
        alarms=scaled * ALARMS_A_TARGET,
        bucket_gb=1.0 if generators else 0.0,
        zones=zones,
    )


def _databases(stack: Parameters) -> Iterable[Database]:
    names: Mapping[Engine, str] = {"mysql": "MySqlTopology", "postgres": "PostgresTopology"}
    for engine, name in names.items():
        asked = _text(stack, name)
        if asked == "none":
            continue
        topology = next((one for one in TOPOLOGIES if one == asked), None)
        if topology is None:
            raise ValueError(f"{name}: expected none or {', '.join(TOPOLOGIES)}, found {asked}")
        cluster = topology == "multi_az_cluster"
        yield Database(
            engine=engine, topology=topology, proxy=_on(stack, "SqlProxy"),
            instance_class=_text(stack, "SqlClusterClass" if cluster else "SqlInstanceClass"),
            storage_gb=_number(stack, "SqlClusterStorageGb" if cluster else "SqlStorageGb"),
            iops=_number(stack, "SqlClusterIops") if cluster else 0,
        )  # fmt: skip


def _tables(stack: Parameters, items: int) -> Iterable[Table]:
    """Both can be restored to a point in time; the index of ``provisioned`` has as much capacity as its table."""
    yield Table(
        name="provisioned", mode="provisioned", items=items, item_bytes=ITEM_BYTES, indexes=1, index_bytes=ITEM_BYTES,
        read_capacity_units=2.0 * _number(stack, "ProvisionedReadUnits"),
        write_capacity_units=2.0 * _number(stack, "ProvisionedWriteUnits"), point_in_time=True,
    )  # fmt: skip
    yield Table(
        name="on_demand", mode="on_demand", items=items, item_bytes=ITEM_BYTES, indexes=5, index_bytes=FIVE_ENTRIES_BYTES,
        local_indexes=2, local_index_bytes=LOCAL_ENTRIES_BYTES, point_in_time=True,
    )  # fmt: skip


def _cache_engine(stack: Parameters) -> CacheEngine:
    asked = _text(stack, "CacheEngine")
    for engine in CACHE_ENGINES:
        if engine == asked:
            return engine
    raise ValueError(f"CacheEngine: expected {' or '.join(CACHE_ENGINES)}, found {asked}")


def _on(stack: Parameters, name: str) -> bool:
    return _text(stack, name) == "on"


def _text(stack: Parameters, name: str) -> str:
    if name not in stack:
        raise ValueError(f"{name}: this parameter of the stack is missing, so what it costs can't be told")
    return str(stack[name])


def _number(stack: Parameters, name: str) -> int:
    found = _text(stack, name)
    try:
        return int(found)
    except ValueError as error:
        raise ValueError(f"{name}: expected a whole number, found {found!r}") from error
