"""An RDS that a test turns the clock of: databases and snapshots that take so many seconds, and know their tags."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from scripted_aws import Fault, ScriptedAws

BEGAN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
PLACE = {
    "DBSubnetGroup": {"DBSubnetGroupName": "private"}, "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
    "DBParameterGroups": [{"DBParameterGroupName": "ours"}],
}  # fmt: skip
LIKE = {"Engine": "postgres", "EngineVersion": "17.9", "DBInstanceClass": "db.t3.large", "AllocatedStorage": 20}


class ScriptedRds:
    """Instances alone; a snapshot takes 40 s, a restore 300 s, a deletion 60 s of ``clock``."""

    def __init__(self, aws: ScriptedAws) -> None:
        self.aws, self.clock = aws, 0.0
        self.instances: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.ends_as = "available"  # what a restored instance becomes
        self.newest_behind_s = 240.0
        for name in (
            "DescribeDBInstances", "DescribeDBSnapshots", "CreateDBSnapshot", "RestoreDBInstanceFromDBSnapshot",
            "RestoreDBInstanceToPointInTime", "DeleteDBInstance", "DeleteDBSnapshot",
        ):  # fmt: skip
            aws.on("rds", name, getattr(self, f"_{name}"))

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.clock += seconds

    def now(self) -> datetime:
        """The service's time."""
        return BEGAN + timedelta(seconds=self.clock)

    def source(self, name: str, tags: dict[str, str]) -> None:
        """An instance that is there."""
        self.instances[name] = self._made(name, tags, ready_s=0.0)

    def _made(self, name: str, tags: dict[str, str], *, ready_s: float) -> dict[str, Any]:
        return {"name": name, "tags": tags, "ready_s": ready_s, "gone_s": None}

    def _begin(self, name: str, tags: dict[str, str]) -> None:
        if name in self.instances:
            raise Fault("DBInstanceAlreadyExists", "DB instance already exists")
        self.instances[name] = self._made(name, tags, ready_s=self.clock + 300)

    def _described(self, one: dict[str, Any]) -> dict[str, Any]:
        status = "creating" if self.clock < one["ready_s"] else ("available" if one["ready_s"] == 0 else self.ends_as)
        if one["gone_s"] is not None:
            status = "deleting"
        return LIKE | PLACE | {
            "DBInstanceIdentifier": one["name"], "DBInstanceStatus": status, "MultiAZ": True,
            "DBInstanceArn": f"arn:aws:rds:us-east-1:123456789012:db:{one['name']}",
            "Endpoint": {"Address": f"{one['name']}.example", "Port": 5432}, "DeletionProtection": False,
            "LatestRestorableTime": self.now() - timedelta(seconds=self.newest_behind_s),
            "TagList": [{"Key": key, "Value": value} for key, value in one["tags"].items()],
        }  # fmt: skip

    def _DescribeDBInstances(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        for name, one in list(self.instances.items()):
            if one["gone_s"] is not None and self.clock >= one["gone_s"]:
                del self.instances[name]
        wanted = asked.get("DBInstanceIdentifier")
        if wanted is not None and wanted not in self.instances:
            raise Fault("DBInstanceNotFound", f"DBInstance {wanted} not found.")
        found = [self._described(one) for name, one in self.instances.items() if wanted in (None, name)]
        self.aws.answered_at = self.now()
        return {"DBInstances": found}

    def _DescribeDBSnapshots(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        wanted = asked.get("DBSnapshotIdentifier")
        if wanted is not None and wanted not in self.snapshots:
            raise Fault("DBSnapshotNotFound", f"{wanted} not found")
        return {
            "DBSnapshots": [
                {
                    "DBSnapshotIdentifier": name, "DBInstanceIdentifier": one["of"],
                    "Status": "available" if self.clock >= one["ready_s"] else "creating",
                    "SnapshotCreateTime": one["taken"], "DBSnapshotArn": f"arn:aws:rds:us-east-1:1:snapshot:{name}",
                    "TagList": [{"Key": key, "Value": value} for key, value in one["tags"].items()],
                }
                for name, one in self.snapshots.items()
                if wanted in (None, name)
            ]
        }  # fmt: skip

    def _CreateDBSnapshot(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.snapshots[asked["DBSnapshotIdentifier"]] = {
            "of": asked["DBInstanceIdentifier"], "tags": tags_of(asked), "ready_s": self.clock + 40, "taken": self.now(),
        }  # fmt: skip
        return {}

    def _RestoreDBInstanceFromDBSnapshot(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._begin(asked["DBInstanceIdentifier"], tags_of(asked))
        return {}

    def _RestoreDBInstanceToPointInTime(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._begin(asked["TargetDBInstanceIdentifier"], tags_of(asked))
        return {}

    def _DeleteDBInstance(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        one = self.instances[asked["DBInstanceIdentifier"]]
        if self.clock < one["ready_s"]:
            raise Fault("InvalidDBInstanceState", "Instance is not in available state.")
        one["gone_s"] = self.clock + 60
        return {}

    def _DeleteDBSnapshot(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        del self.snapshots[asked["DBSnapshotIdentifier"]]
        return {}


def tags_of(asked: dict[str, Any]) -> dict[str, str]:
    """The tags that a call gave."""
    return {one["Key"]: one["Value"] for one in asked.get("Tags", ())}


Killed = type("Killed", (BaseException,), {"__doc__": "kill -9 at this moment: nothing of ours runs any more."})
After = Callable[[dict[str, Any]], dict[str, Any]]


def killed_after(handler: After) -> After:
    """AWS does what it was asked, and we are gone before the answer."""

    def act(asked: dict[str, Any]) -> dict[str, Any]:
        handler(asked)
        raise Killed

    return act
