"""Mattson's stack distances, compiled: for each read of a trace the smallest LRU cache that would have had it.

The stack of Mattson, Gecsei, Slutz and Traiger (IBM Systems Journal 9, 1970, 10.1147/sj.92.0078) is kept as time slots under a
Fenwick tree (Bennett and Kruskal, 1975; Fenwick, 1994): an entry's slot holds its weight, and what lies above it in the stack is
what later slots hold. O(n log k) for n accesses to k keys; slots are renumbered when they run out, so memory follows k.

What an entry leaves behind, when it is deleted, moves or shrinks, is a *hole*: room that every cache which had the entry now has
to spare. A newcomer takes its weight from the topmost holes first, for a cache that has room evicts nothing; this keeps the
inclusion of smaller caches in larger ones, and with it one pass for all sizes, exact under deletes and changing sizes too.

The function is compiled when it is first called and kept on disk beside this file, or in the user's cache.
"""

import numpy as np
import numpy.typing as npt

from harness.compiled import compiled

Int64 = npt.NDArray[np.int64]
Int8 = npt.NDArray[np.int8]

READ, WRITE, DELETE = 0, 1, 2
COLD = -1
"""The distance of a read that no cache could have answered: the key's first one, or the first after a delete."""

_EMPTY, _HOLE = -1, -2


@compiled
def _add(tree: Int64, slot: int, weight: int) -> None:
    while slot < len(tree):
        tree[slot] += weight
        slot += slot & -slot


@compiled
def _up_to(tree: Int64, slot: int) -> int:
    total = 0
    while slot > 0:
        total += tree[slot]
        slot -= slot & -slot
    return total


@compiled
def _push(heap: Int64, count: int, slot: int) -> int:
    """Add a hole to the heap, whose root is the latest slot; the new count."""
    at = count
    while at > 0 and heap[(at - 1) // 2] < slot:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = slot
    return count + 1


@compiled
def _pop(heap: Int64, count: int) -> int:
    """Take the root away; the new count."""
    count -= 1
    last, at = heap[count], 0
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= last:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = last
    return count


@compiled
def _renumber(tree: Int64, weights: Int64, owner: Int64, slots: Int64, heap: Int64) -> tuple[int, int]:
    """Close the gaps between used slots, join holes that touch, build tree and heap again; slots used, and holes."""
    used, holes = 0, 0
    for slot in range(1, len(tree)):
        key = owner[slot]
        if key == _EMPTY:
            continue
        if key == _HOLE and used and owner[used] == _HOLE:
            weights[used] += weights[slot]
        else:
            used += 1
            owner[used], weights[used] = key, weights[slot]
            if key == _HOLE:
                heap[holes] = used
                holes += 1
            else:
                slots[key] = used
    heap[:holes] = heap[:holes][::-1].copy()  # the latest first: a heap as it stands
    owner[used + 1 :] = _EMPTY
    weights[used + 1 :] = 0
    tree[:] = 0
    for slot in range(1, len(tree)):
        tree[slot] += weights[slot]
        parent = slot + (slot & -slot)
        if parent < len(tree):
            tree[parent] += tree[slot]
    return used, holes


@compiled
def _fill(tree: Int64, weights: Int64, owner: Int64, heap: Int64, holes: int, need: int) -> tuple[int, int]:
    """Take a newcomer's weight from the topmost holes; how much of it they had, and the holes that are left."""
    left = need
    while left and holes:
        top = heap[0]
        taken = min(left, weights[top])
        _add(tree, top, -taken)
        weights[top] -= taken
        left -= taken
        if not weights[top]:
            owner[top] = _EMPTY
            holes = _pop(heap, holes)
    return need - left, holes


@compiled
def distances(keys: Int64, weights_of: Int64, kinds: Int8, key_count: int) -> Int64:
    """For each access the least capacity at which a read hits; ``COLD`` where none does, and for writes and deletes.

    ``keys`` are numbers from 0 below ``key_count``; ``weights_of`` what an entry weighs from that access on, 1 or more (1
    counts entries, bytes count memory). A read loads what it misses, a write sets its key, a delete removes it.
    """
    found = np.full(len(keys), COLD, dtype=np.int64)
    size = 4 * key_count + 8  # renumbered: at most key_count entries with a hole between any two
    tree = np.zeros(size, dtype=np.int64)
    weights = np.zeros(size, dtype=np.int64)
    owner = np.full(size, _EMPTY, dtype=np.int64)
    slots = np.zeros(key_count, dtype=np.int64)
    heap = np.empty(size, dtype=np.int64)
    last, holes, total = 0, 0, 0
    for at in range(len(keys)):
        key, kind = keys[at], kinds[at]
        slot = slots[key]
        if kind == READ and slot:
            found[at] = total - _up_to(tree, slot - 1)
        if kind == DELETE:
            if slot:
                owner[slot], slots[key] = _HOLE, 0
                holes = _push(heap, holes, slot)
            continue
        need = weights_of[at]
        if slot and not holes and weights[slot] == need:  # the common way: it moves to the top, all else stays
            _add(tree, slot, -need)
            total -= need
            owner[slot], weights[slot] = _EMPTY, 0
        else:
            if slot:
                owner[slot] = _HOLE
                holes = _push(heap, holes, slot)
            filled, holes = _fill(tree, weights, owner, heap, holes, need)
            total -= filled
        if last + 1 == size:
            slots[key] = 0
            last, holes = _renumber(tree, weights, owner, slots, heap)
        last += 1
        _add(tree, last, need)
        total += need
        owner[last], weights[last], slots[key] = key, need, last
    return found
