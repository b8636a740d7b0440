"""What CloudFormation does on behalf of whoever changes a stack, by the types of the template; docs/iam-policy-stack.json is made
from these.

Each is granted only where CloudFormation asks (``aws:CalledVia``). Which permissions a type needs is as in AWS's registry of
resource types (the schemas' handlers), for the properties that the template uses.
"""

from collections.abc import Iterable
from dataclasses import replace

from harness.aws.calls import (
    CACHE,
    CLUSTER,
    CLUSTER_PARAMETERS,
    DB,
    GROUP,
    MADE_TABLES,
    OPTION_GROUP,
    PARAMETER_GROUP,
    SECRET,
    SUBNET_GROUP,
    TABLE,
    Grant,
    new,
    on,
)

VPC = "arn:aws:ec2:*:*:vpc/*"
SUBNET = "arn:aws:ec2:*:*:subnet/*"
ROUTES = "arn:aws:ec2:*:*:route-table/*"
SECURITY_GROUP = "arn:aws:ec2:*:*:security-group/*"
RULE = "arn:aws:ec2:*:*:security-group-rule/*"
ENDPOINT = "arn:aws:ec2:*:*:vpc-endpoint/*"
LAUNCH = "arn:aws:ec2:*:*:launch-template/*"
MACHINE = tuple(f"arn:aws:ec2:*:*:{kind}/*" for kind in ("instance", "volume", "network-interface"))
IMAGE = "arn:aws:ec2:*::image/*"
PROXY = "arn:aws:rds:*:*:db-proxy:*"
PROXY_TARGETS = "arn:aws:rds:*:*:target-group:*"
CACHE_PARAMETERS = "arn:aws:elasticache:*:*:parametergroup:*"
CACHE_SUBNETS = "arn:aws:elasticache:*:*:subnetgroup:*"
SCALED = "arn:aws:application-autoscaling:*:*:scalable-target/*"
ROLE, PROFILE = "arn:aws:iam::*:role/{stack}-*", "arn:aws:iam::*:instance-profile/{stack}-*"
RUN_BUCKET = "arn:aws:s3:::{stack}-runbucket-*"
PASSWORD = "arn:aws:secretsmanager:*:*:secret:rds!*"  # noqa: S105 - where RDS keeps them
LINKED = "arn:aws:iam::*:role/aws-service-role/*"
PROXY_LOGS = "arn:aws:logs:*:*:log-group:/aws/rds/proxy/{stack}-*"
INSTANCE_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def _each(prefix: str, operations: str) -> tuple[str, ...]:
    return tuple(f"{prefix}:{name}" for name in operations.split())


def _on(prefix: str, operations: str, *resources: str) -> tuple[Grant, ...]:
    """Several permissions on what has our tag."""
    return tuple(grant for action in _each(prefix, operations) for grant in on(action, *resources))


def _at(prefix: str, operations: str, *resources: str) -> tuple[Grant, ...]:
    """Several permissions that no tag of ours can narrow."""
    places = resources or ("*",)
    return tuple(Grant(action=action, resource=place) for action in _each(prefix, operations) for place in places)


def _linked(service: str) -> Grant:
    """The role that a service makes for itself once in an account."""
    name = f"{service}.amazonaws.com"
    return Grant(action="iam:CreateServiceLinkedRole", resource=LINKED, where=("iam:AWSServiceName", name))


def _passed(service: str) -> Grant:
    """A role of the stack's, given to one service."""
    return Grant(action="iam:PassRole", resource=ROLE, where=("iam:PassedToService", f"{service}.amazonaws.com"))


def _rds_tags(resource: str) -> tuple[Grant, ...]:
    """Tags given as a thing is made, and changed later."""
    return (*new("rds:AddTagsToResource", resource), *_on("rds", "AddTagsToResource RemoveTagsFromResource", resource))


_DATABASE_PARTS = (
    *_at("ec2", "DescribeAccountAttributes DescribeAvailabilityZones DescribeInternetGateways DescribeSecurityGroups "
                "DescribeSubnets DescribeVpcAttribute DescribeVpcs"),
    *_at("rds", "DescribeDBInstances DescribeDBClusters DescribeDBSnapshots DescribeDBClusterSnapshots DescribeEvents "
                "DescribeDBInstanceAutomatedBackups DescribeDBClusterAutomatedBackups DescribeDBEngineVersions "
                "DescribeGlobalClusters DescribeDBParameterGroups DescribeDBSubnetGroups"),
    *_at("secretsmanager", "CreateSecret TagResource", PASSWORD),
    *_at("kms", "DescribeKey"), _linked("rds"),
)  # fmt: skip
_OPTION_DEFAULTS, _PARAMETER_DEFAULTS = "arn:aws:rds:*:*:og:default*", "arn:aws:rds:*:*:pg:default*"


def _ec2_tags(*resources: str) -> tuple[Grant, ...]:
    return (*new("ec2:CreateTags", *resources), *_on("ec2", "CreateTags DeleteTags", *resources))


BY_TYPE: dict[str, tuple[Grant, ...]] = {
    "AWS::EC2::VPC": (
        *new("ec2:CreateVpc", VPC), *_ec2_tags(VPC), *_on("ec2", "ModifyVpcAttribute DeleteVpc", VPC),
        *_at("ec2", "DescribeVpcs DescribeVpcAttribute DescribeNetworkAcls DescribeSecurityGroups"),
    ),
    "AWS::EC2::Subnet": (
        *new("ec2:CreateSubnet", SUBNET), *on("ec2:CreateSubnet", VPC), *_ec2_tags(SUBNET),
        *_on("ec2", "ModifySubnetAttribute DeleteSubnet", SUBNET),
        *_at("ec2", "DescribeSubnets DescribeNetworkAcls DescribeAvailabilityZones"),
    ),
    "AWS::EC2::RouteTable": (
        *new("ec2:CreateRouteTable", ROUTES), *on("ec2:CreateRouteTable", VPC), *_ec2_tags(ROUTES),
        *_on("ec2", "DeleteRouteTable", ROUTES), *_at("ec2", "DescribeRouteTables"),
    ),
    "AWS::EC2::SubnetRouteTableAssociation": (
        *_on("ec2", "AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation", ROUTES, SUBNET),
        *_at("ec2", "DescribeRouteTables DescribeSubnets"),
    ),
    "AWS::EC2::SecurityGroup": (
        *new("ec2:CreateSecurityGroup", SECURITY_GROUP), *on("ec2:CreateSecurityGroup", VPC), *_ec2_tags(SECURITY_GROUP),
        *_on("ec2", "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress "
                    "RevokeSecurityGroupEgress DeleteSecurityGroup", SECURITY_GROUP),
        *_at("ec2", "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress", RULE),
        *_at("ec2", "DescribeSecurityGroups DescribeSecurityGroupRules DescribeInstances"),
    ),
    "AWS::EC2::SecurityGroupIngress": (
        *_on("ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress", SECURITY_GROUP),
        *_at("ec2", "AuthorizeSecurityGroupIngress", RULE), *_at("ec2", "DescribeSecurityGroups DescribeSecurityGroupRules"),
    ),
    "AWS::EC2::VPCEndpoint": (
        *new("ec2:CreateVpcEndpoint", ENDPOINT), *on("ec2:CreateVpcEndpoint", VPC, SUBNET, ROUTES, SECURITY_GROUP),
        *_on("ec2", "ModifyVpcEndpoint", ENDPOINT, SUBNET, ROUTES, SECURITY_GROUP), *_on("ec2", "DeleteVpcEndpoints", ENDPOINT),
        *_ec2_tags(ENDPOINT), *_at("ec2", "DescribeVpcEndpoints DescribeVpcs DescribeSubnets DescribeSecurityGroups"),
    ),
    "AWS::EC2::LaunchTemplate": (
        *new("ec2:CreateLaunchTemplate", LAUNCH), *_ec2_tags(LAUNCH),
        *_on("ec2", "CreateLaunchTemplateVersion DeleteLaunchTemplate", LAUNCH), *_at("ec2", "DescribeLaunchTemplates"),
        *_at("ssm", "GetParameters", "arn:aws:ssm:*::parameter/aws/service/ami-amazon-linux-latest/*"),
    ),
    "AWS::AutoScaling::AutoScalingGroup": (
        *new("autoscaling:CreateAutoScalingGroup", GROUP), *new("autoscaling:CreateOrUpdateTags", GROUP),
        *_on("autoscaling", "UpdateAutoScalingGroup DeleteAutoScalingGroup CreateOrUpdateTags DeleteTags", GROUP),
        *_at("autoscaling", "DescribeAutoScalingGroups DescribeScalingActivities"),
        *new("ec2:RunInstances", *MACHINE), *on("ec2:RunInstances", LAUNCH, SUBNET, SECURITY_GROUP),
        *_at("ec2", "RunInstances", IMAGE), *new("ec2:CreateTags", *MACHINE),
        *_at("ec2", "DescribeImages DescribeLaunchTemplateVersions DescribeSubnets"), _passed("ec2"), _linked("autoscaling"),
    ),
    "AWS::RDS::DBSubnetGroup": (
        *new("rds:CreateDBSubnetGroup", SUBNET_GROUP), *_rds_tags(SUBNET_GROUP),
        *_on("rds", "ModifyDBSubnetGroup DeleteDBSubnetGroup", SUBNET_GROUP),
        *_at("rds", "DescribeDBSubnetGroups ListTagsForResource"), _linked("rds"),
    ),
    "AWS::RDS::DBParameterGroup": (
        *new("rds:CreateDBParameterGroup", PARAMETER_GROUP), *_rds_tags(PARAMETER_GROUP),
        *_on("rds", "ModifyDBParameterGroup ResetDBParameterGroup DeleteDBParameterGroup", PARAMETER_GROUP),
        *_at("rds", "DescribeDBParameterGroups DescribeDBParameters DescribeEngineDefaultParameters ListTagsForResource"),
    ),
    "AWS::RDS::DBClusterParameterGroup": (
        *new("rds:CreateDBClusterParameterGroup", CLUSTER_PARAMETERS), *_rds_tags(CLUSTER_PARAMETERS),
        *_on("rds", "ModifyDBClusterParameterGroup ResetDBClusterParameterGroup DeleteDBClusterParameterGroup",
             CLUSTER_PARAMETERS),
        *_at("rds", "DescribeDBClusterParameterGroups DescribeDBClusterParameters DescribeEngineDefaultClusterParameters "
                    "DescribeDBClusters ListTagsForResource"),
    ),
    "AWS::RDS::DBInstance": (
        *new("rds:CreateDBInstance", DB), *on("rds:CreateDBInstance", PARAMETER_GROUP, SUBNET_GROUP, OPTION_GROUP),
        *_at("rds", "CreateDBInstance", _OPTION_DEFAULTS), *_rds_tags(DB),
        *_on("rds", "ModifyDBInstance", DB, PARAMETER_GROUP, SUBNET_GROUP, OPTION_GROUP),
        *_at("rds", "ModifyDBInstance", _OPTION_DEFAULTS), *_on("rds", "RebootDBInstance DeleteDBInstance", DB), *_DATABASE_PARTS,
    ),
    "AWS::RDS::DBCluster": (
        *new("rds:CreateDBCluster", CLUSTER), *on("rds:CreateDBCluster", CLUSTER_PARAMETERS, SUBNET_GROUP, OPTION_GROUP),
        *_at("rds", "CreateDBCluster", _OPTION_DEFAULTS), *new("rds:CreateDBInstance", DB),
        *_on("rds", "CreateDBInstance", CLUSTER), *_at("rds", "CreateDBInstance", _PARAMETER_DEFAULTS, _OPTION_DEFAULTS),
        *_rds_tags(CLUSTER), *new("rds:AddTagsToResource", DB),
        *_on("rds", "ModifyDBCluster", CLUSTER, CLUSTER_PARAMETERS, OPTION_GROUP), *_at("rds", "ModifyDBCluster", _OPTION_DEFAULTS),
        *_on("rds", "DeleteDBCluster", CLUSTER), *_on("rds", "ModifyDBInstance DeleteDBInstance", DB), *_DATABASE_PARTS,
    ),
    "AWS::RDS::DBProxy": (
        *new("rds:CreateDBProxy", "*"), *_rds_tags(PROXY), *_on("rds", "ModifyDBProxy DeleteDBProxy", PROXY),
        *_at("rds", "DescribeDBProxies ListTagsForResource"), _passed("rds"),
    ),
    "AWS::Logs::LogGroup": (
        *new("logs:CreateLogGroup", PROXY_LOGS), *new("logs:TagResource", PROXY_LOGS),
        *_on("logs", "PutRetentionPolicy DeleteRetentionPolicy DeleteLogGroup TagResource UntagResource", PROXY_LOGS),
        *_at("logs", "DescribeLogGroups DescribeIndexPolicies GetDataProtectionPolicy ListTagsForResource"),
    ),
    "AWS::RDS::DBProxyTargetGroup": (
        *_on("rds", "ModifyDBProxyTargetGroup RegisterDBProxyTargets", PROXY_TARGETS),
        *_on("rds", "DeregisterDBProxyTargets", PROXY_TARGETS, PROXY, DB, CLUSTER),
        *_at("rds", "DescribeDBProxies DescribeDBProxyTargetGroups DescribeDBProxyTargets"),
    ),
    "AWS::DynamoDB::Table": (
        *new("dynamodb:CreateTable", *MADE_TABLES), *new("dynamodb:TagResource", *MADE_TABLES),
        *_on("dynamodb", "UpdateTable DeleteTable TagResource UntagResource UpdateContinuousBackups UpdateTimeToLive", TABLE),
        *_at("dynamodb", "DescribeTable DescribeContinuousBackups DescribeContributorInsights DescribeTimeToLive "
                         "DescribeKinesisStreamingDestination GetResourcePolicy ListTagsOfResource", TABLE),
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": (
        *_at("application-autoscaling", "RegisterScalableTarget DeregisterScalableTarget TagResource", SCALED),
        *_at("application-autoscaling", "DescribeScalableTargets DescribeScheduledActions"),
        _linked("dynamodb.application-autoscaling"),
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": (
        *_at("application-autoscaling", "PutScalingPolicy DeleteScalingPolicy", SCALED),
        *_at("application-autoscaling", "DescribeScalingPolicies"), *_at("cloudwatch", "GetMetricData"),
    ),
    "AWS::ElastiCache::SubnetGroup": (
        *new("elasticache:CreateCacheSubnetGroup", CACHE_SUBNETS), *new("elasticache:AddTagsToResource", CACHE_SUBNETS),
        *_on("elasticache", "ModifyCacheSubnetGroup DeleteCacheSubnetGroup AddTagsToResource RemoveTagsFromResource", CACHE_SUBNETS),
        *_at("elasticache", "DescribeCacheSubnetGroups ListTagsForResource"),
    ),
    "AWS::ElastiCache::ParameterGroup": (
        *new("elasticache:CreateCacheParameterGroup", CACHE_PARAMETERS), *new("elasticache:AddTagsToResource", CACHE_PARAMETERS),
        *_on("elasticache", "ModifyCacheParameterGroup DeleteCacheParameterGroup AddTagsToResource RemoveTagsFromResource",
             CACHE_PARAMETERS),
        *_at("elasticache", "DescribeCacheParameterGroups DescribeCacheParameters DescribeEngineDefaultParameters "
                            "ListTagsForResource"),
    ),
    "AWS::ElastiCache::ReplicationGroup": (
        *new("elasticache:CreateReplicationGroup", CACHE), *on("elasticache:CreateReplicationGroup", CACHE_PARAMETERS, CACHE_SUBNETS),
        *new("elasticache:AddTagsToResource", CACHE, "arn:aws:elasticache:*:*:cluster:*"),
        *_on("elasticache", "ModifyReplicationGroup DeleteReplicationGroup IncreaseReplicaCount DecreaseReplicaCount "
                            "ModifyReplicationGroupShardConfiguration AddTagsToResource RemoveTagsFromResource", CACHE),
        *_at("elasticache", "DescribeReplicationGroups DescribeCacheClusters ListTagsForResource"), _linked("elasticache"),
    ),
    "AWS::SecretsManager::Secret": (
        *new("secretsmanager:CreateSecret", SECRET), *new("secretsmanager:TagResource", SECRET),
        *_on("secretsmanager", "TagResource UntagResource UpdateSecret DeleteSecret GetSecretValue DescribeSecret", SECRET),
        *_at("secretsmanager", "GetRandomPassword"),
    ),
    "AWS::S3::Bucket": (
        *_at("s3", "CreateBucket DeleteBucket ListBucket PutBucketTagging GetBucketTagging PutEncryptionConfiguration "
                   "GetEncryptionConfiguration PutBucketPublicAccessBlock GetBucketPublicAccessBlock "
                   "PutBucketOwnershipControls GetBucketOwnershipControls PutLifecycleConfiguration "
                   "GetLifecycleConfiguration TagResource UntagResource ListTagsForResource", RUN_BUCKET),
    ),
    "AWS::S3::BucketPolicy": _at("s3", "PutBucketPolicy GetBucketPolicy DeleteBucketPolicy", RUN_BUCKET),
    "AWS::IAM::Role": (
        *new("iam:CreateRole", ROLE), *new("iam:TagRole", ROLE),
        *_on("iam", "DeleteRole TagRole UntagRole UpdateAssumeRolePolicy UpdateRole PutRolePolicy DeleteRolePolicy", ROLE),
        *_at("iam", "GetRole GetRolePolicy ListRolePolicies ListAttachedRolePolicies", ROLE),
        *(Grant(action=action, resource=ROLE, tagged="resource", where=("iam:PolicyARN", INSTANCE_POLICY))
          for action in _each("iam", "AttachRolePolicy DetachRolePolicy")),
    ),
    "AWS::IAM::Policy": (*_on("iam", "PutRolePolicy DeleteRolePolicy", ROLE), *_at("iam", "GetRolePolicy", ROLE)),
    "AWS::IAM::InstanceProfile": (
        *_at("iam", "CreateInstanceProfile DeleteInstanceProfile AddRoleToInstanceProfile RemoveRoleFromInstanceProfile "
                    "GetInstanceProfile", PROFILE),
        _passed("ec2"),
    ),
}  # fmt: skip


def through_stack(types: Iterable[str]) -> tuple[Grant, ...]:
    """What CloudFormation needs to make, change and delete things of these types. KeyError where a type isn't known here."""
    found = (grant for each in types for grant in BY_TYPE[each])
    return tuple(dict.fromkeys(replace(grant, through_stack=True) for grant in found))
