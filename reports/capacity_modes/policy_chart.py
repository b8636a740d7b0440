"""What each retry policy served, how many attempts it took, and how long."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.capacity_modes.samples import NAME
from reports.capacity_modes.told import Told, chosen
from reports.charts import new_rows, style
from reports.section import Chart
from reports.words import number

_COLUMNS = {
    "served_share": ("served, %", 100.0),
    "attempts_per_request": ("attempts a request", 1.0),
    "latency_p50_s": ("p50, service s", 1.0),
    "latency_p99_s": ("p99, service s", 1.0),
}


def policy_charts(told: Sequence[Told], headline: str) -> list[Chart]:
    """The chart of the policies, where they were measured."""
    those = [one for one in chosen(told, part="policy") if len(one.cell.ops)]
    if not those:
        return []
    return [
        Chart(
            id=f"{NAME}-policy",
            title="Retries on a table that refuses: served, attempts, latency of what was served",
            caption="Latency counts from when a request was due to the end of its last attempt, pauses included, of requests that were "
            "served in the end; a dash where they were too few.",
            alt=headline,
            table=pd.DataFrame([_row(one) for one in sorted(those, key=lambda one: one.cell.kind)]),
            draw=_draw,
        )
    ]


def _row(one: Told) -> dict[str, object]:
    row: dict[str, object] = {"policy": one.cell.arm, "kind": one.cell.kind}
    for what, (column, factor) in _COLUMNS.items():
        finding = one.get(what)
        row[column] = np.nan if finding is None or finding.value is None else factor * finding.value
    return row


def _draw(table: pd.DataFrame) -> Figure:
    figure, (top, middle, bottom) = new_rows(3)
    names = [f"{policy},\n{kind}s" for policy, kind in zip(table["policy"], table["kind"], strict=True)]
    place = np.arange(len(table))
    for axes, column, index in ((top, "served, %", 2), (middle, "attempts a request", 1)):
        bars = axes.bar(place, table[column], color=style(index)["color"], width=0.5)
        axes.bar_label(bars, labels=[number(value) if np.isfinite(value) else "–" for value in table[column]])
        axes.margins(y=0.25)
        axes.set_ylabel(column.replace(" a ", "\na "))
    for shift, column, index in ((-0.2, "p50, service s", 0), (0.2, "p99, service s", 3)):
        times = table[column].fillna(0)
        bars = bottom.bar(place + shift, times, color=style(index)["color"], width=0.36, label=column.split(",")[0])
        bottom.bar_label(bars, labels=[number(value) if np.isfinite(value) else "–" for value in table[column]])
    bottom.set_yscale("log")
    bottom.margins(y=0.25)
    bottom.set_ylabel("latency,\nservice s")
    bottom.legend(loc="upper left", ncols=2)
    bottom.set_xticks(place, names)
    return figure
