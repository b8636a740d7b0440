"""A connection on the shortest path there is: what the lean clients send and receive by.

gevent's own socket costs a third of a lean client's CPU: each wait makes and drops a timer, and each call goes through
layers of Python. Where gevent patched ``socket``, a plain connection is therefore waited for on the hub directly, and one
timer stands for many waits. TLS, and a process without gevent, use their ordinary sockets.
"""

import contextlib
import errno
import math
import os
import socket
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

RECEIVE_BYTES = 65_536


class Wire(Protocol):
    """An open connection. A wait that exceeds its time raises TimeoutError, any other trouble OSError."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self) -> bytes:
        """What is there, waiting for the first byte; empty at the connection's end."""

    def receive_into(self, view: memoryview) -> int:
        """Like ``receive``, into ``view``; returns how many bytes."""

    def still_open(self) -> bool:
        """Whether an idle connection is open and silent: bytes that nobody asked for count as trouble."""

    def fileno(self) -> int:
        """Its descriptor; -1 once it is closed."""

    def close(self) -> None:
        """Close it; whoever waits for it gets an OSError."""


def connect(
    address: tuple[str, int],
    connect_timeout_s: float | None,
    timeout_s: float | None,
    tls: ssl.SSLContext | None = None,
    *,
    prepare: Callable[[socket.socket], None] | None = None,
    tls_later: bool = False,
) -> Wire:
    """Open a connection; ``tls`` verifies the server by its host name. ``timeout_s`` bounds each wait for bytes.

    ``None`` for a time-out: for ever. ``prepare`` gets the socket before it connects; the host has an IPv4 address then.
    ``tls_later``: plain to begin with, and :func:`wrapped` may be asked for.
    Raises TimeoutError or OSError, and leaves nothing open then.
    """
    sock = (
        _prepared(address, connect_timeout_s, prepare)
        if prepare
        else socket.create_connection(address, connect_timeout_s)
    )
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            sock = tls.wrap_socket(sock, server_hostname=address[0])
        elif gevent_patched() and not tls_later:
            return _HubWire(sock, timeout_s)
        sock.settimeout(timeout_s)
    except BaseException:
        sock.close()
        raise
    return _SocketWire(sock, timeout_s)


def wrapped(wire: Wire, tls: ssl.SSLContext, server_name: str, on_begin: Callable[[Wire], None]) -> Wire:
    """The same connection by TLS, once ``tls_later`` was said of it; ``on_begin`` has it before the handshake. Raises OSError."""
    assert isinstance(wire, _SocketWire)
    sock = tls.wrap_socket(wire.sock, server_hostname=server_name, do_handshake_on_connect=False)
    secure = _SocketWire(sock, wire.timeout_s)
    on_begin(secure)
    try:
        sock.do_handshake()
    except BaseException:
        sock.close()
        raise
    return secure


def shut_down(descriptor: int) -> None:
    """End a connection in both directions without closing it; nothing happens where it is closed already.

    Whoever waits for it wakes up with its end or an error, be it while it connects, and finds the descriptor its own.
    """
    from _socket import socket as raw_socket  # the one that no gevent patches

    with contextlib.suppress(OSError):
        ours = raw_socket(fileno=os.dup(descriptor))
        try:
            ours.shutdown(socket.SHUT_RDWR)
        finally:
            ours.close()


def _prepared(
    address: tuple[str, int], timeout_s: float | None, prepare: Callable[[socket.socket], None]
) -> socket.socket:
    sock = socket.socket()
    try:
        prepare(sock)
        sock.settimeout(timeout_s)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def gevent_patched() -> bool:
    """Whether sockets belong to gevent here, so that waiting for one must let the hub run."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("socket")


class _SocketWire:
    """An ordinary socket: blocking, or TLS."""

    __slots__ = ("receive_into", "send", "sock", "timeout_s")

    def __init__(self, sock: socket.socket, timeout_s: float | None) -> None:
        self.sock, self.timeout_s = sock, timeout_s
        self.send = sock.sendall
        self.receive_into = sock.recv_into

    def receive(self) -> bytes:
        """See Wire."""
        return self.sock.recv(RECEIVE_BYTES)

    def still_open(self) -> bool:
        """See Wire."""
        self.sock.settimeout(0.0)
        try:
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(self.timeout_s)
        return False

    def fileno(self) -> int:
        """See Wire."""
        return self.sock.fileno()

    def close(self) -> None:
        """See Wire."""
        self.sock.close()


class Readable:
    """Waits on gevent's hub until a descriptor can be read; for one greenlet at a time.

    The timer isn't stopped when something comes, only looked at when it fires: as often as ``timeout_s`` goes by, not
    as often as there is a wait.
    """

    __slots__ = ("_deadline_s", "_hub", "_io", "_timeout_s", "_timer", "_waiting")

    def __init__(self, fd: int, timeout_s: float | None) -> None:
        from gevent import get_hub

        self._hub: Any = get_hub()
        self._io = self._hub.loop.io(fd, 1)
        self._timer = self._hub.loop.timer(timeout_s or 0.0, ref=False)  # never started where there is no limit
        self._timeout_s = math.inf if timeout_s is None else timeout_s
        self._deadline_s, self._waiting = 0.0, False

    def wait(self, deadline_s: float | None = None) -> None:
        """Return when there is something; TimeoutError at ``deadline_s`` (monotonic), or ``timeout_s`` from now."""
        self._deadline_s = time.monotonic() + self._timeout_s if deadline_s is None else deadline_s
        if self._deadline_s < math.inf and not self._timer.active:
            self._timer.start(self._fired)
        self._waiting = True
        try:
            self._hub.wait(self._io)
        finally:
            self._waiting = False

    def close(self, then: Callable[[], None]) -> None:
        """Tell who waits, by an OSError, that this is over; ``then`` may close the descriptor."""
        self._timer.close()
        gone = OSError(errno.EBADF, "closed by another greenlet")
        waiting = self._waiting
        self._hub.cancel_wait(self._io, gone, close_watcher=True)
        if waiting:
            self._hub.loop.run_callback(then)  # after the one who waits was told
        else:
            then()

    def _fired(self) -> None:
        """In the hub: end a wait that is overdue, or look again when this one would be."""
        left_s = self._deadline_s - time.monotonic()
        if self._waiting and left_s <= 0:
            self._hub.cancel_wait(self._io, TimeoutError("timed out"))
        elif self._waiting:
            self._timer.close()
            self._timer = self._hub.loop.timer(left_s, ref=False)
            self._timer.start(self._fired)


class _HubWire:
    """A plain connection that is tried first and waited for on gevent's hub only where nothing is there yet."""

    __slots__ = ("_raw", "_read", "_readable", "_send", "_timeout_s")

    def __init__(self, sock: socket.socket, timeout_s: float | None) -> None:
        from _socket import socket as raw_socket  # the one that no gevent patches

        self._raw = raw_socket(fileno=sock.detach())
        self._raw.setblocking(False)
        self._send, self._read = self._raw.send, self._raw.recv
        self._readable = Readable(self._raw.fileno(), timeout_s)
        self._timeout_s = timeout_s

    def send(self, data: bytes) -> None:
        """See Wire."""
        if (sent := self._send_some(data)) < len(data):
            self._send_rest(memoryview(data)[sent:])

    def receive(self) -> bytes:
        """See Wire."""
        while True:
            try:
                return self._read(RECEIVE_BYTES)
            except BlockingIOError:
                self._readable.wait()

    def receive_into(self, view: memoryview) -> int:
        """See Wire."""
        while True:
            try:
                return self._raw.recv_into(view)
            except BlockingIOError:
                self._readable.wait()

    def still_open(self) -> bool:
        """See Wire."""
        try:
            self._read(1)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def fileno(self) -> int:
        """See Wire."""
        return self._raw.fileno()

    def close(self) -> None:
        """See Wire."""
        self._readable.close(self._raw.close)

    def _send_rest(self, view: memoryview) -> None:
        from gevent.socket import wait_write

        while view:
            wait_write(self._raw.fileno(), self._timeout_s)
            view = view[self._send_some(view) :]

    def _send_some(self, data: bytes | memoryview) -> int:
        try:
            return self._send(data)
        except BlockingIOError:
            return 0
