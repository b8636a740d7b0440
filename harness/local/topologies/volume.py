"""One data directory, and one server at a time on it: a single-AZ instance, and a Multi-AZ instance.

The directory is the volume, and for Multi-AZ the one that is replicated block by block: the same bytes in every zone, so that
a server in the second zone does what a standby does after a process crash, crash recovery included. It isn't a lost host: the
kernel's page cache survives (F6), and with it whatever was written and never fsynced.
"""

import signal
from collections.abc import Callable, Mapping

from harness.errors import CannotMeasure
from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sqlserver import SqlServer
from harness.local.topologies.model import ZONES, OnEvent, TopologyName
from harness.sql import heartbeat
from harness.sql.connections import connect
from harness.sql.endpoint import Engine, SqlEndpoint

# What MySQL has on RDS while backups are on; without a binary log ``sync_binlog`` would mean nothing.
ALWAYS: Mapping[Engine, Mapping[str, str]] = {"mysql": {"log_bin": "binlog", "server_id": "1"}, "postgres": {}}
DURABILITY: Mapping[Engine, frozenset[str]] = {  # D7
    "mysql": frozenset({"innodb_flush_log_at_trx_commit", "sync_binlog"}),
    "postgres": frozenset({"synchronous_commit"}),
}
MAKE: Mapping[Engine, Callable[..., SqlServer]] = {"mysql": MariaDbServer, "postgres": PostgresServer}


def require_durability(engine: Engine, parameters: Mapping[str, str]) -> None:
    """Raise CannotMeasure for what isn't a durability parameter of ``engine``."""
    known = DURABILITY[engine]
    if unknown := parameters.keys() - known:
        raise CannotMeasure(
            f"{', '.join(sorted(unknown))}: no durability parameter of {engine}; there are {', '.join(sorted(known))}"
        )


def single_az(warden: Warden, engine: Engine) -> "VolumeTopology":
    """One zone; a server that failed is started anew where it was. Raises CannotMeasure where there is no such server."""
    return _made(warden, engine, "single_az", ZONES[:1])


def multi_az_instance(warden: Warden, engine: Engine) -> "VolumeTopology":
    """Two zones on one volume; a failed server is followed by one in the other. Raises CannotMeasure as ``single_az``."""
    return _made(warden, engine, "multi_az_instance", ZONES[:2])


def _made(warden: Warden, engine: Engine, name: TopologyName, zones: tuple[str, ...]) -> "VolumeTopology":
    server = MAKE[engine](warden, zones, ALWAYS[engine], name=f"{engine}-{name}")
    return VolumeTopology(warden, server, name, zones)


class VolumeTopology:
    """See Topology: ``server`` on its one data directory, in one of ``zones`` at a time."""

    def __init__(self, warden: Warden, server: SqlServer, name: TopologyName, zones: tuple[str, ...]) -> None:
        self.name, self.zones, self.writer = name, zones, zones[0]
        self.engine, self.product = server.engine, server.product
        self.readers: tuple[str, ...] = ()  # a standby of blocks can't be read (D1)
        self._warden, self._server = warden, server
        self._parameters: dict[str, str] = {}

    def create(self) -> None:
        """See Topology."""
        self._server.create()
        self._server.start(self.writer)
        with connect(self.endpoint(self.writer)) as connection:
            heartbeat.create(connection)

    def endpoint(self, zone: str) -> SqlEndpoint:
        """See Topology."""
        return self._server.endpoint(zone)

    def apply(self, parameters: Mapping[str, str]) -> None:
        """See Topology; the server is started anew where anything changes, so that a trial begins as after a reboot."""
        require_durability(self.engine, parameters)
        if parameters != self._parameters:
            self._server.stop()
            self._server.configure({**ALWAYS[self.engine], **parameters})
            self._server.start(self.writer)
            self._parameters = dict(parameters)

    def crash(self, zone: str) -> None:
        """See Topology."""
        self._signal(zone, signal.SIGKILL)

    def hang(self, zone: str) -> None:
        """See Topology."""
        self._signal(zone, signal.SIGSTOP)

    def stop(self, zone: str) -> None:
        """See Topology."""
        if zone == self.writer:
            self._server.stop()

    def fence(self, zone: str) -> None:
        """See Topology; resets reach its clients, which a dead zone wouldn't send (F6)."""
        if zone == self.writer:
            self._server.kill()

    def candidate(self) -> str:
        """See Topology: the next zone, which is the same one where there is only one."""
        return self.zones[(self.zones.index(self.writer) + 1) % len(self.zones)]

    def promote(self, zone: str, on_event: OnEvent) -> None:
        """See Topology; refused by the server, with ServerFailed, while one that wasn't fenced holds the volume."""
        on_event("server_started", zone)
        self._server.start(zone)
        self.writer = zone
        with connect(self.endpoint(zone)) as connection:
            heartbeat.beat(connection)
        on_event("server_ready", zone)

    def lost_rows(self, trial: int) -> set[int] | None:  # noqa: ARG002 - as the protocol has it
        """None: there is one volume, and no other table to hold against."""
        return None

    def restore(self) -> None:
        """Nothing: a zone without a server is a standby as good as it was."""

    def _signal(self, zone: str, signum: int) -> None:
        if zone == self.writer:
            self._warden.signal(self._server.name, signum, tree=True)
