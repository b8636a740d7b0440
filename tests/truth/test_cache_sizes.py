"""The sizing of caches against what is known otherwise: an exact LRU cache, Che's values, and the flights' own skew."""

from dataclasses import replace

import numpy as np
import pytest

from harness import dataset
from harness.cache.sizing.analysis import Analysis, analyse
from harness.cache.sizing.curve import GROUPS, Accesses, exact_curve
from harness.cache.sizing.kernel import DELETE, READ, WRITE
from harness.cache.sizing.reference import simulate
from harness.cache.sizing.shuffled import Shuffled
from harness.cache.sizing.theory import che_hit_rate, random_hit_rate, zipf


def reads_of(keys: np.ndarray, value_bytes: np.ndarray | None = None) -> Accesses:
    """A trace of reads; keys are any integers, and weigh nothing themselves."""
    names, numbers = np.unique(keys, return_inverse=True)
    return Accesses(
        keys=numbers.astype(np.int64), kinds=np.zeros(len(keys), dtype=np.int8),
        value_bytes=np.ones(len(keys), dtype=np.int64) if value_bytes is None else value_bytes,
        key_bytes=np.zeros(len(names), dtype=np.int64),
    )  # fmt: skip


@pytest.fixture(scope="module")
def flights() -> Accesses:
    """The year's flights in the order of their departure: a read of each one's aircraft, whose answer has 200 to 1,199 bytes."""
    keys = dataset.load().flights.sort_by("sched_dep")["aircraft_key"].to_pylist()
    numbers = np.unique(keys, return_inverse=True)[1].astype(np.int64)
    return reads_of(numbers, 200 + numbers * 7 % 1_000)


@pytest.mark.parametrize(
    ("keys", "alpha", "capacity", "hit_rate"),
    [
        (10_000, 0.8, 1_000, 0.4367), (10_000, 0.99, 1_000, 0.6641), (10_000, 1.0, 1_000, 0.6756),
        (10_000, 0.8, 100, 0.1566), (10_000, 0.99, 2_000, 0.7592), (1_000, 1.0, 100, 0.5765),
    ],
)  # fmt: skip
def test_che_gives_the_values_of_fact_e2(keys: int, alpha: float, capacity: int, hit_rate: float) -> None:
    """To the fourth digit."""
    assert che_hit_rate(zipf(keys, alpha), capacity) == pytest.approx(hit_rate, abs=5e-5)


def test_random_replacement_gives_the_value_of_fact_e2_and_one_by_hand() -> None:
    """E2: 0.616 for 978 of 10,000 keys, Zipf(0.99). Of two keys asked for 2:1 one fits: with a = 2T/3 and b = T/3, a/(1 + a) + b/(1 + b)
    = 1 comes to ab = 1, T = 3/√2, a = √2, b = 1/√2; the hit rate is 2/3 · a/(1 + a) + 1/3 · b/(1 + b) = 0.5286. All fit: 1."""
    assert random_hit_rate(zipf(10_000, 0.99), 978) == pytest.approx(0.616, abs=5e-4)
    a, b = 2**0.5, 0.5**0.5
    assert random_hit_rate(zipf(2, 1), 1) == pytest.approx(2 / 3 * a / (1 + a) + 1 / 3 * b / (1 + b))
    assert random_hit_rate(zipf(2, 1), 2) == 1


@pytest.mark.parametrize(("share", "begin"), [(0.01, 0), (0.1, 0), (0.5, 0), (0.1, 20_000), (0.5, 20_000)])
def test_random_order_is_that_of_a_trace_that_was_shuffled(share: float, begin: int) -> None:
    """60,000 accesses to 5,000 keys by Zipf(0.8), a fifth of them writes and a tenth deletes: within half a point of their own shuffle."""
    rng = np.random.default_rng(7)
    trace = reads_of(rng.choice(5_000, size=60_000, p=zipf(5_000, 0.8)))
    mixed = replace(trace, kinds=rng.choice([READ, WRITE, DELETE], size=60_000, p=[0.7, 0.2, 0.1]).astype(np.int8))
    capacity = int(share * len(mixed.key_bytes))
    shuffled = exact_curve(mixed.chosen(rng.permutation(60_000)), np.ones(60_000, dtype=np.int64), begin=begin)
    assert Shuffled(mixed, begin=begin).hit_rate(capacity) == pytest.approx(shuffled.hit_rate(capacity), abs=0.005)


def test_one_pass_is_an_exact_lru_cache_at_every_size(flights: Accesses) -> None:
    """Not within a point: read by read, in entries and in bytes, at sizes from one entry to more than there is."""
    for weights in (np.ones_like(flights.keys), flights.charges(80)):
        curve = exact_curve(flights, weights)
        plain = list(zip(flights.keys.tolist(), weights.tolist(), flights.kinds.tolist(), strict=True))
        for share in (0.0005, 0.01, 0.1, 0.35, 0.7, 1.05):
            capacity = max(int(share * curve.enough), 1)
            hits = simulate(plain, capacity)
            assert curve.hit_rate(capacity) == sum(hits) / len(hits)


def test_independent_reads_hit_as_often_as_che_says() -> None:
    """400,000 draws of Zipf(0.99) over 10,000 keys, the first half to fill: within a point at every size (seed 7)."""
    chances = zipf(10_000, 0.99)
    keys = np.random.default_rng(7).choice(10_000, size=400_000, p=chances)
    trace = reads_of(keys)
    curve = exact_curve(trace, np.ones_like(trace.keys), begin=200_000)
    for capacity in (50, 100, 500, 1_000, 2_000, 5_000, 9_000):
        assert curve.hit_rate(capacity) == pytest.approx(che_hit_rate(chances, capacity), abs=0.01)


def sampled(trace: Accesses, rate: float, seed: int) -> Analysis:
    """A sample of the keys, drawn as a hash would draw them."""
    rng = np.random.default_rng(seed)
    mine = (rng.random(len(trace.key_bytes)) < rate)[trace.keys]
    groups = rng.integers(0, GROUPS, len(trace.key_bytes)).astype(np.int8)
    part = trace.chosen(mine)
    return analyse(part, overhead_bytes=80, rate=rate, groups=groups, reads=trace.reads)


def test_a_sample_of_the_keys_is_off_by_what_it_says(flights: Accesses) -> None:
    """A tenth of 4,050 aircraft, 20 samples (seeds 0 to 19), at 4 sizes: at most one in ten lies beyond its 95 % interval."""
    truth = exact_curve(flights, flights.charges(80))
    sizes = [share * truth.enough for share in (0.2, 0.4, 0.6, 0.9)]
    beyond = 0
    for seed in range(20):
        curve = sampled(flights, 0.1, seed).by_bytes
        errors = np.abs(curve.hit_rates(sizes) - truth.hit_rates(sizes))
        beyond += int((errors > curve.half_widths(sizes)).sum())
    assert beyond <= 8


def test_a_sample_says_how_much_there_is_to_hold(flights: Accesses) -> None:
    """Entries and bytes of the whole trace from a quarter of its keys: within a tenth."""
    whole = analyse(flights, overhead_bytes=80, rate=1.0, groups=np.zeros(0, dtype=np.int8), reads=flights.reads)
    part = sampled(flights, 0.25, 3)
    assert whole.entries == len(flights.key_bytes) == 4_050
    assert part.entries == pytest.approx(whole.entries, rel=0.1)
    assert part.stored_bytes == pytest.approx(whole.stored_bytes, rel=0.1)
    assert part.by_bytes.reads == pytest.approx(flights.reads * 0.25)
    assert (flights.kinds == READ).all()
