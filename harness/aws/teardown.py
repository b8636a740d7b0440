"""``down`` and ``sweep``: everything of a stack goes, snapshots by choice, and what still carries the tag is listed.

Nothing is remembered between runs: killed at any moment, run it again. What was deleted already is no error.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.aws.api import Api, Pace, Progress
from harness.aws.calls import TAG, Kind
from harness.aws.failures import AwsError
from harness.aws.leftovers import SNAPSHOTS, Thing, empty_bucket, expiring, remove, tagged
from harness.aws.safety import Refused
from harness.aws.stacks import (
    EXPIRES_TAG,
    Stack,
    StackFailed,
    current,
    events,
    failures,
    find,
    owned,
    stack_of,
    wait,
)

Agree = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenDown:
    """What is still there afterwards: ``kept`` because that was asked for, ``left`` although it shouldn't be."""

    kept: tuple[Thing, ...]
    left: tuple[Thing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of a stack's resources, by its CloudFormation type and the service's own id."""

    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """The call that takes deletion protection off one type of resource."""

    kind: Kind
    service: str
    operation: str
    named_by: str
    more: Mapping[str, Any]


_LIFTS: Mapping[str, Lift] = {
    "AWS::RDS::DBInstance": Lift(
        kind="db_instance", service="rds", operation="ModifyDBInstance", named_by="DBInstanceIdentifier",
        more={"DeletionProtection": False, "ApplyImmediately": True},
    ),
    "AWS::RDS::DBCluster": Lift(
        kind="db_cluster", service="rds", operation="ModifyDBCluster", named_by="DBClusterIdentifier",
        more={"DeletionProtection": False, "ApplyImmediately": True},
    ),
    "AWS::DynamoDB::Table": Lift(
        kind="table", service="dynamodb", operation="UpdateTable", named_by="TableName",
        more={"DeletionProtectionEnabled": False},
    ),
}  # fmt: skip


_DATABASES: Mapping[str, tuple[str, str, str]] = {
    "rds:db": ("DescribeDBInstances", "DBInstances", "DBInstanceIdentifier"),
    "rds:cluster": ("DescribeDBClusters", "DBClusters", "DBClusterIdentifier"),
}
"""How RDS is asked for one by its id."""


def down(api: Api, name: str, *, keep_snapshots: bool, agree: Agree, pace: Pace, progress: Progress) -> TakenDown:
    """Delete the stack and all that carries its tag. ``agree`` is told what will go, and raises to prevent it.

    Raises StackRefused (not ours; protected by somebody else), StackFailed (a deletion that is stuck: on what) and AwsError.
    """
    stack = find(api, name)
    if stack is not None:
        owned(stack)
    carrying = tagged(api, name)
    if stack is None and not carrying:
        progress(f"nothing carries {TAG}={name}")
        return TakenDown(kept=(), left=())
    agree(_going(name, stack, carrying, keep_snapshots))
    if stack is not None:
        _delete_stack(api, stack, carrying, pace, progress)
    return _remove_rest(api, name, keep_snapshots, pace, progress)


def _going(name: str, stack: Stack | None, carrying: Iterable[Thing], keep_snapshots: bool) -> str:
    snapshots = sum(thing.kind in SNAPSHOTS for thing in carrying)
    fate = f"; {snapshots} snapshots {'stay' if keep_snapshots else 'go too'}" if snapshots else ""
    what = f"stack {name} with all its data" if stack else f"what is left of stack {name}"
    return f"delete {what}{fate}"


def _delete_stack(api: Api, stack: Stack, carrying: Iterable[Thing], pace: Pace, progress: Progress) -> None:
    """Refusals come before anything is touched."""
    api.ours_protected = stack.protected_by_us
    if stack.moving and (stack.status != "CREATE_IN_PROGRESS" or api.ours_protected):
        progress(f"stack {stack.name} is in {stack.status}; waiting for that first")
        settled = wait(api, stack, pace, progress)
        if settled is None:
            return
        stack = settled
    api.must_be_ours("stack", stack.name, "DeleteStack")
    members = [
        Member(type=each["ResourceType"], id=each["PhysicalResourceId"])
        for each in api.paginate("cloudformation", "ListStackResources", "StackResourceSummaries", StackName=stack.id)
        if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    protected = [
        (member, lift) for member in members if (lift := _LIFTS.get(member.type)) and _protected(api, member, lift)
    ]
    _remove_beside(api, members, carrying, pace, progress)
    for member in members:
        if member.type == "AWS::S3::Bucket":
            empty_bucket(api, member.id, progress)
    for member, lift in protected:
        api.guarded(lift.service, lift.operation, **{lift.named_by: member.id}, **lift.more)
        progress(f"lifted our deletion protection of {member.id}")
    if stack.protected:
        api.guarded(
            "cloudformation", "UpdateTerminationProtection", StackName=stack.name, EnableTerminationProtection=False
        )
    api.guarded("cloudformation", "DeleteStack", StackName=stack.name)
    left = wait(api, stack, pace, progress)
    if left is not None:
        why = "; ".join(failures(current(events(api, left)))) or left.reason or "no reason given"
        raise StackFailed(
            f"stack {stack.name} isn't gone: {left.status}. Stuck: {why}. "
            f"Way out: remove what holds it, then `dbharness aws down {stack.name}` again; what went is gone"
        )


def _protected(api: Api, member: Member, lift: Lift) -> bool:
    """Whether it has deletion protection; raises Refused where that wasn't the stack's doing, or it isn't ours at all."""
    try:
        return api.must_be_ours(lift.kind, member.id, "deletion").deletion_protection
    except AwsError as error:
        if error.trouble == "missing":
            return False
        raise


def _remove_beside(
    api: Api, members: Iterable[Member], carrying: Iterable[Thing], pace: Pace, progress: Progress
) -> None:
    """Restored databases lie in the stack's subnets, so the stack can't go before they have.

    RDS deletes nothing that is still being made: then it is asked again.
    """
    own = {member.id for member in members}
    beside = [thing for thing in carrying if thing.kind in _DATABASES and thing.id not in own]
    for thing in beside:
        remove(api, thing, progress)
    until_s = pace.monotonic_s() + pace.patience_s
    for thing in beside:
        while _is_there(api, thing):
            if pace.monotonic_s() >= until_s:
                raise StackFailed(f"{thing.kind} {thing.id} is still there; run down again to go on waiting")
            pace.sleep(pace.poll_s)
            remove(api, thing, progress)


def _is_there(api: Api, thing: Thing) -> bool:
    operation, key, named_by = _DATABASES[thing.kind]
    try:
        return bool(api.call("rds", operation, **{named_by: thing.id})[key])
    except AwsError as error:
        if error.trouble == "missing":
            return False
        raise


def _remove_rest(api: Api, name: str, keep_snapshots: bool, pace: Pace, progress: Progress) -> TakenDown:
    """What outlived the stack goes too; then the tag is asked for until nothing has it, or only what is kept."""
    until_s, told = pace.monotonic_s() + pace.tag_patience_s, -1
    while True:
        found = tagged(api, name)
        kept = tuple(thing for thing in found if keep_snapshots and thing.kind in SNAPSHOTS)
        left = tuple(thing for thing in found if thing not in kept)
        for thing in left:
            try:
                remove(api, thing, progress)
            except Refused as refusal:  # the others go all the same, and this one is listed
                progress(str(refusal))
        if not left or pace.monotonic_s() >= until_s:
            return TakenDown(kept=kept, left=left)
        if len(left) != told:
            progress(f"{TAG}={name} is still on {', '.join(f'{thing.kind} {thing.id}' for thing in left)}")
            told = len(left)
        pace.sleep(pace.poll_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A stack, or what is left of one, whose time is over."""

    name: str
    expires: datetime
    standing: bool


def expired(api: Api, now: datetime) -> list[Expired]:
    """Stacks of ours past their expiry tag, and what carries such a tag without a stack; the longest over first.

    What a standing stack made follows the stack's own tag, so that prolonging the stack prolongs all of it.
    """
    stacks = [stack_of(each) for each in api.paginate("cloudformation", "DescribeStacks", "Stacks")]
    standing = {stack.name: stack for stack in stacks if stack.ours and stack.status != "DELETE_COMPLETE"}
    found = {name: _expiry(stack.tags) for name, stack in standing.items()}
    for thing in expiring(api):
        name, over = thing.tags.get(TAG), _expiry(thing.tags)
        if name and name not in standing and over:
            found[name] = max(over, found.get(name) or over)
    over_now = [
        Expired(name=name, expires=expires, standing=name in standing)
        for name, expires in found.items()
        if expires and expires <= now
    ]
    return sorted(over_now, key=lambda each: each.expires)


def _expiry(tags: Mapping[str, str]) -> datetime | None:
    """The instant; None where the tag is missing or isn't one: what can't be read never expires."""
    try:
        instant = datetime.fromisoformat(tags.get(EXPIRES_TAG, ""))
    except ValueError:
        return None
    return instant if instant.tzinfo else None
