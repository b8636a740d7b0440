"""capacity_modes, every part in its smallest form, against a real twin: who is throttled and why, and that nothing is lost."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import whole_runs
from whole_runs import Place

from reports.load import Run

NAME = "capacity_modes"
# One unit of each kind; an on-demand table has 15 R and 5 W, a partition 3.75 R and 1.25 W; each length just past its onset.
SMALLEST = (
    "parts=[ramp,steps,spike,diurnal,hot,policy,back_pressure]", "pairs=1", "read_capacity_units=1",
    "write_capacity_units=1", "ramp_service_s=0", "hold_service_s=320", "multiples=[0.5,6]",
    "flat_least_service_s=100", "before_service_s=5", "spike_service_s=130", "after_service_s=5",
    "diurnal_hours=[8,9]", "diurnal_peak_multiple=0.25", "hot_service_s=60", "policy_service_s=340",
    "index_service_s=120", "speed=1000", "requests_per_s=3000",
)  # fmt: skip


def table(limit: str, *kinds: str) -> set[str]:
    """Reasons of the table's, as the service words them."""
    return {f"Table{kind}{limit}Exceeded" for kind in kinds}


PROVISIONED = table("ProvisionedThroughput", "Read", "Write")
KEY_RANGE = table("KeyRangeThroughput", "Read", "Write")
STALLED = 0.03  # of an arm's attempts
# Part, step and arm: the reasons that must be met. What isn't listed is not throttled at all.
REASONS = {
    ("ramp", "ramp_2x", "provisioned"): PROVISIONED,
    ("steps", "6x", "provisioned"): PROVISIONED,
    ("steps", "6x", "on_demand"): table("KeyRangeThroughput", "Write"),  # 6 of each kind: of 15 R, but of 5 W
    ("spike", "spike_10x", "provisioned"): PROVISIONED,
    ("spike", "spike_10x", "autoscaled"): PROVISIONED,
    ("spike", "spike_10x", "on_demand"): table("KeyRangeThroughput", "Write"),
    ("spike", "spike_10x", "on_demand_max"): table("MaxOnDemandThroughput", "Read", "Write"),
    ("hot", "hot_partition", "provisioned"): table("KeyRangeThroughput", "Read"),
    ("hot", "hot_partition", "on_demand"): table("KeyRangeThroughput", "Read"),
    ("hot", "hot_key", "provisioned"): KEY_RANGE,
    ("hot", "hot_key", "on_demand"): KEY_RANGE,
    ("policy", "retries_2x", "none"): PROVISIONED,
    ("policy", "retries_2x", "standard"): PROVISIONED,
    ("policy", "retries_2x", "adaptive"): {*PROVISIONED, "ClientSendRate"},
    ("back_pressure", "index_writes", "index_starved"): {"IndexWriteProvisionedThroughputExceeded"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run of one round."""
    places: Iterator[Place] = whole_runs.place(tmp_path_factory.mktemp("run"))
    place = next(places)
    sets = [word for one in SMALLEST for word in ("--set", f"{NAME}.{one}")]
    done = place.call("run", NAME, "--profile", "smoke", "--out", str(place.run), *sets)
    # The load alone is judged here, whatever the report makes of it.
    assert place.manifest()["scenarios"][NAME]["status"] == "complete", done.stdout + done.stderr
    assert place.leftovers() == []
    yield Run.load(place.run)
    places.close()  # type: ignore[attr-defined] # a generator is what it is


@pytest.fixture(scope="module")
def rows(run: Run) -> pd.DataFrame:
    """Samples with what their trial says of them."""
    trials = run.trials(NAME).set_index("trial")
    return run.samples(NAME).join(trials[["label_part", "label_policy"]], on="trial")


def test_every_trial_was_done_and_every_attempt_answered(run: Run, rows: pd.DataFrame) -> None:
    """24 trials: 2, 4, 5, 3, 4, 3 and 3; throttled or served, nothing else."""
    trials = run.trials(NAME)
    assert len(trials) == 24
    assert trials["done"].all()
    assert set(trials["trial"]) == set(rows["trial"])
    assert set(rows["outcome"]) == {"ok", "throttled"}
    assert rows["t_intended"].notna().all()


def test_each_arm_is_throttled_for_the_reason_it_is_there_to_show(rows: pd.DataFrame) -> None:
    """And for no other; an arm that isn't to be throttled isn't, but for what a stall of the machine sends at once."""
    arms = ["label_part", "step", "arm"]
    attempts = rows.groupby(arms, observed=True).size()
    refused = rows[rows["outcome"] == "throttled"].groupby([*arms, "reason"], observed=True).size()
    met = {(*key, reason): count / attempts[tuple(key)] for (*key, reason), count in refused.items()}
    expected = {(*key, reason) for key, reasons in REASONS.items() for reason in reasons}
    assert expected <= met.keys()
    assert {key: share for key, share in met.items() if key not in expected and share > STALLED} == {}


def test_reads_and_writes_are_asked_at_once_as_planned(run: Run, rows: pd.DataFrame) -> None:
    """Units demanded of the first attempts are the demand's integral: multiple × capacity × length, within a request."""
    trials = run.trials(NAME).set_index("trial")
    flat = trials[trials["label_demand"].isin(["flat", "hot_key", "hot_partition"])]
    first = rows[rows["attempt"] == 1]
    for number, trial in flat.iterrows():
        for kind in ("read", "write"):
            mine = first[(first["trial"] == number) & (first["kind"] == kind)]
            by_hand = trial["param_multiple"] * trial[f"param_{kind}_capacity_units"] * trial["param_service_s"]
            assert mine["demand_units"].sum() == math.ceil(round(by_hand, 6)), (number, kind)


def test_what_the_answers_say_is_what_the_service_counted(run: Run, rows: pd.DataFrame) -> None:
    """Exactly, for each trial and kind, index units with them."""
    consumed = {event["trial"]: event for event in run.events_of(NAME, "consumed")}
    assert set(consumed) == set(rows["trial"])
    for number, mine in rows.groupby("trial"):
        assert np.nansum(mine["read_units"]) == consumed[number]["read_units"]
        assert np.nansum(mine["write_units"]) == consumed[number]["write_units"]
    assert sum(event["write_units"] for event in consumed.values()) > 1_000


def test_an_index_takes_a_unit_of_every_write_that_changes_it(rows: pd.DataFrame) -> None:
    """Items and entries below 1 KB: one unit of the table, and one of the index where there is one, for either operation."""
    writes = rows[(rows["label_part"] == "back_pressure") & (rows["kind"] == "write") & (rows["outcome"] == "ok")]
    assert set(writes["op"]) == {"PutItem", "UpdateItem"}
    for arm, of_index in (("no_index", 0), ("index_enough", 1), ("index_starved", 1)):
        mine = writes[writes["arm"] == arm]
        assert set(mine["write_units"]) == {1 + of_index}
        assert set(mine["index_units"].fillna(0)) == {of_index}
        assert set(mine["demand_units"]) == {1}


def test_capacity_is_written_down_as_it_is_and_as_it_changes(run: Run) -> None:
    """At the beginning of every trial that has any; auto scaling raises it in the spike, no other arm changes."""
    trials = run.trials(NAME).set_index("trial")
    begins = {event["trial"]: event["t_ns"] for event in run.events_of(NAME, "trial_begin")}
    events = pd.DataFrame(run.events_of(NAME, "capacity"))
    assert set(events["trial"]) == set(trials.index[~trials["arm"].str.startswith("on_demand")])
    for number, mine in events.groupby("trial"):
        trial, first = trials.loc[number], mine[mine["resource"] == "table"].iloc[0]
        assert first["t_ns"] == begins[number]
        assert (first["read"], first["write"]) == (
            trial["param_read_capacity_units"],
            trial["param_write_capacity_units"],
        )
        scaled = (trial["label_part"], trial["arm"]) == ("spike", "autoscaled")
        assert (len(mine) > mine["resource"].nunique()) == scaled, mine
    index = events[events["resource"] == "by_dest"].set_index("trial")["write"]
    assert {trials.loc[number, "arm"]: units for number, units in index.items()} == {
        "index_enough": 8,
        "index_starved": 1,
    }


def test_a_policys_attempts_are_all_rows(rows: pd.DataFrame) -> None:
    """``none`` asks once, ``standard`` up to four times; what ``adaptive`` gave up was never sent, and is the last row."""
    policy = rows[rows["label_part"] == "policy"]
    most = policy.groupby("arm", observed=True)["attempt"].max()
    assert most["none"] == 1
    assert 1 < most["standard"] <= 4
    assert (policy["label_policy"].astype(str) == policy["arm"].astype(str)).all()
    gave_up = policy[policy["error_code"] == "GaveUp"]
    assert set(gave_up["arm"]) == {"adaptive"}
    last = policy.groupby("op_id")["attempt"].transform("max")
    assert (gave_up["attempt"] == last[gave_up.index]).all()
