"""One load a key at a time across processes: a lock in the cache, its release, and holders that are slow or dead."""

import pytest
from caches import parts

from harness.cache.client import CacheReplyError, CacheTimeoutError
from harness.cache.strategies import LazyLoading, Read, SingleFlightShared
from harness.cache.strategies.shared_flight import lock_key

FULL = CacheReplyError("OOM command not allowed", "OOM")


def shared(clock, cache, database, **settings):
    tokens = iter("abcdef")
    lazy = LazyLoading(cache, database.load, ttl_s=60, clock_ns=clock)
    return SingleFlightShared(
        lazy, cache, sleep_s=clock.sleep, draw=lambda: 0.5, token=lambda: next(tokens), **settings
    )


def test_who_gets_the_lock_loads_keeps_and_gives_it_back():
    """Get 3, lock and look 11, load 100, set 5 and release 13: 132 ns. Look-ups: two misses, the token is the hit."""
    clock, cache, database = parts()
    strategy = shared(clock, cache, database)
    assert strategy.read("k") == Read(
        value=b"k", hit=False, get_ns=3, waited_ns=11, db_ns=100, set_ns=18, keyspace_misses=2, keyspace_hits=1
    )
    assert cache.data == {"k": b"k"}
    assert (cache.hits, cache.misses) == (1, 2)
    assert strategy.read("k") == Read(value=b"k", hit=True, get_ns=3, keyspace_hits=1)


def test_who_does_not_get_the_lock_polls_until_the_value_is_there():
    """A holder fills the cache during the second sleep: three looks (two miss), two sleeps of 10 ms, no load."""
    clock, cache, database = parts()
    cache.set(lock_key("k"), b"another's", 3.0)
    sleeps = []

    def sleep(seconds):
        sleeps.append(seconds)
        clock.sleep(seconds)
        if len(sleeps) == 2:
            cache.set("k", b"v", 60)

    strategy = shared(clock, cache, database)
    strategy._sleep_s = sleep
    read = strategy.read("k")
    assert (read.value, read.hit, read.db_ns, read.keyspace_misses, read.keyspace_hits) == (b"v", False, None, 3, 1)
    assert read.waited_ns == 3 * 11 + 2 * 10_000_000 + 5
    assert sleeps == [0.01, 0.01]
    assert database.asked == []
    assert cache.data[lock_key("k")] == b"another's"


def test_a_dead_holder_costs_what_is_left_of_its_lock():
    """50 ms are left: the first look after them gets the lock, sleeps of 10 ms apart."""
    clock, cache, database = parts()
    cache.set(lock_key("k"), b"dead", 0.05)
    read = shared(clock, cache, database).read("k")
    assert (read.value, database.asked) == (b"k", ["k"])
    assert 50_000_000 <= read.waited_ns < 60_000_000 + 7 * 11
    assert lock_key("k") not in cache.data


def test_a_wait_is_bounded():
    """A lock for ever and 35 ms of patience: four sleeps, the last of them shorter, then a load; the lock stays."""
    clock, cache, database = parts()
    cache.set(lock_key("k"), b"another's")
    read = shared(clock, cache, database, wait_s=0.035).read("k")
    assert (read.value, database.asked, cache.data["k"]) == (b"k", ["k"], b"k")
    assert 35_000_000 <= read.waited_ns < 35_000_000 + 6 * 11
    assert cache.data[lock_key("k")] == b"another's"
    assert (cache.hits, cache.misses) == (read.keyspace_hits, read.keyspace_misses) == (0, 6)


def test_a_lock_that_passed_to_another_is_not_deleted():
    """The load outlasted the lock (1 ms) and somebody else has it by now: it is theirs to give back."""
    clock, cache, database = parts()

    def slow(key):
        clock.sleep(0.002)
        cache.set(lock_key(key), b"another's", 3.0)
        return b"v"

    database.load = slow
    read = shared(clock, cache, database, lock_s=0.001).read("k")
    assert (read.value, cache.data["k"], cache.data[lock_key("k")]) == (b"v", b"v", b"another's")
    assert (read.keyspace_hits, read.keyspace_misses) == (cache.hits, cache.misses) == (1, 2)


def test_a_lock_that_expired_is_a_miss_of_its_release():
    """Nobody took it since: the script finds nothing, which the server counts."""
    clock, cache, database = parts()
    database.load = lambda key: clock.sleep(0.002) or b"v"
    read = shared(clock, cache, database, lock_s=0.001).read("k")
    assert (read.keyspace_hits, read.keyspace_misses) == (cache.hits, cache.misses) == (0, 3)


def test_a_value_that_came_between_get_and_lock_is_taken_and_the_lock_given_back():
    """The first get misses, the holder fills and releases, the lock is free: no second load."""
    clock, cache, database = parts()
    strategy = shared(clock, cache, database)
    missed = cache.get

    def get_then_filled(key):
        value = missed(key)
        cache.set(key, b"v", 60)
        return value

    cache.get = get_then_filled
    read = strategy.read("k")
    assert (read.value, read.hit, read.db_ns, read.set_ns) == (b"v", False, None, 13)
    assert (database.asked, lock_key("k") in cache.data) == ([], False)
    assert (read.keyspace_hits, read.keyspace_misses) == (cache.hits, cache.misses) == (2, 1)


def test_a_database_error_gives_the_lock_back():
    """The error comes through; the next reader needn't wait for the lock to expire."""
    clock, cache, database = parts()
    strategy = shared(clock, cache, database)
    database.fail = OSError("deadlock")
    with pytest.raises(OSError, match="deadlock"):
        strategy.read("k")
    assert lock_key("k") not in cache.data


@pytest.mark.parametrize(
    ("step", "calls"),
    [
        ("get", ["get"]),
        ("pipeline", ["get", "pipeline"]),
        ("set", ["get", "pipeline", "set"]),
        ("eval", ["get", "pipeline", "set", "eval"]),
    ],
)
def test_a_cache_that_stops_answering_is_left_alone(step, calls):
    """Whichever step fails is the last one asked: the read loads, and says what failed."""
    clock, cache, database = parts()
    cache.fail[step] = [CacheTimeoutError("no answer", "TimeoutError")]
    read = shared(clock, cache, database).read("k")
    assert (read.value, read.cache_error) == (b"k", "TimeoutError")
    assert [name for name, _ in cache.calls] == calls


def test_a_full_cache_that_refuses_the_lock_is_left_alone():
    """OOM in the lock's place of the pipeline, whose get was carried out: load, set nothing, two misses."""
    clock, cache, database = parts()
    cache.pipeline = lambda commands: [FULL, None]
    read = shared(clock, cache, database).read("k")
    assert (read.value, read.cache_error, read.set_ns, cache.data) == (b"k", "OOM", None, {})
    assert read.keyspace_misses == 2


def test_a_full_cache_that_refuses_the_lock_may_have_the_value_by_now():
    """The get of the same trip finds it: no load, and no lock to give back."""
    clock, cache, database = parts()
    cache.pipeline = lambda commands: [FULL, b"v"]
    read = shared(clock, cache, database).read("k")
    assert (read.value, read.cache_error, read.set_ns, database.asked) == (b"v", None, None, [])


def test_a_cluster_that_cannot_look_is_left_alone():
    """CLUSTERDOWN in both places: load, set nothing, and no look-up but the first is counted."""
    clock, cache, database = parts()
    down = CacheReplyError("CLUSTERDOWN The cluster is down", "CLUSTERDOWN")
    cache.pipeline = lambda commands: [down, down]
    read = shared(clock, cache, database).read("k")
    assert (read.value, read.cache_error, read.keyspace_misses, cache.data) == (b"k", "CLUSTERDOWN", 1, {})


@pytest.mark.parametrize(("key", "lock"), [("k", "{k}:lock"), ("user{7}:name", "user{7}:name:lock")])
def test_a_lock_lies_in_its_keys_slot(key, lock):
    """What a cluster hashes of either is the same: the part in braces, or the whole key."""
    assert lock_key(key) == lock
