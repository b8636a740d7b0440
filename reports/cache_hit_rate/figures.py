"""The figures that any cell may have: hit rate, times, and reads without an answer."""

import numpy as np
import pandas as pd

from reports import stats
from reports.cache_hit_rate.cells import Cell, Labels, Measured, clipped
from reports.findings import Finding
from reports.stats import Interval
from reports.tool import Statistic
from reports.words import count, microseconds, milliseconds, percent, scaled, span

_NONE: Labels = {}
PERCENTILES: dict[Statistic, float] = {"p50": 50.0, "p95": 95.0, "p99": 99.0}


def hit_rate(found: Measured, cell: Cell, beside: str = "") -> Finding:
    """The share of answered reads that the cache had; ``beside`` is said next to it."""
    rate = cell.hit_rate()
    if rate is None:
        return found.absent(cell, "hit_rate", "share", "higher", "no read asked the cache")
    sentence = (
        f"{cell.about}: the cache answered {percent(rate.value)} of {len(cell.answered):,} reads{beside} "
        f"({count(rate.n, 'trial')}{span(rate.low, rate.high, percent)}; {found.on(cell)})."
    )
    return found.tool.exempt(found.say(cell, "hit_rate", sentence, rate, "share", "higher"), trials=cell.trials)


def mean_us(found: Measured, cell: Cell, rows: pd.DataFrame, op: str) -> Finding:
    """The mean time of these answered rows of an operation."""
    if rows.empty:
        return found.absent(cell, "latency_mean_us", "us", "lower", f"no {op} was answered", {"op": op})
    means = [float(np.mean(times)) for times in cell.times_us(rows)]
    mean = clipped(stats.mean_of_trials(means))
    sentence = (
        f"{cell.about}: a {op} took {microseconds(mean.value)} on average "
        f"({count(mean.n, 'trial')}{span(mean.low, mean.high, microseconds)}; {found.on(cell)})."
    )
    finding = found.say(cell, "latency_mean_us", sentence, mean, "us", "lower", about={"op": op})
    return found.tool.judged(finding, trials=cell.trials, per_trial=means, floor=None, statistic="mean")


def percentile_us(found: Measured, cell: Cell, which: Statistic) -> Finding:
    """A percentile of the answered reads, in µs."""
    return _percentile(found, cell, cell.answered, which, f"latency_{which}_us", "us", "a read took")


def percentile_ms(
    found: Measured, cell: Cell, rows: pd.DataFrame, which: Statistic, id: str, what: str, about: Labels = _NONE
) -> Finding:
    """The same of these rows in ms; ``what`` they are, up to the verb."""
    return _percentile(found, cell, rows, which, id, "ms", what, about)


def _percentile(
    found: Measured,
    cell: Cell,
    rows: pd.DataFrame,
    which: Statistic,
    id: str,
    unit: str,
    what: str,
    about: Labels = _NONE,
) -> Finding:
    trials, p = cell.times_us(rows), PERCENTILES[which]
    time = stats.percentile(trials, p) if trials else None
    if time is None:
        least = stats.LEAST_SAMPLES[p]
        reason = f"{count(len(rows), 'read')} are too few or too alike: a {which} takes {least} independent ones"
        return found.absent(cell, id, unit, "lower", reason, about)
    show, factor = (microseconds, 1.0) if unit == "us" else (milliseconds, 1e-3)
    shown = scaled(time, factor)
    sentence = (
        f"{cell.about}: {what} {show(shown.value)} at {which} ({count(time.n, 'read')} in {count(len(trials), 'trial')}"
        f"{span(shown.low, shown.high, show)}; {found.on(cell)})."
    )
    finding = found.say(cell, id, sentence, shown, unit, "lower", about=about)
    per_trial = [float(np.percentile(times, p)) * factor for times in trials]
    return found.tool.judged(finding, trials=cell.trials, per_trial=per_trial, floor=None, statistic=which)


def share_of(flags: "pd.Series[bool]", trials: "pd.Series[int]") -> Interval:
    """The share of rows that are flagged, over trials."""
    by_trial = flags.groupby(trials)
    return stats.share_of_trials(by_trial.sum().to_numpy(), by_trial.size().to_numpy())
