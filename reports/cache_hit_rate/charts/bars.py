"""What arms come to, a bar each: writes and values, policies, a stampede, staleness."""

from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from reports.cache_hit_rate.arms import NAME, step_words
from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.charts.tables import Column, cells_of, of_cells, told
from reports.charts import new_panels, points_by_row
from reports.findings import Finding
from reports.section import Chart
from reports.words import microseconds, milliseconds, number

_ROW_INCHES, _AROUND_INCHES = 0.27, 0.55
Shown = tuple[Column, Callable[[float], str]]


def _percent(value: float) -> str:
    return f"{number(value)} %"


_HITS: Shown = (Column(id="hit_rate", heading="hit rate, %", factor=100), _percent)
_MEAN: Shown = (Column(id="latency_mean_us", heading="mean read, µs", labels={"op": "read"}), microseconds)
_REFUSED: Shown = (Column(id="oom_share", heading="refused (OOM), % of reads", factor=100), _percent)
_BARS = "Bars from 0; lines: 95 % intervals, where trials allow one."


def writes_and_values(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """Hit rate and mean read by share of writes, and by size of values."""
    titles = {
        "write_share": "Hit rate and mean read as writes join the reads",
        "value_size": "Hit rate and mean read as values grow",
    }
    return [
        chart
        for part, title in titles.items()
        for chart in _chart(
            found, findings, part, title, (_HITS, _MEAN), f"An arm at each step. {_BARS}", "latency_mean_us"
        )
    ]


def policies(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """E4's trap beside the other policies."""
    caption = (
        "A cache smaller than the data under each maxmemory-policy, keys with a TTL and without. What a full cache refuses to keep (OOM) "
        f"is asked of the database again each time. {_BARS}"
    )
    title = "Hit rate, refused sets and mean read by eviction policy"
    return _chart(found, findings, "policy", title, (_HITS, _REFUSED, _MEAN), caption, "oom_share")


def stampedes(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """Queries an expiry, and waits."""
    shown: tuple[Shown, ...] = (
        (Column(id="queries_per_expiry", heading="database queries an expiry"), number),
        (Column(id="latency_p99_ms", heading="p99 of reads, ms"), milliseconds),
    )
    caption = f"One key, read by all, whose value takes a slow query. p99 of the reads in flight until an expiry was over; –: fewer than 100. {_BARS}"
    return _chart(
        found,
        findings,
        "stampede",
        "A hot key expires: what the database is asked, and p99",
        shown,
        caption,
        "queries_per_expiry",
    )


def staleness(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """Stale reads, their age, and what stayed stale."""
    shown: tuple[Shown, ...] = (
        (Column(id="stale_share", heading="stale reads, %", factor=100), _percent),
        (Column(id="stale_age_p50_ms", heading="median age, ms since the commit"), milliseconds),
        (Column(id="left_stale_share", heading="stale at the end, % of cached values", factor=100), _percent),
    )
    caption = (
        "A read is stale if a newer version was committed when it began; its age counts from that commit. Stale "
        "at the end: where writes tell the cache, a read's set has overtaken one and the update is lost; lazy loading isn't told, and waits "
        f"for its TTL. {_BARS}"
    )
    return _chart(found, findings, "stale", "Stale reads beside a writer", shown, caption, "stale_share")


def _chart(
    found: Measured, findings: Sequence[Finding], part: str, title: str, shown: Sequence[Shown], caption: str, id: str
) -> list[Chart]:
    """None where the part wasn't measured; a panel for each figure that any cell has."""
    cells = cells_of(found, part)
    if not cells:
        return []
    table = of_cells(cells, findings, [column for column, _ in shown])
    if table["step"].nunique() > 1:
        words = [step_words(part, step).removeprefix("policy ").removeprefix("values of ") for step in table["step"]]
        table["arm"] = [f"{step}, {arm}" for step, arm in zip(words, table["arm"], strict=True)]
    there = [(column, show) for column, show in shown if table[column.heading].notna().any()]
    return [
        Chart(
            id=f"{NAME}-{part.replace('_', '-')}", title=title, caption=caption, alt=told(findings, part, id), table=table,
            draw=partial(_draw, shown=there),
        )
    ]  # fmt: skip


def _draw(table: pd.DataFrame, *, shown: Sequence[Shown]) -> Figure:
    figure, panels = new_panels([_ROW_INCHES * len(table)] * len(shown), around=_AROUND_INCHES, share_x=False)
    for at, (axes, (column, show)) in enumerate(zip(panels, shown, strict=True)):
        points_by_row(axes, table, column.heading, column.bounds, show, index=at, bars=True)
        axes.set_xlim(left=0)
        axes.set_xlabel(column.heading)
    return figure
