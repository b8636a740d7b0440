"""The load under which an instance is operated: reads and writes of its ledger, and what was told of each write.

In each process that makes load, which need not be the one that operates the instance: all that it knows is handed out to it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from harness.cache.experiments.pool import Pool
from harness.plan import Trial
from harness.recorder import Kind, Observation
from harness.scenario import Context, Slot, Stream, Ticket
from harness.sql import ledger
from harness.sql.connections import SqlConnection, classify, connect
from harness.sql.endpoint import SqlEndpoint
from harness.sql.recovery.held_against import TimedLedger

COLUMNS: dict[str, Kind] = {"engine": "text", "part": "text", "lag_ns": "int"}
READ, WRITE = "read", "write"
LONG_NS = 600 * 1_000_000_000  # nobody waits longer for an operation
SLOTS = 8  # reads, and writes, that may be under way at once; what comes while a server stands still waits
READERS = 2  # beside writers that write as fast as they can

Handed = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the load of one process works with.

    ``next_id`` and ``next_beat`` give numbers that no other process of the run has; ``part``: which process it is of those that do
    the trial, ``shares``: how many slots each of them has.
    """

    context: Context
    next_id: Callable[[], int]
    next_beat: Callable[[], int]
    part: tuple[int, int]
    shares: Sequence[int]


def handed_out(endpoint: SqlEndpoint) -> dict[str, Any]:
    """An endpoint as plain data, password and all: for processes of this machine."""
    return asdict(endpoint)


class Load:
    """One process's part of a trial's load, for ``duration_s`` or until stopped. Connections are its own, and open until all processes' are over."""

    def __init__(self, trial: Trial, desk: Desk, handed: Handed, *, duration_s: float | None = None) -> None:
        self.trial, self.desk = trial, desk
        self.endpoint = SqlEndpoint(**handed["endpoint"])
        self._clock_ns = desk.context.clock_ns
        self.ledger = TimedLedger(desk.next_id, self._clock_ns)
        self._warm_up_ns = int(float(trial.params["warm_up_s"]) * 1e9)
        self._duration_ns = LONG_NS if duration_s is None else int(duration_s * 1e9)
        self._begin_ns = self._clock_ns()
        self._over = False
        self.pool: Pool[SqlConnection] = Pool(lambda: connect(self.endpoint))
        self.extra: dict[str, Any] = {"engine": trial.labels["engine"], "part": trial.labels["part"], "lag_ns": -1}

    def streams(self) -> tuple[Stream, ...]:
        """Reads and writes at the trial's rates."""
        params = self.trial.params
        return (
            self.open(READ, self.read, per_s=float(params["reads_per_s"]), slots=SLOTS),
            self.open(WRITE, self.write, per_s=float(params["writes_per_s"]), slots=SLOTS),
        )

    def begun(self, begin_ns: int) -> None:
        """The trial began; warm-up is counted from here."""
        self._begin_ns = begin_ns

    def stop(self) -> None:
        """No more tickets; those under way come to their end."""
        self._over = True

    def ended(self) -> dict[str, Any]:
        """Nobody is in an operation any more: what is known of every write, as plain data."""
        return {"writes": self.ledger.as_record()}

    def close(self) -> None:
        """Close all connections."""
        self.pool.close()

    def live(self) -> dict[str, float]:
        """For feed *servers*: writes by what their clients were told so far, and connections."""
        counts = self.ledger.counts
        told = {f"told_{word}_count": float(counts[word]) for word in ("acknowledged", "ambiguous", "failed")}
        return told | {f"connections_count|{self.trial.labels['engine']}": float(len(self.pool))}

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
        write_id = self.ledger.next_id()
        seen = self.on(self.pool, lambda one: ledger.write(one, write_id, self.trial.trial, once=False), sent=True)
        self.ledger.note(write_id, seen.outcome)
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


class WritersLoad(Load):
    """Writers in a closed loop, which tells what a parameter group brings; reads at a rate."""

    def streams(self) -> tuple[Stream, ...]:
        """See Load."""
        params = self.trial.params
        return (
            self.closed(WRITE, self.write, slots=int(params["writers"])),
            self.open(READ, self.read, per_s=float(params["reads_per_s"]), slots=READERS),
        )
