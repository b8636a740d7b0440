"""What capacity to set for a demand: the answer of ``dbharness plan``, its frontier, and how far it holds."""

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
from reports.words import absent, count, dollars, number, percent

NAME, TITLE = "planner", "What to set for this demand"
KINDS = ("read", "write")
FAMILIES = {"on_demand": "on demand", "fixed": "fixed", "autoscaled": "auto scaling", "scheduled": "by the hour"}
LEAST_SHARE = 1e-5  # the frontier's axis is logarithmic; what throttles less, or nothing, stands at its left end


def analyse(run: Run) -> Section:
    """The section of a plan. Everything in it comes from plan.json."""
    plan = json.loads((run.path / "plan.json").read_text())
    findings = [
        _advised(run, plan),
        _share(run, plan),
        *(_family(run, plan, family) for family in FAMILIES),
        _reserved(run, plan),
        *(_break_even(run, plan, kind) for kind in KINDS),
        *(_variation(run, plan, one) for one in plan["variations"]),
    ]
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in findings if finding.headline),
        findings=tuple(findings),
        charts=(_frontier_chart(plan, findings[0]), *_timeline_charts(plan), _variations_chart(plan, findings)),
        method=_method(plan),
        warnings=tuple(plan["notes"]),
    )


def _finding(
    run: Run, plan: Mapping[str, Any], id: str, sentence: str, value: float, unit: str, better: Better,
    labels: Mapping[str, str], *, headline: bool = False,
) -> Finding:  # fmt: skip
    return Finding(
        id=f"{NAME}.{id}", scenario=NAME, sentence=sentence, value=value, unit=unit, better=better,
        n=plan["demand"]["minutes"], target=run.manifest["target"], labels=dict(labels), basis="modelled", headline=headline,
    )  # fmt: skip


def _priced(plan: Mapping[str, Any]) -> str:
    prices = plan["prices"]
    return f"modelled over {plan['demand']['minutes']:,} minutes, a month of 730 hours, {prices['region']} prices of {prices['date']}"


def _limit(plan: Mapping[str, Any]) -> str:
    return percent(plan["asked"]["most_throttled_share"])


def _advised(run: Run, plan: Mapping[str, Any]) -> Finding:
    one, usd = plan["advised"], plan["advised_usd_month"]
    rate = f"{dollars(usd)} a month"
    if plan["cheapest"] is None:
        sentence = (
            f"No setting of {plan['settings']} throttles at most {_limit(plan)} of reads and of writes; the one that throttles "
            f"least is {one['setting']}: {rate}, {percent(one['throttled_share'])} throttled ({_priced(plan)})."
        )
    else:
        sentence = (
            f"The cheapest of {plan['settings']} settings that throttles at most {_limit(plan)} of reads and of writes is "
            f"{one['setting']}: {rate} ({_priced(plan)})."
        )
    return _finding(run, plan, "usd_month", sentence, usd, "USD", "lower", {"family": one["family"]}, headline=True)


def _share(run: Run, plan: Mapping[str, Any]) -> Finding:
    one = plan["advised"]
    sentence = "It throttles nothing"
    if one["throttled_share"]:
        longest = count(one["longest_throttled_minutes"], "minute")
        sentence = f"It throttles {percent(one['throttled_share'])} of the kind it throttles more of, at most {longest} in a row"
    used = plan["weighted_utilisation"]
    if used is not None:
        sentence += f", and what it provisions is used to {percent(used)}"
    labels = {"family": one["family"]}
    sentence += f" ({_priced(plan)})."
    return _finding(
        run, plan, "throttled_share", sentence, one["throttled_share"], "share", "lower", labels, headline=True
    )


def _family(run: Run, plan: Mapping[str, Any], family: str) -> Finding:
    id, labels, one = f"{family}.usd_month", {"family": family}, plan["by_family"].get(family)
    if one is None:
        reason = f"no setting of this kind throttles at most {_limit(plan)} of reads and of writes"
        return absent(run, NAME, f"{NAME}.{id}", "USD", "lower", reason, labels)
    times = one["usd_month"] / plan["advised_usd_month"] if plan["advised_usd_month"] else None
    more = f", {number(times)} times the cheapest" if times is not None and times > 1.0005 else ""
    which = "" if family == "on_demand" else ", the cheapest of its kind that throttles little enough,"
    setting = one["setting"][0].upper() + one["setting"][1:]
    sentence = f"{setting}{which} costs {dollars(one['usd_month'])} a month{more} ({_priced(plan)})."
    return _finding(run, plan, id, sentence, one["usd_month"], "USD", "lower", labels)


def _reserved(run: Run, plan: Mapping[str, Any]) -> Finding:
    id, one = "reserved_usd_month", plan["advised"]
    labels = {"family": one["family"]}
    if one["reserved_usd_month"] is None:
        reason = (
            "capacity on demand can't be reserved"
            if one["family"] == "on_demand"
            else "a price isn't in the price file"
        )
        return absent(run, NAME, f"{NAME}.{id}", "USD", "lower", reason, labels)
    units = one["reserved_units"]
    sentence = (
        f"With {units['read']:,} read and {units['write']:,} write units reserved for a year, as many as pay for themselves, it "
        f"would cost {dollars(one['reserved_usd_month'])} a month ({_priced(plan)})."
    )
    return _finding(run, plan, id, sentence, one["reserved_usd_month"], "USD", "lower", labels)


def _break_even(run: Run, plan: Mapping[str, Any], kind: str) -> Finding:
    id, share, labels = "break_even_utilisation", plan["break_even_utilisation"][kind], {"kind": kind}
    if share is None:
        return absent(run, NAME, f"{NAME}.{id}", "share", "none", "a price isn't in the price file", labels)
    sentence = (
        f"A price check, not a measurement: {kind} capacity that is used to more than {percent(share)} costs less provisioned "
        f"than on demand ({plan['prices']['region']} prices of {plan['prices']['date']})."
    )
    return _finding(run, plan, id, sentence, share, "share", "none", labels)


def _variation(run: Run, plan: Mapping[str, Any], one: Mapping[str, Any]) -> Finding:
    cheapest = one["cheapest"]
    then = f"{cheapest['setting']} for {dollars(cheapest['usd_month'])} a month" if cheapest else "no setting"
    sentence = (
        f"With {one['name']} the same setting throttles {percent(one['kept']['throttled_share'])} of the kind it throttles more of; "
        f"the cheapest that throttles at most {_limit(plan)} would be {then} ({_priced(plan)})."
    )
    labels = {
        "growth": f"{one['growth']:g}",
        "peak_to_mean": f"{one['peak_to_mean']:g}",
        "store": "yes" if one["stored"] else "no",
    }
    share = one["kept"]["throttled_share"]
    return _finding(run, plan, "varied.throttled_share", sentence, share, "share", "lower", labels)


def _frontier_chart(plan: Mapping[str, Any], advised: Finding) -> Chart:
    frontier = {(one["setting"], one["usd_month"]) for one in plan["frontier"]}
    table = pd.DataFrame(
        {
            "setting": [one["setting"] for one in plan["outcomes"]],
            "kind": [FAMILIES[one["family"]] for one in plan["outcomes"]],
            "throttled, %": [100 * one["throttled_share"] for one in plan["outcomes"]],
            "USD a month": [one["usd_month"] for one in plan["outcomes"]],
            "nothing beats it": [(one["setting"], one["usd_month"]) in frontier for one in plan["outcomes"]],
        }
    ).sort_values(["throttled, %", "USD a month"], ignore_index=True)
    return Chart(
        id=f"{NAME}-frontier",
        title="Cost against throttling: every setting that was replayed",
        caption="On the line nothing is cheaper and throttles less. Left of 0.001 % stands what throttles nothing or nearly.",
        alt=advised.sentence,
        table=table,
        draw=partial(_draw_frontier, limit=100 * plan["asked"]["most_throttled_share"]),
    )


def _draw_frontier(table: pd.DataFrame, *, limit: float) -> Figure:
    figure, axes = new_axes(height=4.2)
    x = table["throttled, %"].clip(lower=100 * LEAST_SHARE)
    best = table["nothing beats it"]
    axes.step(x[best], table["USD a month"][best], where="post", color=MUTED, linewidth=1.2, zorder=1)
    for index, family in enumerate(FAMILIES.values()):
        rows = table["kind"] == family
        look = style(index)
        axes.plot(x[rows], table["USD a month"][rows], look["marker"], color=look["color"], markersize=4, label=family)
    axes.axvline(max(limit, 100 * LEAST_SHARE), color=MUTED, linestyle=":", linewidth=1.2, label="limit")
    axes.set_xscale("log")
    axes.set_xlabel("throttled units of the kind throttled more, %")
    axes.set_ylabel("USD a month")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper right")
    return figure


def _timeline_charts(plan: Mapping[str, Any]) -> list[Chart]:
    charts = []
    for kind in KINDS:
        if plan["demand"][kind]["units"]:
            charts += [_timeline_chart(plan, kind, which) for which in ("timeline", "close_up") if plan[which]]
    return charts


def _timeline_chart(plan: Mapping[str, Any], kind: str, which: str) -> Chart:
    columns, asked = plan[which], plan["demand"][kind]
    lane, each = columns[kind], columns["minutes_each"]
    steady = each == 1
    table = pd.DataFrame(
        {
            "UTC": pd.to_datetime(np.array(columns["start_s"], dtype=np.int64), unit="s"),
            "demand, mean units/s": lane["mean_units_per_s"],
            "demand, busiest minute's units/s": lane["peak_units_per_s"],
            "capacity, mean units/s": lane["capacity"] or np.nan,
            "capacity, most units/s": lane["most_capacity"] or np.nan,
            "throttled units/s": lane["throttled_units_per_s"],
        }
    )
    alt = (
        f"Demand has a mean of {number(asked['mean_units_per_s'])} {kind} units a second and a busiest minute of "
        f"{number(asked['peak_units_per_s'])}; {plan['advised']['setting']} throttles "
        f"{percent(plan['advised'][kind]['throttled_share'])} of them."
    )
    of = "demand and what is provisioned" if which == "timeline" else "the three days around the worst minute"
    return Chart(
        id=f"{NAME}-{which.replace('_', '-')}-{kind}",
        title=f"{kind.capitalize()}s: {of}",
        caption=f"{'' if steady else f'Each point stands for {_length(each)}. '}A store of 300 s of unused capacity carries demand "
        "above capacity for a while (B2).",
        alt=alt,
        table=table,
        draw=partial(_draw_timeline, kind=kind, steady=steady),
    )


def _length(minutes: int) -> str:
    if minutes % 60:
        return count(minutes, "minute")
    return "a day" if minutes == 1_440 else "an hour" if minutes == 60 else count(minutes // 60, "hour")


def _draw_timeline(table: pd.DataFrame, *, kind: str, steady: bool) -> Figure:
    figure, (top, bottom) = new_rows(2, height_each=2.0)
    plain = {"marker": "", "linewidth": 1.2}
    lines = {"demand": "demand, mean units/s", "capacity": "capacity, mean units/s"}
    if not steady:
        lines |= {"its busiest minute": "demand, busiest minute's units/s", "most capacity": "capacity, most units/s"}
    for index, (label, column) in enumerate(lines.items()):
        if table[column].notna().any():
            top.plot(table["UTC"], table[column], label=label, **style(index) | plain)
    top.set_ylabel(f"{kind} units / s")
    top.margins(y=0.35)
    top.set_ylim(bottom=0)
    top.legend(loc="upper right", ncols=4)
    bottom.plot(table["UTC"], table["throttled units/s"], **style(3) | plain | {"linestyle": "-"})
    bottom.set_ylabel("throttled,\nunits / s")
    bottom.set_ylim(bottom=0)
    bottom.set_xlabel("time, UTC")
    return figure


def _variations_chart(plan: Mapping[str, Any], findings: Sequence[Finding]) -> Chart:
    as_is = {"name": "as it is", "kept": plan["advised"], "cheapest": plan["cheapest"]}
    rows = [as_is, *plan["variations"]]
    table = pd.DataFrame(
        {
            "demand": [one["name"] for one in rows],
            "the same setting throttles, %": [100 * one["kept"]["throttled_share"] for one in rows],
            "cheapest then": [one["cheapest"]["setting"] if one["cheapest"] else "none" for one in rows],
            "its USD a month": [
                plan["advised_usd_month"]
                if one is as_is
                else one["cheapest"]["usd_month"]
                if one["cheapest"]
                else np.nan
                for one in rows
            ],
        }
    )
    return Chart(
        id=f"{NAME}-sensitivity",
        title="If it is otherwise: growth by a fifth, bursts inside the minute, no store",
        caption="Above what the advised setting would throttle, below what the cheapest setting for that demand would cost.",
        alt=" ".join(one.sentence for one in findings if one.id.endswith("varied.throttled_share")),
        table=table,
        draw=_draw_variations,
    )


def _draw_variations(table: pd.DataFrame) -> Figure:
    figure, (top, bottom) = new_rows(2, height_each=2.0)
    for axes, column, index in ((top, "the same setting throttles, %", 0), (bottom, "its USD a month", 1)):
        bars = axes.bar(
            [fill(name, 18) for name in table["demand"]], table[column], color=style(index)["color"], width=0.5
        )
        axes.bar_label(bars, labels=[number(value) if np.isfinite(value) else "none" for value in table[column]])
        axes.margins(y=0.2)
    top.set_ylabel("throttled, %")
    bottom.set_ylabel("USD a month,\ncheapest then")
    return figure


def _method(plan: Mapping[str, Any]) -> tuple[str, ...]:
    asked = plan["asked"]
    keys = f" {asked['key_shares']:,} keys have a partition of their own each (B1)." if asked["key_shares"] else ""
    delay = (
        f" Its changes come {number(asked['scaling_delay_s'])} s after the alarm." if asked["scaling_delay_s"] else ""
    )
    return (
        f"Demand: {plan['source']}, {plan['demand']['minutes']:,} minutes. Each minute's units are asked for evenly, and served from what "
        "is provisioned and from a store of up to 300 s of it (B2), full at first; on demand from twice the peak of 30 minutes "
        f"ago, at least 4,000 write and 12,000 read units a second (B5). Nothing throttled is asked for again.{keys}",
        f"Auto scaling acts on the minutes that were served: up after 2 above its target, down after 15 below the target less 20 points, with "
        f"the quota of decreases (B6); nothing provisions more than {asked['most_capacity']:,}.{delay} A table of hours is fitted on this very demand. Fixed capacities are "
        "found to the unit; 200 levels of each kind draw the frontier.",
        "Dollars: capacity by the hour, the mean of each hour, or units served; a month is 730 hours like these; storage, indexes, backups and streams are left "
        "out. How a change within an hour is billed isn't known.",
    )
