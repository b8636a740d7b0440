"""The twin on the wire: what it tells of itself, and what no client of DynamoDB would send it."""

import socket
import subprocess
import sys
import zlib
from contextlib import closing, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import psutil
import pytest
from twin_served import Client, request, twin
from twin_tables import KB, define, flight

LIST = "DynamoDB_20120810.ListTables"


@pytest.fixture
def connection(twin_url):
    """One connection; after whatever a test did to it, the twin answers on a new one."""
    netloc = urlsplit(twin_url).netloc
    with closing(HTTPConnection(netloc, timeout=10)) as connection:
        yield connection
    with closing(HTTPConnection(netloc, timeout=10)) as another:
        another.request("GET", "/")
        assert another.getresponse().status == 200


@pytest.fixture
def own_twin():
    with twin() as (pid, address):
        yield pid, address


def send_raw(connection, sent):
    """What comes back for bytes as they are, until the twin closes the connection."""
    with socket.create_connection((connection.host, connection.port), timeout=10) as raw:
        raw.sendall(sent)
        return b"".join(iter(lambda: raw.recv(65_536), b""))


def test_it_tells_its_clock_its_tables_and_their_buckets(dynamodb, connection):
    """At /_twin/: 700 bytes in one item, one unit written of a full store of 5 × 300, nothing throttled."""
    define(dynamodb, "told", WriteCapacityUnits=5)
    dynamodb.put_item(TableName="told", Item=flight("N1", "01", 700))
    connection.request("GET", "/_twin/")
    state = orjson.loads(connection.getresponse().read())
    dynamodb.delete_table(TableName="told")
    assert (state["speed"], state["now_s"] > 0) == (1, True)
    told = state["tables"]["told"]
    assert (told["items"], told["bytes"]) == (1, 700)
    write = told["meters"]["table"]["write"]
    assert (write["consumed_units"], write["throttled_requests"]) == (1, 0)
    assert 1_499 <= write["bucket_units"] <= 1_500


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/", 200, b"healthy: twin of dynamodb"),
        ("HEAD", "/", 200, b""),
        ("GET", "/x", 404, b"<UnknownOperationException/>\n"),
        ("PUT", "/", 404, b"<UnknownOperationException/>\n"),
        ("OPTIONS", "/", 404, b"<UnknownOperationException/>\n"),
        ("HEAD", "/x", 404, b""),
    ],
)
def test_what_is_no_post_is_answered_too(connection, method, path, status, body):
    """A health check at /; to all else what the service says; then the connection goes on."""
    for _ in range(2):
        connection.request(method, path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, body)


def test_a_page_of_another_origin_may_post(connection):
    """A browser asks first, and is allowed what it asks for; the answer then says that it may be read. Not at /_twin/."""
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, x-amz-target"}
    connection.request("OPTIONS", "/", headers={"Origin": "http://page"} | asks)
    answer = connection.getresponse()
    assert (answer.status, answer.read(), answer.headers["Access-Control-Allow-Origin"]) == (200, b"", "*")
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, x-amz-target"
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"
    connection.request("POST", "/", b"{}", {"X-Amz-Target": LIST, "Origin": "http://page"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert answer.read()
    connection.request("POST", "/_twin/reset", headers={"Origin": "http://page"})
    assert connection.getresponse().status == 403


def test_an_answer_has_an_id_and_a_checksum(connection):
    """x-amzn-RequestId, another each time, and the CRC-32 of the body, which SDKs check."""
    ids = set()
    for _ in range(2):
        connection.request("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"})
        answer = connection.getresponse()
        assert int(answer.headers["x-amz-crc32"]) == zlib.crc32(answer.read())
        ids.add(answer.headers["x-amzn-RequestId"])
    assert len(ids) == 2


def test_requests_sent_at_once_are_answered_in_order(connection):
    """Two in one packet: the first is unknown, the second a list; the third asks to close."""
    one = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: %s\r\nContent-Length: 2\r\n%s\r\n{}"
    asked = one % (b"Nonsense", b"") + one % (b"DynamoDB_20120810.ListTables", b"Connection: close\r\n")
    first, second = send_raw(connection, asked).split(b"HTTP/1.1 ")[1:]
    assert (first[:3], second[:3]) == (b"400", b"200")
    assert (b"UnknownOperation" in first, b"TableNames" in second) == (True, True)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 this is not HTTP\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: minus one\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        request("ListTables", more=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    ],
)
def test_what_is_no_request_ends_its_connection_only(connection, sent):
    """A 400 and the end; whoever comes next is served."""
    assert send_raw(connection, sent)[9:12] == b"400"


def test_what_is_no_request_waits_for_those_before_it(connection):
    """A sound request and rubbish in one packet: the answer, then the refusal."""
    answers = send_raw(connection, request("ListTables") + b"\x00\x01\x02\r\n\r\n").split(b"HTTP/1.1 ")
    assert [answer[:3] for answer in answers[1:]] == [b"200", b"400"]


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /",
        b"POST / HTTP/1.1\r\nPad: ",
        b"POST / HTTP/1.1\r\n" + b"X-Pad: 1\r\n" * 100_000,
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1100000\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nTrailer: ",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;extension=",
    ],
    ids=["path", "header", "headers", "chunks", "trailer", "extension"],
)
def test_what_has_no_end_is_not_kept(connection, begun):
    """18 MB of a path, headers, a body or what is around its chunks: refused where it goes beyond its limit."""
    with suppress(ConnectionError):  # closed while we were still sending: the answer is lost with the rest
        assert send_raw(connection, begun + b"x" * (18 * KB * KB))[9:12] == b"413"


def test_a_body_too_large_is_refused_before_it_comes(connection):
    """17 MB announced: the service's error at the end of the head; the client that sends it all the same can read it."""
    head = b"POST / HTTP/1.1\r\nX-Amz-Target: %s\r\nContent-Length: %d\r\n\r\n" % (LIST.encode(), 17 * KB * KB)
    for body in (b"", b"x" * (17 * KB * KB)):
        refused = send_raw(connection, head + body)
        assert refused[9:12] == b"413"
        assert b"RequestEntityTooLargeException" in refused


def test_a_body_of_the_greatest_size_is_read(connection):
    """16 MB of blanks around an empty object: parsed."""
    body = b"{" + b" " * (16 * KB * KB - 2) + b"}"
    connection.request("POST", "/", body, {"X-Amz-Target": LIST})
    assert connection.getresponse().status == 200


def test_a_body_may_come_in_chunks(connection):
    """Chunks of a byte, an extension and a trailer: the same answer, and the connection goes on."""
    body = b'{"Limit": 1}'
    chunks = b"".join(b"1;note=x\r\n%c\r\n" % byte for byte in body) + b"0\r\nX-Amz-Target: a trailer\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nX-Amz-Target: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % LIST.encode()
    with Client((connection.host, connection.port)) as client:
        for _ in range(2):
            status, said = client.send(head, chunks).answer()
            assert (status, b"TableNames" in said) == (200, True)


def test_a_client_may_ask_whether_to_go_on(connection):
    """Expect: 100-continue: told to go on before it sends its body; refused at once when that would be too large."""
    head = b"POST / HTTP/1.1\r\nX-Amz-Target: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    with Client((connection.host, connection.port)) as client:
        client.send(head % (LIST.encode(), 2))
        assert client.socket.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert client.send(b"{}").answer()[0] == 200
        assert client.send(head % (LIST.encode(), 17 * KB * KB)).answer()[0] == 413


@pytest.mark.parametrize(
    ("line", "more", "ends"),
    [
        (b"HTTP/1.0", b"", True),
        (b"HTTP/1.0", b"Connection: keep-alive\r\n", False),
        (b"HTTP/1.1", b"Connection: close\r\n", True),
    ],
    ids=["1.0", "1.0 kept", "closed"],
)
def test_a_connection_is_kept_as_its_client_wishes(connection, line, more, ends):
    """HTTP/1.0 ends unless it says otherwise; 1.1 goes on until it says so."""
    asked = request("ListTables", more=more).replace(b"HTTP/1.1", line)
    with Client((connection.host, connection.port)) as client:
        assert client.send(asked).answer()[0] == 200
        if ends:
            assert client.rest() == b""
        else:
            assert client.send(asked).answer()[0] == 200


def test_requests_sent_at_once_are_answered_by_one_write(own_twin):
    """40 in one packet take the process one system call for writing, as one alone does."""
    pid, address = own_twin
    with Client(address) as client:
        calls = []
        for number in (1, 40):
            before = psutil.Process(pid).io_counters().write_count
            client.send(*[request("ListTables")] * number)
            assert all(client.answer()[0] == 200 for _ in range(number))
            calls.append(psutil.Process(pid).io_counters().write_count - before)
    assert calls[0] == 1
    assert calls[1] <= 2  # two, should the packet have come in two parts


def test_reset_makes_it_new(own_twin):
    """POST /_twin/reset: no tables, no faults, the clock at zero. Other methods and names are told what there is."""
    _, (host, port) = own_twin
    with closing(HTTPConnection(host, port, timeout=10)) as connection:

        def ask(method, path, body=None):
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, orjson.loads(answer.read())

        assert ask("POST", "/_twin/faults", b'{"latency_ms": 1}')[0] == 200
        before = ask("GET", "/_twin/")[1]
        assert ask("POST", "/_twin/reset") == (200, {})
        after = ask("GET", "/_twin")[1]
        assert before["faults"]["latency_ms"] == 1
        assert (after["faults"], after["tables"], after["now_s"] < before["now_s"]) == (None, {}, True)
        assert (after["signature_required"], after["service_time"]) == (False, None)
        assert ask("DELETE", "/_twin/reset")[0] == 405
        assert ask("GET", "/_twin/other")[0] == 404


@pytest.mark.parametrize(("given", "status"), [((), 404), (("--control",), 200)])
def test_beyond_loopback_it_tells_of_itself_only_when_told_to(given, status):
    """Bound to all addresses there is no /_twin/ but with --control; the operations are there either way."""
    with twin("--host", "0.0.0.0", *given) as (_, (_, port)), closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/_twin/")
        answer = connection.getresponse()
        assert (answer.status, "--control" in answer.read().decode()) == (status, status == 404)
        connection.request("POST", "/", b"{}", {"X-Amz-Target": LIST})
        assert connection.getresponse().status == 200


def test_a_port_that_is_taken_is_said(connection):
    """Exit code 3, the address, and what to do."""
    command = [sys.executable, "-m", "harness.local.dynamodb", "--port", str(connection.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 3
    assert f"can't listen on 127.0.0.1:{connection.port}" in ended.stderr
    assert "give another --port" in ended.stderr
