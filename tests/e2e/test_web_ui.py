"""Locust's web UI on a scenario: it opens, runs, shows what it measures, and leaves a reported run and nothing else."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect

from harness.local.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def web_ui(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    port = free_port()
    log = tmp_path / "locust.log"
    command = [
        sys.executable, "-m", "locust", "-f", "scenarios/query_vs_scan.py",
        "--web-port", str(port), "--harness-profile", "smoke",
    ]  # fmt: skip
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink, start_new_session=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}", process, log
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.timeout(180)
def test_a_run_started_in_the_browser_measures_and_is_reported_and_ctrl_c_leaves_nothing(
    browser: Browser, web_ui: tuple[str, subprocess.Popen[bytes], Path]
) -> None:
    """Start, see requests of both arms with their latency and what they consumed, wait for the end, stop with Ctrl-C."""
    address, process, log = web_ui
    page = browser.new_page()
    page.goto(address)
    page.get_by_role("button", name=re.compile("start", re.IGNORECASE)).first.click()
    expect(page.get_by_text(re.compile("^scan 1000$")).first).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("^query 1000$")).first).to_be_visible(timeout=60_000)
    page.get_by_role("tab", name="Units and throttles").click()
    for column in ("Read units", "# Throttled"):
        expect(page.get_by_text(column).first).to_be_visible(timeout=10_000)
    expect(page.get_by_text(re.compile("^scan 1000$")).first).to_be_visible(timeout=10_000)
    deadline = time.monotonic() + 90
    while "report: " not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.5)
    reported = re.search(r"report: (\S+report\.html)", log.read_text())
    assert reported, log.read_text()
    assert Path(reported[1]).is_file()
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
