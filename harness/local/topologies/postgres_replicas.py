"""PostgreSQL in several copies: a Multi-AZ cluster, and a writer with an asynchronous replica.

Every server has a data directory of its own and listens at the same port of its own zone. The copies are physical standbys: they
stream the writer's log, and answer reads. One that is made or made anew is a base backup of the writer.
"""

import contextlib
import signal
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from harness.errors import CannotMeasure, ServerFailed
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.topologies.model import ZONES, OnEvent, TopologyName
from harness.local.topologies.stream import ReplicationStream
from harness.local.topologies.volume import require_durability
from harness.sql import heartbeat, ledger
from harness.sql.endpoint import Engine, SqlEndpoint

REPLICATION: Mapping[str, str] = {
    "hot_standby": "on",
    "recovery_target_timeline": "latest",
    "wal_keep_size": "128MB",  # for standbys that are away for a moment; there are no slots, which a lost one would fill
    # How soon a standby that lost its writer asks again (default 5 s): a promoted one is followed at once.
    "wal_retrieve_retry_interval": "50ms",
}
GLANCE_S = 1.0  # a question to a server that may hang
STREAMS = "SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)"
# Bytes of the log, as offsets. After a restart a standby counts as received only what it asked for anew, from the beginning of a
# file on: it may have played more than that.
POSITION = (
    "SELECT (greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::bigint,"
    " (pg_last_wal_replay_lsn() - '0/0')::bigint"
)
FOLLOWERS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = %s"


def multi_az_cluster(warden: Warden, *, inter_az_ms: float | None = None) -> "PostgresReplicas":
    """One writer and two readers: a commit is answered when one of these has it on disk, however long that takes.

    With ``inter_az_ms``, 0 included, the replication streams pass a proxy that delays them so much each way. Raises
    CannotMeasure where there is no PostgreSQL.
    """
    stream = ReplicationStream(warden, "postgres-multi_az_cluster-stream", inter_az_ms)
    return PostgresReplicas(warden, "multi_az_cluster", ZONES, stream, synchronous=True)


def async_replica(warden: Warden, *, delay_ms: float | None = 50.0) -> "PostgresReplicas":
    """One writer and one replica that lags by ``delay_ms``, for which no commit waits. Raises as ``multi_az_cluster``.

    On loopback a replica lags by nothing, and kill -9 loses nothing (F6). The delay stands for what a writer under load, far
    away, hasn't sent yet, and dies with it. None: nothing is between the two.
    """
    stream = ReplicationStream(warden, "postgres-async_replica-stream", delay_ms, dies_with_writer=True)
    return PostgresReplicas(warden, "async_replica", ZONES[:2], stream, synchronous=False)


class PostgresReplicas:
    """See Topology. ``zones[0]`` begins as the writer."""

    engine: Engine = "postgres"

    def __init__(
        self,
        warden: Warden,
        name: TopologyName,
        zones: tuple[str, ...],
        stream: ReplicationStream,
        *,
        synchronous: bool,
    ) -> None:
        first = PostgresServer(warden, zones, name=f"postgres-{name}-1")
        copies = (first.sibling(f"postgres-{name}-{number}") for number in range(2, len(zones) + 1))
        self.name, self.zones, self.product = name, zones, first.product
        self.writer, self.readers = zones[0], zones[1:]
        self._warden, self._stream, self._synchronous = warden, stream, synchronous
        self._servers = dict(zip(zones, (first, *copies), strict=True))
        self._source = self.writer, first.endpoint(self.writer).port  # where standbys find the writer
        self._parameters: Mapping[str, str] = {}
        self._failed: str | None = None  # who wrote before the present writer, until restored

    def create(self) -> None:
        """See Topology."""
        first = self._servers[self.writer]
        first.create()
        first.configure(REPLICATION)  # before it waits for readers that aren't there
        first.start(self.writer)
        with first.asked(self.writer) as connection:
            heartbeat.create(connection)
        with self._led():
            self._make(self.readers)
            first.configure(self._settings(self.writer))
            first.reload(self.writer)
            self._await_readers()

    def endpoint(self, zone: str) -> SqlEndpoint:
        """See Topology."""
        return self._servers[zone].endpoint(zone)

    def server(self, zone: str) -> PostgresServer:
        """The server of a zone, for who must know more of it than a topology tells."""
        return self._servers[zone]

    def apply(self, parameters: Mapping[str, str]) -> None:
        """See Topology. On a cluster a commit under ``local`` or ``off`` waits for no reader."""
        require_durability(self.engine, parameters)
        self._parameters = dict(parameters)
        for zone, server in self._servers.items():
            server.configure(self._settings(zone))
            if server.runs():
                server.reload(zone)

    def set_inter_az(self, inter_az_ms: float) -> None:
        """Delay the replication streams so much each way from now on; only where a delay was asked for at the making."""
        self._stream.set_delay(inter_az_ms)

    def crash(self, zone: str) -> int:
        """See Topology."""
        with self._stream.dying(yes=zone == self.writer):
            return self._warden.signal(self._servers[zone].name, signal.SIGKILL, tree=True)

    def hang(self, zone: str) -> int:
        """See Topology."""
        if zone == self.writer:
            self._stream.hold()
        return self._warden.signal(self._servers[zone].name, signal.SIGSTOP, tree=True)

    def stop(self, zone: str) -> None:
        """See Topology. A writer waits for the readers that follow to have all, its last checkpoint included."""
        self._servers[zone].stop()

    def fence(self, zone: str) -> None:
        """See Topology; resets reach its clients, which a dead zone wouldn't send (F6)."""
        with self._stream.dying(yes=zone == self.writer):
            self._servers[zone].kill()

    def candidate(self) -> str:
        """See Topology: the reader that received most of the log, of those that answer; among equals who played most.

        To be asked when the writer is fenced: streams have come to their end then, and nobody gets ahead any more.
        """
        reached: dict[str, tuple[int, int]] = {}
        for zone in self.readers:
            try:
                reached[zone] = self._position(zone)
            except ServerFailed:
                continue
        if not reached:
            raise ServerFailed(f"no reader of {self.name} answers: nobody can take over from {self.writer}")
        return max(reached, key=lambda zone: reached[zone])

    def promote(self, zone: str, on_event: OnEvent) -> None:
        """See Topology. Events: ``promoted`` (about to be), ``server_ready``."""
        on_event("promoted", zone)
        new = self._servers[zone]
        new.promote(zone)
        self._failed, self.writer = self.writer, zone
        self.readers = tuple(reader for reader in self.readers if reader != zone)
        with self._led(), new.asked(zone) as connection:
            for reader in self.readers:
                if self._servers[reader].runs():
                    self._servers[reader].tell()
            heartbeat.beat(connection)
        on_event("server_ready", zone)

    def lost_rows(self, trial: int) -> set[int] | None:
        """See Topology."""
        if self._failed is None:
            raise CannotMeasure(f"{self.name} hasn't failed over since it was made or restored: no tables to compare")
        failed, writer = self._servers[self._failed], self._servers[self.writer]
        alone = failed.start_alone()
        with failed.asked(alone.host) as there, writer.asked(self.writer) as here:
            lost = set(ledger.present_counts(there, trial)) - set(ledger.present_counts(here, trial))
        failed.kill()
        return lost

    def restore(self) -> None:
        """See Topology. Whoever doesn't follow the writer is made anew; a writer that is gone is followed by another first."""
        if not self._takes_writes():
            self.fence(self.writer)
            self.promote(self.candidate(), lambda *_: None)
        others = tuple(zone for zone in self.zones if zone != self.writer)
        with self._led():
            self._make([zone for zone in others if zone not in self.readers or not self._follows(zone)])
            self.readers, self._failed = others, None
            self._await_readers()

    def _make(self, zones: Iterable[str]) -> None:
        """Standbys that follow the writer, in place of whatever is in ``zones``."""
        with ThreadPoolExecutor(max_workers=len(self.zones)) as pool:
            for made in [pool.submit(self._make_one, zone) for zone in zones]:
                made.result()

    def _make_one(self, zone: str) -> None:
        server = self._servers[zone]
        if server.runs():
            server.kill()
        server.copy_from(self.writer)
        server.start(zone)

    @contextlib.contextmanager
    def _led(self) -> Iterator[None]:
        """Standbys find the writer where it is now, once they have read their settings; inside nothing delays them."""
        with self._stream.leading_to(self.writer, self.endpoint(self.writer).port) as self._source:
            for zone in self.zones:
                if zone != self.writer:
                    self._servers[zone].configure(self._settings(zone))
            yield

    def _settings(self, zone: str) -> Mapping[str, str]:
        """What a server is to have: as the writer, and as a standby, which heed each other's settings no more than they need."""
        names = ", ".join(_standby_name(each) for each in self.zones)
        synchrony = {"synchronous_standby_names": f"ANY 1 ({names})"} if self._synchronous else {}
        source = self._servers[zone].source(*self._source, _standby_name(zone))
        return {**REPLICATION, **synchrony, **self._parameters, "primary_conninfo": source}

    def _position(self, zone: str) -> tuple[int, int]:
        """How far the log reaches that the server in ``zone`` received or played, and how far it has played it."""
        server = self._servers[zone]
        with server.asked(zone, GLANCE_S) as connection:
            if not self._servers[self.writer].runs():
                server.until(
                    lambda: connection.query(STREAMS) == [(False,)], "still streams from a writer that is gone"
                )
            ((received, played),) = connection.query(POSITION)
        return received, played

    def _await_readers(self) -> None:
        """Every reader streams, and for a cluster counts as one whose word a commit may wait for."""
        writer = self._servers[self.writer]
        wanted = [(len(self.readers),)]
        with writer.asked(self.writer) as connection:
            state = "quorum" if self._synchronous else "async"
            writer.until(lambda: connection.query(FOLLOWERS, (state,)) == wanted, "isn't followed by all its readers")

    def _follows(self, zone: str) -> bool:
        return self._says_yes(zone, STREAMS)

    def _takes_writes(self) -> bool:
        return self._says_yes(self.writer, "SELECT NOT pg_is_in_recovery()")

    def _says_yes(self, zone: str, question: str) -> bool:
        server = self._servers[zone]
        if not server.runs():
            return False
        try:
            with server.asked(zone, GLANCE_S) as connection:
                return connection.query(question) == [(True,)]
        except ServerFailed:
            return False


def _standby_name(zone: str) -> str:
    """``127.0.1.2`` -> ``zone_2``: its application_name."""
    return f"zone_{zone.rpartition('.')[2]}"
