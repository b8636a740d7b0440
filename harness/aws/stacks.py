"""CloudFormation's stacks: found by name and tag, what may be done with one in its state, and waiting with its events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from harness.aws.api import Answer, Api, Pace, Progress
from harness.aws.calls import TAG
from harness.aws.failures import AwsError
from harness.aws.owners import tags_of
from harness.errors import HarnessError

PROTECTION_PARAMETER, EXPIRES_PARAMETER = "DeletionProtection", "ExpiresAt"
EXPIRES_TAG = "dbharness-expires"
"""When sweep may take a stack down: an instant as ISO 8601 writes it."""
_STACK = "AWS::CloudFormation::Stack"
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})


class StackRefused(HarnessError):  # noqa: N818 - what happened is a refusal
    """A stack that isn't ours or whose state lets nothing be done; the message says the way out."""


class StackFailed(HarnessError):  # noqa: N818 - as ServerFailed
    """CloudFormation didn't do what was asked; the message names the resource, its reason and what to do."""


class Step(StrEnum):
    """What ``up`` does next with a stack."""

    CREATE = "create"
    WAIT = "wait"
    UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack as DescribeStacks answers it."""

    name: str
    id: str
    status: str
    reason: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    protected: bool
    """Against deletion (termination protection)."""

    @property
    def ours(self) -> bool:
        """Made by this harness under that name: the tag says so, not the name."""
        return self.tags.get(TAG) == self.name

    @property
    def protected_by_us(self) -> bool:
        """It was made with deletion protection, so that what of it is protected is so by us."""
        return self.parameters.get(PROTECTION_PARAMETER) == "true"

    @property
    def moving(self) -> bool:
        """Something is being done to it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


def stack_of(answer: Mapping[str, Any]) -> Stack:
    """One of DescribeStacks' Stacks."""
    return Stack(
        name=answer["StackName"],
        id=answer.get("StackId", answer["StackName"]),
        status=answer["StackStatus"],
        reason=answer.get("StackStatusReason", ""),
        tags=tags_of(answer.get("Tags", ())),
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in answer.get("Parameters", ())},
        outputs={each["OutputKey"]: each["OutputValue"] for each in answer.get("Outputs", ())},
        protected=bool(answer.get("EnableTerminationProtection", False)),
    )


def find(api: Api, name: str) -> Stack | None:
    """The stack of that name or id; None where there is none, or no more."""
    try:
        found = [stack_of(each) for each in api.call("cloudformation", "DescribeStacks", StackName=name)["Stacks"]]
    except AwsError as error:
        if error.trouble == "missing":
            return None
        raise
    return found[0] if found and found[0].status != "DELETE_COMPLETE" else None


def owned(stack: Stack) -> Stack:
    """The stack, if it is ours; raises StackRefused."""
    if not stack.ours:
        raise StackRefused(
            f"a stack named {stack.name} is there, and isn't dbharness's: it has no tag {TAG}={stack.name}; "
            "nothing was touched, take another name"
        )
    return stack


def next_step(stack: Stack | None) -> Step:
    """What ``up`` does with what it found, after however many crashes; raises StackRefused with the way out."""
    if stack is None:
        return Step.CREATE
    owned(stack)
    if stack.moving:
        return Step.WAIT
    if stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        return Step.UPDATE
    way_out = f"`dbharness aws down {stack.name}` removes it, then run up again"
    raise StackRefused(f"stack {stack.name} is in {stack.status}{_because(stack)} and can't be updated; {way_out}")


def _because(stack: Stack) -> str:
    return f" ({stack.reason})" if stack.reason else ""


def wait(api: Api, stack: Stack, pace: Pace, progress: Progress) -> Stack | None:
    """Until nothing moves any more, each event told as it comes; the stack then, None if it is gone.

    A throttled control plane only makes it slower. Raises StackFailed when it takes longer than patience.
    """
    until_s, told = pace.monotonic_s() + pace.patience_s, set[str]()
    while True:
        try:
            _tell(current(events(api, stack)), told, progress)
            now = find(api, stack.id)
            if now is None or not now.moving:
                if now is not None:
                    _tell(current(events(api, stack)), told, progress)
                return now
            pending = now.status
        except AwsError as error:
            if error.trouble != "throttled":
                raise
            progress(f"CloudFormation is throttled ({error.code}); asking again")
            pending = "unknown"
        if pace.monotonic_s() >= until_s:
            raise StackFailed(
                f"stack {stack.name} is still in {pending} after {pace.patience_s / 60:.0f} minutes; "
                "it goes on without us: run the same command again to go on waiting"
            )
        pace.sleep(pace.poll_s)


def events(api: Api, stack: Stack) -> Iterable[Answer]:
    """Newest first, as the service gives them, page by page as they are taken."""
    return api.paginate("cloudformation", "DescribeStackEvents", "StackEvents", StackName=stack.id)


def current(newest_first: Iterable[Answer]) -> list[Answer]:
    """The events of what is, or was last, being done to the stack; oldest first."""
    taken: list[Answer] = []
    for event in newest_first:
        taken.append(event)
        its_own = event["ResourceType"] == _STACK and event.get("PhysicalResourceId") == event["StackId"]
        if its_own and event["ResourceStatus"] in _BEGINNINGS:
            break
    return taken[::-1]


def _tell(oldest_first: Sequence[Answer], told: set[str], progress: Progress) -> None:
    for event in oldest_first:
        if event["EventId"] not in told:
            told.add(event["EventId"])
            reason = event.get("ResourceStatusReason")
            at = event["Timestamp"].strftime("%H:%M:%S")
            said = f"{at} {event['LogicalResourceId']} {event['ResourceStatus']}"
            progress(f"{said}: {reason}" if reason and reason != "User Initiated" else said)


def failures(oldest_first: Sequence[Answer]) -> list[str]:
    """What failed of its own accord, the first one first: *name (type): reason*. What was cancelled for it is left out."""
    said: dict[str, str] = {}
    for event in oldest_first:
        name, type_ = event["LogicalResourceId"], event["ResourceType"]
        reason = event.get("ResourceStatusReason", "no reason given")
        if event["ResourceStatus"].endswith("_FAILED") and type_ != _STACK and "cancelled" not in reason.lower():
            said.setdefault(name, f"{name} ({type_}): {reason}")
    return list(said.values())
