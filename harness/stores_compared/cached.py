"""Lazy loading in front of any store: an answer that the cache has is given from there, another is fetched and kept (E1).

What is kept is the whole answer, under its question. Nothing is told of writes: an answer is as old as its TTL at most. That is the
arm's consistency, and no excuse for a wrong answer: in a trial nobody writes and the cache begins empty, so an answer from the
cache must be the very bytes that the database gave to the same question in the same trial. Any other is an error, StaleAnswer.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isnan

import orjson

from harness.cache.cluster import open_cache
from harness.cache.nodes import CacheNodes
from harness.cache.strategies import LazyLoading
from harness.recorder import Observation
from harness.scenario import Context, FloorProbe, Slot
from harness.stores_compared.patterns import PATTERNS, Name
from harness.stores_compared.settings import CACHED, SqlVsNosqlSettings
from harness.stores_compared.store import Asked, Needed, Question, Schema, Store, Trouble
from harness.stores_compared.tables import Tables

STALE = "StaleAnswer"
READS_ALONE = "a cache answers reads alone; a write goes to the database and leaves what is cached as it is, until its TTL is over"


class CachedStore:
    """See Store: ``inner`` with a cache before it."""

    def __init__(self, inner: Store, context: Context, settings: SqlVsNosqlSettings) -> None:
        self.name, self.client = f"{inner.name}{CACHED}", inner.client
        self._inner, self._ttl_s = inner, settings.cache_ttl_s
        self._endpoints, self._managed = context.services.cache_nodes, context.on_aws
        self._nodes = CacheNodes(self._endpoints, managed=self._managed)
        self._given: dict[str, tuple[bytes, Asked]] = {}  # what the database gave in this trial

    @property
    def servers(self) -> Mapping[str, tuple[str, int]]:
        """See Store; of a cluster each node by its number."""
        nodes = self._endpoints
        if len(nodes) == 1:
            return {**self._inner.servers, "cache": nodes[0].address}
        return {**self._inner.servers, **{f"cache-{number}": node.address for number, node in enumerate(nodes, 1)}}

    def schema(self) -> Schema:
        """See Store: the inner one's, and how answers are kept."""
        inner = self._inner.schema()
        kept = f"SET {self.name}:<pattern>:<flights>:<parameters> <answer> PX {round(self._ttl_s * 1000)}"
        return Schema(ddl=(*inner.ddl, kept), indexes=inner.indexes)

    def cannot(self, pattern: Name) -> str | None:
        """See Store."""
        return self._inner.cannot(pattern) if PATTERNS[pattern].reads else READS_ALONE

    def needed(self, pattern: Name) -> Needed:
        """See Store."""
        behind = self._inner.needed(pattern)
        return Needed(
            words=f"cache, by question; behind it: {behind.words}", consistency=f"up to {self._ttl_s:g} s old; behind it: {behind.consistency}",
            requests=f"1 where the cache has it, else 2 and {behind.requests}",
        )  # fmt: skip

    def set_up(self, tables: Tables) -> None:  # noqa: ARG002 - whichever they are, the store behind has them
        """See Store: as much room as there is. A managed cache keeps its own limit."""
        if not self._managed:
            self._nodes.config_set("maxmemory", 0)
            self._nodes.config_set("maxmemory-policy", "noeviction")

    def attach(self, tables: Tables) -> None:
        """See Store: the store behind is told by itself."""

    def prepare(self, pattern: Name, flights: int) -> None:
        """See Store: an empty cache, so that no answer of an earlier trial is left, whatever was written since."""
        self._inner.prepare(pattern, flights)
        self._nodes.flush()

    def begin(self) -> None:
        """See Store."""
        self._inner.begin()
        self._given.clear()

    def floor(self, question: Question, act: Callable[[Slot], Observation]) -> FloorProbe | None:
        """See Store: none, for what is asked of two servers has two floors."""

    def ask(self, slot: Slot, question: Question) -> Asked:
        """See Store."""
        cache = slot.hold(self.name, lambda: open_cache(self._endpoints))
        key, loaded = self._key(question), None

        def load(_: str) -> bytes:
            nonlocal loaded
            loaded = self._inner.ask(slot, question)
            value = orjson.dumps(loaded.rows)
            self._given[key] = value, loaded
            return value

        read = LazyLoading(cache, load, self._ttl_s).read(key)
        if (
            read.cache_error is not None
        ):  # an application would have its answer; ours isn't what this arm is measured for
            raise Trouble("error", read.cache_error, "the cache didn't answer")
        if loaded is not None:
            return replace(
                loaded, hit=False, round_trips=loaded.round_trips + 2
            )  # asked for in the cache, and put there
        return self._from_cache(key, read.value)

    def undo(self, question: Question) -> None:
        """See Store: it writes nothing."""

    def close(self) -> None:
        """See Store."""
        self._nodes.close()

    def _from_cache(self, key: str, value: bytes) -> Asked:
        """What the cache had; units are nobody's, where the database behind counts them."""
        given, loaded = self._given.get(key, (None, None))
        if given != value or loaded is None:
            raise Trouble("error", STALE, f"the cache has another answer than the database gave in this trial to {key}")
        return Asked(
            rows=tuple(map(tuple, orjson.loads(value))), round_trips=1, bytes=len(value), served_from="cache", hit=True,
            read_units=_none_of(loaded.read_units), write_units=_none_of(loaded.write_units), index_units=_none_of(loaded.index_units),
        )  # fmt: skip

    def _key(self, question: Question) -> str:
        asked = orjson.dumps(dict(question.parameters)).decode()
        return f"{self.name}:{question.pattern}:{question.flights}:{asked}"


def _none_of(units: float) -> float:
    return units if isnan(units) else 0.0
