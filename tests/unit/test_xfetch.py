"""Probabilistic early refresh: the formula, what lies in the cache, and what a read costs."""

import math
import random
import struct

import pytest
from caches import parts

from harness.cache.client import CacheTimeoutError
from harness.cache.strategies import Read, XFetch
from harness.cache.strategies.xfetch import HEAD_BYTES, pack, unpack

S = 1_000_000_000


def xfetch(clock, cache, database, draw, beta=1.0):
    return XFetch(cache, database.load, 60, beta, draw=draw, clock_ns=clock, wall_ns=clock)


def cached(expires_ns, delta_ns=2 * S, beta=1.0, draw=0.0):
    """A strategy whose cache has ``k``, and whose every draw is the same."""
    clock, cache, database = parts()
    cache.set("k", pack(b"old", delta_ns, expires_ns))
    clock.now_ns = 100 * S
    return xfetch(clock, cache, database, lambda: draw, beta), cache, database


def test_a_value_lies_behind_twenty_bytes():
    """xf01, then δ = 258 = 0x0102 and expiry = 3, big-endian."""
    packed = pack(b"value", 258, 3)
    assert packed == b"xf01" + bytes([0, 0, 0, 0, 0, 0, 1, 2]) + bytes([0, 0, 0, 0, 0, 0, 0, 3]) + b"value"
    assert len(packed) == HEAD_BYTES + 5 == 25
    assert unpack(packed) == (b"value", 258, 3)


@pytest.mark.parametrize("found", [None, b"", b"xf01 too short", struct.pack(">4sQQ", b"xf99", 1, 1) + b"value"])
def test_what_was_packed_by_nobody_is_a_miss(found):
    """A value of another strategy is loaded over."""
    assert unpack(found) is None


def test_a_miss_loads_and_keeps_what_it_took():
    """Load 100 ns: δ is 100; it expires 60 s after the load (1,000 + 3 + 100 ns on this clock), and so says its TTL."""
    clock, cache, database = parts()
    read = xfetch(clock, cache, database, lambda: 0.0).read("k")
    assert read == Read(value=b"k", hit=False, get_ns=3, db_ns=100, set_ns=5, keyspace_misses=1)
    assert unpack(cache.data["k"]) == (b"k", 100, 1_103 + 60 * S)
    assert cache.ttls == {"k": 60}


def test_a_value_of_another_kind_counts_as_the_server_counts_it():
    """The server found something: a keyspace hit; the read didn't: a miss."""
    clock, cache, database = parts()
    cache.set("k", b"plain")
    read = xfetch(clock, cache, database, lambda: 0.0).read("k")
    assert (read.value, read.hit, read.keyspace_hits, read.keyspace_misses) == (b"k", False, 1, 0)


# now = 100 s (and the 3 ns of the get); δ = 2 s; 1 − draw = r, so draw = 1 − 1/e means ln r = −1: early by δ·β.
ONE = 1 - 1 / math.e


@pytest.mark.parametrize(
    ("draw", "beta", "expires_s", "refreshed"),
    [
        (0.0, 1.0, 100.5, False),  # ln 1 = 0: not early at all
        (ONE, 1.0, 101.9, True),  # 100 + 2 ≥ 101.9
        (ONE, 1.0, 102.1, False),  # 100 + 2 < 102.1
        (ONE, 3.0, 105.9, True),  # 100 + 2 · 3 ≥ 105.9
        (ONE, 3.0, 106.1, False),
        (ONE, 0.5, 100.9, True),  # 100 + 2 · ½ ≥ 100.9
        (ONE, 0.5, 101.1, False),
    ],
)
def test_a_value_is_refreshed_when_chance_says_it_has_expired(draw, beta, expires_s, refreshed):
    """now − δ·β·ln r ≥ expiry; a refresh is a hit that also loads and sets."""
    strategy, cache, _ = cached(int(expires_s * S), beta=beta, draw=draw)
    read = strategy.read("k")
    assert (read.hit, read.recomputed, read.value) == (True, refreshed, b"k" if refreshed else b"old")
    assert (read.keyspace_hits, read.keyspace_misses) == (1, 0)
    assert (read.db_ns, read.set_ns) == ((100, 5) if refreshed else (None, None))
    assert unpack(cache.data["k"])[0] == read.value


def test_one_read_in_e_refreshes_a_value_that_expires_in_one_delta():
    """P(−ln r ≥ x / δβ) = e^(−x / δβ): at x = δβ 0.3679 of 20,000 draws, ± 4 · √(0.3679 · 0.6321 / 20,000) = ± 0.0136."""
    seed = 20150801
    rng = random.Random(seed)
    clock, cache, database = parts()
    clock.now_ns = 100 * S
    strategy = xfetch(clock, cache, database, rng.random)
    refreshed = 0
    for _ in range(20_000):
        clock.now_ns = 100 * S - 3  # the get takes 3
        cache.data["k"] = pack(b"v", 2 * S, 102 * S)
        refreshed += strategy.read("k").recomputed
    assert abs(refreshed / 20_000 - 1 / math.e) < 0.0136, f"seed {seed}"


def test_a_refresh_that_the_database_refuses_is_a_read_that_fails():
    """As in the paper, a refresh is part of its read; the cached value stays for the others."""
    strategy, cache, database = cached(101 * S, draw=ONE)
    database.fail = OSError("deadlock")
    with pytest.raises(OSError, match="deadlock"):
        strategy.read("k")
    assert unpack(cache.data["k"])[0] == b"old"


def test_a_dead_cache_is_asked_once():
    """A failed get is followed by a load and nothing else."""
    clock, cache, database = parts()
    cache.fail["get"] = [CacheTimeoutError("no answer", "TimeoutError")]
    read = xfetch(clock, cache, database, lambda: 0.0).read("k")
    assert read == Read(value=b"k", hit=False, get_ns=3, db_ns=100, cache_error="TimeoutError")
    assert cache.calls == [("get", "k")]


@pytest.mark.parametrize(("ttl_s", "beta"), [(0, 1), (60, 0)])
def test_a_ttl_or_beta_of_zero_is_refused(ttl_s, beta):
    """Neither would ever be fresh, or ever early."""
    _, cache, database = parts()
    with pytest.raises(ValueError, match="must be > 0"):
        XFetch(cache, database.load, ttl_s, beta)
