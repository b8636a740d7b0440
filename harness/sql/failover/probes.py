"""What the two probes of one client arm do at each tick: read the newest row of the ledger, or write the next one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from harness.cockpit.feeds import DOWN, UP
from harness.recorder import Kind, Observation
from harness.scenario import Slot
from harness.sql import ledger
from harness.sql.clients.model import Client, Tried
from harness.sql.connections import classify
from harness.sql.endpoint import Engine
from harness.sql.failover.ledgers import ArmLedgers

COLUMNS: dict[str, Kind] = {
    "engine": "text", "client_arm": "text", "write_id": "int", "zone": "text", "resolved_ns": "int",
    "connected_ns": "int", "authenticated_ns": "int", "seen_id": "int",
}  # fmt: skip
PROBES = {"read_probe": "reads", "write_probe": "writes"}
CUT_OFF = "CutOff"
"""Error code of an attempt that would wait for ever: the trial was over, and its connection was closed under it."""


@dataclass(slots=True, kw_only=True)
class Probes:
    """The acts of one arm in one trial; after ``ends_ns`` nothing is tried again."""

    client: Client
    engine: Engine
    trial: int
    ledgers: ArmLedgers
    sleep_s: Callable[[float], None]
    ends_ns: Callable[[], int]
    clock_ns: Callable[[], int] = time.monotonic_ns
    redact: Callable[[str], str] = str

    @property
    def arm(self) -> str:
        """The client's name."""
        return self.client.arm

    def read(self, slot: Slot) -> Observation:
        """The id of the newest row."""
        tried = self.client.attempt(slot, ledger.newest_id)
        return self._observation(tried, write=False, seen_id=-1 if tried.value is None else tried.value)

    def write(self, slot: Slot) -> Observation:
        """A row; tried again, where the arm does that, once it isn't known what became of it."""
        write_id, attempts = self.ledgers.begin(self.arm), count(1)

        def once() -> Observation:
            if next(attempts) == 2:
                self.ledgers.retried(self.arm)
            tried = self.client.attempt(slot, insert)
            seen = self._observation(tried, write=True, write_id=write_id)
            self.ledgers.note(self.arm, write_id, seen.outcome)
            return seen

        insert = partial(ledger.write, write_id=write_id, trial=self.trial, once=self.client.retry.kind == "token")
        return self.client.retry.carry_out(
            slot, once, clock_ns=self.clock_ns, sleep_s=self.sleep_s, over=lambda: self.clock_ns() >= self.ends_ns()
        )

    def blocked(self) -> Observation:
        """A tick that finds no free connection."""
        return Observation(outcome="error", error_code="Blocked", extra=self._extra())

    def _observation(self, tried: Tried[Any], *, write: bool, write_id: int = -1, seen_id: int = -1) -> Observation:
        stamps = tried.stamps
        extra = self._extra() | {
            "write_id": write_id, "seen_id": seen_id, "zone": self.redact(stamps.address), "resolved_ns": stamps.resolved_ns,
            "connected_ns": stamps.connected_ns, "authenticated_ns": stamps.authenticated_ns,
        }  # fmt: skip
        if tried.error is None:
            return Observation(extra=extra)
        outcome, code = classify(tried.error, sent=write and tried.sent)
        return Observation(outcome=outcome, error_code=CUT_OFF if self.client.is_cut else code, extra=extra)

    def _extra(self) -> dict[str, Any]:
        return nothing_known(self.engine, self.arm)


def up_or_down(op: str, seen: Observation) -> str | None:
    """What a probe counts as for who looks on: answered or not, by arm and by what it asks."""
    asks = PROBES.get(op)
    return asks and f"{UP if seen.outcome == 'ok' else DOWN}{seen.extra['client_arm']} {asks}"


def nothing_known(engine: Engine, arm: str) -> dict[str, Any]:
    """The scenario's columns of an attempt that came to nothing yet."""
    return {
        "engine": engine, "client_arm": arm, "write_id": -1, "zone": "", "resolved_ns": -1, "connected_ns": -1,
        "authenticated_ns": -1, "seen_id": -1,
    }  # fmt: skip
