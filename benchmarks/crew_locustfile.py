"""The locustfile of the crew's cost: for this process, :mod:`benchmarks.crew_scenario` is the one scenario there is."""

import os
import sys

import locust.runners
import locust.stats

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
for module, name in (
    (locust.runners, "HEARTBEAT_INTERVAL"), (locust.runners, "MASTER_HEARTBEAT_TIMEOUT"), (locust.runners, "CPU_MONITOR_INTERVAL"),
    (locust.stats, "HISTORY_STATS_INTERVAL_SEC"),
):  # fmt: skip
    setattr(module, name, getattr(module, name) * SLOWER)

CrewCostUser = execute.locust_user(CrewCost)
