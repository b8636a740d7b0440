"""Token buckets, worked out by hand and against an oracle that walks in small steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.dynamodb.buckets import PartitionBucket, TokenBucket

STEP_S = 0.125  # a power of two: sums of steps are exact
arrivals = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 60)), max_size=40)  # (steps since, units)


@given(
    rate=st.integers(1, 20),
    burst_s=st.integers(1, 30),
    fill=st.sampled_from((0.0, 0.5, 1.0)),
    arrivals=arrivals,
)
def test_a_bucket_agrees_with_one_refilled_step_by_step(
    rate: int, burst_s: int, fill: float, arrivals: list[tuple[int, int]]
) -> None:
    """The oracle adds an eighth of a second's tokens at a time, never above the maximum."""
    bucket = TokenBucket(rate, burst_s, fill=fill)
    tokens, steps = rate * burst_s * fill, 0
    for waited, units in arrivals:
        for _ in range(waited):
            tokens = min(rate * burst_s, tokens + rate * STEP_S)
        steps += waited
        admitted = tokens > 0
        assert bucket.try_take(units, steps * STEP_S) is admitted
        tokens -= units if admitted else 0
        assert bucket.level(steps * STEP_S) == tokens


@given(arrivals=arrivals)
def test_a_bucket_never_gives_more_than_it_had_and_got_but_for_one_request(
    arrivals: list[tuple[int, int]],
) -> None:
    """Only the last admitted request may overdraw, so all others fit into store and refill."""
    bucket = TokenBucket(3, 10)
    steps, admitted = 0, [0]
    for waited, units in arrivals:
        steps += waited
        if bucket.try_take(units, steps * STEP_S):
            admitted.append(units)
    assert sum(admitted) - max(admitted) <= 3 * 10 + 3 * steps * STEP_S


def test_a_bucket_starts_as_full_as_it_is_told() -> None:
    """A quarter of 10/s × 300 s is 750."""
    assert TokenBucket(10, 300, fill=0.25).level(0) == 750
    assert not TokenBucket(10, 300, fill=0).try_take(1, 0)


def test_a_bucket_keeps_the_present_second_whatever_its_burst() -> None:
    """Without a burst, 5/s still admits five requests of one unit in a second, then none."""
    bucket = TokenBucket(5, burst_s=0)
    assert [bucket.try_take(1, 0) for _ in range(6)] == [True] * 5 + [False]


def test_a_clock_that_stands_or_steps_back_refills_nothing() -> None:
    """A level asked for the past is the present one, and the time is not refilled twice."""
    bucket = TokenBucket(1, 10, now_s=100, fill=0)
    assert bucket.level(105) == 5
    assert bucket.level(102) == 5
    assert bucket.level(105) == 5


def test_a_new_rate_keeps_what_is_stored_up_to_the_new_maximum() -> None:
    """600 stored at 2/s × 300 s: at 4/s they stay 600 of 1,200, at 1/s 300 remain."""
    bucket = TokenBucket(2, 300)
    bucket.set_rate(4, 0)
    assert bucket.level(0) == 600
    assert bucket.level(10) == 640
    bucket.set_rate(1, 10)
    assert bucket.level(10) == 300


def test_a_new_rate_leaves_a_debt_a_debt() -> None:
    """Overdrawn by 20 at 1/s: 5 s later 15 are owed, which 3/s pay back in 5 s more."""
    bucket = TokenBucket(1, 10, fill=0)
    bucket.take(20, 0)
    bucket.set_rate(3, 5)
    assert bucket.level(5) == -15
    assert not bucket.try_take(1, 10)
    assert bucket.try_take(1, 10.5)


@pytest.mark.parametrize(("rate", "burst_s", "fill"), [(-1, 300, 1), (1, -300, 1), (1, 300, 1.5)])
def test_a_bucket_of_impossible_numbers_is_refused(rate: float, burst_s: float, fill: float) -> None:
    """The error shows all three."""
    with pytest.raises(ValueError, match="expected a rate"):
        TokenBucket(rate, burst_s, fill=fill)


def test_taking_refills_first_as_asking_does() -> None:
    """5 s at 3/s add 15 to nothing; 4 taken leave 11, and at most the maximum of 30 is ever there to take from."""
    bucket = TokenBucket(3, 10, fill=0)
    bucket.take(4, 5)
    assert bucket.level(5) == 11
    bucket.take(4, 500)
    assert bucket.level(500) == 26


def test_a_partition_bucket_takes_as_a_token_bucket_does() -> None:
    """1,000 a second, one second kept: 400 taken, 100 ms later 100 are back."""
    bucket = PartitionBucket(1_000, 1, now_s=0)
    bucket.take_at(400, 0, 7)
    assert bucket.level(0.1) == 700


def test_a_partition_bucket_remembers_places_in_proportion_to_what_they_took() -> None:
    """A minute at the limit of 1,000/s, two requests in three to place 5: 64 samples or so, two thirds of them 5."""
    bucket = PartitionBucket(1_000, 1, now_s=0)
    for request in range(60_000):
        bucket.take_at(1, request / 1_000, 9 if request % 3 == 0 else 5)
    assert 60 <= len(bucket.samples) <= 68
    assert bucket.samples.count(5) / len(bucket.samples) == pytest.approx(2 / 3, abs=0.1)


def test_two_keys_in_turn_are_both_met() -> None:
    """However the distance between samples falls, requests that alternate between two places show both."""
    bucket = PartitionBucket(3_000, 1, now_s=0)
    for request in range(180_000):
        bucket.take_at(1, request / 3_000, request % 2)
    assert bucket.samples.count(0) / len(bucket.samples) == pytest.approx(1 / 2, abs=0.1)


def test_a_minute_that_closes_hands_over_its_units_and_may_forget_its_places() -> None:
    """The next minute counts from nothing."""
    bucket = PartitionBucket(1_000, 1, now_s=0)
    bucket.take_at(2_000, 0, 3)
    assert bucket.samples == [3]
    assert bucket.close_minute(forget=False) == 2_000
    assert bucket.samples == [3]
    assert bucket.close_minute(forget=True) == 0
    assert bucket.samples == []


def test_the_other_half_of_a_split_is_as_full_and_knows_no_heat() -> None:
    """A debt of 500 is there in both."""
    bucket = PartitionBucket(1_000, 1, now_s=0)
    bucket.take_at(1_500, 0, 3)
    other = bucket.sibling(0.25)
    assert other.level(0.25) == bucket.level(0.25) == -250
    assert (other.units, other.samples) == (0, [])


def test_samples_come_at_the_same_pace_in_every_minute() -> None:
    """Two minutes at the limit: 64 or so each."""
    bucket = PartitionBucket(1_000, 1, now_s=0)
    for minute in range(2):
        for request in range(6_000):
            bucket.take_at(10, 60 * minute + request / 100, 3)
        assert 60 * (minute + 1) <= len(bucket.samples) <= 68 * (minute + 1)
        bucket.close_minute(forget=False)
