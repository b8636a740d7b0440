"""Database instances that stand alone, as RDS has them: a server, its parameter group, and what may be done to them."""

import contextlib
import signal
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from threading import Lock

from harness import dataset
from harness.errors import CannotMeasure
from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.services import LocalServices
from harness.local.sqlserver import SqlServer
from harness.local.topologies.model import ZONES
from harness.local.topologies.volume import ALWAYS
from harness.sql import ledger, schema
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.operations.catalogue import catalogue_of
from harness.sql.operations.parameters import ParameterGroup

Key = tuple[Engine, int]


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
        self.kill()
        began_s = time.monotonic()
        self.server.start(self.host)
        return time.monotonic() - began_s

    def kill(self) -> None:
        """Nothing of it runs on return."""
        if self.server.runs():
            self.server.kill()

    def sibling(self, name: str, host: str) -> "Instance":
        """One more, of the same users and port at another address, with the default group; its data must be given to it."""
        server = self.server.sibling(f"{self.server.name}-{name}")
        server.configure(ALWAYS[self.engine])
        return Instance(server, self.warden, host)

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
    """The instances of a run, by engine and how many flights they hold; one that doesn't answer any more is replaced by a new one."""

    def __init__(self, services: LocalServices, months: Sequence[int]) -> None:
        self._services, self._months = services, months
        self._instances: dict[Key, Instance] = {}
        self._locks: dict[Key, Lock] = {}

    def of(self, engine: Engine, flights: int) -> Instance:
        """The instance that has so many flights and a ledger, with the default group; made where there is none (any more).

        Raises CannotMeasure where the engine can't be had, or the months have fewer flights.
        """
        key = engine, flights
        with self._locks.setdefault(key, Lock()):
            instance = self._instances.get(key)
            if instance is None or not instance.answers():
                if instance is not None:
                    instance.kill()
                instance = self._instances[key] = self.new(engine, str(flights))
                instance.create()
                self._fill(instance, flights)
            instance.group.modify({})
            if instance.group.status == "pending-reboot":
                instance.reboot()
            return instance

    def new(self, engine: Engine, name: str) -> Instance:
        """One more, not created yet."""
        server, room = self._services.sql_server(engine, ZONES[:2], ALWAYS[engine], f"{engine}-{name}")
        return Instance(server, room)

    def endpoints(self) -> list[SqlEndpoint]:
        """One of each engine that there is."""
        return list({engine: instance.endpoint for (engine, _), instance in self._instances.items()}.values())

    def _fill(self, instance: Instance, flights: int) -> None:
        data = dataset.load(self._months)
        if flights > (most := data.flights.num_rows):
            raise CannotMeasure(
                f"{flights:,} flights are more than the {most:,} of months; add months, or ask for fewer"
            )
        with connect(instance.endpoint) as connection:
            schema.create(connection)
            schema.load(connection, replace(data, flights=data.flights.slice(0, flights)))
