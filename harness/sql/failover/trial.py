"""One failover, where the databases are: the fault, the controller, and the ledger at the end.

What the client arms do meanwhile is in ``harness.sql.failover.load``, in as many processes as make the load.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from harness.errors import CannotMeasure, UsageError
from harness.plan import Trial
from harness.scenario import Context, FaultKind
from harness.sql import ledger
from harness.sql.connections import connect
from harness.sql.failover.by_hand import ByHand
from harness.sql.failover.cells import BY_HAND, parameters_of
from harness.sql.failover.ledgers import ArmLedgers
from harness.sql.failover.load import lasts_s, writing_arms
from harness.sql.failover.stage import FailoverStage
from harness.sql.failover.zones import ZoneStates

if TYPE_CHECKING:
    from harness.local.pace import PaceName

PATIENCE_S = 20.0  # how long after the trial a failover may still be under way


class Failover:
    """One trial. ``begun`` starts the clock of the fault, ``settle`` says what became of it all."""

    def __init__(self, trial: Trial, stage: FailoverStage, context: Context) -> None:
        self._trial, self._stage, self._context = trial, stage, context
        params, labels = trial.params, trial.labels
        self._engine: Any = labels["engine"]
        self._ledgers = ArmLedgers(writing_arms(trial), _writes_nothing)
        self._interval_ns = int(float(params["probe_interval_ms"]) * 1e6)
        self._before_s, self._cap_s = float(params["before_s"]), float(params["cap_s"])
        waits_s = float(params["by_hand_s"]) if labels["fault"] == BY_HAND else 0.0
        self.by_hand = (
            ByHand(trial, before_s=self._before_s, waits_s=waits_s, on_aws=context.on_aws) if waits_s else None
        )
        self._duration_ns = int(lasts_s(trial) * 1e9)
        self._pace: PaceName = labels["pace"]  # type: ignore[assignment]
        self._controller = stage.controller(
            pace=self._pace, note=self._note, publish=self._publish, sleep_s=context.sleep_s
        )
        self._injected, self.ends_ns = False, 0
        self._zones: ZoneStates | None = None
        self._moved = Event()
        self._greenlets: list[Any] = []

    def prepare(self) -> None:
        """The topology whole, with the trial's parameters. Raises what is in TROUBLE."""
        labels = self._trial.labels
        self._stage.prepare(parameters_of(labels["durability"]), behind_doors=labels["fault"] == "black_hole")
        topology = self._stage.topology
        self._zones = ZoneStates(
            self._context.redact(topology.writer), zones=getattr(topology, "zones", ()), readers=getattr(topology, "readers", ())
        )  # fmt: skip

    def hand_out(self) -> dict[str, Any]:
        """Where clients find the database."""
        return {"way": asdict(self._stage.way())}

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """What the clients of each process were told about their writes."""
        for record in told:
            self._ledgers.merge(record)

    def begun(self, begin_ns: int) -> None:
        """The controller watches from now on; the fault comes when it is due."""
        jitter_ns = self._context.rng("fault", self._trial.trial).randrange(self._interval_ns)
        self.ends_ns = begin_ns + self._duration_ns
        self._greenlets = [gevent.spawn(self._controller.watch, self._on_event)]
        if self.by_hand is not None:
            self.ends_ns = self.by_hand.begun(begin_ns)
            return
        due_ns, fault = begin_ns + int(self._before_s * 1e9) + jitter_ns, self._trial.labels["fault"]
        self._greenlets.append(gevent.spawn(self._at, due_ns, self._inject, fault))

    def fault(self, kind: FaultKind) -> str:
        """Somebody asks for a fault: what happens. Raises UsageError where none can be had now."""
        if self.by_hand is None:
            raise UsageError(
                f"{self._trial.step} fails by itself; a cell such as multi_az_instance.{BY_HAND} waits for you"
            )
        now_ns = self._context.clock_ns()
        self.by_hand.press(kind, now_ns)
        self.ends_ns = now_ns + int(self._cap_s * 1e9)
        zone = self._stage.topology.writer
        self._greenlets.append(gevent.spawn(self._inject, kind))
        return f"{kind} of {self._engine}'s writer, {self._context.redact(zone)}; it is watched for {self._cap_s:g} s"

    def became(self) -> Trial:
        """The trial with the fault that it had."""
        return self._trial if self.by_hand is None else self.by_hand.became()

    @property
    def number(self) -> int:
        """The trial's."""
        return self._trial.trial

    def live(self) -> dict[str, float | str]:
        """The zones' states and what writers were told so far."""
        by_hand = {"by_hand": self.by_hand.word(self._context.clock_ns())} if self.by_hand else {}
        return {**(self._zones.told() if self._zones else {}), **self._ledgers.told(), **by_hand}

    def settle(self) -> None:
        """Wait for the failover's end, look every write up, hold both tables side by side. Raises CannotMeasure.

        A trial that was stopped before its end isn't measured: nothing is looked up then, nor waited for.
        """
        try:
            # The last tick is due within the last interval, and the trial is over once it is answered.
            if self._context.clock_ns() >= self.ends_ns - self._interval_ns:
                if self.by_hand is not None:
                    self.by_hand.settle()
                self._await_failover()
                self._stage.heal()
                self._check_ledger()
        finally:
            self._controller.stop()
            self._stage.failed_over |= self._injected
            watch, *others = self._greenlets
            gevent.killall([greenlet for greenlet in others if greenlet is not gevent.getcurrent()])
            watch.join()
            self._stage.heal()

    def _at(self, due_ns: int, do: Callable[..., None], *words: str) -> None:
        self._context.sleep_s(max(0, due_ns - self._context.clock_ns()) / 1e9)
        do(*words)

    def _inject(self, fault: str) -> None:
        zone, about = self._stage.topology.writer, {"fault": fault} | ({"by_hand": True} if self.by_hand else {})
        self._injected = True
        self._moved.clear()  # of a false alarm before
        if fault == "planned":
            self._note("fault_injected", zone, **about)
            self._controller.fail_over_planned(self._on_event)
        else:
            self._note("fault_injected", zone, t_ns=self._stage.inject(fault, zone), **about)

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


def _writes_nothing() -> int:
    raise AssertionError("only who makes the load writes")
