"""Which backups stand behind which server, and how they are begun."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sqlserver import SqlServer
from harness.local.topologies.volume import ALWAYS
from harness.sql.recovery.mariadb import MariaDbBackups
from harness.sql.recovery.model import Backups
from harness.sql.recovery.postgres import PostgresBackups


def backups_of(server: SqlServer, warden: Warden, host: str, settings: Mapping[str, str] | None = None) -> Backups:
    """Automated backups, not begun yet, of ``server`` at ``host``.

    Instances restored from them have ``settings``; None: those of the default parameter group, whatever the server has, as on RDS.
    """
    told = dict(ALWAYS[server.engine] if settings is None else settings)
    if isinstance(server, MariaDbServer):
        return MariaDbBackups(server, warden, told)
    assert isinstance(server, PostgresServer)
    return PostgresBackups(server, warden, host, told)


@contextmanager
def switched_on(backups: Backups) -> Iterator[None]:
    """Automated backups are on for what is in the block, and stay on; where it fails, or they do, nothing of them is left."""
    try:
        backups.begin()
        yield
    except BaseException:
        backups.end()
        raise
