"""One MariaDB server of a replicated topology: what it is started with, and what replication asks of it.

Positions are global transaction ids (GTIDs) of one domain, so the last number alone orders them. Every member logs what it
applies, so that its binary log's position says all that it has.
"""

import time
from collections.abc import Mapping

from harness.errors import ServerFailed
from harness.local.mariadb import MariaDbServer
from harness.local.processes import held_port

LOOPBACK = "127.0.0.1"
PATIENCE_S = 15.0
CATCH_UP_S = 60.0
GLANCE_S = 1.0  # a question to a server that may hang
LOOK_AGAIN_S = 0.005
TEN_YEARS_MS = 10 * 365 * 86_400 * 1_000

REPLICATION: Mapping[str, str] = {
    "log_bin": "binlog",
    "relay_log": "relay",
    "binlog_format": "ROW",
    "log_slave_updates": "ON",
    "gtid_strict_mode": "ON",
    "skip_slave_start": "ON",
    # One thread applies less than several clients write: the reader that takes over would be seconds behind.
    "slave_parallel_threads": "8",
}
# The defaults are wrong for this (F6): they show a commit to others before any reader has it, and go on without one after 10 s.
SEMI_SYNCHRONOUS: Mapping[str, str] = {
    "rpl_semi_sync_master_wait_point": "AFTER_SYNC",
    "rpl_semi_sync_master_wait_no_slave": "ON",
    "rpl_semi_sync_master_timeout": str(TEN_YEARS_MS),
    "rpl_semi_sync_slave_kill_conn_timeout": "1",
}


class Member:
    """A server and its zone; ``number`` is its server_id. With ``synchronous`` a commit waits for one reader's word."""

    def __init__(self, server: MariaDbServer, zone: str, number: int, *, synchronous: bool) -> None:
        self.server, self.zone = server, zone
        self._always = {**REPLICATION, "server_id": str(number)}
        self._writer, self._reader = {"read_only": "OFF"}, {"read_only": "ON"}
        if synchronous:
            self._always |= SEMI_SYNCHRONOUS
            self._writer |= {"rpl_semi_sync_master_enabled": "ON", "rpl_semi_sync_slave_enabled": "OFF"}
            self._reader |= {"rpl_semi_sync_master_enabled": "OFF", "rpl_semi_sync_slave_enabled": "ON"}
        self._parameters: Mapping[str, str] = {}

    def apply(self, parameters: Mapping[str, str]) -> None:
        """Dynamic settings, from now on and over restarts."""
        self._parameters = dict(parameters)
        if self.server.runs():
            self._set(self._parameters)

    def start_writer(self) -> None:
        """Start in its zone, taking writes; synchronous ones are answered once a reader follows."""
        self.server.configure({**self._always, **self._writer, **self._parameters})
        self.server.start(self.zone)

    def start_reader(self) -> None:
        """Start in its zone, following nobody yet."""
        self.server.configure({**self._always, **self._reader, **self._parameters})
        self.server.start(self.zone)

    def start_alone(self) -> None:
        """Start where nobody looks for it, waiting for and following nobody."""
        self.server.configure({**self._always, **self._parameters})
        with held_port(LOOPBACK) as port:
            self.server.start(LOOPBACK, port=port)

    def follow(self, address: tuple[str, int], user: str, password: str) -> None:
        """Replicate from ``address`` whatever comes after all that this server has; returns when both threads run."""
        with self.server.admin(PATIENCE_S) as connection:
            connection.execute("STOP SLAVE")
            connection.execute("RESET SLAVE ALL")
            connection.execute("SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos")
            connection.execute(
                "CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, MASTER_PASSWORD = %s,"
                " MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
                (*address, user, password),
            )
            connection.execute("START SLAVE")
            deadline = time.monotonic() + PATIENCE_S
            while not _follows(status := connection.replication()):
                if time.monotonic() > deadline or status["Last_SQL_Errno"] or status["Last_IO_Errno"]:
                    said = status["Last_SQL_Error"] or status["Last_IO_Error"] or status["Slave_IO_State"]
                    raise ServerFailed(f"{self.server.name} doesn't follow {address[0]}:{address[1]}: {said}")
                time.sleep(LOOK_AGAIN_S)

    def follows(self) -> bool:
        """Whether it runs, answers and replicates."""
        if not self.server.runs():
            return False
        try:
            with self.server.admin(GLANCE_S) as connection:
                return _follows(connection.replication())
        except ServerFailed:
            return False

    def received(self) -> int:
        """How far it has come: the last transaction that it holds, applied or not."""
        with self.server.admin(GLANCE_S) as connection:
            ((applied,),) = connection.query("SELECT @@gtid_binlog_pos")
            return max(_number(applied), _number(connection.replication().get("Gtid_IO_Pos", "")))

    def take_over(self) -> None:
        """Apply what was received, follow nobody any more, and wait for readers from now on; still read-only."""
        with self.server.admin(CATCH_UP_S + PATIENCE_S) as connection:
            # This order: with neither thread running, a start would throw away what was received and not applied.
            connection.execute("START SLAVE SQL_THREAD")
            connection.execute("STOP SLAVE IO_THREAD")
            status = connection.replication()
            if position := status.get("Gtid_IO_Pos"):
                ((missed,),) = connection.query("SELECT MASTER_GTID_WAIT(%s, %s)", (position, CATCH_UP_S))
                if missed != 0:
                    said = connection.replication()["Last_SQL_Error"]
                    raise ServerFailed(f"{self.server.name} couldn't apply all that it received, {position}: {said}")
            connection.execute("STOP SLAVE")
            connection.execute("RESET SLAVE ALL")
        self._set({name: value for name, value in self._writer.items() if name != "read_only"})

    def take_writes(self, *, yes: bool) -> None:
        """Let the application write, or no longer; no commit is under way on return."""
        self._set({"read_only": "OFF" if yes else "ON"})

    def _set(self, settings: Mapping[str, str]) -> None:
        if settings:
            with self.server.admin(PATIENCE_S) as connection:
                connection.execute("SET " + ", ".join(f"GLOBAL {name} = {value}" for name, value in settings.items()))


def _follows(status: Mapping[str, str]) -> bool:
    return status.get("Slave_IO_Running") == "Yes" and status.get("Slave_SQL_Running") == "Yes"


def _number(position: str) -> int:
    """``0-1-123`` -> 123; nothing yet -> 0."""
    return int(position.rpartition("-")[2] or 0)
