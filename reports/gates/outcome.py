"""What comes of a gate: a word for each figure it means, one for itself, and one for all gates together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from harness.gate_rules import Gate, Which
from reports.records import Figure

Word = Literal["invalid", "fail", "inconclusive", "pass"]
WORST_FIRST: tuple[Word, ...] = get_args(Word)
Inconclusive = Literal["pass", "fail"]
EXIT_CODES: Mapping[Word, int] = {"invalid": 3, "fail": 1, "inconclusive": 4, "pass": 0}


class CannotAsk(Exception):  # noqa: N818 - the sentence that follows is the error
    """The gate can't be asked of this run, however its figures are: wrong usage, with the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One figure against a gate. ``value``, ``low``, ``high`` and ``limit`` are in ``unit``; what wasn't found is None.

    ``name`` tells it from the other figures of its gate; ``measure`` is the figure in words and ``bound`` the limit; ``reason`` says why the word isn't *pass* or *fail*. ``more`` is what
    a relative gate has besides.
    """

    figure: Figure
    name: str = ""
    word: Word
    measure: str
    bound: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None
    n: int
    reason: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """The figure against its limit, without the word."""
        return f"{self.measure}, against {self.bound}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One gate with all figures it means, in the order of the findings."""

    gate: Gate
    figures: tuple[Judged, ...]

    @property
    def word(self) -> Word:
        """The word of the gate."""
        return together((judged.word for judged in self.figures), self.gate.which)

    @property
    def sentence(self) -> str:
        """The gate's answer; of several figures how many have which word, and the first of those that decided."""
        word, words = self.word, [judged.word for judged in self.figures]
        if len(words) == 1:
            return f"{word.capitalize()}: {self.figures[0].said}."
        counted = ", ".join(f"{words.count(one)} {one}" for one in WORST_FIRST if one in words)
        if word == "pass" and self.gate.which == "all":
            return f"Pass: all {len(words)} figures."
        first = next(judged for judged in self.figures if judged.word == word)
        return f"{word.capitalize()}: of {len(words)} figures {counted}; {first.name}: {first.said}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All gates of a run. ``not_asked``: those about scenarios that the run wasn't asked for, with the reason."""

    outcomes: tuple[Outcome, ...]
    not_asked: tuple[tuple[Gate, str], ...] = ()
    inconclusive: Inconclusive = "pass"
    baselines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def word(self) -> Word:
        """The worst word of a gate; *pass* where none was asked."""
        return together((outcome.word for outcome in self.outcomes), "all")

    @property
    def exit_code(self) -> int:
        """Of the command that asked."""
        word = self.word
        return 0 if word == "inconclusive" and self.inconclusive == "pass" else EXIT_CODES[word]


def together(words: Iterable[Word], which: Which | None) -> Word:
    """The word of several: the worst of ``all``; of ``any`` *pass* where one does, and *fail* only where every one does."""
    found: Sequence[Word] = tuple(words)
    if which == "any":
        order: tuple[Word, ...] = ("pass", "invalid", "inconclusive", "fail")
        return next(word for word in order if word in found)
    return next((word for word in WORST_FIRST if word in found), "pass")
