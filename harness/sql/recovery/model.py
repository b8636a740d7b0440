"""What automated backups of one instance can do, whichever engine it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from harness.errors import CannotMeasure, UsageError
from harness.local.sqlserver import SqlServer
from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine

NOW: Mapping[Engine, str] = {"mysql": "SELECT UTC_TIMESTAMP(6)", "postgres": "SELECT clock_timestamp()"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBackup:
    """A copy of a data directory that was made while its server wrote; with the log from there on it is any later moment.

    ``ended_at``, by the server's clock, is the earliest moment that it can be restored to.
    """

    folder: Path
    seconds: float
    ended_at: datetime

    def size_bytes(self) -> int:
        """What its files hold. They are many: not to be asked for under load."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A new instance that answers at its own host; ``steps_s``: how long each step towards it took, in their order."""

    server: SqlServer
    backup: BaseBackup
    before: datetime
    steps_s: Mapping[str, float]


class Backups(Protocol):
    """Automated backups of one running server. Methods raise ServerFailed, and CannotMeasure where programs can't be had."""

    @property
    def method(self) -> str:
        """The program that makes base backups."""

    def begin(self) -> None:
        """Archive the log from now on, continuously; called again after the server was started anew."""

    def base_backup(self) -> BaseBackup:
        """Take one while the server serves."""

    def log_bytes(self) -> int:
        """What the archived log takes on disk; PostgreSQL's is as large as a segment, 16 MB, from its first byte on."""

    def latest_restorable(self) -> datetime:
        """Wait until the archive holds the log up to now; this now, by the server's clock: RDS's LatestRestorableTime."""

    def restore(self, name: str, host: str, *, before: datetime) -> Restored:
        """A new instance ``name`` at ``host``, with what was committed before the whole second ``before`` and nothing else.

        The newest base backup that ended by then is copied, and the archived log replayed on it, up to the first transaction of that
        second. MySQL's log has a transaction at the second in which its last statement began, PostgreSQL's at the microsecond of
        its commit: of what was under way when the second began, either may have some.
        Raises UsageError for what isn't a whole second, CannotMeasure for one that no backup and log lead to.
        """

    def end(self) -> None:
        """Archive no more, and remove all that was kept; instances that were restored live on."""


def now(connection: SqlConnection) -> datetime:
    """The server's clock."""
    ((at,),) = connection.query(NOW[connection.engine])
    moment: datetime = at
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def newest_by(backups: list[BaseBackup], before: datetime) -> BaseBackup:
    """The one to begin with. Raises UsageError and CannotMeasure as Backups.restore does."""
    if before.microsecond or before.tzinfo is None:
        raise UsageError(f"a restore is to a whole second with its zone, as on RDS, got {before.isoformat()}")
    fit = [backup for backup in backups if backup.ended_at <= before]
    if not fit:
        first = min((backup.ended_at for backup in backups), default=None)
        there = f"the first base backup ended at {first.isoformat()}" if first else "there is no base backup"
        raise CannotMeasure(f"nothing can be restored to {before.isoformat()}: {there}")
    return max(fit, key=lambda backup: backup.ended_at)
