"""What each retry policy served, how many attempts it took, and how long."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.capacity_modes.samples import NAME
from reports.capacity_modes.told import Told, chosen
from reports.charts import PAPER, new_rows, style
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
    figure, (top, middle, bottom) = new_rows(3, height_each=1.9)
    names = [f"{policy},\n{kind}s" for policy, kind in zip(table["policy"], table["kind"], strict=True)]
    place = np.arange(len(table))
    for axes, column, index in ((top, "served, %", 2), (middle, "attempts a request", 1)):
        _bars(axes, place, table[column], color=style(index)["color"], width=0.5)
        axes.set_ylabel(column.replace(" a ", "\na "))
    bottom.set_yscale("log")
    for shift, column, index, hatch in ((-0.2, "p50, service s", 0, ""), (0.2, "p99, service s", 3, "///")):
        look = {"color": style(index)["color"], "width": 0.36, "hatch": hatch, "edgecolor": PAPER}
        _bars(bottom, place + shift, table[column], label=column.split(",")[0], **look)
    bottom.margins(y=0.4)
    bottom.set_ylabel("latency,\nservice s")
    bottom.legend(loc="upper left", ncols=2, fontsize=8.5)
    bottom.set_xticks(place, names)
    return figure


def _bars(axes: Axes, place: npt.NDArray[Any], heights: "pd.Series[float]", **look: Any) -> None:
    """Bars with their figures above them; a dash where there is none."""
    bars = axes.bar(place, heights.fillna(0), **look)
    figures = [number(value) if np.isfinite(value) else "–" for value in heights]
    axes.bar_label(bars, labels=figures, fontsize=7.5, padding=1)
    axes.margins(y=0.25)
