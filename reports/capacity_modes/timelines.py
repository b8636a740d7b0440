"""Demand, capacity and what was served over service time, the throttles marked on the same axis; a row an arm."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from reports.capacity_modes.curves import partition_rate, sustained
from reports.capacity_modes.samples import KINDS, NAME, TABLE, Cell, binned
from reports.capacity_modes.told import Told, chosen
from reports.capacity_modes.wording import arm, case
from reports.charts import MUTED, new_rows, style
from reports.section import Chart
from reports.words import number, percent

BINS = 40  # five arms of them fill a page's table
PARTS = {"spike": "A spike", "diurnal": "A day of flights", "hot": "Uneven keys"}
_TIME, _DEMAND, _SERVED, _CAPACITY, _PARTITION, _THROTTLED = (
    "service s", "demand units/s", "served units/s", "capacity units/s", "one partition units/s", "throttled, %",
)  # fmt: skip
Times = npt.NDArray[np.floating[Any]]
_STEPS = {"hot_key": "one key", "hot_partition": "the data's skew"}


def timelines(told: Sequence[Told]) -> list[Chart]:
    """One chart for reads and one for writes of each of these parts that was measured."""
    those = [(part, kind, [one for one in chosen(told, part=part, kind=kind) if len(one.cell.ops)])
             for part in PARTS for kind in KINDS]  # fmt: skip
    return [_chart(part, kind, cells) for part, kind, cells in those if cells]


def _chart(part: str, kind: str, those: Sequence[Told]) -> Chart:
    shares = [(one.cell, one.get("throttled_share")) for one in those]
    said = ", ".join(
        f"{_name(cell)} {percent(share.value)}" for cell, share in shares if share and share.value is not None
    )
    hot = " One partition's limit is grey." if part == "hot" else ""
    return Chart(
        id=f"{NAME}-{part}-{kind}",
        title=f"{PARTS[part]}: {kind}s demanded, capacity, served and throttled",
        caption=f"Means over trials, rates over windows of {number(those[0].cell.length_s / BINS)} service s; time counts from when an operation was due. A cross stands on the demand where attempts were "
        "throttled, larger for more of them. Capacity is what the service said was provisioned; on demand, what a table sustains at "
        f"first, where that is known.{hot}",
        alt=f"{case(those[0].cell)}, throttled {kind} attempts: {said}.",
        table=pd.concat([_table(one.cell) for one in those], ignore_index=True),
        draw=partial(_draw, kind=kind),
    )


def _name(cell: Cell) -> str:
    return f"{_STEPS[cell.demand]}, {arm(cell)}" if cell.demand in _STEPS else arm(cell)


def _table(cell: Cell) -> pd.DataFrame:
    """Per bin of service time, one arm's means over its trials."""
    length_s, rows, ops = cell.length_s, cell.attempts, cell.ops
    width_s, trials = length_s / BINS, ops["trial"].nunique()
    middles_s = (np.arange(BINS) + 0.5) * width_s
    asked, refused = (binned(rows, weights, length_s, BINS) for weights in (np.ones(len(rows)), rows["refused"]))
    return pd.DataFrame(
        {
            "arm": _name(cell), _TIME: middles_s,
            _DEMAND: binned(ops, ops["units"], length_s, BINS) / width_s / trials,
            _SERVED: binned(ops, ops["units"] * ops["served"], length_s, BINS) / width_s / trials,
            _CAPACITY: _capacity(cell, middles_s),
            _PARTITION: partition_rate(cell) if cell.part == "hot" else np.nan,
            _THROTTLED: 100 * np.divide(refused, asked, out=np.zeros(BINS), where=asked > 0),
        }
    )  # fmt: skip


def _capacity(cell: Cell, at_s: Times) -> Times:
    """The table's capacity at these seconds, the mean over trials."""
    if cell.on_demand:
        rate = sustained(cell)
        return np.full(len(at_s), np.nan if rate is None else rate)
    each = []
    for trial in cell.trials:
        begins_s, units = np.array(cell.provisioned(trial)[TABLE]).T
        each.append(units[np.searchsorted(begins_s, at_s, side="right") - 1])
    mean: Times = np.mean(each, axis=0)
    return mean


def _draw(table: pd.DataFrame, *, kind: str) -> Figure:
    arms = list(dict.fromkeys(table["arm"]))
    figure, rows = new_rows(len(arms), height_each=1.55)
    plain, steps = {"marker": ""}, {"marker": "", "drawstyle": "steps-mid"}
    asked = float(table[[_DEMAND, _SERVED]].to_numpy().max())
    # Capacity far above the demand would press it flat.
    most = 1.15 * float(np.nanmax([asked, *table[_CAPACITY].clip(upper=2 * asked)]))
    for axes, name in zip(rows, arms, strict=True):
        mine = table[table["arm"] == name]
        time, hit = mine[_TIME], mine[_THROTTLED] > 0
        axes.plot(time, mine[_DEMAND], label="demand", **style(0) | plain)
        axes.plot(time, mine[_SERVED], label="served", **style(1) | plain)
        axes.plot(time, mine[_CAPACITY], label="capacity", **style(2) | steps)
        if mine[_PARTITION].notna().any():
            axes.plot(time, mine[_PARTITION], label="one partition", color=MUTED, linestyle=":", linewidth=1.4)
        axes.scatter(
            time[hit], mine[_DEMAND][hit], s=6 + 0.5 * mine[_THROTTLED][hit], marker="x", color=style(3)["color"],
            linewidths=1.4, label="throttled", zorder=4,
        )  # fmt: skip
        axes.set_title(name, loc="left", fontsize=9)
        axes.set_ylim(0, most)
        axes.set_ylabel(f"{kind} units/s")
    handles, labels = rows[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), fontsize=8.5)
    rows[-1].set_xlabel("service seconds since the trial began")
    return figure
