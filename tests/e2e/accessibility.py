"""axe-core on a page in a real browser, in each way that a page is looked at."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page

from tools import fetched

SERIOUS = ("serious", "critical")
_OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true })"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A colour scheme and a width."""

    scheme: Literal["light", "dark"]
    width: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


LOOKS = tuple(Look(scheme=scheme, width=width) for scheme in ("light", "dark") for width in (1200, 390))


def page_of(browser: Browser, file: Path, look: Look, *, scripts: bool = True) -> Page:
    """The page as who looks so sees it; ``scripts`` false: none can run, not even ours."""
    context = browser.new_context(
        viewport={"width": look.width, "height": 900}, color_scheme=look.scheme, java_script_enabled=scripts
    )
    page = context.new_page()
    page.goto(file.as_uri())
    return page


def violations(page: Page, *, unfolded: bool = True, within: str = "html") -> Iterator[str]:
    """What axe-core calls serious or critical, a line each; ``unfolded``: all folds are opened before; ``within`` this selector's element."""
    if unfolded:
        page.evaluate(_OPEN_ALL)
    page.evaluate(fetched.axe().read_text())  # not as a script of the page, which may refuse those of others
    found: dict[str, Any] = page.evaluate("place => axe.run(place, {resultTypes: ['violations']})", within)
    for rule in found["violations"]:
        if rule["impact"] in SERIOUS:
            where = [node["target"][0] for node in rule["nodes"]]
            yield f"{rule['impact']}: {rule['id']}: {rule['help']} ({len(where)} ×): {json.dumps(where[:3])}"
