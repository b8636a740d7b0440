"""What does it take to operate a managed database, and what do its clients notice?

Parameter groups, backups, snapshots, a replica that lags, connections that run out: each is done for real, on the real servers,
under load. What each part does, and what it varies, says its room: ``harness.sql.operations``, and ``harness.sql.recovery`` for
backups and point-in-time restore.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

import gevent

from harness.errors import CannotMeasure, TrialFailed
from harness.execute import locust_user
from harness.plan import Trial
from harness.recorder import Kind
from harness.scenario import Context, FloorProbe, Narrowed, Scenario, TrialLoad
from harness.services import Needs, Services
from harness.sql.endpoint import DRIVERS
from harness.sql.failover.floors import floor_probes
from harness.sql.operations.instances import Instances
from harness.sql.operations.load import COLUMNS, READ, WRITE, Desk, Load
from harness.sql.operations.part import TROUBLE, Doing, Part, Room, engine_of
from harness.sql.operations.parts import LOADS, MAKE, trials_of
from harness.sql.operations.settings import PartName, RdsOperationsSettings

DEADLINE_S = 300.0  # for whatever operation
OVER, CLOSE = "over", "close"  # what loads are told: to end, and that all have


class RdsOperations(Scenario[RdsOperationsSettings]):
    """Operates databases while they are used.

    Of several processes the one with the services does what is done to servers; the others share the load, and what each of them
    knows of its writes is put together at a trial's end.
    """

    name = "rds_operations"
    Settings = RdsOperationsSettings
    distributable = True
    columns: ClassVar[dict[str, Kind]] = COLUMNS
    default_slots = 32

    def __init__(self, settings: RdsOperationsSettings, context: Context) -> None:
        super().__init__(settings, context)
        self.next_id, self.next_beat = context.numbers().__next__, context.numbers().__next__
        self.doing = Doing()
        self.trial: Trial | None = None  # the one under way
        self.load: Load | None = None

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
            own_id=count(-1, -1).__next__, stop_load=lambda: self.tell_load({"do": OVER}), doing=self.doing,
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
        self.trial = trial
        try:
            self._part(trial).prepare(trial)
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def hand_out(self, trial: Trial) -> dict[str, Any]:
        """The part's."""
        return self._part(trial).hand_out(trial)

    def begin(self, trial: Trial) -> TrialLoad:
        """The part's, of what it handed out."""
        self._close_load()
        desk = Desk(
            context=self.context, next_id=self.next_id, next_beat=self.next_beat, part=self.part, shares=self.shares
        )
        try:
            self.load = LOADS[_part_of(trial)](trial, desk, self.handed)
            streams = self.load.streams()
        except TROUBLE as error:
            raise self._lost(trial, error) from error
        return TrialLoad(client=DRIVERS[engine_of(trial)], streams=streams, deadline_s=DEADLINE_S)

    def load_begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - the one whose load it is
        """Warm-up counts from here."""
        assert self.load
        self.load.begun(begin_ns)

    def heard(self, word: Mapping[str, Any]) -> None:
        """What was to be done is done, or every process's load has ended."""
        if self.load is not None and word["do"] == OVER:
            self.load.stop()
        elif word["do"] == CLOSE:
            self._close_load()

    def load_ended(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one whose load it is
        """What clients were told."""
        return {} if self.load is None else self.load.ended()

    def collect(self, trial: Trial, told: Sequence[Mapping[str, Any]]) -> None:
        """The part's."""
        self._part(trial).collect(told)

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """The part's."""
        self._part(trial).begun(trial, begin_ns)

    def end(self, trial: Trial) -> None:
        """The part's; until then all connections are there, whichever process is ready first."""
        self.tell_load({"do": CLOSE})
        try:
            self._part(trial).end(trial)
        except TROUBLE as error:
            raise self._lost(trial, error) from error

    def live(self) -> Mapping[str, Mapping[str, float | str]]:
        """What is being done to the servers of the trial under way, and how much of their log is archived."""
        return {} if self.trial is None else {"servers": self.doing.live(engine_of(self.trial))}

    def load_live(self) -> Mapping[str, Mapping[str, float]]:
        """What clients were told, how many connections they have, how far a replica lags."""
        return {} if self.load is None else {"servers": self.load.live()}

    def tear_down(self) -> None:
        """The parts'; servers end with the services."""
        self._close_load()
        for part in getattr(self, "parts", {}).values():
            part.tear_down()

    def _close_load(self) -> None:
        if self.load is not None:
            self.load.close()
            self.load = None

    def _part(self, trial: Trial) -> Part:
        return self.parts[_part_of(trial)]

    def _lost(self, trial: Trial, error: Exception) -> TrialFailed:
        labels = trial.labels
        return TrialFailed(f"{labels['engine']} {labels['part']} {trial.arm} {trial.step}: {error}")


def _part_of(trial: Trial) -> PartName:
    part: PartName = trial.labels["part"]  # type: ignore[assignment] # the plan's own words
    return part


SCENARIO = RdsOperations
RdsOperationsUser = locust_user(RdsOperations)
