"""The page of a comparison in a real browser: light and dark, wide and on a telephone, with scripts off, held against axe-core."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from planted_pairs import make_pairs
from playwright.sync_api import Browser, Page

from reports.compare import designs
from reports.compare.compared import compared
from reports.compare.page import html
from tools import fetched

GATE = "all query_vs_scan.latency_p50_ms no worse than 5%"
WIDE, TELEPHONE = 1200, 390
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="session")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six planted pairs with samples, one gate."""
    folder = make_pairs(tmp_path_factory.mktemp("ab") / "pairs")
    page = folder / "comparison.html"
    page.write_text(html(compared(designs.of_folder(folder), gates=[GATE])), encoding="utf-8")
    return page


@pytest.fixture
def opened(browser: Browser, comparison: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page at a width and in a colour scheme."""
    width, scheme, scripts = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(comparison.as_uri())
    yield page
    context.close()


@pytest.mark.parametrize("opened", [(WIDE, "light", False)], indirect=True)
def test_with_scripts_off_all_of_it_is_there_and_nothing_is_fetched(opened: Page, comparison: Path) -> None:
    """Verdict, sentences, charts that have a size, tables that open."""
    fetched_urls: list[str] = []
    opened.on("request", lambda request: fetched_urls.append(request.url))
    opened.goto(comparison.as_uri())
    assert opened.locator("h1").inner_text() == "lean against boto3"
    assert opened.locator("[data-verdict]").count() == 2
    charts = opened.locator("figure svg")
    assert charts.count() == 6  # the family, all ratios, and two charts of either arm
    for place in range(charts.count()):
        box = charts.nth(place).bounding_box()
        assert box and box["width"] > 300 and box["height"] > 100, place
    opened.locator("summary", has_text="The declared figures as a table").click()
    assert opened.locator("caption", has_text="The declared figures").locator("..").locator("tbody tr").count() == 2
    assert [url for url in fetched_urls if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("opened", [(TELEPHONE, "light", True), (TELEPHONE, "dark", True)], indirect=True)
def test_it_fits_a_telephone_without_sideways_scrolling(opened: Page) -> None:
    """Charts and tables scroll inside themselves, folded ones too."""
    opened.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert opened.evaluate("document.documentElement.scrollWidth") <= TELEPHONE


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "opened", [(WIDE, "light", True), (WIDE, "dark", True), (TELEPHONE, "light", True)], indirect=True
)
def test_axe_finds_nothing_serious_in_it(opened: Page) -> None:
    """With everything unfolded; contrast too."""
    opened.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    opened.add_script_tag(path=str(fetched.axe()))
    found: dict[str, Any] = opened.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"]][:3])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_paper_and_ink_follow_the_systems_scheme(
    browser: Browser, comparison: Path, scheme: Scheme, dark: bool
) -> None:
    """The charts' ink is the page's."""
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(comparison.as_uri())
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.querySelector('figure svg')).color")
    bright = [sum(map(int, colour[4:-1].split(","))) > 3 * 128 for colour in (paper, ink)]
    assert bright == [not dark, dark]
    context.close()
