"""The load generators: which there are, and commands on them by SSM, which is the only way to them."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.aws.api import Pace, StackApi
from harness.aws.failures import AwsError
from harness.aws.owners import tags_of
from harness.aws.safety import Refused, Resource, refuse
from harness.errors import CannotMeasure

DOCUMENT = "AWS-RunShellScript"
_OVER = frozenset({"Success", "Cancelled", "TimedOut", "Failed", "Undeliverable", "Terminated"})
_PENDING = "Pending"
_DELIVERY_S = 120
LONGEST_S = 172_800
"""The longest that SSM lets a command run: two days."""
_LEAST_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """One instance, and its private address."""

    id: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command on one instance, as it is now; output is there once it is over (the first 24,000 characters)."""

    status: str
    code: int
    out: str
    err: str

    @property
    def over(self) -> bool:
        """Whether it has come to an end, whichever."""
        return self.status in _OVER

    @property
    def well(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.status == "Success"

    @property
    def why(self) -> str:
        """In one line, how it ended."""
        said = (self.err.strip() or self.out.strip()).splitlines()
        code = f", exit code {self.code}" if self.code >= 0 else ""
        return f"{self.status}{code}" + (f": {said[-1]}" if said else "")


def of_group(aws: StackApi, group: str) -> tuple[Generator, ...]:
    """The instances of the auto scaling group that are in service. Raises CannotMeasure where there is none."""
    answer = aws.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[group])
    members = [one for found in answer["AutoScalingGroups"] for one in found.get("Instances", ())]
    ids = [one["InstanceId"] for one in members if one["LifecycleState"] == "InService"]
    if not ids:
        states = ", ".join(sorted({one["LifecycleState"] for one in members})) or "no instance"
        raise CannotMeasure(
            f"auto scaling group {group} has nothing in service ({states}); `dbharness aws up` makes generators"
        )
    return of_instances(aws, ids)


def of_instances(aws: StackApi, ids: Sequence[str]) -> tuple[Generator, ...]:
    """These instances, in the order of their ids: running, ours by tag, and in no way public. Raises Refused, CannotMeasure."""
    found = aws.paginate("ec2", "DescribeInstances", "Reservations", InstanceIds=list(ids))
    instances = {one["InstanceId"]: one for reservation in found for one in reservation["Instances"]}
    return tuple(_generator(aws.stack, instances[one]) for one in sorted(instances))


def _generator(stack: str, instance: dict[str, Any]) -> Generator:
    name, state = instance["InstanceId"], instance["State"]["Name"]
    resource = Resource(arn=name, kind="instance", name=name, tags=tags_of(instance.get("Tags", ())))
    if why := refuse(resource, "a command on it", stack):
        raise Refused(why)
    if state != "running":
        raise CannotMeasure(f"load generator {name} is {state}, not running")
    address = instance.get("PrivateIpAddress", "")
    if instance.get("PublicIpAddress") or not address or not ipaddress.ip_address(address).is_private:
        public = instance.get("PublicIpAddress", "none")
        raise Refused(
            f"load generator {name} has address {address or 'none'} and public address {public}: Locust's master speaks without "
            "encryption, so generators must be private; use the stack's own"
        )
    return Generator(id=name, address=address)


def wait_online(aws: StackApi, generators: Sequence[Generator], pace: Pace) -> None:
    """Return once SSM reaches all of them. Raises CannotMeasure, with those it doesn't."""
    wanted, since_s = {one.id for one in generators}, pace.monotonic_s()
    while True:
        filters = [{"Key": "InstanceIds", "Values": sorted(wanted)}]
        known = aws.paginate("ssm", "DescribeInstanceInformation", "InstanceInformationList", Filters=filters)
        missing = wanted - {one["InstanceId"] for one in known if one.get("PingStatus") == "Online"}
        if not missing:
            return
        if pace.monotonic_s() - since_s > pace.patience_s:
            raise CannotMeasure(
                f"SSM doesn't reach {', '.join(sorted(missing))} after {pace.patience_s:g} s: look at its agent, the instance's "
                "role and the endpoints ssm, ssmmessages, ec2messages"
            )
        pace.sleep(pace.poll_s)


class Command:
    """A shell script that runs on some instances."""

    def __init__(
        self, aws: StackApi, generators: Sequence[Generator], lines: Sequence[str], *, most_s: float, comment: str
    ) -> None:
        self._aws, self.ids = aws, [one.id for one in generators]
        seconds = int(min(LONGEST_S, max(_LEAST_S, most_s)))
        answer = aws.call(
            "ssm", "SendCommand", DocumentName=DOCUMENT, InstanceIds=self.ids, Comment=comment[:100],
            TimeoutSeconds=_DELIVERY_S, Parameters={"commands": list(lines), "executionTimeout": [str(seconds)]},
        )  # fmt: skip
        self.id = answer["Command"]["CommandId"]

    def on(self, instance: str) -> Invocation:
        """How it stands on one of them; just after sending, SSM may not know it yet: that is *Pending*."""
        try:
            answer = self._aws.call("ssm", "GetCommandInvocation", CommandId=self.id, InstanceId=instance)
        except AwsError as error:
            if error.code != "InvocationDoesNotExist":
                raise
            return Invocation(status=_PENDING, code=-1, out="", err="")
        return Invocation(
            status=answer["Status"], code=answer.get("ResponseCode", -1),
            out=answer.get("StandardOutputContent", ""), err=answer.get("StandardErrorContent", ""),
        )  # fmt: skip

    def wait(self, pace: Pace) -> dict[str, Invocation]:
        """How it ended on each; what isn't over after the patience is as it stands."""
        since_s = pace.monotonic_s()
        while True:
            now = {one: self.on(one) for one in self.ids}
            if all(one.over for one in now.values()) or pace.monotonic_s() - since_s > pace.patience_s:
                return now
            pace.sleep(pace.poll_s)

    def cancel(self) -> None:
        """Ask SSM to end it; it doesn't promise to."""
        self._aws.call("ssm", "CancelCommand", CommandId=self.id)


def must_be_well(ended: dict[str, Invocation], what: str) -> None:
    """Raises CannotMeasure for the first that didn't end well."""
    for instance, invocation in sorted(ended.items()):
        if not invocation.well:
            raise CannotMeasure(f"{what} on {instance}: {invocation.why}")
