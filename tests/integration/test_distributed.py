"""Several Locust processes: each does its share, nothing is counted twice or lost; they may die and join while trials run."""

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
from whole_runs import Place, two_processes, until

from reports.gates.validity import why_invalid
from reports.load import Run
from reports.query_vs_scan.cells import Asked

ONE_SIZE = (
    "query_vs_scan.parts=[table_items]", "query_vs_scan.table_items=[500]", "query_vs_scan.in_flight=4",
    "query_vs_scan.trial_s=0.15",
)  # fmt: skip
SHORT = (*ONE_SIZE, "query_vs_scan.pairs=2")
LONG = (*ONE_SIZE, "query_vs_scan.pairs=60")
STATED_ERROR = 0.001


def workers(place: Place) -> list[psutil.Process]:
    """The forked load processes: those whose parent is Locust too."""
    locusts = {one.pid: one for one in place.processes() if "locust" in one.cmdline()}
    return [one for one in locusts.values() if one.ppid() in locusts]


def measuring(place: Place, run: Path) -> bool:
    """Whether a trial or two have passed."""
    return noted(run, "trial_end") >= 2


def noted(run: Path, kind: str) -> int:
    """How many events of a kind a run has so far."""
    try:
        return (run / "events.jsonl").read_text().count(f'"{kind}"')
    except OSError:
        return 0


def test_two_processes_count_what_they_write_and_their_sketches_tell_the_same_percentiles(place: Place) -> None:
    """Locust's count, the manifest's and the rows of both files agree; merged sketches against all raw rows."""
    place.run.mkdir()
    out, prefix = place.run / "it", place.temporary / "stats"
    process = place.start(two_processes("query_vs_scan", out, "--csv", str(prefix), sets=SHORT))
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
        for name, q in (("p50_ns", 0.5), ("p95_ns", 0.95), ("p99_ns", 0.99), ("p99.9_ns", 0.999)):
            assert sketch[name] == pytest.approx(raw_ns[int(q * (len(raw_ns) - 1))], rel=STATED_ERROR)
    for path in place.temporary.glob("stats*"):
        path.unlink()
    assert place.leftovers() == []


def test_a_worker_that_is_killed_costs_one_trial_which_the_other_does_again(place: Place) -> None:
    """kill -9 in the middle: the plan is measured whole by the one that is left, with all slots; who was lost is in the manifest."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start(two_processes("query_vs_scan", out, sets=(*ONE_SIZE, "query_vs_scan.pairs=8")))
    until(lambda: measuring(place, out), 40, "trials done")
    workers(place)[0].kill()
    assert process.wait(60) == 0, place.said
    run = Run.load(out)
    entry = run.scenario("query_vs_scan")
    assert entry["status"] == "complete"
    (event,) = run.events_of("query_vs_scan", "worker_lost")
    (lost,) = entry["workers_lost"]
    assert (lost["worker"], lost["trial"]) == (event["worker"], event["trial"])
    told = {one["worker"]: one for one in entry["workers"]}
    assert told[lost["worker"]]["rows"] is None
    (left,) = (one for one in entry["workers"] if one["rows"] is not None)
    assert left["slots"] == 4
    repeated(run, "query_vs_scan", lost["trial"], planned=32)
    assert {trial for cell in Asked.of(run).cells for trial in cell.trials} == {*range(33)} - {lost["trial"]}
    rows = run.samples("query_vs_scan")
    assert rows["op_id"].is_unique
    by_worker = rows["worker"].value_counts()
    assert by_worker[lost["worker"]] == told[lost["worker"]]["kept"] > 0
    assert by_worker[left["worker"]] == left["rows"]
    assert "was lost" in gated(out)
    assert place.leftovers() == []


def repeated(run: Run, scenario: str, broken: int, *, planned: int) -> None:
    """All ``planned`` trials were done, one of them under another number: that of its pair and arm, right after it."""
    trials = run.scenario(scenario)["trials"]
    assert sum(one["done"] for one in trials) == planned == len(trials) - 1
    place = next(at for at, one in enumerate(trials) if one["trial"] == broken)
    first, again = trials[place : place + 2]
    assert (first["done"], again["done"], again["repeats"], again["trial"]) == (False, True, broken, planned)
    assert [first[key] for key in ("pair", "arm", "step")] == [again[key] for key in ("pair", "arm", "step")]
    assert "was lost" in first["reason"]
    rows = run.samples(scenario)
    assert set(rows["trial"]) == {one["trial"] for one in trials} - ({broken} - set(rows["trial"]))


def gated(out: Path) -> str:
    """Why a gate wouldn't ask the run."""
    manifest = json.loads((out / "manifest.json").read_text())
    (name,) = manifest["scenarios"]
    return why_invalid(out, manifest, name) or ""


def by_hand(
    role: str, port: int, out: Path, *words: str, sets: tuple[str, ...], scenario: str = "query_vs_scan"
) -> list[str]:
    """Locust as one types it for a master and its workers."""
    if role == "worker":
        return [
            sys.executable, "-m", "locust", "-f", f"scenarios/{scenario}.py", "--worker", "--master-port", str(port),
        ]  # fmt: skip
    both = two_processes(scenario, out, *words, sets=sets)
    at = both.index("--processes")
    return [*both[:at], "--master", "--master-bind-port", str(port), "--expect-workers", "1", *both[at + 2 :]]


def test_a_worker_that_joins_late_is_set_up_and_used_from_the_next_trial_on(place: Place, port: int) -> None:
    """A second one while trials run: half of the slots are its own afterwards, and no trial is lost by it."""
    place.run.mkdir()
    out = place.run / "it"
    sets = (*ONE_SIZE, "query_vs_scan.pairs=20")
    master = place.start(by_hand("master", port, out, sets=sets))
    first = place.start(by_hand("worker", port, out, sets=sets))
    until(lambda: measuring(place, out), 60, "trials done")
    late = place.start(by_hand("worker", port, out, sets=sets))
    assert master.wait(120) == 0, place.said
    assert (first.wait(20), late.wait(20)) == (0, 0)
    run = Run.load(out)
    entry, rows = run.scenario("query_vs_scan"), run.samples("query_vs_scan")
    assert entry["status"] == "complete"
    assert all(one["done"] for one in entry["trials"])
    (event,) = run.events_of("query_vs_scan", "worker_joined")
    assert [one["slots"] for one in entry["workers"]] == [2, 2]
    assert entry["workers"][1]["joined_before"] == event["trial"] > 0
    assert "workers_lost" not in entry
    assert rows.loc[rows["worker"] == "1", "trial"].min() == event["trial"]
    assert rows["op_id"].is_unique
    assert entry["requests"] == entry["rows"] == len(rows)
    assert gated(out) == ""
    assert place.leftovers() == []


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_of_the_master_ends_its_workers(place: Place, signum: signal.Signals) -> None:
    """A cancelled job closes the run as partial with every row; kill -9 leaves nothing running either."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start(two_processes("query_vs_scan", out, sets=LONG))
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
    process = place.start(two_processes("query_vs_scan", out, sets=LONG))
    until(lambda: measuring(place, out), 40, "trials done")
    os.killpg(process.pid, signal.SIGINT)
    process.wait(40)
    assert place.leftovers() == [], place.said
    entry = Run.load(out).scenario("query_vs_scan")
    assert entry["status"] == "partial"
    assert entry["requests"] == entry["rows"] == len(Run.load(out).samples("query_vs_scan")) > 0


FAILOVERS = (
    "rds_failover.engines=[postgres]", "rds_failover.cells=[multi_az_cluster.crash]", "rds_failover.synchrony_ms=[]",
    "rds_failover.client_arms=[tuned, pool]", "rds_failover.trials=2", "rds_failover.before_s=1.5", "rds_failover.cap_s=4.5",
)  # fmt: skip


def failed_over(run: Run) -> None:
    """Every trial that was done has a ledger of each arm, which is what its samples say."""
    rows, checked = run.samples("rds_failover"), run.events_of("rds_failover", "ledger_checked")
    done = {one["trial"] for one in run.scenario("rds_failover")["trials"] if one["done"]}
    assert {(one["trial"], one["client_arm"]) for one in checked if one["trial"] in done} == {
        (trial, arm) for trial in done for arm in ("tuned", "pool", "reference")
    }
    for one in (one for one in checked if one["trial"] in done):
        mine = rows[
            (rows["trial"] == one["trial"]) & (rows["client_arm"] == one["client_arm"]) & (rows["op"] == "write_probe")
        ]
        acknowledged = mine.loc[mine["outcome"] == "ok", "write_id"]
        assert one["acknowledged"] == acknowledged.nunique() == len(acknowledged) > 0
        assert one["lost"] == one["phantom"] == 0
    written = rows.loc[rows["write_id"] >= 0]
    assert (written.groupby("write_id")["worker"].nunique() == 1).all()


def test_failovers_are_watched_by_two_processes_whose_ledgers_are_one(place: Place) -> None:
    """Half of each arm's connections in each process; acknowledgements are those of the samples of both."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start([*two_processes("rds_failover", out, "-u", "176", sets=FAILOVERS)])
    assert process.wait(120) == 0, place.said
    run = Run.load(out)
    failed_over(run)
    assert [one["slots"] for one in run.scenario("rds_failover")["workers"]] == [88, 88]
    assert set(run.samples("rds_failover").groupby("worker")["client_arm"].nunique()) == {3}
    assert place.leftovers() == []


def test_a_failover_whose_watcher_is_killed_is_done_again_on_a_whole_topology(place: Place) -> None:
    """kill -9 in the first trial: it breaks off, and three trials later the plan of two is done."""
    place.run.mkdir()
    out = place.run / "it"
    process = place.start([*two_processes("rds_failover", out, "-u", "176", sets=FAILOVERS)])
    until(lambda: noted(out, "fault_injected") > 0, 60, "a fault")
    workers(place)[0].kill()
    assert process.wait(180) == 0, place.said
    run = Run.load(out)
    failed_over(run)
    (lost,) = run.scenario("rds_failover")["workers_lost"]
    repeated(run, "rds_failover", lost["trial"], planned=2)
    assert "was lost" in gated(out)
    assert place.leftovers() == []


def test_a_failover_is_watched_by_a_late_worker_too_from_the_next_trial_on(place: Place, port: int) -> None:
    """A second one in the first trial: later ones have half of each arm's connections in each, and one ledger."""
    place.run.mkdir()
    out = place.run / "it"
    sets = (*FAILOVERS, "rds_failover.trials=4")
    master = place.start(by_hand("master", port, out, "-u", "176", sets=sets, scenario="rds_failover"))
    first = place.start(by_hand("worker", port, out, sets=sets, scenario="rds_failover"))
    until(lambda: noted(out, "fault_injected") > 0, 90, "a fault")
    late = place.start(by_hand("worker", port, out, sets=sets, scenario="rds_failover"))
    assert master.wait(240) == 0, place.said
    assert (first.wait(20), late.wait(20)) == (0, 0)
    run = Run.load(out)
    entry, rows = run.scenario("rds_failover"), run.samples("rds_failover")
    assert entry["status"] == "complete"
    assert [one["done"] for one in entry["trials"]] == [True] * 4
    assert "workers_lost" not in entry
    failed_over(run)
    (event,) = run.events_of("rds_failover", "worker_joined")
    assert entry["workers"][1]["joined_before"] == event["trial"] > 0
    assert [one["slots"] for one in entry["workers"]] == [88, 88]
    joined = rows["trial"] >= event["trial"]
    assert set(rows.loc[~joined, "worker"]) == {"0"}
    assert set(rows[joined].groupby(["trial", "worker"])["client_arm"].nunique()) == {3}
    assert set(rows[joined].groupby("trial")["worker"].nunique()) == {2}
    assert not rows.duplicated(["op_id", "attempt"]).any()
    assert (rows.groupby("op_id")["worker"].nunique() == 1).all()
    assert entry["requests"] == entry["rows"] == len(rows)
    assert gated(out) == ""
    assert place.leftovers() == []


def test_a_measurement_of_one_process_refuses_several(place: Place) -> None:
    """One line that says what to leave out; exit 2 before anything is started."""
    began_s = time.monotonic()
    words = two_processes("query_vs_scan", place.run / "it")
    words[words.index("scenarios/query_vs_scan.py")] = "harness/calibration_scenario.py"
    process = place.start(words)
    assert process.wait(40) == 2
    assert place.said.count("leave out --processes, --master and --worker") == 1
    assert time.monotonic() - began_s < 20
    assert place.leftovers() == []
