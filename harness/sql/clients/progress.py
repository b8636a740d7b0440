"""The steps of one attempt as they are taken, and the connections of one client that can be cut."""

import weakref
from collections.abc import Callable

from harness.sql.clients.model import Cut, Stamps
from harness.sql.dialling import Connecting


class Open:
    """The connections of one client, from before their first packet; such as were closed leave by themselves."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[Connecting] = weakref.WeakSet()
        self.is_cut = False

    def add(self, connecting: Connecting) -> None:
        """One more; raises Cut where it is too late for that."""
        self.check()
        self._connections.add(connecting)

    def check(self) -> None:
        """Raises Cut once it is cut."""
        if self.is_cut:
            raise Cut("the trial is over")

    def cut(self) -> None:
        """Shut all of them, and let no more begin."""
        self.is_cut = True
        for connecting in list(self._connections):
            connecting.shut()


class Progress:
    """Watches one attempt (harness.sql.dialling.Watch)."""

    __slots__ = ("_clock_ns", "_open", "address", "authenticated_ns", "connected_ns", "resolved_ns")

    def __init__(self, connections: Open, clock_ns: Callable[[], int]) -> None:
        self._open, self._clock_ns = connections, clock_ns
        self.address = ""
        self.resolved_ns = self.connected_ns = self.authenticated_ns = -1

    def resolved(self, address: str) -> None:
        """The name's address is known, asked for or remembered."""
        self.address, self.resolved_ns = address, self._clock_ns()

    def dialling(self, address: str) -> None:
        """This address is tried next; what an earlier one had come to no longer counts."""
        self.address = address
        self.connected_ns = self.authenticated_ns = -1

    def opened(self, connecting: Connecting) -> None:
        """See Watch."""
        self._open.add(connecting)

    def connected(self) -> None:
        """See Watch."""
        self.connected_ns = self._clock_ns()

    def authenticated(self) -> None:
        """See Watch."""
        self.authenticated_ns = self._clock_ns()

    def stamps(self) -> Stamps:
        """What has been done so far."""
        return Stamps(
            address=self.address,
            resolved_ns=self.resolved_ns,
            connected_ns=self.connected_ns,
            authenticated_ns=self.authenticated_ns,
        )
