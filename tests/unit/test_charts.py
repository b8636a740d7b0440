"""Charts are the same bytes for the same figure, share a page without meeting, and can be read by who can't see them."""

import base64
import re
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure

from reports import charts

SVG = "{http://www.w3.org/2000/svg}"


def figure(scale: float = 1.0, *, log: bool = False) -> Figure:
    """Two lines with a legend and a shaded span: what makes matplotlib write ids, clips and markers."""
    drawn, axes = charts.new_axes()
    for index in range(2):
        axes.plot(
            [1, 10, 1000], [scale, 2 * scale * (index + 1), 3 * scale], label=f"line {index}", **charts.style(index)
        )
    axes.axvspan(2, 5, alpha=0.2)
    axes.set_xlabel("items")
    axes.legend()
    if log:
        axes.set_xscale("log")
    return drawn


def ids(svg: str) -> list[str]:
    return re.findall(r'\bid="([^"]*)"', svg)


def references(svg: str) -> set[str]:
    return set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))


def test_the_same_figure_gives_the_same_bytes_drawn_again_or_written_again() -> None:
    """No date, no random id, nothing left over from the first time."""
    one = figure()
    first = charts.to_svg(one, "Title", "What it shows")
    assert charts.to_svg(one, "Title", "What it shows") == first
    assert charts.to_svg(figure(), "Title", "What it shows") == first
    assert charts.to_svg(figure(2), "Title", "What it shows") != first
    assert charts.to_png_data_uri(figure()) == charts.to_png_data_uri(figure())


def test_ids_are_unique_on_a_page_of_several_charts_and_every_reference_finds_its_own() -> None:
    """Like drawings under other titles, and other drawings under a like title."""
    drawings = [(1.0, "A"), (1.0, "B"), (2.0, "A")]
    page = [charts.to_svg(figure(scale), title, "desc") for scale, title in drawings]
    together = [id for svg in page for id in ids(svg)]
    assert len(together) == len(set(together))
    for svg in page:
        assert references(svg)
        assert references(svg) <= set(ids(svg))


def test_title_and_description_are_escaped_and_are_what_labels_the_picture() -> None:
    """Markup in a sentence stays text; a reader of screens hears both."""
    title, description = 'Reads < "writes" & more', "<script>alert('x')</script>"
    svg = charts.to_svg(figure(), title, description)
    root = ElementTree.fromstring(svg)
    texts = {element.get("id"): element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")}
    assert "<script>" not in svg
    assert root.get("role") == "img"
    assert [texts[id] for id in (root.get("aria-labelledby") or "").split()] == [title, description]


def test_ink_and_paper_follow_the_page_and_nothing_restyles_it() -> None:
    """No black or white of its own, no style rule, no font but the page's, no background."""
    svg = charts.to_svg(figure(), "t", "d")
    assert "#000000" not in svg and "#ffffff" not in svg
    assert "<style" not in svg and "<metadata" not in svg and "<?xml" not in svg
    assert "currentColor" in svg
    assert "DejaVu" not in svg


def test_words_in_a_chart_stay_words_and_powers_of_ten_are_written_out() -> None:
    """Text can be found and read aloud; 1,000 instead of a 10 with a raised 3."""
    svg = charts.to_svg(figure(log=True), "t", "d")
    said = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert {"items", "line 0", "line 1", "1", "10", "100", "1,000"} <= set(said)


def test_series_are_told_apart_by_colour_dashes_and_marker_and_repeat_after_six() -> None:
    """Each of the three alone tells six series apart."""
    looks = [charts.style(index) for index in range(6)]
    for what in ("color", "linestyle", "marker"):
        assert len({str(look[what]) for look in looks}) == 6
    assert charts.style(6) == charts.style(0)


def test_rows_share_their_x_axis_from_the_top() -> None:
    """Three axes above each other, or one."""
    drawn, axes = charts.new_rows(3)
    axes[0].set_xlim(0, 7)
    tops = [one.get_position().y1 for one in axes]
    assert tops == sorted(tops, reverse=True)
    assert [one.get_xlim() for one in axes] == [(0, 7)] * 3
    assert len(charts.new_rows(1)[1]) == len(drawn.axes) - 2


def test_a_dense_chart_is_a_png_on_white_without_the_makers_name() -> None:
    """A data: address that begins as a PNG does."""
    uri = charts.to_png_data_uri(figure())
    kind, _, data = uri.partition(",")
    png = base64.b64decode(data)
    assert kind == "data:image/png;base64"
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert b"matplotlib" not in png.lower()


@pytest.mark.parametrize("log", [False, True])
def test_every_chart_is_well_formed_and_has_its_size_and_viewbox(log: bool) -> None:
    """Width and height are the viewBox's, in points: 7.2 × 3.6 inches."""
    root = ElementTree.fromstring(charts.to_svg(figure(log=log), "t", "d"))
    assert (root.get("viewBox") or "").split()[2:] == [root.get("width"), root.get("height")]
    assert (float(root.get("width") or 0), float(root.get("height") or 0)) == pytest.approx((518.4, 259.2))


def test_a_chart_with_a_second_axis_without_ticks_is_well_formed() -> None:
    """Of what isn't drawn matplotlib writes groups that are empty, and close themselves."""
    drawn, axes = charts.new_axes()
    right = axes.secondary_yaxis("right")
    right.set_yticks([0.5], ["half\nof it"])
    right.tick_params(length=0)
    right.spines["right"].set_visible(False)
    tree = ElementTree.fromstring(charts.to_svg(drawn, "title", "description"))
    assert {"half", "of it"} <= {text.text for text in tree.iter(f"{SVG}text")}


def test_places_are_of_a_hundredth_of_a_point_and_words_keep_all_their_digits() -> None:
    """A tick that says 0.00125 says it; no place has three digits after its point."""
    drawn, axes = charts.new_axes()
    axes.plot([1 / 3, 2 / 3], [1 / 7, 6 / 7])
    axes.set_xticks([1 / 3], ["0.00125"])
    svg = charts.to_svg(drawn, "Title", "desc")
    assert ">0.00125<" in svg
    assert not re.search(r' (?:d|x|y|transform)="[^"]*\d\.\d{3}', svg)
    assert "<g>" not in svg


def test_a_figure_is_laid_out_once_at_places_that_repeat() -> None:
    """Its axes stand at rounded shares of the figure, and writing it again moves nothing."""
    drawn, axes = charts.new_rows(3)
    for one in axes:
        one.set_ylabel("label")
    charts.to_svg(drawn, "Title", "desc")
    places = [axes_.get_position().bounds for axes_ in drawn.axes]
    assert all(round(place, 5) == pytest.approx(place, abs=1e-12) for bounds in places for place in bounds)
    charts.to_png(drawn)
    assert [axes_.get_position().bounds for axes_ in drawn.axes] == places


def test_places_that_differ_in_their_last_digits_give_the_same_bytes() -> None:
    """As layout leaves them in one process and another: clips, whose ids are made of places, are named alike."""

    def at(left: float) -> str:
        drawn, axes = charts.new_axes()
        drawn.set_layout_engine(None)
        axes.set_position((left, 0.1, 0.8, 0.8))
        axes.plot([1, 2, 3], [3, 1, 2])
        return charts.to_svg(drawn, "Title", "desc")

    assert at(0.1) == at(0.1 + 3e-17) == at(0.1 + 4e-12)
    assert at(0.1) != at(0.11)
