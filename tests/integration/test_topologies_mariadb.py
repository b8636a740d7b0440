"""MariaDB in several copies: what a synchronous cluster never loses, and what an asynchronous replica does."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import pymysql
import pytest
from sql_writers import eventually_present, present, writing

from harness.errors import CannotMeasure, ServerFailed
from harness.local.mariadb import MariaDbServer
from harness.local.processes import Warden
from harness.local.topologies.mariadb_replicas import MariaDbReplicas, async_replica, multi_az_cluster
from harness.local.topologies.model import ZONES
from harness.sql import ledger
from harness.sql.connections import connect

TRIALS = count(1)


@pytest.fixture(scope="module")
def keeper() -> Iterator[Warden]:
    warden = Warden.start()
    yield warden
    warden.close()


@pytest.fixture(scope="module")
def made_cluster(keeper: Warden) -> MariaDbReplicas:
    made = multi_az_cluster(keeper)
    made.create()
    with connect(made.endpoint(made.writer)) as connection:
        ledger.create(connection)
    return made


@pytest.fixture
def cluster(made_cluster: MariaDbReplicas) -> Iterator[MariaDbReplicas]:
    """One writer and two readers, whole again after every test."""
    yield made_cluster
    made_cluster.restore()


@pytest.fixture(scope="module")
def made_pair(keeper: Warden) -> MariaDbReplicas:
    made = async_replica(keeper, delay_ms=500)
    made.create()
    with connect(made.endpoint(made.writer)) as connection:
        ledger.create(connection)
    return made


@pytest.fixture
def pair(made_pair: MariaDbReplicas) -> Iterator[MariaDbReplicas]:
    """One writer and a replica half a second behind."""
    yield made_pair
    made_pair.restore()


def fail_over(topology: MariaDbReplicas) -> list[tuple[str, str]]:
    """What the controller does; the events."""
    events: list[tuple[str, str]] = []
    topology.fence(topology.writer)
    topology.promote(topology.candidate(), lambda kind, zone: events.append((kind, zone)))
    return events


def asked(topology: MariaDbReplicas, zone: str, question: str) -> object:
    """root's answer of one value."""
    with topology.server(zone).admin() as connection:
        ((value,),) = connection.query(question)
    return value


@pytest.mark.parametrize(
    "kills",
    [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(900)])],
    ids=lambda kills: f"{kills} kills",
)
def test_a_cluster_loses_no_acknowledged_write_when_its_writer_is_killed(cluster: MariaDbReplicas, kills: int) -> None:
    """Whatever was answered is with the new writer. What the old one has beyond that was never answered."""
    for trial in [next(TRIALS) for _ in range(kills)]:
        with writing(cluster.endpoint(cluster.writer), trial) as writers:
            writers.wait_for(50)
            cluster.crash(cluster.writer)
        fail_over(cluster)
        assert writers.acknowledged <= present(cluster.endpoint(cluster.writer), trial)
        lost = cluster.lost_rows(trial)
        assert lost is not None
        assert lost <= writers.ambiguous
        cluster.restore()
        for zone in cluster.readers:
            assert eventually_present(cluster.endpoint(zone), trial, writers.acknowledged)


def test_a_failover_makes_another_zone_the_writer_and_restoring_gives_back_the_readers(
    cluster: MariaDbReplicas,
) -> None:
    """In the order that the controller tells; the other reader follows the new writer at once."""
    before = cluster.writer
    cluster.crash(before)
    events = fail_over(cluster)
    assert events == [("promoted", cluster.writer), ("server_ready", cluster.writer)]
    assert set(cluster.readers) == set(ZONES) - {before, cluster.writer}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((before, cluster.endpoint(before).port), 1)
    cluster.restore()
    assert set(cluster.readers) == set(ZONES) - {cluster.writer}
    assert (
        asked(cluster, cluster.writer, "SELECT @@rpl_semi_sync_master_enabled AND NOT @@rpl_semi_sync_slave_enabled")
        == 1
    )


@pytest.mark.parametrize("lagging", [0, 1])
def test_the_most_advanced_reader_is_the_candidate_and_the_other_follows_it(
    cluster: MariaDbReplicas, lagging: int
) -> None:
    """One reader receives nothing any more, so every commit was answered for the other's sake."""
    behind, ahead, trial = cluster.readers[lagging], cluster.readers[1 - lagging], next(TRIALS)
    with cluster.server(behind).admin() as connection:
        connection.execute("STOP SLAVE IO_THREAD")
    with connect(cluster.endpoint(cluster.writer)) as connection:
        for write_id in range(20):
            connection.execute(ledger.INSERT, (write_id, trial))
    cluster.crash(cluster.writer)
    cluster.fence(cluster.writer)
    assert cluster.candidate() == ahead
    fail_over(cluster)
    assert present(cluster.endpoint(ahead), trial) == set(range(20))
    assert eventually_present(cluster.endpoint(behind), trial, set(range(20)))


def test_what_a_reader_received_and_has_not_applied_counts_and_is_applied(cluster: MariaDbReplicas) -> None:
    """A commit is answered once a reader has it in its relay log: the one that applied more may have received less."""
    applies, receives = cluster.readers
    trial = next(TRIALS)
    with cluster.server(receives).admin() as connection:
        connection.execute("STOP SLAVE SQL_THREAD")
    with connect(cluster.endpoint(cluster.writer)) as connection:
        for write_id in range(10):
            connection.execute(ledger.INSERT, (write_id, trial))
        assert eventually_present(cluster.endpoint(applies), trial, set(range(10)))
        with cluster.server(applies).admin() as stopping:
            stopping.execute("STOP SLAVE IO_THREAD")
        for write_id in range(10, 20):
            connection.execute(ledger.INSERT, (write_id, trial))
    assert present(cluster.endpoint(receives), trial) == set()
    cluster.crash(cluster.writer)
    fail_over(cluster)
    assert cluster.writer == receives
    assert present(cluster.endpoint(receives), trial) == set(range(20))


def test_a_commit_waits_for_ever_when_both_readers_are_gone(cluster: MariaDbReplicas) -> None:
    """It doesn't fall back to asynchronous, and nobody sees the row before a reader has it (AFTER_SYNC)."""
    writer, trial = cluster.writer, next(TRIALS)
    for zone in cluster.readers:
        cluster.stop(zone)
    answers: list[object] = []

    def write() -> None:
        with connect(cluster.endpoint(writer), read_timeout_s=60) as connection:
            try:
                answers.append(connection.execute(ledger.INSERT, (1, trial)))
            except pymysql.MySQLError as error:
                answers.append(error)

    client = threading.Thread(target=write)
    client.start()
    waiting = "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for semi-sync ACK%'"
    while asked(cluster, writer, waiting) != 1:
        assert client.is_alive()
        time.sleep(0.005)
    client.join(1)
    assert answers == []
    assert present(cluster.endpoint(writer), trial) == set()
    cluster.restore()
    client.join()
    assert isinstance(answers[0], pymysql.MySQLError)  # the writer was stopped to copy it: there was no reader left
    with connect(cluster.endpoint(cluster.writer)) as connection:
        assert connection.execute(ledger.INSERT, (2, trial)) == 1


def test_a_hung_writer_is_fenced_and_followed(cluster: MariaDbReplicas) -> None:
    """SIGSTOP of the tree: it holds its port, its clients and its data until it is killed."""
    before, trial = cluster.writer, next(TRIALS)
    with writing(cluster.endpoint(before), trial) as writers:
        writers.wait_for(50)
        cluster.hang(before)
        socket.create_connection((before, cluster.endpoint(before).port), 1).close()
        cluster.fence(before)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((before, cluster.endpoint(before).port), 1)
    fail_over(cluster)
    assert cluster.writer != before
    assert writers.acknowledged <= present(cluster.endpoint(cluster.writer), trial)
    lost = cluster.lost_rows(trial)
    assert lost is not None
    assert lost <= writers.ambiguous


def test_a_hung_reader_is_passed_over_and_made_anew(cluster: MariaDbReplicas) -> None:
    """It counts neither as a candidate nor as following."""
    hung, well = cluster.readers
    cluster.hang(hung)
    assert cluster.candidate() == well
    cluster.restore()
    assert asked(cluster, hung, "SELECT @@read_only") == 1


def test_without_a_reader_nobody_can_take_over(cluster: MariaDbReplicas) -> None:
    """And whoever is asked says so, instead of naming one that is down."""
    for zone in cluster.readers:
        cluster.crash(zone)
    with pytest.raises(ServerFailed, match="no reader of multi_az_cluster answers"):
        cluster.candidate()


def test_servers_side_by_side_share_no_folder(cluster: MariaDbReplicas) -> None:
    """Neither for data nor for temporary tables: those of two servers have the same names, and a server ends by it."""
    for folder in ("@@datadir", "@@tmpdir", "@@socket"):
        assert len({asked(cluster, zone, f"SELECT {folder}") for zone in ZONES}) == 3


def test_a_writer_that_nobody_followed_is_followed_before_it_is_rebuilt(cluster: MariaDbReplicas) -> None:
    """restore after a trial whose failover never came."""
    before = cluster.writer
    cluster.crash(before)
    cluster.restore()
    assert cluster.writer != before
    assert before in cluster.readers


def test_a_reader_answers_reads_and_refuses_writes(cluster: MariaDbReplicas) -> None:
    """1290: the server is running with --read-only (D5)."""
    with connect(cluster.endpoint(cluster.readers[0])) as connection:
        assert connection.query("SELECT @@read_only") == [(1,)]
        with pytest.raises(pymysql.err.OperationalError, match="1290"):
            connection.execute(ledger.INSERT, (1, next(TRIALS)))


def test_durability_parameters_hold_in_every_zone_and_over_a_failover_until_they_are_taken_back(
    cluster: MariaDbReplicas,
) -> None:
    """D7; RDS has 1 and 1."""
    words = "SELECT concat(@@innodb_flush_log_at_trx_commit, ' ', @@sync_binlog)"
    cluster.apply({"innodb_flush_log_at_trx_commit": "2", "sync_binlog": "0"})
    assert {asked(cluster, zone, words) for zone in ZONES} == {"2 0"}
    cluster.crash(cluster.writer)
    fail_over(cluster)
    cluster.restore()
    assert {asked(cluster, zone, words) for zone in ZONES} == {"2 0"}
    cluster.apply({})
    assert {asked(cluster, zone, words) for zone in ZONES} == {"1 1"}
    with pytest.raises(CannotMeasure, match="max_connections: no durability parameter of mysql"):
        cluster.apply({"max_connections": "5"})


def test_a_planned_failover_of_either_loses_nothing(cluster: MariaDbReplicas, pair: MariaDbReplicas) -> None:
    """A clean stop takes no more writes first, and then waits for the replica, however far it is behind."""
    for topology in (cluster, pair):
        trial = next(TRIALS)
        with writing(topology.endpoint(topology.writer), trial) as writers:
            writers.wait_for(50)
            topology.stop(topology.writer)
        fail_over(topology)
        assert present(topology.endpoint(topology.writer), trial) == writers.acknowledged
        assert topology.lost_rows(trial) == set()


@pytest.mark.parametrize("fault", ["crash", "hang", "none"])
def test_an_asynchronous_replica_loses_what_was_under_way(pair: MariaDbReplicas, fault: str) -> None:
    """Half a second of writes; ``lost_rows`` is what two servers say when they are asked side by side.

    With no fault the server is fenced alive, as when only its clients can't reach it.
    """
    failed, trial = pair.writer, next(TRIALS)
    with writing(pair.endpoint(failed), trial) as writers:
        writers.wait_for(200)
        if fault != "none":
            getattr(pair, fault)(failed)
        pair.fence(failed)
    fail_over(pair)
    examined = pair.server(failed).sibling(f"examined-{trial}")
    examined.copy(pair.server(failed))
    examined.start("127.0.0.1")
    there = present(examined.endpoint("127.0.0.1"), trial)
    examined.kill()
    here = present(pair.endpoint(pair.writer), trial)
    assert writers.acknowledged - here
    assert writers.acknowledged <= there  # durable where it was written
    assert pair.lost_rows(trial) == there - here
    pair.restore()
    assert pair.readers == (failed,)
    with connect(pair.endpoint(pair.writer)) as connection:
        connection.execute(ledger.INSERT, (0, trial))
    assert eventually_present(pair.endpoint(failed), trial, here | {0})
    assert present(pair.endpoint(failed), trial) == here | {0}


def test_tables_are_compared_only_after_a_failover(pair: MariaDbReplicas) -> None:
    """No set of lost rows, not even an empty one, where nothing failed."""
    with pytest.raises(CannotMeasure, match="hasn't failed over"):
        pair.lost_rows(1)


def test_a_delay_between_zones_is_paid_by_every_commit_of_a_cluster(warden: Warden) -> None:
    """60 ms each way: no commit is answered in less than 120 ms. Delaying asks for a proxy from the start."""
    delayed = multi_az_cluster(warden, inter_az_ms=60)
    delayed.create()
    with connect(delayed.endpoint(delayed.writer)) as connection:
        connection.execute("CREATE TABLE kept (id integer PRIMARY KEY)")
        for number in range(3):
            began = time.monotonic()
            connection.execute("INSERT INTO kept VALUES (%s)", (number,))
            assert time.monotonic() - began >= 0.120
    delayed.set_inter_az(0)
    delayed.crash(delayed.writer)
    fail_over(delayed)
    with connect(delayed.endpoint(delayed.writer)) as connection:
        assert connection.query("SELECT count(*) FROM kept") == [(3,)]


def test_delaying_takes_a_proxy_that_was_asked_for(cluster: MariaDbReplicas) -> None:
    """Nothing is put into a stream afterwards."""
    with pytest.raises(CannotMeasure, match="no proxy"):
        cluster.set_inter_az(1)


def test_every_server_dies_with_the_warden_stopped_ones_too(warden: Warden) -> None:
    """In mid-failover: one hangs, one runs, the proxy stands between them."""
    replicas = async_replica(warden)
    replicas.create()
    processes = [psutil.Process(pid) for pid in warden.servers().values()]
    replicas.hang(replicas.writer)
    assert len(processes) == 3
    warden.close()
    assert not any(process.is_running() for process in processes)


def test_no_password_can_be_read_by_others(keeper: Warden, cluster: MariaDbReplicas, pair: MariaDbReplicas) -> None:
    """Neither in a file that others may open nor in a command line."""
    secrets = [made.endpoint(made.writer).password for made in (cluster, pair)]
    secrets += [made.server(zone)._root_password for made in (cluster, pair) for zone in made.zones]
    secrets += [made._password for made in (cluster, pair)]
    seen = ["\0".join(psutil.Process(pid).cmdline()) for pid in keeper.servers().values()]
    for folder, below, names in os.walk(keeper.scratch):
        below[:] = [name for name in below if (Path(folder) / name).stat().st_mode & 0o001]
        files = [Path(folder) / name for name in names]
        seen += [file.read_text(errors="replace") for file in files if file.stat().st_mode & 0o004]
    assert len(seen) > 10
    assert not [secret for secret in secrets if any(secret in text for text in seen)]


def test_a_log_that_is_flushed_each_second_loses_what_was_acknowledged_since(warden: Warden) -> None:
    """innodb_flush_log_at_trx_commit=0 under kill -9 (F6); the binary log, which survives, doesn't bring it back.

    A flush may fall between the last write and the kill; three times in a row it doesn't.
    """
    server = MariaDbServer(warden, ZONES[:1], {"log_bin": "binlog", "server_id": "1"})
    server.create()
    server.start(ZONES[0])
    with connect(server.endpoint(ZONES[0])) as connection:
        ledger.create(connection)
    lost = {}
    for trial, flush in ((1, "1"), (2, "0"), (3, "0"), (4, "0")):
        server.stop()
        server.configure(
            {"log_bin": "binlog", "server_id": "1", "innodb_flush_log_at_trx_commit": flush, "sync_binlog": flush}
        )
        server.start(ZONES[0])
        with writing(server.endpoint(ZONES[0]), trial) as writers:
            writers.wait_for(500)
            server.kill()
        server.start(ZONES[0])
        lost[trial] = len(writers.acknowledged - present(server.endpoint(ZONES[0]), trial))
    assert lost[1] == 0
    assert lost[2] + lost[3] + lost[4] > 0
