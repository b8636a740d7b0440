"""All gates of a run: what each comes to."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from harness.gate_rules import Gate, Limit
from reports.compare import designs
from reports.compare.differences import differences
from reports.compare.refusals import NotComparable, refuse
from reports.gates import limits, relative, selecting
from reports.gates.outcome import CannotAsk, Inconclusive, Judged, Outcome, Verdict
from reports.gates.validity import why_invalid
from reports.records import Figure, Recorded


def evaluate(
    run: Recorded, gates: Iterable[Gate], *, baselines: Sequence[Recorded] = (), allowed: Collection[str] = (),
    inconclusive: Inconclusive = "pass", every: bool = False,
) -> Verdict:  # fmt: skip
    """What the gates come to on this run, the relative ones against ``baselines``, which may differ in what is ``allowed``.

    A gate about a scenario that the run wasn't asked for isn't asked either, unless ``every`` one must be. Raises CannotAsk for what
    can't be asked, whatever the figures are.
    """
    asked, not_asked = [], []
    for gate in gates:
        scenario = gate.selector.scenario
        if scenario in run.manifest["scenarios"]:
            asked.append(gate)
        elif every:
            there = ", ".join(run.manifest["scenarios"])
            raise CannotAsk(f"gate {gate}: run {run.id} has no scenario {scenario}; it has {there}")
        else:
            not_asked.append((gate, f"this run wasn't asked for {scenario}"))
    outcomes = _invalid(run, asked)
    against = [gate for gate in asked if gate not in outcomes and not isinstance(gate.demand, Limit)]
    compared = _relative(run, against, baselines, allowed) if against else relative.Asked(outcomes=(), warnings=())
    outcomes |= {outcome.gate: outcome for outcome in compared.outcomes}
    return Verdict(
        outcomes=tuple(outcomes.get(gate) or _absolute(run, gate) for gate in asked), not_asked=tuple(not_asked),
        inconclusive=inconclusive, warnings=compared.warnings, baselines=tuple(baseline.id for baseline in baselines),
    )  # fmt: skip


def _invalid(run: Recorded, gates: Sequence[Gate]) -> dict[Gate, Outcome]:
    """The gates about scenarios of which the run can't be asked, whether or not it has their figures."""
    found, scenarios = {}, {gate.selector.scenario for gate in gates}
    reasons = {  # its samples are read through for it, once for all gates
        name: why_invalid(Path(run.path), run.manifest, name) or _why_no_findings(run, name) for name in scenarios
    }
    for gate in gates:
        if why := reasons[gate.selector.scenario]:
            figure = Figure(gate.selector.id, gate.selector.labels)
            judged = Judged(
                figure=figure,
                word="invalid",
                measure="not judged",
                bound=str(gate.demand),
                unit="",
                limit=None,
                n=0,
                reason=why,
            )
            found[gate] = Outcome(gate=gate, figures=(judged,))
    return found


def _why_no_findings(run: Recorded, scenario: str) -> str | None:
    """Why the scenario's analysis gave none, None where it did."""
    failed = run.findings.get(Figure(f"{scenario}.analysis"))
    return limits.why_silent(failed) if failed is not None else None


def _absolute(run: Recorded, gate: Gate) -> Outcome:
    assert isinstance(gate.demand, Limit)
    figures = selecting.matched(gate, run.findings)
    judged = [limits.judge(gate, gate.demand, figure, run.findings[figure]) for figure in figures]
    return Outcome(gate=gate, figures=selecting.named(judged))


def _relative(
    run: Recorded, gates: Sequence[Gate], baselines: Sequence[Recorded], allowed: Collection[str]
) -> relative.Asked:
    """The relative gates; whether this run is whole is told elsewhere, by scenario, and so is asked of the baselines alone."""
    if not baselines:
        how = relative.how_to_make_one(run, gates[0].selector.scenario)
        raise CannotAsk(f"gate {gates[0]} is relative, and there is no baseline; make one: {how}")
    for baseline in baselines:
        for gate in gates:
            if why := _why_no_baseline(baseline, gate.selector.scenario):
                raise CannotAsk(f"gate {gate}: baseline {baseline.path}: {why}; give another with --baseline")
    sides = designs.of_runs(baselines, [run])
    try:
        refuse(sides, differences(sides.base.runs, sides.candidate.runs), {*allowed, "scenario", "partial"})
    except NotComparable as error:
        raise CannotAsk(f"gate {gates[0]}: {error}") from error
    return relative.judge_all(
        gates,
        sides.base.runs,
        sides.candidate.runs,
        design=sides.design,
        confidence=sides.confidence,
        order=sides.order,
    )


def _why_no_baseline(baseline: Recorded, scenario: str) -> str | None:
    entry = baseline.manifest["scenarios"].get(scenario)
    if entry is None:
        return f"it has no {scenario}"
    return None if entry["status"] == "complete" else f"{scenario} is {entry['status'].replace('_', ' ')} there"
