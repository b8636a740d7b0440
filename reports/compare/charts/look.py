"""What the charts of a comparison share: a marker and a colour for each verdict, and an axis of relative changes."""

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reports.charts import INK, MUTED, OKABE_ITO
from reports.compare import told
from reports.records import Figure

BLUE, ORANGE, GREEN = OKABE_ITO[0], OKABE_ITO[1], OKABE_ITO[2]
MARKS: Mapping[str, Mapping[str, Any]] = {
    "regression": {"marker": "^", "color": ORANGE},
    "worse, size unresolved": {"marker": "^", "color": ORANGE, "markerfacecolor": "none"},
    "improved": {"marker": "v", "color": GREEN},
    "better, size unresolved": {"marker": "v", "color": GREEN, "markerfacecolor": "none"},
    "equivalent": {"marker": "s", "color": BLUE},
    "inconclusive": {"marker": "o", "color": MUTED, "markerfacecolor": "none"},
    "no verdict": {"marker": ".", "color": MUTED},
}
_MOST = math.log(4)  # beyond a fourfold change an axis would hide all others
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # relative changes, 0.1 is 10 %
_STEPS = 4  # labels on each side of 0 that fit


def reach(logs: Any) -> float:
    """How far the axis goes on each side, in logarithms, so that all of ``logs`` are on it, up to a fourfold change."""
    finite = np.abs(np.asarray(logs, dtype=np.float64))
    finite = finite[np.isfinite(finite)]
    return float(min(_MOST, 1.12 * max(finite.max(initial=0.0), math.log1p(0.04))))


def change_axis(axes: Axes, most: float, label: str) -> None:
    """An x axis of logarithms of ratios, written as relative changes; 0 is drawn."""
    up = [change for change in _TICKS if math.log1p(change) <= most]
    down = [-change for change in _TICKS if change < 1 and -math.log1p(-change) <= most]
    if most <= math.log1p(0.08):
        up, down = ([sign * step for step in (0.01, 0.02, 0.04) if math.log1p(step) <= most] for sign in (1, -1))
    shown = [*_thinned(down)[::-1], 0.0, *_thinned(up)]
    axes.set_xticks([math.log1p(change) for change in shown], [told.percent(change) for change in shown])
    axes.set_xlim(-most, most)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1.5)
    axes.set_xlabel(label)


def inside(log: float, most: float) -> float:
    """Where to draw what lies beyond the axis: just within its end."""
    return max(-0.985 * most, min(0.985 * most, log))


def wrapped(figure: Figure, scenario: str | None, width: int = 38) -> str:
    """A figure's name in lines that fit beside a chart; without the scenario where that is said elsewhere."""
    id = figure.id.removeprefix(f"{scenario}.") if scenario else figure.id
    about = ", ".join(f"{name} {text}" for name, text in figure.labels)
    return "\n".join([id, *textwrap.wrap(about, width)])


def _thinned(changes: list[float]) -> list[float]:
    """At most so many ticks as fit, the outermost first."""
    step = math.ceil(len(changes) / _STEPS)
    return changes[::-1][:: max(1, step)][::-1]
