"""Part ``replica_lag``: how long after a write a read replica has it, while nobody else writes, some do, and many do."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gevent

from harness.cache.experiments.pool import Pool
from harness.plan import Cell, Trial
from harness.recorder import Observation
from harness.scenario import Slot, Stream
from harness.sql import ledger
from harness.sql.connections import SqlConnection, connect
from harness.sql.endpoint import Engine, SqlEndpoint
from harness.sql.operations.load import WRITE, Desk, Handed, Load, handed_out
from harness.sql.operations.part import Room, engine_of
from harness.sql.operations.settings import RdsOperationsSettings

LAG = "lag"
IDLE, LOW, HIGH = "idle", "writes_low", "writes_high"
WRITERS, WATCHERS = 16, 8
PATIENCE_S = 10.0  # a row that isn't there by then is a *timeout*
LOOK_AGAIN_S = 0.0005
DDL: Mapping[Engine, str] = {
    "mysql": "CREATE TABLE beats (beat bigint PRIMARY KEY, written datetime(6) NOT NULL) ENGINE=InnoDB",
    "postgres": "CREATE TABLE beats (beat bigint PRIMARY KEY, written timestamptz NOT NULL)",
}
BEAT: Mapping[Engine, str] = {  # with the primary's time, at the statement
    "mysql": "INSERT INTO beats VALUES (%s, SYSDATE(6))",
    "postgres": "INSERT INTO beats VALUES (%s, clock_timestamp())",
}
AGE_US: Mapping[Engine, str] = {  # by the replica's clock, which is the same one here
    "mysql": "SELECT TIMESTAMPDIFF(MICROSECOND, written, SYSDATE(6)) FROM beats WHERE beat = %s",
    "postgres": "SELECT (extract(epoch FROM clock_timestamp() - written) * 1000000)::bigint FROM beats WHERE beat = %s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A writer and its replica."""

    writer: SqlEndpoint
    reader: SqlEndpoint


class ReplicaLag:
    """See Part. Each beat is a row with the primary's time; its lag is its age where the replica first shows it.

    Beats come at a rate whatever becomes of those before, so a long lag is counted as often as it is met.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._pairs: dict[Engine, Pair] = {}

    def cells(self, settings: RdsOperationsSettings) -> Iterable[Cell]:
        """One cell an engine; arms are rates of writes."""
        for engine in self._room.engines:
            yield Cell(
                arms=(IDLE, LOW, HIGH), step="writes", labels={"part": "replica_lag", "engine": engine},
                params={
                    "beats_per_s": settings.beats_per_s, "warm_up_s": settings.warm_up_s, "measured_s": settings.measured_s,
                },
            )  # fmt: skip

    def of_its_arm(self, trial: Trial) -> Trial:
        """The step is how many are written in a second."""
        settings = self._room.settings
        rates = {IDLE: 0.0, LOW: settings.lag_writes_low_per_s, HIGH: settings.lag_writes_high_per_s}
        rate = rates[trial.arm]
        return replace(trial, step=f"{rate:g}", params=trial.params | {"writes_per_s": rate})

    def set_up(self) -> None:
        """A writer and a replica of each engine, with nothing between them."""
        gevent.joinall([gevent.spawn(self._pair, engine) for engine in self._room.engines], raise_error=True)

    def prepare(self, trial: Trial) -> None:
        """The replica has all that was written before."""
        pair, beat = self._pair(engine_of(trial)), self._room.own_id()
        with connect(pair.writer) as writer, connect(pair.reader) as reader:
            write_beat(writer, beat)
            see_beat(reader, beat, self._room.context.sleep_s)

    def hand_out(self, trial: Trial) -> dict[str, Any]:
        """Where the writer is, and its replica."""
        pair = self._pair(engine_of(trial))
        return {"endpoint": handed_out(pair.writer), "replica": handed_out(pair.reader)}

    def begun(self, trial: Trial, begin_ns: int) -> None:
        """Nothing is done to it."""

    def collect(self, told: Sequence[Mapping[str, Any]]) -> None:
        """All that is asked is in the samples."""

    def end(self, trial: Trial) -> None:
        """Likewise."""

    def tear_down(self) -> None:
        """Nothing: servers end with the services."""

    def _pair(self, engine: Engine) -> Pair:
        if engine not in self._pairs:
            topology = self._room.context.local.topology(engine, "async_replica", delay_ms=None)
            topology.create()
            pair = Pair(writer=topology.endpoint(topology.writer), reader=topology.endpoint(topology.readers[0]))
            with connect(pair.writer) as connection:
                ledger.create(connection)
                connection.execute(DDL[engine])
            self._pairs[engine] = pair
        return self._pairs[engine]


class Beats(Load):
    """Beats, and such writes as the arm has."""

    def __init__(self, trial: Trial, desk: Desk, handed: Handed) -> None:
        super().__init__(
            trial, desk, handed, duration_s=float(trial.params["warm_up_s"]) + float(trial.params["measured_s"])
        )
        replica = SqlEndpoint(**handed["replica"])
        self._readers: Pool[SqlConnection] = Pool(lambda: connect(replica))
        self._most_us = -1  # of the lags since somebody looked

    def streams(self) -> tuple[Stream, ...]:
        """See Load."""
        params = self.trial.params
        beats = self.open(LAG, self._lag, per_s=float(params["beats_per_s"]), slots=WATCHERS)
        rate = float(params["writes_per_s"])
        return (beats, self.open(WRITE, self.write, per_s=rate, slots=WRITERS)) if rate else (beats,)

    def close(self) -> None:
        """See Load."""
        self._readers.close()
        super().close()

    def live(self) -> dict[str, float]:
        """See Load; and the longest lag since the last look."""
        most_us, self._most_us = self._most_us, -1
        engine = self.trial.labels["engine"]
        told = super().live()
        told[f"connections_count|{engine}"] += len(self._readers)
        return told if most_us < 0 else told | {f"replica_lag_ms|{engine}": most_us / 1000}

    def _lag(self, slot: Slot) -> Observation:  # noqa: ARG002 - whichever connections are idle
        lag_us = -1

        def beat_and_see(writer: SqlConnection) -> None:
            nonlocal lag_us
            beat = self.desk.next_beat()
            write_beat(writer, beat)
            reader = self._readers.take()
            try:
                lag_us = see_beat(reader, beat, self.desk.context.sleep_s)
            except BaseException:
                self._readers.drop(reader)
                raise
            self._readers.give(reader)

        seen = self.on(self.pool, beat_and_see, sent=True)
        self._most_us = max(self._most_us, lag_us)
        return seen._replace(extra=self.extra | {"lag_ns": lag_us * 1000 if lag_us >= 0 else -1})


def write_beat(writer: SqlConnection, beat: int) -> None:
    """A row with the primary's time."""
    writer.execute(BEAT[writer.engine], (beat,))


def see_beat(reader: SqlConnection, beat: int, sleep_s: Callable[[float], None]) -> int:
    """The age of a beat where the replica first shows it, µs. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while not (rows := reader.query(AGE_US[reader.engine], (beat,))):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the replica hadn't row {beat} within {PATIENCE_S:g} s")
        sleep_s(LOOK_AGAIN_S)
    return max(0, int(rows[0][0]))
