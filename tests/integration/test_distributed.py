"""Several Locust processes: each does its share, nothing is counted twice or lost, and a lost worker is said."""

import csv
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from whole_runs import Place, until

from reports.load import Run

ONE_SIZE = (
    "query_vs_scan.parts=[table_items]", "query_vs_scan.table_items=[500]", "query_vs_scan.in_flight=4",
    "query_vs_scan.trial_s=0.15",
)  # fmt: skip
SHORT = (*ONE_SIZE, "query_vs_scan.pairs=2")
LONG = (*ONE_SIZE, "query_vs_scan.pairs=60")
STATED_ERROR = 0.001


def command(scenario: str, out: Path, *words: str, sets: tuple[str, ...] = ()) -> list[str]:
    """Locust on a scenario with two load processes, four slots."""
    overrides = [word for one in sets for word in ("--harness-set", one)]
    return [
        sys.executable, "-m", "locust", "-f", f"scenarios/{scenario}.py", "--headless", "--processes", "2",
        "-u", "4", "-r", "4", "--only-summary", "--harness-profile", "smoke", "--harness-out", str(out),
        *overrides, *words,
    ]  # fmt: skip


def workers(place: Place) -> list[psutil.Process]:
    """The forked load processes: those whose parent is Locust too."""
    locusts = {one.pid: one for one in place.processes() if "locust" in one.cmdline()}
    return [one for one in locusts.values() if one.ppid() in locusts]


def measuring(place: Place, run: Path) -> bool:
    """Whether a trial or two have passed."""
    try:
        return (run / "events.jsonl").read_text().count("trial_end") >= 2
    except OSError:
        return False


def test_two_processes_count_what_they_write_and_their_sketches_tell_the_same_percentiles(place: Place) -> None:
    """Locust's count, the manifest's and the rows of both files agree; merged sketches against all raw rows."""
    place.run.mkdir()
    out, prefix = place.run / "it", place.temporary / "stats"
    process = place.start(command("query_vs_scan", out, "--csv", str(prefix), sets=SHORT))
    assert process.wait(60) == 0, place.said
    with (place.temporary / "stats_stats.csv").open() as file:
        counted = next(int(row["Request Count"]) for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    run = Run.load(out)
    entry, rows = run.scenario("query_vs_scan"), run.samples("query_vs_scan")
    assert entry["status"] == "complete"
    assert counted == entry["requests"] == entry["rows"] == len(rows) > 200
    assert rows["worker"].value_counts().to_dict() == {one["worker"]: one["rows"] for one in entry["workers"]}
    assert [one["slots"] for one in entry["workers"]] == [2, 2]
    assert rows["op_id"].is_unique
    assert len(run.events_of("query_vs_scan", "generator")) == len(entry["trials"]) == 8

    merged = json.loads((out / "samples" / "query_vs_scan.sketches.json").read_text())
    assert merged["relative_error"] == STATED_ERROR
    answered = rows[(rows["outcome"] == "ok") & (rows["phase"] == "measured")]
    assert len(merged["sketches"]) == 8
    for sketch in merged["sketches"]:
        of_trial = answered[answered["trial"] == sketch["trial"]]
        raw_ns = np.sort((of_trial["t_end"] - of_trial["t_start"]).to_numpy())
        assert sketch["n"] == len(raw_ns)
        for name, q in (("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99)):
            assert sketch[name] == pytest.approx(raw_ns[int(q * (len(raw_ns) - 1))], rel=STATED_ERROR)
    for path in place.temporary.glob("stats*"):
        path.unlink()
    assert place.leftovers() == []


def test_a_worker_that_dies_makes_the_run_invalid_and_is_said(place: Place) -> None:
    """Killed in the middle: exit 3, the reason in the manifest, what was measured is kept, nothing left running."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start(command("query_vs_scan", out, sets=LONG))
    until(lambda: measuring(place, out), 40, "trials done")
    workers(place)[0].kill()
    assert process.wait(40) == 3, place.said
    entry = Run.load(out).scenario("query_vs_scan")
    assert entry["status"] == "partial"
    assert "is gone: its part of the load is missing, so this run isn't valid" in entry["reason"]
    assert len(Run.load(out).samples("query_vs_scan")) > 0
    assert place.leftovers() == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_of_the_master_ends_its_workers(place: Place, signum: signal.Signals) -> None:
    """A cancelled job closes the run as partial with every row; kill -9 leaves nothing running either."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start(command("query_vs_scan", out, sets=LONG))
    until(lambda: measuring(place, out), 40, "trials done")
    os.kill(process.pid, signum)
    process.wait(40)
    assert place.leftovers() == [], place.said
    if signum == signal.SIGTERM:
        entry = Run.load(out).scenario("query_vs_scan")
        assert entry["status"] == "partial"
        assert entry["requests"] == entry["rows"] == len(Run.load(out).samples("query_vs_scan")) > 0


def test_ctrl_c_reaches_all_processes_and_every_row_is_kept(place: Place) -> None:
    """A terminal sends it to master and workers at once."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start(command("query_vs_scan", out, sets=LONG))
    until(lambda: measuring(place, out), 40, "trials done")
    os.killpg(process.pid, signal.SIGINT)
    process.wait(40)
    assert place.leftovers() == [], place.said
    entry = Run.load(out).scenario("query_vs_scan")
    assert entry["status"] == "partial"
    assert entry["requests"] == entry["rows"] == len(Run.load(out).samples("query_vs_scan")) > 0


def test_a_scenario_that_keeps_a_ledger_refuses_several_processes(place: Place) -> None:
    """One line that says what to leave out; exit 2 before anything is started."""
    began_s = time.monotonic()
    process = place.start(command("rds_failover", place.run / "it"))
    assert process.wait(40) == 2
    assert place.said.count("leave out --processes, --master and --worker") == 1
    assert time.monotonic() - began_s < 20
    assert place.leftovers() == []
