"""The cache client and lazy loading against a real Valkey, plain and with users; test_caches.py has its other modes."""

import random

import pytest

from harness.cache.client import CacheClient, CacheReplyError, Script
from harness.cache.endpoint import CacheEndpoint
from harness.cache.strategies import LazyLoading
from harness.local.services import LocalServices
from harness.services import Needs


@pytest.fixture(scope="module")
def address():
    services = LocalServices.up(Needs(cache=True))
    yield services.cache.address
    services.close()


@pytest.fixture
def cache(address):
    with CacheClient(*address) as client:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.flush()
        client.reset_stats()
        yield client


def test_values_go_in_and_come_out(cache):
    """Set, get, delete and count, bytes of any kind; what expired is gone."""
    value = bytes(range(256)) * 1000
    cache.set("k", value)
    assert (cache.get("k"), cache.get("absent"), cache.key_count()) == (value, None, 1)
    assert (cache.delete("k", "absent"), cache.key_count()) == (1, 0)
    cache.set("brief", b"v", ttl_s=1000)
    assert 999_000 < cache.command("PTTL", "brief") <= 1_000_000


def test_a_full_cache_that_may_not_evict_says_oom(cache):
    """E4: without eviction a full cache refuses writes, by name; reads go on."""
    cache.set("k", b"v")
    cache.config_set("maxmemory-policy", "noeviction")
    cache.config_set("maxmemory", 1)
    with pytest.raises(CacheReplyError) as caught:
        cache.set("other", b"v")
    assert (caught.value.outcome, caught.value.error_code) == ("error", "OOM")
    assert cache.get("k") == b"v"


def test_hits_and_misses_are_those_the_server_counts(cache):
    """Lazy loading under eviction: its hits and misses equal keyspace_hits and keyspace_misses."""
    cache.config_set("maxmemory", int(cache.info("memory")["used_memory"]) + 200_000)
    strategy = LazyLoading(cache, lambda key: key.encode() * 100)
    rng = random.Random(20130101)
    reads = [strategy.read(f"key-{rng.randrange(600)}") for _ in range(3000)]
    stats = cache.info("stats")
    assert sum(read.hit for read in reads) == int(stats["keyspace_hits"])
    assert sum(not read.hit for read in reads) == int(stats["keyspace_misses"])
    assert all(read.cache_error is None for read in reads)
    assert all((read.db_ns is None) == read.hit for read in reads)
    assert int(stats["evicted_keys"]) > 0


def test_several_keys_and_several_commands_in_one_trip(cache):
    """MGET keeps the order and the gaps; a pipeline longer than any buffer keeps every reply in its place."""
    cache.set("a", b"1")
    cache.set("c", b"3")
    assert cache.mget("a", "b", "c") == [b"1", None, b"3"]
    value = b"x" * 2000
    assert set(cache.pipeline([("SET", f"k{n}", value + str(n).encode()) for n in range(3000)])) == {b"OK"}
    replies = cache.pipeline([*(("GET", f"k{n}") for n in range(3000)), ("LPUSH", "a", "x"), ("DBSIZE",)])
    assert replies[:3000] == [value + str(n).encode() for n in range(3000)]
    assert replies[3000].error_code == "WRONGTYPE"
    assert replies[3001] == 3002


# Set a key unless it holds a newer version: what a write-through cache needs to be safe from late writers.
SET_IF_NEWER = Script(
    "local held = redis.call('HGET', KEYS[1], 'version') "
    "if held and tonumber(held) >= tonumber(ARGV[1]) then return 0 end "
    "redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2]) return 1"
)


def test_a_script_runs_before_and_after_the_server_forgot_it(cache):
    """Sent once, then run by digest; after a flush of the scripts (a restart does that) it is sent again."""
    cache.command("SCRIPT", "FLUSH", "SYNC")
    assert cache.command("SCRIPT", "EXISTS", SET_IF_NEWER.digest) == [0]
    assert cache.eval(SET_IF_NEWER, ["k"], [2, b"second"]) == 1
    assert cache.command("SCRIPT", "EXISTS", SET_IF_NEWER.digest) == [1]
    assert cache.eval(SET_IF_NEWER, ["k"], [1, b"late"]) == 0
    cache.command("SCRIPT", "FLUSH", "SYNC")
    assert cache.eval(SET_IF_NEWER, ["k"], [3, b"third"]) == 1
    assert cache.command("HGET", "k", "value") == b"third"


@pytest.fixture
def guarded(cache, address):
    """The same server with a password for its default user, and a user of its own for the benchmark."""
    cache.command("ACL", "SETUSER", "bench", "on", ">s3cret", "~*", "+@all")
    cache.config_set("requirepass", "gate")
    yield address
    cache.config_set("requirepass", "")
    cache.command("ACL", "DELUSER", "bench")


def test_a_guarded_server_lets_in_who_is_known(guarded):
    """By password, or by name and password; without one the server says NOAUTH, with a wrong one WRONGPASS."""
    host, port = guarded
    for user, password in ((None, "gate"), ("bench", "s3cret")):
        with CacheClient.at(CacheEndpoint(host=host, port=port, user=user, password=password)) as client:
            assert client.command("PING") == b"PONG"
    with CacheClient(host, port) as client, pytest.raises(CacheReplyError) as caught:
        client.get("k")
    assert caught.value.error_code == "NOAUTH"
    wrong = CacheEndpoint(host=host, port=port, user="bench", password="gate")
    with CacheClient.at(wrong) as client, pytest.raises(CacheReplyError) as caught:
        client.get("k")
    assert caught.value.error_code == "WRONGPASS"


def test_databases_are_apart(address, cache):
    """A connection to another database sees nothing of the first."""
    cache.set("k", b"zero")
    with CacheClient.at(CacheEndpoint(host=address[0], port=address[1], database=1)) as other:
        assert other.get("k") is None
