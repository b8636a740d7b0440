"""An embedded MariaDB, standing in for RDS for MySQL: the system's, or Debian's packages unpacked in the cache."""

import secrets
from collections.abc import Mapping

from harness.errors import ServerFailed
from harness.local import mariadb_fetch
from harness.local.processes import Warden, free_port, log_tail, reachable
from harness.local.sqlserver import await_ready, require_free
from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine, SqlEndpoint

# Durable as RDS has it; the rest keeps a small server small and quick to recover.
SETTINGS: Mapping[str, str] = {
    "innodb_flush_log_at_trx_commit": "1",
    "sync_binlog": "1",
    "innodb_doublewrite": "1",
    "innodb_buffer_pool_size": "64M",
    "innodb_log_file_size": "32M",
    "innodb_fast_shutdown": "1",
    # io_uring's writes outlive a killed server by a moment, and land in files that the next one recovers already: once in some
    # dozens of failovers its pages were corrupt. A write by a thread of the server's ends with it.
    "innodb_use_native_aio": "OFF",
    "max_connections": "300",
    "skip_name_resolve": "ON",
    "performance_schema": "OFF",
}


class MariaDbServer:
    """One data directory in the warden's scratch, at most one server on it; CannotMeasure where there is no MariaDB."""

    engine: Engine = "mysql"

    def __init__(
        self,
        warden: Warden,
        hosts: tuple[str, ...],
        settings: Mapping[str, str] | None = None,
        *,
        name: str = "mariadb",
    ) -> None:
        found = mariadb_fetch.find()
        self.product = f"MariaDB {found.version()}"
        self._maria = mariadb_fetch.MariaDb(
            root=found.root if str(found.root) == "/" else reachable(found.root, warden.scratch)
        )
        self._environment = self._maria.environment()
        self._warden, self.name = warden, name
        self.configure(settings or {})
        self._port = free_port(*hosts)
        self._password = secrets.token_hex(16)
        self._log = warden.scratch / f"{name}.log"

    def configure(self, settings: Mapping[str, str]) -> None:
        """What differs from SETTINGS, from the next start on."""
        self._settings = {**SETTINGS, **settings}

    def create(self) -> None:
        """A data directory, with the application's user and the database ``flights`` made at the first start."""
        folder = self._warden.folder(self.name)
        self._data, self._socket, self._init = (
            folder / "data",
            folder / "socket",
            self._warden.scratch / f"{self.name}-init.sql",
        )
        self._data.mkdir(mode=0o700)
        self._warden.give(self._data)
        installer = f"{self.name}-install-db"
        log = self._warden.scratch / f"{installer}.log"
        command = [
            str(self._maria.install_db), "--no-defaults", f"--basedir={self._maria.base}", f"--datadir={self._data}",
            "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin",
        ]  # fmt: skip
        self._warden.spawn(installer, command, log=log, env=self._environment)
        code = self._warden.wait(installer, 60.0)
        if code:
            raise ServerFailed(f"mariadb-install-db ended with exit code {code}", log_tail(log))
        self._init.write_text(
            "CREATE DATABASE IF NOT EXISTS flights;\n"
            f"CREATE USER IF NOT EXISTS dbharness@'127.%' IDENTIFIED BY '{self._password}';\n"
            "GRANT ALL ON flights.* TO dbharness@'127.%';\n"
            f"ALTER USER root@localhost IDENTIFIED BY '{secrets.token_hex(16)}';\n"
        )
        self._init.chmod(0o600)
        self._warden.give(self._init)

    def start(self, host: str, timeout_s: float = 20.0) -> None:
        """Start on ``host``; returns when an authenticated query is answered."""
        require_free(self._warden, self.name, self.endpoint(host))
        settings = self._settings | {
            "bind_address": host, "port": str(self._port), "datadir": str(self._data), "socket": str(self._socket),
            "basedir": str(self._maria.base), "pid_file": str(self._data / "mariadb.pid"),
        }  # fmt: skip
        if self._init.exists():
            settings["init_file"] = str(self._init)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        self._warden.spawn(
            self.name,
            [str(self._maria.server), "--no-defaults", *options],
            log=self._log,
            env=self._environment,
        )
        await_ready(self._warden, self.name, self.endpoint(host), self._log, timeout_s, self._forget_init)

    def kill(self) -> None:
        """SIGKILL; gone on return."""
        self._warden.kill(self.name)

    def stop(self) -> None:
        """A clean shutdown."""
        self._warden.signal(self.name, 15)
        self._warden.wait(self.name, 15.0)

    def endpoint(self, host: str) -> SqlEndpoint:
        """The application user's way in at ``host``."""
        return SqlEndpoint(
            engine="mysql",
            host=host,
            port=self._port,
            user="dbharness",
            password=self._password,
            database="flights",
        )

    def _forget_init(self, _: SqlConnection) -> None:
        """The first start has made user and database: later ones needn't, and the password leaves the disk."""
        self._init.unlink(missing_ok=True)
