"""How often each key is asked for: by the flights themselves, or as a power of its rank. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow.compute as pc

from harness.cache.sizing.theory import Floats, characteristic_time, zipf
from harness.dataset import Dataset

_AT_ONCE = 64  # keys drawn together: cheaper than one by one, and no pause that the load would feel


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpace:
    """Keys 0 to n − 1, the most popular first, with their probabilities; ``alpha`` 0 where it is no power of the rank."""

    skew: str
    alpha: float
    probabilities: Floats

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return len(self.probabilities)

    def draws(self, rng: random.Random) -> Iterator[int]:
        """Endless keys, each drawn anew."""
        numbers, cumulated = range(self.keys), list(accumulate(self.probabilities.tolist()))
        while True:
            yield from rng.choices(numbers, cum_weights=cumulated, k=_AT_ONCE)

    def stays_reads(self, share: float) -> float:
        """For how many reads a key that isn't read again stays in an LRU cache of that share of the keys: Che's T (E2)."""
        return characteristic_time(self.probabilities, share * self.keys)


def key_space(skew: str, *, keys: int, data: Dataset) -> KeySpace:
    """``zipf_<alpha>`` over ``keys``, or as the flights have the values of their column ``skew``."""
    if skew.startswith("zipf_"):
        alpha = float(skew.removeprefix("zipf_"))
        return KeySpace(skew=skew, alpha=alpha, probabilities=zipf(keys, alpha))
    counts = pc.value_counts(data.flights.column(skew).drop_null()).field("counts").to_numpy(zero_copy_only=False)
    ordered = np.sort(counts)[::-1].astype(np.float64)
    return KeySpace(skew=skew, alpha=0.0, probabilities=ordered / ordered.sum())


def by_popularity(data: Dataset, column: str) -> Sequence[str]:
    """The values of a column of flights, the most frequent first; equals by name."""
    counted = pc.value_counts(data.flights.column(column).drop_null()).to_pylist()
    return [one["values"] for one in sorted(counted, key=lambda one: (-one["counts"], one["values"]))]
