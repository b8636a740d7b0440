"""Backups and point-in-time restore on the real servers: exactly what was committed before the second is back, beside the old instance.

What *exactly* is, is asked of the old server, by another way than the restore's: PostgreSQL keeps each commit's microsecond
(``track_commit_timestamp``); MariaDB's own log has, at the place that SHOW BINLOG EVENTS gives for a row, the second of its event.
"""

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sql_writers import CLIENTS, present, writing

from harness.errors import CannotMeasure, ServerFailed, UsageError
from harness.local.mariadb import MariaDbServer
from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sqlserver import SqlServer
from harness.local.topologies.model import ZONES
from harness.local.topologies.volume import ALWAYS, MAKE
from harness.sql import ledger
from harness.sql.connections import connect
from harness.sql.endpoint import Engine
from harness.sql.recovery.make import backups_of
from harness.sql.recovery.model import Backups, now

OLD, NEW, _ = ZONES
TRIAL = 1
A_SECOND = timedelta(seconds=1)
ENGINES: tuple[Engine, ...] = ("postgres", "mysql")
SETTINGS = {"postgres": {"track_commit_timestamp": "on"}, "mysql": dict(ALWAYS["mysql"])}
ROTATE = {"postgres": "SELECT pg_switch_wal()", "mysql": "FLUSH BINARY LOGS"}


@dataclass(slots=True)
class Database:
    """An instance that runs, with an empty ledger, and its backups, which archive its log."""

    warden: Warden
    server: SqlServer
    backups: Backups
    restored: Iterator[int] = field(default_factory=lambda: count(1))

    def restore(self, before: datetime) -> SqlServer:
        return self.backups.restore(f"restored-{next(self.restored)}", NEW, before=before).server

    def clock(self) -> datetime:
        with connect(self.server.endpoint(OLD)) as connection:
            return now(connection)

    def past(self, moment: datetime) -> None:
        while self.clock() <= moment:
            time.sleep(0.02)

    def write(self, write_id: int) -> None:
        with connect(self.server.endpoint(OLD)) as connection:
            ledger.write(connection, write_id, TRIAL, once=False)

    def rotate(self) -> None:
        """Let the server begin another file of its log."""
        if isinstance(self.server, MariaDbServer):
            with self.server.admin() as connection:
                connection.execute(ROTATE["mysql"])
        else:
            with connect(self.server.endpoint(OLD)) as connection:
                connection.query(ROTATE["postgres"])


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest, warden: Warden) -> Database:
    engine: Engine = request.param
    server = MAKE[engine](warden, ZONES, SETTINGS[engine], name=f"{engine}-old")
    server.create()
    server.start(OLD)
    with connect(server.endpoint(OLD)) as connection:
        ledger.create(connection)
    backups = backups_of(server, warden, OLD, SETTINGS[engine])
    backups.begin()
    return Database(warden, server, backups)


def written_before(database: Database, second: datetime) -> tuple[set[int], set[int]]:
    """Write ids that the old server's own account puts before ``second``, whatever was deleted since; and those on the edge.

    PostgreSQL takes a commit's time a moment before its place in the log, where a restore ends with the first commit of the second:
    two commits that are microseconds apart may have changed places.
    """
    if isinstance(database.server, MariaDbServer):
        return by_the_binary_log(database.server, second), set()
    with connect(database.server.endpoint(OLD)) as connection:
        rows = connection.query(
            "SELECT write_id, at FROM deleted UNION ALL SELECT write_id, pg_xact_commit_timestamp(xmin) FROM ledger"
        )
    edge = {write_id for write_id, at in rows if abs(at - second) < timedelta(microseconds=100)}
    return {write_id for write_id, at in rows if at < second}, edge


def by_the_binary_log(server: MariaDbServer, second: datetime) -> set[int]:
    """Rows that come, in the order of the log, before its first event of that second or a later one."""
    written: set[int] = set()
    with server.admin() as connection:
        for file, *_ in connection.query("SHOW BINARY LOGS"):
            content = Path(server.data / file).read_bytes()
            for _, position, _, _, _, info in connection.query(f"SHOW BINLOG EVENTS IN '{file}'"):
                (at,) = struct.unpack_from("<I", content, position)  # an event begins with its time, in seconds
                if at >= second.timestamp():
                    return written
                if "INSERT INTO ledger" in info:
                    written.add(int(info.rpartition("VALUES (")[2].partition(",")[0]))
    return written


def delete_every_other(database: Database) -> int:
    """The bad DELETE; PostgreSQL's rows leave behind when they were committed."""
    with connect(database.server.endpoint(OLD)) as connection:
        if connection.engine == "mysql":
            return connection.execute("DELETE FROM ledger WHERE write_id % 2 = 0")
        connection.execute("CREATE TABLE deleted (write_id bigint, at timestamptz)")
        return connection.execute(
            "WITH gone AS (DELETE FROM ledger WHERE write_id % 2 = 0 RETURNING write_id, pg_xact_commit_timestamp(xmin) AS at)"
            " INSERT INTO deleted SELECT write_id, at FROM gone"
        )


def test_exactly_what_was_committed_before_the_second_of_a_bad_delete_is_back_beside_the_old_instance(
    database: Database,
) -> None:
    """Under four writers, from a backup made while they wrote, over a change of log files; the chosen second is the server's.

    Rows that were acknowledged in the delete's own second, before it, aren't back: a restore is to whole seconds.
    """
    old = database.server.endpoint(OLD)
    with writing(old, TRIAL) as writers:
        writers.wait_for(200)
        database.backups.base_backup()
        writers.wait_for(200)
        database.rotate()
        before_the_second = writers.acknowledged.copy()
        second = database.clock().replace(microsecond=0) + A_SECOND
        database.past(second)
        since = max(writers.acknowledged.copy()) + CLIENTS
        writers.wait_for(50)
        in_the_second = {write_id for write_id in writers.acknowledged.copy() if write_id > since}
        deleted = delete_every_other(database)
        writers.wait_for(50)
        database.backups.latest_restorable()
        database.server.kill()
    database.server.start(OLD)
    expected, edge = written_before(database, second)

    restored = database.restore(second)

    found = present(restored.endpoint(NEW), TRIAL)
    assert found | edge == expected | edge and len(edge) < 10
    assert deleted > 100
    assert before_the_second <= found and len({write_id for write_id in found if write_id % 2 == 0}) > 100
    assert in_the_second and not in_the_second & found
    assert not {write_id for write_id in present(old, TRIAL) & expected if write_id % 2 == 0}


def test_the_new_instance_takes_writes_that_the_old_one_does_not_see_and_survives_a_kill(database: Database) -> None:
    """It is an instance of its own, durable as any: settings of the restore aren't left on it."""
    database.write(1)
    database.backups.base_backup()
    database.write(2)
    second = database.clock().replace(microsecond=0) + A_SECOND
    database.past(second)
    database.backups.latest_restorable()
    restored = database.restore(second)
    with connect(restored.endpoint(NEW)) as connection:
        ledger.write(connection, 3, TRIAL, once=False)
        if restored.engine == "mysql":
            assert connection.query("SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog") == [(1, 1)]
    restored.kill()
    restored.start(NEW)
    assert present(restored.endpoint(NEW), TRIAL) == {1, 2, 3}
    assert present(database.server.endpoint(OLD), TRIAL) == {1, 2}


def test_the_newest_backup_that_ended_by_then_is_where_a_restore_begins(database: Database) -> None:
    """Each of two seconds from its own."""
    first = database.backups.base_backup()
    database.write(1)
    early = database.clock().replace(microsecond=0) + A_SECOND
    database.past(early)
    second = database.backups.base_backup()
    database.write(2)
    late = database.clock().replace(microsecond=0) + A_SECOND
    database.past(late)
    database.backups.latest_restorable()

    restored = database.backups.restore("early", NEW, before=early)
    assert restored.backup == first and present(restored.server.endpoint(NEW), TRIAL) == {1}
    restored.server.kill()
    restored = database.backups.restore("late", NEW, before=late)
    assert restored.backup == second and present(restored.server.endpoint(NEW), TRIAL) == {1, 2}


def test_a_second_that_no_backup_or_log_leads_to_is_refused_with_the_moment_that_would_do(database: Database) -> None:
    """Before the first backup, after the archived log, between two seconds; nothing is made."""
    second = database.clock().replace(microsecond=0)
    with pytest.raises(CannotMeasure, match="there is no base backup"):
        database.restore(second)
    backup = database.backups.base_backup()
    with pytest.raises(CannotMeasure, match="the first base backup ended at ") as refused:
        database.restore(second)
    assert backup.ended_at.isoformat() in str(refused.value)
    with pytest.raises(CannotMeasure, match="the archived log is known to reach "):
        database.restore(second + timedelta(hours=1))
    with pytest.raises(UsageError, match="a restore is to a whole second"):
        database.restore(backup.ended_at.replace(microsecond=1))
    assert [path.name for path in database.warden.scratch.glob("restored-*")] == []


def test_after_the_server_was_started_anew_its_log_is_archived_on(database: Database) -> None:
    """From where the archive had come to: nothing between is missing."""
    database.backups.base_backup()
    database.write(1)
    database.server.stop()
    database.server.start(OLD)
    database.write(2)
    database.backups.begin()
    database.write(3)
    second = database.clock().replace(microsecond=0) + A_SECOND
    database.past(second)
    database.backups.latest_restorable()
    assert present(database.restore(second).endpoint(NEW), TRIAL) == {1, 2, 3}


def test_an_archive_that_nobody_keeps_any_more_is_told_in_one_line(database: Database) -> None:
    """Its process was killed: the latest restorable moment stands still, and that is an error, not a wait without end."""
    database.warden.kill(f"{database.server.name}-log-archive")
    database.write(1)
    with pytest.raises(ServerFailed, match="nobody archives the log of .* any more; begin again"):
        database.backups.latest_restorable()
    database.backups.begin()
    assert database.backups.latest_restorable() > database.clock() - A_SECOND


def test_nothing_is_left_when_backups_end(database: Database) -> None:
    """No process, no file, and no slot for which the server would keep its log for ever."""
    database.backups.base_backup()
    database.backups.end()
    assert set(database.warden.servers()) == {database.server.name}
    assert not (database.warden.scratch / f"{database.server.name}-backups").exists()
    if isinstance(database.server, PostgresServer):
        with connect(database.server.endpoint(OLD)) as connection:
            assert connection.query("SELECT count(*) FROM pg_replication_slots") == [(0,)]
