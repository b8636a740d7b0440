"""Cached or not: hit rates and times as the cache, its keys and its values change, and what happens at its edges.

A room for each: ``arms`` the words, ``cells`` what was read, ``sizes`` and ``trips`` the cache that grows, ``against_theory``,
``steps``, ``warm_up``, ``stampede``, ``lost``, ``stale``, ``counters``, ``charts``, ``method``.
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from reports.cache_hit_rate import against_theory, lost, sizes, stale, stampede, steps, trips, warm_up
from reports.cache_hit_rate.arms import NAME, SIZE, TITLE
from reports.cache_hit_rate.cells import Cell, Measured
from reports.cache_hit_rate.charts import charts
from reports.cache_hit_rate.counters import counted_alike, miscounted
from reports.cache_hit_rate.method import method
from reports.findings import Finding
from reports.load import Run
from reports.section import Section
from reports.words import absent, troubles, why_absent

__all__ = ["NAME", "TITLE", "analyse"]

# part -> the figure that is missing where a cell of it wasn't measured, and its unit
_MAIN = {
    "trips": ("trip_us", "us"), "ttl": ("hit_rate", "share"), "skew": ("hit_rate", "share"), "write_share": ("hit_rate", "share"),
    "value_size": ("latency_mean_us", "us"), "policy": ("hit_rate", "share"), "warm_up": ("final_hit_rate", "share"),
    "stampede": ("queries_per_expiry", "queries"), "lost": ("error_share", "share"), "stale": ("stale_share", "share"),
}  # fmt: skip
_OF_SIZE = (
    ("break_even_hit_rate", "share"), ("hit_rate", "share"), ("latency_mean_us", "us"), ("latency_p95_us", "us"),
)  # fmt: skip


def analyse(run: Run) -> Section:
    """The section of cache_hit_rate."""
    found = Measured.of(run)
    made = [finding for tell in (_sizes, _parts) for engine in found.engines for finding in tell(found, engine)]
    findings = list(_each_part_once(made))
    measured = any(len(cell.rows) for cell in found.cells)
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=tuple(findings),
        charts=charts(found, findings) if measured else (),
        method=method(found) if measured else (),
        warnings=(*troubles(_unexpected(found)), *miscounted(found)),
        tool=found.tool.rows(findings),
    )


def _trips(found: Measured, engine: str) -> Iterator[Finding]:
    """E1 on rows that are alike."""
    alike = sizes.behind_alike(found, engine)
    if alike is not None:
        yield from trips.fitted(found, alike)


def _sizes(found: Measured, engine: str) -> Iterator[Finding]:
    """What opens the report: the cache that grows, where that was asked for; or that nothing came of this engine."""
    cells = [cell for cell in found.cells if cell.engine == engine]
    behind = sizes.behind(found, engine)
    if behind is not None:
        yield from (*sizes.findings(found, behind), *trips.findings(found, behind))
    elif any(cell.part == SIZE for cell in cells) or not any(len(cell.rows) for cell in cells):
        yield from _nothing(found, engine)


def _parts(found: Measured, engine: str) -> Iterator[Finding]:
    """All other parts, where the engine was measured at all."""
    cells = [cell for cell in found.cells if cell.engine == engine]
    if any(len(cell.rows) for cell in cells):
        yield counted_alike(found, engine)
        yield from _trips(found, engine)
        for room in (against_theory, steps, warm_up, stampede, lost, stale):
            yield from room.findings(found, engine)
        yield from (_missing(found, cell) for cell in cells if cell.part in _MAIN and not len(cell.rows))


def _missing(found: Measured, cell: Cell) -> Finding:
    id, unit = _MAIN[cell.part]
    return found.absent(cell, id, unit, "none", f"no {cell.arm} trial of step {cell.step} ran to its end")


def _each_part_once(findings: list[Finding]) -> Iterator[Finding]:
    """The break-even of each engine opens the report; any other part only once, whatever engines it was measured on."""
    seen = set()
    for finding in findings:
        part = finding.labels.get("part", SIZE)
        twice = finding.headline and part != SIZE and part in seen
        seen |= {part} if finding.headline else set()
        yield replace(finding, headline=False) if twice else finding


def _unexpected(found: Measured) -> pd.DataFrame:
    """Attempts without an answer, but for those of part ``lost``: their errors are a result."""
    faulted = {trial for cell in found.cells if cell.part == lost.PART for trial in cell.trials}
    return found.bad if found.bad.empty else found.bad[~found.bad["trial"].isin(faulted)]


def _nothing(found: Measured, engine: str) -> list[Finding]:
    """Of part size all its figures, else the main one of each part that was asked for; the first opens the report."""
    run, parts = found.run, found.asked(engine)
    reason = run.scenario(NAME).get("unavailable", {}).get(engine) or why_absent(run, NAME)
    ids = _OF_SIZE if SIZE in parts else [(f"{part}.{id}", unit) for part in parts for id, unit in (_MAIN[part],)]
    labels = {"engine": engine}
    return [
        absent(run, NAME, f"{NAME}.{engine}.{id}", unit, "none", reason, labels, headline=place == 0)
        for place, (id, unit) in enumerate(ids)
    ]
