"""Is a stack as a careful team would have it (D8)? Rules over what the services' describe calls answer; no I/O.

Each rule gives one :class:`Check`: a subject, one of its settings, what is expected and what was found. What couldn't be
looked at isn't passed: a stack in which no database is found fails.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Answer = Mapping[str, Any]
Topology = Literal["single_az", "multi_az_instance", "multi_az_cluster"]

NOBODY = "nobody"
_EVERY_PORT = (0, 65_535)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One setting of one resource, of a stack or of the template: as it should be, or not."""

    subject: str
    setting: str
    expected: str
    found: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for when the stack was made. ``topologies`` by engine (mysql, postgres)."""

    topologies: Mapping[str, Topology] = field(default_factory=dict)
    tables: bool = True
    caches: bool = True
    deletion_protection: bool = False
    application_groups: frozenset[str] = frozenset()
    """The security groups of the application tier: the only ones that databases may admit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The answers, each as the service's describe call gives it."""

    instances: Sequence[Answer] = ()
    clusters: Sequence[Answer] = ()
    caches: Sequence[Answer] = ()
    cache_nodes: Sequence[Answer] = ()
    tables: Sequence[Answer] = ()
    db_subnet_groups: Sequence[Answer] = ()
    cache_subnet_groups: Sequence[Answer] = ()
    security_groups: Sequence[Answer] = ()
    subnets: Sequence[Answer] = ()
    route_tables: Sequence[Answer] = ()
    generators: Sequence[Answer] = ()


def checks(found: Found, wanted: Wanted) -> tuple[Check, ...]:
    """Every check, in the order of databases, caches, tables, generators."""
    made = [
        *(check for instance in found.instances for check in _instance(instance, found, wanted)),
        *(check for cluster in found.clusters for check in _cluster(cluster, found, wanted)),
        *(check for cache in found.caches for check in _cache(cache, found, wanted)),
        *(check for table in found.tables for check in _table(table, wanted)),
        *_generators(found, wanted),
    ]
    made += [
        _check("stack", what, "at least one that carries its tag", "none", False)
        for what, expected, have in _expected(found, wanted)
        if expected and not have
    ]
    return tuple(made)


def _expected(found: Found, wanted: Wanted) -> Iterator[tuple[str, bool, bool]]:
    """What was asked for, and whether there is any of it."""
    databases = [*found.instances, *found.clusters]
    for engine in wanted.topologies:
        yield f"{engine} databases", True, any(each.get("Engine") == engine for each in databases)
    yield "caches", wanted.caches, bool(found.caches)
    yield "tables", wanted.tables, bool(found.tables)


def _check(subject: str, setting: str, expected: object, found: object, passed: bool) -> Check:
    return Check(subject=subject, setting=setting, expected=_word(expected), found=_word(found), passed=passed)


def _is(subject: str, setting: str, answer: Answer, expected: object) -> Check:
    """A setting that must have one value; where the answer lacks it, that is what was found."""
    found = answer.get(setting, "not said")
    return _check(subject, setting, expected, found, found == expected)


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _instance(instance: Answer, found: Found, wanted: Wanted) -> Iterator[Check]:
    """A DB instance. A cluster's member has storage, backups and protection from its cluster, and is checked there."""
    subject = f"RDS instance {instance['DBInstanceIdentifier']}"
    yield _is(subject, "PubliclyAccessible", instance, False)
    yield from _private(subject, "DBSubnetGroup", _db_subnets(instance.get("DBSubnetGroup"), found), found)
    yield from _admits(subject, instance.get("VpcSecurityGroups", ()), _port(instance), found, wanted)
    if instance.get("DBClusterIdentifier"):
        return
    yield _is(subject, "StorageEncrypted", instance, True)
    topology = wanted.topologies.get(_family(instance), "single_az")
    yield _is(subject, "MultiAZ", instance, topology == "multi_az_instance")
    yield from _kept(subject, instance, wanted)
    groups = [group["DBParameterGroupName"] for group in instance.get("DBParameterGroups", ())]
    yield _own_parameters(subject, groups)


def _cluster(cluster: Answer, found: Found, wanted: Wanted) -> Iterator[Check]:
    subject = f"RDS cluster {cluster['DBClusterIdentifier']}"
    if "PubliclyAccessible" in cluster:  # Multi-AZ clusters say it; for others their members do
        yield _is(subject, "PubliclyAccessible", cluster, False)
    yield from _private(subject, "DBSubnetGroup", _db_subnets(cluster.get("DBSubnetGroup"), found), found)
    yield from _admits(subject, cluster.get("VpcSecurityGroups", ()), cluster.get("Port"), found, wanted)
    yield _is(subject, "StorageEncrypted", cluster, True)
    yield _is(subject, "MultiAZ", cluster, True)
    yield from _kept(subject, cluster, wanted)
    yield _own_parameters(subject, [cluster.get("DBClusterParameterGroup", "not said")])


def _kept(subject: str, database: Answer, wanted: Wanted) -> Iterator[Check]:
    """Backups and protection against deletion."""
    days = database.get("BackupRetentionPeriod", "not said")
    yield _check(subject, "BackupRetentionPeriod", "1 day or more", days, isinstance(days, int) and days >= 1)
    yield _is(subject, "DeletionProtection", database, wanted.deletion_protection)


def _own_parameters(subject: str, groups: Sequence[str]) -> Check:
    own = bool(groups) and not any(group.startswith("default.") for group in groups)
    return _check(subject, "parameter group", "its own", ", ".join(groups) or "none", own)


def _cache(cache: Answer, found: Found, wanted: Wanted) -> Iterator[Check]:
    subject = f"ElastiCache {cache['ReplicationGroupId']}"
    yield _is(subject, "TransitEncryptionEnabled", cache, True)
    yield _is(subject, "AtRestEncryptionEnabled", cache, True)
    users = cache.get("UserGroupIds") or ()
    by = "AUTH" if cache.get("AuthTokenEnabled") else f"users of {', '.join(users)}" if users else NOBODY
    yield _check(subject, "AuthTokenEnabled", "AUTH or a user group", by, by != NOBODY)
    members = set(cache.get("MemberClusters", ()))
    nodes = [node for node in found.cache_nodes if node["CacheClusterId"] in members]
    names = {node.get("CacheSubnetGroupName") for node in nodes} - {None}
    subnets = [
        subnet["SubnetIdentifier"]
        for group in found.cache_subnet_groups
        if group["CacheSubnetGroupName"] in names
        for subnet in group.get("Subnets", ())
    ]
    yield from _private(subject, "CacheSubnetGroup", subnets, found)
    groups = {group["SecurityGroupId"]: group for node in nodes for group in node.get("SecurityGroups", ())}
    as_rds = [{"VpcSecurityGroupId": id} for id in sorted(groups)]
    yield from _admits(subject, as_rds, _cache_port(cache), found, wanted)


def _table(table: Answer, wanted: Wanted) -> Iterator[Check]:
    """DynamoDB encrypts always and has no network of its own; what can be wrong is the protection."""
    protected = bool(table.get("DeletionProtectionEnabled", False))
    yield _check(
        f"DynamoDB table {table['TableName']}", "DeletionProtectionEnabled", wanted.deletion_protection, protected,
        protected == wanted.deletion_protection,
    )  # fmt: skip


def _generators(found: Found, wanted: Wanted) -> Iterator[Check]:
    """Load generators have no public address, and the application tier's group admits itself alone (Locust's workers)."""
    for machine in found.generators:
        address = machine.get("PublicIpAddress", "none")
        yield _check(f"generator {machine['InstanceId']}", "PublicIpAddress", "none", address, address == "none")
    for group in found.security_groups:
        if group["GroupId"] in wanted.application_groups:
            wrong = [
                _rule(source, permission)
                for permission in _ingress(group)
                for source in _sources(permission)
                if source not in wanted.application_groups
            ]
            subject = f"application tier {group['GroupId']}"
            yield _check(subject, "ingress", "from itself alone", ", ".join(wrong) or "from itself alone", not wrong)


def _private(subject: str, setting: str, subnets: Sequence[str], found: Found) -> Iterator[Check]:
    """No subnet of the group has a way in from outside: no route to an internet gateway, no public addresses."""
    known = {subnet["SubnetId"]: subnet for subnet in found.subnets}
    wrong = [f"{id} {why}" for id in subnets for why in _public(known.get(id), id, found.route_tables)]
    said = "; ".join(wrong) or f"private: {', '.join(subnets)}" if subnets else "none known"
    yield _check(subject, setting, "private subnets", said, bool(subnets) and not wrong)


def _public(subnet: Answer | None, id: str, route_tables: Sequence[Answer]) -> Iterator[str]:
    if subnet is None:
        yield "isn't known"
        return
    if subnet.get("MapPublicIpOnLaunch"):
        yield "gives public addresses"
    gateways = [route.get("GatewayId", "") for route in _routes(id, subnet.get("VpcId"), route_tables)]
    yield from (f"routes to {gateway}" for gateway in gateways if gateway.startswith("igw-"))


def _routes(subnet: str, vpc: str | None, route_tables: Sequence[Answer]) -> Iterable[Answer]:
    """Of the table that is associated with the subnet, or else of its VPC's main one."""
    ties = [(table, tie) for table in route_tables for tie in table.get("Associations", ())]
    own = [table for table, tie in ties if tie.get("SubnetId") == subnet]
    main = [table for table, tie in ties if tie.get("Main") and table.get("VpcId") == vpc]
    return [route for table in (own or main) for route in table.get("Routes", ())]


def _db_subnets(group: Answer | str | None, found: Found) -> list[str]:
    """An instance's answer holds its subnet group, a cluster's only the name."""
    named = [each for each in found.db_subnet_groups if each["DBSubnetGroupName"] == group]
    whole = group if isinstance(group, Mapping) else named[0] if named else {}
    return [subnet["SubnetIdentifier"] for subnet in whole.get("Subnets", ())]


def _admits(subject: str, groups: Sequence[Answer], port: int | None, found: Found, wanted: Wanted) -> Iterator[Check]:
    """Each security group of a database admits the application tier's group on the database's port, and no one else."""
    known = {group["GroupId"]: group for group in found.security_groups}
    expected = f"only the application tier on {port}"
    if not groups:
        yield _check(subject, "VpcSecurityGroups", expected, "no group", False)
    for id in (group["VpcSecurityGroupId"] for group in groups):
        if id not in known:
            yield _check(subject, "VpcSecurityGroups", expected, f"{id} isn't known", False)
            continue
        wrong = [
            _rule(source, permission)
            for permission in _ingress(known[id])
            for source in _sources(permission)
            if source not in wanted.application_groups or _ports(permission) != (port, port)
        ]
        yield _check(
            subject, "VpcSecurityGroups", expected, f"{id} admits {', '.join(wrong)}" if wrong else id, not wrong
        )


def _ingress(group: Answer) -> Sequence[Answer]:
    found: Sequence[Answer] = group.get("IpPermissions", ())
    return found


def _sources(permission: Answer) -> Iterator[str]:
    yield from (each["GroupId"] for each in permission.get("UserIdGroupPairs", ()))
    yield from (each["CidrIp"] for each in permission.get("IpRanges", ()))
    yield from (each["CidrIpv6"] for each in permission.get("Ipv6Ranges", ()))
    yield from (each["PrefixListId"] for each in permission.get("PrefixListIds", ()))


def _ports(permission: Answer) -> tuple[int, int]:
    """First and last; of every protocol (-1) it is every port, whatever the answer says."""
    if permission.get("IpProtocol") != "tcp":
        return _EVERY_PORT
    return permission.get("FromPort", 0), permission.get("ToPort", 65_535)


def _rule(source: str, permission: Answer) -> str:
    first, last = _ports(permission)
    ports = f"{first}" if first == last else "every port" if (first, last) == _EVERY_PORT else f"{first} to {last}"
    return f"{source} on {ports}"


def _port(instance: Answer) -> int | None:
    port: int | None = instance.get("Endpoint", {}).get("Port") or instance.get("DbInstancePort") or None
    return port


def _cache_port(cache: Answer) -> int | None:
    """Of the endpoint that clients use."""
    endpoints = [cache.get("ConfigurationEndpoint") or {}]
    endpoints += [group.get("PrimaryEndpoint") or {} for group in cache.get("NodeGroups", ())]
    ports = [endpoint["Port"] for endpoint in endpoints if endpoint.get("Port")]
    return ports[0] if ports else None


def _family(instance: Answer) -> str:
    """mysql or postgres, as this project's engines are called."""
    return str(instance.get("Engine", ""))
