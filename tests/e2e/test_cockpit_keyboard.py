"""A keyboard alone: from the choice of a scenario to its report, with a failover by hand on the way."""

import re
from collections.abc import Callable

import pytest
from cockpit import PATIENCE_MS, Ui, of_scenario
from playwright.sync_api import Page, expect
from test_cockpit_runs import strip

MOST_STOPS = 150


@pytest.mark.timeout(600)
def test_a_keyboard_alone_chooses_fills_in_starts_looks_at_tabs_fails_over_and_opens_the_report(
    ui: Ui, open_page: Callable[..., Page]
) -> None:
    """Tab, Enter, Space, arrows and letters; nowhere is a pointer used, and what has the focus shows it."""
    page = open_page()
    page.goto(f"{ui.address}/dbharness/start")
    keys = page.keyboard
    go_to(page, "select[name=scenario]")
    while page.locator("select[name=scenario]").input_value() != "rds_failover":
        keys.press("ArrowDown")
    go_to(page, "button:text-is('Show its settings')")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="rds_failover, profile smoke")).to_be_visible()
    for name, typed in (
        ("cells", "[multi_az_instance.by_hand]"),
        ("trials", "1"),
        ("cap_s", "6"),
        ("by_hand_s", "300"),
    ):
        go_to(page, f"[name='rds_failover.{name}']")
        keys.press("Control+a")
        keys.type(typed)
    for arm in ("mysql", "keepalive", "pool", "pool_pre_ping", "multi_host", "proxy", "reader", "tuned_ttl"):
        box = page.locator(
            f"input[type=checkbox][value='{arm}'][name$='engines'], [value='{arm}'][name$='client_arms']"
        )
        if box.is_checked():
            go_to(page, f"input[type=checkbox][value='{arm}']")
            keys.press("Space")
    go_to(page, "button:text-is('Start rds_failover')")
    keys.press("Enter")
    expect(page).to_have_url(f"{ui.address}/dbharness/")

    go_to(page, "[role=tab]")
    for name, pressed in (
        ("Capacity", "Home"),
        ("Cache", "ArrowRight"),
        ("Truth", "End"),
        ("Servers", "ArrowLeft"),
        ("Failover", "ArrowLeft"),
    ):
        keys.press(pressed)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
    expect(page.get_by_role("button", name="Hang")).to_be_enabled(timeout=PATIENCE_MS)
    panel = page.get_by_role("tabpanel", name="Failover")
    expect(strip(panel, "tuned writes")).to_have_text(re.compile(r"up, [^.]*$"), timeout=PATIENCE_MS)
    go_to(page, "button:text-is('Hang')")
    keys.press("Space")
    expect(strip(panel, "tuned writes")).to_have_text(re.compile(r"up, .*down, .*up, "), timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Report of this run")).to_be_visible(timeout=PATIENCE_MS)
    go_to(page, "#report")
    keys.press("Enter")
    of_scenario(page, "rds_failover")


def go_to(page: Page, selector: str) -> None:
    """Press Tab until that is what has the focus, which is seen around it."""
    wanted = page.locator(selector)
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.evaluate_all("those => those.includes(document.activeElement)"):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", selector
            return
    raise AssertionError(f"the keyboard doesn't reach {selector}")
