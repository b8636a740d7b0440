"""`dbharness aws up`, `check`, `down` and `sweep` as a user runs them, against moto's server; nothing leaves this machine.

moto's CloudFormation can't make all of the template (F11): what it lacks is asked of it, taken out of the template, and made
by direct calls with the stack's tag where `check` and `down` look for it. The tests say which that is.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import moto_template
import pytest

from harness.local.processes import Warden
from harness.paths import PROJECT_ROOT
from tools.emulators import HOST, start_moto

NAME = "dbharness-ci"
TAGS = [{"Key": "dbharness", "Value": NAME}]
LACKING = {
    "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::ElastiCache::ParameterGroup", "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::SubnetGroup",
    "AWS::RDS::DBCluster", "AWS::RDS::DBClusterParameterGroup", "AWS::RDS::DBProxy", "AWS::RDS::DBProxyTargetGroup",
    "AWS::S3::BucketPolicy", "AWS::SecretsManager::Secret",
}  # fmt: skip
Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def reduced() -> moto_template.Reduced:
    return moto_template.reduced(moto_template.types_known())


@pytest.fixture
def url() -> Iterator[str]:
    """A moto with nothing in it."""
    keeper = Warden.start()
    yield f"http://{HOST}:{start_moto(keeper)}"
    keeper.close()


@pytest.fixture
def client(url: str) -> Client:
    def make(service: str) -> Any:
        return boto3.client(
            service, region_name="us-east-1", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x"
        )

    return make


@pytest.fixture
def aws(url: str, reduced: moto_template.Reduced, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Runs `dbharness aws …` in a process of its own: exit code, output, errors."""
    template = tmp_path / "template.json"
    template.write_text(reduced.body)

    def run(command: str, *more: str) -> tuple[int, str, str]:
        extra = ("--template", str(template), "--parameter", "CacheShards=0") if command == "up" else ()
        argv = [sys.executable, "-m", "harness.cli", "aws", command, *more, *extra, "--target-endpoint", url]
        done = subprocess.run(
            argv, cwd=PROJECT_ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    return run


def _as_the_template_has_it(client: Client) -> None:
    """moto can't read an instance's parameter group from a template: it is set by hand."""
    rds = client("rds")
    for instance in rds.describe_db_instances()["DBInstances"]:
        group = f"{NAME}-{instance['Engine']}"
        family = {"mysql": "mysql8.4", "postgres": "postgres17"}[instance["Engine"]]
        rds.create_db_parameter_group(DBParameterGroupName=group, DBParameterGroupFamily=family, Description="its own")
        rds.modify_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], DBParameterGroupName=group)


def _the_network_deleted(client: Client) -> None:
    """What CloudFormation does and moto's doesn't: route tables, and the VPC that they hold."""
    ec2 = client("ec2")
    ours = [{"Name": "tag:dbharness", "Values": [NAME]}]
    for table in ec2.describe_route_tables(Filters=ours)["RouteTables"]:
        for tie in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=tie["RouteTableAssociationId"])
        ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    for vpc in ec2.describe_vpcs(Filters=ours)["Vpcs"]:
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def _failed(output: str) -> list[str]:
    return [line.strip() for line in output.splitlines() if line.strip().startswith("FAIL")]


def test_moto_lacks_what_the_facts_say_and_the_rest_is_deployed(reduced: moto_template.Reduced) -> None:
    """Derived by asking moto; what leans on it (two policies and a role) goes with it."""
    assert set(reduced.unknown.values()) == LACKING
    assert set(reduced.leaning.values()) == {"AWS::IAM::Policy", "AWS::IAM::Role"}


def test_a_stack_goes_up_is_checked_made_public_found_out_and_goes_down(
    aws: Callable[..., tuple[int, str, str]], client: Client
) -> None:
    """The whole way of a user in CI; run again at each step."""
    code, output, errors = aws("up", NAME, "--yes")
    assert code == 0, errors
    assert f"stack {NAME} is up" in output
    assert "at least $" in errors
    assert "until it may be swept, 8 h" in errors
    code, _, errors = aws("up", NAME, "--yes")
    assert (code, "is as ordered already" in errors) == (0, True), errors

    _as_the_template_has_it(client)
    code, output, errors = aws("check", NAME)
    assert (code, _failed(output)) == (0, []), output + errors

    rds, ec2 = client("rds"), client("ec2")
    mysql = next(each for each in rds.describe_db_instances()["DBInstances"] if each["Engine"] == "mysql")
    rds.modify_db_instance(DBInstanceIdentifier=mysql["DBInstanceIdentifier"], PubliclyAccessible=True)
    (group,) = mysql["VpcSecurityGroups"]
    anyone = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group["VpcSecurityGroupId"], IpPermissions=[anyone])
    code, output, _ = aws("check", NAME)
    assert code == 1
    public, opened = _failed(output)
    assert "PubliclyAccessible: expected no, found yes" in public
    assert f"{group['VpcSecurityGroupId']} admits 0.0.0.0/0 on 3306" in opened

    client("s3").put_object(Bucket=_bucket(client), Key="samples.parquet", Body=b"x")
    code, _, errors = aws("down", NAME)
    assert (code, "nobody is there to ask, so nothing was done" in errors) == (2, True), errors
    code, _, errors = aws("down", NAME, "--yes")
    assert (code, "DependencyViolation" in errors) == (3, True), errors
    code, output, errors = aws("down", NAME, "--yes")
    assert (code, "STILL THERE: ec2:vpc vpc-" in output) == (1, True), output + errors
    _the_network_deleted(client)
    code, output, errors = aws("down", NAME, "--yes")
    assert (code, output) == (0, f"nothing carries dbharness={NAME} in us-east-1\n"), output + errors


def _bucket(client: Client) -> str:
    (bucket,) = client("s3").list_buckets()["Buckets"]
    return str(bucket["Name"])


def test_what_moto_cannot_make_from_a_template_is_made_directly_and_seen_by_check_and_down(
    aws: Callable[..., tuple[int, str, str]], client: Client
) -> None:
    """A cache without encryption, and a cluster without backups, each with the stack's tag: both fail, both are still there.

    The stack lives for a third of a second, so sweep finds it, and ends where moto's deletion does.

    moto's ElastiCache says neither security groups nor subnet groups of a replication group's nodes, so that these two
    checks fail here whatever they are; tests/unit/test_aws_posture.py covers them.
    """
    without = ("--parameter", "DynamoDb=off", "--parameter", "Generators=0")
    code, _, errors = aws("up", NAME, "--yes", "--hours", "0.0001", *without)
    assert code == 0, errors
    client("elasticache").create_replication_group(
        ReplicationGroupId="ci-cache", ReplicationGroupDescription="x", Engine="redis", CacheNodeType="cache.t4g.micro",
        NumCacheClusters=2, AutomaticFailoverEnabled=True, TransitEncryptionEnabled=False, AtRestEncryptionEnabled=True,
        Tags=TAGS,
    )  # fmt: skip
    client("rds").create_db_cluster(
        DBClusterIdentifier="ci-cluster", Engine="mysql", MasterUsername="u", MasterUserPassword="passw0rd!",
        DBClusterInstanceClass="db.m6gd.large", AllocatedStorage=100, Iops=1000, StorageType="io1", StorageEncrypted=False,
        Tags=TAGS,
    )  # fmt: skip
    client("secretsmanager").create_secret(Name="ci-token", SecretString="x", Tags=TAGS)
    code, output, errors = aws("check", NAME)
    assert code == 1, output + errors
    failed = "\n".join(_failed(output))
    assert "ElastiCache ci-cache TransitEncryptionEnabled: expected yes, found no" in failed
    assert "ElastiCache ci-cache AuthTokenEnabled: expected AUTH or a user group, found nobody" in failed
    assert "RDS cluster ci-cluster StorageEncrypted: expected yes, found no" in failed
    assert "AtRestEncryptionEnabled" not in failed
    code, output, errors = aws("sweep", "--yes")
    assert (code, f"stack {NAME} expired" in output, "DependencyViolation" in errors) == (1, True, True), (
        output + errors
    )
    code, output, errors = aws("down", NAME, "--yes")
    assert code == 1, output + errors
    for left in ("elasticache:replicationgroup ci-cache", "secretsmanager:secret ci-token"):
        assert f"STILL THERE: {left}" in output
    assert client("rds").describe_db_clusters()["DBClusters"] == []


def test_snapshots_and_a_restored_instance_go_with_the_stack_or_stay_by_choice(
    aws: Callable[..., tuple[int, str, str]], client: Client
) -> None:
    """Made beside the stack with its tag: the instance goes first, the snapshot only in the second down, without the choice."""
    code, _, errors = aws("up", NAME, "--yes", "--parameter", "DynamoDb=off", "--parameter", "Generators=0")
    assert code == 0, errors
    rds = client("rds")
    (source, *_) = rds.describe_db_instances()["DBInstances"]
    rds.create_db_snapshot(
        DBSnapshotIdentifier="nightly", DBInstanceIdentifier=source["DBInstanceIdentifier"], Tags=TAGS
    )
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="restored", DBSnapshotIdentifier="nightly", Tags=TAGS)
    _, _, errors = aws("down", NAME, "--yes", "--keep-snapshots")
    assert "removing rds:db restored" in errors
    _the_network_deleted(client)
    code, output, errors = aws("down", NAME, "--yes", "--keep-snapshots")
    assert (code, "kept: rds:snapshot nightly" in output) == (0, True), output + errors
    code, output, errors = aws("sweep", "--yes")
    assert (code, output) == (0, "nothing has expired\n"), errors
    code, output, errors = aws("down", NAME, "--yes")
    assert (code, output) == (0, f"nothing carries dbharness={NAME} in us-east-1\n"), output + errors
