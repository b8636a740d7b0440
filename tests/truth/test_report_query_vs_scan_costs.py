"""What was planted of writes that keep an index, and of reads beside somebody's Scan, comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planted_answers import (
    MS,
    NAME,
    NEIGHBOURS,
    SPEED,
    PlantedAnswers,
    S,
    base_cell,
    beside,
    beside_rows,
    growing_tables,
    index_writes,
    section_of,
)
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import query_vs_scan

PAYS, EXTRA = f"{NAME}.index.reads_per_write_to_pay", f"{NAME}.index.extra_write_units"
SHARE = f"{NAME}.neighbour.throttled_share"


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    return PlantedRun(tmp_path / "run")


def test_extra_units_are_those_above_the_same_write_without_an_index(planted: PlantedRun) -> None:
    """New entry 1, moved entry 2, a delay that keys don't have 0 (A12); the same in every pair."""
    section = section_of(planted, index_writes)
    for question, expected in (
        ("new_flight", {"keys_only": 1, "include": 1, "all": 1}),
        ("changed_delay", {"keys_only": 0, "include": 1, "all": 1}),
        ("moved", {"keys_only": 2, "include": 2, "all": 2}),
    ):
        found = findings_of(section, EXTRA, question=question)
        assert {one.labels["arm"]: (one.value, one.low, one.high) for one in found} == {
            arm: (units, units, units) for arm, units in expected.items()
        }
    assert "A changed delay takes 0 write units more with an index of keys (6 pairs, exact;" in (
        finding_of(section, EXTRA, question="changed_delay", arm="keys_only").sentence
    )


def test_extra_units_that_differ_from_pair_to_pair_have_the_interval_of_their_mean(planted: PlantedRun) -> None:
    """1 in five pairs, 3 in one: mean 4/3, s² = (5·(1/3)² + (5/3)²) / 5 = 2/3, so ± 2.5706·0.81650 / √6 = ± 0.85687.

    Through the index a read saves 290 units, $36.25 a million: 4/3 · 0.625 / 36.25 = 0.022989 reads a write, ± 0.014774.
    """
    section = section_of(
        planted,
        base_cell,
        lambda run: index_writes(run, all=lambda number: {"write_units": 4.0 if number == 5 else 2.0}),
    )
    extra = finding_of(section, EXTRA, question="new_flight", arm="all")
    assert (extra.value, extra.low, extra.high) == pytest.approx((4 / 3, 4 / 3 - 0.85687, 4 / 3 + 0.85687), rel=1e-4)
    pays = finding_of(section, PAYS, question="new_flight", arm="all")
    assert (pays.value, pays.low, pays.high) == pytest.approx((0.022989, 0.008215, 0.037763), rel=1e-3)
    assert (pays.n, pays.basis, pays.headline) == (6, "modelled", True)


def test_an_index_pays_for_itself_by_what_a_read_through_it_saves(planted: PlantedRun) -> None:
    """$0.625 a million extra units; a read through all attributes saves 300 − 10 units, included 296, keys 240.

    0.625 / (0.125·290) = 1/58, 0.625 / (0.125·296) = 1/59.2, 0.625 / (0.125·240) = 1/48; a moved flight takes twice that.
    """
    section = section_of(planted, base_cell, index_writes)
    for arm, reads_a_write in (("all", 1 / 58), ("include", 1 / 59.2), ("keys_only", 1 / 48)):
        assert finding_of(section, PAYS, question="new_flight", arm=arm).value == pytest.approx(reads_a_write)
        assert finding_of(section, PAYS, question="moved", arm=arm).value == pytest.approx(2 * reads_a_write)
    assert (
        "An index with all attributes pays for itself from 1 read in 58 writes, where a write is a new flight and a read all flights to one airport, else by a Scan of 10,000 items"
        in (finding_of(section, PAYS, question="new_flight", arm="all").sentence)
    )
    free = finding_of(section, PAYS, question="changed_delay", arm="keys_only")
    assert free.value == 0
    assert "pays for itself from the first read" in free.sentence


def test_without_a_base_cell_the_largest_of_the_growing_tables_says_what_a_read_saves(planted: PlantedRun) -> None:
    """300·e^x − 2.5 there, for the index of all attributes alone: no other was asked."""
    section = section_of(planted, growing_tables, index_writes)
    assert {one.labels["arm"] for one in findings_of(section, PAYS)} == {"all"}
    found = finding_of(section, PAYS, question="new_flight")
    assert found.low is not None and found.high is not None
    assert found.low < 0.625 / (0.125 * 297.5) < found.high
    assert found.low < found.high


def test_without_reads_an_index_has_its_costs_and_nothing_that_pays(planted: PlantedRun) -> None:
    section = section_of(planted, index_writes)
    assert findings_of(section, PAYS) == []
    assert len(findings_of(section, EXTRA)) == 9
    assert section.charts == ()


def test_an_index_that_saves_nothing_never_pays(planted: PlantedRun) -> None:
    """A table so small that the Scan takes what the Query does."""

    def small(run: PlantedAnswers) -> None:
        run.ask("arms", "airport", "10", {"gsi_all": {"read_units": 0.5}, "scan": {"read_units": 0.5}}, table_items=10)

    found = finding_of(section_of(planted, small, index_writes), PAYS, question="new_flight", arm="all")
    assert (found.value, found.status, found.reason) == (None, "unknown", "a read through it saves nothing")


def test_storage_is_the_entry_and_the_hundred_bytes_billed_besides(planted: PlantedRun) -> None:
    """(60, 80, 250 + 100) bytes · 10⁶ / 10⁹ GB · $0.25: $0.04, $0.045, $0.0875 a month."""
    section = section_of(planted, index_writes)
    found = findings_of(section, f"{NAME}.index.storage_usd_month_per_million_items")
    values = {one.labels["arm"]: one.value for one in found}
    assert values == pytest.approx({"keys_only": 0.04, "include": 0.045, "all": 0.0875})
    assert {one.basis for one in found} == {"modelled"}


def test_the_chart_of_an_index_has_the_dollars_on_both_sides_of_the_crossing(planted: PlantedRun) -> None:
    """No index: 0.625 + r·37.5; all attributes: 1.25 + r·1.25. They meet at r = 0.625 / 36.25 = 1/58."""
    section = section_of(planted, base_cell, index_writes)
    (chart,) = (one for one in section.charts if one.id == f"{NAME}-index-cost")
    r = chart.table["reads a write"]
    assert chart.table["no_index: Scan"].tolist() == pytest.approx((0.625 + 37.5 * r).tolist())
    assert chart.table["all"].tolist() == pytest.approx((1.25 + 1.25 * r).tolist())
    cheaper = chart.table["all"] < chart.table["no_index: Scan"]
    assert (cheaper == (r > 1 / 58)).all()
    assert cheaper.any() and not cheaper.all()
    assert "pays for itself from 1 read in 58 writes" in chart.alt


def test_writes_tell_write_units_and_their_dollars_and_no_latency(planted: PlantedRun) -> None:
    """2 write units at $0.625 a million."""
    section = section_of(planted, index_writes)
    at = {"question": "new_flight", "arm": "all"}
    units = finding_of(section, f"{NAME}.units_per_answer", **at)
    assert (units.value, units.unit, units.labels["op"]) == (2, "write units", "PutItem")
    assert finding_of(section, f"{NAME}.usd_per_million_answers", **at).value == pytest.approx(1.25)
    assert not [one for one in section.findings if "latency" in one.id]


def test_the_share_of_everyone_elses_reads_that_a_scan_throttles_opens_the_report(planted: PlantedRun) -> None:
    """20 of 100 in three trials, 40 in three: 30 %.

    Log-odds ln(20/80) = −1.38629 and ln(40/60) = −0.40547: mean −0.89588, s = 0.49041·√(6/5) = 0.53722, so ± 2.5706·0.53722/√6
    = ± 0.56378: from 18.85 % to 41.77 %.
    """
    section = section_of(planted, beside, rows_of=beside_rows)
    found = finding_of(section, SHARE, arm="scan")
    assert (found.value, found.low, found.high) == pytest.approx((0.3, 0.18852, 0.41773), abs=1e-4)
    assert (found.n, found.headline) == (6, True)
    assert section.verdict == (found.sentence,)
    assert found.sentence.startswith("While somebody scans, 30 % of 600 reads by everyone else were throttled")
    assert found.sentence.endswith(
        "; 0 % while nobody does, 0 % with a paced Scan, 20 % with a parallel Scan off-peak, 0 % with a Query on an index."
    )
    alone = finding_of(section, SHARE, arm="alone")
    assert (alone.value, alone.low, alone.high, alone.headline) == (0, 0, 0, False)


def test_waits_count_from_when_a_read_was_due_to_its_last_attempt_in_service_time(planted: PlantedRun) -> None:
    """1 ms of the wall at ten times its speed, and 20 ms for what was throttled once."""
    section = section_of(planted, beside, rows_of=beside_rows)
    for arm, p50, high in (
        ("alone", 10, 10),
        ("scan", 10, 200),
        ("parallel_scan_off_peak", 10, 200),
        ("gsi_query", 10, 10),
    ):
        waits = [
            finding_of(section, f"{NAME}.neighbour.latency_{which}_ms", arm=arm) for which in ("p50", "p95", "p99")
        ]
        assert [one.value for one in waits] == pytest.approx([p50, high, high])
        assert {one.n for one in waits} == {600}


def test_the_reporting_job_lasts_from_its_first_page_to_its_last(planted: PlantedRun) -> None:
    """2 s of the wall are 20 s; the paced one takes 80 s in five trials, and read but half of it in the sixth."""
    section = section_of(planted, beside, rows_of=beside_rows)
    id = f"{NAME}.neighbour.report_s"
    scan = finding_of(section, id, arm="scan")
    assert (scan.value, scan.low, scan.high, scan.status) == (20, 20, 20, "measured")
    assert scan.labels["op"] == "Scan"
    paced = finding_of(section, id, arm="paced_scan")
    # Half of it took 40 s: what the whole would have taken may be more than any of the others.
    assert (paced.value, paced.high, paced.status) == (80, None, "at_least")
    assert "6 trials, 1 of them cut short" in paced.sentence
    assert findings_of(section, id, arm="alone") == []


def test_a_job_that_should_read_the_table_twice_and_read_it_once_was_cut_short(planted: PlantedRun) -> None:
    """Setting neighbour_reports."""
    run = PlantedAnswers(planted)
    beside(run)
    run.write(rows_of=beside_rows)
    planted.manifest["scenarios"][NAME]["params"]["neighbour_reports"] = 2
    found = finding_of(query_vs_scan.analyse(planted.load()), f"{NAME}.neighbour.report_s", arm="scan")
    assert (found.status, found.value) == ("at_least", 20)


def test_reads_that_were_given_up_count_until_then_and_are_told(planted: PlantedRun) -> None:
    """Half of them: two attempts, both throttled, the second ending 20 ms after it was due."""

    def given_up(about: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
        for row in beside_rows(about, number):
            if row["role"] == "neighbour" and row["op_id"] % 2:
                due = row["t_intended"]
                tried = row | {"outcome": "throttled", "read_units": None}
                yield tried | {"attempt": 1, "t_start": due, "t_end": due + MS}
                yield tried | {"attempt": 2, "t_start": due + 19 * MS, "t_end": due + 20 * MS}
            elif row["role"] == "neighbour":
                yield row

    run = PlantedAnswers(planted)
    run.ask("neighbour", "neighbour", "scan_beside", {"alone": None}, table_items=10_000, speed=SPEED)
    run.write(rows_of=given_up)
    section = query_vs_scan.analyse(planted.load())
    assert finding_of(section, SHARE, arm="alone").value == 0.5
    p99 = finding_of(section, f"{NAME}.neighbour.latency_p99_ms", arm="alone")
    assert p99.value == pytest.approx(200)
    assert "50 % were given up, and count until then" in p99.sentence


def test_few_reads_have_no_p99_and_one_trial_no_interval(planted: PlantedRun) -> None:
    """A hundred reads: a dash in the table and in the chart, and a reason in the finding.

    They carry pⁿ = 0.025 at p = 96.4 %: the percentile plot is grey from p96.5 on. One read in five is throttled, and served 200 ms
    (20 of the wall's at speed 10) after it was due: p75 is 10 ms, p85 200. Over time each window of 5 service s has one of five throttled.
    """
    section = section_of(planted, beside, rows_of=beside_rows, rounds=1)
    p99 = finding_of(section, f"{NAME}.neighbour.latency_p99_ms", arm="scan")
    assert (p99.value, p99.status) == (None, "unknown")
    assert p99.reason == "100 reads in 1 trial are worth 100 independent ones, and a p99 takes 368"
    share = finding_of(section, SHARE, arm="scan")
    assert (share.value, share.low, share.high, share.n) == (0.2, None, None, 1)
    chart, waits, over_time = section.charts
    assert chart.table.set_index("arm").loc["scan", "throttled, %"] == pytest.approx(20)
    assert chart.table["p99, service ms"].isna().all()
    of_scan = waits.table[waits.table["arm"] == "scan"].set_index("percentile")
    assert of_scan.loc[[75.0, 85.0], "all trials, service ms"].tolist() == pytest.approx([10, 200])
    assert (of_scan.loc[95.0, "enough samples"], of_scan.loc[96.5, "enough samples"]) == (True, False)
    windows = over_time.table[over_time.table["arm"] == "scan"]
    assert windows["requests"].tolist() == [5] * 20
    assert windows["throttled, %"].tolist() == pytest.approx([20] * 20)
    assert len(drawn(section)) == 3


def test_throttles_beside_a_scan_are_a_result_and_no_warning(planted: PlantedRun) -> None:
    """Other troubles there are told."""

    def with_an_error(about: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
        yield from beside_rows(about, number)
        if about["arm"] == "alone":
            yield {**about, "role": "neighbour", "op_id": 1000, "t_intended": 0, "t_start": S, "t_end": S,
                   "question": "neighbour", "outcome": "error", "error_code": "Broken"}  # fmt: skip

    assert section_of(planted, beside, rows_of=beside_rows).warnings == ()
    again = PlantedRun(planted.path.parent / "again")
    (warning,) = section_of(again, beside, rows_of=with_an_error).warnings
    assert warning.endswith("6 × alone error Broken.")


def test_a_trial_that_was_cut_short_counts_in_no_neighbours_figure(planted: PlantedRun) -> None:
    """A half-seen Scan would have throttled fewer: the sixth round isn't done, five trials are left."""
    run = PlantedAnswers(planted)
    beside(run)
    run.write(rows_of=beside_rows)
    for one in planted.manifest["scenarios"][NAME]["trials"][-len(NEIGHBOURS) :]:
        one["done"] = False
    section = query_vs_scan.analyse(planted.load())
    found = finding_of(section, SHARE, arm="scan")
    assert (found.n, found.value) == (5, pytest.approx((3 * 20 + 2 * 40) / 500))


@pytest.mark.parametrize(
    ("late_ms", "short", "long"),
    [(0.9, "measured", "measured"), (1.1, "tool_bound", "measured"), (2.1, "tool_bound", "tool_bound")],
)
def test_a_wait_is_held_against_the_tools_lateness_in_the_walls_time(
    planted: PlantedRun, late_ms: float, short: str, long: str
) -> None:
    """10 service ms are 1 ms of the wall, 200 are 20: late by more than a millisecond and a tenth of these binds them."""
    run = PlantedAnswers(planted)
    beside(run)
    run.write(rows_of=beside_rows)
    for one in planted.manifest["scenarios"][NAME]["trials"]:
        planted.generator(NAME, one["trial"], lateness_p99_ms=late_ms)
    section = query_vs_scan.analyse(planted.load())
    assert finding_of(section, f"{NAME}.neighbour.latency_p50_ms", arm="alone").status == short
    assert finding_of(section, f"{NAME}.neighbour.latency_p99_ms", arm="scan").status == long
    # The report of 20 service seconds is 2 s of the wall.
    for id in (SHARE, f"{NAME}.neighbour.report_s"):
        assert finding_of(section, id, arm="scan").status == "measured"
