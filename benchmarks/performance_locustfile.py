"""The locustfile of the performance table: for this process, :mod:`benchmarks.performance_scenario` is the one scenario there is."""

import sys

import scenarios
from benchmarks import performance_scenario
from benchmarks.performance_scenario import ToolCost
from harness.execute import locust_user

scenarios.SCENARIOS = (ToolCost.name,)  # type: ignore[assignment] # its type is that of the names it has
sys.modules[f"scenarios.{ToolCost.name}"] = performance_scenario

ToolCostUser = locust_user(ToolCost)
