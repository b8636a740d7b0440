"""Units and throttles as the client counted them, against CloudWatch's own count of the same tables and minutes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.findings import Finding
from reports.load import Run
from reports.stats import Interval
from reports.words import absent, measured, number, percent

TOLERANCE = 0.02
"""A difference above this share of the larger count is a finding that warns."""
UNITS = ("read", "write")
COLUMNS = ("trial", "t_end", "outcome", *(f"{unit}_units" for unit in UNITS))
"""What is used of the samples."""
_WHAT = {"read": "read units", "write": "write units", "throttled": "throttled requests"}


def against_cloudwatch(run: Run, scenario: str, samples: pd.DataFrame) -> list[Finding]:
    """Three findings where CloudWatch was asked, none elsewhere: the difference as a share of the larger count."""
    windows, absents = run.events_of(scenario, "cloudwatch"), run.events_of(scenario, "cloudwatch_absent")
    if not windows and not absents:
        return []
    return [_compared(run, scenario, what, windows, samples, absents) for what in (*UNITS, "throttled")]


def warnings(findings: Sequence[Finding]) -> Iterator[str]:
    """What no reader may miss: counts that differ by more than the tolerance."""
    for finding in findings:
        if finding.value is not None and finding.value > TOLERANCE:
            yield finding.sentence


def _compared(
    run: Run, scenario: str, what: str, windows: Sequence[Mapping[str, Any]], samples: pd.DataFrame,
    absents: Sequence[Mapping[str, Any]],
) -> Finding:  # fmt: skip
    id, labels = f"{scenario}.cloudwatch.difference_share", {"what": what}
    if not windows:
        reasons = "; ".join(dict.fromkeys(str(event["reason"]) for event in absents))
        return absent(run, scenario, id, "share", "lower", reasons, labels)
    theirs = sum(float(window[what]) for window in windows)
    ours = sum(_ours(samples, window, what) for window in windows)
    larger = max(theirs, ours)
    share = abs(theirs - ours) / larger if larger else 0.0
    minutes = sum(int(window["minutes"]) for window in windows)
    verdict = "within" if share <= TOLERANCE else "more than"
    sentence = (
        f"CloudWatch counted {number(theirs)} {_WHAT[what]} in {minutes} whole minutes of {len(windows)} "
        f"table{'' if len(windows) == 1 else 's'}, the client {number(ours)}: {percent(share)} apart, {verdict} the {percent(TOLERANCE)} "
        "that late and early minutes explain."
    )
    exact = Interval(value=share, low=share, high=share, n=len(windows), method="counted")
    return measured(run, scenario, id, sentence, exact, "share", "lower", labels)


def _ours(samples: pd.DataFrame, window: Mapping[str, Any], what: str) -> float:
    """What the samples of the window's trials tell of attempts that ended in it, warm-up or not."""
    if samples.empty:
        return 0.0
    rows = samples[
        samples["trial"].isin(window["trials"]) & samples["t_end"].between(window["begin_ns"], window["end_ns"], "left")
    ]
    if what == "throttled":
        return float((rows["outcome"] == "throttled").sum())
    return float(rows[f"{what}_units"].sum())
