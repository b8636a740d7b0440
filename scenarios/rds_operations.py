"""What does it take to operate a managed database, and what do its clients notice?

Parameter groups, backups, snapshots, a replica that lags, connections that run out: each is done for real, on the real servers,
under load. What each part does, and what it varies, says its room: ``harness.sql.operations``, and ``harness.sql.recovery`` for
backups and point-in-time restore.
"""

from itertools import count
from typing import ClassVar

import gevent

from harness.errors import CannotMeasure, TrialFailed
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind
from harness.scenario import FloorProbe, Narrowed, Scenario, TrialLoad
from harness.services import Needs, Services
from harness.sql.endpoint import DRIVERS
from harness.sql.failover.floors import floor_probes
from harness.sql.operations.instances import Instances
from harness.sql.operations.load import COLUMNS, READ, WRITE
from harness.sql.operations.part import TROUBLE, Part, Room, engine_of
from harness.sql.operations.parts import MAKE, trials_of
from harness.sql.operations.settings import PartName, RdsOperationsSettings

DEADLINE_S = 300.0  # for whatever operation


class RdsOperations(Scenario[RdsOperationsSettings]):
    """Operates databases while they are used."""

    name = "rds_operations"
    Settings = RdsOperationsSettings
    alone = "changes servers, and counts what became of each write, in the process that makes the load"
    columns: ClassVar[dict[str, Kind]] = COLUMNS
    default_slots = 32

    @classmethod
    def needs(cls, settings: RdsOperationsSettings) -> Needs:
        """The engines, whose servers the parts make."""
        return Needs(sql_servers=settings.engines)

    @classmethod
    def on_aws(cls, settings: RdsOperationsSettings, services: Services) -> Narrowed:  # noqa: ARG003 - whatever there is
        """Nothing: what the parts do to servers, RDS lets nobody do, and what it does itself is asked for otherwise."""
        raise CannotMeasure(
            "rds_operations kills, copies and reconfigures servers of its own, as RDS lets nobody: of RDS's own operations `dbharness "
            "aws snapshot` and `aws restore` are timed, its parameter groups aren't measured; --target local measures stand-ins"
        )

    def set_up(self) -> None:
        """The servers of every part, side by side."""
        there = tuple(engine for engine in self.settings.engines if engine not in self.context.services.unavailable)
        if not there:
            raise CannotMeasure("; ".join(self.context.services.unavailable.values()) or "no database is there")
        room = Room(
            context=self.context, settings=self.settings, engines=there, instances=Instances(self.context.local, self.context.config.months),
            next_id=count(1).__next__,
        )  # fmt: skip
        self.instances = room.instances
        self.parts: dict[PartName, Part] = {name: MAKE[name](room) for name in self.settings.parts}
        try:
            gevent.joinall([gevent.spawn(part.set_up) for part in self.parts.values()], raise_error=True)
        except TROUBLE as error:
            raise CannotMeasure(str(error)) from error

    def plan(self) -> list[Trial]:
        """See ``harness.sql.operations.parts``."""
        return trials_of(self.parts, self.settings, seed=f"{self.context.config.seed}/{self.name}")

    def floor_probes(self) -> list[FloorProbe]:
        """A read and a write of the ledger, on a connection that is there."""
        return floor_probes(self.instances.endpoints(), read=READ, write=WRITE)

    def prepare(self, trial: Trial) -> None:
        """The part's."""
        try:
            self._part(trial).prepare(trial)
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def begin(self, trial: Trial) -> TrialLoad:
        """The part's."""
        return TrialLoad(
            client=DRIVERS[engine_of(trial)], streams=self._part(trial).begin(trial), deadline_s=DEADLINE_S
        )

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The part's."""
        self._part(trial).begun(trial, begin_ns)

    def end(self, trial: Trial) -> None:
        """The part's."""
        try:
            self._part(trial).end(trial)
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def tear_down(self) -> None:
        """The parts'; servers end with the services."""
        for part in getattr(self, "parts", {}).values():
            part.tear_down()

    def _part(self, trial: Trial) -> Part:
        part: PartName = trial.labels["part"]  # type: ignore[assignment] # the plan's own words
        return self.parts[part]

    def _lost(self, trial: Trial, error: Exception) -> TrialFailed:
        labels = trial.labels
        return TrialFailed(f"{labels['engine']} {labels['part']} {trial.arm} {trial.step}: {error}")


SCENARIO = RdsOperations
RdsOperationsUser = locust_user(RdsOperations)
