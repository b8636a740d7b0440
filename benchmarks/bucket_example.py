"""The bucket of a provisioned table over time, on the real twin at speed: 150 RCU, idle for five minutes, then 200 a second.

``python -m benchmarks.bucket_example [--speed 60] [--png docs/bucket.png]`` drives a twin of its own for about half a
minute, samples the table's bucket from ``/_twin/``, prints when the first request was throttled beside B2's arithmetic,
and draws both. Its load is small: one Query a service second, of two items of 400 KB, which cost 200 units together.
It ends with 1 when the onset is more than 1 % off.
"""

import argparse
import contextlib
import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from harness.dynamodb.client import DynamoClient, outcome
from harness.local.processes import Warden
from harness.local.twin import TwinServer
from harness.paths import PROJECT_ROOT
from reports import charts

CAPACITY, DEMAND = 150, 200  # units a second
IDLE_S, DEMAND_S = 300, 1_250  # service seconds
STORE = 300 * CAPACITY
BY_HAND_S = STORE / (DEMAND - CAPACITY)
ITEM_BYTES = 400 * 1024  # 100 units each, strongly consistent (A1); two of them in a Query, 200 (A4)
SAMPLE_S = 0.05  # of the wall
LONGEST_DRAIN_S = 30  # of the wall: at speed 1 it takes 16
TABLE = "example"
QUERY = {
    "TableName": TABLE,
    "KeyConditionExpression": "id = :id",
    "ExpressionAttributeValues": {":id": {"S": "one"}},
    "ConsistentRead": True,
    "Select": "COUNT",  # what is counted costs as much as what is sent (A5)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The table's read bucket at a moment of the service's clock."""

    at_s: float
    units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run saw; times are service seconds since the demand began."""

    levels: list[Level]
    onset_s: float
    served: int
    throttled: int


class Sampler:
    """Reads the bucket from ``/_twin/`` on a thread of its own, until it is told to stop."""

    def __init__(self, url: str) -> None:
        self._url, self._over = url, threading.Event()
        self.levels: list[Level] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_S):
            state = twin_state(self._url)
            units = state["tables"][TABLE]["meters"]["table"]["read"]["bucket_units"]
            self.levels.append(Level(at_s=state["now_s"], units=units))


def twin_state(url: str) -> dict[str, Any]:
    """What the twin's own page tells."""
    with urlopen(f"{url}/_twin/", timeout=10) as answer:
        state: dict[str, Any] = json.load(answer)
    return state


def prepare(client: DynamoClient) -> None:
    """The table with its two items, and its store emptied."""
    definition = {
        "TableName": TABLE,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "part")],
        "KeySchema": [
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "part", "KeyType": "RANGE"},
        ],
        "ProvisionedThroughput": {"ReadCapacityUnits": CAPACITY, "WriteCapacityUnits": 1_000},
    }
    assert client.call("CreateTable", definition).status == 200
    for part in ("1", "2"):
        keys = {"id": {"S": "one"}, "part": {"S": part}}
        pad = "x" * (ITEM_BYTES - len("id" + "one" + "part" + part + "pad"))
        assert client.call("PutItem", {"TableName": TABLE, "Item": {**keys, "pad": {"S": pad}}}).status == 200
    # Its partition gives 3,000 a second at most (B1), so it takes a while until it is the table that has nothing left.
    until = time.monotonic() + LONGEST_DRAIN_S
    while client.call("Query", QUERY).throttling_reason != "TableReadProvisionedThroughputExceeded":
        assert time.monotonic() < until, f"expected an empty bucket within {LONGEST_DRAIN_S} s"


def drive(url: str, speed: float) -> Run:
    """Five idle minutes, then the demand, each request at its due time; all in service seconds."""
    with DynamoClient(url) as client:
        prepare(client)
        with Sampler(url) as sampler:
            time.sleep(IDLE_S / speed)
            began_s, begin = twin_state(url)["now_s"], time.monotonic()
            refused_s: list[float] = []
            interval_s = 2 * ITEM_BYTES / 4_096 / DEMAND
            requests = int(DEMAND_S / interval_s)
            for number in range(requests):
                time.sleep(max(0.0, begin + number * interval_s / speed - time.monotonic()))
                sent_s = (time.monotonic() - begin) * speed
                if outcome(client.call("Query", QUERY)) == "throttled":
                    refused_s.append(sent_s)
    assert refused_s, f"expected a throttle within {DEMAND_S} s, found none"
    levels = [Level(at_s=one.at_s - began_s, units=one.units) for one in sampler.levels]
    return Run(levels=levels, onset_s=refused_s[0], served=requests - len(refused_s), throttled=len(refused_s))


def draw(run: Run, speed: float, path: Path) -> None:
    """The bucket as measured, and as the arithmetic has it."""
    figure, axes = charts.new_axes()
    by_hand = ([-IDLE_S, 0, BY_HAND_S, DEMAND_S], [0, STORE, 0, 0])
    measured = charts.style(0) | {"marker": None, "label": f"the twin's bucket, at {speed:g} times the wall's clock"}
    axes.plot([one.at_s for one in run.levels], [one.units for one in run.levels], **measured)
    axes.plot(*by_hand, **(charts.style(1) | {"marker": None, "label": "by hand"}))
    axes.axvline(run.onset_s, color=charts.MUTED, linewidth=1.0, linestyle=":")
    axes.annotate(
        f"first throttle at {run.onset_s:,.0f} s\n(45,000 / 50 = {BY_HAND_S:,.0f} s)",
        (run.onset_s, STORE * 0.55),
        xytext=(-8, 0),
        ha="right",
        textcoords="offset points",
    )
    axes.set_xlabel(f"service seconds since {DEMAND} read units a second are asked for")
    axes.set_ylabel(f"read units stored, {CAPACITY} a second provisioned")
    axes.set_ylim(bottom=-1_500)
    axes.legend(frameon=False, loc="upper right")
    figure.savefig(path, dpi=110, facecolor=charts.PAPER, metadata={"Software": None})


def main() -> int:
    """Run, tell, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--png", type=Path, default=PROJECT_ROOT / "docs" / "bucket.png")
    arguments = parser.parse_args()
    with contextlib.closing(Warden.start()) as warden:
        twin = TwinServer(warden, arguments.speed)
        twin.start()
        run = drive(twin.url, arguments.speed)
    draw(run, arguments.speed, arguments.png)
    off = run.onset_s / BY_HAND_S - 1
    print(f"first throttle after {run.onset_s:.1f} service seconds; by hand {BY_HAND_S:.0f} s; {off:+.2%}")
    print(f"{run.served} requests served, {run.throttled} throttled; {len(run.levels)} samples; {arguments.png}")
    return 0 if abs(off) <= 0.01 else 1


if __name__ == "__main__":
    sys.exit(main())
