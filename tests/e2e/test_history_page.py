"""The trend page in a real browser: of planted runs, with a change that is marked."""

import subprocess
import sys
from pathlib import Path

import pytest
from planted_history import noisy, planted_nights
from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve nights with a change at the seventh, followed on the command line."""
    folder = tmp_path_factory.mktemp("history")
    planted_nights(
        folder / "store", [*noisy(10, 6), *noisy(14, 6)], changes={6: {"versions": {"dbharness": "0.2.0"}}},
        labels={"arm": "query", "part": "table_items", "question": "aircraft", "client": "lean", "step": "27004"},
    )  # fmt: skip
    command = [sys.executable, "-m", "harness.cli", "history", str(folder / "store"), "--out", str(folder / "page")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "page" / "history.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_says_what_it_is_worth_and_draws_the_change(browser: Browser, page_file: Path, scheme: str) -> None:
    """With scripts off; nothing is fetched or logged; the chart has its size, its words and its table."""
    context = browser.new_context(
        color_scheme=scheme, java_script_enabled=False, viewport={"width": 1200, "height": 900}
    )
    page = context.new_page()
    complaints: list[str] = []
    fetched: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(page_file.as_uri())
    assert page.get_by_text("Where to look, not a verdict").is_visible()
    assert page.get_by_text("Against the run before: versions: dbharness 0.1.0 → 0.2.0.").first.is_visible()
    assert page.locator("tr[data-figure='query_vs_scan.latency_p95_ms']").count() == 1
    box = page.locator("figure svg").bounding_box()
    assert box and box["width"] > 300 and box["height"] > 150
    described = page.locator("figure svg desc").text_content()
    assert described and described.endswith("from 9.99 → 13.99 ms at run 7.")
    page.locator("figure summary").click()
    assert page.locator("figure tbody tr").count() == 12
    assert complaints == []
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_the_page_fits_a_telephone_without_sideways_scrolling(browser: Browser, page_file: Path) -> None:
    """At 390 px wide tables and charts scroll inside themselves, the page doesn't."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
