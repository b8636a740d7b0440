"""What strategies have in common: what they need of a cache and a database, and what they say about a read or a write."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.cache.client import CacheError, Script, Word

Load = Callable[[str], bytes]  # a key's value from the database; its errors come through a strategy
Store = Callable[[str, bytes], None]  # a key's value into the database, committed on return; likewise


class Cache(Protocol):
    """What lazy loading needs of a cache client; both raise CacheError."""

    def get(self, key: str) -> bytes | None:
        """The value, or None."""

    def set(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        """Store a value."""


class FullCache(Cache, Protocol):
    """What all strategies together need; each raises CacheError."""

    def delete(self, *keys: str) -> int:
        """Delete keys; returns how many there were."""

    def pipeline(self, commands: Iterable[Sequence[Word]]) -> list[Any]:
        """Several commands in one trip; a refused one has its CacheReplyError in its place."""

    def eval(self, script: Script, keys: Sequence[str] = (), args: Sequence[Word] = ()) -> Any:
        """Run a script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read and how its time was spent; parts that didn't happen are None.

    ``hit`` is the answer to the read's first get, None without a cache; a failed get counts as a miss. ``waited_ns``
    was spent until another's load was there, or until it was this read's turn to load; ``recomputed``: found, and
    loaded again before it expired. ``cache_error`` is the code of the cache's last failure during the read.
    ``keyspace_hits`` and ``keyspace_misses`` are what the read adds to the server's counters of these names, a lock's
    look-ups included. Of a get that failed nobody knows whether it was counted: here it isn't.
    """

    value: bytes
    hit: bool | None
    get_ns: int | None = None
    waited_ns: int | None = None
    db_ns: int | None = None
    set_ns: int | None = None
    recomputed: bool = False
    cache_error: str | None = None
    keyspace_hits: int = 0
    keyspace_misses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write that the database has; ``cache_ns`` None: the cache wasn't told.

    ``cache_error`` is the code with which the cache refused to be told, or failed.
    """

    db_ns: int
    cache_ns: int | None = None
    cache_error: str | None = None


class Reader(Protocol):
    """Reads through a cache, or without one. Raises what ``load`` raises, never CacheError."""

    def read(self, key: str) -> Read:
        """The value of a key."""


class Keeper(Reader, Protocol):
    """A reader whose cached values are the database's bytes, so that a writer may put new ones in their place."""

    def keep(self, key: str, value: bytes) -> CacheError | None:
        """Put a value into the cache as a read would; returns with what that failed."""


class Strategy(Reader, Protocol):
    """One arm: reads and writes. Both raise what the database raises, never CacheError."""

    def write(self, key: str, value: bytes) -> Write:
        """Give a key a new value."""


def code_of(trouble: CacheError | None) -> str | None:
    """What a record says of a failure of the cache."""
    return None if trouble is None else trouble.error_code
