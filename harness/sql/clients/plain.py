"""Clients that keep their own connections, as an application without a pool of SQLAlchemy's does."""

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
    """As many connections as attempts are under way at once; the one that came home last is used next.

    Each is kept until anything goes wrong with it; what the others are worth is seen when they are used.
    """

    def __init__(self, arm: str, route: Route, retry: Retry, *, clock_ns: Callable[[], int]) -> None:
        self.arm, self.retry = arm, retry
        self._route, self._clock_ns = route, clock_ns
        self._open = Open()
        self._idle: list[tuple[SqlConnection, str]] = []  # with the address that each was made to

    @property
    def is_cut(self) -> bool:
        """See Client."""
        return self._open.is_cut

    def attempt(self, slot: "Slot", work: Callable[[SqlConnection], T]) -> Tried[T]:  # noqa: ARG002 - whichever is idle
        """See Client."""
        progress = Progress(self._open, self._clock_ns)
        connection: SqlConnection | None = None
        try:
            self._open.check()
            if self._idle:
                connection, progress.address = self._idle.pop()
            else:
                connection = self._route.connect(progress)
            value = work(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, Exception):  # somebody ends this greenlet: nobody knows what is under way there
                raise
            return Tried(value=None, error=error, sent=connection is not None, stamps=progress.stamps())
        self._idle.append((connection, progress.address))
        return Tried(value=value, error=None, sent=True, stamps=progress.stamps())

    def cut(self) -> None:
        """See Client."""
        self._open.cut()

    def close(self) -> None:
        """See Client."""
        while self._idle:
            self._idle.pop()[0].close()


class Fresh:
    """A fresh connection after every failure, straight to whichever address takes writes: the server's own downtime.

    One that answered is used again (to log in two hundred times a second would take most of a core from the servers), the
    one that came home last first; a failure ends all of them. It stays with the address that answered last. After a failure each
    attempt takes the address with the fewest attempts under way, longest untried first: one that is silent holds up few of
    them, and hides no other that is back.
    """

    def __init__(self, arm: str, route: FirstWriter, retry: Retry, *, clock_ns: Callable[[], int]) -> None:
        self.arm, self.retry = arm, retry
        self._route, self._clock_ns = route, clock_ns
        self._open = Open()
        self._under_way = dict.fromkeys(route.addresses, 0)  # in the order of their last attempts
        self._answers: str | None = None
        self._idle: list[SqlConnection] = []  # to the address that answers

    @property
    def is_cut(self) -> bool:
        """See Client."""
        return self._open.is_cut

    def attempt(self, slot: "Slot", work: Callable[[SqlConnection], T]) -> Tried[T]:  # noqa: ARG002 - nothing is kept by slot
        """See Client."""
        progress, sent = Progress(self._open, self._clock_ns), False
        address = self._answers or min(self._under_way, key=self._under_way.__getitem__)
        self._under_way[address] = self._under_way.pop(address) + 1
        connection: SqlConnection | None = None
        try:
            self._open.check()
            progress.address = address
            connection = self._idle.pop() if self._idle else self._route.connect_to(address, progress)
            sent = True
            value = work(connection)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, Exception):  # as above
                raise
            if self._answers == address:
                self._answers = None
                self.close()
            return Tried(value=None, error=error, sent=sent, stamps=progress.stamps())
        finally:
            self._under_way[address] -= 1
        if self._answers not in (None, address):
            self.close()
        self._answers = address
        self._idle.append(connection)
        return Tried(value=value, error=None, sent=True, stamps=progress.stamps())

    def cut(self) -> None:
        """See Client."""
        self._open.cut()

    def close(self) -> None:
        """See Client."""
        while self._idle:
            self._idle.pop().close()
