"""Plants outages with known edges under the harness's real performer and recorder, with a witness that shares nothing with them.

An echo server, a TCP proxy before it that is told to drop or to refuse and to pass again, ``outage_witness.py`` in a process of its
own, and a metronome that says whether the load's own process got to run. Nothing promises when anything happens: each edge is the
span between two moments read on either side of the order, with the whole path seen at work on its far side.
"""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import gevent
import pandas as pd
import pytest
from rundir import PlantedRun, trial

from harness.arrivals import constant
from harness.local.processes import Warden
from harness.local.tcp_proxy_control import TcpProxy
from harness.performer import Performer
from harness.plan import Trial
from harness.recorder import Observation, Recorder
from harness.scenario import Slot, Stream, Ticket, TrialLoad
from harness.sharing import lines_of
from harness.timing import Waiter

NAME = "rds_failover"
MS = 1_000_000
INTERVAL_NS, BEAT_NS = 10 * MS, 1 * MS
BEFORE_S, AFTER_S, FOR_EVER_S = 0.15, 0.2, 60
PLANT_AGAIN = 30
BLOCKED = Observation(outcome="error", error_code="Blocked")
Mode = Literal["drop", "refuse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Before ``from_ns`` it was one way, from ``to_ns`` on the other; CLOCK_MONOTONIC, which all processes share."""

    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One trial's outage."""

    trial: int
    mode: Mode
    down: Edge
    up: Edge
    begin_ns: int
    end_ns: int


class Road:
    """The echo server, the proxy before it and the witness."""

    def __init__(self, warden: Warden, folder: Path) -> None:
        def start(name: str, *words: str, says: str) -> str:
            log, script = warden.scratch / f"{name}.log", Path(__file__).with_name(f"{name}.py")
            warden.spawn(name, [sys.executable, str(script), *words], log=log, unprivileged=False)
            return warden.announced(name, name, says, log=log, timeout_s=20)

        self.server = "127.0.0.1", int(start("echo_server", says="listening on "))
        self.proxy = TcpProxy(warden, self.server)
        self.proxy.start()
        self._path, self._read = folder / "witness.txt", 0
        self._notes: dict[str, list[tuple[int, int]]] = {"answer": [], "late": []}
        self._path.touch()
        start("outage_witness", *map(str, self.proxy.address), str(self._path), says="asking")
        while self.noted("answer").empty:
            time.sleep(0.01)

    def goes_down(self, mode: Mode) -> Edge:
        """From when it was last seen at work to when it is surely down."""
        from_ns = time.monotonic_ns()
        self._works()
        (self.proxy.drop if mode == "drop" else self.proxy.refuse)()
        return Edge(from_ns=from_ns, to_ns=time.monotonic_ns())

    def comes_up(self, *, reset: bool) -> Edge:
        """From when it was surely down to when it is seen at work; with ``reset`` open connections are told first."""
        from_ns = time.monotonic_ns()
        if reset:
            self.proxy.reset()
        self.proxy.pass_on()
        self._works()
        return Edge(from_ns=from_ns, to_ns=time.monotonic_ns())

    def noted(self, word: str) -> pd.DataFrame:
        """What the witness noted: ``answer`` (asked when, answered when) or ``late`` (a tick was due when, and begun when)."""
        with self._path.open() as file:
            file.seek(self._read)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):  # it is being written
                    break
                self._read += len(line)
                what, due_ns, done_ns = line.split()
                self._notes[what].append((int(due_ns), int(done_ns)))
        return pd.DataFrame(self._notes[word], columns=["due_ns", "done_ns"])

    def _works(self) -> None:
        """Return when proxy and server have each answered: what had come to them before has been dealt with."""
        self.proxy.state()
        with socket.create_connection(self.server, 20) as connection:
            connection.sendall(b"?")
            assert connection.recv(1) == b"?"
        self.proxy.state()


class Load:
    """Ticks of one open loop, in samples of a run, while outages are planted one a trial.

    ``act`` does one of them; ``reset``: see ``Road.comes_up``.
    """

    def __init__(
        self, road: Road, folder: Path, act: Callable[[Slot], Observation], *, slots: int, reset: bool = False
    ) -> None:
        self.requests, self.planted = 0, list[Planted]()
        self._road, self._act, self._slots, self._reset = road, act, slots, reset
        self._run, self._trials = PlantedRun(folder / "run"), 0
        samples = self._run.path / "samples" / f"{NAME}.0.arrows"
        self._recorder = Recorder(samples, worker="0", extra={}, submit=gevent.get_hub().threadpool.spawn)
        self._performer, self._waiter = Performer(self._recorder, self._count), Waiter()
        self._beats: list[tuple[int, int]] = []
        self._greenlets = [gevent.spawn(self._user, Slot(number)) for number in range(slots)]
        self._greenlets.append(gevent.spawn(self._beat))

    def plant(self, mode: Mode, down_s: float, *, still_ms: float) -> None:
        """One trial with an outage of about ``down_s``; again, where anything but the outage stood still for ``still_ms``.

        What was measured has no part in that.
        """
        for _ in range(PLANT_AGAIN):
            planted = self._plant(mode, down_s)
            if self._stillest_ns(planted) < still_ms * MS:
                self.planted.append(planted)
                return
        pytest.fail(
            f"in {PLANT_AGAIN} trials this machine always stood still for {still_ms} ms: nothing can be planted"
        )

    def rows(self) -> pd.DataFrame:
        """All rows of all trials, read as a report reads them; the load is over."""
        gevent.killall(self._greenlets)
        self._performer.close()
        self._waiter.close()
        self._recorder.close()
        self._run.scenario(NAME, params={}, trials=[trial(one.trial, "a", "s") for one in self.planted])
        return self._run.load().samples(NAME)

    def beats(self) -> pd.DataFrame:
        """When each beat of the metronome was due and when it came."""
        return pd.DataFrame(self._beats, columns=["due_ns", "done_ns"])

    def _plant(self, mode: Mode, down_s: float) -> Planted:
        edges: list[Edge] = []
        number, self._trials = self._trials, self._trials + 1
        begin_ns = over_ns = 0

        def order() -> None:
            nonlocal over_ns
            time.sleep(BEFORE_S)
            edges.append(self._road.goes_down(mode))
            time.sleep(down_s)
            edges.append(self._road.comes_up(reset=self._reset))
            over_ns = time.monotonic_ns() + round(AFTER_S * 1e9)

        def ticks() -> Iterator[Ticket]:
            for due_ns in constant(interval_ns=INTERVAL_NS, duration_ns=round(FOR_EVER_S * 1e9)):
                if over_ns and begin_ns + due_ns > over_ns:
                    return
                yield Ticket(op="write_probe", act=self._act, due_ns=due_ns)

        orders = threading.Thread(target=order)  # of the system: its waits keep no greenlet from running

        def began(at_ns: int) -> None:
            nonlocal begin_ns
            begin_ns = at_ns
            orders.start()

        load = TrialLoad(client="echo", streams=(Stream(tickets=ticks(), backlog=0, blocked=BLOCKED),))
        lines = lines_of(load.streams, [self._slots], 0)
        meant = Trial(trial=number, pair=number, arm="a", step="s", labels={}, params={})
        figures = self._performer.perform(meant, load, lines, on_begin=began)
        orders.join()
        down, up = edges
        return Planted(trial=number, mode=mode, down=down, up=up, begin_ns=figures.begin_ns, end_ns=figures.end_ns)

    def _stillest_ns(self, planted: Planted) -> int:
        """How long the load's process, the witness, the path outside of the outage, or an order stood still at most."""
        spells = [edge.to_ns - edge.from_ns for edge in (planted.down, planted.up)]
        for late in (self.beats(), self._road.noted("late")):
            inside = late[late["due_ns"].between(planted.begin_ns, planted.end_ns)]
            spells += (inside["done_ns"] - inside["due_ns"]).tolist()
        answered = self._road.noted("answer")["done_ns"]
        for from_ns, to_ns in ((planted.begin_ns, planted.down.from_ns), (planted.up.to_ns, planted.end_ns)):
            moments = [from_ns, *answered[answered.between(from_ns, to_ns)], to_ns]
            spells += [later - earlier for earlier, later in pairwise(moments)]
        return max(spells)

    def _count(self, *_: Any) -> None:
        self.requests += 1

    def _user(self, slot: Slot) -> None:
        while True:
            self._performer.serve(slot)

    def _beat(self) -> None:
        due_ns = time.monotonic_ns()
        while True:
            due_ns = max(due_ns + BEAT_NS, time.monotonic_ns())
            self._waiter.wait_until(due_ns)
            self._beats.append((due_ns, time.monotonic_ns()))
