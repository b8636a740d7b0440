"""Locust's web UI on a failover that waits for somebody: started, failed over and watched over HTTP, and reported as what was asked for."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    "cells=[multi_az_instance.by_hand]", "engines=[postgres]", "client_arms=[tuned]", "trials=1", "by_hand_s=40", "cap_s=3",
    "synchrony_ms=[]",
)  # fmt: skip


class Page:
    """What a browser does with the web UI: it keeps cookies."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> Any:
        return self._asked(urllib.request.Request(self._address + path))[1]

    def post(self, path: str, data: bytes, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return self._asked(urllib.request.Request(self._address + path, data=data, headers=named))

    def fault(self, kind: str) -> tuple[int, Any]:
        token = self.get("/dbharness/token")["token"]
        body = json.dumps({"kind": kind}).encode()
        return self.post("/dbharness/fault", body, Content_Type="application/json", X_CSRF_Token=token)

    def _asked(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with self._opener.open(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture
def locust(tmp_path: Path, port: int) -> Iterator[tuple[Page, Path]]:
    """The page of a Locust on rds_failover, and the run directory that its test will have."""
    run = tmp_path / "run"
    command = [
        sys.executable, "-m", "locust", "-f", "scenarios/rds_failover.py", "--web-port", str(port),
        "--harness-profile", "smoke", "--harness-out", str(run),
    ]  # fmt: skip
    for setting in SETTINGS:
        command += ["--harness-set", f"scenarios.rds_failover.{setting}"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    page = Page(f"http://127.0.0.1:{port}")
    try:
        until(lambda: connects(port), "the web UI answers")
        yield page, run
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(so: Callable[[], Any], what: str, patience_s: float = 90) -> Any:
    """What ``so`` answers once it says yes."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        if answer := so():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"never: {what}")


@pytest.mark.timeout(500)
def test_a_crash_asked_for_over_http_is_seen_live_and_reported_as_a_crash(locust: tuple[Page, Path]) -> None:
    """Writes are answered while the trial waits, some aren't in a second after the fault, later all are; the report has one crash."""
    page, run = locust

    def since(second: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = page.get(f"/dbharness/live?since={second}")["feeds"]["failover"]
        return rows

    assert page.fault("crash") == (409, {"error": "no test is under way"})
    form = {"user_count": 8, "spawn_rate": 100, "host": "x", "harness_profile": "smoke"}
    assert page.post("/swarm", urllib.parse.urlencode(form).encode())[0] == 200
    before = until(
        lambda: [row for row in since(0) if row.get("by_hand") == "waiting" and row["probe|tuned writes"] == "up"],
        "a trial waits for somebody, and all have connected",
    )
    status, answer = page.fault("crash")
    assert status == 200, answer
    assert answer["happened"].startswith("crash of postgres's writer")
    assert page.fault("hang") == (409, {"error": "this trial has had its fault: crash"})
    down = until(
        lambda: [row for row in since(before[-1]["second"]) if row["probes_down_per_s|tuned writes"] > 0],
        "writes aren't answered",
    )
    up = until(lambda: since(down[-1]["second"]), "seconds after the failover")
    assert up[-1]["probe|tuned writes"] == "up"
    assert up[-1]["acknowledged_count"] > before[-1]["acknowledged_count"]
    until(lambda: page.get("/dbharness/live?since=0")["report"], "the report is there")
    record = json.loads((run / "manifest.json").read_text())["scenarios"]["rds_failover"]
    [trial] = record["trials"]
    assert (record["status"], trial["done"], trial["labels"]["fault"], trial["step"]) == (
        "complete", True, "crash", "multi_az_instance.crash",
    )  # fmt: skip
    findings = json.loads((run / "findings.json").read_text())
    [downtime] = [
        one for one in findings
        if one["id"] == "rds_failover.postgres.multi_az_instance.crash.write_downtime_s" and one["labels"]["client"] == "tuned"
    ]  # fmt: skip
    assert downtime["n"] == 1
    assert 0 < downtime["value"] < 3
    assert not [one for one in findings if "by_hand" in one["id"]]
