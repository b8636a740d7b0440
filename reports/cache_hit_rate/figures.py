"""The figures that any cell may have: hit rate, times, and reads without an answer."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports import stats
from reports.cache_hit_rate.cells import Cell, Labels, Measured, clipped
from reports.findings import Finding
from reports.stats import Interval
from reports.tool import Statistic
from reports.words import count, microseconds, milliseconds, percent, scaled, span

LEAST_SEEN = 100
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
    of_reads = stats.percentiles(trials, (p,)) if trials else None
    time = None if of_reads is None else of_reads.pooled[p]
    if of_reads is None or time is None:
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
    per_trial = [value * factor for value in of_reads.each[p]]
    return found.tool.judged(finding, trials=cell.trials, per_trial=per_trial, floor=None, statistic=which)


def seen_p99_ms(times_us: stats.Numbers) -> float | None:
    """The p99 of what one trial, or one expiry, has seen, ms; None below LEAST_SEEN reads.

    While a fault or a stampede lasts, reads move together: it is one event and no sample of many. This says what its reads met,
    and an interval can stand only on several trials.
    """
    return float(np.percentile(times_us, 99)) / 1e3 if len(times_us) >= LEAST_SEEN else None


def seen_p99(
    found: Measured, cell: Cell, per_trial: Sequence[float | None], what: str, about: Labels = _NONE
) -> Finding:
    """The mean over trials of the p99 that each has seen; ``what`` says of which reads."""
    seen = [time for time in per_trial if time is not None]
    if not seen:
        reason = f"no trial has {LEAST_SEEN} reads of this kind at once"
        return found.absent(cell, "latency_p99_ms", "ms", "lower", reason, about)
    time = clipped(stats.mean_of_trials(seen))
    sentence = (
        f"{cell.about}: p99 {what} was {milliseconds(time.value)} "
        f"({count(time.n, 'trial')}{span(time.low, time.high, milliseconds)}; {found.on(cell)})."
    )
    finding = found.say(cell, "latency_p99_ms", sentence, time, "ms", "lower", about=about)
    return found.tool.judged(finding, trials=cell.trials, per_trial=seen, floor=None, statistic="p99")


def share_of(flags: "pd.Series[bool]", trials: "pd.Series[int]") -> Interval:
    """The share of rows that are flagged, over trials."""
    by_trial = flags.groupby(trials)
    return stats.share_of_trials(by_trial.sum().to_numpy(), by_trial.size().to_numpy())
