"""The charts of the section, each with the table it draws; one whose part wasn't measured is left out."""

from collections.abc import Sequence

from reports.findings import Finding
from reports.query_vs_scan.arms import NAME
from reports.query_vs_scan.cells import Asked
from reports.query_vs_scan.charts import base_cell, curves, index_cost, neighbours, shares, tails
from reports.section import Chart


def charts(asked: Asked, found: Sequence[Finding]) -> tuple[Chart, ...]:
    """In the order of the page; ``found`` are all the section's findings, whose sentences the charts conclude with."""
    made = (
        base_cell.chart(asked, found, _told(found, "saves_nothing.units_ratio", "strong.units_ratio")),
        curves.units_by_table(asked, _told(found, "units_ratio")),
        curves.latency_by_table(asked, _told(found, "latency_ratio")),
        tails.answers(asked),
        shares.chart(asked, found, _told(found, "break_even_share")),
        curves.units_by_item(asked),
        index_cost.chart(asked, found, _told(found, "index.reads_per_write_to_pay")),
        neighbours.chart(found, _told(found, "neighbour.throttled_share")),
        tails.waits(asked),
        tails.over_time(asked, _told(found, "neighbour.throttled_share")),
    )
    return tuple(chart for chart in made if chart is not None)


def _told(found: Sequence[Finding], *ids: str) -> list[Finding]:
    """The findings of these ids that have a value, the headlines alone where there are any."""
    these = [one for one in found if one.id.removeprefix(f"{NAME}.") in ids and one.value is not None]
    return [one for one in these if one.headline] or these
