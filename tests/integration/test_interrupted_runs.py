"""Runs that don't come to their end: nothing is left running, what was measured is kept and reported as partial."""

import json
import os
import signal
import time

import psutil
import pytest
from whole_runs import Place, until

from reports.load import Run

# A run of about half a minute on its own, so that it is cut in the middle.
LONG = (
    "--profile", "smoke", "--set", "query_vs_scan.pairs=40", "--set", "query_vs_scan.table_items=[1000]",
    "--set", "query_vs_scan.parts=[table_items]",
    "--set", "query_vs_scan.trial_s=0.4",
)  # fmt: skip


def rows_in_place(place: Place) -> int:
    try:
        return place.rows("query_vs_scan")
    except Exception:
        return 0


def measuring(place: Place) -> bool:
    """Whether samples have reached the disk."""
    return rows_in_place(place) > 500


def load_process(place: Place) -> psutil.Process:
    """The Locust process of the run."""
    return next(one for one in place.processes() if "locust" in " ".join(one.cmdline()) and "-f" in one.cmdline())


@pytest.mark.parametrize("victim", ["command line", "load process"])
def test_kill_9_leaves_nothing_running_and_samples_up_to_the_last_second(place: Place, victim: str) -> None:
    """Killed in the middle: servers, scratch and ports are gone; the report of what is there says it is partial."""
    process = place.start(place.command("run", "query_vs_scan", *LONG, "--out", str(place.run)))
    until(lambda: measuring(place), 40, "samples on disk")
    time.sleep(1.5)
    killed_ns = time.monotonic_ns()
    if victim == "command line":
        os.kill(process.pid, signal.SIGKILL)
    else:
        load_process(place).kill()
    process.wait(30)
    assert place.leftovers() == []
    samples = Run.load(place.run).samples("query_vs_scan")
    assert killed_ns - samples["t_end"].max() < 1.5e9
    again = place.call("report", str(place.run))
    assert again.returncode == 0, again.stderr
    assert "partial" in again.stdout
    assert "This run is partial" in (place.run / "report.html").read_text()
    assert "This run is partial" in (place.run / "report.md").read_text()
    units = [f for f in json.loads((place.run / "findings.json").read_text()) if f["id"].endswith("units_per_answer")]
    assert units and all(finding["status"] == "measured" for finding in units)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_everything_and_keeps_what_was_measured(place: Place, signum: signal.Signals) -> None:
    """Ctrl-C and a job's cancellation: exit 130, a report that says it is partial, every row that Locust counted."""
    process = place.start(place.command("run", "query_vs_scan", "capacity_modes", *LONG, "--out", str(place.run)))
    until(lambda: measuring(place), 40, "samples on disk")
    process.send_signal(signum)
    assert process.wait(40) == 130, place.said
    assert place.leftovers() == []
    manifest = place.manifest()
    assert manifest["status"] == "partial"
    assert set(manifest["scenarios"]) == {"query_vs_scan"}
    entry = manifest["scenarios"]["query_vs_scan"]
    assert entry["status"] == "partial"
    assert entry["requests"] == place.rows("query_vs_scan")
    assert 0 < sum(trial["done"] for trial in entry["trials"]) < len(entry["trials"])
    assert "This run is partial" in (place.run / "report.html").read_text()
    assert "Traceback" not in place.said


def test_an_interrupt_while_servers_start_leaves_nothing(place: Place) -> None:
    """Before anything is measured: the same end, and the report says that nothing was measured."""
    process = place.start(place.command("run", "cache_hit_rate", "--profile", "smoke", "--out", str(place.run)))
    until(lambda: any("dbharness-" in path.name for path in place.temporary.iterdir()), 30, "a scratch directory")
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 130, place.said
    assert place.leftovers() == []
    findings = json.loads((place.run / "findings.json").read_text())
    assert findings and all(finding["value"] is None for finding in findings)
