"""What was planted in a run of rds_operations comes back as its findings; no more is claimed. Groups, backups, restores."""

import math
from pathlib import Path
from typing import Any

import pytest
from planted_operations import PlantedOperations, evenly, everything
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, findings_of

from reports import rds_operations
from reports.rds_operations.arms import PARTS
from reports.section import Section

ID = "rds_operations.mysql"


@pytest.fixture
def operations(tmp_path: Path) -> PlantedOperations:
    return PlantedOperations(PlantedRun(tmp_path / "run"))


def section_of(
    operations: PlantedOperations, *, engines: tuple[str, ...] = ("mysql",), parts: tuple[str, ...] = ()
) -> Section:
    operations.write(engines, parts)
    return rds_operations.analyse(operations.planted.load())


def test_a_groups_writes_a_second_are_what_was_acknowledged_until_the_kill(operations: PlantedOperations) -> None:
    """400 and 300 writes of 1 ms each: 400 in 0.4 s and 300 in 0.3 s, 1,000 a second in both rounds, so exact."""
    for pair, writes in enumerate((400, 300)):
        operations.group("default", pair=pair, writes=writes)
    rate = finding_of(section_of(operations), f"{ID}.parameters.writes_per_s", arm="default")
    assert (rate.value, rate.n, rate.unit, rate.better) == (pytest.approx(1000), 2, "writes/s", "higher")
    assert (rate.low, rate.high) == (pytest.approx(1000), pytest.approx(1000))
    assert rate.labels == {
        "engine": "mysql", "part": "parameters", "arm": "default", "step": "default", "server": "MariaDB 10.11.19",
        "driver": "pymysql", "client": "pymysql", "op": "write", "loop": "closed",
    }  # fmt: skip
    assert "MySQL, parameter group default: 1,000 writes a second were acknowledged" in rate.sentence


def test_a_group_is_held_against_the_default_of_its_round_and_says_what_both_lost(
    operations: PlantedOperations,
) -> None:
    """Default 1,000 a second in both rounds; durable_off 2,000 and 4,000 (0.5 and 0.25 ms each): ratios 2 and 4, geometric mean
    √8 = 2.828. t(0.975, 1) = 12.706 and the logs' standard error is (ln 4 − ln 2)/2 = 0.3466: a factor e^4.404 = 81.8 each way.
    """
    for pair, ms in enumerate((0.5, 0.25)):
        operations.group("default", pair=pair, writes=400)
        operations.group("durable_off", pair=pair, writes=800, lost=30, ms=ms)
    section = section_of(operations)
    ratio = finding_of(section, f"{ID}.parameters.writes_ratio", arm="durable_off", against="default")
    assert (ratio.value, ratio.n, ratio.headline) == (pytest.approx(math.sqrt(8)), 2, True)
    assert (ratio.low, ratio.high) == (
        pytest.approx(math.sqrt(8) / 81.8, rel=1e-3),
        pytest.approx(math.sqrt(8) * 81.8, rel=1e-3),
    )
    assert (
        "kill -9 lost 60 of 1,600 acknowledged writes with it, 0 of 800 acknowledged writes with default"
        in ratio.sentence
    )
    assert "what a lost host would lose isn't measured" in ratio.sentence
    assert section.verdict == (ratio.sentence,)


def test_lost_writes_are_counted_and_what_a_lost_host_would_lose_is_not_measured(operations: PlantedOperations) -> None:
    """30 and 12 of 400 each; nothing of it is chance. Losses of a group that trades them for speed warn nobody."""
    for pair, lost in enumerate((30, 12)):
        operations.group("durable_off", pair=pair, writes=400, lost=lost, ambiguous=4, ambiguous_present=3, failed=27)
    section = section_of(operations)
    lost_ = finding_of(section, f"{ID}.parameters.lost_writes", arm="durable_off")
    assert (lost_.value, lost_.low, lost_.high, lost_.n) == (42, 42, 42, 2)
    assert "42 of 800 acknowledged writes lost" in lost_.sentence
    assert "8 more were ambiguous, of which 6 are present" in lost_.sentence
    host = finding_of(section, f"{ID}.parameters.lost_host_writes", arm="durable_off")
    assert (host.status, host.value) == ("not_measured", None)
    assert "page cache" in (host.reason or "")
    assert section.warnings == ()


def test_a_refused_write_that_is_there_and_one_that_is_there_twice_are_warned_about(
    operations: PlantedOperations,
) -> None:
    """Neither is what a setting may do."""
    operations.group("default", pair=0, writes=400, failed=5, phantom=1, duplicate=2)
    (warning,) = section_of(operations).warnings
    assert "1 of 5 refused writes are present all the same, and 2 writes more than once" in warning


def test_static_parameters_are_pending_until_the_reboot_and_dynamic_ones_are_in_sync(
    operations: PlantedOperations,
) -> None:
    """One of each in the group; the reboots took 0.4, 0.5 and 0.6 s: median 0.5."""
    for pair, reboot_s in enumerate((0.4, 0.5, 0.6)):
        number = operations.group("small_buffers", pair=pair, writes=100)
        operations.parameter(number, "shared_buffers", "1MB", reboot_s=reboot_s)
        operations.parameter(number, "work_mem", "64kB", applied_s=0.02)
    section = section_of(operations)
    pending = finding_of(section, f"{ID}.parameters.pending_reboot")
    assert (pending.value, pending.low, pending.high) == (1, 1, 1)
    assert "shared_buffers is static and pending-reboot until the instance is rebooted" in pending.sentence
    assert "work_mem is dynamic and in-sync without a reboot" in pending.sentence
    assert finding_of(section, f"{ID}.parameters.reboot_s").value == pytest.approx(0.5)
    assert finding_of(section, f"{ID}.parameters.applied_s").value == pytest.approx(0.02)
    (table,) = [chart.table for chart in section.charts if chart.id == "rds_operations-pending"]
    assert table[["parameter", "type", "before", "after"]].to_numpy().tolist() == [
        ["shared_buffers", "static", "in-sync", "pending-reboot"], ["work_mem", "dynamic", "in-sync", "in-sync"],
    ]  # fmt: skip


def test_a_group_without_a_kill_or_a_ledger_claims_neither_a_rate_nor_a_loss(operations: PlantedOperations) -> None:
    """The events are missing: both are not measured, and none is 0."""
    operations.group("default", pair=0, writes=400, killed=False, ledger=False)
    section = section_of(operations)
    for figure in ("writes_per_s", "lost_writes"):
        absent = finding_of(section, f"{ID}.parameters.{figure}")
        assert (absent.status, absent.value) == ("not_measured", None)
    assert findings_of(section, f"{ID}.parameters.recovery_s") == []


def test_the_overhead_of_a_backup_is_the_ratio_of_a_rounds_medians_while_it_runs(operations: PlantedOperations) -> None:
    """Due every 10 ms; between 200 and 800 ms 3.001 ms beside backups and 1.001 ms without (medians of 0, 1 and 2 µs more):
    3.001 ÷ 1.001 = 2.998 in both rounds. What was due before and after counts in neither.
    """
    for pair in range(2):
        operations.under_load("backup", "quiet", "1000", pair=pair, ms=1.0, flights=1000)
        operations.backup(
            operations.under_load("backup", "base_backup", "1000", pair=pair, ms=3.0, flights=1000), 0.4 + 0.2 * pair
        )
    section = section_of(operations)
    write = finding_of(section, f"{ID}.backup.backup_overhead_ratio", op="write", against="quiet")
    assert (write.value, write.low, write.high) == (
        pytest.approx(3.001 / 1.001),
        pytest.approx(3.001 / 1.001),
        pytest.approx(3.001 / 1.001),
    )
    assert (write.headline, finding_of(section, write.id, op="read").headline) == (True, False)
    assert (
        "MySQL, 1,000 flights: a write took 3 times as long while base backups are made as without, 3 ms against 1 ms"
        in write.sentence
    )
    made = finding_of(section, f"{ID}.backup.backup_s")
    assert (made.value, made.n) == (pytest.approx(0.5), 2)
    assert "a base backup of 20 MB took 500 ms by mariadb-backup" in made.sentence
    p50 = finding_of(section, f"{ID}.backup.latency_p50_ms", arm="base_backup", op="read")
    assert (p50.value, p50.n) == (pytest.approx(3.001), 122)  # 61 due from 200 to 800 ms, in two trials


def test_a_backup_without_its_quiet_arm_has_no_overhead(operations: PlantedOperations) -> None:
    """Nothing to hold it against, and it says so."""
    operations.backup(operations.under_load("backup", "base_backup", "1000", pair=0, ms=3.0, flights=1000), 0.4)
    absent = finding_of(section_of(operations), f"{ID}.backup.backup_overhead_ratio", op="write")
    assert (absent.status, absent.headline) == ("not_measured", True)
    assert "both with and without a backup" in (absent.reason or "")


def test_a_restore_to_a_second_says_what_came_back_how_long_it_took_and_what_it_cost(
    operations: PlantedOperations,
) -> None:
    """RTO 1.8, 2.0 and 2.4 s: median 2.0, reads 0.1 s earlier; RPO 0.4 s; 3 × 1,000 rows, none wrong; 3 × 40 writes lost."""
    for pair, rto_s in enumerate((1.8, 2.0, 2.4)):
        operations.restored(pair=pair, rto_s=rto_s)
    section = section_of(operations)
    write, read = (finding_of(section, f"{ID}.pitr.rto_s", op=op) for op in ("write", "read"))
    assert (write.value, read.value, write.headline, read.headline) == (
        pytest.approx(2.0),
        pytest.approx(1.9),
        True,
        False,
    )
    assert (
        "took its first write 2 s after it was asked for, with exactly the rows of that second, 3,000 in 3 restores (150 had been deleted)"
        in write.sentence
    )
    assert "the acknowledged writes of the last 400 ms before the DELETE aren't in it" in write.sentence
    assert finding_of(section, f"{ID}.pitr.rpo_s").value == pytest.approx(0.4)
    wrong = finding_of(section, f"{ID}.pitr.rows_wrong")
    assert (wrong.value, wrong.low, wrong.high, wrong.n) == (0, 0, 0, 3)
    assert finding_of(section, f"{ID}.pitr.lost_writes").value == 120
    steps = {one.labels["phase"]: one.value for one in findings_of(section, f"{ID}.pitr.restore_step_s")}
    assert steps == pytest.approx({"archived": 0.1, "copied": 0.5, "recovered": 1.0})
    assert section.warnings == ()


def test_the_timeline_puts_the_target_second_before_the_delete_and_step_after_step(
    operations: PlantedOperations,
) -> None:
    """The DELETE 400 ms into its second; the backup from 600 to 300 ms before it; then 0.1, 0.5 and 1.0 s, and RTO 2 s."""
    operations.restored(pair=0)
    (chart,) = [one for one in section_of(operations).charts if one.id == "rds_operations-mysql-restore"]
    spans = {row["what"]: (round(row["from, s"], 3), round(row["to, s"], 3)) for _, row in chart.table.iterrows()}
    assert spans["target of the restore"] == (-0.4, -0.4)
    assert spans["base backup"] == (-0.6, -0.3)
    assert spans["bad DELETE"] == (0, 0)
    assert spans["copying the base backup"] == (0.1, 0.6)
    assert spans["starting on it and replaying the log"] == (0.6, 1.6)
    assert (spans["first row read"], spans["first row written"]) == ((1.9, 1.9), (2.0, 2.0))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"missing": 3, "surplus": 2}, "3 of 1,000 rows missing and 2 too many"),
        ({"alike": False}, "exactly the rows of that second, 1,000 in 1 restore, but other tables unlike in 1"),
    ],
)
def test_rows_that_are_wrong_are_counted_and_warned_about(
    operations: PlantedOperations, fields: Any, said: str
) -> None:
    """Missing and surplus ones are added up; another table's rows can't be, and are said."""
    operations.restored(pair=0, **fields)
    section = section_of(operations)
    wrong = finding_of(section, f"{ID}.pitr.rows_wrong")
    assert wrong.value == fields.get("missing", 0) + fields.get("surplus", 0)
    (warning,) = section.warnings
    assert said in warning
    assert said in section.verdict[0]


def test_a_restore_that_was_not_noted_is_not_measured(operations: PlantedOperations) -> None:
    """The trial ended, and its event isn't there."""
    operations.under_load("pitr", "restore", "before_delete", pair=0, ms=1.0, flights=1000)
    absent = finding_of(section_of(operations), f"{ID}.pitr.rto_s", op="write")
    assert (absent.status, absent.headline) == ("not_measured", True)
    assert "nothing was restored" in (absent.reason or "")


def test_a_run_of_which_no_trial_ended_measures_nothing_and_says_why(operations: PlantedOperations) -> None:
    """Each part that was asked for has its first figure, absent, of both engines."""
    operations.group("default", pair=0, writes=10)
    operations.planned[0]["done"] = False
    operations.rows.clear()
    operations.write(("mysql", "postgres"), PARTS, status="not_measured", reason="no server could be had")
    section = rds_operations.analyse(operations.planted.load())
    assert len(section.findings) == 12
    assert_nothing_measured(section, "no server could be had")


def test_a_trial_that_failed_gives_its_part_the_reason_and_leaves_the_others_alone(
    operations: PlantedOperations,
) -> None:
    """Backups failed, groups didn't."""
    operations.group("default", pair=0, writes=400)
    number = operations.trial("backup", "base_backup", "1000", [], pair=1, done=False, flights=1000)
    operations.event("trial_failed", number, reason="mysql backup base_backup 1000: mariadb-backup can't be had")
    section = section_of(operations)
    absent = finding_of(section, f"{ID}.backup.backup_overhead_ratio")
    assert "mariadb-backup can't be had" in (absent.reason or "")
    assert finding_of(section, f"{ID}.parameters.writes_per_s").value == pytest.approx(1000)


def test_every_part_draws_what_was_planted(operations: PlantedOperations) -> None:
    """Each chart from its own table, and every part has one."""
    everything(operations)
    section = section_of(operations)
    assert all("<svg" in one for one in drawn(section))
    kinds = {chart.id.removeprefix("rds_operations-").removeprefix("mysql-") for chart in section.charts}
    assert kinds == {
        "groups", "pending", "backup-time", "backup-percentiles", "restore", "sizes", "snapshot-time", "lag-time", "lag-percentiles",
        "connections-30",
    }  # fmt: skip
    assert [one.labels["part"] for one in section.findings if one.headline] == [
        "parameters",
        "backup",
        "pitr",
        "replica_lag",
    ]
    assert len(section.method) == len(PARTS)


def test_operations_of_a_run_older_than_an_event_are_all_counted(operations: PlantedOperations) -> None:
    """Without operation_began and operation_ended nobody knows which rows are beside a backup: all 100 are."""
    rows = evenly("read", 100, ms=2.0)
    operations.backup(operations.trial("backup", "base_backup", "1000", rows, pair=0, flights=1000), 0.4)
    assert finding_of(section_of(operations), f"{ID}.backup.latency_p50_ms", op="read").n == 100


def test_a_run_that_was_cut_short_counts_the_trials_that_ended_and_no_more(operations: PlantedOperations) -> None:
    """Two rounds ended, the third was cut off after its kill: its 100 lost writes and its speed are in no figure."""
    for pair in range(3):
        operations.group("default", pair=pair, writes=400, ms=1.0 if pair < 2 else 9.0, lost=100 * (pair == 2))
    operations.planned[2]["done"] = False
    operations.write(status="partial", reason="stopped by Ctrl-C")
    section = rds_operations.analyse(operations.planted.load())
    assert finding_of(section, f"{ID}.parameters.writes_per_s").value == pytest.approx(1000)
    lost = finding_of(section, f"{ID}.parameters.lost_writes")
    assert (lost.value, lost.n) == (0, 2)
