"""Floors and generator events that were planted decide which figures are the tool's own; nothing else does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, finding_of, trial

from reports import build, cache_hit_rate, capacity_modes, query_vs_scan, rds_failover
from reports.findings import Finding
from reports.section import Section
from reports.tool import Tool

NAME = "query_vs_scan"
PARAMS = {"aircraft": 8, "airports": 2, "trial_s": 0.35, "pairs": 6, "warm_up_answers": 1, "least_answers": 16}
# Six trials an arm; a Query takes 1.0 ms in three of them and 1.2 in the others, a Scan ten times that.
# Mean 1.1, s² = 6·0.01/5 = 0.012, so s²/n = 0.002 ms².
QUERY_US = (1000, 1200, 1000, 1200, 1000, 1200)
ANSWERS = 20
# Floor trials 0.19, 0.20, 0.21 ms: mean 0.2, s² = 0.0001, s²/n = 0.0000333 ms².
FLOOR_US = (190.0, 200.0, 210.0)
# Welch: standard error √0.00203333 = 0.0450925; degrees 0.00203333² / (0.002²/5 + 0.0000333²/2) = 5.1644;
# t(0.975, 5.1644) = 2.5471 (between 2.5706 at 5 and 2.4469 at 6), so the excess is 0.9 ± 0.11486 ms.
HALF_MS = 0.11486


def answers(number: int, pair: int, arm: str, time_us: int) -> Iterator[dict[str, Any]]:
    """One trial's answers, all of the same time."""
    common = {"trial": number, "pair": pair, "arm": arm, "step": "1000", "question": "aircraft", "pages": 1}
    for index in range(ANSWERS):
        start = 10**9 * (1000 * number + index)
        yield common | {"t_start": start, "t_end": start + 1000 * time_us, "read_units": 80.0 if arm == "scan" else 2.5}


def plant(planted: PlantedRun, *, scan_is: float = 10.0) -> None:
    """Six pairs; a Scan takes ``scan_is`` times as long as the Query of its pair."""
    rows, trials = [], []
    for pair, query_us in enumerate(QUERY_US):
        for place, (arm, time_us) in enumerate((("query", query_us), ("scan", round(scan_is * query_us)))):
            rows += answers(2 * pair + place, pair, arm, time_us)
            trials.append(trial(2 * pair + place, arm, "1000", pair=pair, labels={"question": "aircraft"}))
    planted.samples(NAME, rows, {"question": "text"})
    planted.scenario(NAME, params=PARAMS, trials=trials, servers={"dynamodb": "dbharness twin"})


def all_generators(planted: PlantedRun, **worst: Any) -> None:
    """A calm generator in every trial, but for the sixth, a Query's, where it is as ``worst`` says."""
    for number in range(12):
        planted.generator(NAME, number, **(worst if number == 6 else {}))


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    planted = PlantedRun(tmp_path / "run")
    plant(planted)
    return planted


def section_of(planted: PlantedRun) -> Section:
    return query_vs_scan.analyse(planted.load())


def p50(section: Section, arm: str = "query") -> Finding:
    return finding_of(section, f"{NAME}.latency_p50_ms", arm=arm)


def statuses(section: Section) -> set[str]:
    return {finding.status for finding in section.findings}


def test_a_latency_has_its_floor_and_its_excess_with_the_interval_of_the_trials(planted: PlantedRun) -> None:
    """1.1 ms at the pooled median, 0.2 ms of it the floor; the interval is worked out above."""
    planted.floor(NAME, "lean", "Query", FLOOR_US)
    all_generators(planted)
    found = p50(section_of(planted))
    record = found.as_record()
    assert (record["value"], record["floor"]) == pytest.approx((1.1, 0.2))
    assert record["excess"] == pytest.approx({"value": 0.9, "low": 0.9 - HALF_MS, "high": 0.9 + HALF_MS}, rel=1e-4)
    assert (found.status, found.reason) == ("measured", None)
    assert "The tool's floor is 200 µs, the excess over it 900 µs, 95 % interval 785 µs to 1.01 ms." in found.sentence


def test_a_latency_that_can_not_be_told_from_its_floor_is_tool_bound_and_keeps_its_value(planted: PlantedRun) -> None:
    """A floor of 1.05 ms leaves 0.05 ± more than 0.1 ms; the Scan above it is the database's."""
    for op in ("Query", "Scan"):
        planted.floor(NAME, "lean", op, (1040.0, 1050.0, 1060.0))
    section = section_of(planted)
    query, scan = p50(section), p50(section, "scan")
    assert (query.status, query.value) == ("tool_bound", pytest.approx(1.1))
    assert query.reason == "the excess over the tool's floor can't be told from 0"
    assert query.sentence.endswith("Tool-bound: the excess over the tool's floor can't be told from 0.")
    assert query.tool is not None and query.tool.excess is not None
    assert query.tool.excess.low is not None and query.tool.excess.low < 0 < query.tool.excess.value
    assert scan.status == "measured"


def test_a_latency_below_its_floor_is_tool_bound_too(planted: PlantedRun) -> None:
    """The responder took longer than the database: the excess lies wholly below 0."""
    planted.floor(NAME, "lean", "Query", (1990.0, 2000.0, 2010.0))
    found = p50(section_of(planted))
    assert found.status == "tool_bound"
    assert "the excess over it −900 µs" in found.sentence


@pytest.mark.parametrize(("cpu_share", "status"), [(0.8, "measured"), (0.81, "tool_bound")])
def test_a_core_above_eighty_per_cent_in_one_trial_makes_its_latencies_tool_bound(
    planted: PlantedRun, cpu_share: float, status: str
) -> None:
    """Those of the Query and the comparison with it; the Scan's trials had room, and units are exempt."""
    all_generators(planted, cpu_share=cpu_share)
    section = section_of(planted)
    assert p50(section).status == finding_of(section, f"{NAME}.latency_ratio").status == status
    assert p50(section, "scan").status == finding_of(section, f"{NAME}.units_ratio").status == "measured"
    if status == "tool_bound":
        assert p50(section).reason == "the generator's core was 81 % busy in trial 6"


@pytest.mark.parametrize(
    ("scan_is", "late_ms", "query", "scan"),
    [
        (10.0, 0.9, "measured", "measured"),
        (10.0, 1.05, "tool_bound", "measured"),  # a tenth of 1.1 ms is below the millisecond, of 11 ms it is 1.1
        (10.0, 1.15, "tool_bound", "tool_bound"),
        (20.0, 2.0, "tool_bound", "measured"),  # of 22 ms it is 2.2
    ],
)
def test_lateness_above_a_millisecond_and_a_tenth_of_the_figure_makes_it_tool_bound(
    tmp_path: Path, scan_is: float, late_ms: float, query: str, scan: str
) -> None:
    """Late in every trial alike; the larger figure bears more of it. Units are exempt: their time is unlimited."""
    planted = PlantedRun(tmp_path / "run")
    plant(planted, scan_is=scan_is)
    for number in range(12):
        planted.generator(NAME, number, lateness_p99_ms=late_ms)
    section = section_of(planted)
    assert (p50(section).status, p50(section, "scan").status) == (query, scan)
    assert finding_of(section, f"{NAME}.units_per_answer", arm="query").status == "measured"


def test_arms_that_can_not_be_told_apart_make_their_ratio_tool_bound(tmp_path: Path) -> None:
    """Five pairs of the same time and one of twice: the interval of the ratio holds 1."""
    planted = PlantedRun(tmp_path / "run")
    rows, trials = [], []
    for pair in range(6):
        for place, arm in enumerate(("query", "scan")):
            rows += answers(2 * pair + place, pair, arm, 2000 if (pair, arm) == (0, "scan") else 1000)
            trials.append(trial(2 * pair + place, arm, "1000", pair=pair, labels={"question": "aircraft"}))
    planted.samples(NAME, rows, {"question": "text"})
    planted.scenario(NAME, params=PARAMS, trials=trials)
    found = finding_of(section_of(planted), f"{NAME}.latency_ratio")
    assert (found.status, found.reason) == ("tool_bound", "the difference between the arms can't be told from 0")


def test_dropped_requests_mark_units_and_dollars_too(planted: PlantedRun) -> None:
    """What was never sent is missing from every figure of its trials."""
    all_generators(planted, dropped=1200)
    section = section_of(planted)
    for id in ("latency_p50_ms", "units_per_answer", "usd_per_million_answers"):
        found = finding_of(section, f"{NAME}.{id}", arm="query")
        assert (found.status, found.reason) == ("tool_bound", "1,200 requests were dropped")
    assert finding_of(section, f"{NAME}.units_per_answer", arm="scan").status == "measured"


def test_an_older_run_without_floors_or_events_is_reported_as_before_and_says_so(planted: PlantedRun) -> None:
    """No member, no mark; page and Markdown read *not measured*."""
    run = planted.load()
    sections = build.analyse(run)
    few = {finding.id for finding in sections[0].findings if finding.status != "measured"}
    assert few == {f"{NAME}.latency_p99_ms"}  # 120 answers carry none
    build.write(run, sections)
    records = json.loads((run.path / "findings.json").read_text())
    assert not any({"floor", "excess"} & record.keys() for record in records)
    row = "| query_vs_scan | – | not measured | – | – | – | – | – |"
    assert row in (run.path / "report.md").read_text()
    assert "The tool&#39;s own share" in (run.path / "report.html").read_text()


def test_the_section_has_a_row_for_each_floor(planted: PlantedRun) -> None:
    """Floor, excess of p50 and p95 (the same here, all answers of a trial being alike but for the pooling), core, verdict."""
    planted.floor(NAME, "lean", "Query", FLOOR_US, question="aircraft", step="1000")
    planted.floor(NAME, "lean", "Scan", (10_000.0, 11_000.0, 12_000.0))
    all_generators(planted, cpu_share=0.5)
    run = planted.load()
    sections = build.analyse(run)
    query, scan = sections[0].tool
    assert (query.client, query.op, scan.op) == ("lean", "Query (question aircraft, step 1000)", "Scan")
    assert (query.floor_p50_us, query.floor_p95_us) == pytest.approx((200, 200))
    assert query.excess_us == pytest.approx((900, 1000))  # p50 of 1.1 ms, p95 of 1.2
    assert (query.cpu_share, query.lateness_p99_ms, query.verdict) == (0.5, None, "not tool-bound")
    assert (scan.cpu_share, scan.verdict) == (0.3, "tool-bound: 2 of 2 figures")
    build.write(run, sections)
    row = "| query_vs_scan | lean, Query (question aircraft, step 1000) | not tool-bound | 200 µs | 200 µs | 900 µs to 1 ms | 50 % | closed loop |"
    assert row in (run.path / "report.md").read_text()


def test_rows_stand_by_operation_and_then_by_the_size_of_their_labels(planted: PlantedRun) -> None:
    """As probed, Query before Scan; 1000 before 9000 before 27004."""
    for step, op in (("27004", "Query"), ("1000", "Scan"), ("9000", "Query"), ("1000", "Query")):
        planted.floor(NAME, "lean", op, FLOOR_US, step=step)
    rows = section_of(planted).tool
    assert [row.op for row in rows] == [
        "Query (step 1000)", "Query (step 9000)", "Query (step 27004)", "Scan (step 1000)",
    ]  # fmt: skip


def test_the_closest_floor_is_taken_and_one_of_other_labels_never(planted: PlantedRun) -> None:
    """Of a floor for all questions and one for this one, the latter; one for another size doesn't count."""
    planted.floor(NAME, "lean", "Query", (100.0, 100.0))
    planted.floor(NAME, "lean", "Query", (200.0, 200.0), question="aircraft")
    planted.floor(NAME, "lean", "Query", (300.0, 300.0), question="aircraft", step="9000")
    planted.floor(NAME, "boto3", "Query", (400.0, 400.0), question="aircraft", step="1000")
    tool = Tool.of(planted.load(), NAME)
    labels = {"question": "aircraft", "step": "1000", "arm": "query"}
    assert [f.us("p50") for f in (tool.floor("lean", "Query", labels), tool.floor("lean", "Query")) if f] == [200, 100]
    assert tool.floor("lean", "Scan", labels) is None


def test_one_floor_trial_gives_an_excess_without_an_interval(planted: PlantedRun) -> None:
    """Then its value alone decides."""
    planted.floor(NAME, "lean", "Query", (200.0,))
    record = p50(section_of(planted)).as_record()
    assert record["excess"] == {"value": pytest.approx(0.9), "low": None, "high": None}
    planted.manifest["scenarios"][NAME]["floors"] = []
    planted.floor(NAME, "lean", "Query", (1100.0,))
    assert p50(section_of(planted)).status == "tool_bound"


def cache_run(tmp_path: Path) -> PlantedRun:
    """Without a cache 500 µs; with one, 60 % hits of 50 µs and misses of 600, in three rounds."""
    planted, name = PlantedRun(tmp_path / "run"), cache_hit_rate.NAME
    rows, trials = [], []
    for number in range(6):
        arm, step = (("no_cache", "0"), ("lazy", "0.1"))[number % 2]
        common = {"trial": number, "arm": arm, "step": step, "op": "read", "engine": "postgres"}
        for index in range(200):
            start, hit = 10**12 * number + 10**7 * index, index % 5 < 3
            miss = {"get_ns": 50_000, "db_ns": 400_000, "set_ns": 150_000, "t_end": start + 600_000, "hit": False}
            bare = {"db_ns": 500_000, "t_end": start + 500_000}
            lazy = {"get_ns": 50_000, "t_end": start + 50_000, "hit": True} if hit else miss
            rows.append(common | {"t_start": start} | (bare if arm == "no_cache" else lazy))
        trials.append(trial(number, arm, step, pair=number, labels={"engine": "postgres"}))
    extra: Any = {"engine": "text", "get_ns": "int", "db_ns": "int", "set_ns": "int"}
    planted.samples(name, rows, extra)
    params = {"engines": ["postgres"], "cache_shares": [0.1], "trials": 3, "warm_up_s": 0.1, "measured_s": 1}
    planted.scenario(name, params=params, trials=trials)
    return planted


def test_a_read_through_a_cache_has_the_floor_of_its_parts(tmp_path: Path) -> None:
    """Floors: get 20, set 30, the database's read 100 µs.

    Without a cache 100. Through one, the mean 20 + 0.4·(100 + 30) = 72, p50 (hits alone reach it) 20, p95 a miss's 150.
    """
    planted = cache_run(tmp_path)
    planted.floor(cache_hit_rate.NAME, "lean", "get", (20.0, 20.0, 20.0))
    planted.floor(cache_hit_rate.NAME, "lean", "set", (30.0, 30.0, 30.0))
    planted.floor(cache_hit_rate.NAME, "psycopg", "read", (100.0, 100.0, 100.0), engine="postgres")
    section = cache_hit_rate.analyse(planted.load())

    def floors(step: str) -> list[float]:
        ids = (f"{cache_hit_rate.NAME}.postgres.latency_{which}_us" for which in ("mean", "p50", "p95"))
        return [finding_of(section, id, step=step).as_record()["floor"] for id in ids]

    assert floors("0") == pytest.approx([100, 100, 100])
    assert floors("0.1") == pytest.approx([72, 20, 150])
    rows = {(row.client, row.op): row for row in section.tool}
    assert rows["lean", "set"].verdict == "no latency rests on it"
    assert rows["lean + psycopg", "get + read + set"].floor_p95_us == pytest.approx(150)
    assert statuses(section) == {"measured", "not_measured"}  # the cache's own counters weren't planted


def test_hit_rates_are_exempt_from_a_busy_core_and_what_latencies_come_to_is_not(tmp_path: Path) -> None:
    """The break-even is made of latencies; a hit rate is counted."""
    planted = cache_run(tmp_path)
    for number in range(6):
        planted.generator(cache_hit_rate.NAME, number, cpu_share=0.95)
    section = cache_hit_rate.analyse(planted.load())
    by_id = {finding.id.removeprefix(f"{cache_hit_rate.NAME}.postgres."): finding for finding in section.findings}
    assert by_id["hit_rate"].status == "measured"
    assert by_id["break_even_hit_rate"].status == by_id["latency_p95_us"].status == "tool_bound"


SPEED = 50.0  # 700 service seconds in 14 s; onsets are planted at 500 service seconds, 10 s


@pytest.mark.parametrize(
    ("late_ms", "queued_ms", "dropped", "onset", "share"),
    [
        (900.0, 900.0, 0, "measured", "measured"),
        (1100.0, 1100.0, 0, "tool_bound", "measured"),  # a tenth of the onset's 10 s, not of the trial's 14
        (1500.0, 1500.0, 0, "tool_bound", "tool_bound"),
        (0.1, 900.0, 0, "measured", "measured"),
        (0.1, 1500.0, 0, "tool_bound", "tool_bound"),  # punctual itself, yet every slot was busy: the demand came late
        (0.1, 0.1, 5, "tool_bound", "tool_bound"),
    ],
)
def test_onsets_and_shares_are_exempt_unless_the_schedule_was_missed_or_requests_dropped(
    tmp_path: Path, late_ms: float, queued_ms: float, dropped: int, onset: str, share: str
) -> None:
    """A busy core alone doesn't mark them; the other arm's trials don't either."""
    planted, name = PlantedRun(tmp_path / "run"), capacity_modes.NAME
    settings = {
        "speed": SPEED, "read_capacity_units": 4, "write_capacity_units": 4, "ramp_service_s": 300.0,
        "hold_service_s": 400.0, "peak_multiple": 2.0,
    }  # fmt: skip
    rows = [
        {
            "trial": number, "pair": 0, "arm": arm, "step": "ramp_2x", "kind": kind, "demand_units": 1.0,
            "t_intended": due_ns, "t_start": due_ns, "t_end": due_ns + 200_000, f"{kind}_units": 1.0,
            "outcome": "throttled" if arm == "provisioned" and second == 500 else "ok",
        }
        for number, arm in enumerate(("provisioned", "on_demand"))
        for kind in ("read", "write")
        for second in range(0, 700, 10)
        for due_ns in (round(second / SPEED * 1e9),)
    ]  # fmt: skip
    planted.samples(name, rows, {"kind": "text", "demand_units": "float"})
    trials = [trial(0, "provisioned", "ramp_2x", params=settings), trial(1, "on_demand", "ramp_2x", params=settings)]
    planted.scenario(name, params=settings, trials=trials)
    for number in (0, 1):
        planted.event(name, "trial_begin", trial=number, t_ns=0)
    planted.generator(name, 0, cpu_share=0.99, lateness_p99_ms=late_ms, queued_p99_ms=queued_ms, dropped=dropped)
    planted.generator(name, 1, cpu_share=0.99, lateness_p99_ms=0.1)
    section = capacity_modes.analyse(planted.load())
    assert finding_of(section, f"{name}.provisioned.throttle_onset_s", kind="read").status == onset
    assert finding_of(section, f"{name}.provisioned.throttled_share", kind="write").status == share
    assert finding_of(section, f"{name}.on_demand.throttled_share", kind="read").status == "measured"


@pytest.mark.parametrize(
    ("late_ms", "dropped", "downtime", "lost"),
    [
        (30.0, 0, "measured", "measured"),
        (50.0, 0, "tool_bound", "measured"),  # a tenth of 0.4 s is 40 ms; what became of a write has no such time
        (0.1, 2, "tool_bound", "tool_bound"),
    ],
)
def test_downtime_is_exempt_unless_the_probes_missed_their_schedule_or_were_dropped(
    tmp_path: Path, late_ms: float, dropped: int, downtime: str, lost: str
) -> None:
    """Probes every 10 ms that go unanswered for 0.4 s."""
    planted, name = PlantedRun(tmp_path / "run"), rds_failover.NAME
    rows = [
        {
            "trial": 0, "arm": "tuned", "step": "multi_az_instance.crash", "op": op, "engine": "mysql",
            "t_intended": ms * 10**6, "t_start": ms * 10**6, "t_end": ms * 10**6,
            "outcome": "error" if 500 < ms < 900 else "ok",
        }
        for op in rds_failover.PROBES
        for ms in range(0, 2000, 10)
    ]  # fmt: skip
    planted.samples(name, rows, {"engine": "text", "write_id": "int"})
    params: dict[str, Any] = {"engines": ["mysql"], "connect_timeout_s": 0.5, "read_timeout_s": 0.5}
    labels = {"engine": "mysql", "topology": "multi_az_instance", "fault": "crash"}
    planted.scenario(
        name, params=params,
        trials=[trial(0, "tuned", "multi_az_instance.crash", labels=labels, params={"probe_interval_ms": 10})],
    )  # fmt: skip
    planted.event(name, "fault_injected", trial=0, t_ns=505 * 10**6)
    ledger = dict.fromkeys((*rds_failover.LEDGER, "failed", "ambiguous_present"), 0)
    planted.event(name, "ledger_checked", trial=0, t_ns=2 * 10**9, **ledger)
    planted.generator(name, 0, cpu_share=0.99, lateness_p99_ms=late_ms, dropped=dropped)
    section = rds_failover.analyse(planted.load())
    case = f"{name}.mysql.multi_az_instance.crash"
    found = finding_of(section, f"{case}.write_downtime_s")
    assert (found.value, found.status) == (pytest.approx(0.4), downtime)
    assert finding_of(section, f"{case}.lost_writes", client="all").status == lost
