"""No call is made of AWS that isn't declared, and the policies grant what is declared and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_source import asked, first_texts, imports, method_calls, unread
from botocore.session import Session

from harness.aws.calls import CALLS, LOAD, TABLE_OPERATIONS, TAG, Call, Grant, declared, new, on
from harness.aws.policy import ANY_STACK, FOLDER, MOST_CHARACTERS, characters, granted, policies, statements
from harness.aws.stack_grants import BY_TYPE
from harness.paths import PROJECT_ROOT

AWS = sorted((PROJECT_ROOT / "harness" / "aws").rglob("*.py"))
GATEWAY = PROJECT_ROOT / "harness" / "aws" / "gateway.py"
DYNAMODB = sorted((PROJECT_ROOT / "harness" / "dynamodb").glob("*.py"))
TEMPLATE = PROJECT_ROOT / "harness" / "aws" / "stack.yaml"


@pytest.mark.parametrize("path", AWS, ids=lambda path: path.name)
def test_no_call_is_made_that_is_not_declared(path: Path) -> None:
    """By the syntax tree: each literal service and operation is in calls.py, and what destroys is guarded."""
    for each in asked(path):
        call = declared(each.service, each.operation)
        assert call is not None, f"{each.where}: {each.service}:{each.operation}"
        if each.method is not None:
            assert (each.method == "guarded") == (call.aims_at is not None), f"{each.where}: {each.operation}"


@pytest.mark.parametrize("path", [path for path in AWS if path != GATEWAY], ids=lambda path: path.name)
def test_no_client_of_aws_is_made_outside_the_gateway(path: Path) -> None:
    """Nor is the gateway's own client taken by its back door."""
    assert not {name for name in imports(path) if name.split(".")[0] in ("boto3", "botocore")}
    assert not method_calls(path, "client", "create_client", "resource", "botocore_client")


def test_what_the_scan_sees_is_what_is_asked(tmp_path: Path) -> None:
    """A call written out, one in a table, one whose name is a variable; else the tests above could not fail."""
    source = tmp_path / "source.py"
    source.write_text(
        'import boto3\naws.call("rds", "DeleteDBInstance", X=1)\nRow(service="s3", operation="PutObject")\n'
        'def f():\n    from botocore.session import Session\n    boto3.client("rds")\n'
    )
    assert [(each.service, each.operation, each.method) for each in asked(source)] == [
        ("rds", "DeleteDBInstance", "call"), ("s3", "PutObject", None)
    ]  # fmt: skip
    assert {"boto3", "botocore.session"} <= imports(source)
    assert method_calls(source, "client") == ["source.py:6"]
    assert unread(source) == set()
    source.write_text('for name in ("DescribeEvents",):\n    aws.paginate("rds", name, "Events")\n')
    assert "DescribeEvents" in unread(source)


def unasked() -> set[str]:
    """What is declared in calls.py and asked nowhere in harness/aws: permissions that nobody needs."""
    used = {(each.service, each.operation) for path in AWS for each in asked(path) if path.name != "calls.py"}
    loose = set().union(*(unread(path) for path in AWS if path.name not in ("calls.py", "gateway.py")))
    return {
        f"{call.service}:{call.operation}"
        for call in CALLS
        if (call.service, call.operation) not in used and call.operation not in loose
    }


def test_no_permission_is_declared_that_no_call_needs() -> None:
    """What nothing in harness/aws asks isn't granted to anybody."""
    assert unasked() == set()


@pytest.mark.parametrize("path", DYNAMODB, ids=lambda path: path.name)
def test_the_load_asks_of_tables_only_what_the_policy_grants(path: Path) -> None:
    """The clients of harness/dynamodb aren't the gateway's; their operations are declared beside its calls."""
    operations = {name for name in first_texts(path, "call") if name[0].isupper()}
    known = {*TABLE_OPERATIONS, *(call.operation for call in CALLS if call.service == "dynamodb")}
    assert operations <= known


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.service}:{call.operation}")
def test_every_declared_call_is_one_of_botocore_s(call: Call, session: Session) -> None:
    """Its name, and the parameter that names what it is aimed at, are in the service's model."""
    model = session.get_service_model(call.service).operation_model(call.operation)
    assert (call.aims_at is None) == (call.named_by == "")
    if call.named_by:
        assert call.named_by in model.input_shape.members


def test_no_call_is_declared_twice() -> None:
    """Else one of the two would be read by nobody."""
    assert len({(call.service, call.operation) for call in CALLS}) == len(CALLS)


def test_the_committed_policies_are_the_generated_ones() -> None:
    """All of them, and no file of an earlier number is left."""
    made = policies()
    assert {path.name for path in FOLDER.glob("iam-policy*.json")} == set(made)
    for name, text in made.items():
        assert (FOLDER / name).read_text() == text, f"{name}: run python -m harness.aws.policy"


@pytest.mark.parametrize("stack", [ANY_STACK, "a-stack-with-a-name-as-long-as-people-give-them"])
def test_each_policy_is_as_long_as_iam_takes(stack: str) -> None:
    """6,144 characters, white space left out."""
    for text in policies(stack).values():
        document = json.loads(text)
        assert characters(document) == len("".join(text.split())) <= MOST_CHARACTERS


def test_a_statement_holds_the_tag_that_its_permission_needs() -> None:
    """Made with our tag in the request, destroyed with our tag on the resource, read without; each written out by hand."""
    db, snapshot = "arn:aws:rds:*:*:db:*", "arn:aws:rds:*:*:snapshot:{stack}-*"
    asked_for = (
        *on("rds:DeleteDBInstance", db),
        *new("rds:CreateDBSnapshot", snapshot),
        Grant(action="rds:DescribeEvents"),
    )
    assert sorted(statements(asked_for, "lab"), key=lambda each: each["Action"]) == [
        {
            "Effect": "Allow", "Action": "rds:CreateDBSnapshot", "Resource": "arn:aws:rds:*:*:snapshot:lab-*",
            "Condition": {"StringLike": {"aws:RequestTag/dbharness": "lab"}},
        },
        {
            "Effect": "Allow", "Action": "rds:DeleteDBInstance", "Resource": "*",
            "Condition": {"StringLike": {"aws:ResourceTag/dbharness": "lab"}},
        },
        {"Effect": "Allow", "Action": "rds:DescribeEvents", "Resource": "*"},
    ]  # fmt: skip


READING = ("Describe", "Get", "List", "Head", "Query", "Scan", "BatchGet", "Validate")
WITHOUT_TAG = {
    "ssm:CancelCommand",
    "ssm:SendCommand",
    "rds:RestoreDBInstanceFromDBSnapshot",
    "rds:RestoreDBInstanceToPointInTime",
    "rds:RestoreDBClusterFromSnapshot",
    "rds:RestoreDBClusterToPointInTime",
}
"""Actions that no tag can narrow: cancelling names a command; a document and a default group are AWS's own."""


def test_whatever_changes_something_is_narrowed_by_our_tag_or_by_our_name() -> None:
    """Of the permissions that the code itself needs; S3's objects are narrowed by the bucket's name."""
    for grant in granted():
        service, name = grant.action.split(":")
        if not name.startswith(READING) and service != "s3" and grant.action not in WITHOUT_TAG:
            assert grant.tagged != "no", grant.action
        if service == "s3":
            assert grant.resource.startswith("arn:aws:s3:::{stack}-runbucket-")
    assert all(grant.tagged == "resource" for grant in LOAD)


def test_what_cloudformation_needs_is_granted_to_cloudformation_alone() -> None:
    """Each statement of those policies asks for aws:CalledVia, and roles go to two services only."""
    passed = set()
    for name, text in policies().items():
        for statement in json.loads(text)["Statement"]:
            via = statement.get("Condition", {}).get("ForAnyValue:StringEquals")
            assert (via == {"aws:CalledVia": "cloudformation.amazonaws.com"}) == ("stack" in name)
            if "iam:PassRole" in statement["Action"]:
                passed.add(statement["Condition"]["StringLike"]["iam:PassedToService"])
    assert passed == {"ec2.amazonaws.com", "rds.amazonaws.com"}


def test_every_type_of_the_template_is_one_whose_permissions_are_known() -> None:
    """And none is granted that the template doesn't have."""
    assert set(BY_TYPE) == _types(TEMPLATE)


def _types(template: Path) -> set[str]:
    """Resource types only: those of parameters have angle brackets or no colons."""
    lines = (line.strip() for line in template.read_text().splitlines())
    return {line.split()[1] for line in lines if line.startswith("Type: AWS::") and "<" not in line}


def test_the_tag_is_the_one_of_the_conditions() -> None:
    """A renamed tag has to be renamed in the policies too: they are made from it."""
    keys = {key for text in policies().values() for key in _keys(json.loads(text)) if "Tag/" in key}
    assert keys == {f"aws:ResourceTag/{TAG}", f"aws:RequestTag/{TAG}"}


def _keys(document: dict[str, Any]) -> set[str]:
    conditions = [statement.get("Condition", {}).get("StringLike", {}) for statement in document["Statement"]]
    return {key for condition in conditions for key in condition}
