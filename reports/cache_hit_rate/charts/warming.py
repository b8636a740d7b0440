"""How the hit rate grows from an empty cache."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.cache_hit_rate.arms import NAME, step_words
from reports.cache_hit_rate.cells import Cell, Measured
from reports.cache_hit_rate.charts.tables import cells_of, named, told
from reports.cache_hit_rate.warm_up import BINS, PART, curve, final
from reports.charts import MUTED, new_axes, style
from reports.findings import Finding
from reports.samples import by_trial
from reports.section import Chart


def charts(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """One, where the part was measured."""
    cells = [cell for cell in cells_of(found, PART) if len(cell.asked)]
    if not cells:
        return []
    several = len({cell.engine for cell in cells}) > 1
    return [
        Chart(
            id=f"{NAME}-warm-up",
            title="Hit rate from an empty cache on",
            caption="Means over trials, by when a read was due. Thin lines: what the hit rate comes to, the last quarter of a trial.",
            alt=told(findings, PART, "to_90_percent_s"),
            table=pd.DataFrame([row for cell in cells for row in _rows(cell, several)]),
            draw=_draw,
        )
    ]


def _rows(cell: Cell, several: bool) -> Iterator[dict[str, object]]:
    trials = [rows for _, rows in by_trial(cell.asked)]
    curves = [curve(rows) for rows in trials]
    width_s = float(np.mean([width for width, _ in curves]))
    known = np.array([rates for _, rates in curves])
    counted = (~np.isnan(known)).sum(axis=0)
    rates = np.divide(np.nansum(known, axis=0), counted, out=np.full(BINS, np.nan), where=counted > 0)
    came_to = float(np.mean([final(rows) for rows in trials]))
    name = f"{step_words(PART, cell.step)}, {named(cell, several)}"
    for at, rate in enumerate(rates):
        yield {"cache": name, "s": (at + 0.5) * width_s, "hit rate, %": 100 * rate, "comes to, %": 100 * came_to}


def _draw(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.4)
    for index, (name, rows) in enumerate(table.groupby("cache", sort=False)):
        axes.plot(rows["s"], rows["hit rate, %"], label=str(name), **style(index) | {"marker": ""})
        axes.axhline(rows["comes to, %"].iloc[0], color=MUTED, linewidth=0.9)
    axes.set_ylim(0, 103)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds since the first read")
    axes.set_ylabel("hit rate, %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=8.5)
    return figure
