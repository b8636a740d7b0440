"""PostgreSQL: pg_basebackup, pg_receivewal, and a recovery that asks for the archived log until its target."""

import contextlib
import time
from collections.abc import Mapping
from datetime import datetime
from shlex import quote

from harness.errors import HarnessError
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.sql.recovery.keeping import LONG_S, Kept, Steps
from harness.sql.recovery.model import BaseBackup, Restored, now

SLOT = "log_archive"
RECEIVER = "pg_receivewal"


class PostgresBackups:
    """See Backups; of ``server`` at ``host``. Instances that are restored get ``settings``.

    The log is streamed as it is written and synced at once: no commit waits for it.
    """

    method = "pg_basebackup"

    def __init__(self, server: PostgresServer, warden: Warden, host: str, settings: Mapping[str, str]) -> None:
        self._server, self._warden, self._host, self._settings = server, warden, host, dict(settings)
        self._kept = Kept(warden, server.name)

    def begin(self) -> None:
        """See Backups. A replication slot keeps on the server what isn't archived yet."""
        client, slot = self._server.client, f"--slot={SLOT}"
        self._kept.carry_out(client(RECEIVER, self._host, slot, "--create-slot", "--if-not-exists"))
        self._kept.archive(client(RECEIVER, self._host, slot, "--synchronous", "-D", str(self._kept.log)))
        self.latest_restorable()

    def base_backup(self) -> BaseBackup:
        """See Backups. It begins with a checkpoint at once: spread out, as it is by default, one takes minutes.

        The log that it needs is in the archive, and not in it too.
        """
        began_s, folder = time.monotonic(), self._kept.place()
        how = "--checkpoint=fast", "--wal-method=none", "--no-manifest", "--sync-method=syncfs"
        self._kept.carry_out(self._server.client(self.method, self._host, "-D", str(folder), *how))
        seconds = time.monotonic() - began_s
        with self._server.asked(self._host) as connection:
            return self._kept.add(folder, seconds, now(connection))

    def log_bytes(self) -> int:
        """See Backups."""
        return self._kept.log_bytes()

    def latest_restorable(self) -> datetime:
        """See Backups. A commit of its own comes first: a recovery knows that it has passed a moment by a commit after it."""
        with self._server.asked(self._host) as connection:
            at = now(connection)
            connection.query("SELECT pg_logical_emit_message(true, 'dbharness', 'restorable')")
            ((reached,),) = connection.query("SELECT pg_current_wal_flush_lsn()::text")
            asked = "SELECT count(*) FROM pg_stat_replication WHERE application_name = %s AND flush_lsn >= %s::pg_lsn"
            self._kept.until(lambda: connection.query(asked, (RECEIVER, reached)) == [(1,)], f"didn't reach {reached}")
        return self._kept.covers(at)

    def restore(self, name: str, host: str, *, before: datetime) -> Restored:
        """See Backups. Nobody can read before the recovery has come to its end."""
        backup, steps = self._kept.chosen(before), Steps()
        server = self._server.sibling(name)
        with steps.step("copied"):
            server.adopt(backup.folder)
            recovery = server.data / "recovery.signal"
            recovery.touch()
            self._warden.give(recovery)
        server.configure(self._settings | self._recovery(before))
        with steps.step("recovered"):
            server.start(host, LONG_S)
        server.configure(self._settings)  # for its next start: what the recovery was told means nothing to it now
        return Restored(server=server, backup=backup, before=before, steps_s=steps.seconds)

    def end(self) -> None:
        """See Backups."""
        self._kept.remove()
        if self._server.runs():
            with contextlib.suppress(HarnessError), self._server.asked(self._host) as connection:
                connection.query(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", (SLOT,)
                )

    def _recovery(self, before: datetime) -> dict[str, str]:
        archived = quote(str(self._kept.log))
        return {
            # The segment that is written just now is archived under another name.
            "restore_command": f"cp {archived}/%f %p 2>&- || cp {archived}/%f.partial %p 2>&-",
            "recovery_target_time": before.isoformat(),
            "recovery_target_inclusive": "off",
            "recovery_target_action": "promote",
            "hot_standby": "off",
        }
