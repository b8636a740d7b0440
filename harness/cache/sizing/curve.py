"""The hit rate of every cache size, from the stack distances of one trace or of a sample of its keys."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from harness.cache.sizing.kernel import COLD, DELETE, READ, Int8, Int64, distances

Floats = npt.NDArray[np.float64]
GROUPS = 8
"""Into so many groups a sample's keys are divided; what the groups' curves differ by is the sample's error."""
_STUDENT_T = 2.365
"""The 97.5 % point of Student's t with one degree of freedom fewer than there are groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accesses:
    """A trace: for each access the number of its key, READ, WRITE or DELETE, and its value's bytes; for each key its own bytes."""

    keys: Int64
    kinds: Int8
    value_bytes: Int64
    key_bytes: Int64

    @property
    def reads(self) -> int:
        """How many of the accesses are reads."""
        return int((self.kinds == READ).sum())

    def charges(self, overhead_bytes: int) -> Int64:
        """The memory that each access's entry takes: key, value, and what the server adds to both."""
        charged: Int64 = np.maximum(self.value_bytes + self.key_bytes[self.keys] + overhead_bytes, 1)
        return charged

    def chosen(self, which: Int64 | npt.NDArray[np.bool_]) -> "Accesses":
        """These of the accesses, in this order; keys keep their numbers."""
        return replace(self, keys=self.keys[which], kinds=self.kinds[which], value_bytes=self.value_bytes[which])


@dataclass(frozen=True, slots=True, kw_only=True)
class HitCurve:
    """Hit rates by capacity, in entries or in bytes.

    ``distances`` are the least capacities at which reads hit, in order, without those that never do; ``reads`` counts both.
    Of a sample, ``rate`` is the share of keys in it, ``reads`` what the whole trace says there should be in the sample, and
    ``unsampled`` how many more that is than there are: taken as hits (see :func:`sampled_curve`). ``parts`` are its groups' curves.
    """

    distances: Int64
    reads: float
    rate: float = 1.0
    unsampled: float = 0.0
    parts: tuple["HitCurve", ...] = ()

    def hit_rates(self, capacities: npt.ArrayLike) -> Floats:
        """The share of reads that a cache of each capacity answers."""
        wanted = np.asarray(capacities, dtype=np.float64) * self.rate
        if not self.reads:
            return np.zeros(wanted.shape)
        hits = np.searchsorted(self.distances, wanted, side="right") + self.unsampled * (wanted > 0)
        return np.clip(hits / self.reads, 0.0, 1.0)

    def hit_rate(self, capacity: float) -> float:
        """The same of one capacity."""
        return float(self.hit_rates(capacity))

    def half_widths(self, capacities: npt.ArrayLike) -> Floats:
        """Half the 95 % interval of each hit rate, by what the groups of a sample differ; 0 where all keys were taken."""
        if not self.parts:
            return np.zeros(np.shape(capacities))
        found = np.stack([part.hit_rates(capacities) for part in self.parts])
        width: Floats = _STUDENT_T * found.std(axis=0, ddof=1) / sqrt(len(self.parts))
        return width

    @property
    def most(self) -> float:
        """The hit rate of a cache that evicts nothing; what is missing to 1 are first reads."""
        return self.hit_rate(np.inf)

    @property
    def enough(self) -> float:
        """The capacity from which on a larger cache hits no more; 0 where nothing is read again."""
        return float(self.distances[-1]) / self.rate if len(self.distances) else 0.0

    def knee(self) -> float | None:
        """Where more capacity begins to bring less: the point of the curve farthest above its chord; None without hits.

        The chord goes from nothing to the capacity that is enough, both axes taken to 1 (Satopää, Albrecht, Irwin and
        Raghavan, "Finding a 'Kneedle' in a Haystack", 2011, 10.1109/ICDCSW.2011.20).
        """
        if not len(self.distances):
            return None
        rank = np.arange(1, len(self.distances) + 1)
        above = rank / len(self.distances) - self.distances / self.distances[-1]
        return float(self.distances[int(above.argmax())]) / self.rate

    def least(self, share: float) -> float | None:
        """The least capacity with ``share`` of the hits that any has; None without hits."""
        if not len(self.distances):
            return None
        return float(self.distances[max(int(np.ceil(share * len(self.distances))), 1) - 1]) / self.rate

    def resized(self, factor: float) -> "HitCurve":
        """The curve of the same pattern over ``factor`` times the keys: each size does what size ÷ ``factor`` did."""
        return replace(self, rate=self.rate / factor, parts=tuple(part.resized(factor) for part in self.parts))


def exact_curve(accesses: Accesses, weights: Int64, *, begin: int = 0) -> HitCurve:
    """The curve of a whole trace; the ``begin`` accesses that come first fill the cache and aren't counted."""
    found = distances(accesses.keys, weights, accesses.kinds, len(accesses.key_bytes))
    return HitCurve(distances=_counted(found, begin), reads=float((accesses.kinds[begin:] == READ).sum()))


def sampled_curve(accesses: Accesses, weights: Int64, *, rate: float, groups: Int8, reads: int) -> HitCurve:
    """The curve of a trace of which ``accesses`` are those to a share ``rate`` of all keys, chosen by a hash of the key.

    SHARDS with a fixed rate: distances among the sampled keys are ``rate`` of those among all; reads that are too many or too
    few for the rate are a matter of the most frequent keys, and counted as hits (Waldspurger, Park, Garthwaite and Ahmad,
    "Efficient MRC Construction with SHARDS", FAST'15). ``groups`` divides the keys at random into GROUPS; each one is a sample
    of its own at an eighth of the rate, and what they differ by is the error of all. ``reads`` are those of the whole trace.
    """
    whole = _scaled(accesses, weights, rate, reads)
    parts = []
    for group in range(GROUPS):
        mine = (groups == group)[accesses.keys]
        parts.append(_scaled(accesses.chosen(mine), weights[mine], rate / GROUPS, reads))
    return replace(whole, parts=tuple(parts))


def _scaled(accesses: Accesses, weights: Int64, rate: float, reads: int) -> HitCurve:
    exact = exact_curve(accesses, weights)
    expected = reads * rate
    return replace(exact, rate=rate, reads=expected, unsampled=expected - exact.reads)


def _counted(found: Int64, begin: int) -> Int64:
    """Distances of the reads that may hit, in order."""
    mine = found[begin:]
    return np.sort(mine[mine != COLD])


def largest_contents(accesses: Accesses, weights: Int64) -> tuple[int, int]:
    """What a cache that evicts nothing holds at the end of the trace: entries, and their weight."""
    last = np.full(len(accesses.key_bytes), -1, dtype=np.int64)
    last[accesses.keys] = np.arange(len(accesses.keys))
    last = last[last >= 0]
    kept = last[accesses.kinds[last] != DELETE]
    return len(kept), int(weights[kept].sum())
