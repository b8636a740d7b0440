"""What the charts of a comparison share: a marker and a colour for each verdict, and an axis of relative changes."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
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
_MOST = math.log(200)  # beyond a change of so many times an axis would hide all others
# An interval wider than this is drawn to the axis's end, unless the changes themselves go further.
_WIDEST = math.log(4)
_LEAST = math.log1p(0.04)
# Ratios with a tick, where there is room: the first of them before the others.
_RATIOS = (
    1.0, 2.0, 0.5, 10.0, 0.1, 1.1, 0.9, 5.0, 0.2, 100.0, 0.01, 1.2, 0.8, 1.5, 0.7, 1.05, 0.95, 3.0, 0.33, 20.0, 0.05, 50.0, 0.02, 1.02, 0.98, 1.01, 0.99,
)  # fmt: skip
_APART = 0.15  # of the axis, from one label to the next


def reach(changes: Any, intervals: Any = (), margins: Any = ()) -> tuple[float, float]:
    """Where the axis ends, in logarithms: all changes and margins are on it, and of intervals what isn't too wide."""
    wide = np.clip(_finite(intervals), -_WIDEST, _WIDEST)
    logs = np.clip(np.concatenate([_finite(changes), wide, 1.4 * _finite(margins)]), -_MOST, _MOST)
    low, high = float(logs.min(initial=-_LEAST)), float(logs.max(initial=_LEAST))
    room = 0.06 * (high - low)
    return low - room, high + room


def change_axis(axes: Axes, ends: tuple[float, float], label: str) -> None:
    """An x axis of logarithms of ratios, written as relative changes; 0 is drawn."""
    shown = ticks([math.log(ratio) for ratio in _RATIOS], ends, _APART)
    axes.set_xticks(shown, [told.percent(round(math.expm1(log), 6)) for log in shown])
    axes.set_xlim(*ends)
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1.5)
    axes.set_xlabel(label)


def ticks(places: Sequence[float], ends: tuple[float, float], apart: float) -> list[float]:
    """Those of ``places`` within ``ends`` that stand ``apart`` of the axis from each other, an earlier one before a later."""
    low, high = ends
    shown: list[float] = []
    for place in places:
        if low <= place <= high and all(abs(place - other) >= apart * (high - low) for other in shown):
            shown.append(place)
    return sorted(shown)


def inside(log: float, ends: tuple[float, float]) -> float:
    """Where to draw what lies beyond the axis: just within its end."""
    low, high = ends
    edge = 0.012 * (high - low)
    return max(low + edge, min(high - edge, log))


def log_of(change: float) -> float:
    """Of a change in per cent, the logarithm of its ratio; NaN of NaN."""
    return math.nan if not np.isfinite(change) else math.log1p(max(change / 100, -0.999_999))


def _finite(logs: Any) -> npt.NDArray[np.float64]:
    data = np.asarray(logs, dtype=np.float64).ravel()
    return data[np.isfinite(data)]


def wrapped(figure: Figure, scenario: str | None, width: int = 36) -> str:
    """A figure's name in lines that fit beside a chart; without the scenario where that is said elsewhere."""
    id = figure.id.removeprefix(f"{scenario}.") if scenario else figure.id
    about = ", ".join(f"{name} {text}" for name, text in figure.labels)
    at_dots = textwrap.wrap(id.replace(".", ". "), width, break_long_words=False)
    return "\n".join([*(line.replace(". ", ".") for line in at_dots), *textwrap.wrap(about, width)])
