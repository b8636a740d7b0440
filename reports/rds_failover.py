"""How long a database is down when it fails over, phase by phase, and whether a write was lost."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from reports import stats
from reports.charts import MUTED, new_axes, new_rows, style
from reports.findings import Better, Finding
from reports.load import Run
from reports.outage import Outage, longest_outage
from reports.section import Chart, Section
from reports.tool import Tool
from reports.words import DRIVERS, absent, count, engine_name, measured, seconds, setting, span, why_absent

NAME, TITLE = "rds_failover", "Down for how long, and is anything lost"
PROBES = {"write_probe": "write", "read_probe": "read"}
# A phase, the event that ends it; it begins where the one before ended, the first at fault_injected (D4).
PHASES = {
    "detection": "fault_detected",
    "fencing": "fenced",
    "recovery": "server_ready",
    "DNS": "dns_moved",
}
CLIENT = "clients back"  # the last phase: from the DNS move to the first write that succeeds
# Counts of writes, and how a sentence goes on after the number.
LEDGER = {
    "lost": "of {acknowledged:,} acknowledged writes lost",
    "phantom": "of {failed:,} refused writes present all the same",
    "duplicate": "writes present more than once",
    "ambiguous": "writes ambiguous, the connection broke before the answer; {ambiguous_present:,} of them are present",
    "acknowledged": "writes acknowledged",
}
FAULTS = {"crash": "a crash (kill -9)"}
Case = tuple[str, str, str]  # engine, topology, fault


def analyse(run: Run) -> Section:
    """The section of rds_failover."""
    samples, trials = run.samples(NAME), run.trials(NAME)
    tool = Tool.of(run, NAME)
    findings: list[Finding] = []
    charts: list[Chart] = []
    for case in _cases(run, trials):
        rows, numbers = _of_case(samples, trials, case)
        if not numbers:
            findings += _nothing(run, case)
            continue
        down = {op: _outages(run, rows[rows["op"] == op], numbers) for op in PROBES}
        of_case = [_downtime(run, case, op, down[op], trials) for op in PROBES]
        of_case = [_held_against(tool, finding, numbers) for finding in of_case + _ledger(run, case, numbers)]
        phases = _phases(run, numbers, down["write_probe"])
        findings += [*of_case, *_phase_findings(run, case, phases)]
        charts.append(_raster_chart(run, case, rows, phases, of_case, _interval_s(trials)))
    headlines = [finding for finding in findings if finding.headline]
    return Section(
        scenario=NAME,
        title=TITLE,
        verdict=tuple(finding.sentence for finding in headlines),
        findings=tuple(findings),
        charts=(*charts, *_phase_chart(findings)),
        method=_method(run, trials) if charts else (),
        warnings=_warnings(findings),
        tool=tool.rows(findings),
    )


def _held_against(tool: Tool, finding: Finding, numbers: list[int]) -> Finding:
    """Downtimes and the ledger are exempt as long as the probes came as planned."""
    down = finding.unit == "s" and finding.value is not None
    return tool.exempt(finding, trials=numbers, figure_ms=1e3 * (finding.value or 0.0) if down else math.inf)


def _cases(run: Run, trials: pd.DataFrame) -> list[Case]:
    """What was planned; an engine that was wanted and is in no plan stands as the topology and fault of this version."""
    planned: list[Case] = []
    if len(trials):
        columns = trials[["label_engine", "label_topology", "label_fault"]].drop_duplicates()
        planned = sorted((str(e), str(t), str(f)) for e, t, f in columns.itertuples(index=False))
    engines = {engine for engine, _, _ in planned}
    wanted: list[str] = list(run.scenario(NAME)["params"]["engines"])
    return planned + [(engine, "multi_az_instance", "crash") for engine in wanted if engine not in engines]


def _of_case(samples: pd.DataFrame, trials: pd.DataFrame, case: Case) -> tuple[pd.DataFrame, list[int]]:
    """The case's rows, and the trials that ran to their end."""
    if samples.empty:
        return samples, []
    engine, topology, fault = case
    mine = trials[
        trials["done"]
        & (trials["label_engine"] == engine)
        & (trials["label_topology"] == topology)
        & (trials["label_fault"] == fault)
    ]
    numbers = sorted(int(number) for number in mine["trial"])
    return samples[samples["trial"].isin(numbers)], numbers


def _injected_ns(run: Run) -> dict[int, int]:
    return {event["trial"]: event["t_ns"] for event in run.events_of(NAME, "fault_injected")}


def _interval_s(trials: pd.DataFrame) -> float:
    return float(trials["param_probe_interval_ms"].iloc[0]) / 1e3


def _outages(run: Run, probes: pd.DataFrame, numbers: list[int]) -> dict[int, Outage]:
    """Each trial's outage as one probe saw it; trials without an injected fault are left out."""
    injected = _injected_ns(run)
    return {
        number: longest_outage(rows, after_ns=injected[number])
        for number in numbers
        if number in injected and len(rows := probes[probes["trial"] == number])
    }


def _id(case: Case, what: str) -> str:
    return f"{NAME}.{'.'.join(case)}.{what}"


def _labels(run: Run, case: Case) -> dict[str, str]:
    engine, topology, fault = case
    server = run.scenario(NAME).get("servers", {}).get(engine, engine)
    client = DRIVERS.get(engine, engine)
    labels = {"engine": engine, "topology": topology, "fault": fault, "server": server, "client": client}
    return labels | {"arm": "tuned", "step": f"{topology}.{fault}"}


def _downtime(run: Run, case: Case, op: str, outages: Mapping[int, Outage], trials: pd.DataFrame) -> Finding:
    """The median of the trials; the interval reaches two probes lower, since the truth lies that far inside the gap."""
    engine, topology, fault = case
    kind = PROBES[op]
    id, labels = _id(case, f"{kind}_downtime_s"), _labels(run, case)
    headline = kind == "write"
    if not outages:
        return absent(run, NAME, id, "s", "lower", f"no {kind} probe saw a fault injected", labels, headline=headline)
    ended = [outage.down_s for outage in outages.values() if outage.ended]
    unended = [outage.down_s for outage in outages.values() if not outage.ended]
    median = stats.median_of_trials(ended, unended)
    low = None if median.low is None else max(0.0, median.low - 2 * _interval_s(trials))
    interval = replace(median, low=low)
    how = f"{count(median.n, 'trial')}{span(low, median.high, seconds)}; {setting(run, NAME, engine)}"
    what = f"{engine_name(engine)}, {topology.replace('_', ' ').replace('multi az', 'Multi-AZ')},"
    after = FAULTS.get(fault, f"a {fault} fault")
    open_end = f", {len(unended)} of {count(median.n, 'trial')} ended before it was back" if unended else ""
    bound = "at least " if median.at_least else ""
    sentence = (
        f"{what} was down for {kind}s for {bound}{seconds(median.value)} after {after} (median{open_end}; {how})."
    )
    return measured(run, NAME, id, sentence, interval, "s", "lower", labels, headline=headline)


def _ledger(run: Run, case: Case, numbers: list[int]) -> list[Finding]:
    """What became of the writes, added up over the trials: counts of the rows themselves, so no interval is in them."""
    checks = [event for event in run.events_of(NAME, "ledger_checked") if event["trial"] in numbers]
    labels, engine = _labels(run, case), case[0]
    if not checks:
        reason = "the ledger wasn't checked"
        return [absent(run, NAME, _id(case, f"{what}_writes"), "writes", "lower", reason, labels) for what in LEDGER]
    totals = {key: sum(check[key] for check in checks) for key in (*LEDGER, "failed", "ambiguous_present")}
    findings = []
    for what, meaning in LEDGER.items():
        number_of = totals[what]
        sentence = (
            f"{engine_name(engine)}: {number_of:,} {meaning.format(**totals)} (every write looked up after each of "
            f"{count(len(checks), 'failover')}; {setting(run, NAME, engine)})."
        )
        exact = stats.Interval(
            value=float(number_of), low=float(number_of), high=float(number_of), n=len(checks), method="counted"
        )
        better: Better = "none" if what == "acknowledged" else "lower"
        findings.append(
            measured(run, NAME, _id(case, f"{what}_writes"), sentence, exact, "writes", better, labels, headline=what == "lost")
        )  # fmt: skip
    return findings


def _phases(run: Run, numbers: list[int], writes: Mapping[int, Outage]) -> pd.DataFrame:
    """One row a phase and trial: where it begins and ends, in seconds since the fault; nothing where an event is missing."""
    times: dict[int, dict[str, int]] = {}
    for event in run.events:
        if event["scenario"] == NAME and event["trial"] in numbers:
            times.setdefault(event["trial"], {}).setdefault(event["kind"], event["t_ns"])
    rows = []
    for trial, seen in times.items():
        outage = writes.get(trial)
        if outage is not None and outage.ended:
            seen[CLIENT] = outage.end_ns
        begin_ns = injected_ns = seen.get("fault_injected")
        for phase, end_event in (PHASES | {CLIENT: CLIENT}).items():
            end_ns = seen.get(end_event)
            if injected_ns is None or begin_ns is None or end_ns is None or end_ns < begin_ns:
                break
            rows.append((trial, phase, (begin_ns - injected_ns) / 1e9, (end_ns - injected_ns) / 1e9))
            begin_ns = end_ns
    return pd.DataFrame(rows, columns=["trial", "phase", "from s", "to s"])


def _phase_findings(run: Run, case: Case, phases: pd.DataFrame) -> Iterator[Finding]:
    for phase, rows in phases.groupby("phase", sort=False):
        length = stats.median_of_trials((rows["to s"] - rows["from s"]).to_numpy())
        sentence = (
            f"{engine_name(case[0])}, phase {phase}: {seconds(length.value)} (median of {count(length.n, 'trial')}"
            f"{span(length.low, length.high, seconds)}; {setting(run, NAME, case[0])})."
        )
        labels = _labels(run, case) | {"phase": str(phase)}
        yield measured(run, NAME, _id(case, "phase_s"), sentence, length, "s", "lower", labels)


def _raster_chart(
    run: Run, case: Case, rows: pd.DataFrame, phases: pd.DataFrame, findings: list[Finding], interval_s: float
) -> Chart:
    engine, silent_s = engine_name(case[0]), 5 * interval_s
    middle = {str(phase): float(ends.median()) for phase, ends in phases.groupby("phase", sort=False)["to s"]}
    said = " ".join(finding.sentence for finding in findings[:3])
    return Chart(
        id=f"{NAME}-{case[0]}",
        title=f"{engine}: what each probe saw, every trial aligned on the fault",
        caption=f"Thin line: answered. Thick bar: no answer for more than {seconds(silent_s)}. Grey: the phases in turn, at their medians.",
        alt=said,
        table=_stretches(rows, _injected_ns(run), silent_s),
        draw=partial(_draw_raster, phase_ends_s=middle),
    )


def _stretches(rows: pd.DataFrame, injected_ns: Mapping[int, int], silent_s: float) -> pd.DataFrame:
    """One row for each stretch in which a probe was answered, or was not for longer than ``silent_s``; seconds since the fault."""
    found = []
    probes: Any = rows[rows["op"].isin(PROBES) & rows["trial"].isin(list(injected_ns))].groupby(["op", "trial"])
    for (op, trial), seen in probes:
        answers = np.sort(seen.loc[seen["outcome"] == "ok", "t_end"].to_numpy(dtype=np.int64))
        ends = [int(seen["t_start"].min()), *answers.tolist(), int(seen["t_end"].max())]
        times = [(end_ns - injected_ns[trial]) / 1e9 for end_ns in ends]
        since_s = times[0]
        for before_s, after_s in pairwise(times):
            if after_s - before_s > silent_s:
                found.append((trial, PROBES[op], "answered", since_s, before_s))
                found.append((trial, PROBES[op], "no answer", before_s, after_s))
                since_s = after_s
        found.append((trial, PROBES[op], "answered", since_s, times[-1]))
    table = pd.DataFrame(found, columns=["trial", "probe", "state", "from s", "to s"])
    return table[table["to s"] > table["from s"]].reset_index(drop=True)


def _draw_raster(table: pd.DataFrame, *, phase_ends_s: Mapping[str, float]) -> Figure:
    figure, panels = new_rows(2, height_each=1.75)
    trials = sorted(set(table["trial"]))
    for axes, probe in zip(panels, PROBES.values(), strict=True):
        begin_s = 0.0
        for index, end_s in enumerate(phase_ends_s.values()):
            axes.axvspan(begin_s, end_s, color=MUTED, alpha=0.28 if index % 2 else 0.12, linewidth=0)
            begin_s = end_s
        for _, row in table[table["probe"] == probe].iterrows():
            ok = row["state"] == "answered"
            look = {"color": style(0 if ok else 1)["color"], "linewidth": 1.4 if ok else 5.0}
            axes.plot([row["from s"], row["to s"]], [trials.index(row["trial"])] * 2, solid_capstyle="butt", **look)
        axes.axvline(0, color=style(1)["color"], linewidth=1, linestyle=(0, (2, 2)))
        axes.set_yticks(range(len(trials)), [f"trial {trial}" for trial in trials])
        axes.set_ylim(len(trials) - 0.4, -0.6)
        axes.set_title(f"{probe}s", loc="left", fontsize=9)
    panels[-1].set_xlabel("seconds since the fault")
    return figure


def _phase_chart(findings: list[Finding]) -> Iterator[Chart]:
    rows = [
        (engine_name(finding.labels["engine"]), finding.labels["phase"], finding.value or 0.0)
        for finding in findings
        if finding.id.endswith(".phase_s")
    ]
    if rows:
        yield Chart(
            id=f"{NAME}-phases",
            title="Where the time goes: phases of a failover, medians",
            caption="From the fault to the first write that succeeds; each phase begins where the one before ends.",
            alt="; ".join(f"{engine}, {phase}: {seconds(length_s)}" for engine, phase, length_s in rows),
            table=pd.DataFrame(rows, columns=["engine", "phase", "seconds"]),
            draw=_draw_phases,
        )


def _draw_phases(table: pd.DataFrame) -> Figure:
    engines = list(dict.fromkeys(table["engine"]))
    figure, axes = new_axes(height=1.2 + 0.5 * len(engines))
    hatches = ("", "///", "", "...", "xxx")
    phases = list(dict.fromkeys(table["phase"]))
    for engine in engines:
        left = 0.0
        for _, row in table[table["engine"] == engine].iterrows():
            index = phases.index(row["phase"])
            bar = {"color": style(index)["color"], "hatch": hatches[index % len(hatches)], "edgecolor": "#ffffff"}
            axes.barh(engine, row["seconds"], left=left, height=0.55, linewidth=0, **bar)
            left += row["seconds"]
    legend = [
        Patch(facecolor=style(i)["color"], hatch=hatches[i % len(hatches)], label=p) for i, p in enumerate(phases)
    ]
    figure.legend(handles=legend, loc="outside upper left", ncols=5, fontsize=8)
    axes.set_xlabel("seconds since the fault")
    axes.invert_yaxis()
    return figure


def _method(run: Run, trials: pd.DataFrame) -> tuple[str, ...]:
    params: Any = run.scenario(NAME)["params"]
    interval_ms = 1e3 * _interval_s(trials)
    return (
        "Two loopback addresses are two AZs and one data directory is their synchronously replicated volume. The server is killed "
        "(kill -9) under load; a controller that checks it notices, fences it, starts it on the other address, where it recovers from "
        "its log, and moves the DNS name (TTL 5). It is a process crash, not a lost host: the kernel's page cache survives.",
        f"Two open-loop probes, one reading and one writing, are due every {interval_ms:g} ms. Downtime is the longest gap after the "
        f"fault between two that were answered; the true one is up to {2 * interval_ms:g} ms shorter, and the interval's lower end says so. "
        "Median over trials between order statistics.",
        f"Clients are tuned: connect timeout {params['connect_timeout_s']} s, read timeout {params['read_timeout_s']} s, the name looked up "
        "again after any trouble. A pool that caches the address stays down longer; that arm isn't measured yet. For a Multi-AZ "
        "instance AWS gives 60 to 120 s as typical (D1); what is shown here is the part that server and client have in it.",
        "Beside the probes, writers insert numbered rows, one attempt each. A write whose connection broke before the answer is "
        "ambiguous. After each failover every number is looked up: acknowledged and absent is lost, refused and present is phantom, "
        "present more than once is duplicate.",
    )


def _warnings(findings: list[Finding]) -> tuple[str, ...]:
    wrong = [
        finding.sentence
        for finding in findings
        if finding.id.endswith((".lost_writes", ".phantom_writes", ".duplicate_writes")) and finding.value
    ]
    return tuple(wrong)


def _nothing(run: Run, case: Case) -> list[Finding]:
    entry = run.scenario(NAME)
    reason = entry.get("unavailable", {}).get(case[0]) or why_absent(run, NAME)
    labels = dict(zip(("engine", "topology", "fault"), case, strict=True))
    ids = (("write_downtime_s", "s"), ("read_downtime_s", "s"), ("lost_writes", "writes"))
    return [
        absent(run, NAME, _id(case, id), unit, "lower", reason, labels, headline=id == "write_downtime_s")
        for id, unit in ids
    ]
