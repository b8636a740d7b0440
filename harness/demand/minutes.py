"""Rows of rates as units in each minute, with what is done about order, repetitions and gaps.

Ten million rows take up to 0.8 GB of memory while they are read, and some seconds.
"""

import numpy as np
import numpy.typing as npt

from harness.demand.rows import Rows
from harness.demand.trace import MOST_MINUTES
from harness.dynamodb.planner.model import Demand, Units
from harness.errors import UsageError

MOST_GAPS = 0.1
"""Share of its time for which a trace may have no row; more than that isn't a trace of it."""

_MINUTE_US = 60_000_000
_CHUNK_ROWS = 1 << 20


def by_minute(rows: Rows) -> tuple[Demand, list[str]]:
    """Rates that hold from their row to the next, as units in each minute; and what was done about order and gaps.

    The step of a trace is the middle one of the times between rows; the last row holds for one step. Where a row is
    missing the one before holds on, for at most a tenth of the time. Raises UsageError.
    """
    notes: list[str] = []
    if not len(rows.time_us):
        raise UsageError(f"{rows.name}: no rows; expected a demand of one minute or more")
    rows = _once(_in_order(rows, notes), notes)
    begins = rows.time_us
    lasts = np.diff(begins)
    middle = (len(lasts) - 1) // 2
    step_us = int(np.partition(lasts, middle)[middle]) if len(lasts) else _MINUTE_US
    if not len(lasts):
        notes.append("The only row is taken to hold for one minute.")
    if begins[-1] - begins[0] > MOST_MINUTES * _MINUTE_US:
        widest = int(lasts.argmax()) + 1
        raise UsageError(f"{rows.place(widest)}: the trace spans more than ten years; is a time wrong?")
    _gaps(rows, lasts, step_us, notes)
    lasts = np.append(lasts, step_us)
    start_us = int(begins[0]) // _MINUTE_US * _MINUTE_US
    minutes = -(-(int(begins[-1]) + step_us - start_us) // _MINUTE_US)
    read, write = np.zeros(minutes), np.zeros(minutes)
    for at in range(0, len(begins), _CHUNK_ROWS):
        part = slice(at, at + _CHUNK_ROWS)
        for units, rate in ((read, rows.read), (write, rows.write)):
            _spread(begins[part] - start_us, lasts[part], rate[part], units)
    if step_us > _MINUTE_US:
        notes.append(f"A row stands for {step_us / _MINUTE_US:g} minutes, whose demand is taken to be even.")
    return Demand(start_s=start_us // 1_000_000, read=read, write=write), notes


def _in_order(rows: Rows, notes: list[str]) -> Rows:
    if (rows.time_us[1:] >= rows.time_us[:-1]).all():
        return rows
    notes.append("Rows were put in the order of their times.")
    return rows.chosen(np.argsort(rows.time_us, kind="stable"))


def _once(rows: Rows, notes: list[str]) -> Rows:
    """Each time once: rows that say the same again are left out, rows that contradict each other refused."""
    again = np.flatnonzero(rows.time_us[1:] == rows.time_us[:-1]) + 1
    if not len(again):
        return rows
    first = again - 1
    differ = np.flatnonzero((rows.read[first] != rows.read[again]) | (rows.write[first] != rows.write[again]))
    if len(differ):
        at = int(again[differ[0]])
        raise UsageError(
            f"{rows.place(at)}: the time of {rows.place(at - 1)} again with another demand; "
            "add up or leave out what is there twice"
        )
    notes.append(f"{len(again):,} rows that repeat the one before were left out.")
    return rows.chosen(np.delete(np.arange(len(rows.time_us)), again))


def _gaps(rows: Rows, lasts: npt.NDArray[np.int64], step_us: int, notes: list[str]) -> None:
    missing = np.flatnonzero(lasts > 1.5 * step_us)
    if not len(missing):
        return
    gap_us = int((lasts[missing] - step_us).sum())
    share = gap_us / int(lasts.sum() + step_us)
    widest = int(missing[lasts[missing].argmax()])
    where, apart = rows.place(widest + 1), f"{lasts[widest] / 60e6:g} minutes after the row before"
    if share > MOST_GAPS:
        raise UsageError(
            f"{where}: {apart}, where rows are {step_us / 60e6:g} apart; for {100 * share:.0f} % of the time there is no row, "
            f"more than {100 * MOST_GAPS:.0f} %: fill the gaps, with 0 where nothing was asked"
        )
    notes.append(
        f"{len(missing):,} gap{'' if len(missing) == 1 else 's'}, {100 * share:.2f} % of the time: the row before holds on "
        f"(the widest: {where}, {apart})."
    )


def _spread(begins_us: npt.NDArray[np.int64], lasts_us: npt.NDArray[np.int64], rates: Units, units: Units) -> None:
    """Add to each minute's units rates that begin and last so long: the minute begun, whole minutes, the minute ended."""
    ends_us = begins_us + lasts_us
    first, last = begins_us // _MINUTE_US, ends_us // _MINUTE_US
    head_s = (np.minimum(ends_us, (first + 1) * _MINUTE_US) - begins_us) / 1e6
    _add(units, first, rates * head_s)
    whole = np.maximum(last - first - 1, 0)
    if whole.any():
        offsets = np.arange(int(whole.sum())) - np.repeat(np.cumsum(whole) - whole, whole)
        _add(units, np.repeat(first + 1, whole) + offsets, np.repeat(rates * 60.0, whole))
    tails = np.flatnonzero((last > first) & (ends_us > last * _MINUTE_US))
    _add(units, last[tails], rates[tails] * (ends_us[tails] - last[tails] * _MINUTE_US) / 1e6)


def _add(units: Units, minutes: npt.NDArray[np.int64], more: Units) -> None:
    """Add figures to their minutes, of which several may be the same."""
    if len(minutes):
        begin = int(minutes.min())
        sums = np.bincount(minutes - begin, weights=more)
        units[begin : begin + len(sums)] += sums
