"""``dbharness ui`` as who sits before it has it: its process, and what is done on its pages."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import APIRequestContext, Error, Locator, Page, Playwright, expect

from harness.local.processes import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
PATIENCE_MS = 1000 * PATIENCE_S
Settings = Mapping[str, str | tuple[str, ...]]
"""Key of a scenario -> what is typed, chosen, or ticked there."""


@dataclass(frozen=True, kw_only=True)
class Ui:
    """One process with the web UI of all scenarios, one run after the other."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path
    asking: APIRequestContext

    @property
    def said(self) -> str:
        """What it wrote."""
        return self.log.read_text()

    def live(self) -> dict[str, Any]:
        """What the live page is told."""
        answer: dict[str, Any] = self.asking.get(f"{self.address}/dbharness/live?since=0").json()
        return answer

    def choose(self, page: Page, scenario: str) -> None:
        """Open the start page, choose there, and have its settings shown."""
        page.goto(f"{self.address}/dbharness/start")
        page.get_by_label("Scenario", exact=True).select_option(scenario)
        page.get_by_label("Profile", exact=True).select_option("smoke")
        page.get_by_role("button", name="Show its settings").click()
        expect(page.get_by_role("heading", name=f"{scenario}, profile smoke")).to_be_visible()

    def start(self, page: Page, scenario: str, settings: Settings) -> None:
        """Choose, fill in, start; the live page is open then."""
        self.choose(page, scenario)
        for key, value in settings.items():
            fill(page, f"{scenario}.{key}", value)
        page.get_by_role("button", name=f"Start {scenario}").first.click()
        expect(page).to_have_url(f"{self.address}/dbharness/")
        expect(page.get_by_role("heading", level=1)).to_have_text(f"dbharness {scenario}")

    def stop(self, page: Page) -> None:
        """Stop the run on the start page, which leads back to the live one."""
        page.get_by_role("link", name="Start or stop a run").click()
        page.get_by_role("button", name="Stop it").click()
        expect(page).to_have_url(f"{self.address}/dbharness/")

    def open_report(self, page: Page, scenario: str) -> None:
        """Follow the link from the live page, once it is there; the report is of this scenario and no other."""
        link = page.get_by_role("link", name="Report of this run")
        expect(link).to_be_visible(timeout=PATIENCE_MS)
        link.click()
        of_scenario(page, scenario)
        until(lambda: not self.live()["going_on"], "the run is over")

    def end_run(self) -> None:
        """After a test that broke off: the next one finds no run under way."""
        if self.live()["going_on"]:
            self.asking.post(f"{self.address}/stop")
            until(lambda: not self.live()["going_on"], "the run is over")


def of_scenario(page: Page, scenario: str) -> None:
    """The page is the report of a run of this scenario alone."""
    expect(page).to_have_url(re.compile(r"/dbharness/report/[^/]+/report\.html$"))
    expect(page.locator(f"section#{scenario} h2").first).to_be_visible()
    expect(page.locator(f"section#{scenario} figure svg").first).to_be_attached()


def fill(page: Page, name: str, value: str | tuple[str, ...]) -> None:
    """Type, choose or tick in a field, in a fold that is opened where it isn't."""
    fields = page.locator(f'[name="{name}"]')
    fold = page.locator("details", has=fields)
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    if isinstance(value, tuple):
        for box in fields.all():
            box.set_checked(box.get_attribute("value") in value)
    elif fields.evaluate("field => field.tagName") == "SELECT":
        fields.select_option(value)
    else:
        fields.fill(value)


def tab(page: Page, name: str) -> Locator:
    """Open a tab of the live page; its panel."""
    page.get_by_role("tab", name=name, exact=True).click()
    return page.get_by_role("tabpanel", name=name, exact=True)


def chart(panel: Locator, title: str) -> Locator:
    """The chart of that title."""
    return panel.locator("figure", has=panel.page.get_by_role("heading", name=title, exact=True))


def picture(figure: Locator) -> str:
    """What is drawn, as data."""
    drawn: str = figure.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    return drawn


def until(so: Callable[[], bool], what: str) -> None:
    """Wait for something that must happen."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < deadline_s, f"never: {what}"
        time.sleep(0.1)


def served(playwright: Playwright, folder: Path, command: Callable[[int], list[str]], *, host: str) -> Iterator[Ui]:
    """The process that ``command`` gives for a port, until Ctrl-C; then nothing of it is left, and its runs are taken away."""
    port, log = free_port(), folder / "ui.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", *command(port)], cwd=ROOT, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, start_new_session=True,
            env=os.environ | {"DBHARNESS_UI_PASSWORD": PASSWORD},
        )  # fmt: skip
    asking = playwright.request.new_context()
    ui = Ui(address=f"http://{host}:{port}", process=process, log=log, asking=asking)

    def answers() -> bool:
        assert process.poll() is None, ui.said
        try:
            return asking.get(f"{ui.address}/login").status < 500
        except Error:
            return False

    try:
        until(answers, "the web UI answers")
        yield ui
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)
        assert "Traceback" not in ui.said, ui.said
        assert [one for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        asking.dispose()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for run in re.findall(r"report: (\S+)/report\.html", ui.said):
            shutil.rmtree(run, ignore_errors=True)


PASSWORD = "a long enough one"
