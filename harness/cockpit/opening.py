"""Opens the cockpit on a Locust process that has the web UI."""

from typing import Any

from harness.cockpit import tabs
from harness.cockpit.routes import add_routes
from harness.cockpit.ticking import Cockpit
from harness.live import Live


def open_cockpit(environment: Any, live: Live) -> Cockpit:
    """Tabs on Locust's page, and our own page beside it; before the web UI starts to serve. It stays at ``web_ui.dbharness``."""
    cockpit = environment.web_ui.dbharness = Cockpit(live)
    tabs.show(environment.web_ui, live, cockpit.state)
    add_routes(environment.web_ui, cockpit, base_path=environment.parsed_options.web_base_path or "")
    return cockpit
