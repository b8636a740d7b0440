"""How long who opens the web UI waits: for the start page, and from *Start* to the first answer that a run of each scenario counts.

``python -m benchmarks.first_page`` serves ``dbharness ui``, opens the start page in Chromium (installed as ``make test-e2e`` has it),
presses *Start* with the defaults of profile smoke, and asks until the run's first answer is counted; then it stops the run. The aims
are 1 s and 3 s.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

from benchmarks.where import measured_on
from harness.local.processes import free_port
from harness.paths import PROJECT_ROOT
from harness.registry import scenario_names

ROUNDS = 3
_PATIENCE_S = 120.0
_EVERY_S = 0.02


def main() -> None:
    """Measure and print."""
    with (
        TemporaryDirectory(prefix="first-page-") as folder,
        served(Path(folder)) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scenario in scenario_names():
            waits = [waited(browser.new_page(), address, scenario) for _ in range(ROUNDS)]
            print(
                f"{scenario}: page {_all(page for page, _ in waits)}, first answer {_all(first for _, first in waits)}"
            )
        browser.close()
    print(". ".join(measured_on()) + ".")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """``dbharness ui``; its runs are taken away afterwards."""
    port, log = free_port(), folder / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", "ui", "--profile", "smoke", "--port", str(port)], cwd=PROJECT_ROOT,
            stdout=sink, stderr=sink, env=os.environ | {"COLUMNS": "1000"},
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE_S)
        for line in log.read_text().splitlines():
            if line.startswith("report: "):
                shutil.rmtree(Path(line.removeprefix("report: ")).parent)


def waited(page: Page, address: str, scenario: str) -> tuple[float, float]:
    """Seconds until the start page is loaded, and from its button to the first answer counted; the run is stopped after that."""
    began_s = time.monotonic()
    while True:
        try:
            page.goto(f"{address}/dbharness/start?scenario={scenario}&profile=smoke", wait_until="load")
            break
        except Error:  # not served yet
            assert time.monotonic() < began_s + _PATIENCE_S
            time.sleep(_EVERY_S)
            began_s = time.monotonic()
    loaded_s = time.monotonic() - began_s
    pressed_s = time.monotonic()
    page.get_by_role("button", name=f"Start {scenario}").first.click(no_wait_after=True)
    _until(lambda: _answered(page, address) > 0)
    first_s = time.monotonic() - pressed_s
    page.request.post(f"{address}/stop")
    _until(lambda: not page.request.get(f"{address}/dbharness/live").json()["going_on"])
    page.close()
    return loaded_s, first_s


def _answered(page: Page, address: str) -> float:
    live = page.request.get(f"{address}/dbharness/live").json()
    if not live["going_on"] or live["progress"]["state"] != "measuring":
        return 0.0  # what was counted before is the last run's
    told: dict[str, Any] = page.request.get(f"{address}/stats/requests").json()
    return float(told["stats"][-1]["num_requests"])


def _until(so: Any) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not so():
        assert time.monotonic() < deadline_s
        time.sleep(_EVERY_S)


def _all(waits_s: Iterator[float]) -> str:
    return ", ".join(f"{wait_s:.2f}" for wait_s in sorted(waits_s)) + " s"


if __name__ == "__main__":
    main()
