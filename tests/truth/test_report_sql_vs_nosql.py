"""What was planted in a run of sql_vs_nosql comes back as its findings; wrong answers and what a store can't have none."""

import math
from pathlib import Path
from typing import Any

import pytest
from planted_stores import FIRST, NAME, PlantedStores, everything
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, findings_of

from harness.choosing.figures import Measured
from reports import sql_vs_nosql
from reports.section import Section
from reports.sql_vs_nosql import checked, in_pandas
from reports.sql_vs_nosql.costs import Flip, Instances, Units, flip

KEY = {"flight_key": FIRST[0]}
ID = f"{NAME}."


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    return PlantedRun(tmp_path / "run")


@pytest.fixture
def section(planted: PlantedRun) -> Section:
    return everything(planted).section()


def test_time_trips_units_processor_time_and_hits_are_those_planted_without_the_warm_up(section: Section) -> None:
    """0.2 ms and 0.1 ms of processor time of PostgreSQL, half a unit of DynamoDB, 16 of 20 from the cache; in all six rounds."""
    of_key: dict[str, str] = {"part": "patterns", "pattern": "flight_by_key", "step": "1000"}
    expected = {
        ("latency_p50_ms", "postgres"): 0.2, ("latency_p95_ms", "dynamodb"): 0.4, ("latency_p50_ms", "dynamodb_cached"): 0.1,
        ("round_trips", "postgres"): 1, ("units_per_answer", "dynamodb"): 0.5, ("cpu_ms_per_answer", "postgres"): 0.1,
        ("io_bytes_per_answer", "postgres"): 8, ("hit_rate", "dynamodb_cached"): 0.8, ("cpu_ms_per_answer", "dynamodb_cached"): 0.01,
    }  # fmt: skip
    for (id, arm), value in expected.items():
        found = finding_of(section, ID + id, arm=arm, **of_key)
        assert (found.value, found.low, found.high) == pytest.approx((value, value, value)), id
        assert (found.labels["loop"], found.labels["op"], found.basis) == ("closed", "flight_by_key", "local_model")
    assert finding_of(section, ID + "units_per_answer", arm="dynamodb", **of_key).labels["kind"] == "read"
    assert finding_of(section, ID + "cpu_ms_per_answer", arm="postgres", **of_key).labels["server"] == "postgres"
    assert finding_of(section, ID + "round_trips", arm="dynamodb", pattern="count", part="patterns").value == 2


def test_a_million_answers_and_a_month_are_units_times_price_and_processor_time_of_instances(section: Section) -> None:
    """0.1 ms at $0.20 an hour ÷ (2 vCPU × 0.5 × 3,600 s): 100 CPU s × 0.2 / 3,600 = $0.005556 a million; 0.5 × $0.125 = $0.0625.

    A month: 730 h × $0.2 = $146 an instance, which carries 2 × 0.5 / 0.0001 s = 10,000 a second; for 100,000 it takes 10, at 70 % busy
    8 (14,000 each), at 30 % 17 (6,000 each): $1,460, $1,168, $2,482. DynamoDB: 10 × 2,628,000 s × $0.0625 / 10⁶ = $1.6425.
    """
    usd = ID + "usd_per_million_answers"
    of_key: dict[str, str] = {"part": "patterns", "pattern": "flight_by_key"}
    assert finding_of(section, usd, arm="postgres", **of_key).value == pytest.approx(100 * 0.2 / 3600)
    assert finding_of(section, usd, arm="dynamodb", **of_key).value == pytest.approx(0.0625)
    month = ID + "usd_month"
    large = finding_of(section, month, arm="postgres", rate="100000", **of_key)
    assert (large.value, large.low, large.high) == pytest.approx((1460, 1168, 2482))
    assert (large.labels["bounds"], large.basis) == ("0.7 to 0.3 of a vCPU busy", "modelled")
    assert "10 instances" in large.sentence
    assert finding_of(section, month, arm="postgres", rate="10", **of_key).value == pytest.approx(146)
    small = finding_of(section, month, arm="dynamodb", rate="10", **of_key)
    assert (small.value, small.low, small.high) == pytest.approx((1.6425, 1.6425, 1.6425))
    assert not findings_of(section, month, arm="dynamodb_cached")


def test_the_cheaper_store_changes_where_an_instance_costs_what_dynamodb_does_and_that_opens_the_report(
    section: Section,
) -> None:
    """$146 ÷ ($0.0625 / 10⁶ × 2,628,000 s) = 888.9 answers a second, of the 10,000 that one instance carries."""
    found = finding_of(section, ID + "flip_rate_per_s", pattern="flight_by_key")
    assert found.value == pytest.approx(146 / 0.16425)
    assert (found.labels["arm"], found.labels["against"], found.headline, found.unit) == (
        "postgres", "dynamodb", True, "answers/s",
    )  # fmt: skip
    assert (
        "DynamoDB is the cheaper store up to 889 answers a second, above that PostgreSQL (a db.m5.large"
        in found.sentence
    )
    assert section.verdict[0] == found.sentence


@pytest.mark.parametrize(
    ("capacity_per_s", "each_per_s", "expected"),
    [
        (10_000, 800, Flip(first_per_s=800, for_good_per_s=800)),
        (1_000, 800, Flip(first_per_s=800, for_good_per_s=3_200)),
        (1_000, 1_250, Flip(first_per_s=math.inf, for_good_per_s=math.inf)),
    ],
    ids=["at once", "until the fifth instance", "never"],
)
def test_a_flip_is_for_good_once_no_further_instance_turns_it_back(
    capacity_per_s: float, each_per_s: float, expected: Flip
) -> None:
    """An instance of $73 a month. With 1,000 a second each, K of them cost what DynamoDB does at 800 K, and begin above 1,000 (K − 1):
    800, 1,600, 2,400 and 3,200 are above 0, 1,000, 2,000, 3,000; 4,000 isn't above 4,000."""
    units, instances = Units(usd=73 / each_per_s / 2_628_000), Instances(cpu_s=1 / capacity_per_s, hour_usd=0.1)
    found = flip(units, instances)
    assert (found.first_per_s, found.for_good_per_s) == pytest.approx((expected.first_per_s, expected.for_good_per_s))
    for rate in (700, 900, 1_100, 1_700, 3_100, 3_300, 9_000):  # bought one by one
        cheaper = instances.month_usd(rate) < units.month_usd(rate)
        assert cheaper or rate < found.for_good_per_s or math.isinf(found.first_per_s)
        assert not cheaper or rate > found.first_per_s


def test_where_sql_is_never_cheaper_the_flip_is_a_bound_and_says_so(planted: PlantedRun) -> None:
    """10 s of processor time for an answer of half a unit: an instance carries 0.1 a second, and DynamoDB costs as much at 889."""
    run = PlantedStores(planted)
    run.tables()
    run.ask("patterns", "flight_by_key", 1000, postgres={"cpu_ms": 10_000}, dynamodb={"read_units": 0.5})
    found = finding_of(run.section(), ID + "flip_rate_per_s")
    assert (found.status, found.value, found.high) == ("at_least", 100_000, None)
    assert "DynamoDB is the cheaper store at every rate, PostgreSQL at none" in found.sentence


def test_what_grows_as_the_table_does_has_exponent_1(section: Section) -> None:
    """Time, processor time and units ten times as many at ten times the flights; DynamoDB's time the same: 0."""

    def exponent(arm: str, of: str) -> Any:
        return finding_of(section, ID + "growth_exponent", arm=arm, of=of)

    assert exponent("postgres", "cpu").value == pytest.approx(1)
    assert exponent("postgres", "latency").value == pytest.approx(1)
    assert exponent("dynamodb", "latency").value == 0
    units = exponent("dynamodb", "units")
    assert (units.value, units.low, units.high, units.n, units.labels["kind"]) == (1, 1, 1, 2, "read")
    assert "from 1,000 to 10,000 flights" in units.sentence and "(2 questions, exact" in units.sentence


def test_right_answers_are_counted_and_a_store_that_cannot_says_so_first(section: Section) -> None:
    """Five answers are pandas' own; full_text is a sentence of its own and no figure."""
    assert "All 5 answers of 3 arms" in finding_of(section, ID + "wrong_answers").sentence
    found = finding_of(section, ID + "latency_p50_ms", pattern="full_text")
    assert (found.status, found.reason, found.headline) == ("not_measured", "cannot: no index of words", True)
    assert found.sentence == "DynamoDB has no answer to airports by words of their name: no index of words."
    assert finding_of(section, ID + "units_per_answer", pattern="full_text").reason == "cannot: no index of words"
    assert not any("Not checked" in warning for warning in section.warnings)


def test_an_arm_that_gives_other_rows_has_no_figure_of_that_pattern_and_the_others_keep_theirs(
    planted: PlantedRun,
) -> None:
    """MySQL says a delay of 12 minutes where the CSV has 11; its cached arm keeps that answer, and is out too."""
    run = everything(planted)
    wrong = (*FIRST[:6], 12)
    run.said("mysql", "flight_by_key", [wrong], parameters=KEY)
    run.said("mysql", "count", [(1000,)])
    run.ask(
        "patterns", "flight_by_key", 1000, mysql={"ms": 0.1, "cpu_ms": 0.1}, mysql_cached={"ms": 0.1, "cpu_ms": 0.1}
    )
    run.ask("patterns", "count", 1000, mysql={"ms": 0.1, "cpu_ms": 0.1})
    section = run.section()
    for arm in ("mysql", "mysql_cached"):
        (found,) = findings_of(section, ID + "latency_p50_ms", arm=arm, pattern="flight_by_key")
        assert found.status == "not_measured" and found.reason is not None
        assert found.reason.startswith(
            "cannot: gave other rows than pandas on the raw CSV to 1 of 1 questions (to flight_key 2013-01-01T05:15#UA#1545: "
        )
        assert "12], pandas ['2013-01-01T05:15#UA#1545', 'UA', 'N14228', 'EWR', 'IAH', 2, 11]" in found.reason
        assert not findings_of(section, ID + "usd_per_million_answers", arm=arm, pattern="flight_by_key")
    assert finding_of(section, ID + "latency_p50_ms", arm="mysql", pattern="count").value == pytest.approx(0.1)
    counted = finding_of(section, ID + "wrong_answers")
    assert (counted.value, counted.n, counted.headline) == (1, 7, True)
    assert section.verdict[0] == counted.sentence
    assert section.warnings[0].startswith("mysql cannot: gave other rows")


@pytest.mark.parametrize(
    ("rows", "says"),
    [([(999,)], "[999], pandas [1000]"), ([(1000,), (1,)], "2 rows, pandas 1"), ([], "0 rows, pandas 1")],
    ids=["another number", "a row too many", "nothing"],
)
def test_how_an_answer_differs_is_said(planted: PlantedRun, rows: list[tuple[int]], says: str) -> None:
    """The first row that differs, or how many there are."""
    run = PlantedStores(planted)
    run.tables()
    run.said("postgres", "count", rows)
    run.ask("patterns", "count", 1000, postgres={"cpu_ms": 1})
    assert says in (finding_of(run.section(), ID + "latency_p50_ms").reason or "")


def test_what_nobody_checked_is_named_and_keeps_its_figures(planted: PlantedRun) -> None:
    """PostgreSQL's answers to count are in the run, DynamoDB's aren't."""
    run = PlantedStores(planted)
    run.tables()
    run.said("postgres", "count", [(1000,)])
    run.ask("patterns", "count", 1000, postgres={"ms": 1, "cpu_ms": 1}, dynamodb={"ms": 2, "read_units": 40.0})
    section = run.section()
    assert finding_of(section, ID + "latency_p50_ms", arm="dynamodb").value == pytest.approx(2)
    assert section.warnings == (
        "Not checked, for the run has no answer of theirs to hold against pandas: dynamodb count.",
    )


@pytest.mark.parametrize("missing", ["events", "package"])
def test_without_answers_or_data_nothing_is_checked_and_it_is_said(
    planted: PlantedRun, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Figures stand, and the reader is warned."""
    run = PlantedStores(planted)
    if missing == "package":
        monkeypatch.setattr(in_pandas, "PACKAGE", "no_such_package_of_flights")
        monkeypatch.setattr(checked, "PACKAGE", "no_such_package_of_flights")
        run.tables()
        run.said("postgres", "count", [(5,)])
    run.ask("patterns", "count", 1000, postgres={"ms": 1, "cpu_ms": 1})
    section = run.section()
    why = (
        "the package no_such_package_of_flights isn't installed here"
        if missing == "package"
        else "the run has no answers of its warm-up"
    )
    assert section.warnings == (f"Not checked: no answer was held against pandas on the raw CSV, for {why}.",)
    assert finding_of(section, ID + "wrong_answers").status == "not_measured"
    assert finding_of(section, ID + "latency_p50_ms").value == pytest.approx(1)
    assert f"Answers weren't checked: {why}." in section.method


def test_a_price_that_is_unknown_is_no_zero(planted: PlantedRun) -> None:
    """Without PostgreSQL's price its dollars are unknown with the key, and no flip is named; DynamoDB's stand."""
    run = everything(planted)
    del planted.manifest["prices"]["values"]["rds.postgres_db_m5_large_hour_usd"]
    section = run.section()
    found = findings_of(section, ID + "usd_per_million_answers", arm="postgres")
    assert {(one.status, one.reason) for one in found} == {
        ("unknown", "the price rds.postgres_db_m5_large_hour_usd isn't in the price file")
    }
    assert not findings_of(section, ID + "flip_rate_per_s")
    assert finding_of(section, ID + "usd_per_million_answers", arm="dynamodb", pattern="flight_by_key").value
    assert drawn(section)


def test_written_units_are_priced_as_writes_and_a_kind_that_is_not_used_has_no_finding(planted: PlantedRun) -> None:
    """Half a unit read and 4 written: 0.5 × 0.125 + 4 × 0.625 = $2.5625 a million; a load writes alone: 4,000 × 0.625 = $2,500."""
    run = PlantedStores(planted)
    run.tables()
    run.ask("patterns", "update_if", 1000, dynamodb={"read_units": 0.5, "write_units": 4.0})
    run.ask("patterns", "bulk_load", 1000, dynamodb={"write_units": 4000.0})
    section = run.section()
    usd = ID + "usd_per_million_answers"
    assert finding_of(section, usd, pattern="update_if").value == pytest.approx(2.5625)
    assert finding_of(section, usd, pattern="bulk_load").value == pytest.approx(2500)
    kinds = {
        (one.labels["pattern"], one.labels["kind"]): one.value for one in findings_of(section, ID + "units_per_answer")
    }
    assert kinds == {("update_if", "read"): 0.5, ("update_if", "write"): 4, ("bulk_load", "write"): 4000}


def test_the_chooser_finds_all_it_asks_for(planted: PlantedRun) -> None:
    """Processor time, units by kind, hits, exponents, what can't be, consistency: by its own reader."""
    section = everything(planted).section()
    known = Measured.of("run", [one.as_record() for one in section.findings], planted.events)

    def value(id: str, store: str, pattern: str, kind: str | None = None) -> float | None:
        found = known.get(id, store, pattern, kind)
        return None if found is None else found.value

    assert value("cpu_ms_per_answer", "postgres", "flight_by_key") == pytest.approx(0.1)
    assert known.kinds("units_per_answer", "dynamodb", "flight_by_key")[0].kind == "read"
    assert value("hit_rate", "dynamodb_cached", "flight_by_key") == pytest.approx(0.8)
    assert value("growth_exponent", "postgres", "count") == pytest.approx(1)
    assert value("growth_exponent", "dynamodb", "count", "read") == pytest.approx(1)
    assert value("cpu_ms_per_answer", "dynamodb_cached", "flight_by_key") is None  # the cache's own isn't the store's
    assert known.cannot["dynamodb", "full_text"] == "no index of words"
    assert known.strongly("postgres", "flight_by_key") and not known.strongly("dynamodb", "flight_by_key")


def test_every_chart_is_drawn_and_the_matrix_comes_first_with_all_that_is_asked_of_it(section: Section) -> None:
    """What needed what, why one can't, dollars; each chart draws from its table."""
    assert [chart.id.removeprefix(f"{NAME}-") for chart in section.charts] == [
        "matrix", "latency", "months", "growth", "growth-usd", "cached", "server", "schema-postgres",
    ]  # fmt: skip
    assert len(drawn(section)) == len(section.charts)
    table = section.charts[0].table.set_index(["pattern", "store"])
    key = table.loc[("flight_by_key", "postgres")]
    assert (key["p50, ms"], key["round trips"], key["needed"], key["consistency"]) == (
        pytest.approx(0.2), 1, "primary key", "read committed",
    )  # fmt: skip
    assert key["USD a million"] == pytest.approx(0.2 / 36)
    assert table.loc[("full_text", "dynamodb"), "why not"] == "cannot: no index of words"
    assert table.loc[("full_text", "postgres"), "why not"] == "not measured"


def test_a_run_that_measured_nothing_says_why(planted: PlantedRun) -> None:
    """No server: three findings, all absent, nothing drawn."""
    section = PlantedStores(planted).section(status="unavailable", reason="no store is there")
    assert_nothing_measured(section, "no store is there")


def test_a_wrong_answer_that_was_measured_is_in_no_figure_and_in_a_warning(planted: PlantedRun) -> None:
    """The samples' own check: an answer that isn't as long as it must be."""
    run = everything(planted)
    run.write()
    (path,) = (planted.path / "samples").iterdir()
    path.unlink()
    rows = [_row(number, outcome) for number in range(8) for outcome in ("ok", "error")]
    planted.samples(NAME, rows, {"pattern": "text", "question": "int", "round_trips": "int", "served_from": "text"})
    section = sql_vs_nosql.analyse(planted.load())
    assert finding_of(
        section, ID + "latency_p50_ms", part="patterns", pattern="flight_by_key", arm="postgres"
    ).value == pytest.approx(1)
    assert (
        section.warnings[-1] == "Attempts that gave no answer and count in no figure: 8 × postgres error WrongAnswer."
    )


def _row(number: int, outcome: str) -> dict[str, Any]:
    start, took = number * 10**9, 10**6 if outcome == "ok" else 5 * 10**8
    code = None if outcome == "ok" else "WrongAnswer"
    return {
        "trial": 0, "arm": "postgres", "step": "1000", "op": "flight_by_key", "pattern": "flight_by_key", "client": "psycopg", "outcome": outcome,
        "error_code": code, "question": 0, "round_trips": 1, "served_from": "database", "t_start": start, "t_end": start + took,
    }  # fmt: skip
