"""Outages with known edges, measured by the whole path of a probe: performer, recorder, samples, the report's arithmetic.

The truth of METHOD: with a probe every I the outage lies within [first ok - last ok - 2 I, first ok - last ok]: the last answer
comes within one interval before the outage, the first within one after it. Beyond I only what was *recorded* is allowed for: how late
a tick began, how long an answered probe took, how late a metronome in the load's process beat, how far apart an order's own two
stamps are. A trial in which the machine stood still for half of the shortest outage, by all this, is planted again.
"""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import gevent
import gevent.socket
import pandas as pd
import pytest
from planted_outage import BEAT_NS, INTERVAL_NS, MS, Load, Planted, Road

from harness.local.processes import Warden
from harness.recorder import Observation
from harness.scenario import Slot
from reports.outage import longest_outage

SEED = "planted outages"
SHORTEST_S, LONGEST_S = 0.2, 0.6
STILL_MS = 100


@pytest.fixture
def road(tmp_path: Path) -> Iterator[Road]:
    warden = Warden.start()
    yield Road(warden, tmp_path)
    warden.close()


def durations(count: int) -> list[float]:
    rng = random.Random(SEED)
    return [rng.uniform(SHORTEST_S, LONGEST_S) for _ in range(count)]


def fresh(road: Road, timeout_s: float) -> Callable[[Slot], Observation]:
    """Each tick on a connection of its own, given up after so long: what the address itself answers."""

    def act(slot: Slot) -> Observation:
        with gevent.socket.socket() as connection:
            try:
                with gevent.Timeout(timeout_s, TimeoutError):
                    connection.connect(road.proxy.address)
                    connection.sendall(b"?")
                    answer = connection.recv(1)
            except OSError as error:
                return Observation(outcome="timeout", error_code=type(error).__name__)
        return Observation(outcome="ok" if answer else "error")

    return act


class Kept:
    """A slot's connection, for ``Slot.hold``."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = gevent.socket.socket()
        self.socket.connect(address)
        self.close = self.socket.close

    def ask(self) -> None:
        self.socket.sendall(b"?")
        if not self.socket.recv(1):
            raise ConnectionResetError


def kept(road: Road) -> Callable[[Slot], Observation]:
    """Each slot on its connection, without any time-out: when the address is silent it hangs until somebody resets it."""

    def act(slot: Slot) -> Observation:
        try:
            slot.hold("echo", lambda: Kept(road.proxy.address)).ask()
        except OSError as error:
            slot.drop("echo")
            return Observation(outcome="error", error_code=type(error).__name__)
        return Observation()

    return act


def assert_measured_as_planted(
    rows: pd.DataFrame, planted: Planted, beats: pd.DataFrame, free_within_ns: int | None
) -> int:
    """Both edges within one interval; returns how much was allowed for beyond that.

    ``free_within_ns``: till one of the slots that all hang is free, if nothing in the load's process is late; None: one always is.
    """
    down, up = planted.down, planted.up
    outage = longest_outage(rows, after_ns=down.from_ns)
    answered = rows[rows["outcome"] == "ok"]
    took_ns = answered["t_end"] - answered["t_start"]
    last = answered[answered["t_end"] == outage.begin_ns].iloc[0]
    assert outage.ended
    assert last["t_start"] <= down.to_ns, "what began when it was down can't have been answered"
    in_vain = rows[rows["t_intended"] > last["t_intended"]].iloc[0]
    began_late_ns = (
        int(in_vain["t_start"] - in_vain["t_intended"])
        + int(took_ns[answered["t_end"].between(outage.begin_ns - 3 * INTERVAL_NS, outage.begin_ns)].max())
        + late_of(beats, int(in_vain["t_start"]), down.to_ns)
    )
    assert outage.begin_ns >= down.from_ns - INTERVAL_NS - began_late_ns

    first = rows[(rows["t_intended"] >= up.to_ns) & (rows["error_code"] != "Blocked")].iloc[0]
    waited_ns = 0
    if free_within_ns is not None:
        waited_ns = free_within_ns + late_of(beats, up.from_ns, int(first["t_intended"]))
    ended_late_ns = int(first["t_end"] - first["t_intended"])
    assert first["outcome"] == "ok", "the first tick after it was up found it so"
    assert first["t_intended"] <= up.to_ns + INTERVAL_NS + waited_ns
    assert up.from_ns <= outage.end_ns <= up.to_ns + INTERVAL_NS + waited_ns + ended_late_ns

    down_ns, allowed_ns = outage.end_ns - outage.begin_ns, began_late_ns + ended_late_ns
    assert down_ns - 2 * INTERVAL_NS - waited_ns - allowed_ns <= up.to_ns - down.from_ns
    assert down_ns >= up.from_ns - down.to_ns - (last["t_end"] - last["t_start"])
    return allowed_ns


def assert_witnessed_as_planted(answers: pd.DataFrame, late: pd.DataFrame, planted: Planted) -> None:
    """Asked every millisecond, the last answer came one before the outage at most, the first one after it."""
    down, up = planted.down, planted.up
    before, after = answers[answers["done_ns"] < up.from_ns], answers[answers["done_ns"] >= up.from_ns]
    assert before["due_ns"].max() <= down.to_ns
    took_ns = (before["done_ns"] - before["due_ns"])[before["done_ns"] > down.from_ns - 50 * MS].max()
    late_ns = late_of(late, down.from_ns - 50 * MS, down.to_ns)
    assert before["done_ns"].max() >= down.from_ns - BEAT_NS - took_ns - late_ns
    first = after.sort_values("done_ns").iloc[0]
    late_ns = late_of(late, up.from_ns, first["done_ns"])
    assert first["done_ns"] <= up.to_ns + BEAT_NS + (first["done_ns"] - first["due_ns"]) + late_ns


def late_of(beats: pd.DataFrame, from_ns: int, to_ns: int) -> int:
    """How late the latest beat of that span was, and one beat more: so long may have passed between two of them."""
    late = (beats["done_ns"] - beats["due_ns"])[beats["due_ns"].between(from_ns, to_ns)]
    return int(late.max()) + BEAT_NS if len(late) else BEAT_NS


def judge(road: Road, load: Load, free_within_ns: int | None = None) -> Iterator[tuple[pd.DataFrame, Planted, int]]:
    """Each trial's rows, what was planted, and what was allowed for, once that holds; a row a tick, a request of Locust's a row."""
    rows, beats = load.rows(), load.beats()
    answers, late = road.noted("answer"), road.noted("late")
    assert load.requests == len(rows)
    for planted in load.planted:
        mine = rows[rows["trial"] == planted.trial].sort_values("t_intended", ignore_index=True)
        assert {later - earlier for earlier, later in pairwise(mine["t_intended"])} == {INTERVAL_NS}
        assert_witnessed_as_planted(answers, late, planted)
        yield mine, planted, assert_measured_as_planted(mine, planted, beats, free_within_ns)


def test_a_measured_downtime_is_the_planted_one_within_a_probe_interval_at_either_edge(road: Road, tmp_path: Path):
    """Twelve outages in which the address is lost, twelve in which it refuses; 26 slots, one connection a tick, 200 ms each.

    Twenty ticks hang at a time, so a slot is always free. No tick is missing, none is doubled.
    """
    load = Load(road, tmp_path, fresh(road, 0.2), slots=26)
    for number, down_s in enumerate(durations(24)):
        load.plant("refuse" if number % 2 else "drop", down_s, still_ms=STILL_MS)
    allowed_ns = [allowed_ns for _, _, allowed_ns in judge(road, load)]
    print(f"allowed for beyond an interval, ms: {[round(ns / MS, 1) for ns in sorted(allowed_ns)]}")
    assert len(allowed_ns) == 24
    assert min(allowed_ns) < INTERVAL_NS, "who always allows for more than he measures holds anything for true"


def test_an_outage_in_which_every_connection_hangs_is_measured_as_well(road: Road, tmp_path: Path):
    """Four kept connections without time-outs: 40 ms after the address is lost all hang, till they are reset as it comes back.

    Every tick from when the last of the four began to hang until then is a row, *blocked*; the edges are as sharp as ever.
    """
    load = Load(road, tmp_path, kept(road), slots=4, reset=True)
    for down_s in durations(6):
        load.plant("drop", down_s, still_ms=STILL_MS)
    for rows, planted, _ in judge(road, load, free_within_ns=0):
        hung = rows[(rows["t_start"] < planted.up.from_ns) & (rows["t_end"] >= planted.up.from_ns)]
        until_up = rows[rows["t_intended"] < planted.up.from_ns]
        blocked = until_up[until_up["error_code"] == "Blocked"]
        assert len(hung) == 4
        assert blocked.index.tolist() == until_up[until_up["t_intended"] >= hung["t_start"].max()].index.tolist() != []
        assert (blocked["t_start"] == blocked["t_intended"]).all() and (blocked["t_end"] == blocked["t_intended"]).all()


def test_with_too_few_connections_for_its_time_out_a_probe_sees_the_end_later_by_that_time_out(
    road: Road, tmp_path: Path
):
    """Four slots, 120 ms each: when the address is back all may hang still, so the next tick that finds one may come 120 ms later.

    What it takes for an interval's sharpness is more slots than a time-out has ticks; so the bound is stated, not hoped for.
    """
    load = Load(road, tmp_path, fresh(road, 0.12), slots=4)
    for down_s in durations(6):
        load.plant("drop", down_s, still_ms=STILL_MS)
    for rows, _, _ in judge(road, load, free_within_ns=120 * MS):
        assert (rows["error_code"] == "Blocked").any()
