"""Latency by time as a heatmap, a panel an arm, and beneath each a strip of what wasn't answered."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reports.charts.look import INK, LOOK, OKABE_ITO, PAPER, new_panels
from reports.section import Chart
from reports.words import number

MOST_WINDOWS = 40
_STEPS = (1.0, 2.0, 2.5, 5.0)  # widths of a window, of each decade
_FINE, _COARSE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0)  # edges of bands, of each decade
_FINE_UPTO = 3.5  # decades; more of them have coarse bands
# What may befall a request: colour and hatch in the strip, and words for the caption.
_LOOKS = {
    "throttled": ("#E69F00", "", "a throttle"), "error": ("#D55E00", "///", "an error"), "timeout": ("#CC79A7", "...", "a time-out"),
    "ambiguous": ("#56B4E9", "xxx", "an ambiguous end"), "no answer": ("#D55E00", "", "no answer"),
}  # fmt: skip
_ARM, _SENT = "arm", "requests"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """An arm's requests, over all its trials: when each was due, in seconds, and how long until it was answered, NaN where it wasn't.

    ``troubles`` says what befell it besides, a word of the strip's legend; empty where nothing did. What was throttled first and
    answered then has both.
    """

    name: str
    at_s: Floats
    latency: Floats
    troubles: npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scales:
    """What all panels share: ``windows_s`` and ``bands`` are ascending edges."""

    windows_s: Floats
    bands: Floats

    @property
    def width_s(self) -> float:
        return float(self.windows_s[1] - self.windows_s[0])


def latency_heatmap(
    panels: Sequence[Panel], *, id: str, title: str, what: str, unit: str, clock: str, alt: str, caption: str = "",
    shaded_s: tuple[float, float] | None = None,
) -> Chart | None:  # fmt: skip
    """``panels`` as one chart; None where nothing was answered. ``clock`` says whose seconds, and since when.

    Windows are alike in all panels and have a whole edge at 0. ``shaded_s`` is marked: a fault. Raises ValueError for a trouble that
    the strip has no look for.
    """
    full = [one for one in panels if np.isfinite(one.latency).any()]
    if not full:
        return None
    scales = _Scales(windows_s=_windows(full), bands=_bands(full))
    met = {str(word) for one in full for word in np.unique(one.troubles.astype(str))} - {""}
    if strange := met - _LOOKS.keys():
        raise ValueError(f"{id}: the strip has no look for {', '.join(sorted(strange))}")
    befell = [word for word in _LOOKS if word in met]
    table = pd.concat([_table(one, scales, unit, befell) for one in full], ignore_index=True)
    window = f"{number(scales.width_s)} s"
    strip = (
        f" The strip: per cent of each window's requests with {' or '.join(_LOOKS[word][2] for word in befell)}."
        if befell
        else ""
    )
    return Chart(
        id=id, title=title, alt=alt, table=table, dense=True,
        caption=f"A cell counts the requests of all trials that were due in a window of {window} and took so long; the line is each "
        f"window's median.{strip} {caption}".strip(),
        draw=partial(_draw, scales=scales, what=f"{what}, {unit}", clock=clock, shaded_s=shaded_s),
    )  # fmt: skip


def _windows(panels: Sequence[Panel]) -> Floats:
    """Edges at whole multiples of a round width, at most MOST_WINDOWS windows."""
    first, last = min(one.at_s.min() for one in panels), max(one.at_s.max() for one in panels)
    least = max(float(last - first), 1e-6) / (MOST_WINDOWS - 1)  # where both ends are cut there is one more
    decade = 10.0 ** math.floor(math.log10(least))
    width = next(step * decade for step in (*_STEPS, 10.0) if step * decade >= least * (1 - 1e-9))
    begins, ends = math.floor(first / width), math.floor(last / width) + 1
    return np.arange(begins, ends + 1) * width


def _bands(panels: Sequence[Panel]) -> Floats:
    """Edges in equal steps of the eye around all that was answered."""
    answered = np.concatenate([one.latency[np.isfinite(one.latency)] for one in panels])
    least, most = float(np.maximum(answered, 1e-9).min()), float(np.maximum(answered, 1e-9).max())
    steps = _FINE if math.log10(most / least) <= _FINE_UPTO else _COARSE
    decades = range(math.floor(math.log10(least)), math.floor(math.log10(most)) + 2)
    edges = np.array([step * 10.0**decade for decade in decades for step in steps])
    low, high = int(np.searchsorted(edges, least, side="right")) - 1, int(np.searchsorted(edges, most, side="right"))
    return edges[max(low, 0) : high + 1]


def _table(one: Panel, scales: _Scales, unit: str, befell: Sequence[str]) -> pd.DataFrame:
    """A row a window: how many were due, their median, what befell them, and how many fell into each band."""
    windows, bands = scales.windows_s, scales.bands
    place = np.clip(np.searchsorted(windows, one.at_s, side="right") - 1, 0, len(windows) - 2)
    ok, count = np.isfinite(one.latency), len(windows) - 1
    sent = np.bincount(place, minlength=count)
    median = pd.Series(one.latency[ok]).groupby(place[ok]).median().reindex(range(count))
    rows: dict[str, Any] = {
        _ARM: one.name, "from, s": windows[:-1], "to, s": windows[1:], _SENT: sent, f"median, {unit}": median.to_numpy(),
    }  # fmt: skip
    for word in befell:
        rows[f"{word}, %"] = 100 * np.bincount(place[one.troubles == word], minlength=count) / np.maximum(sent, 1)
    cells, _, _ = np.histogram2d(place[ok], one.latency[ok], bins=(np.arange(count + 1), bands))
    names = [f"{number(low)} to {number(high)} {unit}" for low, high in pairwise(bands)]
    return pd.DataFrame(rows | {name: cells[:, at].astype(int) for at, name in enumerate(names)})


def _draw(
    table: pd.DataFrame, *, scales: _Scales, what: str, clock: str, shaded_s: tuple[float, float] | None
) -> Figure:
    arms = list(dict.fromkeys(table[_ARM]))
    befell = [word for word in _LOOKS if f"{word}, %" in table]
    figure, axes = new_panels([height for _ in arms for height in ((1.35, 0.4) if befell else (1.35,))], around=0.16)
    bands = list(table.columns[-(len(scales.bands) - 1) :])
    figure.set_layout_engine("constrained", h_pad=0.01, hspace=0.0)
    norm, colours, mesh = LogNorm(1, max(2, int(table[bands].to_numpy().max()))), _colours(), None
    each = 2 if befell else 1
    for index, arm in enumerate(arms):
        mine, above = table[table[_ARM] == arm], axes[index * each]
        cells = np.ma.masked_equal(mine[bands].to_numpy().T, 0)
        mesh = above.pcolormesh(
            scales.windows_s, scales.bands, cells, norm=norm, cmap=colours, linewidth=0, rasterized=True
        )
        middle = (mine["from, s"] + mine["to, s"]) / 2
        halo = [withStroke(linewidth=2.6, foreground=PAPER)]
        above.plot(middle, mine[mine.columns[4]], color=INK, linewidth=1.1, path_effects=halo)
        _in_bands(above, scales.bands)
        above.set_title(arm, loc="left", fontsize=9)
        above.set_ylabel(what.replace(", ", ",\n"))
        if befell:
            _strip(axes[index * each + 1], mine, scales.width_s, befell)
        for one in axes[index * each : (index + 1) * each]:
            if shaded_s is not None:
                one.axvspan(*shaded_s, color=INK, alpha=0.09, linewidth=0, zorder=0)
    axes[-1].set_xlabel(clock)
    axes[-1].set_xlim(scales.windows_s[0], scales.windows_s[-1])
    if befell:
        patches = [
            Patch(facecolor=_LOOKS[word][0], hatch=_LOOKS[word][1], edgecolor=PAPER, label=word) for word in befell
        ]
        figure.legend(handles=patches, loc="outside upper right", ncols=len(patches))
    with mpl.rc_context(LOOK | {"axes.grid": False}):
        assert mesh is not None, "a chart of no panels isn't made"
        figure.colorbar(
            mesh, ax=axes, label=f"requests in {number(scales.width_s)} s", aspect=40, pad=0.015, format="{x:,.0f}"
        )
    return figure


def _colours() -> LinearSegmentedColormap:
    """From a blue that a single request is seen by to near black."""
    return LinearSegmentedColormap.from_list("requests", ["#bcd7ee", OKABE_ITO[0], "#04243f"])


def _in_bands(axes: Axes, bands: Floats) -> None:
    """A logarithmic axis whose ticks are the bands' edges at 1, 2 and 5 of a decade, or at 1 alone where these are many."""
    axes.set_yscale("log")
    axes.set_ylim(bands[0], bands[-1])
    decade = 10.0 ** np.floor(np.log10(bands) + 1e-9)
    digits = bands / decade
    wanted = (1.0,) if math.log10(bands[-1] / bands[0]) > 2 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(FixedLocator(list(bands[np.isin(np.round(digits, 3), wanted)])))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def _strip(axes: Axes, rows: pd.DataFrame, width_s: float, befell: Sequence[str]) -> None:
    bottom = np.zeros(len(rows))
    for word in befell:
        share = rows[f"{word}, %"].to_numpy()
        colour, hatch, _ = _LOOKS[word]
        look: Mapping[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": PAPER, "linewidth": 0}
        axes.bar(rows["from, s"], share, width=width_s, bottom=bottom, align="edge", **look)
        bottom += share
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 100])
    axes.set_ylabel("%")
