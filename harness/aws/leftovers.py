"""What carries a stack's tag, asked of the tagging service and of RDS itself, and how each kind that a stack leaves is removed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.aws.api import Api, Progress
from harness.aws.calls import TAG
from harness.aws.failures import AwsError
from harness.aws.owners import tags_of
from harness.aws.stacks import EXPIRES_TAG

SNAPSHOTS = frozenset({"rds:snapshot", "rds:cluster-snapshot", "elasticache:snapshot"})
MEMBER = "rds:cluster-member"
"""An instance of a cluster: RDS removes it with its cluster, and by nobody's asking."""
_GONE = frozenset({"terminated", "shutting-down"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing that carries a tag of ours. ``kind`` is of its ARN: *service:type*."""

    arn: str
    kind: str
    id: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remover:
    """The call that removes one kind, and the parameter that names it."""

    service: str
    operation: str
    named_by: str
    more: Mapping[str, Any] = field(default_factory=dict)


REMOVERS: Mapping[str, Remover] = {
    "rds:snapshot": Remover(service="rds", operation="DeleteDBSnapshot", named_by="DBSnapshotIdentifier"),
    "rds:cluster-snapshot": Remover(
        service="rds", operation="DeleteDBClusterSnapshot", named_by="DBClusterSnapshotIdentifier"
    ),
    "rds:db": Remover(
        service="rds", operation="DeleteDBInstance", named_by="DBInstanceIdentifier",
        more={"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True},
    ),
    "rds:cluster": Remover(
        service="rds", operation="DeleteDBCluster", named_by="DBClusterIdentifier",
        more={"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True},
    ),
    "rds:auto-backup": Remover(
        service="rds", operation="DeleteDBInstanceAutomatedBackup", named_by="DBInstanceAutomatedBackupsArn"
    ),
    "elasticache:snapshot": Remover(service="elasticache", operation="DeleteSnapshot", named_by="SnapshotName"),
    "dynamodb:table": Remover(service="dynamodb", operation="DeleteTable", named_by="TableName"),
    "logs:log-group": Remover(service="logs", operation="DeleteLogGroup", named_by="logGroupName"),
    "s3:bucket": Remover(service="s3", operation="DeleteBucket", named_by="Bucket"),
}  # fmt: skip
"""What outlives a stack, or was made beside it. What isn't here went with the stack, or is told as still there."""


def thing_of(arn: str, tags: Mapping[str, str]) -> Thing:
    """The kind and id that an ARN says: *arn:aws:rds:region:account:snapshot:nightly* is *rds:snapshot*, *nightly*.

    RDS's own snapshots (*rds:…*) are a kind of their own: nobody but RDS removes them, with their instance.
    """
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    type_, _, id = (rest if service != "s3" else f"bucket:{rest}").partition(
        ":" if _colon_first(service, rest) else "/"
    )
    automated = "automated-" if service == "rds" and id.startswith("rds:") else ""
    return Thing(arn=arn, kind=f"{service}:{automated}{type_}", id=id.removesuffix(":*"), tags=tags)


def _colon_first(service: str, rest: str) -> bool:
    found = re.search("[:/]", rest)
    return service == "s3" or bool(found and found.group() == ":")


def tagged(api: Api, name: str) -> list[Thing]:
    """Everything that carries the tag, each once; what an instance that was terminated still shows is left out."""
    by_rds, members = _by_rds(api, name)
    found = {thing.arn: thing for thing in (*_by_tagging(api, [{"Key": TAG, "Values": [name]}]), *by_rds)}
    return [
        replace(thing, kind=MEMBER) if thing.arn in members else thing
        for thing in found.values()
        if not (thing.kind == "ec2:instance" and _terminated(api, thing.id))
    ]


def expiring(api: Api) -> list[Thing]:
    """Everything that carries an expiry tag, of whichever stack."""
    return list(_by_tagging(api, [{"Key": EXPIRES_TAG}]))


def _by_tagging(api: Api, filters: Sequence[Mapping[str, Any]]) -> Iterator[Thing]:
    for found in api.paginate(
        "resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList", TagFilters=list(filters)
    ):
        yield thing_of(found["ResourceARN"], tags_of(found.get("Tags", ())))


def _by_rds(api: Api, name: str) -> tuple[list[Thing], set[str]]:
    """What RDS says at once, where the tagging service is minutes late: instances, clusters, snapshots, kept backups.

    Beside it the ARNs of clusters' members, whosever they are.
    """
    things, members = list[Thing](), set[str]()
    asked: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        ("DescribeDBInstances", "DBInstances", "DBInstanceArn", {}),
        ("DescribeDBClusters", "DBClusters", "DBClusterArn", {}),
        ("DescribeDBSnapshots", "DBSnapshots", "DBSnapshotArn", {"SnapshotType": "manual"}),
        ("DescribeDBClusterSnapshots", "DBClusterSnapshots", "DBClusterSnapshotArn", {"SnapshotType": "manual"}),
        ("DescribeDBInstanceAutomatedBackups", "DBInstanceAutomatedBackups", "DBInstanceAutomatedBackupsArn", {}),
    )
    for operation, key, arn, more in asked:
        for found in api.paginate("rds", operation, key, **more):
            tags = tags_of(found.get("TagList", ()))
            with_its_cluster = key == "DBInstances" and "DBClusterIdentifier" in found
            with_its_instance = key == "DBInstanceAutomatedBackups" and found.get("Status") != "retained"
            if with_its_cluster:
                members.add(found[arn])
            elif tags.get(TAG) == name and not with_its_instance:
                things.append(thing_of(found[arn], tags))
    return things, members


def _terminated(api: Api, instance: str) -> bool:
    try:
        answer = api.call("ec2", "DescribeInstances", InstanceIds=[instance])
    except AwsError as error:
        if error.code == "InvalidInstanceID.NotFound":
            return True
        raise
    states = [each["State"]["Name"] for group in answer["Reservations"] for each in group["Instances"]]
    return all(state in _GONE for state in states)


def remove(api: Api, thing: Thing, progress: Progress) -> bool:
    """Whether it was asked to go: not, if there is no way here to remove its kind, it is gone, or busy with going or coming."""
    remover = REMOVERS.get(thing.kind)
    if remover is None:
        return False
    named = thing.arn if remover.named_by.endswith("Arn") else thing.id
    try:
        if thing.kind == "s3:bucket":
            empty_bucket(api, thing.id, progress)
        api.guarded(remover.service, remover.operation, **{remover.named_by: named}, **remover.more)
    except AwsError as error:
        if error.trouble in ("missing", "conflict"):
            return False
        raise
    progress(f"removing {thing.kind} {thing.id}")
    return True


def empty_bucket(api: Api, bucket: str, progress: Progress) -> None:
    """Every version and delete marker goes; a bucket that isn't there is as empty as can be."""
    try:
        for key in ("Versions", "DeleteMarkers"):
            batch: list[dict[str, str]] = []
            for found in list(api.paginate("s3", "ListObjectVersions", key, Bucket=bucket)):
                batch.append({"Key": found["Key"], "VersionId": found["VersionId"]})
                if len(batch) == 1_000:
                    _delete(api, bucket, batch, progress)
                    batch = []
            if batch:
                _delete(api, bucket, batch, progress)
    except AwsError as error:
        if error.trouble != "missing":
            raise


def _delete(api: Api, bucket: str, batch: Sequence[Mapping[str, str]], progress: Progress) -> None:
    api.guarded("s3", "DeleteObjects", Bucket=bucket, Delete={"Objects": list(batch), "Quiet": True})
    progress(f"bucket {bucket}: {len(batch)} objects deleted")
