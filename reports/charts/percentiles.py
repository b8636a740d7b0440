"""The percentile plot: a distribution's tail on an axis of 1 ÷ (1 − p), each trial thin, the arm bold, grey beyond what its samples carry."""

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import stats
from reports.charts.look import INK, MUTED, new_axes, style
from reports.section import Chart

HOW_TO_READ = (
    "The axis is 1 ÷ (1 − p), logarithmic: beyond each labelled place lies a tenth of what lay beyond the one before. Thin: a {thin}. "
    "Bold: all {thin}s of {bold} together. Grey: that percentile takes more independent samples than these are worth."
)
_TAILS = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15)  # of each decade: what share of the samples lies beyond
_ARM, _PERCENTILE, _CARRIED = "arm", "percentile", "enough samples"
_NAMED = (75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999)
_LABEL_LETTERS = 34  # of a line beside the axis, which is as high as that
_NAME_LETTERS = 22  # of a name, so that three stand side by side
_LOG_FROM = 8.0  # largest ÷ smallest, from which on a logarithmic axis reads better


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An arm and the samples of each of its trials, in the order they were taken, in the chart's unit.

    ``worth``: how many independent samples each trial is worth, where that isn't to be read from its samples.
    """

    name: str
    trials: Sequence[stats.Numbers]
    worth: Sequence[float] | None = None


def percentile_plot(
    of: Sequence[Distribution],
    *,
    id: str,
    title: str,
    what: str,
    unit: str,
    show: Callable[[float], str],
    caption: str = "",
    each: str = "trial",
    whole: str = "an arm",
) -> Chart | None:
    """``of`` as one chart; None where no arm has a sample. ``what`` is measured, in ``unit``; ``show`` writes it in a sentence.

    ``each`` is what one line stands for and ``whole`` what all of them together do, where these aren't the trials of an arm.

    Bold is the pool of an arm's trials, as ``stats.percentile`` has it, and carries what its trials' effective samples carry
    together. Grey begins where pⁿ > 0.025.
    """
    full = [one for one in map(_without_empty, of) if one.trials]
    if not full:
        return None
    most = max(len(one.trials) for one in full)
    worth = {one.name: one.worth or [stats.effective_n(trial) for trial in one.trials] for one in full}
    table = pd.concat([_table(one, unit, most, each, sum(worth[one.name])) for one in full], ignore_index=True)
    carried = {name: tuple(map(stats.highest_percentile, of_each)) for name, of_each in worth.items()}
    return Chart(
        id=id, title=title, caption=f"{HOW_TO_READ.format(thin=each, bold=whole)} {caption}".strip(),
        alt=_conclusion(table, what, each, show), table=table,
        draw=partial(_draw, what=f"{what}, {unit}", each=each, trials_carry=carried),
    )  # fmt: skip


def _without_empty(one: Distribution) -> Distribution:
    there = [place for place, trial in enumerate(one.trials) if len(trial)]
    worth = None if one.worth is None else [one.worth[place] for place in there]
    return Distribution(name=one.name, trials=[one.trials[place] for place in there], worth=worth)


def _grid(n: int) -> npt.NDArray[np.float64]:
    """Percentiles, ascending from 0, with at least one of ``n`` samples beyond each."""
    decades = range(math.ceil(math.log10(n)) + 1) if n > 1 else range(1)
    tails = [tail / 10**decade for decade in decades for tail in _TAILS]
    return np.array([100 * (1 - tail) for tail in tails if tail * n >= 1 - 1e-9])


def _table(one: Distribution, unit: str, columns: int, each: str, worth: float) -> pd.DataFrame:
    """A row a percentile: all trials' samples together, whether they carry it, and each trial that has a sample beyond it.

    ``worth``: how many effective samples they are.
    """
    pooled = np.concatenate([np.asarray(trial, dtype=np.float64) for trial in one.trials])
    grid, carried = _grid(len(pooled)), stats.highest_percentile(worth)
    columns_of: dict[str, Any] = {
        _ARM: one.name, _PERCENTILE: np.round(grid, 10), f"all {each}s, {unit}": np.percentile(pooled, grid),
        _CARRIED: grid <= carried,
    }  # fmt: skip
    for number in range(columns):
        values = np.full(len(grid), np.nan)
        if number < len(one.trials):
            mine = grid <= _grid(len(one.trials[number]))[-1]
            values[mine] = np.percentile(one.trials[number], grid[mine])
        columns_of[f"{each} {number + 1}, {unit}"] = values
    return pd.DataFrame(columns_of)


def _conclusion(table: pd.DataFrame, what: str, each: str, show: Callable[[float], str]) -> str:
    """Each arm's median and the highest percentile with a usual name that it carries."""
    told, value = [], next(column for column in table.columns if column.startswith(f"all {each}s"))
    for arm, rows in table.groupby(_ARM, sort=False):
        carried = rows[rows[_CARRIED]]
        median = carried.loc[carried[_PERCENTILE] == 50, value]
        if median.empty:
            told.append(f"{arm}: too few independent samples for a median")
            continue
        beyond = carried[carried[_PERCENTILE].isin(_NAMED)].tail(1)
        highest = "".join(f", {show(float(last[value]))} at p{last[_PERCENTILE]:g}" for _, last in beyond.iterrows())
        told.append(f"{arm}: {show(float(median.iloc[0]))} at the median{highest}")
    return f"{what[0].upper()}{what[1:]}. {'; '.join(told)}. The higher percentile is the highest of p75, p90, p95, p99, p99.9 … that the samples carry."


def _draw(table: pd.DataFrame, *, what: str, each: str, trials_carry: Mapping[str, Sequence[float]]) -> Figure:
    figure, axes = new_axes(height=4.0)
    pooled, *trials = (column for column in table.columns if column.startswith((f"all {each}s", f"{each} ")))
    for index, (arm, rows) in enumerate(table.groupby(_ARM, sort=False)):
        look = style(index)
        for column, highest in zip(trials, trials_carry[str(arm)], strict=False):
            thin = {"color": look["color"], "linewidth": 0.7, "alpha": 0.55}
            _line(axes, rows, column, rows[_PERCENTILE] <= highest, thin)
        _line(
            axes,
            rows,
            pooled,
            rows[_CARRIED],
            look | {"linewidth": 2.4, "markersize": 4.5, "markevery": 3, "zorder": 3},
        )
    percentile_axis(axes, float(table[_PERCENTILE].max()))
    values = table[[pooled, *trials]].to_numpy()
    if np.nanmin(values) > 0 and np.nanmax(values) >= _LOG_FROM * np.nanmin(values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(textwrap.fill(what, _LABEL_LETTERS))
    handles = _legend(table, each)
    longest = max(len(str(handle.get_label())) for handle in handles)
    figure.legend(handles=handles, loc="outside upper left", ncols=2 if longest > _NAME_LETTERS else 3)
    return figure


def percentile_axis(axes: Axes, most: float) -> None:
    """The x axis of 1 ÷ (1 − p), with a tick at the median and at each nine, up to percentile ``most``."""
    axes.set_xscale("log")
    ticks = [0.0, 50.0, *(100 - 10.0**-power for power in range(-1, 6))]
    shown = [tick for tick in ticks if tick <= most + 1e-9]
    axes.set_xticks([place_of(tick) for tick in shown], [f"{tick:g} %" for tick in shown])
    axes.minorticks_off()
    axes.set_xlabel("percentile, on an axis of 1 ÷ (1 − p)")


def place_of(percentile: Any) -> Any:
    """Where a percentile, or an array of them, stands on that axis."""
    return 1 / (1 - percentile / 100)


def _line(axes: Axes, rows: pd.DataFrame, column: str, carried: "pd.Series[bool]", look: Mapping[str, Any]) -> None:
    """In colour as far as it is carried, and from there on in grey."""
    place, values = place_of(rows[_PERCENTILE].to_numpy()), rows[column].to_numpy()
    upto = int(carried.sum())
    beyond = {**look, "color": MUTED, "marker": "", "linewidth": 0.75 * look["linewidth"]}
    beyond.pop("markevery", None)
    axes.plot(place[max(upto - 1, 0) :], values[max(upto - 1, 0) :], **beyond)
    axes.plot(place[:upto], values[:upto], **look)


def _legend(table: pd.DataFrame, each: str) -> list[Line2D]:
    arms = [
        Line2D([], [], label=str(arm), **style(index) | {"linewidth": 2.4})
        for index, arm in enumerate(dict.fromkeys(table[_ARM]))
    ]
    thin = Line2D([], [], color=INK, linewidth=0.7, alpha=0.55, label=f"a {each}")
    grey = Line2D([], [], color=MUTED, linewidth=1.8, label="more samples needed")
    return [*arms, thin, grey]
