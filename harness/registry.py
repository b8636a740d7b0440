"""Finds scenarios by name, so that the harness imports none of them by itself."""

from importlib import import_module
from typing import Any

from harness.config import Settings
from harness.scenario import Scenario


def scenario_names() -> tuple[str, ...]:
    """All scenarios, in the order they run and are reported."""
    names: tuple[str, ...] = import_module("scenarios").SCENARIOS
    return names


def load_scenario(name: str) -> type[Scenario[Any]]:
    """The scenario class of that name; importing it imports Locust, which patches sockets."""
    scenario: type[Scenario[Any]] = import_module(f"scenarios.{name}").SCENARIO
    return scenario


def settings_models() -> dict[str, type[Settings]]:
    """Each scenario's model of its settings, by name."""
    return {name: load_scenario(name).Settings for name in scenario_names()}
