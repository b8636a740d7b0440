"""The start page, Locust's page and the login in a real browser: what is wrong is said where it is; light, dark, 390 px; no serious complaint of axe-core."""

from collections.abc import Callable, Iterator

import pytest
from accessibility import LOOKS, Look, violations
from cockpit import PASSWORD, Ui, fill, served
from playwright.sync_api import Page, Playwright, expect

SCENARIOS = ("query_vs_scan", "capacity_modes", "cache_hit_rate", "rds_failover", "sql_vs_nosql", "rds_operations")


def test_a_wrong_value_is_said_at_its_field_nothing_starts_and_what_was_typed_stays(
    ui: Ui, open_page: Callable[..., Page]
) -> None:
    """In a list on top, which has the focus and leads to the field, and at the field, which says so to a screen reader too."""
    before = ui.live()
    page = open_page()
    ui.choose(page, "query_vs_scan")
    fill(page, "query_vs_scan.pairs", "0")
    fill(page, "query_vs_scan.table_items", "1000, many")
    fill(page, "query_vs_scan.client", "boto3")
    fill(page, "query_vs_scan.parts", ("table_items",))
    fill(page, "seed", "20130102")
    page.get_by_role("button", name="Start query_vs_scan").first.click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("heading")).to_have_text("Nothing was started")
    for key, sentence in (
        ("pairs", "scenarios.query_vs_scan.pairs must be > 0, got 0"),
        ("table_items", "scenarios.query_vs_scan.table_items.1 should be a valid integer"),
    ):
        field = page.locator(f"[name='query_vs_scan.{key}']")
        expect(field).to_have_attribute("aria-invalid", "true")
        said = page.locator(f"#{(field.get_attribute('aria-describedby') or '').split()[0]}")
        expect(said).to_contain_text(sentence)
        expect(said).to_be_visible()
        summary.get_by_role("link", name=sentence).click()
        expect(field).to_be_focused()
    expect(page.locator("[aria-invalid]")).to_have_count(2)
    values = {
        key: page.locator(f"[name='query_vs_scan.{key}']").input_value() for key in ("pairs", "table_items", "client")
    }
    assert values == {"pairs": "0", "table_items": "1000, many", "client": "boto3"}
    ticked = page.locator("[name='query_vs_scan.parts']:checked")
    expect(ticked).to_have_count(1)
    expect(ticked).to_have_value("table_items")
    expect(page.locator("[name=seed]")).to_have_value("20130102")
    after = ui.live()
    assert (after["test"], after["going_on"]) == (before["test"], False)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_start_page_fits_and_axe_finds_nothing_serious_with_and_without_complaints(
    ui: Ui, open_page: Callable[..., Page], look: Look
) -> None:
    """Of every scenario, all folds open; and once with values that are wrong."""
    page = open_page(look)
    for scenario in SCENARIOS:
        page.goto(f"{ui.address}/dbharness/start?scenario={scenario}&profile=standard")
        expect(page.get_by_role("heading", name=f"{scenario}, profile standard")).to_be_visible()
        assert list(violations(page)) == [], scenario
        assert page.evaluate("document.documentElement.scrollWidth") <= look.width, scenario
    fill(page, "rds_operations.rounds", "-1")
    fill(page, "rds_operations.engines", ())
    fill(page, "rds_operations.groups", "{" + "x" * 200)
    page.get_by_role("button", name="Start rds_operations").first.click()
    expect(page.locator(".wrong")).to_have_count(3)
    assert list(violations(page)) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= look.width


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_what_we_add_to_locusts_page_leads_to_ours_and_has_nothing_serious_in_it(
    ui: Ui, open_page: Callable[..., Page], look: Look
) -> None:
    """Its two links; the rest of the page is Locust's."""
    page = open_page(look)
    page.goto(ui.address)
    ours = page.get_by_role("navigation", name="dbharness")
    expect(ours.get_by_role("link")).to_have_count(2)
    assert list(violations(page, within="nav[aria-label=dbharness]")) == []
    box = ours.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= look.width
    ours.get_by_role("link", name="Live charts and report").click()
    expect(page).to_have_url(f"{ui.address}/dbharness/")
    page.get_by_role("link", name="Locust’s page").click()
    ours.get_by_role("link", name="Start with all settings").click()
    expect(page.get_by_role("heading", name="Start a run")).to_be_visible()


@pytest.fixture(scope="module")
def locked_ui(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """Locust on another loopback address, with a login asked for by its own option."""
    command = ["locust", "-f", "scenarios/", "--class-picker", "--web-login", "--web-host=127.0.0.7", "--web-port"]
    yield from served(
        playwright, tmp_path_factory.mktemp("locked"), lambda port: [*command, str(port)], host="127.0.0.7"
    )


def test_a_login_is_refused_and_accepted(locked_ui: Ui, open_page: Callable[..., Page]) -> None:
    """Without the password every page leads to the login; a wrong one is refused in words; the right one opens all of it."""
    page = open_page()
    for path in ("/", "/dbharness/", "/dbharness/start"):
        page.goto(locked_ui.address + path)
        expect(page).to_have_url(f"{locked_ui.address}/login")
    password = page.get_by_label("Password")
    password.fill("not this one")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("wrong password")).to_be_visible()
    page.goto(f"{locked_ui.address}/dbharness/")
    expect(page).to_have_url(f"{locked_ui.address}/login")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="dbharness")).to_be_visible()
    page.goto(f"{locked_ui.address}/dbharness/start")
    expect(page.get_by_role("heading", name="Start a run")).to_be_visible()
    assert PASSWORD not in locked_ui.said + page.content()
