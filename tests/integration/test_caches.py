"""The cache's stand-ins in every mode, and what their clients see of a node that is missing, hangs or is full."""

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cache.client import (
    CacheClient,
    CacheConnectionError,
    CacheError,
    CacheReplyError,
    CacheTimeoutError,
    Script,
)
from harness.cache.cluster import ClusterClient, key_slot, open_cache
from harness.cache.endpoint import CacheEndpoint
from harness.cache.nodes import CacheNodes
from harness.cache.strategies import LazyLoading
from harness.config import CacheSettings
from harness.errors import CannotMeasure, ServerFailed
from harness.local import cache_programs
from harness.local.cache_server import CacheServer
from harness.local.caches import Caches
from harness.local.processes import Warden
from harness.local.services import LocalServices, State
from harness.services import Needs

SET_ONCE = Script("return redis.call('SET', KEYS[1], ARGV[1], 'NX') and 1 or 0")


def started(warden: Warden, mode: CacheSettings) -> Caches:
    caches = Caches(warden, mode)
    caches.start()
    return caches


def endpoints(caches: Caches) -> list[CacheEndpoint]:
    return [server.endpoint for server in caches.servers]


@pytest.fixture(
    params=[
        (CacheSettings(auth=True), r"Valkey \d[\d.]+, AUTH"),
        (CacheSettings(auth=True, tls=True), r"Redis \d[\d.]+, AUTH, TLS"),
        (CacheSettings(auth=True, tls=True, cluster=True), r"Redis \d[\d.]+, AUTH, TLS, cluster of 3"),
    ],
    ids=["auth", "auth+tls", "auth+tls+cluster"],
)
def caches(request: pytest.FixtureRequest, warden: Warden) -> Caches:
    mode, product = request.param
    caches = started(warden, mode)
    assert re.fullmatch(product, caches.product)
    return caches


def test_it_is_the_same_cache_in_every_mode(caches: Caches) -> None:
    """Get, set with a TTL, delete, a script, a command of one key; and the server's own count of hits and misses."""
    with closing(open_cache(endpoints(caches))) as cache, CacheNodes(endpoints(caches)) as nodes:
        nodes.reset_stats()
        values = {f"key-{number}": bytes(range(256)) * number for number in range(30)}
        for key, value in values.items():
            cache.set(key, value, ttl_s=60)
        assert {key: cache.get(key) for key in values} == values
        assert cache.get("absent") is None
        assert (nodes.total("stats", "keyspace_hits"), nodes.total("stats", "keyspace_misses")) == (30, 1)
        assert 59_000 < cache.command("PTTL", "key-7") <= 60_000
        assert cache.command("SET", "key-7", "taken", "NX") is None
        assert [cache.eval(SET_ONCE, ["lock"], [word]) for word in ("first", "second")] == [1, 0]
        assert (cache.delete("lock", "key-1", "key-2", "absent"), sum(nodes.key_counts())) == (3, 28)
        nodes.flush()
        assert sum(nodes.key_counts()) == 0


@pytest.fixture
def guarded(warden: Warden) -> Caches:
    """AUTH and TLS, as ElastiCache has them."""
    return started(warden, CacheSettings(auth=True, tls=True))


def test_another_client_reads_what_ours_wrote_through_tls(guarded: Caches, tmp_path: Path) -> None:
    """redis-py with the same password and authority, and the other way round."""
    (node,) = endpoints(guarded)
    (authority := tmp_path / "authority.pem").write_text(node.authority_pem or "")
    url = f"rediss://:{node.password}@127.0.0.1:{node.port}/0"
    value = bytes(range(256)) * 2000
    with CacheClient.at(node) as ours, redis.Redis.from_url(url, ssl_ca_certs=str(authority)) as theirs:
        ours.set("ours", value)
        assert theirs.get("ours") == value
        theirs.set("theirs", value)
        assert ours.mget("theirs", "ours") == [value, value]
        assert ours.pipeline([("GET", "ours")] * 50) == [value] * 50


def test_whoever_doesnt_know_the_password_stays_outside(guarded: Caches) -> None:
    """Without one NOAUTH, with a wrong one WRONGPASS; it is new at each start and in no representation."""
    (node,) = endpoints(guarded)
    for password, code in ((None, "NOAUTH"), ("wrong", "WRONGPASS")):
        stranger = CacheEndpoint(
            host=node.host, port=node.port, password=password, tls=True, authority_pem=node.authority_pem
        )
        with CacheClient.at(stranger) as client, pytest.raises(CacheReplyError) as caught:
            client.get("k")
        assert caught.value.error_code == code
    assert node.password and node.password not in repr(node)


def test_a_server_that_nobody_trusts_is_told_nothing(guarded: Caches) -> None:
    """By the system's authorities, or another one's: no command, no password is sent; nor is plain text understood."""
    (node,) = endpoints(guarded)
    with (
        CacheClient.at(node, tls=ssl.create_default_context()) as client,
        pytest.raises(CacheConnectionError, match="certificate verify failed"),
    ):
        client.get("k")
    with CacheClient(node.host, node.port, 0.5) as client, pytest.raises(CacheError):
        client.get("k")


def test_the_password_is_on_no_command_line_and_in_no_file_of_others(guarded: Caches, warden: Warden) -> None:
    """The server's settings are in a file that it alone reads."""
    (node,) = endpoints(guarded)
    assert node.password
    assert node.password.encode() not in Path(f"/proc/{warden.servers()['redis']}/cmdline").read_bytes()
    file = warden.scratch / "redis" / "server.conf"
    assert node.password in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert (warden.scratch / "certificates" / "key.pem").stat().st_mode & 0o077 == 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[CacheEndpoint]]:
    """Three nodes that no test breaks."""
    warden = Warden.start()
    yield endpoints(started(warden, CacheSettings(cluster=True)))
    warden.close()


@given(key=st.text(max_size=40) | st.binary(max_size=40) | st.text(alphabet="ab{}", max_size=12))
@settings(max_examples=150, deadline=None)
def test_the_slot_of_any_key_is_the_one_that_the_server_computes(
    cluster: list[CacheEndpoint], key: str | bytes
) -> None:
    """CLUSTER KEYSLOT of a real node."""
    with CacheClient.at(cluster[0]) as node:
        assert key_slot(key) == node.command("CLUSTER", "KEYSLOT", key)


def test_the_slots_are_shared_out_whole_and_the_client_never_goes_wrong(cluster: list[CacheEndpoint]) -> None:
    """A thousand keys, found without a single redirection, on all three nodes by about a third."""
    with closing(ClusterClient(cluster)) as cache, CacheNodes(cluster) as nodes:
        nodes.flush()
        for number in range(1000):
            cache.set(f"key-{number}", b"v")
        assert (cache.moved, cache.asked) == (0, 0)
        counts = nodes.key_counts()
        # Binomial(1000, 1/3): mean 333, standard deviation √(1000 · 1/3 · 2/3) = 15; six of them are 90.
        assert sum(counts) == 1000 and all(abs(count - 333) < 90 for count in counts)
        tagged = [f"{{user-7}}:{word}" for word in ("name", "orders", "cart")]
        assert len({cache.address_of(key) for key in tagged}) == 1
        cross = Script("return redis.call('MGET', KEYS[1], KEYS[2])")
        assert cache.eval(cross, tagged[:2]) == [None, None]
        with pytest.raises(CacheReplyError, match="CROSSSLOT"):
            cache.eval(cross, ["foo", "bar"])


def test_a_slot_that_moves_is_followed(cluster: list[CacheEndpoint]) -> None:
    """While foo's slot is on its way the key that isn't at home yet is asked for (ASK); once it has moved, MOVED once."""
    slot = key_slot("foo")
    with closing(ClusterClient(cluster)) as cache:
        cache.delete("foo")
        home = next(node for node in cluster if node.address == cache.address_of("foo"))
        away = next(node for node in cluster if node is not home)
        with CacheClient.at(home) as source, CacheClient.at(away) as target:
            source_id, target_id = (node.command("CLUSTER", "MYID") for node in (source, target))
            target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
            source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
            cache.set("foo", b"v")
            assert (cache.asked, cache.moved) == (1, 0)
            with pytest.raises(
                CacheReplyError, match="MOVED"
            ):  # it isn't the target's yet, for whoever doesn't say ASKING
                target.get("foo")
            for node in (target, source):
                node.command("CLUSTER", "SETSLOT", slot, "NODE", target_id)
            assert [cache.get("foo") for _ in range(3)] == [b"v"] * 3
            assert (cache.asked, cache.moved) == (1, 1)
            assert cache.address_of("foo") == away.address


def test_a_node_that_is_killed_is_an_error_until_it_is_back(warden: Warden) -> None:
    """Its keys at once, all keys when the others have noticed (CLUSTERDOWN); started again at its port, it serves again, empty."""
    caches = started(warden, CacheSettings(auth=True, cluster=True))
    with closing(ClusterClient(endpoints(caches), timeout_s=1.0)) as cache:
        keys = [f"key-{number}" for number in range(50)]
        for key in keys:
            cache.set(key, b"v")
        lost = caches.servers[1]
        on_lost = [key for key in keys if cache.address_of(key) == lost.endpoint.address]
        kept = next(key for key in keys if key not in on_lost)
        lost.kill()
        for key in on_lost:
            with pytest.raises(CacheConnectionError):
                cache.get(key)
        assert cache.get(kept) == b"v"
        until(lambda: code_of(cache, kept) == "CLUSTERDOWN")
        lost.start()
        until(lambda: code_of(cache, kept) is None and code_of(cache, on_lost[0]) is None)
        assert (cache.get(kept), cache.get(on_lost[0])) == (b"v", None)
        assert [server.endpoint.port for server in caches.servers] == [node.port for node in endpoints(caches)]


def code_of(cache: ClusterClient, key: str) -> str | None:
    try:
        cache.get(key)
    except CacheError as error:
        return error.error_code
    return None


def until(condition, within_s: float = 20.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_cluster_without_one_of_its_nodes_doesnt_start(warden: Warden) -> None:
    """The line names the node that failed, and its last words follow."""
    caches = Caches(warden, CacheSettings(cluster=True))
    host, port = caches.servers[2].endpoint.address
    with socket.create_server((host, port)), pytest.raises(ServerFailed) as caught:
        caches.start()
    first, *log = str(caught.value).splitlines()
    assert first.startswith(f"valkey-3 at {host}:{port} didn't start")
    assert "in use" in "".join(log)


def test_nodes_that_dont_see_each_other_are_no_cluster(warden: Warden) -> None:
    """Time is up before all know all: one line says which node misses what."""
    caches = Caches(warden, CacheSettings(cluster=True))
    for server in caches.servers:
        server.start()
    caches.servers[2].hang()
    with pytest.raises(ServerFailed) as caught:
        caches.form(time.monotonic() + 5.0)
    assert "\n" not in str(caught.value).partition("\n  ")[0]
    assert f"{caches.servers[2].endpoint.port}" in str(caught.value)


def test_a_port_that_another_cache_has_is_not_taken_for_ours(warden: Warden) -> None:
    """It answers, but it isn't the server that was started."""
    (taken,) = endpoints(started(warden, CacheSettings()))
    second = CacheServer(warden, cache_programs.valkey(warden), taken, name="second")
    with pytest.raises(ServerFailed, match=rf"(?s)^second at 127.0.0.1:{taken.port} didn't start.*in use"):
        second.start()


@pytest.mark.parametrize("mode", [CacheSettings(), CacheSettings(auth=True, tls=True)], ids=["plain", "auth+tls"])
def test_a_cache_below_one_item_says_oom_and_costs_no_answer(warden: Warden, mode: CacheSettings) -> None:
    """maxmemory of a byte: nothing can be stored, by name of the error; lazy loading still gives the database's answer."""
    nodes = endpoints(started(warden, mode))
    with CacheNodes(nodes) as admin, closing(open_cache(nodes)) as cache:
        admin.config_set("maxmemory", 1)
        with pytest.raises(CacheReplyError) as caught:
            cache.set("k", b"v")
        assert caught.value.error_code == "OOM"
        read = LazyLoading(cache, lambda key: b"from the database").read("k")
        assert (read.value, read.hit, read.cache_error) == (b"from the database", False, "OOM")


def test_a_scenarios_own_cache_can_be_killed_stopped_and_started_again() -> None:
    """Through the services: SIGSTOP is a timeout and keeps what it holds, SIGKILL a broken connection and loses it."""
    with closing(LocalServices.up(Needs(cache=True, cache_own=True))) as up:
        (server,) = up.cache_servers
        with CacheClient.at(up.cache, timeout_s=0.2) as cache:
            cache.set("k", b"v")
            server.hang()
            with pytest.raises(CacheTimeoutError):
                cache.get("k")
            server.resume()
            assert cache.get("k") == b"v"
            server.kill()
            with pytest.raises(CacheConnectionError):
                cache.get("k")
            server.start()
            assert cache.get("k") is None


def test_a_server_that_hangs_under_tls_is_a_timeout_too(warden: Warden) -> None:
    """In the handshake as well as after it."""
    caches = started(warden, CacheSettings(tls=True))
    (node,) = endpoints(caches)
    with CacheClient.at(node, timeout_s=0.2) as cache, CacheClient.at(node, timeout_s=0.2) as newcomer:
        cache.set("k", b"v")
        caches.servers[0].hang()
        for client in (cache, newcomer):
            with pytest.raises(CacheTimeoutError):
                client.get("k")
        caches.servers[0].resume()
        assert newcomer.get("k") == b"v"


def test_a_cache_node_that_doesnt_answer_is_named() -> None:
    """What administers a cache says which node is missing, in one line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    says = f"^cache node 127.0.0.1:{port}: .*refused.*$"
    with CacheNodes([CacheEndpoint(host="127.0.0.1", port=port)]) as nodes, pytest.raises(CannotMeasure, match=says):
        nodes.flush()


def test_a_state_of_any_mode_survives_its_file(warden: Warden) -> None:
    """Password, authority and mode are there again; a cache of one mode isn't offered to who wants another."""
    nodes = tuple(endpoints(started(warden, CacheSettings(auth=True, tls=True))))
    state = State.from_record(json.loads(json.dumps(asdict(State(control="c", cache=nodes)))))
    assert state.cache == nodes
    with CacheClient.at(state.cache[0]) as cache:
        assert cache.command("PING") == b"PONG"
    wanted = Needs(cache=True, cache_mode=CacheSettings(auth=True, tls=True))
    assert state.offers(wanted)
    assert not state.offers(Needs(cache=True))
    assert not state.offers(Needs(cache=True, cache_mode=CacheSettings(auth=True, tls=True, cluster=True)))
    assert not state.offers(Needs(cache=True, cache_own=True, cache_mode=wanted.cache_mode))
    assert not State(control="c").offers(wanted)
