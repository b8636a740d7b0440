"""What every client arm does during one failover: an open loop of reads and one of writes each, and what it was told.

In each process that makes load, which need not be the one that has the databases.
"""

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

import gevent

from harness.arrivals import Drawn, constant
from harness.plan import Trial
from harness.recorder import Observation
from harness.scenario import Context, Slot, Stream, Ticket, TrialLoad
from harness.sharing import part_of
from harness.sql.clients.make import Arm, make
from harness.sql.clients.model import Client, Way
from harness.sql.endpoint import DRIVERS
from harness.sql.failover.by_hand import ByHand
from harness.sql.failover.ledgers import ArmLedgers
from harness.sql.failover.patience import PATIENCE
from harness.sql.failover.probes import Probes

GRACE_S = 0.3  # what an attempt begun at the last tick may take before its connection is cut
ONLY_READ = frozenset({"reader"})  # where nothing but copies is found


def arms_of(trial: Trial) -> tuple[Arm, ...]:
    """The client arms that watch ``trial``."""
    return tuple(str(trial.params["client_arms"]).split(","))  # type: ignore[arg-type] # the plan's own words


def writing_arms(trial: Trial) -> tuple[str, ...]:
    """Those of them that write."""
    return tuple(arm for arm in arms_of(trial) if arm not in ONLY_READ)


def lasts_s(trial: Trial) -> float:
    """How long ``trial`` lasts, at most where its fault is by hand."""
    return sum(float(trial.params.get(name, 0)) for name in ("before_s", "by_hand_s", "cap_s"))


class ClientLoad:
    """The clients of one trial, which know nothing of a failover yet; of several processes each has its ``part`` of a pool.

    When a trial ``by_hand`` ends is known once somebody came for it.
    """

    def __init__(
        self, trial: Trial, way: Way, context: Context, next_id: Callable[[], int], part: tuple[int, int] = (0, 1),
        *, by_hand: ByHand | None = None,
    ) -> None:  # fmt: skip
        params, pooled = trial.params, max(1, part_of(int(trial.params["connections"]), *part))
        self._context, self._engine, self._by_hand = context, way.engine, by_hand
        self._ledgers = ArmLedgers(writing_arms(trial), next_id)
        self._interval_ns = int(float(params["probe_interval_ms"]) * 1e6)
        self._warm_up_ns = int(float(params["warm_up_s"]) * 1e9)
        self._duration_ns = int(lasts_s(trial) * 1e9)
        self._slots = int(params["connections"]) // 2
        settings = PATIENCE[trial.labels["pace"]]  # type: ignore[index] # the plan's own words
        self._clients: list[Client] = [make(arm, way, connections=pooled, settings=settings) for arm in arms_of(trial)]
        self._probes = [
            Probes(
                client=client, engine=self._engine, trial=trial.trial, ledgers=self._ledgers, sleep_s=context.sleep_s,
                clock_ns=context.clock_ns, ends_ns=lambda: self._ends_ns, redact=context.redact,
            )
            for client in self._clients
        ]  # fmt: skip
        self._ends_ns = 0
        self._cutting: Any = None

    def load(self) -> TrialLoad:
        """Every arm's reads and writes; what falls due while all slots of a stream have something in flight is *blocked*."""
        acts = [(probes, *act) for probes in self._probes for act in _acts(probes)]
        streams = tuple(
            self._stream(*act, offset_ns=place * self._interval_ns // len(acts)) for place, act in enumerate(acts)
        )
        return TrialLoad(client=DRIVERS[self._engine], streams=streams, deadline_s=self._duration_ns / 1e9 + 60)

    def begun(self, begin_ns: int) -> None:
        """The end comes when it is due."""
        self.ends(begin_ns + self._duration_ns if self._by_hand is None else self._by_hand.begun(begin_ns))

    def ends(self, ends_ns: int) -> None:
        """It is due then, whenever it was before."""
        self._ends_ns = ends_ns
        if self._cutting is not None:
            self._cutting.kill(block=False)
        self._cutting = gevent.spawn(self._at, ends_ns + int(GRACE_S * 1e9))

    def told(self) -> dict[str, float]:
        """How many writes were acknowledged, ambiguous or failed so far."""
        return self._ledgers.told()

    def ended(self) -> dict[str, Any]:
        """Close all clients; what their ledgers say, as plain data."""
        if self._cutting is not None:
            self._cutting.kill()
        self._cut()
        self._context.sleep_s(0)  # who waited in an attempt hears of it
        for client in self._clients:
            client.close()
        return self._ledgers.as_record()

    def _stream(self, probes: Probes, op: str, act: Callable[[Slot], Observation], *, offset_ns: int) -> Stream:
        """One tick an interval, ``offset_ns`` into it: all arms at once would wait for each other."""

        def ticket(tick_ns: int) -> Ticket:
            due_ns = tick_ns + offset_ns
            return Ticket(op=op, act=act, due_ns=due_ns, warm_up=due_ns < self._warm_up_ns)

        ticks = constant(interval_ns=self._interval_ns, duration_ns=self._duration_ns - offset_ns)
        if (by_hand := self._by_hand) is not None:
            ticks = takewhile(lambda tick_ns: not by_hand.over(tick_ns + offset_ns, self._ends_ns), ticks)
        return Stream(tickets=Drawn(ticks, ticket), slots=self._slots, backlog=0, blocked=probes.blocked())

    def _at(self, due_ns: int) -> None:
        self._context.sleep_s(max(0, due_ns - self._context.clock_ns()) / 1e9)
        self._cut()

    def _cut(self) -> None:
        """Nothing is tried again from now on, and who waits for an answer that doesn't come is told so."""
        for client in self._clients:
            client.cut()


def _acts(probes: Probes) -> Iterator[tuple[str, Callable[[Slot], Observation]]]:
    """What an arm does at each tick."""
    yield "read_probe", probes.read
    if probes.arm not in ONLY_READ:
        yield "write_probe", probes.write
