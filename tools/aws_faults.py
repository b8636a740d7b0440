"""What `dbharness aws up`, `down` and `sweep` do when AWS, or the process itself, fails: a table that tests go through.

``python -m tools.aws_faults`` writes it to docs/aws-faults.md.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from harness.paths import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "aws-faults.md"
Command = Literal["up", "up again", "down"]
_HEAD = """# What happens when AWS fails

Each line is a test (tests/integration/test_aws_faults.py): the fault is planted at that call, the command goes through the
real gateway and botocore (whose models check every request and answer) to an account in memory, and the outcome is what is
asserted. *killed* is kill -9: before the service heard the call, or after, before the answer came. In every line the same
command is then run again without the fault and comes to its end; where a stack was made, it is made once.

`up again` is `up` with a changed order on a stack that stands. Made by `python -m tools.aws_faults`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``code`` with ``said`` is AWS's answer to the ``at``-th such call and ``times`` - 1 after it; or ``killed`` there.

    ``says``: what the one line that the user reads holds; none means that the command goes through. ``undone``: it
    destroyed nothing. ``first``: what is run before the same command goes through again.
    """

    command: Command
    call: str
    failure: str
    outcome: str
    code: str = ""
    said: str = "said the service"
    killed: Literal["", "before", "after"] = ""
    at: int = 1
    times: int = 1
    says: tuple[str, ...] = ()
    undone: bool = False
    creation_fails: tuple[str, str, str] | None = None
    deletion_sticks: tuple[str, str, str] | None = None
    first: Literal["", "down"] = ""


_DB = ("MySqlInstance", "AWS::RDS::DBInstance")
_QUOTA = "Instance quota exceeded (Service: Rds, Status Code: 400)"
_HELD = "resource sg-1 has a dependent object"
_NOT_ALLOWED = "User: u is not authorized to perform: cloudformation:{} on resource: r"
_UP = (
    Row(
        command="up", call="cloudformation:CreateStack", failure="AccessDenied", code="AccessDenied",
        said=_NOT_ALLOWED.format("CreateStack"), says=("need cloudformation:CreateStack", "docs/iam-policy.json"),
        outcome="names the permission that is missing and the policy that grants it; nothing is made",
    ),
    Row(
        command="up", call="cloudformation:CreateStack", failure="quota of stacks", code="LimitExceededException",
        said="Limit for stack has been exceeded", says=("a quota of the account is used up", "cloudformation"),
        outcome="says which service's quota, and how to make room; nothing is made",
    ),
    Row(
        command="up", call="cloudformation:CreateStack", failure="quota of a resource: the stack rolls back",
        creation_fails=(*_DB, _QUOTA), says=("ROLLBACK_COMPLETE", f"MySqlInstance (AWS::RDS::DBInstance): {_QUOTA}", "aws down demo"),
        outcome="names the resource that failed first and its reason, not those that were cancelled for it; `up` again is "
        "refused until `down`",
        first="down",
    ),
    Row(
        command="up", call="cloudformation:CreateStack", failure="expired token", code="ExpiredToken", said="expired",
        says=("sign in again",), outcome="says to sign in and run it again; nothing is made",
    ),
    Row(
        command="up", call="cloudformation:CreateStack", failure="killed before", killed="before",
        outcome="nothing is there; `up` again makes it",
    ),
    Row(
        command="up", call="cloudformation:CreateStack", failure="killed between create and its answer", killed="after",
        outcome="the stack has its tags from the call that made it: `up` again finds it by name and tag, and waits for it",
    ),
    Row(
        command="up", call="cloudformation:DescribeStackEvents", failure="killed while waiting", killed="before",
        outcome="CloudFormation goes on; `up` again waits for it",
    ),
    Row(
        command="up", call="cloudformation:DescribeStackEvents", failure="control plane throttled, thrice", times=3,
        code="Throttling", said="Rate exceeded", outcome="asks again, says so, and goes through",
    ),
    Row(
        command="up", call="cloudformation:DescribeStacks", failure="token expires while waiting", at=2,
        code="ExpiredToken", said="expired", says=("sign in again", "run the command again"),
        outcome="CloudFormation goes on; signed in again, `up` waits for it",
    ),
    Row(
        command="up", call="cloudformation:DescribeStacks", failure="AccessDenied", code="AccessDenied",
        says=("need cloudformation:DescribeStacks",), outcome="names the permission; nothing is made",
    ),
    Row(
        command="up again", call="cloudformation:CreateChangeSet", failure="killed after", killed="after",
        outcome="`up` again removes the change set that was left, and makes its own",
    ),
    Row(
        command="up again", call="cloudformation:ExecuteChangeSet", failure="killed after", killed="after",
        outcome="`up` again waits for the update, and finds nothing more to change",
    ),
    Row(
        command="up again", call="cloudformation:ExecuteChangeSet", failure="AccessDenied", code="AccessDenied",
        said=_NOT_ALLOWED.format("ExecuteChangeSet"), says=("need cloudformation:ExecuteChangeSet",),
        outcome="names the permission; the stack stays as it was",
    ),
    Row(
        command="up again", call="cloudformation:ExecuteChangeSet", failure="the update rolls back",
        creation_fails=(*_DB, "Cannot upgrade mysql"), says=("UPDATE_ROLLBACK_COMPLETE", "Cannot upgrade mysql", "it is as before"),
        outcome="names the resource and its reason; the stack is as before, and `up` may be run again",
    ),
)  # fmt: skip
_DOWN = (
    Row(
        command="down", call="resourcegroupstaggingapi:GetResources", failure="AccessDenied", code="AccessDenied",
        says=("need tag:GetResources",), undone=True, outcome="names the permission; nothing is touched",
    ),
    Row(
        command="down", call="cloudformation:DeleteStack", failure="AccessDenied", code="AccessDenied",
        said=_NOT_ALLOWED.format("DeleteStack"), says=("need cloudformation:DeleteStack", "docs/iam-policy.json"),
        outcome="names the permission; the bucket is empty and protection lifted by then, the databases stand",
    ),
    Row(
        command="down", call="cloudformation:DeleteStack", failure="killed before", killed="before",
        outcome="`down` again goes through: what is lifted or empty already is no error",
    ),
    Row(
        command="down", call="cloudformation:DeleteStack", failure="killed after", killed="after",
        outcome="`down` again waits for the deletion, then removes what outlives the stack",
    ),
    Row(
        command="down", call="cloudformation:DeleteStack", failure="stuck: DELETE_FAILED",
        deletion_sticks=("DatabaseSecurityGroup", "AWS::EC2::SecurityGroup", _HELD),
        says=("DELETE_FAILED", f"DatabaseSecurityGroup (AWS::EC2::SecurityGroup): {_HELD}", "again"),
        outcome="names what is stuck, why, and that `down` can be run again once that is gone",
    ),
    Row(
        command="down", call="cloudformation:DescribeStackEvents", failure="control plane throttled, thrice", times=3,
        code="Throttling", said="Rate exceeded", outcome="asks again, says so, and goes through",
    ),
    Row(
        command="down", call="cloudformation:DescribeStackEvents", failure="expired token", code="ExpiredToken",
        said="expired", says=("sign in again",), outcome="the deletion goes on; signed in again, `down` waits for it",
    ),
    Row(
        command="down", call="cloudformation:UpdateTerminationProtection", failure="killed after", killed="after",
        outcome="`down` again goes through",
    ),
    Row(
        command="down", call="rds:ModifyDBInstance", failure="killed after", killed="after",
        outcome="our deletion protection is off; `down` again goes through",
    ),
    Row(
        command="down", call="rds:ModifyDBInstance", failure="AccessDenied", code="AccessDenied",
        said="User: u is not authorized to perform: rds:ModifyDBInstance on resource: r",
        says=("need rds:ModifyDBInstance",), outcome="names the permission; the stack stands",
    ),
    Row(
        command="down", call="s3:DeleteObjects", failure="control plane throttled", code="SlowDown", said="Reduce your rate",
        says=("wait a minute",), outcome="says to wait and run it again; the stack stands",
    ),
    Row(
        command="down", call="rds:DeleteDBSnapshot", failure="killed before, the stack gone already", killed="before",
        outcome="`down` again finds the snapshot by its tag, without a stack, and removes it",
    ),
    Row(
        command="down", call="rds:DeleteDBSnapshot", failure="control plane throttled", code="Throttling",
        said="Rate exceeded", says=("wait a minute",), outcome="says to wait; `down` again removes the snapshot",
    ),
    Row(
        command="down", call="rds:DeleteDBSnapshot", failure="gone since it was listed", code="DBSnapshotNotFound",
        said="not found", outcome="gone is gone: goes through",
    ),
)  # fmt: skip
ROWS: tuple[Row, ...] = (*_UP, *_DOWN)


def page() -> str:
    """The table, one a command."""
    lines = [_HEAD]
    for command, rows in groupby(ROWS, key=lambda row: row.command):
        lines += [f"## {command}", "", "| call | failure | outcome |", "| --- | --- | --- |"]
        lines += [f"| {row.call} | {row.failure} | {row.outcome} |" for row in rows]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
