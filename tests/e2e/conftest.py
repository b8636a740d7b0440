"""A real Chromium, one real smoke run whose report it opens, and one web UI of all scenarios."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import LOOKS, Look
from cockpit import PATIENCE_MS, Ui, served
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
REFUSED = 400
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert path, "the browser tests need Chromium: make test-e2e installs or asks for it"
    chromium = playwright.chromium.launch(executable_path=path, args=list(QUIET))
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All scenarios, smoke profile, through the command line: the run that DBHARNESS_SMOKE_RUN names, else one of our own."""
    if made := os.environ.get("DBHARNESS_SMOKE_RUN"):
        return Path(made)
    run = tmp_path_factory.mktemp("runs") / "smoke"
    command = [sys.executable, "-m", "harness.cli", "run", "--profile", "smoke", "--out", str(run)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return run


@pytest.fixture(scope="session")
def one_ui(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """``dbharness ui`` for all tests; Ctrl-C ends it, with nothing said that isn't for a user, and nothing left."""
    command = ["harness.cli", "ui", "--profile", "smoke", "--port"]
    yield from served(playwright, tmp_path_factory.mktemp("ui"), lambda port: [*command, str(port)], host="127.0.0.1")


@pytest.fixture
def ui(one_ui: Ui) -> Iterator[Ui]:
    """The same, with no run under way before and after."""
    yield one_ui
    one_ui.end_run()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens an empty page for a look, each a session of its own; whatever a browser complains of on any of them fails the test."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opened(look: Look = LOOKS[0], **more: Any) -> Page:
        context = browser.new_context(viewport={"width": look.width, "height": 900}, color_scheme=look.scheme, **more)
        contexts.append(context)
        context.on(
            "console",
            lambda message: (
                complaints.append(f"{message.type}: {message.text} at {message.location}")
                if message.type != "verbose"
                else None
            ),
        )
        context.on("weberror", lambda error: complaints.append(f"error: {error.error}"))
        context.on(
            "response", lambda got: complaints.append(f"{got.status}: {got.url}") if got.status >= REFUSED else None
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
