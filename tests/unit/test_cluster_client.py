"""The cluster client against nodes of a few lines: where it asks, whom it follows, and what it does about a missing one."""

import threading

import pytest
from scripted_server import refusing_port, serving

from harness.cache.client import CacheConnectionError, CacheReplyError, CacheTimeoutError, Script
from harness.cache.cluster import MOST_REDIRECTIONS, REFRESH_EVERY_S, ClusterClient, key_slot
from harness.cache.endpoint import CacheEndpoint

GET_FOO = b"*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n"
GET_BAR = b"*2\r\n$3\r\nGET\r\n$3\r\nbar\r\n"
ASK_MAP = b"*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n"


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        ("123456789", 0x31C3),  # the check value that the cluster specification gives for its CRC16
        ("foo", 12182),  # these three are in the cluster tutorial
        ("bar", 5061),
        ("hello", 866),
        (b"hello", 866),
        ("", 0),
    ],
)
def test_a_key_has_the_slot_of_the_specification(key, slot):
    """CRC16 modulo 16,384."""
    assert key_slot(key) == slot


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        ("{user1000}.following", "user1000"),
        ("foo{bar}{zap}", "bar"),
        ("foo{{bar}}zap", "{bar"),
        ("foo{}{bar}", "foo{}{bar}"),  # an empty tag is none
        ("foo{bar", "foo{bar"),
        ("foo}bar{", "foo}bar{"),
    ],
)
def test_a_hash_tag_is_what_is_hashed(key, hashed):
    """The examples of the specification: the first brace that opens, up to the next that closes."""
    assert key_slot(key) == key_slot_of_all(hashed)


def key_slot_of_all(key):
    """CRC16 (XMODEM) bit by bit, without any tag."""
    register = 0
    for byte in key.encode():
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ (0x1021 if register & 0x8000 else 0)) & 0xFFFF
    return register % 16384


def slots(*ranges):
    """CLUSTER SLOTS as a server writes it: first and last slot, and the place of the node's port, ``<0>`` for the first node."""
    rows = [
        b"*3\r\n:%d\r\n:%d\r\n*2\r\n$%d\r\n%b\r\n:%b\r\n" % (first, last, len(host), host, port)
        for first, last, port, host in ((*row, b"127.0.0.1")[:4] for row in ranges)
    ]
    return b"*%d\r\n" % len(ranges) + b"".join(rows)


@pytest.fixture
def cluster():
    """Starts a node for each script of replies; the ports stand in for <0>, <1> … Yields servers and a client's maker."""
    with serving() as start:

        def make(*scripts, ports=(), **settings):
            replies = [[list(reply) if isinstance(reply, tuple) else [reply] for reply in script] for script in scripts]
            servers = [start(*script) for script in replies]
            known = [server.port for server in servers] + list(ports)
            for script in replies:
                for reply in script:
                    reply[:] = [placed(part, known) for part in reply]
            nodes = [CacheEndpoint(host="127.0.0.1", port=port, cluster=True) for port in known]
            return servers, ClusterClient(nodes, **settings)

        yield make


def placed(part, ports):
    if not isinstance(part, bytes):
        return part
    for number, port in enumerate(ports):
        part = part.replace(b"<%d>" % number, b"%d" % port)
    return part


HALVES = slots((0, 8191, b"<0>"), (8192, 16383, b"<1>"))
ALL_AT_FIRST = slots((0, 16383, b"<0>"))


def test_every_key_is_asked_for_at_the_node_that_has_its_slot(cluster):
    """bar (5061) at the first, foo (12182) at the second; the map is asked for once."""
    (first, second), client = cluster([HALVES, b"$1\r\nb\r\n"], [b"$1\r\nf\r\n"])
    with client:
        assert (client.get("bar"), client.get("foo")) == (b"b", b"f")
        assert (client.address_of("bar")[1], client.address_of("foo")[1]) == (first.port, second.port)
    assert (first.received, second.received) == ([ASK_MAP, GET_BAR], [GET_FOO])
    assert (client.moved, client.asked) == (0, 0)


def test_a_script_goes_where_its_key_is(cluster):
    """Behind the script and the number of keys stands the key."""
    (_, second), client = cluster([HALVES], [b"-NOSCRIPT No matching script.\r\n", b":1\r\n"])
    with client:
        assert client.eval(Script("return 1"), ["foo"], ["bar"]) == 1
    assert [b"EVALSHA" in second.received[0], b"EVAL\r\n" in second.received[1]] == [True, True]


def test_keys_of_several_slots_are_deleted_where_they_are(cluster):
    """One command a key, one sum."""
    (first, second), client = cluster([HALVES, b":1\r\n"], [b":0\r\n"])
    with client:
        assert client.delete("bar", "foo") == 1
    assert (len(first.received), len(second.received)) == (2, 1)


def test_moved_is_followed_counted_and_remembered(cluster):
    """The slot is asked for at its new place from then on; the whole map is read again, not at once but soon."""
    now = [0.0]
    (first, _), client = cluster(
        [ALL_AT_FIRST, b"-MOVED 12182 127.0.0.1:<1>\r\n", HALVES],
        [b"$1\r\nf\r\n"] * 3,
        clock_s=lambda: now[0],
    )
    with client:
        assert (client.get("foo"), client.get("foo"), client.moved) == (b"f", b"f", 1)
        assert first.received == [ASK_MAP, GET_FOO]
        now[0] += REFRESH_EVERY_S
        assert (client.get("foo"), client.moved) == (b"f", 1)
    assert first.received[2:] == [ASK_MAP]


def test_moved_without_a_host_means_the_same_host(cluster):
    """A node that doesn't know its own name sends so."""
    _, client = cluster([ALL_AT_FIRST, b"-MOVED 12182 :<1>\r\n"], [b"$1\r\nf\r\n"])
    with client:
        assert client.get("foo") == b"f"


def test_ask_is_followed_for_one_command_and_counted(cluster):
    """A slot on its way: ASKING and the command go together to where it goes, the next one begins at home again."""
    (first, second), client = cluster(
        [ALL_AT_FIRST, b"-ASK 12182 127.0.0.1:<1>\r\n", b"$1\r\nf\r\n"], [b"+OK\r\n$1\r\nF\r\n"]
    )
    with client:
        assert (client.get("foo"), client.get("foo"), client.asked, client.moved) == (b"F", b"f", 1, 0)
    assert second.received == [b"*1\r\n$6\r\nASKING\r\n" + GET_FOO]
    assert first.received == [ASK_MAP, GET_FOO, GET_FOO]


def test_nodes_that_send_each_other_round_come_to_an_end(cluster):
    """Five redirections are followed, no more."""
    (first,), client = cluster([ALL_AT_FIRST, *[b"-MOVED 12182 127.0.0.1:<0>\r\n"] * (1 + MOST_REDIRECTIONS)])
    with client, pytest.raises(CacheReplyError, match="^MOVED 12182") as caught:
        client.get("foo")
    assert (caught.value.error_code, client.moved, len(first.received)) == ("MOVED", 5, 7)


def test_a_missing_node_is_an_error_for_its_keys_alone(cluster):
    """The others are served; while it is away the map isn't asked for more than once in REFRESH_EVERY_S."""
    now = [0.0]
    (first,), client = cluster(
        [HALVES, b"$1\r\nb\r\n", HALVES, b"$1\r\nb\r\n"], ports=[refusing_port()], clock_s=lambda: now[0]
    )
    with client:
        for _ in range(3):
            with pytest.raises(CacheConnectionError) as caught:
                client.get("foo")
        assert (caught.value.outcome, caught.value.error_code) == ("error", "ConnectionRefusedError")
        assert client.get("bar") == b"b"
        assert first.received == [ASK_MAP, GET_BAR]
        now[0] += REFRESH_EVERY_S
        assert client.get("bar") == b"b"
    assert first.received[2:] == [ASK_MAP, GET_BAR]


def test_a_node_that_hangs_is_a_timeout(cluster):
    """Its keys' commands end after timeout_s."""
    never = threading.Event()
    _, client = cluster([HALVES], [(never,)], timeout_s=0.05)
    with client, pytest.raises(CacheTimeoutError) as caught:
        client.get("foo")
    assert caught.value.outcome == "timeout"
    never.set()


def test_the_map_comes_from_the_first_node_that_answers(cluster):
    """One that hangs takes its share of the time, not all of it."""
    never = threading.Event()
    _, client = cluster([(never,)], [slots((0, 16383, b"<1>")), b"$1\r\nf\r\n"], timeout_s=0.4)
    with client:
        assert client.get("foo") == b"f"
    never.set()


def test_without_any_node_the_first_ones_trouble_is_told(cluster):
    """Nothing is known of the cluster then; the next command asks again."""
    ports = [refusing_port(), refusing_port()]
    _, client = cluster(ports=ports)
    for _ in range(2):
        with client, pytest.raises(CacheConnectionError, match=f"127.0.0.1:({ports[0]}|{ports[1]})"):
            client.get("foo")


def test_a_cluster_that_is_down_says_so(cluster):
    """A slot that nobody has is asked for where the map came from, which knows best why."""
    _, client = cluster([slots((0, 100, b"<0>")), b"-CLUSTERDOWN Hash slot not served\r\n"])
    with client, pytest.raises(CacheReplyError, match="Hash slot not served") as caught:
        client.get("foo")
    assert (caught.value.outcome, caught.value.error_code) == ("error", "CLUSTERDOWN")


def test_a_node_of_the_map_without_a_host_is_where_the_question_went(cluster):
    """NULL or empty: the specification's word for *the address you know*."""
    _, client = cluster([slots((0, 16383, b"<0>", b"")), b"$1\r\nf\r\n"])
    with client:
        assert client.get("foo") == b"f"


def test_nodes_can_be_reached_at_other_addresses_than_their_own(cluster):
    """A proxy before a node: the map keeps the node's name, the connection goes to the proxy."""
    (first,), client = cluster(
        [slots((0, 16383, b"6379", b"10.0.0.7")), b"$1\r\nf\r\n"], remap=lambda _: ("127.0.0.1", first.port)
    )
    with client:
        assert client.get("foo") == b"f"
        assert client.address_of("foo") == ("10.0.0.7", 6379)
