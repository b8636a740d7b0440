"""Part ``warm_up``: how the hit rate grows from an empty cache, and when it has 50, 90 and 95 % of what it comes to."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports import stats
from reports.cache_hit_rate.cells import Cell, Measured
from reports.findings import Finding
from reports.samples import by_trial
from reports.words import count, percent, seconds, span

PART = "warm_up"
SHARES = (0.5, 0.9, 0.95)
BINS = 40
_FINAL = 0.25  # of the trial, at its end: what it came to
Floats = npt.NDArray[np.float64]


def findings(found: Measured, engine: str) -> list[Finding]:
    """For every arm and size: what it comes to, and the times."""
    return [finding for cell in found.where(engine, PART) for finding in _of_cell(found, cell)]


def curve(rows: pd.DataFrame) -> tuple[float, Floats]:
    """One trial: the width of a bin in s, and the hit rate of the reads due in each of the bins; NaN where none was."""
    since_s = (rows["due_ns"] - rows["due_ns"].min()).to_numpy() / 1e9
    width_s = max(float(since_s.max()), 1e-9) * (1 + 1e-9) / BINS
    place = (since_s / width_s).astype(int)
    reads = np.bincount(place, minlength=BINS)
    hits = np.bincount(place, weights=rows["hit"].eq(True), minlength=BINS)
    return width_s, np.divide(hits, reads, out=np.full(BINS, np.nan), where=reads > 0)


def final(rows: pd.DataFrame) -> float:
    """The hit rate of the reads due in the last quarter of a trial."""
    since = rows["due_ns"] - rows["due_ns"].min()
    return float(rows.loc[since >= (1 - _FINAL) * since.max(), "hit"].eq(True).mean())


def reached_s(rows: pd.DataFrame, share: float) -> float:
    """The end of the first bin that, as the next, has ``share`` of the final hit rate; infinite where there is none.

    Two in a row, for few reads in a bin have it by chance now and then.
    """
    width_s, rates = curve(rows)
    has = rates >= share * final(rows)
    reached = np.flatnonzero(has[:-1] & has[1:])
    return float((reached[0] + 1) * width_s) if len(reached) else math.inf


def reads_until(rows: pd.DataFrame, time_s: float) -> int:
    """How many reads of a trial were due before a moment, s from its first."""
    return int((rows["due_ns"] - rows["due_ns"].min() < time_s * 1e9).sum())


def _of_cell(found: Measured, cell: Cell) -> Iterator[Finding]:
    asked = cell.asked
    if asked.empty:
        yield found.absent(cell, "final_hit_rate", "share", "higher", "no read asked the cache")
        return
    trials = [rows for _, rows in by_trial(asked)]
    came_to = stats.mean_of_trials([final(rows) for rows in trials])
    sentence = (
        f"{cell.about}, from empty: the hit rate came to {percent(came_to.value)} in the last quarter of a trial "
        f"({count(came_to.n, 'trial')}{span(came_to.low, came_to.high, percent)}; {found.on(cell)})."
    )
    yield found.tool.exempt(found.say(cell, "final_hit_rate", sentence, came_to, "share", "higher"), trials=cell.trials)
    for share in SHARES:
        times = [reached_s(rows, share) for rows in trials]
        lasted = [float((rows["due_ns"].max() - rows["due_ns"].min()) / 1e9) for rows in trials]
        ended = [time for time in times if math.isfinite(time)]
        unended = [last for time, last in zip(times, lasted, strict=True) if not math.isfinite(time)]
        time = stats.median_of_trials(ended, unended)
        reads = int(np.median([reads_until(rows, time) for rows, time in zip(trials, times, strict=True)]))
        sentence = (
            f"{cell.about}, from empty: {percent(share)} of the final hit rate of {percent(came_to.value)} was there after "
            f"{'more than ' if time.at_least else ''}{seconds(time.value)}, some {count(reads, 'read')} (median of {count(time.n, 'trial')}"
            f"{span(time.low, time.high, seconds)}; {found.on(cell)})."
        )
        finding = found.say(cell, f"to_{100 * share:g}_percent_s", sentence, time, "s", "lower")
        yield found.tool.exempt(finding, trials=cell.trials, figure_ms=1e3 * time.value)
