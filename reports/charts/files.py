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

from reports.charts.look import LOOK, PAPER

_SVG: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "dbharness", "svg.image_inline": True}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_PNG_DPI, _INLINE_DPI = 200, 150
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
        f"{_follow_page(_slim(_own_ids(body, prefix)))}</svg>"
    )


def to_png(figure: Figure, dpi: int = _PNG_DPI) -> bytes:
    """``figure`` as a PNG on white, for what can't show vectors; the same figure gives the same bytes."""
    _settle(figure)
    buffer = io.BytesIO()
    with mpl.rc_context(LOOK):
        figure.savefig(buffer, format="png", dpi=dpi, facecolor=PAPER, metadata={"Software": None})
    return buffer.getvalue()


def to_png_data_uri(figure: Figure) -> str:
    """The same in a ``data:`` address, for charts too dense to be drawn in vectors."""
    return "data:image/png;base64," + base64.b64encode(to_png(figure, _INLINE_DPI)).decode()


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
    return re.sub(r"\s*\n\s*", "\n", body)


def _slim(body: str) -> str:
    """Without groups that say nothing, and with places to a hundredth of a point: half of what matplotlib writes is neither."""
    kept, opened = [], []
    for piece in re.split(r"(<g\b[^>]*>|</g>)", body):
        if piece == "<g/>":
            continue
        if piece.startswith("<g") and not piece.endswith("/>"):
            opened.append(piece != "<g>")
        said = opened.pop() if piece == "</g>" else piece != "<g>"
        if said:
            kept.append(piece)
    places = re.compile(r'( (?:d|x|y|transform)=")([^"]*)')
    return places.sub(lambda found: found[1] + re.sub(r"-?\d+\.\d{3,}", _hundredth, found[2]), "".join(kept))


def _hundredth(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
