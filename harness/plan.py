"""Makes the list of trials: arms interleaved in pairs, order seeded (METHOD: the unit is a pair of trials)."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a pair of trials shares: a step, its labels and parameters, and the arms compared there."""

    arms: tuple[str, ...]
    step: str
    labels: dict[str, str] = field(default_factory=dict)
    params: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One timed execution of one arm at one step; trials with the same ``pair`` belong together.

    ``repeats`` is the number of the trial that broke off and that this one does again.
    """

    trial: int
    pair: int
    arm: str
    step: str
    labels: dict[str, str]
    params: dict[str, float | int | str]
    repeats: int | None = None

    @property
    def turn(self) -> int:
        """What is to be another one in each pair, and in each repetition of a trial: no pair has a repetition's number."""
        return self.pair if self.repeats is None else self.trial

    def as_record(self, *, done: bool) -> dict[str, Any]:
        """The trial as the manifest keeps it; ``repeats`` only where it does."""
        record = asdict(self) | {"done": done}
        return record if self.repeats is not None else {key: record[key] for key in record if key != "repeats"}


def interleave(cells: Sequence[Cell], *, rounds: int, seed: str) -> list[Trial]:
    """Every cell once a round, cells shuffled in each round, arms shuffled in each cell.

    Pairs are numbered over the whole plan: one number is one cell in one round. The same seed gives the
    same plan.
    """
    rng = random.Random(seed)
    trials: list[Trial] = []
    pair = 0
    for _ in range(rounds):
        for cell in rng.sample(list(cells), len(cells)):
            for arm in rng.sample(cell.arms, len(cell.arms)):
                trials.append(
                    Trial(
                        trial=len(trials),
                        pair=pair,
                        arm=arm,
                        step=cell.step,
                        labels=cell.labels,
                        params=cell.params,
                    )
                )
            pair += 1
    return trials
