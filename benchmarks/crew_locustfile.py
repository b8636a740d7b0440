"""The locustfile of the crew's cost: for this process, :mod:`benchmarks.crew_scenario` is the one scenario there is."""

import os
import sys

import locust.runners

import scenarios
from benchmarks import crew_scenario
from benchmarks.crew_scenario import CrewCost
from harness import execute, performer

scenarios.SCENARIOS = (CrewCost.name,)  # type: ignore[assignment] # its type is that of the names it has
sys.modules[f"scenarios.{CrewCost.name}"] = crew_scenario

# Where instructions are counted all goes so many times slower; what is done by the clock goes as much slower with it.
SLOWER = float(os.environ.get(crew_scenario.SLOWER_VARIABLE, "1"))
execute._REPORT_EVERY_S *= SLOWER
performer._FLUSH_EVERY_S *= SLOWER
locust.runners.HEARTBEAT_INTERVAL *= SLOWER  # type: ignore[assignment] # whole numbers there
locust.runners.MASTER_HEARTBEAT_TIMEOUT *= SLOWER  # type: ignore[assignment]

CrewCostUser = execute.locust_user(CrewCost)
