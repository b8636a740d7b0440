"""A table's partitions: ranges of the hash space, each with its limits, that split and never merge (B1, B3, B4)."""

from bisect import bisect_right
from itertools import pairwise
from math import ceil
from typing import Any, Final, Literal

from harness.dynamodb.buckets import PartitionBucket
from harness.dynamodb.parameters import KINDS, MINUTE_S, AdmissionParameters, Kind

HASH_SPACE: Final = 1 << 64
Cause = Literal["made", "capacity", "size", "heat"]

_NO_LIMIT = 1e15  # units a second that nobody asks for


def partition_count(read: float, write: float, size_bytes: int, params: AdmissionParameters) -> int:
    """Partitions of a new resource: enough for its capacity units and one for every 10 GB begun (B4)."""
    for_rates = ceil(read / params.partition_read_rate + write / params.partition_write_rate)
    return max(1, for_rates, -(-size_bytes // params.partition_bytes))


class Partition:
    """The keys whose hash lies in [begin, end), and what they may consume."""

    __slots__ = ("begin", "born_s", "buckets", "cause", "end", "hot_minutes")

    def __init__(
        self, begin: int, end: int, buckets: dict[Kind, PartitionBucket], *, born_s: float, cause: Cause
    ) -> None:
        self.begin, self.end = begin, end
        self.buckets = buckets
        self.born_s = born_s
        self.cause: Cause = cause
        self.hot_minutes = 0

    @property
    def share(self) -> float:
        """How much of the hash space is its own, and so, of evenly spread items, how many."""
        return (self.end - self.begin) / HASH_SPACE

    @property
    def middle(self) -> int:
        """The hash at which it splits in two halves."""
        return self.begin + (self.end - self.begin) // 2


class Partitions:
    """All partitions of one table or index, in the order of their ranges.

    ``begins`` and ``buckets`` are what a request looks its bucket up in: lists that stay the same objects.
    """

    __slots__ = ("_params", "_room_bytes", "begins", "buckets", "ranges")

    def __init__(self, count: int, params: AdmissionParameters, now_s: float) -> None:
        self._params = params
        self.begins: list[int] = []
        self.buckets: dict[Kind, list[PartitionBucket]] = {kind: [] for kind in KINDS}
        edges = [HASH_SPACE * number // count for number in range(count + 1)]
        self.ranges = [
            Partition(
                begin,
                end,
                {kind: _bucket(kind, params, now_s) for kind in KINDS},
                born_s=now_s,
                cause="made",
            )
            for begin, end in pairwise(edges)
        ]
        self._relist()

    def __len__(self) -> int:
        return len(self.ranges)

    def of(self, partition_hash: int) -> Partition:
        """The partition a hash lies in."""
        return self.ranges[bisect_right(self.begins, partition_hash) - 1]

    def grow(self, count: int, now_s: float) -> None:
        """Split every partition in two until there are at least as many (B4)."""
        while len(self.ranges) < count:
            self._split({one: one.middle for one in self.ranges}, now_s, "capacity")

    def resize(self, size_bytes: int, now_s: float) -> None:
        """Split those that hold more than 10 GB, if items lie evenly over the hash space (B4)."""
        while size_bytes > self._room_bytes:
            limit = self._params.partition_bytes
            full = {one: one.middle for one in self.ranges if one.share * size_bytes > limit}
            self._split(full, now_s, "size")

    def close_minute(self, ended_s: float, *, idle_since: bool) -> None:
        """Judge the heat of the clock minute that ended then, and split what has been hot for long enough (B3).

        ``idle_since``: whole minutes without a request have followed it.
        """
        cuts: dict[Partition, int] = {}
        for partition in self.ranges:
            was_hot = False
            for kind, bucket in partition.buckets.items():
                hot = bucket.units >= self._params.split_heat * self._params.partition_rate(kind) * MINUTE_S
                bucket.close_minute(forget=not hot or idle_since)
                was_hot = was_hot or hot
            partition.hot_minutes = partition.hot_minutes + 1 if was_hot and not idle_since else 0
            if partition.hot_minutes * MINUTE_S >= self._params.split_after_s:
                cut = _cut(partition)
                if cut is not None:
                    cuts[partition] = cut
        if cuts:
            self._split(cuts, ended_s, "heat")

    def state(self, now_s: float) -> list[dict[str, Any]]:
        """Each partition's range, heat and buckets, for people to look at."""
        return [
            {
                "begin": f"{one.begin:016x}",
                "end": f"{one.end - 1:016x}",
                "share": one.share,
                "born_s": one.born_s,
                "cause": one.cause,
                "hot_minutes": one.hot_minutes,
                **{
                    kind: {"bucket_units": bucket.level(now_s), "units_this_minute": bucket.units}
                    for kind, bucket in one.buckets.items()
                },
            }
            for one in self.ranges
        ]

    def _split(self, cuts: dict[Partition, int], now_s: float, cause: Cause) -> None:
        """Split some partitions, each at a hash; both halves are as full as the whole was."""
        ranges = []
        for one in self.ranges:
            cut = cuts.get(one, one.begin)
            ranges.append(one)
            if one.begin < cut < one.end:
                other = {kind: bucket.sibling(now_s) for kind, bucket in one.buckets.items()}
                ranges.append(Partition(cut, one.end, other, born_s=now_s, cause=cause))
                one.end, one.hot_minutes = cut, 0
                for bucket in one.buckets.values():
                    bucket.samples.clear()
        self.ranges = ranges
        self._relist()

    def _relist(self) -> None:
        self.begins[:] = [one.begin for one in self.ranges]
        for kind, buckets in self.buckets.items():
            buckets[:] = [one.buckets[kind] for one in self.ranges]
        self._room_bytes = self._params.partition_bytes / max(one.share for one in self.ranges)


def _cut(partition: Partition) -> int | None:
    """Where a split halves the heat best; None where all of it is one key's, which can have no more than a partition.

    The hottest kind's samples stand for the heat. A key that alone is hot gets a partition of its own in two splits.
    """
    kind = max(KINDS, key=lambda kind: len(partition.buckets[kind].samples))
    hashes = sorted(partition.buckets[kind].samples)
    inside = [(abs(2 * at - len(hashes)), hashes[at]) for at in range(1, len(hashes)) if hashes[at] != hashes[at - 1]]
    if inside:
        return min(inside)[1]
    if hashes and partition.begin < hashes[0]:
        return hashes[0]
    if hashes and hashes[-1] + 1 < partition.end:
        return hashes[-1] + 1
    return None


def _bucket(kind: Kind, params: AdmissionParameters, now_s: float) -> PartitionBucket:
    rate_per_s = params.partition_rate(kind) if params.partition_limits else _NO_LIMIT
    return PartitionBucket(rate_per_s, params.partition_burst_s, now_s=now_s)
