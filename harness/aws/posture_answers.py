"""Asks the services what :mod:`harness.aws.posture` judges: everything that carries the stack's tag, and the network around it."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from harness.aws.api import Answer, Api
from harness.aws.calls import TAG
from harness.aws.leftovers import tagged
from harness.aws.owners import tags_of
from harness.aws.posture import Found, Topology, Wanted
from harness.aws.stacks import Stack

APPLICATION_GROUP_OUTPUT = "ApplicationSecurityGroupId"
_TOPOLOGY_PARAMETERS = {"mysql": "MySqlTopology", "postgres": "PostgresTopology"}


def wanted(stack: Stack) -> Wanted:
    """What the stack's parameters asked for, and which group it says is its application tier's."""
    topologies = {engine: stack.parameters.get(name, "none") for engine, name in _TOPOLOGY_PARAMETERS.items()}
    group = stack.outputs.get(APPLICATION_GROUP_OUTPUT)
    return Wanted(
        topologies={engine: cast("Topology", each) for engine, each in topologies.items() if each != "none"},
        tables=stack.parameters.get("DynamoDb", "on") == "on",
        caches=stack.parameters.get("CacheShards", "0") != "0",
        deletion_protection=stack.protected_by_us,
        application_groups=frozenset({group} if group else ()),
    )


def gather(api: Api, name: str) -> Found:
    """The answers about all that carries the tag. Raises AwsError."""
    instances = [each for each in api.paginate("rds", "DescribeDBInstances", "DBInstances") if _has_tag(each, name)]
    clusters = [each for each in api.paginate("rds", "DescribeDBClusters", "DBClusters") if _has_tag(each, name)]
    caches = [
        each
        for each in api.paginate("elasticache", "DescribeReplicationGroups", "ReplicationGroups")
        if _tagged_cache(api, each, name)
    ]
    members = {member for cache in caches for member in cache.get("MemberClusters", ())}
    nodes = [
        each
        for each in api.paginate("elasticache", "DescribeCacheClusters", "CacheClusters")
        if each["CacheClusterId"] in members
    ]
    tables = [
        api.call("dynamodb", "DescribeTable", TableName=thing.id)["Table"]
        for thing in tagged(api, name)
        if thing.kind == "dynamodb:table"
    ]
    by_tag = [{"Name": f"tag:{TAG}", "Values": [name]}]
    machines = [
        each
        for group in api.paginate("ec2", "DescribeInstances", "Reservations", Filters=by_tag)
        for each in group["Instances"]
    ]
    of_clusters = {cluster.get("DBSubnetGroup") for cluster in clusters}
    db_groups = [
        group
        for group in api.paginate("rds", "DescribeDBSubnetGroups", "DBSubnetGroups")
        if group["DBSubnetGroupName"] in of_clusters
    ]
    of_nodes = {node.get("CacheSubnetGroupName") for node in nodes}
    cache_groups = [
        group
        for group in api.paginate("elasticache", "DescribeCacheSubnetGroups", "CacheSubnetGroups")
        if group["CacheSubnetGroupName"] in of_nodes
    ]
    vpcs = _vpcs([*(each.get("DBSubnetGroup") for each in instances), *db_groups, *cache_groups, *machines])
    in_vpcs = [{"Name": "vpc-id", "Values": vpcs}]
    return Found(
        instances=instances, clusters=clusters, caches=caches, cache_nodes=nodes, tables=tables,
        generators=machines, db_subnet_groups=db_groups, cache_subnet_groups=cache_groups,
        security_groups=_all(api, "DescribeSecurityGroups", "SecurityGroups", in_vpcs),
        subnets=_all(api, "DescribeSubnets", "Subnets", in_vpcs),
        route_tables=_all(api, "DescribeRouteTables", "RouteTables", in_vpcs),
    )  # fmt: skip


def _has_tag(answer: Mapping[str, Any], name: str) -> bool:
    return tags_of(answer.get("TagList", ())).get(TAG) == name


def _tagged_cache(api: Api, cache: Mapping[str, Any], name: str) -> bool:
    tags = api.call("elasticache", "ListTagsForResource", ResourceName=cache["ARN"])["TagList"]
    return tags_of(tags).get(TAG) == name


def _vpcs(having: Iterable[Mapping[str, Any] | None]) -> list[str]:
    return sorted({each["VpcId"] for each in having if each and each.get("VpcId")})


def _all(api: Api, operation: str, key: str, filters: list[dict[str, Any]]) -> list[Answer]:
    """In the VPCs that were found; without one there is nothing to ask for."""
    return list(api.paginate("ec2", operation, key, Filters=filters)) if filters[0]["Values"] else []
