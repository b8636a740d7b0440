"""Downtime by client: a dot a trial, the median as a bar; a triangle where a client wasn't back within the cap."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reports.charts import INK, MUTED, new_panels, style
from reports.findings import Finding
from reports.rds_failover.arms import PROBES, READ, WRITE, client_row
from reports.rds_failover.cells import Case, Measured
from reports.rds_failover.charts.chosen import chart_id, rows, title, told
from reports.section import Chart
from reports.words import seconds

_ROW_INCHES, _AROUND_INCHES = 0.27, 0.62
_LEAST_TICKS, _MOST_TICKS = 3, 8


def charts(found: Measured, case: Case, findings: Sequence[Finding]) -> list[Chart]:
    """One a case."""
    table = _table(found, case)
    return [
        Chart(
            id=chart_id(case, "clients"), title=title(case, "how long each client was down"),
            caption="A dot is a trial, the upright bar the median over trials; a triangle points on where a client wasn't back within the "
            "cap. All clients of a trial watched the same failover. Logarithmic axis.",
            alt=told(findings, case, "client_ratio") or told(findings, case, "write_downtime_s"),
            table=table, draw=draw,
        )
    ]  # fmt: skip


def _table(found: Measured, case: Case) -> pd.DataFrame:
    made = [
        {
            "client": client_row(client), "down for": f"{PROBES[op]}s", "trial": watch.trial,
            "s": watch.outages[op].down_s, "back": watch.outages[op].ended,
        }
        for client in rows(found, case)
        for op in (WRITE, READ)
        for watch in found.of_client(case, client)
        if op in watch.outages
    ]  # fmt: skip
    return pd.DataFrame(made)


def draw(table: pd.DataFrame) -> Figure:
    """A panel for writes and one for reads, of those that there are; a row a client."""
    clients, kinds = list(dict.fromkeys(table["client"])), list(dict.fromkeys(table["down for"]))
    figure, panels = new_panels([_ROW_INCHES * len(clients) + 0.1] * len(kinds), around=_AROUND_INCHES)
    for axes, kind in zip(panels, kinds, strict=True):
        mine = table[table["down for"] == kind]
        for at, client in enumerate(clients):
            dots_of_row(axes, mine[mine["client"] == client], at, index=0 if at else 2)
        axes.set_yticks(range(len(clients)), clients)
        axes.set_ylim(len(clients) - 0.45, -0.55)
        axes.set_title(f"down for {kind}", loc="left", fontsize=9)
    for axes in panels:  # they share their limits
        seconds_axis(axes)
    panels[-1].set_xlabel("from the last answer before to the first after, logarithmic")
    figure.legend(handles=legend(), loc="outside upper left", ncols=3, fontsize=8.5)
    return figure


def dots_of_row(axes: Axes, trials: pd.DataFrame, at: int, *, index: int, marks: bool = True) -> None:
    """One row: its trials as dots, spread a little by turns; their median as a bar, and beside it as a figure."""
    if trials.empty:
        axes.annotate("–", (0.01, at), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8.5)
        return
    spread = at + 0.12 * np.array([(-1, 0, 1, 0)[place % 4] for place in range(len(trials))])
    back, color = trials["back"].to_numpy(dtype=bool), style(index)["color"]
    times = trials["s"].to_numpy()
    axes.plot(times[back], spread[back], "o", color=color, markersize=4.2, alpha=0.8, markeredgewidth=0)
    axes.plot(times[~back], spread[~back], ">", color=style(1)["color"], markersize=5.5, alpha=0.8, markeredgewidth=0)
    median = float(np.median(times))
    axes.plot([median] * 2, [at - 0.33, at + 0.33], color=INK, linewidth=1.8, solid_capstyle="butt")
    if marks:
        least = "≥ " if not back[np.argsort(times)][len(times) // 2] else ""
        axes.annotate(
            f"{least}{seconds(median)}", (1.01, at), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8.5,
            annotation_clip=False,
        )  # fmt: skip


def seconds_axis(axes: Axes) -> None:
    """A logarithmic axis of seconds that names its ticks in words; to be asked for once all is drawn."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    each = [base * 10.0**power for power in range(-4, 5) for base in (1, 2, 5) if low <= base * 10.0**power <= high]
    if len(each) < _LEAST_TICKS:  # a range too narrow for round numbers of one digit
        each = [float(tick) for tick in MaxNLocator(nbins=5).tick_values(low, high) if low <= tick <= high]
    ticks = each if len(each) <= _MOST_TICKS else [tick for tick in each if f"{tick:e}".startswith("1")]
    axes.set_xticks(ticks, [seconds(tick) for tick in ticks])
    axes.minorticks_off()


def legend() -> list[Line2D]:
    """What the marks mean."""
    return [
        Line2D([], [], marker="o", color=MUTED, linestyle="", markersize=4.5, label="a trial"),
        Line2D(
            [], [], marker=">", color=style(1)["color"], linestyle="", markersize=6, label="not back within the cap"
        ),
        Line2D([], [], marker="|", color=INK, linestyle="", markersize=10, markeredgewidth=1.8, label="median"),
    ]
