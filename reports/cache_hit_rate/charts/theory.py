"""Measured hit rates beside theory: by skew with Che and random replacement, by TTL with E3."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.cache_hit_rate.arms import NAME, step_words
from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.charts.tables import Column, cells_of, of_cells, told
from reports.charts import logarithmic, new_axes, style
from reports.findings import Finding
from reports.section import Chart

_HITS = Column(id="hit_rate", heading="hit rate, %", factor=100)
_CHE = Column(id="che_hit_rate", heading="Che, %", factor=100)
_RANDOM = Column(id="random_hit_rate", heading="random replacement, %", factor=100)
_E3 = Column(id="e3_hit_rate", heading="E3, %", factor=100)


def charts(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """Those whose part was measured."""
    made = []
    if skews := cells_of(found, "skew"):
        made.append(
            Chart(
                id=f"{NAME}-skew",
                title="Hit rate by how unevenly keys are asked for, measured and by Che",
                caption="Che's approximation is what an exact LRU cache of as many entries would answer (E2). Where entries stay for less "
                "than 2 s, Valkey's LRU clock, which ticks once a second, can't tell the order of accesses: there random replacement is the better guess, and small "
                "caches may lie below even that. Lines: 95 % intervals, where trials allow one.",
                alt=told(findings, "skew", "deviation_share"),
                table=of_cells(skews, findings, (_HITS, _CHE, _RANDOM)),
                draw=_draw_skew,
            )
        )
    if ttls := cells_of(found, "ttl"):
        made.append(
            Chart(
                id=f"{NAME}-ttl",
                title="Hit rate by TTL, measured and by E3",
                caption="Nothing is evicted; reads come at random times. E3: a key read λ times a second hits λT/(1 + λT).",
                alt=told(findings, "ttl", "deviation_share"),
                table=of_cells(ttls, findings, (_HITS, _E3)),
                draw=_draw_ttl,
            )
        )
    return made


def _draw_skew(table: pd.DataFrame) -> Figure:
    """One place a skew, in order; several engines lie on the same places."""
    figure, axes = new_axes(height=3.2)
    steps = list(dict.fromkeys(table["step"]))
    for index, (arm, rows) in enumerate(table.groupby("arm", sort=False)):
        places = [steps.index(step) for step in rows["step"]]
        _with_bounds(axes, places, rows, index, f"measured, {arm}")
        if index == 0:
            for column, at, marker in ((_CHE, 1, "_"), (_RANDOM, 2, "x")):
                look = {
                    "color": style(at)["color"],
                    "marker": marker,
                    "linestyle": "",
                    "markersize": 11,
                    "markeredgewidth": 2.0,
                }
                axes.plot(places, rows[column.heading], label=column.heading.removesuffix(", %"), **look)
    axes.set_xticks(
        range(len(steps)), [step_words("skew", step).removeprefix("keys ").replace(" ", "\n", 1) for step in steps]
    )
    return _finished(figure, "how keys are asked for")


def _draw_ttl(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.0)
    for index, (arm, rows) in enumerate(table.groupby("arm", sort=False)):
        seconds = rows["step"].astype(float)
        _with_bounds(axes, seconds, rows, index, f"measured, {arm}")
        if index == 0:
            axes.plot(seconds, rows[_E3.heading], label="E3", **style(1) | {"marker": ""})
    logarithmic(axes, sorted(set(table["step"].astype(float))))
    return _finished(figure, "TTL, s")


def _with_bounds(axes: object, x: object, rows: pd.DataFrame, index: int, label: str) -> None:
    low, high = _HITS.bounds
    look = style(index * 3)
    axes.vlines(x, rows[low].astype(float), rows[high].astype(float), color=look["color"], linewidth=1.6)  # type: ignore[attr-defined]
    axes.plot(x, rows[_HITS.heading], label=label, **look | {"linestyle": ""})  # type: ignore[attr-defined]


def _finished(figure: Figure, label: str) -> Figure:
    axes = figure.axes[0]
    axes.set_ylim(0, 103)
    axes.set_xlabel(label)
    axes.set_ylabel("hit rate, %")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, fontsize=8.5)
    return figure
