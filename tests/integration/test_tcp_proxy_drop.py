"""The TCP proxy as an address that the network has lost: nothing is heard, nothing is said, and TCP's own timers run out."""

import contextlib
import errno
import socket
import struct
import threading
import time

import pytest

from harness.errors import ServerFailed
from harness.local.doors import Doors, door_of
from harness.local.processes import Warden
from harness.local.tcp_proxy_control import TcpProxy

PATIENCE_S = 20.0
ZONES = ("127.0.1.1", "127.0.1.2")


class Server:
    """Says its name, then sends back what it hears; ``end`` closes what it has, by reset."""

    def __init__(self, address=("127.0.0.1", 0), name=b"here\n"):
        self.name, self.served = name, []
        self.listener = socket.create_server(address)
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.served.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            connection.sendall(self.name)
            while data := connection.recv(65_536):
                connection.sendall(data)

    def end(self):
        """As when its process is killed: nobody listens, connections are reset."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.served:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RD)  # wakes the thread that reads
            connection.close()


@pytest.fixture
def server():
    made = Server()
    yield made
    with contextlib.suppress(OSError):
        made.end()


@pytest.fixture
def proxy(warden: Warden, server):
    made = TcpProxy(warden, server.address)
    made.start()
    return made


def dial(address, timeout_s=PATIENCE_S):
    """Connected, and greeted."""
    connection = socket.create_connection(address, timeout_s)
    assert connection.recv(64) == b"here\n"
    return connection


def silent(connection, for_s=0.3):
    """Nothing comes, no end either."""
    connection.settimeout(for_s)
    try:
        said = connection.recv(64)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(PATIENCE_S)
    pytest.fail(f"heard {said!r}")


def broken_by(connection):
    """The errno that ends a wait for bytes."""
    with pytest.raises(OSError) as caught:
        connection.recv(64)
    return caught.value.errno


def test_connecting_hangs_and_nobody_accepts(proxy):
    """Neither accepted nor refused: the connect's own time-out ends it, and the proxy knows of no connection."""
    proxy.drop()
    with pytest.raises(TimeoutError):
        socket.create_connection(proxy.address, 0.3)
    assert proxy.state()["accepted_connections"] == 0


def test_what_an_open_connection_says_vanishes_until_it_heals(proxy):
    """The question isn't even held; when the address is back TCP sends it again, and the answer comes."""
    with dial(proxy.address) as connection:
        proxy.drop()
        connection.sendall(b"question")
        assert silent(connection)
        state = proxy.state()
        assert (state["held_to_target_bytes"], state["to_target_bytes"], state["open_connections"]) == (0, 0, 1)
        proxy.pass_on()
        assert connection.recv(64) == b"question"
    with dial(proxy.address):
        pass


def test_a_connection_with_words_under_way_dies_by_its_user_time_out(proxy):
    """TCP_USER_TIMEOUT of 0.5 s: what was sent stays unacknowledged so long, then the kernel gives the connection up."""
    with dial(proxy.address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)
        proxy.drop()
        begin = time.monotonic()
        connection.sendall(b"question")
        assert broken_by(connection) == errno.ETIMEDOUT
        assert time.monotonic() - begin >= 0.5


def test_a_connection_that_only_waits_dies_by_its_keepalive(proxy):
    """An answer is awaited and all that was said is acknowledged: probes at 1 and 2 s, and nobody answers."""
    with dial(proxy.address) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1)):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        begin = time.monotonic()
        proxy.drop()
        assert broken_by(connection) == errno.ETIMEDOUT
        assert time.monotonic() - begin >= 1.0


def test_keepalive_is_content_with_a_black_hole_that_accepts(proxy):
    """Mode black_hole is as it was: the proxy's kernel answers the probes, so nothing but the client's own time-out helps."""
    with dial(proxy.address) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1)):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        proxy.black_hole()
        assert silent(connection, 3.0)
        with socket.create_connection(proxy.address, PATIENCE_S) as late:
            assert silent(late)
        proxy.pass_on()
        connection.sendall(b"still here")
        assert connection.recv(64) == b"still here"


def test_that_the_server_was_killed_is_heard_only_when_the_address_is_back(proxy, server):
    """The fenced server's resets reach the proxy, no further: silence; afterwards the connection is reset."""
    with dial(proxy.address) as connection:
        proxy.drop()
        server.end()
        assert silent(connection, 0.5)
        proxy.pass_on()
        assert broken_by(connection) == errno.ECONNRESET


def test_that_the_server_closed_and_its_last_words_are_held_too(proxy, server):
    """An answer and an orderly end that come while the address is lost are heard afterwards, in this order."""
    with dial(proxy.address) as connection:
        proxy.drop()
        server.served[0].sendall(b"bye")
        server.served[0].shutdown(socket.SHUT_WR)
        assert silent(connection)
        proxy.pass_on()
        assert connection.recv(64) == b"bye"
        assert connection.recv(64) == b""


def test_a_target_that_refuses_while_the_address_is_lost_is_not_heard_of(warden: Warden):
    """Connected, its target being reached, when the address is lost: that nobody is there is told afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()
    proxy = TcpProxy(warden, nobody)
    proxy.start()
    proxy.black_hole()
    with socket.create_connection(proxy.address, PATIENCE_S) as connection:
        proxy.drop()
        assert silent(connection)
        proxy.pass_on()
        assert broken_by(connection) == errno.ECONNRESET


def test_other_modes_end_what_was_dropped(proxy):
    """Lost, then refused: open connections are closed, new ones refused; lost again from there, and back."""
    connection = dial(proxy.address)
    proxy.drop()
    proxy.refuse()
    assert connection.recv(64) == b""
    connection.close()
    with pytest.raises(ConnectionRefusedError):
        dial(proxy.address)
    proxy.drop()
    with pytest.raises(TimeoutError):
        dial(proxy.address, 0.3)
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        dial(proxy.address)
    proxy.pass_on()
    with dial(proxy.address):
        pass


def test_it_listens_where_it_is_told_and_says_so_where_it_cannot(warden: Warden, server):
    """A port of ours; a second proxy there fails in one sentence that names the address."""
    port = warden.port("127.0.3.1")
    first = TcpProxy(warden, server.address, name="first", host="127.0.3.1", port=port)
    first.start()
    assert first.address == ("127.0.3.1", port)
    with dial(first.address):
        pass
    second = TcpProxy(warden, server.address, name="second", host="127.0.3.1", port=port)
    with pytest.raises(ServerFailed, match=rf"nothing can listen at 127.0.3.1:{port}: Address already in use"):
        second.start()


@pytest.fixture
def doors(warden: Warden):
    """Two zones with a server each, at one port, and their doors."""
    port = warden.port(*ZONES, *map(door_of, ZONES))
    servers = [Server((zone, port)) for zone in ZONES]
    made = Doors(warden, ZONES, port)
    made.start()
    yield made, servers, port
    for one in servers:
        with contextlib.suppress(OSError):
            one.end()


def test_a_zone_behind_its_door_can_vanish_while_the_other_stays(doors):
    """127.0.3.1 is silent though its server was killed, the zone's own address tells; 127.0.3.2 answers; healed, all is said."""
    made, servers, port = doors
    assert [made.address(zone) for zone in ZONES] == ["127.0.3.1", "127.0.3.2"]
    with dial((made.address(ZONES[0]), port)) as through, dial((ZONES[0], port)) as past:
        made.black_hole(ZONES[0])
        servers[0].end()
        assert broken_by(past) == errno.ECONNRESET
        assert silent(through)
        with pytest.raises(TimeoutError):
            dial((made.address(ZONES[0]), port), 0.3)
        with dial((made.address(ZONES[1]), port)):
            pass
        made.heal()
        assert broken_by(through) == errno.ECONNRESET


def test_doors_that_are_closed_are_refused(doors):
    """Their addresses are free again; the servers behind go on."""
    made, _, port = doors
    made.stop()
    with pytest.raises(ConnectionRefusedError):
        dial((made.address(ZONES[0]), port))
    with dial((ZONES[0], port)):
        pass


def test_only_a_zone_has_a_door():
    """An address of another kind is refused with what was expected."""
    with pytest.raises(ValueError, match=r"zone: an address 127.0.1.N, got '127.0.0.1'"):
        door_of("127.0.0.1")
