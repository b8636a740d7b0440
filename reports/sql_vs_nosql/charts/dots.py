"""A row a pattern, a mark an arm, its interval as a line, on a logarithmic axis: time of an answer, and processor time."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import new_axes
from reports.findings import Finding
from reports.section import Chart
from reports.sql_vs_nosql.arms import ARMS, NAME, PATTERNS_PART, is_cached, is_sql, server_of
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.charts.looked_up import figures, found_of, look, told

_P50, _CPU = "p50, ms", "processor time, ms"
_ROW_INCHES = 0.44


def latency(found: Measured, findings: Sequence[Finding]) -> Chart | None:
    """All patterns and arms without a cache."""
    rows = []
    for cell in found.where(PATTERNS_PART):
        if not is_cached(cell.arm) and (p50 := found_of(findings, "latency_p50_ms", cell)) is not None:
            p95 = found_of(findings, "latency_p95_ms", cell)
            about = {"pattern": cell.pattern, "arm": cell.arm, "flights": cell.flights}
            rows.append(
                about | figures(p50, _P50) | {"p95, ms": p95 and p95.value, "floor, ms": p50.tool and p50.tool.floor, "answers": len(cell.rows)}
            )  # fmt: skip
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return Chart(
        id=f"{NAME}-latency", title="Time of an answer, by pattern and store", caption="Service time at the median, closed loop, logarithmic axis; a line is the 95 % "
        "interval, where there are trials enough. On one machine: the twin's times aren't the service's.",
        alt=_spread(table, _P50), table=table, draw=partial(_draw, column=_P50, label="service time at the median, ms"),
    )  # fmt: skip


def processor_time(found: Measured, findings: Sequence[Finding]) -> Chart | None:
    """What an answer costs a SQL server; the table has disk bytes, and the cached arms with their cache."""
    rows = []
    for cell in found.where(PATTERNS_PART):
        if not is_sql(cell.arm):
            continue
        cpu = found_of(findings, "cpu_ms_per_answer", cell, server=server_of(cell.arm))
        moved = found_of(findings, "io_bytes_per_answer", cell, server=server_of(cell.arm))
        caches = [
            found_of(findings, "cpu_ms_per_answer", cell, server=one) for one in cell.servers if one.startswith("cache")
        ]
        if cpu is not None:
            rows.append(
                {"pattern": cell.pattern, "arm": cell.arm, "flights": cell.flights} | figures(cpu, _CPU)
                | {"disk bytes": moved and moved.value, "cache's processor time, ms": sum(one.value or 0.0 for one in caches if one) if caches else None}
            )  # fmt: skip
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return Chart(
        id=f"{NAME}-server", title="What an answer costs the server: processor time", caption="Of the whole process tree, on this machine's cores, logarithmic axis; no line where the interval reaches 0. "
        "In the table: arms behind a cache with what the cache uses, and bytes read and written.",
        alt=told(findings, "cpu_ms_per_answer"), table=table,
        draw=lambda every: _draw(every[[not is_cached(arm) for arm in every["arm"]]], column=_CPU, label="processor time an answer, ms"),
    )  # fmt: skip


def _spread(table: pd.DataFrame, column: str) -> str:
    said = []
    for pattern, rows in table.groupby("pattern", sort=False):
        ascending = rows.sort_values(column)
        first, last = ascending.iloc[0], ascending.iloc[-1]
        said.append(f"{pattern}: {first['arm']} {first[column]:.3g} ms to {last['arm']} {last[column]:.3g} ms")
    return f"Fastest and slowest: {'; '.join(said)}."


def _draw(table: pd.DataFrame, *, column: str, label: str) -> Figure:
    patterns, arms = list(dict.fromkeys(table["pattern"])), [arm for arm in ARMS if arm in set(table["arm"])]
    figure, axes = new_axes(height=1.1 + _ROW_INCHES * len(patterns))
    for index, arm in enumerate(arms):
        mine = table[table["arm"] == arm]
        places = [patterns.index(one) + 0.15 * (index - (len(arms) - 1) / 2) for one in mine["pattern"]]
        shown = dict(look(arm)) | {"linestyle": ""}
        axes.plot(mine[column], places, label=ARMS[arm], **shown)
        for place, low, high in zip(places, mine[f"{column}, low"], mine[f"{column}, high"], strict=True):
            if not pd.isna(low) and not pd.isna(high) and low > 0:
                axes.plot([low, high], [place, place], color=shown["color"], linewidth=1.3)
    axes.set_yticks(range(len(patterns)), patterns)
    axes.set_ylim(len(patterns) - 0.45, -0.55)
    axes.set_xscale("log")
    axes.set_xlabel(label)
    figure.legend(loc="outside upper left", ncols=3, fontsize=8.5)
    return figure
