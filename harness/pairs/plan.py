"""Which runs are made, in which order, and when may be looked at what they say. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError

Letter = Literal["a", "b"]
LETTERS: tuple[Letter, Letter] = ("a", "b")
ALPHA = 0.05
LEAST_PAIRS = 2  # one pair says nothing of its own spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """After so many pairs it may be decided, on intervals of this ``confidence``."""

    pairs: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One run of each side, in this order; ``pair`` counts from 1."""

    pair: int
    order: tuple[Letter, Letter]

    def run(self, letter: Letter, attempt: int = 1) -> str:
        """The name of that side's run directory; a pair that is made again gets names of its own."""
        return f"{letter}-{self.pair:02}" + ("" if attempt == 1 else "-again")


def declared_looks(first: int, most: int | None) -> tuple[Look, ...]:
    """One look after ``first`` pairs, and a last one after ``most``, where there may be more.

    5 % of false alarms are split evenly between the looks (Bonferroni), so that looking twice alarms no oftener than once.
    Raises UsageError for numbers that aren't a plan.
    """
    if first < LEAST_PAIRS:
        raise UsageError(f"--pairs {first}: at least {LEAST_PAIRS}; from 6 on an interval can exclude chance")
    if most is not None and most < first:
        raise UsageError(f"--most-pairs {most}: below --pairs {first}, which are made in any case")
    ends = tuple(dict.fromkeys((first, most or first)))
    return tuple(Look(pairs=pairs, confidence=1 - ALPHA / len(ends)) for pairs in ends)


def plan_pairs(looks: Sequence[Look], seed: int) -> tuple[Pair, ...]:
    """Pairs up to the last look, the order inside each drawn by ``seed``.

    Up to each look both orders come equally often (one of them once more where the number is odd): what a run leaves behind for
    the next one, and what drifts, then hits both sides alike.
    """
    rng = random.Random(f"pairs {seed}")
    orders: list[tuple[Letter, Letter]] = []
    for look in looks:
        more = look.pairs - len(orders)
        odd_one = rng.choice((LETTERS, LETTERS[::-1]))
        halves = [LETTERS, LETTERS[::-1]] * (more // 2) + [odd_one] * (more % 2)
        orders += rng.sample(halves, more)
    return tuple(Pair(pair=number, order=order) for number, order in enumerate(orders, 1))
