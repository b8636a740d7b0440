"""Rows with versions, the pool of connections, key spaces: the small parts of cache_hit_rate's load."""

import random
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest

from harness.cache.experiments import rows
from harness.cache.experiments.pool import Pool
from harness.cache.experiments.skews import KeySpace, by_popularity, key_space
from harness.dataset import Dataset


class Door:
    """Counts whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
        raise OSError("broken already")


def flights(dest: list[str | None]) -> Dataset:
    empty = pa.table({})
    table = pa.table({"dest": pa.array(dest)})
    return Dataset(
        name="few", months=(1,), flights=table, planes=empty, airports=empty, airlines=empty, weather=empty, notes=()
    )


def test_a_value_tells_its_version_and_a_name_its_row() -> None:
    """Whatever the payload has in it."""
    assert rows.value_of(12, "3:4") == b"12:3:4"
    assert rows.version_of(b"12:3:4") == 12
    assert rows.key_of(rows.name_of(7)) == 7


def test_payloads_are_as_long_as_they_say_and_the_same_each_time() -> None:
    """1,000 bytes in which no letter is much more frequent than others: nothing to compress."""
    payload = rows.Shape(keys=3, value_bytes=1_000).payload()
    assert len(payload) == 1_000 == len(payload.encode())
    assert payload == rows.Shape(keys=9, value_bytes=1_000).payload()
    assert max(payload.count(letter) for letter in set(payload)) < 50


def test_acknowledged_versions_never_fall() -> None:
    """Two writes of one row, the later one acknowledged first."""
    versions = rows.Versions([0, 0])
    assert (versions.next(1), versions.next(1)) == (1, 2)
    assert versions.committed == [0, 0]
    versions.acknowledge(1, 2)
    versions.acknowledge(1, 1)
    assert versions.committed == [0, 2]


def test_what_is_left_stale_is_counted_key_by_key() -> None:
    """Four rows: one isn't cached, one is newest, one is one version behind, one three."""
    cached = [None, b"5:x", b"1:x", b"4:x"]
    left = rows.left_behind(cached, {0: 9, 1: 5, 2: 2, 3: 7})
    assert (left.cached, left.stale, left.most_behind) == (3, 2, 3)
    assert rows.left_behind([None], {0: 9}) == rows.Left(cached=0, stale=0, most_behind=0)


def test_a_pool_gives_the_last_one_again_and_closes_every_one_it_made() -> None:
    """Also one that is taken, also where closing fails; what is given back after that isn't kept."""
    made: list[Door] = []

    def make() -> Door:
        made.append(Door())
        return made[-1]

    pool = Pool(make)
    assert len(pool.fill(2)) == 2
    first = pool.take()
    pool.give(first)
    assert pool.take() is first
    other, third = pool.take(), pool.take()
    assert len(made) == 3 and third is made[2]
    pool.drop(third)
    pool.give(other)
    pool.close()
    assert [one.closed for one in made] == [1, 1, 1]
    pool.give(first)
    assert pool.take() is not first


def test_natural_keys_are_asked_for_as_often_as_flights_have_them() -> None:
    """Three to ORD, one to BOS, one to ATL, one to nowhere: 3/5, 1/5, 1/5; equals by name."""
    data = flights(["BOS", "ORD", None, "ORD", "ATL", "ORD"])
    space = key_space("dest", keys=99, data=data)
    assert space.probabilities.tolist() == [0.6, 0.2, 0.2]
    assert (space.keys, space.alpha) == (3, 0.0)
    assert list(by_popularity(data, "dest")) == ["ORD", "ATL", "BOS"]


def test_zipf_keys_are_asked_for_as_a_power_of_their_rank() -> None:
    """Exponent 1, three keys: 1 : 1/2 : 1/3 are 6/11, 3/11, 2/11."""
    space = key_space("zipf_1.0", keys=3, data=flights([]))
    assert space.probabilities.tolist() == pytest.approx([6 / 11, 3 / 11, 2 / 11])
    assert space.alpha == 1.0


def test_keys_are_drawn_as_often_as_they_should_be() -> None:
    """20,000 draws of 1/2, 1/3, 1/6: three standard deviations are at most 3 × √(1/4 · 20,000) = 212."""
    space = KeySpace(skew="", alpha=0.0, probabilities=np.array([1 / 2, 1 / 3, 1 / 6]))
    seed = 20130101
    counts = np.bincount(list(islice(space.draws(random.Random(seed)), 20_000)))
    assert np.abs(counts - [10_000, 6_667, 3_333]).max() < 212, f"seed {seed}"


def test_che_s_time_is_counted_in_reads() -> None:
    """100 keys alike, room for half: 1 − e^(−T/100) = 1/2, T = 100 ln 2; where all fit nothing ever leaves."""
    space = KeySpace(skew="", alpha=0.0, probabilities=np.full(100, 0.01))
    assert space.stays_reads(0.5) == pytest.approx(100 * np.log(2))
    assert space.stays_reads(1.0) == float("inf")
