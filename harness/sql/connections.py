"""Connections to both engines behind one small protocol, and what their errors mean.

No protocol of our own: psycopg 3 (statements prepared, results binary) and PyMySQL (no prepared statements: it has none),
both in autocommit, both cooperative where gevent patched ``select`` and ``socket`` before they were imported (F4); there
they wait as ``harness.wire`` does, which takes a third off a point select.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, Protocol, Self

import psycopg
import pyarrow as pa
import pyarrow.csv
import pymysql

from harness.sql.dialling import Manner, Watch
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.literals import value_lists
from harness.sql.waiting import MySqlOnHub, TimedConnection

Outcome = Literal["ok", "error", "timeout", "ambiguous"]
ROWS_A_STATEMENT = 1000
STATEMENT_CHARACTERS = 1_000_000  # MySQL's max_allowed_packet is 16 MB, of four bytes a character at most

# D5, PyMySQL's numbers. The first never reached the server: it could not be connected to, or the connection
# was found closed before the whole statement was out.
MYSQL_NOT_SENT = frozenset({0, 2003, 2006})
# The connection ended before an answer, or the server cut it while the statement was under way.
MYSQL_BROKEN = frozenset({2013, 2014, 2027, 1053, 1927})
# SQLSTATEs: cannot connect (now). 57P01 and 57P02 are sent by a server that goes down, at any moment: 57P01
# also when a commit that is already durable was waiting for its standby.
POSTGRES_NOT_SENT = frozenset({"57P03", "08001", "08004"})
POSTGRES_BROKEN = frozenset({"57P01", "57P02"})
# PgBouncer has one SQLSTATE for all it says itself. These it says to who waits for a server; one that died under a statement is
# *server conn crashed?*.
PGBOUNCER_STATE = "08P01"
PGBOUNCER_NOT_SENT = (
    "server login has been failing",
    "query_wait_timeout",
    "client_login_timeout",
    "no more connections",
)


class SqlConnection(Protocol):
    """One connection of one greenlet; every statement commits on its own. Drivers' errors come through."""

    @property
    def engine(self) -> Engine:
        """Which dialect it speaks."""

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement; parameters are written ``%s``."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Carry out a statement; returns how many rows it touched."""

    def insert(self, table: str, rows: pa.Table) -> int:
        """Load rows, their columns named as the table's, the fast way of the engine; returns how many."""

    def close(self) -> None:
        """Close at once, whatever is under way; never waits for the server."""

    def __enter__(self) -> Self:
        """The connection itself."""

    def __exit__(self, *exception: object) -> None:
        """Closes it."""


def connect(endpoint: SqlEndpoint, connect_timeout_s: float = 5.0, read_timeout_s: float = 30.0) -> SqlConnection:
    """A connection to ``endpoint``, whose host is an address or a name of the system's resolver.

    ``connect_timeout_s`` bounds connecting with the login, ``read_timeout_s`` each statement (PyMySQL: each
    wait for bytes). Raises the driver's error; :func:`classify` says what it counts as.
    """
    return dial(endpoint, Manner(connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s))


def dial(endpoint: SqlEndpoint, manner: Manner, watch: Watch | None = None) -> SqlConnection:
    """A connection to ``endpoint``, made and kept as ``manner`` says; ``watch`` is told of each step."""
    if endpoint.engine == "postgres":
        return PostgresConnection(postgres_driver(endpoint, manner, watch), prepared=manner.prepared)
    return MySqlConnection(mysql_driver(endpoint, manner, watch))


def postgres_driver(endpoint: SqlEndpoint, manner: Manner, watch: Watch | None = None) -> TimedConnection:
    """psycopg's own connection object; see :func:`dial`."""
    extra: dict[str, Any] = manner.keepalive.for_libpq() if manner.keepalive else {}
    if manner.read_write:
        extra["target_session_attrs"] = "read-write"
    if endpoint.authority_file is not None:
        extra |= {"sslmode": "verify-full", "sslrootcert": endpoint.authority_file}
        if endpoint.server_name:  # dialled by its address, known by its name
            extra["hostaddr"] = endpoint.host
    conninfo = psycopg.conninfo.make_conninfo(
        host=endpoint.certified_name, port=endpoint.port, user=endpoint.user, password=endpoint.password,
        dbname=endpoint.database, gssencmode="disable", application_name="dbharness", **extra,
    )  # fmt: skip
    return TimedConnection.open(conninfo, manner.connect_timeout_s, manner.read_timeout_s, watch)


def mysql_driver(endpoint: SqlEndpoint, manner: Manner, watch: Watch | None = None) -> MySqlOnHub:
    """PyMySQL's own connection object; see :func:`dial`."""
    # Left to itself PyMySQL reads the system's certificates at every connection, 15 ms in which no other greenlet runs.
    tls = trust(endpoint.authority_file) if endpoint.authority_file is not None else None
    return MySqlOnHub(
        host=endpoint.certified_name, dialled_host=endpoint.host, port=endpoint.port, user=endpoint.user, password=endpoint.password, database=endpoint.database,
        charset="utf8mb4", autocommit=True, connect_timeout=manner.connect_timeout_s, read_timeout=manner.read_timeout_s,
        write_timeout=manner.read_timeout_s, keepalive=manner.keepalive, watch=watch,
        tls=tls,
    )  # fmt: skip


@lru_cache(maxsize=8)
def trust(authority_file: str) -> ssl.SSLContext:
    """Verifies a server's certificate and name by the authorities in that file; made once a file. Raises OSError."""
    context = ssl.create_default_context(cafile=authority_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # RDS's older authorities lack an extension that it asks for
    return context


def classify(error: BaseException, sent: bool) -> tuple[Outcome, str]:
    """(outcome, error code) of an error that a driver raised.

    ``sent`` says that a write was handed to the driver: if its connection then broke, or time ran out, before
    an answer came, it is ambiguous (D6). Where the server refused it, or it can't have reached the server, it
    is an error. Reads, and errors of :func:`connect`, pass False. Codes are D5's: MySQL's number,
    PostgreSQL's SQLSTATE, else the class. SQLAlchemy's errors are what they wrap.
    """
    wrapped = getattr(error, "orig", None)
    if isinstance(wrapped, BaseException):
        return classify(wrapped, sent)
    code = _code(error)
    timed_out = _timed_out(error)
    if sent and (timed_out or _broken(error)) and not _not_sent(error):
        return "ambiguous", code
    return ("timeout" if timed_out else "error"), code


class PostgresConnection:
    """psycopg: statements with parameters are prepared when first used."""

    engine: Engine = "postgres"

    def __init__(self, connection: TimedConnection, *, prepared: bool = True) -> None:
        self._connection, self._prepared = connection, prepared
        self._cursor = self._connection.cursor(binary=True)  # one for all queries: making it costs a fifth of one

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See SqlConnection."""
        return self._cursor.execute(sql, params or None, prepare=self._prepared and bool(params)).fetchall()

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """See SqlConnection."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None, prepare=self._prepared and bool(params))
            return cursor.rowcount

    def insert(self, table: str, rows: pa.Table) -> int:
        """See SqlConnection: COPY from CSV that pyarrow writes."""
        csv = pa.BufferOutputStream()
        pyarrow.csv.write_csv(rows, csv, pyarrow.csv.WriteOptions(include_header=False))
        columns = ", ".join(rows.column_names)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy,
        ):
            copy.write(csv.getvalue().to_pybytes())
        return int(rows.num_rows)

    def close(self) -> None:
        """See SqlConnection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class MySqlConnection:
    """PyMySQL: parameters are written into the statement by the driver."""

    engine: Engine = "mysql"

    def __init__(self, connection: "pymysql.Connection[pymysql.cursors.Cursor]") -> None:
        self._connection = connection

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """See SqlConnection."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())

    def execute(self, sql: str, params: Sequence[Any] = ()) -> int:
        """See SqlConnection."""
        with self._connection.cursor() as cursor:
            return cursor.execute(sql, params or None)

    def insert(self, table: str, rows: pa.Table) -> int:
        """See SqlConnection: INSERT of many rows at once, in one transaction."""
        statements = list(_inserts(table, rows))
        with self._connection.cursor() as cursor:
            for statement in ("BEGIN", *statements, "COMMIT"):
                cursor.execute(statement)
        return int(rows.num_rows)

    def close(self) -> None:
        """See SqlConnection."""
        if self._connection.open:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _inserts(table: str, rows: pa.Table) -> Iterator[str]:
    """Statements of so many rows at once, none much longer than a server takes."""
    begin = f"INSERT INTO {table} ({', '.join(rows.column_names)}) VALUES "  # noqa: S608 - our own schema's names
    waiting: list[str] = []
    length = 0
    for values in value_lists(rows):
        if waiting and (len(waiting) == ROWS_A_STATEMENT or length + len(values) > STATEMENT_CHARACTERS):
            yield begin + ",".join(waiting)
            waiting, length = [], 0
        waiting.append(values)
        length += len(values)
    if waiting:
        yield begin + ",".join(waiting)


def _code(error: BaseException) -> str:
    if isinstance(error, pymysql.MySQLError) and error.args and isinstance(error.args[0], int):
        return str(error.args[0])
    return getattr(error, "sqlstate", None) or type(error).__name__


def _timed_out(error: BaseException) -> bool:
    if isinstance(error, TimeoutError | psycopg.errors.ConnectionTimeout):
        return True
    # PyMySQL says 2003 or 2013 and keeps what the socket said beside it.
    behind = getattr(error, "original_exception", error.__context__)
    return isinstance(error, pymysql.MySQLError) and isinstance(behind, TimeoutError)


def _broken(error: BaseException) -> bool:
    if isinstance(error, pymysql.MySQLError):
        return bool(error.args) and error.args[0] in MYSQL_BROKEN
    if isinstance(error, psycopg.OperationalError):
        # libpq gives no SQLSTATE where the connection itself ended.
        state = error.sqlstate or "08"
        return state in POSTGRES_BROKEN or state.startswith("08")
    return isinstance(error, OSError)


def _not_sent(error: BaseException) -> bool:
    if isinstance(error, pymysql.MySQLError):
        return bool(error.args) and error.args[0] in MYSQL_NOT_SENT
    if isinstance(error, psycopg.Error):
        closed_before = error.sqlstate is None and str(error) == "the connection is closed"
        waiting = error.sqlstate == PGBOUNCER_STATE and str(error).startswith(PGBOUNCER_NOT_SENT)
        not_open = closed_before or waiting or isinstance(error, psycopg.errors.ConnectionTimeout)
        return not_open or error.sqlstate in POSTGRES_NOT_SENT
    return isinstance(error, socket.gaierror | ConnectionRefusedError)
