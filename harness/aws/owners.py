"""What a destructive call is aimed at, as AWS describes it now: name, tags, deletion protection."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from harness.aws.calls import Kind
from harness.aws.failures import AwsError
from harness.aws.safety import Resource


class Asks(Protocol):
    """The part of the gateway that reading tags needs."""

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Ask AWS."""
        ...

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this account and region."""
        ...


def look_up(aws: Asks, kind: Kind, name: str) -> Resource:
    """The thing as it is now. Raises AwsError: ``missing`` where there is none, else what AWS said."""
    return _READERS[kind](aws, name)


def tags_of(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """AWS's list of Key and Value as a mapping."""
    return {pair["Key"]: pair["Value"] for pair in pairs}


def _stack(aws: Asks, name: str) -> Resource:
    found = _one(aws.call("cloudformation", "DescribeStacks", StackName=name)["Stacks"], "stack", name)
    return Resource(
        arn=found["StackId"], kind="stack", name=found["StackName"], tags=tags_of(found.get("Tags", ())),
        deletion_protection=found.get("EnableTerminationProtection", False),
    )  # fmt: skip


def _db_instance(aws: Asks, name: str) -> Resource:
    found = aws.call("rds", "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"]
    return _of_rds(found, "DB instance", name, arn="DBInstanceArn")


def _db_cluster(aws: Asks, name: str) -> Resource:
    found = aws.call("rds", "DescribeDBClusters", DBClusterIdentifier=name)["DBClusters"]
    return _of_rds(found, "DB cluster", name, arn="DBClusterArn")


def _db_snapshot(aws: Asks, name: str) -> Resource:
    found = aws.call("rds", "DescribeDBSnapshots", DBSnapshotIdentifier=name)["DBSnapshots"]
    return _of_rds(found, "DB snapshot", name, arn="DBSnapshotArn")


def _db_cluster_snapshot(aws: Asks, name: str) -> Resource:
    found = aws.call("rds", "DescribeDBClusterSnapshots", DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"]
    return _of_rds(found, "DB cluster snapshot", name, arn="DBClusterSnapshotArn")


def _db_backup(aws: Asks, name: str) -> Resource:
    """By its ARN: a retained automated backup outlives its instance, and the name may be another's by now."""
    answer = aws.call("rds", "DescribeDBInstanceAutomatedBackups", DBInstanceAutomatedBackupsArn=name)
    found = _one(answer["DBInstanceAutomatedBackups"], "automated backup", name)
    tags = aws.call("rds", "ListTagsForResource", ResourceName=name)["TagList"]
    return Resource(arn=name, kind="automated backup", name=found["DBInstanceIdentifier"], tags=tags_of(tags))


def _of_rds(found: list[dict[str, Any]], kind: str, name: str, *, arn: str) -> Resource:
    """RDS answers with the tags."""
    one = _one(found, kind, name)
    return Resource(
        arn=one[arn], kind=kind, name=name, tags=tags_of(one.get("TagList", ())),
        deletion_protection=one.get("DeletionProtection", False),
    )  # fmt: skip


def _cache(aws: Asks, name: str) -> Resource:
    answer = aws.call("elasticache", "DescribeReplicationGroups", ReplicationGroupId=name)
    return _of_elasticache(aws, answer["ReplicationGroups"], "replication group", name)


def _cache_snapshot(aws: Asks, name: str) -> Resource:
    answer = aws.call("elasticache", "DescribeSnapshots", SnapshotName=name)
    return _of_elasticache(aws, answer["Snapshots"], "cache snapshot", name)


def _of_elasticache(aws: Asks, found: list[dict[str, Any]], kind: str, name: str) -> Resource:
    """ElastiCache is asked for the tags."""
    arn = _one(found, kind, name)["ARN"]
    tags = aws.call("elasticache", "ListTagsForResource", ResourceName=arn)["TagList"]
    return Resource(arn=arn, kind=kind, name=name, tags=tags_of(tags))


def _table(aws: Asks, name: str) -> Resource:
    found = aws.call("dynamodb", "DescribeTable", TableName=name)["Table"]
    tags = aws.call("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"]).get("Tags", ())
    return Resource(
        arn=found["TableArn"], kind="table", name=name, tags=tags_of(tags),
        deletion_protection=found.get("DeletionProtectionEnabled", False),
    )  # fmt: skip


def _bucket(aws: Asks, name: str) -> Resource:
    try:
        pairs = aws.call("s3", "GetBucketTagging", Bucket=name)["TagSet"]
    except AwsError as error:
        if error.code != "NoSuchTagSet":
            raise
        pairs = []
    return Resource(arn=f"arn:aws:s3:::{name}", kind="bucket", name=name, tags=tags_of(pairs))


def _log_group(aws: Asks, name: str) -> Resource:
    arn = aws.arn("logs", f"log-group:{name}")
    tags = aws.call("logs", "ListTagsForResource", resourceArn=arn)["tags"]
    return Resource(arn=arn, kind="log group", name=name, tags=tags)


_READERS: dict[Kind, Callable[[Asks, str], Resource]] = {
    "stack": _stack, "db_instance": _db_instance, "db_cluster": _db_cluster, "db_snapshot": _db_snapshot,
    "db_cluster_snapshot": _db_cluster_snapshot, "db_backup": _db_backup, "cache": _cache, "cache_snapshot": _cache_snapshot, "table": _table,
    "bucket": _bucket, "log_group": _log_group,
}  # fmt: skip


def _one(found: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """The only one of an answer; several under one name are as good as none."""
    if len(found) != 1:
        raise AwsError(f"{kind} {name}: AWS has {len(found) or 'none'} of that name", trouble="missing")
    return found[0]
