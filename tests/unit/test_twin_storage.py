"""What the twin keeps of an item, and that its columns answer as a sorted list of items would."""

import tracemalloc
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.dynamodb.metering import PAGE_BYTES
from harness.local.dynamodb.data.gathering import Gathered
from harness.local.dynamodb.data.storage import HASH_SPACE, Entry, Partitions, as_json, partition_hash

KEYS = st.sampled_from([b"a", b"b", b"c", b"d"])
SORTS = st.integers(0, 12).map(lambda number: b"%02d" % number)


def flight(number):
    return {
        "tailnum": {"S": f"N{number}"},
        "flight_key": {"S": f"2013-01-01T05:15#UA#{number}"},
        "note": {"S": "x" * 400},
    }


def entry(key, sort, size=100):
    return Entry(key, (sort,), b"%s/%s" % (key, sort), size)


def of(stretches):
    return [raw for _, held, first, last in stretches for raw in held.raws[first:last]]


def test_a_stored_item_takes_little_more_memory_than_its_json():
    """About 490 bytes of JSON, and keys: 2 KB at most, so that all flights of a year fit (1.2 GB)."""
    tracemalloc.start()
    kept = Partitions()
    for number in range(500):
        kept.put(Entry(f"N{number}".encode(), (b"2013-01-01T05:15",), as_json(flight(number)), 450))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.count == 500
    assert held / 500 < 2_000


@given(st.lists(st.tuples(st.booleans(), KEYS, SORTS, st.integers(1, 500)), max_size=60))
@settings(max_examples=150, deadline=None)
def test_columns_answer_as_a_dictionary_of_items_would(steps):
    """Any puts and removals: the same items, counts and sizes; each partition in the order of its sort keys."""
    kept, truth = Partitions(), {}
    for removes, key, sort, size in steps:
        if removes and (key, sort) in truth:
            kept.remove(kept.get(key, (sort,)))
            del truth[key, sort]
        elif not removes:
            kept.put(entry(key, sort, size))
            truth[key, sort] = size
    assert (kept.count, kept.size_bytes) == (len(truth), sum(truth.values()))
    for key in (b"a", b"b", b"c", b"d"):
        sorts = sorted(sort for one, sort in truth if one == key)
        stretch = kept.of_partition(key)
        assert of([stretch] if stretch else []) == [b"%s/%s" % (key, sort) for sort in sorts]
        assert kept.partition_size(key) == sum(truth[key, sort] for sort in sorts)
    expected = sorted(truth, key=lambda place: (partition_hash(place[0]), place[1]))
    assert of(kept.everything()) == [b"%s/%s" % place for place in expected]


@given(st.sets(SORTS), st.none() | st.tuples(SORTS, st.booleans()), st.none() | st.tuples(SORTS, st.booleans()),
       st.none() | SORTS, st.booleans())  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_a_range_of_sort_keys_is_what_comparisons_select(sorts, low, high, after, forward):
    """Bounds included or not, beginning after a key in either direction."""
    kept = Partitions()
    for sort in sorts:
        kept.put(entry(b"a", sort))
    expected = [
        sort
        for sort in sorted(sorts)
        if (low is None or sort > low[0] or (low[1] and sort == low[0]))
        and (high is None or sort < high[0] or (high[1] and sort == high[0]))
        and (after is None or (sort > after if forward else sort < after))
    ]
    stretch = kept.of_partition(b"a", low, high, None if after is None else (after,), forward=forward)
    assert of([stretch] if stretch else []) == [b"a/%s" % sort for sort in expected]


@given(st.sets(st.tuples(KEYS, SORTS), min_size=1), st.integers(1, 7))
@settings(max_examples=100, deadline=None)
def test_walking_through_all_with_pauses_meets_each_once(places, count):
    """Each time a few after the last one that was seen."""
    kept, seen, after = Partitions(), [], None
    for key, sort in places:
        kept.put(entry(key, sort))
    while found := kept.following(after, count):
        assert len(found) <= count
        seen += [one.raw for one in found]
        after = found[-1].partition, found[-1].order
    assert seen == of(kept.everything())


@given(st.sets(st.tuples(KEYS, SORTS)), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_segments_share_everything_out(places, total):
    """Each partition lies in just one segment of the hash space."""
    kept = Partitions()
    for key, sort in places:
        kept.put(entry(key, sort))
    edges = [HASH_SPACE * number // total for number in range(total + 1)]
    parts = [of(kept.scan(begin, end)) for begin, end in pairwise(edges)]
    assert [raw for part in parts for raw in part] == of(kept.everything())


@given(st.lists(st.integers(1, PAGE_BYTES), min_size=1, max_size=30), st.booleans(), st.none() | st.integers(1, 12))
@settings(max_examples=200, deadline=None)
def test_a_page_ends_with_the_item_that_reaches_a_megabyte_or_the_limit(sizes, forward, limit):
    """A6, item by item, in either direction."""
    kept = Partitions()
    for number, size in enumerate(sizes):
        kept.put(entry(b"a", b"%02d" % number, size))
    expected, total, full = [], 0, False
    for number in range(len(sizes)) if forward else reversed(range(len(sizes))):
        expected.append(b"a/%02d" % number)
        total += sizes[number]
        full = total >= PAGE_BYTES or len(expected) == limit
        if full:
            break
    page = Gathered(limit, forward=forward)
    page.take([kept.of_partition(b"a", forward=forward)])
    assert (page.raws, page.size, page.count, page.is_full) == (expected, total, len(expected), full)
    assert page.last == expected[-1]


def test_numbers_that_are_equal_lie_in_one_place():
    """1, 1.0 and 1e0 are one key; the hash of a number doesn't depend on how it is written."""
    assert partition_hash(Decimal(100)) == partition_hash(Decimal("1E2")) == partition_hash(Decimal("100.0"))
