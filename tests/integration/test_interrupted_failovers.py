"""Failovers that are cut in the middle leave no server behind, stopped or running; a topology that is lost leaves the others."""

import os
import signal
import sys

import psutil
import pytest
from whole_runs import Place, until

from reports.load import Run

# A hang, so that there is a stopped tree from the fault until it is fenced, and long after that nothing but watching.
HANGS = (
    "--profile", "smoke", "--set", "rds_failover.cells=[multi_az_instance.hang]", "--set", "rds_failover.trials=3",
    "--set", "rds_failover.client_arms=[tuned, naive]", "--set", "rds_failover.cap_s=6",
)  # fmt: skip


def load_process(place: Place) -> psutil.Process:
    """The Locust process of the run."""
    return next(one for one in place.processes() if "locust" in " ".join(one.cmdline()) and "-f" in one.cmdline())


@pytest.mark.parametrize("victim", ["command line", "load process"])
@pytest.mark.parametrize("moment", ["fault_injected", "fenced"])
def test_kill_9_in_the_middle_of_a_failover_leaves_no_server(place: Place, victim: str, moment: str) -> None:
    """Killed while the server is stopped, and while its successor starts: neither outlives the harness."""
    process = place.start(place.command("run", "rds_failover", *HANGS, "--out", str(place.run)))
    until(lambda: bool(place.events(moment)), 90, moment)
    if victim == "command line":
        os.kill(process.pid, signal.SIGKILL)
    else:
        load_process(place).kill()
    process.wait(60)
    assert place.leftovers() == []


@pytest.mark.parametrize("moment", ["trial_begin", "fault_injected", "dns_moved"])
def test_an_interrupt_in_a_failover_stops_everything_and_keeps_the_rows(place: Place, moment: str) -> None:
    """Before the fault, in it and after it: exit 130, a partial run, every row that Locust counted, nothing left."""
    process = place.start(place.command("run", "rds_failover", *HANGS, "--out", str(place.run)))
    until(lambda: bool(place.events(moment)), 90, moment)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, place.said
    assert place.leftovers() == []
    entry = place.manifest()["scenarios"]["rds_failover"]
    assert not any(trial["done"] for trial in entry["trials"])
    assert entry["requests"] == entry["rows"] == place.rows("rds_failover")
    assert "Traceback" not in place.said


def test_the_time_is_up_in_a_failover(place: Place) -> None:
    """``-t`` cuts the trial under way: partial, exit 0, nothing left."""
    place.run.mkdir()
    words = ["--headless", "-u", "8", "-r", "8", "-t", "3s", "--harness-profile", "smoke"]
    for at in range(2, len(HANGS), 2):
        words += ["--harness-set", HANGS[at + 1]]
    command = [sys.executable, "-m", "locust", "-f", "scenarios/rds_failover.py", *words]
    process = place.start([*command, "--harness-out", str(place.run / "it")])
    assert process.wait(120) == 0, place.said
    assert place.leftovers() == []
    entry = Run.load(place.run / "it").scenario("rds_failover")
    assert entry["status"] == "partial"
    assert entry["requests"] == entry["rows"] == len(Run.load(place.run / "it").samples("rds_failover"))


def test_a_topology_that_does_not_come_back_takes_its_cell_along_and_nothing_else(place: Place) -> None:
    """The file without which PostgreSQL won't start is gone when its server is killed: that cell isn't measured, the others are."""
    words = [
        "--profile", "smoke", "--set", "rds_failover.engines=[postgres]", "--set", "rds_failover.client_arms=[tuned]",
        "--set", "rds_failover.cells=[single_az.crash, single_az.planned]", "--set", "rds_failover.trials=2",
        "--set", "rds_failover.before_s=2",
    ]  # fmt: skip
    process = place.start(place.command("run", "rds_failover", *words, "--out", str(place.run)))
    until(lambda: any(one["step"] == "single_az.crash" for one in place.events("trial_begin")), 90, "its first trial")
    (control,) = place.temporary.glob("dbharness-*/t*/postgres-single_az/data/global/pg_control")
    control.rename(control.with_name("gone"))
    assert process.wait(120) == 3, place.said
    assert place.leftovers() == []
    entry = place.manifest()["scenarios"]["rds_failover"]
    assert entry["status"] == "partial"
    assert "2 of 4 trials not measured" in entry["reason"]
    done = {(trial["step"], trial["done"]) for trial in entry["trials"]}
    assert done == {("single_az.crash", False), ("single_az.planned", True)}
    lost = [trial for trial in entry["trials"] if not trial["done"]]
    assert all("pg_control" in trial["reason"] for trial in lost)
    assert [event["trial"] for event in place.events("trial_failed")] == [trial["trial"] for trial in lost]
