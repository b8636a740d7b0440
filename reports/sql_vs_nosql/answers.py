"""What one answer takes, cell by cell: time, round trips, units, processor time, bytes to and from the disk, hits."""

from collections.abc import Iterator

from reports import stats
from reports.findings import Finding
from reports.sql_vs_nosql.arms import KINDS, PATTERNS_PART, is_cached, is_sql
from reports.sql_vs_nosql.cells import Cell, Measured, positive
from reports.tool import Statistic
from reports.words import count, milliseconds, number, percent, span

PERCENTILES: tuple[tuple[float, Statistic], ...] = ((50.0, "p50"), (95.0, "p95"))


def findings(found: Measured) -> Iterator[Finding]:
    """All of every cell that has figures."""
    for cell in found.cells:
        yield from _latencies(found, cell)
        exempt = [*_round_trips(found, cell), *_units(found, cell), *_servers(found, cell), *_hits(found, cell)]
        yield from (found.tool.exempt(finding, trials=cell.trials) for finding in exempt)


def hit_rate(cell: Cell) -> stats.Interval | None:
    """The share of answers that came from the cache; None where there is none."""
    if not is_cached(cell.arm) or cell.rows.empty:
        return None
    hits = (cell.rows["served_from"] == "cache").groupby(cell.rows["trial"])
    return stats.share_of_trials(hits.sum().to_numpy(), hits.size().to_numpy())


def _on(found: Measured, cell: Cell, n: int, figure: stats.Interval) -> str:
    return f"({count(n, 'trial')}{span(figure.low, figure.high)}; {found.on(cell.arm)})"


def _latencies(found: Measured, cell: Cell) -> Iterator[Finding]:
    trials = cell.times_ms()
    times, of_trials = stats.percentiles(trials, [p for p, _ in PERCENTILES]), count(len(trials), "trial")
    labels = cell.labels
    floor = found.tool.floor(labels["client"], cell.pattern, labels) if cell.part == PATTERNS_PART else None
    for p, which in PERCENTILES:
        id, time, n = f"latency_{which}_ms", times.pooled[p], len(cell.rows)
        if time is None:
            reason = (
                f"{count(n, 'answer')} in {of_trials} are worth {times.worth:.0f} independent ones, and a {which} takes "
                f"{stats.LEAST_SAMPLES[p]}"
            )
            yield found.unknown(id, f"{cell.about}: no {which} can be given", reason, "ms", labels, n)
            continue
        sentence = (
            f"{cell.about}: {milliseconds(time.value)} at {which} (service time, closed loop, {count(time.n, 'answer')} in {of_trials}"
            f"{span(time.low, time.high, milliseconds)}; {found.on(cell.arm)})."
        )
        timed = found.measured(id, sentence, time, "ms", labels)
        yield found.tool.judged(timed, trials=cell.trials, per_trial=times.each[p], floor=floor, statistic=which)


def _round_trips(found: Measured, cell: Cell) -> Iterator[Finding]:
    figure = cell.means("round_trips")
    if figure is not None:
        trips = count(1, "round trip") if figure.value == 1 else f"{number(figure.value)} round trips"
        sentence = f"{cell.about}: {trips} an answer {_on(found, cell, figure.n, figure)}."
        yield found.measured("round_trips", sentence, figure, "round trips", cell.labels)


def _units(found: Measured, cell: Cell) -> Iterator[Finding]:
    """Each kind that is used; an index's part is in it."""
    for kind in KINDS:
        figure = cell.means(f"{kind}_units")
        if figure is not None and figure.value > 0:
            sentence = (
                f"{cell.about}: {number(figure.value)} {kind} units an answer {_on(found, cell, figure.n, figure)}."
            )
            yield found.measured("units_per_answer", sentence, figure, f"{kind} units", cell.labels | {"kind": kind})


def _servers(found: Measured, cell: Cell) -> Iterator[Finding]:
    """Processor time and bytes of each server."""
    for server in cell.servers:
        if not is_sql(cell.arm) and not server.startswith("cache"):
            continue
        costs, labels = cell.costs_of(server), cell.labels | {"server": server}
        whose = "the cache's" if server.startswith("cache") else "the server's"
        used = positive(stats.mean_of_trials([1e3 * cost.cpu_s / cost.answers for cost in costs]))
        coarse_ms = max(1e3 * cost.resolution_s / cost.answers for cost in costs)
        known = f", some of it known to {milliseconds(coarse_ms)} alone" if coarse_ms else ""
        sentence = (
            f"{cell.about}: {milliseconds(used.value)} of {whose} processor time an answer{known} ({count(used.n, 'trial')}"
            f"{span(used.low, used.high, milliseconds)}; {found.on(cell.arm)})."
        )
        yield found.measured("cpu_ms_per_answer", sentence, used, "ms", labels)
        moved = positive(stats.mean_of_trials([cost.io_bytes / cost.answers for cost in costs]))
        sentence = f"{cell.about}: {number(moved.value)} bytes read and written by {whose} processes an answer {_on(found, cell, moved.n, moved)}."
        yield found.measured("io_bytes_per_answer", sentence, moved, "bytes", labels)


def _hits(found: Measured, cell: Cell) -> Iterator[Finding]:
    rate = hit_rate(cell)
    if rate is not None:
        sentence = (
            f"{cell.about}: {percent(rate.value)} of {len(cell.rows):,} answers came from the cache, which is empty when a trial begins "
            f"({count(rate.n, 'trial')}{span(rate.low, rate.high, percent)}; {found.on(cell.arm)})."
        )
        yield found.measured("hit_rate", sentence, rate, "share", cell.labels, better="higher")


def absences(found: Measured) -> Iterator[Finding]:
    """What an arm can't, what it answered wrongly, and what was planned and not measured: never a zero."""
    for cell in found.planned:
        reason = found.why_wrong(cell) or (None if len(cell.rows) else "no trial ran to its end with a right answer")
        if reason is not None:
            yield from _nothing(found, cell.labels, cell.arm, reason)
    for (arm, pattern), why in found.cannot.items():
        labels = {"part": PATTERNS_PART, "pattern": pattern, "arm": arm}
        yield from _nothing(found, labels, arm, f"cannot: {why}")


def _nothing(found: Measured, labels: dict[str, str], arm: str, reason: str) -> Iterator[Finding]:
    cost = ("cpu_ms_per_answer", "ms") if is_sql(arm) else ("units_per_answer", "units")
    for id, unit in (("latency_p50_ms", "ms"), cost):
        yield found.absent(id, unit, reason, labels)
