"""How charts look: axes to draw on, and styles told apart without colour.

Black is ink and white is paper: in an SVG both follow the page, so that a chart reads in light and in dark. Figures are
made without pyplot; nothing global is set.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#000000"
PAPER = "#ffffff"
MUTED = "#808080"  # legible on white and on near-black alike: helper lines, notes, what cannot carry a conclusion

# Okabe and Ito's palette without its black (ink) and its yellow (unreadable on white), most distinct first.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LINES: tuple[Any, ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.2, 1.6)),
    (0, (6, 1.6, 1.2, 1.6)),
    (0, (8, 3)),
    (0, (3, 1, 1, 1, 1, 1)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P")

# DejaVu comes with matplotlib, so text is measured alike everywhere; pages show a narrower system font in its place.
LOOK: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.limits": (-5, 7),
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
}


def new_axes(width: float = 7.2, height: float = 3.6) -> tuple[Figure, Axes]:
    """An empty figure of ``width`` × ``height`` inches and its axes, transparent, with a faint grid."""
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.add_subplot()


def new_rows(rows: int, width: float = 7.2, height_each: float = 1.7) -> tuple[Figure, list[Axes]]:
    """An empty figure of ``rows`` axes above each other, from the top, that share their x axis."""
    return new_panels([height_each] * rows, width)


def new_panels(
    heights: Sequence[float], width: float = 7.2, *, around: float = 0.0, share_x: bool = True
) -> tuple[Figure, list[Axes]]:
    """The same with a height of its own, in inches, for each of the axes, and ``around`` each for what stands outside them.

    ``share_x`` false: each has its own x axis.
    """
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(width, sum(heights) + around * len(heights)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(heights), sharex=share_x, squeeze=False, height_ratios=list(heights))
        return figure, list(axes[:, 0])


def style(index: int) -> dict[str, Any]:
    """Keyword arguments of ``Axes.plot`` for series ``index``: colour, dashes and marker differ; six, then again."""
    at = index % len(OKABE_ITO)
    return {
        "color": OKABE_ITO[at],
        "linestyle": _LINES[at],
        "linewidth": 1.8,
        "marker": _MARKERS[at],
        "markersize": 5.0,
    }
