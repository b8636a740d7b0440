"""The load of ``dbharness calibrate``: every client against a responder that does nothing, one at a time and in full.

Its floors are taken like those of any scenario; its trials, with twenty in flight, say what an operation costs this
process in all: client, conductor, recorder and Locust's own count.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, get_args

from pydantic import PositiveFloat, PositiveInt

from harness.config import Settings
from harness.dynamodb.clients import ClientName
from harness.execute import locust_user
from harness.local.processes import Warden
from harness.local.responding import Responder
from harness.one_row import HOST, OneRow, Role, needs
from harness.plan import Cell, Trial, interleave
from harness.recorder import Observation
from harness.scenario import FloorProbe, Scenario, Slot, Stream, Ticket, TrialLoad
from harness.services import Needs

ROLES: tuple[Role, ...] = ("dynamodb", "cache", "postgres", "mysql")


class CalibrationSettings(Settings):
    """How long each client is loaded."""

    trials: PositiveInt = 3
    trial_s: PositiveFloat = 0.4


class Calibration(Scenario[CalibrationSettings]):
    """Asks every client for one row, item or value, as fast as it can."""

    name = "calibration"
    Settings = CalibrationSettings
    columns: ClassVar[dict[str, Any]] = {}
    default_slots = 20

    @classmethod
    def needs(cls, settings: CalibrationSettings) -> Needs:  # noqa: ARG003 - the same whatever the settings
        """Every service."""
        return needs(*ROLES)

    def set_up(self) -> None:
        """One item, value and row; a responder in front of every service."""
        self.row = OneRow(self.context.local)
        there = [role for role in ROLES if role in ("dynamodb", "cache", *self.context.services.sql)]
        for role in there:
            self.row.store(role)
        self.warden = Warden.start()
        self.responder = Responder.start(self.warden, {role: self.row.server(role) for role in there})
        for name in get_args(ClientName):
            self.row.factory(name, HOST, self.responder.ports["dynamodb"])
        self.probes = {f"{probe.client}.{probe.op}": probe for probe in self.floor_probes()}

    def plan(self) -> list[Trial]:
        """Every client in turn; in a first round that doesn't count, connections are made and statements prepared."""
        cells = [Cell(arms=(name,), step=str(self.context.slots)) for name in self.probes]
        return interleave(cells, rounds=1 + self.settings.trials, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """One operation of each client, one at a time."""
        probes = [self.row.dynamodb(name) for name in get_args(ClientName)]
        probes.append(self.row.cache())
        return probes + [self.row.sql(engine) for engine in self.context.services.sql]

    def begin(self, trial: Trial) -> TrialLoad:
        """A closed loop of one client in every slot."""
        probe = self.probes[trial.arm]
        return TrialLoad(client=probe.client, streams=(Stream(tickets=self._tickets(probe)),))

    def end(self, trial: Trial) -> None:
        """Say how many operations had no answer: what is refused quickly would look cheap."""
        self.context.events.add("failed", trial=trial.trial, operations=self.tally["failed"])

    def tear_down(self) -> None:
        """Stop the responder."""
        if hasattr(self, "warden"):
            self.warden.close()

    def _tickets(self, probe: FloorProbe) -> Iterator[Ticket]:
        port = self.responder.ports[probe.role]

        def act(slot: Slot) -> Observation:
            self.tally["failed"] += 1
            slot.hold(probe.key, lambda: probe.connect(HOST, port))
            seen = probe.act(slot)
            self.tally["failed"] -= seen.outcome == "ok"
            return seen

        end_ns = self.context.clock_ns() + int(self.settings.trial_s * 1e9)
        while self.context.clock_ns() < end_ns:
            yield Ticket(op=probe.op, act=act)


SCENARIO = Calibration
CalibrationUser = locust_user(Calibration)
