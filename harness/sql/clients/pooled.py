"""Clients with SQLAlchemy's pool over the real dialect: its checkout, its pre-ping, its word on what a broken connection is.

The dialects, the drivers and the pool are the applications' own; only the drivers' sockets are ours, for the stamps and so that
a trial can end. SQLAlchemy is imported here alone, and this module by the arms that need it.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import local
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pyarrow as pa
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import TimeoutError as NoneFree

from harness.sql.clients.model import Tried
from harness.sql.clients.progress import Open, Progress
from harness.sql.clients.retry import Retry
from harness.sql.clients.routes import ByName
from harness.sql.connections import SqlConnection, mysql_driver, postgres_driver
from harness.sql.endpoint import Engine

if TYPE_CHECKING:
    from harness.scenario import Slot

T = TypeVar("T")
DIALECTS: Mapping[Engine, str] = {"postgres": "postgresql+psycopg://", "mysql": "mysql+pymysql://"}


class CheckoutTimedOut(TimeoutError):  # noqa: N818 - an outcome of a measured attempt
    """All of the pool's connections were in use until time was up."""


class Pooled:
    """At most ``connections`` connections, shared by all slots; a checkout that finds none waits on the hub."""

    def __init__(
        self,
        arm: str,
        route: ByName,
        retry: Retry,
        *,
        connections: int,
        pre_ping: bool,
        checkout_timeout_s: float,
        clock_ns: Callable[[], int],
    ) -> None:
        self.arm, self.retry = arm, retry
        self._route, self._clock_ns = route, clock_ns
        self._open = Open()
        self._here = local()  # a greenlet's own: the pool connects in the greenlet that checks out
        self._engine = create_engine(
            DIALECTS[route.way.engine],
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=connections,
            max_overflow=0,
            pool_timeout=checkout_timeout_s,
            pool_pre_ping=pre_ping,
            pool_reset_on_return=None,  # in autocommit there is nothing to roll back, and PyMySQL would ask the server to
            **({"use_native_hstore": False} if route.way.engine == "postgres" else {}),
        )

    @property
    def is_cut(self) -> bool:
        """See Client."""
        return self._open.is_cut

    def attempt(self, slot: "Slot", work: Callable[[SqlConnection], T]) -> Tried[T]:  # noqa: ARG002 - connections are shared
        """See Client."""
        progress = self._here.progress = Progress(self._open, self._clock_ns)
        sent = False
        try:
            self._open.check()
            with self._checked_out() as connection:
                progress.address = connection.connection.dbapi_connection.address  # type: ignore[union-attr] # ours
                sent = True
                value = work(_PooledConnection(self._route.way.engine, connection))
        except Exception as error:  # noqa: BLE001 - what drivers raise has no common class; it is classified later
            return Tried(value=None, error=error, sent=sent, stamps=progress.stamps())
        return Tried(value=value, error=None, sent=True, stamps=progress.stamps())

    def cut(self) -> None:
        """See Client."""
        self._open.cut()

    def close(self) -> None:
        """See Client."""
        self._engine.dispose()

    def _checked_out(self) -> Connection:
        try:
            return self._engine.connect()
        except NoneFree as error:
            raise CheckoutTimedOut(str(error)) from error

    def _connect(self) -> Any:
        """The driver's connection, as the pool asks for it; its address is kept with it."""
        progress: Progress = self._here.progress
        endpoint = self._route.endpoint(progress)
        driver = postgres_driver if endpoint.engine == "postgres" else mysql_driver
        connection: Any = driver(endpoint, self._route.manner, progress)
        connection.address = endpoint.host
        return connection


class _PooledConnection:
    """What work may do with a connection that is checked out."""

    def __init__(self, engine: Engine, connection: Connection) -> None:
        self.engine, self._connection = engine, connection

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See SqlConnection."""
        return [tuple(row) for row in self._connection.exec_driver_sql(sql, tuple(params) or None)]

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """See SqlConnection."""
        return self._connection.exec_driver_sql(sql, tuple(params) or None).rowcount

    def insert(self, table: str, rows: pa.Table) -> int:
        """See SqlConnection: row by row, since nothing is loaded through a pool here."""
        columns, places = ", ".join(rows.column_names), ", ".join(["%s"] * rows.num_columns)
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - our own schema's names
        return sum(self.execute(statement, row) for row in zip(*rows.to_pydict().values(), strict=True))

    def close(self) -> None:
        """See SqlConnection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
