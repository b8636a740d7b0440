"""Parameter groups: what each brings beside what it loses, and which parameters wait for a reboot."""

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from reports.charts import MUTED, new_panels, points_by_row, style
from reports.findings import Finding
from reports.rds_operations.arms import CONNECTIONS, NAME, PARAMETERS, PENDING
from reports.rds_operations.cells import Measured
from reports.rds_operations.charts import told
from reports.rds_operations.parameters import changes
from reports.section import Chart
from reports.words import engine_name, number, seconds

_ROW_INCHES, _AROUND_INCHES = 0.28, 0.5
_RATE, _LOST = "writes/s", "lost writes"
_APPLYING, _REBOOT = "applying, s", "reboot, s"


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """Both, where groups were measured; the second wherever a parameter was given."""
    rates = told.of(findings, PARAMETERS, "writes_per_s")
    if rates:
        lost = {_name(one): one.value for one in told.of(findings, PARAMETERS, "lost_writes")}
        rows = [
            {"row": _name(one), _RATE: one.value, "from": one.low, "to": one.high, _LOST: lost.get(_name(one))} for one in rates
        ]  # fmt: skip
        yield Chart(
            id=f"{NAME}-groups", title="What each parameter group brings, and what a crash loses with it",
            caption="Above: acknowledged writes a second in a closed loop, lines are 95 % intervals over trials, logarithmic. Below: acknowledged "
            "writes that weren't there after kill -9, over all trials, logarithmic from 1 on. What a lost host would lose isn't measured.",
            alt=told.sentences(told.of(findings, PARAMETERS, "writes_ratio")) or told.sentences(rates),
            table=pd.DataFrame(rows).astype({"from": float, "to": float, _LOST: float}), draw=draw_groups,
        )  # fmt: skip
    table = _parameters(found)
    if len(table):
        waits = [*told.of(findings, PARAMETERS, "pending_reboot"), *told.of(findings, CONNECTIONS, "pending_reboot")]
        yield Chart(
            id=f"{NAME}-pending", title="Which parameters wait for a reboot",
            caption="In RDS's words. A dynamic parameter is applying until the server runs with it; a static one stays pending-reboot until "
            "somebody reboots the instance, and then takes as long as that. Medians over trials, logarithmic.",
            alt=told.sentences(waits), table=table, draw=draw_pending,
        )  # fmt: skip


def _name(one: Finding) -> str:
    return f"{engine_name(one.labels['engine'])}, {one.labels['arm']}"


def _parameters(found: Measured) -> pd.DataFrame:
    """A row a parameter that a group gave: what it was before and after, and how long until the server ran with it."""
    made = {}
    for cell in found.cells:
        reboots = [float(one["seconds"]) for one in found.events_of(cell, "reboot")]
        for name, each in changes(found, cell).items():
            applied = [float(one["applied_s"]) for one in each if one.get("applied_s") is not None]
            pending = any(one["status_after"] == PENDING for one in each)
            made[cell.engine, str(each[0]["group"]), name] = {
                "engine": engine_name(cell.engine), "group": str(each[0]["group"]), "parameter": name,
                "value": str(each[0]["value"]), "type": str(each[0]["apply_type"]), "before": str(each[0]["status_before"]),
                "after": PENDING if pending else str(each[0]["status_after"]),
                _APPLYING: float(pd.Series(applied).median()) if applied else None,
                _REBOOT: float(pd.Series(reboots).median()) if reboots and pending else None,
            }  # fmt: skip
    return pd.DataFrame(list(made.values()))


def draw_groups(table: pd.DataFrame) -> Figure:
    """Writes a second above, losses below, a row a group."""
    height = _ROW_INCHES * len(table) + 0.1
    figure, (above, below) = new_panels([height, height], around=_AROUND_INCHES, share_x=False)
    points_by_row(above, table, _RATE, ("from", "to"), number, names="row")
    above.set_xscale("log")
    above.set_xlabel("acknowledged writes a second")
    bare = table.assign(low=float("nan"), high=float("nan"))
    points_by_row(below, bare, _LOST, ("low", "high"), number, names="row", index=1, marker="s", bars=True)
    below.set_xscale("symlog", linthresh=1)
    below.set_xlim(0, max(10.0, 4 * float(table[_LOST].max(skipna=True) or 0)))
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    below.set_xlabel("acknowledged writes lost")
    return figure


def draw_pending(table: pd.DataFrame) -> Figure:
    """A row a parameter: how long until the server ran with it, by the way that it takes; in words beside it."""
    figure, (axes,) = new_panels([_ROW_INCHES * len(table) + 0.1], around=_AROUND_INCHES)
    for at, (_, row) in enumerate(table.iterrows()):
        waits = row["after"] == PENDING
        value = row[_REBOOT] if waits else row[_APPLYING]
        words = f"{row['before']} → {PENDING} → in-sync" if waits else f"{row['before']} → applying → {row['after']}"
        look = style(1 if waits else 0)
        if not pd.isna(value):
            axes.plot([value], [at], color=look["color"], marker="s" if waits else "o", markersize=6, linestyle="")
            words = f"{seconds(value)}   {words}"
        axes.annotate(
            words, (1.02, at), xycoords=axes.get_yaxis_transform(), va="center", fontsize=8.5, annotation_clip=False
        )
    names = [f"{row['engine']}, {row['group']}: {row['parameter']}" for _, row in table.iterrows()]
    axes.set_yticks(range(len(table)), names)
    axes.set_ylim(len(table) - 0.4, -0.6)
    if table[[_APPLYING, _REBOOT]].notna().to_numpy().any():
        axes.set_xscale("log")
        axes.margins(x=0.16)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("until the server runs with it")
    shapes = [
        Line2D([], [], color=style(index)["color"], marker=marker, linestyle="", markersize=6, label=label)
        for index, marker, label in ((0, "o", "dynamic: while it is applying"), (1, "s", "static: the reboot"))
    ]
    figure.legend(handles=shapes, loc="outside upper left", ncols=2, fontsize=8.5, labelcolor=MUTED)
    return figure
