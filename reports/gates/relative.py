"""Figures against a baseline: no worse than so many per cent, on the interval of the change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.gate_rules import Gate, NoWorse
from reports.compare import told
from reports.compare.changes import Change
from reports.compare.comparison import compare
from reports.compare.designs import Design
from reports.compare.matching import match
from reports.gates import limits, selecting
from reports.gates.outcome import CannotAsk, Judged, Outcome, Word
from reports.records import Figure, Recorded
from reports.render.figures import NONE
from reports.stats import CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The relative gates' outcomes, in their order, and what the reader must know where chance is in what was compared."""

    outcomes: tuple[Outcome, ...]
    warnings: tuple[str, ...]


def judge_all(
    gates: Sequence[Gate], bases: Sequence[Recorded], candidates: Sequence[Recorded], *, design: Design,
    confidence: float = CONFIDENCE, order: Sequence[str] = (),
) -> Asked:  # fmt: skip
    """All relative gates at once: their figures are one family, whose intervals stand at the levels of Holm's steps.

    Of interleaved pairs the n-th base is of the n-th candidate's pair. Raises CannotAsk for a gate that means no figure of the
    candidates, or none of those that the bases have, or one of no direction.
    """
    findings = {figure: record for run in candidates for figure, record in run.findings.items()}
    meant = [selecting.matched(gate, findings) for gate in gates]
    wanted = {figure for figures in meant for figure in figures}
    matches = match(bases, candidates).matches
    names = {one.candidate: one.figure for one in matches if one.candidate in wanted}
    comparison = compare(
        bases, candidates, design=design, family=frozenset(names.values()), confidence=confidence, order=order
    )
    changes = {change.figure: change for change in comparison.family}
    of_candidate = {figure: changes[name] for figure, name in names.items()}
    of_base = {one.candidate: one.base for one in matches}
    outcomes = []
    for gate, figures in zip(gates, meant, strict=True):
        if not any(figure in of_candidate for figure in figures):
            raise CannotAsk(
                f"gate {gate}: the baseline {', '.join(run.id for run in bases)} has none of its figures; "
                f"make another: {how_to_make_one(candidates[-1], gate.selector.scenario)}"
            )
        judged = [
            _judge(gate, figure, of_candidate.get(figure), _silent(figure, of_base.get(figure), bases, candidates))
            for figure in figures
        ]
        outcomes.append(Outcome(gate=gate, figures=selecting.named(judged)))
    by_chance = any(not change.exact for change in comparison.family)
    return Asked(outcomes=tuple(outcomes), warnings=comparison.warnings if by_chance else ())


def how_to_make_one(run: Recorded, scenario: str) -> str:
    """The commands that make a baseline such as this run, and keep it."""
    manifest = run.manifest
    about = f"--profile {manifest.get('profile', 'quick')} --seed {manifest.get('seed', 1)}"
    return f"`dbharness run {scenario} {about} --out BASELINE`, then --baseline BASELINE"


def _judge(gate: Gate, figure: Figure, change: Change | None, invalid: str | None) -> Judged:
    assert isinstance(gate.demand, NoWorse)
    allowed = gate.demand.percent / 100
    blank = Judged(
        figure=figure, word="invalid", measure="not compared", bound=str(gate.demand), unit="relative change",
        limit=allowed, n=0,
    )  # fmt: skip
    if change is None:
        return replace(blank, word="inconclusive", reason="the baseline has no such figure")
    if invalid is None and change.better == "none":
        raise CannotAsk(f"gate {gate}: neither more nor less of {figure.id} is better; give it a limit instead")
    if change.better == "higher" and allowed >= 1:
        raise CannotAsk(f"gate {gate}: more of {figure.id} is better, and it can't fall by 100 % or more")
    word, reason = ("invalid", invalid) if invalid else _word(change, allowed)
    bounds = change.relative or (change.effect if change.scale != "difference" else None, None, None)
    return replace(
        blank, word=word, reason=reason, measure=_measure(change), n=change.n,
        unit="relative change of the odds" if change.scale == "odds" else "relative change",
        value=bounds[0], low=bounds[1], high=bounds[2], more=_more(change),
    )  # fmt: skip


def _word(change: Change, allowed: float) -> tuple[Word, str | None]:
    """Pass where the change is at most so much worse all over its interval, fail where it is more so everywhere in it."""
    if change.low is None or change.high is None or change.base is None:
        return "inconclusive", change.reason or "there is no interval"
    if change.relative is not None:
        _, low, high = change.relative
    else:  # of 0, every change is without measure: no worse than by 0
        low, high, allowed = change.low, change.high, 0.0
    worst, least = (high, low) if change.better == "lower" else (-low, -high)
    word = limits.decide(least, worst, "<=", allowed)
    return word, (told.power(change) or change.reason) if word == "inconclusive" else None


def _silent(
    figure: Figure, of_base: Figure | None, bases: Sequence[Recorded], candidates: Sequence[Recorded]
) -> str | None:
    """Why a figure can't be asked: a run of either side gives none, or one that may be the tool's own."""
    sides = (("baseline", of_base, bases), ("this run", figure, candidates))
    for side, which, runs in sides:
        for run in runs:
            record = run.findings.get(which) if which is not None else None
            if record is not None and (why := limits.why_silent(record)):
                return f"{side}: {why}" if side == "baseline" else why
    return None


def _measure(change: Change) -> str:
    """The change with its interval, and from what to what."""
    if change.effect is None:
        return "not compared"
    interval = told.interval(change)
    at = f", {told.level(change.confidence)} interval {interval}" if interval not in ("exact", NONE) else ""
    exact = ", exact" if interval == "exact" else ""
    return f"{told.effect(change)}{exact}{at} ({told.levels(change)})"


def _more(change: Change) -> Mapping[str, float | str | None]:
    return {
        "design": change.design, "confidence": change.confidence, "base": change.base.mean if change.base else None,
        "candidate": change.candidate.mean if change.candidate else None, "detectable": change.detectable,
        "pairs_needed": change.pairs_needed,
    }  # fmt: skip
