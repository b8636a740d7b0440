"""The chart of one figure over the runs: every run with its interval, the levels, change points, and what else changed where."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from reports.charts import INK, MUTED, new_axes, style
from reports.history.runs import name_of
from reports.history.trends import History, Trend
from reports.history.words import AGAINST, day, labels, levels, relative, what_changed
from reports.section import Chart

RUN, NAME, STARTED, LEVEL, STEP = "Run", "Name", "Started", "Level", "Manifest change"
_VALUE_AT = 3  # the columns Value, Low and High: their headings have the unit
_MOST_NUMBERS = 12  # changes of the manifest that have their number over the chart; of more only the marks


def chart(one: History, trend: Trend, number: int) -> Chart:
    """The trend as a chart; ``number`` tells it apart on its page. Changes of the manifest have the numbers of ``step_numbers``."""
    figure = trend.figure
    title = f"{figure.id}: {labels(figure)}" if figure.labels else figure.id
    return Chart(
        id=f"{one.series.scenario}-{number}",
        title=title,
        caption=_caption(trend),
        alt=_alt(one, trend, title),
        table=table(one, trend),
        draw=draw,
    )


def step_numbers(one: History) -> dict[int, int]:
    """The number of each change of the manifest, from 1, by the run it came with."""
    return {run: number for number, run in enumerate(sorted(one.steps), 1)}


def table(one: History, trend: Trend) -> pd.DataFrame:
    """A row for every run of the series; those without the figure are empty."""
    scale = 100 if trend.unit == "share" else 1
    unit = {"share": "%", "": "a number"}.get(trend.unit, trend.unit)
    points, level, steps = {point.run: point for point in trend.points}, _levels(trend), step_numbers(one)
    rows = []
    for place, run in enumerate(one.series.runs):
        point = points.get(place)
        bounds = (None, None, None) if point is None else (point.value, point.low, point.high)
        values = [None if bound is None else bound * scale for bound in bounds]
        at = level.get(place)
        rows.append(
            (place + 1, name_of(run), day(run), *values, None if at is None else at * scale, steps.get(place))
        )  # fmt: skip
    columns = [RUN, NAME, STARTED, f"Value, {unit}", f"Low, {unit}", f"High, {unit}", LEVEL, STEP]
    return pd.DataFrame(rows, columns=columns).astype({STEP: "Int64"})


def draw(rows: pd.DataFrame) -> Drawing:
    """Points with intervals, the levels as steps, a line where one ends, and marks where the manifest changed."""
    figure, axes = new_axes(height=3.2)
    value, low, high = (rows.columns[_VALUE_AT + offset] for offset in range(3))
    there = rows[rows[value].notna()]
    bounded = there[there[low].notna() & there[high].notna() & (there[low] < there[high])]
    look: dict[str, Any] = style(0)
    axes.vlines(
        bounded[RUN],
        bounded[low].astype(float),
        bounded[high].astype(float),
        color=look["color"],
        linewidth=1.6,
        alpha=0.55,
    )
    axes.plot(
        there[RUN],
        there[value].astype(float),
        linestyle="none",
        marker=look["marker"],
        markersize=5,
        color=look["color"],
        label="run, with its 95 % interval" if len(bounded) else "run",
    )
    _draw_levels(axes, there)
    _draw_steps(axes, rows)
    axes.set_xlabel("run, in the order they started")
    axes.set_ylabel(value.partition(", ")[2])
    axes.set_xlim(0.4, len(rows) + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.legend(loc="outside upper left", ncols=4, fontsize=8.5)
    return figure


def _draw_levels(axes: Axes, there: pd.DataFrame) -> None:
    """A level from its first run to its last; a change point is drawn between two runs."""
    segments = there.groupby((there[LEVEL] != there[LEVEL].shift()).cumsum())
    for index, (_, segment) in enumerate(segments):
        first, last = segment[RUN].iloc[0], segment[RUN].iloc[-1]
        level = float(segment[LEVEL].iloc[0])
        axes.plot(
            [first - 0.4, last + 0.4], [level, level], color=INK, linewidth=1.8, label="level" if index == 0 else None
        )
        if index:
            axes.axvline(
                first - 0.5,
                color=INK,
                linewidth=1.2,
                linestyle=(0, (5, 2)),
                label="change point" if index == 1 else None,
            )


def _draw_steps(axes: Axes, rows: pd.DataFrame) -> None:
    """Triangles at the foot, with their numbers at the head of the chart where there is room."""
    steps = rows[rows[STEP].notna()]
    if not len(steps):
        return
    foot = axes.get_xaxis_transform()
    axes.plot(
        steps[RUN] - 0.5, [0.03] * len(steps), transform=foot, linestyle="none", marker="^", markersize=7, color=style(1)["color"],
        label="the manifest changed", clip_on=False,
    )  # fmt: skip
    if len(steps) <= _MOST_NUMBERS:
        for _, row in steps.iterrows():
            axes.annotate(
                str(row[STEP]), (row[RUN] - 0.5, 0.03), xycoords=foot, textcoords="offset points", xytext=(6, 0), va="center",
                fontsize=8.5, color=MUTED,
            )  # fmt: skip


def _levels(trend: Trend) -> dict[int, float]:
    """The level at each run that has the figure."""
    edges = [0, *(change.at.index for change in trend.changes), len(trend.points)]
    means = [change.at.before for change in trend.changes[:1]] + [change.at.after for change in trend.changes]
    if not trend.changes and trend.points:
        means = [sum(point.value for point in trend.points) / len(trend.points)]
    return {
        point.run: mean
        for start, end, mean in zip(edges, edges[1:], means, strict=False)
        for point in trend.points[start:end]
    }


def _caption(trend: Trend) -> str:
    if not trend.tested:
        return "Too few runs have it to be tested."
    if not trend.changes:
        return "No change of its level was found."
    return " ".join(
        f"Run {change.run + 1}: {levels(trend, change)} ({relative(change)}). {AGAINST.capitalize()}: {what_changed(change)}."
        for change in trend.changes
    )


def _alt(one: History, trend: Trend, title: str) -> str:
    runs = f"{title}, over {len(one.series.runs)} runs"
    if not trend.changes:
        return f"{runs}: no change point."
    told = "; ".join(f"from {levels(trend, change)} at run {change.run + 1}" for change in trend.changes)
    return f"{runs}: {told}."
