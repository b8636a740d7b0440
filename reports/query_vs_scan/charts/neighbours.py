"""What everyone else's reads meet beside a Scan and its cures: throttled share and p99, by arm."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.charts import new_panels, style
from reports.findings import Finding
from reports.query_vs_scan.arms import NAME
from reports.query_vs_scan.neighbour import shares_and_waits
from reports.section import Chart
from reports.words import milliseconds, number

_ROW_INCHES, _AROUND_INCHES = 0.28, 0.55


def chart(found: Sequence[Finding], told: Sequence[Finding]) -> Chart | None:
    """None where no neighbour was measured."""
    table = shares_and_waits(found)
    if table.empty:
        return None
    return Chart(
        id=f"{NAME}-neighbour",
        title="Everyone else's reads while somebody reports on the same table",
        caption="Above: the share that was throttled at least once. Below: p95 (diamonds) and p99 (circles) from when a "
        "read was due, retries included, on a logarithmic axis. Bars: 95 % intervals, where trials allow one. –: too few reads for it.",
        alt=" ".join(one.sentence for one in told),
        table=table,
        draw=_draw,
    )


def _draw(table: pd.DataFrame) -> Figure:
    figure, (above, below) = new_panels(
        [_ROW_INCHES * len(table), 2 * _ROW_INCHES * len(table)], around=_AROUND_INCHES, share_x=False
    )
    _points(above, table, "throttled, %", ("throttled from, %", "throttled to, %"), lambda value: f"{number(value)} %")
    above.set_xlabel("throttled, % of reads")
    waits = (("p95", 1, "D", -0.2), ("p99", 0, "o", 0.2))
    for which, index, marker, offset in waits:
        bounds = f"{which} from", f"{which} to"
        _points(below, table, f"{which}, service ms", bounds, milliseconds, index=index, marker=marker, offset=offset)
    below.set_xlabel("p95 and p99, service ms")
    if any((table[f"{which}, service ms"] > 0).any() for which, *_ in waits):
        below.set_xscale("log")
    return figure


def _points(
    axes: Axes, table: pd.DataFrame, column: str, bounds: tuple[str, str], show: Any,
    *, index: int = 0, marker: str = "o", offset: float = 0.0,
) -> None:  # fmt: skip
    """A point an arm, its interval as a bar, its figure beside it; an arm without a figure keeps its row."""
    colour = style(index)["color"]
    for row_at, (_, row) in enumerate(table.iterrows()):
        place = row_at + offset
        value, low, high = row[column], row[bounds[0]], row[bounds[1]]
        if pd.isna(value):
            axes.annotate(
                f"{column.split(',', maxsplit=1)[0]} –",
                (0.01, place),
                xycoords=axes.get_yaxis_transform(),
                va="center",
                fontsize=8.5,
            )
            continue
        if not pd.isna(low) and not pd.isna(high):
            axes.plot([low, high], [place, place], color=colour, linewidth=1.6)
        axes.plot([value], [place], marker=marker, color=colour, markersize=6)
        axes.annotate(
            show(value), (max(value, value if pd.isna(high) else high), place), textcoords="offset points", xytext=(8, 0),
            va="center", fontsize=8.5,
        )  # fmt: skip
    axes.set_yticks(range(len(table)), table["arm"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.margins(x=0.16)
