"""Latency beside what is done: over time, and as percentiles; and a replica's lag likewise."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from reports.charts.heatmap import Panel, latency_heatmap
from reports.charts.percentiles import Distribution, percentile_plot
from reports.findings import Finding
from reports.rds_operations import lag
from reports.rds_operations.arms import BACKUP, BASE_BACKUP, CREATE, LAG, NAME, QUIET, READ, SNAPSHOTS, WRITE
from reports.rds_operations.cells import Cell, Measured
from reports.rds_operations.charts import told
from reports.section import Chart
from reports.words import engine_name, milliseconds, number

_OPS = (WRITE, READ)


def of_backups(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """Of the largest size of each engine, with a backup and without."""
    for engine in found.engines:
        backups = found.where(engine, BACKUP, BASE_BACKUP)
        if not backups:
            continue
        size = backups[-1]
        cells = {
            name: one
            for name, arm in (("quiet", QUIET), ("beside backups", BASE_BACKUP))
            for one in found.where(engine, BACKUP, arm, size.step)
        }
        alt = told.sentences(told.of(findings, BACKUP, "backup_overhead_ratio", engine=engine))
        title = f"{engine_name(engine)}, {int(size.flights):,} flights, with base backups and without"
        yield from _both(found, cells, f"{NAME}-{engine}-backup", title, "seconds since the first backup began", alt)


def of_snapshots(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """What clients meet while the largest snapshot is made."""
    for engine in found.engines:
        cells = found.where(engine, SNAPSHOTS, CREATE)
        if cells:
            alt = told.sentences(
                one for one in told.of(findings, SNAPSHOTS, "stall_s", engine=engine) if one.labels["arm"] == CREATE
            )
            title = f"{engine_name(engine)}, {int(cells[-1].flights):,} flights, while a snapshot is made"
            clock = "seconds since the snapshot began"
            panels = _panels(found, {"": cells[-1]})
            if heatmap := latency_heatmap(
                panels, id=f"{NAME}-{engine}-snapshot-time", title=f"{title}: every operation, over time", what="latency from due",
                unit="ms", clock=clock, alt=alt, caption="All trials aligned on the begin of their snapshots. Operations count when they were due.",
            ):  # fmt: skip
                yield heatmap


def of_lag(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """By what is written beside: as percentiles, and over time."""
    for engine in found.engines:
        each = {_rate(cell): lag.seen(found, cell) for cell in found.where(engine, LAG)}
        shown = told.sentences(told.of(findings, LAG, "lag_p50_ms", "lag_max_ms", engine=engine))
        heatmap = latency_heatmap(
            [_lag_panel(name, rows) for name, rows in each.items() if rows], id=f"{NAME}-{engine}-lag-time",
            title=lag.title_of(engine, "lag over time"), what="lag", unit="ms", clock="seconds since the first row that counts", alt=shown,
            caption="A row counts when it was due to be written.",
        )  # fmt: skip
        percentiles = percentile_plot(
            [Distribution(name=name, trials=[one["lag_ms"].to_numpy() for one in rows.values()]) for name, rows in each.items()],
            id=f"{NAME}-{engine}-lag-percentiles", title=lag.title_of(engine, "how old a row is where it is first seen"),
            what="lag", unit="ms", show=milliseconds, caption="By what is written beside.",
        )  # fmt: skip
        yield from (chart for chart in (percentiles, heatmap) if chart is not None)


def _rate(cell: Cell) -> str:
    rate = float(cell.params.get("writes_per_s") or 0)
    return f"{number(rate)} writes/s" if rate else "no writes"


def _both(found: Measured, cells: Mapping[str, Cell], id: str, title: str, clock: str, alt: str) -> Iterator[Chart]:
    heatmap = latency_heatmap(
        _panels(found, cells), id=f"{id}-time", title=f"{title}: every operation, over time", what="latency from due", unit="ms",
        clock=clock, alt=alt, caption="All trials aligned. Operations count when they were due.",
    )  # fmt: skip
    percentiles = percentile_plot(
        [
            Distribution(name=f"{op}s, {name}", trials=[rows.loc[rows["ok"], "ms"].to_numpy() for rows in found.of_op(cell, op).values()])
            for op in _OPS for name, cell in cells.items()
        ],
        id=f"{id}-percentiles", title=f"{title}: latency", what="latency from due", unit="ms", show=milliseconds,
    )  # fmt: skip
    yield from (chart for chart in (heatmap, percentiles) if chart is not None)


def _panels(found: Measured, cells: Mapping[str, Cell]) -> list[Panel]:
    """A panel an operation and cell, over the whole of its trials."""
    made = []
    for op in _OPS:
        for name, cell in cells.items():
            parts = [
                (rows[rows["op"] == op], began_ns) for trial in cell.trials
                if (rows := found.rows.get(trial)) is not None and (began_ns := found.at_ns(trial, "operation_began")) is not None
            ]  # fmt: skip
            if any(len(rows) for rows, _ in parts):
                made.append(_panel(f"{op}s, {name}" if name else f"{op}s", parts, "ms"))
    return made


def _lag_panel(name: str, rows: Mapping[int, pd.DataFrame]) -> Panel:
    return _panel(name, [(one, int(one["due_ns"].min())) for one in rows.values()], "lag_ms")


def _panel(name: str, parts: Sequence[tuple[pd.DataFrame, int]], column: str) -> Panel:
    at_s = np.concatenate([(rows["due_ns"].to_numpy() - since_ns) / 1e9 for rows, since_ns in parts])
    took = np.concatenate([rows[column].to_numpy(dtype=np.float64) for rows, _ in parts])
    ok = np.concatenate([rows["ok"].to_numpy(dtype=bool) for rows, _ in parts])
    return Panel(
        name=name, at_s=at_s, latency=np.where(ok, took, np.nan), troubles=np.where(ok, "", "no answer").astype(object)
    )
