"""Finds scenarios by name, so that the harness imports none of them by itself."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.config import Settings
from harness.errors import UsageError
from harness.paths import PROJECT_ROOT
from harness.scenario import Scenario

PLANTED, CALIBRATION, SERIES = "planted", "calibration", "series"
# The harness's own loads: no question of anybody's, so none of the scenarios.
_OWN = {
    PLANTED: "harness.planted.scenario", CALIBRATION: "harness.calibration_scenario", SERIES: "harness.series.scenario",
}  # fmt: skip


def scenario_names() -> tuple[str, ...]:
    """All scenarios, in the order they run and are reported."""
    names: tuple[str, ...] = import_module("scenarios").SCENARIOS
    return names


def known(names: Sequence[str]) -> tuple[str, ...]:
    """These scenarios, each once; all where none is named. Raises UsageError for one that isn't there."""
    there = scenario_names()
    for name in names:
        if name not in there:
            raise UsageError(f"unknown scenario {name!r}; there are {', '.join(there)}")
    return tuple(dict.fromkeys(names or there))


def load_scenario(name: str) -> type[Scenario[Any]]:
    """The scenario class of that name; importing it imports Locust, which patches sockets."""
    scenario: type[Scenario[Any]] = import_module(_module(name)).SCENARIO
    return scenario


def locustfile(name: str) -> Path:
    """The file that Locust is given to run that scenario."""
    return PROJECT_ROOT.joinpath(*_module(name).split(".")).with_suffix(".py")


def settings_models() -> dict[str, type[Settings]]:
    """Each scenario's model of its settings, by name."""
    return {name: load_scenario(name).Settings for name in scenario_names()}


def _module(name: str) -> str:
    return _OWN.get(name, f"scenarios.{name}")
