"""Dollars for a million served units against how much of the capacity the demand used, with the break-even (C1)."""

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from harness.dynamodb.pricing import on_demand_usd, provisioned_usd
from reports.capacity_modes.money import HOUR_S, break_even_share, paid_usd, prices
from reports.capacity_modes.samples import KINDS, NAME, Cell, Kind
from reports.capacity_modes.told import Told
from reports.capacity_modes.wording import arm
from reports.charts import MUTED, new_rows, style
from reports.findings import Finding
from reports.load import Run
from reports.section import Chart
from reports.words import number

PARTS = ("ramp", "steps", "spike", "diurnal")
LINE = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)  # utilisations, %, at which the prices' own lines are drawn
_USED, _USD = "served ÷ capacity of the provisioned arm, %", "USD a million served units"


def cost_charts(run: Run, told: Sequence[Told], even: Sequence[Finding]) -> list[Chart]:
    """The chart of reads and writes, where a price is known and something was served."""
    points = [row for one in told if one.cell.part in PARTS and len(one.cell.ops) for row in _point(run, one.cell)]
    if not points:
        return []
    table = pd.DataFrame([*points, *_lines(run)])
    return [
        Chart(
            id=f"{NAME}-cost",
            title="What a million served units cost, against how much of the provisioned capacity the demand used (modelled)",
            caption="Lines: what the prices alone make of it, capacity paid by the hour or units. Points: the demands of this run. Where "
            "the lines cross (C1) both modes cost the same; above 100 % the store of unused capacity helped.",
            alt=" ".join(finding.sentence for finding in even),
            table=table,
            draw=partial(_draw, even={kind: break_even_share(run, kind) for kind in KINDS}),
        )
    ]


def _point(run: Run, cell: Cell) -> Iterator[dict[str, object]]:
    """Means over trials; nothing where the price isn't known or a trial served nothing."""
    paid, served = paid_usd(run, cell), cell.ops[cell.ops["served"]].groupby("trial")["consumed"].sum()
    if paid is None or len(served) < len(paid):
        return
    yield {
        "series": arm(cell), "kind": cell.kind, "demand": cell.step,
        _USED: 100 * float(served.mean()) / (cell.capacity_units * cell.length_s), _USD: 1e6 * float((paid / served).mean()),
    }  # fmt: skip


def _lines(run: Run) -> Iterator[dict[str, object]]:
    for kind in KINDS:
        by_unit = on_demand_usd(prices(run), **{f"{kind}_units": 1e6})
        capacity = {f"{other}_capacity_units": float(other == kind) for other in KINDS}
        by_hour = provisioned_usd(prices(run), **capacity, hours=1e6 / HOUR_S)  # a unit for a million seconds
        for used in LINE:
            about = {"kind": kind, "demand": "any", _USED: used}
            if by_hour is not None:
                yield {"series": "by the hour", _USD: by_hour / used * 100} | about
            if by_unit is not None:
                yield {"series": "by the unit", _USD: by_unit} | about


def _draw(table: pd.DataFrame, *, even: dict[Kind, float | None]) -> Figure:
    kinds = [kind for kind in KINDS if ((table["kind"] == kind) & (table["demand"] != "any")).any()]
    figure, panels = new_rows(len(kinds), height_each=2.6)
    names = list(dict.fromkeys(table.loc[table["demand"] != "any", "series"]))
    for axes, kind in zip(panels, kinds, strict=True):
        mine = table[table["kind"] == kind]
        for name, dashes in (("by the hour", "-"), ("by the unit", "--")):
            rows = mine[mine["series"] == name]
            axes.plot(rows[_USED], rows[_USD], color=MUTED, linestyle=dashes, linewidth=1.3, label=name)
        for index, name in enumerate(names):
            rows, look = mine[mine["series"] == name], style(index) | {"linestyle": "none", "markersize": 6.0}
            axes.plot(rows[_USED], rows[_USD], label=name, **look | {"fillstyle": "none", "markeredgewidth": 1.6})
        share = even[kind]
        if share is not None:
            axes.axvline(100 * share, color=MUTED, linestyle=":", linewidth=1.4)
            note = f"break-even {number(100 * share)} %"
            axes.annotate(
                note, (100 * share, 0.94), (5, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
                va="top", fontsize=8.5,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel(f"{kind}s: USD a million\nserved units")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3, fontsize=8.5)
    panels[-1].set_xticks(LINE, [number(used) for used in LINE])
    panels[-1].set_xlabel("served ÷ provisioned capacity, %")
    return figure
