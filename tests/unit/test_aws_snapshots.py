"""Snapshots and restores are timed, tagged by the call that makes them, and taken down again whatever happens."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from scripted_aws import ScriptedAws, model_of
from scripted_rds import Killed, ScriptedRds, killed_after, tags_of

from harness.aws import operation_findings, restorable
from harness.aws.api import Pace
from harness.aws.failures import AwsError
from harness.aws.restorable import Clusters, Database, Instances
from harness.aws.safety import Refused
from harness.aws.snapshots import EXPIRES, KEPT, MADE, Answer, Operations, clean, left_behind
from harness.errors import CannotMeasure
from reports.findings import Finding

STACK = "dbharness-test"
CREATES = (
    "CreateDBSnapshot", "CreateDBClusterSnapshot", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime",
    "RestoreDBClusterFromSnapshot", "RestoreDBClusterToPointInTime",
)  # fmt: skip


class Place:
    """An RDS with one instance of the stack's, and operations on it that look every 5 s."""

    def __init__(self) -> None:
        self.aws = ScriptedAws(STACK)
        self.rds = ScriptedRds(self.aws)
        self.rds.source("shop", {"dbharness": STACK})
        self.databases = Instances(self.aws.gateway())
        self.said: list[str] = []
        self.pace = Pace(monotonic_s=lambda: self.rds.clock, sleep=self.rds.sleep, poll_s=5.0, patience_s=600.0)

    def operations(self, *, keep: bool = False, probe: object = None) -> Operations:
        return Operations(
            self.databases, STACK, self.said.append, expires="2026-12-01T00:00:00Z", keep=keep,
            probe=probe, pace=self.pace,  # type: ignore[arg-type]
        )  # fmt: skip

    @property
    def names(self) -> set[str]:
        return {*self.rds.instances, *self.rds.snapshots}


@pytest.fixture
def place() -> Place:
    return Place()


class Newest:
    """Answers 20 s after it was asked, with the newest row of each database."""

    def __init__(self, rds: ScriptedRds, **rows: datetime) -> None:
        self.rds, self.rows = rds, rows

    def ask(self, database: Database) -> Answer:
        self.rds.sleep(20)
        return Answer(newest=self.rows["shop" if database.id == "shop" else "restored"])


def test_a_snapshot_is_timed_from_asking_until_it_is_available(place: Place) -> None:
    """It takes 40 s and is looked at every 5 s: 40 s."""
    copied = place.operations().snapshot("shop")
    assert copied.took_s == 40
    (finding,) = operation_findings.of_snapshot(copied)
    assert (finding["id"], finding["value"], finding["n"]) == ("aws_operations.snapshot_s", 40, 1)
    assert "a Multi-AZ instance (postgres 17.9, db.t3.large, 20 GB) took 40 s" in finding["sentence"]


def test_a_restore_from_a_snapshot_loses_what_came_after_it_began(place: Place) -> None:
    """Snapshot begun at 0, available after 40 s, asked for then: 40 s old; restored in 300 s, answering 20 s later.

    The source was asked for its newest row before the snapshot, which is why everything there is 20 s later.
    """
    rows = {
        "shop": datetime(2026, 11, 28, 12, 0, 9, tzinfo=UTC),
        "restored": datetime(2026, 11, 28, 12, 0, 2, tzinfo=UTC),
    }
    restored = place.operations(probe=Newest(place.rds, **rows)).restore("shop")
    assert (restored.behind_s, restored.available_s, restored.answers_s, restored.row_behind_s) == (40, 300, 320, 7)
    by_name = {(f["id"], f["labels"].get("until")): f["value"] for f in operation_findings.of_restore(restored)}
    assert by_name == {
        ("aws_operations.rpo_s", None): 40, ("aws_operations.rpo_row_s", None): 7,
        ("aws_operations.rto_s", "available"): 300, ("aws_operations.rto_s", "answers"): 320,
    }  # fmt: skip


def test_to_a_point_in_time_the_newest_restorable_time_says_what_would_be_lost(place: Place) -> None:
    """RDS could restore to 240 s ago, by its own clock, wherever ours stands; without a probe two figures aren't measured."""
    restored = place.operations().restore_to_point_in_time("shop")
    assert (restored.behind_s, restored.available_s, restored.answers_s) == (240, 300, None)
    (asked,) = place.aws.asked("RestoreDBInstanceToPointInTime")
    assert asked["UseLatestRestorableTime"] is True
    found = [Finding(**finding) for finding in operation_findings.of_restore(restored)]
    assert [one.status for one in found] == ["measured", "not_measured", "measured", "not_measured"]
    assert found[1].reason == "no row was asked for: give --probe-sql"


def test_a_restore_to_a_given_time_asks_for_that_time(place: Place) -> None:
    """As it was given."""
    at = datetime(2026, 11, 28, 11, 0, tzinfo=UTC)
    place.operations().restore_to_point_in_time("shop", at)
    (asked,) = place.aws.asked("RestoreDBInstanceToPointInTime")
    assert asked["RestoreTime"] == at
    assert "UseLatestRestorableTime" not in asked


def test_what_is_restored_is_like_its_source_and_never_public(place: Place) -> None:
    """Class, subnets, security group and parameters are the source's."""
    place.operations().restore_to_point_in_time("shop")
    (asked,) = place.aws.asked("RestoreDBInstanceToPointInTime")
    assert asked["PubliclyAccessible"] is False
    assert asked["DeletionProtection"] is False
    assert (asked["DBInstanceClass"], asked["DBSubnetGroupName"], asked["VpcSecurityGroupIds"], asked["MultiAZ"]) == (
        "db.t3.large", "private", ["sg-1"], True,
    )  # fmt: skip


def test_everything_made_is_taken_down(place: Place) -> None:
    """The restored instance and the snapshot are gone, the source isn't."""
    operations = place.operations()
    operations.restore("shop")
    assert len(place.names) == 3
    operations.take_down()
    assert place.names == {"shop"}


def test_what_is_to_be_kept_is_kept_and_says_so_in_its_tags(place: Place) -> None:
    """With --keep nothing is deleted, now or by a later clean."""
    operations = place.operations(keep=True)
    operations.restore("shop")
    operations.take_down()
    assert clean(place.databases, STACK, place.said.append, place.pace) == 0
    assert len(place.names) == 3
    assert tags_of(place.aws.asked("CreateDBSnapshot")[0])[KEPT] == "true"


@pytest.mark.parametrize(
    "operation", ["CreateDBSnapshot", "RestoreDBInstanceFromDBSnapshot", "RestoreDBInstanceToPointInTime"]
)
def test_a_process_killed_right_after_a_call_that_makes_something_leaves_nothing_unfound(
    place: Place, operation: str
) -> None:
    """AWS did it, nobody of ours heard the answer: the tags were in the call, so the next command finds and deletes it."""
    place.aws.on("rds", operation, killed_after(place.aws.handlers["rds", operation]))
    operations = place.operations()
    with pytest.raises(Killed):
        operations.restore_to_point_in_time("shop") if "PointInTime" in operation else operations.restore("shop")
    made, copies = left_behind(place.databases, STACK)
    assert {*made, *copies} == place.names - {"shop"} != set()
    clean(place.databases, STACK, place.said.append, place.pace)
    assert place.names == {"shop"}


@pytest.mark.parametrize("operation", CREATES)
def test_the_calls_that_make_something_take_tags_by_botocores_model(operation: str) -> None:
    """So there is no moment between making and tagging."""
    tags = model_of("rds").operation_model(operation).input_shape.members["Tags"]
    assert tags.member.name == "Tag"


def test_every_call_that_makes_something_passes_tags_and_none_adds_them_later() -> None:
    """By the source itself: each of the six has the keyword, and AddTagsToResource isn't called."""
    tree = ast.parse(Path(restorable.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) == 2]
    named = {
        node.args[1].value: {word.arg for word in node.keywords}
        for node in calls
        if isinstance(node.args[1], ast.Constant)
    }
    assert {name for name, words in named.items() if "Tags" in words} == set(CREATES)
    assert "AddTagsToResource" not in named


def test_the_tags_say_whose_it_is_what_made_it_and_until_when(place: Place) -> None:
    """As sent."""
    operations = place.operations()
    operations.snapshot("shop")
    (asked,) = place.aws.asked("CreateDBSnapshot")
    assert tags_of(asked) == {"dbharness": STACK, MADE: operations.id, EXPIRES: "2026-12-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("operation", "code", "trouble", "left"),
    [
        ("CreateDBSnapshot", "AccessDenied", "denied", 0),
        ("CreateDBSnapshot", "SnapshotQuotaExceeded", "quota", 0),
        ("CreateDBSnapshot", "ExpiredToken", "expired", 0),
        ("CreateDBSnapshot", "Throttling", "throttled", 0),
        ("CreateDBSnapshot", "InvalidDBInstanceState", "conflict", 0),
        ("RestoreDBInstanceFromDBSnapshot", "AccessDenied", "denied", 1),
        ("RestoreDBInstanceFromDBSnapshot", "InstanceQuotaExceeded", "quota", 1),
        ("RestoreDBInstanceFromDBSnapshot", "InsufficientDBInstanceCapacity", "capacity", 1),
    ],
)
def test_what_aws_refuses_is_said_and_what_was_made_before_is_taken_down(
    place: Place, operation: str, code: str, trouble: str, left: int
) -> None:
    """The snapshot that a refused restore was to come from goes too."""
    place.aws.fail("rds", operation, code, "no")
    operations = place.operations()
    with pytest.raises(AwsError) as caught:
        operations.restore("shop")
    assert caught.value.trouble == trouble
    assert len(place.names) == 1 + left
    operations.take_down()
    assert place.names == {"shop"}


@pytest.mark.parametrize("status", ["incompatible-restore", "failed", "storage-full"])
def test_a_restore_that_ends_broken_is_not_measured_and_taken_down(place: Place, status: str) -> None:
    """RDS ends in a state that it doesn't leave by itself."""
    place.rds.ends_as = status
    operations = place.operations()
    with pytest.raises(CannotMeasure, match=f"is {status}: RDS's events say why"):
        operations.restore_to_point_in_time("shop")
    operations.take_down()
    assert place.names == {"shop"}


def test_a_restore_that_never_ends_is_given_up_and_said(place: Place) -> None:
    """After the patience, with the state it is in; it is deleted once RDS lets it be."""
    place.rds.ends_as = "modifying"
    operations = place.operations()
    with pytest.raises(CannotMeasure, match="is modifying after 600 s"):
        operations.restore_to_point_in_time("shop")
    operations.take_down()
    assert place.names == {"shop"}


def test_a_token_that_expires_while_waiting_leaves_what_was_made_named_and_findable(place: Place) -> None:
    """Nothing can be deleted any more: the error names what is billed and the command; with new credentials it is gone."""
    operations, describe = place.operations(), place.aws.handlers["rds", "DescribeDBInstances"]
    looked = 0

    def expires(asked: dict[str, object]) -> dict[str, object]:
        nonlocal looked
        looked += 1
        if looked > 3:
            place.aws.fail("rds", "DescribeDBInstances", "ExpiredToken", "The security token is expired")
        return describe(asked)

    place.aws.on("rds", "DescribeDBInstances", expires)
    with pytest.raises(AwsError) as caught:
        operations.restore_to_point_in_time("shop")
    assert caught.value.trouble == "expired"
    with pytest.raises(CannotMeasure, match=rf"still there and billed: {STACK}-back-.*restore --clean"):
        operations.take_down()
    place.aws.on("rds", "DescribeDBInstances", describe)
    place.rds.sleep(600)
    clean(place.databases, STACK, place.said.append, place.pace)
    assert place.names == {"shop"}


def test_what_is_still_being_created_is_deleted_once_it_can_be(place: Place) -> None:
    """Killed while it was restored: RDS refuses to delete for 300 s, and is asked again."""
    place.aws.on(
        "rds",
        "RestoreDBInstanceToPointInTime",
        killed_after(place.aws.handlers["rds", "RestoreDBInstanceToPointInTime"]),
    )
    with pytest.raises(Killed):
        place.operations().restore_to_point_in_time("shop")
    clean(place.databases, STACK, place.said.append, place.pace)
    assert place.names == {"shop"}
    assert place.rds.clock >= 300


def test_nothing_without_our_tag_is_touched(place: Place) -> None:
    """Somebody else's operation in the same account, and the stack's own database, stay whatever clean does."""
    place.rds.source("theirs", {"dbharness": "dbharness-other", MADE: "x"})
    place.rds.source("plain", {})
    assert clean(place.databases, STACK, place.said.append, place.pace) == 0
    assert place.names == {"shop", "theirs", "plain"}


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({}, "has no tag dbharness"),
        ({"dbharness": "dbharness-other"}, "dbharness=dbharness-other"),
        ({"dbharness": STACK, "env": "prod"}, "looks like production"),
    ],
)
def test_what_is_not_ours_is_neither_copied_nor_restored(place: Place, tags: dict[str, str], why: str) -> None:
    """A snapshot stops a single instance's writes for a moment, and a restore copies somebody's data into our subnets."""
    place.rds.source("orders", tags)
    for act in (Operations.snapshot, Operations.restore, Operations.restore_to_point_in_time):
        with pytest.raises(Refused, match=why):
            act(place.operations(), "orders")
    assert place.names == {"shop", "orders"}


def test_a_snapshot_that_is_not_ours_is_not_restored(place: Place) -> None:
    """Named by hand, of our own database: somebody else made it, and may delete it."""
    place.rds.snapshots["nightly"] = {"of": "shop", "tags": {}, "ready_s": 0.0, "taken": place.rds.now()}
    with pytest.raises(Refused, match="DB snapshot nightly is refused: it has no tag"):
        place.operations().restore("shop", "nightly")
    assert place.names == {"shop", "nightly"}


def test_backups_that_are_off_are_said_before_anything_is_made(place: Place) -> None:
    """No restorable time, no restore."""
    described = place.aws.handlers["rds", "DescribeDBInstances"]

    def without(asked: dict[str, object]) -> dict[str, object]:
        answer = described(asked)
        for one in answer["DBInstances"]:  # type: ignore[attr-defined]
            del one["LatestRestorableTime"]
        return answer

    place.aws.on("rds", "DescribeDBInstances", without)
    with pytest.raises(CannotMeasure, match="automated backups are off"):
        place.operations().restore_to_point_in_time("shop")
    assert place.names == {"shop"}


def test_a_cluster_is_copied_restored_and_deleted_by_the_clusters_own_calls() -> None:
    """Available at once, so 0 s; class, storage and place are the source's, the answers are held to botocore's models."""
    aws = ScriptedAws(STACK)
    made: dict[str, list[dict[str, str]]] = {"books": [{"Key": "dbharness", "Value": STACK}]}
    copies: dict[str, list[dict[str, str]]] = {}

    def clusters(asked: dict[str, object]) -> dict[str, object]:
        if asked["DBClusterIdentifier"] not in made:
            from scripted_aws import Fault

            raise Fault("DBClusterNotFoundFault", "not found")
        name = str(asked["DBClusterIdentifier"])
        return {"DBClusters": [{
            "DBClusterIdentifier": name, "Status": "available", "Engine": "mysql", "EngineVersion": "8.4.9",
            "DBClusterInstanceClass": "db.m6gd.large", "AllocatedStorage": 100, "Iops": 1000, "StorageType": "io1",
            "DBSubnetGroup": "private", "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}], "Endpoint": f"{name}.x",
            "DBClusterParameterGroup": "ours", "TagList": made[name], "DBClusterArn": f"arn:aws:rds:r:1:cluster:{name}",
            "LatestRestorableTime": datetime.now(UTC) - timedelta(seconds=90),
        }]}  # fmt: skip

    def snapshots(asked: dict[str, object]) -> dict[str, object]:
        name = str(asked["DBClusterSnapshotIdentifier"])
        return {"DBClusterSnapshots": [{
            "DBClusterSnapshotIdentifier": name, "DBClusterIdentifier": "books", "Status": "available",
            "TagList": copies[name], "DBClusterSnapshotArn": f"arn:aws:rds:r:1:cluster-snapshot:{name}",
        }]}  # fmt: skip

    def keep(where: dict[str, list[dict[str, str]]], key: str):  # type: ignore[no-untyped-def]
        def act(asked: dict[str, object]) -> dict[str, object]:
            where[str(asked[key])] = asked["Tags"]  # type: ignore[assignment]
            return {}

        return act

    aws.on("rds", "DescribeDBClusters", clusters)
    aws.on("rds", "DescribeDBClusterSnapshots", snapshots)
    aws.on("rds", "CreateDBClusterSnapshot", keep(copies, "DBClusterSnapshotIdentifier"))
    aws.on("rds", "RestoreDBClusterFromSnapshot", keep(made, "DBClusterIdentifier"))
    aws.on("rds", "RestoreDBClusterToPointInTime", keep(made, "DBClusterIdentifier"))
    aws.on("rds", "DeleteDBCluster", lambda asked: made.pop(asked["DBClusterIdentifier"]) and {})
    aws.on("rds", "DeleteDBClusterSnapshot", lambda asked: copies.pop(asked["DBClusterSnapshotIdentifier"]) and {})
    operations = Operations(Clusters(aws.gateway()), STACK, lambda _: None)
    operations.restore("books")
    restored = operations.restore_to_point_in_time("books")
    assert restored.behind_s == pytest.approx(90, abs=2)
    for asked in (*aws.asked("RestoreDBClusterFromSnapshot"), *aws.asked("RestoreDBClusterToPointInTime")):
        assert (asked["DBClusterInstanceClass"], asked["StorageType"], asked["Iops"]) == ("db.m6gd.large", "io1", 1000)
        assert asked["PubliclyAccessible"] is False
    operations.take_down()
    assert (set(made), copies) == ({"books"}, {})
