"""Parts ``write_share``, ``value_size`` and ``policy``: hit rate and times step by step, and sets that a full cache refused."""

from collections.abc import Iterator

import numpy as np

from reports import stats
from reports.cache_hit_rate import figures
from reports.cache_hit_rate.cells import Cell, Measured
from reports.findings import Finding
from reports.words import count, engine_name, microseconds, percent, span

PARTS = ("write_share", "value_size", "policy")
TRAP = "volatile-lru"  # what ElastiCache has unless it is set (E4)


def findings(found: Measured, engine: str) -> list[Finding]:
    """Every cell of these parts; E4's trap first."""
    cells = [cell for part in PARTS for cell in found.where(engine, part)]
    return [*_trap(found, engine), *(finding for cell in cells for finding in _of_cell(found, cell))]


def refused(cell: Cell) -> float:
    """The share of reads whose value a full cache refused to keep."""
    return float(cell.refused.mean())


def _of_cell(found: Measured, cell: Cell) -> Iterator[Finding]:
    if cell.hit_rate() is not None:
        yield figures.hit_rate(found, cell)
    yield figures.mean_us(found, cell, cell.answered, "read")
    yield figures.percentile_us(found, cell, "p95")
    if len(cell.writes):
        yield figures.mean_us(found, cell, cell.writes, "write")
    if cell.part == "policy" and (cell.arm, cell.step) != ("lazy", TRAP):
        yield _refused(found, cell)


def _refused(found: Measured, cell: Cell, told: str = "", *, headline: bool = False) -> Finding:
    oom = cell.refused
    share = figures.share_of(oom, cell.reads["trial"])
    sentence = told or (
        f"{cell.about}: the cache refused to keep what was loaded in {percent(share.value)} of {len(oom):,} reads (OOM; "
        f"{count(share.n, 'trial')}{span(share.low, share.high, percent)}; {found.on(cell)})."
    )
    finding = found.say(cell, "oom_share", sentence, share, "share", "lower", headline=headline)
    return found.tool.exempt(finding, trials=cell.trials)


def _trap(found: Measured, engine: str) -> Iterator[Finding]:
    """What ElastiCache's default does with keys that have no TTL, beside what the cures do."""
    cell = _cell(found, engine, TRAP, "lazy")
    if cell is None:
        return
    share, oom = refused(cell), cell.refused
    interval = figures.share_of(oom, cell.reads["trial"])
    if share:
        opens = (
            f"Under volatile-lru, ElastiCache's default, keys without a TTL are never evicted: the cache in front of "
            f"{engine_name(engine)} filled up and refused (OOM) what was loaded in {percent(share)} of {len(oom):,} reads"
        )
    else:
        opens = f"Under volatile-lru the cache in front of {engine_name(engine)} refused nothing in {len(oom):,} reads, so it wasn't full"
    cures = [
        (_cell(found, engine, TRAP, "lazy_ttl"), "with a TTL"),
        (_cell(found, engine, "allkeys-lru", "lazy"), "under allkeys-lru"),
    ]
    others = [f"{how} {_outcome(one)}" for one, how in cures if one is not None]
    sentence = (
        f"{opens} ({count(interval.n, 'trial')}{span(interval.low, interval.high, percent)}; {found.on(cell)}): {_outcome(cell)}"
        f"{''.join(f', {other}' for other in others)}."
    )
    yield _refused(found, cell, sentence, headline=True)


def _cell(found: Measured, engine: str, step: str, arm: str) -> Cell | None:
    return next((cell for cell in found.where(engine, "policy", step) if cell.arm == arm), None)


def _outcome(cell: Cell) -> str:
    rate = cell.hit_rate()
    hits = "no hits" if rate is None else f"{percent(rate.value)} hits"
    mean_us = stats.mean_of_trials([float(np.mean(times)) for times in cell.times_us(cell.answered)]).value
    return f"{hits} and a mean read of {microseconds(mean_us)}"
