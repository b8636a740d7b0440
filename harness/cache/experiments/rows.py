"""Rows that carry a version, so that how old a read is can be told exactly; and one query that is real work.

A value is ``<version>:<payload>``. Whoever writes gives the version; the database takes it in one statement, unless it has
a newer one already, so versions never fall, in whichever order writes arrive.
"""

import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
import pyarrow as pa

from harness.sql.connections import SqlConnection
from harness.sql.schema import DIALECT

TABLE = "cache_rows"
_CREATE = "CREATE TABLE cache_rows (id integer PRIMARY KEY, version integer NOT NULL, value text NOT NULL){suffix}"
_READ = "SELECT version, value FROM cache_rows WHERE id = %s"
_WRITE = "UPDATE cache_rows SET version = %s, value = %s WHERE id = %s AND version < %s"
_VERSIONS = "SELECT id, version FROM cache_rows"
_BUSY = """
SELECT dest, carrier, count(*), count(DISTINCT tailnum), avg(arr_delay), max(dep_delay)
FROM flights
WHERE sched_dep >= %s AND sched_dep < %s
GROUP BY dest, carrier
ORDER BY avg(arr_delay) DESC, dest, carrier
LIMIT 20
"""
VERSION_TICK_NS = 100_000  # an integer of four bytes lasts for 30 h of two processes' writing
_LETTERS = string.ascii_letters + string.digits
_PREFIX = "row:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """So many rows, each with a payload of so many bytes."""

    keys: int
    value_bytes: int

    def payload(self) -> str:
        """The same for every row, and not to be compressed: what a database keeps and sends is what it says."""
        return "".join(random.Random(self.value_bytes).choices(_LETTERS, k=self.value_bytes))


class Versions:
    """The newest version of each row that this process gave out, and that a database acknowledged; ``newest`` is how it begins."""

    def __init__(self, newest: Sequence[int]) -> None:
        self.given, self.committed = list(newest), list(newest)

    def begun(self, begin_ns: int) -> None:
        """A trial begins that writes."""

    def learn(self, newest: Mapping[int, int]) -> None:
        """What the database has, whoever wrote it."""
        for key, version in newest.items():
            self.acknowledge(key, version)
            self.given[key] = max(self.given[key], version)

    def next(self, key: int) -> int:
        """The version of a write that begins now."""
        self.given[key] += 1
        return self.given[key]

    def acknowledge(self, key: int, version: int) -> None:
        """The database has it."""
        self.committed[key] = max(self.committed[key], version)


class SharedVersions(Versions):
    """Of several processes that write: process ``rank`` of ``parts``.

    No two give out the same version, and one that begins a tick later is newer, or the database would leave its row as it is: what
    is counted is time since the trial began, which all processes go by.
    """

    def __init__(self, newest: Sequence[int], rank: int, parts: int, clock_ns: Callable[[], int]) -> None:
        super().__init__(newest)
        self._parts, self._clock_ns, self._begin_ns = parts, clock_ns, clock_ns()
        self._first = max(newest, default=0) + 1 + rank
        self._own = [0] * len(newest)

    def begun(self, begin_ns: int) -> None:
        """See Versions."""
        self._begin_ns = begin_ns

    def next(self, key: int) -> int:
        """See Versions."""
        ticks = max(0, self._clock_ns() - self._begin_ns) // VERSION_TICK_NS
        version = max(self._first + ticks * self._parts, self._own[key] + self._parts)
        self._own[key] = self.given[key] = version
        return version


def name_of(key: int) -> str:
    """What the cache calls a row."""
    return f"{_PREFIX}{key}"


def key_of(name: str) -> int:
    """The row that the cache calls so."""
    return int(name.removeprefix(_PREFIX))


def value_of(version: int, payload: str) -> bytes:
    """A row as the application has it."""
    return f"{version}:{payload}".encode()


def version_of(value: bytes) -> int:
    """The version in a value."""
    return int(value[: value.index(b":")])


def fill(connection: SqlConnection, shape: Shape) -> None:
    """The table anew: every row at version 0."""
    connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
    connection.execute(_CREATE.format(suffix=DIALECT[connection.engine]["suffix"]))
    columns = {
        "id": pa.array(range(shape.keys), pa.int32()),
        "version": pa.array([0] * shape.keys, pa.int32()),
        "value": pa.array([shape.payload()] * shape.keys),
    }
    connection.insert(TABLE, pa.table(columns))
    connection.execute(f"{DIALECT[connection.engine]['analyze']} {TABLE}")


def read(connection: SqlConnection, name: str) -> bytes:
    """A row by its name in the cache."""
    ((version, payload),) = connection.query(_READ, (key_of(name),))
    return value_of(version, payload)


def write(connection: SqlConnection, name: str, value: bytes) -> None:
    """A newer value of a row, committed on return; an older one changes nothing."""
    version, payload = version_of(value), value[value.index(b":") + 1 :].decode()
    connection.execute(_WRITE, (version, payload, key_of(name), version))


def versions(connection: SqlConnection) -> dict[int, int]:
    """The version of every row."""
    return {int(key): int(version) for key, version in connection.query(_VERSIONS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a cache holds at the end of a trial: values, those that are old, and by how many versions at most."""

    cached: int
    stale: int
    most_behind: int


def left_behind(cached: Sequence[bytes | None], newest: Mapping[int, int]) -> Left:
    """Key by key, what the cache has of keys 0, 1 … beside the newest version of each."""
    behind = [newest[key] - version_of(value) for key, value in enumerate(cached) if value is not None]
    return Left(cached=len(behind), stale=sum(one > 0 for one in behind), most_behind=max([0, *behind]))


def busy(begin: datetime, days: int) -> Callable[[SqlConnection], bytes]:
    """The query that is work: which routes of ``days`` from ``begin`` on are late the most, as JSON."""
    bounds = begin, begin + timedelta(days=days)

    def ask(connection: SqlConnection) -> bytes:
        rows = connection.query(_BUSY, bounds)
        return orjson.dumps([[*row[:4], float(row[4] or 0), row[5]] for row in rows])

    return ask
