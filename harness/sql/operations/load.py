"""The load under which an instance is operated: reads and writes of its ledger, and what was told of each write."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from harness.cache.experiments.pool import Pool
from harness.plan import Trial
from harness.recorder import Kind, Observation
from harness.scenario import Slot, Stream, Ticket
from harness.sql import ledger
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import SqlEndpoint
from harness.sql.ledger import Ledger

COLUMNS: dict[str, Kind] = {"engine": "text", "part": "text", "lag_ns": "int"}
READ, WRITE = "read", "write"
LONG_NS = 600 * 1_000_000_000  # nobody waits longer for an operation


class Load:
    """Streams of one trial against one instance, for ``duration_s`` or until stopped. ``acknowledged``: the writes that the ledger has as such. Connections are its own, and closed by ``close``."""

    def __init__(
        self, trial: Trial, endpoint: SqlEndpoint, next_id: Callable[[], int], *, warm_up_s: float,
        duration_s: float | None = None, clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:  # fmt: skip
        self.ledger, self.acknowledged = Ledger(), set[int]()
        self._trial, self._next_id, self._clock_ns = trial, next_id, clock_ns
        self._warm_up_ns = int(warm_up_s * 1e9)
        self._duration_ns = LONG_NS if duration_s is None else int(duration_s * 1e9)
        self._begin_ns = clock_ns()
        self._over = False
        self.pool: Pool[SqlConnection] = Pool(lambda: connect(endpoint))
        self.extra: dict[str, Any] = {"engine": trial.labels["engine"], "part": trial.labels["part"], "lag_ns": -1}

    def begun(self, begin_ns: int) -> None:
        """The trial began; warm-up is counted from here."""
        self._begin_ns = begin_ns

    def stop(self) -> None:
        """No more tickets; those under way come to their end."""
        self._over = True

    def close(self) -> None:
        """Close all connections; nobody may be in an operation."""
        self.pool.close()

    def closed(self, op: str, act: Callable[[Slot], Observation], *, slots: int) -> Stream:
        """One operation after the other in each of ``slots``."""

        def tickets() -> Iterator[Ticket]:
            while not self._over and (since_ns := self._clock_ns() - self._begin_ns) < self._duration_ns:
                yield Ticket(op=op, act=act, warm_up=since_ns < self._warm_up_ns)

        return Stream(tickets=tickets(), slots=slots)

    def open(self, op: str, act: Callable[[Slot], Observation], *, per_s: float, slots: int) -> Stream:
        """Evenly spaced; what finds no slot waits, and its latency counts from when it was due."""

        def tickets() -> Iterator[Ticket]:
            for number in count():
                due_ns = int(number / per_s * 1e9)
                if self._over or due_ns >= self._duration_ns:
                    return
                yield Ticket(op=op, act=act, due_ns=due_ns, warm_up=due_ns < self._warm_up_ns)

        return Stream(tickets=tickets(), slots=slots)

    def write(self, slot: Slot) -> Observation:  # noqa: ARG002 - whichever connection is idle
        """One row of the ledger."""
        write_id = self._next_id()
        seen = self.on(self.pool, lambda one: ledger.write(one, write_id, self._trial.trial, once=False), sent=True)
        self.ledger.note(write_id, seen.outcome)
        if seen.outcome == "ok":
            self.acknowledged.add(write_id)
        return seen

    def read(self, slot: Slot) -> Observation:  # noqa: ARG002 - likewise
        """The newest row of the ledger."""
        return self.on(self.pool, ledger.newest_id, sent=False)

    def on(self, pool: Pool[SqlConnection], work: Callable[[SqlConnection], object], *, sent: bool) -> Observation:
        """Do ``work`` on a connection that is idle, or a new one; what goes wrong is classified, and its connection closed.

        ``sent``: it writes, so that nobody knows what became of it where the connection breaks.
        """
        connection = None
        try:
            connection = pool.take()
            work(connection)
        except Exception as error:  # noqa: BLE001 - classified; what drivers raise has no common class
            outcome, code = classify(error, sent=sent and connection is not None)
            if connection is not None:
                pool.drop(connection)
            return Observation(outcome=outcome, error_code=code, extra=self.extra)
        pool.give(connection)
        return Observation(extra=self.extra)
