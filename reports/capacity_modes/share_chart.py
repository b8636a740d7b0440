"""The throttled share against demand ÷ capacity, measured, with what the rules make of it as lines."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.capacity_modes.arithmetic import Stretch, Supply, expected
from reports.capacity_modes.curves import supplies
from reports.capacity_modes.samples import KINDS, NAME, Cell
from reports.capacity_modes.told import Told, chosen
from reports.capacity_modes.wording import arm
from reports.charts import MUTED, new_rows, style
from reports.section import Chart
from reports.words import number

POINTS = 41  # of each line of the arithmetic
_MULTIPLE, _SHARE, _LOW, _HIGH = "demand ÷ capacity", "throttled, %", "low, %", "high, %"
_DASHES = {"B2": "-", "B5": "--"}


def share_charts(told: Sequence[Told]) -> list[Chart]:
    """The chart of the flat demands, where any was measured."""
    those = [one for one in chosen(told, part="steps") if one.get("throttled_share")]
    if not those:
        return []
    highest = max(one.cell.params["multiple"] for one in those)
    top = [one.get("throttled_share") for one in those if one.cell.params["multiple"] == highest]
    return [
        Chart(
            id=f"{NAME}-share",
            title="Throttled share against demand ÷ provisioned capacity",
            caption=f"Flat demands, each on a table of its own, for {_lengths(those)}. Points are measured, with their 95 % intervals; the "
            "lines are what is to be expected of trials so long: B2's store of 300 s on the provisioned table, B5's first rate on demand.",
            alt=" ".join(finding.sentence for finding in top if finding),
            table=pd.DataFrame([*_measured(those), *_lines(those)]),
            draw=_draw,
        )
    ]


def _lengths(those: Sequence[Told]) -> str:
    lengths_s = {one.cell.length_s for one in those}
    return f"{' to '.join(number(length) for length in sorted({min(lengths_s), max(lengths_s)}))} service seconds"


def _measured(those: Sequence[Told]) -> Iterator[dict[str, object]]:
    for one in those:
        share = one.get("throttled_share")
        assert share is not None and share.value is not None
        low, high = (np.nan if bound is None else 100 * bound for bound in (share.low, share.high))
        yield {
            "series": arm(one.cell), "kind": one.cell.kind,
            _MULTIPLE: one.cell.params["multiple"], _SHARE: 100 * share.value, _LOW: low, _HIGH: high,
        }  # fmt: skip


def _lines(those: Sequence[Told]) -> Iterator[dict[str, object]]:
    """The arithmetic of each arm and kind over the multiples that were asked, and between them for lengths between theirs."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for one in those:
        groups.setdefault((one.cell.kind, one.cell.arm), []).append(one.cell)
    for (kind, _), cells in groups.items():
        at = [cell.params["multiple"] for cell in cells]
        limits = [supplies(cell) for cell in cells]
        if not all(len(limit) == 1 for limit in limits):
            continue
        for multiple in np.union1d(np.linspace(at[0], at[-1], POINTS), at):
            per_s = multiple * cells[0].capacity_units
            length_s = float(np.interp(multiple, at, [cell.length_s for cell in cells]))
            # A fast clock makes on-demand limits be kept for longer, so their store may differ from step to step.
            store_s = float(np.interp(multiple, at, [limit[0][1].store_s for limit in limits]))
            (rule, first), *_ = limits[0]
            demand = Stretch(from_per_s=per_s, to_per_s=per_s, length_s=length_s)
            share = expected([demand], Supply(per_s=first.per_s, store_s=store_s)).share
            yield {"series": f"{rule}'s arithmetic", "kind": kind, _MULTIPLE: multiple, _SHARE: 100 * share}


def _draw(table: pd.DataFrame) -> Figure:
    kinds = [kind for kind in KINDS if (table["kind"] == kind).any()]
    figure, panels = new_rows(len(kinds), height_each=2.3)
    names = [name for name in dict.fromkeys(table["series"]) if "arithmetic" not in name]
    for axes, kind in zip(panels, kinds, strict=True):
        for name, rows in table[table["kind"] == kind].groupby("series", sort=False):
            if name not in names:
                dashes = _DASHES[str(name)[:2]]
                axes.plot(rows[_MULTIPLE], rows[_SHARE], color=MUTED, linestyle=dashes, linewidth=1.3, label=name)
                continue
            look = style(names.index(str(name))) | {"linestyle": "none"}
            reach = [
                (rows[_SHARE] - rows[_LOW]).fillna(0).clip(lower=0),
                (rows[_HIGH] - rows[_SHARE]).fillna(0).clip(lower=0),
            ]
            axes.errorbar(rows[_MULTIPLE], rows[_SHARE], yerr=reach, capsize=3, label=name, zorder=3, **look)
        axes.set_ylabel(f"throttled {kind}s, %")
        axes.set_ylim(bottom=-2)
    panels[0].legend(loc="upper left", fontsize=8.5)
    panels[-1].set_xlabel("demand ÷ provisioned capacity")
    return figure
