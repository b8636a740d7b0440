"""The section's charts: every case at a glance, then the first few of each engine in detail, the ledger, the price of synchrony."""

from collections.abc import Sequence

from reports.findings import Finding
from reports.rds_failover.cells import Measured
from reports.rds_failover.charts import dots, ledgers, overview, steps, synchrony, tails, timeline
from reports.rds_failover.charts.chosen import detailed
from reports.section import Chart


def charts(found: Measured, findings: Sequence[Finding]) -> tuple[Chart, ...]:
    """All that there is something to draw for."""
    made: list[Chart] = [*overview.charts(found, findings)]
    for engine in found.engines:
        first = next(iter(detailed(found, engine)), None)
        for case in detailed(found, engine):
            for room in (dots, steps, timeline):
                made += room.charts(found, case, findings)
            if case is first:
                made += tails.charts(found, case, findings)
    return (*made, *ledgers.charts(found, findings), *synchrony.charts(found, findings))
