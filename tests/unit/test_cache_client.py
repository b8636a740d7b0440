"""The cache client against a server of a few lines: its replies, and what each kind of trouble is called."""

import threading

import pytest
from scripted_server import refusing_port, serving

from harness.cache.client import CacheClient, CacheConnectionError, CacheReplyError, CacheTimeoutError, Script
from harness.cache.endpoint import CacheEndpoint
from harness.errors import UsageError


@pytest.fixture
def serve():
    with serving() as start:
        yield start


def test_commands_and_replies_are_resp(serve):
    """A command leaves as an array of bulk strings, and each kind of reply comes back as its own type."""
    server = serve([b"$5\r\nvalue\r\n"], [b"$-1\r\n"], [b"+OK\r\n"], [b":2\r\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        assert client.get("N14228") == b"value"
        assert client.get("absent") is None
        client.set("k", b"v\r\n", ttl_s=0.25)
        assert client.delete("a", "b") == 2
    assert server.received == [
        b"*2\r\n$3\r\nGET\r\n$6\r\nN14228\r\n",
        b"*2\r\n$3\r\nGET\r\n$6\r\nabsent\r\n",
        b"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nv\r\n\r\n$2\r\nPX\r\n$3\r\n250\r\n",
        b"*3\r\n$3\r\nDEL\r\n$1\r\na\r\n$1\r\nb\r\n",
    ]


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan")])
def test_a_ttl_that_keeps_nothing_is_refused_before_anything_is_sent(ttl_s):
    """Not stored for a millisecond, and not for ever."""
    client = CacheClient("127.0.0.1", refusing_port())
    with pytest.raises(ValueError, match=f"ttl_s must be > 0, got {ttl_s}"):
        client.set("k", b"v", ttl_s=ttl_s)


def test_a_reply_in_pieces_is_one_reply(serve):
    """Bytes are gathered until the reply is whole."""
    value = b"x" * 200_000
    server = serve([b"$200000\r\n", value[:70_000], value[70_000:], b"\r", b"\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        assert client.get("big") == value


def test_info_is_read_into_fields(serve):
    """Headings are left out, values kept as text, colons in them too."""
    text = b"# Stats\r\nkeyspace_hits:12\r\nkeyspace_misses:3\r\n\r\n# Other\r\nexecutable:a:b\r\n"
    server = serve([b"$%d\r\n%b\r\n" % (len(text), text)])
    with CacheClient("127.0.0.1", server.port) as client:
        assert client.info("stats") == {"keyspace_hits": "12", "keyspace_misses": "3", "executable": "a:b"}


def test_a_full_cache_is_an_error_named_oom_and_the_connection_lives_on(serve):
    """An error reply carries its first word as code; the next command uses the same connection."""
    refusal = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    server = serve([refusal], [b"$1\r\nv\r\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        with pytest.raises(CacheReplyError) as caught:
            client.set("k", "v")
        assert (caught.value.outcome, caught.value.error_code) == ("error", "OOM")
        assert client.get("k") == b"v"


def test_no_answer_in_time_is_a_timeout_and_its_late_reply_is_never_read(serve):
    """After a timeout the connection is left: the next command can't take the old reply for its own."""
    late = threading.Event()
    server = serve([late, b"$5\r\nstale\r\n", None], [b"$5\r\nfresh\r\n"])
    with CacheClient("127.0.0.1", server.port, timeout_s=0.1) as client:
        with pytest.raises(CacheTimeoutError) as caught:
            client.get("k")
        assert caught.value.outcome == "timeout"
        late.set()
        assert client.get("k") == b"fresh"


def test_a_broken_connection_is_an_error_and_the_next_command_connects_again(serve):
    """A connection closed instead of an answer is an error; the client opens another for the next command."""
    server = serve([None], [b"+OK\r\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        with pytest.raises(CacheConnectionError) as caught:
            client.get("k")
        assert (caught.value.outcome, caught.value.error_code) == ("error", "ConnectionError")
        client.set("k", "v")


def test_nothing_listening_is_an_error():
    """A refused connection names its class and where it was tried."""
    unused_port = refusing_port()
    client = CacheClient("127.0.0.1", unused_port)
    with pytest.raises(CacheConnectionError, match=f"127.0.0.1:{unused_port}") as caught:
        client.get("k")
    assert caught.value.error_code == "ConnectionRefusedError"


def test_what_isnt_resp_is_an_error(serve):
    """Bytes that are no reply break the connection instead of being guessed at."""
    server = serve([b"HTTP/1.1 400 Bad Request\r\n\r\n"])
    with CacheClient("127.0.0.1", server.port) as client, pytest.raises(CacheConnectionError) as caught:
        client.get("k")
    assert caught.value.error_code == "ProtocolError"


def test_a_pipeline_is_one_message_and_its_replies_keep_their_order(serve):
    """Three commands leave together; what the server refuses stands in its place, and the others stand."""
    server = serve([b"+OK\r\n-WRONGTYPE not a list\r\n", b":7\r\n"], [b"$1\r\nv\r\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        first, refused, last = client.pipeline([("SET", "k", "v"), ("LPUSH", "k", 1), ("INCR", b"n")])
        assert (first, last) == (b"OK", 7)
        assert isinstance(refused, CacheReplyError)
        assert refused.error_code == "WRONGTYPE"
        assert client.pipeline([]) == []
        assert client.get("k") == b"v"
    assert server.received[0] == (
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
        b"*3\r\n$5\r\nLPUSH\r\n$1\r\nk\r\n$1\r\n1\r\n"
        b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"
    )


def test_a_pipeline_that_breaks_leaves_nothing_behind(serve):
    """With one reply of two the whole is an error, and the next command isn't given what was left."""
    server = serve([b"$3\r\none\r\n", None], [b"$4\r\nnext\r\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        with pytest.raises(CacheConnectionError, match="pipeline"):
            client.pipeline([("GET", "a"), ("GET", "b")])
        assert client.get("c") == b"next"


SCRIPT = Script("return 1")
DIGEST = b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db"  # printf 'return 1' | sha1sum


def test_a_script_is_run_by_its_digest_and_sent_only_where_it_isnt_known(serve):
    """NOSCRIPT is answered with the text; any other refusal is the caller's."""
    server = serve([b"-NOSCRIPT No matching script.\r\n"], [b":1\r\n"], [b":1\r\n"], [b"-ERR wrong\r\n"])
    with CacheClient("127.0.0.1", server.port) as client:
        assert client.eval(SCRIPT, ["k"], [2]) == 1
        assert client.eval(SCRIPT, ["k"], [2]) == 1
        with pytest.raises(CacheReplyError, match="ERR wrong"):
            client.eval(SCRIPT)
    by_digest = b"*5\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n2\r\n" % DIGEST
    by_text = b"*5\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$1\r\nk\r\n$1\r\n2\r\n"
    assert server.received[:3] == [by_digest, by_text, by_digest]


def test_a_connection_logs_in_before_anything_else(serve):
    """User, password and database are said first, once a connection."""
    server = serve([b"+OK\r\n+OK\r\n"], [b"$-1\r\n"], [b"$-1\r\n"])
    endpoint = CacheEndpoint(host="127.0.0.1", port=server.port, user="bench", password="s3cret", database=2)
    with CacheClient.at(endpoint) as client:
        assert (client.get("a"), client.get("b")) == (None, None)
    greeting = b"*3\r\n$4\r\nAUTH\r\n$5\r\nbench\r\n$6\r\ns3cret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
    assert server.received[0] == greeting
    assert server.connections == 1


def test_a_refused_login_is_said_and_nothing_is_sent_after_it(serve):
    """The server's word is the error's code; the next command tries a new connection."""
    server = serve([b"-WRONGPASS invalid username-password pair\r\n"], [b"+OK\r\n"], [b"$1\r\nv\r\n"])
    with CacheClient.at(CacheEndpoint(host="127.0.0.1", port=server.port, password="old")) as client:
        with pytest.raises(CacheReplyError) as caught:
            client.get("k")
        assert (caught.value.outcome, caught.value.error_code) == ("error", "WRONGPASS")
        assert client.get("k") == b"v"
    assert server.connections == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache.internal", CacheEndpoint(host="cache.internal")),
        ("redis://10.0.0.7:7000/3", CacheEndpoint(host="10.0.0.7", port=7000, database=3)),
        ("rediss://:p%40ss@c:6380", CacheEndpoint(host="c", port=6380, password="p@ss", tls=True)),
        ("rediss://bench:pw@c", CacheEndpoint(host="c", user="bench", password="pw", tls=True)),
    ],
)
def test_an_endpoint_is_read_from_its_url(url, expected):
    """The form that redis-py and ElastiCache's console use; rediss asks for TLS."""
    assert CacheEndpoint.from_url(url) == expected


@pytest.mark.parametrize(
    "url", ["http://secret@c", "redis://:secret@/1", "unix://secret/x", "redis://secret:6379?ssl_cert_reqs=none"]
)
def test_a_url_that_isnt_understood_is_refused_without_repeating_it(url):
    """It may hold a password, and an option that is quietly dropped would be a lie."""
    with pytest.raises(UsageError, match="cache URL") as caught:
        CacheEndpoint.from_url(url)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(CacheEndpoint(host="c", password="secret"))
