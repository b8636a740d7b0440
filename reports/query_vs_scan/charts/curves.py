"""Lines on logarithmic axes: units and latency against the size of the table, units against the size of an item."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports.charts import new_axes, style
from reports.findings import Finding
from reports.query_vs_scan.arms import NAME, QUESTIONS
from reports.query_vs_scan.cells import Asked
from reports.section import Chart
from reports.words import number

_UNITS = "read units an answer"
_ITEMS, _BYTES = "items in table", "mean bytes of an item"


def units_by_table(asked: Asked, told: Sequence[Finding]) -> Chart | None:
    """Units of the same answer while the table grows."""
    title, id = "Capacity consumed by one answer while the table grows", f"{NAME}-units"
    return _by_table(asked, told, id, title, "units", _UNITS)


def latency_by_table(asked: Asked, told: Sequence[Finding]) -> Chart | None:
    """The median service time of the same."""
    title = "Latency of one answer while the table grows (service time, median)"
    return _by_table(asked, told, f"{NAME}-p50-ms", title, "p50_ms", "milliseconds")


def units_by_item(asked: Asked) -> Chart | None:
    """Units of the same number of items while each of them grows."""
    cells = asked.where("item_bytes")
    rows = [
        {
            "arm": cell.arm, "items are": cell.step, _BYTES: cell.params.get("mean_item_bytes"), _ITEMS: cell.items,
            "units": cell.rows["read_units"].mean(), "pages": cell.rows["pages"].mean(),
            "flights returned": cell.rows["items_returned"].mean(), "answers": len(cell.rows),
        }
        for cell in cells if "mean_item_bytes" in cell.params
    ]  # fmt: skip
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return Chart(
        id=f"{NAME}-item-bytes",
        title=f"Capacity consumed by one answer while items grow ({QUESTIONS['aircraft']})",
        caption="Both axes are logarithmic. The number of items stays; Query and Scan round the sum of their bytes to 4 KB once, "
        "Gets each item on its own.",
        alt=_grew(table),
        table=table,
        draw=partial(_draw, x=_BYTES, y="units", across=_BYTES, up=_UNITS),
    )


def _grew(table: pd.DataFrame) -> str:
    """How each arm's units changed from the smallest to the largest items."""
    told = []
    for arm, rows in table.groupby("arm"):
        first, last = rows.iloc[0], rows.iloc[-1]
        told.append(f"{arm} from {number(first['units'])} to {number(last['units'])} read units")
    smallest, largest = table[_BYTES].min(), table[_BYTES].max()
    return f"From items of {smallest:,.0f} bytes to items of {largest:,.0f} an answer went by {'; by '.join(told)}."


def _by_table(asked: Asked, told: Sequence[Finding], id: str, title: str, column: str, axis: str) -> Chart | None:
    cells = asked.where("table_items")
    if not cells:
        return None
    rows = [
        {
            "question": QUESTIONS.get(cell.question, cell.question), "arm": cell.arm, _ITEMS: cell.items,
            "units": cell.rows["read_units"].mean(), "pages": cell.rows["pages"].mean(),
            "flights returned": cell.rows["items_returned"].mean(), "p50_ms": cell.rows["service_ms"].median(),
            "answers": len(cell.rows),
        }
        for cell in cells
    ]  # fmt: skip
    largest = str(max(cell.items for cell in cells))
    return Chart(
        id=id,
        title=title,
        caption="Both axes are logarithmic; the answer stays the same while the table grows.",
        alt=" ".join(one.sentence for one in told if one.labels["step"] == largest),
        table=pd.DataFrame(rows),
        draw=partial(_draw, x=_ITEMS, y=column, across="items in the table", up=axis),
    )


def _draw(table: pd.DataFrame, *, x: str, y: str, across: str, up: str) -> Figure:
    figure, axes = new_axes()
    by = [name for name in ("question", "arm") if name in table]
    groups: Any = table.groupby(by, sort=True)
    for index, ((*question, arm), rows) in enumerate(groups):
        axes.plot(rows[x], rows[y], label=": ".join([arm, *question]), **style(index))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.legend()
    return figure
