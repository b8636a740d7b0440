"""The page of a comparison in a real browser: light and dark, wide and on a telephone, with scripts off, held against axe-core."""

from pathlib import Path

import pytest
from accessibility import LOOKS, Look, page_of, violations
from planted_pairs import make_pairs
from playwright.sync_api import Browser

from reports.compare import designs
from reports.compare.compared import compared
from reports.compare.page import html

GATE = "all query_vs_scan.latency_p50_ms no worse than 5%"


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six planted pairs with samples, one gate."""
    folder = make_pairs(tmp_path_factory.mktemp("ab") / "pairs")
    page = folder / "comparison.html"
    page.write_text(html(compared(designs.of_folder(folder), gates=[GATE])), encoding="utf-8")
    return page


def test_with_scripts_off_all_of_it_is_there_and_nothing_is_fetched(browser: Browser, comparison: Path) -> None:
    """Verdict, sentences, charts that have a size, tables that open."""
    page = page_of(browser, comparison, LOOKS[0], scripts=False)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(comparison.as_uri())
    assert page.locator("h1").inner_text() == "lean against boto3"
    assert page.locator("[data-verdict]").count() == 2
    charts = page.locator("figure svg")
    assert charts.count() == 6  # the family, all ratios, and two charts of either arm
    for place in range(charts.count()):
        box = charts.nth(place).bounding_box()
        assert box and box["width"] > 300 and box["height"] > 100, place
    page.locator("summary", has_text="The declared figures as a table").click()
    assert page.locator("caption", has_text="The declared figures").locator("..").locator("tbody tr").count() == 2
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_it_fits_and_axe_finds_nothing_serious_in_it_with_everything_unfolded(
    browser: Browser, comparison: Path, look: Look
) -> None:
    """Charts and tables scroll inside themselves; contrast, names and places are as WCAG has them."""
    page = page_of(browser, comparison, look)
    assert list(violations(page)) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_paper_and_ink_follow_the_systems_scheme(browser: Browser, comparison: Path, look: Look) -> None:
    """The charts' ink is the page's."""
    page = page_of(browser, comparison, look)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.querySelector('figure svg')).color")
    bright = [sum(map(int, colour[4:-1].split(","))) > 3 * 128 for colour in (paper, ink)]
    assert bright == [look.scheme == "light", look.scheme == "dark"]
