"""RDS instances and Multi-AZ clusters as something that is copied, restored and taken down: the same words for both.

Whatever is made here gets its tags in the call that makes it, so nothing of ours can be without them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

from harness.aws.api import Api
from harness.aws.owners import tags_of

What = Literal["instance", "cluster"]
BROKEN = frozenset({
    "failed", "restore-error", "incompatible-restore", "incompatible-parameters", "incompatible-network",
    "incompatible-option-group", "incompatible-create", "storage-full", "inaccessible-encryption-credentials",
})  # fmt: skip
"""States that a new database or snapshot doesn't leave by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database as RDS describes it; times are the service's, ``seen`` when it answered by its own clock."""

    what: What
    id: str
    status: str
    engine: str
    version: str
    size: str
    storage_gb: int
    multi_az: bool
    host: str
    port: int
    newest_restorable: datetime | None
    seen: datetime
    subnet_group: str = ""
    security_groups: tuple[str, ...] = ()
    parameters: str = ""
    iops: int | None = None
    storage_type: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One manual snapshot; ``taken`` is when it began, None until RDS says so."""

    what: What
    id: str
    status: str
    source: str
    taken: datetime | None
    tags: dict[str, str] = field(default_factory=dict)


class Databases(Protocol):
    """What can be done with databases of one kind. All raise AwsError; copying, restoring and deleting raise Refused for what isn't ours."""

    what: What

    def look_at(self, name: str) -> Database:
        """As it is now; AwsError ``missing`` where there is none."""

    def copy(self, source: Database, name: str, tags: Sequence[dict[str, str]]) -> None:
        """Begin a manual snapshot."""

    def look_at_copy(self, name: str) -> Snapshot:
        """A snapshot as it is now."""

    def restore(self, source: Database, snapshot: str, name: str, tags: Sequence[dict[str, str]]) -> None:
        """Begin a new database from a snapshot, like the source, in its subnets and security groups."""

    def restore_to(self, source: Database, at: datetime | None, name: str, tags: Sequence[dict[str, str]]) -> None:
        """Begin a new database from the source's backups and log, at a time or the newest there is."""

    def delete(self, name: str) -> None:
        """Begin to delete it, backups and all, without a last snapshot."""

    def delete_copy(self, name: str) -> None:
        """Delete a snapshot."""

    def made(self) -> Iterator[Database]:
        """All databases of this kind."""

    def copies(self) -> Iterator[Snapshot]:
        """All manual snapshots of this kind."""


class Instances:
    """RDS instances, single or with a standby."""

    what: What = "instance"

    def __init__(self, aws: Api) -> None:
        self._aws = aws

    def look_at(self, name: str) -> Database:
        """See :class:`Databases`."""
        answer = self._aws.call("rds", "DescribeDBInstances", DBInstanceIdentifier=name)
        return _instance(answer["DBInstances"][0], seen(answer))

    def copy(self, source: Database, name: str, tags: Sequence[dict[str, str]]) -> None:
        """See :class:`Databases`."""
        self._aws.must_be_ours("db_instance", source.id, "A snapshot")
        self._aws.call(
            "rds", "CreateDBSnapshot", DBSnapshotIdentifier=name, DBInstanceIdentifier=source.id, Tags=list(tags)
        )

    def look_at_copy(self, name: str) -> Snapshot:
        """See :class:`Databases`."""
        answer = self._aws.call("rds", "DescribeDBSnapshots", DBSnapshotIdentifier=name)
        return _instance_copy(answer["DBSnapshots"][0])

    def restore(self, source: Database, snapshot: str, name: str, tags: Sequence[dict[str, str]]) -> None:
        """See :class:`Databases`."""
        self._aws.must_be_ours("db_instance", source.id, "A restore")
        self._aws.must_be_ours("db_snapshot", snapshot, "A restore")
        self._aws.call(
            "rds", "RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot,
            Tags=list(tags), **self._like(source),
        )  # fmt: skip

    def restore_to(self, source: Database, at: datetime | None, name: str, tags: Sequence[dict[str, str]]) -> None:
        """See :class:`Databases`."""
        self._aws.must_be_ours("db_instance", source.id, "A restore")
        when = {"UseLatestRestorableTime": True} if at is None else {"RestoreTime": at}
        self._aws.call(
            "rds", "RestoreDBInstanceToPointInTime", SourceDBInstanceIdentifier=source.id,
            TargetDBInstanceIdentifier=name, Tags=list(tags), **when, **self._like(source),
        )  # fmt: skip

    def delete(self, name: str) -> None:
        """See :class:`Databases`."""
        self._aws.guarded(
            "rds", "DeleteDBInstance", DBInstanceIdentifier=name, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
        )

    def delete_copy(self, name: str) -> None:
        """See :class:`Databases`."""
        self._aws.guarded("rds", "DeleteDBSnapshot", DBSnapshotIdentifier=name)

    def made(self) -> Iterator[Database]:
        """See :class:`Databases`; members of a cluster are the cluster's."""
        for found in self._aws.paginate("rds", "DescribeDBInstances", "DBInstances"):
            if not found.get("DBClusterIdentifier"):
                yield _instance(found, datetime.now(UTC))

    def copies(self) -> Iterator[Snapshot]:
        """See :class:`Databases`."""
        found = self._aws.paginate("rds", "DescribeDBSnapshots", "DBSnapshots", SnapshotType="manual")
        return map(_instance_copy, found)

    @staticmethod
    def _like(source: Database) -> dict[str, Any]:
        """Of the source's class and place; never public, never protected from its own deletion."""
        return {
            "DBInstanceClass": source.size, "MultiAZ": source.multi_az, "DBSubnetGroupName": source.subnet_group,
            "VpcSecurityGroupIds": list(source.security_groups), "DBParameterGroupName": source.parameters,
            "PubliclyAccessible": False, "DeletionProtection": False, "CopyTagsToSnapshot": False,
            "AutoMinorVersionUpgrade": False,
        }  # fmt: skip


class Clusters:
    """Multi-AZ clusters."""

    what: What = "cluster"

    def __init__(self, aws: Api) -> None:
        self._aws = aws

    def look_at(self, name: str) -> Database:
        """See :class:`Databases`."""
        answer = self._aws.call("rds", "DescribeDBClusters", DBClusterIdentifier=name)
        return _cluster(answer["DBClusters"][0], seen(answer))

    def copy(self, source: Database, name: str, tags: Sequence[dict[str, str]]) -> None:
        """See :class:`Databases`."""
        self._aws.must_be_ours("db_cluster", source.id, "A snapshot")
        self._aws.call(
            "rds", "CreateDBClusterSnapshot", DBClusterSnapshotIdentifier=name, DBClusterIdentifier=source.id,
            Tags=list(tags),
        )  # fmt: skip

    def look_at_copy(self, name: str) -> Snapshot:
        """See :class:`Databases`."""
        answer = self._aws.call("rds", "DescribeDBClusterSnapshots", DBClusterSnapshotIdentifier=name)
        return _cluster_copy(answer["DBClusterSnapshots"][0])

    def restore(self, source: Database, snapshot: str, name: str, tags: Sequence[dict[str, str]]) -> None:
        """See :class:`Databases`."""
        self._aws.must_be_ours("db_cluster", source.id, "A restore")
        self._aws.must_be_ours("db_cluster_snapshot", snapshot, "A restore")
        self._aws.call(
            "rds", "RestoreDBClusterFromSnapshot", DBClusterIdentifier=name, SnapshotIdentifier=snapshot,
            Engine=source.engine, EngineVersion=source.version, Tags=list(tags), **self._like(source),
        )  # fmt: skip

    def restore_to(self, source: Database, at: datetime | None, name: str, tags: Sequence[dict[str, str]]) -> None:
        """See :class:`Databases`."""
        self._aws.must_be_ours("db_cluster", source.id, "A restore")
        when = {"UseLatestRestorableTime": True} if at is None else {"RestoreToTime": at}
        self._aws.call(
            "rds", "RestoreDBClusterToPointInTime", SourceDBClusterIdentifier=source.id, DBClusterIdentifier=name,
            Tags=list(tags), **when, **self._like(source),
        )  # fmt: skip

    def delete(self, name: str) -> None:
        """See :class:`Databases`; RDS deletes a Multi-AZ cluster's instances with it."""
        self._aws.guarded(
            "rds", "DeleteDBCluster", DBClusterIdentifier=name, SkipFinalSnapshot=True, DeleteAutomatedBackups=True
        )

    def delete_copy(self, name: str) -> None:
        """See :class:`Databases`."""
        self._aws.guarded("rds", "DeleteDBClusterSnapshot", DBClusterSnapshotIdentifier=name)

    def made(self) -> Iterator[Database]:
        """See :class:`Databases`."""
        found = self._aws.paginate("rds", "DescribeDBClusters", "DBClusters")
        return (_cluster(one, datetime.now(UTC)) for one in found)

    def copies(self) -> Iterator[Snapshot]:
        """See :class:`Databases`."""
        found = self._aws.paginate("rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots", SnapshotType="manual")
        return map(_cluster_copy, found)

    @staticmethod
    def _like(source: Database) -> dict[str, Any]:
        """Of the source's class, storage and place; never public, never protected from its own deletion."""
        storage: dict[str, Any] = {"StorageType": source.storage_type} if source.storage_type else {}
        if source.iops:
            storage["Iops"] = source.iops
        return storage | {
            "DBClusterInstanceClass": source.size, "DBSubnetGroupName": source.subnet_group,
            "VpcSecurityGroupIds": list(source.security_groups), "DBClusterParameterGroupName": source.parameters,
            "PubliclyAccessible": False, "DeletionProtection": False, "CopyTagsToSnapshot": False,
        }  # fmt: skip


def seen(answer: dict[str, Any]) -> datetime:
    """When the service answered, by its own clock to the second; by ours where it doesn't say."""
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(said) if said else datetime.now(UTC)


def _instance(found: dict[str, Any], when: datetime) -> Database:
    endpoint = found.get("Endpoint", {})
    return Database(
        what="instance", id=found["DBInstanceIdentifier"], status=found["DBInstanceStatus"], engine=found["Engine"],
        version=found.get("EngineVersion", ""), size=found.get("DBInstanceClass", ""),
        storage_gb=found.get("AllocatedStorage", 0), multi_az=found.get("MultiAZ", False),
        host=endpoint.get("Address", ""), port=endpoint.get("Port", 0),
        newest_restorable=found.get("LatestRestorableTime"), seen=when,
        subnet_group=found.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
        security_groups=tuple(one["VpcSecurityGroupId"] for one in found.get("VpcSecurityGroups", ())),
        parameters=next((one["DBParameterGroupName"] for one in found.get("DBParameterGroups", ())), ""),
        tags=tags_of(found.get("TagList", ())),
    )  # fmt: skip


def _instance_copy(found: dict[str, Any]) -> Snapshot:
    return Snapshot(
        what="instance", id=found["DBSnapshotIdentifier"], status=found["Status"],
        source=found["DBInstanceIdentifier"], taken=found.get("SnapshotCreateTime"),
        tags=tags_of(found.get("TagList", ())),
    )  # fmt: skip


def _cluster(found: dict[str, Any], when: datetime) -> Database:
    return Database(
        what="cluster", id=found["DBClusterIdentifier"], status=found["Status"], engine=found["Engine"],
        version=found.get("EngineVersion", ""), size=found.get("DBClusterInstanceClass", ""),
        storage_gb=found.get("AllocatedStorage", 0), multi_az=True, host=found.get("Endpoint", ""),
        port=found.get("Port", 0), newest_restorable=found.get("LatestRestorableTime"), seen=when,
        subnet_group=found.get("DBSubnetGroup", ""),
        security_groups=tuple(one["VpcSecurityGroupId"] for one in found.get("VpcSecurityGroups", ())),
        parameters=found.get("DBClusterParameterGroup", ""), iops=found.get("Iops"),
        storage_type=found.get("StorageType", ""), tags=tags_of(found.get("TagList", ())),
    )  # fmt: skip


def _cluster_copy(found: dict[str, Any]) -> Snapshot:
    return Snapshot(
        what="cluster", id=found["DBClusterSnapshotIdentifier"], status=found["Status"],
        source=found["DBClusterIdentifier"], taken=found.get("SnapshotCreateTime"),
        tags=tags_of(found.get("TagList", ())),
    )  # fmt: skip
