"""One LRU cache of one size, played through access by access: what the one pass over all sizes is held against."""

from collections import OrderedDict
from collections.abc import Iterable

from harness.cache.sizing.kernel import DELETE, READ


def simulate(accesses: Iterable[tuple[int, int, int]], capacity: int) -> list[bool]:
    """Whether each read hits in a cache of ``capacity``; accesses are key, weight, and READ, WRITE or DELETE.

    An entry is put in at the top, then the bottom is evicted until all fits (an entry larger than the cache itself too).
    """
    entries: OrderedDict[int, int] = OrderedDict()
    used = 0
    hits = []
    for key, weight, kind in accesses:
        old = entries.pop(key, None)
        used -= old or 0
        if kind == READ:
            hits.append(old is not None)
        if kind == DELETE:
            continue
        entries[key] = weight
        used += weight
        while used > capacity:
            used -= entries.popitem(last=False)[1]
    return hits
