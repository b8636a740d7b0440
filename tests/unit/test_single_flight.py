"""One load a key at a time in a process: who leads, who follows, and what becomes of them when the leader fails or dies.

Readers are threads here; that greenlets do as well is shown with a real cache.
"""

import threading

import pytest
from caches import parts

from harness.cache.client import CacheTimeoutError
from harness.cache.strategies import Flights, LazyLoading, SingleFlight


class Reader(threading.Thread):
    """One read in a thread of its own; ``end`` gives the Read, or raises what it raised."""

    def __init__(self, strategy, key="k"):
        super().__init__(daemon=True)
        self.strategy, self.key = strategy, key
        self.read = self.error = None
        self.start()

    def run(self):
        try:
            self.read = self.strategy.read(self.key)
        except BaseException as error:
            self.error = error

    def end(self):
        self.join(10)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error
        return self.read


class HeldDatabase:
    """Loads when it is let; says when it was asked."""

    def __init__(self, *answers):
        self.asked, self.let = threading.Semaphore(0), threading.Semaphore(0)
        self.answers = list(answers) or [b"v"]
        self.loads = 0

    def load(self, key):
        self.loads += 1
        answer = self.answers.pop(0)
        self.asked.release()
        assert self.let.acquire(timeout=10)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Queue(Flights):
    """Flights that say when so many have boarded, so that a test knows that followers wait."""

    def __init__(self):
        super().__init__()
        self.boarded = threading.Semaphore(0)

    def board(self, berth, over_before):
        ticket = super().board(berth, over_before)
        self.boarded.release()
        return ticket

    def wait_for(self, count):
        for _ in range(count):
            assert self.boarded.acquire(timeout=10)


def flying(database, wait_s=10.0, cache=None):
    """A strategy, its cache and its flights; the clock is real, since followers wait for real."""
    _, fake, _ = parts()
    flights = Queue()
    return SingleFlight(LazyLoading(cache or fake, database.load), flights, wait_s), cache or fake, flights


def test_followers_get_the_leaders_value_from_one_load():
    """Five readers of a key that isn't there: one load; five misses; four waited and didn't ask the database."""
    database = HeldDatabase()
    strategy, cache, flights = flying(database)
    readers = [Reader(strategy) for _ in range(5)]
    flights.wait_for(5)
    database.let.release()
    reads = [reader.end() for reader in readers]
    assert [read.value for read in reads] == [b"v"] * 5
    assert (database.loads, cache.misses, sum(read.keyspace_misses for read in reads)) == (1, 5, 5)
    leaders = [read for read in reads if read.db_ns is not None]
    assert len(leaders) == 1
    assert leaders[0].waited_ns is None
    assert all(read.waited_ns is not None and read.set_ns is None for read in reads if read is not leaders[0])
    assert flights._berths == {}


def test_keys_do_not_wait_for_each_other():
    """Two keys are two loads at the same time."""
    database = HeldDatabase(b"1", b"2")
    strategy, _, _ = flying(database)
    readers = [Reader(strategy, "a"), Reader(strategy, "b")]
    assert database.asked.acquire(timeout=10)
    assert database.asked.acquire(timeout=10)
    database.let.release(2)
    assert {reader.end().value for reader in readers} == {b"1", b"2"}


def test_followers_get_the_leaders_error():
    """One query failed: all who waited for it are told so, and the next reader loads anew."""
    database = HeldDatabase(OSError("deadlock"), b"v")
    strategy, _, flights = flying(database)
    readers = [Reader(strategy) for _ in range(3)]
    flights.wait_for(3)
    database.let.release(2)
    for reader in readers:
        with pytest.raises(OSError, match="deadlock"):
            reader.end()
    assert database.loads == 1
    assert strategy.read("k").value == b"v"


class Killed(BaseException):
    """As gevent's GreenletExit: what ends a greenlet, no Exception."""


def test_a_leader_that_dies_releases_who_waits_for_it():
    """One of them leads in its place, the other gets its value."""
    database = HeldDatabase(Killed(), b"v")
    strategy, _, flights = flying(database)
    leader = Reader(strategy)
    flights.wait_for(1)
    followers = [Reader(strategy) for _ in range(2)]
    flights.wait_for(2)
    database.let.release(2)
    with pytest.raises(Killed):
        leader.end()
    reads = [follower.end() for follower in followers]
    assert [read.value for read in reads] == [b"v", b"v"]
    assert all(read.waited_ns > 0 for read in reads)
    assert database.loads == 2
    assert flights._berths == {}


def test_a_flight_that_is_lost_is_boarded_by_nobody():
    """Between its leader's death and the end of its clean-up: who misses leads a new one instead of waiting for nothing."""
    flights = Flights()
    berth, over_before = flights.enter("k")
    lost, leads = flights.board(berth, over_before)
    assert leads
    lost.landed.set()
    flight, leads = flights.board(berth, over_before)
    assert leads
    assert flight is not lost


def test_who_has_waited_long_enough_loads_for_itself():
    """No patience at all: a follower loads beside the leader, who still gets its own value."""
    database = HeldDatabase(b"leader's", b"follower's")
    strategy, _, _ = flying(database, wait_s=0)
    leader = Reader(strategy)
    assert database.asked.acquire(timeout=10)
    follower = Reader(strategy)
    assert database.asked.acquire(timeout=10)
    database.let.release(2)
    assert {leader.end().value, follower.end().value} == {b"leader's", b"follower's"}
    assert database.loads == 2


def test_a_reader_held_up_after_its_miss_takes_the_value_of_the_flight_that_is_over():
    """It missed before the cache was filled and comes to load after: no second load."""
    missed, go_on = threading.Event(), threading.Event()
    _, fake, database = parts()

    class SlowToHear:
        """Its second get answers what was there when it was asked, but only when it is let."""

        def __init__(self):
            self.gets = 0

        def get(self, key):
            self.gets += 1
            value = fake.get(key)
            if self.gets == 1:
                missed.set()
                assert go_on.wait(10)
            return value

        set = fake.set

    strategy, _, flights = flying(database, cache=SlowToHear())
    late = Reader(strategy)
    assert missed.wait(10)
    assert strategy.read("k").value == b"k"
    go_on.set()
    read = late.end()
    assert (read.value, read.hit, read.db_ns) == (b"k", False, None)
    assert database.asked == ["k"]
    fake.data.clear()
    assert strategy.read("k").db_ns is not None  # a reader that comes later has no part in it
    assert flights._berths == {}


def test_followers_are_served_before_the_cache_has_the_value():
    """A cache that takes long to be set holds up its leader alone."""
    setting, go_on = threading.Event(), threading.Event()
    _, fake, database = parts()

    class SlowToSet:
        get = fake.get

        def set(self, key, value, ttl_s=None):
            setting.set()
            assert go_on.wait(10)

    strategy, _, _ = flying(database, cache=SlowToSet())
    leader = Reader(strategy)
    assert setting.wait(10)
    assert Reader(strategy).end().value == b"k"
    go_on.set()
    assert leader.end().value == b"k"
    assert database.asked == ["k"]


def test_a_dead_cache_is_one_load_a_key_at_a_time_too():
    """Get fails for all: they share the load, nothing is set, and each says what failed."""
    database = HeldDatabase()
    strategy, cache, flights = flying(database)
    cache.fail["get"] = [CacheTimeoutError("no answer", "TimeoutError") for _ in range(3)]
    readers = [Reader(strategy) for _ in range(3)]
    flights.wait_for(3)
    database.let.release()
    reads = [reader.end() for reader in readers]
    assert [(read.value, read.cache_error, read.keyspace_misses) for read in reads] == [(b"v", "TimeoutError", 0)] * 3
    assert (database.loads, cache.data) == (1, {})
