"""Figures as bytes that repeat: SVG that follows its page, PNG on white.

The same figure gives the same bytes in every process: what matplotlib's layout engine comes to differs in its last digits from one
process to another, and the ids that it makes of places differ wholly then. Places are rounded, and layout is over.
"""

import base64
import hashlib
import io
import re
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation
from PIL import Image

from reports.charts.look import LOOK, PAPER
from reports.charts.slim import slim

_SVG: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "dbharness", "svg.image_inline": True}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_PNG_DPI, _INLINE_DPI = 200, 150
_COLOURS = 256  # as many as a PNG has in its palette
_PLACES = 5  # digits of a place on the figure that are kept, of its width or height


def to_svg(figure: Figure, title: str, description: str) -> str:
    """``figure`` as one inline ``<svg>`` that follows the page's colours; the same figure gives the same bytes.

    ``title`` and ``description`` are plain text for who cannot see it. Ids are made unique by a digest of the content.
    """
    _settle(figure)
    buffer = io.StringIO()
    with mpl.rc_context(LOOK | _SVG):
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
        f"{slim(_follow_page(_own_ids(body, prefix)))}</svg>"
    )


def to_png(figure: Figure, dpi: int = _PNG_DPI) -> bytes:
    """``figure`` as a PNG on white, for what can't show vectors; the same figure gives the same bytes."""
    _settle(figure)
    buffer = io.BytesIO()
    with mpl.rc_context(LOOK):
        figure.savefig(buffer, format="png", dpi=dpi, facecolor=PAPER, metadata={"Software": None})
    return buffer.getvalue()


def to_png_data_uri(figure: Figure) -> str:
    """The same in a ``data:`` address, for charts too dense to be drawn in vectors.

    Its colours are the nearest of a palette, which nobody sees (they differ by 1 in 5,000 of their range in the mean) and which takes a
    third of the room.
    """
    whole = Image.open(io.BytesIO(to_png(figure, _INLINE_DPI))).convert("RGB")
    buffer = io.BytesIO()
    whole.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


class _PlainLog(LogFormatterSciNotation):
    """Labels the ticks matplotlib would, as 1,000 for 10³: a raised exponent falls apart in another font."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:,.10g}" if super().__call__(x, pos) else ""


def _settle(figure: Figure) -> None:
    """Dress it, lay it out and keep it so: a figure that was settled once stays as it is."""
    _dress(figure)
    if figure.get_layout_engine() is not None:
        with mpl.rc_context(LOOK):
            figure.draw_without_rendering()
        figure.set_layout_engine(None)
    for axes in figure.axes:
        left, bottom, width, height = (round(float(place), _PLACES) for place in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


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
    """Only ids that something refers to are kept, as numbers under a prefix: several charts share one page."""
    used = dict.fromkeys(re.findall(r'(?:url\(#|href="#)([^")]+)', body))
    own = {id: f"{prefix}-{number}" for number, id in enumerate(used, 1)}
    body = re.sub(r'\sid="([^"]*)"', lambda found: f' id="{own[found[1]]}"' if found[1] in own else "", body)
    return re.sub(r'(url\(#|href="#)([^")]+)', lambda found: found[1] + own[found[2]], body)


def _follow_page(body: str) -> str:
    """Ink, paper and font become the page's own; matplotlib's style rule for ``*`` goes: it would restyle the page."""
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = body.replace("#000000", "currentColor").replace("#ffffff", "var(--paper, #fff)")
    body = re.sub(r"font-family: [^;\"]*(; )?", "", body)
    return re.sub(r"\s*\n\s*", "\n", body)
