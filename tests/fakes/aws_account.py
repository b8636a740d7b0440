"""An account of AWS in memory, asked through the real gateway and botocore: requests and answers are checked by its models.

A stack makes one RDS instance, one table and one bucket with an object in it. Deleting them is refused as AWS refuses it:
protected databases, buckets that aren't empty. Faults are planted by call; *killed* ends the process, before or after it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.validate import validate_parameters

from harness.aws.gateway import Aws

REGION, NUMBER = "us-east-1", "123456789012"
START = datetime(2026, 12, 1, 12, tzinfo=UTC)
Answer = dict[str, Any]


class Killed(BaseException):
    """The process ends here, as by kill -9: nothing after this line runs."""


class ServiceError(Exception):
    def __init__(self, code: str, said: str) -> None:
        super().__init__(f"{code}: {said}")
        self.code, self.said = code, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens at one call instead of its answer; ``killed`` *before* the service heard it or *after*."""

    call: str
    code: str = ""
    said: str = "said the service"
    killed: str = ""
    at: int = 1
    """Which of these calls, counted from 1; and so on ``times`` times."""
    times: int = 1


@dataclass
class Http:
    status_code: int


@dataclass
class Account:
    """``creation_fails`` and ``deletion_sticks``: a resource's name, type and reason."""

    faults: list[Fault] = field(default_factory=list)
    creation_fails: tuple[str, str, str] | None = None
    deletion_sticks: tuple[str, str, str] | None = None
    changes: list[Answer] = field(default_factory=list)
    stacks: dict[str, Answer] = field(default_factory=dict)
    events: list[Answer] = field(default_factory=list)
    instances: dict[str, Answer] = field(default_factory=dict)
    clusters: dict[str, Answer] = field(default_factory=dict)
    busy: int = 0
    """So many deletions of a cluster are refused, as of one that is still being made."""
    snapshots: dict[str, Answer] = field(default_factory=dict)
    tables: dict[str, Answer] = field(default_factory=dict)
    buckets: dict[str, Answer] = field(default_factory=dict)
    change_sets: dict[str, Answer] = field(default_factory=dict)
    others: list[tuple[str, list[dict[str, str]]]] = field(default_factory=list)
    """ARNs and tags of further things that the tagging service lists."""
    asked: list[str] = field(default_factory=list)
    polls_needed: int = 2
    _polls: int = 0

    def aws(self, stack: str) -> Aws:
        """The gateway to it."""
        return Aws(REGION, stack=stack, clients=self.client)

    def client(self, service: str) -> Any:
        """botocore's own client, whose requests end here instead of on a socket."""
        client = boto3.client(
            service,
            region_name=REGION,
            aws_access_key_id="x",
            aws_secret_access_key="x",
            endpoint_url="http://127.0.0.1:9",
        )
        client.meta.events.register("before-parameter-build", _keep)
        client.meta.events.register("before-call", lambda **at: self._answer(service, **at))
        return client

    def _answer(self, service: str, *, model: Any, context: dict[str, Any], **_: Any) -> tuple[Http, Answer]:
        call = f"{service}:{model.name}"
        self.asked.append(call)
        fault = self._fault(call)
        try:
            if fault and fault.code:
                raise ServiceError(fault.code, fault.said)
            if fault and fault.killed == "before":
                raise Killed(call)
            answer = self._method(service, model.name)(context["asked"])
        except ServiceError as error:
            told = {"Code": error.code, "Message": error.said}
            return Http(400), {"Error": told, "ResponseMetadata": {"HTTPStatusCode": 400}}
        if fault and fault.killed == "after":
            raise Killed(call)
        validate_parameters(answer, model.output_shape) if model.output_shape else None
        return Http(200), answer | {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def _fault(self, call: str) -> Fault | None:
        nth = self.asked.count(call)
        found = [each for each in self.faults if each.call == call and each.at <= nth < each.at + each.times]
        return found[0] if found else None

    def _method(self, service: str, operation: str) -> Callable[[Answer], Answer]:
        method: Callable[[Answer], Answer] = getattr(self, f"{service.replace('-', '_')}_{operation}")
        return method

    # CloudFormation

    def cloudformation_DescribeStacks(self, asked: Answer) -> Answer:  # noqa: N802
        self._work()
        name = asked.get("StackName")
        found = [each for each in self.stacks.values() if name in (None, each["StackName"], each["StackId"])]
        if name and not found:
            raise ServiceError("ValidationError", f"Stack with id {name} does not exist")
        return {"Stacks": found}

    def cloudformation_CreateStack(self, asked: Answer) -> Answer:  # noqa: N802
        name = asked["StackName"]
        if name in self.stacks:
            raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
        id = f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/{name}/{len(self.events)}"
        self.stacks[name] = {
            "StackName": name, "StackId": id, "StackStatus": "CREATE_IN_PROGRESS", "CreationTime": START,
            "Tags": asked["Tags"], "Parameters": asked["Parameters"],
            "EnableTerminationProtection": asked.get("EnableTerminationProtection", False),
        }  # fmt: skip
        self._event(name, name, "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", "User Initiated")
        self._make(name)
        return {"StackId": id}

    def cloudformation_DescribeStackEvents(self, asked: Answer) -> Answer:  # noqa: N802
        return {"StackEvents": [each for each in self.events if each["StackId"] == asked["StackName"]][::-1]}

    def cloudformation_ListStackResources(self, asked: Answer) -> Answer:  # noqa: N802
        name = next(each["StackName"] for each in self.stacks.values() if asked["StackName"] == each["StackId"])
        at = {"ResourceStatus": "CREATE_COMPLETE", "LastUpdatedTimestamp": START}
        things = [
            ("MySqlInstance", "AWS::RDS::DBInstance", f"{name}-mysql", self.instances),
            ("OnDemandTable", "AWS::DynamoDB::Table", f"{name}-on-demand", self.tables),
            ("RunBucket", "AWS::S3::Bucket", f"dbharness-{name}", self.buckets),
        ]
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": logical, "ResourceType": type_, "PhysicalResourceId": id, **at}
                for logical, type_, id, kept in things
                if id in kept
            ]
        }

    def cloudformation_DeleteChangeSet(self, asked: Answer) -> Answer:  # noqa: N802
        self.change_sets.pop(asked["StackName"], None)
        return {}

    def cloudformation_CreateChangeSet(self, asked: Answer) -> Answer:  # noqa: N802
        if asked["StackName"] in self.change_sets:
            raise ServiceError("AlreadyExistsException", "ChangeSet dbharness-up already exists")
        id = f"arn:aws:cloudformation:{REGION}:{NUMBER}:changeSet/{asked['ChangeSetName']}/{len(self.asked)}"
        self.change_sets[asked["StackName"]] = asked | {"Id": id}
        return {"Id": id}

    def cloudformation_DescribeChangeSet(self, asked: Answer) -> Answer:  # noqa: N802
        changes = [{"Type": "Resource", "ResourceChange": each} for each in self.changes]
        none = {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
        return {"Status": "CREATE_COMPLETE", "Changes": changes} if changes else none

    def cloudformation_ExecuteChangeSet(self, asked: Answer) -> Answer:  # noqa: N802
        made = self.change_sets[asked["StackName"]]
        if asked["ChangeSetName"] not in (made["ChangeSetName"], made["Id"]):
            raise ServiceError("ChangeSetNotFound", f"ChangeSet [{asked['ChangeSetName']}] does not exist")
        del self.change_sets[asked["StackName"]]
        self.stacks[asked["StackName"]].update(
            StackStatus="UPDATE_IN_PROGRESS", Tags=made["Tags"], Parameters=made["Parameters"]
        )
        self._event(asked["StackName"], asked["StackName"], "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS")
        return {}

    def cloudformation_UpdateTerminationProtection(self, asked: Answer) -> Answer:  # noqa: N802
        self.stacks[asked["StackName"]]["EnableTerminationProtection"] = asked["EnableTerminationProtection"]
        return {}

    def cloudformation_DeleteStack(self, asked: Answer) -> Answer:  # noqa: N802
        stack = self.stacks[asked["StackName"]]
        if stack["EnableTerminationProtection"]:
            raise ServiceError("ValidationError", "Stack cannot be deleted while TerminationProtection is enabled")
        stack["StackStatus"] = "DELETE_IN_PROGRESS"
        self._event(stack["StackName"], stack["StackName"], "AWS::CloudFormation::Stack", "DELETE_IN_PROGRESS")
        return {}

    def _work(self) -> None:
        """What CloudFormation does between two looks at it."""
        for name, stack in list(self.stacks.items()):
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                continue
            self._polls += 1
            if self._polls < self.polls_needed:
                continue
            self._polls = 0
            if stack["StackStatus"] == "DELETE_IN_PROGRESS":
                self._delete(name, stack)
            else:
                self._finish(name, stack, stack["StackStatus"].partition("_")[0])

    def _finish(self, name: str, stack: Answer, doing: str) -> None:
        """Creating or updating, or rolling either back."""
        rolled_back = "ROLLBACK_COMPLETE" if doing == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
        if self.creation_fails:
            self._event(name, *self.creation_fails[:2], f"{doing}_FAILED", self.creation_fails[2])
            self._event(name, "OnDemandTable", "AWS::DynamoDB::Table", f"{doing}_FAILED", "Resource creation cancelled")
        stack["StackStatus"] = rolled_back if self.creation_fails else f"{doing}_COMPLETE"
        if self.creation_fails and doing == "CREATE":
            self._clear(name)
        self._event(name, name, "AWS::CloudFormation::Stack", stack["StackStatus"])

    def _delete(self, name: str, stack: Answer) -> None:
        stuck = self.deletion_sticks
        if self.instances.get(f"{name}-mysql", {}).get("DeletionProtection"):
            stuck = ("MySqlInstance", "AWS::RDS::DBInstance", "Cannot delete protected DB Instance")
        elif self.buckets.get(f"dbharness-{name}", {}).get("objects"):
            stuck = ("RunBucket", "AWS::S3::Bucket", "The bucket you tried to delete is not empty")
        if stuck:
            self._event(name, *stuck[:2], "DELETE_FAILED", stuck[2])
            stack["StackStatus"] = "DELETE_FAILED"
            return
        self._clear(name)
        del self.stacks[name]

    def _make(self, name: str) -> None:
        tags, parameters = self.stacks[name]["Tags"], self.stacks[name]["Parameters"]
        protect = {"ParameterKey": "DeletionProtection", "ParameterValue": "true"} in parameters
        self.instance(f"{name}-mysql", tags, protect=protect)
        self.tables[f"{name}-on-demand"] = {"Tags": tags, "DeletionProtectionEnabled": protect}
        self.buckets[f"dbharness-{name}"] = {"Tags": tags, "objects": ["samples.parquet"]}

    def _clear(self, name: str) -> None:
        self.instances.pop(f"{name}-mysql", None)
        self.tables.pop(f"{name}-on-demand", None)
        self.buckets.pop(f"dbharness-{name}", None)

    def _event(self, stack: str, logical: str, type_: str, status: str, reason: str = "") -> None:
        id = self.stacks[stack]["StackId"]
        self.events.append(
            {
                "StackId": id, "EventId": f"e{len(self.events)}", "StackName": stack, "LogicalResourceId": logical,
                "PhysicalResourceId": id if logical == stack else f"{stack}-{logical}", "ResourceType": type_,
                "Timestamp": START, "ResourceStatus": status,
            } | ({"ResourceStatusReason": reason} if reason else {})
        )  # fmt: skip

    # What a stack makes, and what is made beside it

    def instance(self, id: str, tags: list[dict[str, str]], *, protect: bool = False) -> None:
        """An RDS instance."""
        self.instances[id] = {
            "DBInstanceIdentifier": id, "DBInstanceArn": f"arn:aws:rds:{REGION}:{NUMBER}:db:{id}", "TagList": tags,
            "DeletionProtection": protect, "Engine": "mysql",
        }  # fmt: skip

    def cluster(self, id: str, tags: list[dict[str, str]]) -> None:
        """A Multi-AZ cluster and one of its instances, which has the tags too."""
        arn = f"arn:aws:rds:{REGION}:{NUMBER}:cluster:{id}"
        self.clusters[id] = {"DBClusterIdentifier": id, "DBClusterArn": arn, "TagList": tags, "Engine": "mysql"}
        self.instance(f"{id}-instance-1", tags)
        self.instances[f"{id}-instance-1"]["DBClusterIdentifier"] = id

    def snapshot(self, id: str, stack: str, **more: str) -> None:
        """A manual snapshot with the stack's tag and others."""
        tags = [{"Key": key, "Value": value} for key, value in {"dbharness": stack, **more}.items()]
        arn = f"arn:aws:rds:{REGION}:{NUMBER}:snapshot:{id}"
        self.snapshots[id] = {"DBSnapshotIdentifier": id, "DBSnapshotArn": arn, "TagList": tags}

    def rds_DescribeDBInstances(self, asked: Answer) -> Answer:  # noqa: N802
        return {"DBInstances": _named(self.instances, asked.get("DBInstanceIdentifier"), "DBInstanceNotFound")}

    def rds_DescribeDBSnapshots(self, asked: Answer) -> Answer:  # noqa: N802
        return {"DBSnapshots": _named(self.snapshots, asked.get("DBSnapshotIdentifier"), "DBSnapshotNotFound")}

    def rds_DescribeDBClusters(self, asked: Answer) -> Answer:  # noqa: N802
        return {"DBClusters": _named(self.clusters, asked.get("DBClusterIdentifier"), "DBClusterNotFoundFault")}

    def rds_DeleteDBCluster(self, asked: Answer) -> Answer:  # noqa: N802
        id = asked["DBClusterIdentifier"]
        if self.busy:
            self.busy -= 1
            raise ServiceError("InvalidDBClusterStateFault", f"{id} is creating")
        del self.clusters[id], self.instances[f"{id}-instance-1"]
        return {}

    def rds_DescribeDBClusterSnapshots(self, asked: Answer) -> Answer:  # noqa: N802
        return {"DBClusterSnapshots": []}

    def rds_DescribeDBInstanceAutomatedBackups(self, asked: Answer) -> Answer:  # noqa: N802
        return {"DBInstanceAutomatedBackups": []}

    def rds_ModifyDBInstance(self, asked: Answer) -> Answer:  # noqa: N802
        self.instances[asked["DBInstanceIdentifier"]]["DeletionProtection"] = asked["DeletionProtection"]
        return {}

    def rds_DeleteDBInstance(self, asked: Answer) -> Answer:  # noqa: N802
        if "DBClusterIdentifier" in self.instances[asked["DBInstanceIdentifier"]]:
            raise ServiceError("InvalidParameterCombination", "it is part of a Multi-AZ DB cluster")
        del self.instances[asked["DBInstanceIdentifier"]]
        return {}

    def rds_DeleteDBSnapshot(self, asked: Answer) -> Answer:  # noqa: N802
        del self.snapshots[asked["DBSnapshotIdentifier"]]
        return {}

    def dynamodb_DescribeTable(self, asked: Answer) -> Answer:  # noqa: N802
        name = asked["TableName"]
        (table,) = _named(self.tables, name, "ResourceNotFoundException")
        arn = f"arn:aws:dynamodb:{REGION}:{NUMBER}:table/{name}"
        protected = table["DeletionProtectionEnabled"]
        return {"Table": {"TableName": name, "TableArn": arn, "DeletionProtectionEnabled": protected}}

    def dynamodb_ListTagsOfResource(self, asked: Answer) -> Answer:  # noqa: N802
        return {"Tags": self.tables[asked["ResourceArn"].rpartition("/")[2]]["Tags"]}

    def dynamodb_UpdateTable(self, asked: Answer) -> Answer:  # noqa: N802
        self.tables[asked["TableName"]]["DeletionProtectionEnabled"] = asked["DeletionProtectionEnabled"]
        return {}

    def s3_GetBucketTagging(self, asked: Answer) -> Answer:  # noqa: N802
        return {"TagSet": self.buckets[asked["Bucket"]]["Tags"]}

    def s3_ListObjectVersions(self, asked: Answer) -> Answer:  # noqa: N802
        (bucket,) = _named(self.buckets, asked["Bucket"], "NoSuchBucket")
        return {"Versions": [{"Key": key, "VersionId": "1"} for key in bucket["objects"]]}

    def s3_DeleteObjects(self, asked: Answer) -> Answer:  # noqa: N802
        gone = {each["Key"] for each in asked["Delete"]["Objects"]}
        kept = self.buckets[asked["Bucket"]]
        kept["objects"] = [key for key in kept["objects"] if key not in gone]
        return {}

    def resourcegroupstaggingapi_GetResources(self, asked: Answer) -> Answer:  # noqa: N802
        carrying = [(each["DBInstanceArn"], each["TagList"]) for each in self.instances.values()]
        carrying += [(each["DBClusterArn"], each["TagList"]) for each in self.clusters.values()]
        carrying += [(each["DBSnapshotArn"], each["TagList"]) for each in self.snapshots.values()]
        carrying += [(f"arn:aws:s3:::{name}", each["Tags"]) for name, each in self.buckets.items()]
        carrying += [
            (f"arn:aws:dynamodb:{REGION}:{NUMBER}:table/{name}", each["Tags"]) for name, each in self.tables.items()
        ]
        carrying += self.others
        (wanted,) = asked["TagFilters"]
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": arn, "Tags": tags}
                for arn, tags in carrying
                if any(
                    tag["Key"] == wanted["Key"] and tag["Value"] in wanted.get("Values", [tag["Value"]]) for tag in tags
                )
            ]
        }


def _keep(*, params: Answer, context: dict[str, Any], **_: Any) -> None:
    context["asked"] = dict(params)


def _named(kept: dict[str, Answer], name: str | None, missing: str) -> list[Answer]:
    if name is not None and name not in kept:
        raise ServiceError(missing, f"{name} not found")
    return [each for id, each in kept.items() if name in (None, id)]
