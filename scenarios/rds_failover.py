"""How long is a database down when it fails over, and is anything lost?

A Multi-AZ instance is killed under load. Two probes, one that reads and one that writes, try every 10 ms whether it
is up; writers keep a ledger of what was acknowledged, refused or left open; afterwards every row of the ledger is
looked up.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, repeat
from typing import Any, ClassVar, Literal

import gevent
from pydantic import Field, PositiveFloat, PositiveInt

from harness.arrivals import constant
from harness.config import Settings
from harness.errors import CannotMeasure
from harness.execute import locust_user
from harness.local.controller import Controller
from harness.local.dns import DnsServer, resolve
from harness.local.pace import FAST
from harness.local.services import Needs
from harness.plan import Cell, Trial, interleave
from harness.recorder import Kind, Observation
from harness.scenario import Context, FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.sql import ledger
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import DRIVERS, Engine

TOPOLOGY, FAULT, ARM = "multi_az_instance", "crash", "tuned"
BACK_OFF_S = 0.01  # what a refused writer waits before its next write, as an application would


def name_of(engine: Engine) -> str:
    """The endpoint's name."""
    return f"{engine}.dbharness.test"


class RdsFailoverSettings(Settings):
    """Section ``scenarios.rds_failover`` of config.yaml."""

    engines: tuple[Literal["postgres", "mysql"], ...] = Field(default=("mysql", "postgres"), min_length=1)
    trials: PositiveInt = 6
    probe_interval_ms: PositiveFloat = 10
    before_s: PositiveFloat = 0.6
    after_s: PositiveFloat = 1.9
    read_timeout_s: PositiveFloat = 0.5
    connect_timeout_s: PositiveFloat = 0.5


class RdsFailover(Scenario[RdsFailoverSettings]):
    """Kills a Multi-AZ instance under load and watches it come back."""

    name = "rds_failover"
    Settings = RdsFailoverSettings
    columns: ClassVar[dict[str, Kind]] = {"engine": "text", "write_id": "int"}
    default_slots = 6
    min_slots = 3

    def __init__(self, settings: RdsFailoverSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.write_ids = count(1)
        self.dns = DnsServer()
        self.controllers: dict[Engine, Controller] = {}

    @classmethod
    def needs(cls, settings: RdsFailoverSettings) -> Needs:
        """The engines, whose topologies are made in ``set_up``."""
        return Needs(sql_servers=settings.engines)

    def set_up(self) -> None:
        """Each server in its first zone, published at its name, with an empty ledger."""
        self.dns.start()
        for engine in self.settings.engines:
            if engine in self.context.services.unavailable:
                continue
            topology = self.context.services.topology(engine, "multi_az_instance")
            topology.create()
            publish = partial(self.dns.move, name_of(engine))
            publish(topology.writer)
            self.controllers[engine] = Controller(topology, publish, FAST, sleep_s=self.context.sleep_s)
            with self._connect(engine) as connection:
                ledger.create(connection)
        if not self.controllers:
            raise CannotMeasure("; ".join(self.context.services.unavailable.values()) or "no database is there")

    def plan(self) -> list[Trial]:
        """The engines in turn, shuffled in each round; every trial is one failover."""
        cells = [
            Cell(
                arms=(ARM,),
                step=f"{TOPOLOGY}.{FAULT}",
                labels={"engine": engine, "topology": TOPOLOGY, "fault": FAULT},
                params={"probe_interval_ms": self.settings.probe_interval_ms},
            )
            for engine in self.controllers
        ]
        return interleave(cells, rounds=self.settings.trials, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """What the two probes ask, one at a time, as an open loop does; the write into no trial's ledger."""
        return [
            self._floor(engine, op, statement, params)
            for engine in self.controllers
            for op, statement, params in (("read_probe", ledger.READ, ()), ("write_probe", ledger.INSERT, (0, -1)))
        ]

    def _floor(self, engine: Engine, op: str, statement: str, params: tuple[int, ...]) -> FloorProbe:
        topology = self.controllers[engine].topology
        endpoint = topology.endpoint(topology.writer)

        def act(slot: Slot) -> Observation:
            if params:
                return self._attempt(slot, engine, None, lambda connection: connection.execute(statement, params))
            return self._attempt(slot, engine, None, lambda connection: connection.query(statement))

        return FloorProbe(
            client=DRIVERS[engine], op=op, role=engine, server=(endpoint.host, endpoint.port), key=engine,
            connect=lambda host, port: connect(endpoint.at(host, port)), act=act, labels={"engine": engine}, slots=1,
        )  # fmt: skip

    def begin(self, trial: Trial) -> TrialLoad:
        """Two open-loop probes and, in the slots they leave, closed-loop writers."""
        engine = self._engine(trial)
        duration_ns = int((self.settings.before_s + self.settings.after_s) * 1e9)
        interval_ns = int(self.settings.probe_interval_ms * 1e6)
        end_ns = self.context.clock_ns() + duration_ns
        self.outcomes = ledger.Ledger()

        def probe(op: str, act: Callable[[Slot], Observation]) -> Iterator[Ticket]:
            for due_ns in constant(interval_ns=interval_ns, duration_ns=duration_ns):
                yield Ticket(op=op, act=act, due_ns=due_ns)

        def writers() -> Iterator[Ticket]:
            for act in repeat(self._write(trial, engine, back_off_s=BACK_OFF_S)):
                if self.context.clock_ns() >= end_ns:
                    return
                yield Ticket(op="write", act=act)

        streams = (
            Stream(tickets=probe("read_probe", self._read(engine)), slots=2),
            Stream(tickets=probe("write_probe", self._write(trial, engine)), slots=2),
            Stream(tickets=writers()),
        )
        return TrialLoad(client=DRIVERS[engine], streams=streams, deadline_s=duration_ns / 1e9 + 30)

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The controller watches from now on; the fault comes ``before_s`` later."""
        controller = self.controllers[self._engine(trial)]

        def on_event(kind: str, zone: str) -> None:
            self.context.events.add(kind, trial=trial.trial, engine=trial.labels["engine"], zone=zone)

        self.injected = False

        def inject() -> None:
            self.injected = True
            on_event("fault_injected", controller.topology.writer)
            controller.topology.crash(controller.topology.writer)

        self.watch = gevent.spawn(controller.watch, on_event)
        due_ns = begin_ns + int(self.settings.before_s * 1e9)
        self.fault = gevent.spawn_later(max(0, due_ns - self.context.clock_ns()) / 1e9, inject)

    def end(self, trial: Trial) -> None:
        """Look every write up and say what became of it."""
        engine = self._engine(trial)
        controller = self.controllers[engine]
        try:
            if self.injected:
                self.fault.join()
            self.fault.kill()
            with self._connect(engine, patience_s=5.0) as connection:
                check = self.outcomes.check(ledger.present_counts(connection, trial.trial))
        except Exception as error:
            raise controller.failure or CannotMeasure(f"{engine} didn't come back after the fault: {error}") from error
        finally:
            controller.stop()
            self.watch.join()
        self.context.events.add("ledger_checked", trial=trial.trial, engine=engine, **ledger.as_record(check))

    def tear_down(self) -> None:
        """Stop the name server."""
        for controller in self.controllers.values():
            controller.stop()
        self.dns.stop()

    def _read(self, engine: Engine) -> Callable[[Slot], Observation]:
        def act(slot: Slot) -> Observation:
            return self._attempt(slot, engine, None, lambda connection: connection.query(ledger.READ, ()))

        return act

    def _write(self, trial: Trial, engine: Engine, back_off_s: float = 0.0) -> Callable[[Slot], Observation]:
        def act(slot: Slot) -> Observation:
            write_id = next(self.write_ids)
            seen = self._attempt(
                slot,
                engine,
                write_id,
                lambda connection: connection.execute(ledger.INSERT, (write_id, trial.trial)),
            )
            self.outcomes.note(write_id, seen.outcome)
            if seen.outcome != "ok":
                self.context.sleep_s(back_off_s)
            return seen

        return act

    def _attempt(
        self, slot: Slot, engine: Engine, write_id: int | None, do: Callable[[SqlConnection], Any]
    ) -> Observation:
        """One attempt on the slot's connection, which is made anew, name looked up again, after any trouble."""
        extra = {"engine": engine, "write_id": write_id}
        sent = False
        try:
            connection = slot.hold(engine, lambda: self._connect(engine))
            sent = True
            do(connection)
        except Exception as error:  # noqa: BLE001 - classified; what drivers raise has no common class
            slot.drop(engine)
            outcome, code = classify(error, sent=sent and write_id is not None)
            return Observation(outcome=outcome, error_code=code, extra=extra)
        return Observation(extra=extra)

    def _connect(self, engine: Engine, patience_s: float = 0.0) -> SqlConnection:
        """A connection to where the name points now; with patience, tried again until that is over."""
        settings, topology = self.settings, self.controllers[engine].topology
        deadline_ns = self.context.clock_ns() + int(patience_s * 1e9)
        while True:
            address = resolve(name_of(engine), self.dns.address).address
            try:
                return connect(
                    topology.endpoint(address),
                    connect_timeout_s=settings.connect_timeout_s,
                    read_timeout_s=settings.read_timeout_s,
                )
            except Exception:
                if self.context.clock_ns() >= deadline_ns:
                    raise
                self.context.sleep_s(0.05)

    def _engine(self, trial: Trial) -> Any:
        return trial.labels["engine"]


SCENARIO = RdsFailover
RdsFailoverUser = locust_user(RdsFailover)
