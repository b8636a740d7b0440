"""What every embedded SQL server can do, whichever product it is."""

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil
import psycopg
import pymysql

from harness.errors import CannotMeasure, ServerFailed
from harness.local.processes import Warden, log_tail
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program that comes with the server, as the warden starts it: it finds its libraries and its password by itself."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


class SqlServer(Protocol):
    """One data directory and at most one server on it, started on the address that is asked for."""

    @property
    def name(self) -> str:
        """What the warden calls its process, and its folder in the scratch directory."""

    @property
    def engine(self) -> Engine:
        """The engine it stands in for."""

    @property
    def product(self) -> str:
        """Product and version, as a report names it: ``MariaDB 10.11.19``."""

    @property
    def data(self) -> Path:
        """Its data directory, which is all of it that is on disk."""

    def sibling(self, name: str) -> "SqlServer":
        """A server of the same programs, port and users, on a data directory that ``adopt`` gives it."""

    def adopt(self, folder: Path) -> None:
        """Take a copy of a sibling's data directory, in place of such as there was; nobody runs on either."""

    def runs(self) -> bool:
        """Whether there is a process of it, be it stopped by a signal."""

    def configure(self, settings: Mapping[str, str]) -> None:
        """The server's settings beside those it always has, from the next start on; {} are none."""

    def create(self) -> None:
        """Initialise the data directory, the user and the database."""

    def start(self, host: str, timeout_s: float = 20.0) -> None:
        """Start on ``host``; returns when an authenticated query is answered, raises ServerFailed otherwise."""

    def kill(self) -> None:
        """SIGKILL the whole tree; gone on return."""

    def stop(self) -> None:
        """Shut down cleanly."""

    def endpoint(self, host: str) -> SqlEndpoint:
        """The application user's way in at ``host``."""


def carry_out(warden: Warden, whose: str, command: Command, *, patience_s: float) -> None:
    """Run a program that comes with the server ``whose``, to its end, as the servers' user.

    Raises ServerFailed, with its last lines, where it fails; it is killed where it doesn't end in time.
    """
    program = Path(command.argv[0]).name
    name = f"{whose}-{program}"
    log = warden.scratch / f"{name}.log"
    warden.spawn(name, command.argv, log=log, env=command.environment)
    try:
        code = warden.wait(name, patience_s)
    except CannotMeasure as error:
        warden.kill(name)
        raise ServerFailed(str(error), log_tail(log)) from error
    if code:
        raise ServerFailed(f"{program} ended with exit code {code}", log_tail(log))


def require_free(warden: Warden, name: str, endpoint: SqlEndpoint) -> None:
    """Raise ServerFailed, with the way out, where the server ``name`` still lives on its data or somebody has its port."""
    if (pid := warden.servers().get(name)) is not None:
        raise ServerFailed(f"{name} still runs or hangs as process {pid} and holds its data directory; fence it first")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: what only lingers is no matter
        try:
            probe.bind((endpoint.host, endpoint.port))
        except OSError as error:
            raise ServerFailed(
                f"{name} can't listen at {endpoint.host}:{endpoint.port}: {_holder(endpoint.host, endpoint.port)} ({error.strerror}); "
                "end that, or run again: each run chooses ports that are free"
            ) from error


def _holder(host: str, port: int) -> str:
    """Who listens there, as far as this user may know."""
    for connection in psutil.net_connections("tcp"):
        there = connection.laddr in {(host, port), ("0.0.0.0", port), ("::", port)}  # noqa: S104 - looked for, not bound
        if there and connection.status == psutil.CONN_LISTEN and connection.pid:
            with contextlib.suppress(psutil.Error):
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}, has it"
    return "another process has it"


def await_ready(
    warden: Warden,
    name: str,
    endpoint: SqlEndpoint,
    log: Path,
    timeout_s: float,
    then: Callable[[SqlConnection], None] = lambda _: None,
) -> None:
    """Wait until the server started as ``name`` answers a query, then do ``then`` on that connection.

    Raises ServerFailed with the server's own last log lines when it ends or doesn't answer in time.
    """
    deadline = time.monotonic() + timeout_s
    said = ""
    while time.monotonic() < deadline:
        try:
            with connect(endpoint, connect_timeout_s=1.0, read_timeout_s=5.0) as connection:
                connection.query("SELECT 1")
                then(connection)
                return
        except (OSError, psycopg.Error, pymysql.MySQLError) as error:
            said = str(error).strip()
        if (code := warden.exit_code(name)) is not None:
            raise ServerFailed(f"{name} at {endpoint.host}:{endpoint.port} ended with exit code {code}", log_tail(log))
        time.sleep(0.005)
    warden.kill(name)
    raise ServerFailed(
        f"{name} at {endpoint.host}:{endpoint.port} didn't answer in {timeout_s:g} s: {said}", log_tail(log)
    )
