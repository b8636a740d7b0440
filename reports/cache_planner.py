"""Which cache pays for a key trace: the answer of ``dbharness plan-cache``, its curve, and how far it holds."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.charts import MUTED, new_axes, new_rows, style
from reports.findings import Better, Finding
from reports.load import Run
from reports.section import Chart, Section
from reports.words import absent, count, dollars, microseconds, number, percent

NAME, TITLE = "cache_planner", "Which cache pays for these keys"
_MB = 1e6


def analyse(run: Run) -> Section:
    """The section of a cache plan. Everything in it comes from plan.json."""
    plan = json.loads((run.path / "plan.json").read_text())
    findings = [
        _gain(run, plan),
        _knee(run, plan),
        _order(run, plan),
        *(_hit_rate(run, plan, one) for one in plan["outcomes"]),
        *(_cost(run, plan, one) for one in plan["outcomes"]),
        *(_break_even(run, plan, one) for one in plan["outcomes"]),
        *(_latency(run, plan, one) for one in plan["outcomes"]),
        *_ttl(run, plan),
        *(_variation(run, plan, one) for one in plan["variations"]),
    ]
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=tuple(findings),
        charts=tuple(_charts(plan, findings)),
        method=_method(plan),
        warnings=tuple(plan["notes"]),
    )


def _finding(
    run: Run, plan: Mapping[str, Any], id: str, sentence: str, value: float, unit: str, better: Better,
    labels: Mapping[str, str] | None = None, *, half_width: float | None = None, headline: bool = False,
) -> Finding:  # fmt: skip
    """A modelled figure over the reads of the trace; an interval only where a sample of the keys gives it a width."""
    return Finding(
        id=f"{NAME}.{id}", scenario=NAME, sentence=sentence, value=value, unit=unit, better=better, n=plan["trace"]["reads"],
        low=value - half_width if half_width else None, high=value + half_width if half_width else None,
        target=run.manifest["target"], labels=dict(labels or {}), basis="modelled", headline=headline,
    )  # fmt: skip


def _stands_on(plan: Mapping[str, Any]) -> str:
    prices = plan["prices"]
    return (
        f"modelled over {count(plan['trace']['reads'], 'read')}, a month of 730 hours, {prices['region']} prices of {prices['date']}, "
        f"{plan['assumed']['engine']}"
    )


def _unknown(plan: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """Why a figure in dollars isn't there."""
    if one["hit_rate"] is None:
        return f"the memory of {one['name']} isn't in the price file"
    if plan["worth"]["usd_per_million"] is None:
        return "the price of a read isn't in the price file"
    if plan["trace"]["reads_per_s"] is None and one["usd_month"] is not None:
        return "the trace tells no rate of reads"
    return f"the price of {one['name']} isn't in the price file, or the trace tells no rate of reads"


def _gain(run: Run, plan: Mapping[str, Any]) -> Finding:
    best = plan["best"]
    if best is None:
        reason = " and ".join(dict.fromkeys(_unknown(plan, one) for one in plan["outcomes"]))
        return absent(run, NAME, f"{NAME}.net_usd_month", "USD", "higher", reason, headline=True)
    does = (
        f"costs {dollars(best['usd_month'])} a month and spares the database {number(best['reads_saved_month'])} reads, worth "
        f"{dollars(best['saved_usd_month'])} ({plan['worth']['by']})"
    )
    sentence = f"{best['name']} pays: it {does} ({_stands_on(plan)})."
    if not plan["pays"]:
        sentence = f"No cache pays in dollars: the one that loses least, {best['name']}, {does} ({_stands_on(plan)})."
    return _finding(
        run, plan, "net_usd_month", sentence, best["net_usd_month"], "USD", "higher", {"cache": best["name"]}, headline=True
    )  # fmt: skip


def _knee(run: Run, plan: Mapping[str, Any]) -> Finding:
    memory = plan["trace"]["by_bytes"]
    if memory["knee"] is None:
        return absent(run, NAME, f"{NAME}.knee_bytes", "bytes", "none", "nothing is read twice", headline=True)
    knee = memory["knee"]
    sentence = (
        f"The hit rate's knee is at {_size(knee['size'])}, where {percent(knee['hit_rate'])} of reads hit; "
        f"{_size(memory['least_for_90_percent_of_hits'])} have 90 % of the hits that any cache has "
        f"({percent(plan['trace']['most_hit_rate'])} of reads; modelled over {count(plan['trace']['reads'], 'read')})."
    )
    return _finding(run, plan, "knee_bytes", sentence, knee["size"], "bytes", "none", headline=True)


def _order(run: Run, plan: Mapping[str, Any]) -> Finding:
    knee = plan["trace"]["by_entries"]["knee"]
    if knee is None:
        return absent(run, NAME, f"{NAME}.independent_hit_rate", "share", "none", "nothing is read twice")
    sentence = (
        f"At the knee, {number(knee['size'])} entries answer {percent(knee['hit_rate'])} of reads; of the same accesses in random order "
        f"they would answer {percent(knee['che_hit_rate'])} (Che, E2)."
    )
    return _finding(run, plan, "independent_hit_rate", sentence, knee["che_hit_rate"], "share", "none")


def _hit_rate(run: Run, plan: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    labels, id = {"cache": one["name"]}, "hit_rate"
    if one["hit_rate"] is None:
        return absent(run, NAME, f"{NAME}.{id}", "share", "higher", _unknown(plan, one), labels)
    error = f" (± {number(100 * one['half_width'])} points, 95 %, by the sample)" if one["half_width"] else ""
    sentence = (
        f"{one['name']} holds {_size(one['usable_bytes'])} and answers {percent(one['hit_rate'])}{error} of reads; "
        f"modelled over {count(plan['trace']['reads'], 'read')}."
    )
    return _finding(
        run, plan, id, sentence, one["hit_rate"], "share", "higher", labels, half_width=one["half_width"]
    )  # fmt: skip


def _cost(run: Run, plan: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    labels, id = {"cache": one["name"]}, "usd_month"
    if one["usd_month"] is None:
        reason = f"the price of {one['name']} isn't in the price file, or the trace tells no rate of reads"
        return absent(run, NAME, f"{NAME}.{id}", "USD", "lower", reason, labels)
    sentence = f"{one['name']} costs {dollars(one['usd_month'])} a month ({_stands_on(plan)})."
    return _finding(run, plan, id, sentence, one["usd_month"], "USD", "lower", labels)


def _break_even(run: Run, plan: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    labels, id, even = {"cache": one["name"]}, "break_even_reads_per_s", one["break_even_reads_per_s"]
    if even is None:
        reason = (
            _unknown(plan, one)
            if None in (one["hit_rate"], one["usd_month"], plan["worth"]["usd_per_million"])
            else "at no rate does it save more than it costs"
        )
        return absent(run, NAME, f"{NAME}.{id}", "reads/s", "lower", reason, labels)
    sentence = f"{one['name']} pays from {number(even)} reads a second on ({_stands_on(plan)})."
    return _finding(run, plan, id, sentence, even, "reads/s", "lower", labels)


def _latency(run: Run, plan: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    labels, id = {"cache": one["name"]}, "latency_mean_us"
    if one["mean_us"] is None:
        reason = "t_get, t_db and t_set weren't given" if plan["trips"] is None else _unknown(plan, one)
        return absent(run, NAME, f"{NAME}.{id}", "us", "lower", reason, labels)
    alone = microseconds(plan["trips"]["db_us"])
    sentence = f"With {one['name']} the mean read takes {microseconds(one['mean_us'])}, the database alone {alone} (E1, from the trips as given)."
    return _finding(run, plan, id, sentence, one["mean_us"], "us", "lower", labels)


def _ttl(run: Run, plan: Mapping[str, Any]) -> list[Finding]:
    ttl = plan["ttl"]
    if ttl is None:
        return []
    labels = {"ttl_s": f"{ttl['ttl_s']:g}"}
    if ttl["hit_rate"] is None:
        return [
            absent(run, NAME, f"{NAME}.ttl_hit_rate", "share", "higher", "the trace tells no rate of reads", labels)
        ]
    sentence = f"With a TTL of {number(ttl['ttl_s'])} s and nothing evicted, {percent(ttl['hit_rate'])} of reads at random times would hit (E3)."
    return [_finding(run, plan, "ttl_hit_rate", sentence, ttl["hit_rate"], "share", "higher", labels)]


def _variation(run: Run, plan: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    labels = {"keys": f"{one['keys']:g}", "traffic": f"{one['traffic']:g}"}
    kept, best = one["kept"], one["best"]
    if kept is None:
        return absent(
            run, NAME, f"{NAME}.varied.net_usd_month", "USD", "higher", "which cache pays isn't known", labels
        )
    sentence = (
        f"With {one['name']} {kept['name']} would gain {_signed(kept['net_usd_month'])} a month; most would gain {best['name']}, "
        f"{_signed(best['net_usd_month'])} ({_stands_on(plan)})."
    )
    return _finding(run, plan, "varied.net_usd_month", sentence, kept["net_usd_month"], "USD", "higher", labels)


def _charts(plan: Mapping[str, Any], findings: Sequence[Finding]) -> list[Chart]:
    said = {finding.id: finding.sentence for finding in reversed(findings)}
    charts = []
    if plan["trace"]["by_bytes"]["points"]:
        charts += [
            _memory_chart(plan, said[f"{NAME}.knee_bytes"]),
            _order_chart(plan, said[f"{NAME}.independent_hit_rate"]),
        ]
    if plan["best"] is not None:
        charts += [
            _money_chart(plan, said[f"{NAME}.net_usd_month"]),
            _variations_chart(plan, [one for one in findings if one.id.endswith("varied.net_usd_month")]),
        ]
    return charts


def _memory_chart(plan: Mapping[str, Any], alt: str) -> Chart:
    points = plan["trace"]["by_bytes"]["points"]
    table = pd.DataFrame(
        {
            "memory, MB": [point["size"] / _MB for point in points],
            "hit rate, %": [100 * point["hit_rate"] for point in points],
            "± points, 95 %": [100 * point["half_width"] for point in points],
        }
    )
    nodes = [
        (one["name"], one["usable_bytes"] / _MB)
        for one in plan["outcomes"]
        if one["usable_bytes"] is not None and one["memory_bytes"] is not None
    ]
    return Chart(
        id=f"{NAME}-curve",
        title="Hit rate of every cache size, and what the node types hold",
        caption="An LRU cache of so much memory, entries charged with key, value and overhead. Dotted: the knee. Lines: node types.",
        alt=alt,
        table=table,
        draw=partial(_draw_memory, nodes=nodes, knee=plan["trace"]["by_bytes"]["knee"]["size"] / _MB),
    )


def _draw_memory(table: pd.DataFrame, *, nodes: Sequence[tuple[str, float]], knee: float) -> Figure:
    figure, axes = new_axes(height=4.0)
    plain = {"marker": "", "linewidth": 1.8}
    x, y, error = table["memory, MB"], table["hit rate, %"], table["± points, 95 %"]
    axes.plot(x, y, **style(0) | plain)
    if error.any():
        axes.fill_between(x, y - error, y + error, color=style(0)["color"], alpha=0.2, linewidth=0)
    axes.axvline(knee, color=MUTED, linestyle=":", linewidth=1.4)
    end = max([x.max(), *(size for _, size in nodes)])
    axes.hlines(y.iloc[-1], x.max(), end, color=style(0)["color"], linewidth=1.8)
    for at in sorted({size for _, size in nodes}):
        axes.axvline(at, color=MUTED, linewidth=0.9)
        names = "\n".join(name.removeprefix("cache.") for name, size in nodes if size == at)
        axes.annotate(names, (at, 4), rotation=90, fontsize=8, color=MUTED, ha="right", va="bottom")
    axes.set_xscale("log")
    axes.set_xlabel("memory for entries, MB")
    axes.set_ylabel("hit rate, %")
    axes.set_ylim(bottom=0)
    return figure


def _order_chart(plan: Mapping[str, Any], alt: str) -> Chart:
    points = plan["trace"]["by_entries"]["points"]
    table = pd.DataFrame(
        {
            "entries": [point["size"] for point in points],
            "the trace, %": [100 * point["hit_rate"] for point in points],
            "the same in random order, %": [100 * point["che_hit_rate"] for point in points],
        }
    )
    return Chart(
        id=f"{NAME}-order",
        title="What the order of the reads has to do with it",
        caption="Above the dashed line the trace asks for keys again sooner than chance would; below, later. First reads are misses in "
        "both.",
        alt=alt,
        table=table,
        draw=_draw_order,
    )


def _draw_order(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.2)
    for index, column in enumerate(table.columns[1:]):
        axes.plot(
            table["entries"], table[column], label=column.removesuffix(", %"), **style(index) | {"marker": "", "linewidth": 1.6}
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("entries in the cache")
    axes.set_ylabel("hit rate, %")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left")
    return figure


def _money_chart(plan: Mapping[str, Any], alt: str) -> Chart:
    known = [one for one in plan["outcomes"] if one["net_usd_month"] is not None]
    table = pd.DataFrame(
        {
            "cache": [one["name"] for one in known],
            "holds, MB": [one["usable_bytes"] / _MB for one in known],
            "hit rate, %": [100 * one["hit_rate"] for one in known],
            "cost, USD": [one["usd_month"] for one in known],
            "saved, USD": [one["saved_usd_month"] for one in known],
            "gained, USD": [one["net_usd_month"] for one in known],
        }
    )
    return Chart(
        id=f"{NAME}-money",
        title="What each costs and saves in a month",
        caption="A cache pays where what it saves stands above what it costs.",
        alt=alt,
        table=table,
        draw=_draw_money,
    )


def _draw_money(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=3.4)
    places = np.arange(len(table))
    for index, (column, offset) in enumerate((("cost, USD", -0.2), ("saved, USD", 0.2))):
        bars = axes.bar(
            places + offset, table[column], width=0.38, color=style(index)["color"], label=column.removesuffix(", USD")
        )
        axes.bar_label(bars, labels=[number(value) for value in table[column]], fontsize=8)
    axes.set_xticks(places, [fill(name.removeprefix("cache."), 10) for name in table["cache"]])
    axes.set_ylabel("USD a month")
    axes.margins(y=0.15)
    axes.legend(loc="upper left")
    return figure


def _variations_chart(plan: Mapping[str, Any], findings: Sequence[Finding]) -> Chart:
    rows = [{"name": "as it is", "kept": plan["best"], "best": plan["best"]}, *plan["variations"]]
    table = pd.DataFrame(
        {
            "supposed": [one["name"] for one in rows],
            "the same cache gains, USD": [one["kept"]["net_usd_month"] for one in rows],
            "most would gain": [one["best"]["name"] for one in rows],
            "that one's gain, USD": [one["best"]["net_usd_month"] for one in rows],
        }
    )
    return Chart(
        id=f"{NAME}-sensitivity",
        title="If it is otherwise: a fifth fewer or more keys, or reads",
        caption="Keys: the same pattern over fewer or more keys, as many reads. Traffic: more or fewer reads of the same pattern.",
        alt=" ".join(one.sentence for one in findings),
        table=table,
        draw=_draw_variations,
    )


def _draw_variations(table: pd.DataFrame) -> Figure:
    figure, (axes,) = new_rows(1, height_each=2.4)
    column = "the same cache gains, USD"
    bars = axes.bar([fill(name, 18) for name in table["supposed"]], table[column], color=style(0)["color"], width=0.5)
    axes.bar_label(bars, labels=[number(value) for value in table[column]])
    axes.axhline(0, color=MUTED, linewidth=0.9)
    axes.margins(y=0.2)
    axes.set_ylabel("gained, USD a month")
    return figure


def _method(plan: Mapping[str, Any]) -> tuple[str, ...]:
    trace, assumed = plan["trace"], plan["assumed"]
    sampled = (
        f" {percent(trace['sample'])} of the keys were taken (SHARDS); the error is that of eight groups of them."
        if trace["sample"] < 1
        else ""
    )
    return (
        f"Trace: {plan['source']}, {trace['accesses']:,} accesses, {trace['reads']:,} of them reads; {number(trace['entries'])} entries of "
        f"{number(trace['entry_bytes'])} bytes each on average. One pass of stack distances gives the hit rate of an exact LRU cache of "
        f"every size; a read loads what it misses, a write sets its key, a delete removes it.{sampled}",
        f"A node holds its maxmemory less {percent(assumed['reserved_memory_share'])} (reserved-memory-percent); an entry takes its key, its "
        f"value and {assumed['item_overhead_bytes']} bytes. {count(assumed['replicas'], 'replica')}. The serverless cache holds everything. "
        "Valkey evicts by a sample of keys, so it hits a little less than an exact LRU cache (E4).",
        f"Worth of a read saved: {plan['worth']['by']}. Left out: what a node can serve a second, traffic between zones, backups.",
    )


def _size(value_bytes: float) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value_bytes >= scale:
            return f"{number(value_bytes / scale)} {unit}"
    return f"{number(value_bytes)} bytes"


def _signed(value_usd: float) -> str:
    return f"−{dollars(-value_usd)}" if value_usd < 0 else dollars(value_usd)
