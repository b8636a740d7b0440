"""Each rule over the template finds its violation, planted in a copy; the template itself has none."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.aws.template import Template, load
from harness.aws.template_rules import checks, violations

Resources = dict[str, Any]
Plant = Callable[[Resources], object]


def properties(resources: Resources, name: str) -> dict[str, Any]:
    found: dict[str, Any] = resources[name]["Properties"]
    return found


def put(name: str, setting: str, value: Any) -> Plant:
    return lambda resources: properties(resources, name).update({setting: value})


def drop(name: str, setting: str) -> Plant:
    return lambda resources: properties(resources, name).pop(setting)


def add(name: str, kind: str, **its: Any) -> Plant:
    return lambda resources: resources.update({name: {"Type": kind, "Properties": its}})


def admit(group: str, **rule: Any) -> Plant:
    """One more ingress rule inside the group."""
    rule = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306} | rule
    return lambda resources: properties(resources, group)["SecurityGroupIngress"].append(rule)


def launched(change: Callable[[dict[str, Any]], object]) -> Plant:
    return lambda resources: change(properties(resources, "GeneratorTemplate")["LaunchTemplateData"])


def attribute(name: str, its: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, its]}


APPLICATION = attribute("ApplicationSecurityGroup", "GroupId")
OTHER = attribute("EndpointSecurityGroup", "GroupId")
EVERYONE = {"CidrIp": "0.0.0.0/0"}


def test_the_template_violates_nothing() -> None:
    """And that was looked at: every database, cache, table, proxy, subnet and bucket has checks."""
    assert violations(load()) == ()
    subjects = {check.subject for check in checks(load())}
    kinds = ("DBInstance", "DBCluster", "ReplicationGroup", "DynamoDB::Table", "DBProxy", "EC2::Subnet", "S3::Bucket")
    expected = {name for name, each in load().resources.items() if each["Type"].endswith(kinds)}
    assert len(expected) == 2 + 2 + 1 + 2 + 2 + 6 + 1
    assert expected <= subjects


@pytest.mark.parametrize(
    ("plant", "subject", "setting"),
    [
        # no public database
        (put("MySqlDatabase", "PubliclyAccessible", True), "MySqlDatabase", "PubliclyAccessible"),
        (drop("PostgresDatabase", "PubliclyAccessible"), "PostgresDatabase", "PubliclyAccessible"),
        (put("MySqlClusterDatabase", "PubliclyAccessible", {"Fn::If": ["Sql", False, True]}), "MySqlClusterDatabase", "PubliclyAccessible"),
        (put("MySqlDatabase", "PubliclyAccessible", {"Ref": "DeletionProtection"}), "MySqlDatabase", "PubliclyAccessible"),
        # no open ingress, in any security group
        (admit("EndpointSecurityGroup", **EVERYONE), "EndpointSecurityGroup", "ingress"),
        (admit("MySqlSecurityGroup", CidrIpv6="::/0"), "MySqlSecurityGroup", "ingress"),
        (admit("ProxySecurityGroup", SourceSecurityGroupId=APPLICATION, **EVERYONE), "ProxySecurityGroup", "ingress"),
        (admit("CacheSecurityGroup", SourceSecurityGroupId="sg-12345678"), "CacheSecurityGroup", "ingress"),
        (
            add("Open", "AWS::EC2::SecurityGroupIngress", GroupId=APPLICATION, IpProtocol="tcp", FromPort=22, ToPort=22, **EVERYONE),
            "ApplicationSecurityGroup", "ingress",
        ),
        (add("Open", "AWS::EC2::SecurityGroupIngress", GroupId="sg-12345678", IpProtocol="-1", **EVERYONE), "Open", "GroupId"),
        # the application tier alone, on the database's own port
        (admit("MySqlSecurityGroup", SourceSecurityGroupId=OTHER), "MySqlDatabase", "admits"),
        (admit("MySqlSecurityGroup", SourceSecurityGroupId=APPLICATION, FromPort=22, ToPort=22), "MySqlClusterDatabase", "admits"),
        (admit("PostgresSecurityGroup", SourceSecurityGroupId=APPLICATION, FromPort=5432, ToPort=5433), "PostgresDatabase", "admits"),
        (admit("CacheSecurityGroup", SourceSecurityGroupId=APPLICATION, FromPort=6379, ToPort=6379, IpProtocol="-1"), "CacheGroup", "admits"),
        (put("CacheGroup", "Port", 6380), "CacheGroup", "admits"),
        (put("MySqlDatabase", "VPCSecurityGroups", [OTHER]), "MySqlDatabase", "admits"),
        (put("MySqlDatabase", "VPCSecurityGroups", ["sg-12345678"]), "MySqlDatabase", "VPCSecurityGroups"),
        (drop("PostgresClusterDatabase", "VpcSecurityGroupIds"), "PostgresClusterDatabase", "VpcSecurityGroupIds"),
        (
            put("CacheGroup", "SecurityGroupIds", {"Fn::If": ["Sql", [attribute("CacheSecurityGroup", "GroupId")], [OTHER]]}),
            "CacheGroup", "admits",
        ),
        # encrypted at rest and on the way
        (put("PostgresDatabase", "StorageEncrypted", False), "PostgresDatabase", "StorageEncrypted"),
        (drop("MySqlClusterDatabase", "StorageEncrypted"), "MySqlClusterDatabase", "StorageEncrypted"),
        (put("CacheGroup", "AtRestEncryptionEnabled", False), "CacheGroup", "AtRestEncryptionEnabled"),
        (put("CacheGroup", "TransitEncryptionEnabled", False), "CacheGroup", "TransitEncryptionEnabled"),
        (put("CacheGroup", "TransitEncryptionMode", "preferred"), "CacheGroup", "TransitEncryptionMode"),
        (put("MySqlProxy", "RequireTLS", False), "MySqlProxy", "RequireTLS"),
        (put("MySqlParameters", "Parameters", {"sync_binlog": "1"}), "MySqlParameters", "require_secure_transport"),
        (put("PostgresClusterParameters", "Parameters", {"rds.force_ssl": "0"}), "PostgresClusterParameters", "rds.force_ssl"),
        (launched(lambda data: data["BlockDeviceMappings"][0]["Ebs"].pop("Encrypted")), "GeneratorTemplate", "volume /dev/xvda: Encrypted"),
        (drop("RunBucket", "BucketEncryption"), "RunBucket", "BucketEncryption"),
        # passwords are nowhere in it
        (drop("MySqlDatabase", "ManageMasterUserPassword"), "MySqlDatabase", "ManageMasterUserPassword"),
        (put("PostgresDatabase", "MasterUserPassword", "hunter2"), "PostgresDatabase", "MasterUserPassword"),
        (put("CacheGroup", "AuthToken", "hunter2hunter2hunter2"), "CacheGroup", "AuthToken"),
        (drop("CacheGroup", "AuthToken"), "CacheGroup", "AuthToken"),
        # backups
        (put("MySqlDatabase", "BackupRetentionPeriod", 0), "MySqlDatabase", "BackupRetentionPeriod"),
        (drop("PostgresClusterDatabase", "BackupRetentionPeriod"), "PostgresClusterDatabase", "BackupRetentionPeriod"),
        (put("MySqlDatabase", "BackupRetentionPeriod", {"Ref": "CacheReplicas"}), "MySqlDatabase", "BackupRetentionPeriod"),
        (drop("OnDemandTable", "PointInTimeRecoverySpecification"), "OnDemandTable", "PointInTimeRecoveryEnabled"),
        # private subnets
        (add("Gateway", "AWS::EC2::InternetGateway"), "Vpc", "gateways and routes"),
        (add("Nat", "AWS::EC2::NatGateway", SubnetId={"Ref": "ApplicationSubnetA"}), "Vpc", "gateways and routes"),
        (
            add("Out", "AWS::EC2::Route", RouteTableId={"Ref": "DatabaseRoutes"}, DestinationCidrBlock="0.0.0.0/0", GatewayId="igw-1"),
            "Vpc", "gateways and routes",
        ),
        (put("DatabaseSubnetB", "MapPublicIpOnLaunch", True), "DatabaseSubnetB", "MapPublicIpOnLaunch"),
        (put("DatabaseSubnets", "SubnetIds", ["subnet-12345678", {"Ref": "DatabaseSubnetB"}]), "DatabaseSubnets", "SubnetIds"),
        (drop("CacheSubnets", "SubnetIds"), "CacheSubnets", "SubnetIds"),
        # the bucket
        (drop("RunBucket", "PublicAccessBlockConfiguration"), "RunBucket", "BlockPublicPolicy"),
        # generators
        (launched(lambda data: data.update(KeyName="anna")), "GeneratorTemplate", "KeyName"),
        (launched(lambda data: data["NetworkInterfaces"][0].update(AssociatePublicIpAddress=True)), "GeneratorTemplate", "AssociatePublicIpAddress"),
        (launched(lambda data: data["MetadataOptions"].update(HttpTokens="optional")), "GeneratorTemplate", "HttpTokens"),
        # tags
        (drop("Vpc", "Tags"), "Vpc", "Tags"),
        (put("OnDemandTable", "Tags", [{"Key": "dbharness", "Value": {"Ref": "AWS::StackName"}}]), "OnDemandTable", "Tags"),
        (lambda resources: properties(resources, "CacheSecret")["Tags"][0].update(Value="other"), "CacheSecret", "Tags"),
        (launched(lambda data: data["TagSpecifications"].pop(0)), "GeneratorTemplate", "Tags of instance"),
        (drop("GeneratorTemplate", "TagSpecifications"), "GeneratorTemplate", "Tags of launch-template"),
        (add("Queue", "AWS::SQS::Queue"), "Queue", "Type"),
    ],
)  # fmt: skip
def test_what_is_planted_is_found(plant: Plant, subject: str, setting: str) -> None:
    """The resource and its setting are named."""
    sound = load()
    plant(sound.resources)  # type: ignore[arg-type]
    found = {(check.subject, check.setting) for check in violations(sound)}
    assert (subject, setting) in found


@pytest.mark.parametrize(
    "plant",
    [
        put("MySqlDatabase", "PubliclyAccessible", {"Fn::If": ["Sql", False, False]}),
        put("MySqlDatabase", "BackupRetentionPeriod", 7),
        put("MySqlSecurityGroup", "SecurityGroupIngress", []),
        put("DatabaseSubnets", "SubnetIds", [{"Ref": "DatabaseSubnetA"}, {"Ref": "DatabaseSubnetB"}]),
    ],
)
def test_what_is_as_good_is_no_violation(plant: Plant) -> None:
    """Another way to write what the rules want, or stricter still."""
    sound = load()
    plant(sound.resources)  # type: ignore[arg-type]
    assert violations(sound) == ()


def test_a_template_without_a_tier_has_databases_that_nobody_may_reach() -> None:
    """Without generators' launch template, which group is the application tier's isn't known, so no admission is right."""
    sound = load()
    resources = {name: each for name, each in sound.resources.items() if name != "GeneratorTemplate"}
    cut = Template(parameters=sound.parameters, conditions=sound.conditions, outputs=sound.outputs, resources=resources)
    assert ("MySqlDatabase", "admits") in {(check.subject, check.setting) for check in violations(cut)}
