"""The charts of the section, each with the table it draws; one whose part wasn't measured is left out."""

from collections.abc import Sequence

from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.charts import bars, losses, sizes, tails, theory, warming
from reports.findings import Finding
from reports.section import Chart


def charts(found: Measured, findings: Sequence[Finding]) -> tuple[Chart, ...]:
    """In the order of the page; the findings' sentences are what the charts conclude with."""
    return (
        *sizes.charts(found, findings),
        *tails.by_size(found),
        *theory.charts(found, findings),
        *bars.writes_and_values(found, findings),
        *bars.policies(found, findings),
        *warming.charts(found, findings),
        *bars.stampedes(found, findings),
        *losses.charts(found, findings),
        *tails.over_time(found, findings),
        *bars.staleness(found, findings),
    )
