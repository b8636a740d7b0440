"""What arithmetic says of a cache without a trace: Che's approximation, TTLs alone, latency by hit rate. Numbers: docs/facts.md."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_STEPS = 200


def zipf(keys: int, alpha: float) -> Floats:
    """Probabilities of keys whose k-th is asked for in proportion to k^−alpha."""
    weights = np.arange(1, keys + 1, dtype=np.float64) ** -alpha
    shares: Floats = weights / weights.sum()
    return shares


def characteristic_time(probabilities: Floats, capacity: float) -> float:
    """For how many requests a key stays in an LRU cache of ``capacity`` entries that isn't asked for again (E2).

    The T at which Σ (1 − e^(−pᵢ T)) is the capacity; infinite where all keys fit. Raises ValueError where capacity is below 0.
    """
    return _filled_after(probabilities, capacity, lambda asked, time: -np.expm1(-asked * time))


def _filled_after(probabilities: Floats, capacity: float, held: Callable[[Floats, float], Floats]) -> float:
    """The time, in requests, at which the keys that are ``held`` by then add up to the capacity."""
    if capacity < 0:
        raise ValueError(f"expected a capacity of 0 or more, got {capacity}")
    asked = probabilities[probabilities > 0]
    if not capacity:
        return 0.0
    if capacity >= len(asked):
        return float("inf")
    low, high = 0.0, 1.0
    while held(asked, high).sum() < capacity:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if held(asked, middle).sum() < capacity else (low, middle)
    return (low + high) / 2


def che_hit_rate(probabilities: Floats, capacity: float) -> float:
    """The hit rate of an LRU cache where each request is drawn anew with these probabilities (E2)."""
    time, asked = characteristic_time(probabilities, capacity), probabilities[probabilities > 0]
    return float(-(asked * np.expm1(-asked * time)).sum())


def random_hit_rate(probabilities: Floats, capacity: float) -> float:
    """The same of a cache that evicts a random entry, as one does that can't tell the order of accesses (E2).

    Each key is there for a share pT/(1 + pT) of the time, with T such that these add up to the capacity (Fricker, Robert and
    Roberts, "A versatile and accurate approximation for LRU cache performance", ITC 24, 2012, arXiv 1202.3974, section 3.3).
    """
    time = _filled_after(probabilities, capacity, lambda asked, time: asked * time / (1 + asked * time))
    return 1.0 if time == float("inf") else ttl_hit_rate(probabilities, time)


def ttl_hit_rate(rates_per_s: Floats, ttl_s: float) -> float:
    """The hit rate where nothing is evicted and an entry lasts ``ttl_s`` from when it was set, read or not (E3).

    ``rates_per_s`` are each key's requests, at random times. 0 where there are none.
    """
    total = float(rates_per_s.sum())
    if not total:
        return 0.0
    expected = rates_per_s * ttl_s
    return float((rates_per_s / total * expected / (1 + expected)).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trips:
    """How long each of a read's trips takes, in µs: to the cache, to the database, and to the cache to set."""

    get_us: float
    db_us: float
    set_us: float

    def mean_us(self, hit_rate: float) -> float:
        """The mean read of lazy loading: a miss makes all three trips (E1)."""
        return self.get_us + (1 - hit_rate) * (self.db_us + self.set_us)

    @property
    def break_even_hit_rate(self) -> float | None:
        """The hit rate above which the cache makes the mean read faster than the database alone; None where none does."""
        share = 1 - (self.db_us - self.get_us) / (self.db_us + self.set_us) if self.db_us + self.set_us else 1.0
        return max(share, 0.0) if share < 1 else None
