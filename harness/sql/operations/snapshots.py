"""Part ``snapshots``: a manual snapshot made under load, and a second instance restored from it, against the size of the data."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import CannotMeasure
from harness.local.topologies.model import ZONES
from harness.plan import Cell, Trial
from harness.sql import ledger, schema
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine
from harness.sql.operations import volumes
from harness.sql.operations.part import Room, engine_of
from harness.sql.operations.settings import RdsOperationsSettings
from harness.sql.operations.under_load import UnderLoad, params_of

if TYPE_CHECKING:
    from harness.sql.operations.instances import Instance

CREATE, RESTORE = ARMS = "create", "restore"
CHECKSUM: Mapping[Engine, str] = {
    "mysql": "CHECKSUM TABLE {table}",
    "postgres": "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A snapshot with what it must have: the writes of ``trial`` that were acknowledged before it began, known once the load is over."""

    snapshot: volumes.Snapshot
    trial: int
    acknowledged: Set[int] = frozenset()


@dataclass(slots=True, kw_only=True)
class Place:
    """An instance, the second one that its snapshots are restored to, and the last of these."""

    instance: "Instance"
    second: "Instance"
    kept: Kept | None = None


class Snapshots:
    """See Part. Every size of data has an instance of its own; what arm ``create`` has made arm ``restore`` restores and checks."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._places: dict[tuple[Engine, int], Place] = {}
        self._under_load: UnderLoad
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
        """The instance as it is, and what was copied before on disk. Raises CannotMeasure where there is nothing to restore."""
        place = self._place(trial)
        if trial.arm == RESTORE and place.kept is None:
            raise CannotMeasure("no snapshot was created before it that could be restored")
        if trial.arm == CREATE and place.kept is not None:
            volumes.forget(place.kept.snapshot)
            place.kept = None
        volumes.settle_disk()
        do = self._create if trial.arm == CREATE else self._restore
        self._under_load = UnderLoad(self._room, trial, place.instance.endpoint, partial(do, trial, place))

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was prepared
        """Where the instance is whose snapshot it is."""
        return self._under_load.hand_out()

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - likewise
        """See UnderLoad."""
        self._under_load.begun(begin_ns)

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """See UnderLoad."""
        self._under_load.collect(told)

    def end(self, trial: Trial) -> None:
        """What it took; of a restore, both instances held side by side."""
        if not self._under_load.settle():
            return
        place = self._place(trial)
        assert place.kept
        fields: dict[str, Any] = {"seconds": place.kept.snapshot.suspended_s}
        if trial.arm == CREATE:
            place.kept = replace(place.kept, acknowledged=self._acknowledged_by(place.kept.snapshot.began_ns))
        if trial.arm == RESTORE:
            found = unlike(place, place.kept)
            fields = {"seconds": self._restore_s, "rows_equal": not found, "unlike": found}
            place.second.kill()
        self._room.note(
            trial, "snapshot", operation=trial.arm, method="volume", flights=int(trial.params["flights"]),
            bytes=place.kept.snapshot.bytes, **fields,
        )  # fmt: skip

    def tear_down(self) -> None:
        """Nothing: servers and folders end with the services."""

    def _place(self, trial: Trial) -> Place:
        key = engine_of(trial), int(trial.params["flights"])
        instance = self._room.instances.of(*key)
        if key not in self._places or self._places[key].instance is not instance:
            self._places[key] = Place(instance=instance, second=instance.sibling("restored", ZONES[1]))
        return self._places[key]

    def _create(self, trial: Trial, place: Place) -> None:
        with self._room.doing.this(trial, "snapshot"):
            snapshot = volumes.take(place.instance, place.instance.warden.scratch / "snapshot")
        place.kept = Kept(snapshot=snapshot, trial=trial.trial)

    def _acknowledged_by(self, moment_ns: int) -> frozenset[int]:
        """The writes of the trial whose clients had been told so by then (CLOCK_MONOTONIC)."""
        writes = self._under_load.writes.items()
        return frozenset(
            write_id for write_id, write in writes if write.told == "acknowledged" and write.told_ns < moment_ns
        )

    def _restore(self, trial: Trial, place: Place) -> None:
        assert place.kept
        with self._room.doing.this(trial, "restore of a snapshot"):
            self._restore_s = volumes.restore(place.kept.snapshot, place.second)


def unlike(place: Place, kept: Kept) -> list[str]:
    """What the second instance has otherwise than the snapshot must have, in words; nothing where it is right."""
    with connect(place.instance.endpoint) as here, connect(place.second.endpoint) as there:
        found = [table for table in schema.TABLES if _checksum(here, table) != _checksum(there, table)]
        written = set(ledger.present_counts(here, kept.trial))
        present = set(ledger.present_counts(there, kept.trial))
    if lost := len(kept.acknowledged - present):
        found.append(f"{lost} acknowledged writes missing")
    if surplus := len(present - written):
        found.append(f"{surplus} rows that the source hasn't got")
    return found


def _checksum(connection: SqlConnection, table: str) -> tuple[int, ...]:
    """MySQL names the table first."""
    ((*_, first, second),) = connection.query(CHECKSUM[connection.engine].format(table=table))
    return (second,) if connection.engine == "mysql" else (first, second)
