"""Cached against uncached: the same questions of a store and of the store behind a cache, an arrow from the one to the other."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import new_axes, style
from reports.findings import Finding
from reports.section import Chart
from reports.sql_vs_nosql.answers import hit_rate
from reports.sql_vs_nosql.arms import NAME, PATTERNS_PART, is_cached, plain, server_of
from reports.sql_vs_nosql.cells import Cell, Measured
from reports.sql_vs_nosql.charts.looked_up import figures, found_of
from reports.words import milliseconds, percent

_BARE, _CACHED, _HITS = "without, p50 ms", "with cache, p50 ms", "hits"


def chart(found: Measured, findings: Sequence[Finding]) -> Chart | None:
    """None where no pair of arms was measured."""
    rows = []
    for cell in found.where(PATTERNS_PART):
        bare = found.cell(cell.pattern, plain(cell.arm)) if is_cached(cell.arm) else None
        times = [found_of(findings, "latency_p50_ms", one) for one in (bare, cell) if one is not None]
        if bare is not None and all(times):
            rows.append(_row(bare, cell, times))
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return Chart(
        id=f"{NAME}-cached", title="With a cache in front, and without", caption="Time at the median, logarithmic axis: hollow without a cache, filled behind one that is empty when a trial "
        "begins; beside it the share of hits. Where a store answers as fast as the cache, a cache adds the trips of its misses.",
        alt=_conclusion(table), table=table, draw=_draw,
    )  # fmt: skip


def _row(bare: Cell, cell: Cell, times: Sequence[Finding | None]) -> dict[str, Any]:
    rate = hit_rate(cell)
    row: dict[str, Any] = {"pattern": cell.pattern, "store": plain(cell.arm)}
    row |= figures(times[0], _BARE) | figures(times[1], _CACHED) | {_HITS: rate and rate.value}
    for name, one in (("without", bare), ("with cache", cell)):
        cpu = one.cpu_s() if server_of(one.arm) != "dynamodb" else None
        row[f"{name}, server's processor time ms"] = cpu and 1e3 * cpu.value
        units = one.means("read_units")
        row[f"{name}, read units"] = units and units.value
    return row


def _conclusion(table: pd.DataFrame) -> str:
    faster = int((table[_CACHED] < table[_BARE]).sum())
    return f"Behind a cache, {faster} of {len(table)} pairs of pattern and store were faster at the median."


def _draw(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=1.2 + 0.27 * len(table))
    plain_look, cached_look = style(1), style(0)
    for at, (_, row) in enumerate(table.iterrows()):
        axes.plot([row[_BARE], row[_CACHED]], [at, at], color=cached_look["color"], linewidth=1.2, alpha=0.6)
        axes.plot(
            [row[_BARE]],
            [at],
            "o",
            color=plain_look["color"],
            fillstyle="none",
            markersize=6,
            label="without a cache" if at == 0 else None,
        )
        axes.plot(
            [row[_CACHED]],
            [at],
            "o",
            color=cached_look["color"],
            markersize=6,
            label="behind a cache" if at == 0 else None,
        )
        axes.annotate(
            f"{percent(row[_HITS])} hits, {milliseconds(row[_CACHED])}", (1.01, at), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8,
            annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks(range(len(table)), [f"{row['pattern']}, {row['store']}" for _, row in table.iterrows()])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlabel("service time at the median, ms")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8.5)
    return figure
