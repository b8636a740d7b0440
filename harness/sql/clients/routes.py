"""Whom a client dials: what a name resolves to, one fixed place, or the first of several addresses that takes writes."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from harness.sql.clients.model import NotAWriter, Way
from harness.sql.clients.progress import Progress
from harness.sql.clients.resolvers import Resolver
from harness.sql.connections import SqlConnection, dial
from harness.sql.dialling import Manner
from harness.sql.endpoint import SqlEndpoint

Dial = Callable[[SqlEndpoint, Manner, Progress], SqlConnection]


class Route(Protocol):
    """A way to a connection."""

    def connect(self, progress: Progress) -> SqlConnection:
        """A new connection; raises what the resolver or the driver raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByName:
    """Resolves a name, then dials what it points at."""

    way: Way
    name: str
    resolver: Resolver
    manner: Manner

    def connect(self, progress: Progress) -> SqlConnection:
        """See Route."""
        return dial(self.endpoint(progress), self.manner, progress)

    def endpoint(self, progress: Progress) -> SqlEndpoint:
        """Where to, as the resolver has it now."""
        address = self.resolver.address(self.name)
        progress.resolved(address)
        return self.way.at(address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Always the same place."""

    endpoint: SqlEndpoint
    manner: Manner

    def connect(self, progress: Progress) -> SqlConnection:
        """See Route."""
        progress.dialling(self.endpoint.host)
        return dial(self.endpoint, self.manner, progress)


class FirstWriter:
    """Tries the addresses in turn until one takes writes, each within the manner's time-outs.

    psycopg does the same with several hosts: one attempt a host, in the order given, with ``target_session_attrs``
    (libpq's, which the server's greeting answers). PyMySQL has no such option: ``@@read_only`` is asked, as an application would.
    """

    def __init__(self, way: Way, manner: Manner, dial_one: Dial = dial) -> None:
        self._way, self._dial = way, dial_one
        self._manner = replace(manner, read_write=way.engine == "postgres")

    @property
    def addresses(self) -> tuple[str, ...]:
        """In the order in which they are tried."""
        return self._way.addresses

    def connect(self, progress: Progress) -> SqlConnection:
        """See Route; raises the last address's error when none will do."""
        *first, last = self.addresses
        for address in first:
            with contextlib.suppress(Exception):
                return self.connect_to(address, progress)
        return self.connect_to(last, progress)

    def connect_to(self, address: str, progress: Progress) -> SqlConnection:
        """A connection to this address, if it takes writes."""
        progress.dialling(address)
        connection = self._dial(self._way.at(address), self._manner, progress)
        try:
            if self._way.engine == "mysql" and connection.query("SELECT @@read_only") != [(0,)]:
                raise NotAWriter(f"{address} is read-only")
        except BaseException:
            connection.close()
            raise
        return connection
