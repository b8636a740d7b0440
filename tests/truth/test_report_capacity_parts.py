"""What was planted in the parts of capacity_modes comes back as findings, each worked out by hand; no more is claimed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from planted_demands import NAME, Op, PlantedDemands, evenly, every
from rundir import PlantedRun, drawn, finding_of, findings_of

from reports import capacity_modes
from reports.render import figures

TABLE = "TableWriteProvisionedThroughputExceeded"
KEY_RANGE = "TableReadKeyRangeThroughputExceeded"
INDEX = "IndexWriteProvisionedThroughputExceeded"


@pytest.fixture
def planted(tmp_path: Path) -> PlantedDemands:
    """An empty run."""
    return PlantedDemands(PlantedRun(tmp_path / "run"))


def flat_steps(planted: PlantedDemands, onsets_s: tuple[float, ...]) -> None:
    """Twice the capacity of 4 for 400 s; on the provisioned table every second request is refused from its round's onset on,
    on demand every second write from the first on.
    """
    for onset_s in onsets_s:
        for arm, first in (("provisioned", round(onset_s * 8)), ("on_demand", 0)):
            of_read = every(2, "TableReadProvisionedThroughputExceeded", after=first if first else 10**6)
            of_write = every(2, TABLE, after=first)
            ops = [*evenly("read", 8, 0, 400, of_read), *evenly("write", 8, 0, 400, of_write)]
            planted.trial("steps", arm, ops, service_s=400.0, multiple=2.0)


def test_onset_and_its_ratio_stand_beside_b2s_arithmetic(planted: PlantedDemands) -> None:
    """298, 300 and 302 s: mean 300, s = 2, 4.30265·2/√3 = 4.96827. B2: 300 s at twice the capacity; 4.96827/300 = 0.0165609."""
    flat_steps(planted, (298.0, 300.0, 302.0))
    section = capacity_modes.analyse(planted.load())
    for kind in ("read", "write"):
        about = {"kind": kind, "part": "steps", "demand": "flat", "step": "2x", "scale": "1000"}
        onset = finding_of(section, f"{NAME}.provisioned.throttle_onset_s", **about)
        ratio = finding_of(section, f"{NAME}.provisioned.onset_ratio", **about)
        assert (onset.value, onset.low, onset.high) == pytest.approx((300, 295.03173, 304.96827), abs=1e-4)
        assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1, 0.9834391, 1.0165609), abs=1e-6)
        assert (onset.n, ratio.n, ratio.unit) == (3, 3, "ratio")
    assert section.verdict[0] == finding_of(section, f"{NAME}.provisioned.throttle_onset_s", kind="read").sentence
    assert "the first read was throttled after 300 s (1 of what B2's arithmetic says)" in section.verdict[0]
    assert "the first write was throttled after 300 s (1 of what B2's arithmetic says)" in section.verdict[0]


def test_an_onset_that_never_came_is_not_told_as_one_where_the_tool_was_late_too(planted: PlantedDemands) -> None:
    """Nothing refused in 320 s, where B2 says 300 s; 320 s at speed 50 are 6.4 s, a tenth of which 700 ms are above."""
    ops = [*evenly("read", 8, 0, 320), *evenly("write", 8, 0, 320)]
    number = planted.trial("steps", "provisioned", ops, service_s=320.0, multiple=2.0)
    planted.planted.generator(NAME, number, lateness_p99_ms=700.0)
    section = capacity_modes.analyse(planted.load())
    onset = finding_of(section, f"{NAME}.provisioned.throttle_onset_s", kind="read")
    assert (onset.status, onset.value, onset.high, figures.value(onset)) == (
        "tool_bound",
        320.0,
        None,
        "at least 320 s",
    )
    assert "no read was throttled within 320 s (at least 1.07 of what B2's arithmetic says)" in section.verdict[0]
    assert "no write was throttled within 320 s (at least 1.07 of what B2's arithmetic says)" in section.verdict[0]
    assert "bounded" not in onset.as_record()


def test_shares_stand_beside_the_arithmetic_of_their_rule(planted: PlantedDemands) -> None:
    """Every second of 8 a second from 298, 300, 302 s to 400 s: 408, 400, 392 of 3,200 each, 12.5 %.

    Log-odds −1.923246, −1.945910, −1.968966: mean −1.946041, s = 0.0228601, 4.302653·s/√3 = 0.0567876; back from −2.002828
    and −1.889253: 11.89062 to 13.13292 %. B2 serves 4·(400 + 300) of 3,200: 12.5 % refused. B5 serves 4·(400 + 1) writes: 49.9 %.
    """
    flat_steps(planted, (298.0, 300.0, 302.0))
    section = capacity_modes.analyse(planted.load())
    share = finding_of(section, f"{NAME}.provisioned.throttled_share", kind="write")
    good = finding_of(section, f"{NAME}.provisioned.goodput_share", kind="write")
    assert (share.value, share.low, share.high) == pytest.approx((0.125, 0.1189062, 0.1313292), abs=1e-6)
    assert (good.value, good.low, good.high) == pytest.approx((0.875, 0.8686708, 0.8810938), abs=1e-6)
    assert "12.5 % of 9,600 write attempts were throttled" in share.sentence
    assert "B2's arithmetic: 12.5 %" in share.sentence and "B2's arithmetic: 87.5 %" in good.sentence
    on_demand = finding_of(section, f"{NAME}.on_demand.throttled_share", kind="write")
    assert (on_demand.value, on_demand.low, on_demand.high) == (0.5, 0.5, 0.5)
    assert "B5's arithmetic: 49.9 %" in on_demand.sentence and "rates of B1 and B5 ÷ 1,000" in on_demand.sentence
    assert findings_of(section, f"{NAME}.on_demand.throttle_onset_s", kind="read") == []
    assert findings_of(section, f"{NAME}.on_demand.onset_ratio") == []


def test_the_share_chart_has_the_arithmetic_as_a_line_through_the_multiples_that_were_asked(
    planted: PlantedDemands,
) -> None:
    """At half the capacity nothing is refused; at twice it, in 400 s, 12.5 % by B2."""
    planted.trial("steps", "provisioned", evenly("write", 2, 0, 400), service_s=400.0, step="0.5x", multiple=0.5)
    flat_steps(planted, (300.0,))
    section = capacity_modes.analyse(planted.load())
    chart = next(chart for chart in section.charts if chart.id == f"{NAME}-share")
    line = chart.table[(chart.table["series"] == "B2's arithmetic") & (chart.table["kind"] == "write")]
    ends = line.set_index("demand ÷ capacity")["throttled, %"]
    assert (ends.loc[0.5], ends.loc[2.0]) == pytest.approx((0, 12.5))
    points = chart.table[(chart.table["series"] == "provisioned") & (chart.table["kind"] == "write")]
    assert points["throttled, %"].tolist() == pytest.approx([0, 12.5])
    assert "12.5 % of 3,200 write attempts were throttled" in chart.alt


def a_day(planted: PlantedDemands) -> None:
    """300 reads in 100 s. Provisioned: 4 units, or 4 and from 50 s on 8; on demand: a unit each."""
    for arm in ("on_demand", "autoscaled", "provisioned"):
        number = planted.trial(
            "diurnal", arm, evenly("read", 3, 0, 100), service_s=100.0, demand="diurnal", step="diurnal",
            first_hour=5, hours=1, peak_multiple=0.75,
        )  # fmt: skip
        if arm == "autoscaled":
            planted.capacity(number, 0.2, 4, 4)  # seen a little later: it has been so from the beginning
            planted.capacity(number, 50, 8, 4)
        planted.consumed(number, 300, 0)


def test_headroom_and_dollars_follow_the_capacity_that_the_service_said(planted: PlantedDemands) -> None:
    """Fixed: 400 unit-seconds, 300 used: 25 % unused; 400/3600 · $0.00013 / 300 reads = $0.0481481 a million.

    Scaled: 4·50 + 8·50 = 600, 50 % unused, $0.0722222. On demand $0.125. Break-even 0.00013/(0.125·10⁻⁶·3600) = 28.9 %.
    """
    a_day(planted)
    section = capacity_modes.analyse(planted.load())
    for arm, unused, usd in (("provisioned", 0.25, 0.04814815), ("autoscaled", 0.5, 0.07222222)):
        assert finding_of(section, f"{NAME}.{arm}.headroom_share").value == pytest.approx(unused)
        assert finding_of(section, f"{NAME}.{arm}.usd_per_million_served").value == pytest.approx(usd)
    on_demand = finding_of(section, f"{NAME}.on_demand.usd_per_million_served")
    assert (on_demand.value, on_demand.basis) == (pytest.approx(0.125), "modelled")
    assert findings_of(section, f"{NAME}.on_demand.headroom_share") == []
    even = finding_of(section, f"{NAME}.break_even_utilisation", kind="write")
    assert (even.value, even.basis) == (pytest.approx(0.2888889), "modelled")
    assert even.sentence.startswith("A price check, not a measurement: ")
    assert "cost provisioned $0.0481, with auto scaling $0.0722, on demand $0.125" in section.verdict[-1]
    assert "28.9 % of what is provisioned is used (C1), here it was 75 %" in section.verdict[-1]


def test_the_timeline_has_a_row_an_arm_with_capacity_in_steps(planted: PlantedDemands) -> None:
    """Bins of 2.5 s, arms in the order of the page whatever the trials' was: 4 units before 50 s, 8 after; of on demand what
    it may serve at first, 12,000/1,000.
    """
    a_day(planted)
    section = capacity_modes.analyse(planted.load())
    table = next(chart for chart in section.charts if chart.id == f"{NAME}-diurnal-read").table
    assert table["arm"].unique().tolist() == ["provisioned", "with auto scaling", "on demand"]
    scaled = table[table["arm"] == "with auto scaling"].set_index("service s")["capacity units/s"]
    assert scaled.loc[:49].unique().tolist() == [4.0] and scaled.loc[51:].unique().tolist() == [8.0]
    assert table.loc[table["arm"] == "on demand", "capacity units/s"].unique().tolist() == [12.0]
    assert table["served units/s"].sum() * 2.5 == pytest.approx(900)
    assert len(drawn(section)) == len(section.charts)


SPIKE = {
    "base_multiple": 0.5, "peak_multiple": 5.0, "before_service_s": 20.0, "spike_service_s": 100.0, "after_service_s": 20.0,
}  # fmt: skip


def spike(kind: str, after: int, nth: int) -> Iterator[Op]:
    """2 a second, 20 a second for 100 s, 2 a second; of the spike every ``nth`` is refused from its number ``after`` on."""
    yield from evenly(kind, 2, 0, 20)
    yield from evenly(kind, 20, 20, 120, every(nth, TABLE, after=after))
    yield from evenly(kind, 2, 120, 140)


def test_a_spike_has_its_arms_in_one_sentence_and_new_against_warm_in_the_next(planted: PlantedDemands) -> None:
    """2,080 requests. B2: 300 s of store last 300/(5 − 1) = 75 s, until 95 s; of the last 25 s 16 of 20 are refused: 400, 19.2 %.

    Planted: every second of those 500, 250 (12 %); with scaling from 95 s on every 20th, 25 (1.2 %); new on demand every fourth
    of 2,000 writes, 500 (24 %); warm none. The scaled table's arithmetic holds until its first change, at 110 s.
    """
    arms = {"provisioned": (1500, 2), "autoscaled": (1500, 20), "on_demand": (0, 4), "on_demand_warm": (10**6, 1)}
    for arm, (after, nth) in arms.items():
        ops = [*spike("write", after, nth), *spike("read", 10**6, 1)]
        number = planted.trial(
            "spike", arm, ops, service_s=140.0, demand="spike", step="spike_10x", warm_write_rate=25, **SPIKE
        )
        if arm == "autoscaled":
            planted.capacity(number, 0, 4, 4)
            planted.capacity(number, 110, 4, 28)
    section = capacity_modes.analyse(planted.load())
    one, two = section.verdict[:2]
    assert "With a spike from 0.5 to 5 times the 4 provisioned write units for 100 s" in one
    assert (
        "provisioned 12 % (0 %); with auto scaling 1.2 % (0 %); on demand 24 % (0 %); on demand, warmed up 0 % (0 %)"
        in one
    )
    assert "ready for 4 write units a second, throttled 24 % of the spike's writes" in two
    assert "warmed up in advance for 25 write units a second, 0 %" in two
    share = finding_of(section, f"{NAME}.provisioned.goodput_share", kind="write")
    assert "B2's arithmetic: 80.8 %" in share.sentence
    for arm in ("provisioned", "autoscaled"):
        ratio = finding_of(section, f"{NAME}.{arm}.onset_ratio", kind="write")
        assert (ratio.value, ratio.low) == (pytest.approx(1), None)
    scaled = finding_of(section, f"{NAME}.autoscaled.throttled_share", kind="write")
    assert "arithmetic" not in scaled.sentence  # of a share: the capacity changed before the end


@pytest.mark.parametrize(("most", "told"), [(2, "13.6 %"), (30, "23.3 %")], ids=["below", "above"])
def test_a_maximum_above_what_a_new_table_serves_doesnt_raise_it(planted: PlantedDemands, most: int, told: str) -> None:
    """A new table serves 4 a second. Before and after the spike 80 pass; in its 100 s, with what a second keeps,

    a maximum of 2 lets 2·101 = 202 pass, 282 of 2,080 in all: 13.6 %; one of 30 lets 4·101 = 404, 484: 23.3 %.
    """
    planted.trial(
        "spike", "on_demand_max", spike("write", 10**6, 1), service_s=140.0, demand="spike", step="spike_10x",
        on_demand_write_rate=4.0, max_write_rate=most, **SPIKE,
    )  # fmt: skip
    section = capacity_modes.analyse(planted.load())
    share = finding_of(section, f"{NAME}.on_demand_max.goodput_share", kind="write")
    assert f"B5's arithmetic: {told}" in share.sentence


def test_the_arithmetic_of_an_onset_is_left_out_where_capacity_changed_before(planted: PlantedDemands) -> None:
    """Raised at 80 s; by the capacity of the beginning the store would have been empty at 95 s."""
    number = planted.trial(
        "spike", "autoscaled", spike("write", 1500, 2), service_s=140.0, demand="spike", step="spike_10x", **SPIKE
    )
    planted.capacity(number, 0, 4, 4)
    planted.capacity(number, 80, 4, 6)
    section = capacity_modes.analyse(planted.load())
    onset = finding_of(section, f"{NAME}.autoscaled.throttle_onset_s")
    assert onset.value == pytest.approx(95) and "arithmetic" not in onset.sentence
    assert findings_of(section, f"{NAME}.autoscaled.onset_ratio") == []


def under_policies(planted: PlantedDemands, rounds: int) -> None:
    """3,200 writes in 400 s, of which from 300 s on every second is refused at first, 400 of them.

    Without retries that is that. ``standard`` asks again 1.5 s later and is served. ``adaptive`` holds 200 of them back from
    the first and asks for the other 200 once; it sends none of them again.
    """
    held, again = (10.0, "ClientSendRate"), (1.5, None)
    after = {
        "none": lambda _: ((0.0, TABLE),),
        "standard": lambda _: ((0.0, TABLE), again),
        "adaptive": lambda number: (held,) if number % 4 else ((0.0, TABLE), held),
    }
    for _ in range(rounds):
        for policy, tries in after.items():
            ops = [
                Op(kind="write", due_s=number / 8, attempts=tries(number) if number >= 2400 and number % 2 == 0 else ((0.0, None),))
                for number in range(3200)
            ]  # fmt: skip
            number = planted.trial(
                "policy",
                policy,
                ops,
                service_s=400.0,
                step="retries_2x",
                policy=policy,
                multiple=2.0,
                patience_service_s=10,
            )
            planted.consumed(number, 0, 3200 if policy == "standard" else 2800)


def test_policies_tell_attempts_served_share_refusals_and_latency_with_retries_in_it(planted: PlantedDemands) -> None:
    """Attempts: 1; 3,600/3,200 = 1.125; of adaptive 3,000 were sent: 0.9375. Served: 2,800, 3,200, 2,800 of 3,200.

    Refused by the service for each served: 400/2,800, 400/3,200, 200/2,800. An attempt takes 10 ms: p50 of all, p99 without
    retries; an eighth of ``standard`` took 1.51 s, and so its p99. All rounds are alike: exact.
    """
    under_policies(planted, 2)
    section = capacity_modes.analyse(planted.load())
    truths = {
        "attempts_per_request": (1, 1.125, 0.9375),
        "served_share": (0.875, 1, 0.875),
        "refused_attempts_per_served": (1 / 7, 0.125, 1 / 14),
        "latency_p50_s": (0.01, 0.01, 0.01),
        "latency_p99_s": (0.01, 1.51, 0.01),
    }
    for what, values in truths.items():
        for arm, value in zip(("none", "standard", "adaptive"), values, strict=True):
            found = finding_of(section, f"{NAME}.policy.{what}", arm=arm, part="policy")
            assert found.value == pytest.approx(value, rel=1e-6), (what, arm)
            assert (found.low, found.high) == pytest.approx((value, value), rel=1e-6), (what, arm)
            assert found.n == 2 and found.labels.get("policy", "none") == arm
    assert finding_of(section, f"{NAME}.standard.goodput_share").value == 1
    assert finding_of(section, f"{NAME}.standard.throttled_share").value == pytest.approx(400 / 3600)
    reasons = {one.labels["reason"]: one.value for one in findings_of(section, f"{NAME}.adaptive.throttled_by_reason")}
    assert reasons == pytest.approx({TABLE: 200 / 3400, "ClientSendRate": 400 / 3400})
    assert (
        "without retries 87.5 % (1 attempt a request, p99 10 ms); standard retries 100 % (1.12 attempts a request, p99 1.51 s)"
        in section.verdict[0]
    )
    assert any("held back" in line or "holds back" in line for line in section.method)


def test_a_latency_in_service_seconds_is_held_against_the_tools_floor_on_the_walls_clock(
    planted: PlantedDemands,
) -> None:
    """10 ms of the service are 200 µs of the wall at a speed of 50: over a floor of 120 µs 80 µs, 6 and 4 ms of the service.

    The p99 of the floor is 200 µs: nothing is left of the p99 without retries.
    """
    under_policies(planted, 2)
    figures = {"mean": 120, "p50": 120, "p95": 150, "p99": 200}
    floors = [{"n": 100} | {f"{name}_ns": 1000 * us for name, us in figures.items()}] * 3
    floor = {"client": "lean", "op": "PutItem", "request_bytes": 1, "answer_bytes": 1, "trials": floors}
    section = capacity_modes.analyse(planted.load(floors=[floor]))
    middle = finding_of(section, f"{NAME}.policy.latency_p50_s", arm="none")
    assert middle.status == "measured" and middle.tool is not None and middle.tool.excess is not None
    assert (middle.tool.floor, middle.tool.excess.value) == pytest.approx((0.006, 0.004))
    assert "The tool's floor is 120 µs of the wall's clock, the excess over it 80 µs" in middle.sentence
    tail = finding_of(section, f"{NAME}.policy.latency_p99_s", arm="none")
    assert tail.status == "tool_bound" and "can't be told from 0" in str(tail.reason)
    assert finding_of(section, f"{NAME}.policy.latency_p99_s", arm="standard").status == "measured"


def test_too_few_requests_carry_no_percentile(planted: PlantedDemands) -> None:
    """367 of a trial's are one too few for a p99, and enough for a p50."""
    ops = evenly("write", 1, 0, 367)
    planted.trial("policy", "none", ops, service_s=367.0, step="retries_2x", multiple=0.25)
    section = capacity_modes.analyse(planted.load())
    tail = finding_of(section, f"{NAME}.policy.latency_p99_s")
    assert (tail.value, tail.status) == (None, "not_measured")
    assert tail.reason == "a trial with 367 served requests has too few for a p99"
    assert finding_of(section, f"{NAME}.policy.latency_p50_s").value == pytest.approx(0.01)


def test_units_are_reconciled_with_what_the_service_counted(planted: PlantedDemands) -> None:
    """Refused attempts consumed nothing: 2 × (2,800 + 3,200 + 2,800) units by both counts. 2 × (400 + 400 + 200) refused."""
    under_policies(planted, 2)
    section = capacity_modes.analyse(planted.load())
    counted = finding_of(section, f"{NAME}.reconciled_units", kind="write")
    assert (counted.value, counted.low, counted.high, counted.n) == (0, 0, 0, 6)
    assert "The answers told of 17,600 write units" in counted.sentence
    assert "2,000 refused attempts consumed nothing." in counted.sentence
    assert finding_of(section, f"{NAME}.reconciled_units", kind="read").status == "not_measured"
    assert section.warnings == ()


def test_units_that_differ_are_a_finding_and_a_warning(planted: PlantedDemands) -> None:
    """One trial's service counted 3 more, another's 2 less: 5 differ."""
    for difference in (3, -2, 0):
        number = planted.trial("steps", "provisioned", evenly("read", 4, 0, 100), service_s=100.0, multiple=1.0)
        planted.consumed(number, 400 + difference, 0)
    section = capacity_modes.analyse(planted.load())
    counted = finding_of(section, f"{NAME}.reconciled_units", kind="read")
    assert (counted.value, counted.n) == (5, 3)
    assert "in 1 of 3 trials the service counted the same itself; 5 differ" in counted.sentence
    assert "consumed nothing" not in counted.sentence
    assert len(section.warnings) == 1 and "no figure here is to be trusted" in section.warnings[0]


def back_pressure(planted: PlantedDemands) -> None:
    """4 writes a second for 200 s on a table of 8, each a unit of the table and of its index; the index has 8, or 1: then
    from 100 s on 3 of 4 are refused.
    """

    def starved(number: int) -> str | None:
        return INDEX if number >= 400 and number % 4 else None

    for arm, units in (("no_index", 0), ("index_enough", 8), ("index_starved", 1)):
        refused = starved if arm == "index_starved" else lambda _: None
        ops = evenly("write", 4, 0, 200, refused, index_units=1.0 if units else None)
        number = planted.trial(
            "back_pressure", arm, ops, service_s=200.0, step="index_writes", read_capacity_units=8, write_capacity_units=8,
            multiple=0.5, index_write_units=units,
        )  # fmt: skip
        planted.capacity(number, 0, 8, 8)
        if units:
            planted.capacity(number, 0, 1, units, resource="by_dest")


def test_a_starved_index_holds_back_its_table_and_says_why(planted: PlantedDemands) -> None:
    """B2 of the index: 300/(4 − 1) = 100 s; the first refused is the second of four, at 100.25 s. 300 of 800: 37.5 %.

    500 served writes consumed 2 units each: 1,000 of (8 + 1)·200 = 1,800, 44.4 % unused. 1,800/3,600 h · $0.00065 for 500
    writes: $0.65 a million.
    """
    back_pressure(planted)
    section = capacity_modes.analyse(planted.load())
    starved = f"{NAME}.index_starved"
    assert finding_of(section, f"{starved}.throttled_share").value == pytest.approx(0.375)
    assert finding_of(section, f"{starved}.throttle_onset_s").value == pytest.approx(100.25)
    assert finding_of(section, f"{starved}.onset_ratio").value == pytest.approx(1.0025)
    assert finding_of(section, f"{starved}.headroom_share").value == pytest.approx(1 - 1000 / 1800)
    assert finding_of(section, f"{starved}.usd_per_million_served").value == pytest.approx(0.65)
    assert "B2's arithmetic: 62.5 %" in finding_of(section, f"{starved}.goodput_share").sentence
    said = section.verdict[0]
    assert "an index with too little (1 write unit) had 37.5 % of its table's writes throttled" in said
    assert f"for {INDEX}; without an index 0 %; an index with enough (8 write units) 0 %" in said


def test_one_hot_key_gets_what_one_partition_serves(planted: PlantedDemands) -> None:
    """5.7 reads a second of which 3.75 are served, after a store of 20 s: 75/(5.7 − 3.75) = 38.46 s; then 1.95 a second.

    (200 − 38.46)·1.95 = 315 of 1,140: 27.6 %. Planted: every fourth, 285: 25 %.
    """
    for arm in ("provisioned", "on_demand"):
        planted.trial(
            "hot", arm, evenly("read", 5.7, 0, 200, every(4, KEY_RANGE)), service_s=200.0, demand="hot_key", step="hot_key",
            multiple=0.95, read_capacity_units=6, on_demand_read_rate=15.0, on_demand_burst_s=20.0, partition_read_rate=3.75,
            partition_write_rate=1.25, partition_burst_s=20.0,
        )  # fmt: skip
    section = capacity_modes.analyse(planted.load())
    for arm in ("provisioned", "on_demand"):
        share = finding_of(section, f"{NAME}.{arm}.throttled_share", part="hot", demand="hot_key")
        assert share.value == pytest.approx(0.25) and "B1's arithmetic: 27.6 %" in share.sentence
        assert finding_of(section, f"{NAME}.{arm}.throttled_by_reason", reason=KEY_RANGE).value == pytest.approx(0.25)
    table = next(chart for chart in section.charts if chart.id == f"{NAME}-hot-read").table
    assert table["one partition units/s"].unique().tolist() == [3.75]
    assert any("here up to 20 s of it" in line for line in section.method)


def test_a_price_that_isnt_in_the_file_leaves_its_dollars_out_and_nothing_else(tmp_path: Path) -> None:
    prices = {"dynamodb.on_demand_read_usd_per_million": 0.125, "dynamodb.provisioned_wcu_hour_usd": 0.00065}
    planted = PlantedDemands(PlantedRun(tmp_path / "run", prices=prices))
    a_day(planted)
    section = capacity_modes.analyse(planted.load())
    dear = finding_of(section, f"{NAME}.provisioned.usd_per_million_served")
    assert (dear.value, dear.status) == (None, "not_measured")
    assert dear.reason == "the price dynamodb.provisioned_rcu_hour_usd isn't in the price file"
    assert finding_of(section, f"{NAME}.on_demand.usd_per_million_served").value == pytest.approx(0.125)
    assert finding_of(section, f"{NAME}.provisioned.headroom_share").value == pytest.approx(0.25)
    assert [one.status for one in findings_of(section, f"{NAME}.break_even_utilisation")] == ["not_measured"] * 2
    assert "break-even" not in section.verdict[-1] and "C1" not in section.verdict[-1]
    assert len(drawn(section)) == len(section.charts)


def test_a_part_whose_trials_didnt_end_is_not_measured_and_the_others_are(planted: PlantedDemands) -> None:
    """A run cut short in its back pressure: the steps stand, the starved index has no figure and opens nothing with a zero."""
    flat_steps(planted, (300.0,))
    planted.trial(
        "back_pressure", "index_starved", evenly("write", 4, 0, 50), service_s=200.0, step="index_writes", done=False,
        multiple=0.5, write_capacity_units=8, index_write_units=1,
    )  # fmt: skip
    section = capacity_modes.analyse(planted.load(status="partial"))
    cut = findings_of(section, f"{NAME}.index_starved.throttled_share")
    assert [(one.value, one.status) for one in cut] == [(None, "not_measured")]
    assert cut[0].headline and cut[0].reason == "no index_starved trial of step index_writes ran to its end"
    assert finding_of(section, f"{NAME}.provisioned.throttled_share", kind="read").value == pytest.approx(0.125)
    assert {chart.id for chart in section.charts} == {f"{NAME}-share", f"{NAME}-cost"}


def test_parts_that_werent_asked_are_named_and_give_no_findings(planted: PlantedDemands) -> None:
    flat_steps(planted, (300.0,))
    section = capacity_modes.analyse(planted.load())
    assert {one.labels.get("part", "steps") for one in section.findings} == {"steps"}
    left_out = next(line for line in section.method if line.startswith("Not asked of this run"))
    assert "a spike" in left_out and "retry policies" in left_out and "flat demands" not in left_out


def test_all_parts_at_once_have_six_headlines_and_every_chart_is_drawn(planted: PlantedDemands) -> None:
    """Ids and labels together name one finding each; what is drawn has a table, a caption and an alternative text."""
    flat_steps(planted, (299.0, 301.0))
    a_day(planted)
    under_policies(planted, 1)
    back_pressure(planted)
    for arm in ("provisioned", "on_demand", "on_demand_warm"):
        planted.trial(
            "spike",
            arm,
            spike("write", 0, 4),
            service_s=140.0,
            demand="spike",
            step="spike_10x",
            warm_write_rate=25,
            **SPIKE,
        )
    planted.trial(
        "hot", "provisioned", evenly("read", 3, 0, 50), service_s=50.0, demand="hot_partition", step="hot_partition",
        multiple=0.75, partition_read_rate=3.75, partition_write_rate=1.25,
    )  # fmt: skip
    ramp = (Op(kind="read", due_s=(number * 75 / 2) ** 0.5) for number in range(2400))
    planted.trial(
        "ramp",
        "provisioned",
        ramp,
        service_s=300.0,
        demand="ramp",
        step="ramp_2x",
        ramp_service_s=300.0,
        hold_service_s=0.0,
    )
    section = capacity_modes.analyse(planted.load())
    assert len(section.verdict) == len([one for one in section.findings if one.headline]) == 6
    names = [(one.id, tuple(sorted(one.labels.items()))) for one in section.findings]
    assert len(names) == len(set(names))
    kinds = {chart.id.removeprefix(f"{NAME}-") for chart in section.charts}
    assert kinds == {
        "share",
        "onset-read",
        "spike-write",
        "diurnal-read",
        "hot-read",
        "policy",
        "policy-percentiles",
        "policy-time",
        "cost",
    }
    assert all(len(chart.table) and chart.caption and chart.alt for chart in section.charts)
    assert all("<svg" in picture for picture in drawn(section))


def test_policies_over_time_have_the_throttles_of_each_window_and_latencies_their_percentiles(
    planted: PlantedDemands,
) -> None:
    """Windows of 20 s (400 ÷ 39 is above 10): 160 writes, from 300 s on half of them refused once. ``adaptive`` sends half of these.

    Of ``standard``'s 3,200, 400 took 1.51 s: p85 is 10 ms, p90 1.51 s.
    """
    under_policies(planted, 1)
    charts_ = {chart.id.removeprefix(f"{NAME}-"): chart for chart in capacity_modes.analyse(planted.load()).charts}
    windows = charts_["policy-time"].table.set_index(["arm", "from, s"])
    assert windows.loc[("standard", 280.0), ["requests", "throttled, %"]].tolist() == [160, 0]
    assert windows.loc[("standard", 300.0), ["requests", "throttled, %"]].tolist() == [160, 50]
    assert windows.loc[("adaptive", 300.0), "throttled, %"] == 25
    tails = charts_["policy-percentiles"].table.set_index(["arm", "percentile"])["all trials, service s"]
    assert tails[[("standard", 85.0), ("standard", 90.0)]].tolist() == pytest.approx([0.01, 1.51])
