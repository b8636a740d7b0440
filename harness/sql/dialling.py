"""How a connection is made: time-outs, keepalive, and who watches it step by step."""

import socket
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepalive:
    """TCP's own watch over a connection: after ``idle_s`` of silence ``probes`` questions, ``interval_s`` apart.

    What was sent and isn't acknowledged in ``user_timeout_ms`` ends it too, a SYN included. libpq takes whole seconds.
    """

    idle_s: int = 1
    interval_s: int = 1
    probes: int = 2
    user_timeout_ms: int = 2_000

    def __post_init__(self) -> None:
        """None of them may be 0, which means the system's own."""
        if min(self.idle_s, self.interval_s, self.probes, self.user_timeout_ms) < 1:
            raise ValueError(f"keepalive: every value at least 1, got {self}")

    def set_on(self, sock: socket.socket) -> None:
        """For a socket of ours, before it connects."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            (socket.TCP_KEEPIDLE, self.idle_s),
            (socket.TCP_KEEPINTVL, self.interval_s),
            (socket.TCP_KEEPCNT, self.probes),
            (socket.TCP_USER_TIMEOUT, self.user_timeout_ms),
        ):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def for_libpq(self) -> dict[str, int]:
        """The same as connection parameters, which libpq sets before it connects."""
        return {
            "keepalives": 1, "keepalives_idle": self.idle_s, "keepalives_interval": self.interval_s,
            "keepalives_count": self.probes, "tcp_user_timeout": self.user_timeout_ms,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How to connect and how to wait; ``None`` for a time-out: for ever.

    ``read_write``: psycopg's ``target_session_attrs=read-write``; PyMySQL has no such thing. ``prepared``: statements with
    parameters are prepared (psycopg alone).
    """

    connect_timeout_s: float | None = 5.0
    read_timeout_s: float | None = 30.0
    keepalive: Keepalive | None = None
    read_write: bool = False
    prepared: bool = True


class Connecting(Protocol):
    """A connection, from before its first packet until it is closed."""

    def shut(self) -> None:
        """End both directions at once: whoever waits for it, at whichever step, gets an error. Harmless when closed."""


class Watch(Protocol):
    """Is told of each step as it is taken, in the greenlet that connects."""

    def opened(self, connecting: Connecting) -> None:
        """A connection begins; what this raises ends it."""

    def connected(self) -> None:
        """TCP is connected."""

    def authenticated(self) -> None:
        """The server has let us in."""


class Unwatched:
    """Nobody wants to know."""

    def opened(self, connecting: Connecting) -> None:
        """See Watch."""

    def connected(self) -> None:
        """See Watch."""

    def authenticated(self) -> None:
        """See Watch."""
