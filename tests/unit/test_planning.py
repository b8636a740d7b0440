"""`dbharness plan`: what it prints, its JSON, the report it leaves, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from harness import planning
from harness.cli import app
from harness.dynamodb.planner.model import Fixed
from harness.errors import CannotMeasure, UsageError
from reports.load import Run
from reports.planner import analyse
from reports.render.html import html
from reports.render.markdown import markdown


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two days of reads, by the hour: 100 a second by day, 20 by night, one block each; and a write a second."""
    path = tmp_path / "shop.csv"
    rows = [
        f"2026-11-{25 + hour // 24}T{hour % 24:02}:00:00Z,{200 if 8 <= hour % 24 < 20 else 40},1" for hour in range(48)
    ]
    path.write_text("\n".join(["time,reads_per_s,writes_per_s", *rows]) + "\n")
    return path


def run(*words: str | Path) -> str:
    """What the command prints when all is well."""
    result = CliRunner().invoke(app, ["plan", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_answer_comes_first_with_its_reason(trace: Path) -> None:
    """A table of hours fits exactly: 12 hours at 100 RCU, 12 at 20, 1 WCU: (60 · 0.00013 + 0.00065) · 730 = $6.1685."""
    said = run(trace, "--item-bytes", "100", "--check").splitlines()
    assert said[0] == (
        "Set a capacity for each hour of the day (the 50 % quantile of it), 20 to 100 read and 1 write units: $6.17 a month, "
        "the cheapest that throttles at most 0.1 % of reads and of writes (it throttles nothing)."
    )
    # On demand: 60 · 3600 · 730 reads are $19.71, a write a second $1.6425.
    assert "On demand would cost $21.35, 3.5 times as much." in said[1]
    assert any(line.startswith("  fixed, 100 R 1 W: USD $9.96") for line in said)
    assert any("minute by minute the same through the twin's own rules" in line for line in said)
    assert said[-1].startswith("Modelled, not measured: shop.csv, 11,520 minutes,")
    assert "Supposed: 2,880 minutes are shorter than a week: the same 4 times after each other." in said


def test_json_is_one_document_with_the_same_figures(trace: Path) -> None:
    """For programs: schema 1, nothing else on standard output."""
    plan = json.loads(run(trace, "--item-bytes", "100", "--json", "--most-throttled", "0"))
    assert plan["schema"] == 1
    assert plan["asked"]["most_throttled_share"] == 0
    assert plan["cheapest"]["usd_month"] == pytest.approx(6.1685)
    assert plan["on_demand"]["usd_month"] == pytest.approx(21.3525)
    assert plan["break_even_utilisation"]["read"] == pytest.approx(0.28889, abs=1e-5)
    assert [one["growth"] for one in plan["variations"]] == [0.8, 1.2, 1, 1, 1]
    lane = plan["timeline"]["read"]
    assert sum(lane["mean_units_per_s"]) / len(lane["mean_units_per_s"]) == pytest.approx(60, rel=0.01)


def test_a_report_stands_on_the_plan_alone(trace: Path, tmp_path: Path) -> None:
    """Findings are modelled, n is the minutes, eight days of them; every chart's table has its rows; a setting that doesn't do is *not measured*."""
    planned = planning.plan(planning.Request(traces=(trace,), item_bytes=100, most_throttled_percent=0))
    out = tmp_path / "plan"
    assert planning.write_report(planned, out, None) == 0
    section = analyse(Run.load(out))
    by_id = {finding.id: finding for finding in section.findings}
    assert by_id["planner.usd_month"].value == pytest.approx(6.1685)
    assert {finding.basis for finding in section.findings if finding.value is not None} == {"modelled"}
    assert by_id["planner.usd_month"].n == 11_520
    assert "A price check, not a measurement" in by_id["planner.break_even_utilisation"].sentence
    assert [len(chart.table) for chart in section.charts] == [len(planned.plan.found.outcomes), 768, 288, 768, 288, 6]
    written = json.loads((out / "findings.json").read_text())
    assert [one["id"] for one in written] == [finding.id for finding in section.findings]
    manifest = json.loads((out / "manifest.json").read_text())
    assert "What to set for this demand" in html(manifest, False, [section])
    assert "planner.usd_month" in markdown(manifest, False, [section])


def test_what_no_setting_can_do_is_said(trace: Path, tmp_path: Path) -> None:
    """One key takes everything: 40,000 reads/s are 20,000 units, and a partition serves 3,000."""
    shares, hot = tmp_path / "shares", tmp_path / "hot.csv"
    shares.write_text("1\n")
    hot.write_text(
        "time,reads_per_s,writes_per_s,item_bytes\n2026-11-25T12:00:00Z,40000,0,1\n2026-11-25T12:01:00Z,40000,0,1\n"
    )
    asked = planning.Request(traces=(hot,), key_shares=shares)
    planned = planning.plan(asked)
    assert planned.plan.found.cheapest is None
    # Each minute 1,200,000 units; 180,000 are served, and once, of two minutes repeated for a week, 3,000 more.
    assert planned.plan.advised.throttled_share == pytest.approx(0.85 - 3_000 / 1_200_000 / 10_080)
    assert planning.lines(planned)[0].startswith(
        "No setting throttles at most 0.1 % of reads and of writes; the least throttles 85.000 %"
    )


def test_reservations_and_a_table_of_ones_own_are_compared(trace: Path, tmp_path: Path) -> None:
    """Reserved, 100 RCU all year cost $4.325, less than the table of hours; one's own table has its file's name."""
    table = tmp_path / "mine.csv"
    table.write_text("".join(f"{100 if 8 <= hour < 20 else 20},1\n" for hour in range(24)))
    asked = planning.Request(traces=(trace,), item_bytes=100, reserved=True, schedule=table)
    planned = planning.plan(asked)
    assert planned.plan.advised.reserved_usd_month == pytest.approx(4.325 + 0.4745)
    assert any(getattr(one.setting, "name", "") == "mine.csv" for one in planned.plan.found.outcomes)


def test_the_check_would_notice_a_difference(trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiled replay that served one unit less is refused."""
    asked = planning.Request(traces=(trace,), item_bytes=100)
    planned = planning.plan(asked)
    served = np.full(planned.plan.demand.minutes, 1.0)
    monkeypatch.setattr(planning, "_compiled", lambda *_: {"read": served, "write": served})
    with pytest.raises(CannotMeasure, match="differ in their reads"):
        planning.check(planned.plan, planned.assumptions)


def test_wrong_options_and_missing_prices_are_refused(trace: Path, tmp_path: Path) -> None:
    """Before anything is replayed, with the way out."""
    for asked, said in (
        (planning.Request(traces=()), "expected one of: trace files, --from-run RUN, --from-table NAME"),
        (
            planning.Request(traces=(trace,), from_run=tmp_path),
            "expected one of: trace files, --from-run RUN, --from-table NAME",
        ),
        (planning.Request(traces=(trace,), most_throttled_percent=101), "--most-throttled must be from 0 to 100"),
        (planning.Request(traces=(trace,), item_bytes=0), "--item-bytes must be from 1 to 409600, got 0"),
        (planning.Request(traces=(trace,), out=trace.parent), "exists and isn't an empty directory"),
        (planning.Request(traces=(trace,), scaling_delay_s=-1), "--scaling-delay must be 0 or more"),
        (
            planning.Request(traces=(trace,), region="mars-1", item_bytes=1),
            r"no prices for region 'mars-1'.*--price-region, or name a file with --prices",
        ),
    ):
        with pytest.raises(UsageError, match=said):
            planning.plan(asked)
    prices = tmp_path / "prices.yaml"
    prices.write_text("date: d\nsource: s\nregions: {us-east-1: {dynamodb.on_demand_read_usd_per_million: 1}}\n")
    with pytest.raises(CannotMeasure, match="isn't in the price file"):
        planning.plan(planning.Request(traces=(trace,), item_bytes=100, prices_file=str(prices)))


def test_a_short_trace_is_not_carried_by_the_store_it_begins_with(tmp_path: Path) -> None:
    """One minute at 300 reads/s could be served by 50 RCU and their store; a month of them needs 150."""
    short = tmp_path / "short.csv"
    short.write_text("time,reads_per_s,writes_per_s,item_bytes\n2026-11-25T12:00:00Z,300,0,1\n")
    planned = planning.plan(planning.Request(traces=(short,), most_throttled_percent=0))
    assert planned.plan.advised.read.mean_capacity == 150


def test_nothing_provisions_more_than_the_quota(tmp_path: Path) -> None:
    """120,000 reads/s are 60,000 units: too much for any setting, until the quota is said to have been raised."""
    large = tmp_path / "large.csv"
    large.write_text("time,reads_per_s,writes_per_s,item_bytes\n2026-11-25T12:00:00Z,120000,0,1\n")
    asked = planning.Request(traces=(large,))
    planned = planning.plan(asked)
    assert planned.plan.found.cheapest is None
    assert max(one.read.most_capacity or 0 for one in planned.plan.found.outcomes) == 40_000
    raised = planning.plan(replace(asked, most_capacity=100_000))
    assert raised.plan.advised.read.mean_capacity == pytest.approx(60_000, rel=0.002)


def test_what_rests_on_the_store_is_seen_without_it(tmp_path: Path) -> None:
    """A week of 100 reads/s and a minute an hour of 700: 59 RCU carry it, ⌈21,000 / 360⌉, by a store that nobody promises."""
    peaks = tmp_path / "peaks.csv"
    rows = [
        f"2026-11-{16 + at // 1_440}T{at // 60 % 24:02}:{at % 60:02}:00Z,{700 if at % 60 == 0 else 100},0,1"
        for at in range(10_080)
    ]
    peaks.write_text("\n".join(["time,reads_per_s,writes_per_s,item_bytes", *rows]) + "\n")
    planned = planning.plan(planning.Request(traces=(peaks,), most_throttled_percent=0))
    fixed = planned.plan.found.by_family["fixed"].setting
    # The store is full at the hour: 300 c + 60 c serve 21,000; refilled with c − 50 a second over 59 minutes.
    assert fixed == Fixed(read=59, write=1)
    without = planned.plan.variations[-1]
    assert without.name == "no store of unused capacity"
    assert without.cheapest is not None
    assert without.cheapest.usd_month > planned.plan.advised.usd_month
