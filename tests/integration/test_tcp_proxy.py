"""The TCP proxy: real sockets through each of its modes, switched while connections are open. Delays only as *at least*."""

import contextlib
import hashlib
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time

import psutil
import pytest

from harness.cache.client import CacheClient, CacheConnectionError, CacheTimeoutError
from harness.config import CacheSettings
from harness.errors import CannotMeasure
from harness.local.caches import Caches
from harness.local.processes import Warden
from harness.local.tcp_proxy_control import TcpProxy

PATIENCE_S = 20.0


class EchoServer:
    """Says ``name`` and a newline, then sends back what it hears; at its end, ``bye`` and closes."""

    def __init__(self, name=b"one"):
        self.name = name
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.sendall(self.name + b"\n")
            while data := connection.recv(65_536):
                connection.sendall(data)
            connection.sendall(b"bye")


@pytest.fixture
def server():
    made = EchoServer()
    yield made
    made.listener.close()


@pytest.fixture
def proxy(warden: Warden, server):
    made = TcpProxy(warden, server.address)
    made.start()
    return made


def dial(proxy):
    return socket.create_connection(proxy.address, PATIENCE_S)


def hear(connection, count):
    """Exactly so many bytes."""
    heard = b""
    while len(heard) < count:
        data = connection.recv(count - len(heard))
        assert data, f"closed after {heard!r}"
        heard += data
    return heard


def until(proxy, **wanted):
    """Wait until the proxy's state says so, and give it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        state = proxy.state()
        if all(state[name] == value for name, value in wanted.items()):
            return state
        time.sleep(0.005)
    raise AssertionError(f"wanted {wanted}, got {state}")


def silent(connection):
    """Whether nothing can be read now."""
    connection.settimeout(0.05)
    try:
        return not connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(PATIENCE_S)


def test_bytes_and_ends_pass_both_ways(proxy):
    """3 MB there and back, then our end: the server's last words still come. The proxy has counted all of it."""
    sent = random.Random(7).randbytes(3_000_000)
    with dial(proxy) as connection:
        assert hear(connection, 4) == b"one\n"
        writer = threading.Thread(target=connection.sendall, args=(sent,))
        writer.start()
        assert hashlib.sha256(hear(connection, len(sent))).digest() == hashlib.sha256(sent).digest()
        writer.join()
        connection.shutdown(socket.SHUT_WR)
        assert hear(connection, 3) == b"bye"
        assert connection.recv(1) == b""
    state = until(proxy, open_connections=0)
    assert (state["to_target_bytes"], state["to_client_bytes"]) == (len(sent), 4 + len(sent) + 3)
    assert (state["accepted_connections"], state["held_to_target_bytes"], state["held_to_client_bytes"]) == (1, 0, 0)


def test_a_delay_counts_each_way_and_for_connections_that_are_open(proxy):
    """30 ms there and 30 back: an answer takes 60 at least; what was said in order is heard in order."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.delay(30)
        for words in (b"first", b"second"):
            begin = time.monotonic()
            for letter in words:
                connection.sendall(bytes([letter]))
            assert hear(connection, len(words)) == words
            assert time.monotonic() - begin >= 0.060
        assert proxy.state()["delay_ms"] == 30


def test_bytes_under_way_heed_a_change(proxy):
    """Ten minutes of delay, then none: what was under way is there, and what comes after it comes after it."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.delay(600_000)
        connection.sendall(b"slow")
        until(proxy, held_to_target_bytes=4)
        proxy.pass_on()
        connection.sendall(b"fast")
        assert hear(connection, 8) == b"slowfast"


def test_a_black_hole_holds_bytes_both_ways_and_loses_none(proxy):
    """The question is held, then the answer of an earlier one; silence; then all goes on in order, the end too."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.black_hole()
        connection.sendall(b"question")
        connection.shutdown(socket.SHUT_WR)
        until(proxy, held_to_target_bytes=8)
        assert silent(connection)
        proxy.pass_on()
        assert hear(connection, 11) == b"questionbye"
        assert connection.recv(1) == b""
    until(proxy, held_to_target_bytes=0, open_connections=0)


def test_an_answer_and_a_servers_end_are_held_as_well(proxy):
    """What the server says in the hole waits in the proxy, and that it has closed too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.retarget(*listener.getsockname())
        with dial(proxy) as connection:
            server_side, _ = listener.accept()
            with server_side:
                proxy.black_hole()
                server_side.sendall(b"answer")
            until(proxy, held_to_client_bytes=6)
            assert silent(connection)
            proxy.pass_on()
            assert hear(connection, 6) == b"answer"
            assert connection.recv(1) == b""


def test_a_connection_made_in_a_black_hole_is_accepted_and_reaches_its_target_later(proxy):
    """Accepted and silent, the target doesn't know of it; then the server's first words come."""
    proxy.black_hole()
    with dial(proxy) as connection:
        connection.sendall(b"hello")
        until(proxy, held_to_target_bytes=5, open_connections=1)
        assert silent(connection)
        proxy.pass_on()
        assert hear(connection, 9) == b"one\nhello"


def test_a_sender_into_a_black_hole_is_stopped_and_nothing_is_lost(proxy):
    """16 MB don't fit into what the proxy holds (4 MiB a direction): sending stalls, and ends when they may go on."""
    sent = random.Random(8).randbytes(16_000_000)
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.black_hole()
        writer = threading.Thread(target=connection.sendall, args=(sent,))
        writer.start()
        deadline = time.monotonic() + PATIENCE_S
        while (held := proxy.state()["held_to_target_bytes"]) <= 4 * 1024 * 1024 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert 4 * 1024 * 1024 < held < len(sent)
        assert writer.is_alive()
        proxy.pass_on()
        assert hashlib.sha256(hear(connection, len(sent))).digest() == hashlib.sha256(sent).digest()
        writer.join()


def test_refused_as_if_the_server_had_ended(proxy):
    """Open connections are closed, new ones refused, at the same address served again afterwards."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.refuse()
        assert connection.recv(1) == b""
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            dial(proxy)
    proxy.pass_on()
    with dial(proxy) as connection:
        assert hear(connection, 4) == b"one\n"


def test_reset_open_connections_and_new_ones(proxy):
    """What is read next says *reset by peer*, on a connection from before and on a new one."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionResetError), dial(proxy) as connection:
        connection.recv(1)
    assert proxy.state()["open_connections"] == 0
    proxy.pass_on()
    with dial(proxy) as connection:
        assert hear(connection, 4) == b"one\n"


def test_what_is_held_is_lost_by_a_reset(proxy):
    """Held bytes of connections that are gone don't count as held any more."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.black_hole()
        connection.sendall(b"lost")
        until(proxy, held_to_target_bytes=4)
        proxy.reset()
        assert proxy.state()["held_to_target_bytes"] == 0


def test_a_new_target_is_for_new_connections(proxy):
    """The open one goes on talking with the first server."""
    other = EchoServer(b"two")
    with dial(proxy) as before:
        hear(before, 4)
        proxy.retarget(*other.address)
        with dial(proxy) as after:
            assert hear(after, 4) == b"two\n"
        before.sendall(b"still here")
        assert hear(before, 10) == b"still here"
    other.listener.close()


def test_without_a_target_connections_are_reset(proxy, server):
    """The proxy has accepted before it knows."""
    server.listener.close()
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()
    proxy.retarget(*nobody)
    with pytest.raises(ConnectionResetError), dial(proxy) as connection:
        connection.recv(1)


def test_a_client_that_breaks_off_breaks_the_servers_connection(proxy, server):
    """A reset on one side is one on the other, after which the link is gone."""
    connection = dial(proxy)
    hear(connection, 4)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    until(proxy, open_connections=0)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"do": "mode", "mode": "slow"}, "one of pass, delay, black_hole, drop, refuse, reset"),
        ({"do": "mode", "mode": "delay", "delay_ms": -1}, "at least 0"),
        ({"do": "mode", "mode": "pass", "delay_ms": 5}, "only with mode delay"),
        ({"do": "mode", "mode": "delay", "delay_ms": "5"}, "TypeError"),
        ({"do": "sing"}, "one of mode, target, state"),
        ({}, "KeyError"),
    ],
)
def test_what_it_does_not_understand_it_refuses_and_goes_on(proxy, request_, said):
    """The error says what was expected; the proxy passes on as before."""
    with pytest.raises(CannotMeasure, match=said):
        proxy._ask(request_)
    assert proxy.state()["mode"] == "pass"


def test_a_line_that_is_no_json_is_refused_too(proxy):
    """And the next line on the same connection is answered."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(proxy._control))
        control.sendall(b'hello\n{"do": "state"}\n')
        with control.makefile("rb") as replies:
            assert [json.loads(replies.readline())["ok"] for _ in range(2)] == [False, True]


def test_a_proxy_that_is_gone_says_so(proxy):
    """Its connections went with it."""
    with dial(proxy) as connection:
        hear(connection, 4)
        proxy.stop()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    with pytest.raises(CannotMeasure, match="the TCP proxy tcp_proxy doesn't answer"):
        proxy.state()


def set_in_time(cache, key, value):
    """Whether the cache has answered within its time out."""
    try:
        cache.set(key, value)
    except CacheTimeoutError:
        return False
    return True


def test_a_cache_behind_a_black_hole_costs_its_clients_their_time_out(warden):
    """A get times out; refused, it breaks; when the hole is gone a new connection answers."""
    caches = Caches(warden, CacheSettings())
    caches.start()
    proxy = TcpProxy(warden, caches.servers[0].endpoint.address, name="before_valkey")
    proxy.start()
    with CacheClient(*proxy.address, timeout_s=0.2) as cache:
        deadline = time.monotonic() + PATIENCE_S
        while not set_in_time(cache, "k", b"v"):  # on a busy machine an answer may take longer than that
            assert time.monotonic() < deadline
        proxy.black_hole()
        with pytest.raises(CacheTimeoutError):
            cache.get("k")
        proxy.refuse()
        with pytest.raises(CacheConnectionError, match="refused"):
            cache.get("k")
        proxy.pass_on()
    with CacheClient(*proxy.address, timeout_s=PATIENCE_S) as cache:
        assert cache.get("k") == b"v"


# The control socket is answered by a greenlet of the same process: an order that blocked would wait for ever.
PATCHED = """
from gevent import monkey; monkey.patch_all()
import socket, tempfile
from pathlib import Path
from types import SimpleNamespace
import gevent
from harness.local.tcp_proxy_control import TcpProxy

folder = tempfile.TemporaryDirectory()
scratch = Path(folder.name)
listener = socket.socket(socket.AF_UNIX)
listener.bind(str(scratch / "tcp_proxy.control"))
listener.listen()

def answer():
    while True:
        connection, _ = listener.accept()
        connection.recv(4096)
        gevent.sleep(0.01)
        connection.sendall(b'{"ok": true, "mode": "pass"}\\n')

gevent.spawn(answer)
assert TcpProxy(SimpleNamespace(scratch=scratch), ("127.0.0.1", 1)).state() == {"mode": "pass"}
folder.cleanup()
print("cooperative")
"""


def test_orders_can_be_given_from_greenlets():
    """Where gevent patched, the control's socket is its own."""
    done = subprocess.run([sys.executable, "-c", PATCHED], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("cooperative\n", 0), done.stderr


def test_both_ends_may_vanish_while_the_news_is_under_way(warden: Warden):
    """Client and server reset their connections within the delay: the proxy lets go of them, and goes on taking orders."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = TcpProxy(warden, listener.getsockname())
        proxy.start()
        process = psutil.Process(warden.servers()["tcp_proxy"])
        open_before = process.num_fds()
        ends = [dial(proxy), listener.accept()[0]]
        proxy.delay(5_000)
        for end in ends:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        deadline = time.monotonic() + PATIENCE_S
        while process.num_fds() > open_before:  # until it has heard of both
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert proxy.state()["open_connections"] == 1
        proxy.pass_on()
        assert proxy.state()["open_connections"] == 0
        with dial(proxy) as client, listener.accept()[0] as served:
            client.sendall(b"on")
            assert hear(served, 2) == b"on"
