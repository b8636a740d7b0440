"""Every probe of the tuned client over time, aligned on the fault; and its latency before the fault and once it is back."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reports.charts.heatmap import Panel, latency_heatmap
from reports.charts.percentiles import Distribution, percentile_plot
from reports.findings import Finding
from reports.rds_failover.arms import PROBES, TUNED
from reports.rds_failover.brown_out import operations
from reports.rds_failover.cells import Case, Measured, Watch
from reports.rds_failover.charts.chosen import chart_id, title, told
from reports.section import Chart
from reports.words import milliseconds


def charts(found: Measured, case: Case, findings: Sequence[Finding]) -> list[Chart]:
    """Both of one case, of the tuned client or else the first that watched."""
    clients = [client for client in found.clients(case) if found.of_client(case, client)]
    client = TUNED if TUNED in clients else clients[0]
    each = [(watch, operations(watch)) for watch in found.of_client(case, client)]
    made = (
        latency_heatmap(
            [_panel(f"{name}s", each, op) for op, name in PROBES.items() if any((rows["op"] == op).any() for _, rows in each)],
            id=chart_id(case, "time"), title=title(case, "every probe, over time"), what="latency from due", unit="ms",
            clock="seconds since the fault", alt=told(findings, case, "write_downtime_s", "read_downtime_s", client=client),
            caption=f"The {client} client's, all trials aligned on the fault. An operation counts when it was due; one that was never "
            "answered, by any attempt, counts in the strip alone.",
        ),
        percentile_plot(
            [
                Distribution(name=f"{name}s {when}", trials=[_answered_ms(watch, rows, op, when) for watch, rows in each])
                for op, name in PROBES.items() for when in ("before the fault", "once back")
            ],
            id=chart_id(case, "percentiles"), title=title(case, "latency before the fault and once back"),
            what="latency from due of what was answered", unit="ms", show=milliseconds,
            caption=f"The {client} client's. Once back: due after the last of its probes was answered again.",
        ),
    )  # fmt: skip
    return [chart for chart in made if chart is not None]


def _panel(name: str, each: Sequence[tuple[Watch, pd.DataFrame]], op: str) -> Panel:
    mine = [(watch, rows[rows["op"] == op]) for watch, rows in each]
    took_ms = np.concatenate([rows["took_ns"].to_numpy(dtype=np.float64) / 1e6 for _, rows in mine])
    at_s = np.concatenate([(rows["due_ns"].to_numpy() - watch.injected_ns) / 1e9 for watch, rows in mine])
    answered = np.isfinite(took_ms)
    return Panel(
        name=name, at_s=at_s, latency=np.where(answered, took_ms, np.nan),
        troubles=np.where(answered, "", "no answer").astype(object),
    )  # fmt: skip


def _answered_ms(watch: Watch, rows: pd.DataFrame, op: str, when: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    then = rows["before"] if when == "before the fault" else (rows["due_ns"] >= watch.back_ns) & watch.back
    took_ms = rows.loc[then & (rows["op"] == op), "took_ns"].to_numpy(dtype=np.float64) / 1e6
    return took_ms[np.isfinite(took_ms)]
