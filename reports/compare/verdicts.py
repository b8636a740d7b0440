"""verdicts.json: a comparison for programs, with a schema version."""

import json
from dataclasses import asdict
from typing import Any

from reports.compare import told, verdict_line
from reports.compare.changes import Change, Level
from reports.compare.compared import Compared
from reports.compare.designs import Side
from reports.gates.outcome import Outcome

# Version 1: docs/figures.md. Members may be added; a change of meaning or a removal raises it.
VERDICTS_SCHEMA = 1


def as_record(of: Compared) -> dict[str, Any]:
    """The whole comparison as plain data."""
    comparison, sides = of.comparison, of.sides
    short = told.names(comparison.changes)
    return {
        "schema": VERDICTS_SCHEMA,
        "design": comparison.design,
        "confidence": comparison.confidence,
        "looks": [list(look) for look in sides.looks],
        "ended": sides.ended,
        "scenarios": list(comparison.scenarios),
        "sides": {"base": _side(sides.base), "candidate": _side(sides.candidate)},
        "word": of.word,
        "verdict": verdict_line.headline(of),
        "decided": comparison.decided,
        "warnings": list(comparison.warnings),
        "labels": [asdict(one) for one in comparison.matching.labels],
        "differences": [asdict(one) for one in of.differences],
        "gates": [_gate(outcome) for outcome in of.gates.outcomes],
        "changes": [_change(change, str(short[change.figure])) for change in comparison.changes],
        "only_base": [str(figure) for figure in comparison.matching.only_base],
        "only_candidate": [str(figure) for figure in comparison.matching.only_candidate],
    }


def to_json(of: Compared) -> str:
    """The same as text; the same comparison gives the same bytes."""
    return json.dumps(as_record(of), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _side(side: Side) -> dict[str, Any]:
    return {"name": side.name, "words": side.words, "runs": [{"id": run.id, "path": run.path} for run in side.runs]}


def _gate(outcome: Outcome) -> dict[str, Any]:
    return {"gate": str(outcome.gate), "word": outcome.word, "sentence": outcome.sentence}


def _change(change: Change, name: str) -> dict[str, Any]:
    return {
        "figure": str(change.figure),
        "id": change.figure.id,
        "labels": dict(change.figure.labels),
        "word": change.word,
        "sentence": told.sentence(change, name),
        "confirmatory": change.confirmatory,
        "unit": change.unit,
        "better": change.better,
        "scale": change.scale,
        "base": _level(change.base),
        "candidate": _level(change.candidate),
        "n": change.n,
        "effect": change.effect,
        "low": change.low,
        "high": change.high,
        "confidence": change.confidence,
        "margin": change.margin,
        "exact": change.exact,
        "detectable": change.detectable,
        "pairs_needed": change.pairs_needed,
        "p": change.p,
        "tool_bound": change.tool_bound,
        "reason": change.reason,
    }


def _level(level: Level | None) -> dict[str, Any] | None:
    return None if level is None else asdict(level) | {"values": list(level.values)}
