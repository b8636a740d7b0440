"""Hit rate and mean as the cache grows, with E1."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from reports.cache_hit_rate.arms import NAME, SIZE
from reports.cache_hit_rate.cells import Measured
from reports.cache_hit_rate.sizes import Behind, behind, mean_us
from reports.charts import logarithmic, new_axes, style
from reports.findings import Finding
from reports.section import Chart
from reports.words import engine_name


def charts(found: Measured, findings: Sequence[Finding]) -> list[Chart]:
    """Both, where an engine was measured with a cache and without."""
    engines = [one for one in (behind(found, engine) for engine in found.engines) if one is not None]
    if not engines:
        return []
    table = pd.concat([_table(one) for one in engines], ignore_index=True)
    rates = [one.sentence for one in findings if one.id in {f"{NAME}.{engine.engine}.hit_rate" for engine in engines}]
    return [
        Chart(
            id=f"{NAME}-hit-rate",
            title="Share of reads the cache answered, as it grows",
            caption="Keys drawn by the data's own skew; the cache's size by its own accounting of memory.",
            alt=" ".join(rates),
            table=table,
            draw=_draw_hit_rate,
        ),
        Chart(
            id=f"{NAME}-latency",
            title="Mean read against hit rate, measured and by E1",
            caption="Where a line crosses the dotted level of the same colour, the cache stops paying.",
            alt=" ".join(one.sentence for one in findings if one.headline and one.labels.get("part") == SIZE),
            table=table,
            draw=_draw_latency,
        ),
    ]


def _table(one: Behind) -> pd.DataFrame:
    """One row a size of cache, 0 for none; ``E1 µs`` is what E1 makes of the row's own hit rate and the engine's parts."""
    get_us, db_us, set_us = one.parts_us(one.lazy)
    rows = []
    for share, reads in [("0", one.bare), *((share, one.lazy[one.lazy["step"] == share]) for share in one.shares())]:
        hit_rate = float(reads["hit"].eq(True).mean()) if share != "0" else float("nan")
        rows.append(
            {
                "engine": one.engine, "cache, % of data": 100 * float(share), "hit rate, %": 100 * hit_rate,
                "mean µs": mean_us(reads), "p50 µs": reads["service_us"].median(),
                "p95 µs": reads["service_us"].quantile(0.95), "E1 µs": get_us + (1 - hit_rate) * (db_us + set_us),
                "E1 at no hit µs": get_us + db_us + set_us, "E1 at all hits µs": get_us, "reads": len(reads),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _draw_hit_rate(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.0)
    for index, (engine, rows) in enumerate(table[table["cache, % of data"] > 0].groupby("engine")):
        axes.plot(rows["cache, % of data"], rows["hit rate, %"], label=engine_name(str(engine)), **style(index))
    logarithmic(axes, sorted(set(table.loc[table["cache, % of data"] > 0, "cache, % of data"])))
    axes.set_ylim(0, 103)
    axes.set_xlabel("cache size, % of the data")
    axes.set_ylabel("hit rate, %")
    axes.legend()
    return figure


def _draw_latency(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes()
    for index, (engine, rows) in enumerate(table.groupby("engine")):
        look, name = style(index), engine_name(str(engine))
        bare, lazy = rows[rows["cache, % of data"] == 0].iloc[0], rows[rows["cache, % of data"] > 0]
        line = partial(axes.plot, color=look["color"], linewidth=1.3)
        axes.plot(lazy["hit rate, %"], lazy["mean µs"], label=f"{name}, measured", **look | {"linestyle": ""})
        line([0, 100], [bare["E1 at no hit µs"], bare["E1 at all hits µs"]], linestyle="-", label=f"{name}, E1")
        line([0, 100], [bare["mean µs"]] * 2, linestyle=(0, (2, 2)), label=f"{name}, no cache")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("hit rate, %")
    axes.set_ylabel("mean service time, µs")
    axes.legend(fontsize=8, ncols=2)
    return figure
