"""What came of a whole comparison, in one sentence: its figures' verdicts and its gates' words, counted."""

from reports.compare import told
from reports.compare.compared import Compared
from reports.compare.designs import WORDS as DESIGNS
from reports.gates.outcome import WORST_FIRST
from reports.words import count


def headline(of: Compared) -> str:
    """The verdict line: what came of the family and of the gates, in one sentence."""
    return f"{of.sides.candidate.name} against {of.sides.base.name}: {of.word}; {summary(of)}"


def summary(of: Compared) -> str:
    """How many figures have which verdict, what that rests on, and how many gates have which word."""
    comparison, family = of.comparison, of.comparison.family
    if not family:
        return f"{told.counted(comparison.exploratory)}, all of it exploratory."
    by = f"{family[0].n} pairs" if comparison.design == "interleaved_pairs" else DESIGNS[comparison.design]
    return f"of {count(len(family), 'declared figure')} {told.counted(family)} ({by}){_gates(of)}."


def _gates(of: Compared) -> str:
    words = [one.word for one in of.gates.outcomes]
    each = ", ".join(f"{words.count(word)} {word}" for word in WORST_FIRST if word in words)
    return f"; of {count(len(words), 'gate')} {each}" if words else ""
