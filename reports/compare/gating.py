"""The relative gates of a comparison: those given, else the candidate's own; they declare the family."""

from collections.abc import Collection, Sequence
from typing import Any

from harness.gate_rules import Gate, GateError, NoWorse, parse
from reports.compare.designs import Sides
from reports.compare.matching import Matching
from reports.gates import relative, selecting
from reports.gates.outcome import CannotAsk, Verdict
from reports.records import Figure


def relative_gates(sides: Sides, texts: Sequence[str] | None, scenarios: Collection[str]) -> list[Gate]:
    """Those of ``texts``, without them the relative ones of the candidate's configuration about ``scenarios``.

    Raises CannotAsk for a text that is no relative gate.
    """
    config: dict[str, Any] = sides.candidate.runs[-1].manifest.get("config") or {}
    gates = [_parsed(text) for text in (texts or config.get("gates") or ())]
    if not texts:
        return [one for one in gates if isinstance(one.demand, NoWorse) and one.selector.scenario in scenarios]
    for gate in gates:
        if not isinstance(gate.demand, NoWorse):
            raise CannotAsk(f"gate {gate}: a comparison judges *no worse than N%* alone; a limit is `dbharness gate`'s")
        if gate.selector.scenario not in scenarios:
            raise CannotAsk(f"gate {gate}: {gate.selector.scenario} isn't compared, {', '.join(scenarios)} is")
    return gates


def family_of(gates: Sequence[Gate], sides: Sides, matching: Matching) -> frozenset[Figure] | None:
    """The figures that the gates mean, as the comparison names them; None without a gate."""
    if not gates:
        return None
    findings = {figure: record for run in sides.candidate.runs for figure, record in run.findings.items()}
    meant = {figure for gate in gates for figure in selecting.matched(gate, findings)}
    return frozenset(one.figure for one in matching.matches if one.candidate in meant)


def judge(gates: Sequence[Gate], sides: Sides, confidence: float) -> Verdict:
    """What the gates come to; the figures of all of them are one family. An inconclusive one is a warning here."""
    if not gates:
        return Verdict(outcomes=())
    asked = relative.judge_all(
        gates, sides.base.runs, sides.candidate.runs, design=sides.design, confidence=confidence, order=sides.order
    )
    return Verdict(outcomes=asked.outcomes)


def _parsed(text: str) -> Gate:
    try:
        return parse(text)
    except GateError as error:
        raise CannotAsk(f"gate {text!r} {error}") from error
