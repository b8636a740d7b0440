"""junit.xml of a comparison: one case a gated figure; without gates one a declared figure, by its verdict."""

from collections.abc import Mapping

from reports.compare import told
from reports.compare.changes import Change
from reports.compare.compared import Compared
from reports.gates.outcome import Judged, Outcome
from reports.gates.outcome import Word as GateWord
from reports.render.junit import Case, Shown, junit

_OF_GATE: Mapping[GateWord, Shown] = {
    "pass": "passed",
    "fail": "failure",
    "inconclusive": "skipped",
    "invalid": "error",
}
_OF_VERDICT: Mapping[str, Shown] = {
    "regression": "failure", "improved": "passed", "better, size unresolved": "passed", "equivalent": "passed",
}  # fmt: skip


def as_junit(of: Compared) -> str:
    """The file; what is neither passed nor failed is skipped, and says what such runs could have found."""
    cases = [_gated(outcome, judged) for outcome in of.gates.outcomes for judged in outcome.figures]
    names = told.names(of.comparison.family)
    cases = cases or [_declared(change, str(names[change.figure])) for change in of.comparison.family]
    candidate = of.sides.candidate.runs[-1].manifest
    about = {
        "base": of.sides.base.name, "candidate": of.sides.candidate.name, "design": of.comparison.design,
        "pairs": str(len(of.sides.candidate.runs)), "confidence": f"{of.comparison.confidence:g}", "word": of.word,
    }  # fmt: skip
    return junit("comparison", cases, timestamp=str(candidate.get("started") or ""), properties=about)


def _gated(outcome: Outcome, judged: Judged) -> Case:
    several = len(outcome.figures) > 1
    return Case(
        classname=judged.figure.id, name=f"{outcome.gate}" + (f": {judged.name}" if several else ""),
        shown=_OF_GATE[judged.word], type=judged.word, sentence=f"{judged.word.capitalize()}: {judged.said}.",
        properties=_figures({"value": judged.value, "low": judged.low, "high": judged.high, **judged.more}),
    )  # fmt: skip


def _declared(change: Change, name: str) -> Case:
    about = {
        "effect": change.effect, "low": change.low, "high": change.high, "margin": change.margin,
        "confidence": change.confidence, "detectable": change.detectable, "pairs_needed": change.pairs_needed,
    }  # fmt: skip
    return Case(
        classname=change.figure.id, name=name, shown=_OF_VERDICT.get(change.word, "skipped"), type=change.word,
        sentence=told.sentence(change, name), properties=_figures(about),
    )  # fmt: skip


def _figures(about: Mapping[str, object]) -> dict[str, str]:
    return {name: str(figure) for name, figure in about.items() if figure is not None}
