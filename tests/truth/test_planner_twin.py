"""The planner against the twin itself: a trace read from CSV, and the same requests sent one by one to a twin in this process.

GetItem and PutItem of 5,000 B: a read takes one unit (two blocks, half a unit each; A1), a write five (A2). Each minute's requests are
evenly spread in it; the clock is set by hand, and what throttles, scales and grows is the twin's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from twin_in_process import ask, done

from harness.demand.files import read_trace
from harness.dynamodb.autoscaling import Policy
from harness.dynamodb.parameters import KINDS, AdmissionParameters, Kind
from harness.dynamodb.planner.model import Assumptions, Autoscaled, Demand, Fixed, LaneReplay, OnDemand, Setting
from harness.dynamodb.planner.replay import Replayer
from harness.local.dynamodb.parameters import Parameters
from harness.local.dynamodb.scaling.api import PREFIX as SCALING
from harness.local.dynamodb.service import Service

MINUTES = 45
ITEM_BYTES = 5_000
READ_UNITS, WRITE_UNITS = 1, 5
KEY = {"id": {"S": "one"}}
ITEM = KEY | {"pad": {"S": "x" * (ITEM_BYTES - len("id") - len("one") - len("pad"))}}
THROTTLED = {"ProvisionedThroughputExceededException", "ThrottlingException"}


@dataclass
class Clock:
    """Seconds, set by hand."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


class Seen:
    """What the twin let through: units by the minute, of both kinds, and how many of the requests."""

    def __init__(self) -> None:
        self.units: dict[Kind, list[float]] = {kind: [0.0] * MINUTES for kind in KINDS}
        self.asked: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.refused: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.capacity: dict[Kind, list[int]] = {kind: [] for kind in KINDS}

    def throttled_share(self, kind: Kind) -> float:
        """Of the requests, each of the same units."""
        return self.refused[kind] / self.asked[kind]


class Twin:
    """One table in a setting, on a clock that a test sets."""

    def __init__(self, setting: Setting, demand: Demand, admission: AdmissionParameters) -> None:
        self._clock = Clock()
        self._service = Service(
            clock_s=self._clock, epoch_s=lambda: 0.0, parameters=Parameters(admission=admission), partition_limits=True
        )
        first = {kind: lane.capacity for kind, lane in Replayer(demand).replay(setting).items()}
        shape: dict[str, Any] = {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        }
        if isinstance(setting, OnDemand):
            shape["BillingMode"] = "PAY_PER_REQUEST"
        else:
            shape["ProvisionedThroughput"] = {
                f"{kind.capitalize()}CapacityUnits": int(first[kind][0])  # type: ignore[index]
                for kind in KINDS
            }
        done(self._service, "CreateTable", TableName="shop", **shape)
        done(
            self._service, "PutItem", TableName="shop", Item=ITEM
        )  # what it took is stored again by the time of the first
        self._clock.now_s = float(demand.start_s)
        if isinstance(setting, Autoscaled):
            self._scale("Read", setting.read)
            self._scale("Write", setting.write)

    def _scale(self, kind: str, policy: Policy) -> None:
        """Register and track, as one does on AWS."""
        place = {
            "ServiceNamespace": "dynamodb", "ResourceId": "table/shop",
            "ScalableDimension": f"dynamodb:table:{kind}CapacityUnits",
        }  # fmt: skip
        tracking = {
            "TargetValue": policy.target_percent,
            "PredefinedMetricSpecification": {"PredefinedMetricType": f"DynamoDB{kind}CapacityUtilization"},
        }
        bounds = {"MinCapacity": policy.minimum, "MaxCapacity": policy.maximum}
        scaling = (
            ("RegisterScalableTarget", bounds),
            ("PutScalingPolicy", {"PolicyName": kind, "PolicyType": "TargetTrackingScaling",
                                  "TargetTrackingScalingPolicyConfiguration": tracking}),
        )  # fmt: skip
        for operation, request in scaling:
            done(self._service, operation, api=SCALING, **place, **request)

    def serve(self, rates: dict[Kind, Sequence[int]], start_s: int) -> Seen:
        """Ask for each minute's requests, each at its time."""
        seen = Seen()
        for minute in range(MINUTES):
            begin_s = start_s + 60.0 * minute
            self._clock.now_s = begin_s
            self._service.tick()
            table = done(self._service, "DescribeTable", TableName="shop")["Table"]["ProvisionedThroughput"]
            for kind in KINDS:
                seen.capacity[kind].append(table[f"{kind.capitalize()}CapacityUnits"])
            due = [
                (begin_s + (number + 0.5) / rates[kind][minute], kind)
                for kind in KINDS
                for number in range(60 * rates[kind][minute])
            ]
            for due_s, kind in sorted(due):
                self._clock.now_s = due_s
                self._ask(kind, minute, seen)
        return seen

    def consumed(self) -> dict[Kind, float]:
        """What the twin's own meters have counted."""
        meters = self._service.state()["tables"]["shop"]["meters"]["table"]
        return {kind: meters[kind]["consumed_units"] for kind in KINDS}

    def _ask(self, kind: Kind, minute: int, seen: Seen) -> None:
        operation, what = ("GetItem", {"Key": KEY}) if kind == "read" else ("PutItem", {"Item": ITEM})
        status, body = ask(self._service, operation, TableName="shop", ReturnConsumedCapacity="TOTAL", **what)
        seen.asked[kind] += 1
        if status == 200:
            seen.units[kind][minute] += body["ConsumedCapacity"]["CapacityUnits"]
        else:
            assert str(body["__type"]).rpartition("#")[2] in THROTTLED
            seen.refused[kind] += 1


def random_rates(seed: int) -> dict[Kind, Sequence[int]]:
    """Requests a second, whole, that stay for some minutes and jump: reads up to 12, writes up to 3."""
    rng = np.random.default_rng(seed)
    return {
        kind: np.repeat(rng.integers(1, most + 1, MINUTES // 5), 5).tolist()
        for kind, most in (("read", 12), ("write", 3))
    }


def both(
    tmp_path: Path, seed: int, setting: Setting, admission: AdmissionParameters | None = None
) -> tuple[dict[Kind, LaneReplay], Demand, Seen]:
    """What the planner says of a random trace, and what the twin did with it; the twin's meters agree with its answers."""
    rates, admission = random_rates(seed), admission or AdmissionParameters()
    path = tmp_path / "trace.csv"
    rows = [
        f"1970-01-01T01:{minute:02}:00Z,{rates['read'][minute]},{rates['write'][minute]},{ITEM_BYTES}"
        for minute in range(MINUTES)
    ]
    path.write_text("\n".join(["time,reads_per_s,writes_per_s,item_bytes", *rows]) + "\n")
    demand = read_trace([path]).demand
    planned = Replayer(demand, Assumptions(admission=admission)).replay(setting)
    twin = Twin(setting, demand, admission)
    before = twin.consumed()
    seen = twin.serve(rates, demand.start_s)
    assert {kind: units - before[kind] for kind, units in twin.consumed().items()} == {
        kind: sum(seen.units[kind]) for kind in KINDS
    }
    return planned, demand, seen


def assert_agrees(planned: dict[Kind, LaneReplay], demand: Demand, seen: Seen) -> dict[Kind, float]:
    """Within 0.1 % on the throttled share (asked for: 1 %), exactly on units, minute by minute, up to the first throttle; the planned shares."""
    shares: dict[Kind, float] = {}
    for kind in KINDS:
        asked, served = demand.of(kind), planned[kind].served
        shares[kind] = float((asked - served).sum() / asked.sum())
        assert seen.throttled_share(kind) == pytest.approx(shares[kind], abs=0.001)
        # Up to the minute of the first throttle nothing is estimated: every unit is the same.
        short = np.flatnonzero((served < asked) | (np.array(seen.units[kind]) < asked))
        until = int(short[0]) if len(short) else MINUTES
        assert served[:until].tolist() == seen.units[kind][:until]
    return shares


@pytest.mark.parametrize("seed", range(4))
def test_fixed_capacity(tmp_path: Path, seed: int) -> None:
    """Capacities that throttle much and nothing."""
    assert assert_agrees(*both(tmp_path, seed, Fixed(read=12, write=15))) == {"read": 0, "write": 0}
    shares = assert_agrees(*both(tmp_path, seed, Fixed(read=3, write=5)))
    assert min(shares.values()) > 0.02


@pytest.mark.parametrize("seed", range(4))
def test_auto_scaling_by_its_own_api(tmp_path: Path, seed: int) -> None:
    """Two policies at 70 %; with its store nothing is throttled and capacities are the same in every minute; without, jumps are."""
    policies = {kind: Policy(target_percent=70, minimum=1, maximum=100) for kind in KINDS}
    setting = Autoscaled(read=policies["read"], write=policies["write"])
    planned, demand, seen = both(tmp_path, seed, setting)
    assert assert_agrees(planned, demand, seen) == {"read": 0, "write": 0}
    paths = [one.capacity for one in planned.values() if one.capacity is not None]
    assert [path.tolist() for path in paths] == [seen.capacity[kind] for kind in KINDS]
    assert sum(np.count_nonzero(np.diff(path)) for path in paths) > 2
    shares = assert_agrees(*both(tmp_path, seed, setting, AdmissionParameters(burst_s=1)))
    assert max(shares.values()) > 0.005


@pytest.mark.parametrize("seed", range(4))
def test_on_demand(tmp_path: Path, seed: int) -> None:
    """A table that begins with 3 reads and 5 write units a second and doubles its peaks of five minutes ago."""
    small = AdmissionParameters(on_demand_read_rate=3, on_demand_write_rate=5, on_demand_growth_s=300)
    shares = assert_agrees(*both(tmp_path, seed, OnDemand(), small))
    assert max(shares.values()) > 0.02
    assert assert_agrees(*both(tmp_path, seed, OnDemand())) == {"read": 0, "write": 0}
