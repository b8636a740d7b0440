"""Clients with connections of their own: one a slot that is kept while it works, or a fresh one for every attempt."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from harness.sql.clients.model import Tried
from harness.sql.clients.progress import Open, Progress
from harness.sql.clients.retry import Retry
from harness.sql.clients.routes import FirstWriter, Route
from harness.sql.connections import SqlConnection

if TYPE_CHECKING:
    from harness.scenario import Slot

T = TypeVar("T")


class Plain:
    """One connection a slot, kept until anything goes wrong with it, then made anew by the next attempt."""

    def __init__(self, arm: str, route: Route, retry: Retry, *, clock_ns: Callable[[], int]) -> None:
        self.arm, self.retry = arm, retry
        self._route, self._clock_ns = route, clock_ns
        self._open = Open()
        self._held: dict[int, tuple[SqlConnection, str]] = {}  # by slot, with the address it was made to

    @property
    def is_cut(self) -> bool:
        """See Client."""
        return self._open.is_cut

    def attempt(self, slot: "Slot", work: Callable[[SqlConnection], T]) -> Tried[T]:
        """See Client."""
        progress, sent = Progress(self._open, self._clock_ns), False
        try:
            connection = self._connection(slot.index, progress)
            sent = True
            return Tried(value=work(connection), error=None, sent=True, stamps=progress.stamps())
        except BaseException as error:
            held = self._held.pop(slot.index, None)
            if held is not None:
                held[0].close()
            if not isinstance(error, Exception):  # somebody ends this greenlet: nobody knows what is under way there
                raise
            return Tried(value=None, error=error, sent=sent, stamps=progress.stamps())

    def cut(self) -> None:
        """See Client."""
        self._open.cut()

    def close(self) -> None:
        """See Client."""
        while self._held:
            self._held.popitem()[1][0].close()

    def _connection(self, slot: int, progress: Progress) -> SqlConnection:
        self._open.check()
        if slot in self._held:
            connection, progress.address = self._held[slot]
            return connection
        connection = self._route.connect(progress)
        self._held[slot] = connection, progress.address
        return connection


class Fresh:
    """A new connection for every attempt, straight to whichever address takes writes: the server's own downtime.

    It stays with the address that answered last. After a failure each attempt takes the address with the fewest attempts
    under way, longest untried first: one that is silent holds up few of them, and hides no other that is back.
    """

    def __init__(self, arm: str, route: FirstWriter, retry: Retry, *, clock_ns: Callable[[], int]) -> None:
        self.arm, self.retry = arm, retry
        self._route, self._clock_ns = route, clock_ns
        self._open = Open()
        self._under_way = dict.fromkeys(route.addresses, 0)  # in the order of their last attempts
        self._answers: str | None = None

    @property
    def is_cut(self) -> bool:
        """See Client."""
        return self._open.is_cut

    def attempt(self, slot: "Slot", work: Callable[[SqlConnection], T]) -> Tried[T]:  # noqa: ARG002 - nothing is kept by slot
        """See Client."""
        progress, sent = Progress(self._open, self._clock_ns), False
        address = self._answers or min(self._under_way, key=self._under_way.__getitem__)
        self._under_way[address] = self._under_way.pop(address) + 1
        try:
            self._open.check()
            connection = self._route.connect_to(address, progress)
            sent = True
            with connection:
                value = work(connection)
        except Exception as error:  # noqa: BLE001 - what drivers raise has no common class; it is classified later
            if self._answers == address:
                self._answers = None
            return Tried(value=None, error=error, sent=sent, stamps=progress.stamps())
        finally:
            self._under_way[address] -= 1
        self._answers = address
        return Tried(value=value, error=None, sent=True, stamps=progress.stamps())

    def cut(self) -> None:
        """See Client."""
        self._open.cut()

    def close(self) -> None:
        """See Client; nothing is kept."""
