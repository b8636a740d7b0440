"""How long answers take beyond the median, and what everyone else's reads wait while somebody reports, over time."""

from collections.abc import Sequence

import numpy as np

from reports.charts.heatmap import Panel, latency_heatmap
from reports.charts.percentiles import Distribution, percentile_plot
from reports.findings import Finding
from reports.query_vs_scan.arms import NAME, QUESTIONS
from reports.query_vs_scan.beside import ALONE, Beside
from reports.query_vs_scan.cells import Asked
from reports.section import Chart
from reports.words import milliseconds

_SHOWN = (ALONE, "scan", "paced_scan")  # over time: nobody, the trouble, and its nearest cure


def answers(asked: Asked) -> Chart | None:
    """The service times of the largest table's answers; None where no table grew."""
    cells = asked.where("table_items")
    largest = [cell for cell in cells if cell.items == max(cell.items for cell in cells)]
    largest.sort(key=lambda cell: (cell.question, cell.arm))
    of = [
        Distribution(
            name=f"{cell.arm}: {QUESTIONS.get(cell.question, cell.question)}",
            trials=[rows.sort_values("t_start")["service_ms"].to_numpy() for _, rows in cell.rows.groupby("trial")],
        )
        for cell in largest
    ]
    items = f"{largest[0].items:,} items" if largest else ""
    return percentile_plot(
        of, id=f"{NAME}-percentiles", title=f"Latency of one answer, percentile by percentile ({items})",
        what="service time of one answer, closed loop", unit="ms", show=milliseconds,
    )  # fmt: skip


def waits(asked: Asked) -> Chart | None:
    """Everyone else's reads, by what somebody does meanwhile; None where no neighbour was measured."""
    of = [Distribution(name=one.arm, trials=one.waits_ms()) for one in asked.besides]
    return percentile_plot(
        of, id=f"{NAME}-neighbour-percentiles", title="What everyone else's reads waited, percentile by percentile",
        what="latency from when a read was due", unit="service ms", show=milliseconds,
        caption="Retries are included; a read that was given up counts until then.",
    )  # fmt: skip


def over_time(asked: Asked, told: Sequence[Finding]) -> Chart | None:
    """The same over a trial, with the share throttled."""
    return latency_heatmap(
        [_panel(one) for one in asked.besides if one.arm in _SHOWN], id=f"{NAME}-neighbour-time",
        title="What everyone else's reads met while somebody reported, over a trial", what="latency from due", unit="service ms",
        clock="service seconds since the first read was due", alt=" ".join(one.sentence for one in told),
        caption="Throttled at least once, whether it was served in the end or not.",
    )  # fmt: skip


def _panel(beside: Beside) -> Panel:
    reads = beside.reads
    at_s = (reads["due"] - reads.groupby("trial")["due"].transform("min")) / 1e9 * beside.speed
    return Panel(
        name=beside.arm, at_s=at_s.to_numpy(), latency=reads["wait_ms"].where(reads["served"]).to_numpy(),
        troubles=np.where(reads["throttled"], "throttled", np.where(reads["served"], "", "error")).astype(object),
    )  # fmt: skip
