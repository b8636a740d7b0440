"""The locustfile of the crew's cost: for this process, :mod:`benchmarks.crew_scenario` is the one scenario there is."""

import sys

import scenarios
from benchmarks import crew_scenario
from benchmarks.crew_scenario import CrewCost
from harness.execute import locust_user

scenarios.SCENARIOS = (CrewCost.name,)  # type: ignore[assignment] # its type is that of the names it has
sys.modules[f"scenarios.{CrewCost.name}"] = crew_scenario

CrewCostUser = locust_user(CrewCost)
