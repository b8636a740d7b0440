"""Makes the pairs of a plan one after the other, until they are made, decided, interrupted or can't be had."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from harness.pairs.folder import Folder
from harness.pairs.plan import Letter, Look, Pair

_ATTEMPTS = 2
Ending = Literal["done", "decided", "interrupted", "failed"]
RunOne = Callable[[Letter, str], str | None]
"""Makes the run of that side into the directory of that name; None when it is there, else why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How pairs are made: by ``run``; ``decided`` says at a look whether they do; ``say`` tells whoever waits."""

    folder: Folder
    run: RunOne
    decided: Callable[[], bool]
    say: Callable[[str], None]
    clock_s: Callable[[], float] = time.monotonic

    def make(self, pairs: Sequence[Pair], looks: Sequence[Look]) -> Ending:
        """Every pair up to the first look at which it is decided; an unfinished one doesn't count. Raises UsageError for wrong words."""
        try:
            ending, told = self._make(pairs, looks)
        except KeyboardInterrupt:
            ending, told = "interrupted", f"interrupted; {self.folder.pairs} of {len(pairs)} pairs are whole"
        except UsageError as error:
            self.folder.end(str(error))
            self.folder.drop_if_empty()
            raise
        self.folder.end(told)
        self.say(told)
        return ending

    def _make(self, pairs: Sequence[Pair], looks: Sequence[Look]) -> tuple[Ending, str]:
        early, began_s = {look.pairs for look in looks[:-1]}, self.clock_s()
        for pair in pairs:
            progress = Progress(pair=pair, looks=looks, taken_s=self.clock_s() - began_s)
            if (failure := self._pair(pair, progress)) is not None:
                return "failed", f"pair {pair.pair} failed twice: {failure}"
            if pair.pair in early and self.decided():
                return "decided", f"decided at the look after {pair.pair} pairs"
        return "done", f"all {len(pairs)} pairs were made"

    def _pair(self, pair: Pair, progress: "Progress") -> str | None:
        """Make both runs, again where one failed; None when they are there, else why they can't be had."""
        failure = None
        for attempt in range(1, _ATTEMPTS + 1):
            for letter in pair.order:
                self.say(progress.line(letter, attempt))
                failure = self.run(letter, pair.run(letter, attempt))
                if failure is not None:
                    self.folder.add_failed(pair, letter, attempt, failure)
                    self.say(f"warning: pair {pair.pair}, {letter}: {failure}")
                    break
            else:
                self.folder.add(pair, attempt)
                return None
        return failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the making is before ``pair``, which all pairs before it took ``taken_s`` to reach."""

    pair: Pair
    looks: Sequence[Look]
    taken_s: float

    def line(self, letter: Letter, attempt: int = 1) -> str:
        """Which run begins, and how long it takes until the next look, by the pairs that are there."""
        place = self.pair.order.index(letter)
        end = next(look.pairs for look in self.looks if look.pairs >= self.pair.pair)
        most = f", {self.looks[-1].pairs} at most" if end < self.looks[-1].pairs else ""
        again = ", again" if attempt > 1 else ""
        first, second = self.pair.order
        return f"pair {self.pair.pair} of {end}{most}{again} ({first}, then {second}): {letter}{self._left(end, place)}"

    def _left(self, end: int, place: int) -> str:
        made = self.pair.pair - 1
        if not made:
            return "; how long all takes is known after this pair"
        left_s = self.taken_s / made * (end - made - place / 2)
        return f"; about {left_s:.0f} s left" if left_s < 120 else f"; about {left_s / 60:.0f} min left"
