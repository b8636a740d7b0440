"""One comparison with all that its outputs say: the sides, what differs, the changes, the gates, and the command again."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reports.compare import gating
from reports.compare.comparison import WORST, Comparison, compare
from reports.compare.designs import Sides
from reports.compare.differences import Difference, differences
from reports.compare.matching import match
from reports.compare.refusals import refuse
from reports.gates.outcome import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """``command`` makes the comparison again; ``gates`` has no outcome where none was asked."""

    sides: Sides
    differences: tuple[Difference, ...]
    comparison: Comparison
    gates: Verdict
    command: str

    @property
    def word(self) -> str:
        """The comparison's, which isn't decided where a gate can't be asked or isn't decided."""
        word, undecided = self.comparison.word, {"invalid", "inconclusive"} & {one.word for one in self.gates.outcomes}
        return "inconclusive" if undecided and WORST.index("inconclusive") < _place(word) else word


def _place(word: str) -> int:
    return WORST.index(word) if word in WORST else -1  # without a verdict there is nothing to take back


def compared(
    sides: Sides, *, allowed: Collection[str] = (), gates: Sequence[str] | None = None, confidence: float | None = None
) -> Compared:
    """Compare two sides. Raises NotComparable, Invalid, and CannotAsk for a gate that isn't one of these runs."""
    found = differences(sides.base.runs, sides.candidate.runs)
    scenarios = refuse(sides, found, allowed)
    asked = gating.relative_gates(sides, gates, scenarios)
    at = sides.confidence if confidence is None else confidence
    family = gating.family_of(asked, sides, match(sides.base.runs, sides.candidate.runs))
    return Compared(
        sides=sides, differences=found, gates=gating.judge(asked, sides, at),
        command=_command(sides, allowed, gates or (), confidence),
        comparison=compare(
            sides.base.runs, sides.candidate.runs, design=sides.design, family=family, confidence=at, scenarios=scenarios,
            order=sides.order,
        ),
    )  # fmt: skip


def _command(sides: Sides, allowed: Collection[str], gates: Sequence[str], confidence: float | None) -> str:
    words = ["dbharness", "compare"]
    if sides.folder is not None:
        words.append(sides.folder)
    elif len(sides.base.runs) == len(sides.candidate.runs) == 1:
        words += [sides.base.runs[0].path, sides.candidate.runs[0].path]
    else:
        words += [word for run in sides.base.runs for word in ("--base", run.path)]
        words += [word for run in sides.candidate.runs for word in ("--candidate", run.path)]
    words += [word for name in allowed for word in ("--allow", name)]
    words += [word for text in gates for word in ("--gate", text)]
    words += [] if confidence is None else ["--confidence", f"{confidence:g}"]
    return shlex.join(words)
