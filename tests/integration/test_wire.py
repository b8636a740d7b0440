"""Connections on the short path: blocking, over TLS, and on gevent's hub, where one timer stands for many waits."""

import subprocess
import sys

import pytest

# Both ends are greenlets of one process where gevent patched it, threads where it didn't.
SCRIPT = """
import sys
if sys.argv[1] == "hub":
    from gevent import monkey; monkey.patch_all()
import contextlib, socket, ssl, threading, time
from harness import wire

tls = None
if sys.argv[1] == "tls":
    server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); server_tls.load_cert_chain(sys.argv[2])
    tls = ssl.create_default_context(cafile=sys.argv[3])

def pair(timeout_s):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ends = []
        def accept():
            end = listener.accept()[0]
            ends.append(server_tls.wrap_socket(end, server_side=True) if tls else end)
        waiter = threading.Thread(target=accept); waiter.start()
        ours = wire.connect(listener.getsockname(), 5.0, timeout_s, tls)
        waiter.join()
    return ours, ends[0]

def said(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return type(error)
    raise AssertionError(f"no {kind}")

ours, theirs = pair(5.0)
assert type(ours).__name__ == ("_HubWire" if sys.argv[1] == "hub" else "_SocketWire")
theirs.sendall(b"first")
assert ours.receive() == b"first"
assert ours.still_open()
ours.send(b"question"); assert theirs.recv(100) == b"question"
theirs.sendall(b"into"); view = bytearray(10); assert ours.receive_into(memoryview(view)) == 4 and view[:4] == b"into"

# Far more than the buffers hold arrives whole, while its reader is another greenlet or thread.
much, got = bytes(range(256)) * 40_000, bytearray()
def read():
    while len(got) < len(much):
        got.extend(theirs.recv(1_000_000))
reader = threading.Thread(target=read); reader.start()
ours.send(much); reader.join()
assert bytes(got) == much

theirs.sendall(b"unasked"); time.sleep(0.05)
assert not ours.still_open()
ours.close(); theirs.close()

ours, theirs = pair(5.0)
theirs.close()
assert ours.receive() == b""
assert not ours.still_open()
ours.close()

# Answers that keep coming, each before its time is up, outlast the time of one wait: the timer is looked at, not believed.
ours, theirs = pair(0.6)
def drip():
    for _ in range(9):
        time.sleep(0.1); theirs.sendall(b".")
dripper = threading.Thread(target=drip); dripper.start()
assert b"".join(ours.receive() for _ in range(9)) == b"." * 9
dripper.join()
# The wait that follows gets its whole time, though the timer was started by an earlier one; and so does the next.
for _ in range(2):
    began = time.monotonic()
    said(TimeoutError, ours.receive)
    assert time.monotonic() - began > 0.59
theirs.sendall(b"late"); assert ours.receive() == b"late"
ours.close(); theirs.close()

# Nobody reads: the send gives up too.
ours, theirs = pair(0.2)
said(TimeoutError, ours.send, b"x" * 50_000_000)
ours.close(); theirs.close()

if sys.argv[1] == "hub":
    import gevent
    ours, theirs = pair(60.0)
    waiting = gevent.spawn(said, OSError, ours.receive)
    gevent.sleep(0.05)
    ours.close()
    assert waiting.get(timeout=5) is OSError  # closed by another greenlet: told at once
    theirs.close()
    ours, theirs = pair(60.0)
    waiting = gevent.spawn(ours.receive)
    gevent.sleep(0.05)
    waiting.kill(timeout=5)
    assert waiting.dead
    theirs.sendall(b"still"); assert ours.receive() == b"still"
    ours.close(); theirs.close()

with socket.create_server(("127.0.0.1", 0)) as listener:
    nobody = listener.getsockname()
said(ConnectionRefusedError, wire.connect, nobody, 5.0, 5.0)
print("ok")
"""


@pytest.mark.parametrize("kind", ["hub", "blocking", "tls"])
def test_a_connection_keeps_its_promises(pems, kind):
    """Bytes, ends, time limits and closing: the same on gevent's hub, on a blocking socket and over TLS."""
    command = [sys.executable, "-W", "error", "-c", SCRIPT, kind, *map(str, pems)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (said.stdout, said.stderr, said.returncode) == ("ok\n", "", 0)
