"""What retries do to latency: percentile by percentile, and over time beside the throttles."""

from collections.abc import Sequence

import numpy as np

from reports.capacity_modes.samples import NAME
from reports.capacity_modes.told import Told, chosen
from reports.capacity_modes.wording import case
from reports.charts.heatmap import Panel, latency_heatmap
from reports.charts.percentiles import Distribution, percentile_plot
from reports.section import Chart
from reports.words import seconds

_KIND = "write"  # what the headline of the policies is of


def tail_charts(told: Sequence[Told], headline: str) -> list[Chart]:
    """Of the policies' writes; ``headline`` is what these come to. None where policies weren't measured."""
    those = [one.cell for one in chosen(told, part="policy", kind=_KIND) if len(one.cell.ops)]
    if not those:
        return []
    served = [cell.ops[cell.ops["served"]].sort_values("due_s") for cell in those]
    percentiles = percentile_plot(
        [
            Distribution(name=cell.arm, trials=[rows["latency_s"].to_numpy() for _, rows in ops.groupby("trial")])
            for cell, ops in zip(those, served, strict=True)
        ],
        id=f"{NAME}-policy-percentiles", title="Retries on a table that refuses: latency percentile by percentile",
        what="latency of writes that were served, from due", unit="service s", show=seconds,
        caption=f"{case(those[0])}. Pauses and refused attempts are included.",
    )  # fmt: skip
    over_time = latency_heatmap(
        [
            Panel(
                name=cell.arm, at_s=cell.ops["due_s"].to_numpy(), latency=cell.ops["latency_s"].to_numpy(dtype=np.float64),
                troubles=np.where(cell.ops["refused"] > 0, "throttled", "").astype(object),
            )
            for cell in those
        ],
        id=f"{NAME}-policy-time", title="Retries on a table that refuses: latency and throttles over a trial",
        what="latency from due", unit="service s", clock="service seconds since the trial began", alt=headline,
        caption=f"{case(those[0])}. Throttled: at least one attempt of a write, whether it was served in the end or not.",
    )  # fmt: skip
    return [chart for chart in (percentiles, over_time) if chart is not None]
