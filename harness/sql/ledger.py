"""A ledger of writes: what the client was told about each, and what the database holds afterwards (D6).

The table has no unique key on ``write_id``, so that a write that was applied twice can be seen. A client that sends a doubtful
write again with the same idempotency token has it applied once: tokens are unique, where there is one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harness.sql.connections import SqlConnection
from harness.sql.endpoint import Engine

Told = Literal["acknowledged", "failed", "ambiguous"]
# What each outcome of an attempt tells about the write; a timeout before anything was sent is a failure.
TOLD: Mapping[str, Told] = {
    "ok": "acknowledged",
    "ambiguous": "ambiguous",
    "error": "failed",
    "throttled": "failed",
    "timeout": "failed",
}

DDL: Mapping[Engine, str] = {
    "postgres": "CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " write_id bigint NOT NULL, trial integer NOT NULL, token varchar(40) UNIQUE)",
    "mysql": "CREATE TABLE ledger (id bigint AUTO_INCREMENT PRIMARY KEY,"
    " write_id bigint NOT NULL, trial integer NOT NULL, token varchar(40) UNIQUE) ENGINE=InnoDB",
}
INSERT = "INSERT INTO ledger (write_id, trial) VALUES (%s, %s)"
INSERT_ONCE: Mapping[Engine, str] = {
    "postgres": "INSERT INTO ledger (write_id, trial, token) VALUES (%s, %s, %s) ON CONFLICT (token) DO NOTHING",
    "mysql": "INSERT IGNORE INTO ledger (write_id, trial, token) VALUES (%s, %s, %s)",
}
READ = "SELECT id FROM ledger ORDER BY id DESC LIMIT 1"
COUNTS = "SELECT write_id, count(*) FROM ledger WHERE trial = %s GROUP BY write_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """Counts of write ids. Every write is acknowledged, failed or ambiguous; of these

    ``lost``: acknowledged, absent. ``phantom``: failed, present. ``duplicate``: present more than once,
    whatever was told. ``ambiguous_present``: ambiguous, present.
    """

    acknowledged: int
    failed: int
    ambiguous: int
    lost: int
    phantom: int
    duplicate: int
    ambiguous_present: int


class Ledger:
    """What the client was told about each write, attempt by attempt; ``counts``: of how many writes what."""

    __slots__ = ("counts", "told")

    def __init__(self) -> None:
        self.told: dict[int, Told] = {}
        self.counts: Counter[Told] = Counter()

    def note(self, write_id: int, outcome: str) -> None:
        """One attempt's outcome, as a sample has it. Over several attempts one acknowledgement is enough;
        without one, a write is failed only if every attempt is.
        """
        told, before = TOLD[outcome], self.told.get(write_id)
        if before is None or told == "acknowledged" or (told == "ambiguous" and before == "failed"):
            self.add(write_id, told)

    def add(self, write_id: int, told: Told) -> None:
        """What a write came to, in place of what it was before."""
        before = self.told.get(write_id)
        self.told[write_id] = told
        self.counts[told] += 1
        if before is not None:
            self.counts[before] -= 1

    def check(self, present_counts: Mapping[int, int]) -> LedgerCheck:
        """Hold what was told against the rows found; ``present_counts``: write id -> how often it is there.

        A row without a noted outcome was sent by a client that was stopped before the answer: ambiguous.
        """
        present = {write_id for write_id, count in present_counts.items() if count > 0}
        by_told: dict[Told, set[int]] = {
            "acknowledged": set(),
            "failed": set(),
            "ambiguous": present - self.told.keys(),
        }
        for write_id, word in self.told.items():
            by_told[word].add(write_id)
        return LedgerCheck(
            acknowledged=len(by_told["acknowledged"]),
            failed=len(by_told["failed"]),
            ambiguous=len(by_told["ambiguous"]),
            lost=len(by_told["acknowledged"] - present),
            phantom=len(by_told["failed"] & present),
            duplicate=sum(count > 1 for count in present_counts.values()),
            ambiguous_present=len(by_told["ambiguous"] & present),
        )


def as_record(check: LedgerCheck) -> dict[str, Any]:
    """The counts as an event holds them."""
    return asdict(check)


def create(connection: SqlConnection) -> None:
    """The ledger's table, empty; such as there was is dropped."""
    connection.execute("DROP TABLE IF EXISTS ledger")
    connection.execute(DDL[connection.engine])


def write(connection: SqlConnection, write_id: int, trial: int, *, once: bool) -> int:
    """One write; ``once``: with the token of its id, so that sending it again changes nothing. Returns how many rows it made."""
    if once:
        return connection.execute(INSERT_ONCE[connection.engine], (write_id, trial, f"{trial}.{write_id}"))
    return connection.execute(INSERT, (write_id, trial))


def newest_id(connection: SqlConnection) -> int | None:
    """The id of the newest row, None where there is none; the ids of one server grow with its rows."""
    rows = connection.query(READ)
    return rows[0][0] if rows else None


def present_counts(connection: SqlConnection, trial: int) -> dict[int, int]:
    """How often each write of a trial is in the table."""
    return dict(connection.query(COUNTS, (trial,)))
