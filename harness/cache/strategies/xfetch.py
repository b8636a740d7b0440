"""Probabilistic early refresh (XFetch): each reader may refresh a value before it expires, the likelier the closer.

A. Vattani, F. Chierichetti, K. Lowenstein, *Optimal Probabilistic Cache Stampede Prevention*, PVLDB 8(8), 2015,
10.14778/2757807.2757813. A reader refreshes when now − δ·β·ln(r) ≥ expiry, where δ is how long the value took to compute
and r is drawn from (0, 1]: x seconds before the expiry one read in e^(x / δβ) does (E7). No lock and nobody waits, but a value
that nobody has asked for in its last moments expires as ever.

**In the cache**: 20 bytes, then the value. The bytes, big-endian: ``xf01``, δ (8, nanoseconds), expiry (8, nanoseconds
since 1970). The expiry is the writer's wall clock: clocks that disagree make the refresh earlier or later by as much. The
cache's own TTL, set to the same moment, is what ends a value. What doesn't begin like this counts as a miss.
"""

import math
import random
import struct
import time
from collections.abc import Callable

from harness.cache.client import CacheError
from harness.cache.strategies.model import Cache, Load, Read, code_of

_HEAD = struct.Struct(">4sQQ")
_MAGIC = b"xf01"
HEAD_BYTES = _HEAD.size


def pack(value: bytes, delta_ns: int, expires_ns: int) -> bytes:
    """A value with what it took and when it expires, as it lies in the cache."""
    return _HEAD.pack(_MAGIC, delta_ns, expires_ns) + value


def unpack(packed: bytes | None) -> tuple[bytes, int, int] | None:
    """The value, δ and expiry (ns); None for what ``pack`` didn't make."""
    if packed is None or len(packed) < HEAD_BYTES:
        return None
    magic, delta_ns, expires_ns = _HEAD.unpack_from(packed)
    return (packed[HEAD_BYTES:], delta_ns, expires_ns) if magic == _MAGIC else None


class XFetch:
    """Lazy loading with early refresh; ``beta`` above 1 refreshes earlier, below 1 later.

    A refresh is part of the read that makes it, as in the paper: it takes the database's time, and where the database
    fails so does the read. ``draw`` gives numbers in [0, 1). Raises ValueError for a TTL or beta that isn't above 0.
    """

    __slots__ = ("_beta", "_cache", "_clock_ns", "_draw", "_load", "_ttl_s", "_wall_ns")

    def __init__(
        self,
        cache: Cache,
        load: Load,
        ttl_s: float,
        beta: float = 1.0,
        *,
        draw: Callable[[], float] = random.random,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if ttl_s <= 0 or beta <= 0:
            raise ValueError(f"ttl_s and beta must be > 0, got {ttl_s:g} and {beta:g}")
        self._cache, self._load, self._ttl_s, self._beta = cache, load, ttl_s, beta
        self._draw, self._clock_ns, self._wall_ns = draw, clock_ns, wall_ns

    def read(self, key: str) -> Read:
        """The value from the cache or the database; raises what ``load`` raises, never CacheError."""
        begin = self._clock_ns()
        try:
            packed, trouble = self._cache.get(key), None
        except CacheError as error:
            packed, trouble = None, error
        get_ns = self._clock_ns() - begin
        found = unpack(packed)
        if found is None:
            return self._compute(key, get_ns, trouble, hit=False, counted_hit=packed is not None)
        value, delta_ns, expires_ns = found
        early_ns = -delta_ns * self._beta * math.log(1 - self._draw())
        if self._wall_ns() + early_ns < expires_ns:
            return Read(value=value, hit=True, get_ns=get_ns, keyspace_hits=1)
        return self._compute(key, get_ns, None, hit=True, counted_hit=True)

    def _compute(self, key: str, get_ns: int, trouble: CacheError | None, *, hit: bool, counted_hit: bool) -> Read:
        """Load, and keep with what that took; after a get that failed nothing is kept."""
        begin, set_ns = self._clock_ns(), None
        value = self._load(key)
        loaded = self._clock_ns()
        failed = trouble
        if trouble is None:
            failed = self._keep(key, value, loaded - begin)
            set_ns = self._clock_ns() - loaded
        return Read(
            value=value, hit=hit, recomputed=hit, get_ns=get_ns, db_ns=loaded - begin, set_ns=set_ns,
            cache_error=code_of(failed),
            keyspace_hits=int(counted_hit), keyspace_misses=int(trouble is None and not counted_hit),
        )  # fmt: skip

    def _keep(self, key: str, value: bytes, delta_ns: int) -> CacheError | None:
        try:
            self._cache.set(key, pack(value, delta_ns, self._wall_ns() + round(self._ttl_s * 1e9)), self._ttl_s)
        except CacheError as error:
            return error
        return None
