"""Parameter groups, snapshots and crashes on real servers: what RDS's words mean there, and what is still there afterwards."""

import time
from collections.abc import Iterator
from threading import Thread

import psycopg
import pymysql
import pytest

from harness.errors import CannotMeasure
from harness.local.services import LocalServices
from harness.local.topologies.model import ZONES
from harness.services import Needs
from harness.sql import ledger
from harness.sql.connections import connect
from harness.sql.endpoint import Engine
from harness.sql.operations import snapshots, volumes
from harness.sql.operations.instances import Instance, Instances

FLIGHTS = 500
LIMIT = {"mysql": "SELECT @@max_connections", "postgres": "SELECT current_setting('max_connections')::int"}


@pytest.fixture(scope="module")
def instances() -> Iterator[Instances]:
    services = LocalServices.up(Needs(sql_servers=("mysql", "postgres")))
    yield Instances(services, [1])
    services.close()


@pytest.fixture(scope="module", params=["postgres", "mysql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.param
    return engine


@pytest.fixture
def instance(instances: Instances, engine: Engine) -> Instance:
    """One for all tests of this file, with the default group."""
    return instances.of(engine, FLIGHTS)


def limit(instance: Instance) -> int:
    """The limit of connections that the server runs with."""
    with instance.administered() as connection:
        ((number,),) = connection.query(LIMIT[instance.engine])
        return int(number)


def test_max_connections_is_dynamic_for_the_one_and_waits_for_a_reboot_of_the_other(instance: Instance) -> None:
    """D7: static in PostgreSQL. Whatever the word, the server itself runs with what the word says."""
    (change,) = instance.group.modify({"max_connections": "77"})
    if instance.engine == "mysql":
        assert (change.apply_type, instance.group.status, limit(instance)) == ("dynamic", "in-sync", 77)
    else:
        assert (change.apply_type, instance.group.status, limit(instance)) == ("static", "pending-reboot", 300)
    instance.reboot()
    assert (instance.group.status, limit(instance)) == ("in-sync", 77)


def test_a_parameter_that_is_taken_back_is_what_it_was(instances: Instances, instance: Instance) -> None:
    """Whoever asks for the instance next gets it with the default group, rebooted where that takes it."""
    instance.group.modify({"max_connections": "88"})
    instance.reboot()
    assert instances.of(instance.engine, FLIGHTS) is instance
    assert (instance.group.status, limit(instance)) == ("in-sync", 300)


def test_the_server_itself_says_which_parameters_there_are(instance: Instance) -> None:
    """Nothing is changed by asking."""
    with pytest.raises(CannotMeasure, match=r"has no parameter max_conections; did you mean max_connections\?"):
        instance.group.require(["max_conections"])
    assert instance.group.status == "in-sync"


class Writer(Thread):
    """Writes row after row until its server is gone; ``acknowledged`` in order."""

    def __init__(self, instance: Instance, trial: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: list[int] = []
        self._instance, self._trial = instance, trial
        self.start()

    def run(self) -> None:
        try:
            with connect(self._instance.endpoint) as connection:
                while True:
                    write_id = len(self.acknowledged)
                    ledger.write(connection, write_id, self._trial, once=False)
                    self.acknowledged.append(write_id)
        except (OSError, psycopg.Error, pymysql.MySQLError):
            return


def lost_by_a_crash(instance: Instance, trial: int) -> tuple[set[int], int]:
    """What is gone of the writes that were acknowledged before kill -9, and how many these were."""
    writer = Writer(instance, trial)
    deadline = time.monotonic() + 30
    while len(writer.acknowledged) < 100:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    instance.crash()
    writer.join(10)
    instance.start()
    with connect(instance.endpoint) as connection:
        present = ledger.present_counts(connection, trial)
    return set(writer.acknowledged) - present.keys(), len(writer.acknowledged)


def test_a_crash_loses_nothing_that_was_acknowledged_by_the_default_group(instance: Instance) -> None:
    """RDS's own values are durable."""
    lost, acknowledged = lost_by_a_crash(instance, 1)
    assert (lost, acknowledged >= 100) == (set(), True)


def test_what_only_the_page_cache_holds_survives_a_crash_of_the_process(instance: Instance) -> None:
    """F6: nothing is lost here, which says nothing of a lost host."""
    asked = {"mysql": {"innodb_flush_log_at_trx_commit": "2"}, "postgres": {"fsync": "off"}}
    instance.group.modify(asked[instance.engine])
    assert lost_by_a_crash(instance, 2)[0] == set()


def test_what_the_server_itself_holds_back_is_lost_the_newest_first(instance: Instance) -> None:
    """Its log is written some time after the commit, in order: what is lost is the end of what was acknowledged."""
    asked = {"mysql": {"innodb_flush_log_at_trx_commit": "0"}, "postgres": {"synchronous_commit": "off"}}
    for trial in (10, 11, 12):  # a crash just after the log was written finds nothing to lose
        instance.group.modify(asked[instance.engine])
        lost, acknowledged = lost_by_a_crash(instance, trial)
        assert lost == set(range(acknowledged - len(lost), acknowledged))
        if lost:
            return
    pytest.fail("three crashes, and nothing was lost")


def test_a_snapshot_under_writes_is_restored_with_all_that_was_acknowledged(instance: Instance) -> None:
    """And with the same flights; a row more or fewer on either side is seen."""
    second = instance.sibling("restored", ZONES[1])
    writer = Writer(instance, 20)
    while len(writer.acknowledged) < 50:
        time.sleep(0.01)
    before = frozenset(writer.acknowledged)
    snapshot = volumes.take(instance, instance.warden.scratch / "snapshot")
    while len(writer.acknowledged) <= len(before) + 5:  # it writes on
        time.sleep(0.01)
    assert volumes.restore(snapshot, second) > 0
    place = snapshots.Place(instance=instance, second=second)
    kept = snapshots.Kept(snapshot=snapshot, trial=20, acknowledged=before)
    assert snapshots.unlike(place, kept) == []
    assert snapshot.bytes == sum(path.stat().st_size for path in snapshot.folder.rglob("*") if path.is_file())
    with connect(second.endpoint) as connection:
        connection.execute(
            "UPDATE flights SET dep_delay = 999 WHERE sched_dep = (SELECT * FROM (SELECT min(sched_dep) FROM flights) f)"
        )
        connection.execute("DELETE FROM ledger WHERE trial = 20 AND write_id = 0")
        ledger.write(connection, 10**9, 20, once=False)
    assert snapshots.unlike(place, kept) == [
        "flights", "1 acknowledged writes missing", "1 rows that the source hasn't got",
    ]  # fmt: skip
    instance.crash()
    writer.join(10)
    second.kill()
    instance.start()
    volumes.forget(snapshot)
    assert not snapshot.folder.exists()


def test_an_instance_that_does_not_answer_any_more_is_replaced(instances: Instances, engine: Engine) -> None:
    """With the same flights and an empty ledger."""
    old = instances.of(engine, FLIGHTS)
    old.kill()
    new = instances.of(engine, FLIGHTS)
    assert new is not old
    with connect(new.endpoint) as connection:
        assert connection.query("SELECT count(*) FROM flights") == [(FLIGHTS,)]
        assert connection.query("SELECT count(*) FROM ledger") == [(0,)]
