"""What capacity_modes measures: parts, arms, lengths, speeds and demand, each worked out by hand."""

from collections import Counter
from hashlib import md5
from pathlib import Path

import pytest
import yaml

from harness import config, dataset
from harness.dynamodb.admission import Admission, AdmissionParameters
from harness.dynamodb.capacity_arms import Units, arm_of, provisioned_of, supposed
from harness.dynamodb.capacity_plan import CapacityModesSettings, cells, demand_of, onset_s, trials_of
from harness.errors import UsageError
from harness.plan import Trial
from harness.registry import settings_models

DEFAULT = CapacityModesSettings()
ROOT = Path(__file__).resolve().parents[2]
DAY = [0, 10, 40, 20]


def trials(**settings: object) -> list[Trial]:
    return trials_of(CapacityModesSettings.model_validate(settings), seed="s")


def only(part: str, arm: str, step: str | None = None, **settings: object) -> Trial:
    """The one trial of a part's arm (and step) in one round."""
    found = trials(parts=[part], pairs=1, **settings)
    (trial,) = [one for one in found if one.arm == arm and step in (None, one.step)]
    return trial


def test_every_part_has_the_arms_and_steps_it_compares() -> None:
    """11 cells and 28 trials a round: 2, 4 × 2, 5, 3, 2 × 2, 3 and 3."""
    plan = trials(pairs=1)
    found = {(one.labels["part"], one.labels["demand"], one.step): set() for one in plan}
    for one in plan:
        found[one.labels["part"], one.labels["demand"], one.step].add(one.arm)
    both = {"provisioned", "on_demand"}
    assert found == {
        ("ramp", "ramp", "ramp_2x"): both,
        **{("steps", "flat", step): both for step in ("0.5x", "1x", "2x", "4x")},
        ("spike", "spike", "spike_10x"): {*both, "autoscaled", "on_demand_warm", "on_demand_max"},
        ("diurnal", "diurnal", "diurnal"): {*both, "autoscaled"},
        ("hot", "hot_partition", "hot_partition"): both,
        ("hot", "hot_key", "hot_key"): both,
        ("policy", "flat", "retries_2x"): {"none", "standard", "adaptive"},
        ("back_pressure", "flat", "index_writes"): {"no_index", "index_enough", "index_starved"},
    }
    assert len(plan) == 28


def test_arms_of_a_cell_stand_side_by_side_in_every_round() -> None:
    """Three rounds: 33 pairs, and each arm of each cell three times."""
    plan = trials(pairs=3)
    assert [one.trial for one in plan] == list(range(84))
    assert len({one.pair for one in plan}) == 33
    assert set(Counter((one.labels["part"], one.step, one.arm) for one in plan).values()) == {3}
    assert all(len({one.step for one in plan if one.pair == pair}) == 1 for pair in range(33))


def test_the_retry_policy_is_a_label_and_in_part_policy_the_arm() -> None:
    """What the settings say elsewhere."""
    plan = trials(pairs=1, retries="standard")
    assert {one.labels["policy"] for one in plan if one.labels["part"] != "policy"} == {"standard"}
    of_policy = [one for one in plan if one.labels["part"] == "policy"]
    assert {one.labels["policy"] == one.arm for one in of_policy} == {True}


@pytest.mark.parametrize(
    ("multiple", "by_hand_s"), [(2, 300), (4, 100), (1.5, 600), (1, float("inf")), (0.5, float("inf"))]
)
def test_the_onset_of_flat_demand_is_b2s(multiple: float, by_hand_s: float) -> None:
    """300·C stored, (m − 1)·C drained a second; at capacity or below nothing is drained."""
    assert onset_s(multiple) == by_hand_s


@pytest.mark.parametrize(("step", "by_hand_s"), [("0.5x", 200), ("1x", 200), ("1.5x", 420), ("2x", 420), ("4x", 200)])
def test_flat_demand_lasts_past_its_onset_and_no_longer(step: str, by_hand_s: float) -> None:
    """1.4 × 300 = 420 s; 1.4 × 100 = 140 s and at least 200; 1.4 × 600 = 840 s and at most 420; never throttled: 200."""
    trial = only("steps", "provisioned", step, multiples=[0.5, 1, 1.5, 2, 4])
    assert trial.params["service_s"] == pytest.approx(by_hand_s)


@pytest.mark.parametrize(
    ("part", "arm", "step", "by_hand"),
    [
        ("ramp", "provisioned", None, 800),  # 2 × (2 + 2) = 8 a second: 875 would be allowed
        ("steps", "on_demand", "4x", 437.5),  # 7,000 / (4 × 4)
        ("spike", "autoscaled", None, 291.7),  # 7,000 / (6 × 4)
        ("policy", "none", None, 583.3),  # 7,000 / (2 × 4 × 1.5), since throttled requests come again
        ("hot", "provisioned", "hot_partition", 566.8),  # 7,000 / (0.95 × 13)
    ],
)
def test_the_clock_runs_as_fast_as_the_busiest_second_allows(
    part: str, arm: str, step: str | None, by_hand: float
) -> None:
    """7,000 requests of one unit a second of the wall, and never above 800 times the wall."""
    assert only(part, arm, step).params["speed"] == by_hand


def test_every_trial_names_speed_scale_length_and_the_unit_of_demand() -> None:
    """12,000 R / 800 = 15, 4,000 W / 800 = 5; limits of a second are kept for 25 ms of the wall, 20 s at 800."""
    for trial in trials(pairs=1):
        params = trial.params
        assert {"speed", "scale", "service_s", "read_capacity_units", "write_capacity_units", "peak_multiple"} <= set(
            params
        )
        assert (params["on_demand_read_rate"], params["on_demand_write_rate"]) == (15, 5)
        assert params["on_demand_burst_s"] == pytest.approx(0.025 * float(params["speed"]))
    assert only("ramp", "provisioned", speed=10).params["on_demand_burst_s"] == 1


@pytest.mark.parametrize(
    ("part", "arm", "step", "read_units", "write_units"),
    [
        ("ramp", "provisioned", None, 4 * 300 / 2 + 4 * 300, 4 * 300 / 2 + 4 * 300),
        ("steps", "on_demand", "4x", 8 * 200, 8 * 200),
        ("spike", "on_demand", None, 1.2 * 40 + 12 * 300, 1.2 * 40 + 12 * 300),
        ("hot", "provisioned", "hot_partition", 11.4 * 200, 0.95 * 200),
        ("hot", "provisioned", "hot_key", 5.7 * 200, 1.9 * 200),
        ("policy", "none", None, 4 * 480, 4 * 480),
        ("back_pressure", "no_index", None, 4 * 200, 4 * 200),
    ],
)
def test_a_trial_asks_for_so_many_units(
    part: str, arm: str, step: str | None, read_units: float, write_units: float
) -> None:
    """Multiples of what the provisioned arm has, over the trial's whole length."""
    trial = only(part, arm, step)
    for kind, by_hand in (("read", read_units), ("write", write_units)):
        demand = demand_of(trial, kind, DAY)
        assert sum(stretch.units for stretch in demand) == pytest.approx(by_hand)
        assert sum(stretch.for_s for stretch in demand) == pytest.approx(trial.params["service_s"])


def test_the_busiest_hour_of_the_day_is_the_peak() -> None:
    """Hours 1 and 2 of 0, 10, 40, 20 flights: a quarter of the peak of 1.5 × 2 units, then all of it."""
    trial = only("diurnal", "autoscaled", diurnal_hours=[1, 3])
    assert [(one.from_per_s, one.to_per_s, one.for_s) for one in demand_of(trial, "read", DAY)] == [
        (0.75, 0.75, 3600), (3, 3, 3600),
    ]  # fmt: skip
    assert (trial.params["first_hour"], trial.params["hours"], trial.params["service_s"]) == (1, 2, 7200)


def test_arms_of_the_spike_differ_in_what_they_may_consume() -> None:
    """Peak 0.6 × 10 × 2 = 12: warm for 1.25 × 12 = 15 of both; a maximum of 2 × 2 = 4; scaled between 2 and 40."""
    params = only("spike", "provisioned").params
    arms = {name: arm_of(name, params) for name in ("provisioned", "on_demand", "on_demand_warm", "on_demand_max")}
    assert arms["provisioned"].provisioned == Units(2, 2)
    assert arms["on_demand"].provisioned is None
    assert arms["on_demand_warm"].definition("t")["WarmThroughput"] == {
        "ReadUnitsPerSecond": 15,
        "WriteUnitsPerSecond": 15,
    }
    assert arms["on_demand_max"].definition("t")["OnDemandThroughput"] == {
        "MaxReadRequestUnits": 4,
        "MaxWriteRequestUnits": 4,
    }
    scaling = arm_of("autoscaled", params).scaling
    assert scaling is not None
    assert [(operation, request["ScalableDimension"]) for operation, request in scaling.begin("t")] == [
        (operation, f"dynamodb:table:{kind}CapacityUnits")
        for kind in ("Read", "Write")
        for operation in ("RegisterScalableTarget", "PutScalingPolicy")
    ]
    register, policy, *_ = (request for _, request in scaling.begin("t"))
    assert (register["ResourceId"], register["MinCapacity"], register["MaxCapacity"]) == ("table/t", 2, 40)
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 70


def test_only_the_index_differs_under_back_pressure() -> None:
    """The table has 8 and 8; the index as much, or 1, or there is none."""
    arms = {name: only("back_pressure", name) for name in ("no_index", "index_enough", "index_starved")}
    made = {name: arm_of(name, trial.params).definition("t") for name, trial in arms.items()}
    assert "GlobalSecondaryIndexes" not in made["no_index"]
    for name, units in (("index_enough", 8), ("index_starved", 1)):
        (index,) = made[name]["GlobalSecondaryIndexes"]
        assert index["ProvisionedThroughput"] == {"ReadCapacityUnits": 1, "WriteCapacityUnits": units}
    assert {str(one["ProvisionedThroughput"]) for one in made.values()} == {
        "{'ReadCapacityUnits': 8, 'WriteCapacityUnits': 8}"
    }
    assert [trial.params["index_write_units"] for trial in arms.values()] == [0, 8, 1]


def test_a_description_tells_what_table_and_index_have() -> None:
    """As DescribeTable words it."""
    description = {
        "ProvisionedThroughput": {"ReadCapacityUnits": 8, "WriteCapacityUnits": 7, "NumberOfDecreasesToday": 0},
        "GlobalSecondaryIndexes": [
            {"IndexName": "by_dest", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}}
        ],
    }
    assert provisioned_of(description) == {"table": Units(8, 7), "by_dest": Units(1, 2)}


@pytest.mark.parametrize("arm", ["provisioned", "on_demand"])
def test_the_hot_partition_gets_more_than_a_partition_serves(arm: str) -> None:
    """Four partitions in both modes; of January's flights 44.7 % go to destinations in one of them (MD5, in quarters).

    0.447 × 11.4 = 5.10 R/s of 3.75 and 0.447 × 0.95 = 0.42 W/s of 1.25, the others' 0.226 × 11.4 = 2.58 R/s at most.
    """
    params = only("hot", arm, "hot_partition").params
    admission = AdmissionParameters(**supposed(params))
    table = (
        Admission.provisioned(12, 1, now_s=0, params=admission)
        if arm == "provisioned"
        else Admission.on_demand(now_s=0, params=admission)
    )
    assert table.partitions == 4
    flights = Counter(dataset.load([1]).flights["dest"].to_pylist())
    quarters = [0.0] * 4
    for dest, count in flights.items():
        quarters[md5(dest.encode()).digest()[0] // 64] += count / flights.total()
    busiest, next_one, *_ = sorted(quarters, reverse=True)
    assert (busiest, next_one) == (pytest.approx(0.447, abs=5e-4), pytest.approx(0.226, abs=5e-4))
    assert next_one * 11.4 < admission.partition_read_rate < busiest * 11.4
    assert busiest * 0.95 < admission.partition_write_rate


def test_every_setting_stands_in_config_yaml_and_holds_in_every_profile() -> None:
    """A user reads there what can be set; the standard profile has all parts, six rounds of them."""
    section = yaml.safe_load((ROOT / "config.yaml").read_text())["scenarios"]["capacity_modes"]
    assert set(section) == set(CapacityModesSettings.model_fields)
    loaded = {
        profile: config.load(ROOT / "config.yaml", settings_models(), profile=profile).scenarios["capacity_modes"]
        for profile in ("smoke", "quick", "standard")
    }
    assert loaded["standard"].pairs == 6
    assert set(loaded["standard"].parts) == set(DEFAULT.parts) == {*loaded["quick"].parts, "diurnal"}


def test_quick_fits_into_its_time_and_standard_into_ten_minutes() -> None:
    """Trials are as long as their service time at their own speed: the sum over the plan is what a run measures."""
    for profile, most_s in (("quick", 46), ("standard", 600)):
        settings = config.load(ROOT / "config.yaml", settings_models(), profile=profile).scenarios["capacity_modes"]
        plan = trials_of(settings, seed="s")
        assert sum(float(one.params["service_s"]) / float(one.params["speed"]) for one in plan) < most_s


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("parts=[ramp,step]", "capacity_modes.parts"),
        ("diurnal_hours=[9,5]", "must be two hours of a day"),
        ("diurnal_hours=[5,25]", "must be two hours of a day"),
        ("multiples=[]", "capacity_modes.multiples"),
        ("target_percent=95", "must be <= 90"),
        ("hot_key_units=[6]", "capacity_modes.hot_key_units"),
        ("multiples=[1,2,1]", "must have each entry once, has 1.0 more than once"),
        ("max_capacity_units=1", "max_capacity_units must be at least the 2 that auto scaling begins with"),
        ("read_capacity_units=41", "max_capacity_units must be at least the 41 that auto scaling begins with"),
        ("read_capacity_units=40001", "read_capacity_units must be <= 40000"),
        ("scale=4001", "scale must be <= 4000"),
        ("scale=0.5", "scale must be >= 1"),
        ("ramp_service_s=.nan", "ramp_service_s should be a finite number"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(override: str, said: str) -> None:
    """Before anything starts."""
    with pytest.raises(UsageError, match=said):
        config.load(ROOT / "config.yaml", settings_models(), overrides=[f"capacity_modes.{override}"])


def test_a_round_has_its_cells_in_another_order_each_time() -> None:
    """The seed draws it: two of six rounds alike, of 11 cells, would be chance of one in millions."""
    count = len(list(cells(DEFAULT)))
    assert count == 11
    plan = trials(pairs=6)
    orders = {
        tuple(dict.fromkeys((one.labels["part"], one.step) for one in plan if one.pair // count == a_round))
        for a_round in range(6)
    }
    assert len(orders) == 6
