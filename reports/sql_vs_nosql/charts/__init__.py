"""The charts of the section, each with the table it draws; one whose part wasn't measured is left out."""

from collections.abc import Sequence

from reports.findings import Finding
from reports.section import Chart
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.charts import cached, dots, growing, matrix, months, schemas


def charts(found: Measured, findings: Sequence[Finding]) -> tuple[Chart, ...]:
    """In the order of the page: the matrix of patterns and stores first."""
    made = (
        matrix.chart(found, findings),
        dots.latency(found, findings),
        *months.charts(found, findings),
        *growing.charts(found, findings),
        cached.chart(found, findings),
        dots.processor_time(found, findings),
        *schemas.charts(found),
    )
    return tuple(chart for chart in made if chart is not None)
