"""Part ``stampede``: a hot key expires under many readers; what each strategy asks the database then, and how long readers wait."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reports import stats
from reports.cache_hit_rate import figures
from reports.cache_hit_rate.arms import NAME, arm_words
from reports.cache_hit_rate.cells import Cell, Measured, clipped
from reports.findings import Finding
from reports.samples import by_trial
from reports.stats import Interval
from reports.words import count, engine_name, milliseconds, number, span

PART = "stampede"
EVENT = "expiry"  # its ``t_ns``, until when its loads were over (``settled_ns``), and their number (``queries``)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """One trial: the loads that each expiry of the key caused, early ones included, and how long the reads took, µs, that were in
    flight from any expiry until its loads were over.
    """

    queries: tuple[int, ...]
    times_us: stats.Numbers


def findings(found: Measured, engine: str) -> list[Finding]:
    """Queries an expiry, and p99 and the longest of the reads in flight then, of each strategy; lazy loading's opens."""
    cells = found.where(engine, PART)
    first = next((cell for cell in cells if cell.arm == "lazy"), None)
    return [finding for cell in cells for finding in _of_cell(found, cell, cells if cell is first else ())]


def expired(found: Measured, cell: Cell) -> list[Expired]:
    """One a trial whose expiries were recorded."""
    made = []
    for trial, rows in by_trial(cell.reads):
        ends = [event for event in found.run.events_of(NAME, EVENT) if event["trial"] == trial]
        if ends:
            in_flight = [(rows["t_end"] >= event["t_ns"]) & (rows["t_start"] <= event["settled_ns"]) for event in ends]
            times_us = rows.loc[np.logical_or.reduce(in_flight), "latency_us"].to_numpy()
            made.append(Expired(queries=tuple(int(event["queries"]) for event in ends), times_us=times_us))
    return made


def queries(trials: Sequence[Expired]) -> Interval:
    """Queries an expiry."""
    return clipped(stats.mean_of_trials([float(np.mean(one.queries)) for one in trials]))


def _of_cell(found: Measured, cell: Cell, others: Sequence[Cell]) -> Iterator[Finding]:
    trials = expired(found, cell)
    if not trials:
        yield found.absent(cell, "queries_per_expiry", "queries", "lower", "no expiry was recorded")
    else:
        asked = queries(trials)
        expiries = sum(len(one.queries) for one in trials)
        counted = f"{expiries:,} {'expiry' if expiries == 1 else 'expiries'} in {count(asked.n, 'trial')}"
        sentence = _headline(found, cell, others, asked, counted) or (
            f"{cell.about}: {number(asked.value)} database {'query' if asked.value == 1 else 'queries'} an expiry of a hot key"
            f"{_apart(trials)}{_refreshed(cell)} ({counted}{span(asked.low, asked.high)}; {found.on(cell)})."
        )
        finding = found.say(cell, "queries_per_expiry", sentence, asked, "queries", "lower", headline=bool(others))
        yield found.tool.exempt(finding, trials=cell.trials)
    p99_ms = [figures.seen_p99_ms(one.times_us) for one in trials]
    yield figures.seen_p99(found, cell, p99_ms, "of the reads in flight until an expiry was over")
    waits = [float(np.max(one.times_us)) / 1e3 for one in trials if len(one.times_us)]
    if waits:
        wait = clipped(stats.mean_of_trials(waits))
        sentence = (
            f"{cell.about}: the longest read of a trial's expiries took {milliseconds(wait.value)} "
            f"({count(wait.n, 'trial')}{span(wait.low, wait.high, milliseconds)}; {found.on(cell)})."
        )
        finding = found.say(cell, "longest_ms", sentence, wait, "ms", "lower")
        yield found.tool.judged(finding, trials=cell.trials, per_trial=waits, floor=None, statistic="p99")


def _headline(found: Measured, cell: Cell, others: Sequence[Cell], asked: Interval, counted: str) -> str:
    """Lazy loading beside the cures; nothing where there are no others to tell of."""
    if not others:
        return ""
    cures = [(arm_words(one.arm), expired(found, one)) for one in others if one.arm != cell.arm]
    told = ", ".join(f"{name} {number(queries(trials).value)}{_apart(trials)}" for name, trials in cures if trials)
    readers = cell.step.replace("_readers", " readers").replace("_", " ")
    return (
        f"When a hot key expired under {readers}, lazy loading asked {engine_name(cell.engine)} {number(asked.value)} times an expiry"
        f"{_apart(expired(found, cell))}{f'; {told}' if told else ''} ({counted}{span(asked.low, asked.high)}; {found.on(cell)})."
    )


def _apart(trials: Sequence[Expired]) -> str:
    """The least and the most of any expiry, where these differ: a mean of 1 and 539 is neither."""
    every = [count_ for one in trials for count_ in one.queries]
    least, most = min(every), max(every)
    return "" if least == most else f" ({least:,} to {most:,})"


def _refreshed(cell: Cell) -> str:
    """XFetch refreshes the earlier the longer the last load took: where that is a good part of the TTL, almost at once."""
    loads_ns, ttl_s = cell.reads["db_ns"].dropna(), float(cell.params.get("ttl_s") or 0)
    if cell.arm != "xfetch" or loads_ns.empty or not ttl_s:
        return ""
    return (
        f", whose loads took up to {milliseconds(float(loads_ns.max()) / 1e6)} of a TTL of {milliseconds(1e3 * ttl_s)}"
    )
