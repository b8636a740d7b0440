"""What was planted in a run of capacity_modes comes back as its findings; no more is claimed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, assert_nothing_measured, drawn, finding_of, trial

from reports import capacity_modes

NAME = "capacity_modes"
EXTRA: Any = {"kind": "text", "demand_units": "float"}
SPEED, CAPACITY, RAMP_S, HOLD_S = 50.0, 4, 300.0, 400.0
SETTINGS = {
    "speed": SPEED, "read_capacity_units": CAPACITY, "write_capacity_units": CAPACITY, "ramp_service_s": RAMP_S,
    "hold_service_s": HOLD_S, "peak_multiple": 2.0,
}  # fmt: skip
BEGIN_NS = 10**12
STEP_S = 0.5  # a request every half service second, a unit each
REQUESTS = int((RAMP_S + HOLD_S) / STEP_S)


def requests(number: int, arm: str, kind: str, *, onset_s: float | None, late_ns: int = 0) -> Iterator[dict[str, Any]]:
    """Every second request is throttled from ``onset_s`` of the service's clock on; each starts ``late_ns`` after it was due."""
    for index in range(REQUESTS):
        service_s = index * STEP_S
        due_ns = BEGIN_NS * (number + 1) + round(service_s / SPEED * 1e9)
        refused = onset_s is not None and service_s >= onset_s and (service_s - onset_s) % (2 * STEP_S) == 0
        yield {
            "trial": number, "pair": number // 2, "arm": arm, "step": "ramp_2x", "kind": kind, "demand_units": 1.0,
            "t_intended": due_ns, "t_start": due_ns + late_ns, "t_end": due_ns + late_ns + 200_000,
            "outcome": "throttled" if refused else "ok", "read_units": 1.0 if kind == "read" else None,
            "write_units": 1.0 if kind == "write" else None,
        }  # fmt: skip


def plant(planted: PlantedRun, onsets_s: list[float | None], *, late_ns: int = 0, done: bool = True) -> None:
    """A provisioned and an on-demand trial a pair; reads are throttled at the onset, writes 50 s later, on demand nothing."""
    trials, rows = [], []
    for pair, onset_s in enumerate(onsets_s):
        for place, arm in enumerate(("provisioned", "on_demand")):
            number = 2 * pair + place
            trials.append(trial(number, arm, "ramp_2x", pair=pair, done=done, params=SETTINGS))
            planted.event(NAME, "trial_begin", trial=number, t_ns=BEGIN_NS * (number + 1))
            for kind, later_s in (("read", 0.0), ("write", 50.0)):
                at_s = onset_s + later_s if arm == "provisioned" and onset_s is not None else None
                rows += requests(number, arm, kind, onset_s=at_s, late_ns=late_ns)
    planted.samples(NAME, rows, EXTRA)
    planted.scenario(NAME, params=SETTINGS, trials=trials, servers={"dynamodb": "dbharness twin"}, slots=16)


def test_the_onset_is_the_mean_in_service_seconds_of_when_the_first_throttled_was_due(tmp_path: Path) -> None:
    """Planted at 500, 520 and 540 s; that every request started late moves nothing.

    s = 20 s, t(0.975, 2) = 4.30265: 520 ± 4.30265·20/√3 = 520 ± 49.683. What came isn't the ramp of the settings, so that no
    arithmetic stands beside it.
    """
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [540.0, 500.0, 520.0], late_ns=40_000_000)
    section = capacity_modes.analyse(planted.load())
    read = finding_of(section, f"{NAME}.provisioned.throttle_onset_s", kind="read")
    write = finding_of(section, f"{NAME}.provisioned.throttle_onset_s", kind="write")
    assert (read.value, write.value) == (pytest.approx(520), pytest.approx(570))
    assert (read.low, read.high) == pytest.approx((470.317, 569.683), abs=0.001)
    assert (read.n, read.status, read.unit) == (3, "measured", "s")
    assert read.labels["speed"] == "50"
    assert "2 times the 4 provisioned read units" in read.sentence
    assert "arithmetic" not in read.sentence
    assert any("late by 40 ms of the wall's clock at the median" in line for line in section.method)


def test_where_one_of_six_trials_has_no_throttle_the_median_stands_between_order_statistics(tmp_path: Path) -> None:
    """With six the smallest and the largest cover the median with 96.9 %; of the largest only a least value is known."""
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [500.0, 510.0, 520.0, 530.0, 540.0, None])
    read = finding_of(capacity_modes.analyse(planted.load()), f"{NAME}.provisioned.throttle_onset_s", kind="read")
    assert (read.value, read.low, read.high) == (pytest.approx(525), pytest.approx(500), None)


def test_one_trial_has_a_value_and_no_interval_and_says_so(tmp_path: Path) -> None:
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [500.0])
    read = finding_of(capacity_modes.analyse(planted.load()), f"{NAME}.provisioned.throttle_onset_s", kind="read")
    assert (read.value, read.low, read.high, read.n) == (pytest.approx(500), None, None, 1)
    assert "1 trial, no interval from so few" in read.sentence


@pytest.mark.parametrize(
    ("onsets_s", "value", "status"),
    [
        ([500.0, None, 520.0], 520, "measured"),  # 500, 520, at least 700: the middle one is known
        ([None, None, 520.0], 700, "at_least"),
        ([None, 500.0], 600, "at_least"),  # between 500 and at least 700
        ([None, None], 700, "at_least"),
    ],
)
def test_trials_without_a_throttle_are_bounds_from_below(
    tmp_path: Path, onsets_s: list[float | None], value: float, status: str
) -> None:
    """Nothing is made up for a trial that saw none, nor is it left out."""
    planted = PlantedRun(tmp_path / "run")
    plant(planted, onsets_s)
    read = finding_of(capacity_modes.analyse(planted.load()), f"{NAME}.provisioned.throttle_onset_s", kind="read")
    assert (read.value, read.high, read.status, read.n) == (value, None, status, len(onsets_s))
    assert f"{onsets_s.count(None)} of them without a throttled read" in read.sentence
    assert ("no read was throttled within" in read.sentence) == (status == "at_least")


def test_shares_and_dollars_are_what_the_requests_add_up_to(tmp_path: Path) -> None:
    """From 500 s to 700 s are 400 requests, every second throttled: 200 of 1,400. Writes from 550 s: 150.

    Provisioned: 4 units × 700/3600 h × $0.00013 = $0.000101111, for 1,200 served reads $0.0842593 a million.
    On demand: a unit a request at $0.125 (reads) and $0.625 (writes) a million.
    """
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [500.0, 500.0])
    section = capacity_modes.analyse(planted.load())

    def of(mode: str, what: str, kind: str) -> float | None:
        return finding_of(section, f"{NAME}.{mode}.{what}", kind=kind).value

    assert of("provisioned", "throttled_share", "read") == pytest.approx(200 / 1400)
    assert of("provisioned", "throttled_share", "write") == pytest.approx(150 / 1400)
    assert [of("on_demand", "throttled_share", kind) for kind in ("read", "write")] == [0, 0]
    assert of("provisioned", "usd_per_million_served", "read") == pytest.approx(0.0842593, rel=1e-5)
    assert of("provisioned", "usd_per_million_served", "write") == pytest.approx(4 * 700 / 3600 * 0.00065 / 1250 * 1e6)
    assert of("on_demand", "usd_per_million_served", "read") == pytest.approx(0.125)
    assert of("on_demand", "usd_per_million_served", "write") == pytest.approx(0.625)
    assert finding_of(section, f"{NAME}.on_demand.usd_per_million_served", kind="read").basis == "modelled"


def test_throttled_requests_are_results_and_no_trouble(tmp_path: Path) -> None:
    """A warning tells of other failures only."""
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [500.0])
    assert capacity_modes.analyse(planted.load()).warnings == ()


def test_half_a_ramp_gives_no_figure(tmp_path: Path) -> None:
    """A run that was stopped in its first trial: shares of half a ramp would mislead."""
    planted = PlantedRun(tmp_path / "run", status="partial")
    plant(planted, [500.0], done=False)
    section = capacity_modes.analyse(planted.load())
    measured = {one.id for one in section.findings if one.status != "not_measured"}
    assert measured == {f"{NAME}.break_even_utilisation"}  # a check of prices needs no run
    assert finding_of(section, f"{NAME}.provisioned.throttle_onset_s", kind="read").headline
    assert section.charts == ()


def test_runs_from_before_there_were_parts_are_told_of_as_a_ramp(tmp_path: Path) -> None:
    """Their ids are what they were; no part is said to be left out, and no scale to be in it."""
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [500.0, 500.0])
    section = capacity_modes.analyse(planted.load())
    share = finding_of(section, f"{NAME}.on_demand.throttled_share", kind="write")
    assert (share.labels["part"], share.labels["demand"], share.labels["step"]) == ("ramp", "ramp", "ramp_2x")
    assert not {"scale", "policy"} & share.labels.keys()
    assert not any("Not asked" in line or "Scale" in line for line in section.method)
    assert len(section.verdict) == 2  # the onset, and the dollars


def test_charts_carry_what_was_planted(tmp_path: Path) -> None:
    """A chart a kind and one of the costs, drawn. Demand is two requests a second of a unit; throttled from 500 s on by half."""
    planted = PlantedRun(tmp_path / "run")
    plant(planted, [500.0, 500.0])
    section = capacity_modes.analyse(planted.load())
    assert len(drawn(section)) == 3
    table = section.charts[0].table
    # A request due on the edge of two bins of 20 may fall into either.
    assert table["demand units/s"].tolist() == pytest.approx([2.0] * 70, abs=0.11)
    before, after = table[table["service s"] < 500], table[table["service s"] > 500]
    assert before["throttled share"].tolist() == pytest.approx([0.0] * 50, abs=0.05)
    assert after["throttled share"].tolist() == pytest.approx([0.5] * 20, abs=0.05)
    assert after["served units/s"].tolist() == pytest.approx([1.0] * 20, abs=0.11)
    # Below its capacity of 4 the store stays full: 300 s × 4 units.
    assert table["bucket left, units (modelled)"].tolist() == [1200.0] * 70


def test_nothing_measured_reads_not_measured(tmp_path: Path) -> None:
    """With the scenario's own reason."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario(NAME, params=SETTINGS, trials=[], status="not_measured", reason="the twin didn't start")
    assert_nothing_measured(capacity_modes.analyse(planted.load()), "the twin didn't start")
