"""What auto scaling works on: one kind of capacity of a table or an index, its bounds, its policies, what was done."""

import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from harness.dynamodb.autoscaling import AutoscalingParameters, Policy, TargetTracking
from harness.dynamodb.parameters import MINUTE_S, Kind
from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.scaling.shapes import DIMENSIONS, invalid
from harness.local.dynamodb.tables.tables import Tables

NAMESPACE = "dynamodb"
MAX_ACTIVITIES = 1_000
"""Activities that are kept, the oldest going first (the service keeps six weeks of them)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A scalable dimension: the kind of capacity of one table or one of its indexes."""

    resource_id: str
    dimension: str
    table: str
    index: str | None
    kind: Kind

    @classmethod
    def of(cls, request: dict[str, Any]) -> "Place":
        """The place a request names. Raises the API's error if its parts don't fit together."""
        resource_id, dimension = request["ResourceId"], request["ScalableDimension"]
        match resource_id.split("/"):
            case ["table", table]:
                index = None
            case ["table", table, "index", index]:
                pass
            case _:
                table, index = "", None
        what = "table" if index is None else "index"
        fits = request["ServiceNamespace"] == NAMESPACE and dimension in DIMENSIONS and f":{what}:" in dimension
        if not table or not fits:
            raise invalid("Unsupported service namespace, resource type or scalable dimension")
        return cls(resource_id, dimension, table, index, "read" if ":Read" in dimension else "write")

    @property
    def members(self) -> dict[str, str]:
        """As answers name it."""
        return {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": self.resource_id,
            "ScalableDimension": self.dimension,
        }

    def __str__(self) -> str:
        return f"service namespace: {NAMESPACE}, resource ID: {self.resource_id}, scalable dimension: {self.dimension}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A table or an index as auto scaling meets it at a moment: what is provisioned, and consumed since it was made.

    ``meter`` is told apart by identity: a table made anew under an old name has another.
    """

    place: Place
    table_arn: str
    on_demand: bool
    units: tuple[int, int]
    consumed_units: float
    meter: object

    @classmethod
    def at(cls, tables: Tables, place: Place) -> "Capacity | None":
        """What stands at a place; None where there is nothing."""
        table = tables.by_name.get(place.table)
        if table is None:
            return None
        meter = table.meter if place.index is None else table.index_meters.get(place.index)
        if meter is None:
            return None
        return cls(
            place=place,
            table_arn=table.arn,
            on_demand=table.on_demand,
            units=table.capacity if place.index is None else table.index_capacity[place.index],
            consumed_units=meter.consumed[place.kind],
            meter=meter,
        )

    @property
    def present(self) -> int:
        """Units provisioned of the place's kind."""
        return self.units[0 if self.place.kind == "read" else 1]

    def change_to(self, units: int) -> dict[str, Any]:
        """The UpdateTable request that sets this kind's units and leaves the other's."""
        read, write = (units, self.units[1]) if self.place.kind == "read" else (self.units[0], units)
        throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}
        if self.place.index is None:
            return {"TableName": self.place.table, **throughput}
        update = {"Update": {"IndexName": self.place.index, **throughput}}
        return {"TableName": self.place.table, "GlobalSecondaryIndexUpdates": [update]}


@dataclass(slots=True, kw_only=True)
class ScalingPolicy:
    """A target tracking policy as it was put, its alarms, and the rule at work."""

    name: str
    arn: str
    configuration: dict[str, Any]
    alarms: dict[str, str]
    """Names of the alarms by what they watch."""
    alarm_prefix: str
    created_s: float
    tracking: TargetTracking


@dataclass(slots=True, kw_only=True)
class Target:
    """A scalable target: a place and its bounds."""

    place: Place
    region: str
    account: str
    arn: str
    role_arn: str
    minimum: int
    maximum: int
    created_s: float
    suspended: dict[str, bool]
    policies: dict[str, ScalingPolicy] = field(default_factory=dict)
    meter: object = None
    seen_units: float = 0.0
    minute: float = 0.0

    def policy_of(self, configuration: dict[str, Any]) -> Policy:
        """The rule's policy for a configuration and the present bounds. Raises the API's error for what can't be."""
        try:
            return Policy(
                target_percent=configuration["TargetValue"],
                minimum=self.minimum,
                maximum=self.maximum,
                scale_out_cooldown_s=configuration.get("ScaleOutCooldown", 0),
                scale_in_cooldown_s=configuration.get("ScaleInCooldown", 0),
                scale_in=not configuration.get("DisableScaleIn", False),
            )
        except ValueError as error:
            raise invalid(str(error)) from error

    def bind(self) -> None:
        """Let the policies know of changed bounds."""
        for policy in self.policies.values():
            policy.tracking.policy = self.policy_of(policy.configuration)

    def suspends(self, wanted: int, present: int) -> bool:
        """Whether scaling this way is suspended."""
        return self.suspended["DynamicScalingOutSuspended" if wanted > present else "DynamicScalingInSuspended"]


class Activities:
    """What was done and why, as DescribeScalingActivities tells it; newest first."""

    def __init__(self, epoch_s: float) -> None:
        self._epoch_s = epoch_s
        self.done: deque[dict[str, Any]] = deque(maxlen=MAX_ACTIVITIES)

    def add(self, place: Place, units: int, cause: str, now_s: float, failure: str | None) -> None:
        """One attempt to set capacity, with the reason where it failed; the same failure again is not told anew."""
        what = f"{place.kind} capacity units to {units}"
        message = (
            f"Successfully set {what}. Change successfully fulfilled by dynamodb."
            if failure is None
            else f"Failed to set {what}. Reason: {failure}"
        )
        now = self._epoch_s + now_s
        last = next((one for one in self.done if place.members.items() <= one.items()), None)
        if failure is not None and last is not None and last["StatusMessage"] == message:
            last["EndTime"] = now
            return
        self.done.appendleft(
            {
                "ActivityId": str(uuid.uuid4()),
                **place.members,
                "Description": f"Setting {what}.",
                "Cause": cause,
                "StartTime": now,
                "EndTime": now,
                "StatusCode": "Successful" if failure is None else "Failed",
                "StatusMessage": message,
            }
        )


class Scaler:
    """Applies targets and policies to tables."""

    def __init__(self, tables: Tables, activities: Activities, params: AutoscalingParameters) -> None:
        self._tables, self._activities = tables, activities
        self.params = params

    def keep_bounds(self, target: Target, now_s: float) -> None:
        """Bring capacity within the bounds that have just been set, at once, as the service was seen to do."""
        capacity = Capacity.at(self._tables, target.place)
        if capacity is None or capacity.on_demand:
            return
        if capacity.present < target.minimum:
            cause = f"minimum capacity was set to {target.minimum}"
            self._set(target, capacity, target.minimum, cause, now_s)
        elif capacity.present > target.maximum:
            cause = f"maximum capacity was set to {target.maximum}"
            self._set(target, capacity, target.maximum, cause, now_s)

    def step(self, target: Target, now_s: float) -> None:
        """Close the minutes that have ended since the last call and do what the policies want."""
        capacity = Capacity.at(self._tables, target.place)
        minute = now_s // MINUTE_S
        if capacity is None or capacity.on_demand:
            target.meter = None
            return
        if target.meter is not capacity.meter:
            # Just registered, or a table made anew: what was consumed before doesn't count.
            target.meter, target.seen_units, target.minute = capacity.meter, capacity.consumed_units, minute
            return
        ended = round(minute - target.minute)
        if ended < 1:
            return
        # A call that comes late finds several minutes: what they consumed is taken to have been spread evenly.
        a_minute = (capacity.consumed_units - target.seen_units) / ended
        target.seen_units, target.minute = capacity.consumed_units, minute
        for ago in reversed(range(min(ended, self.params.down_minutes + self.params.up_minutes))):
            for policy in target.policies.values():
                self._track(target, policy, a_minute, (minute - ago) * MINUTE_S, now_s)

    def _track(self, target: Target, policy: ScalingPolicy, a_minute: float, ended_s: float, now_s: float) -> None:
        capacity = Capacity.at(self._tables, target.place)
        if capacity is None:
            return
        present = capacity.present
        wanted = policy.tracking.step(ended_s, a_minute, present)
        if wanted is None or target.suspends(wanted, present):
            return
        alarm = policy.alarms["AlarmHigh" if wanted > present else "AlarmLow"]
        cause = f"monitor alarm {alarm} in state ALARM triggered policy {policy.name}"
        self._set(target, capacity, wanted, cause, now_s)

    def _set(self, target: Target, capacity: Capacity, units: int, cause: str, now_s: float) -> None:
        try:
            self._tables.update(capacity.change_to(units), now_s)
        except ServiceError as error:
            self._activities.add(target.place, units, cause, now_s, str(error))
        else:
            self._activities.add(target.place, units, cause, now_s, None)
