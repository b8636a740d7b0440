"""Part ``pitr``: a bad DELETE under load, and a new instance that has what was there a second before."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from harness.local.topologies.model import ZONES
from harness.plan import Cell, Trial
from harness.sql import ledger, schema
from harness.sql.connections import SqlConnection, connect
from harness.sql.operations import volumes
from harness.sql.operations.part import Room, engine_of
from harness.sql.operations.settings import RdsOperationsSettings
from harness.sql.operations.under_load import UnderLoad, params_of
from harness.sql.recovery.base_backups import note_backup
from harness.sql.recovery.held_against import Moment, compare
from harness.sql.recovery.make import backups_of, switched_on
from harness.sql.recovery.model import now

if TYPE_CHECKING:
    from harness.sql.operations.instances import Instance
    from harness.sql.recovery.model import Backups, BaseBackup

RESTORE, BEFORE_DELETE = "restore", "before_delete"
DELETE = "DELETE FROM ledger WHERE trial = %s AND write_id %% 2 = 0"
ALL = "SELECT write_id FROM ledger"
LOOKS = 5  # at the server's clock: the quickest answer tells it best


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """The bad DELETE: sent at ``sent_ns`` (CLOCK_MONOTONIC), in the second ``second`` of the server's clock; so many rows."""

    sent_ns: int
    second: datetime
    rows: int


class PointInTime:
    """See Part. Load, a base backup under it, more load, the delete, and once the load is over the restore."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._names = count(1)
        self._instance: Instance
        self._backups: Backups
        self._under_load: UnderLoad
        self._earlier: set[int] = set()
        self._backup: tuple[int, BaseBackup, int]
        self._deleted: Deleted

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """One of each engine."""
        for engine in self._room.engines:
            yield Cell(
                arms=(RESTORE,), step=BEFORE_DELETE, labels={"part": "pitr", "engine": engine},
                params={"flights": settings.flights, **params_of(settings), "between_s": settings.pitr_between_s},
            )  # fmt: skip

    def of_its_arm(self, trial: Trial) -> Trial:
        """There is one."""
        return trial

    def set_up(self) -> None:
        """The instances."""
        self._room.make_instances([self._room.settings.flights])

    def prepare(self, trial: Trial) -> None:
        """Automated backups are on; what the ledger has from before is known."""
        room = self._room
        instance = self._instance = room.instance(engine_of(trial))
        self._backups = backups_of(instance.server, instance.warden, instance.host)
        with switched_on(self._backups):
            room.doing.archives(trial, self._backups.log_bytes)
            with connect(instance.endpoint) as connection:
                self._earlier = _rows(connection)
            volumes.settle_disk()
        self._under_load = UnderLoad(room, trial, instance.endpoint, lambda: self._go_wrong(trial))

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was prepared
        """Where the instance is that the delete goes to."""
        return self._under_load.hand_out()

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - likewise
        """See UnderLoad."""
        self._under_load.begun(begin_ns)

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """See UnderLoad."""
        self._under_load.collect(told)

    def end(self, trial: Trial) -> None:
        """The restore, timed to the first row read and the first written, and what it has held against what it must have."""
        try:
            if self._under_load.settle():
                note_backup(self._room, trial, self._backups, *self._backup)
                with self._room.doing.this(trial, "restore to a point in time"):
                    self._restore(trial)
        finally:
            self._room.doing.archives_no_more(trial)
            self._backups.end()

    def tear_down(self) -> None:
        """Nothing: servers and folders end with the services."""

    def _go_wrong(self, trial: Trial) -> None:
        """Somewhere in a second: which is drawn."""
        context, clock_ns = self._room.context, self._room.context.clock_ns
        began_ns = clock_ns()
        with self._room.doing.this(trial, "base backup"):
            self._backup = began_ns, self._backups.base_backup(), clock_ns()
        context.sleep_s(float(trial.params["between_s"]) + context.rng("delete", trial.trial).random())
        with connect(self._instance.endpoint) as connection:
            second = now(connection).replace(microsecond=0)
            sent_ns = clock_ns()
            rows = connection.execute(DELETE, (trial.trial,))
        self._deleted = Deleted(sent_ns=sent_ns, second=second, rows=rows)
        self._room.note(trial, "bad_delete", t_ns=sent_ns, rows=rows, second=second.isoformat())

    def _restore(self, trial: Trial) -> None:
        room, second, host = self._room, self._deleted.second, ZONES[1]
        clock_ns = room.context.clock_ns
        asked_ns = clock_ns()
        self._backups.latest_restorable()
        archived_ns = clock_ns()
        restored = self._backups.restore(
            f"{self._instance.server.name}-restored-{next(self._names)}", host, before=second
        )
        server, first = restored.server, room.own_id()
        try:
            with connect(server.endpoint(host)) as there, connect(self._instance.endpoint) as here:
                ledger.newest_id(there)
                read_ns = clock_ns()
                ledger.write(there, first, trial.trial, once=False)
                write_ns = clock_ns()
                found = _rows(there) - {first}
                alike = _sizes(there) == _sizes(here)
                moment = self._moment(here, second)
        finally:
            server.kill()
            shutil.rmtree(server.data.parent)
        compared = asdict(compare(self._under_load.writes, self._earlier, found, moment, self._deleted.sent_ns))
        room.note(
            trial, "restored", second=second.isoformat(), rows_expected=compared.pop("expected"), rows_found=compared.pop("found"),
            **compared, rows_deleted=self._deleted.rows, others_alike=alike, flights=int(trial.params["flights"]),
            log_s=(second - restored.backup.ended_at).total_seconds(), archived_s=(archived_ns - asked_ns) / 1e9,
            rto_read_s=(read_ns - asked_ns) / 1e9, rto_write_s=(write_ns - asked_ns) / 1e9,
            **{f"{step}_s": seconds for step, seconds in restored.steps_s.items()},
        )  # fmt: skip

    def _moment(self, connection: SqlConnection, second: datetime) -> Moment:
        """When that second began, on the clock that writes were timed by."""
        clock_ns, looks = self._room.context.clock_ns, []
        for _ in range(LOOKS):
            asked_ns = clock_ns()
            at = now(connection)
            told_ns = clock_ns()
            since_ns = round((at - second).total_seconds() * 1e9)
            looks.append(Moment(at_ns=(asked_ns + told_ns) // 2 - since_ns, within_ns=(told_ns - asked_ns) // 2 + 1))
        return min(looks, key=lambda look: look.within_ns)


def _rows(connection: SqlConnection) -> set[int]:
    """All write ids of the ledger, whichever trial's."""
    return {write_id for (write_id,) in connection.query(ALL)}


def _sizes(connection: SqlConnection) -> list[int]:
    """How many rows each table has that nobody writes to."""
    return [connection.query(f"SELECT count(*) FROM {table}")[0][0] for table in schema.TABLES]  # noqa: S608 - our own names
