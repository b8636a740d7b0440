"""False alarms by number of pairs, p values against chance, every comparison with its interval, what was found, and the verdicts."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pandas as pd
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from reports import stats
from reports.charts import INK, MUTED, new_axes, new_panels, style
from reports.findings import Finding
from reports.section import Chart
from reports.series.comparisons import Comparison, Figure, words

Compared = Mapping[tuple[Figure, int], Sequence[Comparison]]
_SHOWN: tuple[Figure, ...] = ("p95", "p50", "mean")  # whose comparisons are drawn one by one: the first there is
_VERDICTS: tuple[str, ...] = get_args(stats.Word)


def charts(compared: Compared, pairs: int, findings: Sequence[Finding]) -> list[Chart]:
    """All of them, of the comparisons that the series carries."""
    of_pairs = {figure: each for (figure, k), each in compared.items() if k == pairs}
    if not of_pairs:
        return []
    shown = next((figure for figure in _SHOWN if figure in of_pairs), next(iter(of_pairs)))
    alarms = [one for one in findings if one.id.endswith("false_alarm_share")]
    asked = " ".join(one.sentence for one in alarms if one.headline)
    return [
        Chart(
            id="series-false-alarms", title="False alarms by number of pairs",
            caption="The share of comparisons whose interval excludes equal, with its 95 % interval; the line is the 5 % that intervals "
            "at 95 % promise.",
            alt=asked, table=_shares(alarms, ["pairs"]), draw=_draw_alarms,
        ),
        Chart(
            id="series-p-values", title="p values of equal sides against chance",
            caption="Where sides are equal, p values are spread evenly: the curves follow the diagonal. Above it at the left there "
            "are more false alarms than were promised.",
            alt=asked, table=_p_values(of_pairs), draw=_draw_p_values,
        ),
        Chart(
            id="series-effects", title=f"Every comparison of {words(shown)} with its interval",
            caption=f"In the order they were measured, {pairs} pairs each; a triangle is a false alarm. Equal is 1; logarithmic axis.",
            alt=next((one.sentence for one in alarms if one.headline and one.labels["figure"] == shown), asked),
            table=_effects(of_pairs[shown]), draw=_draw_effects,
        ),
        Chart(
            id="series-found", title="What is found of a planted change",
            caption="The share of comparisons whose interval lies wholly above equal, side b planted so much longer; with its 95 % interval.",
            alt=" ".join(one.sentence for one in findings if one.id.endswith("found_share") and one.headline),
            table=_shares([one for one in findings if one.id.endswith("found_share")], ["planted", "pairs"]), draw=_draw_found,
        ),
        Chart(
            id="series-verdicts", title="Verdicts on equal sides",
            caption="On the margins of docs/method.md: 5 %, for p99 10 %. Regression and improved are wrong; inconclusive says that the pairs "
            "are too few for the machine's noise, equivalent that they were enough.",
            alt=_verdicts_alt(of_pairs), table=_verdicts(of_pairs), draw=_draw_verdicts,
        ),
    ]  # fmt: skip


def _shares(findings: Sequence[Finding], names: Sequence[str]) -> pd.DataFrame:
    measured = [one for one in findings if one.value is not None and one.low is not None and one.high is not None]
    rows: list[dict[str, Any]] = [
        {"figure": one.labels["figure"]}
        | {name: 100 * float(one.labels[name]) if name == "planted" else int(one.labels[name]) for name in names}
        | {"share, %": 100 * (one.value or 0), "low, %": 100 * (one.low or 0), "high, %": 100 * (one.high or 0)}
        | {"comparisons": one.n}
        for one in measured
    ]
    return pd.DataFrame(rows).rename(columns={"planted": "planted, %"})


def _p_values(compared: Mapping[Figure, Sequence[Comparison]]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {"figure": figure, "p": sorted(one.ratio.p for one in each)}
            ).assign(**{"share at or below": [(rank + 1) / len(each) for rank in range(len(each))]})
            for figure, each in compared.items()
        ],
        ignore_index=True,
    )  # fmt: skip


def _effects(compared: Sequence[Comparison]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "comparison": number, "b ÷ a": one.ratio.ratio, "low": one.ratio.low, "high": one.ratio.high,
                "verdict": one.verdict.word, "alarm": one.alarm,
            }
            for number, one in enumerate(compared, 1)
        ]
    )  # fmt: skip


def _verdicts(compared: Mapping[Figure, Sequence[Comparison]]) -> pd.DataFrame:
    rows = []
    for figure, each in compared.items():
        found = [one.verdict.word for one in each]
        rows.append({"figure": figure} | {word: found.count(word) for word in _VERDICTS})  # type: ignore[arg-type]
    return pd.DataFrame(rows)


def _verdicts_alt(compared: Mapping[Figure, Sequence[Comparison]]) -> str:
    wrong = sum(one.verdict.word in ("regression", "improved") for each in compared.values() for one in each)
    everything = sum(map(len, compared.values()))
    return f"{wrong} of {everything:,} verdicts on equal sides were regression or improved."


def _draw_alarms(table: pd.DataFrame) -> Drawing:
    figure, axes = new_axes(height=3.2)
    every = sorted(set(table["pairs"]))
    names = list(dict.fromkeys(table["figure"]))
    for index, name in enumerate(names):
        rows, look = table[table["figure"] == name], style(index)
        places = [every.index(pairs) + 0.11 * (index - (len(names) - 1) / 2) for pairs in rows["pairs"]]
        axes.vlines(places, rows["low, %"], rows["high, %"], color=look["color"], linewidth=1.4)
        axes.plot(places, rows["share, %"], label=name, **look | {"linestyle": ""})
    axes.axhline(5, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    counts = {pairs: table.loc[table["pairs"] == pairs, "comparisons"].iloc[0] for pairs in every}
    axes.set_xticks(range(len(every)), [f"{pairs} pairs\n{counts[pairs]:,} comparisons" for pairs in every])
    axes.set_ylim(bottom=0)
    axes.set_ylabel("false alarms, % of comparisons")
    axes.legend(ncols=len(names))
    return figure


def _draw_p_values(table: pd.DataFrame) -> Drawing:
    figure, axes = new_axes(height=3.8)
    for index, (name, rows) in enumerate(table.groupby("figure", sort=False)):
        look = style(index) | {"marker": ""}
        axes.step([0, *rows["p"], 1], [0, *rows["share at or below"], 1], where="post", label=str(name), **look)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1.2, linestyle=(0, (4, 3)), label="even, as chance alone")
    axes.axvline(0.05, color=MUTED, linewidth=1)
    axes.annotate("0.05: an alarm on its left", (0.06, 0.97), color=MUTED, fontsize=8.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("p of the paired t test")
    axes.set_ylabel("share of comparisons at or below")
    axes.legend(loc="lower right")
    return figure


def _draw_effects(table: pd.DataFrame) -> Drawing:
    figure, axes = new_axes(height=3.4)
    for alarm, marker, label in ((False, "o", "equal can't be excluded"), (True, "^", "false alarm")):
        rows, look = table[table["alarm"] == alarm], style(1 if alarm else 0)
        axes.vlines(rows["comparison"], rows["low"], rows["high"], color=look["color"], linewidth=0.9)
        axes.plot(
            rows["comparison"], rows["b ÷ a"], marker, color=look["color"], markersize=5.5 if alarm else 2.6,
            label=f"{label}: {len(rows)}",
        )  # fmt: skip
    axes.axhline(1, color=INK, linewidth=1)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("comparison, in the order measured")
    axes.set_ylabel("b ÷ a")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8.5)
    return figure


def _draw_found(table: pd.DataFrame) -> Drawing:
    every = sorted(set(table["pairs"]))
    figure, panels = new_panels([2.0] * len(every), around=0.35)
    for axes, pairs in zip(panels, every, strict=True):
        of_pairs = table[table["pairs"] == pairs]
        for index, (name, rows) in enumerate(of_pairs.groupby("figure", sort=False)):
            look, places = style(index), rows["planted, %"] + 0.25 * (index - 1.5)
            axes.vlines(places, rows["low, %"], rows["high, %"], color=look["color"], linewidth=1.2)
            axes.plot(places, rows["share, %"], label=str(name) if axes is panels[0] else None, **look)
        axes.set_ylim(0, 103)
        axes.set_title(f"{pairs} pairs, {of_pairs['comparisons'].iloc[0]:,} comparisons", loc="left", fontsize=9)
        axes.set_ylabel("found, %")
    panels[-1].set_xticks(sorted(set(table["planted, %"])))
    panels[-1].set_xlabel("planted into side b, % longer")
    figure.legend(loc="outside upper left", ncols=4, fontsize=8.5)
    return figure


def _draw_verdicts(table: pd.DataFrame) -> Drawing:
    figure, axes = new_axes(height=0.5 + 0.45 * len(table))
    begins = pd.Series(0, index=table.index)
    hatches = ("", "///", "...", "xxx", "\\\\\\", "++")
    for index, word in enumerate(_VERDICTS):
        if not table[word].sum():
            continue
        axes.barh(
            range(len(table)), table[word], left=begins, height=0.6, label=word, color=style(index)["color"],
            hatch=hatches[index], edgecolor=INK, linewidth=0.6,
        )  # fmt: skip
        begins = begins + table[word]
    axes.set_yticks(range(len(table)), table["figure"])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("comparisons")
    figure.legend(loc="outside upper left", ncols=3, fontsize=8.5)
    return figure
