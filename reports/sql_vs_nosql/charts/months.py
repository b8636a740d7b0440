"""Dollars a month against the rate, for the patterns that open the report: DynamoDB's line, SQL's steps, and where the cheaper one changes."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.charts import INK, new_panels
from reports.findings import Finding
from reports.section import Chart
from reports.sql_vs_nosql.arms import ARMS, BUSY_LEAST, BUSY_MOST, NAME, OPENING, RATES_PER_S, arm_words
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.charts.looked_up import look, told
from reports.sql_vs_nosql.costs import Cost, Instances, cost_of
from reports.words import number

_RATE, _USD = "answers a second", "USD a month"
_POINTS = 41
_LEAST_RATE = 0.01


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """One, with a panel for each opening pattern that two stores have dollars for."""
    rows: list[dict[str, Any]] = []
    for pattern in OPENING:
        costs = {
            arm: cost
            for arm in ARMS
            if (cell := found.cell(pattern, arm)) and not isinstance(cost := cost_of(found, cell), str)
        }
        if len(costs) > 1:
            rows += [row for arm, cost in costs.items() for row in _curve(pattern, arm, cost)]
    if rows:
        flips = {
            one.labels["pattern"]: one.value
            for one in findings if one.id == f"{NAME}.flip_rate_per_s" and one.headline and not one.at_least
        }  # fmt: skip
        yield Chart(
            id=f"{NAME}-months", title="Dollars a month against the rate", caption="DynamoDB on demand by units; SQL by whole instances, the band between 70 % and 30 % of their "
            "vCPU busy. Dotted: from there on the cheapest SQL arm is cheaper than DynamoDB. Both axes are logarithmic. Without storage, standby, caches.",
            alt=told(findings, "flip_rate_per_s"), table=pd.DataFrame(rows), draw=lambda table: _draw(table, flips),
        )  # fmt: skip


def _curve(pattern: str, arm: str, cost: Cost) -> Iterator[dict[str, Any]]:
    for rate in np.geomspace(_LEAST_RATE, RATES_PER_S[-1], _POINTS).tolist():
        usd = {_USD: cost.month_usd(rate)}
        if isinstance(cost, Instances):
            usd |= {f"{_USD}, low": cost.month_usd(rate, BUSY_MOST), f"{_USD}, high": cost.month_usd(rate, BUSY_LEAST)}
        yield {"pattern": pattern, "arm": arm, _RATE: rate} | usd


def _draw(table: pd.DataFrame, flips: dict[str, float | None]) -> Figure:
    patterns = list(dict.fromkeys(table["pattern"]))
    figure, panels = new_panels([2.3] * len(patterns), around=0.35)
    named: dict[str, Any] = {}
    for axes, pattern in zip(panels, patterns, strict=True):
        for arm in ARMS:
            mine = table[(table["pattern"] == pattern) & (table["arm"] == arm)]
            if mine.empty:
                continue
            shown = dict(look(arm)) | {"marker": ""}
            (named[arm],) = axes.plot(mine[_RATE], mine[_USD], **shown)
            if mine[f"{_USD}, low"].notna().all():
                axes.fill_between(
                    mine[_RATE],
                    mine[f"{_USD}, low"],
                    mine[f"{_USD}, high"],
                    color=shown["color"],
                    alpha=0.1,
                    linewidth=0,
                )
        flip = flips.get(pattern)
        if flip is not None and math.isfinite(flip):
            axes.axvline(flip, color=INK, linewidth=1, linestyle=":")
            axes.annotate(
                f"{number(flip)}/s", (flip, 0.97), xycoords=axes.get_xaxis_transform(), textcoords="offset points", xytext=(4, 0), va="top",
                fontsize=8.5,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel(_USD)
        axes.set_title(pattern, loc="left", fontsize=9)
    panels[-1].set_xlabel(_RATE)
    figure.legend(
        list(named.values()), [arm_words(arm) for arm in named], loc="outside upper left", ncols=3, fontsize=8.5
    )
    return figure
