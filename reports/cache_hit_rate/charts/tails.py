"""Reads beyond the median: through caches of every size percentile by percentile, and over time while the cache is lost."""

from collections.abc import Sequence

import numpy as np

from reports.cache_hit_rate import sizes
from reports.cache_hit_rate.arms import FAULTS, NAME, arm_words
from reports.cache_hit_rate.cells import Cell, Measured
from reports.cache_hit_rate.charts.tables import cells_of
from reports.cache_hit_rate.lost import PART, faulted
from reports.charts.heatmap import Panel, latency_heatmap
from reports.charts.percentiles import Distribution, percentile_plot
from reports.findings import Finding
from reports.samples import by_trial
from reports.section import Chart
from reports.words import engine_name, microseconds, percent


def by_size(found: Measured) -> list[Chart]:
    """One for each engine whose cache grew."""
    made = []
    for engine in found.engines:
        one = sizes.behind(found, engine)
        if one is None:
            continue
        arms = [("without a cache", one.bare)]
        arms += [(f"cache of {percent(float(share))}", one.lazy[one.lazy["step"] == share]) for share in one.shares()]
        made.append(
            percentile_plot(
                [
                    Distribution(name=name, trials=[reads["service_us"].to_numpy() for _, reads in by_trial(rows)])
                    for name, rows in arms
                ],
                id=f"{NAME}-{engine}-percentiles", title=f"Read of {engine_name(engine)} through a cache, percentile by percentile",
                what="service time of a read, closed loop", unit="µs", show=microseconds,
                caption="Where hits end, a line climbs from what the cache takes to what a miss takes.",
            )
        )  # fmt: skip
    return [chart for chart in made if chart is not None]


def over_time(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """The first fault of FAULTS that was measured, as the headline has it; a panel a client, aligned on the fault."""
    cells = [cell for cell in cells_of(found, PART) if faulted(found, cell)]
    fault = next(
        (fault for fault in [*FAULTS, *(cell.step for cell in cells)] if any(c.step == fault for c in cells)), None
    )
    mine = [cell for cell in cells if cell.step == fault and cell.engine == cells[0].engine]
    if fault is None:
        return []
    told = [
        one
        for one in findings
        if one.id.endswith(f".{PART}.error_share") and one.labels["step"] == fault and one.headline
    ]
    repaired_s = float(
        np.mean([(one.repaired_ns - one.injected_ns) / 1e9 for cell in mine for one in faulted(found, cell)])
    )
    chart = latency_heatmap(
        [_panel(found, cell) for cell in mine], id=f"{NAME}-lost-time",
        title=f"{FAULTS[fault][1] if fault in FAULTS else fault}: every read, over time", what="latency from due", unit="ms",
        clock="seconds since the fault", alt=" ".join(one.sentence for one in told), shaded_s=(0.0, repaired_s),
        caption="Shaded: from the fault to its repair.",
    )  # fmt: skip
    return [] if chart is None else [chart]


def _panel(found: Measured, cell: Cell) -> Panel:
    trials = faulted(found, cell)
    each = [(one.reads, one.injected_ns) for one in trials]
    at_s = np.concatenate([(reads["due_ns"].to_numpy() - at_ns) / 1e9 for reads, at_ns in each])
    latency = np.concatenate(
        [(reads["latency_us"] / 1e3).where(reads["outcome"] == "ok").to_numpy() for reads, _ in each]
    )
    outcomes = np.concatenate([reads["outcome"].to_numpy(dtype=object) for reads, _ in each])
    return Panel(
        name=arm_words(cell.arm), at_s=at_s, latency=latency, troubles=np.where(outcomes == "ok", "", outcomes)
    )
