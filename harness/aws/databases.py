"""Databases of target aws: where each answers and who logs in, from the configuration and from what RDS says of an id."""

from dataclasses import dataclass
from typing import Any, Literal

from harness.aws.access import sql_login
from harness.aws.failures import AwsError
from harness.aws.gateway import Aws
from harness.aws.places import place_of
from harness.aws.safety import Refused, looks_like_production
from harness.config import AwsSqlSettings
from harness.errors import UsageError
from harness.services import Place
from harness.sql.endpoint import Engine, SqlEndpoint

PORTS: dict[Engine, int] = {"postgres": 5432, "mysql": 3306}
Topology = Literal["single_az", "multi_az_instance", "multi_az_cluster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database: its writer's way in, and what RDS calls it. ``id`` None: RDS knows nothing of it that we were told.

    ``readers`` and ``proxy`` are names, where there are any; ``place`` goes by the writer's.
    """

    endpoint: SqlEndpoint
    id: str | None
    topology: Topology | None
    place: Place
    readers: str | None = None
    proxy: str | None = None

    @property
    def by_cluster(self) -> bool:
        """Whether the id is a cluster's."""
        return self.topology == "multi_az_cluster"


def find(aws: Aws, engine: Engine, where: AwsSqlSettings, authority_file: str) -> Database:
    """Look a database up and log in by name. Raises Refused where it isn't ours, else UsageError or AwsError."""
    key = f"aws.sql.{engine}"
    described = _described(aws, where)
    if described is None and not where.ours:
        raise UsageError(
            f"{key}: tables in it are dropped and made anew: give instance or cluster, whose tags are read, or say `ours: true`"
        )
    told = _told(described, by_cluster=where.cluster is not None) if described else {}
    host = where.host or told["host"]
    if not host:
        raise UsageError(f"{key}: RDS has no endpoint of it yet; is it there?")
    if described is not None:
        must_lead_to(host, told.get("host"), key, ours=where.ours)
    else:
        must_lead_to(host, None, key, ours=where.ours)
    user, password = sql_login(aws, where, key, told.get("secret"))
    return Database(
        endpoint=SqlEndpoint(
            engine=engine, host=host, port=where.port or told.get("port") or PORTS[engine], user=user, password=password,
            database=where.database, authority_file=authority_file,
        ),
        id=where.cluster or where.instance, topology=told.get("topology"), place=place_of(host),
        readers=where.reader_host or told.get("readers"), proxy=where.proxy_host,
    )  # fmt: skip


def must_lead_to(host: str, told: str | None, key: str, *, ours: bool) -> None:
    """Tags that were read say nothing of another address. Raises UsageError where it isn't the one that AWS told, nor said to be ours."""
    if not ours and host.lower().rstrip(".") != (told or "").lower():
        raise UsageError(
            f"{key}: its host {host} isn't {told or 'known to AWS'}, which AWS says of the id whose tags were read; leave host out, "
            "or say `ours: true` where it leads there"
        )
    if host != told and looks_like_production(host):
        raise Refused(f"{key}: its host {host} looks like production; dbharness never destroys anything there")


def _described(aws: Aws, where: AwsSqlSettings) -> dict[str, Any] | None:
    """What RDS says of the id, once it was found to be ours."""
    if where.cluster:
        aws.must_be_ours("db_cluster", where.cluster, "Dropping tables")
        return _only(
            aws.call("rds", "DescribeDBClusters", DBClusterIdentifier=where.cluster)["DBClusters"], where.cluster
        )
    if where.instance:
        aws.must_be_ours("db_instance", where.instance, "Dropping tables")
        return _only(
            aws.call("rds", "DescribeDBInstances", DBInstanceIdentifier=where.instance)["DBInstances"], where.instance
        )
    return None


def _told(described: dict[str, Any], *, by_cluster: bool) -> dict[str, Any]:
    secret = described.get("MasterUserSecret", {}).get("SecretArn")
    if by_cluster:
        return {
            "host": described.get("Endpoint"), "port": described.get("Port"), "readers": described.get("ReaderEndpoint"),
            "secret": secret, "topology": "multi_az_cluster",
        }  # fmt: skip
    endpoint = described.get("Endpoint", {})
    return {
        "host": endpoint.get("Address"), "port": endpoint.get("Port"), "secret": secret,
        "topology": "multi_az_instance" if described.get("MultiAZ") else "single_az",
    }  # fmt: skip


def _only(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    if len(found) != 1:
        raise AwsError(f"rds: there is no {name}", trouble="missing")
    return found[0]
