"""Units and dollars against the share of the table that is answered, with the break-evens."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.charts import new_axes, scaled_axis, style
from reports.findings import Finding
from reports.query_vs_scan.arms import NAME, READ_PRICE
from reports.query_vs_scan.cells import Asked
from reports.query_vs_scan.selectivity import GETS, PART, QUESTION, break_evens, units_a_key
from reports.section import Chart
from reports.words import percent

_SHARE, _UNITS, _USD, _HOW = "share answered, %", "units", "USD a million answers", "how"
_MEASURED, _COMPUTED = "measured", "computed: units a key × keys"


def chart(asked: Asked, found: Sequence[Finding], told: Sequence[Finding]) -> Chart | None:
    """None where no share was asked for."""
    rows = list(_rows(asked))
    if not rows:
        return None
    items, price = asked.where(PART)[-1].items, asked.price(READ_PRICE)
    at = {arm: one for arm, one in break_evens(list(found)).items() if one.status != "at_least"}
    return Chart(
        id=f"{NAME}-answer-share",
        title=f"Capacity consumed by one answer while the answer grows ({items:,} items)",
        caption="Both axes are logarithmic. Vertical lines: above this share one Scan consumes less than the arm of their colour; the "
        "band is its 95 % interval. Dashed and hollow: Gets of more keys than were asked for, computed from their units a key.",
        alt=" ".join(one.sentence for one in told),
        table=pd.DataFrame(rows),
        draw=partial(_draw, break_even=at, price=price),
    )


def _rows(asked: Asked) -> Iterator[dict[str, Any]]:
    price = asked.price(READ_PRICE)
    cells = asked.where(PART, QUESTION)
    arms = list(dict.fromkeys(cell.arm for cell in sorted(cells, key=lambda cell: cell.arm)))
    for arm in arms:
        mine = {cell.step: cell for cell in cells if cell.arm == arm}
        a_key = float(units_a_key(asked, arm).mean()) if arm in GETS else None
        steps = {cell.step: cell for cell in cells}
        for step, cell in steps.items():
            keys = cell.params.get("answer_items")
            if step in mine:
                units, how, p50 = (
                    mine[step].rows["read_units"].mean(),
                    _MEASURED,
                    mine[step].rows["service_ms"].median(),
                )
            elif a_key is not None and keys is not None:
                units, how, p50 = a_key * keys, _COMPUTED, None
            else:
                continue
            yield {
                "arm": arm, _SHARE: 100 * cell.share, "items answered": keys, _UNITS: units,
                _USD: None if price is None else units * price, "p50, ms": p50, _HOW: how,
            }  # fmt: skip


def _draw(table: pd.DataFrame, *, break_even: Mapping[str, Finding], price: float | None) -> Figure:
    figure, axes = new_axes(height=4.0)
    marked: dict[str, str] = {}
    for index, (arm, rows) in enumerate(table.groupby("arm", sort=False)):
        look = style(index)
        measured, computed = rows[rows[_HOW] == _MEASURED], rows[rows[_HOW] != _MEASURED]
        axes.plot(measured[_SHARE], measured[_UNITS], label=str(arm), **look)
        if len(computed):
            beyond = pd.concat([measured.tail(1), computed])
            hollow = look | {"linestyle": (0, (2, 2)), "linewidth": 1.2, "markerfacecolor": "none"}
            axes.plot(
                beyond[_SHARE], beyond[_UNITS], label=f"{arm}, computed", markevery=range(1, len(beyond)), **hollow
            )
        if str(arm) in break_even:
            _mark(axes, break_even[str(arm)], look["color"], marked)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("share of the table answered, %")
    axes.set_ylabel("read units an answer")
    figure.legend(loc="outside upper left", ncols=3)
    if price:
        scaled_axis(axes, price, _USD)
    return figure


def _mark(axes: Axes, found: Finding, colour: str, marked: dict[str, str]) -> None:
    """A break-even with its interval; two that read the same are written once."""
    value, low, high = found.value, found.low, found.high
    assert value is not None, "only what was found is marked"
    axes.axvline(100 * value, color=colour, linewidth=1.0, linestyle=(0, (4, 3)))
    if low is not None and high is not None and low < high:
        axes.axvspan(100 * low, 100 * high, color=colour, alpha=0.18, linewidth=0)
    text = percent(value)
    if text not in marked:
        marked[text] = colour
        axes.annotate(
            text, (100 * value, 0.02), xycoords=axes.get_xaxis_transform(), textcoords="offset points", xytext=(-3, 0),
            ha="right", va="bottom", fontsize=8.5,
        )  # fmt: skip
