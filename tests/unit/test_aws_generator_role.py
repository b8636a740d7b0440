"""The role of the load generators in the stack holds what is called on them, and nothing else."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from aws_source import asked, imports

from harness.aws.calls import LOAD, declared
from harness.aws.template import load
from harness.paths import PROJECT_ROOT

BEGINNINGS = (
    "harness.aws.on_generator",
    *(f"scenarios.{path.stem}" for path in (PROJECT_ROOT / "scenarios").glob("*.py")),
)
"""What runs there; harness.aws.probe reads a secret besides, by the same module that these read theirs by."""
AT_HOME = {"cloudformation:DescribeStacks"}
"""A job's section ``aws`` is filled with the stack's outputs before it is sent: the stack isn't asked there."""
TAGS_IN_ANSWERS = {"rds:ListTagsForResource"}
"""No call of ours there; RDS may leave the tags out of what it describes to somebody who may not list them."""
READERS = {
    "table": {"dynamodb:DescribeTable", "dynamodb:ListTagsOfResource"},
    "db_instance": {"rds:DescribeDBInstances"},
    "db_cluster": {"rds:DescribeDBClusters"},
    "cache": {"elasticache:DescribeReplicationGroups", "elasticache:ListTagsForResource"},
}
"""What reading the tags of a thing takes, before it is destroyed or interrupted (harness.aws.owners)."""


def reached(beginnings: Iterable[str]) -> dict[str, Path]:
    """The modules of this project that are imported from there on, by name."""
    found: dict[str, Path] = {}
    waiting = list(beginnings)
    while waiting:
        name = waiting.pop()
        path = PROJECT_ROOT / f"{name.replace('.', '/')}.py"
        if name not in found and path.is_file():
            found[name] = path
            waiting += imports(path)
    return found


def looked_at(path: Path) -> Iterator[str]:
    """The kinds whose tags a module reads by itself: the first argument of ``must_be_ours``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "must_be_ours"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def needed() -> set[str]:
    """The actions that calls on generators take, with those that reading tags before them takes."""
    actions = {grant.action for grant in LOAD}
    for name, path in reached(BEGINNINGS).items():
        if name.startswith("harness.aws.") and name not in ("harness.aws.calls", "harness.aws.owners"):
            calls = [declared(each.service, each.operation) for each in asked(path)]
            actions |= {grant.action for call in calls if call for grant in call.grants}
            kinds = {call.aims_at for call in calls if call and call.aims_at} | set(looked_at(path))
            for kind in kinds:
                actions |= READERS[kind]
    return actions - AT_HOME


def granted() -> set[str]:
    """The actions of the role's own policies and of those beside it, but for the bucket's, which pyarrow asks."""
    resources = load().resources
    policies = [*resources["GeneratorRole"]["Properties"]["Policies"]]
    policies += [resources[name]["Properties"] for name in ("GeneratorPasswords", "GeneratorToken")]
    found: set[str] = set()
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            found |= {actions} if isinstance(actions, str) else set(actions)
    return {action for action in found if not action.startswith("s3:")}


def test_the_generators_role_holds_what_is_called_on_generators() -> None:
    """Both ways: a call more in a scenario would be refused in the middle of a run, a permission more is nobody's need."""
    assert {"harness.aws.tables", "harness.aws.failover", "harness.aws.cloudwatch", "harness.aws.access"} <= set(
        reached(BEGINNINGS)
    )
    assert granted() == needed() | TAGS_IN_ANSWERS
