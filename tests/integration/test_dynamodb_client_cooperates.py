"""The lean clients over TLS, and inside a process that gevent patched."""

import contextlib
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme

from harness.dynamodb.client import ConnectFailed, DynamoClient

# Client and server are greenlets of one process: a client that blocked would wait for ever for its answer.
ONE_PROCESS = """
from gevent import monkey; monkey.patch_all()
import socket, ssl, sys
import gevent
from harness.cache.client import CacheClient
from harness.dynamodb.client import DynamoClient, TimedOut

server_pem, authority_pem, tls = sys.argv[1], sys.argv[2], sys.argv[3] == "tls"
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(server_pem)
trust = ssl.create_default_context(cafile=authority_pem)
body = b'{"n":"' + b"x" * 300_000 + b'"}'

def dynamodb(connection):
    while connection.recv(65_536):
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)

def cache(connection):
    while connection.recv(65_536):
        connection.sendall(b"$1\\r\\nv\\r\\n")

def silent(connection):
    while connection.recv(65_536):
        pass

def talk(answer, wrap, connection):
    answer(context.wrap_socket(connection, server_side=True) if wrap else connection)

def serve(answer, wrap):
    listener = socket.create_server(("127.0.0.1", 0))
    def accept():
        while True:
            gevent.spawn(talk, answer, wrap, listener.accept()[0])
    gevent.spawn(accept)
    return listener.getsockname()[1]

scheme = "https" if tls else "http"
with DynamoClient(f"{scheme}://127.0.0.1:{serve(dynamodb, tls)}", tls=trust, read_timeout_s=10) as client:
    assert [client.call("Scan", b"{}").bytes_count for _ in range(3)] == [len(body)] * 3
with CacheClient("127.0.0.1", serve(cache, False), timeout_s=10) as client:
    assert client.get("k") == b"v"
with DynamoClient(f"{scheme}://127.0.0.1:{serve(silent, tls)}", tls=trust, read_timeout_s=0.2) as client:
    try:
        client.call("Scan", b"{}")
    except TimedOut as trouble:
        assert trouble.sent
    else:
        raise AssertionError("no timeout")
print("cooperative")
"""


@pytest.mark.parametrize("transport", ["plain", "tls"])
def test_clients_cooperate_where_gevent_patched(pems, transport):
    """Patched before they are imported, client and server get along in one process, timeouts included."""
    command = [sys.executable, "-c", ONE_PROCESS, *map(str, pems), transport]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (said.stdout, said.stderr, said.returncode) == ("cooperative\n", "", 0)


@pytest.fixture
def tls_port(pems):
    """A TLS server that answers every request with an empty object."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pems[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with (
                    contextlib.suppress(OSError),
                    context.wrap_socket(connection, server_side=True) as secure,
                ):
                    while secure.recv(65_536):
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def test_tls_keeps_its_connection_over_idle_times(pems, tls_port):
    """An idle TLS connection that is still open is found open and used again."""
    now_ns = [0]
    trust = ssl.create_default_context(cafile=str(pems[1]))
    url = f"https://127.0.0.1:{tls_port}"
    with DynamoClient(url, tls=trust, clock_ns=lambda: now_ns[0]) as client:
        for now_ns[0] in (0, 1_000_000_000, 2_000_000_000):
            assert client.call("Scan", b"{}").body == {}
            assert client.call("Scan", b"{}").body == {}


def test_a_certificate_nobody_trusts_is_a_failed_connection(tls_port):
    """Nothing is sent over a connection whose other end isn't known."""
    with pytest.raises(ConnectFailed, match="certificate verify failed") as caught:
        DynamoClient(f"https://127.0.0.1:{tls_port}").call("PutItem", b"{}")
    assert caught.value.sent is False


def test_a_certificate_for_another_name_is_a_failed_connection(pems, tls_port):
    """Trusted, but made out to 127.0.0.1: it doesn't vouch for localhost."""
    trust = ssl.create_default_context(cafile=str(pems[1]))
    with pytest.raises(ConnectFailed, match="Hostname mismatch"):
        DynamoClient(f"https://localhost:{tls_port}", tls=trust).call("PutItem", b"{}")


def test_the_server_is_asked_for_by_name(tmp_path):
    """A load balancer with many certificates finds the right one: the name goes out before the certificate comes."""
    authority, asked = trustme.CA(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.sni_callback = lambda connection, name, context: asked.append(name)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with context.wrap_socket(listener.accept()[0], server_side=True) as secure:
                secure.recv(65_536)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve)
        thread.start()
        with DynamoClient(f"https://localhost:{listener.getsockname()[1]}", tls=trust) as client:
            assert client.call("Scan", b"{}").status == 200
        thread.join()
    assert asked == ["localhost"]
