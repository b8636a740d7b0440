"""What a lost cache does over time, a chart a fault: reads answered and not, the database's load and p99; a line a client."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from reports import stats
from reports.cache_hit_rate.arms import FAULTS, NAME
from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.charts.tables import cells_of, named
from reports.cache_hit_rate.lost import PART, Faulted, faulted, of_one_node
from reports.charts import INK, new_rows, style
from reports.findings import Finding
from reports.section import Chart
from reports.words import seconds

MOST_BINS, LEAST_BINS, BIN_READS = 40, 10, 20  # spans of a trial, of so many reads where there are fewer
_ANSWERED, _FAILED, _DATABASE, _P99 = "answered reads/s", "failed reads/s", "database reads/s", "p99 ms"
_PANELS = (
    (_ANSWERED, "answered\nreads/s"),
    (_FAILED, "failed\nreads/s"),
    (_DATABASE, "database\nreads/s"),
    (_P99, "p99, ms"),
)


def charts(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """One for each fault that was measured."""
    cells = [cell for cell in cells_of(found, PART) if faulted(found, cell)]
    several, faults = len({cell.engine for cell in cells}) > 1, dict.fromkeys([*FAULTS, *(cell.step for cell in cells)])
    made = []
    for fault in faults:
        mine = [cell for cell in cells if cell.step == fault]
        if not mine:
            continue
        rows = [row for cell in mine for row in _rows(faulted(found, cell), named(cell, several))]
        during = [one for one in findings if one.id.endswith(f".{PART}.error_share") and one.labels["step"] == fault]
        told = [one for one in during if one.labels["arm"] == mine[0].arm and one.labels.get("when") != "before"]
        least_s, most_s = (edge(row["window s"] for row in rows) for edge in (min, max))
        windows = (
            seconds(least_s) if seconds(least_s) == seconds(most_s) else f"{seconds(least_s)} to {seconds(most_s)}"
        )
        made.append(
            Chart(
                id=f"{NAME}-lost-{fault}",
                title=f"{_title(found, fault)}: reads, the database's load and p99",
                caption=f"Means over trials, rates over windows of {windows}. Reads count when they ended, those that got no answer in a row of their own where there are any. "
                "p99, on a logarithmic axis, is of the reads that were due then, answered or not. Shaded: from the fault to its repair.",
                alt=" ".join(one.sentence for one in told),
                table=pd.DataFrame(rows),
                draw=_draw,
            )
        )
    return made


def _title(found: Measured, fault: str) -> str:
    words = FAULTS[fault][1] if fault in FAULTS else fault
    return words.replace("The cache", "One node of the cache") if of_one_node(found, fault) else words


def _rows(trials: Sequence[Faulted], name: str) -> Iterator[dict[str, Any]]:
    """Spans since the fault, alike in all trials; ``repaired s`` is their mean."""
    begins_s = min(_since_s(one, one.reads["due_ns"]).min() for one in trials)
    ends_s = max(_since_s(one, one.reads["due_ns"]).max() for one in trials)
    bins = int(np.clip(min(len(one.reads) for one in trials) // BIN_READS, LEAST_BINS, MOST_BINS))
    edges = np.linspace(begins_s, ends_s + 1e-9, bins + 1)
    width_s, repaired_s = (
        edges[1] - edges[0],
        float(np.mean([(one.repaired_ns - one.injected_ns) / 1e9 for one in trials])),
    )
    reads = pd.concat([one.reads[["outcome", "asked_db", "latency_us"]] for one in trials])
    due, ended = (
        np.concatenate([np.searchsorted(edges, _since_s(one, one.reads[column]), side="right") - 1 for one in trials])
        for column in ("due_ns", "t_end")
    )
    over, per_s, p99_us = (ended >= 0) & (ended < bins), 1 / width_s / len(trials), np.full(bins, np.nan)
    full, found = stats.grouped_percentiles(reads["latency_us"].to_numpy(), due, (99.0,))
    p99_us[full] = found[:, 0]
    answered, failed, database = (
        np.bincount(ended[over & which], minlength=bins) * per_s
        for which in (reads["outcome"] == "ok", reads["outcome"] != "ok", reads["asked_db"])
    )
    for at in range(bins):
        yield {
            "client": name, "s": (edges[at] + edges[at + 1]) / 2, "window s": float(width_s), "repaired s": repaired_s,
            _ANSWERED: answered[at], _FAILED: failed[at], _DATABASE: database[at], _P99: p99_us[at] / 1e3,
        }  # fmt: skip


def _since_s(one: Faulted, times_ns: "pd.Series[int]") -> "pd.Series[float]":
    return (times_ns - one.injected_ns) / 1e9


def _draw(table: pd.DataFrame) -> Figure:
    panels = [(column, label) for column, label in _PANELS if column != _FAILED or (table[_FAILED] > 0).any()]
    figure, rows = new_rows(len(panels), height_each=1.4)
    clients = list(dict.fromkeys(table["client"]))
    for axes, (column, label) in zip(rows, panels, strict=True):
        for index, client in enumerate(clients):
            mine = table[table["client"] == client]
            axes.plot(mine["s"], mine[column], label=client, **style(index) | {"marker": ""})
        axes.axvspan(0, max(table["repaired s"].max(), 0.002), color=INK, alpha=0.09, linewidth=0)
        axes.set_ylabel(label)
        if column == _P99:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(0, 1.08 * max(table[column].max(), 1))
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=8.5)
    rows[-1].set_xlabel("seconds since the fault")
    return figure
