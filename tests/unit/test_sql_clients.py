"""Client arms without a network: whom they dial, and what making one asks for."""

import subprocess
import sys

import psycopg
import pytest
from sqlalchemy import exc

from harness.errors import UsageError
from harness.scenario import Slot
from harness.sql.clients.make import ARMS, make
from harness.sql.clients.model import ClientSettings, Cut, NotAWriter, Way
from harness.sql.clients.plain import Fresh, Plain
from harness.sql.clients.pooled import CheckoutTimedOut
from harness.sql.clients.progress import Open, Progress
from harness.sql.clients.retry import Retry
from harness.sql.clients.routes import FirstWriter
from harness.sql.connections import classify
from harness.sql.dialling import Keepalive, Manner
from harness.sql.endpoint import SqlEndpoint

ZONES = ("127.0.1.1", "127.0.1.2", "127.0.1.3")


def way(engine="mysql", addresses=ZONES, **names):
    template = SqlEndpoint(engine=engine, host="", port=3306, user="u", password="p", database="d")
    return Way(engine=engine, name="db.test", dns=("127.0.0.1", 53), template=template, addresses=addresses, **names)


class Connection:
    """An open connection to a server that is read-only or isn't."""

    engine = "mysql"

    def __init__(self, read_only):
        self.read_only, self.closed, self.broken = read_only, False, False

    def query(self, sql, params=()):
        if self.broken:
            raise ConnectionResetError
        return [(self.read_only,)] if "read_only" in sql else [(7,)]

    def close(self):
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


class Zones:
    """Servers by zone: each a writer, a reader, refusing, or an action to be taken when it is dialled."""

    def __init__(self, *states):
        self.states = dict(zip(ZONES, states, strict=False))
        self.dialled, self.connections = [], []

    def dial(self, endpoint, manner, progress):
        assert endpoint.port == 3306
        self.dialled.append(endpoint.host[-1])
        state = self.states[endpoint.host]
        if callable(state):
            state()
        if state == "refuses" or callable(state):
            raise ConnectionRefusedError(endpoint.host)
        progress.connected()
        self.connections.append(Connection(read_only=int(state == "reader")))
        return self.connections[-1]

    def route(self):
        return FirstWriter(way(addresses=tuple(self.states)), Manner(), self.dial)

    def order(self):
        """Who was dialled, in order, since last asked."""
        dialled, self.dialled = "".join(self.dialled), []
        return dialled


def newest(connection):
    return connection.query("SELECT newest")


def test_a_client_of_many_hosts_takes_the_first_that_takes_writes():
    """Refused by the first, told by the second that it is read-only, at home with the third; the second is hung up on."""
    zones = Zones("refuses", "reader", "writer")
    client = Plain("multi_host", zones.route(), Retry(kind="none"), clock_ns=lambda: 5)
    tried = client.attempt(Slot(0), newest)
    assert (tried.value, tried.stamps.address, tried.stamps.connected_ns) == ([(7,)], "127.0.1.3", 5)
    assert zones.order() == "123"
    assert [connection.closed for connection in zones.connections] == [True, False]


def test_a_connection_is_used_again_and_its_attempts_take_no_steps():
    """The second attempt is on the same connection, whoever makes it: its address is known, nothing was done for it."""
    zones = Zones("writer")
    client = Plain("multi_host", zones.route(), Retry(kind="none"), clock_ns=lambda: 5)
    for slot, dialled in ((0, "1"), (0, ""), (1, "")):
        stamps = client.attempt(Slot(slot), newest).stamps
        assert (zones.order(), stamps.address) == (dialled, "127.0.1.1")
        assert stamps.connected_ns == (5 if dialled else -1)
    client.close()
    assert all(connection.closed for connection in zones.connections)


def test_there_are_as_many_connections_as_attempts_at_once():
    """One is made within another: two connections, of which the one that came home last, the outer one's, is used next."""
    zones = Zones("writer")
    client = Plain("multi_host", zones.route(), Retry(kind="none"), clock_ns=lambda: 5)
    client.attempt(Slot(0), lambda connection: client.attempt(Slot(1), newest))
    assert zones.order() == "11"
    used = client.attempt(Slot(2), lambda connection: connection).value
    assert used is zones.connections[0]


def test_no_writer_at_all_is_the_last_one_s_error():
    """Nothing was sent."""
    client = Plain("multi_host", Zones("refuses", "reader").route(), Retry(kind="none"), clock_ns=lambda: 5)
    tried = client.attempt(Slot(0), newest)
    assert isinstance(tried.error, NotAWriter)
    assert (tried.value, tried.sent, tried.stamps.address) == (None, False, "127.0.1.2")
    assert classify(tried.error, sent=tried.sent) == ("error", "NotAWriter")


def test_an_error_of_the_work_closes_the_connection():
    """Whatever it was: the next attempt begins afresh."""
    zones = Zones("writer")
    client = Plain("multi_host", zones.route(), Retry(kind="none"), clock_ns=lambda: 5)

    def broken(connection):
        raise ConnectionResetError

    tried = client.attempt(Slot(0), broken)
    assert tried.sent
    assert isinstance(tried.error, ConnectionResetError)
    assert zones.connections[0].closed
    assert client.attempt(Slot(0), newest).error is None
    assert zones.order() == "11"


def reference(zones):
    return Fresh("reference", zones.route(), Retry(kind="none"), clock_ns=lambda: 5)


def test_the_reference_stays_where_it_was_answered():
    """Told that zone 1 is read-only, it goes to zone 2 and keeps that connection while it answers."""
    zones = Zones("reader", "writer")
    client = reference(zones)
    errors = [client.attempt(Slot(0), newest).error for _ in range(4)]
    assert [type(error) for error in errors] == [NotAWriter, type(None), type(None), type(None)]
    assert zones.order() == "12"
    client.close()
    assert all(connection.closed for connection in zones.connections)


def test_the_reference_connects_anew_after_a_failure_and_takes_the_addresses_in_turn():
    """Zone 1 dies with its connection: one attempt finds that out, then 2, 1, 2, 1, and the writer at 2 is found when it is its turn."""
    zones = Zones("writer", "refuses")
    client = reference(zones)
    client.attempt(Slot(0), newest)
    zones.states["127.0.1.1"] = "refuses"
    zones.connections[0].broken = True
    for _ in range(5):
        client.attempt(Slot(0), newest)
    assert zones.order() == "12121"
    zones.states["127.0.1.2"] = "writer"
    assert [client.attempt(Slot(0), newest).error for _ in range(2)] == [None, None]
    assert zones.order() == "2"


def test_a_silent_address_holds_up_one_attempt_and_hides_no_other():
    """While one attempt waits for silent zone 1, all others go to zone 2."""
    zones = Zones("refuses", "refuses")
    client = reference(zones)

    def while_waiting():
        zones.states["127.0.1.1"] = "refuses"
        for _ in range(3):
            client.attempt(Slot(1), newest)

    zones.states["127.0.1.1"] = while_waiting
    client.attempt(Slot(0), newest)
    assert zones.order() == "1222"


def test_what_is_cut_opens_nothing_more_and_shuts_all():
    """Whatever is open is shut once, and what comes later is refused."""

    class Connecting:
        shut_count = 0

        def shut(self):
            self.shut_count += 1

    connections, connecting = Open(), Connecting()
    progress = Progress(connections, lambda: 5)
    progress.opened(connecting)
    connections.cut()
    assert connecting.shut_count == 1
    with pytest.raises(Cut):
        progress.opened(Connecting())
    assert classify(Cut(), sent=False) == ("error", "Cut")


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm not in ("proxy", "reader")])
@pytest.mark.parametrize("engine", ["mysql", "postgres"])
def test_every_arm_can_be_made_without_touching_the_network(arm, engine):
    """By its name, with the retry that the arm stands for."""
    client = make(arm, way(engine), connections=4, settings=ClientSettings(patience_s=1.5))
    retries = {"tuned": "token", "tuned_ttl": "token", "pool": "blind", "pool_pre_ping": "blind"}
    assert (client.arm, client.retry.kind, client.retry.patience_s) == (arm, retries.get(arm, "none"), 1.5)
    client.cut()
    assert client.is_cut
    assert isinstance(client.attempt(Slot(0), newest).error, Cut)
    client.close()


@pytest.mark.parametrize(
    ("arm", "complaint"),
    [("proxy", "no proxy stands before db.test"), ("reader", "db.test has no readers"), ("turned", "got 'turned'")],
)
def test_an_arm_that_cannot_be_made_says_why(arm, complaint):
    """What is missing, or which arms there are."""
    with pytest.raises(UsageError, match=complaint):
        make(arm, way(), connections=4, settings=ClientSettings())


def test_a_keepalive_of_nothing_is_refused():
    """0 would be the system's two hours."""
    with pytest.raises(ValueError, match="at least 1"):
        Keepalive(idle_s=0)


def test_what_sqlalchemy_wraps_counts_as_what_it_wraps():
    """A lost connection in the middle of a write is as ambiguous through a pool as without one."""
    lost = psycopg.OperationalError("server closed the connection unexpectedly")
    wrapped = exc.OperationalError("INSERT", (), lost)
    assert classify(wrapped, sent=True) == ("ambiguous", "OperationalError")
    assert classify(wrapped, sent=False) == ("error", "OperationalError")
    refused = exc.InternalError("INSERT", (), psycopg.errors.lookup("25006")("read-only transaction"))
    assert classify(refused, sent=True) == ("error", "25006")


def test_a_checkout_that_found_nothing_is_a_timeout():
    """Nothing was sent."""
    assert classify(CheckoutTimedOut("in use"), sent=False) == ("timeout", "CheckoutTimedOut")


def test_only_the_pools_pay_for_sqlalchemy():
    """Making other arms doesn't import it."""
    said = subprocess.run([sys.executable, "-c", OTHERS], capture_output=True, text=True, timeout=60)
    assert (said.stdout, said.stderr) == ("False\n", "")


OTHERS = """
import sys
from harness.sql.clients.make import make
from harness.sql.clients.model import ClientSettings, Way
from harness.sql.endpoint import SqlEndpoint
end = SqlEndpoint(engine="mysql", host="", port=1, user="", password="", database="")
way = Way(engine="mysql", name="a", dns=("", 1), template=end, addresses=("127.0.1.1",))
for arm in ("tuned", "multi_host", "reference"):
    make(arm, way, connections=1, settings=ClientSettings())
print("sqlalchemy" in sys.modules)
"""
