"""``dbharness aws run``: a run on the load generators, followed, stopped and gathered from here; the report is made here.

What happens there goes on when this process doesn't: the master ends by itself when the time that the job has is over, and
``gather`` fetches a run whoever began it.
"""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from harness.aws import bundle
from harness.aws.api import Pace, StackApi
from harness.aws.bucket import Bucket
from harness.aws.failures import AwsError
from harness.aws.generators import LONGEST_S, Command, Generator, must_be_well, of_group, of_instances, wait_online
from harness.aws.job import HOME, PORT, Job, Progress, job_key, prefix, progress_key
from harness.errors import CannotMeasure, HarnessError, UsageError
from harness.redaction import Redactor
from harness.rundir import RunDir, now_iso

BUCKET, GROUP = "RunBucketName", "GeneratorGroupName"
"""The stack's outputs that name the run's bucket and the generators' auto scaling group."""
VENV = "/opt/dbharness"
WORST_INSTALL_S = 900.0
ONLINE_S = 900.0
MOST_S = LONGEST_S - 600.0
_PASSING = ("throttled", "unreachable")
"""Troubles that end by themselves: the run there goes on meanwhile, and so does following it."""
_ORDERLY_S = 240.0
_SHORTLY_S = 30.0


class Guard(Protocol):
    """What says that the money is used up: :class:`harness.aws.spend_guard.SpendGuard`."""

    @property
    def left_s(self) -> float:
        """Seconds until the limit."""
        ...

    def stop(self) -> str | None:
        """Why to stop now; None where it may go on."""
        ...


class ProgressView(Protocol):
    """Shows how far a scenario is; as in harness.suite."""

    def update(self, scenario: str, record: dict[str, Any]) -> None:
        """A scenario said where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be run; ``config`` is the text of a configuration file, ``out`` the local run directory."""

    scenarios: tuple[str, ...]
    config: str
    out: Path
    profile: str | None = None
    seed: int | None = None
    overrides: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    most_s: float = MOST_S
    port: int = PORT
    redactor: Redactor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The run's bucket, and the generators: the first is the master, the others are workers."""

    bucket: str
    generators: tuple[Generator, ...]

    @property
    def master(self) -> Generator:
        """Where the services are asked from that need one process, and where trials are called."""
        return self.generators[0]

    @property
    def workers(self) -> tuple[Generator, ...]:
        """Those that make load together where a scenario's may come from several."""
        return self.generators[1:]


def outputs_of(aws: StackApi) -> dict[str, str]:
    """The stack's outputs. Raises AwsError where there is no such stack."""
    (stack,) = aws.call("cloudformation", "DescribeStacks", StackName=aws.stack)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}


def bucket_of(aws: StackApi, given: str | None) -> str:
    """The bucket that was given, or the stack's. Raises UsageError for a stack without one."""
    bucket = given or outputs_of(aws).get(BUCKET)
    if bucket is None:
        raise UsageError(f"stack {aws.stack} has no output {BUCKET}: name the run's bucket with --bucket")
    return bucket


def where(aws: StackApi, *, bucket: str | None = None, instances: Sequence[str] = ()) -> Where:
    """The stack's bucket and generators, or those given. Raises UsageError for what neither says."""
    outputs = {} if bucket and instances else outputs_of(aws)
    bucket = bucket_of(aws, bucket or outputs.get(BUCKET))
    if instances:
        return Where(bucket=bucket, generators=of_instances(aws, instances))
    if GROUP not in outputs:
        raise UsageError(f"stack {aws.stack} has no output {GROUP}: it was made without load generators")
    return Where(bucket=bucket, generators=of_group(aws, outputs[GROUP]))


class RemoteRun:
    """One run on generators; ``say`` prints a line."""

    def __init__(self, aws: StackApi, there: Where, say: Callable[[str], None], pace: Pace | None = None) -> None:
        self._aws, self._there, self._say, self._pace = aws, there, say, pace or Pace()
        self._bucket = Bucket(aws, there.bucket)
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.id = f"{stamp}-{secrets.token_hex(3)}"
        self._lost: dict[str, str] = {}
        self._cut_off = False
        self._master: Command | None = None
        self._workers: Command | None = None

    @property
    def python(self) -> str:
        """The interpreter that has the harness there, once it is installed."""
        return f"{self._venv}/bin/python"

    def install(
        self, make: Callable[[Path], bundle.Bundle] = bundle.build, *, authority: Path | None = None
    ) -> str | None:
        """The harness as it is here, on every generator: nothing is sent or installed twice.

        ``authority`` is a file of certificates to go with it; returns where it is there.
        """
        wait_online(self._aws, self._there.generators, replace(self._pace, patience_s=ONLINE_S))
        with tempfile.TemporaryDirectory() as folder:
            made = make(Path(folder))
            trusted = bundle.file_of(authority) if authority else None
            for file in (made.needed, made.own, *([trusted] if trusted else ())):
                size_mb = file.path.stat().st_size / 1e6
                if self._bucket.send(file):
                    self._say(
                        f"{file.path.name} ({size_mb:.0f} MB, sha256 {file.sha256[:12]}) put to s3://{self._there.bucket}"
                    )
        self._venv = f"{VENV}/{made.own.sha256[:16]}"
        lines = install_lines(self._there.bucket, made, self._venv)
        there = None
        if trusted:
            there = f"{VENV}/{trusted.sha256[:16]}.pem"
            lines = [f"aws s3 cp --only-show-errors s3://{self._there.bucket}/{trusted.key} {there}", *lines]
            lines = ["set -eu", f"mkdir -p {VENV}", *lines]
        install = Command(
            self._aws,
            self._there.generators,
            lines,
            most_s=WORST_INSTALL_S,
            comment=f"{self._aws.stack}: install dbharness",
        )
        must_be_well(install.wait(replace(self._pace, patience_s=WORST_INSTALL_S)), "installing dbharness")
        self._say(f"dbharness is installed on {len(self._there.generators)} load generators")
        return there

    def start(self, asked: Asked, guard: Guard) -> None:
        """Send the job and start workers and master. Raises CannotMeasure where the money is used up already."""
        if why := guard.stop():
            raise CannotMeasure(why)
        there, most_s = self._there, min(asked.most_s, guard.left_s)
        job = Job(
            run=self.id, scenarios=asked.scenarios, profile=asked.profile, seed=asked.seed, overrides=asked.overrides,
            master=there.master.address, workers=len(there.workers), most_s=most_s, config=asked.config,
            command=asked.command, port=asked.port,
        )  # fmt: skip
        self._bucket.write(job_key(self.id), job.to_json())
        # SSM's own limit comes after the job's: that one ends in order.
        limit_s = most_s + _ORDERLY_S
        if there.workers:
            self._workers = Command(
                self._aws,
                there.workers,
                self._lines("worker"),
                most_s=limit_s,
                comment=f"{self._aws.stack}: workers {self.id}",
            )
        try:
            self._master = Command(
                self._aws,
                [there.master],
                self._lines("master"),
                most_s=limit_s,
                comment=f"{self._aws.stack}: master {self.id}",
            )
        except BaseException:  # nobody would tell the workers that it is over
            with suppress(HarnessError):
                self.stop()
            raise
        place = f"s3://{there.bucket}/{prefix(self.id)}"
        self._say(f"run {self.id}: master {there.master.id}, {len(there.workers)} workers; it is kept in {place}")

    def follow(self, progress: ProgressView, guard: Guard) -> str | None:
        """Until the run is over; why it was cut short, None where it wasn't. Ctrl-C and a reached limit end it in order."""
        try:
            while not self._over_as_far_as_known(progress):
                if why := guard.stop():
                    self._say(why)
                    self.stop()
                    return why
                self._pace.sleep(self._pace.poll_s)
        except KeyboardInterrupt:
            self._say("stopping the run on the load generators; what was measured is gathered")
            self.stop()
            return "interrupted"
        if self._there.master.id in self._lost:  # workers wait for its word
            self.stop()
        return self._verdict()

    def stop(self) -> None:
        """Ask the master to end in order, then the workers; what still runs after that is cancelled."""
        for role, command, patience_s in (("master", self._master, _ORDERLY_S), ("worker", self._workers, _SHORTLY_S)):
            if command is None or self._quiet(command):
                continue
            alive = [one for one in self._there.generators if one.id in command.ids and one.id not in self._lost]
            lines = [f'test ! -e {HOME}/{self.id}.{role}.pid || kill -INT "$(cat {HOME}/{self.id}.{role}.pid)"']
            if alive:
                Command(self._aws, alive, lines, most_s=60, comment=f"{self._aws.stack}: stop {role} {self.id}")
            if not self._settle(command, patience_s):
                command.cancel()

    def gather(self, out: Path, redactor: Redactor | None) -> RunDir:
        """The run directory as far as it got; see :func:`gather`."""
        bucket = self._there.bucket
        return gather(self._aws, bucket, self.id, out, self._say, lost=self._lost, redactor=redactor)

    def _lines(self, role: str) -> list[str]:
        return [
            "set -eu", f"mkdir -p {HOME}", f"cd {HOME}",
            f"exec {self.python} -m harness.aws.on_generator {role} {self._there.bucket} {self._aws.region} {self.id}",
        ]  # fmt: skip

    def _over_as_far_as_known(self, progress: ProgressView) -> bool:
        """As ``_over``; while AWS can't be reached it isn't known to be, which is said once."""
        try:
            over = self._over(progress)
        except AwsError as error:
            if error.trouble not in _PASSING:
                raise
            if not self._cut_off:
                self._say(f"{error}; the run goes on there, and is asked for again")
            self._cut_off = True
            return False
        self._cut_off = False
        return over

    def _over(self, progress: ProgressView) -> bool:
        """Whether the master's command is; passes its progress on, and says which generator died."""
        assert self._master
        roles = (("worker", self._workers), ("master", self._master))
        states = [(what, one, command.on(one)) for what, command in roles if command for one in command.ids]
        # Read after the states: who ended in order, with whatever exit code, did so after the master's last word.
        text = self._bucket.read(progress_key(self.id))
        now = Progress.from_json(text) if text else Progress()
        if now.scenario and now.record:
            progress.update(now.scenario, now.record)
        for what, instance, state in states:
            if state.over and not state.well and not now.ended and instance not in self._lost:
                self._lost[instance] = f"{what} {instance}: {state.why}"
                self._say(f"load generator lost: {self._lost[instance]}")
        self._look_for_dead()
        return self._quiet(self._master) or self._there.master.id in self._lost

    def _look_for_dead(self) -> None:
        """An instance that is gone never ends its command by itself: EC2 is asked too."""
        ids = [one.id for one in self._there.generators if one.id not in self._lost]
        filters = [{"Name": "instance-id", "Values": ids}]
        found = self._aws.paginate("ec2", "DescribeInstances", "Reservations", Filters=filters) if ids else ()
        states = {one["InstanceId"]: one["State"]["Name"] for each in found for one in each["Instances"]}
        for instance in ids:
            state = states.get(instance, "gone")
            if state not in ("running", "pending"):
                self._lost[instance] = f"instance {instance} is {state}"
                self._say(f"load generator lost: {self._lost[instance]}")

    def _quiet(self, command: Command) -> bool:
        """Whether a command is over wherever its instance still is."""
        return all(instance in self._lost or command.on(instance).over for instance in command.ids)

    def _settle(self, command: Command, patience_s: float) -> bool:
        since_s = self._pace.monotonic_s()
        while not self._quiet(command):
            if self._pace.monotonic_s() - since_s > patience_s:
                return False
            self._pace.sleep(self._pace.poll_s)
        return True

    def _verdict(self) -> str | None:
        """After the master's end: workers send what they have; a lost generator is the reason where there is one."""
        if self._workers is not None and not self._settle(self._workers, _ORDERLY_S):
            self._workers.cancel()
            self._say("workers didn't end by themselves: cancelled; their last samples may be missing")
        return "; ".join(self._lost.values()) or None


def run(
    aws: StackApi, there: Where, asked: Asked, guard: Guard, progress: ProgressView, say: Callable[[str], None],
    *, pace: Pace | None = None, make: Callable[[Path], bundle.Bundle] = bundle.build, authority: Path | None = None,
) -> tuple[RunDir, str | None]:  # fmt: skip
    """Install, start, follow, gather; the run directory here, and why it was cut short. Raises HarnessError.

    Whatever fails once it was started, the run there is stopped if that can be, and what it has is gathered.
    """
    remote = RemoteRun(aws, there, say, pace)
    trusted = remote.install(make, authority=authority)
    if trusted:
        asked = replace(asked, overrides=(*asked.overrides, f"aws.ca_bundle={trusted}"))
    remote.start(asked, guard)
    try:
        why = remote.follow(progress, guard)
    except HarnessError as error:
        say(
            f"{error}; run {remote.id} on the load generators is stopped where that can be done; else it ends by itself"
        )
        with suppress(HarnessError):
            remote.stop()
        with suppress(HarnessError):
            return remote.gather(asked.out, asked.redactor), str(error)
        raise CannotMeasure(
            f"{error}; nothing could be gathered: `dbharness aws run --gather {remote.id}` does it later"
        ) from error
    try:
        directory = remote.gather(asked.out, asked.redactor)
    except CannotMeasure as error:
        raise CannotMeasure(f"{why}; {error}" if why else str(error)) from error
    if why:
        directory.finish(why)
    return directory, why


def gather(
    aws: StackApi,
    bucket: str,
    run_id: str,
    out: Path,
    say: Callable[[str], None],
    *,
    lost: dict[str, str] | None = None,
    redactor: Redactor | None = None,
) -> RunDir:
    """Copy a run from its bucket and close what its master couldn't. Raises CannotMeasure where there is nothing of it.

    ``redactor`` goes over what is written here, and over the logs.
    """
    out.mkdir(parents=True, exist_ok=True)
    Bucket(aws, bucket).gather(prefix(run_id), out, say)
    directory = RunDir(out, redactor)
    if not (out / "manifest.json").exists():
        raise CannotMeasure(f"s3://{bucket}/{prefix(run_id)} holds no run yet: its master wrote no manifest")
    manifest = directory.manifest
    if manifest["status"] == "running":
        reason = "; ".join((lost or {}).values()) or "its master ended without closing it, or runs still"
        for name, entry in manifest["scenarios"].items():
            if entry["status"] == "running":
                left = "partial" if any(out.glob(f"samples/{name}.*")) else "not_measured"
                directory.update_scenario(name, status=left, reason=reason, ended=now_iso())
        directory.finish(reason)
    directory.note_hashes()  # the workers' files came by themselves
    directory.redact_logs()
    return directory


def install_lines(bucket: str, made: bundle.Bundle, venv: str) -> list[str]:
    """The script that installs both files, each checked against its digest; at once done where it was done before."""
    wheel, archive = made.own, made.needed
    sources = " ".join(f"'{one.sha256}  {one.path.name}'" for one in (wheel, archive))
    return [
        "set -eu", f"test ! -e {venv}/installed || exit 0",
        f"command -v python{bundle.PYTHON} >/dev/null || dnf -q -y install python{bundle.PYTHON}",
        f"rm -rf {venv} {venv}.files && mkdir -p {venv}.files && cd {venv}.files",
        f"aws s3 cp --only-show-errors s3://{bucket}/{wheel.key} .",
        f"aws s3 cp --only-show-errors s3://{bucket}/{archive.key} .",
        f"printf '%s\\n' {sources} | sha256sum --check --quiet",
        f"tar -xf {archive.path.name}",
        f"python{bundle.PYTHON} -m venv {venv}",
        f"{venv}/bin/python -m pip install --quiet --no-index --find-links wheels {wheel.path.name}",
        f"cd / && rm -rf {venv}.files && touch {venv}/installed",
    ]  # fmt: skip
