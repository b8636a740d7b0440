"""What an LRU cache would answer if the accesses of a trace came in random order: what is left of its hits without its order."""

import numpy as np

from harness.cache.sizing.curve import Accesses, Floats
from harness.cache.sizing.kernel import DELETE, READ, WRITE

_STEPS = 60


class Shuffled:
    """Hit rates over entries of the same accesses in random order, the first ``begin`` of which aren't counted.

    Che's approximation (E2) of a trace that ends: an entry stays for T accesses, with T such that as many keys as the cache has
    room for were asked for within any T. Of a key's n accesses among N, in random order, one is within T of the one before it
    with probability 1 − (1 − T/N)^(n − 1), and one that has none before it misses, as the trace's own first reads do. Where all
    keys fit that is exact.
    """

    def __init__(self, accesses: Accesses, *, begin: int = 0) -> None:
        keys, kinds, count = accesses.keys, accesses.kinds, len(accesses.key_bytes)
        counts = np.stack([np.bincount(keys[kinds == kind], minlength=count) for kind in (READ, WRITE, DELETE)])
        # Keys that are asked for as often behave alike: there are far fewer such groups than keys.
        groups, self._alike = np.unique(counts[:, counts.any(axis=0)], axis=1, return_counts=True)
        self._reads, others, deletes = groups.astype(np.float64)
        self._asked: Floats = self._reads + others + deletes
        self._kept: Floats = 1 - deletes / self._asked
        self._before: Floats = (self._reads + others - 1) / np.maximum(self._asked - 1, 1)
        self._begin = begin / len(keys)

    def hit_rate(self, capacity: float) -> float:
        """Of the counted reads, with room for so many entries; 0 where none is counted."""
        part = self._window(capacity)
        hits = self._reads / self._asked * self._before * self._found(part)
        reads = float((self._alike * self._reads).sum()) * (1 - self._begin)
        return float((self._alike * hits).sum()) / reads if reads else 0.0

    def _window(self, capacity: float) -> float:
        """T ÷ N, 1 where all keys fit."""
        low, high = 0.0, 1.0
        if float((self._alike * self._kept).sum()) <= capacity:
            return high
        for _ in range(_STEPS):
            middle = (low + high) / 2
            held = float((self._alike * self._kept * (1 - (1 - middle) ** self._asked)).sum())
            low, high = (middle, high) if held < capacity else (low, middle)
        return low

    def _found(self, part: float) -> Floats:
        """For each group, how many of a key's counted accesses come within ``part`` of the trace after another of it."""
        begin, asked = self._begin, self._asked
        # From ``late`` on the whole window lies before an access; earlier the trace itself is shorter than the window.
        late = max(part, begin)
        early = asked * (late - begin) - ((1 - begin) ** asked - (1 - late) ** asked)
        found: Floats = early + asked * (1 - late) * (1 - (1 - part) ** (asked - 1))
        return found
