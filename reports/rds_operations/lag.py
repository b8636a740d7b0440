"""Replica lag: how old a row is where an asynchronous replica first shows it, by what is written beside."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from reports import stats
from reports.findings import Finding
from reports.rds_operations import latencies
from reports.rds_operations.arms import LAG, LAG_OP, WRITE
from reports.rds_operations.cells import Cell, Measured
from reports.stats import Interval
from reports.tool import Statistic
from reports.words import count, engine_name, milliseconds, number, span

PERCENTILES: Mapping[Statistic, float] = {"p50": 50.0, "p95": 95.0}


def findings(found: Measured, engine: str, *, opens: bool) -> Iterator[Finding]:
    """By rate of writes; the highest opens."""
    cells = found.where(engine, LAG)
    for cell in cells:
        beside = [one for one in cells if one is not cell] if cell is cells[-1] else []
        yield from _of_cell(found, cell, beside, opens=opens and cell is cells[-1])
        yield from latencies.findings(found, cell, (WRITE,), latencies.COARSE)


def seen(found: Measured, cell: Cell) -> dict[int, pd.DataFrame]:
    """The rows by trial that the replica has shown, with ``lag_ms``."""
    each = {trial: rows[rows["ok"] & (rows["lag_ns"] >= 0)] for trial, rows in found.of_op(cell, LAG_OP).items()}
    return {trial: rows.assign(lag_ms=rows["lag_ns"] / 1e6) for trial, rows in each.items() if len(rows)}


def unseen(found: Measured, cell: Cell) -> int:
    """Rows that the replica hadn't in time, or that couldn't be asked for."""
    return sum(len(rows) for rows in found.of_op(cell, LAG_OP).values()) - sum(map(len, seen(found, cell).values()))


def _of_cell(found: Measured, cell: Cell, beside: list[Cell], *, opens: bool) -> Iterator[Finding]:
    lags = {trial: rows["lag_ms"].to_numpy() for trial, rows in seen(found, cell).items()}
    if not lags:
        yield found.absent(cell, "lag_p50_ms", "ms", "the replica showed no row", op=LAG_OP, headline=opens)
        return
    total, never = sum(map(len, lags.values())), unseen(found, cell)
    without = f", {never:,} more weren't seen in time" if never else ""
    taken = stats.percentiles(list(lags.values()), list(PERCENTILES.values()))
    most = max(float(each.max()) for each in lags.values())
    for which, p in PERCENTILES.items():
        figure, lag, headline = f"lag_{which}_ms", taken.pooled[p], opens and which == "p50"
        if lag is None:
            reason = f"{count(total, 'row')} are too few or too alike: a {which} takes {stats.LEAST_SAMPLES[p]} independent ones"
            yield found.absent(cell, figure, "ms", reason, op=LAG_OP, headline=headline)
            continue
        others = f"{_tail(taken.pooled[95.0], most)}{_others(found, beside)}" if headline else ""
        sentence = (
            f"{cell.about}: a replica showed a row {milliseconds(lag.value)} after its statement at {which}{others} ({count(total, 'row')} in "
            f"{count(len(lags), 'trial')}{without}{span(lag.low, lag.high, milliseconds)}; {found.on(cell)})."
        )
        finding = found.say(cell, figure, sentence, lag, "ms", "lower", op=LAG_OP, headline=headline)
        yield found.tool.judged(finding, trials=lags, per_trial=taken.each[p], floor=None, statistic=which)
    sentence = (
        f"{cell.about}: the oldest row that a replica first showed was {milliseconds(most)} old ({count(total, 'row')} in "
        f"{count(len(lags), 'trial')}{without}; {found.on(cell)})."
    )
    largest = Interval(value=most, low=None, high=None, n=total, method="largest of the samples", at_least=never > 0)
    finding = found.say(cell, "lag_max_ms", sentence, largest, "ms", "lower", op=LAG_OP)
    yield found.tool.exempt(finding, trials=lags, figure_ms=most)


def _tail(p95: Interval | None, most: float) -> str:
    return f"{f', {milliseconds(p95.value)} at p95' if p95 else ''}, {milliseconds(most)} at most"


def _others(found: Measured, beside: list[Cell]) -> str:
    said = []
    for cell in beside:
        lags = [rows["lag_ms"].to_numpy() for rows in seen(found, cell).values()]
        if lags:
            rate = float(cell.params.get("writes_per_s") or 0)
            said.append(
                f"{milliseconds(float(np.median(np.concatenate(lags))))} with {number(rate) if rate else 'none'}"
            )
    return f"; at the median {', '.join(said)}" if said else ""


def title_of(engine: str, what: str) -> str:
    """A chart's title."""
    return f"{engine_name(engine)}, read replica: {what}"
