"""How the drivers wait: each statement has its deadline, and under gevent the hub is waited on directly.

What the drivers say to a server is theirs; only the socket, or the wait for it, is replaced. psycopg's own wait makes a
poll object, watchers and a timer for each statement, PyMySQL's sockets a timer for each read.
"""

import contextlib
import io
import math
import socket
import ssl
import time
from collections.abc import Callable, Generator
from typing import Any, Self

import psycopg
import pymysql
from psycopg import pq, waiting

from harness.sql.dialling import Keepalive, Unwatched, Watch
from harness.wire import Readable, Wire, connect, gevent_patched, shut_down, wrapped

WAIT_S = 0.1  # how often psycopg looks up from waiting; a deadline is met to within this

CANNOT_CONNECT = 2003  # MySQL's number for it (D5)
_LONGEST_S = 31_536_000.0  # what PyMySQL takes for "for ever" when it connects; our socket knows better

_STARTED, _NEEDED = 2, 8  # libpq's ConnStatusType before TCP is connected
_LET_IN = frozenset(
    {0, 5, 9, 10, 12, 13}
)  # and after authentication: OK, AUTH_OK, CHECK_WRITABLE, CONSUME, CHECK_TARGET …


class ReadTimedOut(TimeoutError):  # noqa: N818 - an outcome of a measured attempt
    """A statement's answer didn't come in time; the connection is closed."""


class PostgresConnecting:
    """libpq on its way into a server: what ``psycopg.generators.connect`` does, with every step told as it is taken."""

    def __init__(self, conninfo: str, watch: Watch) -> None:
        self._conninfo, self._watch = conninfo, watch
        self._pgconn: Any = None
        self._connected = self._let_in = False

    def steps(self) -> Generator[tuple[int, waiting.Wait], waiting.Ready | int, Any]:
        """Yields (descriptor, what to wait for), as ``psycopg.waiting.wait_conn`` takes it; returns psycopg's PGconn."""
        self._watch.opened(self)
        pgconn = self._pgconn = pq.PGconn.connect_start(self._conninfo.encode())
        polled: int = (
            pq.PollingStatus.WRITING
        )  # libpq: as if it had said so, else it takes an open SYN for a connection
        while polled != pq.PollingStatus.OK:
            if pgconn.status == pq.ConnStatus.BAD or polled == pq.PollingStatus.FAILED:
                said = pgconn.get_error_message()
                raise psycopg.OperationalError(
                    f"connection failed: {said}", pgconn=psycopg.errors.finish_pgconn(pgconn)
                )
            wanted = waiting.WAIT_R if polled == pq.PollingStatus.READING else waiting.WAIT_W
            while not (yield pgconn.socket, wanted):
                pass
            polled = pgconn.connect_poll()
            self._look(int(pgconn.status))
        pgconn.nonblocking = 1
        return pgconn

    def give_up(self) -> None:
        """Close what there is."""
        if self._pgconn is not None:
            self._pgconn.finish()

    def shut(self) -> None:
        """See Connecting."""
        with contextlib.suppress(psycopg.Error):  # it is closed
            if self._pgconn is not None:
                shut_down(self._pgconn.socket)

    def _look(self, status: int) -> None:
        if not self._connected and status not in (_STARTED, _NEEDED, 1):
            self._connected = True
            self._watch.connected()
        if not self._let_in and status in _LET_IN:
            self._let_in = True
            self._watch.authenticated()


class TimedConnection(psycopg.Connection[tuple[Any, ...]]):
    """psycopg's connection with deadlines: libpq has none for statements, none under 2 s to connect."""

    read_timeout_s: float | None
    connecting: PostgresConnecting
    _readable: Readable | None = None

    @classmethod
    def open(
        cls,
        conninfo: str,
        connect_timeout_s: float | None,
        read_timeout_s: float | None,
        watch: Watch | None = None,
    ) -> Self:
        """A connection in autocommit; raises ConnectionTimeout, or what psycopg raises. ``None``: for ever."""
        connecting = PostgresConnecting(conninfo, watch or Unwatched())
        try:
            connection = cls(_connected(connecting, connect_timeout_s))
        except BaseException:
            connecting.give_up()
            raise
        connection.connecting = connecting
        connection.read_timeout_s = read_timeout_s
        if gevent_patched():
            connection._readable = Readable(connection.pgconn.socket, read_timeout_s)
        connection.autocommit = True
        return connection

    def wait(self, gen: Any, interval: float = WAIT_S, timeout: float | None = None) -> Any:
        """psycopg's hook: carry out one statement, or give it up at its deadline and close."""
        limit_s = self.read_timeout_s if timeout is None else timeout
        deadline_s = math.inf if limit_s is None else time.monotonic() + limit_s
        if self._readable is not None and timeout is None:
            return self._wait_on_hub(self._readable, gen, deadline_s)
        try:
            return super().wait(gen, interval=min(interval, limit_s or interval), timeout=limit_s)
        except psycopg.OperationalError as error:
            if time.monotonic() < deadline_s:
                raise
            self.pgconn.finish()
            raise ReadTimedOut(f"no answer in {limit_s} s") from error

    def close(self) -> None:
        """Close at once; a greenlet that waits for an answer gets psycopg's OperationalError."""
        if self._readable is not None:
            readable, self._readable = self._readable, None
            readable.close(super().close)
        else:
            super().close()

    def _wait_on_hub(self, readable: Readable, gen: Any, deadline_s: float) -> Any:
        """Drive psycopg's generator: it yields what it waits for and is sent what came."""
        from gevent.socket import wait_readwrite

        fd = self.pgconn.socket
        try:
            wanted = next(gen)
            while True:
                if wanted & waiting.WAIT_W:
                    wait_readwrite(fd, _left_s(deadline_s))
                    wanted = gen.send(waiting.READY_RW)
                else:
                    readable.wait(deadline_s)
                    wanted = gen.send(waiting.READY_R)
        except StopIteration as end:
            return end.value
        except TimeoutError as error:
            self.pgconn.finish()
            raise ReadTimedOut(f"no answer in {self.read_timeout_s} s") from error
        except OSError as error:
            raise psycopg.OperationalError("connection socket closed") from error


class MySqlOnHub(pymysql.connections.Connection):
    """PyMySQL over our own connection to the server: its protocol, its errors, a shorter way to the socket."""

    def __init__(
        self,
        *,
        connect_timeout: float | None,
        read_timeout: float | None,
        dialled_host: str,
        tls: ssl.SSLContext | None = None,
        keepalive: Keepalive | None = None,
        watch: Watch | None = None,
        **settings: Any,
    ) -> None:
        self._limits_s, self._dialled_host, self._tls = (connect_timeout, read_timeout), dialled_host, tls
        self._keepalive, self._watch = keepalive, watch or Unwatched()
        self._dialled: socket.socket | Wire | None = None
        # PyMySQL checks the certificate for ``host``, which is the server's name; with a context it insists on TLS.
        settings |= {"ssl_disabled": True} if tls is None else {"ssl": tls}
        super().__init__(connect_timeout=connect_timeout or _LONGEST_S, read_timeout=read_timeout, **settings)

    def connect(self, sock: Any = None) -> None:
        """PyMySQL takes a socket that somebody else made: ours, unless one is given."""
        super().connect(sock or self._wire_socket())

    def shut(self) -> None:
        """See harness.sql.dialling.Connecting."""
        if self._dialled is not None:
            shut_down(self._dialled.fileno())

    def _request_authentication(self) -> None:
        """PyMySQL's step between greeting and settings."""
        super()._request_authentication()  # type: ignore[misc] # the stubs leave out what is private
        self._watch.authenticated()

    def _wire_socket(self) -> Any:
        try:
            self._dialled = wire = connect(
                (self._dialled_host, self.port), *self._limits_s, prepare=self._prepare, tls_later=self._tls is not None
            )
        except OSError as error:
            said = f"Can't connect to MySQL server on {self._dialled_host!r} ({error})"
            refusal = pymysql.err.OperationalError(CANNOT_CONNECT, said)
            refusal.original_exception = error  # type: ignore[attr-defined] # as PyMySQL keeps it
            raise refusal from error
        self._watch.connected()
        return _WireSocket(wire)

    def _create_ssl_ctx(self, sslp: ssl.SSLContext) -> "_Wrapping":
        """PyMySQL's step from its settings to what it wraps its socket by."""
        return _Wrapping(sslp, self._note_wire)

    def _note_wire(self, wire: Wire) -> None:
        self._dialled = wire

    def _prepare(self, sock: socket.socket) -> None:
        self._dialled = sock
        if self._keepalive is not None:
            self._keepalive.set_on(sock)
        self._watch.opened(self)


class _Wrapping:
    """What PyMySQL asks to wrap its socket after the greeting, in a context's place."""

    def __init__(self, context: ssl.SSLContext, on_begin: Callable[[Wire], None]) -> None:
        self._context, self._on_begin = context, on_begin

    def wrap_socket(self, plain: "_WireSocket", server_hostname: str) -> "_WireSocket":
        """The same connection by TLS, its certificate verified for that name."""
        return _WireSocket(wrapped(plain.wire, self._context, server_hostname, self._on_begin))


class _WireSocket:
    """What PyMySQL uses of a socket; time limits are the wire's."""

    def __init__(self, wire: Wire) -> None:
        self._wire: Wire | None = wire
        self.sendall = wire.send

    @property
    def wire(self) -> Wire:
        """The connection itself."""
        assert self._wire is not None
        return self._wire

    def settimeout(self, _: float | None) -> None:
        """Reads and writes have the same limit, given when the wire was made."""

    def makefile(self, _: str) -> io.BufferedReader:
        """Read through a buffer, as PyMySQL asks for."""
        assert self._wire is not None
        return _Reader(_Raw(self._wire), 65_536)

    def close(self) -> None:
        """Close the wire, once."""
        if self._wire is not None:
            wire, self._wire = self._wire, None
            wire.close()


class _Reader(io.BufferedReader):
    """The buffer; closing it is left to the socket, since it can't be done while another greenlet reads."""

    def close(self) -> None:
        """Nothing: PyMySQL closes the socket next, which ends that read."""


class _Raw(io.RawIOBase):
    """The wire as the buffer's source."""

    def __init__(self, wire: Wire) -> None:
        self._receive_into = wire.receive_into

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._receive_into(memoryview(buffer))


def _connected(connecting: PostgresConnecting, timeout_s: float | None) -> Any:
    """Carry out the steps; psycopg's PGconn."""
    deadline_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
    try:
        if gevent_patched():
            return _connected_on_hub(connecting, deadline_s)
        return waiting.wait_conn(connecting.steps(), interval=WAIT_S, timeout=timeout_s)
    except (TimeoutError, psycopg.OperationalError) as error:
        if time.monotonic() < deadline_s:
            raise
        raise psycopg.errors.ConnectionTimeout(f"no connection in {timeout_s} s") from error


def _connected_on_hub(connecting: PostgresConnecting, deadline_s: float) -> Any:
    from gevent.socket import wait_read, wait_write

    steps = connecting.steps()
    try:
        fd, wanted = next(steps)
        while True:
            if wanted == waiting.WAIT_W:
                wait_write(fd, _left_s(deadline_s))
                fd, wanted = steps.send(waiting.READY_W)
            else:
                wait_read(fd, _left_s(deadline_s))
                fd, wanted = steps.send(waiting.READY_R)
    except StopIteration as end:
        return end.value


def _left_s(deadline_s: float) -> float | None:
    """The time until then, for gevent: None where there is no limit."""
    return None if deadline_s == math.inf else max(0.0, deadline_s - time.monotonic())
