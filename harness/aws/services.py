"""What ``LocalServices`` is to the embedded servers, for AWS: the services of a stack of ours, or of section ``aws``.

Nothing here is started. Secrets stay in memory, and with those workers that the master sends them to.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from harness.aws.access import authority, cache_password
from harness.aws.cloudwatch import TableCounts
from harness.aws.databases import Database, find, must_lead_to
from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.aws.names import dialled, name_server
from harness.aws.outputs import with_outputs
from harness.aws.owners import tags_of
from harness.aws.places import is_loopback, place_of
from harness.aws.safety import Refused, Resource, refuse
from harness.aws.tables import Makes, OverrideTables, TaggedTables
from harness.cache.endpoint import CacheEndpoint
from harness.config import AwsCacheSettings, AwsSettings, Config
from harness.dynamodb.access import DynamoAccess
from harness.dynamodb.clients import resolve
from harness.errors import CannotMeasure, UsageError
from harness.scenario import Context
from harness.services import Needs, Place
from harness.sql.connections import connect
from harness.sql.endpoint import Engine, SqlEndpoint

NOTHING_NAMED = (
    "target aws: no stack and no aws: section; `dbharness aws up` makes a stack, whose name goes into aws.stack, or name services "
    "of your own in config.yaml"
)
OWN = "own"
"""What the tag says on things that a run makes where no stack is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsState:
    """What is there and where: all that a worker needs."""

    dynamodb: DynamoAccess | None = None
    cache: tuple[CacheEndpoint, ...] = ()
    sql: dict[Engine, SqlEndpoint] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    table_prefix: str = ""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The state as ``asdict`` gave it and a message kept it."""
        dynamodb = record["dynamodb"] and DynamoAccess(**record["dynamodb"])
        sql = {engine: SqlEndpoint(**endpoint) for engine, endpoint in record["sql"].items()}
        cache = tuple(CacheEndpoint(**endpoint) for endpoint in record["cache"])
        return cls(**{**record, "dynamodb": dynamodb, "sql": sql, "cache": cache})


class AwsServices:
    """Services of AWS that were found to be ours; ``close`` takes away the tables that were made."""

    def __init__(self, state: AwsState, aws: Aws, settings: AwsSettings, databases: dict[Engine, Database]) -> None:
        self.state, self.aws, self.settings, self.databases = state, aws, settings, databases
        self._tables: Makes | None = None

    @classmethod
    def up(cls, needs: Needs, config: Config, aws: Aws | None = None) -> Self:
        """Find everything ``needs`` names. A database that can't be had is in ``unavailable`` with the reason.

        Raises CannotMeasure or UsageError, in one line, for DynamoDB or a cache that can't; Refused for one that isn't ours.
        """
        aws, settings = whereabouts(config, aws)
        region = settings.region or config.region
        found = _Found()
        if needs.dynamodb:
            found.take_dynamodb(settings, region)
        if needs.cache:
            found.take_cache(aws, settings)
        for engine in dict.fromkeys((*needs.engines, *needs.sql_servers)):
            found.take_sql(aws, settings, engine)
        prefix = (settings.dynamodb and settings.dynamodb.tables.prefix) or f"dbharness-{aws.stack}-"
        return cls(replace(found.state(), table_prefix=prefix), aws, settings, found.databases)

    @property
    def dynamodb(self) -> DynamoAccess:
        """See Services."""
        assert self.state.dynamodb, "the scenario's needs don't name DynamoDB"
        return self.state.dynamodb

    @property
    def cache_nodes(self) -> tuple[CacheEndpoint, ...]:
        """See Services."""
        assert self.state.cache, "the scenario's needs don't name a cache"
        return self.state.cache

    @property
    def sql(self) -> Mapping[Engine, SqlEndpoint]:
        """See Services."""
        return self.state.sql

    @property
    def products(self) -> dict[str, str]:
        """See Services."""
        return self.state.products

    @property
    def unavailable(self) -> dict[str, str]:
        """See Services."""
        return self.state.unavailable

    @property
    def places(self) -> dict[str, Place]:
        """See Services."""
        return self.state.places

    @property
    def table_prefix(self) -> str:
        """See Services."""
        return self.state.table_prefix

    def as_record(self) -> dict[str, Any]:
        """See Services."""
        return asdict(self.state) | {"settings": self.settings.model_dump()}

    def make_table(self, definition: Mapping[str, Any]) -> None:
        """See Services: with our tag where AWS is asked, and gone with this run."""
        if self._tables is None:
            overridden = self.settings.dynamodb is not None and self.settings.dynamodb.endpoint_url is not None
            elsewhere = overridden and self.places["dynamodb"] != "aws"
            self._tables = OverrideTables(self.dynamodb) if elsewhere else TaggedTables(self.aws)
        self._tables.create(definition)

    def close(self) -> None:
        """Take away the tables that were made for this run. Raises CannotMeasure for one that stays."""
        if self._tables is not None:
            self._tables.close()


def table_counts(context: Context) -> TableCounts:
    """What CloudWatch is asked of the run's tables, once it is over."""
    services = context.services
    assert isinstance(services, AwsServices)
    return TableCounts(
        services.aws, services.places["dynamodb"], context.events, sleep_s=context.sleep_s, clock_ns=context.clock_ns
    )


def attached(record: Mapping[str, Any], config: Config) -> AwsServices:
    """In a worker: the services that its master found. It makes no tables and asks for nobody's tags."""
    settings = AwsSettings.model_validate(record["settings"])
    state = AwsState.from_record({key: value for key, value in record.items() if key != "settings"})
    return AwsServices(state, _gateway(config, settings), settings, {})


def whereabouts(config: Config, aws: Aws | None = None) -> tuple[Aws, AwsSettings]:
    """The gateway, and section ``aws`` filled with the stack's outputs where it names one. Raises CannotMeasure without either."""
    settings = config.aws
    if settings is None:
        raise CannotMeasure(NOTHING_NAMED)
    aws = aws or _gateway(config, settings)
    if settings.stack is None or settings.filled:
        aws.ours_protected = aws.ours_protected or settings.protected
        return aws, settings
    try:
        (stack,) = aws.call("cloudformation", "DescribeStacks", StackName=settings.stack)["Stacks"]
    except AwsError as error:
        if error.trouble == "missing" and (settings.dynamodb or settings.sql or settings.cache):
            return aws, settings  # services of one's own, whose tag says this name
        raise CannotMeasure(f"aws.stack {settings.stack}: {error}") from error
    resource = Resource(arn="", kind="stack", name=settings.stack, tags=tags_of(stack.get("Tags", ())))
    if why := refuse(resource, "Taking the outputs", settings.stack):
        raise Refused(why)
    parameters = {one["ParameterKey"]: one.get("ParameterValue") for one in stack.get("Parameters", ())}
    aws.ours_protected = aws.ours_protected or parameters.get("DeletionProtection") == "true"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
    return aws, with_outputs(settings, outputs)


def _gateway(config: Config, settings: AwsSettings) -> Aws:
    return Aws(
        settings.region or config.region, stack=settings.stack or OWN, endpoint_url=settings.endpoint_url,
        profile=settings.profile,
    )  # fmt: skip


class _Found:
    """Services as they are found."""

    def __init__(self) -> None:
        self.databases: dict[Engine, Database] = {}
        self._sql: dict[Engine, SqlEndpoint] = {}
        self._dynamodb: DynamoAccess | None = None
        self._cache: tuple[CacheEndpoint, ...] = ()
        self._products: dict[str, str] = {}
        self._places: dict[str, Place] = {}
        self._unavailable: dict[str, str] = {}

    def state(self) -> AwsState:
        """All that was found."""
        return AwsState(
            dynamodb=self._dynamodb, cache=self._cache, products=self._products, places=self._places,
            sql=self._sql, unavailable=self._unavailable,
        )  # fmt: skip

    def take_dynamodb(self, settings: AwsSettings, region: str) -> None:
        """By the endpoint that was given, else where botocore would go."""
        if settings.dynamodb is None:
            raise CannotMeasure(
                "target aws: section aws has no dynamodb: and names no stack; `dynamodb: {}` is the region's"
            )
        given = settings.dynamodb.endpoint_url or settings.endpoint_url
        at = resolve(region, given, settings.profile)
        place = place_of(at.url)
        # Nobody's keys go to what isn't AWS.
        self._dynamodb = DynamoAccess(url=at.url, region=at.region, chain=place == "aws", profile=settings.profile)
        if place == "aws":
            self._dynamodb.require_keys()
        self._places["dynamodb"] = place
        self._products["dynamodb"] = f"DynamoDB in {at.region}" if place == "aws" else "DynamoDB's API"

    def take_cache(self, aws: Aws, settings: AwsSettings) -> None:
        """Its nodes, as the cluster itself tells them where it is one. It will be emptied."""
        where = settings.cache
        if where is None:
            raise CannotMeasure("target aws: section aws has no cache: and names no stack that has one")
        if where.replication_group:
            aws.must_be_ours("cache", where.replication_group, "Flushing")
        elif not where.ours:
            raise UsageError(
                "aws.cache: it is emptied at every trial: give replication_group, whose tags are read, or say `ours: true`"
            )
        entry = _entry(aws, where)
        told = _entry(aws, where.model_copy(update={"host": None})).host if where.replication_group else None
        must_lead_to(entry.host, told, "aws.cache", ours=where.ours)
        self._cache = nodes_of(entry, settings, cache_password(aws, where, None))
        key, product = _cache_product(self._cache[0])
        self._places[key], self._products[key] = place_of(self._cache[0].host), product

    def take_sql(self, aws: Aws, settings: AwsSettings, engine: Engine) -> None:
        """One database, or why it can't be had; what isn't ours ends the run."""
        where = settings.sql.get(engine)
        if where is None:
            self._unavailable[engine] = f"section aws has no sql.{engine} and names no stack that has one"
            return
        database = find(aws, engine, where, authority(settings.ca_bundle)[0])
        try:
            # A name server of one's own is asked now; the system's resolver is by whoever connects.
            endpoint = dialled(database.endpoint, name_server(settings.dns)) if settings.dns else database.endpoint
            product = _sql_product(endpoint)
        except Exception as error:  # noqa: BLE001 - what drivers raise has no common class
            self._unavailable[engine] = f"aws.sql.{engine} doesn't let us in: {' '.join(str(error).split())}"
            return
        if is_loopback(endpoint.host):  # whatever its name says: a name server of one's own led here
            database = replace(database, place="endpoint override")
        self.databases[engine], self._sql[engine] = database, endpoint
        self._places[engine], self._products[engine] = database.place, product


def _entry(aws: Aws, where: AwsCacheSettings) -> CacheEndpoint:
    """Where the cache is asked first, without who asks."""
    if where.host:
        return CacheEndpoint(host=where.host, port=where.port, tls=where.tls, cluster=where.cluster)
    (group,) = aws.call("elasticache", "DescribeReplicationGroups", ReplicationGroupId=str(where.replication_group))[
        "ReplicationGroups"
    ]
    sharded = bool(group.get("ClusterEnabled"))
    at = group["ConfigurationEndpoint"] if sharded else group["NodeGroups"][0]["PrimaryEndpoint"]
    tls = bool(group.get("TransitEncryptionEnabled"))
    return CacheEndpoint(host=at["Address"], port=at["Port"], tls=tls, cluster=sharded)


def nodes_of(entry: CacheEndpoint, settings: AwsSettings, password: str | None) -> tuple[CacheEndpoint, ...]:
    """Every node that holds keys; ElastiCache's certificates are the system's to trust, others' the bundle's."""
    pem = None
    if entry.tls and settings.ca_bundle and place_of(entry.host) != "aws":
        pem = Path(authority(settings.ca_bundle)[0]).read_text()
    first = replace(entry, password=password, authority_pem=pem)
    if not first.cluster:
        return (first,)
    from harness.cache.client import CacheClient, CacheError

    try:
        with CacheClient.at(first) as client:
            ranges = client.command("CLUSTER", "SLOTS")
    except CacheError as error:
        raise CannotMeasure(f"aws.cache: it doesn't tell its nodes: {error}") from error
    holders = dict.fromkeys((one[2][0].decode() or first.host, int(one[2][1])) for one in ranges)
    return tuple(first.at(*address) for address in holders)


def _cache_product(node: CacheEndpoint) -> tuple[str, str]:
    """What it is, as reports know it, and with its version."""
    from harness.cache.client import CacheClient, CacheError

    try:
        with CacheClient.at(node) as client:
            server = client.info("server")
    except CacheError as error:
        raise CannotMeasure(f"aws.cache: {error}") from error
    valkey = server.get("valkey_version")
    if valkey:
        return "valkey", f"Valkey {valkey}"
    return "redis", f"Redis {server.get('redis_version', 'of unknown version')}"


def _sql_product(endpoint: SqlEndpoint) -> str:
    """Name and version, as the server itself says."""
    with connect(endpoint) as connection:
        version = str(connection.query("SELECT version()")[0][0])
    if endpoint.engine == "postgres":
        return " ".join(version.split()[:2])
    name = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{name} {version.split('-', maxsplit=1)[0]}"
