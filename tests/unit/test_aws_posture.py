"""Every rule of D8: a stack as it should be passes them all, and each single thing made wrong fails one, by name."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from harness.aws.posture import Check, Found, Wanted, checks

APP, DB, CACHE = "sg-app", "sg-db", "sg-cache"
WANTED = Wanted(topologies={"mysql": "multi_az_instance"}, application_groups=frozenset({APP}))


def _admitting(group: str, port: int, source: str = APP) -> dict[str, Any]:
    pair = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": source}]}
    return {"GroupId": group, "VpcId": "vpc-1", "IpPermissions": [pair]}


def _found() -> Found:
    """A Multi-AZ instance, a cache, a table and a generator, as they should be."""
    return Found(
        instances=[
            {
                "DBInstanceIdentifier": "db", "Engine": "mysql", "PubliclyAccessible": False, "StorageEncrypted": True,
                "MultiAZ": True, "BackupRetentionPeriod": 1, "DeletionProtection": False, "Endpoint": {"Port": 3306},
                "VpcSecurityGroups": [{"VpcSecurityGroupId": DB}],
                "DBParameterGroups": [{"DBParameterGroupName": "demo-mysql"}],
                "DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": "subnet-1"}]},
            }
        ],
        caches=[
            {
                "ReplicationGroupId": "cache", "TransitEncryptionEnabled": True, "AtRestEncryptionEnabled": True,
                "AuthTokenEnabled": True, "MemberClusters": ["cache-1"], "NodeGroups": [{"PrimaryEndpoint": {"Port": 6379}}],
            }
        ],
        cache_nodes=[
            {"CacheClusterId": "cache-1", "CacheSubnetGroupName": "inside", "SecurityGroups": [{"SecurityGroupId": CACHE}]}
        ],
        cache_subnet_groups=[{"CacheSubnetGroupName": "inside", "Subnets": [{"SubnetIdentifier": "subnet-1"}]}],
        tables=[{"TableName": "on_demand"}],
        security_groups=[_admitting(DB, 3306), _admitting(CACHE, 6379), _admitting(APP, 5557)],
        subnets=[{"SubnetId": "subnet-1", "VpcId": "vpc-1", "MapPublicIpOnLaunch": False}],
        route_tables=[
            {"VpcId": "vpc-1", "Associations": [{"SubnetId": "subnet-1"}], "Routes": [{"GatewayId": "local"}]}
        ],
        generators=[{"InstanceId": "i-1"}],
    )  # fmt: skip


def _failed(found: Found, wanted: Wanted = WANTED) -> list[Check]:
    return [check for check in checks(found, wanted) if not check.passed]


def _with(part: str, **changed: Any) -> Found:
    """The good answers with settings of the first of one part changed."""
    found = deepcopy(_found())
    getattr(found, part)[0].update(changed)
    return found


def test_a_stack_as_it_should_be_passes_every_check() -> None:
    """8 of the instance, 5 of the cache, one of the table, two of the application tier."""
    made = checks(_found(), WANTED)
    assert [check for check in made if not check.passed] == []
    settings = [(check.subject.partition(" ")[0], check.setting) for check in made]
    assert settings == [
        ("RDS", "PubliclyAccessible"), ("RDS", "DBSubnetGroup"), ("RDS", "VpcSecurityGroups"), ("RDS", "StorageEncrypted"),
        ("RDS", "MultiAZ"), ("RDS", "BackupRetentionPeriod"), ("RDS", "DeletionProtection"), ("RDS", "parameter group"),
        ("ElastiCache", "TransitEncryptionEnabled"), ("ElastiCache", "AtRestEncryptionEnabled"),
        ("ElastiCache", "AuthTokenEnabled"), ("ElastiCache", "CacheSubnetGroup"), ("ElastiCache", "VpcSecurityGroups"),
        ("DynamoDB", "DeletionProtectionEnabled"), ("generator", "PublicIpAddress"), ("application", "ingress"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("part", "changed", "setting", "offending"),
    [
        ("instances", {"PubliclyAccessible": True}, "PubliclyAccessible", "yes"),
        ("instances", {"StorageEncrypted": False}, "StorageEncrypted", "no"),
        ("instances", {"MultiAZ": False}, "MultiAZ", "no"),
        ("instances", {"BackupRetentionPeriod": 0}, "BackupRetentionPeriod", "0"),
        ("instances", {"DeletionProtection": True}, "DeletionProtection", "yes"),
        ("instances", {"VpcSecurityGroups": []}, "VpcSecurityGroups", "no group"),
        ("instances", {"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-x"}]}, "VpcSecurityGroups", "sg-x isn't known"),
        ("instances", {"DBSubnetGroup": {"Subnets": []}}, "DBSubnetGroup", "none known"),
        ("instances", {"DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": "subnet-9"}]}}, "DBSubnetGroup", "subnet-9 isn't known"),
        ("instances", {"DBParameterGroups": [{"DBParameterGroupName": "default.mysql8.4"}]}, "parameter group", "default.mysql8.4"),
        ("caches", {"TransitEncryptionEnabled": False}, "TransitEncryptionEnabled", "no"),
        ("caches", {"AtRestEncryptionEnabled": False}, "AtRestEncryptionEnabled", "no"),
        ("caches", {"AuthTokenEnabled": False}, "AuthTokenEnabled", "nobody"),
        ("cache_nodes", {"CacheSubnetGroupName": "elsewhere"}, "CacheSubnetGroup", "none known"),
        ("tables", {"DeletionProtectionEnabled": True}, "DeletionProtectionEnabled", "yes"),
        ("generators", {"PublicIpAddress": "203.0.113.7"}, "PublicIpAddress", "203.0.113.7"),
    ],
)  # fmt: skip
def test_one_thing_made_wrong_fails_one_check_that_names_it(
    part: str, changed: dict[str, Any], setting: str, offending: str
) -> None:
    """The offending setting and what was found there; every other check still passes."""
    failed = _failed(_with(part, **changed))
    assert [(check.setting, check.found) for check in failed] == [(setting, offending)]


@pytest.mark.parametrize(
    ("permission", "offending"),
    [
        ({"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "0.0.0.0/0 on 3306"),
        ({"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, "::/0 on 3306"),
        ({"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "PrefixListIds": [{"PrefixListId": "pl-1"}]}, "pl-1 on 3306"),
        ({"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": APP}]}, "sg-app on every port"),
        ({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": APP}]}, "sg-app on 22"),
        ({"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 4000, "UserIdGroupPairs": [{"GroupId": APP}]}, "sg-app on 3000 to 4000"),
        ({"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "UserIdGroupPairs": [{"GroupId": "sg-x"}]}, "sg-x on 3306"),
    ],
)  # fmt: skip
def test_a_database_admits_the_application_tier_on_its_port_and_nobody_else(
    permission: dict[str, Any], offending: str
) -> None:
    """A rule too many, too wide, or from somebody else fails, whatever else is in the group."""
    found = _found()
    found.security_groups[0]["IpPermissions"].append(permission)
    (failed,) = _failed(found)
    assert (failed.setting, failed.found) == ("VpcSecurityGroups", f"sg-db admits {offending}")


def test_the_application_tier_admits_itself_alone() -> None:
    """Locust's workers are in it; an open port isn't."""
    found = _found()
    found.security_groups[2]["IpPermissions"].append(
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    )
    (failed,) = _failed(found)
    assert (failed.subject, failed.found) == ("application tier sg-app", "0.0.0.0/0 on 22")


def test_a_subnet_with_a_way_in_from_outside_fails_database_and_cache() -> None:
    """A route to an internet gateway, of the subnet's own table or of its VPC's main one; or public addresses at launch."""
    routed = _with("route_tables", Routes=[{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}])
    main = _with("route_tables", Associations=[{"Main": True}], Routes=[{"GatewayId": "igw-1"}])
    given = _with("subnets", MapPublicIpOnLaunch=True)
    for found, said in ((routed, "routes to igw-1"), (main, "routes to igw-1"), (given, "gives public addresses")):
        assert [(check.setting, check.found) for check in _failed(found)] == [
            ("DBSubnetGroup", f"subnet-1 {said}"),
            ("CacheSubnetGroup", f"subnet-1 {said}"),
        ]


def test_a_subnet_with_a_table_of_its_own_is_not_judged_by_the_main_one() -> None:
    """The main table leads outside, the subnet's own doesn't: private."""
    found = _found()
    outside = {"VpcId": "vpc-1", "Associations": [{"Main": True}], "Routes": [{"GatewayId": "igw-1"}]}
    assert _failed(replace(found, route_tables=[outside, *found.route_tables])) == []


def test_a_setting_that_the_answer_lacks_is_not_passed() -> None:
    """It is said to be not said."""
    found = _found()
    del found.instances[0]["StorageEncrypted"]
    assert [(check.setting, check.found) for check in _failed(found)] == [("StorageEncrypted", "not said")]


def test_a_cluster_is_checked_itself_and_its_members_for_their_network() -> None:
    """Storage, backups and protection are the cluster's; a member in public is found."""
    network = {"VpcSecurityGroups": [{"VpcSecurityGroupId": DB}], "Engine": "mysql"}
    cluster = {
        "DBClusterIdentifier": "c", "Port": 3306, "StorageEncrypted": True, "MultiAZ": True, "BackupRetentionPeriod": 7,
        "DeletionProtection": False, "DBSubnetGroup": "inside", "DBClusterParameterGroup": "demo-c", **network,
    }  # fmt: skip
    member = {
        "DBInstanceIdentifier": "c-1", "DBClusterIdentifier": "c", "PubliclyAccessible": True, "Endpoint": {"Port": 3306},
        "DBSubnetGroup": {"Subnets": [{"SubnetIdentifier": "subnet-1"}]}, **network,
    }  # fmt: skip
    found = replace(
        _found(), instances=[member], clusters=[cluster],
        db_subnet_groups=[{"DBSubnetGroupName": "inside", "Subnets": [{"SubnetIdentifier": "subnet-1"}]}],
    )  # fmt: skip
    wanted = replace(WANTED, topologies={"mysql": "multi_az_cluster"})
    assert [(check.subject, check.setting) for check in _failed(found, wanted)] == [
        ("RDS instance c-1", "PubliclyAccessible")
    ]
    public = replace(found, clusters=[{**cluster, "StorageEncrypted": False, "BackupRetentionPeriod": 0}])
    assert [check.setting for check in _failed(public, wanted)] == [
        "PubliclyAccessible",
        "StorageEncrypted",
        "BackupRetentionPeriod",
    ]


def test_what_was_asked_for_and_is_not_there_fails() -> None:
    """Nothing found is nothing checked, and that isn't passed; what wasn't asked for needn't be there."""
    failed = _failed(Found(), Wanted(topologies={"postgres": "single_az"}))
    assert [(check.setting, check.found) for check in failed] == [
        ("postgres databases", "none"), ("caches", "none"), ("tables", "none"),
    ]  # fmt: skip
    assert checks(Found(), Wanted(tables=False, caches=False)) == ()


def test_protection_that_was_asked_for_must_be_there() -> None:
    """On the database and on the table."""
    failed = _failed(_found(), replace(WANTED, deletion_protection=True))
    assert [check.setting for check in failed] == ["DeletionProtection", "DeletionProtectionEnabled"]
