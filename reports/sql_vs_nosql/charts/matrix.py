"""Every pattern against every store: time, round trips, dollars and consistency in one square, the fastest of a row the lightest."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.charts import OKABE_ITO, PAPER, new_axes
from reports.findings import Finding
from reports.section import Chart
from reports.sql_vs_nosql.arms import ARMS, NAME, pattern_words
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.charts.looked_up import figures, found_of
from reports.words import dollars, milliseconds, number

_P50, _USD = "p50, ms", "USD a million"
_ROW_INCHES, _MOST_CHARS = 0.62, 20
_INK = "#101010"  # on squares, which don't follow the page; legible on the darkest of them
_NO_ANSWER = "#d9d9d9"
_SHORT = {
    "postgres": "PostgreSQL",
    "postgres_flat": "PostgreSQL,\nwide table",
    "mysql": "MySQL",
    "mysql_flat": "MySQL,\nwide table",
}


def chart(found: Measured, findings: Sequence[Finding]) -> Chart | None:
    """The table has all of it, what each needed and why it can't; None where part patterns wasn't asked."""
    rows = [_row(found, findings, pattern, arm) for pattern in found.patterns for arm in found.plain_arms]
    if not rows:
        return None
    table = pd.DataFrame(rows)
    return Chart(
        id=f"{NAME}-matrix", title="Every pattern against every store",
        caption="In each square: time of an answer at the median, with its 95 % interval where there are trials enough; round trips; dollars of a million "
        "answers; consistency. The darker, the longer against the fastest of its row. What each needed, and why a store has no answer, is in the table. On one machine: the twin's times aren't the service's.",
        alt=_conclusion(table), table=table, draw=_draw,
    )  # fmt: skip


def _row(found: Measured, findings: Sequence[Finding], pattern: str, arm: str) -> dict[str, Any]:
    cell, needed = found.cell(pattern, arm), found.needed.get((arm, pattern), {})
    row: dict[str, Any] = {"pattern": pattern, "asked": pattern_words(pattern), "store": arm}
    trips = None if cell is None else found_of(findings, "round_trips", cell)
    row |= {"flights": cell.flights if cell else None}
    row |= figures(None if cell is None else found_of(findings, "latency_p50_ms", cell), _P50)
    row |= {"round trips": trips.value if trips else None}
    row |= figures(None if cell is None else found_of(findings, "usd_per_million_answers", cell), _USD)
    return row | {
        "needed": needed.get("words"), "requests": needed.get("requests"), "consistency": needed.get("consistency"),
        "why not": _why_not(found, pattern, arm),
    }  # fmt: skip


def _why_not(found: Measured, pattern: str, arm: str) -> str | None:
    if (arm, pattern) in found.cannot:
        return f"cannot: {found.cannot[arm, pattern]}"
    wrong = found.checked.why_wrong(arm, pattern)
    return wrong or (None if found.cell(pattern, arm) else "not measured")


def _conclusion(table: pd.DataFrame) -> str:
    """The cheapest store of each pattern, by dollars of a million answers."""
    said = []
    for _, rows in table.groupby("pattern", sort=False):
        known = rows.dropna(subset=[_USD]).sort_values(_USD)
        if len(known) > 1:
            best, worst = known.iloc[0], known.iloc[-1]
            said.append(
                f"{best['asked']}: least by {best['store']}, {dollars(best[_USD])} a million, most by {worst['store']}, {dollars(worst[_USD])}"
            )
    return f"By dollars of a million answers: {'; '.join(said)}." if said else "No store has dollars."


def _draw(table: pd.DataFrame) -> Figure:
    patterns, arms = list(dict.fromkeys(table["pattern"])), list(dict.fromkeys(table["store"]))
    figure, axes = new_axes(height=0.9 + _ROW_INCHES * len(patterns))
    hue = LinearSegmentedColormap.from_list("times", ["#fefefe", OKABE_ITO[0]])
    most = max(_times_fastest(table).max(), 2.0)
    for (_, row), times in zip(table.iterrows(), _times_fastest(table), strict=True):
        x, y = arms.index(row["store"]), patterns.index(row["pattern"])
        shade = 0.0 if pd.isna(times) else float(np.log(times) / np.log(most))
        color = _NO_ANSWER if isinstance(row["why not"], str) else hue(0.06 + 0.64 * shade)
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, edgecolor=PAPER, linewidth=1.5))
        _write(axes, x, y, row)
    axes.set_xticks(range(len(arms)), [_SHORT.get(arm, ARMS.get(arm, arm)) for arm in arms])
    axes.set_yticks(range(len(patterns)), patterns)
    axes.set_xlim(-0.5, len(arms) - 0.5)
    axes.set_ylim(len(patterns) - 0.5, -0.5)
    axes.tick_params(length=0, labelsize=8)
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    return figure


def _times_fastest(table: pd.DataFrame) -> "pd.Series[float]":
    """How many times as long as the fastest store of the pattern."""
    times = table[_P50].astype(float)
    found: pd.Series[float] = times / times.groupby(table["pattern"]).transform("min")
    return found


def _write(axes: Axes, x: int, y: int, row: "pd.Series[Any]") -> None:
    if isinstance(row["why not"], str):
        word = row["why not"].split(":")[0]
        axes.annotate(word, (x, y), ha="center", va="center", fontsize=8, color=_INK)
        return
    time, rest = row[_P50], []
    low, high = row[f"{_P50}, low"], row[f"{_P50}, high"]
    axes.annotate(
        "–" if pd.isna(time) else milliseconds(time), (x, y - 0.3), ha="center", va="center", fontsize=8.5, color=_INK, fontweight="bold"
    )  # fmt: skip
    if not pd.isna(low) and not pd.isna(high):
        rest.append(f"{milliseconds(low)} – {milliseconds(high)}")
    trips = row["round trips"]
    trip = "" if pd.isna(trips) else f"{number(trips)} trip{'' if trips == 1 else 's'}"
    usd = "" if pd.isna(row[_USD]) else dollars(row[_USD])
    rest += [" · ".join(filter(None, (trip, usd))), *textwrap.wrap(short(row["consistency"]), _MOST_CHARS)]
    axes.annotate("\n".join(rest), (x, y + 0.12), ha="center", va="center", fontsize=6.8, color=_INK, linespacing=1.15)


def short(consistency: str | None) -> str:
    """Consistency in a word or two: what stands before the first comma, semicolon or colon."""
    return re.split(r"[,;:]", consistency)[0] if isinstance(consistency, str) else ""
