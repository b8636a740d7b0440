"""Snapshots: how long one takes and how long a restore, against the size of the data, and what clients notice meanwhile."""

from collections.abc import Iterator, Sequence

from reports import stats
from reports.findings import Finding
from reports.outage import longest_outage
from reports.rds_operations import growth, latencies
from reports.rds_operations.arms import CREATE, READ, RESTORE, SNAPSHOTS, WRITE
from reports.rds_operations.cells import Cell, Event, Measured, counted
from reports.words import count, engine_name, number, seconds, span

FIGURES = {CREATE: ("snapshot", "a snapshot"), RESTORE: ("restore", "a restore from a snapshot")}


def findings(found: Measured, engine: str, *, opens: bool) -> Iterator[Finding]:
    """Size by size, then how it grows; the snapshot of the most data opens where no other part does."""
    for arm, (figure, what) in FIGURES.items():
        cells = found.where(engine, SNAPSHOTS, arm)
        for cell in cells:
            yield from _took(found, cell, figure, headline=opens and arm == CREATE and cell is cells[-1])
            yield from latencies.findings(found, cell, (READ, WRITE), latencies.COARSE)
            yield from stalls(found, cell)
        each = {cell.step: _by_trial(found, cell) for cell in cells}
        if cells and (grown := growth.exponent(found, cells, f"{figure}_growth_exponent", what, each)):
            yield grown


def made(found: Measured, cell: Cell) -> list[Event]:
    """What was noted of each snapshot that was made, or restored."""
    return [one for one in found.events_of(cell, "snapshot") if one["operation"] == cell.arm]


def unequal(restored: Sequence[Event]) -> int:
    """Restores that aren't what the snapshot was made of."""
    return sum(not one["rows_equal"] for one in restored)


def wrong(found: Measured) -> Iterator[str]:
    """What shouldn't be: a restored instance with other rows."""
    for engine in found.engines:
        for cell in found.where(engine, SNAPSHOTS, RESTORE):
            restored = made(found, cell)
            if unequal(restored):
                words = dict.fromkeys(str(word) for one in restored for word in one["unlike"])
                yield f"{engine_name(engine)}, {int(cell.flights):,} flights: {_unlike(restored)}: {', '.join(words)}."


def _by_trial(found: Measured, cell: Cell) -> dict[int, float]:
    return {int(one["trial"]): float(one["seconds"]) for one in made(found, cell)}


def _took(found: Measured, cell: Cell, figure: str, *, headline: bool) -> Iterator[Finding]:
    noted = made(found, cell)
    if not noted:
        yield found.absent(cell, f"{figure}_s", "s", "none was made", headline=headline)
        return
    took = stats.median_of_trials([float(one["seconds"]) for one in noted])
    size = stats.median_of_trials([float(one["bytes"]) for one in noted])
    where = f"{engine_name(cell.engine)}, {int(cell.flights):,} flights"
    what = {
        CREATE: f"a snapshot of {number(size.value / 1e6)} MB took {seconds(took.value)}, for which the server stood still",
        RESTORE: f"a second instance restored from a snapshot of {number(size.value / 1e6)} MB answered after {seconds(took.value)}",
    }[cell.arm]
    equal = f"; {_unlike(noted)}" if cell.arm == RESTORE else ""
    sentence = f"{where}: {what} (median, {count(took.n, 'trial')}{span(took.low, took.high, seconds)}{equal}; {found.on(cell)})."
    finding = found.say(cell, f"{figure}_s", sentence, took, "s", "lower", headline=headline)
    yield found.tool.exempt(finding, trials=cell.trials, figure_ms=1e3 * took.value)
    if cell.arm == CREATE:
        sentence = f"{where}: a snapshot has {number(size.value / 1e6)} MB (median of {count(size.n, 'snapshot')}; {found.on(cell)})."
        yield found.say(cell, "snapshot_bytes", sentence, size, "bytes", "lower")
    else:
        sentence = f"{where}: {_unlike(noted)} (every table's checksum, and the ledger; {found.on(cell)})."
        yield found.say(cell, "unequal_restores", sentence, counted(unequal(noted), len(noted)), "restores", "lower")


def _unlike(restored: Sequence[Event]) -> str:
    n = len(restored)
    if not unequal(restored):
        return f"all rows of {'the restore' if n == 1 else f'all {n:,} restores'} are the snapshot's"
    return f"{unequal(restored):,} of {count(n, 'restore')} had other rows than their snapshot"


def stalls(found: Measured, cell: Cell) -> Iterator[Finding]:
    """The longest time without an answer, of reads and of writes, while it was done."""
    for op in (READ, WRITE):
        gaps: list[float] = []
        open_: list[float] = []
        for trial, rows in found.rows.items():
            began_ns = found.at_ns(trial, "operation_began")
            mine = rows[rows["op"] == op]
            if trial not in cell.trials or began_ns is None or mine.empty:
                continue
            outage = longest_outage(mine, after_ns=began_ns)
            (gaps if outage.ended else open_).append(outage.down_s)
        if not gaps and not open_:
            continue
        longest = stats.median_of_trials(gaps, open_)
        sentence = (
            f"{cell.about}: {op}s were without an answer for {'at least ' if longest.at_least else ''}{seconds(longest.value)} at the longest "
            f"(median, {count(longest.n, 'trial')}{span(longest.low, longest.high, seconds)}; one was due every "
            f"{seconds(1 / float(cell.params[f'{op}s_per_s']))}; {found.on(cell)})."
        )
        finding = found.say(cell, "stall_s", sentence, longest, "s", "lower", op=op)
        yield found.tool.exempt(finding, trials=cell.trials, figure_ms=1e3 * longest.value)
