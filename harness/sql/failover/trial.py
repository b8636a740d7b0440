"""One failover, watched by every client arm at once: their probes, the fault, the controller, and the ledger at the end."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from harness.arrivals import constant
from harness.errors import CannotMeasure
from harness.plan import Trial
from harness.recorder import Observation
from harness.scenario import Context, Slot, Stream, Ticket, TrialLoad
from harness.sql import ledger
from harness.sql.clients.make import Arm, make
from harness.sql.connections import connect
from harness.sql.endpoint import DRIVERS
from harness.sql.failover.cells import parameters_of
from harness.sql.failover.ledgers import ArmLedgers
from harness.sql.failover.patience import PATIENCE
from harness.sql.failover.probes import Probes
from harness.sql.failover.stage import FailoverStage
from harness.sql.failover.zones import ZoneStates

if TYPE_CHECKING:
    from harness.local.pace import PaceName
    from harness.sql.clients.model import Client

GRACE_S = 0.3  # what an attempt begun at the last tick may take before its connection is cut
ONLY_READ = frozenset({"reader"})  # where nothing but copies is found
PATIENCE_S = 20.0  # how long after the trial a failover may still be under way


class Failover:
    """One trial. ``load`` is what is measured, ``begun`` starts the clock of the fault, ``settle`` says what became of it all."""

    def __init__(self, trial: Trial, stage: FailoverStage, context: Context, next_id: Callable[[], int]) -> None:
        self._trial, self._stage, self._context = trial, stage, context
        params, labels = trial.params, trial.labels
        self._engine: Any = labels["engine"]
        self._arms: list[Arm] = str(params["client_arms"]).split(",")  # type: ignore[assignment] # the plan's own words
        self._ledgers = ArmLedgers(tuple(arm for arm in self._arms if arm not in ONLY_READ), next_id)
        self._clients: list[Client] = []
        self._probes: list[Probes] = []
        self._interval_ns = int(float(params["probe_interval_ms"]) * 1e6)
        self._before_s, self._cap_s = float(params["before_s"]), float(params["cap_s"])
        self._warm_up_ns = int(float(params["warm_up_s"]) * 1e9)
        self._duration_ns = int((self._before_s + self._cap_s) * 1e9)
        self._slots = int(params["connections"]) // 2
        self._pace: PaceName = labels["pace"]  # type: ignore[assignment]
        self._controller = stage.controller(
            pace=self._pace, note=self._note, publish=self._publish, sleep_s=context.sleep_s
        )
        self._injected, self._ends_ns = False, 0
        self._zones: ZoneStates | None = None
        self._moved = Event()
        self._greenlets: list[Any] = []

    def prepare(self) -> None:
        """The topology whole, with the trial's parameters; clients that know nothing of it yet. Raises what is in TROUBLE."""
        labels, params = self._trial.labels, self._trial.params
        self._stage.prepare(parameters_of(labels["durability"]), behind_doors=labels["fault"] == "black_hole")
        topology = self._stage.topology
        self._zones = ZoneStates(
            self._context.redact(topology.writer), zones=getattr(topology, "zones", ()), readers=getattr(topology, "readers", ())
        )  # fmt: skip
        way, settings = self._stage.way(), PATIENCE[self._pace]
        self._clients = [
            make(arm, way, connections=int(params["connections"]), settings=settings) for arm in self._arms
        ]
        self._probes = [
            Probes(
                client=client, engine=self._engine, trial=self._trial.trial, ledgers=self._ledgers,
                sleep_s=self._context.sleep_s, clock_ns=self._context.clock_ns, ends_ns=lambda: self._ends_ns,
                redact=self._context.redact,
            )
            for client in self._clients
        ]  # fmt: skip

    def load(self) -> TrialLoad:
        """An open loop of reads and one of writes for each arm; what falls due while all slots of one have something in flight is *blocked*."""
        acts = [(probes, *act) for probes in self._probes for act in _acts(probes)]
        streams = tuple(
            self._stream(*act, offset_ns=place * self._interval_ns // len(acts)) for place, act in enumerate(acts)
        )
        return TrialLoad(client=DRIVERS[self._engine], streams=streams, deadline_s=self._duration_ns / 1e9 + 60)

    def begun(self, begin_ns: int) -> None:
        """The controller watches from now on; fault and end come when they are due."""
        jitter_ns = self._context.rng("fault", self._trial.trial).randrange(self._interval_ns)
        self._ends_ns = begin_ns + self._duration_ns
        self._greenlets = [
            gevent.spawn(self._controller.watch, self._on_event),
            gevent.spawn(self._at, begin_ns + int(self._before_s * 1e9) + jitter_ns, self._inject),
            gevent.spawn(self._at, self._ends_ns + int(GRACE_S * 1e9), self._cut),
        ]

    def live(self) -> dict[str, float | str]:
        """The zones' states and what writers were told so far."""
        return {**(self._zones.told() if self._zones else {}), **self._ledgers.told()}

    def settle(self) -> None:
        """Wait for the failover's end, look every write up, hold both tables side by side. Raises CannotMeasure.

        A trial that was stopped before its end isn't measured: nothing is looked up then, nor waited for.
        """
        try:
            # The last tick is due within the last interval, and the trial is over once it is answered.
            if self._context.clock_ns() >= self._ends_ns - self._interval_ns:
                self._await_failover()
                self._stage.heal()
                self._check_ledger()
        finally:
            self._cut()
            self._controller.stop()
            self._stage.failed_over |= self._injected
            watch, *others = self._greenlets
            gevent.killall([greenlet for greenlet in others if greenlet is not gevent.getcurrent()])
            watch.join()
            for client in self._clients:
                client.close()
            self._stage.heal()

    def _stream(self, probes: Probes, op: str, act: Callable[[Slot], Observation], *, offset_ns: int) -> Stream:
        """One tick an interval, ``offset_ns`` into it: all arms at once would wait for each other."""

        def tickets() -> Iterator[Ticket]:
            for tick_ns in constant(interval_ns=self._interval_ns, duration_ns=self._duration_ns - offset_ns):
                due_ns = tick_ns + offset_ns
                yield Ticket(op=op, act=act, due_ns=due_ns, warm_up=due_ns < self._warm_up_ns)

        return Stream(tickets=tickets(), slots=self._slots, backlog=0, blocked=probes.blocked())

    def _at(self, due_ns: int, do: Callable[[], None]) -> None:
        self._context.sleep_s(max(0, due_ns - self._context.clock_ns()) / 1e9)
        do()

    def _inject(self) -> None:
        zone, fault = self._stage.topology.writer, self._trial.labels["fault"]
        self._injected = True
        self._moved.clear()  # of a false alarm before
        if fault == "planned":
            self._note("fault_injected", zone, fault=fault)
            self._controller.fail_over_planned(self._on_event)
        else:
            self._note("fault_injected", zone, t_ns=self._stage.inject(fault, zone), fault=fault)

    def _publish(self, zone: str) -> None:
        """The controller's word: names first, then the proxy, which is told and doesn't ask."""
        self._stage.publish(zone)
        if self._stage.tell_proxy():
            self._note("proxy_told", zone)

    def _on_event(self, kind: str, zone: str) -> None:
        self._note(kind, zone)
        if kind == "dns_moved":
            self._moved.set()

    def _note(self, kind: str, zone: str, **fields: Any) -> None:
        if self._zones is not None:
            self._zones.note(kind, self._context.redact(zone), str(fields.get("fault", "")))
        self._context.events.add(kind, trial=self._trial.trial, engine=self._engine, zone=zone, **fields)

    def _cut(self) -> None:
        """Nothing is tried again from now on, and who waits for an answer that doesn't come is told so."""
        for client in self._clients:
            client.cut()

    def _await_failover(self) -> None:
        deadline_ns = self._context.clock_ns() + int(PATIENCE_S * 1e9)
        while not self._moved.wait(0.02):
            if self._controller.failure is not None:
                raise self._controller.failure
            if self._context.clock_ns() > deadline_ns:
                raise CannotMeasure(f"no server had taken over {self._cap_s + PATIENCE_S:g} s after the fault")

    def _check_ledger(self) -> None:
        trial, topology, events = self._trial.trial, self._stage.topology, self._context.events
        with connect(self._stage.writer) as connection:
            present = ledger.present_counts(connection, trial)
        for arm, counts in self._ledgers.check(present).items():
            events.add("ledger_checked", trial=trial, engine=self._engine, client_arm=arm, **counts)
        missing = topology.lost_rows(trial)
        if missing is not None:
            events.add(
                "tables_compared", trial=trial, engine=self._engine, missing=len(missing),
                acknowledged_missing=self._ledgers.acknowledged_of(missing),
            )  # fmt: skip


def _acts(probes: Probes) -> Iterator[tuple[str, Callable[[Slot], Observation]]]:
    """What an arm does at each tick."""
    yield "read_probe", probes.read
    if probes.arm not in ONLY_READ:
        yield "write_probe", probes.write
