"""Reading with and without a cache: what is asked when, and where the time is booked."""

import pytest
from caches import parts

from harness.cache.client import CacheReplyError, CacheTimeoutError
from harness.cache.strategies import STRATEGIES, Flights, LazyJitter, LazyLoading, NoCache, Parts, Read

TIMED_OUT = CacheTimeoutError("no answer", "TimeoutError")
FULL = CacheReplyError("OOM command not allowed", "OOM")


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
    assert strategy.read("k") == Read(value=b"k", hit=False, get_ns=3, db_ns=100, set_ns=5, keyspace_misses=1)
    assert strategy.read("k") == Read(value=b"k", hit=True, get_ns=3, keyspace_hits=1)
    assert database.asked == ["k"]
    assert cache.ttls == {"k": 60}


def test_an_empty_value_is_a_hit():
    """What was stored empty is found, not taken for absent."""
    clock, cache, database = parts()
    cache.data["k"] = b""
    assert LazyLoading(cache, database.load, clock_ns=clock).read("k").hit is True
    assert database.asked == []


def test_a_cache_that_is_full_costs_time_but_not_the_answer():
    """A refused set is noted and the value returned all the same; the miss was counted."""
    clock, cache, database = parts()
    cache.fail["set"] = [FULL]
    read = LazyLoading(cache, database.load, clock_ns=clock).read("k")
    assert read == Read(value=b"k", hit=False, get_ns=3, db_ns=100, set_ns=5, cache_error="OOM", keyspace_misses=1)


def test_a_cache_that_is_down_is_a_miss_and_is_asked_once():
    """A failed get sends the read to the database; nothing is set, which would cost a second time-out."""
    clock, cache, database = parts()
    cache.fail["get"] = [TIMED_OUT]
    read = LazyLoading(cache, database.load, clock_ns=clock).read("k")
    assert read == Read(value=b"k", hit=False, get_ns=3, db_ns=100, cache_error="TimeoutError")
    assert cache.calls == [("get", "k")]


def test_jittered_ttls_are_spread_evenly_around_the_mean():
    """60 s ± 25 %: draws of 0, ½ and just below 1 give 45, 60 and just below 75 s."""
    clock, cache, database = parts()
    draws = iter([0.0, 0.5, 1 - 2**-20])
    strategy = LazyJitter(cache, database.load, 60, 0.25, draw=lambda: next(draws), clock_ns=clock)
    for key in "abc":
        strategy.read(key)
    assert cache.ttls["a"] == 45
    assert cache.ttls["b"] == 60
    assert 74.9 < cache.ttls["c"] < 75


@pytest.mark.parametrize("ttl_s", [0, -1])
def test_a_ttl_that_is_not_above_zero_is_refused(ttl_s):
    """A value that expires at once would be a cache that never hits; none at all is written None."""
    _, cache, database = parts()
    with pytest.raises(ValueError, match="ttl_s must be > 0"):
        LazyLoading(cache, database.load, ttl_s)


def test_a_share_that_would_reach_zero_is_refused():
    """60 s ± 100 % could be none."""
    _, cache, database = parts()
    with pytest.raises(ValueError, match="less than 1, got 1"):
        LazyJitter(cache, database.load, 60, 1)


def strategy_of(arm, clock, cache, database, ttl_s=60):
    return STRATEGIES[arm](
        Parts(
            cache=cache, load=database.load, store=database.store, flights=Flights(), ttl_s=ttl_s, clock_ns=clock,
            wall_ns=clock, sleep_s=clock.sleep,
        )
    )  # fmt: skip


@pytest.mark.parametrize("arm", STRATEGIES)
def test_every_arm_reads_what_was_written_and_counts_as_the_server_does(arm):
    """A read, a second one, a write and a read by each: values right where the arm promises it, counters equal."""
    clock, cache, database = parts()
    strategy = strategy_of(arm, clock, cache, database)
    reads = [strategy.read("k"), strategy.read("k")]
    assert [read.value for read in reads] == [b"k", b"k"]
    assert strategy.write("k", b"new").cache_error is None
    reads.append(strategy.read("k"))
    assert database.rows == {"k": b"new"}
    fresh = arm in ("no_cache", "write_through", "invalidate")  # the others go on with what they have, until it expires
    assert reads[-1].value == (b"new" if fresh else b"k")
    assert (cache.hits, cache.misses) == (sum(r.keyspace_hits for r in reads), sum(r.keyspace_misses for r in reads))


@pytest.mark.parametrize("arm", STRATEGIES)
@pytest.mark.parametrize("step", ["get", "set", "delete", "pipeline", "eval"])
@pytest.mark.parametrize("error", [TIMED_OUT, FULL], ids=["timeout", "refused"])
def test_no_arm_lets_a_cache_error_through(arm, step, error):
    """Whichever step fails, and for good: reads and writes give what the database has."""
    clock, cache, database = parts()
    strategy = strategy_of(arm, clock, cache, database)
    cache.fail[step] = [error] * 20
    assert [strategy.read("k").value, strategy.read("k").value] == [b"k", b"k"]
    strategy.write("k", b"new")
    strategy.read("other")
    assert database.rows == {"k": b"new"}


@pytest.mark.parametrize("arm", STRATEGIES)
def test_every_arm_lets_the_databases_errors_through(arm):
    """A read that misses and a write raise what the database raised; the next read loads."""
    clock, cache, database = parts()
    strategy = strategy_of(arm, clock, cache, database)
    database.fail = KeyError("no such row")
    with pytest.raises(KeyError, match="no such row"):
        strategy.read("k")
    with pytest.raises(KeyError, match="no such row"):
        strategy.write("k", b"new")
    database.fail = None
    began_ns = clock.now_ns
    assert strategy.read("k").value == b"k"
    assert clock.now_ns - began_ns < 1000  # nobody waited for a lock that the failed read had left behind


@pytest.mark.parametrize("arm", ["lazy_jitter", "xfetch"])
def test_arms_that_need_a_ttl_say_so(arm):
    """Without one there is nothing to spread, and nothing to refresh before it expires."""
    clock, cache, database = parts()
    with pytest.raises(ValueError, match=f"{arm} needs a TTL"):
        strategy_of(arm, clock, cache, database, ttl_s=None)
