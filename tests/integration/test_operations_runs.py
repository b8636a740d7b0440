"""rds_operations from the command line: what its events say, and that whoever stops it leaves nothing behind."""

import os
import signal

import pytest
from whole_runs import Place, until

SNAPSHOTS = (
    "--profile", "smoke", "--set", "rds_operations.parts=[snapshots]", "--set", "rds_operations.snapshot_flights=[2000]",
    "--set", "rds_operations.rounds=3",
)  # fmt: skip


def test_groups_and_connection_limits_of_both_engines(place: Place) -> None:
    """D5's numbers for a refused connection, after as many as each lets an application have; D7's loss, and none by default.

    MariaDB keeps one connection beyond the limit for who administers it, PostgreSQL three of those within it.
    """
    words = [
        "--profile", "smoke", "--set", "rds_operations.connection_limits=[25]", "--set", "rds_operations.connections_beyond=2",
        "--set", "rds_operations.parameter_groups=[default, small_buffers]", "--set", "rds_operations.flights=500",
    ]  # fmt: skip
    done = place.call("run", "rds_operations", *words, "--out", str(place.run))
    assert done.returncode == 0, done.stderr
    assert place.leftovers() == []
    refused = {(one["engine"], one["error"], one["number"], one["limit"]) for one in place.events("refused_connection")}
    assert refused == {("mysql", "1040", 25, 25), ("postgres", "53300", 22, 25)}
    samples = place.samples("rds_operations")
    connects = samples[(samples["op"] == "connect") & (samples["arm"] == "above")]
    failed = connects[connects["outcome"] == "error"].groupby("engine", observed=True)["error_code"].agg(list)
    assert failed.to_dict() == {"mysql": ["1040"] * 2, "postgres": ["53300"] * 5}
    others = samples[(samples["part"] == "connections") & samples["op"].isin(["read", "write"])]
    assert set(others["outcome"]) == {"ok"}
    changes = {
        (one["engine"], one["name"], one["apply_type"], one["status_before"], one["status_after"])
        for one in place.events("parameter") if one["group"] == "small_buffers"
    }  # fmt: skip
    assert changes == {
        ("mysql", "innodb_buffer_pool_size", "dynamic", "in-sync", "in-sync"),
        ("postgres", "shared_buffers", "static", "in-sync", "pending-reboot"),
    }
    reboots = [
        (one["engine"], one["status_after"]) for one in place.events("reboot") if one["group"] == "small_buffers"
    ]
    assert reboots == [("postgres", "in-sync")]
    checks = place.events("ledger_checked")
    assert [one["lost"] for one in checks] == [0] * 4
    assert all(one["acknowledged"] > 0 for one in checks)


def test_snapshots_and_replicas_of_both_engines(place: Place) -> None:
    """Restored as they were; every beat arrived."""
    words = ["--set", "rds_operations.parts=[snapshots, replica_lag]", "--set", "rds_operations.snapshot_flights=[500]"]
    done = place.call("run", "rds_operations", "--profile", "smoke", *words, "--out", str(place.run))
    assert done.returncode == 0, done.stderr
    assert place.leftovers() == []
    restored = [one for one in place.events("snapshot") if one["operation"] == "restore"]
    assert [(one["rows_equal"], one["unlike"], one["flights"]) for one in restored] == [(True, [], 500)] * 2
    assert all(one["bytes"] > 0 and one["seconds"] > 0 for one in place.events("snapshot"))
    lags = place.samples("rds_operations").query("op == 'lag'")
    assert set(lags["engine"]) == {"mysql", "postgres"}
    assert (lags["lag_ns"] > 0).all()
    assert (lags["lag_ns"] <= lags["t_end"] - lags["t_start"]).all()


@pytest.mark.parametrize("moment", ["trial_begin", "operation_began", "operation_ended"])
def test_an_interrupt_stops_everything_and_keeps_the_rows(place: Place, moment: str) -> None:
    """Before an instance stands still for its snapshot, while it does, and after it."""
    process = place.start(place.command("run", "rds_operations", *SNAPSHOTS, "--out", str(place.run)))
    until(lambda: bool(place.events(moment)), 90, moment)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, place.said
    assert place.leftovers() == []
    entry = place.manifest()["scenarios"]["rds_operations"]
    assert entry["requests"] == entry["rows"] == place.rows("rds_operations")
    assert "Traceback" not in place.said


def test_kill_9_while_an_instance_stands_still_leaves_nothing(place: Place) -> None:
    """A stopped tree doesn't outlive the harness."""
    process = place.start(place.command("run", "rds_operations", *SNAPSHOTS, "--out", str(place.run)))
    until(lambda: bool(place.events("operation_began")), 90, "a snapshot")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    assert place.leftovers() == []


def test_a_parameter_that_there_is_not_is_one_line(place: Place) -> None:
    """The server is asked, before anything is measured."""
    words = [
        "--set", "rds_operations.groups={mine: {postgres: {shared_bufers: 1MB}}}", "--set", "rds_operations.parameter_groups=[mine]",
        "--set", "rds_operations.engines=[postgres]", "--set", "rds_operations.parts=[parameters]",
    ]  # fmt: skip
    done = place.call("run", "rds_operations", "--profile", "smoke", *words, "--out", str(place.run))
    assert done.returncode == 3
    said = (
        "rds_operations.groups.mine.postgres: PostgreSQL has no parameter shared_bufers; did you mean shared_buffers?"
    )
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert place.leftovers() == []
