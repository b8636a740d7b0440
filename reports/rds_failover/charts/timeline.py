"""One trial with every event, and all trials aligned on the fault: who was answered when."""

import math
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.charts import INK, PAPER, new_panels, style
from reports.findings import Finding
from reports.rds_failover.arms import EVENTS, NAME, PROBES, READ, TUNED, WRITE, client_row
from reports.rds_failover.cells import Case, Measured, Watch, median_s
from reports.rds_failover.charts.chosen import chart_id, rows, title, told
from reports.rds_failover.downtime import outages
from reports.section import Chart
from reports.words import seconds

SILENT_PROBES = 5  # so many intervals without an answer are drawn as none
_LEAD, _BEYOND = 0.15, 1.12  # shares of the axis: before the fault, and past the last client that came back
_NOT_SHOWN = ("trial_begin", "trial_end", "generator", "ledger_checked", "tables_compared")
_EVENT = "event"
_ANSWERED, _SILENT = "answered", "no answer"
_NEVER_CLEAR = 0.6  # of the axis: events beyond have their names on the left


def charts(found: Measured, case: Case, findings: Sequence[Finding]) -> Iterator[Chart]:
    """Both of one case."""
    silent = f"Thin line: answered. Thick bar: no answer for more than {seconds(SILENT_PROBES * case.interval_s)}."
    every = _stretches(found, case, rows(found, case))
    edges_s = _edges(found, case)
    trial = _usual(found, case)
    one = pd.concat([_events(found, trial, edges_s[1]), every[every["trial"] == trial].drop(columns="trial")])
    yield Chart(
        id=chart_id(case, "timeline"), title=title(case, f"one failover, trial {trial}"),
        caption=f"{silent} Upright lines are events. The trial whose downtime for writes is nearest to the median.",
        alt=told(findings, case, "write_downtime_s", client=TUNED) + " " + told(findings, case, "controller_phase_s"),
        table=one.reset_index(drop=True), draw=partial(draw_one, edges_s=edges_s),
    )  # fmt: skip
    yield Chart(
        id=chart_id(case, "trials"), title=title(case, "every trial, aligned on the fault"),
        caption=f"{silent} Each client's trials stand one below the other, in the order they ran.",
        alt=told(findings, case, "write_downtime_s"), table=every[every["state"] == _SILENT].reset_index(drop=True),
        draw=partial(draw_all, edges_s=edges_s, clients=[client_row(client) for client in rows(found, case)], trials=_trials(found, case),
            watching=set(zip(every["client"], every["probe"], strict=True))),
    )  # fmt: skip


def _trials(found: Measured, case: Case) -> list[int]:
    return [trial for trial in case.trials if any((trial, client) in found.watches for client in found.clients(case))]


def _usual(found: Measured, case: Case) -> int:
    """The trial whose write outage, of the tuned client where it watched, is nearest to the median; the first of several."""
    for op in (WRITE, READ):
        for client in found.clients(case):
            each = outages(found, case, client, op)
            if each:
                median = median_s(each).value
                return min(each, key=lambda trial: abs(each[trial].down_s - median))
    return case.trials[0]


def _edges(found: Measured, case: Case) -> tuple[float, float]:
    """From when to when since the fault the axis reaches: past whoever came back last."""
    ends = []
    for client in found.clients(case):
        for op in PROBES:
            seen = [watch for watch in found.of_client(case, client) if op in watch.outages]
            back = [(watch.outages[op].end_ns - watch.injected_ns) / 1e9 for watch in seen if watch.outages[op].ended]
            gaps = [watch.outages[op].down_s for watch in seen]
            if back and max(gaps) > 2 * case.interval_s:
                ends.append(max(back))
    caps = [(one.ends_ns - one.injected_ns) / 1e9 for (trial, _), one in found.watches.items() if trial in case.trials]
    last_s = min(_BEYOND * max(ends, default=max(caps)), max(caps))
    return -min(_LEAD * last_s, float(case.params.get("before_s") or math.inf)), last_s


def _events(found: Measured, trial: int, last_s: float) -> pd.DataFrame:
    """Those of one trial since its fault, each kind once; other kinds than we know are told by their names."""
    watch = next(one for (number, _), one in found.watches.items() if number == trial)
    first: dict[str, float] = {}
    for event in found.run.events:
        if event["scenario"] == NAME and event["trial"] == trial and event["kind"] not in _NOT_SHOWN:
            first.setdefault(event["kind"], (event["t_ns"] - watch.injected_ns) / 1e9)
    made = [
        (EVENTS.get(kind, kind.replace("_", " ")), _EVENT, "", at_s, at_s)
        for kind, at_s in sorted(first.items(), key=lambda one: one[1])
        if 0 <= at_s <= last_s
    ]
    return pd.DataFrame(made, columns=["client", "probe", "state", "from s", "to s"])


def _stretches(found: Measured, case: Case, clients: Sequence[str]) -> pd.DataFrame:
    """One row for each stretch in which a client was answered, or wasn't for longer than five probes; seconds since the fault."""
    made = [
        (client_row(client), PROBES[op], watch.trial, state, from_s, to_s)
        for client in clients
        for op in (WRITE, READ)
        for watch in found.of_client(case, client)
        if op in watch.outages
        for state, from_s, to_s in stretches(watch, op, SILENT_PROBES * case.interval_s)
    ]
    return pd.DataFrame(made, columns=["client", "probe", "trial", "state", "from s", "to s"])


def stretches(watch: Watch, op: str, silent_s: float) -> Iterator[tuple[str, float, float]]:
    """Of one probe in one trial, in turn: answered or not, from when to when since the fault, s."""
    seen = watch.rows[watch.rows["op"] == op]
    answers = np.sort(seen.loc[seen["ok"], "t_end"].to_numpy(dtype=np.int64))
    ends_ns = max(int(seen["t_end"].max()), watch.outages[op].end_ns)
    times = (np.concatenate([[seen["t_start"].min()], answers, [ends_ns]]) - watch.injected_ns) / 1e9
    since_s = float(times[0])
    for at in np.flatnonzero(np.diff(times) > silent_s):
        before_s, after_s = float(times[at]), float(times[at + 1])
        if before_s > since_s:
            yield _ANSWERED, since_s, before_s
        yield _SILENT, before_s, after_s
        since_s = after_s
    if times[-1] > since_s:
        yield _ANSWERED, since_s, float(times[-1])


def draw_one(table: pd.DataFrame, *, edges_s: tuple[float, float]) -> Figure:
    """Events on top, each name on a line of its own beside its tick; then writes, then reads, a row a client."""
    events, seen = table[table["probe"] == _EVENT], table[table["probe"] != _EVENT]
    clients = list(dict.fromkeys(seen["client"]))
    height = 0.22 * len(clients) + 0.25
    figure, panels = new_panels([0.165 * len(events) + 0.1, height, height], around=0.2)
    _name_events(panels[0], events, edges_s)
    for axes, probe in zip(panels[1:], ("write", "read"), strict=True):
        for _, event in events.iterrows():
            axes.axvline(event["from s"], color=INK, linewidth=0.7, alpha=0.55)
        for _, row in seen[seen["probe"] == probe].iterrows():
            _line(axes, row, clients.index(row["client"]), width=6.0)
        axes.set_yticks(range(len(clients)), clients)
        axes.set_ylim(len(clients) - 0.4, -0.6)
        axes.set_title(f"{probe}s", loc="left", fontsize=9)
    panels[-1].set_xlim(*edges_s)
    panels[-1].set_xlabel("seconds since the fault")
    return figure


def _name_events(axes: Axes, events: pd.DataFrame, edges_s: tuple[float, float]) -> None:
    axes.set_ylim(len(events) - 0.4, -0.6)
    turn_s = edges_s[0] + _NEVER_CLEAR * (edges_s[1] - edges_s[0])
    for at, (_, event) in enumerate(events.iterrows()):
        at_s, left = event["from s"], event["from s"] > turn_s
        axes.plot([at_s, at_s], [at, len(events)], color=INK, linewidth=0.7, alpha=0.55)
        axes.plot([at_s], [at], marker="o", markersize=3.5, color=INK)
        axes.annotate(
            f"{event['client']}, {seconds(at_s)}" if at_s else event["client"], (at_s, at), va="center",
            xytext=(-6 if left else 6, 0), textcoords="offset points", ha="right" if left else "left", fontsize=8.5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
    axes.grid(visible=False)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(bottom=False, labelbottom=False)


def draw_all(
    table: pd.DataFrame,
    *,
    edges_s: tuple[float, float],
    clients: Sequence[str],
    trials: Sequence[int],
    watching: Collection[tuple[str, str]],
) -> Figure:
    """A band a client, a line a trial in it; the silences of writes above, those of reads below."""
    figure, panels = new_panels([0.36 * len(clients) + 0.1] * 2, around=0.35)
    step = 0.8 / max(1, len(trials))
    for axes, probe in zip(panels, ("write", "read"), strict=True):
        for at, client in enumerate(clients):
            if (client, probe) not in watching:
                continue
            mine = table[(table["client"] == client) & (table["probe"] == probe)]
            for place, trial in enumerate(trials):
                y = at - 0.4 + step * (place + 0.5)
                axes.plot(edges_s, [y, y], color=style(0)["color"], linewidth=0.6, alpha=0.8)
                for _, row in mine[mine["trial"] == trial].iterrows():
                    _line(axes, row, y, width=min(4.0, 18 * step))
        axes.axvline(0, color=INK, linewidth=0.9, linestyle=(0, (2, 2)))
        axes.set_yticks(range(len(clients)), clients)
        axes.set_ylim(len(clients) - 0.4, -0.6)
        axes.set_title(f"{probe}s", loc="left", fontsize=9)
    panels[-1].set_xlim(*edges_s)
    panels[-1].set_xlabel("seconds since the fault")
    return figure


def _line(axes: Axes, row: "pd.Series[Any]", at: float, *, width: float) -> None:
    ok = row["state"] == _ANSWERED
    look = {"color": style(0 if ok else 1)["color"], "linewidth": 1.4 if ok else width}
    axes.plot([row["from s"], row["to s"]], [at, at], solid_capstyle="butt", **look)
