"""Reading with and without a cache: what is asked when, and where the time is booked."""

from harness.cache.client import CacheReplyError, CacheTimeoutError
from harness.cache.strategies import LazyLoading, NoCache, Read


class Clock:
    """A clock that moves only when someone works."""

    def __init__(self):
        self.now_ns = 1_000

    def __call__(self):
        return self.now_ns


class FakeCache:
    """A dictionary whose get takes 3 ns and whose set takes 5 ns; can be told to fail."""

    def __init__(self, clock):
        self.clock = clock
        self.data = {}
        self.ttls = {}
        self.fail_get = self.fail_set = None

    def get(self, key):
        self.clock.now_ns += 3
        if self.fail_get:
            raise self.fail_get
        return self.data.get(key)

    def set(self, key, value, ttl_s=None):
        self.clock.now_ns += 5
        if self.fail_set:
            raise self.fail_set
        self.data[key], self.ttls[key] = value, ttl_s


class Database:
    """Answers in 100 ns and counts how often it was asked."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []

    def load(self, key):
        self.clock.now_ns += 100
        self.asked.append(key)
        return key.encode()


def parts():
    clock = Clock()
    return clock, FakeCache(clock), Database(clock)


def test_without_a_cache_every_read_asks_the_database():
    """Two reads of one key are two trips to the database; hit is neither true nor false."""
    clock, _, database = parts()
    strategy = NoCache(database.load, clock)
    expected = Read(value=b"k", hit=None, get_ns=None, db_ns=100, set_ns=None)
    assert [strategy.read("k"), strategy.read("k")] == [expected, expected]
    assert database.asked == ["k", "k"]


def test_a_miss_costs_three_trips_and_the_next_read_one():
    """The first read gets, loads and sets; the second only gets (E1)."""
    clock, cache, database = parts()
    strategy = LazyLoading(cache, database.load, ttl_s=60, clock_ns=clock)
    assert strategy.read("k") == Read(value=b"k", hit=False, get_ns=3, db_ns=100, set_ns=5)
    assert strategy.read("k") == Read(value=b"k", hit=True, get_ns=3, db_ns=None, set_ns=None)
    assert database.asked == ["k"]
    assert cache.ttls == {"k": 60}


def test_an_empty_value_is_a_hit():
    """What was stored empty is found, not taken for absent."""
    clock, cache, database = parts()
    cache.data["k"] = b""
    assert LazyLoading(cache, database.load, clock_ns=clock).read("k").hit is True
    assert database.asked == []


def test_a_cache_that_is_full_costs_time_but_not_the_answer():
    """A refused set is noted and the value returned all the same."""
    clock, cache, database = parts()
    cache.fail_set = CacheReplyError("OOM command not allowed", "OOM")
    read = LazyLoading(cache, database.load, clock_ns=clock).read("k")
    assert read == Read(value=b"k", hit=False, get_ns=3, db_ns=100, set_ns=5, cache_error="OOM")


def test_a_cache_that_is_down_is_a_miss():
    """A failed get sends the read to the database, with the failure noted."""
    clock, cache, database = parts()
    cache.fail_get = CacheTimeoutError("no answer", "TimeoutError")
    read = LazyLoading(cache, database.load, clock_ns=clock).read("k")
    assert (read.value, read.hit, read.cache_error) == (b"k", False, "TimeoutError")
