"""How charts look: axes to draw on, styles told apart without colour, and bytes that repeat.

Black is ink and white is paper: in an SVG both follow the page, so that a chart reads in light and in dark. Figures are
made without pyplot; nothing global is set.
"""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

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
_LOOK: dict[Any, Any] = {
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
_SVG: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "dbharness", "svg.image_inline": True}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_PNG_DPI = 200


def new_axes(width: float = 7.2, height: float = 3.6) -> tuple[Figure, Axes]:
    """An empty figure of ``width`` × ``height`` inches and its axes, transparent, with a faint grid."""
    with mpl.rc_context(_LOOK):
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
    with mpl.rc_context(_LOOK):
        figure = Figure(figsize=(width, sum(heights) + around * len(heights)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(heights), sharex=share_x, squeeze=False, height_ratios=list(heights))
        return figure, list(axes[:, 0])


def scaled_axis(axes: Axes, factor: float, label: str) -> Axes:
    """A second y axis on the right that reads ``factor`` times the first; to be asked for once all is drawn."""
    with mpl.rc_context(_LOOK):
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


def to_svg(figure: Figure, title: str, description: str) -> str:
    """``figure`` as one inline ``<svg>`` that follows the page's colours; the same figure gives the same bytes.

    ``title`` and ``description`` are plain text for who cannot see it. Ids are made unique by a digest of the content.
    """
    _dress(figure)
    buffer = io.StringIO()
    with mpl.rc_context(_LOOK | _SVG):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
    raw = buffer.getvalue()
    body = raw[raw.index(">", raw.index("<svg")) + 1 : raw.rindex("</svg>")]
    prefix = "c" + hashlib.sha256(f"{title}\0{description}\0{body}".encode()).hexdigest()[:8]
    box = re.search(r'viewBox="([^"]+)"', raw)
    assert box, "matplotlib wrote an SVG without a viewBox"
    width, height = box[1].split()[2:]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{box[1]}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="{prefix}-title {prefix}-desc" '
        f'font-family="{_FONT}" fill="currentColor" stroke-linejoin="round" stroke-linecap="butt">'
        f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-desc">{escape(description)}</desc>'
        f"{_follow_page(_own_ids(body, prefix))}</svg>"
    )


def to_png(figure: Figure, dpi: int = _PNG_DPI) -> bytes:
    """``figure`` as a PNG on white, for what can't show vectors; the same figure gives the same bytes."""
    _dress(figure)
    buffer = io.BytesIO()
    with mpl.rc_context(_LOOK):
        figure.savefig(buffer, format="png", dpi=dpi, facecolor=PAPER, metadata={"Software": None})
    return buffer.getvalue()


def to_png_data_uri(figure: Figure) -> str:
    """The same in a ``data:`` address, for charts too dense to be drawn in vectors."""
    return "data:image/png;base64," + base64.b64encode(to_png(figure)).decode()


class _PlainLog(LogFormatterSciNotation):
    """Labels the ticks matplotlib would, as 1,000 for 10³: a raised exponent falls apart in another font."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:,.10g}" if super().__call__(x, pos) else ""


def _dress(figure: Figure) -> None:
    """What drawing set by matplotlib's defaults: a legend's panel is white at 80 %, which hides ink in the dark."""
    for legend in [*(axes.get_legend() for axes in figure.axes), *figure.legends]:
        if legend is not None:
            legend.set_frame_on(False)
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if type(axis.get_major_formatter()) is LogFormatterSciNotation:
            axis.set_major_formatter(_PlainLog())
        if type(axis.get_minor_formatter()) is LogFormatterSciNotation:
            axis.set_minor_formatter(_PlainLog(labelOnlyBase=False))


def _own_ids(body: str, prefix: str) -> str:
    """Only ids that something refers to are kept, under a prefix: several charts share one page."""
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', body))

    def keep(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    body = re.sub(r'\sid="([^"]*)"', keep, body)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", body)


def _follow_page(body: str) -> str:
    """Ink, paper and font become the page's own; matplotlib's style rule for ``*`` goes: it would restyle the page."""
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = body.replace("#000000", "currentColor").replace("#ffffff", "var(--paper, #fff)")
    body = re.sub(r"font-family: [^;\"]*(; )?", "", body)
    return re.sub(r"\n\s*", "\n", body)
