"""Gathering a page: slices of partitions' columns, until a megabyte, the limit or the end (A6)."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import TypeVar

from harness.dynamodb.metering import PAGE_BYTES
from harness.local.dynamodb.data.storage import OrderKey, Place, Stretch

_Part = TypeVar("_Part")


class Gathered:
    """What one page evaluates. ``is_full`` when a limit ended it: there may be more.

    ``orders`` are kept only when asked for; ``reached`` is where the last entry lies, ``last`` its JSON.
    """

    __slots__ = ("_forward", "_room", "_with_orders", "count", "is_full", "last", "orders", "raws", "reached", "size")

    def __init__(self, limit: int | None, *, forward: bool = True, with_orders: bool = False) -> None:
        self._room, self._forward, self._with_orders = limit, forward, with_orders
        self.raws: list[bytes] = []
        self.orders: list[OrderKey] = []
        self.size = self.count = 0
        self.is_full = False
        self.last = b""
        self.reached: Place | None = None

    def take(self, stretches: Iterable[Stretch]) -> int:
        """Add stretches until the page is full; how many were taken without filling it."""
        taken = 0
        for stretch in stretches:
            self._add(stretch)
            if self.is_full:
                break
            taken += 1
        return taken

    def _add(self, stretch: Stretch) -> None:
        key, partition, first, last = stretch
        if self._room is not None:
            first, last = self._cut(first, last, self._room)
        sizes = partition.sizes[first:last]
        total = sum(sizes)
        if self.size + total >= PAGE_BYTES:
            if not self._forward:
                sizes.reverse()
            # The item that reaches a megabyte is the page's last.
            fits = bisect_left(list(accumulate(sizes)), PAGE_BYTES - self.size) + 1
            first, last = self._cut(first, last, fits)
            total = sum(sizes[:fits])
            self.is_full = True
        self.raws += self._in_turn(partition.raws[first:last])
        if self._with_orders:
            self.orders += self._in_turn(partition.orders[first:last])
        self.size += total
        self.count += last - first
        at = last - 1 if self._forward else first
        self.last, self.reached = partition.raws[at], (key, partition.orders[at])
        if self._room is not None:
            self._room -= last - first
            self.is_full = self.is_full or not self._room

    def _cut(self, first: int, last: int, most: int) -> tuple[int, int]:
        return (first, min(last, first + most)) if self._forward else (max(first, last - most), last)

    def _in_turn(self, column: list[_Part]) -> list[_Part]:
        return column if self._forward else column[::-1]
