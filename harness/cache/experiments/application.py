"""The application under load: reads and writes through one strategy, and what a sample says of each."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from harness.cache.client import CacheError
from harness.cache.experiments.pool import Pool
from harness.cache.experiments.rows import Versions, value_of, version_of
from harness.cache.guards import Client
from harness.cache.strategies import STRATEGIES, Parts, Read, Strategy
from harness.recorder import Observation
from harness.scenario import Slot
from harness.sql.connections import SqlConnection, classify
from harness.sql.endpoint import Engine

Act = Callable[[Slot], Observation]

# Arms whose strategy has another name: what makes them an arm is said in ``experiments.plan``.
STRATEGY_OF: Mapping[str, str] = {
    "lazy_ttl": "lazy", "lazy_race": "invalidate",
    "no_timeout": "lazy", "timeout": "lazy", "circuit_breaker": "lazy",
}  # fmt: skip


def _no_writes(_: SqlConnection, name: str, __: bytes) -> None:
    raise AssertionError(f"{name}: this part doesn't write")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How a trial reads and writes the database, by names in the cache; both raise the driver's error."""

    load: Callable[[SqlConnection, str], bytes]
    store: Callable[[SqlConnection, str, bytes], None] = _no_writes


class Reader:
    """A strategy of one operation at a time, with a client of the cache and a connection of the database from their pools."""

    def __init__(
        self,
        arm: str,
        parts: Callable[..., Parts],
        clients: Pool[Client],
        databases: Pool[SqlConnection],
        answers: Answers,
    ) -> None:
        self._clients, self._databases, self._answers = clients, databases, answers
        self._cache = clients.take()
        self._connection: SqlConnection | None = None
        self.strategy: Strategy = STRATEGIES[STRATEGY_OF.get(arm, arm)](
            parts(cache=self._cache, load=self._load, store=self._store)
        )

    def close(self) -> None:
        """Give back client and connection."""
        self._clients.give(self._cache)
        if self._connection is not None:
            self._databases.give(self._connection)
            self._connection = None

    def forget(self) -> None:
        """After trouble with the database: the next operation takes another connection."""
        if self._connection is not None:
            self._databases.drop(self._connection)
            self._connection = None

    def open(self) -> None:
        """Connect to both, so that no measured operation has to."""
        self._database()
        with suppress(CacheError):  # the first operation will see it
            self._cache.delete("nothing")  # which no server counts as a look-up

    def _database(self) -> SqlConnection:
        if self._connection is None:
            self._connection = self._databases.take()
        return self._connection

    def _load(self, name: str) -> bytes:
        return self._answers.load(self._database(), name)

    def _store(self, name: str, value: bytes) -> None:
        self._answers.store(self._database(), name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What the tickets of a trial do. ``versions`` where it writes; ``versioned``: each read says how old its answer is.

    ``tally`` counts what the cache's servers count (``hits``, ``misses``), and gets and sets that ``unanswered`` stayed.
    """

    engine: Engine
    readers: Pool[Reader]
    tally: Counter[str]
    name_of: Callable[[int], str]
    versions: Versions | None = None
    versioned: bool = False
    payload: str = ""

    def read(self, key: int) -> Act:
        """One read of a key."""
        name = self.name_of(key)

        def act(_: Slot) -> Observation:
            newest = self.versions.committed[key] if self.versioned and self.versions else None
            return self._attempt("reader", key, lambda strategy: self._seen(strategy.read(name), key, newest))

        return act

    def write(self, key: int) -> Act:
        """One write of a key: its next version."""
        versions, name = self.versions, self.name_of(key)
        assert versions, "only parts with versions write"

        def act(_: Slot) -> Observation:
            version = versions.next(key)

            def do(strategy: Strategy) -> Observation:
                value = value_of(version, self.payload)
                write = strategy.write(name, value)
                self._note(write.cache_error)
                parts = {"db_ns": write.db_ns, "set_ns": write.cache_ns, "version_current": version}
                return Observation(
                    bytes=len(value), error_code=write.cache_error, extra=self._extra("writer", key, parts)
                )

            return self._attempt("writer", key, do)

        return act

    def _attempt(
        self, role: Literal["reader", "writer"], key: int, do: Callable[[Strategy], Observation]
    ) -> Observation:
        reader = self.readers.take()
        try:
            return do(reader.strategy)
        except Exception as error:  # noqa: BLE001 - classified; what a driver raises has no common class
            reader.forget()
            outcome, code = classify(error, sent=role == "writer")
            return Observation(outcome=outcome, error_code=code, extra=self._extra(role, key, {}))
        except BaseException:
            reader.forget()
            raise
        finally:
            self.readers.give(reader)

    def _seen(self, read: Read, key: int, newest: int | None) -> Observation:
        tally = self.tally
        tally["hits"] += read.keyspace_hits
        tally["misses"] += read.keyspace_misses
        self._note(read.cache_error)
        parts = {
            "get_ns": read.get_ns, "db_ns": read.db_ns, "set_ns": read.set_ns, "waited_ns": read.waited_ns,
            "version_read": None if newest is None else version_of(read.value), "version_current": newest,
        }  # fmt: skip
        return Observation(
            hit=read.hit, bytes=len(read.value), error_code=read.cache_error, extra=self._extra("reader", key, parts)
        )

    def _note(self, cache_error: str | None) -> None:
        if cache_error == "OOM":
            self.tally["refused"] += 1
        elif cache_error not in (None, "CircuitOpen"):
            self.tally["unanswered"] += 1

    def _extra(self, role: str, key: int, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {"engine": self.engine, "role": role, "key": key, **parts}
