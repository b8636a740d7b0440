"""A sketch's quantiles are within its stated error of the exact ones, however the values reached it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sketches import RELATIVE_ERROR, Sketch

# From a nanosecond to an hour, as ordinary latencies and as anything at all.
values_ns = st.one_of(st.integers(1, 3_600_000_000_000), st.integers(0, 1000), st.integers(50_000, 50_000_000))
QUANTILES = (0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)


def exact(values: list[int], q: float) -> int:
    """The value at rank q · (n − 1), rounded down."""
    return sorted(values)[int(q * (len(values) - 1))]


def sketch_of(values: list[int]) -> Sketch:
    """A sketch of all of them, added at once."""
    sketch = Sketch()
    sketch.add_many(np.array(values, np.int64))
    return sketch


def assert_within_the_stated_error(sketch: Sketch, values: list[int]) -> None:
    """At every quantile that a report may show."""
    assert sketch.count == len(values)
    for q in QUANTILES:
        assert sketch.quantile(q) == pytest.approx(exact(values, q), rel=RELATIVE_ERROR * (1 + 1e-9)), q


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(values_ns, max_size=40), min_size=1, max_size=6).filter(any))
def test_merged_quantiles_are_within_the_stated_error_of_those_of_all_values(parts: list[list[int]]) -> None:
    """Each part summed up apart, sent as bytes, and merged in turn, as a master does with its workers'."""
    merged = Sketch()
    for part in parts:
        merged.merge(Sketch.from_bytes(sketch_of(part).to_bytes()))
    assert_within_the_stated_error(merged, [value for part in parts for value in part])


@settings(max_examples=30, deadline=None)
@given(st.lists(values_ns, min_size=1, max_size=60))
def test_adding_one_by_one_and_all_at_once_is_the_same(values: list[int]) -> None:
    """Every bin, as the bytes show."""
    one_by_one = Sketch()
    for value in values:
        one_by_one.add(value)
    assert_within_the_stated_error(one_by_one, values)
    assert_within_the_stated_error(sketch_of(values), values)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(values_ns, max_size=40), min_size=1, max_size=6).filter(any))
def test_arrays_added_one_after_the_other_are_as_exact_as_one(parts: list[list[int]]) -> None:
    """Zeros among them, each array wherever it lies beside those before."""
    sketch = Sketch()
    for part in parts:
        sketch.add_many(np.array(part, np.int64))
    assert_within_the_stated_error(sketch, [value for part in parts for value in part])


def test_a_long_tail_is_kept_at_every_quantile() -> None:
    """100,000 log-normal latencies around 400 µs with a tail beyond 10 ms, from a seed: a few kilobytes of bytes."""
    values = np.random.default_rng(5).lognormal(12.9, 0.8, 100_000).astype(np.int64).tolist()
    sketch = sketch_of(values)
    assert_within_the_stated_error(sketch, values)
    assert len(sketch.to_bytes()) < 10_000


def test_merging_leaves_the_other_as_it_was() -> None:
    """A sketch that was merged into two totals counts fully in both; one merged into an empty total isn't shared with it."""
    total, other = Sketch(), sketch_of([1_000, 2_000])
    total.merge(other)
    total.merge(other)
    total.add(3_000)
    assert (total.count, other.count) == (5, 2)
    assert other.quantile(1) == pytest.approx(2_000, rel=RELATIVE_ERROR)


def test_an_empty_sketch_has_no_quantile_and_survives_being_sent() -> None:
    """None, never zero."""
    again = Sketch.from_bytes(Sketch().to_bytes())
    assert (again.count, again.quantile(0.5)) == (0, None)


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + bytes(12), Sketch().to_bytes()[:-3], b"junk" * 9])
def test_bytes_that_are_no_sketch_are_refused(data: bytes) -> None:
    """Too short, of another format, cut off, or something else."""
    with pytest.raises(ValueError, match="sketch"):
        Sketch.from_bytes(data)
