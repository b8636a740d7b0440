"""The forest plot of the family: a row a figure, its interval against the margin that was declared for it."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from reports.charts import INK, new_axes
from reports.compare import told
from reports.compare.changes import Change
from reports.compare.charts.look import MARKS, change_axis, inside, log_of, reach, wrapped
from reports.records import Figure
from reports.section import Chart

_NAME, _WORD, _CHANGE, _LOW, _HIGH = "figure", "verdict", "change, %", "interval from, %", "to, %"
_DOWN, _UP, _AT, _SAID = "margin from, %", "margin to, %", "confidence, %", "change in words"
HOW_TO_READ = (
    "A row a figure: the change of the candidate against the base (of a share, of its odds), its interval, and shaded the margin within which a "
    "change is too small to matter. Wholly beyond the margin is a regression or an improvement, wholly inside is equivalent; "
    "an interval that has 0 in it and leaves the margin is inconclusive."
)


def forest(changes: Sequence[Change], names: dict[Figure, Figure], title: str, scenario: str | None) -> Chart | None:
    """The family as one chart; None where none of it can be drawn. Rows in the order given."""
    drawn = [change for change in changes if change.word != "not compared"]
    if not drawn:
        return None
    table = pd.DataFrame([_row(change, wrapped(names[change.figure], scenario)) for change in drawn])
    alt = " ".join(f"{names[change.figure]}: {told.effect(change)}, {change.word}." for change in drawn)
    return Chart(id="family", title=title, caption=HOW_TO_READ, alt=alt, table=table, draw=_draw)


def _row(change: Change, name: str) -> dict[str, object]:
    relative = change.relative
    effect, low, high = relative or (_point(change), None, None)
    ends = (None, None) if change.margin is None or change.scale == "difference" else (-change.margin, change.margin)
    return {
        _NAME: name,
        _WORD: change.word,
        _CHANGE: _percent(effect),
        _LOW: _percent(low),
        _HIGH: _percent(high),
        _DOWN: _percent(ends[0]),
        _UP: _percent(ends[1]),
        _AT: 100 * change.confidence,
        _SAID: told.effect(change),
    }


def _point(change: Change) -> float | None:
    """Where to draw a change that has no interval: a difference of 0 is none in per cent too, of another size that isn't known."""
    return None if change.scale == "difference" and change.effect != 0 else change.effect


def _percent(change: float | None) -> float:
    return math.nan if change is None else 100 * change


def _draw(table: pd.DataFrame) -> Drawing:
    lines = [str(name).count("\n") + 1 for name in table[_NAME]]
    figure, axes = new_axes(height=max(1.6, 0.75 + sum(0.2 + 0.13 * count for count in lines)))
    logs = table[[_CHANGE, _LOW, _HIGH, _DOWN, _UP]].map(log_of)
    ends = reach(logs[_CHANGE], logs[[_LOW, _HIGH]], logs[[_DOWN, _UP]])
    for place, (_, row) in enumerate(logs.iterrows()):
        word = str(table[_WORD].iloc[place])
        if np.isfinite(row[_UP]):
            axes.barh([place], [row[_UP] - row[_DOWN]], left=row[_DOWN], height=0.72, color=INK, alpha=0.09, zorder=1)
        if np.isnan(row[_CHANGE]):
            axes.annotate(str(table[_SAID].iloc[place]), (0, place), va="center", ha="center", fontsize=8.5)
            continue
        look = MARKS[word]
        if np.isfinite(row[_LOW]):
            bounds = [inside(row[_LOW], ends), inside(row[_HIGH], ends)]
            axes.plot(bounds, [place, place], color=look["color"], linewidth=1.8, zorder=2)
        axes.plot([inside(row[_CHANGE], ends)], [place], linestyle="", markersize=6.5, zorder=3, **look)
    axes.set_yticks(range(len(table)), table[_NAME])
    axes.set_ylim(len(table) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    change_axis(axes, ends, "change of the candidate against the base")
    right = axes.secondary_yaxis("right")
    said = zip(table[_WORD], table[_SAID], strict=True)
    right.set_yticks(range(len(table)), [f"{told.SHAPES[word]} {_short(word)}\n{change}" for word, change in said])
    right.tick_params(length=0, labelsize=8.5)
    right.spines["right"].set_visible(False)
    return figure


def _short(word: str) -> str:
    return word.replace(", size unresolved", ",\nsize unresolved")
