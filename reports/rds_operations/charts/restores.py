"""A point-in-time restore step by step: load, backup, DELETE and the second before it; then the restore until it is read and written."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.charts import INK, new_panels, style
from reports.findings import Finding
from reports.rds_operations.arms import NAME, PITR, RESTORE
from reports.rds_operations.cells import Cell, Measured
from reports.rds_operations.charts import told
from reports.rds_operations.pitr import STEP_WORDS, came_back, steps_of
from reports.section import Chart
from reports.words import engine_name, seconds

_BEFORE, _AFTER = "before", "restore"
_PANELS = {_BEFORE: "seconds from the DELETE", _AFTER: "seconds since the restore was asked for"}


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """One an engine: the trial whose restore took the median, or the one below it."""
    for engine in found.engines:
        for cell in found.where(engine, PITR, RESTORE):
            table = _table(found, cell)
            if len(table):
                restored = found.events_of(cell, "restored")
                yield Chart(
                    id=f"{NAME}-{engine}-restore", title=f"{engine_name(engine)}: back to the second before a bad DELETE",
                    caption="One trial: what was there until the DELETE, and the restore. The target is the whole second before; what was "
                    f"acknowledged between it and the DELETE isn't restored (RPO). Over all trials: {came_back(restored)}.",
                    alt=told.sentences(told.of(findings, PITR, "rto_s", "rpo_s", "rows_wrong", engine=engine)), table=table, draw=draw,
                )  # fmt: skip


def _table(found: Measured, cell: Cell) -> pd.DataFrame:
    """What lasted, from when to when; what was a moment has both the same."""
    restored = sorted(found.events_of(cell, "restored"), key=lambda one: float(one["rto_write_s"]))
    if not restored:
        return pd.DataFrame()
    one = restored[(len(restored) - 1) // 2]
    trial = int(one["trial"])
    rows = [(_BEFORE, *row) for row in _until_the_delete(found, trial)]
    at_s = 0.0
    for step, took_s in steps_of(one).items():
        rows.append((_AFTER, STEP_WORDS[step], at_s, at_s + took_s))
        at_s += took_s
    rows.append((_AFTER, "first row read", float(one["rto_read_s"]), float(one["rto_read_s"])))
    rows.append((_AFTER, "first row written", float(one["rto_write_s"]), float(one["rto_write_s"])))
    return pd.DataFrame([(trial, *row) for row in rows], columns=["trial", "part", "what", "from, s", "to, s"])


def _until_the_delete(found: Measured, trial: int) -> Iterator[tuple[str, float, float]]:
    events = {one["kind"]: one for one in found.events.get(trial, ())}
    deleted = events.get("bad_delete")
    if deleted is None:
        return
    at_ns = int(deleted["t_ns"])
    if (rows := found.rows.get(trial)) is not None:
        yield "load", (int(rows["due_ns"].min()) - at_ns) / 1e9, (int(rows["t_end"].max()) - at_ns) / 1e9
    if {"backup_began", "backup_ended"} <= events.keys():
        began, ended = (int(events[kind]["t_ns"]) for kind in ("backup_began", "backup_ended"))
        yield "base backup", (began - at_ns) / 1e9, (ended - at_ns) / 1e9
    target_s = datetime.fromisoformat(str(deleted["second"])).timestamp() - int(deleted["wall_ns"]) / 1e9
    yield "target of the restore", target_s, target_s
    yield "bad DELETE", 0.0, 0.0


def draw(table: pd.DataFrame) -> Figure:
    """What was before the DELETE above, the restore below, each from its own moment on."""
    parts = [part for part in _PANELS if (table["part"] == part).any()]
    rows = {part: table[table["part"] == part] for part in parts}
    figure, panels = new_panels([0.3 * len(rows[part]) + 0.1 for part in parts], around=0.5, share_x=False)
    for at, (part, axes) in enumerate(zip(parts, panels, strict=True)):
        _draw_part(axes, rows[part], index=at)
        axes.set_xlabel(_PANELS[part])
    return figure


def _draw_part(axes: Axes, rows: pd.DataFrame, *, index: int) -> None:
    for at, (_, row) in enumerate(rows.iterrows()):
        begin_s, end_s = row["from, s"], row["to, s"]
        if begin_s == end_s:
            axes.axvline(begin_s, color=INK, linewidth=0.7, alpha=0.5)
            axes.plot([begin_s], [at], marker="D", color=INK, markersize=5)
            said = f"{'−' if begin_s < 0 else ''}{seconds(abs(begin_s))}" if begin_s else ""
        else:
            axes.barh([at], [end_s - begin_s], left=begin_s, height=0.5, color=style(2 * index)["color"])
            said = seconds(end_s - begin_s)
        axes.annotate(said, (end_s, at), textcoords="offset points", xytext=(7, 0), va="center", fontsize=8.5)
    axes.set_yticks(range(len(rows)), rows["what"])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.12)
