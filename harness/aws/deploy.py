"""``up``: a stack as it was ordered, whatever a former ``up`` that was killed left behind.

Nothing is remembered here: the stack is found by its name and its tag, and its state says what is left to do. CloudFormation
creates a stack with its tags in one call, so there is no moment in which ours is there without them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness.aws.api import Answer, Api, Pace, Progress
from harness.aws.calls import TAG
from harness.aws.failures import AwsError
from harness.aws.stacks import (
    EXPIRES_PARAMETER,
    EXPIRES_TAG,
    PROTECTION_PARAMETER,
    Stack,
    StackFailed,
    StackRefused,
    Step,
    current,
    events,
    failures,
    find,
    next_step,
    stack_of,
    wait,
)

CHANGE_SET = "dbharness-up"
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
_MOST_ROUNDS = 6
_KEEPS_DATA = ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DynamoDB::Table", "AWS::S3::Bucket",
               "AWS::ElastiCache::ReplicationGroup")  # fmt: skip
Agree = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be there. ``expires``: from when on sweep may take it down; a stack that is there keeps its own, unless
    ``prolong``.
    """

    name: str
    template: str
    parameters: Mapping[str, str]
    expires: datetime
    prolong: bool = False
    replace_data: bool = False
    """An update may replace or remove what keeps data."""

    @property
    def protected(self) -> bool:
        """The stack against its deletion, as its databases are."""
        return self.parameters.get(PROTECTION_PARAMETER) == "true"


def up(api: Api, order: Order, *, agree: Agree, pace: Pace, progress: Progress) -> Stack:
    """The stack, complete and as ordered. ``agree`` is told what is about to be done and raises to prevent it.

    Raises StackRefused (not ours, or in a state without a way on), StackFailed (rolled back: which resource and why)
    and AwsError. Killed at any moment, run it again.
    """
    for _ in range(_MOST_ROUNDS):
        stack = find(api, order.name)
        step = next_step(stack)
        if step is Step.WAIT and stack is not None:
            progress(f"stack {stack.name} is in {stack.status}; waiting for that first")
            _settled(api, wait(api, stack, pace, progress))
        elif step is Step.CREATE:
            agree(f"create stack {order.name}")
            created = _create(api, order)
            if created is not None:
                return _complete(api, wait(api, created, pace, progress), order)
        elif stack is not None:
            if not _update(api, stack, order, agree, pace, progress):
                progress(f"stack {order.name} is as ordered already")
                return stack
            return _complete(api, wait(api, stack, pace, progress), order)
    raise StackFailed(f"somebody else keeps changing stack {order.name}; run up again when they are done")


def expiry_of(order: Order, stack: Stack | None) -> str:
    """As the tag and the template's parameter say it: a UTC second."""
    before = stack.tags.get(EXPIRES_TAG) if stack else None
    return before if before and not order.prolong else order.expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ordered(order: Order, stack: Stack | None) -> dict[str, Any]:
    """What creating and changing take alike. The tags go on the stack, which hands them on to what it makes."""
    expires = expiry_of(order, stack)
    parameters = {**order.parameters, EXPIRES_PARAMETER: expires}
    tags = {TAG: order.name, EXPIRES_TAG: expires}
    return {
        "StackName": order.name,
        "TemplateBody": order.template,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "Capabilities": _CAPABILITIES,
    }


def _create(api: Api, order: Order) -> Stack | None:
    """The stack that was begun; None if somebody was faster: then what is there is looked at again."""
    ordered = _ordered(order, None)
    try:
        answer = api.call("cloudformation", "CreateStack", **ordered, EnableTerminationProtection=order.protected)
    except AwsError as error:
        if error.code != "AlreadyExistsException":
            raise
        return None
    return stack_of({"StackName": order.name, "StackStatus": "CREATE_IN_PROGRESS", "Tags": ordered["Tags"], **answer})


def _update(api: Api, stack: Stack, order: Order, agree: Agree, pace: Pace, progress: Progress) -> bool:
    """Make a change set, show it, have it agreed to and start it; False if nothing would change."""
    named = {"StackName": order.name, "ChangeSetName": CHANGE_SET}
    api.ours_protected = stack.protected_by_us
    # By its id from here on: another ``up`` may put one of the same name in its place while this one is agreed to.
    named["ChangeSetName"] = _create_change_set(api, {**_ordered(order, stack), **named}, pace)
    described = _described(api, named, pace)
    changes = [change["ResourceChange"] for change in described.get("Changes", ()) if "ResourceChange" in change]
    if described["Status"] == "FAILED" or not changes:
        api.call("cloudformation", "DeleteChangeSet", **named)
        reason = described.get("StatusReason", "")
        if described["Status"] == "FAILED" and not _nothing_to_do(reason):
            raise StackFailed(f"stack {order.name} can't be changed so: {reason}; it stays as it was")
        return False
    for change in changes:
        progress(_change(change))
    lost = [change for change in changes if _loses_data(change)]
    if lost and not order.replace_data:
        api.call("cloudformation", "DeleteChangeSet", **named)
        raise StackRefused(
            f"the update would replace or remove what keeps data: {', '.join(_change(change) for change in lost)}; "
            "nothing was changed; --replace-data agrees to that"
        )
    agree(f"update stack {order.name} ({len(changes)} changes)")
    api.guarded("cloudformation", "ExecuteChangeSet", **named)
    return True


def _create_change_set(api: Api, ordered: Mapping[str, Any], pace: Pace) -> str:
    """Its id. It comes in place of one that a killed ``up`` left, which is removed; that takes a moment."""
    until_s = pace.monotonic_s() + pace.patience_s
    while True:
        try:
            made = api.call("cloudformation", "CreateChangeSet", **ordered, ChangeSetType="UPDATE")
        except AwsError as error:
            if error.code != "AlreadyExistsException" or pace.monotonic_s() >= until_s:
                raise
        else:
            return str(made["Id"])
        api.call("cloudformation", "DeleteChangeSet", StackName=ordered["StackName"], ChangeSetName=CHANGE_SET)
        pace.sleep(pace.poll_s)


def _described(api: Api, named: Mapping[str, str], pace: Pace) -> Answer:
    until_s = pace.monotonic_s() + pace.patience_s
    while True:
        described = api.call("cloudformation", "DescribeChangeSet", **named)
        if described["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return described
        if pace.monotonic_s() >= until_s:
            raise StackFailed(f"the change set of {named['StackName']} is still in {described['Status']}; run up again")
        pace.sleep(pace.poll_s)


def _nothing_to_do(reason: str) -> bool:
    return "didn't contain changes" in reason or "No updates are to be performed" in reason


def _change(change: Answer) -> str:
    replaced = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(change.get("Replacement", "False"), "")
    return f"{change['Action']} {change['LogicalResourceId']} ({change['ResourceType']}{replaced})"


def _loses_data(change: Answer) -> bool:
    replaced = change["Action"] == "Remove" or change.get("Replacement") in ("True", "Conditional")
    return replaced and change["ResourceType"] in _KEEPS_DATA


def _settled(api: Api, stack: Stack | None) -> None:
    """What somebody began came to an end; if that was a rollback, say why."""
    if stack is not None and "ROLLBACK" in stack.status:
        raise _rolled_back(api, stack)


def _complete(api: Api, stack: Stack | None, order: Order) -> Stack:
    if stack is None:
        raise StackFailed(f"stack {order.name} was deleted while it was waited for; run up again")
    if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise _rolled_back(api, stack)
    return stack


def _rolled_back(api: Api, stack: Stack) -> StackFailed:
    why: Sequence[str] = failures(current(events(api, stack))) or [stack.reason or "no reason given"]
    way_out = (
        "it is as before; correct that and run up again"
        if stack.status == "UPDATE_ROLLBACK_COMPLETE"
        else f"correct that, then `dbharness aws down {stack.name}` and up again"
    )
    return StackFailed(f"stack {stack.name} ended in {stack.status}. Failed: {'; '.join(why)}. Way out: {way_out}")
