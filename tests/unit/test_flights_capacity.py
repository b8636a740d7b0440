"""The worked page of capacity: its demand, the parts it checks, and its sentences, from a demand and trials made by hand."""

import csv
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks import flights_capacity as maker
from benchmarks import flights_capacity_page as page
from benchmarks.flights_capacity_check import Trial, schedule
from benchmarks.flights_capacity_parts import Checked, Stretch, agreement
from harness import dataset, planning
from harness.dynamodb.parameters import KINDS
from harness.dynamodb.planner.model import Demand, Fixed, LaneReplay
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.pricing import Prices
from reports.load import Run
from reports.planner import analyse

FREE = {"dynamodb.provisioned_rcu_hour_usd": 0.0, "dynamodb.provisioned_wcu_hour_usd": 0.0}


def flat(minutes: int, read: float, write: float) -> Demand:
    """Units a minute of both kinds, from a midnight on."""
    return Demand(start_s=0, read=np.full(minutes, read), write=np.full(minutes, write))


def test_every_flight_is_in_the_trace_at_its_hour_of_utc(tmp_path: Path) -> None:
    """All 336,776; the first at 5 in the morning is 10:00 UTC in winter, and 9:00 UTC once summer time has begun on 10 March."""
    maker.write_trace(tmp_path / "flights.csv", range(1, 13))
    with (tmp_path / "flights.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8_760
    assert sum(int(row["writes_per_s"]) for row in rows) == dataset.load().flights.num_rows == 336_776
    assert all(int(row["reads_per_s"]) == 10 * int(row["writes_per_s"]) for row in rows)
    busy = [datetime.fromisoformat(row["time"]) for row in rows if row["writes_per_s"] != "0"]
    for day, hour in ((9, 10), (10, 9)):
        morning = [at for at in busy if (at.month, at.day) == (3, day) and at.hour >= 6]
        assert morning[0].hour == hour


def test_one_month_is_its_own_hours(tmp_path: Path) -> None:
    """January has 744 hours and 27,004 flights."""
    maker.write_trace(tmp_path / "flights.csv", [1])
    with (tmp_path / "flights.csv").open() as file:
        counts = [int(row["writes_per_s"]) for row in csv.DictReader(file)]
    assert (len(counts), sum(counts)) == (744, 27_004)


def test_requests_are_as_many_as_their_units_allow_and_evenly_due() -> None:
    """90 units a minute are no, one, and one request of 100 by the end of minutes 1 to 3; at speed 60 a minute is a second."""
    due, numbers = schedule(flat(3, 90, 100), speed=60)
    assert numbers == {"read": 2, "write": 6}
    assert [at for at, kind in due if kind == "read"] == [1_000_000_000, 2_000_000_000]
    assert [at for at, kind in due if kind == "write"] == [
        0,
        500_000_000,
        10**9,
        1_500_000_000,
        2 * 10**9,
        2_500_000_000,
    ]
    assert due == sorted(due, key=lambda one: one[0])


def trial(demand: Demand, refused: dict[str, int], lost: float = 0.0) -> Trial:
    """Served are all requests but those refused; ``lost`` read units were told by answers and not counted by the service."""
    asked = {kind: int(demand.of(kind).sum()) // units for kind, units in (("read", 100), ("write", 50))}  # type: ignore[arg-type]
    units = {"read": 100, "write": 50}
    served = {kind: np.array([(asked[kind] - refused[kind]) * units[kind]], dtype=float) for kind in KINDS}
    return Trial(
        asked=asked, refused=refused, served_units=served, late_p99_s=0.5, wall_s=1.0,  # type: ignore[arg-type]
        refused_units={kind: np.full(demand.minutes, refused[kind] * units[kind] / demand.minutes) for kind in KINDS},
        counted_units={kind: float(served[kind].sum()) - lost * (kind == "read") for kind in KINDS},
        reasons={"TableReadProvisionedThroughputExceeded": refused["read"]} if refused["read"] else {},
    )  # fmt: skip


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[planning.Planned, Path]:
    """Ten days of hours: 200 reads/s by day, 40 by night, one day twice that; and a tenth of it in writes."""
    folder = tmp_path_factory.mktemp("plan")
    rows = [
        f"2026-11-{10 + hour // 24:02}T{hour % 24:02}:00:00Z,{rate * (2 if hour // 24 == 5 else 1)},{rate // 10},400"
        for hour in range(240)
        for rate in (200 if 8 <= hour % 24 < 20 else 40,)
    ]
    (folder / "shop.csv").write_text("\n".join(["time,reads_per_s,writes_per_s,item_bytes", *rows]) + "\n")
    made = planning.plan(planning.Request(traces=(folder / "shop.csv",)))
    assert planning.write_report(made, folder / "plan", None) == 0
    return made, folder / "plan"


def test_the_page_is_whole_and_its_charts_are_small(planned: tuple[planning.Planned, Path], tmp_path: Path) -> None:
    """No figure is missing, the answer is the tool's own, every chart that it shows is drawn, in less than 150 KB."""
    made_plan, folder = planned
    stretches = maker.stretches_of(made_plan.plan, 120)
    assert stretches[0].when.startswith("15 November 2026")  # the day that is twice as busy
    checked = [
        Checked(stretch=one, outcome=setting, planned=Replayer(one.demand).replay(setting.setting), missed=0,
                trials=(trial(one.demand, {"read": 0, "write": 0}),))
        for one in stretches
        for setting in maker.settings_of(made_plan.plan)
    ]  # fmt: skip
    made = page.Made(
        planned=made_plan, section=analyse(Run.load(folder)), stretches=stretches, checked=tuple(checked),
        halves=maker.halves(made_plan), trials=1, speed=200, seed=1,
    )  # fmt: skip
    text = page.render(made)
    assert "{" not in text
    assert " ".join(planning.lines(made_plan)[0].split()) in " ".join(text.split())
    charts = page.charts_of(made)
    shown = {page.picture(chart) for chart in charts if f"]({page.picture(chart)})" in text}
    assert len(shown) == text.count("](flights-capacity-") == len(charts) == 5
    for chart in charts:
        maker.save(chart, tmp_path)
        assert 5_000 < (tmp_path / page.picture(chart)).stat().st_size < 150_000


def test_agreement_is_computed_from_the_trials() -> None:
    """10,000 read units: planned are 9,500, so 5 %; 6 of 100 requests refused are a point more, 9 are four; writes are as planned."""
    demand = flat(100, 100, 50)
    planned = {"read": LaneReplay(demand.read * 0.95, None), "write": LaneReplay(demand.write, None)}
    outcome = Replayer(demand).outcome(Fixed(read=1, write=1), Prices(date="", region="", source="", values=FREE))

    def said(refused: int, lost: float = 0.0) -> str:
        trials = (trial(demand, {"read": refused, "write": 0}, lost),)
        stretch = Stretch(letter="A", why="all of it", demand=demand)
        return agreement([Checked(stretch=stretch, outcome=outcome, planned=planned, trials=trials, missed=0)])  # type: ignore[arg-type]

    assert "is 1 percentage points, within the 1 that is asked for" in said(6)
    assert "is 4 percentage points, **not within** the 1 that is asked for" in said(9)
    assert "1 of 2 comparisons, the units are the same in 1 (but" in said(6)
    assert "In 1 of 1 trials the units" in said(6)
    assert "In 0 of 1 trials the units" in said(6, lost=100)
