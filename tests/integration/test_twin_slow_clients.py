"""Long work and slow clients: whoever else is there is served meanwhile, and nothing is kept for those who don't come on."""

import gc
import os
import resource
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress

import psutil
import pytest
from twin_served import Client, Fake, request, served, twin

from harness.local.dynamodb.wire.connection import Connection

PATIENCE_S = 0.4  # of the server with slow clients, in these tests


class Endless:
    """A work that never ends of itself; says whether it has been dropped."""

    def __init__(self):
        self.began, self.steps, self.dropped = 0, 0, threading.Event()

    def __call__(self, _body):
        self.began += 1
        try:
            while True:
                self.steps += 1
                sum(range(10_000))  # 0.1 ms or so
                yield
        finally:
            self.dropped.set()


def counted(steps):
    """A work of some steps of 0.1 ms or so, whose answer is their number."""

    def work(_body):
        for _ in range(steps):
            sum(range(10_000))
            yield
        return 200, b"%d" % steps

    return work


def reset(client):
    """Go away as a client does that has crashed: without a farewell."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def test_others_are_answered_while_a_work_goes_on():
    """100 requests of another connection, each between two slices of a work that wouldn't end; and 20 such works."""
    scan = Endless()
    with served(Fake(Scan=scan)) as address, Client(address) as other, ExitStack() as scans:
        for works in (1, 20):
            while scan.began < works:
                scans.enter_context(Client(address)).send(request("Scan"))
                assert other.send(request("Echo", b"first")).answer() == (200, b"first")
            before = scan.steps
            for number in range(100):
                assert other.send(request("Echo", b"%d" % number)).answer() == (200, b"%d" % number)
            assert scan.steps > before  # and the work goes on between them
        assert not scan.dropped.is_set()


def test_chores_are_done_while_nobody_asks():
    """What no request waits for goes on by itself, to its end each time: two steps, and again two."""
    service = Fake()
    with served(service):
        deadline_s = time.monotonic() + 10
        while service.chores < 4 and time.monotonic() < deadline_s:
            time.sleep(0.01)
    assert service.chores >= 4


def test_a_work_is_dropped_when_its_client_has_gone():
    """A client that crashes: its work is closed at once, long before it would have ended."""
    scan = Endless()
    with served(Fake(Scan=scan)) as address:
        client = Client(address).send(request("Scan"))
        with Client(address) as other:
            other.send(request("Echo")).answer()
        reset(client)
        assert scan.dropped.wait(5)


def test_answers_keep_the_order_of_their_requests():
    """Sent at once: a long work of 200 steps, a short request, one of 1 step, one that is over at once."""
    with served(Fake(Long=counted(200), Short=counted(1), Done=counted(0))) as address, Client(address) as client:
        client.send(request("Long"), request("Echo", b"second"), request("Short"), request("Done"))
        assert [client.answer()[1] for _ in range(4)] == [b"200", b"second", b"1", b"0"]
        assert client.send(request("Echo", b"and on")).answer() == (200, b"and on")


def test_a_work_that_fails_is_an_internal_error():
    """A defect in the middle of a work: the service's 500 without a traceback, and the connection goes on."""

    def fails(_body):
        yield
        raise ZeroDivisionError("a secret of the code")

    with served(Fake(Scan=fails)) as address, Client(address) as client:
        status, body = client.send(request("Scan")).answer()
        assert (status, b"InternalServerError" in body, b"secret" in body) == (500, True, False)
        assert client.send(request("Echo", b"on")).answer() == (200, b"on")


def test_a_client_that_has_said_its_last_is_answered_yet():
    """It shuts its side down after a long work and two more requests: three answers, then the end."""
    with served(Fake(Long=counted(200))) as address, Client(address) as client:
        client.send(request("Long"), request("Echo", b"2"), request("Echo", b"3"))
        client.socket.shutdown(socket.SHUT_WR)
        assert [client.answer()[1] for _ in range(3)] == [b"200", b"2", b"3"]
        assert client.rest() == b""


def test_nothing_more_is_read_while_a_work_goes_on():
    """Of 100 MB sent behind an endless work, what the system's buffers hold is taken; then the client has to wait."""
    with served(Fake(Scan=Endless())) as address, Client(address) as client:
        client.send(request("Scan"))
        one, sent = request("Echo", b"x" * 60_000), 0
        client.socket.settimeout(1)
        with suppress(TimeoutError):
            while sent < 100_000_000:
                sent += client.socket.send(one)
        assert sent < 50_000_000
        reset(client)


def test_a_client_that_does_not_take_its_answers_waits():
    """400 requests for 250 KB each, sent at once: made as they are taken, not before; all come, in their order."""
    service = Fake(Big=lambda body: (200, body * 50_000))
    with served(service) as address, Client(address) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.send(*(request("Big", b"%05d" % number) for number in range(400)))
        time.sleep(0.5)
        assert len(service.asked) < 100
        assert [client.answer()[1][:5] for _ in range(400)] == [b"%05d" % number for number in range(400)]
        assert len(service.asked) == 400


def test_many_requests_at_once_do_not_hold_others_up():
    """1,000 in one packet: more than one turn's 64, all answered, in order."""
    with served(Fake()) as address, Client(address) as client:
        client.send(*(request("Echo", b"%d" % number) for number in range(1_000)))
        assert [client.answer()[1] for _ in range(1_000)] == [b"%d" % number for number in range(1_000)]


@pytest.mark.parametrize(
    "begun",
    [b"P", b"POST / HTTP/1.1\r\nHost: x\r\nX-Pad: ", b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"],
    ids=["line", "head", "body"],
)
def test_a_request_that_does_not_come_whole_is_given_up(begun):
    """A byte now and then doesn't help; a connection that asks for nothing may stay."""
    with served(Fake(), request_timeout_s=PATIENCE_S) as address, Client(address) as idle, Client(address) as client:
        assert idle.send(request("Echo", b"1")).answer() == (200, b"1")
        client.send(begun)
        began_s = time.monotonic()
        with pytest.raises(ConnectionError):
            while time.monotonic() < began_s + 10:
                client.send(b"x")
                time.sleep(0.05)
        assert idle.send(request("Echo", b"2")).answer() == (200, b"2")


def test_each_request_has_its_own_time_to_come():
    """Always half a request there, for five times as long as one may take, but never the same: all are answered."""
    with served(Fake(), request_timeout_s=PATIENCE_S) as address, Client(address) as client:
        whole = request("Echo", b"on")
        client.send(whole[:30])
        for _ in range(20):
            time.sleep(PATIENCE_S / 4)
            assert client.send(whole[30:], whole[:30]).answer() == (200, b"on")


def test_a_client_that_never_takes_its_answer_is_given_up():
    """50 MB of answers that nobody reads: the connection is ended, its memory given back."""
    with served(Fake(Big=lambda _: (200, b"x" * 1_000_000)), request_timeout_s=PATIENCE_S) as address:
        with Client(address) as client:
            client.send(*[request("Big")] * 50)
            time.sleep(PATIENCE_S + 1.5)
            taken = 0
            with suppress(ConnectionError):
                while client.answer() is not None:
                    taken += 1
            assert taken < 50
        with Client(address) as other:
            assert other.send(request("Echo", b"on")).answer() == (200, b"on")


def test_ten_thousand_idle_connections(record_property, capsys):
    """As many as the system's limit allows, up to 10,000: each takes little, and one more is served as ever."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []
    try:
        with twin() as (pid, address):
            before = psutil.Process(pid).memory_info().rss
            number = min(10_000, hard - 500)
            idle += (socket.create_connection(address, timeout=10) for _ in range(number))
            with Client(address) as one:
                assert one.send(request("ListTables")).answer()[0] == 200
            silent_bytes = (psutil.Process(pid).memory_info().rss - before) / number
            for client in idle:
                client.sendall(request("ListTables"))
            for client in idle:
                assert client.recv(1_000).startswith(b"HTTP/1.1 200")
            used_bytes = (psutil.Process(pid).memory_info().rss - before) / number
            for client in idle:
                client.close()
    finally:
        for client in idle:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with capsys.disabled():
        print(f"\n{number:,} idle connections: {silent_bytes:,.0f} bytes each, {used_bytes:,.0f} once used")
    record_property("bytes_per_connection", used_bytes)
    assert used_bytes < 8_192


def test_a_connection_that_has_ended_leaves_nothing_behind():
    """200 that came, asked and went: gone without a collection of cycles, which the twin has put off."""

    def left():
        return sum(isinstance(thing, Connection) for thing in gc.get_objects())

    with served(Fake()) as address:
        gc.collect()
        gc.disable()
        try:
            for _ in range(200):
                with Client(address) as client:
                    assert client.send(request("Echo"), request("Echo")[:40]).answer() == (200, b"{}")
            deadline_s = time.monotonic() + 10
            while left() and time.monotonic() < deadline_s:
                time.sleep(0.05)
            assert left() == 0
        finally:
            gc.enable()


def test_more_connections_than_files_do_no_harm():
    """A twin that may have 64 open files, and 200 clients at once: when they have gone it answers as ever."""
    with twin(open_files=64) as (_, address):
        clients = [socket.create_connection(address, timeout=10) for _ in range(200)]
        for client in clients:
            client.close()
        deadline_s = time.monotonic() + 10
        while True:
            try:
                with Client(address) as after:
                    assert after.send(request("ListTables")).answer()[0] == 200
                break
            except (OSError, TypeError):  # refused, or ended without an answer
                assert time.monotonic() < deadline_s
                time.sleep(0.1)


def test_stopping_does_not_wait_for_clients():
    """SIGTERM with a connection open and half a request sent: it ends with 0 (twin() asserts that)."""
    with twin() as (pid, address):
        client = Client(address).send(b"POST / HTTP/1.1\r\n")
        assert os.path.exists(f"/proc/{pid}")  # noqa: PTH110
    client.socket.close()
