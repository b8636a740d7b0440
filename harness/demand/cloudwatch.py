"""CloudWatch's consumed capacity as a demand; and reading it from the JSON that the AWS command line prints."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness.demand.trace import MOST_MINUTES, Trace
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import Demand
from harness.errors import UsageError

METRICS: dict[str, Kind] = {"ConsumedReadCapacityUnits": "read", "ConsumedWriteCapacityUnits": "write"}


def demand_of(points: Mapping[Kind, Mapping[int, float]], *, start_s: int, minutes: int, period_s: int) -> Demand:
    """Sums of ``period_s``, by the second of UTC at which their period begins, as units in each of so many minutes.

    Within a period the units are even, and where there is no point nothing was consumed. ``start_s`` is a whole minute;
    what begins outside the minutes asked for is left out.
    """
    each = period_s // int(MINUTE_S)
    units = {kind: np.zeros(minutes) for kind in KINDS}
    for kind, found in points.items():
        for stamp_s, value in found.items():
            at = (stamp_s - start_s) // int(MINUTE_S)
            if 0 <= at < minutes:
                units[kind][at : at + each] = value / each
    return Demand(start_s=start_s, read=units["read"], write=units["write"])


def read_json(paths: Sequence[Path], source: str) -> Trace:
    """The Sum of ConsumedRead- and ConsumedWriteCapacityUnits, as the command line prints either of its two calls.

    Raises UsageError that names the file and the point.
    """
    series: dict[Kind, dict[int, float]] = {}
    for path in paths:
        for metric, points in _metrics(path):
            found = series.setdefault(METRICS[metric], {})
            for index, (stamp, value) in enumerate(points):
                where = f"{path.name}: {metric}: point {index + 1}"
                if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                    raise UsageError(f"{where}: expected units, a number of 0 or more, found {value!r}")
                at_s = _instant_s(stamp, where)
                if found.setdefault(at_s, float(value)) != value:
                    raise UsageError(f"{where}: {stamp} again with another value; leave out what is there twice")
    stamps = sorted({stamp for points in series.values() for stamp in points})
    if not stamps:
        raise UsageError(
            f"{source}: no points of {' or '.join(METRICS)}; ask for a time in which something was consumed"
        )
    period_s = int(np.diff(stamps).min()) if len(stamps) > 1 else 60
    if period_s % 60:
        raise UsageError(f"{source}: points are {period_s} s apart; ask for --period 60 or a multiple of it")
    start_s = stamps[0] // 60 * 60
    minutes = (stamps[-1] - start_s + period_s) // 60
    if minutes > MOST_MINUTES:
        raise UsageError(f"{source}: spans more than ten years; is a time wrong?")
    notes = [
        f"CloudWatch's points are taken as the Sum of {period_s} s; where there is none nothing was consumed.",
        "Consumed units don't tell what was throttled: if the table throttled then, the demand was higher.",
    ]
    notes += [f"No {metric}: taken as 0." for metric, kind in METRICS.items() if kind not in series]
    demand = demand_of(series, start_s=start_s, minutes=minutes, period_s=period_s)
    return Trace(demand=demand, source=source, notes=tuple(notes))


def _metrics(path: Path) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """Each metric of one file: GetMetricStatistics has one, GetMetricData any number."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a readable file") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    try:
        if document.get("NextToken"):
            raise UsageError(f"{path.name}: the answer isn't whole, it ends with a NextToken; ask without --max-items")
        if "MetricDataResults" in document:
            for result in document["MetricDataResults"]:
                yield _metric(result["Label"], path), list(zip(result["Timestamps"], result["Values"], strict=True))
            return
        points = document["Datapoints"]
        if any("Sum" not in point for point in points):
            raise UsageError(f"{path.name}: expected the statistic Sum; an Average is of requests, not of time")
        yield _metric(document["Label"], path), [(point["Timestamp"], point["Sum"]) for point in points]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{path}: expected what `aws cloudwatch get-metric-statistics` or `get-metric-data` prints ({what})"
        ) from error


def _metric(label: str, path: Path) -> str:
    found = [metric for metric in METRICS if metric in str(label)]
    if not found:
        raise UsageError(f"{path.name}: metric {label!r}: expected {' or '.join(METRICS)} as its label")
    return found[0]


def _instant_s(stamp: Any, where: str) -> int:
    try:
        instant = datetime.fromisoformat(stamp)
    except (TypeError, ValueError):
        raise UsageError(f"{where}: expected a time as 2026-11-25T10:00:00Z, found {stamp!r}") from None
    if instant.tzinfo is None:
        raise UsageError(f"{where}: the time {stamp} has no offset; expected one as in 2026-11-25T10:00:00Z")
    return int(instant.astimezone(UTC).timestamp())
