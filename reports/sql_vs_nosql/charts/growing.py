"""The same questions of tables that grow: time of an answer and dollars of a million of them, a panel a pattern, both axes logarithmic."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import logarithmic, new_panels
from reports.findings import Finding
from reports.section import Chart
from reports.sql_vs_nosql.arms import ARMS, GROWTH, NAME, arm_words
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.charts.looked_up import figures, found_of, look, told
from reports.sql_vs_nosql.growth import Of, exponent

_P50, _USD = "p50, ms", "USD a million"


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """Time, then dollars."""
    rows = []
    for cell in found.where(GROWTH):
        of: Of = "units" if cell.arm == "dynamodb" else "cpu"
        cells = found.where(GROWTH, cell.pattern, cell.arm)
        times, costs = (exponent(cells, "latency"), exponent(cells, of)) if len(cells) > 1 else (None, None)
        about: dict[str, Any] = {"pattern": cell.pattern, "arm": cell.arm, "flights": cell.flights}
        rows.append(
            about | figures(found_of(findings, "latency_p50_ms", cell), _P50) | {"exponent of time": times and times.value}
            | figures(found_of(findings, "usd_per_million_answers", cell), _USD) | {"exponent of units or processor time": costs and costs.value}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    if table.empty or table["flights"].nunique() < 2:
        return
    said = told(findings, "growth_exponent")
    for column, id, title, label in (
        (_P50, "growth", "Time of an answer while the table grows", "p50, ms"),
        (_USD, "growth-usd", "Dollars of a million answers while the table grows", "USD a million"),
    ):
        if table[column].notna().any():
            yield Chart(
                id=f"{NAME}-{id}", title=title, caption="The questions stay the same. Both axes are logarithmic: a line that rises with exponent 1 grows as the table "
                "does, a level one doesn't grow.",
                alt=said, table=table, draw=partial(_draw, column=column, label=label),
            )  # fmt: skip


def _draw(table: pd.DataFrame, *, column: str, label: str) -> Figure:
    known = table.dropna(subset=[column])
    patterns = list(dict.fromkeys(known["pattern"]))
    figure, panels = new_panels([1.35] * len(patterns), around=0.3)
    named: dict[str, Any] = {}
    for axes, pattern in zip(panels, patterns, strict=True):
        for arm in ARMS:
            mine = known[(known["pattern"] == pattern) & (known["arm"] == arm)]
            if len(mine):
                (named[arm],) = axes.plot(mine["flights"], mine[column], **look(arm))
        axes.set_yscale("log")
        axes.set_ylabel(label)
        axes.set_title(pattern, loc="left", fontsize=9)
    logarithmic(panels[-1], sorted(known["flights"].unique()))
    panels[-1].set_xticks(sorted(known["flights"].unique()), [f"{one:,}" for one in sorted(known["flights"].unique())])
    panels[-1].set_xlabel("flights in the table")
    figure.legend(
        list(named.values()), [arm_words(arm) for arm in named], loc="outside upper left", ncols=3, fontsize=8.5
    )
    return figure
