"""Opens the start page on a Locust process that has the web UI."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.launching import config_file
from harness.registry import scenario_names, settings_models
from harness.start_form import locusts_form
from harness.start_form.options import overrides_of
from harness.start_form.routes import StartPage, add_routes
from harness.start_form.settings import Source
from harness.start_form.starting import Offered, Starter


def open_start_form(
    environment: Any, offered: Mapping[str, Offered], *, under_way: Callable[[], str], runs: Callable[[], Mapping[str, Path]]
) -> None:  # fmt: skip
    """``/dbharness/start`` for these scenarios, and the same rules for Locust's form; before the web UI starts to serve."""
    options, web_ui = environment.parsed_options, environment.web_ui
    base_path = (options.web_base_path or "").rstrip("/")
    order = {name: place for place, name in enumerate(scenario_names())}
    offered = dict(sorted(offered.items(), key=lambda one: order.get(one[0], len(order))))
    source = Source(file=config_file(), models=settings_models(), given=tuple(overrides_of(options)))
    starter = Starter(
        web_ui=web_ui, options=options, offered=offered, under_way=under_way,
        told={name: getattr(options, name) for name in ("harness_set", "harness_target", "harness_seed")},
        given=source.given,
    )  # fmt: skip
    page = StartPage(source, starter, runs, options.harness_profile)
    add_routes(web_ui, page, base_path=base_path)
    locusts_form.watch(web_ui, page, base_path=base_path)
