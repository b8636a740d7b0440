"""How long operations took in a cell, and how many times as long as in another cell of the same rounds."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from reports import stats
from reports.findings import Finding
from reports.rds_operations.cells import Cell, Measured
from reports.stats import Interval
from reports.tool import Statistic
from reports.words import count, milliseconds, number, span

PERCENTILES: Mapping[Statistic, float] = {"p50": 50.0, "p95": 95.0, "p99": 99.0}

COARSE: tuple[Statistic, ...] = ("p50", "p95")  # of trials that are short


def findings(
    found: Measured, cell: Cell, ops: Sequence[str], which: Sequence[Statistic] = tuple(PERCENTILES)
) -> Iterator[Finding]:
    """The percentiles of each operation that the cell has, from when it was due; of a closed loop from when it was sent."""
    for op in ops:
        answered = {trial: rows[rows["ok"]] for trial, rows in found.of_op(cell, op).items()}
        times = {trial: rows["ms"].to_numpy() for trial, rows in answered.items() if len(rows)}
        if times:
            yield from _percentiles(found, cell, op, times, which)


def _percentiles(
    found: Measured, cell: Cell, op: str, times: Mapping[int, stats.Numbers], wanted: Sequence[Statistic]
) -> Iterator[Finding]:
    taken = stats.percentiles(list(times.values()), [PERCENTILES[which] for which in wanted])
    total = sum(map(len, times.values()))
    for which in wanted:
        p = PERCENTILES[which]
        figure, time = f"latency_{which}_ms", taken.pooled[p]
        if time is None:
            reason = f"{count(total, op)} are too few or too alike: a {which} takes {stats.LEAST_SAMPLES[p]} independent ones"
            yield found.absent(cell, figure, "ms", reason, op=op)
            continue
        sentence = (
            f"{cell.about}: a {op} took {milliseconds(time.value)} at {which} ({count(total, op)} in "
            f"{count(len(times), 'trial')}{span(time.low, time.high, milliseconds)}; {cell.loop(op)} loop; {found.on(cell)})."
        )
        finding = found.say(cell, figure, sentence, time, "ms", "lower", op=op)
        yield found.tool.judged(
            finding, trials=times, per_trial=taken.each[p], floor=found.floor(cell, op), statistic=which
        )


def by_round(found: Measured, cell: Cell, op: str) -> dict[int, float]:
    """The median of each round, ms."""
    each = {cell.trials[trial]: rows.loc[rows["ok"], "ms"].to_numpy() for trial, rows in found.of_op(cell, op).items()}
    return {pair: float(np.median(ms)) for pair, ms in each.items() if len(ms)}


def ratio_of(cell: Mapping[int, float], base: Mapping[int, float]) -> Interval | None:
    """What ``cell`` has ÷ what ``base`` has, round by round; None where they share none."""
    both = sorted(cell.keys() & base.keys())
    if not both:
        return None
    ratio = stats.paired_ratio([base[pair] for pair in both], [cell[pair] for pair in both])
    return Interval(value=ratio.ratio, low=ratio.low, high=ratio.high, n=ratio.n, method="t on log ratios of rounds")


def of_rounds(ratio: Interval) -> str:
    """How many rounds it rests on, and its interval, or that there is none."""
    alone = ", too few to tell it from chance" if ratio.low is None else ""
    return f"{count(ratio.n, 'round')}{alone}{span(ratio.low, ratio.high)}"


def compared(
    found: Measured, cell: Cell, base: Cell, op: str, figure: str, words: tuple[str, str], *, headline: bool = False
) -> Finding | None:
    """How many times as long ``op`` took at the median as in ``base``; ``words`` are what goes on here, and there."""
    ours, theirs = by_round(found, cell, op), by_round(found, base, op)
    ratio = ratio_of(ours, theirs)
    if ratio is None:
        return None
    both = sorted(ours.keys() & theirs.keys())  # their geometric means have the ratio's own quotient
    here, there = (stats.geometric_mean_of_trials([each[pair] for pair in both]).value for each in (ours, theirs))
    sentence = (
        f"{cell.about.split(', ', 1)[0]}{_size(cell)}: a {op} took {number(ratio.value)} times as long {words[0]} as {words[1]}, "
        f"{milliseconds(here)} against {milliseconds(there)} (medians of rounds, paired, geometric means; {of_rounds(ratio)}; {found.on(cell)})."
    )
    finding = found.say(
        cell, figure, sentence, ratio, "ratio", "lower", op=op, headline=headline, about={"against": base.arm}
    )
    return found.tool.compared(finding, trials=[*cell.trials, *base.trials], figure_ms=min(here, there))


def _size(cell: Cell) -> str:
    return f", {int(cell.flights):,} flights" if cell.flights else ""
