"""Part ``backup``: what reads and writes notice of a base backup that is made meanwhile; the log is archived in both arms."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.plan import Cell, Trial
from harness.sql.operations import volumes
from harness.sql.operations.part import Room, engine_of
from harness.sql.operations.settings import RdsOperationsSettings
from harness.sql.operations.under_load import UnderLoad, params_of
from harness.sql.recovery.make import backups_of, switched_on

if TYPE_CHECKING:
    from harness.sql.recovery.model import Backups, BaseBackup

QUIET, BASE_BACKUP = ARMS = "quiet", "base_backup"


class BaseBackups:
    """See Part. One base backup follows the other for as long as is measured, and the load ends with the last.

    What slots were waiting for by then still comes, SLOTS / rate s later at most: it fell due after ``backup_ended``.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._under_load: UnderLoad
        self._backups: Backups
        self._made: list[tuple[int, BaseBackup, int]] = []  # with when each began and ended

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """Both arms for every size."""
        alone = {"before_s": 0.0, "after_s": 0.0, "measured_s": settings.measured_s}
        for engine in self._room.engines:
            for flights in settings.backup_flights:
                yield Cell(
                    arms=ARMS, step=str(flights), labels={"part": "backup", "engine": engine},
                    params={"flights": flights, **params_of(settings), **alone},
                )  # fmt: skip

    def of_its_arm(self, trial: Trial) -> Trial:
        """Arms differ in what is done."""
        return trial

    def set_up(self) -> None:
        """An instance of each size."""
        self._room.make_instances(self._room.settings.backup_flights)

    def prepare(self, trial: Trial) -> None:
        """Automated backups are on, and what was copied before is on disk."""
        instance = self._room.instances.of(engine_of(trial), int(trial.params["flights"]))
        self._backups = backups_of(instance.server, instance.warden, instance.host)
        self._made = []
        with switched_on(self._backups):
            self._room.doing.archives(trial, self._backups.log_bytes)
            volumes.settle_disk()
        do = partial(self._back_up, trial) if trial.arm == BASE_BACKUP else self._room.context.sleep_s
        self._under_load = UnderLoad(
            self._room, trial, instance.endpoint, partial(do, float(trial.params["measured_s"]))
        )

    def hand_out(self, trial: Trial) -> dict[str, Any]:  # noqa: ARG002 - the one that was prepared
        """Where the instance is."""
        return self._under_load.hand_out()

    def begun(self, trial: Trial, begin_ns: int) -> None:  # noqa: ARG002 - likewise
        """See UnderLoad."""
        self._under_load.begun(begin_ns)

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """See UnderLoad."""
        self._under_load.collect(told)

    def end(self, trial: Trial) -> None:
        """What was made, and when; then nothing of it is kept."""
        try:
            if self._under_load.settle():
                for made in self._made:
                    note_backup(self._room, trial, self._backups, *made)
        finally:
            self._room.doing.archives_no_more(trial)
            self._backups.end()

    def tear_down(self) -> None:
        """Nothing: servers and folders end with the services."""

    def _back_up(self, trial: Trial, for_s: float) -> None:
        clock_ns = self._room.context.clock_ns
        end_ns = clock_ns() + int(for_s * 1e9)
        while not self._made or clock_ns() < end_ns:
            began_ns = clock_ns()
            with self._room.doing.this(trial, "base backup"):
                self._made.append((began_ns, self._backups.base_backup(), clock_ns()))


def note_backup(
    room: Room, trial: Trial, backups: "Backups", began_ns: int, backup: "BaseBackup", ended_ns: int
) -> None:
    """Its two events, of the moments at which it began and ended (CLOCK_MONOTONIC)."""
    room.note(trial, "backup_began", t_ns=began_ns, method=backups.method)
    room.note(
        trial, "backup_ended", t_ns=ended_ns, method=backups.method, seconds=backup.seconds, bytes=backup.size_bytes(),
        flights=int(trial.params["flights"]),
    )  # fmt: skip
