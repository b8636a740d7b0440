"""Every figure of a scenario that was compared: a row an id, a mark a figure."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D

from reports.charts import new_axes
from reports.compare import told
from reports.compare.changes import Change
from reports.compare.charts.look import MARKS, change_axis, inside, log_of, reach, wrapped
from reports.records import Figure
from reports.section import Chart

_ID, _FIGURE, _CHANGE, _LOW, _HIGH, _WORD = "id", "figure", "change, %", "interval from, %", "to, %", "verdict"
HOW_TO_READ = (
    "A row an id, a mark for each of its figures: the change of the candidate against the base, with its interval where it has one. "
    "Marks at an end lie beyond it. Exploratory: at 95 %, one in twenty figures that are equal differs by chance."
)


def ratios(changes: Sequence[Change], names: dict[Figure, Figure], scenario: str, title: str) -> Chart | None:
    """All relative changes of one scenario; None where there is none."""
    rows = [_row(one, str(names[one.figure]), scenario) for one in changes if _effect(one) is not None]
    if not rows:
        return None
    table = pd.DataFrame(rows)
    counts = table[_WORD].value_counts()
    told_of = ", ".join(f"{counts[word]} {word}" for word in told.SHAPES if word in counts)
    alt = f"Of {len(table)} figures {told_of}. The largest change is {_largest(table)}."
    return Chart(id=f"{scenario}-ratios", title=title, caption=HOW_TO_READ, alt=alt, table=table, draw=_draw)


def _effect(change: Change) -> float | None:
    if change.effect is None:
        return None
    if change.relative is not None:
        return change.relative[0]
    return None if change.scale == "difference" else change.effect


def _row(change: Change, name: str, scenario: str) -> dict[str, object]:
    _, low, high = change.relative or (None, None, None)
    return {
        _ID: change.figure.id.removeprefix(f"{scenario}."),
        _FIGURE: name.removeprefix(f"{scenario}."),
        _CHANGE: 100 * (_effect(change) or 0.0),
        _LOW: math.nan if low is None else 100 * low,
        _HIGH: math.nan if high is None else 100 * high,
        _WORD: change.word,
    }


def _largest(table: pd.DataFrame) -> str:
    row = table.iloc[int(table[_CHANGE].map(log_of).abs().to_numpy().argmax())]
    return f"{told.percent(row[_CHANGE] / 100)}, {row[_FIGURE]}"


def _draw(table: pd.DataFrame) -> Drawing:
    ids = list(dict.fromkeys(table[_ID]))
    figure, axes = new_axes(height=1.1 + 0.34 * len(ids))
    logs = table[[_CHANGE, _LOW, _HIGH]].map(log_of)
    ends = reach(logs[_CHANGE], logs[[_LOW, _HIGH]])
    for place, id in enumerate(ids):
        those = np.flatnonzero((table[_ID] == id).to_numpy())
        for at, offset in zip(those, _offsets(len(those)), strict=True):
            look, row = MARKS[str(table[_WORD].iloc[at])], logs.iloc[at]
            if np.isfinite(row[_LOW]) and row[_LOW] < row[_HIGH]:
                bounds = [inside(row[_LOW], ends), inside(row[_HIGH], ends)]
                axes.plot(bounds, [place + offset] * 2, color=look["color"], linewidth=0.7, alpha=0.45)
            axes.plot([inside(row[_CHANGE], ends)], [place + offset], linestyle="", markersize=4.2, **look)
    axes.set_yticks(range(len(ids)), [wrapped(Figure(id), None) for id in ids])
    axes.set_ylim(len(ids) - 0.45, -0.55)
    change_axis(axes, ends, "change of the candidate against the base")
    there = [word for word in MARKS if word in set(table[_WORD])]
    handles = [Line2D([], [], linestyle="", markersize=5, label=word, **MARKS[word]) for word in there]
    figure.legend(handles=handles, loc="outside upper left", ncols=4)
    return figure


def _offsets(count: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Places within a row, so that marks of one value stay apart."""
    return np.linspace(-0.32, 0.32, count) if count > 1 else np.zeros(count)
