"""The price of synchrony: commits by topology and delay between zones, as intervals."""

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import new_panels, points_by_row
from reports.findings import Finding
from reports.rds_failover.arms import NAME, TOPOLOGIES
from reports.rds_failover.cells import Measured
from reports.section import Chart
from reports.words import engine_name, milliseconds, number

_ROW_INCHES, _AROUND_INCHES = 0.28, 0.5
_SHOWN = {
    "commit_p50_ms": "p50, ms",
    "commit_p99_ms": "p99, ms",
    "commit_extra_ms": "more than Single-AZ, ms",
}


def charts(found: Measured, findings: Sequence[Finding]) -> Iterator[Chart]:
    """One, where commits were measured."""
    mine = [
        one for one in findings if f"{NAME}.{one.labels.get('engine')}.synchrony." in one.id and one.value is not None
    ]
    if not mine or found.commits.empty:
        return
    table = _table(mine)
    yield Chart(
        id=f"{NAME}-synchrony", title="What a commit costs before anything fails",
        caption="Closed loop, one connection. Lines are 95 % intervals over trials, or over rounds for the difference. The Multi-AZ instance "
        "is modelled: Single-AZ's commit and one round trip for each flush.",
        alt=" ".join(one.sentence for one in mine if not one.id.endswith("p99_ms")), table=table, draw=_draw,
    )  # fmt: skip


def _table(mine: Sequence[Finding]) -> pd.DataFrame:
    made: dict[str, dict[str, object]] = {}
    for one in mine:
        delay, topology = (
            float(one.labels["inter_az_ms"]),
            TOPOLOGIES.get(one.labels["topology"], one.labels["topology"]),
        )
        model = ", modelled" if one.basis == "modelled" else ""
        name = f"{engine_name(one.labels['engine'])}, {number(delay)} ms, {topology}{model}"
        row, heading = made.setdefault(name, {"row": name}), _SHOWN[one.id.rsplit(".", 1)[1]]
        row |= {heading: one.value, f"{heading} from": one.low, f"{heading} to": one.high}
    columns = [column for heading in _SHOWN.values() for column in (heading, f"{heading} from", f"{heading} to")]
    return pd.DataFrame(list(made.values())).reindex(columns=["row", *columns])


def _draw(table: pd.DataFrame) -> Figure:
    there = [heading for heading in _SHOWN.values() if table[heading].notna().any()]
    rows = [table.dropna(subset=heading) for heading in there]
    heights = [_ROW_INCHES * len(those) + 0.1 for those in rows]
    figure, panels = new_panels(heights, around=_AROUND_INCHES, share_x=False)
    for at, (axes, heading, those) in enumerate(zip(panels, there, rows, strict=True)):
        bounds = (f"{heading} from", f"{heading} to")
        points_by_row(axes, those, heading, bounds, milliseconds, names="row", index=at, bars=True)
        axes.set_xlim(left=min(0.0, float(those[bounds[0]].min(skipna=True))))
        axes.set_xlabel(f"commit: {heading}")
    return figure
