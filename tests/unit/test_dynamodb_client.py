"""The DynamoDB client against a server of a few lines: answers, broken connections, and when it connects."""

import threading

import orjson
import pytest
from scripted_server import refusing_port, serving

from harness.dynamodb.client import (
    Ambiguous,
    ConnectFailed,
    DynamoClient,
    TimedOut,
    outcome,
    trouble_outcome,
)
from harness.errors import UsageError


@pytest.fixture
def serve():
    with serving() as start:
        yield start


def http(status, body, *, header="Content-Length", extra=""):
    body = body if isinstance(body, bytes) else orjson.dumps(body)
    return f"HTTP/1.1 {status} X\r\n{extra}{header}: {len(body)}\r\n\r\n".encode() + body


def client(port, **settings):
    return DynamoClient(f"http://127.0.0.1:{port}", **settings)


def test_an_answer_is_parsed_when_asked_for(serve):
    """Status, size and body come back; the request names its operation and carries the payload."""
    body = {"Item": {"tailnum": {"S": "N14228"}}}
    server = serve([http(200, body)])
    with client(server.port) as dynamo:
        response = dynamo.call("GetItem", {"TableName": "flights"})
    assert (response.status, response.body, response.error_code) == (200, body, None)
    assert response.bytes_count == len(orjson.dumps(body))
    assert outcome(response) == "ok"
    assert b"X-Amz-Target: DynamoDB_20120810.GetItem\r\n" in server.received[0]
    assert server.received[0].endswith(b'\r\n\r\n{"TableName":"flights"}')


def test_serialised_payloads_go_out_as_they_are(serve):
    """Bytes are sent untouched, so that a bulk load serialises once."""
    server = serve([http(200, {})])
    with client(server.port) as dynamo:
        dynamo.call("Scan", b'{ "TableName" : "t" }')
    assert server.received[0].endswith(b'\r\n\r\n{ "TableName" : "t" }')


def test_one_connection_serves_many_calls(serve):
    """Kept alive: the second call needs no second connection."""
    server = serve([http(200, {"n": 1})], [http(200, {"n": 2})])
    with client(server.port) as dynamo:
        assert [dynamo.call("Scan", b"{}").body["n"] for _ in range(2)] == [1, 2]
    assert server.connections == 1


@pytest.mark.parametrize("header", ["Content-Length", "content-length", "CONTENT-LENGTH"])
def test_an_answer_in_pieces_is_one_answer(serve, header):
    """Head and body may be cut anywhere, and a header's name be written any way."""
    whole = http(200, b'{"text":"' + b"x" * 300_000 + b'"}', header=header)
    server = serve([whole[:10], whole[10:60], whole[60:100_000], whole[100_000:]])
    with client(server.port) as dynamo:
        response = dynamo.call("Scan", b"{}")
    assert response.bytes_count == 300_011
    assert response.body["text"] == "x" * 300_000


@pytest.mark.parametrize(
    ("name", "member", "counted"),
    [
        ("ProvisionedThroughputExceededException", "ThrottlingReasons", "throttled"),
        ("ThrottlingException", "throttlingReasons", "throttled"),
        ("RequestLimitExceeded", "ThrottlingReasons", "throttled"),
        ("ValidationException", "ThrottlingReasons", "error"),
    ],
)
def test_a_refusal_carries_its_code_and_reason(serve, name, member, counted):
    """B9: three exceptions are throttles, with the reason under either spelling; the rest are errors."""
    reasons = [{"reason": "TableReadProvisionedThroughputExceeded", "resource": "arn"}]
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "no", member: reasons}
    server = serve([http(400, body)])
    with client(server.port) as dynamo:
        response = dynamo.call("GetItem", {})
    assert (response.error_code, outcome(response)) == (name, counted)
    assert response.throttling_reason == "TableReadProvisionedThroughputExceeded"


def test_a_refusal_that_isnt_json_still_has_a_code(serve):
    """A proxy's error page counts as an error, named by its status."""
    server = serve([http(502, b"<html>bad gateway</html>")])
    with client(server.port) as dynamo:
        response = dynamo.call("GetItem", {})
    assert (response.error_code, outcome(response), response.body) == ("HTTP502", "error", {})


def test_a_refused_connection_was_never_sent():
    """Nothing listening: the request did not happen."""
    with pytest.raises(ConnectFailed) as caught:
        client(refusing_port()).call("PutItem", {})
    assert caught.value.sent is False
    assert trouble_outcome(caught.value, "PutItem") == "error"


@pytest.mark.parametrize("cut", [0, 5, 60], ids=["before the head", "inside the head", "inside the body"])
def test_a_connection_that_breaks_after_sending_is_ambiguous(serve, cut):
    """However much of the answer came, a write may have happened; a read that broke is an error."""
    server = serve([http(200, {"a": "b" * 50})[:cut], None])
    with client(server.port) as dynamo, pytest.raises(Ambiguous) as caught:
        dynamo.call("PutItem", {})
    assert caught.value.sent is True
    assert trouble_outcome(caught.value, "PutItem") == "ambiguous"
    assert trouble_outcome(caught.value, "Query") == "error"


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b"SSH-2.0-x\r\n\r\n"],
)
def test_what_isnt_an_answer_with_a_length_is_ambiguous(serve, answer):
    """An answer that can't be read leaves open whether the request happened."""
    server = serve([answer])
    with client(server.port) as dynamo, pytest.raises(Ambiguous):
        dynamo.call("PutItem", {})


def test_no_answer_in_time_is_a_timeout_and_the_late_answer_is_never_read(serve):
    """The connection is left; a write that timed out is ambiguous, a read a timeout."""
    late = threading.Event()
    server = serve([late, http(200, {"n": "late"}), None], [http(200, {"n": "next"})])
    with client(server.port, read_timeout_s=0.1) as dynamo:
        with pytest.raises(TimedOut) as caught:
            dynamo.call("GetItem", {})
        late.set()
        assert dynamo.call("GetItem", {}).body == {"n": "next"}
    assert caught.value.sent is True
    assert trouble_outcome(caught.value, "GetItem") == "timeout"
    assert trouble_outcome(caught.value, "BatchWriteItem") == "ambiguous"


def test_a_timeout_while_connecting_is_a_timeout_even_for_a_write():
    """Nothing was sent, so nothing can have happened."""
    assert trouble_outcome(TimedOut("no connection", sent=False), "PutItem") == "timeout"


def test_a_connection_the_server_announced_to_close_is_not_used_again(serve):
    """After ``Connection: close`` the next call opens another instead of failing."""
    closing = http(200, {"n": 1}, extra="Connection: close\r\n")
    server = serve([closing, None], [http(200, {"n": 2})])
    with client(server.port) as dynamo:
        assert [dynamo.call("Scan", b"{}").body["n"] for _ in range(2)] == [1, 2]
    assert server.connections == 2


def test_an_idle_connection_that_was_closed_is_noticed_before_sending(serve):
    """Half a second idle or more, the client looks first: a stale connection makes no ambiguous write."""
    now_ns = [0]
    server = serve([http(200, {"n": 1}), None], [http(200, {"n": 2})])
    with client(server.port, clock_ns=lambda: now_ns[0]) as dynamo:
        dynamo.call("Scan", b"{}")
        server.closed.wait(5)
        now_ns[0] = 600_000_000
        assert dynamo.call("Scan", b"{}").body == {"n": 2}


def test_an_idle_connection_that_is_open_is_kept(serve):
    """Looking first doesn't cost the connection."""
    now_ns = [0]
    server = serve([http(200, {"n": 1})], [http(200, {"n": 2})])
    with client(server.port, clock_ns=lambda: now_ns[0]) as dynamo:
        dynamo.call("Scan", b"{}")
        now_ns[0] = 600_000_000
        assert dynamo.call("Scan", b"{}").body == {"n": 2}
    assert server.connections == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://host/path", "http://"])
def test_an_endpoint_is_scheme_host_and_port(url):
    """Anything else is refused with what was expected."""
    with pytest.raises(UsageError, match=r"expected http\(s\)://host"):
        DynamoClient(url)
