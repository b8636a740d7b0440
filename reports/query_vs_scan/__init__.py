"""Query or Scan: units, latency and dollars of the same answers, while tables, answers and items grow; what an index costs
and what a Scan does to its neighbours.

A room for each: ``arms`` the words, ``cells`` what was asked, ``answers`` each cell's figures, ``ratios``, ``growth``,
``selectivity``, ``indexes``, ``neighbour``, ``charts``, ``method``.
"""

from reports.load import Run
from reports.query_vs_scan import answers, growth, indexes, neighbour, ratios, selectivity
from reports.query_vs_scan.arms import NAME, TITLE
from reports.query_vs_scan.cells import Asked
from reports.query_vs_scan.charts import charts
from reports.query_vs_scan.method import method, not_measured
from reports.section import Section
from reports.words import absent, troubles, why_absent

__all__ = ["NAME", "TITLE", "analyse"]


def analyse(run: Run) -> Section:
    """The section of query_vs_scan."""
    asked = Asked.of(run)
    compared = [
        *ratios.findings(asked),
        *selectivity.findings(asked),
        *growth.findings(asked),
        *indexes.findings(asked),
        *neighbour.findings(asked),
    ]
    findings = [*compared, *answers.findings(asked)]
    if not findings:
        return _nothing(run)
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=tuple(findings),
        charts=charts(asked, findings),
        method=method(asked),
        warnings=(*not_measured(asked), *troubles(asked.bad)),
        tool=asked.tool.rows(findings),
    )


def _nothing(run: Run) -> Section:
    reason = why_absent(run, NAME)
    ids = (("units_ratio", "ratio"), ("latency_ratio", "ratio"), ("latency_p95_ms", "ms"))
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=(f"Not measured: {reason}.",),
        findings=tuple(absent(run, NAME, f"{NAME}.{id}", unit, "none", reason) for id, unit in ids),
        charts=(),
        method=(),
    )
