"""What was planted in the parts of query_vs_scan comes back: growth, break-even, what saves nothing, sizes, and what is missing."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planted_answers import (
    HALF,
    MS,
    NAME,
    SWINGS,
    PlantedAnswers,
    S,
    base_cell,
    beside_rows,
    everything,
    growing_answers,
    growing_items,
    growing_tables,
    reads,
    section_of,
    swung,
)
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import query_vs_scan


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    return PlantedRun(tmp_path / "run")


def test_the_largest_table_opens_the_report_for_both_questions(planted: PlantedRun) -> None:
    """300·e^x ÷ 2.5 in each pair: 120, between 120·e^(±HALF)."""
    section = section_of(planted, growing_tables, base_cell)
    opening = [one for one in findings_of(section, f"{NAME}.units_ratio") if one.headline]
    assert [(one.labels["question"], one.labels["step"]) for one in opening] == [
        ("aircraft", "10000"), ("airport", "10000"),
    ]  # fmt: skip
    for one in opening:
        bounds = (120, 120 * math.exp(-HALF), 120 * math.exp(HALF))
        assert (one.value, one.low, one.high) == pytest.approx(bounds, rel=1e-4)
    assert section.verdict[:2] == tuple(one.sentence for one in opening)
    assert {one.labels["part"] for one in findings_of(section, f"{NAME}.units_ratio")} == {"table_items"}


def test_without_growing_tables_the_base_cell_gives_the_ratios(planted: PlantedRun) -> None:
    """300 ÷ 1.5 and 300 ÷ 10."""
    section = section_of(planted, base_cell)
    found = {one.labels["question"]: one.value for one in findings_of(section, f"{NAME}.units_ratio") if one.headline}
    assert found == pytest.approx({"aircraft": 200, "airport": 30})


def test_exponents_of_a_growing_table_are_one_of_the_scan_and_none_of_the_query(planted: PlantedRun) -> None:
    """From 30 at 1,000 items to 300·e^x at 10,000: 1 + x / ln 10 a round, so 1 ± HALF / ln 10. The Query's stays at 2.5."""
    section = section_of(planted, growing_tables)
    id = f"{NAME}.units_growth_exponent"
    for question, lookup in (("aircraft", "query"), ("airport", "gsi_all")):
        scan = finding_of(section, id, axis="table_items", question=question, arm="scan")
        half = HALF / math.log(10)
        assert (scan.value, scan.low, scan.high) == pytest.approx((1, 1 - half, 1 + half), abs=1e-5)
        flat = finding_of(section, id, axis="table_items", question=question, arm=lookup)
        assert (flat.value, flat.low, flat.high, flat.n) == (0, 0, 0, 6)
    opens = finding_of(section, id, question="aircraft", arm="scan")
    assert opens.headline
    assert (
        "While the table grew from 1,000 to 10,000 items under the same answer (all flights of one aircraft), units by Scan "
        "grew with exponent 1.00 (95 % interval 0.94 to 1.06), by Query with 0.00 (exact) (6 rounds;" in opens.sentence
    )


def test_answers_for_other_keys_do_not_look_like_growth(planted: PlantedRun) -> None:
    """Aircraft of 10 flights take 1 unit, of 40 flights 2. The larger table was asked for the latter oftener, and for one of 80.

    Means of all answers, 1.25 and 2.4, would give 0.28; over 10 and 40 flights alike it is none.
    """

    def drawn_unevenly(about: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
        lengths = (10, 10, 10, 40) if about["step"] == "1000" else (10, 40, 40, 40, 80)
        for nth, length in enumerate(lengths):
            start = (1000 * about["trial"] + nth) * S
            yield about | {
                "question": "aircraft", "op_id": nth, "t_start": start, "t_end": start + MS, "items_returned": length,
                "read_units": {10: 1.0, 40: 2.0, 80: 5.0}[length],
            }  # fmt: skip

    run = PlantedAnswers(planted)
    for items in (1000, 10_000):
        run.ask("table_items", "aircraft", str(items), {"query": None}, table_items=items)
    run.write(rows_of=drawn_unevenly)
    found = finding_of(query_vs_scan.analyse(planted.load()), f"{NAME}.units_growth_exponent", arm="query")
    assert (found.value, found.low, found.high, found.n) == (0, 0, 0, 6)


def test_a_scan_needs_no_answers_of_the_same_length(planted: PlantedRun) -> None:
    """It asked for 10 flights of the smaller table and for 40 of the larger, and read ten times as much: exponent 1."""

    def grown(run: PlantedAnswers) -> None:
        run.ask("table_items", "aircraft", "1000", {"scan": reads(30, items_returned=10)}, table_items=1000)
        run.ask("table_items", "aircraft", "10000", {"scan": reads(300, items_returned=40)}, table_items=10_000)

    assert finding_of(section_of(planted, grown), f"{NAME}.units_growth_exponent").value == pytest.approx(1)


def test_exponents_of_a_growing_answer(planted: PlantedRun) -> None:
    """Queries grow as 500 × share, Gets as the keys, both with exponent 1; the Scan takes 300 whatever is asked."""
    section = section_of(planted, growing_answers)
    found = {
        one.labels["arm"]: one.value
        for one in findings_of(section, f"{NAME}.units_growth_exponent", axis="answer_share")
    }
    assert found == pytest.approx({"query": 1, "get_item": 1, "batch_get": 1, "scan": 0}, abs=1e-9)


def test_a_scan_breaks_even_with_queries_where_the_measured_curves_cross(planted: PlantedRun) -> None:
    """500·s·e^x is 300 at s = 0.6·e^(−x), between the shares 0.1 and 1: 0.6, from 0.6·e^(−HALF) to 0.6·e^(HALF)."""
    found = finding_of(section_of(planted, growing_answers), f"{NAME}.break_even_share", against="query")
    bounds = (0.6, 0.6 * math.exp(-HALF), 0.6 * math.exp(HALF))
    assert (found.value, found.low, found.high) == pytest.approx(bounds, rel=1e-4)
    assert (found.n, found.basis, found.headline) == (6, "local_model", True)
    assert found.sentence.startswith(
        "A Scan consumes less than one Query an aircraft once more than 60 % of the table is asked for "
    )
    assert "; measured at 10 % and 100 %; 10,000 items; " in found.sentence
    assert found.sentence.endswith("), than Gets of its keys above 6 %.")


def test_a_scan_breaks_even_with_gets_by_their_units_a_key_beyond_what_was_asked(planted: PlantedRun) -> None:
    """Half a unit a key: 10,000 keys take 5,000, a Scan's 300 are 6 % of that, though no Get was asked above 10 %."""
    section = section_of(planted, growing_answers)
    for against in ("get_item", "batch_get"):
        found = finding_of(section, f"{NAME}.break_even_share", against=against)
        assert (found.value, found.low, found.high) == pytest.approx((0.06, 0.06, 0.06))
        assert found.basis == "modelled"


@pytest.mark.parametrize(
    ("query_units", "status", "value", "says"),
    [
        ((0.5, 5, 50, 299), "at_least", 1.0, "A Scan consumes more than one Query an aircraft up to 100 % of the table"),
        ((301, 310, 350, 500), "unknown", None, "the Scan consumed less at the smallest share already, 0.1 % of 10,000 items"),
    ],
)  # fmt: skip
def test_curves_that_do_not_cross_within_what_was_measured_give_a_bound_or_nothing(
    planted: PlantedRun, query_units: tuple[float, ...], status: str, value: float | None, says: str
) -> None:
    def uncrossed(run: PlantedAnswers) -> None:
        for share, units in zip((0.001, 0.01, 0.1, 1.0), query_units, strict=True):
            arms = {"query": reads(units), "scan": reads(300)}
            run.ask("answer_share", "range", str(share), arms, table_items=10_000, answer_share=share)

    found = finding_of(section_of(planted, uncrossed), f"{NAME}.break_even_share", against="query")
    assert (found.status, found.value, found.high) == (status, value, None)
    assert says in found.sentence


def test_gets_of_large_items_never_consume_more_than_the_scan_they_spare(planted: PlantedRun) -> None:
    """Items of 4 KB: half a unit a key, and a Scan of 10,000 takes 5,000: at least the whole table."""

    def large(run: PlantedAnswers) -> None:
        for share in (0.01, 0.1):
            arms = {"get_item": reads(5000 * share, items_returned=int(10_000 * share)), "scan": reads(5000)}
            run.ask("answer_share", "range", str(share), arms, table_items=10_000, answer_share=share)

    found = finding_of(section_of(planted, large), f"{NAME}.break_even_share", against="get_item")
    assert (found.value, found.status) == (1, "at_least")


def test_what_is_tried_to_save_units_is_held_against_the_plain_arm_that_evaluates_as_many_items(
    planted: PlantedRun,
) -> None:
    """A Scan's 300 stay 300; in 2 segments 301, in 8 303. The filter: 1.5 for 40 items, as the Query."""
    section = section_of(planted, base_cell)
    found = {one.labels["arm"]: one for one in findings_of(section, f"{NAME}.saves_nothing.units_ratio")}
    values = {arm: one.value for arm, one in found.items()}
    assert values == pytest.approx(
        {
            "scan_projection": 1,
            "scan_count": 1,
            "parallel_scan_2": 301 / 300,
            "parallel_scan_8": 1.01,
            "query_filter": 1,
        }
    )
    assert {arm: one.labels["against"] for arm, one in found.items()} == {
        **dict.fromkeys(("scan_projection", "scan_count", "parallel_scan_2", "parallel_scan_8"), "scan"),
        "query_filter": "query",
    }
    assert found["query_filter"].sentence.startswith(
        "A filter changes nothing of what is consumed: Query with a filter for all flights of one aircraft to one airport from "
        "10,000 items returned 5 % of the items it evaluated"
    )
    assert found["parallel_scan_8"].sentence.startswith("Reading in 8 segments changes by 1 % what is consumed")


def test_strong_reads_are_held_against_eventual_ones(planted: PlantedRun) -> None:
    """Twice as dear, exactly, for each of the six that have both."""
    found = findings_of(section_of(planted, base_cell), f"{NAME}.strong.units_ratio")
    assert {one.labels["arm"] for one in found} == {
        f"{arm}_strong" for arm in ("query", "get_item", "batch_get", "scan", "lsi_include", "lsi_fetch")
    }
    assert [(one.value, one.low, one.high) for one in found] == [pytest.approx((2, 2, 2))] * 6


def test_strong_and_eventual_reads_are_compared_over_the_answers_that_both_gave(planted: PlantedRun) -> None:
    """The faster arm gave two more, for an aircraft of 8 units: the same answers cost 2 and 4, whatever came after."""

    def faster(about: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
        strong = about["arm"] == "query_strong"
        for nth in range(4 if strong else 6):
            units = (2.0 if nth < 4 else 8.0) * (2 if strong else 1)
            start = (1000 * about["trial"] + nth) * S
            yield about | {
                "question": "aircraft", "op_id": 100 * about["trial"] + nth, "t_start": start, "t_end": start + MS,
                "read_units": units, "items_scanned": 10,
            }  # fmt: skip

    run = PlantedAnswers(planted)
    run.ask("arms", "aircraft", "10000", {"query": None, "query_strong": None}, table_items=10_000)
    run.write(rows_of=faster)
    found = finding_of(query_vs_scan.analyse(planted.load()), f"{NAME}.strong.units_ratio", arm="query_strong")
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(
    ("units", "says"),
    [
        (reads(1.5, items_scanned=40), "A filter changes nothing of what is consumed"),
        (swung(1.6, items_scanned=40), "A filter can't be told to change what is consumed"),
        (reads(3.0, items_scanned=40), "A filter changes by 100 % what is consumed"),
    ],
)
def test_a_change_of_units_is_said_only_where_its_interval_shows_one(
    planted: PlantedRun, units: Any, says: str
) -> None:
    """1.5 as the plain Query; 1.6·e^x, 1.07 with an interval from 0.92; twice as many."""

    def filtered(run: PlantedAnswers) -> None:
        query = reads(1.5, items_scanned=40, items_returned=40)
        run.ask("arms", "aircraft", "10000", {"query": query}, table_items=10_000)
        run.ask("arms", "route", "10000", {"query_filter": units}, table_items=10_000)

    found = finding_of(section_of(planted, filtered), f"{NAME}.saves_nothing.units_ratio", arm="query_filter")
    assert found.sentence.startswith(says)


def test_a_filter_is_not_held_against_queries_that_evaluated_another_number_of_items(planted: PlantedRun) -> None:
    """160 items where every plain Query evaluated 40: nothing is claimed."""

    def filtered(run: PlantedAnswers) -> None:
        run.ask("arms", "aircraft", "10000", {"query": reads(1.5, items_scanned=40)}, table_items=10_000)
        run.ask("arms", "route", "10000", {"query_filter": reads(6, items_scanned=160)}, table_items=10_000)

    assert findings_of(section_of(planted, filtered), f"{NAME}.saves_nothing.units_ratio") == []


def test_each_arm_tells_units_bytes_pages_trips_and_dollars_and_refuses_what_few_answers_cannot_carry(
    planted: PlantedRun,
) -> None:
    """A Scan: 300 units, $37.50 a million answers, 3 pages, 3 trips; 24 answers carry a p50, no p95, no p99."""
    section = section_of(planted, base_cell)
    at = {"part": "arms", "question": "aircraft", "arm": "scan"}
    by_id = {one.id.removeprefix(f"{NAME}."): one for one in section.findings if at.items() <= one.labels.items()}
    values = {id: by_id[id].value for id in (
        "units_per_answer", "usd_per_million_answers", "bytes_per_answer", "pages_per_answer", "round_trips_per_answer",
        "latency_p50_ms",
    )}  # fmt: skip
    assert list(values.values()) == pytest.approx([300, 37.5, 1000, 3, 3, 30])
    for which, takes in (("p95", 72), ("p99", 368)):
        refused = by_id[f"latency_{which}_ms"]
        assert (refused.value, refused.status) == (None, "unknown")
        assert refused.reason == f"24 answers in 6 trials are worth 24 independent ones, and a {which} takes {takes}"


def test_the_table_of_all_arms_is_sorted_by_units_and_has_every_figure(planted: PlantedRun) -> None:
    """What was refused is missing there, not zero."""
    section = section_of(planted, base_cell)
    (chart,) = (one for one in section.charts if one.id == f"{NAME}-arms")
    rows = chart.table[chart.table["question"] == "all flights to one airport"].set_index("arm")
    assert list(rows["units"].items()) == [("gsi_include", 4), ("gsi_all", 10), ("gsi_keys_only", 60), ("scan", 300)]
    assert rows.loc["gsi_keys_only", "index units"] == 2
    assert rows["USD a million answers"].tolist() == pytest.approx([0.5, 1.25, 7.5, 37.5])
    assert rows["p99, ms"].isna().all()
    assert "For all flights to one airport, gsi_include consumes least, 4 read units, and scan most, 300." in chart.alt


def test_the_chart_of_shares_computes_gets_beyond_what_was_asked_and_says_so(planted: PlantedRun) -> None:
    """10,000 keys at half a unit are 5,000 units, $625 a million."""
    section = section_of(planted, growing_answers)
    (chart,) = (one for one in section.charts if one.id == f"{NAME}-answer-share")
    computed = chart.table[chart.table["how"] != "measured"].set_index("arm")
    assert computed["units"].to_dict() == {"get_item": 5000, "batch_get": 5000}
    assert computed["USD a million answers"].tolist() == [625, 625]
    assert computed["p50, ms"].isna().all()
    assert len(chart.table) == 4 + 4 + 3 + 3 + 2


def test_items_that_grow_stand_by_their_size(planted: PlantedRun) -> None:
    """Narrow, as is, 2 KB, 20 KB: the Query from half a unit to 25."""
    section = section_of(planted, growing_items)
    (chart,) = section.charts
    query = chart.table[chart.table["arm"] == "query"]
    assert query["units"].tolist() == [0.5, 0.5, 2.5, 25]
    assert query["mean bytes of an item"].tolist() == [60, 250, 2048, 20_480]
    assert "by query from 0.5 to 25 read units" in chart.alt
    assert finding_of(section, f"{NAME}.units_per_answer", step="20480", arm="query").value == 25
    assert findings_of(section, f"{NAME}.units_growth_exponent") == []


def test_a_whole_run_draws_ten_charts_that_conclude_and_opens_with_six_sentences(planted: PlantedRun) -> None:
    everything(planted).write(rows_of=beside_rows)
    section = query_vs_scan.analyse(planted.load())
    assert len(section.charts) == len(drawn(section)) == 10
    assert all(len(chart.alt) > 40 and chart.caption for chart in section.charts)
    assert len(section.verdict) == 6
    assert section.warnings == ()
    assert not any(text.startswith("Not asked in this run") for text in section.method)


def test_one_round_gives_values_without_intervals_and_says_that_it_was_one(planted: PlantedRun) -> None:
    section = section_of(planted, growing_tables, growing_answers, base_cell, rounds=1)
    for id, labels, said in (
        ("units_growth_exponent", {"axis": "table_items", "question": "aircraft", "arm": "scan"}, "1 round"),
        ("break_even_share", {"against": "query"}, "1 round"),
        ("strong.units_ratio", {"arm": "query_strong"}, "1 pair"),
        ("units_per_answer", {"part": "arms", "question": "aircraft", "arm": "query"}, "1 trial"),
    ):
        found = finding_of(section, f"{NAME}.{id}", **labels)
        assert found.value is not None
        assert (found.low, found.high, found.n) == (None, None, 1)
        assert said in found.sentence


def test_parts_that_were_not_asked_are_named_and_have_no_findings(planted: PlantedRun) -> None:
    section = section_of(planted, growing_tables)
    (said,) = (text for text in section.method if text.startswith("Not asked in this run"))
    assert "what writes pay for an index" in said and "tables that grow" not in said
    assert section.warnings == ()
    assert {one.labels["part"] for one in section.findings} == {"table_items"}


def test_a_planned_part_that_gave_nothing_is_a_warning(planted: PlantedRun) -> None:
    """The run ended before: its trials stand in the manifest, not in the samples."""
    everything(planted).write(rows_of=lambda about, number: iter(()), status="partial")
    section = query_vs_scan.analyse(planted.load())
    assert section.warnings == ("Planned, and not measured: neighbour (everyone else's reads beside a Scan).",)
    assert findings_of(section, f"{NAME}.neighbour.throttled_share") == []
    assert [chart.id for chart in section.charts][-1] == f"{NAME}-index-cost"


def test_only_rounds_that_have_every_step_make_an_exponent_or_a_break_even(planted: PlantedRun) -> None:
    """Cut short in the third round, at its largest steps: two rounds count, with swings of 0.2 and −0.2."""
    run = PlantedAnswers(planted)
    growing_tables(run)
    growing_answers(run)
    run.write(rounds=3, until=lambda about, number: number < 2 or about["step"] not in ("10000", "1"))
    section = query_vs_scan.analyse(planted.load())
    exponent = finding_of(section, f"{NAME}.units_growth_exponent", question="aircraft", arm="scan")
    assert (exponent.value, exponent.n) == (pytest.approx(1), 2)
    assert finding_of(section, f"{NAME}.break_even_share", against="query").n == 2


def test_no_whole_round_makes_them_unknown(planted: PlantedRun) -> None:
    """The larger table was only asked in the second round, the smaller one only in the first."""
    run = PlantedAnswers(planted)
    growing_tables(run)
    run.write(rounds=2, until=lambda about, number: (number == 0) == (about["step"] == "1000"))
    found = finding_of(
        query_vs_scan.analyse(planted.load()), f"{NAME}.units_growth_exponent", question="aircraft", arm="scan"
    )
    assert (found.value, found.status, found.reason) == (None, "unknown", "no round has every step")


def test_a_price_that_is_missing_costs_dollars_alone(planted: PlantedRun) -> None:
    """Units, exponents and break-evens stand; dollars are unknown, an index's too, and the chart of its cost isn't drawn."""
    run = everything(planted)
    planted.manifest["prices"]["values"] = {}
    run.write(rows_of=beside_rows)
    section = query_vs_scan.analyse(planted.load())
    dollars = [one for one in section.findings if one.unit == "USD" or "reads_per_write" in one.id]
    assert {(one.value, one.status) for one in dollars} == {(None, "unknown")}
    assert finding_of(section, f"{NAME}.break_even_share", against="query").value == pytest.approx(0.6)
    assert f"{NAME}-index-cost" not in {chart.id for chart in section.charts}
    assert len(drawn(section)) == 9


def test_wrong_answers_of_any_arm_count_nowhere(planted: PlantedRun) -> None:
    """A Scan that missed flights, cheaper than all others: its units are in no figure, and it is told."""

    def wrong(run: PlantedAnswers) -> None:
        arms = {
            "query": reads(2.5), "scan": reads(300),
            "scan_count": reads(1, outcome="error", error_code="WrongAnswer"),
        }  # fmt: skip
        run.ask("arms", "aircraft", "10000", arms, table_items=10_000)

    section = section_of(planted, wrong)
    assert {one.labels["arm"] for one in findings_of(section, f"{NAME}.units_per_answer")} == {"query", "scan"}
    assert findings_of(section, f"{NAME}.saves_nothing.units_ratio") == []
    (warning,) = section.warnings
    assert "× scan_count error WrongAnswer" in warning


def test_an_older_run_without_parts_is_a_run_of_growing_tables(planted: PlantedRun) -> None:
    """Its index arm, once gsi_query, is called gsi_all."""
    run = PlantedAnswers(planted)
    for step, units in (("1000", 30), ("10000", 300)):
        run.ask("", "airport", step, {"gsi_query": reads(2.5), "scan": reads(units)})
    for labels, *_ in run.cells:
        del labels["part"]
    run.write()
    section = query_vs_scan.analyse(planted.load())
    assert finding_of(section, f"{NAME}.units_ratio", step="10000", arm="scan / gsi_all").value == pytest.approx(120)
    assert finding_of(section, f"{NAME}.units_growth_exponent", arm="scan").value == pytest.approx(1)
    assert [chart.id for chart in section.charts] == [f"{NAME}-units", f"{NAME}-p50-ms", f"{NAME}-percentiles"]


def test_swings_are_what_the_sums_above_take_them_for() -> None:
    """They add up to 0, their squares to 0.1; 2.570582 is t(0.975, 5) of a printed table."""
    assert (sum(SWINGS), sum(x * x for x in SWINGS)) == pytest.approx((0, 0.1))
    assert pytest.approx(2.570582 * math.sqrt(0.1 / 5) / math.sqrt(6), rel=1e-4) == HALF
    assert swung(2.0)(0)["read_units"] == pytest.approx(2 * math.exp(0.2))
