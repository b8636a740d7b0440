"""Drawings are written short, and are the same drawings."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports import charts
from reports.charts.slim import slim
from reports.render.page import styles_once, written


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("M 0 288\nL 518.4 288\nL 518.4 0\nL 0 0\nL 0 288\nz\n", "M0 288H518.4V0H0V288z"),
        ("M 1 5\nL 2 5\nL 2 5\nL 4 5\nL 4 9\nL 4 7\nL 6 8\n", "M1 5H4V9V7L6 8"),  # up and back again: the tip stays
        ("M 3 3\nL 3 3\n", "M3 3V3"),  # a dot, by its round cap
        ("M 0 0\nC 1 0 2 1 2 2\nL 2 7\nL 2 9\nz\nM 5 5\nL 6 6\n", "M0 0C1 0 2 1 2 2V9zM5 5L6 6"),  # on from where a curve ends
        ("M 1 1\nL 2 1\nz\nL 1 4\n", "M1 1H2zV4"),  # and from where what was closed began
        ("M 0.123456 -0.001\nL 2 2\n", "M0.12 0L2 2"),
        ("M 0 0 A 1 1 0 0 1 2 2", "M 0 0 A 1 1 0 0 1 2 2"),
    ],
)  # fmt: skip
def test_a_path_goes_straight_to_the_end_of_what_is_straight(long: str, short: str) -> None:
    """Along an axis by one number; nothing that turns is left out."""
    assert slim(f'<path d="{long}"/>') == f'<path d="{short}"/>'


def test_a_mark_is_styled_where_it_is_made_and_again_only_where_it_differs() -> None:
    """Ticks are all alike; points take their colour where they are used. A text that isn't turned isn't turned by 0."""
    made = '<path id="t" d="M 0 0\nL 0 3.5\n" style="stroke: currentColor; stroke-width: 0.8"/>'
    alike = '<use xlink:href="#t" x="1" y="2" style="stroke: currentColor; stroke-width: 0.8"/>'
    other = '<use xlink:href="#t" x="1" y="2" style="stroke: #d55e00; stroke-dashoffset: 0"/>'
    text = '<text x="1" y="2" transform="rotate(-0 1 2)">0</text><text transform="rotate(-90 1 2)">1</text>'
    assert slim(made + alike + other + text) == (
        '<path id="t" d="M0 0V3.5" style="stroke:currentColor;stroke-width:0.8"/><use xlink:href="#t" x="1" y="2"/>'
        '<use xlink:href="#t" x="1" y="2" style="stroke:#d55e00"/>'
        '<text x="1" y="2">0</text><text transform="rotate(-90 1 2)">1</text>'
    )


def test_a_style_that_stands_often_is_said_once_for_the_page() -> None:
    """By one class, in the order they come; what stands once, and what is no drawing's, stays."""
    page = (
        "<style>p{}</style><p style=\"a:b\"></p><p style=\"a:b\"></p>"
        '<svg><g style="x:y"/><g style="once:1"/></svg><svg><g style="c:d"/><g style="x:y"/><g style="c:d"/></svg>'
    )  # fmt: skip
    assert styles_once(page) == (
        "<style>p{}.s1{x:y}\n.s2{c:d}\n</style><p style=\"a:b\"></p><p style=\"a:b\"></p>"
        '<svg><g class="s1"/><g style="once:1"/></svg><svg><g class="s2"/><g class="s1"/><g class="s2"/></svg>'
    )  # fmt: skip


def test_figures_in_a_table_are_told_by_their_place_alone(tmp_path: Path) -> None:
    """The cells of ten thousand figures say nothing each; headings, of which there are few, do."""
    (tmp_path / "t.html.j2").write_text(
        '{% from "macros.html.j2" import table %}{{ table("T", ("a", "b", "c"), rows, figures_from=3) }}'
    )
    page = written("t.html.j2", tmp_path, rows=[("x", "y", "1")])
    assert '<table class="figures-3">' in page
    assert '<tr><th scope="row">x</th><td>y</td><td>1</td></tr>' in page
    assert re.search(r"\.figures-3 td:nth-child\(n \+ 3\)", written("page.html.j2"))


def test_a_dense_chart_has_a_palette_that_nobody_tells_from_its_colours() -> None:
    """A third of the bytes and more; a colour in the mean within 1 of 255."""
    figure, axes = charts.new_axes()
    axes.imshow(np.add.outer(np.arange(60), np.arange(80)) % 50, cmap="viridis")
    address = charts.to_png_data_uri(figure)
    raw = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    shown, whole = Image.open(io.BytesIO(raw)), Image.open(io.BytesIO(charts.to_png(figure, 150)))
    assert (shown.mode, shown.size) == ("P", whole.size)
    differ = np.abs(np.asarray(shown.convert("RGB"), dtype=int) - np.asarray(whole.convert("RGB"), dtype=int))
    assert differ.mean() < 1
