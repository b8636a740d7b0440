"""Two distributions held together: both on a percentile axis, and their quantiles divided, with a band over pairs."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from reports import stats
from reports.charts import INK, MUTED, new_axes, style
from reports.charts.percentiles import Distribution, percentile_axis, percentile_plot, place_of
from reports.compare import told
from reports.compare.charts.look import ticks
from reports.compare.designs import Design
from reports.compare.latencies import Latencies
from reports.section import Chart
from reports.words import microseconds

_RATIOS = (
    1.0, 2.0, 0.5, 10.0, 0.1, 1.1, 0.9, 5.0, 0.2, 1.5, 0.7, 100.0, 0.01, 1.05, 0.95, 1.2, 0.8, 3.0, 0.33, 20.0, 50.0,
)  # fmt: skip
_APART = 0.08  # of the axis, from one label to the next
_US = {"us": 1.0, "ms": 1e3, "s": 1e6}
_PERCENTILES = (5, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99)
_P, _RATIO, _LOW, _HIGH, _CARRIED = "percentile", "candidate ÷ base", "from", "to", "enough samples"
_BANDS = {
    "interleaved_pairs": "the band is the t interval over pairs, at 95 % for each percentile by itself",
    "runs_in_sequence": "the band is Welch's interval over runs, at 95 % for each percentile by itself, drift not excluded",
    "one_against_one": "one run a side has no band",
}


def distributions(of: Latencies, base: str, candidate: str, *, id: str, name: str) -> Chart | None:
    """Both sides' latencies on an axis of 1 ÷ (1 − p): each run thin, the side bold, grey where n can't carry it."""
    sides = [
        Distribution(name=base, trials=of.base, worth=of.base_worth),
        Distribution(name=candidate, trials=of.candidate, worth=of.candidate_worth),
    ]
    return percentile_plot(
        sides, id=f"{id}-percentiles", title=f"{name}: percentiles of both sides", what="latency", unit=of.unit,
        show=lambda value: microseconds(value * _US[of.unit]), each="run", whole="a side",
    )  # fmt: skip


def quantile_ratio(of: Latencies, design: Design, *, id: str, name: str) -> Chart:
    """Candidate ÷ base at each percentile: above 1 the candidate is slower there."""
    table = _table(of, design)
    return Chart(
        id=f"{id}-quantile-ratio",
        title=f"{name}: candidate ÷ base at each percentile",
        caption=(
            f"1 is no change, above it the candidate is slower there; {_BANDS[design]}. Exploratory. Grey: a run has too few independent "
            "samples for that percentile."
        ),
        alt=_conclusion(table),
        table=table,
        draw=_draw,
    )


def _table(of: Latencies, design: Design) -> pd.DataFrame:
    runs = [*of.base, *of.candidate]
    fewest = min(len(run) for run in runs)
    grid = [p for p in _PERCENTILES if (1 - p / 100) * fewest >= 1]
    carried = min(map(stats.highest_percentile, (*of.base_worth, *of.candidate_worth)))
    rows = []
    for p in grid:
        ratio = _ratio(
            [float(np.percentile(run, p)) for run in of.base],
            [float(np.percentile(run, p)) for run in of.candidate],
            design,
        )
        rows.append({_P: p, _RATIO: ratio.ratio, _LOW: ratio.low, _HIGH: ratio.high, _CARRIED: p <= carried})
    return pd.DataFrame(rows).astype({_LOW: float, _HIGH: float})


def _ratio(base: Sequence[float], candidate: Sequence[float], design: Design) -> stats.Ratio:
    in_pairs = design == "interleaved_pairs" or len(base) == len(candidate) == 1
    return stats.paired_ratio(base, candidate) if in_pairs else stats.ratio_of_sets(base, candidate)


def _conclusion(table: pd.DataFrame) -> str:
    said = []
    for p in (50, 95, 99):
        row = table[(table[_P] == p) & table[_CARRIED]]
        if len(row):
            low, high = row[_LOW].iloc[0], row[_HIGH].iloc[0]
            band = "" if np.isnan(low) else f", interval {told.percent(low - 1)} to {told.percent(high - 1)}"
            said.append(f"p{p}: {told.percent(row[_RATIO].iloc[0] - 1)}{band}")
    return (
        f"The candidate against the base, {'; '.join(said)}."
        if said
        else "No percentile has enough independent samples in every run."
    )


def _draw(table: pd.DataFrame) -> Drawing:
    figure, axes = new_axes(height=3.2)
    place = place_of(table[_P].to_numpy())
    carried = int(table[_CARRIED].sum())
    look = style(0) | {"markersize": 4.5}
    grey = look | {"color": MUTED, "linewidth": 1.2, "marker": ""}
    for part, colour in ((slice(max(carried - 1, 0), None), MUTED), (slice(carried), look["color"])):
        axes.fill_between(place[part], table[_LOW][part], table[_HIGH][part], color=colour, alpha=0.2, linewidth=0)
    axes.plot(place[max(carried - 1, 0) :], table[_RATIO][max(carried - 1, 0) :], **grey)
    axes.plot(place[:carried], table[_RATIO][:carried], **look)
    axes.axhline(1, color=INK, linewidth=0.9)
    axes.set_yscale("log")
    _ticks(axes, table[[_RATIO, _LOW, _HIGH]].to_numpy())
    percentile_axis(axes, float(table[_P].max()))
    axes.set_ylabel("candidate ÷ base")
    return figure


def _ticks(axes: Axes, values: npt.NDArray[np.float64]) -> None:
    """A logarithmic y axis with 1 and plain multiples around it."""
    low, high = min(0.93, 0.97 * float(np.nanmin(values))), max(1.07, 1.03 * float(np.nanmax(values)))
    axes.set_ylim(low, high)
    shown = np.exp(ticks([math.log(ratio) for ratio in _RATIOS], (math.log(low), math.log(high)), _APART))
    axes.set_yticks(shown, [f"{ratio:.3g} ×" for ratio in shown])
    axes.minorticks_off()
