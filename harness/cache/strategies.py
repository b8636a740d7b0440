"""Ways to read through a cache, small enough to be lifted into an application.

Lazy loading (cache-aside) is the pattern of AWS's *Database Caching Strategies Using Redis* and of the
ElastiCache guide: ask the cache, on a miss ask the database and keep its answer. A miss costs three trips:
E[latency] = t_get + (1 − h)(t_db + t_set) (E1). A cache that fails costs time, never the answer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from harness.cache.client import CacheError


class Cache(Protocol):
    """What a strategy needs of a cache client; both raise CacheError."""

    def get(self, key: str) -> bytes | None:
        """The value, or None."""

    def set(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        """Store a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One read and how its time was spent; parts that didn't happen are None.

    ``hit`` is None without a cache. ``cache_error`` is the code of the cache's last failure during the read;
    a failed get counts as a miss.
    """

    value: bytes
    hit: bool | None
    get_ns: int | None = None
    db_ns: int | None = None
    set_ns: int | None = None
    cache_error: str | None = None


class NoCache:
    """Every read asks the database: the arm a cache is compared with."""

    __slots__ = ("_clock_ns", "_load")

    def __init__(self, load: Callable[[str], bytes], clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._load = load
        self._clock_ns = clock_ns

    def read(self, key: str) -> Read:
        """The value from the database; raises what ``load`` raises."""
        begin = self._clock_ns()
        value = self._load(key)
        return Read(value=value, hit=None, db_ns=self._clock_ns() - begin)


class LazyLoading:
    """Reads the cache first and fills it on a miss; ``ttl_s`` None keeps values until they are evicted.

    E4: under ElastiCache's default policy ``volatile-lru`` only keys with a TTL are evicted.
    """

    __slots__ = ("_cache", "_clock_ns", "_load", "_ttl_s")

    def __init__(
        self,
        cache: Cache,
        load: Callable[[str], bytes],
        ttl_s: float | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._cache = cache
        self._load = load
        self._ttl_s = ttl_s
        self._clock_ns = clock_ns

    def read(self, key: str) -> Read:
        """The value from the cache or the database; raises what ``load`` raises, never CacheError."""
        clock_ns, cache_error = self._clock_ns, None
        begin = clock_ns()
        try:
            value = self._cache.get(key)
        except CacheError as error:
            value, cache_error = None, error.error_code
        got = clock_ns()
        if value is not None:
            return Read(value=value, hit=True, get_ns=got - begin)
        value = self._load(key)
        loaded = clock_ns()
        try:
            self._cache.set(key, value, self._ttl_s)
        except CacheError as error:
            cache_error = error.error_code
        return Read(
            value=value,
            hit=False,
            get_ns=got - begin,
            db_ns=loaded - got,
            set_ns=clock_ns() - loaded,
            cache_error=cache_error,
        )
