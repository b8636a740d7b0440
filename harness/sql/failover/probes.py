"""What the two probes of one client arm do at each tick: read the newest row of the ledger, or write the next one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.recorder import Kind, Observation
from harness.scenario import Slot
from harness.sql import ledger
from harness.sql.clients import Client, Tried
from harness.sql.connections import SqlConnection, classify
from harness.sql.endpoint import Engine
from harness.sql.failover.ledgers import ArmLedgers

COLUMNS: dict[str, Kind] = {
    "engine": "text", "client_arm": "text", "write_id": "int", "zone": "text", "resolved_ns": "int",
    "connected_ns": "int", "authenticated_ns": "int", "seen_id": "int",
}  # fmt: skip
CUT_OFF = "CutOff"
"""Error code of an attempt that would wait for ever: the trial was over, and its connection was closed under it."""


@dataclass(slots=True, kw_only=True)
class Probes:
    """The acts of one arm in one trial; ``over`` says that the trial is: nothing is tried again then."""

    arm: str
    client: Client
    engine: Engine
    trial: int
    ledgers: ArmLedgers
    sleep_s: Callable[[float], None]
    retry_every_s: float
    clock_ns: Callable[[], int] = time.monotonic_ns
    over: bool = False

    def read(self, slot: Slot) -> Observation:
        """The id of the newest row."""
        tried = self.client.attempt(slot, lambda connection: connection.query(ledger.READ))
        rows = tried.value or ()
        return self._observation(tried, write=False, seen_id=rows[0][0] if rows else -1)

    def write(self, slot: Slot) -> Observation:
        """A row; tried again, where the arm does that, once it isn't known what became of it."""
        write_id, unknown = self.ledgers.begin(self.arm), False
        while True:
            start_ns = self.clock_ns()
            tried = self.client.attempt(slot, lambda connection: self._insert(connection, write_id))
            seen = self._observation(tried, write=True, write_id=write_id)
            self.ledgers.note(self.arm, write_id, seen.outcome)
            if self.client.retries is None or self.over or seen.outcome == "ok":
                return seen
            if not unknown and seen.outcome != "ambiguous":
                return seen
            if not unknown:
                self.ledgers.retried(self.arm)
            unknown = True
            slot.attempt(seen, start_ns=start_ns, end_ns=self.clock_ns())
            self.sleep_s(self.retry_every_s)
            slot.attempt_begins(self.clock_ns())

    def blocked(self) -> Observation:
        """A tick that finds no free connection."""
        return Observation(outcome="error", error_code="Blocked", extra=self._extra())

    def _insert(self, connection: SqlConnection, write_id: int) -> int:
        if self.client.retries == "token":
            return connection.execute(ledger.INSERT_ONCE[self.engine], (write_id, self.trial, write_id))
        return connection.execute(ledger.INSERT, (write_id, self.trial))

    def _observation(self, tried: Tried[Any], *, write: bool, write_id: int = -1, seen_id: int = -1) -> Observation:
        stamps = tried.stamps
        extra = self._extra() | {
            "write_id": write_id, "seen_id": seen_id, "zone": stamps.address, "resolved_ns": stamps.resolved_ns,
            "connected_ns": stamps.connected_ns, "authenticated_ns": stamps.authenticated_ns,
        }  # fmt: skip
        if tried.error is None:
            return Observation(extra=extra)
        outcome, code = classify(tried.error, sent=write and tried.sent)
        return Observation(outcome=outcome, error_code=CUT_OFF if self.over else code, extra=extra)

    def _extra(self) -> dict[str, Any]:
        return nothing_known(self.engine, self.arm)


def nothing_known(engine: Engine, arm: str) -> dict[str, Any]:
    """The scenario's columns of an attempt that came to nothing yet."""
    return {
        "engine": engine, "client_arm": arm, "write_id": -1, "zone": "", "resolved_ns": -1, "connected_ns": -1,
        "authenticated_ns": -1, "seen_id": -1,
    }  # fmt: skip
