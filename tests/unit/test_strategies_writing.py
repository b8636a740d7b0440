"""Writes: the order of the two steps, and what is left when one of them fails, or another comes in between."""

import pytest
from caches import parts

from harness.cache.client import CacheReplyError, CacheTimeoutError
from harness.cache.strategies import Invalidate, LazyLoading, Write, WriteAround, WriteThrough

TIMED_OUT = CacheTimeoutError("no answer", "TimeoutError")
FULL = CacheReplyError("OOM command not allowed", "OOM")


def written(kind):
    """A strategy that has read ``k`` (value ``k``), with its parts."""
    clock, cache, database = parts()
    reader = LazyLoading(cache, database.load, clock_ns=clock)
    if kind is WriteAround:
        strategy = WriteAround(reader, database.store, clock)
    else:
        strategy = kind(reader, cache, database.store, clock)
    strategy.read("k")
    cache.calls.clear()
    return strategy, cache, database


def test_write_around_leaves_the_cache_alone():
    """200 ns of the database, nothing of the cache: the old value stays."""
    strategy, cache, _ = written(WriteAround)
    assert strategy.write("k", b"new") == Write(db_ns=200)
    assert cache.calls == []
    assert strategy.read("k").value == b"k"


def test_write_through_sets_after_the_database_has_it():
    """200 ns, then 5: the next read is a hit with the new value."""
    strategy, _, database = written(WriteThrough)
    assert strategy.write("k", b"new") == Write(db_ns=200, cache_ns=5)
    read = strategy.read("k")
    assert (read.value, read.hit, database.asked) == (b"new", True, ["k"])


def test_invalidate_deletes_after_the_database_has_it():
    """200 ns, then 7: the next read misses and loads the new value."""
    strategy, cache, database = written(Invalidate)
    assert strategy.write("k", b"new") == Write(db_ns=200, cache_ns=7)
    assert cache.data == {}
    read = strategy.read("k")
    assert (read.value, read.hit, database.asked) == (b"new", False, ["k", "k"])


@pytest.mark.parametrize("kind", [WriteAround, WriteThrough, Invalidate])
def test_a_write_that_the_database_refuses_leaves_the_cache_as_it_was(kind):
    """Its error comes through and nobody told the cache: what is read is what the database has."""
    strategy, cache, database = written(kind)
    database.fail = OSError("deadlock")
    with pytest.raises(OSError, match="deadlock"):
        strategy.write("k", b"new")
    database.fail = None
    assert cache.calls == []
    assert (strategy.read("k").value, database.rows) == (b"k", {})


@pytest.mark.parametrize("kind", [WriteThrough, Invalidate])
def test_a_cache_that_does_not_hear_of_a_write_goes_on_with_the_old_value(kind):
    """The write happened and says so; the cache was asked once; readers get the old value until its TTL ends."""
    strategy, cache, database = written(kind)
    cache.fail = {"set": [TIMED_OUT], "delete": [TIMED_OUT]}
    assert strategy.write("k", b"new").cache_error == "TimeoutError"
    assert len(cache.calls) == 1
    assert (database.rows["k"], strategy.read("k").value) == (b"new", b"k")


def test_a_full_cache_that_refuses_the_new_value_loses_the_old_one():
    """OOM on the set, so the key is deleted: the next read loads instead of giving the old value."""
    strategy, cache, _ = written(WriteThrough)
    cache.fail["set"] = [FULL]
    assert strategy.write("k", b"new").cache_error == "OOM"
    assert cache.calls == [("set", "k"), ("delete", "k")]
    assert strategy.read("k").value == b"new"


def test_a_full_cache_that_then_dies_says_so():
    """Refused, then no answer to the delete: the old value may be there still, and the code isn't OOM."""
    strategy, cache, _ = written(WriteThrough)
    cache.fail = {"set": [FULL], "delete": [TIMED_OUT]}
    assert strategy.write("k", b"new").cache_error == "TimeoutError"


@pytest.mark.parametrize("kind", [WriteThrough, Invalidate])
def test_a_reader_that_loaded_before_the_write_and_sets_after_it_leaves_the_old_value(kind):
    """The stale set of NSDI 2013, 3.2.1: known, and not closed by either order."""
    clock, cache, database = parts()

    def load_and_be_overtaken(key):
        value = database.load(key)
        strategy.write(key, b"new")
        return value

    reader = LazyLoading(cache, load_and_be_overtaken, clock_ns=clock)
    strategy = kind(reader, cache, database.store, clock)
    strategy.read("k")
    assert (database.rows["k"], cache.data["k"]) == (b"new", b"k")


def test_writers_that_cross_leave_the_older_value_set_but_none_deleted():
    """The second commits and tells the cache while the first is between its steps: set, the first wins; deleted, nobody."""
    left = {}
    for kind in (WriteThrough, Invalidate):
        clock, cache, database = parts()
        reader = LazyLoading(cache, database.load, clock_ns=clock)
        inner = kind(reader, cache, database.store, clock)

        def store_and_be_overtaken(key, value, database=database, inner=inner):
            database.store(key, value)
            inner.write(key, b"second")

        kind(reader, cache, store_and_be_overtaken, clock).write("k", b"first")
        left[kind] = database.rows["k"], cache.data.get("k")
    assert left == {WriteThrough: (b"second", b"first"), Invalidate: (b"second", None)}
