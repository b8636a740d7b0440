"""What every page is made with: the templates, the style sheet, how figures are written and charts are drawn."""

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from reports import charts
from reports.render import figures
from reports.section import Chart

TABLE_ROWS = 200  # a chart's table shows so many; a page of thousands serves nobody, and the samples have all
_TEMPLATES = Path(__file__).parent / "templates"
_SVG, _STYLE = re.compile(r"<svg\b.*?</svg>", re.DOTALL), re.compile(r' style="([^"&<]*)"')
_log = logging.getLogger(__name__)


def environment(*more: Path) -> Environment:
    """Templates of ``templates/`` and of the folders ``more``; a page extends ``page.html.j2`` and takes parts from ``macros.html.j2``.

    What is written into a page is escaped, and a name that nobody gave is an error.
    """
    made = Environment(
        loader=FileSystemLoader([_TEMPLATES, *more]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(
        css=Markup((_TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        figures=figures,
        picture=picture,
        table_rows=TABLE_ROWS,
    )
    made.filters["coded"] = coded
    return made


def written(template: str, *more: Path, **values: Any) -> str:
    """A page of a template: ``values`` in their places, and how its drawings look said once for all of them."""
    return styles_once(environment(*more).get_template(template).render(**values))


def styles_once(page: str) -> str:
    """The page with a class in the place of every style that stands twice or more in its SVGs, by the order in which they come."""
    styles = Counter(style for svg in _SVG.findall(page) for style in _STYLE.findall(svg))
    names = {style: f"s{number}" for number, style in enumerate((one for one in styles if styles[one] > 1), 1)}

    def named(found: re.Match[str]) -> str:
        return f' class="{names[found[1]]}"' if found[1] in names else found[0]

    # a mark that is used somewhere else isn't inside an <svg> there: no selector may say so
    rules = "".join(f".{name}{{{style}}}\n" for style, name in names.items())
    return _SVG.sub(lambda svg: _STYLE.sub(named, svg[0]), page).replace("</style>", f"{rules}</style>", 1)


def coded(sentence: str) -> Markup:
    """What stands between backticks in a sentence as code, all of it escaped."""
    pieces = sentence.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces)
    )


def picture(chart: Chart) -> Markup:
    """``chart`` as an inline SVG, or as an image where it is dense; a drawing that fails becomes a sentence."""
    try:
        figure = chart.draw(chart.table)
        if chart.dense:
            return Markup('<img src="{}" alt="{}">').format(charts.to_png_data_uri(figure), chart.alt)
        return Markup(charts.to_svg(figure, chart.title, chart.alt))  # noqa: S704 - to_svg escapes what it is given
    except Exception as error:  # noqa: BLE001 - one drawing must not cost the page
        _log.exception("chart %s could not be drawn", chart.id)
        return Markup('<p class="warning">This chart could not be drawn: {}</p>').format(escape(repr(error)))
