"""The twin on the wire: what it tells of itself, and what no client of DynamoDB would send it."""

import socket
import subprocess
import sys
import zlib
from contextlib import closing, suppress
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import pytest
from twin_tables import KB, define, flight


@pytest.fixture
def connection(twin_url):
    """One connection; after whatever a test did to it, the twin answers on a new one."""
    netloc = urlsplit(twin_url).netloc
    with closing(HTTPConnection(netloc, timeout=10)) as connection:
        yield connection
    with closing(HTTPConnection(netloc, timeout=10)) as another:
        another.request("GET", "/")
        assert another.getresponse().status == 200


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


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 200), ("GET", "/x", 404), ("PUT", "/", 405)])
def test_other_requests_are_answered_too(connection, method, path, status):
    """A health check at /; nothing elsewhere; no method but GET and POST."""
    connection.request(method, path)
    assert connection.getresponse().status == status


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
    ("sent", "status"),
    [
        (b"\x16\x03\x01 this is not HTTP\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: minus one\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_ends_its_connection_only(connection, sent, status):
    """A status and the end; whoever comes next is served."""
    assert send_raw(connection, sent)[9:12] == status


@pytest.mark.parametrize(
    "begun", [b"POST /", b"POST / HTTP/1.1\r\nPad: ", b"POST / HTTP/1.1\r\nContent-Length: 18874368\r\n\r\n"]
)
def test_what_has_no_end_is_not_kept(connection, begun):
    """18 MB of a path, a header or a body: refused where it goes beyond its limit, or cut off."""
    with suppress(ConnectionError):  # closed while we were still sending: the answer is lost with the rest
        assert send_raw(connection, begun + b"x" * (18 * KB * KB))[9:12] == b"413"


def test_a_port_that_is_taken_is_said(connection):
    """Exit code 3, the address, and what to do."""
    command = [sys.executable, "-m", "harness.local.dynamodb", "--port", str(connection.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 3
    assert f"can't listen on 127.0.0.1:{connection.port}" in ended.stderr
    assert "give another --port" in ended.stderr
