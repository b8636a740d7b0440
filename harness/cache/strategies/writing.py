"""Ways to write where reads go through a cache: in which order, and what is left when the second step fails.

**The database always comes first.** A cache that is told first holds a value that the database may never get: readers
see a write that didn't happen. When the database's step fails, the cache is left as it is and the error comes through.
Where that error leaves open whether it was committed (D6), the value in the cache may be the old one until its TTL ends.

**When the cache's step fails** the database has the new value and the cache goes on giving the old one, until its TTL
ends or it is evicted; without a TTL, for ever. The same holds while a circuit breaker keeps the cache from being told.
Facebook's memcache therefore repeats deletes from the database's commit log (R. Nishtala et al., *Scaling Memcache at
Facebook*, NSDI 2013, 4.1). Here a write tells by ``cache_error`` that it happened.

**When nothing fails** two races are left (E6), each of which leaves an old value until its TTL ends:

* *stale set* (NSDI 2013, 3.2.1): a reader misses and loads the old value; a writer commits and tells the cache; then the
  reader sets what it loaded. Leases, or a set that is refused where the cache has a newer version, close it.
* *writers crossing*: two writers commit in one order and set in the other. Deleting is immune, since two deletes are one
  (NSDI 2013, 2: deletes are idempotent); setting isn't.
"""

import time
from collections.abc import Callable

from harness.cache.client import CacheError, CacheReplyError
from harness.cache.strategies.model import FullCache, Keeper, Reader, Store, Write, code_of


class WriteAround:
    """Writes the database alone: what the cache holds stays until its TTL ends. The way of strategies that only read."""

    __slots__ = ("_clock_ns", "_store", "read")

    def __init__(self, reader: Reader, store: Store, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self.read, self._store, self._clock_ns = reader.read, store, clock_ns

    def write(self, key: str, value: bytes) -> Write:
        """Into the database; raises what ``store`` raises."""
        begin = self._clock_ns()
        self._store(key, value)
        return Write(db_ns=self._clock_ns() - begin)


class WriteThrough:
    """Writes the database, then sets the cache: the next read is a hit (ElastiCache guide, *Write-through*).

    Values that nobody reads take the cache's memory too. Where the cache refuses the new value (it is full and may not
    evict: E4) the old one is deleted, which a full cache allows: ``cache_error`` is then the refusal's, OOM, and nothing
    old is left. A cache that doesn't answer isn't asked twice.
    """

    __slots__ = ("_cache", "_clock_ns", "_reader", "_store", "read")

    def __init__(
        self, reader: Keeper, cache: FullCache, store: Store, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.read, self._reader, self._cache, self._store, self._clock_ns = reader.read, reader, cache, store, clock_ns

    def write(self, key: str, value: bytes) -> Write:
        """Into the database, then into the cache; raises what ``store`` raises, never CacheError."""
        begin = self._clock_ns()
        self._store(key, value)
        stored = self._clock_ns()
        trouble = self._reader.keep(key, value)
        if isinstance(trouble, CacheReplyError):
            trouble = _deleted(self._cache, key) or trouble
        return Write(db_ns=stored - begin, cache_ns=self._clock_ns() - stored, cache_error=code_of(trouble))


class Invalidate:
    """Writes the database, then deletes the cached value: the next read misses and loads (NSDI 2013, 2, figure 1).

    Deleted first, the old value would be back as soon as somebody reads between the two steps.
    """

    __slots__ = ("_cache", "_clock_ns", "_store", "read")

    def __init__(
        self, reader: Reader, cache: FullCache, store: Store, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.read, self._cache, self._store, self._clock_ns = reader.read, cache, store, clock_ns

    def write(self, key: str, value: bytes) -> Write:
        """Into the database, then out of the cache; raises what ``store`` raises, never CacheError."""
        begin = self._clock_ns()
        self._store(key, value)
        stored = self._clock_ns()
        trouble = _deleted(self._cache, key)
        return Write(db_ns=stored - begin, cache_ns=self._clock_ns() - stored, cache_error=code_of(trouble))


def _deleted(cache: FullCache, key: str) -> CacheError | None:
    try:
        cache.delete(key)
    except CacheError as error:
        return error
    return None
