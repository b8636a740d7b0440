"""An embedded MariaDB, standing in for RDS for MySQL: the system's, or Debian's packages unpacked in the cache."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import pymysql

from harness.errors import ServerFailed
from harness.local import mariadb_fetch, mariadb_tools
from harness.local.mariadb_tools import Tool, ToolName
from harness.local.processes import Warden, log_tail, reachable
from harness.local.sqlserver import Command, await_ready, require_free
from harness.local.topologies.cloning import clone
from harness.sql.connections import MySqlConnection, SqlConnection
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
CONNECT_S = 1.0


class MariaDbServer:
    """One data directory in the warden's scratch, at most one server on it; CannotMeasure where there is no MariaDB.

    ``name`` is that of its folder, its log and its process. Servers that live side by side are made by ``sibling``.
    """

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
        self._tools: Mapping[ToolName, Tool] = {}  # found when first asked for
        self._warden = warden
        self.configure(settings or {})
        self._port = warden.port(*hosts)
        self._password, self._root_password = secrets.token_hex(16), secrets.token_hex(16)
        self._call(name)

    def sibling(self, name: str) -> Self:
        """A server of the same programs, settings, port and passwords, on a data directory that ``copy`` gives it."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._call(name)
        return other

    def _call(self, name: str) -> None:
        self.name, self._spawned = name, False
        self._folder = self._warden.scratch / name
        self._data, self._socket = self._folder / "data", self._folder / "socket"
        self._init = self._warden.scratch / f"{name}-init.sql"
        self._log = self._warden.scratch / f"{name}.log"

    def configure(self, settings: Mapping[str, str]) -> None:
        """What differs from SETTINGS, from the next start on."""
        self._settings = {**SETTINGS, **settings}

    def create(self) -> None:
        """A data directory, with the application's user and the database ``flights`` made at the first start."""
        self._warden.folder(self.name)
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
        self._init.touch(mode=0o600)
        self._init.write_text(
            "CREATE DATABASE IF NOT EXISTS flights;\n"
            f"CREATE USER IF NOT EXISTS dbharness@'127.%' IDENTIFIED BY '{self._password}';\n"
            "GRANT ALL ON flights.* TO dbharness@'127.%';\n"
            f"ALTER USER root@localhost IDENTIFIED BY '{self._root_password}';\n"
        )
        self._warden.give(self._init)

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self._data

    def copy(self, source: "MariaDbServer") -> None:
        """Take the data of a sibling that is stopped, in place of such as there was; neither runs meanwhile."""
        self.adopt(source.data)

    def adopt(self, folder: Path) -> None:
        """Take a copy of a sibling's data directory, in place of such as there was; nobody runs on either."""
        if not self._folder.exists():
            self._warden.folder(self.name)
        clone(self._warden, folder, self._data)

    def start(self, host: str, timeout_s: float = 20.0, *, port: int | None = None) -> None:
        """Start on ``host``, at its own port or another; returns when an authenticated query is answered."""
        endpoint = self.endpoint(host).at(host, port or self._port)
        require_free(self._warden, self.name, endpoint)
        temporary = self._folder / "tmp"
        if not temporary.exists():
            temporary.mkdir(mode=0o700)
            self._warden.give(temporary)
        settings = self._settings | {
            "bind_address": host, "port": str(endpoint.port), "datadir": str(self._data), "socket": str(self._socket),
            "basedir": str(self._maria.base), "pid_file": str(self._data / "mariadb.pid"),
            # Its own: two servers name their temporary tables alike, and one that finds the other's is killed by signal 11.
            "tmpdir": str(temporary),
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
        self._spawned = True
        await_ready(self._warden, self.name, endpoint, self._log, timeout_s, self._forget_init)

    def runs(self) -> bool:
        """Whether there is a process of it, be it stopped by a signal."""
        return self._spawned and self._warden.exit_code(self.name) is None

    def signal(self, signum: int) -> int:
        """Send a signal to its whole tree, and say when (CLOCK_MONOTONIC, ns)."""
        return self._warden.signal(self.name, signum, tree=True)

    def kill(self) -> None:
        """SIGKILL; gone on return, whatever state it was in."""
        if self.runs():
            self._warden.kill(self.name)

    def stop(self) -> None:
        """A clean shutdown."""
        if self.runs():
            self._warden.signal(self.name, 15)
            self._warden.wait(self.name, 15.0)

    def tool(self, program: ToolName, *words: str) -> Command:
        """One of MariaDB's own programs, as root of this server. Raises CannotMeasure where it can't be had."""
        # Not the environment's variables, which its user's other processes can read, nor the command line.
        options = self._folder / "root.cnf"
        if not options.exists():
            options.touch(mode=0o600)
            entries = f"user = root\npassword = {self._root_password}\nsocket = {self._socket}\n"
            options.write_text(f"[client]\n{entries}[mariadb-backup]\n{entries}")
            self._warden.give(options)
        if not self._tools:
            self._tools = mariadb_tools.find(self._maria, self._warden.scratch)
        found = self._tools[program]
        return Command(argv=(str(found.path), f"--defaults-file={options}", *words), environment=found.environment)

    @contextlib.contextmanager
    def admin(self, read_timeout_s: float = 15.0) -> Iterator["MariaDbAdmin"]:
        """root's connection, over the server's own socket; what goes wrong on it is ServerFailed."""
        try:
            with MariaDbAdmin(str(self._socket), self._root_password, read_timeout_s) as connection:
                yield connection
        except (OSError, pymysql.MySQLError) as error:
            raise ServerFailed(f"{self.name} can't be administered: {error}", log_tail(self._log)) from error

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


class MariaDbAdmin(MySqlConnection):
    """root's connection over a unix socket, which under gevent cooperates as any patched socket does."""

    def __init__(self, path: str, password: str, read_timeout_s: float) -> None:
        connection = pymysql.connect(
            unix_socket=path, user="root", password=password, database="flights", autocommit=True,
            connect_timeout=CONNECT_S, read_timeout=read_timeout_s, write_timeout=read_timeout_s, ssl_disabled=True,
        )  # fmt: skip
        super().__init__(connection)

    def replication(self) -> dict[str, Any]:
        """SHOW SLAVE STATUS by column; {} where the server follows nobody."""
        with self._connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SHOW SLAVE STATUS")
            return dict(cursor.fetchone() or {})
