"""All gates of a run: what each comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.gate_rules import Gate, Limit
from reports.gates import limits, selecting
from reports.gates.outcome import CannotAsk, Inconclusive, Outcome, Verdict
from reports.gates.validity import why_invalid
from reports.records import Recorded


def evaluate(
    run: Recorded,
    gates: Iterable[Gate],
    *,
    baselines: Sequence[Recorded] = (),
    inconclusive: Inconclusive = "pass",
    every: bool = False,
) -> Verdict:
    """What the gates come to on this run.

    A gate about a scenario that the run wasn't asked for isn't asked either, unless ``every`` one must be. Raises CannotAsk for what
    no run of these scenarios could answer.
    """
    outcomes, not_asked = [], []
    for gate in gates:
        scenario = gate.selector.scenario
        if scenario in run.manifest["scenarios"]:
            outcomes.append(_outcome(run, gate, why_invalid(Path(run.path), run.manifest, scenario)))
        elif every:
            there = ", ".join(run.manifest["scenarios"])
            raise CannotAsk(f"gate {gate}: run {run.id} has no scenario {scenario}; it has {there}")
        else:
            not_asked.append((gate, f"this run wasn't asked for {scenario}"))
    return Verdict(
        outcomes=tuple(outcomes), not_asked=tuple(not_asked), inconclusive=inconclusive,
        baselines=tuple(baseline.id for baseline in baselines),
    )  # fmt: skip


def _outcome(run: Recorded, gate: Gate, invalid: str | None) -> Outcome:
    assert isinstance(gate.demand, Limit)
    figures = selecting.matched(gate, run.findings)
    judged = [limits.judge(gate, gate.demand, figure, run.findings[figure]) for figure in figures]
    if invalid is not None:
        judged = [replace(one, word="invalid", reason=invalid) for one in judged]
    names = (", ".join(f"{name} {text}" for name, text in one.labels) for one in selecting.told_apart(figures))
    return Outcome(gate=gate, figures=tuple(replace(one, name=name) for one, name in zip(judged, names, strict=True)))
