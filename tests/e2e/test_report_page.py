"""The report of a real run in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

SCENARIOS = ("query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover")


@pytest.mark.timeout(500)
def test_the_report_has_four_sections_each_with_findings_and_a_drawn_chart(
    browser: Browser, smoke_run: Path, tmp_path: Path
) -> None:
    """Nothing is fetched, nothing is logged, every chart has a size and an alternative text."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    complaints: list[str] = []
    fetched: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto((smoke_run / "report.html").as_uri())
    for name in SCENARIOS:
        section = page.locator(f"section#{name}")
        assert section.locator("h2").count() == 1, name
        assert section.locator("[data-finding]").count() >= 1, name
        charts = section.locator("figure svg, figure img")
        assert charts.count() >= 1, name
        box = charts.first.bounding_box()
        assert box and box["width"] > 300 and box["height"] > 150, name
        assert section.locator("figure table").count() >= 1, name
    assert complaints == []
    assert [url for url in fetched if not url.startswith(("file:", "data:"))] == []
    page.screenshot(path=str(tmp_path / "report.png"), full_page=True)
    assert (tmp_path / "report.png").stat().st_size > 50_000


@pytest.mark.timeout(500)
def test_the_report_fits_a_telephone_without_sideways_scrolling(browser: Browser, smoke_run: Path) -> None:
    """At 390 px wide tables scroll inside themselves, the page doesn't."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((smoke_run / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.timeout(500)
def test_every_finding_of_the_file_says_what_it_was_measured_on(smoke_run: Path) -> None:
    """basis, n and interval or reason for each; not measured is null, never zero."""
    findings = json.loads((smoke_run / "findings.json").read_text())
    assert {finding["scenario"] for finding in findings} == set(SCENARIOS)
    for finding in findings:
        assert finding["basis"] in ("local_model", "modelled", "aws")
        assert finding["status"] in ("measured", "at_least", "tool_bound", "not_measured", "unknown")
        if finding["status"] in ("not_measured", "unknown"):
            assert finding["value"] is None and finding["reason"], finding
