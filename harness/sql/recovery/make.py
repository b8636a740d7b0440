"""Which backups stand behind which server."""

from collections.abc import Mapping

from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sqlserver import SqlServer
from harness.sql.recovery.mariadb import MariaDbBackups
from harness.sql.recovery.model import Backups
from harness.sql.recovery.postgres import PostgresBackups


def backups_of(server: SqlServer, warden: Warden, host: str, settings: Mapping[str, str]) -> Backups:
    """Automated backups, not begun yet, of ``server`` at ``host``; ``settings`` are those of instances restored from them."""
    if isinstance(server, MariaDbServer):
        return MariaDbBackups(server, warden, dict(settings))
    assert isinstance(server, PostgresServer)
    return PostgresBackups(server, warden, host, settings)
