"""How long backups, snapshots and restores take, against how much data there is."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reports.charts import logarithmic, new_axes, style
from reports.findings import Finding
from reports.rds_operations.arms import BACKUP, NAME, SNAPSHOTS
from reports.rds_operations.cells import Measured
from reports.rds_operations.charts import told
from reports.section import Chart
from reports.words import engine_name, seconds

_WHAT = {"snapshot_s": "snapshot", "restore_s": "restore from a snapshot", "backup_s": "base backup"}
_SIZES, _SECONDS, _SERIES = "flights", "s", "series"


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:  # noqa: ARG001 - charts are all asked alike
    """One for all engines, where two sizes or more were measured."""
    those = [*told.of(findings, SNAPSHOTS, "snapshot_s", "restore_s"), *told.of(findings, BACKUP, "backup_s")]
    table = pd.DataFrame(
        [
            {
                _SERIES: f"{engine_name(one.labels['engine'])}, {_WHAT[one.id.rsplit('.', 1)[1]]}", _SIZES: int(one.labels["step"]),
                _SECONDS: one.value, "from, s": one.low, "to, s": one.high, "trials": one.n,
            }
            for one in those
        ]
    )  # fmt: skip
    if not len(table) or table[_SIZES].nunique() < 2:
        return
    grown = [one for part in (SNAPSHOTS, BACKUP) for one in told.of(findings, part, *_EXPONENTS)]
    yield Chart(
        id=f"{NAME}-sizes", title="How long it takes, by the size of the data",
        caption="Medians over trials, upright lines are 95 % intervals; both axes logarithmic. What doesn't grow with flights (logs, the server's own "
        "files, its start) is in it.",
        alt=told.sentences(grown) or told.sentences(those), table=table.astype({"from, s": float, "to, s": float}), draw=draw,
    )  # fmt: skip


_EXPONENTS = ("snapshot_growth_exponent", "restore_growth_exponent", "backup_growth_exponent")


def draw(table: pd.DataFrame) -> Figure:
    """A line an engine and operation."""
    figure, axes = new_axes(height=4.0)
    for index, (name, rows) in enumerate(table.groupby(_SERIES, sort=False)):
        look = style(index)
        axes.plot(rows[_SIZES], rows[_SECONDS], label=str(name), **look)
        bounded = rows.dropna(subset=["from, s", "to, s"])
        axes.vlines(bounded[_SIZES], bounded["from, s"], bounded["to, s"], color=look["color"], linewidth=1.4)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    logarithmic(axes, [float(size) for size in np.unique(table[_SIZES])])
    axes.set_xticks(list(np.unique(table[_SIZES])), [f"{int(size):,}" for size in np.unique(table[_SIZES])])
    axes.set_xlabel("flights")
    axes.set_ylabel("took")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8.5)
    return figure
