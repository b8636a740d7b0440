"""What an arm of capacity_modes is: how its table is made, and what auto scaling is told of it.

Made from a trial's arm and params alone, so that every process and the report read the same figures.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.dynamodb.parameters import KINDS, Kind
from harness.flights import BY_DEST

SORT_KEY = "flight_key"
Params = Mapping[str, float | int | str]
Request = tuple[str, dict[str, Any]]


class Units(NamedTuple):
    """Whole units a second of both kinds."""

    read: int
    write: int

    @classmethod
    def of(cls, params: Params, pattern: str) -> "Units":
        """Two params by their pattern, ``{}_capacity_units`` say."""
        return cls(*(int(params[pattern.format(kind)]) for kind in KINDS))

    def named(self, pattern: str) -> dict[str, int]:
        """As a request names them: ``{}CapacityUnits``, say."""
        return {pattern.format(kind.capitalize()): units for kind, units in zip(KINDS, self, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Target tracking of both kinds: the target, and the bounds."""

    target_percent: float
    least: Units
    most: int

    def targets(self, table: str) -> Iterator[tuple[Kind, dict[str, str]]]:
        """Each kind with the three members that name what is scaled."""
        for kind in KINDS:
            yield (
                kind,
                {
                    "ServiceNamespace": "dynamodb",
                    "ResourceId": f"table/{table}",
                    "ScalableDimension": f"dynamodb:table:{kind.capitalize()}CapacityUnits",
                },
            )

    def begin(self, table: str) -> Iterator[Request]:
        """What sets it up: a target and a policy for each kind, as operations of Application Auto Scaling."""
        for kind, target in self.targets(table):
            least = self.least[KINDS.index(kind)]
            yield "RegisterScalableTarget", {**target, "MinCapacity": least, "MaxCapacity": self.most}
            metric = {"PredefinedMetricType": f"DynamoDB{kind.capitalize()}CapacityUtilization"}
            tracking = {"TargetValue": self.target_percent, "PredefinedMetricSpecification": metric}
            yield (
                "PutScalingPolicy",
                {
                    **target, "PolicyName": f"{table}-{kind}", "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingScalingPolicyConfiguration": tracking,
                },
            )  # fmt: skip

    def end(self, table: str) -> Iterator[Request]:
        """What takes it away again, policies with it."""
        for _, target in self.targets(table):
            yield "DeregisterScalableTarget", target


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityArm:
    """``provisioned`` None is on demand, then perhaps ``warm`` in advance or with ``most``; ``index`` is what a GSI has."""

    provisioned: Units | None = None
    warm: Units | None = None
    most: Units | None = None
    index: Units | None = None
    scaling: Scaling | None = None

    def definition(self, table: str, partition_key: str = "tailnum") -> dict[str, Any]:
        """CreateTable's payload; the index, of all attributes, is by destination."""
        names = [partition_key, SORT_KEY, *(["dest"] if self.index else [])]
        throughput = {} if self.provisioned is None else _provisioned(self.provisioned)
        if self.warm:
            throughput["WarmThroughput"] = self.warm.named("{}UnitsPerSecond")
        if self.most:
            throughput["OnDemandThroughput"] = self.most.named("Max{}RequestUnits")
        definition = {
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST" if self.provisioned is None else "PROVISIONED",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
            "KeySchema": _keys(partition_key),
        } | throughput
        if self.index:
            projection = {
                "IndexName": BY_DEST.name,
                "KeySchema": _keys("dest"),
                "Projection": {"ProjectionType": "ALL"},
            }
            definition["GlobalSecondaryIndexes"] = [projection | _provisioned(self.index)]
        return definition


def arm_of(arm: str, params: Params) -> CapacityArm:
    """The arm by its name, with a trial's params; what isn't named here is a provisioned table."""
    match arm:
        case "on_demand":
            return CapacityArm()
        case "on_demand_warm":
            return CapacityArm(warm=Units.of(params, "warm_{}_rate"))
        case "on_demand_max":
            return CapacityArm(most=Units.of(params, "max_{}_rate"))
    start = Units.of(params, "{}_capacity_units")
    match arm:
        case "autoscaled":
            target, most = float(params["target_percent"]), int(params["max_capacity_units"])
            return CapacityArm(provisioned=start, scaling=Scaling(target_percent=target, least=start, most=most))
        case "index_enough" | "index_starved":
            # Nobody reads the index: one read unit is the least there is.
            return CapacityArm(provisioned=start, index=Units(1, int(params["index_write_units"])))
    return CapacityArm(provisioned=start)


def supposed(params: Params) -> dict[str, float]:
    """AdmissionParameters of the twin that a trial's params name: rates of the scale model, and how long limits keep them."""
    named = (
        "on_demand_read_rate", "on_demand_write_rate", "on_demand_burst_s",
        "partition_read_rate", "partition_write_rate", "partition_burst_s",
    )  # fmt: skip
    return {name: float(params[name]) for name in named if name in params}


def provisioned_of(description: Mapping[str, Any]) -> dict[str, Units]:
    """What DescribeTable says is provisioned: the table's units under ``table``, an index's under its name."""
    resources = {"table": description}
    resources |= {index["IndexName"]: index for index in description.get("GlobalSecondaryIndexes") or ()}
    found = {}
    for name, resource in resources.items():
        throughput = resource["ProvisionedThroughput"]
        found[name] = Units(throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"])
    return found


def _provisioned(units: Units) -> dict[str, Any]:
    return {"ProvisionedThroughput": units.named("{}CapacityUnits")}


def _keys(partition_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition_key, "KeyType": "HASH"}, {"AttributeName": SORT_KEY, "KeyType": "RANGE"}]
