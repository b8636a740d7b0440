"""Application Auto Scaling on the twin's own port: scalable targets and target tracking policies for tables and indexes.

What sets up auto scaling on AWS sets it up here; other kinds of policies and scheduled actions are refused by name.
"""

import uuid
from collections.abc import Callable
from math import floor, inf
from typing import Any

from harness.dynamodb.autoscaling import AutoscalingParameters, TargetTracking
from harness.dynamodb.parameters import MINUTE_S
from harness.local.dynamodb.scaling import shapes
from harness.local.dynamodb.scaling.shapes import ScalingError, Shape, invalid
from harness.local.dynamodb.scaling.targets import NAMESPACE, Activities, Capacity, Place, Scaler, ScalingPolicy, Target
from harness.local.dynamodb.tables.tables import Tables

PREFIX = b"AnyScaleFrontendService."
CONTENT_TYPE = b"application/x-amz-json-1.1"
MAX_PAGE = 50
_ALARMS = ("AlarmHigh", "AlarmLow", "ProvisionedCapacityHigh", "ProvisionedCapacityLow")
_NOT_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
Handler = Callable[[dict[str, Any], float], dict[str, Any]]


class Scaling:
    """The API's operations and what they have set up. ``epoch_s`` is the wall's time at the service's second 0."""

    def __init__(self, tables: Tables, *, epoch_s: float = 0.0, params: AutoscalingParameters | None = None) -> None:
        self._tables, self._epoch_s = tables, epoch_s
        self._targets: dict[Place, Target] = {}
        self._activities = Activities(epoch_s)
        self._scaler = Scaler(tables, self._activities, params or AutoscalingParameters())
        self.due_s = inf
        """When ``step`` will next have something to do; infinity while nothing is registered."""

    @property
    def operations(self) -> dict[bytes, tuple[Shape, Handler]]:
        """By the name that follows PREFIX in X-Amz-Target: the shape of the request and who answers it."""
        return {
            b"RegisterScalableTarget": (shapes.REGISTER_SCALABLE_TARGET, self.register_target),
            b"DescribeScalableTargets": (shapes.DESCRIBE_SCALABLE_TARGETS, self.describe_targets),
            b"DeregisterScalableTarget": (shapes.DEREGISTER_SCALABLE_TARGET, self.deregister_target),
            b"PutScalingPolicy": (shapes.PUT_SCALING_POLICY, self.put_policy),
            b"DescribeScalingPolicies": (shapes.DESCRIBE_SCALING_POLICIES, self.describe_policies),
            b"DeleteScalingPolicy": (shapes.DELETE_SCALING_POLICY, self.delete_policy),
            b"DescribeScalingActivities": (shapes.DESCRIBE_SCALING_ACTIVITIES, self.describe_activities),
        }

    def step(self, now_s: float) -> None:
        """Close the minutes that have ended, for all targets; to be called soon after each ``due_s``."""
        for target in self._targets.values():
            self._scaler.step(target, now_s)
        self.due_s = (floor(now_s / MINUTE_S) + 1) * MINUTE_S if self._targets else inf

    def register_target(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """RegisterScalableTarget: a new one, or new bounds; capacity outside them is set right at once."""
        place = Place.of(request)
        capacity = Capacity.at(self._tables, place)
        if capacity is None:
            what = "table" if place.index is None else "index"
            raise invalid(f"DynamoDB {what} does not exist: {place.resource_id}")
        target = self._targets.get(place)
        minimum = request.get("MinCapacity", target.minimum if target else None)
        maximum = request.get("MaxCapacity", target.maximum if target else None)
        if minimum is None or maximum is None:
            raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
        if minimum < 1:
            raise invalid(f"Minimum capacity must be 1 or more for {place.dimension}, found {minimum}")
        if maximum < minimum:
            raise invalid("Maximum capacity cannot be less than minimum capacity")
        if target is None:
            target = self._targets[place] = self._new_target(capacity, minimum, maximum, now_s)
        target.role_arn = request.get("RoleARN", target.role_arn)
        target.suspended = target.suspended | request.get("SuspendedState", {})
        target.minimum, target.maximum = minimum, maximum
        target.bind()
        self.step(now_s)
        self._scaler.keep_bounds(target, now_s)
        return {"ScalableTargetARN": target.arn}

    def describe_targets(self, request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DescribeScalableTargets."""
        found = [
            {
                **target.place.members,
                "MinCapacity": target.minimum,
                "MaxCapacity": target.maximum,
                "RoleARN": target.role_arn,
                "CreationTime": target.created_s,
                "SuspendedState": target.suspended,
                "ScalableTargetARN": target.arn,
            }
            for target in self._named(request, request.get("ResourceIds"))
        ]
        return _page("ScalableTargets", found, request)

    def deregister_target(self, request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DeregisterScalableTarget; its policies go with it."""
        place = Place.of(request)
        if self._targets.pop(place, None) is None:
            raise _not_found(f"No scalable target found for {place}")
        return {}

    def put_policy(self, request: dict[str, Any], now_s: float) -> dict[str, Any]:
        """PutScalingPolicy: makes or replaces a target tracking policy."""
        place, name = Place.of(request), request["PolicyName"]
        target = self._targets.get(place)
        if target is None:
            raise _not_found(f"No scalable target registered for {place}")
        before = target.policies.get(name)
        kind = request.get("PolicyType", "TargetTrackingScaling" if before else "StepScaling")
        if kind != "TargetTrackingScaling":
            raise invalid(f"PolicyType {kind} is not supported for DynamoDB: only TargetTrackingScaling is")
        configuration = request.get("TargetTrackingScalingPolicyConfiguration", before and before.configuration)
        if configuration is None:
            raise invalid("TargetTrackingScalingPolicyConfiguration must be specified")
        _check_metric(configuration, place)
        policy = target.policy_of(configuration)
        if before is None:
            if target.policies:
                raise invalid("Only one TargetTrackingScaling policy for a given metric specification is allowed.")
            before = self._new_policy(target, name, configuration, now_s)
            target.policies[name] = before
        before.configuration, before.tracking.policy = configuration, policy
        self.step(now_s)
        return {"PolicyARN": before.arn, "Alarms": _alarms(before)}

    def describe_policies(self, request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DescribeScalingPolicies."""
        resource_id, names = request.get("ResourceId"), request.get("PolicyNames")
        found = [
            {
                "PolicyARN": policy.arn,
                "PolicyName": policy.name,
                **target.place.members,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": policy.configuration,
                "Alarms": _alarms(policy),
                "CreationTime": policy.created_s,
            }
            for target in self._named(request, [resource_id] if resource_id else None)
            for policy in target.policies.values()
            if not names or policy.name in names
        ]
        return _page("ScalingPolicies", found, request)

    def delete_policy(self, request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DeleteScalingPolicy."""
        place, name = Place.of(request), request["PolicyName"]
        target = self._targets.get(place)
        if target is None or target.policies.pop(name, None) is None:
            raise _not_found(f"No scaling policy found for {place}, policy name: {name}")
        return {}

    def describe_activities(self, request: dict[str, Any], _now_s: float) -> dict[str, Any]:
        """DescribeScalingActivities, the newest first."""
        _check_dimension(request, request.get("ResourceId"))
        asked = {
            name: request[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension") if name in request
        }
        return _page(
            "ScalingActivities", [one for one in self._activities.done if asked.items() <= one.items()], request
        )

    def _named(self, request: dict[str, Any], resource_ids: list[str] | None) -> list[Target]:
        """The targets a request describes."""
        _check_dimension(request, resource_ids)
        return [
            target
            for target in self._targets.values()
            if request["ServiceNamespace"] == NAMESPACE
            and (not resource_ids or target.place.resource_id in resource_ids)
            and request.get("ScalableDimension", target.place.dimension) == target.place.dimension
        ]

    def _new_target(self, capacity: Capacity, minimum: int, maximum: int, now_s: float) -> Target:
        _, _, _, region, account, _ = capacity.table_arn.split(":", 5)
        return Target(
            place=capacity.place,
            region=region,
            account=account,
            arn=f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/0ec{uuid.uuid4().hex[:27]}",
            role_arn=f"arn:aws:iam::{account}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/"
            "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
            minimum=minimum,
            maximum=maximum,
            created_s=self._epoch_s + now_s,
            suspended=_NOT_SUSPENDED,
        )

    def _new_policy(self, target: Target, name: str, configuration: dict[str, Any], now_s: float) -> ScalingPolicy:
        place = target.place
        return ScalingPolicy(
            name=name,
            arn=f"arn:aws:autoscaling:{target.region}:{target.account}:scalingPolicy:{uuid.uuid4()}:"
            f"resource/{NAMESPACE}/{place.resource_id}:policyName/{name}",
            configuration=configuration,
            alarms={alarm: f"TargetTracking-{place.resource_id}-{alarm}-{uuid.uuid4()}" for alarm in _ALARMS},
            alarm_prefix=f"arn:aws:cloudwatch:{target.region}:{target.account}:alarm:",
            created_s=self._epoch_s + now_s,
            tracking=TargetTracking(target.policy_of(configuration), params=self._scaler.params),
        )


def _check_metric(configuration: dict[str, Any], place: Place) -> None:
    """A policy tracks the utilisation of what it scales; metrics of one's own would need a CloudWatch."""
    if "CustomizedMetricSpecification" in configuration:
        raise invalid("This twin of DynamoDB doesn't have CustomizedMetricSpecification; docs/twin.md says what it has")
    metric = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if metric != f"DynamoDB{place.kind.capitalize()}CapacityUtilization":
        raise invalid(f"The predefined metric {metric} is not supported for scalable dimension {place.dimension}")


def _check_dimension(request: dict[str, Any], resource: object) -> None:
    if request.get("ScalableDimension") and not resource:
        raise invalid("A resource ID must be specified together with a scalable dimension")


def _alarms(policy: ScalingPolicy) -> list[dict[str, str]]:
    return [{"AlarmName": name, "AlarmARN": policy.alarm_prefix + name} for name in policy.alarms.values()]


def _page(member: str, found: list[dict[str, Any]], request: dict[str, Any]) -> dict[str, Any]:
    """A page of what was found; the token is where the next begins."""
    limit, token = request.get("MaxResults", MAX_PAGE), request.get("NextToken", "0")
    if not 1 <= limit <= MAX_PAGE:
        raise invalid(f"Maximum result size must be from 1 to {MAX_PAGE}, found {limit}")
    if not token.isascii() or not token.isdigit() or int(token) > len(found):
        raise ScalingError("InvalidNextTokenException", "The next token supplied is invalid")
    begin = int(token)
    page: dict[str, Any] = {member: found[begin : begin + limit]}
    if begin + limit < len(found):
        page["NextToken"] = str(begin + limit)
    return page


def _not_found(message: str) -> ScalingError:
    return ScalingError("ObjectNotFoundException", message)
