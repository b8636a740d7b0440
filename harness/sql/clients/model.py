"""What every client arm is: it carries out work on a connection of its own choosing and tells what each attempt went through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from harness.sql.clients.retry import Retry
from harness.sql.connections import SqlConnection
from harness.sql.dialling import Keepalive
from harness.sql.endpoint import Engine, SqlEndpoint

if TYPE_CHECKING:
    from harness.scenario import Slot

T = TypeVar("T")


class Cut(ConnectionAbortedError):  # noqa: N818 - an outcome of a measured attempt
    """The trial is over: this client connects no more."""


class NotAWriter(ConnectionRefusedError):  # noqa: N818 - an outcome of a measured attempt
    """The server answered and takes no writes, which was asked before any was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where one database of one engine can be reached.

    ``name`` and ``reader_name`` are known to the DNS server at ``dns``; ``addresses`` are what is dialled in each zone.
    ``template`` has user, password, port and database, at whatever host.
    """

    engine: Engine
    name: str
    dns: tuple[str, int]
    template: SqlEndpoint
    addresses: tuple[str, ...]
    reader_name: str | None = None
    proxy: SqlEndpoint | None = None

    def at(self, address: str) -> SqlEndpoint:
        """The way in at one address."""
        return self.template.at(address, self.template.port)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Way":
        """One that was sent as ``dataclasses.asdict`` gives it, tuples as lists."""
        host, port = record["dns"]
        proxy = record["proxy"]
        own = {
            "dns": (host, port), "template": SqlEndpoint(**record["template"]), "addresses": tuple(record["addresses"]),
            "proxy": None if proxy is None else SqlEndpoint(**proxy),
        }  # fmt: skip
        return cls(**{**record, **own})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """What the arms' names leave open."""

    connect_timeout_s: float = 0.25  # of tuned, tuned_ttl, reader and multi_host
    read_timeout_s: float = 0.25
    reference_timeout_s: float = 0.2
    keepalive: Keepalive = field(default_factory=Keepalive)
    resolver_cache_s: float = 30.0  # of pool
    checkout_timeout_s: float = 30.0  # of the pools: SQLAlchemy's default
    back_off_s: float = 0.02
    patience_s: float = 5.0  # how long a doubtful write is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """Moments (CLOCK_MONOTONIC, ns) inside one attempt at which a step was done; -1 where it took no such step.

    ``address`` is what was dialled last, in this attempt or when the connection that it used was made; '' where none was.
    """

    address: str = ""
    resolved_ns: int = -1
    connected_ns: int = -1
    authenticated_ns: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried(Generic[T]):
    """One attempt: its value, or its error. ``sent``: the work had a connection, so that a write may have happened."""

    value: T | None
    error: Exception | None
    sent: bool
    stamps: Stamps


class Client(Protocol):
    """One client arm at one database; its greenlets each come with a slot of their own."""

    @property
    def arm(self) -> str:
        """Its name, as samples and findings have it."""

    @property
    def retry(self) -> Retry:
        """What it does about a write of which nobody knows."""

    @property
    def is_cut(self) -> bool:
        """Whether its trial is over."""

    def attempt(self, slot: "Slot", work: Callable[[SqlConnection], T]) -> Tried[T]:
        """Do ``work`` on a connection, once. Drivers' errors are returned, never raised."""

    def cut(self) -> None:
        """End every connection at once, so that whoever waits for ever wakes up; each later attempt is a :class:`Cut`."""

    def close(self) -> None:
        """Close what is left; nobody may be in an attempt."""
