"""The schema of each store as a diagram: a box a table with key and columns, beside it a box for each of its indexes."""

import textwrap
from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from reports.charts import INK, MUTED, new_axes, style
from reports.section import Chart
from reports.sql_vs_nosql.arms import NAME, arm_words, is_cached
from reports.sql_vs_nosql.cells import Measured
from reports.sql_vs_nosql.schema import Table, tables_of
from reports.words import count

_LINE_INCHES, _PAD_LINES = 0.155, 1.3
_LEFT, _RIGHT = (0.0, 0.49), (0.55, 0.45)  # place and width of the two columns, as shares of the figure
_CHARS = 52


def charts(found: Measured) -> Iterator[Chart]:
    """One for each arm without a cache, whose statements are its table."""
    for event in found.run.events_of(NAME, "schema"):
        arm, tables = event["arm"], tables_of(event["ddl"])
        if is_cached(arm) or not tables:
            continue
        indexes = sum(len(one.indexes) for one in tables)
        yield Chart(
            id=f"{NAME}-schema-{arm}", title=f"{arm_words(arm)}: schema",
            caption="Left the tables with key and columns, right the indexes with what they are by and what they have. The statements are in the table below.",
            alt=f"{arm_words(arm)} has {count(len(tables), 'table')} ({', '.join(one.name for one in tables)}) and {count(indexes, 'index').replace('indexs', 'indexes')} beside the keys.",
            table=pd.DataFrame({"statement": list(event["ddl"])}), draw=lambda table: _draw(tables_of(list(table["statement"]))),
        )  # fmt: skip


def _draw(tables: list[Table]) -> Figure:
    texts = [(_of_table(one), [_of_index(index.name, index.of) for index in one.indexes]) for one in tables]
    heights = [max(_lines(left), sum(map(_lines, right))) for left, right in texts]
    figure, axes = new_axes(height=_LINE_INCHES * sum(heights) + 0.1)
    axes.set_xlim(0, 1)
    axes.set_ylim(sum(heights), 0)
    axes.set_axis_off()
    top = 0.0
    for (left, right), height in zip(texts, heights, strict=True):
        at = _box(axes, _LEFT, top, left, style(0)["color"])
        of_index = top
        for text in right:
            middle = _box(axes, _RIGHT, of_index, text, style(2)["color"])
            axes.plot([_LEFT[0] + _LEFT[1], _RIGHT[0]], [at, middle], color=MUTED, linewidth=0.8)
            of_index += _lines(text)
        top += height
    return figure


def _of_table(table: Table) -> list[str]:
    besides = [name for name in table.columns if name not in table.key.split(", ")]
    declared = ", ".join(besides) if table.columns else "every item with attributes of its own, none declared"
    return [table.name, *_wrapped(f"key: {table.key}"), *_wrapped(declared)]


def _of_index(name: str, of: str) -> list[str]:
    return [name, *_wrapped(of)]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _CHARS)


def _lines(text: list[str]) -> float:
    return len(text) + _PAD_LINES


def _box(axes: Axes, column: tuple[float, float], top: float, text: list[str], color: str) -> float:
    """Drawn from ``top`` on; its middle."""
    left, width = column
    height = _lines(text) - 0.45
    axes.add_patch(
        FancyBboxPatch(
            (left + 0.004, top + 0.15), width - 0.008, height - 0.15, boxstyle="round,pad=0,rounding_size=0.004", facecolor="none",
            edgecolor=color, linewidth=1.2, mutation_aspect=60,
        )
    )  # fmt: skip
    for line, words in enumerate(text):
        weight = "bold" if line == 0 else "normal"
        axes.annotate(words, (left + 0.014, top + 0.75 + line), va="center", fontsize=7.4, fontweight=weight, color=INK)
    return top + height / 2
