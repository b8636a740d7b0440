"""MariaDB: mariadb-backup, a binary log that mariadb-binlog archives, and its replay up to the target."""

import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from shlex import quote

from harness.local.mariadb import MariaDbServer
from harness.local.mariadb_tools import ToolName
from harness.local.processes import Warden, held_port
from harness.local.topologies.mariadb_member import LOOPBACK
from harness.sql.connections import SqlConnection
from harness.sql.recovery.keeping import LONG_S, Kept, Steps
from harness.sql.recovery.model import BaseBackup, Restored, now

# It looks for more of the redo log once a second by default, and while it ends a backup no commit gets through until it has looked.
LOG_COPY_INTERVAL_MS = 10
ARCHIVER_ID = "4294967295"  # the server id that the archive has as a replica: none of ours
UNDER_REPLAY = {"innodb_flush_log_at_trx_commit": "0", "sync_binlog": "0"}  # nobody was promised any of it yet


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """A place in the binary log; files are numbered in their names."""

    file: str
    offset: int


class MariaDbBackups:
    """See Backups; of ``server``, which must have a binary log. Instances that are restored have its settings, and ``settings``."""

    method: ToolName = "mariadb-backup"

    def __init__(self, server: MariaDbServer, warden: Warden, settings: dict[str, str]) -> None:
        self._server, self._warden, self._settings = server, warden, settings
        self._kept = Kept(warden, server.name)
        self._began: Position | None = None
        self._reached: Position

    def begin(self) -> None:
        """See Backups. The first time from the log's present file on; later from the file that was archived last."""
        if self._began is None:
            with self._server.admin() as connection:
                self._began = _position(connection)
        files = sorted(path.name for path in self._kept.log.iterdir())
        command = self._server.tool(
            "mariadb-binlog", "--read-from-remote-server", "--raw", "--stop-never",
            f"--stop-never-slave-server-id={ARCHIVER_ID}", f"--result-file={self._kept.log}{os.sep}",
            files[-1] if files else self._began.file,
        )  # fmt: skip
        self._kept.archive(command)
        self.latest_restorable()

    def base_backup(self) -> BaseBackup:
        """See Backups."""
        began_s, folder = time.monotonic(), self._kept.place()
        interval = f"--log-copy-interval={LOG_COPY_INTERVAL_MS}"
        self._kept.carry_out(self._server.tool(self.method, "--backup", f"--target-dir={folder}", interval))
        seconds = time.monotonic() - began_s
        with self._server.admin() as connection:
            return self._kept.add(folder, seconds, now(connection))

    def log_bytes(self) -> int:
        """See Backups."""
        return self._kept.log_bytes()

    def latest_restorable(self) -> datetime:
        """See Backups."""
        with self._server.admin() as connection:
            at = now(connection)
            self._reached = _position(connection)
        archived, offset = self._kept.log / self._reached.file, self._reached.offset
        self._kept.until(
            lambda: archived.exists() and archived.stat().st_size >= offset, f"didn't reach {self._reached}"
        )
        return self._kept.covers(at)

    def restore(self, name: str, host: str, *, before: datetime) -> Restored:
        """See Backups. The log is replayed where no application looks for the instance, and not into its own log."""
        backup, steps = self._kept.chosen(before), Steps()
        server = self._server.sibling(name)
        with steps.step("copied"):
            server.adopt(backup.folder)
        with steps.step("prepared"):
            self._kept.carry_out(server.tool(self.method, "--prepare", f"--target-dir={server.data}"))
        server.configure(self._settings | UNDER_REPLAY)
        with steps.step("recovered"), held_port(LOOPBACK) as port:
            server.start(LOOPBACK, LONG_S, port=port)
        with steps.step("replayed"):
            self._replay(server, backup, before)
        server.configure(self._settings)
        with steps.step("started"):
            server.stop()
            server.start(host, LONG_S)
        return Restored(server=server, backup=backup, before=before, steps_s=steps.seconds)

    def end(self) -> None:
        """See Backups."""
        self._kept.remove()

    def _replay(self, server: MariaDbServer, backup: BaseBackup, before: datetime) -> None:
        begin, end = _backed_up(backup), self._reached
        files = [path for path in sorted(self._kept.log.iterdir()) if begin.file <= path.name <= end.file]
        statements = server.data.parent / "replay.sql"
        decode = server.tool(
            "mariadb-binlog", "--disable-log-bin", f"--start-position={begin.offset}", f"--stop-position={end.offset}",
            f"--stop-datetime={before.astimezone(UTC):%Y-%m-%d %H:%M:%S}", f"--result-file={statements}", *map(str, files),
        )  # fmt: skip
        self._kept.carry_out(decode)
        client = server.tool("mariadb", "--binary-mode")  # in which it reads what it is to do from its input alone
        self._kept.carry_out(
            replace(client, argv=("sh", "-c", f'exec "$@" < {quote(str(statements))}', "sh", *client.argv))
        )
        statements.unlink()


def _position(connection: SqlConnection) -> Position:
    """How far the log of a server is written."""
    ((file, offset, *_),) = connection.query("SHOW MASTER STATUS")
    return Position(file=file, offset=offset)


def _backed_up(backup: BaseBackup) -> Position:
    """How far the log was when the backup ended: what it has, and no more."""
    said = (backup.folder / "xtrabackup_binlog_info").read_text().split()
    return Position(file=said[0], offset=int(said[1]))
