"""Provisioned or on-demand: when a rising demand is throttled, how much of it, and what was paid for the rest."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports import stats
from reports.charts import new_axes, new_rows, style
from reports.findings import Finding
from reports.load import Run
from reports.section import Chart, Section
from reports.tool import Tool
from reports.words import absent, count, dollars, measured, number, percent, setting, span, troubles, why_absent

NAME, TITLE = "capacity_modes", "Provisioned or on-demand"
MODES = ("provisioned", "on_demand")
KINDS = ("read", "write")
BURST_S = 300  # B2: what a provisioned table keeps of unused capacity
BINS = 70
PRICES = {
    ("provisioned", "read"): "dynamodb.provisioned_rcu_hour_usd",
    ("provisioned", "write"): "dynamodb.provisioned_wcu_hour_usd",
    ("on_demand", "read"): "dynamodb.on_demand_read_usd_per_million",
    ("on_demand", "write"): "dynamodb.on_demand_write_usd_per_million",
}


def analyse(run: Run) -> Section:
    """The section of capacity_modes."""
    samples, trials = run.samples(NAME), run.trials(NAME)
    if samples.empty:
        return _nothing(run)
    samples = _in_service_seconds(run, samples, trials)
    findings: list[Finding] = []
    for kind in KINDS:
        findings.append(_onset(run, samples, trials, kind))
        findings += [_share(run, samples, mode, kind) for mode in MODES]
        findings += [_dollars(run, samples, trials, mode, kind) for mode in MODES]
    tool = Tool.of(run, NAME)
    findings = [_held_against(tool, finding, trials) for finding in findings]
    headlines = [finding for finding in findings if finding.headline]
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in headlines),
        findings=tuple(findings),
        charts=(*_onset_charts(samples, trials, headlines), _cost_chart(findings)),
        method=(*_method(run, trials), _lateness(samples)),
        warnings=troubles(samples[samples["outcome"] != "throttled"]),
        tool=tool.rows(findings),
    )


def _held_against(tool: Tool, finding: Finding, trials: pd.DataFrame) -> Finding:
    """Onset, shares and dollars are exempt as long as the demand came as planned; the onset's own time is what it stands on."""
    mine, first = trials.loc[trials["done"] & (trials["arm"] == finding.labels["arm"]), "trial"], trials.iloc[0]
    length_s = first["param_ramp_service_s"] + first["param_hold_service_s"]
    stands_on_s = finding.value if finding.unit == "s" and finding.value is not None else length_s
    return tool.exempt(
        finding, trials=mine, figure_ms=1e3 * float(stands_on_s / first["param_speed"]), queue_counts=True
    )


def _in_service_seconds(run: Run, samples: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Adds when each request was due, in seconds of the service's clock since its trial began."""
    begins = {event["trial"]: event["t_ns"] for event in run.events_of(NAME, "trial_begin")}
    speed = trials.set_index("trial")["param_speed"]
    since = samples["t_intended"] - samples["trial"].map(begins)
    return samples.assign(service_s=since / 1e9 * samples["trial"].map(speed))


def _complete(samples: pd.DataFrame, trials: pd.DataFrame, mode: str, kind: str) -> pd.DataFrame:
    """Rows of trials that ran to their end: shares and onsets of half a ramp would mislead."""
    done = trials.loc[trials["done"] & (trials["arm"] == mode), "trial"]
    return samples[samples["trial"].isin(done) & (samples["kind"] == kind)]


def expected_onset_s(params: Mapping[str, float]) -> float:
    """When B2 lets the first throttle come, in service seconds: the store of 300 s of capacity is full at the start and
    drains by what is demanded above capacity. Demand rises as peak·t/ramp and then stays at peak.

    The capacity cancels: with demand in multiples of it, the ramp takes ramp·(peak−1)²/(2·peak) seconds' worth, the rest
    drains at peak − 1 a second. Infinity when it never drains.
    """
    ramp, peak = params["param_ramp_service_s"], params["param_peak_multiple"]
    if peak <= 1:
        return float("inf")
    over_while_rising = ramp * (peak - 1) ** 2 / (2 * peak)
    if over_while_rising < BURST_S:
        return ramp + (BURST_S - over_while_rising) / (peak - 1)
    # Over capacity from t0 = ramp/peak on; the store is gone when peak/(2·ramp)·(t − t0)² = 300.
    return float(ramp / peak + np.sqrt(2 * ramp * BURST_S / peak))


def _client(samples: pd.DataFrame) -> str:
    return str(samples["client"].iloc[0])


def _labels(mode: str, kind: str, trials: pd.DataFrame, client: str) -> dict[str, str]:
    first = trials.iloc[0]
    return {
        "arm": mode,
        "kind": kind,
        "step": str(first["step"]),
        "client": client,
        "speed": f"{first['param_speed']:g}",
        "loop": "open",
    }


def _onset(run: Run, samples: pd.DataFrame, trials: pd.DataFrame, kind: str) -> Finding:
    id, labels = f"{NAME}.provisioned.throttle_onset_s", _labels("provisioned", kind, trials, _client(samples))
    rows = _complete(samples, trials, "provisioned", kind)
    if rows.empty:
        return absent(run, NAME, id, "s", "higher", "no provisioned trial ran to its end", labels, headline=True)
    first = trials.iloc[0]
    watched_s = first["param_ramp_service_s"] + first["param_hold_service_s"]
    capacity = first[f"param_{kind}_capacity_units"]
    throttled = rows[rows["outcome"] == "throttled"].groupby("trial")["service_s"].min()
    peak = f"{number(first['param_peak_multiple'])} times the {number(capacity)} provisioned {kind} units"
    on = f"{setting(run, NAME, 'dynamodb')}, service seconds at speed {labels['speed']}"
    expected = expected_onset_s(dict(first))
    theory = f"B2's arithmetic: {number(expected)} s" if np.isfinite(expected) else "by B2's arithmetic never"
    spared = rows["trial"].nunique() - len(throttled)
    interval = stats.median_of_trials(throttled.tolist(), [float(watched_s)] * spared)
    if interval.at_least:
        end = f"no {kind} was throttled within {number(interval.value)} s"
    else:
        end = f"the first {kind} was throttled after {number(interval.value)} s"
    some = f", {spared} of them without a throttled {kind}" if spared else ""
    sentence = (
        f"With demand rising to {peak} over {number(first['param_ramp_service_s'])} s, {end} "
        f"({count(interval.n, 'trial')}{some}{span(interval.low, interval.high)}; {theory}; {on})."
    )
    return measured(run, NAME, id, sentence, interval, "s", "higher", labels, headline=True)


def _share(run: Run, samples: pd.DataFrame, mode: str, kind: str) -> Finding:
    id, labels = f"{NAME}.{mode}.throttled_share", _labels(mode, kind, run.trials(NAME), _client(samples))
    rows = _complete(samples, run.trials(NAME), mode, kind)
    if rows.empty:
        return absent(run, NAME, id, "share", "lower", f"no {mode} trial ran to its end", labels)
    throttled = (rows["outcome"] == "throttled").groupby(rows["trial"])
    share = stats.share_of_trials(throttled.sum().to_numpy(), throttled.size().to_numpy())
    sentence = (
        f"{'Provisioned' if mode == 'provisioned' else 'On demand'}, {percent(share.value)} of {len(rows):,} {kind} requests were "
        f"throttled ({count(share.n, 'trial')}{span(share.low, share.high, percent)}; {setting(run, NAME, 'dynamodb')}, speed {labels['speed']})."
    )
    headline = kind == "write" and mode == "on_demand"
    return measured(run, NAME, id, sentence, share, "share", "lower", labels, headline=headline)


def _dollars(run: Run, samples: pd.DataFrame, trials: pd.DataFrame, mode: str, kind: str) -> Finding:
    id, labels = f"{NAME}.{mode}.usd_per_million_served", _labels(mode, kind, trials, _client(samples))
    rows, key = _complete(samples, trials, mode, kind), PRICES[mode, kind]
    price = run.manifest["prices"]["values"].get(key)
    served = rows[rows["outcome"] == "ok"].groupby("trial")
    if served.ngroups == 0 or price is None:
        reason = f"the price {key} isn't in the price file" if price is None else f"no {mode} trial ran to its end"
        return absent(run, NAME, id, "USD", "lower", reason, labels)
    if mode == "on_demand":
        per_trial = served[f"{kind}_units"].sum() * price / served.size()
    else:
        first = trials.iloc[0]
        hours = (first["param_ramp_service_s"] + first["param_hold_service_s"]) / 3600
        per_trial = first[f"param_{kind}_capacity_units"] * hours * price * 1e6 / served.size()
    cost = stats.mean_of_trials(per_trial.to_numpy())
    how = "capacity paid by the hour, used or not" if mode == "provisioned" else "paid by the unit"
    sentence = (
        f"A million served {kind}s of this demand cost {dollars(cost.value)} {mode.replace('_', '-')} ({how}; {count(cost.n, 'trial')}, "
        f"{run.manifest['prices']['region']} prices of {run.manifest['prices']['date']})."
    )
    return measured(run, NAME, id, sentence, cost, "USD", "lower", labels, basis="modelled")


def _onset_charts(samples: pd.DataFrame, trials: pd.DataFrame, headlines: list[Finding]) -> list[Chart]:
    charts = []
    for kind in KINDS:
        rows = _complete(samples, trials, "provisioned", kind)
        if rows.empty:
            continue
        alt = next((f.sentence for f in headlines if f.labels.get("kind") == kind), "")
        charts.append(
            Chart(
                id=f"{NAME}-onset-{kind}",
                title=f"{kind.capitalize()}s on the provisioned table: demand, burst bucket, throttled requests",
                caption="The bucket is B2's arithmetic on what was served, not a reading of the service.",
                alt=alt,
                table=_onset_table(rows, trials.iloc[0], kind),
                draw=partial(_draw_onset, kind=kind),
            )
        )
    return charts


def _onset_table(rows: pd.DataFrame, first: Any, kind: str) -> pd.DataFrame:
    """Per bin of service time: demand and served units a second (all trials), the bucket B2 models, share throttled."""
    length = first["param_ramp_service_s"] + first["param_hold_service_s"]
    edges = np.linspace(0, length, BINS + 1)
    width, trials = length / BINS, rows["trial"].nunique()
    capacity = float(first[f"param_{kind}_capacity_units"])
    place = np.clip(np.digitize(rows["service_s"], edges) - 1, 0, BINS - 1)
    demand = np.bincount(place, rows["demand_units"], BINS) / width / trials
    served = np.bincount(place, rows["demand_units"] * (rows["outcome"] == "ok"), BINS) / width / trials
    asked = np.bincount(place, minlength=BINS)
    refused = np.bincount(place, rows["outcome"] == "throttled", BINS)
    level, store = [], BURST_S * capacity
    for units in served:
        store = float(np.clip(store + (capacity - units) * width, 0, BURST_S * capacity))
        level.append(store)
    return pd.DataFrame(
        {
            "service s": edges[:-1] + width / 2, "demand units/s": demand, "served units/s": served,
            "provisioned units/s": capacity, "bucket left, units (modelled)": level,
            "throttled share": np.divide(refused, asked, out=np.zeros(BINS), where=asked > 0),
        }
    )  # fmt: skip


def _draw_onset(table: pd.DataFrame, *, kind: str) -> Figure:
    figure, (top, middle, bottom) = new_rows(3)
    plain = {"marker": ""}
    time = table["service s"]
    top.plot(time, table["demand units/s"], label="demand", **style(0) | plain)
    top.plot(time, table["served units/s"], label="served", **style(1) | plain)
    top.plot(time, table["provisioned units/s"], label="provisioned", **style(2) | plain)
    top.set_ylabel(f"{kind} units / s")
    top.legend(loc="upper left")
    middle.plot(time, table["bucket left, units (modelled)"], **style(0) | plain)
    middle.set_ylabel("bucket, units\n(modelled)")
    bottom.plot(time, 100 * table["throttled share"], **style(3) | plain)
    bottom.set_ylabel("throttled, %")
    bottom.set_xlabel("service seconds since the trial began")
    return figure


def _cost_chart(findings: list[Finding]) -> Chart:
    costs = [
        finding for finding in findings if finding.id.endswith("usd_per_million_served") and finding.value is not None
    ]
    table = pd.DataFrame(
        {
            "mode": [finding.labels["arm"].replace("_", "-") for finding in costs],
            "kind": [finding.labels["kind"] for finding in costs],
            "USD per million served": [finding.value for finding in costs],
        }
    )
    return Chart(
        id=f"{NAME}-cost",
        title="Dollars for a million served requests of this demand (modelled)",
        caption="Provisioned capacity is paid by the hour, used or not; on demand by the unit.",
        alt=" ".join(finding.sentence for finding in costs),
        table=table,
        draw=_draw_cost,
    )


def _draw_cost(table: pd.DataFrame) -> Figure:
    figure, axes = new_axes(height=2.4)
    labels = [f"{kind}s, {mode}" for mode, kind in zip(table["mode"], table["kind"], strict=True)]
    colours = [style(index % 2)["color"] for index in range(len(table))]
    bars = axes.barh(labels, table["USD per million served"], color=colours, height=0.6)
    axes.bar_label(bars, labels=[dollars(value) for value in table["USD per million served"]], padding=4)
    axes.set_xlabel("USD per million served requests")
    axes.margins(x=0.15)
    axes.invert_yaxis()
    return figure


def _method(run: Run, trials: pd.DataFrame) -> tuple[str, ...]:
    first, slots = trials.iloc[0], run.scenario(NAME).get("slots", 1)
    return (
        f"Open loop: every request has an intended start, {slots} may be in flight, and what can't start in time is late, not left "
        f"out. Demand rises from 0 to {number(first['param_peak_multiple'])} times the provisioned {number(first['param_read_capacity_units'])} "
        f"read and {number(first['param_write_capacity_units'])} write units over {number(first['param_ramp_service_s'])} service seconds "
        f"and stays there for {number(first['param_hold_service_s'])}. Reads are strongly consistent GetItem and Query in turn, writes PutItem.",
        "One attempt a request, no retries: a throttled request is a result. Each trial has a table of its own, its burst bucket "
        f"full when the demand begins. The twin's clock runs {number(first['param_speed'])} times the wall's; every time here is in service seconds.",
        f"A provisioned table keeps {BURST_S} s of unused capacity; the bucket in the chart is that arithmetic applied to what was served, "
        "not a reading. Dollars: capacity by the hour for the whole trial, or units, divided by the requests that were served.",
        "Onset: median over trials of when the first throttled request was due. Shares: pooled, interval by a t on the trials' log-odds.",
    )


def _lateness(samples: pd.DataFrame) -> str:
    late_ms = (samples["t_start"] - samples["t_intended"]) / 1e6
    middle, p99 = (number(float(late_ms.quantile(q))) for q in (0.5, 0.99))
    return (
        f"Requests started late by {middle} ms of the wall's clock at the median and {p99} ms at p99, waits for a slot included; onset "
        "counts from when a request was due."
    )


def _nothing(run: Run) -> Section:
    reason = why_absent(run, NAME)
    findings = [
        absent(run, NAME, f"{NAME}.{id}", unit, "none", reason, {"kind": kind})
        for kind in KINDS
        for id, unit in (
            ("provisioned.throttle_onset_s", "s"),
            ("provisioned.throttled_share", "share"),
            ("on_demand.throttled_share", "share"),
        )
    ]
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=(f"Not measured: {reason}.",),
        findings=tuple(findings),
        charts=(),
        method=(),
    )
