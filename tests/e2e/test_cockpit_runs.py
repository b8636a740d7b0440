"""Every scenario, in a real browser, from the form to its report: chosen, filled in, started, watched, ended."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from accessibility import LOOKS, violations
from cockpit import PATIENCE_MS, Settings, Ui, chart, picture, tab, until
from playwright.sync_api import Locator, Page, expect

TABS = ("Capacity", "Cache", "Failover", "Truth")
BY_HAND: Settings = {
    "cells": "[multi_az_instance.by_hand]", "engines": ("postgres",), "client_arms": ("tuned", "naive"), "trials": "1",
    "by_hand_s": "300", "cap_s": "6",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scenario with settings by which it begins soon and goes on until it is stopped, and the chart of its tab that must change."""

    scenario: str
    settings: Settings
    tab: str
    chart: str


CASES = (
    Case(
        scenario="query_vs_scan", tab="Capacity", chart="Read units a second",
        settings={"parts": ("table_items",), "table_items": "1000, 4000", "pairs": "400"},
    ),
    Case(
        scenario="capacity_modes", tab="Capacity", chart="Read units a second",
        settings={"parts": ("steps",), "multiples": "1, 4", "pairs": "60", "client": "lean"},
    ),
    Case(
        scenario="cache_hit_rate", tab="Cache", chart="Hit rate",
        settings={"parts": ("size",), "engines": ("postgres",), "trials": "300"},
    ),
    Case(
        scenario="sql_vs_nosql", tab="Servers", chart="CPU of the servers",
        settings={"parts": ("growth",), "arms": ("postgres", "dynamodb"), "sizes": "1000, 4000", "rounds": "400"},
    ),
    Case(
        scenario="rds_operations", tab="Servers", chart="Writes of the trial",
        settings={"parts": ("parameters",), "engines": ("postgres",), "rounds": "60"},
    ),
)  # fmt: skip


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario)
def test_a_scenario_is_started_from_the_form_watched_on_its_tab_stopped_and_reported(
    ui: Ui, open_page: Callable[..., Page], case: Case
) -> None:
    """The tab's figures and picture change while it runs; the report behind the link is of what was asked for."""
    page = open_page()
    ui.start(page, case.scenario, case.settings)
    drawn = chart(tab(page, case.tab), case.chart)
    changes(drawn)
    expect(page.get_by_role("status")).to_have_text("measuring")
    expect(page.get_by_text(re.compile(r"^\(\d+ of \d+ trials done\)$"))).to_be_visible()
    for look in LOOKS:
        other = open_page(look)
        other.goto(f"{ui.address}/dbharness/#{case.tab.lower()}")
        expect(chart(other.get_by_role("tabpanel"), case.chart).locator("canvas")).to_be_visible()
        fits(other, look.width)
        assert list(violations(other)) == []
    until(lambda: ui.live()["progress"]["done"] > 0, "a trial is done")
    ui.stop(page)
    expect(page.get_by_text("Over, and not complete.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("alert")).to_have_text("interrupted before the plan was done")
    ui.open_report(page, case.scenario)


@pytest.mark.timeout(600)
def test_a_writer_crashes_by_the_button_and_the_timelines_go_down_and_come_up_again(
    ui: Ui, open_page: Callable[..., Page]
) -> None:
    """Until the trial waits for somebody no button can be pressed, and after one none any more; the run ends by itself, its report has the crash."""
    page = open_page()
    ui.start(page, "rds_failover", BY_HAND)
    panel = tab(page, "Failover")
    crash = panel.get_by_role("button", name="Crash")
    expect(crash).to_be_disabled()
    expect(crash).to_be_enabled(timeout=PATIENCE_MS)
    expect(strip(panel, "tuned writes")).to_have_text(re.compile(r"up, [^.]*$"), timeout=PATIENCE_MS)
    for look in LOOKS:
        other = open_page(look)
        other.goto(f"{ui.address}/dbharness/")
        for name in TABS:
            tab(other, name)
            fits(other, look.width)
            assert list(violations(other)) == [], name
    crash.click()
    expect(panel.get_by_role("status")).to_have_text(re.compile("^crash of postgres's writer"))
    expect(crash).to_be_disabled()
    expect(panel.get_by_text("This trial has had its fault: crash.")).to_be_visible()
    for name, words in (
        ("zone 1", r"writer.*(crashed|found failed|fenced|down)"),
        ("zone 2", r"standby.*writer"),
        ("tuned writes", r"up, .*down, .*up, "),
        ("reference writes", r"up, .*down, .*up, "),
    ):
        expect(strip(panel, name), name).to_have_text(re.compile(words), timeout=PATIENCE_MS)
    expect(page.get_by_text("Over.", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    ui.open_report(page, "rds_failover")
    expect(page.locator("[data-finding]", has_text="after a crash (kill -9)").first).to_be_attached()


def changes(drawn: Locator) -> None:
    """Figures beside the chart, then others, and then the picture is another too."""
    key = drawn.locator(".key")
    expect(key).to_have_text(re.compile(r"\d"), timeout=PATIENCE_MS)
    first, shown = key.inner_text(), picture(drawn)
    expect(key).not_to_have_text(first, timeout=PATIENCE_MS, use_inner_text=True)
    until(lambda: picture(drawn) != shown, "the chart changes")


def strip(panel: Locator, name: str) -> Locator:
    """The timeline of that name: its words in order, each with its times."""
    return panel.locator(".strip", has_text=name).locator("svg").first


def fits(page: Page, width: int) -> None:
    """Nothing but charts and tables scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
