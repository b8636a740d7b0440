"""Partitions: how many, where they lie, when they split, and how a hot key gets one of its own."""

from itertools import pairwise

import pytest

from harness.dynamodb.parameters import AdmissionParameters, Kind
from harness.dynamodb.partitions import HASH_SPACE, Partitions, partition_count

PARAMS = AdmissionParameters(split_after_s=120)  # two hot minutes


def made(count: int, params: AdmissionParameters = PARAMS) -> Partitions:
    """So many new partitions."""
    return Partitions(count, params, now_s=0)


def heat(
    partitions: Partitions,
    minute: int,
    hashes: list[int],
    rate_per_s: float,
    kind: Kind = "read",
    *,
    idle_since: bool = False,
) -> None:
    """A minute in which the hashes are asked for in turn, then closed."""
    requests = 600
    for request in range(requests):
        hashed = hashes[request % len(hashes)]
        now_s = 60 * (minute + request / requests)
        partitions.of(hashed).buckets[kind].take_at(rate_per_s * 60 / requests, now_s, hashed)
    partitions.close_minute(60.0 * (minute + 1), idle_since=idle_since)


def covers_all(partitions: Partitions) -> bool:
    """Whether the ranges lie end to end over the whole hash space, and are listed where requests look."""
    ends = [one.end for one in partitions.ranges]
    return (
        partitions.begins == [one.begin for one in partitions.ranges]
        and partitions.begins[0] == 0
        and ends[-1] == HASH_SPACE
        and all(one.end == other.begin for one, other in pairwise(partitions.ranges))
        and partitions.buckets["write"] == [one.buckets["write"] for one in partitions.ranges]
    )


@pytest.mark.parametrize(
    ("read", "write", "size_bytes", "count"),
    [
        (0, 0, 0, 1),
        (4, 4, 0, 1),
        (3_000, 0, 0, 1),
        (3_000, 1, 0, 2),
        (1_500, 500, 0, 1),
        (0, 3_200, 0, 4),
        (100, 100, 10 * 2**30, 1),
        (100, 100, 10 * 2**30 + 1, 2),
        (9_000, 0, 20 * 2**30, 3),
    ],
)
def test_partitions_follow_capacity_or_size_whichever_needs_more(
    read: float, write: float, size_bytes: int, count: int
) -> None:
    """ceil(RCU/3000 + WCU/1000), or one for every 10 GB."""
    assert partition_count(read, write, size_bytes, AdmissionParameters()) == count


def test_new_partitions_share_the_hash_space_evenly() -> None:
    """Three thirds, to within one place."""
    partitions = made(3)
    assert covers_all(partitions)
    assert [one.share for one in partitions.ranges] == pytest.approx([1 / 3] * 3)
    assert partitions.of(HASH_SPACE // 3) is partitions.ranges[1]
    assert partitions.of(HASH_SPACE // 3 - 1) is partitions.ranges[0]


def test_growing_splits_every_partition_in_two() -> None:
    """Three become six, and for thirteen 24."""
    partitions = made(3)
    partitions.grow(4, 10)
    assert len(partitions.ranges) == 6
    assert covers_all(partitions)
    partitions.grow(13, 20)
    assert len(partitions.ranges) == 24
    assert {one.cause for one in partitions.ranges} == {"made", "capacity"}
    assert max(one.share for one in partitions.ranges) == pytest.approx(1 / 24)


def test_a_partition_splits_when_it_holds_more_than_its_10_gb() -> None:
    """At 100 bytes each: one holds 100, two 200; with 201 both are over it and split."""
    partitions = made(1, AdmissionParameters(partition_bytes=100))
    for size_bytes, count in ((100, 1), (101, 2), (200, 2), (201, 4), (50, 4), (801, 16)):
        partitions.resize(size_bytes, 0)
        assert len(partitions.ranges) == count
    assert covers_all(partitions)


def test_a_partition_that_stays_hot_splits_where_its_heat_is_halved() -> None:
    """Four keys in turn, all in the lower eighth of the space: the cut falls between the second and the third."""
    keys = [HASH_SPACE // 64 * place for place in (1, 2, 3, 4)]
    partitions = made(1)
    heat(partitions, 0, keys, 2_900)
    assert len(partitions.ranges) == 1
    heat(partitions, 1, keys, 2_900)
    assert partitions.begins == [0, keys[2]]
    assert partitions.ranges[1].cause == "heat"
    assert partitions.ranges[1].born_s == 120
    assert covers_all(partitions)


def test_heat_just_below_the_threshold_splits_nothing() -> None:
    """80 % of 3,000 are 2,400: at 2,390 a partition isn't hot, however long."""
    partitions = made(1)
    for minute in range(10):
        heat(partitions, minute, [1, 2], 2_390)
    assert len(partitions.ranges) == 1


def test_a_cool_minute_between_begins_the_count_anew() -> None:
    """Hot, cool, hot is not two hot minutes."""
    partitions = made(1)
    for minute, rate_per_s in enumerate((3_000, 100, 3_000)):
        heat(partitions, minute, [1, 2], rate_per_s)
    assert len(partitions.ranges) == 1


def test_minutes_without_requests_are_cool() -> None:
    """A hot minute that was followed by idle ones counts for nothing: one hot minute later nothing splits."""
    partitions = made(1)
    heat(partitions, 0, [1, 2], 3_000, idle_since=True)
    heat(partitions, 5, [1, 2], 3_000)
    assert len(partitions.ranges) == 1
    heat(partitions, 6, [1, 2], 3_000)
    assert len(partitions.ranges) == 2


def test_where_it_splits_is_decided_by_the_hot_minutes_alone() -> None:
    """Warm minutes on two high keys, then hot ones on two low ones: the cut falls between the low ones."""
    low, high = [10, 20], [HASH_SPACE - 20, HASH_SPACE - 10]
    partitions = made(1)
    for minute in range(5):
        heat(partitions, minute, high, 2_000)
    for minute in (5, 6):
        heat(partitions, minute, low, 3_000)
    assert partitions.begins == [0, 20]


def test_a_single_hot_key_gets_a_partition_of_its_own_and_no_more() -> None:
    """Cut before it, then after it; a partition of one place can't split, so the key stays at one partition's limit."""
    key = HASH_SPACE // 3
    partitions = made(1)
    for minute in range(20):
        heat(partitions, minute, [key], 3_000)
    assert partitions.begins == [0, key, key + 1]
    assert covers_all(partitions)


def test_a_hot_key_among_cold_ones_is_parted_from_them() -> None:
    """Nine requests in ten go to one key, the others to both sides of it: in the end it is alone."""
    key, below, above = HASH_SPACE // 2, HASH_SPACE // 4, 3 * (HASH_SPACE // 4)
    partitions = made(1)
    for minute in range(30):
        heat(partitions, minute, [key] * 9 + [below] + [key] * 9 + [above], 3_000)
    assert partitions.of(key) is not partitions.of(below)
    assert partitions.of(key) is not partitions.of(above)


def test_writes_make_heat_of_their_own() -> None:
    """1,000 a second is a write limit: 900 writes are hot where 900 reads are not."""
    partitions = made(1)
    for minute in range(2):
        heat(partitions, minute, [5, 9], 900, "write")
    assert partitions.begins == [0, 9]
