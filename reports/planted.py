"""The self-test's findings: what the pipeline makes of servers whose answers are known beforehand.

It knows nothing of what was planted: it says what it sees, and ``dbharness selftest`` compares.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports import stats
from reports.findings import Better, Finding
from reports.load import Run
from reports.outage import longest_outage
from reports.section import Section
from reports.stats import Interval
from reports.tool import Tool
from reports.words import absent, count, measured, microseconds, number, percent, seconds, span, why_absent

NAME, TITLE = "planted", "Planted truths"
ON = "planted servers"


@dataclass(frozen=True, slots=True)
class Seen:
    """The measured rows of one arm, with latency (from the intended start) and service time in ms."""

    run: Run
    tool: Tool
    arm: str
    rows: pd.DataFrame

    @property
    def trials(self) -> list[int]:
        """The numbers of its trials."""
        return sorted(int(trial) for trial in self.rows["trial"].unique())

    def each(self, column: str) -> list[Any]:
        """A column of each trial, in the order it was recorded."""
        return [rows[column].to_numpy() for _, rows in self.rows.groupby("trial")]

    def say(self, id: str, sentence: str, figure: Interval, unit: str, better: Better) -> Finding:
        """A finding of this arm."""
        labels = {"arm": self.arm, "client": "lean", "op": str(self.rows["op"].iloc[0])}
        return measured(self.run, NAME, f"{NAME}.{id}", sentence, figure, unit, better, labels, headline=True)


def analyse(run: Run) -> Section:
    """The section of the self-test."""
    samples, tool = run.samples(NAME), Tool.of(run, NAME)
    findings: list[Finding] = []
    if len(samples):
        arms = _arms(run, tool, samples)
        makers = {
            "tail": _service_times, "throttled": _throttled, "hits": _hits, "down": _down, "stalling": _stalled,
            "slow_tool": _slow_tool,
        }  # fmt: skip
        findings = [finding for arm, make in makers.items() if arm in arms for finding in make(arms[arm])]
        if {"base", "slower"} <= arms.keys():
            findings.append(_ratio(arms["base"], arms["slower"]))
    if not findings:
        findings = [absent(run, NAME, f"{NAME}.service_p50_ms", "ms", "lower", why_absent(run, NAME), headline=True)]
    return Section(
        scenario=NAME, title=TITLE, verdict=tuple(finding.sentence for finding in findings), findings=tuple(findings),
        charts=(), tool=tool.rows(findings), method=("Servers answer by a schedule that is known; load, recorder, statistics and report are those of any run.",),
    )  # fmt: skip


def _arms(run: Run, tool: Tool, samples: pd.DataFrame) -> dict[str, Seen]:
    rows = samples[samples["phase"] == "measured"].copy()
    rows["service_ms"] = (rows["t_end"] - rows["t_start"]) / 1e6
    rows["latency_ms"] = (rows["t_end"] - rows["t_intended"]) / 1e6
    return {str(arm): Seen(run, tool, str(arm), of_arm) for arm, of_arm in rows.groupby("arm")}


def _service_times(seen: Seen) -> list[Finding]:
    floor = seen.tool.floor("lean", "GetItem", {"arm": seen.arm})
    findings = []
    for p in (50.0, 95.0, 99.0):
        id, trials = f"service_p{p:g}_ms", seen.each("service_ms")
        time = stats.percentile(trials, p)
        if time is None:
            reason = f"{count(len(seen.rows), 'answer')} are too few for a p{p:g}"
            findings.append(absent(seen.run, NAME, f"{NAME}.{id}", "ms", "lower", reason))
            continue
        sentence = f"An answer took {microseconds(1e3 * time.value)} at p{p:g} (service time, closed loop, {count(time.n, 'answer')}; {ON})."
        finding = seen.say(id, sentence, time, "ms", "lower")
        each = [float(np.percentile(times, p)) for times in trials]
        statistic: Any = f"p{p:g}"
        findings.append(seen.tool.judged(finding, trials=seen.trials, per_trial=each, floor=floor, statistic=statistic))
    return findings


def _share(seen: Seen, id: str, what: str, counted: "pd.Series[bool]", better: Better) -> list[Finding]:
    by_trial = counted.groupby(seen.rows["trial"])
    share = stats.share_of_trials(by_trial.sum().to_numpy(), by_trial.size().to_numpy())
    sentence = f"{percent(share.value)} of {len(counted):,} requests {what} ({ON})."
    return [seen.tool.exempt(seen.say(id, sentence, share, "share", better), trials=seen.trials)]


def _throttled(seen: Seen) -> list[Finding]:
    return _share(seen, "throttled_share", "were throttled", seen.rows["outcome"].eq("throttled"), "lower")


def _hits(seen: Seen) -> list[Finding]:
    return _share(seen, "hit_share", "hit the cache", seen.rows["hit"].eq(True), "higher")


def _down(seen: Seen) -> list[Finding]:
    begun = {event["trial"]: int(event["from_ns"]) for event in seen.run.events_of(NAME, "window")}
    outages = [longest_outage(rows, after_ns=begun[trial]) for trial, rows in seen.rows.groupby("trial")]
    down = stats.median_of_trials(
        [outage.down_s for outage in outages if outage.ended],
        unended=[outage.down_s for outage in outages if not outage.ended],
    )
    sentence = f"It was down for {seconds(down.value)} ({count(down.n, 'trial')}; seen through a probe; {ON})."
    finding = seen.say("down_s", sentence, down, "s", "lower")
    return [seen.tool.exempt(finding, trials=seen.trials, figure_ms=1e3 * down.value)]


def _stalled(seen: Seen) -> list[Finding]:
    """The p99.9 of the very requests that were sent: a figure of this series, which needs no interval and claims none."""
    figure = float(np.percentile(seen.rows["latency_ms"], 99.9))
    late = Interval(value=figure, low=None, high=None, n=len(seen.rows), method="of this series")
    sentence = (
        f"p99.9 of {len(seen.rows):,} requests of an open loop was {microseconds(1e3 * figure)} from the intended start, "
        f"{microseconds(1e3 * float(np.percentile(seen.rows['service_ms'], 99.9)))} by service time ({ON})."
    )
    finding = seen.say("stall_p999_ms", sentence, late, "ms", "lower")
    return [seen.tool.judged(finding, trials=seen.trials, per_trial=[figure], floor=None, statistic="p99")]


def _slow_tool(seen: Seen) -> list[Finding]:
    each = [float(np.median(times)) for times in seen.each("service_ms")]
    time = stats.median_of_trials(each)
    sentence = (
        f"A tool made slow on purpose saw {microseconds(1e3 * time.value)} at p50 ({count(time.n, 'trial')}; {ON})."
    )
    finding = seen.say("slow_tool_p50_ms", sentence, time, "ms", "lower")
    floor = seen.tool.floor("lean", "GetItem", {"arm": seen.arm})
    return [seen.tool.judged(finding, trials=seen.trials, per_trial=each, floor=floor, statistic="p50")]


def _ratio(base: Seen, slower: Seen) -> Finding:
    ours, others = (seen.rows.groupby("pair")["service_ms"].median() for seen in (base, slower))
    both = ours.index.intersection(others.index)
    ratio = stats.paired_ratio(ours[both].to_numpy(), others[both].to_numpy())
    figure = Interval(value=ratio.ratio, low=ratio.low, high=ratio.high, n=ratio.n, method="t on log ratios of pairs")
    sentence = (
        f"One arm took {number(ratio.ratio)} times as long as the other ({count(ratio.n, 'pair')}"
        f"{span(ratio.low, ratio.high)}; {ON})."
    )
    finding = slower.say("arms_ratio", sentence, figure, "ratio", "none")
    return base.tool.compared(
        finding, trials=[*base.trials, *slower.trials], figure_ms=float(base.rows["service_ms"].median())
    )
