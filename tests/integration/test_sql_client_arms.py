"""Every client arm against real servers that fail in the middle."""

import os
import socket
from pathlib import Path

import pytest
from failing_database import NAME, Asker, FailingDatabase

from harness.local.postgres import PostgresServer
from harness.local.processes import Warden
from harness.local.sql_proxy import make_proxy
from harness.local.topologies.model import ZONES
from harness.local.topologies.volume import MAKE
from harness.sql import ledger
from harness.sql.clients.make import ARMS
from harness.sql.clients.model import Way
from harness.sql.connections import connect
from harness.sql.dialling import Keepalive

ENGINES = ("postgres", "mysql")
SERVER_ADDRESS = {"postgres": "SELECT host(inet_server_addr())", "mysql": "SELECT @@bind_address"}


@pytest.fixture(scope="module", params=ENGINES)
def database(request):
    database = FailingDatabase(request.param)
    yield database
    database.close()


@pytest.fixture
def asker(database):
    """Makes askers whose clients are closed afterwards; the name is where the writer is."""
    database.publish()
    made = []

    def make(arm, way=None, **settings):
        made.append(Asker(arm, way or database.way(), **settings))
        return made[-1]

    yield make
    for one in made:
        one.client.close()


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != "proxy"])
def test_every_arm_takes_its_steps_in_order_and_only_once(arm, database, asker):
    """Name, TCP, login, in this order, in the first attempt; none in the second, but for the one that always connects anew."""
    client = asker(arm)
    assert [client.asks() for _ in range(2)] == ["ok", "ok"]
    first, second = client.stamps
    assert first.address == second.address == database.topology.writer
    asked = arm not in ("multi_host", "reference")
    assert (first.resolved_ns >= 0) == asked
    assert first.resolved_ns < first.connected_ns < first.authenticated_ns
    if arm == "reference":
        assert second.authenticated_ns > first.authenticated_ns
    else:
        assert (second.resolved_ns, second.connected_ns, second.authenticated_ns) == (-1, -1, -1)


def test_a_pool_gives_an_error_and_then_recovers(database, asker):
    """Both its connections died; the first that is noticed throws them all away, as SQLAlchemy does."""
    pool = asker("pool")
    pool.fills_up()
    database.restart()
    outcomes = [pool.asks(write=True) for _ in range(3)]
    assert outcomes[0].split()[0] in ("ambiguous", "error")
    assert outcomes[1:] == ["ok", "ok"]


def test_a_pool_with_pre_ping_survives_a_restart_without_an_error(database, asker):
    """Every connection is asked whether it lives before it is used."""
    pool = asker("pool_pre_ping")
    pool.fills_up()
    database.restart()
    assert [pool.asks(write=True) for _ in range(3)] == ["ok"] * 3
    assert pool.stamps[-3].authenticated_ns > 0  # and was made anew


@pytest.mark.parametrize("arm", ["tuned", "naive", "keepalive"])
def test_a_connection_of_one_s_own_breaks_once(arm, database, asker):
    """After a restart in place the next attempt connects."""
    client = asker(arm)
    client.asks()
    database.restart()
    outcomes = [client.asks(write=True) for _ in range(2)]
    assert outcomes[0].split()[0] in ("ambiguous", "error")
    assert outcomes[1] == "ok"


REFUSED = {"postgres": "error OperationalError", "mysql": "error 2003"}


@pytest.mark.parametrize(
    ("arm", "follows"), [("tuned", True), ("pool_pre_ping", True), ("naive", False), ("pool", False)]
)
def test_who_asks_dns_follows_its_name_and_who_remembers_is_refused(arm, follows, database, asker):
    """The writer moves to the other zone. The first attempt may find the connection broken; what counts are the next."""
    client = asker(arm)
    client.asks()
    database.move()
    database.publish()
    client.asks()
    assert [client.asks() for _ in range(2)] == (["ok"] * 2 if follows else [REFUSED[database.engine]] * 2)
    assert (client.stamps[-1].address == database.topology.writer) == follows


def test_a_pool_s_own_error_of_a_broken_write_is_ambiguous(database, asker):
    """Killed while the statement is under way: the connection is gone, and nobody knows."""
    sleep = {"postgres": "SELECT pg_sleep(0)", "mysql": "SELECT sleep(0)"}[database.engine]
    pool = asker("pool")

    def killed_in_the_middle(connection):
        connection.query(sleep)
        database.restart()
        connection.query(sleep)

    assert pool.does(killed_in_the_middle, write=True).split()[0] == "ambiguous"
    assert pool.asks() == "ok"


def test_a_token_makes_a_write_sent_twice_one_row(database, asker):
    """Blindly sent twice it is there twice; with its token once, and both answers are acknowledgements."""
    client = asker("tuned")
    with database.connect() as connection:
        ledger.create(connection)
    assert [client.does(lambda one: ledger.write(one, 1, 5, once=True), write=True) for _ in range(2)] == ["ok", "ok"]
    assert [client.does(lambda one: ledger.write(one, 2, 5, once=False), write=True) for _ in range(2)] == ["ok", "ok"]
    with database.connect() as connection:
        assert ledger.present_counts(connection, 5) == {1: 1, 2: 2}


KEEPALIVE = Keepalive(idle_s=7, interval_s=3, probes=4, user_timeout_ms=9_000)


@pytest.mark.parametrize("arm", ["keepalive", "naive"])
def test_keepalives_are_really_set_on_the_socket(arm, database, asker):
    """As asked for where they are asked for: 7 s, 3 s, 4 probes, 9 s; the system's elsewhere (2 h, no user time-out)."""
    client = asker(arm, keepalive=KEEPALIVE)
    assert client.does(lambda connection: options_of(descriptor(connection))) == "ok"
    keepalive, *rest = client.value
    if arm == "keepalive":
        assert (keepalive, rest) == (1, [7, 3, 4, 9_000])
    else:
        assert (rest[0], rest[3]) == (7_200, 0)


def descriptor(connection):
    driver = connection._connection
    return driver.pgconn.socket if connection.engine == "postgres" else driver._dialled.fileno()


def options_of(fd):
    with socket.socket(fileno=os.dup(fd)) as one:
        return [
            one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            *(
                one.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            ),
        ]


@pytest.mark.parametrize("engine", ENGINES)
def test_many_hosts_find_the_writer_behind_one_that_is_read_only(engine):
    """Two servers with the same port and password, the first read-only: work is done by the second."""
    wardens = [Warden.start() for _ in range(2)]
    try:
        reader, writer = (MAKE[engine](warden, ZONES, read_only(engine, index)) for index, warden in enumerate(wardens))
        writer._port, writer._password = reader._port, reader._password
        for server, zone in ((reader, ZONES[0]), (writer, ZONES[1])):
            server.create()
            server.start(zone)
        if engine == "postgres":
            with connect(reader.endpoint(ZONES[0])) as connection:
                connection.execute("ALTER DATABASE flights SET default_transaction_read_only = on")
        way = Way(engine=engine, name=NAME, dns=("", 0), template=reader.endpoint(ZONES[0]), addresses=ZONES[:2])
        for arm in ("multi_host", "reference"):
            client = Asker(arm, way)
            outcomes = [client.does(ledger.create, write=True) for _ in range(2)]
            assert outcomes[-1] == "ok"
            assert outcomes[0] == ("ok" if arm == "multi_host" else "error " + refusal(engine))
            assert client.stamps[-1].address == ZONES[1]
            client.client.close()
    finally:
        for warden in wardens:
            warden.close()


def read_only(engine, index):
    return {"read_only": "ON"} if engine == "mysql" and index == 0 else {}


def refusal(engine):
    """What a look at a server that takes no writes gives."""
    return {"postgres": "OperationalError", "mysql": "NotAWriter"}[engine]


def test_a_client_of_pgbouncer_keeps_its_connection_over_a_move():
    """The same socket before and after; another server behind it. What is asked while nobody writes waits for the new one."""
    database = FailingDatabase("postgres")
    try:
        proxy = make_proxy(database.warden, database.topology.endpoint(ZONES[0]), name="pgbouncer")
        assert proxy.product.startswith("PgBouncer 1.")
        proxy.start(database.topology.writer)
        client = Asker("proxy", database.way(proxy=proxy.endpoint))
        where = lambda one: (one.query(SERVER_ADDRESS["postgres"]), descriptor(one))  # noqa: E731
        assert client.does(where) == "ok"
        before, first = client.value, database.topology.writer
        assert before[0] == [(first,)]
        database.move()
        proxy.point_at(database.topology.writer)
        assert client.does(where) == "ok"
        assert client.value == ([(database.topology.writer,)], before[1])
        assert client.stamps[-1].authenticated_ns == -1
        assert client.asks("SELECT %s::int", (3,)) == "ok"  # parameters, unprepared, on whichever server comes
        client.client.close()
        proxy.stop()
    finally:
        database.close()


def test_a_client_of_mysql_s_proxy_reaches_the_new_writer_with_its_next_connection():
    """The old connection ends with its server; the proxy's address stays the same."""
    database = FailingDatabase("mysql")
    try:
        proxy = make_proxy(database.warden, database.topology.endpoint(ZONES[0]), name="proxy")
        proxy.start(database.topology.writer)
        client = Asker("proxy", database.way(proxy=proxy.endpoint))
        assert client.asks(SERVER_ADDRESS["mysql"]) == "ok"
        assert client.value == [(database.topology.writer,)]
        database.move()
        proxy.point_at(database.topology.writer)
        assert client.asks(write=True).split()[0] in ("ambiguous", "error")
        assert client.asks(SERVER_ADDRESS["mysql"]) == "ok"
        assert client.value == [(database.topology.writer,)]
        assert client.stamps[-1].address == proxy.endpoint.host
        client.client.close()
    finally:
        database.close()


def test_pgbouncer_runs_as_nobody_with_a_file_that_only_it_can_read(warden):
    """The users' file holds a password."""
    server = PostgresServer(warden, ZONES)
    proxy = make_proxy(warden, server.endpoint(ZONES[0]), name="bouncer")
    proxy.start(ZONES[0])  # it starts before there is a server, as a proxy may
    users = warden.scratch / "bouncer" / "users.txt"
    assert users.stat().st_mode & 0o077 == 0
    pid = warden.servers()["bouncer"]
    assert Path(f"/proc/{pid}").stat().st_uid == users.stat().st_uid
    if os.geteuid() == 0:
        assert users.stat().st_uid == 65534
