"""Lazy loading (cache-aside), and the arm without a cache.

Ask the cache; on a miss ask the database and keep its answer: AWS's *Database Caching Strategies Using Redis* and the
ElastiCache guide. A miss costs three trips: E[latency] = t_get + (1 − h)(t_db + t_set) (E1). A cache that fails costs
time, never the answer; and it isn't asked twice in one read: after a get that failed nothing is set, or a cache that
hangs would cost its time-out twice.
"""

import random
import time
from collections.abc import Callable

from harness.cache.client import CacheError
from harness.cache.strategies.model import Cache, Load, Read, code_of


class NoCache:
    """Every read asks the database: the arm a cache is compared with."""

    __slots__ = ("_clock_ns", "_load")

    def __init__(self, load: Load, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._load = load
        self._clock_ns = clock_ns

    def read(self, key: str) -> Read:
        """The value from the database; raises what ``load`` raises."""
        begin = self._clock_ns()
        value = self._load(key)
        return Read(value=value, hit=None, db_ns=self._clock_ns() - begin)


class LazyLoading:
    """Reads the cache first and fills it on a miss; ``ttl_s`` None keeps values until they are evicted.

    E4: under ElastiCache's default policy ``volatile-lru`` only keys with a TTL are evicted. Raises ValueError for a
    TTL that isn't above 0.
    """

    __slots__ = ("_cache", "_ttl_s", "clock_ns", "load")

    def __init__(
        self,
        cache: Cache,
        load: Load,
        ttl_s: float | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if ttl_s is not None and ttl_s <= 0:
            raise ValueError(f"ttl_s must be > 0, or None for no TTL, got {ttl_s:g}")
        self._cache, self._ttl_s = cache, ttl_s
        self.load, self.clock_ns = load, clock_ns

    def read(self, key: str) -> Read:
        """The value from the cache or the database; raises what ``load`` raises, never CacheError."""
        value, get_ns, trouble = self.look_up(key)
        if value is not None:
            return Read(value=value, hit=True, get_ns=get_ns, keyspace_hits=1)
        return self.fill(key, get_ns, trouble)

    def fill(
        self,
        key: str,
        get_ns: int,
        trouble: CacheError | None,
        *,
        waited_ns: int | None = None,
        load: Load | None = None,
    ) -> Read:
        """The rest of a read after a miss: load (by ``load`` where given) and keep. After ``trouble`` nothing is kept."""
        begin, set_ns = self.clock_ns(), None
        value = (load or self.load)(key)
        loaded = self.clock_ns()
        failed = trouble
        if trouble is None:
            failed = self.keep(key, value)
            set_ns = self.clock_ns() - loaded
        return Read(
            value=value, hit=False, get_ns=get_ns, waited_ns=waited_ns, db_ns=loaded - begin, set_ns=set_ns,
            cache_error=code_of(failed), keyspace_misses=int(trouble is None),
        )  # fmt: skip

    def look_up(self, key: str) -> tuple[bytes | None, int, CacheError | None]:
        """What the cache has, None for nothing; how long the get took; and with what it failed."""
        begin = self.clock_ns()
        try:
            value, trouble = self._cache.get(key), None
        except CacheError as error:
            value, trouble = None, error
        return value, self.clock_ns() - begin, trouble

    def keep(self, key: str, value: bytes) -> CacheError | None:
        """Put a value into the cache for its lifetime; returns with what that failed."""
        try:
            self._cache.set(key, value, self._lifetime_s())
        except CacheError as error:
            return error
        return None

    def _lifetime_s(self) -> float | None:
        return self._ttl_s


class LazyJitter(LazyLoading):
    """Lazy loading whose TTLs are spread evenly over ``ttl_s`` · (1 ± ``share``).

    What was filled together, by a deployment or after a flush, then doesn't expire together: the ElastiCache guide and
    the AWS Builders' Library (*Timeouts, retries, and backoff with jitter*). It is no cure for one hot key, which
    expires for all its readers at once. ``draw`` gives numbers in [0, 1). Raises ValueError for a share outside [0, 1).
    """

    __slots__ = ("_draw", "_mean_s", "_share")

    def __init__(
        self,
        cache: Cache,
        load: Load,
        ttl_s: float,
        share: float = 0.1,
        *,
        draw: Callable[[], float] = random.random,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(cache, load, ttl_s, clock_ns)
        if not 0 <= share < 1:
            raise ValueError(f"a TTL is spread by a share of at least 0 and less than 1, got {share:g}")
        self._mean_s, self._share, self._draw = ttl_s, share, draw

    def _lifetime_s(self) -> float:
        return self._mean_s * (1 + self._share * (2 * self._draw() - 1))
