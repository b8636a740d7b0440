"""PgBouncer in transaction mode, standing in for RDS Proxy before PostgreSQL: the system's, or Debian's package in the cache.

It is told of a new writer as RDS Proxy is: its configuration is written anew, and its admin console asked to RELOAD it and to
RECONNECT. Clients keep their connections; a statement that the old server was at when it died is answered with an error, and its
client's connection ends, as with RDS Proxy. Others wait for the new writer.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from harness.errors import CannotMeasure, ServerFailed
from harness.local import fetching
from harness.local.processes import Warden, log_tail, reachable
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import SqlEndpoint

PACKAGE, HOST = "pgbouncer", "127.0.0.1"
_CONSOLE_S = 5.0
# Times in seconds. Its defaults wait 15 s for a server that doesn't answer, and as long again after each that failed.
SETTINGS: Mapping[str, str] = {
    "pool_mode": "transaction",
    "auth_type": "md5",  # at its own door; to the server it logs in as that one asks. SCRAM here would be 4,096 rounds a client
    "max_client_conn": "500",
    "server_connect_timeout": "1",  # it takes whole seconds here: less would be none at all
    "server_login_retry": "0.02",
    "query_wait_timeout": "120",  # RDS Proxy's ConnectionBorrowTimeout
    "tcp_keepidle": "1",
    "tcp_keepintvl": "1",
    "tcp_keepcnt": "2",
    "tcp_user_timeout": "2000",
    "unix_socket_dir": "",
    "log_connections": "0",
    "log_disconnections": "0",
    "stats_period": "3600",
}


class PgBouncer:
    """One PgBouncer of the warden's, before whichever server it was pointed at last; see ``sql_proxy.SqlProxy``."""

    def __init__(
        self,
        warden: Warden,
        behind: SqlEndpoint,
        *,
        name: str = PACKAGE,
        connections: int = 32,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._program, self._environment, version = _program(warden)
        self.product = f"PgBouncer {version}"
        self.endpoint = behind.at(HOST, warden.port(HOST))
        self._warden, self._behind, self._name = warden, behind, name
        self._settings = {**SETTINGS, "default_pool_size": str(connections), **(settings or {})}
        self._log = warden.scratch / f"{name}.log"
        self._folder = warden.folder(name)
        self._write("users.txt", f'"{behind.user}" "{behind.password}"\n')

    def start(self, host: str, timeout_s: float = 10.0) -> None:
        """See SqlProxy."""
        self._configure(host)
        command = [str(self._program), str(self._folder / "pgbouncer.ini")]
        self._warden.spawn(self._name, command, log=self._log, env=self._environment)
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._console().close()
                return
            except (OSError, psycopg.Error) as error:
                said = str(error).strip()
            if self._warden.exit_code(self._name) is not None or time.monotonic() > deadline:
                raise ServerFailed(
                    f"{self._name} at {HOST}:{self.endpoint.port} didn't start: {said}", log_tail(self._log)
                )
            time.sleep(0.005)

    def point_at(self, host: str) -> None:
        """See SqlProxy."""
        self._configure(host)
        try:
            with self._console() as console:
                console.execute("RELOAD")
                console.execute(f"RECONNECT {self._behind.database}")
        except (OSError, psycopg.Error) as error:
            raise CannotMeasure(f"{self._name} didn't take its new server: {error}") from error

    def stop(self) -> None:
        """See SqlProxy."""
        self._warden.kill(self._name)

    def _console(self) -> SqlConnection:
        """Its admin console, which looks like a database and takes simple statements only."""
        console = SqlEndpoint(
            engine="postgres", host=HOST, port=self.endpoint.port, user=self._behind.user,
            password=self._behind.password, database="pgbouncer",
        )  # fmt: skip
        return connect(console, connect_timeout_s=_CONSOLE_S, read_timeout_s=_CONSOLE_S)

    def _configure(self, host: str) -> None:
        """Its configuration, put in place whole, with the server at ``host``."""
        behind = self._behind
        words = {
            "listen_addr": HOST, "listen_port": str(self.endpoint.port), "admin_users": behind.user,
            "auth_file": str(self._folder / "users.txt"), **self._settings,
        }  # fmt: skip
        lines = [
            "[databases]",
            f"{behind.database} = host={host} port={behind.port} dbname={behind.database}",
            "[pgbouncer]",
        ]
        self._write(
            "pgbouncer.ini", "\n".join([*lines, *(f"{name} = {value}" for name, value in words.items())]) + "\n"
        )

    def _write(self, file: str, text: str) -> None:
        """For its own user alone: there is a password in it."""
        new = self._folder / f"{file}.new"
        new.touch(mode=0o600)
        new.write_text(text)
        self._warden.give(new)
        new.replace(self._folder / file)


def there() -> tuple[Path, Path] | None:
    """The program and the root of its libraries, where they are without fetching anything."""
    if found := os.environ.get("DBHARNESS_PGBOUNCER") or shutil.which(PACKAGE):
        return Path(found), Path("/")
    root = fetching.unpacked(PACKAGE)
    return None if root is None else _below(root)


def version(program: Path, environment: Mapping[str, str]) -> str:
    """``1.24.1``; raises CannotMeasure where it can't even say that."""
    try:
        said = subprocess.run([program, "--version"], env=environment, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMeasure(f"{program} doesn't run: {getattr(error, 'stderr', '') or error}".strip()) from error
    return said.stdout.split()[1]


def _program(warden: Warden) -> tuple[Path, dict[str, str], str]:
    """The one that ``DBHARNESS_PGBOUNCER`` names, else the system's, else Debian's, with its environment and its version."""
    try:
        program, root = there() or _below(fetching.debian_package(PACKAGE))
    except CannotMeasure as error:
        raise CannotMeasure(f"no proxy before PostgreSQL: no {PACKAGE}: {error}") from error
    if root != Path("/"):
        reached = reachable(root, warden.scratch)
        program, root = reached / program.relative_to(root), reached
    environment = fetching.environment(root)
    return program, environment, version(program, environment)


def _below(root: Path) -> tuple[Path, Path]:
    return root / "usr/sbin" / PACKAGE, root
