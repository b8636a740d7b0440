"""Every case at a glance: the tuned client beside the server itself and the worst client, and each client's median."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from reports.charts import OKABE_ITO, PAPER, new_axes, style
from reports.findings import Finding
from reports.rds_failover.arms import ALL, NAME, REFERENCE, TUNED, WRITE, client_row, in_order
from reports.rds_failover.cells import Case, Measured, median_s
from reports.rds_failover.charts.chosen import detailed, watched
from reports.rds_failover.charts.dots import dots_of_row, legend, seconds_axis
from reports.rds_failover.compare import ranked
from reports.rds_failover.downtime import outages
from reports.section import Chart
from reports.words import engine_name, seconds

_SERVER, _WORST = "server itself, median s", "worst client, median s"


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """All cases; then for an engine with more cases than are drawn in detail, its cases by client."""
    cases = [case for engine in found.engines for case in watched(found, engine)]
    wrote = [case for case in cases if outages(found, case, TUNED, WRITE)]
    if wrote:
        said = " ".join(one.sentence for one in findings if one.headline)
        yield Chart(
            id=f"{NAME}-cells", title="Down for writes in every case, as the tuned client saw it",
            caption="Beside each case's trials: the server itself, and the client that was longest down, by their medians. Logarithmic axis.",
            alt=said, table=pd.DataFrame([_row(found, case, findings) for case in wrote]),
            draw=lambda table: _draw_cases(table, _dots(found, wrote)),
        )  # fmt: skip
    for engine in found.engines:
        those = watched(found, engine)
        if len(those) > len(detailed(found, engine)):
            yield Chart(
                id=f"{NAME}-{engine}-cells-clients", title=f"{engine_name(engine)}: down for writes, by case and client",
                caption="Medians over trials; ≥ where a client wasn't back within the cap in most of them; – where it doesn't watch. The darker "
                "the longer, on a logarithmic scale.",
                alt=" ".join(one.sentence for one in findings if one.id.endswith(".client_ratio") and one.labels["engine"] == engine),
                table=_by_client(found, those), draw=_draw_by_client,
            )  # fmt: skip


def _name(case: Case) -> str:
    return f"{engine_name(case.engine)}, {case.row}"


def _row(found: Measured, case: Case, findings: Sequence[Finding]) -> dict[str, object]:
    """The figures of a case: downtime for writes and reads, of whom, and the ledger's."""
    own = [one for one in findings if one.labels.get("step") == case.step and one.labels.get("engine") == case.engine]

    def figure(name: str, client: str) -> float | None:
        those = (one for one in own if one.id == case.id(name) and one.labels["client"] == client)
        return next((one.value for one in those), None)

    medians = {client: median_s(each) for client in found.clients(case)
               if client != REFERENCE and (each := outages(found, case, client, WRITE))}  # fmt: skip
    worst = ranked(medians)[-1]
    tuned = outages(found, case, TUNED, WRITE).values()
    return {
        "case": _name(case), "trials": len(case.trials), "tuned, writes, median s": figure("write_downtime_s", TUNED),
        "worst trial s": max(outage.down_s for outage in tuned), _SERVER: figure("write_downtime_s", REFERENCE),
        _WORST: medians[worst].value, "worst client": client_row(worst), "it came back": not medians[worst].at_least,
        "tuned, reads, median s": figure("read_downtime_s", TUNED), "acknowledged writes": figure("acknowledged_writes", ALL),
        "lost": figure("lost_writes", ALL), "phantom": figure("phantom_writes", ALL), "duplicate": figure("duplicate_writes", ALL),
    }  # fmt: skip


def _dots(found: Measured, cases: Sequence[Case]) -> pd.DataFrame:
    made = [
        (_name(case), outage.down_s, outage.ended)
        for case in cases
        for outage in outages(found, case, TUNED, WRITE).values()
    ]
    return pd.DataFrame(made, columns=["case", "s", "back"])


def _draw_cases(table: pd.DataFrame, dots: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=1.15 + 0.27 * len(table))
    for at, (_, row) in enumerate(table.iterrows()):
        dots_of_row(axes, dots[dots["case"] == row["case"]], at, index=0)
        if pd.notna(row[_SERVER]):
            axes.plot(
                [row[_SERVER]],
                [at],
                marker="D",
                markersize=5.5,
                color=style(2)["color"],
                fillstyle="none",
                linestyle="",
            )
        mark = "x" if row["it came back"] else ">"
        axes.plot([row[_WORST]], [at], marker=mark, markersize=5.5, color=style(1)["color"], linestyle="")
    axes.set_yticks(range(len(table)), table["case"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    seconds_axis(axes)
    axes.set_xlabel("down for writes, logarithmic; at the edge: the tuned client's median")
    beside = [
        Line2D(
            [], [], marker="D", color=style(2)["color"], fillstyle="none", linestyle="", label="server itself, median"
        ),
        Line2D([], [], marker="x", color=style(1)["color"], linestyle="", label="worst client, median"),
    ]
    figure.legend(handles=[*legend(), *beside], loc="outside upper left", ncols=3, fontsize=8.5)
    return figure


def _by_client(found: Measured, cases: Sequence[Case]) -> pd.DataFrame:
    """A row a case, a column a client; ``≥`` is a column of its own, so that figures stay figures."""
    clients = in_order([one for case in cases for one in found.clients(case) if outages(found, case, one, WRITE)])
    made = []
    for case in cases:
        for client in sorted(clients, key=lambda one: one != REFERENCE):
            each = outages(found, case, client, WRITE)
            median = median_s(each) if each else None
            made.append((case.row, client_row(client), median and median.value, bool(median and not median.at_least)))
    return pd.DataFrame(made, columns=["case", "client", "median s", "back"])


def _draw_by_client(table: pd.DataFrame) -> Figure:
    """Figures on a ground of one hue; ink on the light ones, paper on the dark."""
    cases, clients = list(dict.fromkeys(table["case"])), list(dict.fromkeys(table["client"]))
    figure, axes = new_axes(height=1.0 + 0.29 * len(cases))
    grid: Any = table.pivot(index="case", columns="client", values="median s").reindex(index=cases, columns=clients)
    back: Any = table.pivot(index="case", columns="client", values="back").reindex(index=cases, columns=clients)
    logs = np.log10(grid.to_numpy(dtype=np.float64))
    low, high = np.nanmin(logs), max(np.nanmax(logs), np.nanmin(logs) + 1e-9)
    hue = LinearSegmentedColormap.from_list("downtime", ["#fefefe", OKABE_ITO[0]])
    for y in range(len(cases)):
        for x in range(len(clients)):
            value, shade = grid.iat[y, x], (logs[y, x] - low) / (high - low)
            if pd.isna(value):
                axes.annotate("–", (x, y), ha="center", va="center", fontsize=8)
                continue
            axes.add_patch(_square(x, y, hue(0.12 + 0.88 * shade)))
            least = "" if back.iat[y, x] else "≥ "
            axes.annotate(
                f"{least}{seconds(value)}", (x, y), ha="center", va="center", fontsize=7.5, color=_readable(shade)
            )
    axes.set_xticks(
        range(len(clients)),
        [name.replace(", ", ",\n").replace(" ", "\n", 1) if len(name) > 8 else name for name in clients],
    )
    axes.set_yticks(range(len(cases)), cases)
    axes.set_xlim(-0.5, len(clients) - 0.5)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.tick_params(length=0, labelsize=7.5)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


def _square(x: float, y: float, color: object) -> Rectangle:
    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, edgecolor=PAPER, linewidth=1.5)


def _readable(shade: float) -> str:
    """Ink follows the page and a square doesn't: nearly black and nearly white, which stay what they are."""
    return "#101010" if shade < 0.55 else "#fefefe"
