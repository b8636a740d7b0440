"""The check of the worked page: a stretch of demand against a twin as a server, under each kind of setting."""

import numpy as np
import pytest

from benchmarks.flights_capacity_check import drive
from harness.dynamodb.autoscaling import Policy
from harness.dynamodb.parameters import KINDS
from harness.dynamodb.planner.model import Autoscaled, Demand, Fixed, OnDemand, Scheduled, Setting
from harness.dynamodb.planner.replay import Replayer

SPEED = 120.0
POLICY = Policy(target_percent=70, minimum=100, maximum=1_000)
HOURS = tuple(100 if hour == 12 else 20 for hour in range(24))


@pytest.mark.parametrize(
    "setting",
    [
        Fixed(read=100, write=50), OnDemand(), Autoscaled(read=POLICY, write=POLICY),
        Scheduled(read=HOURS, write=HOURS, name="by hand"),
    ],
    ids=lambda one: one.family,
)  # fmt: skip
def test_what_a_setting_throttles_is_what_the_planner_says(setting: Setting) -> None:
    """Eight minutes around noon, 600 read and 300 write units a second from the fifth on; the service counts what answers told."""
    rates = np.repeat([20.0, 600.0], 4) * 60
    demand = Demand(start_s=12 * 3_600 - 240, read=rates, write=rates / 2)
    planned = Replayer(demand).replay(setting)
    seen = drive(demand, setting, SPEED)
    for kind in KINDS:
        share = 1 - planned[kind].served.sum() / demand.of(kind).sum()
        assert seen.refused[kind] / seen.asked[kind] == pytest.approx(
            share, abs=0.05
        )  # a stall of the machine's included
        assert seen.served_units[kind].sum() == seen.counted_units[kind]
    assert set(seen.reasons) <= {f"Table{kind.title()}ProvisionedThroughputExceeded" for kind in KINDS}
