"""All that a key trace says: its curves over entries and over memory, how much there is to hold, and which keys are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.cache.sizing.curve import Accesses, Floats, HitCurve, exact_curve, largest_contents, sampled_curve
from harness.cache.sizing.kernel import DELETE, READ, WRITE, Int8, Int64, distances
from harness.cache.sizing.nodes import KB, Requests
from harness.cache.sizing.reference import simulate
from harness.cache.sizing.shuffled import Shuffled
from harness.cache.sizing.theory import ttl_hit_rate

CHECKED_ACCESSES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """``by_entries`` and ``by_bytes`` are the hit rates of every size; ``entries`` and ``stored_bytes`` what there is to hold.

    ``key_reads`` counts the reads of each key that was taken, ``rate`` is the share of keys that were.
    """

    accesses: Accesses
    charges: Int64
    by_entries: HitCurve
    by_bytes: HitCurve
    entries: float
    stored_bytes: float
    shuffled: Shuffled
    key_reads: Int64
    rate: float

    @property
    def entry_bytes(self) -> float:
        """The memory of the mean entry."""
        return self.stored_bytes / self.entries if self.entries else float(self.charges.mean())

    @property
    def shares(self) -> Floats:
        """Of the reads that were taken, each key's part."""
        shares: Floats = self.key_reads / self.key_reads.sum()
        return shares

    def in_random_order(self, entries: float) -> float:
        """The hit rate of so many entries if the same accesses came in random order (E2)."""
        return self.shuffled.hit_rate(entries * self.rate)

    def ttl(self, ttl_s: float, reads_per_s: float) -> float:
        """The hit rate under a TTL alone, nothing evicted, reads at random times (E3)."""
        return ttl_hit_rate(self.shares * reads_per_s * self.rate, ttl_s)

    def requests(self) -> Requests:
        """What a read costs a serverless cache in ECPU, and with it its share of the writes and deletes."""
        accesses = self.accesses
        transferred = np.maximum((accesses.value_bytes + accesses.key_bytes[accesses.keys]) / KB, 1.0)
        read = float(transferred[accesses.kinds == READ].mean())
        others = float(transferred[accesses.kinds == WRITE].sum()) + float((accesses.kinds == DELETE).sum())
        return Requests(hit=read, miss=1 + read, writes=others / accesses.reads)

    def check(self, capacities: Sequence[float]) -> tuple[int, int]:
        """Play the first accesses through a plain LRU cache of each size: how many, and at how many reads the two differ."""
        first = self.accesses.chosen(np.arange(min(len(self.accesses.keys), CHECKED_ACCESSES)))
        charges = self.charges[: len(first.keys)]
        found = distances(first.keys, charges, first.kinds, len(first.key_bytes))[first.kinds == READ]
        plain = list(zip(first.keys.tolist(), charges.tolist(), first.kinds.tolist(), strict=True))
        differing = 0
        for capacity in capacities:
            hits = np.array(simulate(plain, int(capacity * self.rate)))
            differing += int((hits != ((found > 0) & (found <= int(capacity * self.rate)))).sum())
        return len(first.keys), differing


def analyse(
    accesses: Accesses, *, overhead_bytes: int, rate: float, groups: Int8, reads: int, begin: int = 0
) -> Analysis:
    """Two passes over the trace, one counting entries, one their bytes; of a sample (``rate`` below 1) with its error."""
    charges = accesses.charges(overhead_bytes)
    curves = []
    for weights in (np.ones_like(charges), charges):
        if rate < 1:
            curves.append(sampled_curve(accesses, weights, rate=rate, groups=groups, reads=reads))
        else:
            curves.append(exact_curve(accesses, weights, begin=begin))
    entries, stored = largest_contents(accesses, charges)
    return Analysis(
        accesses=accesses, charges=charges, by_entries=curves[0], by_bytes=curves[1], entries=entries / rate,
        stored_bytes=stored / rate, rate=rate, shuffled=Shuffled(accesses, begin=begin),
        key_reads=np.bincount(accesses.keys[accesses.kinds == READ], minlength=len(accesses.key_bytes)),
    )  # fmt: skip
