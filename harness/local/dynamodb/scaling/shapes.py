"""What requests to Application Auto Scaling may hold, and its errors; the order of members is that of the API's model."""

from collections.abc import Callable
from typing import Any

from harness.local.dynamodb.errors import ServiceError, mistyped
from harness.local.dynamodb.members import BrokenError, Flag, Listed, Mapped, Member, Structure, Text, Whole, refusal

Shape = Callable[[Any], Any]


class ScalingError(ServiceError):
    """An error as Application Auto Scaling spells it: its bare name, and the message with a capital."""

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        return {"__type": self.kind, "Message": str(self)}


def invalid(message: str) -> ScalingError:
    """A ValidationException."""
    return ScalingError("ValidationException", message)


class _Number(Member):
    """A number, whole or not."""

    __slots__ = ()

    def check(self, raw: Any) -> float:
        """Nothing but a number."""
        if type(raw) not in (int, float):
            raise mistyped(raw, "Double")
        return float(raw)


_NAMESPACES = (
    "ecs", "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", "sagemaker", "custom-resource", "comprehend",
    "lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces",
)  # fmt: skip
_OTHER_DIMENSIONS = (
    "ecs:service:DesiredCount", "ec2:spot-fleet-request:TargetCapacity", "elasticmapreduce:instancegroup:InstanceCount",
    "appstream:fleet:DesiredCapacity", "rds:cluster:ReadReplicaCount", "sagemaker:variant:DesiredInstanceCount",
    "custom-resource:ResourceType:Property", "comprehend:document-classifier-endpoint:DesiredInferenceUnits",
    "comprehend:entity-recognizer-endpoint:DesiredInferenceUnits", "lambda:function:ProvisionedConcurrency",
    "cassandra:table:ReadCapacityUnits", "cassandra:table:WriteCapacityUnits", "kafka:broker-storage:VolumeSize",
    "elasticache:cache-cluster:Nodes", "elasticache:replication-group:NodeGroups",
    "elasticache:replication-group:Replicas", "neptune:cluster:ReadReplicaCount",
    "sagemaker:variant:DesiredProvisionedConcurrency", "sagemaker:inference-component:DesiredCopyCount",
    "workspaces:workspacespool:DesiredUserSessions",
)  # fmt: skip
DIMENSIONS = tuple(
    f"dynamodb:{resource}:{kind}CapacityUnits" for resource in ("table", "index") for kind in ("Read", "Write")
)
_ID = Text(least=1, most=1_600)
_NAMESPACE = Text(*_NAMESPACES)
_DIMENSION = Text(*DIMENSIONS, *_OTHER_DIMENSIONS)
_PAGE: dict[str, Member] = {"MaxResults": Whole(), "NextToken": Text()}
_PLACE: dict[str, Member] = {"ServiceNamespace": _NAMESPACE, "ResourceId": _ID, "ScalableDimension": _DIMENSION}
_TRACKING = Structure(
    "TargetValue",
    TargetValue=_Number(),
    PredefinedMetricSpecification=Structure(
        "PredefinedMetricType", PredefinedMetricType=Text(), ResourceLabel=Text(least=1, most=1_023)
    ),
    CustomizedMetricSpecification=Structure(),
    ScaleOutCooldown=Whole(),
    ScaleInCooldown=Whole(),
    DisableScaleIn=Flag(),
)


def _shape(*needed: str, **members: Member) -> Shape:
    structure = Structure(*needed, **members)

    def checked(raw: Any) -> Any:
        try:
            return structure.check(raw)
        except BrokenError:
            error = refusal(structure.faults(raw, ""))
        except ServiceError as mistake:
            error = mistake
        raise ScalingError(error.kind.rpartition("#")[2], str(error))

    return checked


REGISTER_SCALABLE_TARGET = _shape(
    *_PLACE,
    **_PLACE,
    MinCapacity=Whole(),
    MaxCapacity=Whole(),
    RoleARN=_ID,
    SuspendedState=Structure(
        DynamicScalingInSuspended=Flag(), DynamicScalingOutSuspended=Flag(), ScheduledScalingSuspended=Flag()
    ),
    Tags=Mapped(Text()),
)
DESCRIBE_SCALABLE_TARGETS = _shape(
    "ServiceNamespace",
    ServiceNamespace=_NAMESPACE,
    ResourceIds=Listed(_ID, most=50),
    ScalableDimension=_DIMENSION,
    **_PAGE,
)
DEREGISTER_SCALABLE_TARGET = _shape(*_PLACE, **_PLACE)
PUT_SCALING_POLICY = _shape(
    "PolicyName",
    *_PLACE,
    PolicyName=Text(least=1, most=256),
    **_PLACE,
    PolicyType=Text("StepScaling", "TargetTrackingScaling", "PredictiveScaling"),
    TargetTrackingScalingPolicyConfiguration=_TRACKING,
)
DESCRIBE_SCALING_POLICIES = _shape(
    "ServiceNamespace", PolicyNames=Listed(_ID, most=50), **_PLACE, **_PAGE
)  # fmt: skip
DELETE_SCALING_POLICY = _shape("PolicyName", *_PLACE, PolicyName=_ID, **_PLACE)
DESCRIBE_SCALING_ACTIVITIES = _shape("ServiceNamespace", **_PLACE, **_PAGE, IncludeNotScaledActivities=Flag())
