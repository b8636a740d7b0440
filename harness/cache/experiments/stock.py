"""What lies in the cache when a trial begins, and how much may."""

import random
from collections.abc import Mapping, Sequence

from harness.cache.client import CacheError, KeyCommands
from harness.cache.experiments.plan import least_share
from harness.cache.nodes import CacheNodes
from harness.errors import CannotMeasure

OURS = 3  # connections to each node that are the scenario's own: to fill it, to count in it, and for who looks on


class Stock:
    """Empties, limits and fills the cache; every method raises CannotMeasure for a node that doesn't answer."""

    def __init__(self, cache: KeyCommands, nodes: CacheNodes, lru_samples: int) -> None:
        self._cache, self._nodes, self._lru_samples = cache, nodes, lru_samples
        self._connection_bytes: list[int] | None = None

    def empty(self, policy: str) -> None:
        """Nothing in it, no limit, and this ``maxmemory-policy``; every time, since one that was started again has forgotten it.

        A managed cache keeps its own limit and policy.
        """
        if self._nodes.managed:
            self._nodes.flush()
            return
        self._nodes.config_set("maxmemory", 0)
        self._nodes.config_set("maxmemory-policy", policy)
        self._nodes.config_set("maxmemory-samples", self._lru_samples)
        self._nodes.flush()

    def measure(self, values: Mapping[str, bytes], smallest: float, setting: str) -> list[int]:
        """What all ``values`` take of each node's memory; empty before and after.

        Refuses a share ``smallest``, which is ``setting``'s, that is less than one value of a node.
        """
        self.empty("allkeys-lru")
        self.fill(values, random.Random(0))
        keys, full_bytes = self._nodes.key_counts(), self._nodes.used_bytes()
        if smallest < 1 / min(keys):
            raise CannotMeasure(
                f"a cache of {100 * smallest:g} % of the data doesn't hold one of the {min(keys):,} answers of a node; "
                f"{setting} must be >= {least_share(min(keys)):g}, got {smallest:g}"
            )
        self._nodes.flush()
        if self._connection_bytes is None:
            self._connection_bytes = self._nodes.connection_bytes()
        return [full - empty for full, empty in zip(full_bytes, self._nodes.used_bytes(), strict=True)]

    def limit(self, share: float, data_bytes: Sequence[int], readers: int) -> None:
        """Allow the empty cache that share of ``data_bytes``, beside the connections that ``readers`` will open."""
        if share >= 1:
            return
        assert self._connection_bytes is not None, "measure comes first"
        expected = OURS + readers
        connected, used = self._nodes.numbers("clients", "connected_clients"), self._nodes.used_bytes()
        self._nodes.limit(
            [
                int(now + max(0, expected - there) * one + share * data)
                for now, there, one, data in zip(used, connected, self._connection_bytes, data_bytes, strict=True)
            ]
        )

    def fill(self, values: Mapping[str, bytes], rng: random.Random, *, ttl_s: float = 0.0) -> int:
        """Put every value in once, in random order; returns how many the cache refused, being full.

        With a TTL each has a random part of it left, as if it had been put there at any time before.
        """
        names = sorted(values)
        rng.shuffle(names)
        refused = 0
        for name in names:  # one by one: what a pipeline keeps the server waiting with counts against its memory
            try:
                self._cache.set(name, values[name], rng.uniform(0, ttl_s) if ttl_s else None)
            except CacheError as error:
                if error.error_code != "OOM":
                    raise CannotMeasure(f"the cache doesn't take its values: {error}") from error
                refused += 1
        return refused
