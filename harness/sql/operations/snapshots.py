"""Part ``snapshots``: a manual snapshot made under load, and a second instance restored from it, against the size of the data."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.local.topologies.model import ZONES
from harness.plan import Cell, Trial
from harness.scenario import Stream
from harness.sql import ledger, schema
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine
from harness.sql.operations import volumes
from harness.sql.operations.part import Room, engine_of
from harness.sql.operations.settings import RdsOperationsSettings
from harness.sql.operations.under_load import UnderLoad, params_of

if TYPE_CHECKING:
    from harness.sql.operations.instances import Instance

CREATE, RESTORE = "create", "restore"
CHECKSUM: Mapping[Engine, str] = {
    "mysql": "CHECKSUM TABLE {table}",
    "postgres": "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A snapshot with what it must have: the writes of ``trial`` that were acknowledged before it began."""

    snapshot: volumes.Snapshot
    trial: int
    acknowledged: Set[int]


class Snapshots:
    """See Part. Every size of data has an instance of its own, and a second one beside it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._restored: dict[tuple[Engine, int], Instance] = {}
        self._instance: Instance
        self._second: Instance
        self._under_load: UnderLoad
        self._kept: Kept
        self._restore_s = 0.0

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """Both arms for every size."""
        for engine in self._room.engines:
            for flights in settings.snapshot_flights:
                yield Cell(
                    arms=(CREATE, RESTORE), step=str(flights), labels={"part": "snapshots", "engine": engine},
                    params={"flights": flights, **params_of(settings)},
                )  # fmt: skip

    def of_its_arm(self, trial: Trial) -> Trial:
        """Arms differ in what is done."""
        return trial

    def set_up(self) -> None:
        """An instance of each size."""
        self._room.make_instances(self._room.settings.snapshot_flights)

    def prepare(self, trial: Trial) -> None:
        """The instance, and for arm ``restore`` a snapshot of it."""
        self._instance, self._second = self._pair(engine_of(trial), int(trial.params["flights"]))
        if trial.arm == RESTORE:
            self._kept = Kept(snapshot=self._take(), trial=trial.trial, acknowledged=frozenset())
        volumes.settle_disk()
        do = self._create if trial.arm == CREATE else self._restore
        self._under_load = UnderLoad(self._room, trial, self._instance.endpoint, do)

    def begin(self, trial: Trial) -> tuple[Stream, ...]:  # noqa: ARG002 - the one that was prepared
        """Reads and writes of the instance whose snapshot it is."""
        return self._under_load.streams()

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - likewise
        """See UnderLoad."""
        self._under_load.begun(begin_ns)

    def end(self, trial: Trial) -> None:
        """Both instances held side by side; of a snapshot, after it was restored."""
        if not self._under_load.settle():
            return
        if trial.arm == CREATE:
            self._kept = replace(self._kept, trial=trial.trial)
            self._restore()
        found = self._missing()
        snapshot = self._kept.snapshot
        self._room.note(
            trial, "snapshot", operation=trial.arm, method="volume", flights=int(trial.params["flights"]), bytes=snapshot.bytes,
            seconds=snapshot.suspended_s if trial.arm == CREATE else self._restore_s, suspended_s=snapshot.suspended_s,
            rows_equal=not found, unlike=found,
        )  # fmt: skip
        self._second.kill()

    def tear_down(self) -> None:
        """Nothing: servers and folders end with the services."""

    def _pair(self, engine: Engine, flights: int) -> "tuple[Instance, Instance]":
        instance = self._room.instances.of(engine, flights)
        if (second := self._restored.get((engine, flights))) is None or second.warden is not instance.warden:
            second = self._restored[engine, flights] = instance.sibling("restored", ZONES[1])
        return instance, second

    def _take(self) -> volumes.Snapshot:
        return volumes.take(self._instance, self._instance.warden.scratch / "snapshot")

    def _create(self) -> None:
        acknowledged = frozenset(self._under_load.load.acknowledged)
        self._kept = Kept(snapshot=self._take(), trial=-1, acknowledged=acknowledged)

    def _restore(self) -> None:
        self._restore_s = volumes.restore(self._kept.snapshot, self._second)

    def _missing(self) -> list[str]:
        """What the second instance has otherwise than the first, in words; nothing where it is right."""
        kept = self._kept
        with connect(self._instance.endpoint) as here, connect(self._second.endpoint) as there:
            unlike = [table for table in schema.TABLES if _checksum(here, table) != _checksum(there, table)]
            written = set(ledger.present_counts(here, kept.trial))
            present = set(ledger.present_counts(there, kept.trial))
        if lost := len(kept.acknowledged - present):
            unlike.append(f"{lost} acknowledged writes missing")
        if surplus := len(present - written):
            unlike.append(f"{surplus} rows that the source hasn't got")
        return unlike


def _checksum(connection: SqlConnection, table: str) -> tuple[int, ...]:
    ((*_, first, second),) = connection.query(CHECKSUM[connection.engine].format(table=table))
    return (second,) if connection.engine == "mysql" else (first, second)
