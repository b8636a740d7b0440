"""The onset charts: demand, what was served, the burst bucket by arithmetic, and the share throttled, on one time axis."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.capacity_modes.arithmetic import BURST_S
from reports.capacity_modes.samples import NAME, Cell, binned
from reports.capacity_modes.told import Told, chosen
from reports.charts import new_rows, style
from reports.section import Chart
from reports.words import number

BINS = 70


def onset_charts(told: Sequence[Told]) -> list[Chart]:
    """One for reads and one for writes on the provisioned table of the ramp."""
    return [_chart(one) for one in chosen(told, part="ramp", arm="provisioned") if len(one.cell.attempts)]


def _chart(one: Told) -> Chart:
    kind, onset = one.cell.kind, one.get("throttle_onset_s")
    return Chart(
        id=f"{NAME}-onset-{kind}",
        title=f"{kind.capitalize()}s on the provisioned table: demand, burst bucket, throttled requests",
        caption=f"Rates are over windows of {number(one.cell.length_s / BINS)} service s. The bucket is B2's arithmetic on what was served, not a reading "
        "of the service.",
        alt=onset.sentence if onset else "",
        table=_table(one.cell),
        draw=partial(_draw, kind=kind),
    )


def _table(cell: Cell) -> pd.DataFrame:
    """Per bin of service time: demand and served units a second (all trials), the bucket B2 models, share throttled."""
    length_s, rows, capacity = cell.length_s, cell.attempts, cell.capacity_units
    width_s, trials = length_s / BINS, rows["trial"].nunique()
    demand = binned(cell.ops, cell.ops["units"], length_s, BINS) / width_s / trials
    served = binned(cell.ops, cell.ops["units"] * cell.ops["served"], length_s, BINS) / width_s / trials
    asked, refused = (binned(rows, weights, length_s, BINS) for weights in (np.ones(len(rows)), rows["refused"]))
    level, store = [], BURST_S * capacity
    for units in served:
        store = float(np.clip(store + (capacity - units) * width_s, 0, BURST_S * capacity))
        level.append(store)
    return pd.DataFrame(
        {
            "service s": (np.arange(BINS) + 0.5) * width_s, "demand units/s": demand, "served units/s": served,
            "provisioned units/s": capacity, "bucket left, units (modelled)": level,
            "throttled share": np.divide(refused, asked, out=np.zeros(BINS), where=asked > 0),
        }
    )  # fmt: skip


def _draw(table: pd.DataFrame, *, kind: str) -> Figure:
    figure, (top, middle, bottom) = new_rows(3)
    plain = {"marker": ""}
    time = table["service s"]
    top.plot(time, table["demand units/s"], label="demand", **style(0) | plain)
    top.plot(time, table["served units/s"], label="served", **style(1) | plain)
    top.plot(time, table["provisioned units/s"], label="provisioned", **style(2) | plain)
    top.set_ylabel(f"{kind} units/s")
    top.legend(loc="upper left")
    middle.plot(time, table["bucket left, units (modelled)"], **style(0) | plain)
    middle.set_ylabel("bucket, units\n(modelled)")
    bottom.plot(time, 100 * table["throttled share"], **style(3) | plain)
    bottom.set_ylabel("throttled, %")
    bottom.set_xlabel("service seconds since the trial began")
    return figure
