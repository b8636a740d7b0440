"""Snapshots and restores against moto's RDS over HTTP: the calls as botocore sends them. moto's take no time at all."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.aws.api import Pace
from harness.aws.cli import app
from harness.aws.gateway import Aws
from harness.aws.restorable import Clusters, Databases, Instances
from harness.aws.snapshots import MADE, Operations, clean, left_behind
from harness.local.processes import Warden
from tools.emulators import HOST, start_moto

STACK = "dbharness-test"
OURS = [{"Key": "dbharness", "Value": STACK}]
PACE = Pace(poll_s=0.01, patience_s=5.0)


@pytest.fixture
def aws(warden: Warden) -> Aws:
    """An account with one instance and one Multi-AZ cluster of the stack's."""
    there = Aws("us-east-1", stack=STACK, endpoint_url=f"http://{HOST}:{start_moto(warden)}")
    there.client("rds").create_db_instance(
        DBInstanceIdentifier="shop", DBInstanceClass="db.t3.large", Engine="postgres", AllocatedStorage=20,
        MasterUsername="dbharness", MasterUserPassword="not-a-secret", Tags=OURS,
    )  # fmt: skip
    there.client("rds").create_db_cluster(
        DBClusterIdentifier="books", DBClusterInstanceClass="db.m6gd.large", Engine="mysql", EngineVersion="8.0.28",
        AllocatedStorage=100, Iops=1000, StorageType="io1", MasterUsername="dbharness", MasterUserPassword="not-a-secret",
        Tags=OURS,
    )  # fmt: skip
    return there


def names(databases: Databases) -> set[str]:
    """All that there is of one kind."""
    return {one.id for one in databases.made()} | {one.id for one in databases.copies()}


def test_an_instance_is_copied_restored_both_ways_and_nothing_is_left(aws: Aws) -> None:
    """The tags are on what was made; after the take-down only the source is there."""
    databases = Instances(aws)
    operations = Operations(databases, STACK, lambda _: None, pace=PACE)
    restored = operations.restore("shop")
    assert databases.look_at(restored.name).tags == {"dbharness": STACK, MADE: operations.id}
    assert restored.available_s >= 0
    operations.restore_to_point_in_time("shop")
    assert len(names(databases)) == 4
    operations.take_down()
    assert names(databases) == {"shop"}


def test_a_cluster_is_copied_and_restored_from_its_snapshot(aws: Aws) -> None:
    """moto has no restore of a cluster to a point in time: that call is held to botocore's model in the unit tests."""
    databases = Clusters(aws)
    operations = Operations(databases, STACK, lambda _: None, pace=PACE)
    restored = operations.restore("books")
    assert databases.look_at(restored.name).tags == {"dbharness": STACK, MADE: operations.id}
    operations.take_down()
    assert names(databases) == {"books"}


def test_what_an_operation_left_is_found_and_taken_down_by_the_next(aws: Aws) -> None:
    """One that never came to its end, in both kinds."""
    for databases, name in ((Instances(aws), "shop"), (Clusters(aws), "books")):
        Operations(databases, STACK, lambda _: None, pace=PACE).restore(name)
        made, copies = left_behind(databases, STACK)
        assert (len(made), len(copies)) == (1, 1)
        assert clean(databases, STACK, lambda _: None, PACE) == 2
        assert names(databases) == {name}


def test_the_command_writes_findings_and_leaves_nothing(aws: Aws, tmp_path: Path) -> None:
    """`dbharness aws restore --instance shop --point-in-time`, on a stack that moto's CloudFormation has."""
    aws.client("cloudformation").create_stack(
        StackName=STACK, Tags=OURS,
        TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}',
    )  # fmt: skip
    said = CliRunner().invoke(
        app, ["restore", "--stack", STACK, "--instance", "shop", "--point-in-time", "--yes", "--out", str(tmp_path / "out"),
              "--target-endpoint", str(aws.endpoint_url)],
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    found = json.loads((tmp_path / "out" / "findings.json").read_text())
    assert [one["id"] for one in found] == [
        "aws_operations.rpo_s", "aws_operations.rpo_row_s", "aws_operations.rto_s", "aws_operations.rto_s",
    ]  # fmt: skip
    assert {one["basis"] for one in found} == {"local_model"}  # what answered wasn't AWS
    assert names(Instances(aws)) == {"shop"}
