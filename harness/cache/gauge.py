"""What a cache's servers say of themselves, from one INFO to the next: for who looks on while a run goes on."""

import time
from collections.abc import Callable, Mapping, Sequence

from harness.cache.endpoint import CacheEndpoint
from harness.cache.nodes import CacheNodes
from harness.cockpit.feeds import DATABASE
from harness.recorder import Observation

COUNTERS = ("keyspace_hits", "keyspace_misses", "evicted_keys", "expired_keys")
LEVELS = ("used_memory", "maxmemory")
_TIMEOUT_S = 0.4


class CacheGauge:
    """Asks every node on a connection of its own; what it says is of all nodes together.

    ``connect`` before memory is counted: a connection takes twenty kilobytes of it.
    """

    def __init__(
        self, endpoints: Sequence[CacheEndpoint], *, managed: bool = False, clock_s: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._nodes = CacheNodes(endpoints, _TIMEOUT_S, managed=managed)
        self._clock_s = clock_s
        self._before: tuple[float, dict[str, int]] | None = None

    def connect(self) -> None:
        """Have the connections there. Raises CannotMeasure where a node doesn't answer."""
        self._totals()

    def look(self) -> dict[str, float | str]:
        """See :func:`gauged`. Raises CannotMeasure where a node doesn't answer: nothing is known of the sum then."""
        totals, at_s = self._totals(), self._clock_s()
        before, self._before = self._before, (at_s, totals)
        return gauged(before[1] if before else {}, totals, at_s - before[0] if before else 0.0)

    def close(self) -> None:
        """Close the connections."""
        self._nodes.close()

    def _totals(self) -> dict[str, int]:
        try:
            told = self._nodes.fields("stats", COUNTERS) | self._nodes.fields("memory", LEVELS)
        except BaseException:  # an answer may still come: to nobody
            self._nodes.close()
            raise
        return {name: sum(of_nodes) for name, of_nodes in told.items()}


def gauged(before: Mapping[str, int], now: Mapping[str, int], elapsed_s: float) -> dict[str, float | str]:
    """Hit rate and evictions between two looks, memory at the second. A counter that fell was set to 0 in between."""
    told: dict[str, float | str] = {"memory_bytes": now["used_memory"]}
    if now["maxmemory"]:
        told["memory_limit_bytes"] = now["maxmemory"]
    if elapsed_s <= 0:
        return told
    since = {name: now[name] - (before[name] if before[name] <= now[name] else 0) for name in COUNTERS}
    asked = since["keyspace_hits"] + since["keyspace_misses"]
    if asked:
        told["server_hit_rate"] = since["keyspace_hits"] / asked
    told["evicted_per_s"], told["expired_per_s"] = since["evicted_keys"] / elapsed_s, since["expired_keys"] / elapsed_s
    return told


def reached_database(op: str, seen: Observation) -> str | None:  # noqa: ARG001 - whatever was asked
    """What an attempt counts as that was answered by the database, or went to it."""
    spent_ns = seen.extra.get("db_ns")
    return DATABASE if spent_ns is not None and spent_ns >= 0 else None
