"""What stands between a strategy and a cache that may die: a short time-out, and a circuit breaker.

Without either, each read of a cache that hangs waits as long as the client is patient, and then asks the database all the
same. A time-out bounds that, read by read; a breaker stops asking (M. Nygard, *Release It!*, 2007, *Circuit Breaker*): after
``failures`` failures within ``window_s`` it is *open* for ``open_s`` and nobody asks the cache; then *half-open*: ``probes``
calls may try, and if all succeed it is *closed* again, if one fails open again.

While it is open a write can't tell the cache either: what was cached before is old when the cache comes back, until its
TTL ends (``harness.cache.strategies.writing``).
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, Literal, Protocol

from harness.cache.client import CacheError, CacheReplyError, Script, Word
from harness.cache.strategies.model import FullCache

Guard = Literal["no_timeout", "timeout", "circuit_breaker"]
BreakerState = Literal["closed", "open", "half_open"]

# Error replies by which a server says that it can't serve now; any other reply shows that it is alive.
UNABLE = frozenset({"LOADING", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY"})


class Client(FullCache, Protocol):
    """A cache client as strategies use it, that its owner can close."""

    def close(self) -> None:
        """Close its connections."""


class CircuitOpenError(CacheError):
    """The breaker is open: the cache wasn't asked."""

    def __init__(self) -> None:
        super().__init__("the circuit breaker is open: the cache wasn't asked", "CircuitOpen")


class CircuitBreaker:
    """Counts failures and says who may ask; knows nothing of caches. One stands for all callers of a process.

    A caller takes a permit from ``ask`` and brings it back with what came of it: what a call from before the last change
    of state says is out of date and is ignored. ``changed`` is told each new state. Raises ValueError for a setting that
    isn't above 0.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        window_s: float = 10.0,
        open_s: float = 1.0,
        probes: int = 1,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        changed: Callable[[BreakerState], None] = lambda _: None,
    ) -> None:
        if min(failures, window_s, open_s, probes) <= 0:
            raise ValueError("a circuit breaker's failures, window_s, open_s and probes must all be > 0")
        self._window_ns, self._open_ns, self._probes = int(window_s * 1e9), int(open_s * 1e9), probes
        self._clock_ns, self._changed, self._lock = clock_ns, changed, Lock()
        self._state: BreakerState = "closed"
        self._number = 0  # of states so far: what permits are dated by
        self._failed_ns: deque[int] = deque(maxlen=failures)
        self._opened_ns = self._permits = self._succeeded = 0

    @property
    def state(self) -> BreakerState:
        """Closed, open or half-open; open becomes half-open with the first ``ask`` after ``open_s``."""
        return self._state

    def ask(self) -> int | None:
        """A permit to ask the cache, or None."""
        with self._lock:
            if self._state == "closed":
                return self._number
            turned = self._state == "open"
            if turned:
                if self._clock_ns() - self._opened_ns < self._open_ns:
                    return None
                self._enter("half_open")
            if self._permits == self._probes:
                return None
            self._permits += 1
            permit = self._number
        if turned:
            self._changed("half_open")
        return permit

    def succeeded(self, permit: int) -> None:
        """The cache answered."""
        with self._lock:
            if permit != self._number or self._state != "half_open":
                return
            self._succeeded += 1
            if self._succeeded < self._probes:
                return
            self._enter("closed")
        self._changed("closed")

    def failed(self, permit: int) -> None:
        """The cache didn't answer."""
        with self._lock:
            if permit != self._number:
                return
            now_ns, failed_ns = self._clock_ns(), self._failed_ns
            failed_ns.append(now_ns)
            full = len(failed_ns) == failed_ns.maxlen and now_ns - failed_ns[0] <= self._window_ns
            if self._state == "closed" and not full:
                return
            self._opened_ns = now_ns
            self._enter("open")
        self._changed("open")

    def abandoned(self, permit: int) -> None:
        """Nobody will ever know: the caller died on the way. Another may probe in its place."""
        with self._lock:
            if permit == self._number and self._state == "half_open":
                self._permits -= 1

    def _enter(self, state: BreakerState) -> None:
        self._state = state
        self._number += 1
        self._permits = self._succeeded = 0
        self._failed_ns.clear()


class BreakerCache:
    """A cache client behind a breaker: raises CircuitOpenError, at once, while the breaker is open."""

    __slots__ = ("_breaker", "_cache")

    def __init__(self, cache: Client, breaker: CircuitBreaker) -> None:
        self._cache, self._breaker = cache, breaker

    def get(self, key: str) -> bytes | None:
        """See FullCache."""
        value: bytes | None = self._guarded(self._cache.get, key)
        return value

    def set(self, key: str, value: bytes, ttl_s: float | None = None) -> None:
        """See FullCache."""
        self._guarded(self._cache.set, key, value, ttl_s)

    def delete(self, *keys: str) -> int:
        """See FullCache."""
        return int(self._guarded(self._cache.delete, *keys))

    def pipeline(self, commands: Iterable[Sequence[Word]]) -> list[Any]:
        """See FullCache."""
        replies: list[Any] = self._guarded(self._cache.pipeline, commands)
        return replies

    def eval(self, script: Script, keys: Sequence[str] = (), args: Sequence[Word] = ()) -> Any:
        """See FullCache."""
        return self._guarded(self._cache.eval, script, keys, args)

    def close(self) -> None:
        """Close the client; the breaker stays as it is."""
        self._cache.close()

    def _guarded(self, act: Callable[..., Any], *words: Any) -> Any:
        permit = self._breaker.ask()
        if permit is None:
            raise CircuitOpenError
        try:
            answer = act(*words)
        except CacheReplyError as error:
            (self._breaker.failed if error.error_code in UNABLE else self._breaker.succeeded)(permit)
            raise
        except CacheError:
            self._breaker.failed(permit)
            raise
        except BaseException:
            self._breaker.abandoned(permit)
            raise
        self._breaker.succeeded(permit)
        return answer


def guarded(
    guard: Guard, connect: Callable[[float], Client], *, timeout_s: float, patience_s: float, breaker: CircuitBreaker
) -> Client:
    """A client made by ``connect`` (told its time-out in seconds) and what guards it.

    *No time-out* is ``patience_s``: a harness must come to an end. ``breaker`` is the process's one; only its arm heeds
    it. A client's time-out bounds each of connecting, logging in and an answer, so a call can take three of them.
    """
    if guard == "no_timeout":
        return connect(patience_s)
    client = connect(timeout_s)
    return BreakerCache(client, breaker) if guard == "circuit_breaker" else client
