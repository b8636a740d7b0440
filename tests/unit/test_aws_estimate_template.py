"""What is estimated is what the template makes: its resources counted, conditions worked out, beside what the estimate has."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.aws import template
from harness.aws.deployment import INSTANCES, STACKS, Parameters, Topology, of_stacks

TEMPLATE = template.load()
EVER = {"ExpiresAt": "2099-01-01T00:00:00Z"}
EACH = [stack for stacks in STACKS.values() for stack in stacks]
VARIED: list[Parameters] = [
    *EACH,
    {**EACH[0], "Generators": 0},
    {**EACH[0], "PostgresTopology": "multi_az_cluster"},
    {**EACH[0], "MySqlTopology": "none", "PostgresTopology": "none", "SqlProxy": "off"},
    {**EACH[0], "DynamoDb": "off", "CacheShards": 0},
    {**EACH[0], "CacheShards": 3, "CacheReplicas": 2, "AutoScaling": "off"},
]


class Made:
    """What CloudFormation would make of the template with those parameters."""

    def __init__(self, stack: Parameters) -> None:
        self.given = template.stack_parameters({**EVER, **stack})

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [
            one["Properties"]
            for one in TEMPLATE.resources.values()
            if one["Type"] == kind and ("Condition" not in one or self.holds(one["Condition"]))
        ]

    def holds(self, condition: Any) -> bool:
        if isinstance(condition, str):
            return self.holds(TEMPLATE.conditions[condition])
        [(function, said)] = condition.items()
        match function:
            case "Condition":
                return self.holds(said)
            case "Fn::Not":
                return not self.holds(said[0])
            case "Fn::And":
                return all(map(self.holds, said))
            case "Fn::Or":
                return any(map(self.holds, said))
        assert function == "Fn::Equals"
        left, right = map(self.value, said)
        return str(left) == str(right)

    def value(self, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        [(function, of)] = said.items()
        if function == "Ref":
            return None if of == "AWS::NoValue" else self.given.get(of, of)
        assert function == "Fn::If"
        return self.value(of[1] if self.holds(of[0]) else of[2])


@pytest.mark.parametrize("stack", VARIED)
def test_databases_have_the_storage_and_the_proxies_that_the_template_gives_them(stack: Parameters) -> None:
    """Instances by whether they are Multi-AZ, clusters besides."""
    made, estimated = Made(stack), of_stacks([Made(stack).given], items=1)
    instances, clusters = made.of("AWS::RDS::DBInstance"), made.of("AWS::RDS::DBCluster")
    alone = [one for one in estimated.databases if one.topology != "multi_az_cluster"]
    together = [one for one in estimated.databases if one.topology == "multi_az_cluster"]
    assert [one.storage_gb for one in alone] == [float(made.value(one["AllocatedStorage"])) for one in instances]
    assert [one.instance_class for one in alone] == [made.value(one["DBInstanceClass"]) for one in instances]
    assert [one.topology == "multi_az_instance" for one in alone] == [
        str(made.value(one["MultiAZ"])).lower() == "true" for one in instances
    ]
    assert [one.instance_class for one in together] == [made.value(one["DBClusterInstanceClass"]) for one in clusters]
    assert [one.iops for one in together] == [int(made.value(one["Iops"])) for one in clusters]
    assert sum(one.proxy for one in estimated.databases) == len(made.of("AWS::RDS::DBProxy"))


@pytest.mark.parametrize("stack", VARIED)
def test_every_interface_endpoint_is_counted_in_each_of_its_zones(stack: Parameters) -> None:
    """The template's own lists of subnets; gateway endpoints cost nothing."""
    made = Made(stack)
    endpoints = [one for one in made.of("AWS::EC2::VPCEndpoint") if one["VpcEndpointType"] == "Interface"]
    places = [subnet for one in endpoints for subnet in map(made.value, _subnets(made, one)) if subnet]
    assert of_stacks([made.given], items=1).endpoint_zones == len(places)


@pytest.mark.parametrize("stack", VARIED)
def test_tables_secrets_and_alarms_are_those_of_the_template(stack: Parameters) -> None:
    """A secret of each database's master user, made by RDS; four alarms for each target that is scaled."""
    made = Made(stack)
    estimated = of_stacks([made.given], items=1)
    tables = made.of("AWS::DynamoDB::Table")
    assert len(estimated.tables) == len(tables)
    assert all(one["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] for one in tables)
    local = [len(one.get("LocalSecondaryIndexes", ())) for one in tables]
    assert [one.local_indexes for one in estimated.tables] == local
    everywhere = [len(one["GlobalSecondaryIndexes"]) + more for one, more in zip(tables, local, strict=True)]
    assert [one.indexes for one in estimated.tables] == everywhere
    databases = made.of("AWS::RDS::DBInstance") + made.of("AWS::RDS::DBCluster")
    assert all(one["ManageMasterUserPassword"] for one in databases)
    assert estimated.secrets == len(databases) + len(made.of("AWS::SecretsManager::Secret"))
    assert estimated.alarms == 4 * len(made.of("AWS::ApplicationAutoScaling::ScalableTarget"))
    assert len(made.of("AWS::EC2::NatGateway")) == 0


def test_the_disks_of_load_generators_are_as_large_as_the_template_has_them() -> None:
    """20 GB."""
    [launch] = Made(EACH[0]).of("AWS::EC2::LaunchTemplate")
    [disk] = launch["LaunchTemplateData"]["BlockDeviceMappings"]
    [generators] = of_stacks([EACH[0]], items=1).generators
    assert generators.disk_gb == disk["Ebs"]["VolumeSize"] == 20


def test_a_stack_cant_have_more_topologies_of_an_engine_than_one() -> None:
    """So *full* is as many stacks as there are topologies."""
    assert len(STACKS["full"]) == len(INSTANCES)
    topologies: list[Topology] = [one.topology for one in of_stacks(STACKS["full"], items=1).databases]
    assert {topologies.count(one) for one in INSTANCES} == {2}


def _subnets(made: Made, endpoint: Mapping[str, Any]) -> list[Any]:
    said = endpoint["SubnetIds"]
    while isinstance(said, dict):
        [(function, of)] = said.items()
        assert function == "Fn::If"
        said = of[1] if made.holds(of[0]) else of[2]
    return list(said)
