"""Connections that an application opens one by one, against the limit, and where it is refused."""

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import INK, new_axes, style
from reports.findings import Finding
from reports.rds_operations.arms import ABOVE, BELOW, CONNECT, CONNECTIONS, NAME
from reports.rds_operations.cells import Cell, Measured
from reports.rds_operations.charts import told
from reports.rds_operations.connections import refusals, said
from reports.section import Chart
from reports.words import engine_name

_ARMS = {ABOVE: "past the limit", BELOW: "to half of it"}


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """One an engine and limit: the first trial of each arm."""
    for engine in found.engines:
        for above in found.where(engine, CONNECTIONS, ABOVE):
            cells = {ABOVE: above} | {one.arm: one for one in found.where(engine, CONNECTIONS, BELOW, above.step)}
            table = pd.concat([_table(found, cell) for cell in cells.values()], ignore_index=True)
            if table.empty:
                continue
            refused = refusals(found, above)
            words = f" Refused with {said(refused)}." if refused else ""
            yield Chart(
                id=f"{NAME}-{engine}-connections-{above.step}",
                title=f"{engine_name(engine)}: connections opened against max_connections {above.step}",
                caption=f"The first trial of each arm, those held by readers and writers counted. Crosses: refused.{words}",
                alt=told.sentences(
                    one for one in told.of(findings, CONNECTIONS, "connections_until_refused", engine=engine) if one.labels["step"] == above.step
                ),
                table=table, draw=draw,
            )  # fmt: skip


def _table(found: Measured, cell: Cell) -> pd.DataFrame:
    """A row an attempt: when, and how many connections there were once it had ended."""
    opened = found.of_op(cell, CONNECT)
    if not opened:
        return pd.DataFrame()
    rows = next(iter(opened.values())).sort_values("t_end", kind="stable")
    held = int(cell.params.get("held") or 0)
    return pd.DataFrame(
        {
            "opened": _ARMS.get(cell.arm, cell.arm), "s": (rows["t_end"] - rows["t_end"].iloc[0]).to_numpy() / 1e9,
            "connections": held + rows["ok"].cumsum().to_numpy(), "refused": ~rows["ok"].to_numpy(dtype=bool),
            "error": rows["error_code"].astype(object).fillna("").to_numpy(), "limit": int(cell.params["max_connections"]),
        }
    )  # fmt: skip


def draw(table: pd.DataFrame) -> Figure:
    """A line an arm, crosses where it was refused, the limit across."""
    figure, axes = new_axes(height=3.0)
    limit = int(table["limit"].iloc[0])
    axes.axhline(limit, color=INK, linewidth=1.0, linestyle="--", label=f"max_connections {limit}")
    for index, (name, rows) in enumerate(table.groupby("opened", sort=False)):
        look = style(index)
        axes.plot(rows["s"], rows["connections"], drawstyle="steps-post", label=str(name), **look | {"marker": ""})
        refused = rows[rows["refused"]]
        axes.plot(
            refused["s"],
            refused["connections"],
            linestyle="",
            marker="x",
            color=INK,
            markersize=6,
            label=f"refused, {name}" if len(refused) else None,
        )
    axes.set_ylim(0, 1.12 * max(limit, int(table["connections"].max())))
    axes.set_xlabel("seconds since the first was opened")
    axes.set_ylabel("connections of the application")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8.5)
    return figure
