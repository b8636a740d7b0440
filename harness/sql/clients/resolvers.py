"""How long a client believes what DNS told it (D2)."""

import time
from collections.abc import Callable
from typing import Literal, Protocol

from harness.local.dns import Answer

Ask = Callable[[str], Answer]
ResolverName = Literal["asks", "ttl", "caches_30s", "for_ever"]
_FOR_EVER_S = float("inf")


class Resolver(Protocol):
    """The address of a name, at this moment, as this resolver has it."""

    def address(self, name: str) -> str:
        """Raises what asking raises: TimeoutError, socket.gaierror, OSError. That is not remembered."""


class Asks:
    """Remembers nothing."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def address(self, name: str) -> str:
        """See Resolver."""
        return self._ask(name).address


class Remembers:
    """Keeps each answer for ``keep_s``, or for the TTL that came with it (None)."""

    def __init__(self, ask: Ask, keep_s: float | None, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._keep_s, self._clock_s = ask, keep_s, clock_s
        self._known: dict[str, tuple[str, float]] = {}

    def address(self, name: str) -> str:
        """See Resolver."""
        address, until_s = self._known.get(name, ("", 0.0))
        asked_s = self._clock_s()
        if not address or asked_s >= until_s:
            answer = self._ask(name)
            keep_s = answer.ttl_s if self._keep_s is None else self._keep_s
            address = answer.address
            self._known[name] = address, asked_s + keep_s  # from when it was asked: it may have been old when it came
        return address


def make_resolver(
    name: ResolverName, ask: Ask, cache_s: float = 30.0, clock_s: Callable[[], float] = time.monotonic
) -> Resolver:
    """A resolver by name; ``cache_s`` is how long ``caches_30s`` keeps an answer."""
    if name == "asks":
        return Asks(ask)
    keep_s: dict[ResolverName, float | None] = {"ttl": None, "caches_30s": cache_s, "for_ever": _FOR_EVER_S}
    return Remembers(ask, keep_s[name], clock_s)
