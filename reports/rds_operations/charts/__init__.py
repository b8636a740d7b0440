"""The section's charts, part by part."""

from collections.abc import Sequence

from reports.findings import Finding
from reports.rds_operations.cells import Measured
from reports.rds_operations.charts import groups, held, restores, sizes, tails
from reports.section import Chart


def charts(found: Measured, findings: Sequence[Finding]) -> tuple[Chart, ...]:
    """All that there is something to draw for."""
    return (
        *groups.charts(found, findings),
        *tails.of_backups(found, findings),
        *restores.charts(found, findings),
        *sizes.charts(found, findings),
        *tails.of_snapshots(found, findings),
        *tails.of_lag(found, findings),
        *held.charts(found, findings),
    )
