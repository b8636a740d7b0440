"""Every call that is made of AWS, declared: the gateway refuses others, and docs/iam-policy.json is made from these.

A call needs one permission or several. What each action supports (resources, ``aws:ResourceTag``, ``aws:RequestTag``) is as
in AWS's Service Authorization Reference; reading is granted on everything, since a tag must be read before it can be refused.
"""

from dataclasses import dataclass
from typing import Literal

TAG = "dbharness"
"""The tag that everything of ours carries; its value is the stack's name."""

BEGINS = "dbharness-"
"""Every stack's name begins so: where no tag can be a condition, permissions go by the name."""

Tagged = Literal["no", "resource", "request"]
Kind = Literal[
    "stack", "db_instance", "db_cluster", "db_snapshot", "db_cluster_snapshot", "db_backup", "cache", "cache_snapshot", "table",
    "bucket", "log_group",
]  # fmt: skip
"""What a destructive call can be aimed at; :mod:`harness.aws.owners` reads the tags of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One permission. ``tagged``: on what has our tag already, with our tag in the request, or neither is supported.

    ``resource`` may hold ``{stack}``. ``where``: a further condition key and what it must be like. ``through_stack``: only when
    CloudFormation asks, on behalf of whoever changes a stack.
    """

    action: str
    resource: str = "*"
    tagged: Tagged = "no"
    where: tuple[str, str] | None = None
    through_stack: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation of one service, by botocore's names, and what it takes.

    ``aims_at``: it interrupts or destroys that kind of thing, named by parameter ``named_by``; it is sent by
    :meth:`harness.aws.gateway.Aws.guarded` alone, which reads its tags first.
    """

    service: str
    operation: str
    grants: tuple[Grant, ...]
    aims_at: Kind | None = None
    named_by: str = ""


def _reads(service: str, *operations: str, prefix: str = "") -> tuple[Call, ...]:
    """Calls that change nothing; the IAM action has the operation's name."""
    return tuple(
        Call(service=service, operation=name, grants=(Grant(action=f"{prefix or service}:{name}"),))
        for name in operations
    )


def on(action: str, *resources: str) -> tuple[Grant, ...]:
    """A permission on resources that have our tag."""
    return tuple(Grant(action=action, resource=resource, tagged="resource") for resource in resources)


def new(action: str, *resources: str) -> tuple[Grant, ...]:
    """A permission to make something, with our tag in the request that makes it."""
    return tuple(Grant(action=action, resource=resource, tagged="request") for resource in resources)


STACK = "arn:aws:cloudformation:*:*:stack/*/*"
DB = "arn:aws:rds:*:*:db:*"
CLUSTER = "arn:aws:rds:*:*:cluster:*"
SNAPSHOT = "arn:aws:rds:*:*:snapshot:*"
CLUSTER_SNAPSHOT = "arn:aws:rds:*:*:cluster-snapshot:*"
BACKUP = "arn:aws:rds:*:*:auto-backup:*"
SUBNET_GROUP = "arn:aws:rds:*:*:subgrp:*"
PARAMETER_GROUP = "arn:aws:rds:*:*:pg:*"
CLUSTER_PARAMETERS = "arn:aws:rds:*:*:cluster-pg:*"
OPTION_GROUP = "arn:aws:rds:*:*:og:*"
MADE_DB = "arn:aws:rds:*:*:db:{stack}-*"
MADE_CLUSTER = "arn:aws:rds:*:*:cluster:{stack}-*"
MADE_SNAPSHOT = "arn:aws:rds:*:*:snapshot:{stack}-*"
MADE_CLUSTER_SNAPSHOT = "arn:aws:rds:*:*:cluster-snapshot:{stack}-*"
MADE_TABLES = ("arn:aws:dynamodb:*:*:table/dbharness-{stack}-*", "arn:aws:dynamodb:*:*:table/{stack}-*")
"""What we make beside the stack begins with its name: whoever may put our tag on anything could have anything destroyed."""
CACHE = "arn:aws:elasticache:*:*:replicationgroup:*"
CACHE_SNAPSHOT = "arn:aws:elasticache:*:*:snapshot:*"
TABLE = "arn:aws:dynamodb:*:*:table/*"
INDEX = "arn:aws:dynamodb:*:*:table/*/index/*"
INSTANCE = "arn:aws:ec2:*:*:instance/*"
GROUP = "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*"
SECRET = "arn:aws:secretsmanager:*:*:secret:*"  # noqa: S105 - where secrets are, none itself
BUCKET = "arn:aws:s3:::{stack}-runbucket-*"
"""Objects can't be told by a tag of ours: the bucket is told by the name that CloudFormation gives the template's RunBucket."""
OBJECTS = f"{BUCKET}/*"
LOG_GROUP = "arn:aws:logs:*:*:log-group:*"

_CLOUDFORMATION = (
    Call(
        service="cloudformation", operation="CreateStack",
        grants=(*new("cloudformation:CreateStack", STACK), *new("cloudformation:TagResource", STACK)),
    ),
    Call(
        service="cloudformation", operation="CreateChangeSet",
        grants=(*new("cloudformation:CreateChangeSet", STACK), *on("cloudformation:CreateChangeSet", STACK)),
    ),
    Call(
        service="cloudformation", operation="ExecuteChangeSet", grants=on("cloudformation:ExecuteChangeSet", STACK),
        aims_at="stack", named_by="StackName",
    ),
    Call(service="cloudformation", operation="DeleteChangeSet", grants=on("cloudformation:DeleteChangeSet", STACK)),
    Call(
        service="cloudformation", operation="UpdateTerminationProtection",
        grants=on("cloudformation:UpdateTerminationProtection", STACK), aims_at="stack", named_by="StackName",
    ),
    Call(
        service="cloudformation", operation="DeleteStack", grants=on("cloudformation:DeleteStack", STACK),
        aims_at="stack", named_by="StackName",
    ),
    *_reads(
        "cloudformation", "DescribeStacks", "DescribeStackEvents", "DescribeChangeSet", "ListStackResources",
    ),
)  # fmt: skip


def _restores(operation: str, *sources: str, made: str = MADE_DB, parameters: str = PARAMETER_GROUP) -> Call:
    """Something new with our tag, in our subnet group, from something of ours; the engine's default groups serve too."""
    action = f"rds:{operation}"
    defaults = (parameters.removesuffix("*") + "default*", "arn:aws:rds:*:*:og:default*")
    return Call(
        service="rds", operation=operation,
        grants=(
            *new(action, made), *on(action, *sources, SUBNET_GROUP, parameters, OPTION_GROUP),
            *(Grant(action=action, resource=group) for group in defaults), *new("rds:AddTagsToResource", made),
        ),
    )  # fmt: skip


_RDS = (
    *_reads(
        "rds", "DescribeDBInstances", "DescribeDBClusters", "DescribeDBSnapshots", "DescribeDBClusterSnapshots",
        "DescribeDBInstanceAutomatedBackups", "DescribeDBSubnetGroups", "DescribeEvents", "ListTagsForResource",
    ),
    Call(
        service="rds", operation="RebootDBInstance", grants=on("rds:RebootDBInstance", DB),
        aims_at="db_instance", named_by="DBInstanceIdentifier",
    ),
    Call(
        service="rds", operation="FailoverDBCluster", grants=on("rds:FailoverDBCluster", CLUSTER),
        aims_at="db_cluster", named_by="DBClusterIdentifier",
    ),
    Call(
        service="rds", operation="CreateDBSnapshot",
        grants=(*on("rds:CreateDBSnapshot", DB), *new("rds:CreateDBSnapshot", MADE_SNAPSHOT),
                *new("rds:AddTagsToResource", MADE_SNAPSHOT)),
    ),
    Call(
        service="rds", operation="CreateDBClusterSnapshot",
        grants=(*on("rds:CreateDBClusterSnapshot", CLUSTER), *new("rds:CreateDBClusterSnapshot", MADE_CLUSTER_SNAPSHOT),
                *new("rds:AddTagsToResource", MADE_CLUSTER_SNAPSHOT)),
    ),
    _restores("RestoreDBInstanceFromDBSnapshot", SNAPSHOT, CLUSTER_SNAPSHOT),
    _restores("RestoreDBInstanceToPointInTime", DB, BACKUP),
    _restores(
        "RestoreDBClusterFromSnapshot", CLUSTER_SNAPSHOT, made=MADE_CLUSTER, parameters=CLUSTER_PARAMETERS
    ),
    _restores("RestoreDBClusterToPointInTime", CLUSTER, made=MADE_CLUSTER, parameters=CLUSTER_PARAMETERS),
    Call(
        service="rds", operation="ModifyDBInstance", grants=on("rds:ModifyDBInstance", DB),
        aims_at="db_instance", named_by="DBInstanceIdentifier",
    ),
    Call(
        service="rds", operation="ModifyDBCluster", grants=on("rds:ModifyDBCluster", CLUSTER),
        aims_at="db_cluster", named_by="DBClusterIdentifier",
    ),
    Call(
        service="rds", operation="DeleteDBInstance", grants=on("rds:DeleteDBInstance", DB),
        aims_at="db_instance", named_by="DBInstanceIdentifier",
    ),
    Call(
        service="rds", operation="DeleteDBCluster", grants=on("rds:DeleteDBCluster", CLUSTER, CLUSTER_SNAPSHOT),
        aims_at="db_cluster", named_by="DBClusterIdentifier",
    ),
    Call(
        service="rds", operation="DeleteDBSnapshot", grants=on("rds:DeleteDBSnapshot", SNAPSHOT),
        aims_at="db_snapshot", named_by="DBSnapshotIdentifier",
    ),
    Call(
        service="rds", operation="DeleteDBClusterSnapshot", grants=on("rds:DeleteDBClusterSnapshot", CLUSTER_SNAPSHOT),
        aims_at="db_cluster_snapshot", named_by="DBClusterSnapshotIdentifier",
    ),
    Call(
        service="rds", operation="DeleteDBInstanceAutomatedBackup",
        grants=on("rds:DeleteDBInstanceAutomatedBackup", BACKUP),
        aims_at="db_backup", named_by="DBInstanceAutomatedBackupsArn",
    ),
)  # fmt: skip

_ELASTICACHE = (
    *_reads(
        "elasticache", "DescribeReplicationGroups", "DescribeCacheClusters", "DescribeCacheSubnetGroups",
        "DescribeSnapshots", "ListTagsForResource",
    ),
    Call(
        service="elasticache", operation="DeleteSnapshot", grants=on("elasticache:DeleteSnapshot", CACHE_SNAPSHOT),
        aims_at="cache_snapshot", named_by="SnapshotName",
    ),
)  # fmt: skip

_EC2 = _reads("ec2", "DescribeSecurityGroups", "DescribeSubnets", "DescribeRouteTables", "DescribeInstances")

_DYNAMODB = (
    *_reads("dynamodb", "DescribeTable", "ListTagsOfResource"),
    *_reads("application-autoscaling", "DescribeScalableTargets", "DescribeScalingPolicies"),
    Call(
        service="dynamodb", operation="CreateTable",
        grants=(*new("dynamodb:CreateTable", *MADE_TABLES), *new("dynamodb:TagResource", *MADE_TABLES)),
    ),
    Call(
        service="dynamodb", operation="UpdateTable", grants=on("dynamodb:UpdateTable", TABLE),
        aims_at="table", named_by="TableName",
    ),
    Call(
        service="dynamodb", operation="DeleteTable", grants=on("dynamodb:DeleteTable", TABLE),
        aims_at="table", named_by="TableName",
    ),
)  # fmt: skip

_S3 = (
    Call(service="s3", operation="ListObjectsV2", grants=(Grant(action="s3:ListBucket", resource=BUCKET),)),
    Call(service="s3", operation="ListObjectVersions", grants=(Grant(action="s3:ListBucketVersions", resource=BUCKET),)),
    Call(service="s3", operation="GetBucketTagging", grants=(Grant(action="s3:GetBucketTagging", resource=BUCKET),)),
    Call(service="s3", operation="PutObject", grants=(Grant(action="s3:PutObject", resource=OBJECTS),)),
    Call(service="s3", operation="GetObject", grants=(Grant(action="s3:GetObject", resource=OBJECTS),)),
    Call(
        service="s3", operation="DeleteObjects", aims_at="bucket", named_by="Bucket",
        grants=tuple(Grant(action=f"s3:{name}", resource=OBJECTS) for name in ("DeleteObject", "DeleteObjectVersion")),
    ),
    Call(
        service="s3", operation="DeleteBucket", aims_at="bucket", named_by="Bucket",
        grants=(Grant(action="s3:DeleteBucket", resource=BUCKET),),
    ),
)  # fmt: skip

_GENERATORS = (
    *_reads("autoscaling", "DescribeAutoScalingGroups"),
    Call(
        service="ssm", operation="SendCommand",
        grants=(*on("ssm:SendCommand", INSTANCE),
                Grant(action="ssm:SendCommand", resource="arn:aws:ssm:*::document/AWS-RunShellScript")),
    ),
    Call(service="ssm", operation="CancelCommand", grants=(Grant(action="ssm:CancelCommand"),)),
    *_reads("ssm", "GetCommandInvocation", "DescribeInstanceInformation"),
)  # fmt: skip

_OTHERS = (
    Call(
        service="secretsmanager", operation="GetSecretValue", grants=on("secretsmanager:GetSecretValue", SECRET),
    ),
    *_reads("logs", "ListTagsForResource"),
    Call(
        service="logs", operation="DeleteLogGroup", grants=on("logs:DeleteLogGroup", LOG_GROUP),
        aims_at="log_group", named_by="logGroupName",
    ),
    *_reads("cloudwatch", "GetMetricData"),
    *_reads("pricing", "GetProducts"),
    *_reads("resourcegroupstaggingapi", "GetResources", prefix="tag"),
    Call(service="sts", operation="GetCallerIdentity", grants=()),
)  # fmt: skip

CALLS: tuple[Call, ...] = (
    *_CLOUDFORMATION, *_RDS, *_ELASTICACHE, *_EC2, *_DYNAMODB, *_S3, *_GENERATORS, *_OTHERS,
)  # fmt: skip

TABLE_OPERATIONS = ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "BatchWriteItem")
"""What the load itself asks of tables of ours, through the clients of :mod:`harness.dynamodb`, not the gateway."""
LOAD: tuple[Grant, ...] = tuple(
    grant for name in TABLE_OPERATIONS for grant in on(f"dynamodb:{name}", TABLE, *([INDEX] if name in ("Query", "Scan") else []))
)  # fmt: skip

_BY_NAME = {(call.service, call.operation): call for call in CALLS}


def declared(service: str, operation: str) -> Call | None:
    """The call of that name, or None: then it is not to be made."""
    return _BY_NAME.get((service, operation))
