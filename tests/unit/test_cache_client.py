"""The cache client against a server of a few lines: its replies, and what each kind of trouble is called."""

import threading

import pytest
from scripted_server import refusing_port, serving

from harness.cache.client import CacheClient, CacheConnectionError, CacheReplyError, CacheTimeoutError


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
