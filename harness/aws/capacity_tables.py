"""The two tables of capacity_modes on AWS: that they are ours and fit, what is provisioned, and whether that is scaled."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.aws.failures import AwsError
from harness.dynamodb.capacity_arms import SORT_KEY, Scaling, Units
from harness.dynamodb.client import ConnectionTrouble
from harness.dynamodb.parameters import KINDS
from harness.errors import CannotMeasure

if TYPE_CHECKING:
    from harness.aws.services import AwsServices

PARTITION_KEY = "tailnum"
NOT_NAMED = (
    "capacity_modes on aws puts its demand on two tables that are there: name aws.dynamodb.tables.provisioned and on_demand, "
    "or a stack that has them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityTables:
    """Names, and of the provisioned one what it starts with; ``indexes`` are the global ones of each, by the table's name."""

    provisioned: str
    on_demand: str
    units: Units
    scaling: Scaling | None
    indexes: dict[str, tuple[str, ...]]

    def of(self, arm: str) -> str:
        """The table that an arm is about."""
        return self.on_demand if arm == "on_demand" else self.provisioned


def capacity_tables(services: "AwsServices") -> CapacityTables:
    """Look both up. Raises CannotMeasure, Refused for a table of somebody else's, AwsError."""
    settings = services.settings.dynamodb
    names = settings.tables if settings else None
    if names is None or not names.provisioned or not names.on_demand:
        raise CannotMeasure(NOT_NAMED)
    described = {name: _described(services, name) for name in (names.provisioned, names.on_demand)}
    billing = {
        name: one.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED") for name, one in described.items()
    }
    for name, wanted in ((names.provisioned, "PROVISIONED"), (names.on_demand, "PAY_PER_REQUEST")):
        if billing[name] != wanted:
            raise CannotMeasure(
                f"table {name} is {billing[name]}, expected {wanted}; swap the names in aws.dynamodb.tables?"
            )
    throughput = described[names.provisioned]["ProvisionedThroughput"]
    units = Units(throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"])
    return CapacityTables(
        provisioned=names.provisioned, on_demand=names.on_demand, units=units,
        scaling=_scaling(services, names.provisioned),
        indexes={
            name: tuple(index["IndexName"] for index in one.get("GlobalSecondaryIndexes") or ())
            for name, one in described.items()
        },
    )  # fmt: skip


def _described(services: "AwsServices", name: str) -> dict[str, Any]:
    """DescribeTable's answer, where the keys are a flight's; of a real table only once its tags said that it is ours."""
    if services.places["dynamodb"] == "aws":
        services.aws.must_be_ours("table", name, "Writing")
    try:
        with services.dynamodb.lean() as client:
            answer = client.call("DescribeTable", {"TableName": name})
    except ConnectionTrouble as trouble:
        raise CannotMeasure(f"DescribeTable {name}: {trouble}") from trouble
    if answer.status != 200:
        raise CannotMeasure(f"DescribeTable {name}: {answer.error_code}: {answer.body.get('message')}")
    table: dict[str, Any] = answer.body["Table"]
    keys = [one["AttributeName"] for one in table["KeySchema"]]
    if keys != [PARTITION_KEY, SORT_KEY]:
        raise CannotMeasure(f"table {name} has the keys {', '.join(keys)}; expected {PARTITION_KEY} and {SORT_KEY}")
    return table


def _scaling(services: "AwsServices", table: str) -> Scaling | None:
    """What auto scaling may do to it; None where it does nothing, or where nobody but DynamoDB answers."""
    if services.places["dynamodb"] != "aws" and services.settings.endpoint_url is None:
        return None
    about = {"ServiceNamespace": "dynamodb", "ResourceIds": [f"table/{table}"]}
    found = list(
        services.aws.paginate("application-autoscaling", "DescribeScalableTargets", "ScalableTargets", **about)
    )
    by = {one["ScalableDimension"]: one for one in found}
    bounds = [by.get(f"dynamodb:table:{kind.capitalize()}CapacityUnits") for kind in KINDS]
    if not any(bounds):
        return None
    read, write = bounds
    if read is None or write is None:
        raise CannotMeasure(
            f"table {table}: auto scaling follows reads or writes alone; let it follow both, or neither"
        )
    policies = list(
        services.aws.paginate(
            "application-autoscaling", "DescribeScalingPolicies", "ScalingPolicies", ServiceNamespace="dynamodb",
            ResourceId=f"table/{table}",
        )
    )  # fmt: skip
    targets = [
        float(one["TargetTrackingScalingPolicyConfiguration"]["TargetValue"])
        for one in policies if "TargetTrackingScalingPolicyConfiguration" in one
    ]  # fmt: skip
    if not targets:
        raise AwsError(f"table {table} has scalable targets and no policy that tracks one", trouble="missing")
    least = Units(read["MinCapacity"], write["MinCapacity"])
    return Scaling(target_percent=targets[0], least=least, most=max(read["MaxCapacity"], write["MaxCapacity"]))
