"""Single flight across processes: who misses takes a lock in the cache, and only who has it asks the database.

The lock is one key, set if absent with an expiry and a random token, and given back by a script that deletes it only
while it holds that token: the pattern of Valkey's documentation of SET (E8). It saves
work, it doesn't guard correctness: a holder that is held up for longer than the lock lasts loads beside its successor
(M. Kleppmann, *How to do distributed locking*, 2016). Facebook's memcache does the same in the server, by leases
(R. Nishtala et al., *Scaling Memcache at Facebook*, NSDI 2013, 3.2.1), which refuse a late set besides (E6); here it passes.
"""

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from harness.cache.client import CacheError, CacheReplyError, Script
from harness.cache.strategies.lazy import LazyLoading
from harness.cache.strategies.model import FullCache, Read

LOCK_S, LOCK_WAIT_S, POLL_S = 3.0, 5.0, 0.01

# 1: deleted; 0: another's by now; −1: expired. The GET counts as a keyspace hit or miss (E9).
RELEASE = Script(
    "local held = redis.call('GET', KEYS[1]) "
    "if not held then return -1 end "
    "if held ~= ARGV[1] then return 0 end "
    "return redis.call('DEL', KEYS[1])"
)


def lock_key(key: str) -> str:
    """The name of a key's lock: in a cluster it lies in the key's own slot."""
    return f"{key}:lock" if "{" in key else f"{{{key}}}:lock"


class SingleFlightShared:
    """Lazy loading (``lazy``) in which a key is loaded once at a time by all processes that share the cache.

    Who doesn't get the lock looks for the value every ``poll_s`` (spread by half, so that those who wait don't come
    together) and tries for the lock in the same trip: a holder that died costs what is left of ``lock_s``, no more. After
    ``wait_s`` a reader loads for itself. A cache that fails on the way is left alone, and the reader loads for itself.
    """

    __slots__ = ("_cache", "_draw", "_lazy", "_lock_ms", "_poll_s", "_sleep_s", "_token", "_wait_ns")

    def __init__(
        self,
        lazy: LazyLoading,
        cache: FullCache,
        *,
        lock_s: float = LOCK_S,
        wait_s: float = LOCK_WAIT_S,
        poll_s: float = POLL_S,
        sleep_s: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
        token: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self._lazy, self._cache = lazy, cache
        self._lock_ms, self._wait_ns, self._poll_s = max(1, round(lock_s * 1000)), int(wait_s * 1e9), poll_s
        self._sleep_s, self._draw, self._token = sleep_s, draw, token

    def read(self, key: str) -> Read:
        """The value from the cache, another's load or the database; raises what ``load`` raises, never CacheError."""
        value, get_ns, trouble = self._lazy.look_up(key)
        if value is not None:
            return Read(value=value, hit=True, get_ns=get_ns, keyspace_hits=1)
        if trouble is not None:
            return self._lazy.fill(key, get_ns, trouble)
        return self._missed(key, get_ns)

    def keep(self, key: str, value: bytes) -> CacheError | None:
        """See LazyLoading."""
        return self._lazy.keep(key, value)

    def _missed(self, key: str, get_ns: int) -> Read:
        """Until there is a value, the lock or no patience left."""
        clock_ns, token, misses = self._lazy.clock_ns, self._token(), 1
        begin = clock_ns()
        while True:
            try:
                locked, value, refusal = self._lock_or_value(key, token)
            except CacheError as error:
                read = self._lazy.fill(key, get_ns, error, waited_ns=clock_ns() - begin)
                return replace(read, keyspace_misses=misses)
            waited_ns = clock_ns() - begin
            if value is not None:
                read = Read(
                    value=value, hit=False, get_ns=get_ns, waited_ns=waited_ns, keyspace_hits=1, keyspace_misses=misses
                )
                return self._released(read, key, token) if locked else read
            misses += 1
            if locked:
                return self._lead(key, token, get_ns, waited_ns, misses)
            if refusal is not None or waited_ns >= self._wait_ns:
                return replace(self._lazy.fill(key, get_ns, refusal, waited_ns=waited_ns), keyspace_misses=misses)
            pause_s = self._poll_s * (0.5 + self._draw())
            self._sleep_s(min(pause_s, (self._wait_ns - waited_ns) / 1e9))

    def _lock_or_value(self, key: str, token: str) -> tuple[bool, bytes | None, CacheReplyError | None]:
        """Try for the lock, then look: who has the lock and finds nothing knows that nobody filled it before.

        A full cache refuses the lock, but has looked all the same. Raises CacheError where there is no look-up.
        """
        lock = ("SET", lock_key(key), token, "NX", "PX", self._lock_ms)
        locked, value = self._cache.pipeline([lock, ("GET", key)])
        if isinstance(value, CacheReplyError):
            raise value
        if isinstance(locked, CacheReplyError):
            return False, value, locked
        return locked is not None, value, None

    def _lead(self, key: str, token: str, get_ns: int, waited_ns: int, misses: int) -> Read:
        """Load, keep and let others at it; a database's error lets them at it too."""
        try:
            read = self._lazy.fill(key, get_ns, None, waited_ns=waited_ns)
        except Exception:
            self._release(key, token)
            raise
        read = replace(read, keyspace_misses=misses)
        return self._released(read, key, token) if read.cache_error is None else read

    def _released(self, read: Read, key: str, token: str) -> Read:
        """Give the lock back, and book it on the read: its time as part of the set, its look-up as the server counts it."""
        begin = self._lazy.clock_ns()
        hits, misses, error_code = self._release(key, token)
        return replace(
            read, set_ns=(read.set_ns or 0) + self._lazy.clock_ns() - begin, cache_error=error_code,
            keyspace_hits=read.keyspace_hits + hits, keyspace_misses=read.keyspace_misses + misses,
        )  # fmt: skip

    def _release(self, key: str, token: str) -> tuple[int, int, str | None]:
        """Keyspace hits, misses and error of giving the lock back; where that fails, it expires."""
        try:
            was_there = self._cache.eval(RELEASE, [lock_key(key)], [token]) >= 0
        except CacheError as error:
            return 0, 0, error.error_code
        return int(was_there), int(not was_there), None
