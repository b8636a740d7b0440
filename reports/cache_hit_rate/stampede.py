"""Part ``stampede``: a hot key expires under many readers; what each strategy asks the database then, and how long readers wait."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports import stats
from reports.cache_hit_rate import figures
from reports.cache_hit_rate.arms import arm_words
from reports.cache_hit_rate.cells import Cell, Measured, clipped
from reports.findings import Finding
from reports.stats import Interval
from reports.words import count, engine_name, milliseconds, number, span

PART = "stampede"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """One trial: how often the key expired, the database's answers, and the longest read, ms."""

    expiries: int
    queries: int
    longest_ms: float


def findings(found: Measured, engine: str) -> list[Finding]:
    """Queries an expiry, p99 of all reads, and the longest one, of each strategy; lazy loading's opens."""
    cells = found.where(engine, PART)
    first = next((cell for cell in cells if cell.arm == "lazy"), None)
    return [finding for cell in cells for finding in _of_cell(found, cell, cells if cell is first else ())]


def expired(cell: Cell) -> list[Expired]:
    """One a trial; none where the plan doesn't say how often the key was to expire."""
    expiries = int(cell.params.get("expiries") or 0)
    if not expiries:
        return []
    return [
        Expired(
            expiries=expiries, queries=int(rows["asked_db"].sum()), longest_ms=float(rows["latency_us"].max()) / 1e3
        )
        for _, rows in cell.reads.groupby("trial")
    ]


def queries(trials: Sequence[Expired]) -> Interval:
    """Queries an expiry."""
    return clipped(stats.mean_of_trials([one.queries / one.expiries for one in trials]))


def _of_cell(found: Measured, cell: Cell, others: Sequence[Cell]) -> Iterator[Finding]:
    trials = expired(cell)
    if not trials:
        yield found.absent(
            cell, "queries_per_expiry", "queries", "lower", "how often the key was to expire wasn't recorded"
        )
    else:
        asked = queries(trials)
        counted = f"{sum(one.expiries for one in trials):,} expiries in {count(asked.n, 'trial')}"
        sentence = _headline(found, cell, others, asked, counted) or (
            f"{cell.about}: {number(asked.value)} database queries an expiry of a hot key "
            f"({counted}{span(asked.low, asked.high)}; {found.on(cell)})."
        )
        finding = found.say(cell, "queries_per_expiry", sentence, asked, "queries", "lower", headline=bool(others))
        yield found.tool.exempt(finding, trials=cell.trials)
    yield figures.percentile_ms(found, cell, cell.answered, "p99", "latency_p99_ms", "a read took")
    waits = [one.longest_ms for one in trials]
    if waits:
        wait = clipped(stats.mean_of_trials(waits))
        sentence = (
            f"{cell.about}: the longest read of a trial took {milliseconds(wait.value)} "
            f"({count(wait.n, 'trial')}{span(wait.low, wait.high, milliseconds)}; {found.on(cell)})."
        )
        finding = found.say(cell, "longest_ms", sentence, wait, "ms", "lower")
        yield found.tool.judged(finding, trials=cell.trials, per_trial=waits, floor=None, statistic="p99")


def _headline(found: Measured, cell: Cell, others: Sequence[Cell], asked: Interval, counted: str) -> str:
    """Lazy loading beside the cures; nothing where there are no others to tell of."""
    if not others:
        return ""
    cures = [(arm_words(one.arm), expired(one)) for one in others if one.arm != cell.arm]
    told = ", ".join(f"{name} {number(queries(trials).value)}" for name, trials in cures if trials)
    readers = cell.step.replace("_readers", " readers").replace("_", " ")
    return (
        f"When a hot key expired under {readers}, lazy loading asked {engine_name(cell.engine)} {number(asked.value)} times an expiry"
        f"{f'; {told}' if told else ''} ({counted}{span(asked.low, asked.high)}; {found.on(cell)})."
    )
