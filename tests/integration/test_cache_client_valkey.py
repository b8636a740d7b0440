"""The cache client and lazy loading against a real Valkey."""

import random

import pytest

from harness.cache.client import CacheClient, CacheReplyError
from harness.cache.strategies import LazyLoading
from harness.local.services import LocalServices, Needs


@pytest.fixture(scope="module")
def address():
    services = LocalServices.up(Needs(cache=True))
    yield services.cache
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
