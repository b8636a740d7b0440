"""What several charts draw alike: a second scale, steps on a logarithmic axis, a point and its interval a row."""

from collections.abc import Callable, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes

from reports.charts.look import LOOK, style


def scaled_axis(axes: Axes, factor: float, label: str) -> Axes:
    """A second y axis on the right that reads ``factor`` times the first; to be asked for once all is drawn."""
    with mpl.rc_context(LOOK):
        right = axes.twinx()
        right.set_yscale(axes.get_yscale())
        low, high = axes.get_ylim()
        right.set_ylim(factor * low, factor * high)
        right.grid(visible=False)
        right.spines["right"].set_visible(True)
        right.set_ylabel(label)
    return right


def logarithmic(axes: Axes, steps: Sequence[float]) -> None:
    """A logarithmic x axis with a tick at each of ``steps`` and at nothing else."""
    axes.set_xscale("log")
    axes.set_xticks(list(steps), [f"{step:g}" for step in steps])
    axes.minorticks_off()


def points_by_row(
    axes: Axes, table: pd.DataFrame, column: str, bounds: tuple[str, str], show: Callable[[float], str],
    *, names: str = "arm", index: int = 0, marker: str = "o", offset: float = 0.0, bars: bool = False,
) -> None:  # fmt: skip
    """A point for each row of ``table``, its interval as a line, its figure beside it; one without a figure keeps its row.

    ``bars`` fills the way from 0 to the point: for axes that aren't logarithmic.
    """
    look = style(index)
    for row_at, (_, row) in enumerate(table.iterrows()):
        place, value, low, high = row_at + offset, row[column], row[bounds[0]], row[bounds[1]]
        if pd.isna(value):
            said = f"{column.split(',', maxsplit=1)[0]} –"
            axes.annotate(said, (0.01, place), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8.5)
            continue
        bounded = not pd.isna(low) and not pd.isna(high)
        if bars:
            axes.barh([place], [value], height=0.55, color=look["color"], alpha=0.4)
        if bounded:
            axes.plot([low, high], [place, place], color=look["color"], linewidth=1.6)
        axes.plot([value], [place], marker=marker, color=look["color"], markersize=6)
        axes.annotate(
            show(value), (max(value, high) if bounded else value, place), textcoords="offset points", xytext=(8, 0),
            va="center", fontsize=8.5,
        )  # fmt: skip
    axes.set_yticks(range(len(table)), table[names])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.margins(x=0.16)
