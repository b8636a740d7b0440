"""How the drivers wait: each statement has its deadline, and under gevent the hub is waited on directly.

What the drivers say to a server is theirs; only the socket, or the wait for it, is replaced. psycopg's own wait makes a
poll object, watchers and a timer for each statement, PyMySQL's sockets a timer for each read.
"""

import io
import time
from typing import Any, Self

import psycopg
import pymysql
from psycopg import generators, waiting

from harness.wire import Readable, Wire, connect, gevent_patched

WAIT_S = 0.1  # how often psycopg looks up from waiting; a deadline is met to within this


CANNOT_CONNECT = 2003  # MySQL's number for it (D5)


class ReadTimedOut(TimeoutError):  # noqa: N818 - an outcome of a measured attempt
    """A statement's answer didn't come in time; the connection is closed."""


class TimedConnection(psycopg.Connection[tuple[Any, ...]]):
    """psycopg's connection with deadlines: libpq has none for statements, none under 2 s to connect."""

    read_timeout_s: float
    _readable: Readable | None = None

    @classmethod
    def open(cls, conninfo: str, connect_timeout_s: float, read_timeout_s: float) -> Self:
        """A connection in autocommit; raises ConnectionTimeout, or what psycopg raises."""
        deadline = time.monotonic() + connect_timeout_s
        try:
            connecting = generators.connect(conninfo)
            connection = cls(waiting.wait_conn(connecting, interval=WAIT_S, timeout=connect_timeout_s))
        except psycopg.OperationalError as error:
            if time.monotonic() < deadline:
                raise
            raise psycopg.errors.ConnectionTimeout(f"no connection in {connect_timeout_s} s") from error
        connection.read_timeout_s = read_timeout_s
        if gevent_patched():
            connection._readable = Readable(connection.pgconn.socket, read_timeout_s)
        connection.autocommit = True
        return connection

    def wait(self, gen: Any, interval: float = WAIT_S, timeout: float | None = None) -> Any:
        """psycopg's hook: carry out one statement, or give it up at its deadline and close."""
        limit_s = self.read_timeout_s if timeout is None else timeout
        deadline_s = time.monotonic() + limit_s
        if self._readable is not None and timeout is None:
            return self._wait_on_hub(self._readable, gen, deadline_s)
        try:
            return super().wait(gen, interval=min(interval, limit_s), timeout=limit_s)
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
                    wait_readwrite(fd, max(0.0, deadline_s - time.monotonic()))
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

    def __init__(self, *, connect_timeout: float, read_timeout: float, **settings: Any) -> None:
        self._limits_s = connect_timeout, read_timeout
        super().__init__(connect_timeout=connect_timeout, read_timeout=read_timeout, **settings)

    def connect(self, sock: Any = None) -> None:
        """PyMySQL takes a socket that somebody else made: ours, unless one is given."""
        super().connect(sock or self._wire_socket())

    def _wire_socket(self) -> Any:
        try:
            wire = connect((self.host, self.port), *self._limits_s)
        except OSError as error:
            said = f"Can't connect to MySQL server on {self.host!r} ({error})"
            refusal = pymysql.err.OperationalError(CANNOT_CONNECT, said)
            refusal.original_exception = error  # type: ignore[attr-defined] # as PyMySQL keeps it
            raise refusal from error
        return _WireSocket(wire)


class _WireSocket:
    """What PyMySQL uses of a socket; time limits are the wire's."""

    def __init__(self, wire: Wire) -> None:
        self._wire: Wire | None = wire
        self.sendall = wire.send

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
