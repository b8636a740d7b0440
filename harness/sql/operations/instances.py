"""Database instances that stand alone, as RDS has them: a server, its parameter group, and what may be done to them."""

import contextlib
import signal
import time
from collections.abc import Collection, Iterator
from threading import Lock

from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.services import LocalServices
from harness.local.sqlserver import SqlServer
from harness.local.topologies.model import ZONES
from harness.local.topologies.volume import ALWAYS
from harness.sql import ledger
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.operations.catalogue import catalogue_of
from harness.sql.operations.parameters import ParameterGroup

Key = tuple[Engine, str]


class Instance:
    """``server`` at ``host``, with an empty ledger once it is created. Its methods raise ServerFailed and the drivers' errors."""

    def __init__(self, server: SqlServer, warden: Warden, host: str = ZONES[0]) -> None:
        self.server, self.warden, self.host = server, warden, host
        self.engine: Engine = server.engine
        self.group = ParameterGroup(self, catalogue_of(self.engine), ALWAYS[self.engine])

    @property
    def endpoint(self) -> SqlEndpoint:
        """The application's way in."""
        return self.server.endpoint(self.host)

    def create(self) -> None:
        """Data directory, user, database; running, with an empty ledger."""
        self.server.create()
        self.server.start(self.host)
        with connect(self.endpoint) as connection:
            ledger.create(connection)

    @contextlib.contextmanager
    def administered(self) -> Iterator[SqlConnection]:
        """A connection that may do anything."""
        if isinstance(self.server, MariaDbServer):
            with self.server.admin() as connection:
                yield connection
        else:
            assert isinstance(self.server, PostgresServer)
            with self.server.asked(self.host) as connection:
                yield connection

    def reload(self, *, at_a_start: Collection[str] = ()) -> None:
        """Let the running server read its file of settings again, where its engine has one."""
        if isinstance(self.server, PostgresServer):
            self.server.reload(self.host, at_a_start=at_a_start)

    def crash(self) -> int:
        """kill -9 of its whole tree, without waiting for it; when the signals went out (CLOCK_MONOTONIC, ns)."""
        return self.warden.signal(self.server.name, signal.SIGKILL, tree=True)

    def start(self) -> float:
        """Make sure that nothing of it runs, and start it; how long until it answered a query, s."""
        self.server.kill()
        began_s = time.monotonic()
        self.server.start(self.host)
        return time.monotonic() - began_s

    def reboot(self) -> float:
        """As RDS's RebootDBInstance: shut down cleanly and started again, static parameters applied; how long it was away, s."""
        began_s = time.monotonic()
        self.server.stop()
        self.server.start(self.host)
        self.group.rebooted()
        return time.monotonic() - began_s

    def answers(self) -> bool:
        """Whether it lets somebody in and answers."""
        try:
            with connect(self.endpoint, 1.0, 1.0) as connection:
                return connection.query("SELECT 1") == [(1,)]
        except Exception:  # noqa: BLE001 - whatever it is, it doesn't
            return False


class Instances:
    """The instances of a run, by engine and what they are for; one that doesn't answer any more is replaced by a new one."""

    def __init__(self, services: LocalServices) -> None:
        self._services = services
        self._instances: dict[Key, Instance] = {}
        self._locks: dict[Key, Lock] = {}

    def of(self, engine: Engine, purpose: str = "shared") -> Instance:
        """The instance, made where there is none (any more). Raises CannotMeasure where the engine can't be had."""
        key = engine, purpose
        with self._locks.setdefault(key, Lock()):
            instance = self._instances.get(key)
            if instance is None or not instance.answers():
                if instance is not None:
                    instance.server.kill()
                instance = self._instances[key] = self.new(engine, purpose)
                instance.create()
            return instance

    def new(self, engine: Engine, purpose: str) -> Instance:
        """One more, not created yet."""
        server, room = self._services.sql_server(engine, ZONES[:2], ALWAYS[engine], f"{engine}-{purpose}")
        return Instance(server, room)
