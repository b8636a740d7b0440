"""What everyone else's reads meet beside a Scan and its cures: throttled share and p99, by arm."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import new_panels, points_by_row
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
    points_by_row(
        above, table, "throttled, %", ("throttled from, %", "throttled to, %"), lambda value: f"{number(value)} %"
    )
    above.set_xlabel("throttled, % of reads")
    waits = (("p95", 1, "D", -0.2), ("p99", 0, "o", 0.2))
    for which, index, marker, offset in waits:
        bounds = f"{which} from", f"{which} to"
        points_by_row(
            below, table, f"{which}, service ms", bounds, milliseconds, index=index, marker=marker, offset=offset
        )
    below.set_xlabel("p95 and p99, service ms")
    if any((table[f"{which}, service ms"] > 0).any() for which, *_ in waits):
        below.set_xscale("log")
    return figure
