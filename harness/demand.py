"""Reads a demand: a trace in CSV or Parquet, CloudWatch's metric in JSON, or what a run consumed; by the minute, in UTC.

What is wrong names the file and the row; what is supposed instead of asked for is said in ``notes``. Ten million rows take
0.6 GB of memory while they are read, and some seconds.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.demand_rows import Rows, read_rows
from harness.dynamodb.planner.model import HOURS_A_DAY, Demand, Scheduled, Units
from harness.errors import UsageError

MOST_MINUTES = 10 * 366 * 24 * 60
"""Ten years: a trace that spans more has a wrong date in it."""
MOST_GAPS = 0.1
"""Share of its time for which a trace may have no row; more than that isn't a trace of it."""
METRICS = {"ConsumedReadCapacityUnits": 0, "ConsumedWriteCapacityUnits": 1}

_MINUTE_US = 60_000_000
_CHUNK_ROWS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A demand, where it comes from, and what was supposed in reading it."""

    demand: Demand
    source: str
    notes: tuple[str, ...]


def read_trace(
    paths: Sequence[Path], *, timezone: str | None = None, item_bytes: int | None = None, strong: bool = False
) -> Trace:
    """The demand of one CSV or Parquet file, or of one or two of CloudWatch's JSON. Raises UsageError."""
    source = " and ".join(path.name for path in paths)
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes == {".json"}:
        return _cloudwatch(paths, source)
    if len(paths) != 1:
        raise UsageError(f"{source}: expected one CSV or Parquet file, or JSON files of CloudWatch")
    rows = read_rows(paths[0], timezone=timezone, item_bytes=item_bytes, strong=strong)
    demand, notes = by_minute(rows)
    return Trace(demand=demand, source=source, notes=(*rows.notes, *notes))


def by_minute(rows: Rows) -> tuple[Demand, list[str]]:
    """Rates that hold from their row to the next, as units in each minute; and what was done about order and gaps.

    The step of a trace is the middle one of the times between rows; the last row holds for one step. Where a row is
    missing the one before holds on, for at most a tenth of the time. Raises UsageError.
    """
    notes: list[str] = []
    if not len(rows.time_us):
        raise UsageError(f"{rows.name}: no rows; expected a demand of one minute or more")
    rows = _once(_in_order(rows, notes), notes)
    begins = rows.time_us
    lasts = np.diff(begins)
    step_us = int(np.median(lasts)) if len(lasts) else _MINUTE_US
    if not len(lasts):
        notes.append("The only row is taken to hold for one minute.")
    if begins[-1] - begins[0] > MOST_MINUTES * _MINUTE_US:
        widest = int(lasts.argmax()) + 1
        raise UsageError(f"{rows.place(widest)}: the trace spans more than ten years; is a time wrong?")
    _gaps(rows, lasts, step_us, notes)
    lasts = np.append(lasts, step_us)
    start_us = int(begins[0]) // _MINUTE_US * _MINUTE_US
    minutes = -(-(int(begins[-1]) + step_us - start_us) // _MINUTE_US)
    read, write = np.zeros(minutes), np.zeros(minutes)
    for at in range(0, len(begins), _CHUNK_ROWS):
        part = slice(at, at + _CHUNK_ROWS)
        for units, rate in ((read, rows.read), (write, rows.write)):
            _spread(begins[part] - start_us, lasts[part], rate[part], units)
    if step_us > _MINUTE_US:
        notes.append(f"A row stands for {step_us / _MINUTE_US:g} minutes, whose demand is taken to be even.")
    return Demand(start_s=start_us // 1_000_000, read=read, write=write), notes


def _in_order(rows: Rows, notes: list[str]) -> Rows:
    if (rows.time_us[1:] >= rows.time_us[:-1]).all():
        return rows
    notes.append("Rows were put in the order of their times.")
    return rows.chosen(np.argsort(rows.time_us, kind="stable"))


def _once(rows: Rows, notes: list[str]) -> Rows:
    """Each time once: rows that say the same again are left out, rows that contradict each other refused."""
    again = np.flatnonzero(rows.time_us[1:] == rows.time_us[:-1]) + 1
    if not len(again):
        return rows
    first = again - 1
    differ = np.flatnonzero((rows.read[first] != rows.read[again]) | (rows.write[first] != rows.write[again]))
    if len(differ):
        at = int(again[differ[0]])
        raise UsageError(
            f"{rows.place(at)}: the time of {rows.place(at - 1)} again with another demand; "
            "add up or leave out what is there twice"
        )
    notes.append(f"{len(again):,} rows that repeat the one before were left out.")
    return rows.chosen(np.delete(np.arange(len(rows.time_us)), again))


def _gaps(rows: Rows, lasts: npt.NDArray[np.int64], step_us: int, notes: list[str]) -> None:
    missing = np.flatnonzero(lasts > 1.5 * step_us)
    if not len(missing):
        return
    gap_us = int((lasts[missing] - step_us).sum())
    share = gap_us / int(lasts.sum() + step_us)
    widest = int(missing[lasts[missing].argmax()])
    where, apart = rows.place(widest + 1), f"{lasts[widest] / 60e6:g} minutes after the row before"
    if share > MOST_GAPS:
        raise UsageError(
            f"{where}: {apart}, where rows are {step_us / 60e6:g} apart; for {100 * share:.0f} % of the time there is no row, "
            f"more than {100 * MOST_GAPS:.0f} %: fill the gaps, with 0 where nothing was asked"
        )
    notes.append(
        f"{len(missing):,} gap{'' if len(missing) == 1 else 's'}, {100 * share:.2f} % of the time: the row before holds on "
        f"(the widest: {where}, {apart})."
    )


def _spread(begins_us: npt.NDArray[np.int64], lasts_us: npt.NDArray[np.int64], rates: Units, units: Units) -> None:
    """Add to each minute's units rates that begin and last so long: the minute begun, whole minutes, the minute ended."""
    ends_us = begins_us + lasts_us
    first, last = begins_us // _MINUTE_US, ends_us // _MINUTE_US
    head_s = (np.minimum(ends_us, (first + 1) * _MINUTE_US) - begins_us) / 1e6
    _add(units, first, rates * head_s)
    whole = np.maximum(last - first - 1, 0)
    if whole.any():
        offsets = np.arange(int(whole.sum())) - np.repeat(np.cumsum(whole) - whole, whole)
        _add(units, np.repeat(first + 1, whole) + offsets, np.repeat(rates * 60.0, whole))
    tails = np.flatnonzero((last > first) & (ends_us > last * _MINUTE_US))
    _add(units, last[tails], rates[tails] * (ends_us[tails] - last[tails] * _MINUTE_US) / 1e6)


def _add(units: Units, minutes: npt.NDArray[np.int64], more: Units) -> None:
    """Add figures to their minutes, of which several may be the same."""
    if len(minutes):
        begin = int(minutes.min())
        sums = np.bincount(minutes - begin, weights=more)
        units[begin : begin + len(sums)] += sums


def _cloudwatch(paths: Sequence[Path], source: str) -> Trace:
    """The Sum of ConsumedRead- and ConsumedWriteCapacityUnits, as the command line prints either of its two calls."""
    series: dict[str, dict[int, float]] = {}
    for path in paths:
        for metric, points in _metrics(path):
            found = series.setdefault(metric, {})
            for index, (stamp, value) in enumerate(points):
                where = f"{path.name}: {metric}: point {index + 1}"
                if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                    raise UsageError(f"{where}: expected units, a number of 0 or more, found {value!r}")
                found[_instant_s(stamp, where)] = float(value)
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
    units = np.zeros((2, minutes))
    for metric, found in series.items():
        for stamp, value in found.items():
            at = (stamp - start_s) // 60
            units[METRICS[metric], at : at + period_s // 60] = value / (period_s // 60)
    notes = [
        f"CloudWatch's points are taken as the Sum of {period_s} s; where there is none nothing was consumed.",
        "Consumed units don't tell what was throttled: if the table throttled then, the demand was higher.",
    ]
    notes += [f"No {metric}: taken as 0." for metric in METRICS if metric not in series]
    return Trace(demand=Demand(start_s=start_s, read=units[0], write=units[1]), source=source, notes=tuple(notes))


def _metrics(path: Path) -> Iterator[tuple[str, list[tuple[Any, Any]]]]:
    """Each metric of one file: GetMetricStatistics has one, GetMetricData any number."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a readable file") from error
    except ValueError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    try:
        if "MetricDataResults" in document:
            for result in document["MetricDataResults"]:
                yield _metric(result["Label"], path), list(zip(result["Timestamps"], result["Values"], strict=True))
            return
        points = document["Datapoints"]
        if any("Sum" not in point for point in points):
            raise UsageError(f"{path.name}: expected the statistic Sum; an Average is of requests, not of time")
        yield _metric(document["Label"], path), [(point["Timestamp"], point["Sum"]) for point in points]
    except (KeyError, TypeError, ValueError) as error:
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


def read_key_shares(path: Path) -> tuple[float, ...]:
    """A number a line: what share of the demand each of the busiest keys takes. Raises UsageError."""
    shares = [_share(path, number, line) for number, line in enumerate(_lines(path), start=1) if line.strip()]
    if sum(shares) > 1 + 1e-9:
        raise UsageError(f"{path.name}: shares add up to {sum(shares):g}; expected at most 1")
    return tuple(shares)


def read_schedule(path: Path) -> Scheduled:
    """A line for each hour of the UTC day: its read and its write capacity units. Raises UsageError."""
    hours: list[tuple[int, int]] = []
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split(",")
        if not line.strip() or (number == 1 and not fields[0].strip().isdigit()):
            continue
        if len(fields) != 2 or not all(field.strip().isdigit() and int(field) for field in fields):
            raise UsageError(f"{path.name}:{number}: expected read,write capacity units, found {line!r}")
        hours.append((int(fields[0]), int(fields[1])))
    if len(hours) != HOURS_A_DAY:
        raise UsageError(f"{path.name}: expected 24 lines, one an hour of the UTC day, found {len(hours)}")
    return Scheduled(read=tuple(one[0] for one in hours), write=tuple(one[1] for one in hours), name=path.name)


def _share(path: Path, number: int, line: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(line) <= 1:
            return float(line)
    raise UsageError(f"{path.name}:{number}: expected a share from 0 to 1, found {line.strip()!r}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: can't be read ({error})") from error
