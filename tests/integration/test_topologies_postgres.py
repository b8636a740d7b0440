"""PostgreSQL with standbys: what a cluster never loses, what a replica that lags does lose, and who takes over."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psutil
import psycopg
import pytest
from sql_writers import Writers, eventually_present, present, writing

from harness.errors import CannotMeasure, ServerFailed
from harness.local.processes import Warden
from harness.local.topologies.model import ZONES, Topology
from harness.local.topologies.postgres_replicas import PostgresReplicas, async_replica, multi_az_cluster
from harness.local.topologies.volume import single_az
from harness.sql import ledger
from harness.sql.connections import SqlConnection, connect

ENOUGH_WRITES = 100
LAG_MS = 300.0
trials = count(1)


@pytest.fixture(scope="module")
def keeper() -> Iterator[Warden]:
    """One warden for a cluster and a replica, side by side."""
    warden = Warden.start()
    yield warden
    warden.close()


@pytest.fixture(scope="module")
def made_cluster(keeper: Warden) -> PostgresReplicas:
    return _created(multi_az_cluster(keeper))


@pytest.fixture(scope="module")
def made_replica(keeper: Warden) -> PostgresReplicas:
    return _created(async_replica(keeper, delay_ms=LAG_MS))


@pytest.fixture
def cluster(made_cluster: PostgresReplicas) -> Iterator[PostgresReplicas]:
    yield made_cluster
    made_cluster.restore()
    made_cluster.apply({})


@pytest.fixture
def replica(made_replica: PostgresReplicas) -> Iterator[PostgresReplicas]:
    yield made_replica
    made_replica.restore()
    made_replica.apply({})


def _created(topology: PostgresReplicas) -> PostgresReplicas:
    topology.create()
    with at(topology, topology.writer) as connection:
        ledger.create(connection)
    for reader in topology.readers:  # else a replica that lags could lose the table itself
        with at(topology, reader) as connection:
            until(lambda connection=connection: connection.query("SELECT to_regclass('ledger')::text") == [("ledger",)])
    return topology


def at(topology: Topology, zone: str) -> SqlConnection:
    return connect(topology.endpoint(zone))


def fail_over(topology: Topology) -> list[tuple[str, str]]:
    """What a controller does once it knows; the events of the promotion."""
    events: list[tuple[str, str]] = []
    topology.fence(topology.writer)
    topology.promote(topology.candidate(), lambda what, zone: events.append((what, zone)))
    return events


def write_ids(topology: Topology, zone: str, trial: int) -> set[int]:
    return present(topology.endpoint(zone), trial)


def until(holds: Callable[[], bool], patience_s: float = 30.0) -> None:
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def lose_the_writer(topology: Topology, trial: int, take_away: Callable[[str], None]) -> Writers:
    """Clients were writing; another server has taken over on return."""
    with writing(topology.endpoint(topology.writer), trial) as writers:
        writers.wait_for(ENOUGH_WRITES)
        take_away(topology.writer)
        fail_over(topology)
    return writers


def lost_writes(topology: Topology, trial: int, writers: Writers) -> set[int]:
    """Acknowledged, and not in the writer's table."""
    return writers.acknowledged - write_ids(topology, topology.writer, trial)


@pytest.mark.parametrize(
    "kills",
    [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)])],
    ids=lambda kills: f"{kills} kills",
)
def test_a_cluster_loses_no_acknowledged_write_by_kill_9_of_its_writer(cluster: PostgresReplicas, kills: int) -> None:
    """Each time restored from the time before: a commit is answered when one standby has it on disk.

    What the old writer has beyond that was never answered.
    """
    for trial in [next(trials) for _ in range(kills)]:
        writers = lose_the_writer(cluster, trial, cluster.crash)
        assert len(writers.acknowledged) >= ENOUGH_WRITES
        assert lost_writes(cluster, trial, writers) == set()
        lost = cluster.lost_rows(trial)
        assert lost is not None
        assert lost <= writers.ambiguous
        cluster.restore()
        for reader in cluster.readers:
            assert eventually_present(cluster.endpoint(reader), trial, writers.acknowledged)


def test_a_failover_moves_the_writer_and_restoring_gives_back_a_full_set(cluster: PostgresReplicas) -> None:
    """Writer and readers change places; every row is in every zone, and a reader takes no writes."""
    before, trial = cluster.writer, next(trials)
    with at(cluster, before) as connection:
        connection.execute(ledger.INSERT, (1, trial))
    cluster.crash(before)
    assert cluster.writer == before
    events = fail_over(cluster)
    assert cluster.writer != before
    assert events == [("promoted", cluster.writer), ("server_ready", cluster.writer)]
    assert set(cluster.readers) == set(ZONES) - {before, cluster.writer}
    cluster.restore()
    assert set(cluster.readers) == set(ZONES) - {cluster.writer}
    with at(cluster, cluster.writer) as connection:
        connection.execute(ledger.INSERT, (2, trial))
    for zone in ZONES:
        assert eventually_present(cluster.endpoint(zone), trial, {1, 2})
    for zone in cluster.readers:
        with at(cluster, zone) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute(ledger.INSERT, (3, trial))


@pytest.mark.parametrize("which", [0, 1])
def test_the_standby_that_received_most_takes_over(cluster: PostgresReplicas, which: int) -> None:
    """Not the one that played most: its log ended earlier. One standby receives no more, the other receives and doesn't play."""
    trial, behind, ahead = next(trials), cluster.readers[which], cluster.readers[1 - which]
    with at(cluster, behind) as connection:
        connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
        connection.query("SELECT pg_reload_conf()")
        until(lambda: connection.query("SELECT count(*) FROM pg_stat_wal_receiver") == [(0,)])
    with at(cluster, ahead) as connection:
        connection.query("SELECT pg_wal_replay_pause()")
        until(lambda: connection.query("SELECT pg_get_wal_replay_pause_state()") == [("paused",)])
        played = connection.query("SELECT pg_last_wal_replay_lsn()")
    with at(cluster, behind) as connection:
        assert connection.query("SELECT pg_last_wal_replay_lsn()") >= played
    with at(cluster, cluster.writer) as connection:
        for write_id in range(50):
            connection.execute(ledger.INSERT, (write_id, trial))
    cluster.crash(cluster.writer)
    cluster.fence(cluster.writer)
    assert cluster.candidate() == ahead
    with at(cluster, behind) as connection:  # let it follow whoever is named to it
        connection.execute("ALTER SYSTEM RESET primary_conninfo")
    cluster.promote(ahead, lambda *_: None)
    assert write_ids(cluster, ahead, trial) == set(range(50))
    assert eventually_present(cluster.endpoint(behind), trial, set(range(50)))


def test_a_commit_waits_while_both_standbys_are_stopped(cluster: PostgresReplicas) -> None:
    """Until one is back: it is in the writer's own log, which isn't enough. Under ``local`` it is."""
    trial = next(trials)
    for reader in cluster.readers:
        cluster.stop(reader)
    waiting = threading.Thread(target=_insert, args=(cluster, 1, trial), daemon=True)
    waiting.start()
    asks = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with at(cluster, cluster.writer) as connection:
        until(lambda: connection.query(asks) == [(1,)])
    assert write_ids(cluster, cluster.writer, trial) == set()
    cluster.apply({"synchronous_commit": "local"})
    _insert(cluster, 2, trial)
    assert waiting.is_alive()
    cluster.server(cluster.readers[1]).start(cluster.readers[1])
    waiting.join(timeout=30)
    assert not waiting.is_alive()
    assert write_ids(cluster, cluster.writer, trial) == {1, 2}


def _insert(topology: Topology, write_id: int, trial: int) -> None:
    with at(topology, topology.writer) as connection:
        connection.execute(ledger.INSERT, (write_id, trial))


def test_a_writer_that_hangs_is_fenced_before_another_takes_over(cluster: PostgresReplicas) -> None:
    """It still accepts connections and answers nothing; its data directory is its own until it is killed, stopped as it is."""
    hung, trial = cluster.writer, next(trials)
    server = cluster.server(hung)
    with writing(cluster.endpoint(hung), trial) as writers:
        writers.wait_for(ENOUGH_WRITES)
        tree = _tree(cluster, hung)
        cluster.hang(hung)
        until(lambda: {each.status() for each in tree if each.is_running()} == {psutil.STATUS_STOPPED})
        with pytest.raises(ServerFailed, match="still runs or hangs as process .*fence it first"):
            server.start(hung)
        fail_over(cluster)
    assert not any(process.is_running() for process in tree)
    assert lost_writes(cluster, trial, writers) == set()


def _tree(cluster: PostgresReplicas, zone: str) -> list[psutil.Process]:
    """The postmaster of a zone and what it has started."""
    for process in psutil.process_iter(["cmdline"]):
        if str(cluster.server(zone).data) in (process.info["cmdline"] or ()):
            return [process, *process.children(recursive=True)]
    raise AssertionError(f"no server runs in {zone}")


def test_a_planned_failover_of_a_cluster_loses_nothing(cluster: PostgresReplicas) -> None:
    """A clean shutdown under load waits until the standbys have all: the old writer's table has nothing that the new one's hasn't."""
    trial = next(trials)
    writers = lose_the_writer(cluster, trial, cluster.stop)
    assert lost_writes(cluster, trial, writers) == set()
    assert cluster.lost_rows(trial) == set()


def test_restoring_remakes_a_reader_that_died_or_hangs(cluster: PostgresReplicas) -> None:
    """Without a failover: the writer stays, and both readers follow again. One that hangs is no candidate."""
    writer, trial, (dead, hung) = cluster.writer, next(trials), cluster.readers
    cluster.hang(hung)
    assert cluster.candidate() == dead
    cluster.crash(dead)
    with pytest.raises(ServerFailed, match="no reader of multi_az_cluster answers"):
        cluster.candidate()
    cluster.restore()
    assert cluster.writer == writer
    _insert(cluster, 1, trial)
    for reader in (dead, hung):
        assert eventually_present(cluster.endpoint(reader), trial, {1})


def test_a_writer_that_nobody_followed_is_followed_before_it_is_remade(cluster: PostgresReplicas) -> None:
    """restore after a trial whose failover never came."""
    before = cluster.writer
    cluster.crash(before)
    cluster.restore()
    assert cluster.writer != before
    assert before in cluster.readers


def test_durability_holds_on_every_server_over_restarts_until_it_is_taken_back(cluster: PostgresReplicas) -> None:
    """For connections that are open too; {} is what RDS has. Another engine's parameter is refused."""
    with at(cluster, cluster.writer) as before:
        cluster.apply({"synchronous_commit": "off"})
        assert before.query("SHOW synchronous_commit") == [("off",)]
    cluster.crash(cluster.writer)
    fail_over(cluster)
    cluster.restore()
    for zone in ZONES:
        with at(cluster, zone) as connection:
            assert connection.query("SHOW synchronous_commit") == [("off",)]
            assert connection.query("SHOW fsync") == [("on",)]
    cluster.apply({})
    for zone in ZONES:
        with at(cluster, zone) as connection:
            assert connection.query("SHOW synchronous_commit") == [("on",)]
    with pytest.raises(
        CannotMeasure, match="sync_binlog: no durability parameter of postgres; there are synchronous_commit"
    ):
        cluster.apply({"sync_binlog": "0"})


def test_a_setting_that_the_server_refuses_is_named(cluster: PostgresReplicas) -> None:
    """It goes on with what it had."""
    server = cluster.server(cluster.readers[0])
    with pytest.raises(ServerFailed, match="won't have shared_buffers: setting could not be applied"):
        server.configure({"shared_buffers": "1MB"})
        server.reload(cluster.readers[0])


@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_a_replica_that_lags_loses_writes_and_the_tables_say_which(replica: PostgresReplicas, fault: str) -> None:
    """The writer's last 300 ms went with it. Both tables are also compared here, with the old writer started as any other."""
    failed, trial = replica.writer, next(trials)
    writers = lose_the_writer(replica, trial, replica.crash if fault == "crash" else replica.hang)
    lost = replica.lost_rows(trial)
    replica.server(failed).start(failed)
    assert lost == write_ids(replica, failed, trial) - write_ids(replica, replica.writer, trial)
    replica.server(failed).kill()
    assert lost_writes(replica, trial, writers)
    assert lost_writes(replica, trial, writers) == writers.acknowledged & lost
    assert lost <= writers.acknowledged | writers.ambiguous


def test_a_planned_failover_of_a_replica_loses_nothing(replica: PostgresReplicas) -> None:
    """The shutdown waits until the replica has the last of it, however late that comes."""
    trial = next(trials)
    writers = lose_the_writer(replica, trial, replica.stop)
    assert lost_writes(replica, trial, writers) == set()
    assert replica.lost_rows(trial) == set()


def test_tables_are_compared_only_after_a_failover(replica: PostgresReplicas) -> None:
    """Before it there is no failed writer."""
    with pytest.raises(CannotMeasure, match="async_replica hasn't failed over since it was made or restored"):
        replica.lost_rows(1)


def test_the_failed_writer_is_asked_where_nobody_else_reaches_it(replica: PostgresReplicas) -> None:
    """It listens at no address at all."""
    failed = replica.writer
    replica.crash(failed)
    fail_over(replica)
    alone = replica.server(failed).start_alone()
    assert alone.host.startswith("/")
    postmaster = _tree(replica, failed)[0]
    assert [each for each in postmaster.net_connections("inet") if each.status == psutil.CONN_LISTEN] == []
    with connect(alone) as connection:
        assert connection.query("SELECT pg_is_in_recovery()") == [(False,)]


def test_a_cluster_between_far_zones_waits_for_the_round_trip_and_fails_over(warden: Warden) -> None:
    """30 ms each way: no commit is quicker than 60 ms. A cluster that was made without a delay has nothing to set."""
    cluster = _created(multi_az_cluster(warden, inter_az_ms=0.0))
    cluster.set_inter_az(30.0)
    with at(cluster, cluster.writer) as connection:
        began = time.monotonic()
        connection.execute(ledger.INSERT, (1, 1))
        assert time.monotonic() - began >= 0.060
    cluster.crash(cluster.writer)
    fail_over(cluster)
    assert write_ids(cluster, cluster.writer, 1) == {1}
    with at(cluster, cluster.writer) as connection:
        began = time.monotonic()
        connection.execute(ledger.INSERT, (2, 1))
        assert time.monotonic() - began >= 0.060
    cluster.set_inter_az(0.0)
    cluster.restore()
    assert write_ids(cluster, cluster.writer, 1) == {1, 2}
    with pytest.raises(CannotMeasure, match="no proxy"):
        multi_az_cluster(warden).set_inter_az(1.0)


def test_every_server_ends_with_the_warden_a_hung_one_too() -> None:
    """Postmasters, backends, walsenders and the stream's proxy."""
    warden = Warden.start()
    replica = _created(async_replica(warden))
    below = psutil.Process(warden.servers()[replica.server(ZONES[0]).name]).parent()
    assert below is not None
    everybody = below.children(recursive=True)
    assert len(everybody) > len(warden.servers()) == 3
    replica.hang(replica.writer)
    warden.close()
    assert not any(process.is_running() for process in everybody)


@pytest.mark.parametrize("synchronous_commit", ["on", "local", "off"])
def test_a_process_crash_loses_what_the_log_had_not_been_told(warden: Warden, synchronous_commit: str) -> None:
    """One server, three crashes while four clients write: ``off`` leaves up to three turns of the WAL writer (200 ms each) in memory."""
    database = single_az(warden, "postgres")
    database.create()
    with at(database, database.writer) as connection:
        ledger.create(connection)
    database.apply({"synchronous_commit": synchronous_commit})
    lost = 0
    for trial in range(3):
        writers = lose_the_writer(database, trial, database.crash)
        lost += len(lost_writes(database, trial, writers))
    assert (lost > 0) == (synchronous_commit == "off")


def test_no_password_can_be_read_by_others(
    keeper: Warden, cluster: PostgresReplicas, replica: PostgresReplicas
) -> None:
    """Neither in a file that others may open, a log that names the setting included, nor in a command line."""
    passwords = [made.endpoint(made.writer).password for made in (cluster, replica)]
    seen = ["\0".join(psutil.Process(pid).cmdline()) for pid in keeper.servers().values()]
    for folder, below, names in os.walk(keeper.scratch):
        below[:] = [name for name in below if (Path(folder) / name).stat().st_mode & 0o001]
        files = [Path(folder) / name for name in names]
        seen += [file.read_text(errors="replace") for file in files if file.stat().st_mode & 0o004]
    assert any("primary_conninfo" in text for text in seen)
    assert not [password for password in passwords if any(password in text for text in seen)]
