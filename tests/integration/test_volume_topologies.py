"""Single-AZ and Multi-AZ instance on real servers: each fault is come back from, and nothing that was acknowledged is lost."""

import itertools
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import psycopg
import pymysql
import pytest
from whole_runs import until

from harness.errors import CannotMeasure, ServerFailed
from harness.local.controller import Controller, HealthCheck
from harness.local.pace import FAST
from harness.local.processes import Warden
from harness.local.topologies import volume
from harness.local.topologies.make import make
from harness.local.topologies.model import ZONES, Topology
from harness.local.topologies.volume import VolumeTopology
from harness.sql import ledger
from harness.sql.connections import classify, connect
from harness.sql.endpoint import Engine

FIRST, SECOND, THIRD = ZONES
MAKE: dict[str, Callable[[Warden, Engine], VolumeTopology]] = {
    "single_az": volume.single_az, "multi_az_instance": volume.multi_az_instance,
}  # fmt: skip
EVENTS = ["fenced", "server_started", "server_ready", "dns_moved"]
# What a server says of its own durability parameters, as text.
ASK = {
    "mysql": "SELECT CONCAT(@@innodb_flush_log_at_trx_commit, ' ', @@sync_binlog, ' ', @@log_bin)",
    "postgres": "SELECT current_setting('synchronous_commit')",
}


@pytest.fixture(scope="module")
def keeper() -> Iterator[Warden]:
    warden = Warden.start()
    yield warden
    warden.close()


@pytest.fixture(scope="module", params=["postgres", "mysql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.param
    return engine


@pytest.fixture(scope="module", params=["single_az", "multi_az_instance"])
def topology(request: pytest.FixtureRequest, engine: Engine, keeper: Warden) -> VolumeTopology:
    """One for all tests of this file: all four live side by side in the end."""
    made = MAKE[request.param](keeper, engine)
    made.create()
    with connect(made.endpoint(made.writer)) as connection:
        ledger.create(connection)
    return made


class Writer:
    """Writes one row after the other wherever the published zone is, and keeps a ledger."""

    numbers = itertools.count(1)

    def __init__(self, topology: Topology) -> None:
        self.zone, self.ledger, self.acknowledged = topology.writer, ledger.Ledger(), 0
        self._topology, self._over = topology, Event()
        self._thread = Thread(target=self._write, daemon=True)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def publish(self, zone: str) -> None:
        self.zone = zone

    def acknowledges_more(self) -> None:
        """Wait for some more writes to be acknowledged."""
        enough = self.acknowledged + 20
        until(lambda: self.acknowledged >= enough, 20, "acknowledged writes")

    def _write(self) -> None:
        connection = None
        while not self._over.is_set():
            number, sent = next(self.numbers), False
            try:
                connection = connection or connect(self._topology.endpoint(self.zone), 0.25, 0.25)
                sent = True
                connection.execute(ledger.INSERT, (number, 1))
                self.ledger.note(number, "ok")
                self.acknowledged += 1
            except (OSError, psycopg.Error, pymysql.MySQLError) as error:
                self.ledger.note(number, classify(error, sent)[0])
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.01)


@pytest.mark.parametrize("fault", ["crash", "hang", "planned"])
def test_a_fault_is_come_back_from_with_no_acknowledged_write_lost(topology: VolumeTopology, fault: str) -> None:
    """Events in order, the writer where it should be, writes acknowledged before and after, every one of them there."""
    events: list[tuple[str, str]] = []
    failed, follows = topology.writer, topology.candidate()
    assert (follows == failed) == (topology.name == "single_az")
    with Writer(topology) as writer:
        controller = Controller(topology, writer.publish, FAST)
        watch = Thread(target=controller.watch, args=(lambda kind, zone: events.append((kind, zone)),))
        watch.start()
        writer.acknowledges_more()
        if fault == "planned":
            controller.fail_over_planned(lambda kind, zone: events.append((kind, zone)))
        else:
            getattr(topology, fault)(failed)
            until(lambda: len(events) == 5 or controller.failure is not None, 30, "a failover")
        writer.acknowledges_more()
        controller.stop()
        watch.join()
    assert controller.failure is None
    first = "failover_asked" if fault == "planned" else "fault_detected"
    assert [kind for kind, _ in events] == [first, *EVENTS]
    assert [zone for _, zone in events] == [failed, failed, follows, follows, follows]
    assert topology.writer == writer.zone == follows
    with connect(topology.endpoint(follows)) as connection:
        present = ledger.present_counts(connection, 1)
    check = writer.ledger.check(present)
    assert check.lost == 0 and check.duplicate == 0
    assert check.acknowledged >= 40
    assert topology.lost_rows(1) is None


def test_a_server_that_hangs_must_be_fenced_before_another_can_follow(topology: VolumeTopology) -> None:
    """It holds its data directory; and it accepts connections still, so that only a query tells."""
    check = HealthCheck(topology, timeout_s=0.2)
    assert check(topology.writer)
    topology.hang(topology.writer)
    assert not check(topology.writer) and not check(topology.writer)
    with pytest.raises(
        ServerFailed, match=r"still runs or hangs as process \d+ and holds its data directory; fence it"
    ):
        topology.promote(topology.candidate(), lambda *_: None)
    topology.fence(topology.writer)
    topology.promote(topology.candidate(), lambda *_: None)
    assert check(topology.writer)
    check.close()


def test_a_check_dials_the_door_before_a_zone(topology: VolumeTopology) -> None:
    """A closed one has it fail though the server is well."""
    assert HealthCheck(topology, 0.5, address_of=lambda zone: zone)(topology.writer)
    assert not HealthCheck(topology, 0.5, address_of=lambda _: THIRD)(topology.writer)


def test_durability_parameters_hold_over_a_failover_until_others_are_applied(topology: VolumeTopology) -> None:
    """As the server itself says; MySQL keeps a binary log, without which sync_binlog would mean nothing."""
    asked, relaxed, durable = {
        "mysql": ({"innodb_flush_log_at_trx_commit": "2", "sync_binlog": "0"}, "2 0 ON", "1 1 ON"),
        "postgres": ({"synchronous_commit": "off"}, "off", "on"),
    }[topology.engine]

    def said() -> str:
        with connect(topology.endpoint(topology.writer)) as connection:
            ((answer,),) = connection.query(ASK[topology.engine])
        return str(answer)

    assert said() == durable
    topology.apply(asked)
    assert said() == relaxed
    topology.crash(topology.writer)
    topology.fence(topology.writer)
    topology.promote(topology.candidate(), lambda *_: None)
    assert said() == relaxed
    topology.apply({})
    assert said() == durable


def test_what_is_no_durability_parameter_is_refused_with_those_there_are(topology: VolumeTopology) -> None:
    """Nothing is changed then."""
    with pytest.raises(
        CannotMeasure, match=rf"shared_buffers: no durability parameter of {topology.engine}; there are"
    ):
        topology.apply({"shared_buffers": "1GB"})


def test_a_crash_with_the_log_flushed_once_a_second_loses_writes(warden: Warden) -> None:
    """MySQL's innodb_flush_log_at_trx_commit=0: what was acknowledged since the last flush was in the process alone (F6)."""
    topology = make(warden, "mysql", "single_az")
    topology.create()
    with connect(topology.endpoint(topology.writer)) as connection:
        ledger.create(connection)
    topology.apply({"innodb_flush_log_at_trx_commit": "0", "sync_binlog": "0"})
    told = ledger.Ledger()
    with connect(topology.endpoint(topology.writer)) as connection:
        for number in range(3000):
            connection.execute(ledger.INSERT, (number, 1))
            told.note(number, "ok")
        topology.crash(topology.writer)
    topology.fence(topology.writer)
    topology.promote(topology.writer, lambda *_: None)
    with connect(topology.endpoint(topology.writer)) as connection:
        check = told.check(ledger.present_counts(connection, 1))
    assert check.acknowledged == 3000
    assert check.lost > 0
