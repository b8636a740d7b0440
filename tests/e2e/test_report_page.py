"""The report of a real run in a real browser."""

import json
from pathlib import Path

import pytest
from accessibility import LOOKS, Look, page_of, violations
from playwright.sync_api import Browser

SCENARIOS = ("query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover", "sql_vs_nosql", "rds_operations")


@pytest.mark.timeout(500)
def test_the_report_has_a_section_for_each_scenario_with_findings_and_a_drawn_chart(
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
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_axe_core_finds_nothing_serious_on_the_report(browser: Browser, smoke_run: Path, look: Look) -> None:
    """Light and dark, on a desk and on a telephone: contrast, names, roles, tables, what the keyboard reaches.

    Unfolded the page is thousands of cells; that is looked at in light on a desk and in dark on a telephone.
    """
    page = page_of(browser, smoke_run / "report.html", look)
    assert list(violations(page, unfolded=look in (LOOKS[0], LOOKS[-1]))) == []
    page.context.close()


def test_axe_core_finds_what_is_wrong_with_a_page(browser: Browser, tmp_path: Path) -> None:
    """A picture without words, and grey on grey: else nothing found would mean nothing."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        '<!doctype html><html lang="en"><title>x</title><p style="color:#aaa">pale</p><img src="data:,"></html>'
    )
    page = page_of(browser, bad, LOOKS[0])
    assert {line.split(": ")[1] for line in violations(page)} == {"image-alt", "color-contrast"}
    page.context.close()


@pytest.mark.timeout(500)
def test_the_report_reads_fully_with_scripts_off(browser: Browser, smoke_run: Path) -> None:
    """Every headline is seen, charts have their size, and a fold opens by a click: nothing of it needs a script."""
    page = page_of(browser, smoke_run / "report.html", LOOKS[0], scripts=False)
    assert page.locator(".headlines li").count() >= len(SCENARIOS)
    assert all(
        page.locator(f"section#{name} figure svg, section#{name} figure img").first.is_visible() for name in SCENARIOS
    )
    fold = page.locator("figure details").first
    assert not fold.locator("table").is_visible()
    fold.locator("summary").click()
    assert fold.locator("table").is_visible()
    page.context.close()


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
