"""A whole run on load generators, as far as it goes without AWS: the real master and worker programs, S3's protocol by moto.

What SSM would start is started here, the worker claiming another host name. The database is our twin, named in section ``aws``.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from scripted_aws import REGION, ScriptedAws

from harness.aws import remote
from harness.aws.api import Pace
from harness.aws.bundle import Bundle, file_of
from harness.aws.generators import Generator
from harness.aws.remote import Asked, Where
from harness.local.processes import Warden
from harness.local.twin import TwinServer
from harness.paths import PROJECT_ROOT
from reports.load import Run
from tools.emulators import HOST, start_moto

STACK, BUCKET = "dbharness-test", "dbharness-test-runs"
SMALL = (
    "query_vs_scan.parts=[table_items]", "query_vs_scan.table_items=[500]", "query_vs_scan.in_flight=4",
    "query_vs_scan.trial_s=0.15",
)  # fmt: skip


class Ssm:
    """Runs on this machine what SSM is asked to run; the run's home is another folder for each instance."""

    def __init__(self, aws: ScriptedAws, home: Path, options: tuple[str, ...]) -> None:
        self.home, self.options = home, options
        self.processes: dict[tuple[str, str], subprocess.Popen[str] | None] = {}
        self.count = 0
        for operation in ("SendCommand", "GetCommandInvocation", "CancelCommand"):
            aws.on("ssm", operation, getattr(self, f"_{operation}"))
        aws.on("ssm", "DescribeInstanceInformation", {"InstanceInformationList": [
            {"InstanceId": one, "PingStatus": "Online"} for one in ("i-1", "i-2")
        ]})  # fmt: skip
        aws.on("ec2", "DescribeInstances", {"Reservations": [
            {"Instances": [{"InstanceId": one, "State": {"Name": "running"}}]} for one in ("i-1", "i-2")
        ]})  # fmt: skip

    def _SendCommand(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        self.count += 1
        command_id = f"00000000-0000-0000-0000-{self.count:012}"
        last = asked["Parameters"]["commands"][-1]
        for instance in asked["InstanceIds"]:
            self.processes[command_id, instance] = self._start(instance, last)
        return {"Command": {"CommandId": command_id}}

    def _start(self, instance: str, line: str) -> subprocess.Popen[str] | None:
        home = self.home / instance
        if "kill -INT" in line:
            for pid in home.glob("*.pid"):
                os.kill(int(pid.read_text()), signal.SIGINT)
            return None
        if "on_generator" not in line:
            return None
        words = line.split("-m ")[1].split()
        custom = self.home / f"{instance}.site"
        custom.mkdir(exist_ok=True)
        (custom / "sitecustomize.py").write_text(f"import socket\nsocket.gethostname = lambda: {instance!r}\n")
        environment = os.environ | {
            "PYTHONPATH": f"{custom}:{PROJECT_ROOT}", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", *words, str(home), *self.options], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=environment, cwd=self.home,
        )  # fmt: skip

    def _GetCommandInvocation(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        process = self.processes[asked["CommandId"], asked["InstanceId"]]
        code = 0 if process is None else process.poll()
        if code is None:
            return {"Status": "InProgress", "ResponseCode": -1}
        err = process.communicate()[1] if process is not None and not process.stderr.closed else ""  # type: ignore[union-attr]
        return {
            "Status": "Success" if code == 0 else "Failed",
            "ResponseCode": code,
            "StandardErrorContent": err[-2000:],
        }

    def _CancelCommand(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for (command, _), process in self.processes.items():
            if command == asked["CommandId"] and process is not None:
                process.kill()
        return {}

    def end(self) -> None:
        """Whatever still runs."""
        for process in self.processes.values():
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


class Place:
    """Two generators on this machine, a bucket, the twin."""

    def __init__(self, warden: Warden, tmp_path: Path) -> None:
        self.port = warden.port()
        port = start_moto(warden)
        twin = TwinServer(warden, 1.0)
        twin.start()
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        s3 = boto3.client("s3", endpoint_url=f"http://{HOST}:{port}", region_name=REGION, **keys)
        s3.create_bucket(Bucket=BUCKET)
        self.scripted = ScriptedAws(STACK, real={"s3": s3})
        (tmp_path / "home").mkdir()
        self.ssm = Ssm(self.scripted, tmp_path / "home", (f"endpoint_override={HOST}%3A{port}", "scheme=http"))
        self.there = Where(
            bucket=BUCKET, generators=(Generator(id="i-1", address=HOST), Generator(id="i-2", address=HOST))
        )
        self.section = {"stack": STACK, "filled": True, "dynamodb": {"endpoint_url": twin.url}}
        self.own = tmp_path / "dbharness-0.1.0-py3-none-any.whl"
        self.own.write_bytes(b"wheel")
        self.said: list[str] = []

    def run(
        self,
        out: Path,
        *sets: str,
        progress: Callable[[str, dict[str, Any]], None] = lambda *_: None,
        left_s: float = 300.0,
    ) -> tuple[Run, str | None]:
        """One run to its end; what came of it here."""
        asked = Asked(
            scenarios=("query_vs_scan",), config=(PROJECT_ROOT / "config.yaml").read_text(), out=out, profile="smoke", port=self.port,
            overrides=(*SMALL, *sets, f"aws={json.dumps(self.section)}"),
        )  # fmt: skip
        view = type("View", (), {"update": lambda _, scenario, record: progress(scenario, record)})()
        guard = type("Guard", (), {"left_s": left_s, "stop": lambda _: None})()
        pace = Pace(poll_s=0.3, patience_s=300.0)
        made = Bundle(own=file_of(self.own), needed=file_of(self.own))
        _, why = remote.run(
            self.scripted.gateway(), self.there, asked, guard, view, self.said.append, pace=pace, make=lambda _: made
        )
        return Run.load(out), why


@pytest.fixture
def place(warden: Warden, tmp_path: Path) -> Iterator[Place]:
    there = Place(warden, tmp_path)
    yield there
    there.ssm.end()


def test_master_and_a_worker_of_another_host_measure_and_the_run_comes_home(place: Place, tmp_path: Path) -> None:
    """Complete; the worker's host is another one than the master's, its clocks are kept; every row is here; target is aws."""
    seen: list[dict[str, Any]] = []
    run, why = place.run(tmp_path / "out", "query_vs_scan.pairs=2", progress=lambda _, record: seen.append(record))
    assert why is None, place.said
    entry = run.scenario("query_vs_scan")
    assert (entry["status"], run.manifest["target"]) == ("complete", "aws"), entry["reason"]
    (worker,) = entry["workers"]
    assert worker["host"] == "i-2"
    assert set(worker["clocks"]) == {"shift_ns", "ahead_ns", "error_ns"}
    assert 0 < worker["clocks"]["error_ns"] < 1_000_000_000
    rows = run.samples("query_vs_scan")
    assert len(rows) == entry["rows"] == entry["requests"] > 0
    begins = {event["trial"]: event["t_ns"] for event in run.events_of("query_vs_scan", "trial_begin")}
    assert (rows["t_start"] >= rows["trial"].map(begins)).all()
    assert any(record["state"] == "measuring" for record in seen)
    assert (tmp_path / "out" / "logs").exists()


def test_ctrl_c_here_ends_the_run_there_and_brings_home_what_was_measured(place: Place, tmp_path: Path) -> None:
    """Interrupted once trials run: partial, exit as such, with rows; both programs there have ended."""

    def interrupts(_: str, record: dict[str, Any]) -> None:
        if record.get("done", 0) >= 2:
            raise KeyboardInterrupt

    run, why = place.run(tmp_path / "out", "query_vs_scan.pairs=60", progress=interrupts)
    assert why == "interrupted"
    assert run.manifest["status"] == "partial"
    assert run.manifest["reason"] == "interrupted"
    assert len(run.samples("query_vs_scan")) > 0
    assert all(process.poll() is not None for process in place.ssm.processes.values() if process is not None)


def test_a_run_whose_money_lasts_so_long_ends_by_itself_though_nobody_stops_it(place: Place, tmp_path: Path) -> None:
    """The job's own limit, 12 s: the master closes the run as partial, the worker goes home, nothing was sent from here."""
    run, why = place.run(tmp_path / "out", "query_vs_scan.pairs=200", left_s=12.0)
    assert why is None, place.said
    assert (run.manifest["status"], run.manifest["reason"]) == ("partial", "interrupted")
    assert len(place.scripted.asked("SendCommand")) == 3  # install, worker, master; none to stop them
    assert all(process.poll() is not None for process in place.ssm.processes.values() if process is not None)
