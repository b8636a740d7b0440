"""Noisy neighbours: what everyone else's reads of a table meet while somebody reports on it, and the cures."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from reports import stats
from reports.findings import Finding
from reports.query_vs_scan.answers import PERCENTILES
from reports.query_vs_scan.arms import NAME
from reports.query_vs_scan.beside import ALONE, Beside
from reports.query_vs_scan.cells import Asked
from reports.words import count, milliseconds, number, percent, seconds, span


def findings(asked: Asked) -> list[Finding]:
    """For each arm: the share throttled, waits, and how long the reporting job took; the Scan's share opens the report."""
    arms = asked.besides
    cures = [f"{percent(one.throttled().value)} {_instead(one)}" for one in arms if one.arm != "scan"]
    return [finding for beside in arms for finding in _of_arm(asked, beside, cures)]


def _instead(beside: Beside) -> str:
    return "while nobody does" if beside.arm == ALONE else f"with {beside.job}"


def _of_arm(asked: Asked, beside: Beside, cures: Sequence[str]) -> list[Finding]:
    found = [_throttled(asked, beside, cures), *_waits(asked, beside)]
    return [*found, _report(asked, beside)] if len(beside.report) else found


def _throttled(asked: Asked, beside: Beside, cures: Sequence[str]) -> Finding:
    share, params, headline = beside.throttled(), beside.params, beside.arm == "scan"
    table = f"{int(params['table_items']):,} items" if "table_items" in params else "the table"
    units = params.get("read_capacity_units")
    capacity = "" if units is None else f", {number(units)} read units a second"
    others = f"; {', '.join(cures)}" if headline and cures else ""
    sentence = (
        f"While {beside.meanwhile}, {percent(share.value)} of {len(beside.reads):,} reads by everyone else were "
        f"throttled ({count(share.n, 'trial')}{span(share.low, share.high, percent)}; {table}{capacity}; {asked.on}, speed "
        f"{beside.labels['speed']}){others}."
    )
    finding = asked.measured(
        "neighbour.throttled_share", sentence, share, "share", beside.labels, better="lower", headline=headline
    )
    return _exempt(asked, beside, finding)


def _exempt(asked: Asked, beside: Beside, finding: Finding) -> Finding:
    """Shares stand on the length of a trial, of the wall's clock."""
    length_ms = 1e3 * float(beside.params.get("service_s", np.inf)) / beside.speed
    return asked.tool.exempt(finding, trials=beside.trials, figure_ms=length_ms, queue_counts=True)


def _waits(asked: Asked, beside: Beside) -> Iterator[Finding]:
    trials, n = beside.waits_ms(), len(beside.reads)
    found, of_trials = stats.percentiles(trials, [p for p, _ in PERCENTILES]), count(len(trials), "trial")
    lost = 1 - beside.reads["served"].mean()
    without = f"; {percent(lost)} were given up, and count until then" if lost else ""
    for p, which in PERCENTILES:
        id, time = f"neighbour.latency_{which}_ms", found.pooled[p]
        if time is None:
            reason = (
                f"{count(n, 'read')} in {of_trials} are worth {found.worth:.0f} independent ones, and a {which} takes "
                f"{stats.LEAST_SAMPLES[p]}"
            )
            about = f"While {beside.meanwhile}: no {which} of everyone else's reads can be given"
            yield asked.unknown(id, about, reason, "ms", beside.labels, n)
            continue
        sentence = (
            f"While {beside.meanwhile}, everyone else's reads took {milliseconds(time.value)} at {which}, from when they were due, retries "
            f"included ({count(time.n, 'read')} in {of_trials}{span(time.low, time.high, milliseconds)}; service time "
            f"at speed {beside.labels['speed']}{without}; {asked.on})."
        )
        timed = asked.measured(id, sentence, time, "ms", beside.labels, better="lower")
        yield asked.tool.judged(
            timed, trials=beside.trials, per_trial=found.each[p], floor=None, statistic=which, speed=beside.speed
        )


def _report(asked: Asked, beside: Beside) -> Finding:
    """From the first page to the last; a job that hadn't read all it should when the trial ended took longer."""
    ended, unended = _jobs(beside, times=int(asked.run.scenario(NAME)["params"].get("neighbour_reports", 1)))
    took = stats.median_of_trials(ended, unended)
    cut = f", {len(unended)} of them cut short" if unended else ""
    at_least = "at least " if took.at_least else ""
    sentence = (
        f"{beside.job[0].upper()}{beside.job[1:]} beside everyone else's reads took {at_least}{seconds(took.value)} ({count(took.n, 'trial')}{cut}{span(took.low, took.high, seconds)}; service time at speed "
        f"{beside.labels['speed']}; {asked.on})."
    )
    labels = beside.labels | {"op": str(beside.report["op"].iloc[0])}
    finding = asked.measured("neighbour.report_s", sentence, took, "s", labels, better="lower")
    return asked.tool.judged(
        finding, trials=beside.trials, per_trial=[*ended, *unended], floor=None, statistic="p50", speed=beside.speed
    )


def _jobs(beside: Beside, *, times: int) -> tuple[list[float], list[float]]:
    """Service seconds of the jobs that read the whole table so many times, and of those that didn't."""
    ended: list[float] = []
    unended: list[float] = []
    whole = times * int(beside.params.get("table_items", 0))
    pages: Any = beside.report.groupby("trial")
    for _, of_trial in pages:
        length_s = (of_trial["t_end"].max() - of_trial["t_start"].min()) / 1e9 * beside.speed
        read = of_trial.loc[of_trial["outcome"] == "ok", "items_scanned"].sum()
        (ended if read >= whole else unended).append(float(length_s))
    return ended, unended


def shares_and_waits(found: Iterable[Finding]) -> pd.DataFrame:
    """What was found of each arm, as the chart draws it: shares in per cent and waits in service ms, with their bounds."""
    by_id: dict[str, dict[str, Finding]] = {}
    for one in found:
        if one.id.startswith(f"{NAME}.neighbour."):
            by_id.setdefault(one.labels["arm"], {})[one.id.removeprefix(f"{NAME}.neighbour.")] = one
    rows: list[dict[str, Any]] = []
    for arm, these in by_id.items():
        share, report = these["throttled_share"], these.get("report_s")
        bounds = [None if bound is None else 100 * bound for bound in (share.value, share.low, share.high)]
        row = dict(zip(("arm", "throttled, %", "throttled from, %", "throttled to, %"), (arm, *bounds), strict=True))
        for _, which in PERCENTILES:
            wait = these[f"latency_{which}_ms"]
            row |= {f"{which}, service ms": wait.value, f"{which} from": wait.low, f"{which} to": wait.high}
        row |= {"the report took, service s": report.value if report else None, "trials": share.n}
        rows.append(row)
    return pd.DataFrame(rows)
