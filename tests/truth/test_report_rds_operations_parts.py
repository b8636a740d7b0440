"""What was planted in a run of rds_operations comes back: snapshots, replica lag, connection limits, and what opens the report."""

from pathlib import Path

import numpy as np
import pytest
from planted_operations import PlantedOperations
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import rds_operations
from reports.section import Section

ID = "rds_operations.mysql"


@pytest.fixture
def operations(tmp_path: Path) -> PlantedOperations:
    return PlantedOperations(PlantedRun(tmp_path / "run"))


def section_of(operations: PlantedOperations, engines: tuple[str, ...] = ("mysql",)) -> Section:
    operations.write(engines)
    return rds_operations.analyse(operations.planted.load())


def sizes(operations: PlantedOperations) -> None:
    """Ten times the data: a snapshot 10^0.5 times as long in the first round, 10^0.7 in the second."""
    for pair, exponent in enumerate((0.5, 0.7)):
        for flights, seconds in ((1000, 0.1), (10_000, 0.1 * 10**exponent)):
            operations.snapshot("create", flights, pair=pair, seconds=seconds)
            operations.snapshot("restore", flights, pair=pair, seconds=2 * seconds)


def test_snapshots_take_the_median_and_grow_by_the_exponent_of_their_rounds(operations: PlantedOperations) -> None:
    """Exponents 0.5 and 0.7: mean 0.6, ± t(0.975, 1) = 12.706 × 0.1. 0.316 and 0.501 s at 10,000 flights: median 0.409."""
    sizes(operations)
    section = section_of(operations)
    took = finding_of(section, f"{ID}.snapshots.snapshot_s", step="10000")
    assert (took.value, took.n) == (pytest.approx((10**-0.5 + 10**-0.3) / 2), 2)
    assert "MySQL, 10,000 flights: a snapshot of 10 MB took 409 ms, for which the server stood still" in took.sentence
    assert finding_of(section, f"{ID}.snapshots.restore_s", step="10000").value == pytest.approx(10**-0.5 + 10**-0.3)
    assert finding_of(section, f"{ID}.snapshots.snapshot_bytes", step="1000").value == 1_000_000
    grown = finding_of(section, f"{ID}.snapshots.snapshot_growth_exponent")
    assert (grown.value, grown.low, grown.high) == (
        pytest.approx(0.6),
        pytest.approx(0.6 - 1.2706, abs=1e-4),
        pytest.approx(0.6 + 1.2706, abs=1e-4),
    )
    assert finding_of(section, f"{ID}.snapshots.unequal_restores", step="1000").value == 0
    assert (
        "all rows of all 2 restores are the snapshot's"
        in finding_of(section, f"{ID}.snapshots.restore_s", step="1000").sentence
    )


def test_the_standstill_of_a_snapshot_is_the_longest_gap_that_clients_saw(operations: PlantedOperations) -> None:
    """Due every 10 ms and answered 1 ms later, but for those due from 200 ms to 500: all of these are answered at 500.

    From the answer at 191 ms to the one at 500 it is 309 ms.
    """
    operations.snapshot("create", 1000, pair=0, seconds=0.3)
    stall = finding_of(section_of(operations), f"{ID}.snapshots.stall_s", op="write")
    assert stall.value == pytest.approx(0.309)
    assert "writes were without an answer for 309 ms at the longest" in stall.sentence
    assert "one was due every 10 ms" in stall.sentence


def test_one_size_has_no_exponent_and_no_chart_of_sizes(operations: PlantedOperations) -> None:
    """A slope takes two."""
    operations.snapshot("create", 1000, pair=0, seconds=0.3)
    section = section_of(operations)
    assert findings_of(section, f"{ID}.snapshots.snapshot_growth_exponent") == []
    assert "rds_operations-sizes" not in [chart.id for chart in section.charts]


def test_a_restore_that_is_not_its_snapshot_is_counted_and_warned_about(operations: PlantedOperations) -> None:
    """One of two; the warning says what is unlike."""
    operations.snapshot("restore", 1000, pair=0, seconds=0.3)
    operations.snapshot("restore", 1000, pair=1, seconds=0.3, unlike=("flights", "3 acknowledged writes missing"))
    section = section_of(operations)
    assert finding_of(section, f"{ID}.snapshots.unequal_restores").value == 1
    (warning,) = section.warnings
    assert "1 of 2 restores had other rows than their snapshot: flights, 3 acknowledged writes missing" in warning


def test_lag_is_the_age_of_a_row_where_it_is_first_seen_by_what_is_written_beside(
    operations: PlantedOperations,
) -> None:
    """Two trials of 200 independent lags each; pooled p50 and p95 by numpy itself, and the largest of all."""
    drawn_ms = np.random.default_rng(7).uniform(1, 9, size=(2, 200)).round(3)
    for pair, lags in enumerate(drawn_ms):
        operations.lag("idle", 0, [1 + at * 7 % 11 / 10 for at in range(200)], pair=pair)
        operations.lag("writes_high", 500, lags.tolist(), pair=pair)
    section = section_of(operations)
    p50, p95, most = (
        finding_of(section, f"{ID}.replica_lag.lag_{which}_ms", arm="writes_high") for which in ("p50", "p95", "max")
    )
    assert p50.value == pytest.approx(float(np.percentile(drawn_ms, 50)))
    assert p95.value == pytest.approx(float(np.percentile(drawn_ms, 95)))
    assert (most.value, most.status) == (pytest.approx(drawn_ms.max()), "measured")
    assert (p50.headline, finding_of(section, p50.id, arm="idle").headline) == (True, False)
    assert p50.sentence.startswith("MySQL, 500 writes a second beside: a replica showed a row")
    assert "at the median 1.5 ms with none" in p50.sentence  # 0 to 10 tenths over 1, evenly often but for two


def test_rows_that_the_replica_never_showed_leave_the_largest_lag_open(operations: PlantedOperations) -> None:
    """Two of 102 weren't seen: they have no lag, and the largest is at least what was seen."""
    operations.lag("writes_high", 500, [1 + at * 7 % 11 for at in range(100)], pair=0, unseen=2)
    most = finding_of(section_of(operations), f"{ID}.replica_lag.lag_max_ms")
    assert (most.value, most.status, most.n) == (11, "at_least", 100)
    assert "2 more weren't seen in time" in most.sentence


def test_a_replica_that_showed_nothing_has_no_lag(operations: PlantedOperations) -> None:
    """Never a zero."""
    operations.lag("writes_high", 500, [], pair=0, unseen=5)
    section = section_of(operations)
    absent = finding_of(section, f"{ID}.replica_lag.lag_p50_ms")
    assert (absent.status, absent.headline) == ("not_measured", True)
    assert drawn(section) == []


def test_an_application_gets_so_many_connections_and_is_told_so(operations: PlantedOperations) -> None:
    """Four held and 26 more of 30, then five refusals in each of two trials: 30, exact; to half of it none is refused."""
    for pair in range(2):
        operations.connections("below", pair=pair, opened=11)
        operations.connections("above", pair=pair, opened=26, refused=5, ms=3.0, failed=2)
    section = section_of(operations)
    until = finding_of(section, f"{ID}.connections.connections_until_refused")
    assert (until.value, until.low, until.high, until.n) == (30, 30, 30, 2)
    assert (
        "an application got 30 connections of max_connections 30; the next one was refused with 1040: Too many connections"
        in until.sentence
    )
    assert "10 refusals in 2 trials" in until.sentence
    assert until.headline  # no other part was asked for
    failed = {one.labels["arm"]: one.value for one in findings_of(section, f"{ID}.connections.failed_operations")}
    assert failed == {"below": 0, "above": 4}
    read = finding_of(section, f"{ID}.connections.holder_ratio", op="read")
    assert read.value == pytest.approx(3.001 / 1.001)


def test_a_limit_that_refused_nobody_is_at_least_what_was_opened(operations: PlantedOperations) -> None:
    """Four held and 31 opened of 30 ‒ the limit isn't where it was said to be."""
    operations.connections("above", pair=0, opened=31)
    until = finding_of(section_of(operations), f"{ID}.connections.connections_until_refused")
    assert (until.value, until.status, until.high) == (35, "at_least", None)
    assert "none was refused" in until.sentence


def test_refusals_of_postgresql_come_before_its_limit(operations: PlantedOperations) -> None:
    """27 of 30: three are kept back for superusers, and its words say so."""
    said = ("53300", "remaining connection slots are reserved")
    operations.connections("above", pair=0, opened=23, refused=8, engine="postgres", error=said)
    section = section_of(operations, ("postgres",))
    until = finding_of(section, "rds_operations.postgres.connections.connections_until_refused")
    assert until.value == 27
    assert (
        "PostgreSQL: an application got 27 connections of max_connections 30; the next one was refused with 53300: remaining"
        in until.sentence
    )
    (table,) = [chart.table for chart in section.charts if chart.id == "rds_operations-postgres-connections-30"]
    assert (int(table["connections"].max()), int(table["refused"].sum())) == (27, 8)


def test_snapshots_and_limits_open_the_report_only_where_nothing_else_was_asked_for(
    operations: PlantedOperations,
) -> None:
    """Beside groups they don't."""
    operations.group("default", pair=0, writes=400)
    operations.snapshot("create", 1000, pair=1, seconds=0.3)
    operations.connections("above", pair=2, opened=26, refused=5)
    section = section_of(operations)
    assert [one.labels["part"] for one in section.findings if one.headline] == ["parameters"]


def test_a_busy_generator_binds_throughput_and_latency(operations: PlantedOperations) -> None:
    """Its core was 95 % busy: the writes a second may be the tool's own."""
    number = operations.group("default", pair=0, writes=400)
    operations.write()
    operations.planted.generator("rds_operations", number, cpu_share=0.95)
    section = rds_operations.analyse(operations.planted.load())
    rate = finding_of(section, f"{ID}.parameters.writes_per_s")
    assert rate.status == "tool_bound"
    assert "95 % busy" in (rate.reason or "")
    assert finding_of(section, f"{ID}.parameters.lost_writes").status == "measured"
