"""Application Auto Scaling on the twin: its API through boto3's own client, and what it makes of tables, by the minute."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import orjson
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.scaling.api import PREFIX, Scaling
from harness.local.dynamodb.tables.tables import Tables

READ = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/flights",
    "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
}
INDEX_WRITE = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/flights/index/by_day",
    "ScalableDimension": "dynamodb:index:WriteCapacityUnits",
}
TRACKING: dict[str, Any] = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"},
}


class Twin:
    """Tables, auto scaling over them, a clock that is set by hand, and boto3's client in front without a network."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.tables = Tables()
        self.scaling = Scaling(self.tables, epoch_s=1_000_000.0)
        self.client: Any = boto3.client(
            "application-autoscaling", region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
        )
        self.client.meta.events.register("before-send.application-autoscaling", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        shape, handler = self.scaling.operations[request.headers["X-Amz-Target"].removeprefix(PREFIX)]
        try:
            status, body = 200, handler(shape(orjson.loads(request.body)), self.now_s)
        except ServiceError as error:
            status, body = error.status, error.body()
        return AWSResponse(
            request.url, status, {"Content-Type": "application/x-amz-json-1.1"}, _Raw(orjson.dumps(body))
        )

    def table(self) -> Any:
        """The table that is scaled."""
        return self.tables.by_name["flights"]

    def pass_minutes(self, minutes: int, read_rate: float = 0.0, index_write_rate: float = 0.0) -> None:
        """So many minutes of such consumption, in units a second."""
        for _ in range(minutes):
            self.table().meter.account("read", read_rate * 60, self.now_s)
            self.table().index_meters["by_day"].account("write", index_write_rate * 60, self.now_s)
            self.now_s += 60
            assert self.now_s >= self.scaling.due_s
            self.scaling.step(self.now_s)


class _Raw:
    """A body as urllib3 streams it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def create(twin: Twin, **changes: Any) -> None:
    """flights, with an index by_day; 100 units of each."""
    units = {"ReadCapacityUnits": 100, "WriteCapacityUnits": 100}
    request: dict[str, Any] = {
        "TableName": "flights",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "day", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "ProvisionedThroughput": units,
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_day",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": units,
            }
        ],
    }
    twin.tables.create(request | changes, twin.now_s)


@pytest.fixture
def twin() -> Twin:
    """With its table."""
    made = Twin()
    create(made)
    return made


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def register(twin: Twin, place: dict[str, str] = READ, least: int = 5, most: int = 1_000) -> str:
    """A scalable target; its ARN."""
    answer = twin.client.register_scalable_target(**place, MinCapacity=least, MaxCapacity=most)
    arn: str = answer["ScalableTargetARN"]
    return arn


def put(twin: Twin, place: dict[str, str] = READ, name: str = "reads", **changes: Any) -> dict[str, Any]:
    """A target tracking policy of 70 %."""
    answer: dict[str, Any] = twin.client.put_scaling_policy(
        **place,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING | changes,
    )
    return answer


def test_a_target_is_described_as_it_was_registered(twin: Twin) -> None:
    """With AWS's service-linked role, nothing suspended, and the twin's epoch for its birth."""
    twin.now_s = 30
    arn = register(twin)
    (target,) = twin.client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert target["ScalableTargetARN"] == arn
    assert arn.startswith("arn:aws:application-autoscaling:us-east-1:")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (5, 1_000)
    assert {name: target[name] for name in READ} == READ
    assert target["CreationTime"].timestamp() == 1_000_030
    assert target["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_DynamoDBTable")
    assert not any(target["SuspendedState"].values())


def test_registering_again_changes_only_what_is_named(twin: Twin) -> None:
    """Another maximum; the minimum and the ARN stay."""
    arn = register(twin)
    again = twin.client.register_scalable_target(**READ, MaxCapacity=50_000)
    assert again["ScalableTargetARN"] == arn
    (target,) = twin.client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (5, 50_000)


def test_capacity_outside_new_bounds_is_set_right_at_once(twin: Twin) -> None:
    """From 100 up to a minimum of 150, then down to a maximum of 120; writes are left at 100."""
    register(twin, least=150)
    assert tuple(twin.table().capacity) == (150, 100)
    register(twin, least=10, most=120)
    assert tuple(twin.table().capacity) == (120, 100)
    newest, oldest = twin.client.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]
    assert oldest["Cause"] == "minimum capacity was set to 150"
    assert oldest["Description"] == "Setting read capacity units to 150."
    assert oldest["StatusCode"] == "Successful"
    assert newest["Cause"] == "maximum capacity was set to 120"


def test_a_policy_has_the_four_alarms_that_the_service_makes(twin: Twin) -> None:
    """Named after the table, what they watch, and an id."""
    register(twin)
    answer = put(twin)
    names = [alarm["AlarmName"].rsplit("-", 5)[0] for alarm in answer["Alarms"]]
    assert names == [
        f"TargetTracking-table/flights-{what}"
        for what in ("AlarmHigh", "AlarmLow", "ProvisionedCapacityHigh", "ProvisionedCapacityLow")
    ]
    (policy,) = twin.client.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
    assert policy["PolicyARN"] == answer["PolicyARN"]
    assert policy["PolicyARN"].endswith("resource/dynamodb/table/flights:policyName/reads")
    assert policy["TargetTrackingScalingPolicyConfiguration"] == TRACKING
    assert policy["Alarms"] == answer["Alarms"]


def test_two_minutes_above_the_target_raise_the_tables_reads(twin: Twin) -> None:
    """140 a second of 100 are above 70 %, and 70 % of 200; the activity names the alarm."""
    register(twin)
    put(twin)
    twin.pass_minutes(1, read_rate=140)
    assert tuple(twin.table().capacity) == (100, 100)
    twin.pass_minutes(1, read_rate=140)
    assert tuple(twin.table().capacity) == (200, 100)
    (activity,) = twin.client.describe_scaling_activities(**READ)["ScalingActivities"]
    assert activity["Description"] == "Setting read capacity units to 200."
    assert activity["Cause"].startswith("monitor alarm TargetTracking-table/flights-AlarmHigh-")
    assert activity["Cause"].endswith(" in state ALARM triggered policy reads")
    assert activity["StartTime"].timestamp() == 1_000_120


def test_fifteen_low_minutes_lower_an_indexs_writes(twin: Twin) -> None:
    """35 a second of 100 are below 50 %: 50 of them are enough. The table isn't touched."""
    register(twin, INDEX_WRITE)
    put(twin, INDEX_WRITE, PredefinedMetricSpecification={"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"})
    twin.pass_minutes(14, index_write_rate=35)
    assert tuple(twin.table().index_capacity["by_day"]) == (100, 100)
    twin.pass_minutes(1, index_write_rate=35)
    assert tuple(twin.table().index_capacity["by_day"]) == (100, 50)
    assert tuple(twin.table().capacity) == (100, 100)


def test_minutes_that_nobody_closed_count_as_evenly_spread(twin: Twin) -> None:
    """140 a second over five minutes, looked at once: as if each had been seen."""
    register(twin)
    put(twin)
    twin.table().meter.account("read", 140 * 300, 0)
    twin.now_s = 301
    twin.scaling.step(twin.now_s)
    assert twin.table().capacity[0] == 200
    assert twin.scaling.due_s == 360


def test_scaling_in_can_be_suspended(twin: Twin) -> None:
    """Up goes, down doesn't."""
    register(twin)
    twin.client.register_scalable_target(**READ, SuspendedState={"DynamicScalingInSuspended": True})
    put(twin)
    twin.pass_minutes(20)
    assert twin.table().capacity[0] == 100
    twin.pass_minutes(2, read_rate=140)
    assert twin.table().capacity[0] == 200


def test_a_table_made_anew_under_its_name_is_scaled_again(twin: Twin) -> None:
    """As on AWS, targets outlive their table; what the old one consumed doesn't count against the new one."""
    register(twin)
    put(twin)
    twin.pass_minutes(1, read_rate=140)
    del twin.tables.by_name["flights"]
    twin.now_s += 600
    twin.scaling.step(twin.now_s)
    create(twin)
    twin.scaling.step(twin.now_s)
    twin.pass_minutes(2, read_rate=140)
    assert twin.table().capacity[0] == 200


def test_an_on_demand_table_is_left_alone(twin: Twin) -> None:
    """There is nothing to provision."""
    register(twin)
    put(twin)
    twin.tables.update({"TableName": "flights", "BillingMode": "PAY_PER_REQUEST"}, 0)
    twin.pass_minutes(20)
    assert twin.table().on_demand
    assert twin.client.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"] == []


def test_a_change_that_the_table_refuses_is_a_failed_activity(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the table's words for it, and only once for the same refusal."""

    def refuse(_request: Any, _now_s: float) -> dict[str, Any]:
        raise ServiceError("LimitExceededException", "Subscriber limit exceeded: decreases are limited")

    register(twin)
    put(twin)
    monkeypatch.setattr(twin.tables, "update", refuse)
    twin.pass_minutes(18)
    (activity,) = twin.client.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]
    assert activity["StatusCode"] == "Failed"
    assert activity["StatusMessage"] == (
        "Failed to set read capacity units to 5. Reason: Subscriber limit exceeded: decreases are limited"
    )
    assert activity["EndTime"].timestamp() - activity["StartTime"].timestamp() == 180


def test_a_policy_put_again_replaces_the_one_of_its_name(twin: Twin) -> None:
    """Same ARN, another target: 140 are 50 % of 280."""
    register(twin)
    arn = put(twin)["PolicyARN"]
    assert put(twin, TargetValue=50.0)["PolicyARN"] == arn
    twin.pass_minutes(2, read_rate=140)
    assert twin.table().capacity[0] == 280


def test_what_is_deleted_scales_no_more(twin: Twin) -> None:
    """Neither a policy nor a target; a target takes its policies with it."""
    register(twin)
    put(twin)
    twin.client.delete_scaling_policy(**READ, PolicyName="reads")
    twin.pass_minutes(3, read_rate=140)
    assert twin.table().capacity[0] == 100
    put(twin)
    twin.client.deregister_scalable_target(**READ)
    assert twin.client.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []
    twin.scaling.step(twin.now_s)
    assert twin.scaling.due_s == float("inf")


def test_lists_come_in_pages(twin: Twin) -> None:
    """Two targets by one, through boto3's paginator; a token that isn't one is refused."""
    register(twin)
    register(twin, INDEX_WRITE)
    paginator = twin.client.get_paginator("describe_scalable_targets")
    pages = list(paginator.paginate(ServiceNamespace="dynamodb", PaginationConfig={"PageSize": 1}))
    assert [len(page["ScalableTargets"]) for page in pages] == [1, 1]
    assert refused(twin.client.describe_scalable_targets, ServiceNamespace="dynamodb", NextToken="x")[0] == (
        "InvalidNextTokenException"
    )


def test_descriptions_are_filtered(twin: Twin) -> None:
    """By resource, by dimension, by policy name; other services have nothing here."""
    register(twin)
    register(twin, INDEX_WRITE)
    put(twin)
    describe = twin.client.describe_scalable_targets
    assert len(describe(ServiceNamespace="dynamodb", ResourceIds=["table/flights"])["ScalableTargets"]) == 1
    assert describe(ServiceNamespace="ecs")["ScalableTargets"] == []
    policies = twin.client.describe_scaling_policies
    assert len(policies(ServiceNamespace="dynamodb", PolicyNames=["reads"])["ScalingPolicies"]) == 1
    assert policies(ServiceNamespace="dynamodb", PolicyNames=["others"])["ScalingPolicies"] == []
    code, _ = refused(describe, ServiceNamespace="dynamodb", ScalableDimension=READ["ScalableDimension"])
    assert code == "ValidationException"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ResourceId": "table/none"}, "DynamoDB table does not exist: table/none"),
        ({"ResourceId": "flights"}, "Unsupported service namespace, resource type or scalable dimension"),
        ({"ScalableDimension": INDEX_WRITE["ScalableDimension"]}, "Unsupported service namespace, resource type"),
        ({"ServiceNamespace": "ecs"}, "Unsupported service namespace, resource type or scalable dimension"),
        (
            {"ServiceNamespace": "s3"},
            "1 validation error detected: Value 's3' at 'serviceNamespace' failed to satisfy constraint: Member must "
            "satisfy enum value set: [ecs,",
        ),
        ({"MaxCapacity": 4}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": 0}, "Minimum capacity must be 1 or more"),
    ],
)
def test_a_target_that_cant_be_is_refused(twin: Twin, change: dict[str, Any], message: str) -> None:
    """As ValidationExceptions; nothing is registered."""
    request = {**READ, "MinCapacity": 5, "MaxCapacity": 10, **change}
    code, found = refused(twin.client.register_scalable_target, **request)
    assert code == "ValidationException"
    assert found.startswith(message)
    assert twin.client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"] == []


def test_a_new_target_needs_both_bounds(twin: Twin) -> None:
    """The maximum alone isn't enough."""
    assert refused(twin.client.register_scalable_target, **READ, MaxCapacity=10)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PolicyType": "StepScaling"}, "PolicyType StepScaling is not supported for DynamoDB"),
        ({"PolicyType": "PredictiveScaling"}, "PolicyType PredictiveScaling is not supported for DynamoDB"),
        ({"TargetTrackingScalingPolicyConfiguration": TRACKING | {"TargetValue": 95.0}}, "expected a target from 20"),
        (
            {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}},
            "The predefined metric None is not supported",
        ),
        (
            {
                "TargetTrackingScalingPolicyConfiguration": TRACKING
                | {"CustomizedMetricSpecification": {"MetricName": "x"}}
            },
            "This twin of DynamoDB doesn't have CustomizedMetricSpecification",
        ),
        (
            {"PolicyName": "second"},
            "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
        ),
    ],
)
def test_a_policy_that_cant_be_is_refused(twin: Twin, change: dict[str, Any], message: str) -> None:
    """As ValidationExceptions that name what isn't supported."""
    register(twin)
    put(twin)
    request = {
        **READ,
        "PolicyName": "reads",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": TRACKING,
        **change,
    }
    code, found = refused(twin.client.put_scaling_policy, **request)
    assert code == "ValidationException"
    assert found.startswith(message)


def test_what_isnt_there_isnt_found(twin: Twin) -> None:
    """With the service's words, seen on AWS."""
    place = (
        "service namespace: dynamodb, resource ID: table/flights, scalable dimension: dynamodb:table:ReadCapacityUnits"
    )
    policy = {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": TRACKING}
    assert refused(twin.client.put_scaling_policy, **READ, PolicyName="reads", **policy) == (
        "ObjectNotFoundException",
        f"No scalable target registered for {place}",
    )
    assert refused(twin.client.deregister_scalable_target, **READ) == (
        "ObjectNotFoundException",
        f"No scalable target found for {place}",
    )
    assert refused(twin.client.delete_scaling_policy, **READ, PolicyName="reads") == (
        "ObjectNotFoundException",
        f"No scaling policy found for {place}, policy name: reads",
    )


def test_wrong_types_are_told_as_the_service_does(twin: Twin) -> None:
    """A client that checks nothing: a list for a number, a null for a name."""
    shape, _ = twin.scaling.operations[b"RegisterScalableTarget"]
    with pytest.raises(ServiceError) as mistyped:
        shape({**READ, "MinCapacity": []})
    assert mistyped.value.kind == "SerializationException"
    with pytest.raises(ServiceError) as missing:
        shape({**READ, "ResourceId": None})
    assert missing.value.body() == {
        "__type": "ValidationException",
        "Message": "1 validation error detected: Value null at 'resourceId' failed to satisfy constraint: Member must not be "
        "null",
    }
