"""Both engines behind one protocol: statements, time limits, broken connections, and gevent."""

import socket
import subprocess
import sys

import orjson
import pyarrow as pa
import pytest

from harness.local.services import LocalServices
from harness.services import Needs
from harness.sql import ledger
from harness.sql.connections import classify, connect
from harness.sql.endpoint import SqlEndpoint

SLEEP = {"postgres": "SELECT pg_sleep(%s)", "mysql": "SELECT sleep(%s)"}
OWN_ID = {"postgres": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
KILL = {"postgres": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}
ENGINES = ("postgres", "mysql")


@pytest.fixture(scope="module")
def services():
    services = LocalServices.up(Needs(engines=ENGINES))
    yield services
    services.close()


@pytest.fixture(params=ENGINES)
def endpoint(request, services):
    assert not services.unavailable, services.unavailable
    return services.sql[request.param]


def test_rows_come_back_as_tuples(endpoint):
    """A statement with and without parameters gives rows; an update says how many it touched."""
    with connect(endpoint) as connection:
        connection.execute("DROP TABLE IF EXISTS small")
        connection.execute("CREATE TABLE small (n integer, word varchar(10))")
        assert connection.insert("small", pa.table({"n": [1, 2, None], "word": ["a", "", None]})) == 3
        assert connection.query("SELECT n, word FROM small WHERE n = %s", (2,)) == [(2, "")]
        assert connection.query("SELECT count(*) FROM small WHERE word IS NULL") == [(1,)]
        assert connection.execute("UPDATE small SET n = n + %s WHERE n IS NOT NULL", (1,)) == 2
        assert connection.engine == endpoint.engine


def test_every_statement_commits_on_its_own(endpoint):
    """What one connection wrote, another sees at once, though neither said COMMIT: the newest row's number."""
    with connect(endpoint) as writer, connect(endpoint) as reader:
        ledger.create(writer)
        writer.execute(ledger.INSERT, (7, 1))
        assert reader.query(ledger.READ) == [(1,)]
        writer.execute(ledger.INSERT, (8, 1))
        assert reader.query(ledger.READ) == [(2,)]


def test_a_duplicate_write_can_be_seen(endpoint):
    """The ledger's table lets the same write in twice, and counts each trial alone."""
    with connect(endpoint) as connection:
        ledger.create(connection)
        for write_id, trial in ((1, 1), (2, 1), (2, 1), (3, 2)):
            connection.execute(ledger.INSERT, (write_id, trial))
        assert ledger.present_counts(connection, 1) == {1: 1, 2: 2}


def test_a_statement_that_takes_too_long_is_a_timeout(endpoint):
    """An answer is given up after ``read_timeout_s``: ambiguous for a write, and the connection closed."""
    with connect(endpoint, read_timeout_s=0.3) as connection:
        with pytest.raises(Exception) as caught:
            connection.query(SLEEP[endpoint.engine], (20,))
        assert classify(caught.value, sent=False)[0] == "timeout"
        assert classify(caught.value, sent=True)[0] == "ambiguous"
        with pytest.raises(Exception) as again:
            connection.query("SELECT 1")
        assert classify(again.value, sent=True)[0] == "error"


def test_a_connection_cut_by_the_server_is_ambiguous_for_a_write(endpoint):
    """An administrator's kill looks like a crash to the client: no answer, so nobody knows."""
    with connect(endpoint) as victim, connect(endpoint) as killer:
        (victim_id,) = victim.query(OWN_ID[endpoint.engine])[0]
        killer.execute(KILL[endpoint.engine], (victim_id,))
        with pytest.raises(Exception) as caught:
            for _ in range(100):
                victim.query("SELECT 1")
        outcome, code = classify(caught.value, sent=True)
        assert outcome == "ambiguous"
        assert code in {"57P01", "OperationalError", "2013", "1927"}
        assert classify(caught.value, sent=False)[0] == "error"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refused_connection_is_an_error(engine):
    """Nothing listening: an error at once, by the engine's own code or class."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Exception) as caught:
        connect(somewhere(engine, port), connect_timeout_s=5)
    code = {"postgres": "OperationalError", "mysql": "2003"}[engine]
    assert classify(caught.value, sent=False) == ("error", code)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_that_takes_the_connection_and_says_nothing_is_a_timeout(engine):
    """A hanging server accepts in the kernel and never greets: below two seconds too, time runs out."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(Exception) as caught:
            connect(somewhere(engine, port), connect_timeout_s=0.3, read_timeout_s=0.3)
    assert classify(caught.value, sent=False)[0] == "timeout"


def somewhere(engine, port):
    return SqlEndpoint(engine=engine, host="127.0.0.1", port=port, user="nobody", password="none", database="none")


# The other greenlet finishes while the statement sleeps only if the driver lets the hub run.
PATCHED = """
from gevent import monkey; monkey.patch_all()
import sys
import gevent, orjson
from harness.sql.connections import connect
from harness.sql.endpoint import SqlEndpoint
where = SqlEndpoint(**orjson.loads(sys.argv[1]))
seen = []
with connect(where, read_timeout_s=20) as sleeper, connect(where, read_timeout_s=20) as other:
    slow = gevent.spawn(sleeper.query, sys.argv[2], (1.0,))
    gevent.sleep(0.2)
    seen.append(other.query("SELECT 1"))
    seen.append(slow.ready())
    slow.get()
print(seen)
"""


def test_drivers_cooperate_where_gevent_patched(endpoint):
    """While one greenlet waits for a slow statement, another's statement comes and goes."""
    names = ("engine", "host", "port", "user", "password", "database")
    where = orjson.dumps({name: getattr(endpoint, name) for name in names}).decode()
    command = [sys.executable, "-c", PATCHED, where, SLEEP[endpoint.engine]]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (said.stdout, said.stderr, said.returncode) == ("[[(1,)], False]\n", "", 0)


# What the tests above say of blocking drivers, where the drivers wait on the hub.
ON_HUB = """
from gevent import monkey; monkey.patch_all()
import socket, sys
import gevent, orjson
import pyarrow as pa
from harness.sql.connections import classify, connect
from harness.sql.endpoint import SqlEndpoint
where, (sleep, own_id, kill) = SqlEndpoint(**orjson.loads(sys.argv[1])), sys.argv[2:]

def trouble(call, *args):
    try:
        call(*args)
    except Exception as error:
        return classify(error, sent=True)[0], classify(error, sent=False)[0]
    raise AssertionError("no trouble")

with connect(where, read_timeout_s=20) as one:
    one.execute("DROP TABLE IF EXISTS wide")
    one.execute("CREATE TABLE wide (n integer, text varchar(1000))")
    rows = pa.table({"n": list(range(30_000)), "text": ["x" * 900] * 30_000})  # more than any buffer holds
    assert one.insert("wide", rows) == 30_000
    found = one.query("SELECT n, text FROM wide ORDER BY n")
    assert len(found) == 30_000 and found[-1] == (29_999, "x" * 900)
    assert [one.query("SELECT text FROM wide WHERE n = %s", (n,)) for n in (1, 2)] == [[("x" * 900,)]] * 2

with connect(where, read_timeout_s=0.3) as hasty:
    assert trouble(hasty.query, sleep, (20,)) == ("ambiguous", "timeout")
    assert trouble(hasty.query, "SELECT 1") == ("error", "error")

with connect(where, read_timeout_s=20) as victim, connect(where, read_timeout_s=20) as killer:
    ((victim_id,),) = victim.query(own_id)
    waiting = gevent.spawn(trouble, victim.query, sleep, (20,))
    gevent.sleep(0.2)
    killer.execute(kill, (victim_id,))
    assert waiting.get(timeout=10)[0] == "ambiguous"

closed = connect(where, read_timeout_s=20)
waiting = gevent.spawn(trouble, closed.query, sleep, (20,))
gevent.sleep(0.2)
closed.close()  # by another greenlet than the one that waits
assert waiting.get(timeout=10)[0] == "ambiguous"

with socket.create_server(("127.0.0.1", 0)) as silent:
    nowhere = where.at(*silent.getsockname())
    assert trouble(connect, nowhere, 0.3, 0.3)[1] == "timeout"
assert trouble(connect, nowhere)[1] == "error"
print("ok")
"""


def test_drivers_keep_their_promises_on_the_hub(endpoint):
    """Large loads and answers, deadlines, a killed connection, one closed by another greenlet: told as without gevent."""
    names = ("engine", "host", "port", "user", "password", "database")
    where = orjson.dumps({name: getattr(endpoint, name) for name in names}).decode()
    statements = [each[endpoint.engine] for each in (SLEEP, OWN_ID, KILL)]
    said = subprocess.run(
        [sys.executable, "-c", ON_HUB, where, *statements], capture_output=True, text=True, timeout=60
    )
    assert (said.stdout, said.stderr, said.returncode) == ("ok\n", "", 0)
