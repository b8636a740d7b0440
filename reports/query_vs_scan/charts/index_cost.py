"""Dollars with and without an index against how often is read through it, with the crossings."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.charts import new_axes, style
from reports.findings import Finding
from reports.query_vs_scan.arms import INDEXES, NAME, NO_INDEX, QUESTIONS, READ_PRICE, WRITE_PRICE
from reports.query_vs_scan.cells import Asked
from reports.query_vs_scan.indexes import PART, from_words, pays_from, reads_of
from reports.section import Chart

_READS, _POINTS, _MARGIN = "reads a write", 25, 30.0
_USD = "USD of a million writes and their reads"
_WRITE = "new_flight"


def chart(asked: Asked, found: Sequence[Finding], told: Sequence[Finding]) -> Chart | None:
    """For new items as the write; None where writes, reads or a price are missing, or nothing crosses."""
    read_usd, write_usd, base = asked.price(READ_PRICE), asked.price(WRITE_PRICE), asked.cell(PART, _WRITE, NO_INDEX)
    paid = {arm: one.value for (arm, write), one in pays_from(list(found)).items() if write == _WRITE and one.value}
    if read_usd is None or write_usd is None or base is None or not paid:
        return None
    reads = np.geomspace(min(paid.values()) / _MARGIN, max(paid.values()) * _MARGIN, _POINTS)
    table: dict[str, object] = {_READS: reads}
    for arm in INDEXES:
        cell, through = asked.cell(PART, _WRITE, arm), reads_of(asked, arm)
        if cell is None or through is None:
            continue
        scan = through.scan.units().mean() * read_usd
        table.setdefault(f"{NO_INDEX}: Scan", base.units().mean() * write_usd + reads * scan)
        table[arm] = cell.units().mean() * write_usd + reads * through.through.units().mean() * read_usd
    return Chart(
        id=f"{NAME}-index-cost",
        title=f"{_USD[0].upper()}{_USD[1:]}, with and without an index (modelled)",
        caption=f"Both axes are logarithmic; the write is {QUESTIONS[_WRITE]}, the read all flights to one airport. Circles: from here on "
        "an index is cheaper than scanning. Storage aside.",
        alt=" ".join(one.sentence for one in told),
        table=pd.DataFrame(table),
        draw=partial(_draw, crossings=paid),
    )


def _draw(table: pd.DataFrame, *, crossings: Mapping[str, float]) -> Figure:
    figure, axes = new_axes()
    for index, name in enumerate(column for column in table.columns if column != _READS):
        look = style(index)
        crosses = f", {from_words(crossings[name])}" if name in crossings else ""
        axes.plot(table[_READS], table[name], label=f"{name}{crosses}", **look | {"marker": ""})
        if name in crossings:
            at = crossings[name]
            usd = float(np.exp(np.interp(np.log(at), np.log(table[_READS]), np.log(table[name]))))
            axes.plot([at], [usd], marker="o", markersize=9, markerfacecolor="none", markeredgecolor=look["color"])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(_READS)
    axes.set_ylabel("USD")
    axes.legend()
    return figure
