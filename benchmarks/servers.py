"""The servers that are compared, each started at a port of the system's choice and gone when the benchmark ends."""

import json
import os
import sys
import time
from http.client import HTTPConnection
from typing import Any

import psutil

from harness.errors import CannotMeasure
from harness.local.processes import Warden, log_tail
from harness.paths import PROJECT_ROOT
from tools import fetched
from tools.emulators import start_dynalite

TARGET = "DynamoDB_20120810."
# Both want one to be there, neither checks it; a real client's is about as long.
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + "0" * 64
)
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": AUTHORIZATION,
}
# Nothing is to be throttled here: a second of the wall refills what a table of 40,000 units refills in 1,000.
TWIN_SPEED = 1000


class Server:
    """One server on loopback that speaks DynamoDB."""

    def __init__(self, name: str, version: str, pid: int, port: int) -> None:
        self.name, self.version, self.port = name, version, port
        self._process = psutil.Process(pid)

    @property
    def memory_mb(self) -> float:
        """What it holds in memory now (RSS), in MB of 10^6 bytes."""
        return sum(p.memory_info().rss for p in (self._process, *self._process.children(recursive=True))) / 1e6

    @property
    def cpu_s(self) -> float:
        """CPU seconds that it has burnt so far: what other processes do here doesn't count."""
        times = self._process.cpu_times()
        return times.user + times.system

    def call(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """One request on a connection of its own; CannotMeasure when it isn't answered with 200."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", "/", json.dumps(payload), {**HEADERS, "X-Amz-Target": TARGET + operation})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise CannotMeasure(f"{self.name} answered {operation} with {answer.status}: {body[:300].decode()}")
        parsed: dict[str, Any] = json.loads(body)
        return parsed

    def await_table(self, name: str, timeout_s: float = 10.0) -> None:
        """Wait until a table is active."""
        deadline = time.monotonic() + timeout_s
        while self.call("DescribeTable", {"TableName": name})["Table"]["TableStatus"] != "ACTIVE":
            if time.monotonic() > deadline:
                raise CannotMeasure(f"{self.name}: {name} isn't active after {timeout_s:g} s")
            time.sleep(0.01)

    def await_gone(self, name: str, timeout_s: float = 10.0) -> None:
        """Wait until a deleted table is gone."""
        deadline = time.monotonic() + timeout_s
        while name in self.call("ListTables", {})["TableNames"]:
            if time.monotonic() > deadline:
                raise CannotMeasure(f"{self.name}: {name} isn't gone after {timeout_s:g} s")
            time.sleep(0.01)


def twin(warden: Warden, name: str = "twin") -> Server:
    """This checkout's twin."""
    command = [sys.executable, "-m", "harness.local.dynamodb", "--speed", str(TWIN_SPEED)]
    return _started(warden, name, command, "of this checkout")


def stub(warden: Warden) -> Server:
    """A server that does nothing."""
    return _started(warden, "stub", [sys.executable, "-m", "benchmarks.stub"], "")


def dynalite(warden: Warden) -> Server:
    """dynalite from npm, in memory."""
    port = start_dynalite(warden)
    version = json.loads(fetched.dynalite().with_name("package.json").read_text())["version"]
    return Server("dynalite", version, warden.servers()["dynalite"], port)


def _started(warden: Warden, name: str, command: list[str], version: str) -> Server:
    log = warden.scratch / f"{name}.log"
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    pid = warden.spawn(name, command, log=log, env=environment, unprivileged=False)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        said = log.read_text() if log.exists() else ""
        if "listening on " in said and said.endswith("\n"):
            return Server(name, version, pid, int(said.split()[-1].rpartition(":")[2]))
        if warden.exit_code(name) is not None:
            break
        time.sleep(0.02)
    raise CannotMeasure(f"{name} didn't start\n{log_tail(log)}")
