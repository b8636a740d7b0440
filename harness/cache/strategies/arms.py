"""The strategies by name: the words of arms and columns."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.cache.strategies.lazy import LazyJitter, LazyLoading, NoCache
from harness.cache.strategies.model import FullCache, Load, Store, Strategy
from harness.cache.strategies.shared_flight import LOCK_S, LOCK_WAIT_S, POLL_S, SingleFlightShared
from harness.cache.strategies.single_flight import FLIGHT_WAIT_S, Flights, SingleFlight
from harness.cache.strategies.writing import Invalidate, WriteAround, WriteThrough
from harness.cache.strategies.xfetch import XFetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a strategy is made of. Cache, database and strategy belong to one greenlet, ``flights`` to the whole process.

    Which parts an arm heeds its class says; ``lazy_jitter`` and ``xfetch`` want a TTL.
    """

    cache: FullCache
    load: Load
    store: Store
    flights: Flights
    ttl_s: float | None = None
    jitter_share: float = 0.1
    beta: float = 1.0
    flight_wait_s: float = FLIGHT_WAIT_S
    lock_s: float = LOCK_S
    lock_wait_s: float = LOCK_WAIT_S
    poll_s: float = POLL_S
    draw: Callable[[], float] = random.random
    clock_ns: Callable[[], int] = time.monotonic_ns
    wall_ns: Callable[[], int] = time.time_ns
    sleep_s: Callable[[float], None] = time.sleep

    def lazy(self) -> LazyLoading:
        """Lazy loading, on which most others stand."""
        return LazyLoading(self.cache, self.load, self.ttl_s, self.clock_ns)

    def ttl(self, arm: str) -> float:
        """The TTL of an arm that can't do without; raises ValueError where there is none."""
        if self.ttl_s is None:
            raise ValueError(f"{arm} needs a TTL: ttl_s is missing")
        return self.ttl_s


def _no_cache(parts: Parts) -> Strategy:
    return WriteAround(NoCache(parts.load, parts.clock_ns), parts.store, parts.clock_ns)


def _lazy(parts: Parts) -> Strategy:
    return WriteAround(parts.lazy(), parts.store, parts.clock_ns)


def _lazy_jitter(parts: Parts) -> Strategy:
    reader = LazyJitter(
        parts.cache, parts.load, parts.ttl("lazy_jitter"), parts.jitter_share, draw=parts.draw, clock_ns=parts.clock_ns
    )
    return WriteAround(reader, parts.store, parts.clock_ns)


def _write_through(parts: Parts) -> Strategy:
    return WriteThrough(parts.lazy(), parts.cache, parts.store, parts.clock_ns)


def _invalidate(parts: Parts) -> Strategy:
    return Invalidate(parts.lazy(), parts.cache, parts.store, parts.clock_ns)


def _single_flight(parts: Parts) -> Strategy:
    return WriteAround(SingleFlight(parts.lazy(), parts.flights, parts.flight_wait_s), parts.store, parts.clock_ns)


def _single_flight_shared(parts: Parts) -> Strategy:
    reader = SingleFlightShared(
        parts.lazy(), parts.cache, lock_s=parts.lock_s, wait_s=parts.lock_wait_s, poll_s=parts.poll_s,
        sleep_s=parts.sleep_s, draw=parts.draw,
    )  # fmt: skip
    return WriteAround(reader, parts.store, parts.clock_ns)


def _xfetch(parts: Parts) -> Strategy:
    reader = XFetch(
        parts.cache, parts.load, parts.ttl("xfetch"), parts.beta, draw=parts.draw, clock_ns=parts.clock_ns,
        wall_ns=parts.wall_ns,
    )  # fmt: skip
    return WriteAround(reader, parts.store, parts.clock_ns)


STRATEGIES: Mapping[str, Callable[[Parts], Strategy]] = {
    "no_cache": _no_cache,
    "lazy": _lazy,
    "lazy_jitter": _lazy_jitter,
    "write_through": _write_through,
    "invalidate": _invalidate,
    "single_flight": _single_flight,
    "single_flight_shared": _single_flight_shared,
    "xfetch": _xfetch,
}
