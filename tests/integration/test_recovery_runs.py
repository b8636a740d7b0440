"""Parts backup and pitr of rds_operations from the command line: their events, and that whoever stops them leaves nothing behind."""

import os
import signal

import pytest
from whole_runs import Place, until

WORDS = (
    "--profile", "smoke", "--set", "rds_operations.flights=500", "--set", "rds_operations.backup_flights=[500]",
    "--set", "rds_operations.pitr_between_s=1",
)  # fmt: skip


def test_backups_and_restores_of_both_engines(place: Place) -> None:
    """Exactly the rows are back, each restore within the second that it must lose, first the read and then the write."""
    words = [*WORDS, "--set", "rds_operations.parts=[backup, pitr]", "--set", "rds_operations.rounds=2"]
    done = place.call("run", "rds_operations", *words, "--out", str(place.run))
    assert done.returncode == 0, done.stderr
    assert place.leftovers() == []

    restored = place.events("restored")
    assert sorted(one["engine"] for one in restored) == ["mysql", "mysql", "postgres", "postgres"]
    for one in restored:
        assert (one["missing"], one["surplus"], one["others_alike"]) == (0, 0, True)
        assert one["rows_expected"] <= one["rows_found"] <= one["rows_expected"] + one["under_way"]
        assert one["rows_expected"] > 0 and one["rows_deleted"] > 0
        assert 0 <= one["rpo_s"] < 1.1  # its own second, and what the delete waited for its turn
        assert one["log_s"] >= 0
        assert 0 <= one["archived_s"] < one["rto_read_s"] < one["rto_write_s"]

    samples = place.samples("rds_operations")
    assert set(samples["outcome"]) == {"ok"}
    spans = {"began": place.events("backup_began"), "ended": place.events("backup_ended")}
    assert {one["method"] for one in spans["ended"]} == {"pg_basebackup", "mariadb-backup"}
    assert all(one["bytes"] > 1_000_000 and one["seconds"] > 0 for one in spans["ended"])
    beside = samples[(samples["part"] == "backup") & (samples["phase"] == "measured")]
    for trial, rows in beside[beside["arm"] == "base_backup"].groupby("trial"):
        began, ended = (
            sorted(one["t_ns"] for one in each if one["trial"] == trial) for each in (spans["began"], spans["ended"])
        )
        assert len(began) == len(ended) > 0
        # Eight slots, 100 a second: each has the operation that it waits for when the last backup ends.
        assert began[0] - 5e6 <= rows["t_intended"].min() and rows["t_intended"].max() <= ended[-1] + 100e6
    quiet = set(beside[beside["arm"] == "quiet"]["trial"])
    assert quiet and not quiet & {one["trial"] for one in spans["began"]}


@pytest.mark.parametrize(
    ("part", "moment"), [("backup", "operation_began"), ("pitr", "operation_began"), ("pitr", "bad_delete")]
)
def test_an_interrupt_stops_everything_and_keeps_the_rows(place: Place, part: str, moment: str) -> None:
    """While a base backup is made, and with the delete done."""
    words = [*WORDS, "--set", f"rds_operations.parts=[{part}]", "--set", "rds_operations.rounds=3"]
    process = place.start(place.command("run", "rds_operations", *words, "--out", str(place.run)))
    until(lambda: bool(place.events(moment)), 90, moment)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, place.said
    assert place.leftovers() == []
    entry = place.manifest()["scenarios"]["rds_operations"]
    assert entry["requests"] == entry["rows"] == place.rows("rds_operations")
    assert "Traceback" not in place.said


def test_kill_9_during_a_restore_leaves_nothing(place: Place) -> None:
    """Neither the old instance nor the new one, nor who archives the log."""
    words = [*WORDS, "--set", "rds_operations.parts=[pitr]", "--set", "rds_operations.rounds=3"]
    process = place.start(place.command("run", "rds_operations", *words, "--out", str(place.run)))
    until(lambda: bool(place.events("operation_ended")), 90, "the end of the load")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    assert place.leftovers() == []
