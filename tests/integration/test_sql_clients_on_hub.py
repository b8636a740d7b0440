"""Client arms where they are at home, in a process that gevent patched: cut while they wait for ever, pools that let others run."""

import subprocess
import sys

import orjson
import pytest

from harness.local.services import LocalServices
from harness.services import Needs

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


BEGINNING = """
from gevent import monkey; monkey.patch_all()
import socket, sys, time
import gevent, orjson
from harness.local.dns import DnsServer
from harness.scenario import Slot
from harness.sql.clients.make import make
from harness.sql.clients.model import ClientSettings, Way
from harness.sql.connections import classify
from harness.sql.endpoint import SqlEndpoint
there, sleep = SqlEndpoint(**orjson.loads(sys.argv[1])), sys.argv[2]
dns = DnsServer()
dns.start()
dns.move("db.test", "127.0.0.1")

def client_of(arm, host, port, connections=2, **settings):
    at = there.at(host, port)
    way = Way(engine=there.engine, name="db.test", dns=dns.address, template=at, addresses=(host,), proxy=at)
    return make(arm, way, connections=connections, settings=ClientSettings(**settings))

def attempt(client, work, slot=0):
    tried = client.attempt(Slot(slot), work)
    return tried, "ok" if tried.error is None else classify(tried.error, sent=tried.sent)[0]

def until(what, patience_s=20):
    for _ in range(patience_s * 100):
        if what():
            return
        gevent.sleep(0.01)
    raise AssertionError("it took too long")

def ask(connection):
    return connection.query("SELECT 1")
"""

# For each step a place where a client waits for ever: a full backlog drops SYNs, an accepting kernel doesn't greet, a server sleeps.
CUT = """
silent = socket.create_server(("127.0.0.1", 0))
full = socket.create_server(("127.0.0.1", 0), backlog=0)
crowd = [socket.socket() for _ in range(4)]
for one in crowd:
    one.setblocking(False)
    one.connect_ex(full.getsockname())
reading = []
def read(connection):
    reading.append(connection)
    return connection.query(sleep, (60,))
steps = {
    "connecting": (*full.getsockname(), ask),
    "authenticating": (*silent.getsockname(), ask),
    "reading": (there.host, there.port, read),
}
for arm in ("naive", "keepalive", "proxy", "pool", "pool_pre_ping"):
    for step, (host, port, work) in steps.items():
        client = client_of(arm, host, port)
        waiting = [gevent.spawn(attempt, client, work, slot) for slot in range(2)]
        if work is read:
            until(lambda: len(reading) == 2)
            reading.clear()
        gevent.sleep(0.3)
        assert not any(one.ready() for one in waiting), (arm, step, [one.value for one in waiting])
        client.cut()
        gevent.joinall(waiting, timeout=10)
        assert all(one.ready() for one in waiting), (arm, step)
        for tried, outcome in (one.get() for one in waiting):
            expected = (True, "ambiguous") if work is read else (False, "error")
            assert (tried.sent, outcome) == expected, (arm, step, tried)
            reached = tried.stamps.connected_ns >= 0, tried.stamps.authenticated_ns >= 0
            assert reached == {"connecting": (False, False), "authenticating": (True, False), "reading": (True, True)}[step] or (
                arm.startswith("pool") and reached == (False, False)), (arm, step, tried)
        tried, outcome = attempt(client, ask)
        assert type(tried.error).__name__ == "Cut" and outcome == "error", (arm, step, tried)
        client.close()
dns.stop()
print("ok")
"""


def run(program, endpoint):
    names = ("engine", "host", "port", "user", "password", "database")
    where = orjson.dumps({name: getattr(endpoint, name) for name in names}).decode()
    sleep = {"postgres": "SELECT pg_sleep(%s)", "mysql": "SELECT sleep(%s)"}[endpoint.engine]
    command = [sys.executable, "-c", BEGINNING + program, where, sleep]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (said.stdout, said.stderr, said.returncode) == ("ok\n", "", 0)


def test_a_client_without_time_outs_waits_until_it_is_cut_at_whichever_step(endpoint):
    """Connecting, authenticating, reading: all its greenlets wake up, and a read under way is as unknown as a write would be."""
    run(CUT, endpoint)


POOL = """
pool = client_of("pool", there.host, there.port, connections=1, checkout_timeout_s=0.3)
ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)
ticking = gevent.spawn(tick)
sleeping = []
def sleep_long(connection):
    sleeping.append(connection)
    return connection.query(sleep, (5,))
asleep = gevent.spawn(attempt, pool, sleep_long)
until(lambda: sleeping)
began = time.monotonic()
late, outcome = attempt(pool, ask, slot=1)
assert outcome == "timeout" and not late.sent and type(late.error).__name__ == "CheckoutTimedOut", late
assert time.monotonic() - began > 0.25 and not asleep.ready()
assert any(began < at < began + 0.3 for at in ticks)  # others ran meanwhile
assert asleep.get(timeout=30)[1] == "ok"
assert attempt(pool, ask, slot=1)[1] == "ok"
many = client_of("pool_pre_ping", there.host, there.port, connections=3)
together = [gevent.spawn(attempt, many, lambda connection: connection.query(sleep, (0.05,)), slot) for slot in range(9)]
gevent.joinall(together, timeout=30, raise_error=True)
made = sum(one.get()[0].stamps.authenticated_ns >= 0 for one in together)
assert [one.get()[1] for one in together] == ["ok"] * 9 and made == 3, made
ticking.kill()
many.close()
pool.close()
dns.stop()
print("ok")
"""


def test_a_checkout_that_finds_nothing_waits_while_others_run(endpoint):
    """One connection, asleep for five seconds: the next checkout gives up after 0.3 s. Three serve nine; none is made beyond them."""
    run(POOL, endpoint)


TIMED = """
silent = socket.create_server(("127.0.0.1", 0))
for host, port, work, sent, outcome in (
    (*silent.getsockname(), ask, False, "timeout"),
    (there.host, there.port, lambda connection: connection.query(sleep, (60,)), True, "ambiguous"),
):
    tuned = client_of("tuned", host, port, connect_timeout_s=20.0 if sent else 1.0, read_timeout_s=1.0)
    began = time.monotonic()
    tried, came = attempt(tuned, work)
    assert (tried.sent, came) == (sent, outcome) and 0.9 < time.monotonic() - began < 30, (tried, came)
    tuned.close()
dns.stop()
print("ok")
"""


def test_a_tuned_client_gives_up_by_itself(endpoint):
    """A second for a server that doesn't greet, and one for an answer."""
    run(TIMED, endpoint)
