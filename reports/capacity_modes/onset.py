"""When the first request of a cell was throttled, and how far that is from the arithmetic."""

from collections.abc import Iterator
from dataclasses import replace

from reports import stats
from reports.capacity_modes.curves import arithmetic
from reports.capacity_modes.samples import Cell
from reports.capacity_modes.wording import Sayer, arm, case, onset_by, sure
from reports.findings import Finding
from reports.stats import Interval
from reports.words import number, scaled


def onset(sayer: Sayer, cell: Cell) -> Iterator[Finding]:
    """When the first throttled request was due; and that ÷ B2's arithmetic, where it holds and says *within the trial*.

    On demand nothing is said of a table that refused nothing: there is no store whose end was waited for. B1 and B5 leave
    the present second, so that an onset by them is a matter of single requests: no ratio.
    """
    firsts = cell.attempts[cell.attempts["refused"]].groupby("trial")["due_s"].min().tolist()
    if cell.on_demand and not firsts:
        return
    spared, rule = len(cell.trials) - len(firsts), arithmetic(cell)
    when = onset_of(firsts, [cell.length_s] * spared)
    happened = f"no {cell.kind} was throttled within" if when.at_least else f"the first {cell.kind} was throttled after"
    sentence = (
        f"{case(cell)}, {arm(cell)}: {happened} {number(when.value)} s ({sure(when)}{without(cell)}{onset_by(rule)}; "
        f"{sayer.on(cell)}, service seconds)."
    )
    id = f"{cell.arm}.throttle_onset_s"
    yield sayer.say(cell, id, sentence, when, "s", "higher", stands_on_s=when.value)
    if rule is None or rule.rule != "B2" or rule.onset_s > cell.length_s:
        return
    ratio = scaled(when, 1 / rule.onset_s)
    least = "at least " if when.at_least else ""
    sentence = (
        f"{case(cell)}, {arm(cell)}: the first throttled {cell.kind} came after {least}{number(ratio.value)} times the "
        f"{number(rule.onset_s)} s of B2's arithmetic ({sure(ratio)}; {sayer.on(cell)})."
    )
    yield sayer.say(cell, f"{cell.arm}.onset_ratio", sentence, ratio, "ratio", "none", stands_on_s=when.value)


def without(cell: Cell) -> str:
    """``, 2 of them without a throttled read``, or nothing where every trial had one."""
    spared = len(cell.trials) - cell.attempts.loc[cell.attempts["refused"], "trial"].nunique()
    return f", {spared} of them without a throttled {cell.kind}" if spared else ""


def onset_of(firsts_s: list[float], unended_s: list[float]) -> Interval:
    """The mean with its t interval where every trial throttled (onsets hardly differ), else the median, partly *at least*."""
    if unended_s:
        return stats.median_of_trials(firsts_s, unended_s)
    return not_negative(stats.mean_of_trials(firsts_s))


def not_negative(interval: Interval) -> Interval:
    """The same where nothing can be below 0, which a t interval doesn't know."""
    return replace(interval, low=max(0.0, interval.low)) if interval.low is not None else interval
