"""What the live page costs an operation: CPU of the load's process with the page polled and without, trial by trial in one run.

``python -m benchmarks.live_page`` starts one Locust with its web UI, polls it from this process as two open pages would (ours once a
second, Locust's statistics every two) while a trial is looked at, and compares pairs of neighbouring trials. The aim is 3 %.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from benchmarks.where import measured_on
from harness.local.processes import free_port
from harness.paths import PROJECT_ROOT

AIM = 0.03
FLAG_VARIABLE = "LIVE_PAGE_FLAG"
"""Names the file that says whether the trial under way is looked at."""
_PATIENCE_S = 600.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=60)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="live-page-") as folder:
        per_operation_us = run(Path(folder), asked.pairs)
    from reports import stats  # not where load is made: the locustfile imports this module

    alone, looked_at = (per_operation_us[arm] for arm in ("alone", "looked_at"))
    ratio = stats.paired_ratio(alone, looked_at)
    print(f"CPU an operation: alone {_mean(alone):.1f} µs, looked at {_mean(looked_at):.1f} µs, {len(alone)} pairs")
    print(
        f"ratio {ratio.ratio:.4f}, 95 % from {ratio.low or math.nan:.4f} to {ratio.high or math.nan:.4f}; aim {1 + AIM:.2f}"
    )
    print(". ".join(measured_on()) + ".")


def run(folder: Path, pairs: int) -> dict[str, list[float]]:
    """One Locust from start to end; CPU an operation in µs of every trial, by arm, in the order of pairs."""
    flag, out, port = folder / "flag", folder / "run", free_port()
    flag.write_text("off")
    config = folder / "config.yaml"
    config.write_text(f"scenarios: {{live_page: {{pairs: {pairs}}}}}\n")
    environment = os.environ | {FLAG_VARIABLE: str(flag), "DBHARNESS_CONFIG": str(config)}
    command = [
        sys.executable, "-m", "locust", "-f", str(PROJECT_ROOT / "benchmarks" / "live_page_locustfile.py"),
        "--web-port", str(port), "--harness-out", str(out), "--loglevel", "WARNING",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        _poll(process, f"http://127.0.0.1:{port}", flag, out / "events.jsonl", 2 * pairs)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    return _read(out / "events.jsonl")


def _poll(process: "subprocess.Popen[bytes]", address: str, flag: Path, events: Path, trials: int) -> None:
    """Start the test, then be the pages that are open while the flag says so, until all trials are over."""
    deadline_s = time.monotonic() + _PATIENCE_S
    form = urlencode({"user_count": 4, "spawn_rate": 100}).encode()
    _until_answered(process, f"{address}/swarm", form, deadline_s)
    since, turn = 0, 0
    while not events.is_file() or events.read_text().count('"cpu"') < trials:
        if time.monotonic() > deadline_s or process.poll() is not None:
            raise TimeoutError(f"{trials} trials weren't over in {_PATIENCE_S:g} s")
        if flag.read_text() == "on":
            told = json.loads(urllib.request.urlopen(f"{address}/dbharness/live?since={since}", timeout=10).read())
            since = max((row["second"] for rows in told["feeds"].values() for row in rows), default=since)
            if turn % 2 == 0:
                urllib.request.urlopen(f"{address}/stats/requests", timeout=10).read()
            turn += 1
            time.sleep(1.0)
        else:
            time.sleep(0.05)


def _until_answered(process: "subprocess.Popen[bytes]", url: str, form: bytes, deadline_s: float) -> None:
    while True:
        try:
            urllib.request.urlopen(url, form, timeout=10).close()
        except OSError:
            if time.monotonic() > deadline_s or process.poll() is not None:
                raise
            time.sleep(0.2)
        else:
            return


def _read(events: Path) -> dict[str, list[float]]:
    """The first pair warms up and doesn't count."""
    told = sorted(
        (event for event in map(json.loads, events.read_text().splitlines()) if event["kind"] == "cpu"),
        key=lambda one: one["pair"],
    )
    found: dict[str, list[float]] = {"alone": [], "looked_at": []}
    for event in told:
        if event["pair"]:
            found[event["arm"]].append(event["cpu_ns"] / 1e3 / event["operations"])
    return found


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    main()
