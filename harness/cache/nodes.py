"""The servers of a cache, each by itself: their memory, their counters, their settings; one of them, or a cluster's."""

from collections.abc import Callable, Sequence
from typing import Self, TypeVar

from harness.cache.client import CacheClient, CacheError
from harness.cache.endpoint import CacheEndpoint
from harness.errors import CannotMeasure

T = TypeVar("T")
_CONNECTIONS = 4  # that are opened to know what one takes


class CacheNodes:
    """A connection to each node; lists are in the order of ``endpoints``, counts are sums.

    Every method raises CannotMeasure, which names the node, where one doesn't answer or refuses. ``managed``: nodes whose
    settings and counters aren't ours to set, as ElastiCache's, which knows no CONFIG: counters count from ``reset_stats`` on.
    """

    def __init__(self, endpoints: Sequence[CacheEndpoint], timeout_s: float = 2.0, *, managed: bool = False) -> None:
        self.endpoints, self.managed = tuple(endpoints), managed
        self._counted_before: list[dict[str, str]] = []
        self._clients = [CacheClient.at(endpoint, timeout_s) for endpoint in endpoints]

    def config_set(self, name: str, value: str | int) -> None:
        """Set one parameter at every node."""
        self._each(lambda client: client.config_set(name, value))

    def flush(self) -> None:
        """Delete every key of every node."""
        self._each(CacheClient.flush)

    def reset_stats(self) -> None:
        """Set every node's counters to 0, or count from here on."""
        if self.managed:
            self._counted_before = self._each(lambda client: client.info("stats"))
        else:
            self._each(CacheClient.reset_stats)

    def limit(self, limits_bytes: Sequence[int]) -> None:
        """Set each node's ``maxmemory``."""
        limits = iter(limits_bytes)
        self._each(lambda client: client.config_set("maxmemory", next(limits)))

    def numbers(self, section: str, field: str) -> list[int]:
        """One field of one section of INFO, of each node."""
        return self._each(lambda client: int(client.info(section)[field]))

    def fields(self, section: str, names: Sequence[str]) -> dict[str, list[int]]:
        """Several fields of one section of INFO, asked for once, of each node; ``stats`` are the server's own."""
        told = self._each(lambda client: client.info(section))
        return {name: [int(one[name]) for one in told] for name in names}

    def used_bytes(self) -> list[int]:
        """The memory that each node counts against its ``maxmemory``."""
        return self.numbers("memory", "used_memory")

    def total(self, section: str, field: str) -> int:
        """One field of one section of INFO, summed; of ``stats`` since ``reset_stats``."""
        before = self._counted_before if section == "stats" else []
        return sum(self.numbers(section, field)) - sum(int(one[field]) for one in before)

    def key_counts(self) -> list[int]:
        """How many keys each node holds."""
        return self._each(CacheClient.key_count)

    def connection_bytes(self) -> list[int]:
        """What one more connection takes of each node's memory once it has been used."""
        before = self.used_bytes()
        others = [CacheNodes(self.endpoints, managed=self.managed) for _ in range(_CONNECTIONS)]
        for other in others:
            other.key_counts()
        after = self.used_bytes()
        for other in others:
            other.close()
        return [max(0, with_them - without) // _CONNECTIONS for without, with_them in zip(before, after, strict=True)]

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _each(self, ask: Callable[[CacheClient], T]) -> list[T]:
        answers = []
        for endpoint, client in zip(self.endpoints, self._clients, strict=True):
            try:
                answers.append(ask(client))
            except CacheError as error:
                raise CannotMeasure(f"cache node {endpoint.host}:{endpoint.port}: {error}") from error
        return answers
