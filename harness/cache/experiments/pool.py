"""Connections that the operations of one process share, as an application's pool has them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What a pool holds."""

    def close(self) -> None:
        """Close it, whatever is under way."""


T = TypeVar("T", bound=Closable)


class Pool(Generic[T]):
    """Those that are idle, the last given back first; ``make`` makes one where none is."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._all: dict[int, T] = {}
        self._idle: list[T] = []

    def __len__(self) -> int:
        """How many there are, those that somebody has taken too."""
        return len(self._all)

    def take(self) -> T:
        """One that nobody else has until it is given back or dropped."""
        return self._idle.pop() if self._idle else self._new()

    def give(self, one: T) -> None:
        """It is idle again; after ``close`` it is closed for good."""
        if id(one) in self._all:
            self._idle.append(one)

    def drop(self, one: T) -> None:
        """Close what was taken, and forget it."""
        self._all.pop(id(one), None)
        with suppress(OSError):  # it was broken already, which is why it is dropped
            one.close()

    def fill(self, count: int) -> list[T]:
        """Make some, until so many are there; returns those that are idle."""
        while len(self._all) < count:
            self._idle.append(self._new())
        return list(self._idle)

    def close(self) -> None:
        """Close all, those that somebody has taken too."""
        for one in list(self._all.values()):
            self.drop(one)
        self._idle.clear()

    def _new(self) -> T:
        made = self._make()
        self._all[id(made)] = made
        return made
