"""The stack's template: what it takes, what it makes of that, and that it can be sent."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.session import Session

from harness import flights
from harness.aws import stack_page, template
from harness.aws.template import check_stack_name, load, stack_parameters
from harness.errors import UsageError

UNTIL = {"ExpiresAt": "2026-12-01T18:00:00Z"}


def made_by(**asked: str | int) -> set[str]:
    """The resources that a stack of those parameters has, by a reading of the conditions of the test's own."""
    stack, chosen = load(), stack_parameters(UNTIL | asked)

    def value(of: Any) -> str:
        return chosen[of["Ref"]] if isinstance(of, dict) else str(of)

    def holds(condition: Any) -> bool:
        (kind, parts), *_ = condition.items()
        if kind == "Condition":
            return holds(stack.conditions[parts])
        if kind == "Fn::Equals":
            return value(parts[0]) == value(parts[1])
        return {"Fn::And": all, "Fn::Or": any, "Fn::Not": lambda of: not any(of)}[kind](map(holds, parts))

    return {
        name
        for name, resource in stack.resources.items()
        if "Condition" not in resource or holds(stack.conditions[resource["Condition"]])
    }


def test_what_is_sent_is_the_template_and_small_enough() -> None:
    """CreateStack takes 51,200 bytes, as botocore's model of it says; the file with its comments is larger."""
    members = Session().get_service_model("cloudformation").operation_model("CreateStack").input_shape.members
    assert "51,200" in members["TemplateBody"].documentation
    assert len(template.body().encode()) <= 51_200 < len(template.TEMPLATE.read_bytes())
    assert load(template.body()) == load()


def test_the_page_is_what_the_template_says_now() -> None:
    """Written anew by python -m harness.aws.stack_page."""
    assert stack_page.PAGE.read_text() == stack_page.page()


@pytest.mark.parametrize(
    ("topology", "expected"),
    [
        ("none", set()),
        ("single_az", {"MySqlDatabase", "MySqlParameters"}),
        ("multi_az_instance", {"MySqlDatabase", "MySqlParameters"}),
        ("multi_az_cluster", {"MySqlClusterDatabase", "MySqlClusterParameters"}),
    ],
)
@pytest.mark.parametrize("engine", ["MySql", "Postgres"])
def test_an_engine_has_the_databases_of_its_topology_and_the_other_none(
    engine: str, topology: str, expected: set[str]
) -> None:
    """Each database with the parameter group of its kind, and the security group of its engine."""
    made = made_by(**{f"{engine}Topology": topology})
    wanted = {name.replace("MySql", engine) for name in expected}
    wanted |= {f"{engine}SecurityGroup"} if expected else set()
    of_engines = re.compile("(MySql|Postgres)(Cluster)?(Database|Parameters|SecurityGroup)")
    assert {name for name in made if of_engines.fullmatch(name)} == wanted
    assert ("DatabaseSubnetC" in made) is (topology == "multi_az_cluster")  # a cluster takes three zones


def test_a_proxy_stands_only_before_an_engine_that_is_there() -> None:
    """With its role, group, targets, and the log group that RDS would make by itself, without our tag."""
    made = made_by(PostgresTopology="single_az", SqlProxy="on")
    assert {name for name in made if "Proxy" in name} == {
        "PostgresProxy",
        "PostgresProxyLogs",
        "PostgresProxyTargets",
        "ProxyRole",
        "ProxySecurityGroup",
    }
    logs, proxy = (load().resources[name]["Properties"] for name in ("PostgresProxyLogs", "PostgresProxy"))
    assert logs["LogGroupName"]["Fn::Sub"] == f"/aws/rds/proxy/{proxy['DBProxyName']['Fn::Sub']}"  # fmt: skip
    assert not {name for name in made_by(PostgresTopology="single_az") if "Proxy" in name}


def test_without_generators_there_is_nothing_that_only_they_need() -> None:
    """No endpoint is paid for that nobody uses."""
    made = made_by(Generators=0, MySqlTopology="single_az", CacheShards=1)
    assert not {name for name in made if name.startswith("Generator") or name.endswith("Endpoint")}


def test_least_of_all_is_a_network_and_a_bucket() -> None:
    """Everything else is asked for."""
    made = made_by(Generators=0, DynamoDb="off")
    left = {name for name in made if not re.fullmatch("(Application|Database)(Subnet|Routes)[AB]?", name)}
    assert left == {"Vpc", "ApplicationSecurityGroup", "LocustIngress", "RunBucket", "RunBucketPolicy"}


def test_tables_are_those_of_the_local_target() -> None:
    """Keys and indexes as harness.flights defines them for CreateTable; all five indexes where query_vs_scan asks."""
    on_demand = flights.table_definition(
        indexes=(flights.BY_DEST_INCLUDE, flights.BY_DEST_KEYS, flights.LOCAL_INCLUDE, flights.LOCAL_KEYS)
    )
    provisioned = flights.table_definition(read_capacity_units=1, write_capacity_units=1)
    for name, expected in (("OnDemandTable", on_demand), ("ProvisionedTable", provisioned)):
        found = load().resources[name]["Properties"]
        assert found["KeySchema"] == expected["KeySchema"]
        for plural in ("AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            assert _named(found.get(plural, ())) == _named(expected.get(plural, ()))


def _named(members: Any) -> dict[str, Any]:
    """By name, capacities aside."""
    return {
        member.get("IndexName", member.get("AttributeName")): {
            key: value for key, value in member.items() if key != "ProvisionedThroughput"
        }
        for member in members
    }


def test_every_parameter_has_its_default_as_text() -> None:
    """CloudFormation takes text only."""
    chosen = stack_parameters(UNTIL | {"Generators": 3})
    assert chosen.keys() == load().parameters.keys()
    assert (chosen["Generators"], chosen["SqlStorageGb"], chosen["ExpiresAt"]) == ("3", "20", "2026-12-01T18:00:00Z")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"Generator": 2}, "no parameter Generator; did you mean Generators"),
        ({"Zzzzzzz": 2}, "no parameter Zzzzzzz; there are ExpiresAt, "),
        ({"MySqlTopology": "two_az"}, "MySqlTopology: expected one of none, single_az"),
        ({"Generators": 21}, "Generators: expected 20 at most, found 21"),
        ({"Generators": -1}, "Generators: expected a whole number, found '-1'"),
        ({"BackupRetentionDays": 0}, "BackupRetentionDays: expected 1 at least, found 0"),
        ({"MySqlVersion": "8.0.40"}, "MySqlVersion: expected ^8"),
        ({"ExpiresAt": "tomorrow"}, "ExpiresAt: expected "),
        ({"SqlProxy": "on"}, "SqlProxy: on, but there is no database"),
        (
            {"MySqlTopology": "multi_az_cluster", "SqlClusterClass": "db.t3.large"},
            "SqlClusterClass: Multi-AZ clusters exist on families with local disks",
        ),
        # 0.5 × 1000 GiB = 500 is less than the parameter's own least; 50 × 100 GiB = 5000 is the most.
        (
            {"MySqlTopology": "multi_az_cluster", "SqlClusterIops": 5001},
            "SqlClusterIops: expected 0.5 to 50 times 100 GiB, found 5001",
        ),
        (
            {"ProvisionedReadUnits": 600},
            "ProvisionedMaxReadUnits: expected ProvisionedReadUnits, 600, or more, found 500",
        ),
    ],
)
def test_a_wrong_parameter_is_named_before_aws_is_asked(asked: Mapping[str, Any], said: str) -> None:
    """The name, what is expected and what was found."""
    with pytest.raises(UsageError, match=re.escape(said)):
        stack_parameters(UNTIL | asked)


def test_a_stack_that_never_expires_is_refused() -> None:
    """ExpiresAt has no default."""
    with pytest.raises(UsageError, match="ExpiresAt must be given"):
        stack_parameters({})


@pytest.mark.parametrize("right", ["5000", "1000"])
def test_a_cluster_takes_as_many_operations_as_its_storage_carries(right: str) -> None:
    """100 GiB carry 50 to 5,000; a class with local disks may be any."""
    asked = {"PostgresTopology": "multi_az_cluster", "SqlClusterIops": right, "SqlClusterClass": "db.x2iedn.xlarge"}
    assert stack_parameters(UNTIL | asked)["SqlClusterIops"] == right


def test_a_stack_is_named_so_that_everything_in_it_can_be() -> None:
    """RDS takes no capitals and no two hyphens; forty characters leave room for what is added."""
    assert check_stack_name("dbharness-anna-2") == "dbharness-anna-2"
    for wrong in ("Dbharness", "dbharness--anna", "dbharness-", "2fast", "db_harness", "d" * 41, ""):
        with pytest.raises(UsageError, match="expected lower-case letters"):
            check_stack_name(wrong)


def test_no_two_resources_are_joined_by_an_alias() -> None:
    """CloudFormation's YAML has no anchors."""
    assert not re.search(r"[:\[-] +[&*]\w", template.TEMPLATE.read_text())


def test_generators_begin_with_a_script_that_bash_reads() -> None:
    """`bash -n` parses it and runs nothing; the Python is the one that the wheels are for."""
    data = load().resources["GeneratorTemplate"]["Properties"]["LaunchTemplateData"]["UserData"]
    script = data["Fn::Base64"]
    assert script.startswith("#!/bin/bash\n") and script.endswith(" python3.11\n")
    read = subprocess.run([str(shutil.which("bash")), "-n"], input=script, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


def test_a_generator_may_do_to_others_things_nothing_but_look() -> None:
    """Whatever its role grants on everything only reads, or is bound to the stack's tag."""
    policies = load().resources["GeneratorRole"]["Properties"]["Policies"]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    everywhere = [each for each in statements if each["Resource"] == "*"]
    assert everywhere
    for statement in everywhere:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        ours = statement.get("Condition") == {"StringEquals": {"aws:ResourceTag/dbharness": {"Ref": "AWS::StackName"}}}
        assert ours or all(re.match(r"[a-z-]+:(Describe|List|Get)", action) for action in actions)
