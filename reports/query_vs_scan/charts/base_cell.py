"""Every arm of the base cell: units an answer, one panel a question, eventual and strong reads told apart by shape."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from reports import records, stats
from reports.charts import PAPER, new_panels, style
from reports.findings import Finding
from reports.query_vs_scan.answers import PERCENTILES, usd_per_million
from reports.query_vs_scan.arms import NAME, QUESTIONS, arm_of
from reports.query_vs_scan.cells import Asked, Cell
from reports.section import Chart
from reports.words import number

_ROW_INCHES, _AROUND_INCHES = 0.26, 0.48


def chart(asked: Asked, found: Sequence[Finding], told: Sequence[Finding]) -> Chart | None:
    """The table has all figures of each arm; None where the base cell wasn't asked."""
    cells = asked.where("arms")
    if not cells:
        return None
    times = {records.Figure(one.id, tuple(sorted(one.labels.items()))): one.value for one in found}
    rows = sorted((_row(asked, cell, times) for cell in cells), key=lambda row: (row["question"], row["units"]))
    return Chart(
        id=f"{NAME}-arms",
        title=f"Capacity consumed by one answer, every way to ask for it ({cells[-1].items:,} items)",
        caption="Sorted by units, on a logarithmic axis. Circles read eventually consistent, diamonds strongly. Each arm of a "
        "question gives the same answer.",
        alt=" ".join(_conclusions(rows) + [one.sentence for one in told[:2]]),
        table=pd.DataFrame(rows),
        draw=_draw,
    )


def _row(asked: Asked, cell: Cell, found: Mapping[records.Figure, float | None]) -> dict[str, Any]:
    def mean(column: str) -> float | None:
        values = cell.means(column)
        return float(values.mean()) if len(values) else None

    labels = tuple(sorted(cell.labels.items()))
    times = {
        f"{which}, ms": found.get(records.Figure(f"{NAME}.latency_{which}_ms", labels)) for _, which in PERCENTILES
    }
    return {
        "arm": cell.arm, "question": QUESTIONS.get(cell.question, cell.question), "units": mean("read_units"),
        "index units": mean("index_units"), "bytes": mean("bytes"), "pages": mean("pages"),
        "round trips": mean("round_trips"), "items evaluated": mean("items_scanned"),
        "items returned": mean("items_returned"), **times,
        "USD a million answers": value(usd_per_million(asked, cell)), "answers": len(cell.rows),
    }  # fmt: skip


def value(figure: stats.Interval | None) -> float | None:
    """The estimate, None where it was refused."""
    return None if figure is None else figure.value


def _conclusions(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The cheapest and the dearest arm of each question."""
    by_question: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_question.setdefault(row["question"], []).append(row)
    return [
        f"For {question}, {of[0]['arm']} consumes least, {number(of[0]['units'])} read units, and {of[-1]['arm']} most, "
        f"{number(of[-1]['units'])}."
        for question, of in by_question.items()
    ]


def _draw(table: pd.DataFrame) -> Figure:
    plain = table["arm"].map(lambda arm: arm_of(arm).plain)
    strong = table["arm"] != plain
    questions: Any = list(table.assign(plain=plain, strong=strong).groupby("question", sort=False))
    heights = [_ROW_INCHES * rows["plain"].nunique() for _, rows in questions]
    figure, panels = new_panels(heights, around=_AROUND_INCHES)
    for axes, (question, rows) in zip(panels, questions, strict=True):
        order = list(rows.groupby("plain")["units"].min().sort_values(ascending=False).index)
        for is_strong, of_kind in rows.groupby("strong"):
            look = style(int(is_strong)) | {"linestyle": "", "marker": "D" if is_strong else "o"}
            places = [order.index(arm) for arm in of_kind["plain"]]
            hollow = {"markerfacecolor": PAPER, "markeredgewidth": 1.5} if is_strong else {}
            axes.plot(
                of_kind["units"], places, label="strongly consistent" if is_strong else "eventually", **look | hollow
            )
            for units, place in zip(of_kind["units"], places, strict=True):
                axes.annotate(
                    number(units), (units, place), textcoords="offset points", xytext=(7 if is_strong else -7, 0),
                    ha="left" if is_strong else "right", va="center", fontsize=8,
                )  # fmt: skip
        axes.set_yticks(range(len(order)), order)
        axes.set_ylim(-0.6, len(order) - 0.4)
        axes.set_xscale("log")
        axes.set_title(question, loc="left", fontsize=9)
        axes.margins(x=0.12)
        axes.tick_params(labelbottom=axes is panels[-1])
    panels[-1].set_xlabel("read units an answer")
    panels[0].legend(loc="upper right")  # where the cheapest arms leave room
    return figure
