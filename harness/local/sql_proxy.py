"""What stands in for RDS Proxy: clients connect to it, and it is told where the writer is now.

PostgreSQL has PgBouncer, which keeps its clients' connections while the server behind them changes. For MySQL there is none of
its kind in the package registries that runs without being installed: a TCP proxy hands *new* connections to the new writer, and those that are open
end with the server they were made to. A figure of it says so.
"""

from typing import Protocol

from harness.local.pgbouncer import PgBouncer
from harness.local.processes import Warden
from harness.local.tcp_proxy_control import TcpProxy
from harness.sql.endpoint import SqlEndpoint


class SqlProxy(Protocol):
    """A proxy before one database."""

    @property
    def product(self) -> str:
        """What it is, as a report names it."""

    @property
    def endpoint(self) -> SqlEndpoint:
        """The application's way in through it, once it runs."""

    def start(self, host: str) -> None:
        """Start, with the writer at ``host``; returns when it listens. Raises ServerFailed."""

    def point_at(self, host: str) -> None:
        """The writer is at ``host`` from now on; in effect on return. Raises CannotMeasure where the proxy is gone."""

    def stop(self) -> None:
        """End it, and its connections with it."""


class NewConnectionsOnly:
    """A TCP proxy that is retargeted: what MySQL's clients get here."""

    product = "TCP proxy (new connections only)"

    def __init__(self, warden: Warden, behind: SqlEndpoint, *, name: str) -> None:
        self._warden, self._behind, self._name = warden, behind, name

    @property
    def endpoint(self) -> SqlEndpoint:
        """See SqlProxy."""
        return self._behind.at(*self._proxy.address)

    def start(self, host: str) -> None:
        """See SqlProxy."""
        self._proxy = TcpProxy(self._warden, (host, self._behind.port), name=self._name)
        self._proxy.start()

    def point_at(self, host: str) -> None:
        """See SqlProxy."""
        self._proxy.retarget(host, self._behind.port)

    def stop(self) -> None:
        """See SqlProxy."""
        self._proxy.stop()


def make_proxy(warden: Warden, behind: SqlEndpoint, *, name: str, connections: int = 32) -> SqlProxy:
    """The proxy of the engine, not yet started. ``behind``: the way in, at whatever host; ``name`` is its own in the warden.

    ``connections``: how many PgBouncer may have to the server. Raises CannotMeasure where PgBouncer can't be had.
    """
    if behind.engine == "postgres":
        return PgBouncer(warden, behind, name=name, connections=connections)
    return NewConnectionsOnly(warden, behind, name=name)
