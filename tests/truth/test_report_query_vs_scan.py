"""What was planted in a run of query_vs_scan comes back as its findings; no more is claimed."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, findings_of, trial

from reports import query_vs_scan

NAME = "query_vs_scan"
EXTRA: Any = {"question": "text"}
PARAMS = {"aircraft": 8, "airports": 2, "trial_s": 0.35, "pairs": 6, "warm_up_answers": 1, "least_answers": 16}
PAIRS, ANSWERS = 6, 20
QUERY_UNITS, SCAN_UNITS = 2.5, 80.0
# Scan ÷ Query of each pair: 40 × e^x. The xs add up to 0 and their squares to 0.1, so s = √(0.1 / 5) = 0.14142, and with
# t(0.975, 5) = 2.5706 the interval is 40 × e^(± 2.5706 × 0.14142 / √6) = 40 × e^(± 0.14841) = 34.484 to 46.398.
SWINGS = (0.2, -0.2, 0.1, -0.1, 0.0, 0.0)
QUERY_NS = 1_000_000


def answers(
    number: int, pair: int, arm: str, *, times_ns: list[int], question: str = "aircraft"
) -> Iterator[dict[str, Any]]:
    """A trial's rows: first a warm-up answer a hundred times as slow and dear, which no figure may count."""
    units = SCAN_UNITS if arm == "scan" else QUERY_UNITS
    common = {
        "trial": number,
        "pair": pair,
        "arm": arm,
        "step": "27004",
        "question": question,
        "pages": 1,
        "items_returned": 10,
    }
    start = 1000 * number * 10**9
    yield common | {"phase": "warm-up", "t_start": start, "t_end": start + 100 * QUERY_NS, "read_units": 100 * units}
    for time_ns in times_ns:
        start += 10**9
        yield common | {"t_start": start, "t_end": start + time_ns, "read_units": units}


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    """Six pairs of twenty answers each, the same time for each answer of a trial but for one in twenty, the slowest."""
    planted = PlantedRun(tmp_path / "run")
    rows, trials = [], []
    for pair, swing in enumerate(SWINGS):
        for place, arm in enumerate(("query", "scan")):
            number = 2 * pair + place
            time_ns = QUERY_NS if arm == "query" else round(40 * QUERY_NS * math.exp(swing))
            rows += answers(number, pair, arm, times_ns=[time_ns] * ANSWERS)
            trials.append(trial(number, arm, "27004", pair=pair, labels={"question": "aircraft"}))
    planted.samples(NAME, rows, EXTRA)
    planted.scenario(NAME, params=PARAMS, trials=trials, servers={"dynamodb": "dbharness twin"})
    return planted


def test_the_ratio_of_units_is_exact_and_is_the_headline(planted: PlantedRun) -> None:
    """80 ÷ 2.5 = 32 in each of six pairs: no chance is in it."""
    section = query_vs_scan.analyse(planted.load())
    found = finding_of(section, f"{NAME}.units_ratio", question="aircraft", step="27004")
    assert (found.value, found.low, found.high) == pytest.approx((32, 32, 32))
    assert (found.n, found.unit, found.basis, found.status, found.headline) == (
        PAIRS,
        "ratio",
        "local_model",
        "measured",
        True,
    )
    assert (
        "a Scan of 27,004 items consumed 32 times the read units of a Query (6 pairs, exact; local model, dbharness twin"
        in found.sentence
    )
    assert section.verdict == (found.sentence,)


def test_the_ratio_of_latency_has_the_interval_worked_out_by_hand(planted: PlantedRun) -> None:
    """See SWINGS."""
    found = finding_of(query_vs_scan.analyse(planted.load()), f"{NAME}.latency_ratio")
    assert (found.value, found.low, found.high) == pytest.approx((40, 34.484, 46.398), rel=1e-4)
    assert found.n == PAIRS


def test_units_and_dollars_of_an_answer_leave_the_warm_up_out(planted: PlantedRun) -> None:
    """$0.125 a million read units: 2.5 units are $0.3125 a million answers, 80 are $10."""
    section = query_vs_scan.analyse(planted.load())
    for arm, units, usd in (("query", 2.5, 0.3125), ("scan", 80, 10)):
        assert finding_of(section, f"{NAME}.units_per_answer", arm=arm).value == units
        cost = finding_of(section, f"{NAME}.usd_per_million_answers", arm=arm)
        assert (cost.value, cost.basis) == (pytest.approx(usd), "modelled")


def test_percentiles_are_of_service_time_and_refused_where_too_few_answers_carry_them(planted: PlantedRun) -> None:
    """120 answers carry a p95 (72 needed); of one trial's 20 there is a p50 but no p95."""
    section = query_vs_scan.analyse(planted.load())
    assert finding_of(section, f"{NAME}.latency_p50_ms", arm="query").value == pytest.approx(1.0)
    p95 = finding_of(section, f"{NAME}.latency_p95_ms", arm="query")
    assert (p95.value, p95.n, p95.status) == (pytest.approx(1.0), PAIRS * ANSWERS, "measured")


def test_few_answers_have_no_p95_and_one_pair_no_interval(tmp_path: Path) -> None:
    """Unknown, with what it would take; a ratio without bounds."""
    planted = PlantedRun(tmp_path / "run")
    rows = [
        row
        for n, arm in enumerate(("query", "scan"))
        for row in answers(n, 0, arm, times_ns=[QUERY_NS, 2 * QUERY_NS] * 10)
    ]
    planted.samples(NAME, rows, EXTRA)
    planted.scenario(NAME, params=PARAMS, trials=[trial(0, "query", "27004"), trial(1, "scan", "27004")])
    section = query_vs_scan.analyse(planted.load())
    p95 = finding_of(section, f"{NAME}.latency_p95_ms", arm="query")
    assert (p95.value, p95.status) == (None, "unknown")
    assert p95.reason is not None and "worth 20 independent ones, and a p95 takes 72" in p95.reason
    ratio = finding_of(section, f"{NAME}.latency_ratio")
    assert (ratio.value, ratio.low, ratio.high, ratio.n) == (pytest.approx(1), None, None, 1)


def test_wrong_answers_count_in_no_figure_and_are_told(planted: PlantedRun) -> None:
    """A wrong answer that is ten times as fast, and cheap, changes no figure."""
    before = query_vs_scan.analyse(planted.load())
    wrong = [
        row | {"outcome": "error", "error_code": "WrongAnswer", "t_end": row["t_start"] + 100, "read_units": 0.5}
        for row in answers(0, 0, "query", times_ns=[QUERY_NS] * 30)
    ]
    planted.samples(NAME, wrong, EXTRA, worker="1")
    after = query_vs_scan.analyse(planted.load())
    assert [one.value for one in after.findings] == [one.value for one in before.findings]
    (warning,) = after.warnings
    assert "31 × query error WrongAnswer" in warning


def test_an_arm_without_its_partner_gives_no_ratio(tmp_path: Path) -> None:
    """A run stopped before the first Scan: what a Query costs is known, the ratio isn't claimed."""
    planted = PlantedRun(tmp_path / "run", status="partial")
    planted.samples(NAME, answers(0, 0, "query", times_ns=[QUERY_NS] * 80), EXTRA)
    planted.scenario(NAME, params=PARAMS, trials=[trial(0, "query", "27004"), trial(1, "scan", "27004", done=False)])
    section = query_vs_scan.analyse(planted.load())
    assert findings_of(section, f"{NAME}.units_ratio") == []
    assert finding_of(section, f"{NAME}.units_per_answer").value == QUERY_UNITS


def test_a_price_that_is_missing_is_said(tmp_path: Path, planted: PlantedRun) -> None:
    """No dollars rather than zero dollars."""
    planted.manifest["prices"]["values"] = {}
    found = finding_of(query_vs_scan.analyse(planted.load()), f"{NAME}.usd_per_million_answers", arm="scan")
    assert (found.value, found.status) == (None, "unknown")
    assert "dynamodb.on_demand_read_usd_per_million" in found.sentence


def test_charts_carry_what_was_planted(planted: PlantedRun) -> None:
    """Three charts, drawn; the first has one row an arm, the last has each trial: all of a Query's answers but warm-ups take the same."""
    section = query_vs_scan.analyse(planted.load())
    assert len(drawn(section)) == 3
    table = section.charts[0].table.set_index("arm")
    assert table["units"].to_dict() == {"query": QUERY_UNITS, "scan": SCAN_UNITS}
    assert table["answers"].to_dict() == {"query": PAIRS * ANSWERS, "scan": PAIRS * ANSWERS}
    tails = section.charts[2].table
    of_query = tails[tails["arm"].str.startswith("query")]
    each = of_query[[f"trial {number + 1}, ms" for number in range(PAIRS)]].to_numpy()
    assert (np.nanmin(each), np.nanmax(each)) == (QUERY_NS / 1e6, QUERY_NS / 1e6)


def test_nothing_measured_reads_not_measured(tmp_path: Path) -> None:
    """With the scenario's own reason."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario(NAME, params=PARAMS, trials=[], status="not_measured", reason="the twin didn't start")
    assert_nothing_measured(query_vs_scan.analyse(planted.load()), "the twin didn't start")
