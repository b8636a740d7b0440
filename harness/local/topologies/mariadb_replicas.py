"""MariaDB, standing in for RDS for MySQL, in several copies: a Multi-AZ cluster, and a writer with an asynchronous replica.

Every server has a data directory of its own and listens at the same port of its own zone. All are copies of one: a replica is
made, and a failed writer rebuilt, by cloning the directory of a stopped one.
"""

import contextlib
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pymysql

from harness.errors import CannotMeasure, ServerFailed
from harness.local.mariadb import SETTINGS, MariaDbServer
from harness.local.processes import Warden
from harness.local.topologies.mariadb_member import GLANCE_S, LOOK_AGAIN_S, PATIENCE_S, Member
from harness.local.topologies.model import ZONES, OnEvent, TopologyName
from harness.local.topologies.stream import ReplicationStream
from harness.local.topologies.volume import DURABILITY, require_durability
from harness.sql import heartbeat, ledger
from harness.sql.connections import connect
from harness.sql.endpoint import Engine, SqlEndpoint

REPLICATION_USER = "replication"


def multi_az_cluster(warden: Warden, *, inter_az_ms: float | None = None) -> "MariaDbReplicas":
    """One writer and two readers, semi-synchronous: a commit is answered when one reader has it, however long that takes.

    With ``inter_az_ms``, 0 included, the replication streams pass a proxy that delays them so much each way. Raises
    CannotMeasure where there is no MariaDB.
    """
    stream = ReplicationStream(warden, "mysql-multi_az_cluster-stream", inter_az_ms)
    return MariaDbReplicas(warden, "multi_az_cluster", ZONES, stream, synchronous=True)


def async_replica(warden: Warden, *, delay_ms: float | None = 50.0) -> "MariaDbReplicas":
    """One writer and one replica that lags by ``delay_ms``, for which no commit waits. Raises as ``multi_az_cluster``.

    On loopback a replica lags by nothing, and kill -9 loses nothing (F6). The delay stands for what a writer under load, far
    away, hasn't sent yet, and dies with it. None: nothing is between the two.
    """
    stream = ReplicationStream(warden, "mysql-async_replica-stream", delay_ms, dies_with_writer=True)
    return MariaDbReplicas(warden, "async_replica", ZONES[:2], stream, synchronous=False)


class MariaDbReplicas:
    """See Topology. ``zones[0]`` begins as the writer; readers follow by GTID and are read-only."""

    engine: Engine = "mysql"

    def __init__(
        self,
        warden: Warden,
        name: TopologyName,
        zones: tuple[str, ...],
        stream: ReplicationStream,
        *,
        synchronous: bool,
    ) -> None:
        first = MariaDbServer(warden, zones, name=f"mysql-{name}-1")
        servers = first, *(first.sibling(f"mysql-{name}-{number}") for number in range(2, len(zones) + 1))
        self.name, self.zones, self.product = name, zones, first.product
        self.writer, self.readers = zones[0], zones[1:]
        self._members = {
            zone: Member(server, zone, number, synchronous=synchronous)
            for number, (zone, server) in enumerate(zip(zones, servers, strict=True), 1)
        }
        self._stream, self._password = stream, secrets.token_hex(16)
        self._failed: str | None = None  # who wrote before the present writer, until restored

    def create(self) -> None:
        """See Topology."""
        first = self._members[self.writer]
        first.server.create()
        first.start_alone()  # before it waits for readers that aren't there
        with first.server.admin() as connection:
            heartbeat.create(connection)
            connection.execute(f"CREATE USER {REPLICATION_USER}@'127.%%' IDENTIFIED BY %s", (self._password,))
            connection.execute(f"GRANT REPLICATION SLAVE ON *.* TO {REPLICATION_USER}@'127.%'")
        self._copy(self.writer, self.readers)

    def endpoint(self, zone: str) -> SqlEndpoint:
        """See Topology."""
        return self._members[zone].server.endpoint(zone)

    def server(self, zone: str) -> MariaDbServer:
        """The server of a zone, for who must know more of it than a topology tells."""
        return self._members[zone].server

    def apply(self, parameters: Mapping[str, str]) -> None:
        """See Topology. Raises CannotMeasure for what isn't a durability parameter."""
        require_durability(self.engine, parameters)
        for member in self._members.values():
            member.apply({name: SETTINGS[name] for name in DURABILITY[self.engine]} | dict(parameters))

    def set_inter_az(self, inter_az_ms: float) -> None:
        """Delay the replication streams so much each way from now on; only where a delay was asked for at the making."""
        self._stream.set_delay(inter_az_ms)

    def crash(self, zone: str) -> int:
        """See Topology."""
        with self._stream.dying(yes=zone == self.writer):
            return self._members[zone].server.signal(signal.SIGKILL)

    def hang(self, zone: str) -> int:
        """See Topology."""
        if zone == self.writer:
            self._stream.hold()
        return self._members[zone].server.signal(signal.SIGSTOP)

    def stop(self, zone: str) -> None:
        """See Topology. A writer takes no more writes first, and waits for the readers that follow to have received all."""
        if zone == self.writer:
            self._hand_over()
        self._members[zone].server.stop()

    def fence(self, zone: str) -> None:
        """See Topology; resets reach its clients, which a dead zone wouldn't send (F6)."""
        with self._stream.dying(yes=zone == self.writer):
            self._members[zone].server.kill()

    def candidate(self) -> str:
        """See Topology: the reader that received most, of those that answer. Ask after fencing: then it is final."""
        received: dict[str, int] = {}
        for zone in self.readers:
            with contextlib.suppress(ServerFailed):
                received[zone] = self._members[zone].received()
        if not received:
            raise ServerFailed(f"no reader of {self.name} answers: nobody can take over from {self.writer}")
        return max(received, key=lambda zone: received[zone])

    def promote(self, zone: str, on_event: OnEvent) -> None:
        """See Topology. Events: ``promoted`` (about to be), ``server_ready``."""
        on_event("promoted", zone)
        new = self._members[zone]
        new.take_over()
        self._failed, self.writer = self.writer, zone
        self.readers = tuple(reader for reader in self.readers if reader != zone)
        self._follow(self.readers)
        new.take_writes(yes=True)
        with self._trouble(f"{zone} takes no writes"), connect(self.endpoint(zone), GLANCE_S, PATIENCE_S) as connection:
            heartbeat.beat(connection)
        on_event("server_ready", zone)

    def lost_rows(self, trial: int) -> set[int] | None:
        """See Topology."""
        if self._failed is None:
            raise CannotMeasure(f"{self.name} hasn't failed over since it was made or restored: no tables to compare")
        failed = self._members[self._failed]
        failed.server.kill()
        failed.start_alone()
        with failed.server.admin() as there, self._members[self.writer].server.admin() as here:
            lost = set(ledger.present_counts(there, trial)) - set(ledger.present_counts(here, trial))
        failed.server.stop()
        return lost

    def restore(self) -> None:
        """See Topology. Whoever doesn't follow the writer is made anew; a writer that is gone is followed by another first.

        The copy is taken from a reader that follows, where there is one, else from the writer, which is stopped for it.
        """
        if not self._takes_writes():
            self.fence(self.writer)
            self.promote(self.candidate(), lambda *_: None)
        others = [zone for zone in self.zones if zone != self.writer]
        following = [zone for zone in others if self._members[zone].follows()]
        if broken := [zone for zone in others if zone not in following]:
            self._copy(following[0] if following else self.writer, broken)
        self.readers, self._failed = tuple(others), None

    def _copy(self, source: str, targets: Sequence[str]) -> None:
        """Make the servers of ``targets`` anew from that of ``source``, which is stopped meanwhile; all follow the writer."""
        original = self._members[source]
        original.server.stop()
        for zone in targets:
            self._members[zone].server.kill()
            self._members[zone].server.copy(original.server)
        every = (source, *targets)
        with ThreadPoolExecutor(max_workers=len(every)) as pool:
            for started in [pool.submit(self._start_of(zone)) for zone in every]:
                started.result()
        self._follow([zone for zone in every if zone != self.writer])

    def _start_of(self, zone: str) -> Callable[[], None]:
        member = self._members[zone]
        return member.start_writer if zone == self.writer else member.start_reader

    def _follow(self, zones: Sequence[str]) -> None:
        """Let them replicate from the writer, from wherever each is."""
        if zones:
            with self._stream.leading_to(self.writer, self.endpoint(self.writer).port) as address:
                for zone in zones:
                    self._members[zone].follow(address, REPLICATION_USER, self._password)

    def _hand_over(self) -> None:
        """The writer's last transaction is received by every reader that follows, or a wait of PATIENCE_S hasn't helped."""
        waiting = [self._members[zone] for zone in self.readers if self._members[zone].follows()]
        writer = self._members[self.writer]
        if waiting and writer.server.runs():
            writer.take_writes(yes=False)
            last, deadline = writer.received(), time.monotonic() + PATIENCE_S
            while any(reader.received() < last for reader in waiting) and time.monotonic() < deadline:
                time.sleep(LOOK_AGAIN_S)

    def _takes_writes(self) -> bool:
        if not self._members[self.writer].server.runs():
            return False
        try:
            with connect(self.endpoint(self.writer), GLANCE_S, GLANCE_S) as connection:
                return connection.query("SELECT @@read_only") == [(0,)]
        except (OSError, pymysql.MySQLError):
            return False

    @contextlib.contextmanager
    def _trouble(self, what: str) -> Iterator[None]:
        """A driver's error is a server that failed."""
        try:
            yield
        except (OSError, pymysql.MySQLError) as error:
            raise ServerFailed(f"{self.name}: {what}: {error}") from error
