"""A run on load generators is begun, followed, stopped and gathered; whatever dies there is said, and what there is comes home."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.response import StreamingBody
from scripted_aws import Fault, ScriptedAws

from harness.aws import generators, remote
from harness.aws.api import Pace
from harness.aws.bucket import Bucket
from harness.aws.bundle import Bundle, file_of
from harness.aws.failures import AwsError
from harness.aws.job import Job, Progress
from harness.aws.remote import Asked, gather, install_lines, run, where
from harness.aws.safety import Refused
from harness.errors import CannotMeasure, UsageError

STACK = "dbharness-test"
OUTPUTS = {"RunBucketName": "dbharness-test-runs", "GeneratorGroupName": "generators"}
MANIFEST = {"status": "running", "reason": None, "scenarios": {"query_vs_scan": {"status": "running"}}}


class Cloud:
    """A stack with three generators, a bucket of bytes, and an SSM that does what a test says."""

    def __init__(self) -> None:
        self.aws = ScriptedAws(STACK)
        self.clock, self.objects = 0.0, dict[str, bytes]()
        self.states = dict.fromkeys(("i-1", "i-2", "i-3"), "running")
        self.commands: list[dict[str, Any]] = []
        self.ended: dict[tuple[str, str], str] = {}  # (role, instance) → status
        self.tags, self.public = {"dbharness": STACK}, dict[str, str]()
        self.on_stop: Callable[[str], None] = lambda _: None
        self.at: dict[float, Callable[[], None]] = {}
        for service, operation in (
            ("cloudformation", "DescribeStacks"), ("autoscaling", "DescribeAutoScalingGroups"), ("ec2", "DescribeInstances"),
            ("ssm", "DescribeInstanceInformation"), ("ssm", "SendCommand"), ("ssm", "GetCommandInvocation"),
            ("ssm", "CancelCommand"), ("s3", "PutObject"), ("s3", "GetObject"), ("s3", "ListObjectsV2"),
        ):  # fmt: skip
            self.aws.on(service, operation, getattr(self, f"_{operation}"))
        self.pace = Pace(monotonic_s=lambda: self.clock, sleep=self._sleep, poll_s=5.0, patience_s=900.0)

    def _sleep(self, seconds: float) -> None:
        self.clock += seconds
        for when in sorted(self.at):
            if when <= self.clock:
                self.at.pop(when)()

    def _DescribeStacks(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        stack = {"StackName": STACK, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}
        return {"Stacks": [stack | {"CreationTime": 0}]}

    def _DescribeAutoScalingGroups(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        same = {"AvailabilityZone": "a", "HealthStatus": "Healthy", "ProtectedFromScaleIn": False}
        members = [same | {"InstanceId": one, "LifecycleState": "InService"} for one in self.states]
        group = {
            "AutoScalingGroupName": "generators", "MinSize": 3, "MaxSize": 3, "DesiredCapacity": 3, "DefaultCooldown": 0,
            "AvailabilityZones": ["a"], "HealthCheckType": "EC2", "CreatedTime": 0, "Instances": members,
        }  # fmt: skip
        return {"AutoScalingGroups": [group]}

    def _DescribeInstances(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {
            "Reservations": [
                {
                    "Instances": [
                        {
                            "InstanceId": name, "State": {"Name": state}, "PrivateIpAddress": f"10.97.0.{name[-1]}", "Tags": tags,
                            **({"PublicIpAddress": self.public[name]} if name in self.public else {}),
                        }
                    ]
                }
                for name, state in self.states.items()
            ]
        }  # fmt: skip

    def _DescribeInstanceInformation(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"InstanceInformationList": [{"InstanceId": one, "PingStatus": "Online"} for one in self.states]}

    def _SendCommand(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        last = asked["Parameters"]["commands"][-1]
        role = next((one for one in ("master", "worker") if f"on_generator {one}" in last), "install")
        role = "stop" if "kill -INT" in last else role
        self.commands.append({"role": role, **asked})
        if role == "stop":
            self.on_stop(last)
        return {"Command": {"CommandId": f"00000000-0000-0000-0000-00000000{len(self.commands):04}"}}

    def _GetCommandInvocation(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        role = self.commands[int(asked["CommandId"][-4:]) - 1]["role"]
        status = "Success" if role in ("install", "stop") else self.ended.get((role, asked["InstanceId"]), "InProgress")
        return {
            "Status": status, "ResponseCode": 0 if status == "Success" else -1, "StandardOutputContent": "",
            "StandardErrorContent": "out of disk" if status == "Failed" else "",
        }  # fmt: skip

    def _CancelCommand(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.commands.append({"role": "cancel", **asked})
        return {}

    def _PutObject(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        body = asked["Body"]
        self.objects[asked["Key"]] = body if isinstance(body, bytes) else body.read()
        return {}

    def _GetObject(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if asked["Key"] not in self.objects:
            raise Fault("NoSuchKey", "The specified key does not exist.")
        body = self.objects[asked["Key"]]
        return {"Body": StreamingBody(io.BytesIO(body), len(body))}

    def _ListObjectsV2(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found = [(key, len(body)) for key, body in self.objects.items() if key.startswith(asked["Prefix"])]
        return {"Contents": [{"Key": key, "Size": size} for key, size in found]}

    def tell(self, run_id: str, **progress: Any) -> None:
        """The master there says where it is."""
        self.objects[f"runs/{run_id}/control/progress.json"] = Progress(**progress).to_json()

    def leave(self, run_id: str, manifest: dict[str, Any]) -> None:
        """The master there leaves a manifest and one worker's samples."""
        self.objects[f"runs/{run_id}/manifest.json"] = json.dumps(manifest).encode()
        self.objects[f"runs/{run_id}/samples/query_vs_scan.0.parquet"] = b"rows"

    def roles(self) -> list[str]:
        """What was sent, in order."""
        return [one["role"] for one in self.commands]

    @property
    def job(self) -> Job:
        """The job that was put to the bucket."""
        (text,) = [body for key, body in self.objects.items() if key.endswith("control/job.json")]
        return Job.from_json(text)


class Money:
    """A guard that has so many seconds left, and stops when a test says."""

    def __init__(self, left_s: float = 7_200.0) -> None:
        self.left_s, self.reached = left_s, False

    def stop(self) -> str | None:
        return "$5.00 spent, --max-usd is $5.00: stopped" if self.reached else None


class Shown:
    """Keeps progress."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []

    def update(self, scenario: str, record: dict[str, Any]) -> None:
        self.records.append((scenario, record))


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def made(tmp_path: Path) -> Callable[[Path], Bundle]:
    """Two little files in place of wheels."""
    own, needed = tmp_path / "dbharness-0.1.0-py3-none-any.whl", tmp_path / "wheels.tar"
    own.write_bytes(b"wheel")
    needed.write_bytes(b"archive")
    return lambda _: Bundle(own=file_of(own), needed=file_of(needed))


def begin(
    cloud: Cloud, made: Callable[[Path], Bundle], out: Path, money: Money | None = None
) -> tuple[Any, list[str], Shown]:
    """``aws run query_vs_scan`` until its end: the run directory and why it was cut short, what was said, what was shown."""
    said: list[str] = []
    shown = Shown()
    aws = cloud.aws.gateway()
    asked = Asked(scenarios=("query_vs_scan",), config="profile: smoke\n", out=out)
    found = run(aws, where(aws), asked, money or Money(), shown, said.append, pace=cloud.pace, make=made)
    return found, said, shown


def run_of(cloud: Cloud) -> str:
    return cloud.job.run


def finishes(cloud: Cloud, *, at_s: float, manifest: dict[str, Any] | None = None) -> None:
    """So many seconds on, all went well there."""

    def act() -> None:
        cloud.leave(run_of(cloud), manifest or {"status": "complete", "reason": None, "scenarios": {}})
        cloud.tell(run_of(cloud), scenario="query_vs_scan", record={"state": "measuring"}, ended=True)
        cloud.ended |= {("master", "i-1"): "Success", ("worker", "i-2"): "Success", ("worker", "i-3"): "Success"}

    cloud.at[at_s] = act


def test_a_run_goes_to_the_generators_and_comes_home(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """Installed, one master at its private address, two workers; progress shown; samples and manifest are here at the end."""
    cloud.at[20] = lambda: cloud.tell(
        run_of(cloud), scenario="query_vs_scan", record={"state": "loading data"}, spread=True
    )
    finishes(cloud, at_s=60)
    (directory, why), said, shown = begin(cloud, made, tmp_path / "run")
    assert why is None
    assert cloud.roles() == ["install", "worker", "master"]
    assert (cloud.job.master, cloud.job.workers, cloud.job.target) == ("10.97.0.1", 2, "aws")
    assert [one["InstanceIds"] for one in cloud.commands] == [["i-1", "i-2", "i-3"], ["i-2", "i-3"], ["i-1"]]
    assert ("query_vs_scan", {"state": "loading data"}) in shown.records
    assert (directory.path / "samples" / "query_vs_scan.0.parquet").read_bytes() == b"rows"
    assert not (directory.path / "control").exists()
    assert any("2 workers" in line for line in said)


def test_what_is_in_the_bucket_already_is_not_sent_again_and_its_digest_is_checked_there(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """A file's place is its SHA-256, which the script that installs compares."""
    digest = hashlib.sha256(b"archive").hexdigest()
    key = f"install/{digest}/wheels.tar"
    cloud.objects[key] = b"archive"
    finishes(cloud, at_s=30)
    begin(cloud, made, tmp_path / "run")
    assert key not in [one["Key"] for one in cloud.aws.asked("PutObject")]
    lines = cloud.commands[0]["Parameters"]["commands"]
    assert f"aws s3 cp --only-show-errors s3://dbharness-test-runs/{key} ." in lines
    assert any(f"'{digest}  wheels.tar'" in line and "sha256sum --check" in line for line in lines)
    assert any("--no-index" in line for line in lines)


def test_a_file_that_was_altered_on_the_way_is_not_installed(made: Callable[[Path], Bundle], tmp_path: Path) -> None:
    """The script itself, with other programs in place of aws and pip: it ends at the digest."""
    import os
    import subprocess

    bundle, tools, venv = made(tmp_path), tmp_path / "bin", tmp_path / "venv"
    tools.mkdir()
    (tools / "aws").write_text('#!/bin/sh\necho altered > "$(basename "$4")"\n')
    (tools / "python3.11").write_text("#!/bin/sh\necho must not come here; exit 7\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    script = "\n".join(install_lines("bucket", bundle, str(venv)))
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode not in (0, 7)
    assert "did NOT match" in done.stderr
    assert not (venv / "installed").exists()


def test_money_that_is_used_up_stops_the_run_in_order(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """The master is interrupted first, so that it closes its run; its partial run is gathered with the reason."""
    money = Money()
    cloud.at[30] = lambda: setattr(money, "reached", True)

    def stops(line: str) -> None:
        role = "master" if "master.pid" in line else "worker"
        if role == "master":
            cloud.leave(run_of(cloud), {"status": "partial", "reason": "interrupted", "scenarios": {}})
            cloud.ended |= {("master", "i-1"): "Failed", ("worker", "i-2"): "Success", ("worker", "i-3"): "Success"}

    cloud.on_stop = stops
    (directory, why), said, _ = begin(cloud, made, tmp_path / "run", money)
    assert cloud.roles() == ["install", "worker", "master", "stop"]
    assert why == "$5.00 spent, --max-usd is $5.00: stopped"
    assert why in said
    assert directory.manifest["reason"] == why


def test_no_money_begins_nothing(cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path) -> None:
    """The limit is reached before the start."""
    money = Money()
    money.reached = True
    with pytest.raises(CannotMeasure, match="stopped"):
        begin(cloud, made, tmp_path / "run", money)
    assert cloud.roles() == ["install"]


def test_the_time_that_the_money_lasts_is_the_jobs_own_limit(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """1,000 s of money: the master ends itself then, were this process gone; SSM's limit comes 240 s later."""
    finishes(cloud, at_s=30)
    begin(cloud, made, tmp_path / "run", Money(left_s=1_000))
    assert cloud.job.most_s == 1_000
    assert [one["Parameters"]["executionTimeout"] for one in cloud.commands[1:]] == [["1240"], ["1240"]]


def test_ctrl_c_stops_the_run_there_and_still_gathers(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """As a terminal sends it, while this side waits."""

    def interrupts() -> None:
        raise KeyboardInterrupt

    cloud.at[30] = interrupts

    def stops(_: str) -> None:
        cloud.leave(run_of(cloud), {"status": "partial", "reason": "interrupted", "scenarios": {}})
        cloud.ended |= {(role, one): "Success" for role in ("master", "worker") for one in cloud.states}

    cloud.on_stop = stops
    (directory, why), _, _ = begin(cloud, made, tmp_path / "run")
    assert why == "interrupted"
    assert directory.manifest["status"] == "partial"
    assert (directory.path / "samples" / "query_vs_scan.0.parquet").exists()


def test_what_does_not_stop_is_cancelled(cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path) -> None:
    """Neither master nor workers heed the interrupt: both commands are cancelled, in that order, and what there is gathered."""
    money = Money()

    def begins() -> None:
        cloud.leave(run_of(cloud), MANIFEST)
        money.reached = True

    cloud.at[30] = begins
    (directory, _), _, _ = begin(cloud, made, tmp_path / "run", money)
    assert cloud.roles() == ["install", "worker", "master", "stop", "cancel", "stop", "cancel"]
    assert directory.manifest["scenarios"]["query_vs_scan"]["status"] == "partial"


@pytest.mark.parametrize("dead", ["i-1", "i-2"])
def test_a_generator_that_dies_is_said(cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path, dead: str) -> None:
    """EC2 says *terminated* while SSM still says *InProgress*: the line names it, the run is closed with that reason."""

    def dies() -> None:
        cloud.states[dead] = "terminated"
        cloud.leave(run_of(cloud), MANIFEST)
        if dead == "i-2":  # a master that lost a worker ends by itself, and so do the others
            cloud.ended |= {("master", "i-1"): "Success", ("worker", "i-3"): "Success"}

    def stops(line: str) -> None:
        assert "worker.pid" in line
        cloud.ended |= {("worker", "i-2"): "Success", ("worker", "i-3"): "Success"}

    cloud.on_stop = stops
    cloud.at[30] = dies
    (directory, why), said, _ = begin(cloud, made, tmp_path / "run")
    assert why is not None
    assert f"instance {dead} is terminated" in why
    assert any(f"load generator lost: instance {dead} is terminated" in line for line in said)
    assert directory.manifest["status"] == "partial"


def test_a_worker_that_fails_is_said_with_its_last_words(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """Its command ended before the master did."""

    def fails() -> None:
        cloud.ended["worker", "i-3"] = "Failed"

    cloud.at[20] = fails
    finishes(cloud, at_s=60, manifest=MANIFEST)
    (_, why), said, _ = begin(cloud, made, tmp_path / "run")
    assert why == "worker i-3: Failed: out of disk"
    assert "load generator lost: worker i-3: Failed: out of disk" in said


def test_a_master_that_cannot_begin_is_said_with_its_own_words(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """It ended before it measured, so there is nothing to gather: the reason is its own, not that nothing is there."""

    def fails() -> None:
        cloud.ended |= {("master", "i-1"): "Failed"}

    cloud.at[20] = fails
    cloud.on_stop = lambda _: cloud.ended.update({("worker", "i-2"): "Success", ("worker", "i-3"): "Success"})
    with pytest.raises(CannotMeasure, match="master i-1: Failed: out of disk; .* holds no run yet"):
        begin(cloud, made, tmp_path / "run")


def test_a_master_that_ends_in_order_with_an_exit_code_is_not_lost(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """Exit 3, a scenario that can't be measured: SSM calls that *Failed*, the run's own manifest says what it was."""
    finishes(cloud, at_s=30)
    cloud.at[31] = lambda: cloud.ended.update({("master", "i-1"): "Failed"})
    (_, why), said, _ = begin(cloud, made, tmp_path / "run")
    assert why is None
    assert not any("lost" in line for line in said)


def test_a_token_that_expires_leaves_the_run_going_and_says_how_to_gather_it(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """Nothing can be asked any more: one line with the run's id."""

    def expires() -> None:
        for key in cloud.aws.handlers:
            cloud.aws.fail(*key, "ExpiredToken", "expired")

    cloud.at[30] = expires
    with pytest.raises(CannotMeasure, match=r"dbharness aws run --gather \d{8}-\d{6}-[0-9a-f]{6}"):
        begin(cloud, made, tmp_path / "run")


def test_a_control_plane_that_throttles_for_a_while_does_not_end_the_run(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """From 20 s to 200 s nothing is answered: said once, followed again afterwards."""
    handlers = dict(cloud.aws.handlers)

    def throttles() -> None:
        for key in handlers:
            cloud.aws.fail(*key, "ThrottlingException", "Rate exceeded")

    cloud.at[20] = throttles
    cloud.at[200] = lambda: cloud.aws.handlers.update(handlers)
    finishes(cloud, at_s=230)
    (_, why), said, _ = begin(cloud, made, tmp_path / "run")
    assert why is None
    assert sum("the run goes on there" in line for line in said) == 1
    assert "stop" not in cloud.roles()


@pytest.mark.parametrize("trouble", [Fault("ExpiredToken", "it expired"), KeyboardInterrupt()])
def test_workers_whose_master_is_never_sent_are_stopped(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path, trouble: BaseException
) -> None:
    """They would wait for its word until the job's time is over."""
    sends = cloud._SendCommand

    def send(asked: dict[str, Any]) -> dict[str, Any]:
        if "on_generator master" in asked["Parameters"]["commands"][-1]:
            raise trouble
        return sends(asked)

    cloud.aws.on("ssm", "SendCommand", send)
    cloud.on_stop = lambda _: cloud.ended.update({("worker", "i-2"): "Success", ("worker", "i-3"): "Success"})
    with pytest.raises((AwsError, KeyboardInterrupt)):
        begin(cloud, made, tmp_path / "run")
    assert cloud.roles() == ["install", "worker", "stop"]


def test_a_word_of_the_master_that_breaks_off_on_the_way_is_asked_for_again(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """The connection breaks in the body of an answer, which isn't botocore's to retry: the run goes on, and so do we."""
    cloud.at[10] = lambda: cloud.tell(run_of(cloud), scenario="query_vs_scan", record={"state": "loading data"})
    finishes(cloud, at_s=40)
    broken = 3

    def get(asked: dict[str, Any]) -> dict[str, Any]:
        nonlocal broken
        if asked["Key"].endswith("progress.json") and asked["Key"] in cloud.objects and broken:
            broken -= 1
            return {"Body": StreamingBody(io.BytesIO(b"{"), 10)}
        return cloud._GetObject(asked)

    cloud.aws.on("s3", "GetObject", get)
    (_, why), said, shown = begin(cloud, made, tmp_path / "run")
    assert (why, broken) == (None, 0)
    assert len([line for line in said if "the run goes on there, and is asked for again" in line]) == 1
    assert shown.records


@pytest.mark.parametrize(
    ("service", "operation", "code", "trouble"),
    [
        ("ssm", "SendCommand", "AccessDeniedException", "these credentials need ssm:SendCommand"),
        ("s3", "PutObject", "AccessDenied", "these credentials need s3:PutObject"),
        ("autoscaling", "DescribeAutoScalingGroups", "ExpiredToken", "sign in again"),
        ("ssm", "SendCommand", "InvalidInstanceId", "InvalidInstanceId"),
        ("ec2", "DescribeInstances", "UnauthorizedOperation", "these credentials need ec2:DescribeInstances"),
        ("ssm", "DescribeInstanceInformation", "ThrottlingException", "control plane is busy"),
    ],
)
def test_what_aws_refuses_before_the_run_is_said_and_nothing_runs(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path, service: str, operation: str, code: str, trouble: str
) -> None:
    """The first call that fails ends it, with the way out."""
    cloud.aws.fail(service, operation, code, "no")
    with pytest.raises(Exception, match=trouble):
        begin(cloud, made, tmp_path / "run")
    assert "master" not in cloud.roles()


def test_an_install_that_fails_says_what_the_machine_said(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """No wheel for that Python, say."""
    answer = {
        "Status": "Failed",
        "ResponseCode": 1,
        "StandardErrorContent": "ERROR: No matching distribution",
        "StandardOutputContent": "",
    }
    cloud.aws.on("ssm", "GetCommandInvocation", answer)
    with pytest.raises(
        CannotMeasure, match=r"installing dbharness on i-1: Failed, exit code 1: ERROR: No matching distribution"
    ):
        begin(cloud, made, tmp_path / "run")


def test_a_generator_that_ssm_does_not_reach_is_named(
    cloud: Cloud, made: Callable[[Path], Bundle], tmp_path: Path
) -> None:
    """After the patience, with where to look."""
    cloud.aws.on("ssm", "DescribeInstanceInformation", {"InstanceInformationList": []})
    with pytest.raises(CannotMeasure, match=r"SSM doesn't reach i-1, i-2, i-3 after 900 s: .*ssmmessages"):
        begin(cloud, made, tmp_path / "run")


def test_commands_go_to_what_is_ours_and_private_alone(cloud: Cloud) -> None:
    """Another stack's instance, one called prod, one with a public address: refused before any command."""
    aws = cloud.aws.gateway()
    for tags in ({}, {"dbharness": "other"}, {"dbharness": STACK, "env": "prod"}):
        cloud.tags = tags
        with pytest.raises(Refused):
            where(aws)
    cloud.tags, cloud.public = {"dbharness": STACK}, {"i-2": "54.0.0.1"}
    with pytest.raises(Refused, match="public address 54.0.0.1"):
        where(aws)
    assert cloud.commands == []


def test_an_empty_group_and_a_stack_without_generators_say_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, in one line each."""
    aws = cloud.aws.gateway()
    cloud.states.clear()
    with pytest.raises(CannotMeasure, match="nothing in service"):
        where(aws)
    monkeypatch.delitem(OUTPUTS, "GeneratorGroupName")
    with pytest.raises(UsageError, match="made without load generators"):
        where(aws)
    monkeypatch.delitem(OUTPUTS, "RunBucketName")
    with pytest.raises(UsageError, match="--bucket"):
        where(aws)


def test_ssm_that_does_not_know_a_command_yet_is_asked_again(cloud: Cloud) -> None:
    """Just after sending: InvocationDoesNotExist is *Pending*, not an error."""
    command = generators.Command(
        cloud.aws.gateway(), [generators.Generator(id="i-1", address="10.0.0.1")], ["true"], most_s=60, comment="x"
    )
    cloud.aws.fail("ssm", "GetCommandInvocation", "InvocationDoesNotExist", "")
    assert command.on("i-1").status == "Pending"


def test_gathering_a_broken_download_tries_again_and_never_leaves_half_a_file(cloud: Cloud, tmp_path: Path) -> None:
    """The body breaks off twice, then comes whole; where it never does, the error says so and no file is there."""
    cloud.objects["runs/1/samples/a.parquet"] = b"0123456789"
    breaks = 2

    def get(asked: dict[str, Any]) -> dict[str, Any]:
        nonlocal breaks
        breaks -= 1
        return {"Body": StreamingBody(io.BytesIO(b"01234"), 10)} if breaks >= 0 else cloud._GetObject(asked)

    cloud.aws.on("s3", "GetObject", get)
    bucket = Bucket(cloud.aws.gateway(), "dbharness-test-runs")
    bucket.gather("runs/1", tmp_path, lambda _: None)
    assert (tmp_path / "samples" / "a.parquet").read_bytes() == b"0123456789"
    breaks, other = 99, tmp_path / "other"
    with pytest.raises(CannotMeasure, match="can't be read whole"):
        bucket.gather("runs/1", other, lambda _: None)
    assert list((other / "samples").iterdir()) == []


def test_nothing_in_the_bucket_can_write_outside_of_the_run(cloud: Cloud, tmp_path: Path) -> None:
    """A key with .. in it."""
    cloud.objects["runs/1/../../evil"] = b"x"
    with pytest.raises(CannotMeasure, match="leads out of the run"):
        Bucket(cloud.aws.gateway(), "b").gather("runs/1", tmp_path / "in", lambda _: None)


def test_a_run_without_a_manifest_is_no_run_yet(cloud: Cloud, tmp_path: Path) -> None:
    """Its master never got to write one."""
    with pytest.raises(CannotMeasure, match="holds no run yet"):
        gather(cloud.aws.gateway(), "b", "1", tmp_path / "x", lambda _: None)


def test_where_names_the_first_generator_the_master() -> None:
    """In the order of their ids."""
    there = remote.Where(
        bucket="b", generators=tuple(generators.Generator(id=one, address="10.0.0.1") for one in "abc")
    )
    assert (there.master.id, [one.id for one in there.workers]) == ("a", ["b", "c"])
