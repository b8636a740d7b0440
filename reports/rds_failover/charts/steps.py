"""Where the time goes: the steps of each client after the fault as a stacked bar, the controller's above them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports.charts import INK, MUTED, OKABE_ITO, PAPER, new_axes
from reports.findings import Finding
from reports.rds_failover.arms import client_row
from reports.rds_failover.cells import Case, Measured
from reports.rds_failover.charts.chosen import chart_id, rows, title, told
from reports.rds_failover.phases import CONTROLLER, NOT_BACK, STEPS, WENT_ON, controller, ends_by_client
from reports.section import Chart
from reports.words import seconds

_HATCHES = ("", "///", "|||", "\\\\\\", "xxx", "---")
_CONTROLLER_SHADES = ("#b0b0b0", "#787878", "#b0b0b0", "#787878")
_BEYOND = 1.18  # the axis ends so far beyond the last client that came back


def charts(found: Measured, case: Case, findings: Sequence[Finding]) -> list[Chart]:
    """One a case whose steps are known."""
    table = _table(found, case)
    if table.empty:
        return []
    return [
        Chart(
            id=chart_id(case, "steps"), title=title(case, "where the time goes"),
            caption="From the fault to the first write that was answered, or the first read of who only reads. A step's end is the median over "
            "trials; each begins where the one before ends, and one that a client doesn't take isn't there. The controller's own phases "
            f"stand above: {', '.join(CONTROLLER)}.",
            alt=told(findings, case, "controller_phase_s") + " " + told(findings, case, "phase_s", client="tuned"),
            table=table, draw=draw,
        )
    ]  # fmt: skip


def _table(found: Measured, case: Case) -> pd.DataFrame:
    by_trial = pd.DataFrame([(one.phase, one.from_s, one.to_s) for one in controller(found, case)], columns=["phase", "from s", "to s"])  # fmt: skip
    medians = by_trial.groupby("phase", sort=False)[["from s", "to s"]].median().reset_index()
    medians.insert(0, "client", "controller")
    order = rows(found, case)
    clients = ends_by_client(found, case)
    clients = clients.sort_values("client", key=lambda column: column.map(order.index), kind="stable")
    clients["client"] = clients["client"].map(client_row)
    return pd.concat([one for one in (medians, clients) if len(one)], ignore_index=True) if len(clients) else clients


def draw(table: pd.DataFrame) -> Figure:
    """A row a client; who wasn't back runs to the edge and says so."""
    clients = list(dict.fromkeys(table["client"]))
    figure, axes = new_axes(height=0.95 + 0.3 * len(clients))
    back = table[table["phase"] != NOT_BACK]
    edge_s = _BEYOND * float(back["to s"].max()) if len(back) else float(table["to s"].max())
    for at, client in enumerate(clients):
        for _, row in table[table["client"] == client].iterrows():
            begins_s, width_s = row["from s"], min(row["to s"], edge_s) - row["from s"]
            if row["phase"] == NOT_BACK:
                axes.barh(
                    [at],
                    [width_s],
                    left=begins_s,
                    height=0.62,
                    facecolor="none",
                    edgecolor=MUTED,
                    hatch="//",
                    linewidth=0.8,
                )
                axes.annotate(
                    f" not back within {seconds(row['to s'])} ", ((begins_s + edge_s) / 2, at), ha="center", va="center",
                    fontsize=8, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2},
                )  # fmt: skip
            elif row["phase"] != WENT_ON:
                axes.barh([at], [width_s], left=begins_s, height=0.62, **_look(client, row["phase"]))
        mine = table[table["client"] == client]
        if NOT_BACK not in set(mine["phase"]):
            ends_s = float(mine["to s"].max())
            said = "wasn't down" if WENT_ON in set(mine["phase"]) else seconds(ends_s)
            axes.annotate(said, (ends_s, at), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8.5)
    axes.set_xlim(0, edge_s)
    axes.set_yticks(range(len(clients)), clients)
    axes.set_ylim(len(clients) - 0.4, -0.6)
    axes.set_xlabel("seconds since the fault")
    figure.legend(handles=_legend(set(table["phase"])), loc="outside upper left", ncols=4, fontsize=8)
    return figure


def _look(client: str, phase: str) -> dict[str, Any]:
    if client == "controller":
        return {"facecolor": _CONTROLLER_SHADES[list(CONTROLLER).index(phase)], "edgecolor": PAPER, "linewidth": 0.6}
    place = STEPS.index(phase)
    return {"facecolor": OKABE_ITO[place], "hatch": _HATCHES[place], "edgecolor": PAPER, "linewidth": 0}


def _legend(phases: set[str]) -> list[Patch]:
    steps = [step for step in STEPS if step in phases]
    own = [Patch(**_look("", step), label=step) for step in steps]
    ours = [Patch(facecolor=_CONTROLLER_SHADES[0], edgecolor=INK, linewidth=0.4, label="controller's phases")]
    return own + (ours if phases & set(CONTROLLER) else [])
