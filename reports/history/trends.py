"""Every figure followed over a series of runs: its points, where its level changed, and what the manifests say changed there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from reports.compare.differences import Difference, differences
from reports.history.runs import Series
from reports.records import Figure, Recorded, labels_of_groups
from reports.stats import LEAST_RUNS, ChangePoint, change_points, exact_changes

_PLAIN = ("measured", "tool_bound")
_NO_MATTER = ("gates", "comparison")  # sections that change no figure
_NEAR = 2  # runs around a change in which something else that changed is worth a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one run said; ``run`` is its place in the series."""

    run: int
    value: float
    low: float | None
    high: float | None

    @property
    def exact(self) -> bool:
        """Whether no chance was in it."""
        return self.low == self.high == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A label that is one and the same in each run, and not in all: it tells runs apart and not figures."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change point of one figure. ``run`` is the first of the new level, ``previous`` the one before it that has the figure.

    ``near`` is what changed up to two runs away, with how many runs later that is; only where nothing did between the two.
    """

    at: ChangePoint
    run: int
    previous: int
    labels: tuple[Renamed, ...]
    differs: tuple[Difference, ...]
    near: tuple[tuple[int, tuple[Difference, ...]], ...]

    @property
    def size(self) -> float:
        """How large it is, up as down: a doubling is as large as a halving; from or to nothing is larger than any."""
        ratio = None if self.at.change is None else 1 + self.at.change
        return abs(math.log(ratio)) if ratio is not None and ratio > 0 else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One figure over the runs that have it as a plain value; ``tested`` is false where too few have."""

    figure: Figure
    unit: str
    better: str
    headline: bool
    exact: bool
    tested: bool
    points: tuple[Point, ...]
    changes: tuple[Change, ...]

    @property
    def largest(self) -> Change:
        """The change that is worth a sentence; to be asked for only where there is one."""
        return max(self.changes, key=lambda change: change.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A series with its trends, and what changed in the manifest before which run, where anything did."""

    series: Series
    trends: tuple[Trend, ...]
    steps: Mapping[int, tuple[Difference, ...]]

    @property
    def changed(self) -> list[Trend]:
        """The trends with change points: headlines first, then the largest change."""
        return sorted((one for one in self.trends if one.changes), key=_weight)

    @property
    def steady(self) -> list[Trend]:
        """Those that were tested, and have none."""
        return [one for one in self.trends if one.tested and not one.changes]

    @property
    def untested(self) -> list[Trend]:
        """Those that too few runs have."""
        return [one for one in self.trends if not one.tested]


def history(series: Series) -> History:
    """All figures of the series' scenario, in the order they first come."""
    steps = {
        run: found
        for run, (before, after) in enumerate(pairwise(series.runs), 1)
        if (found := _differences(before, after, series.scenario))
    }
    records = [_own(run, series.scenario) for run in series.runs]
    labels = _run_labels(records)
    points: dict[Figure, list[tuple[int, Mapping[str, Any]]]] = {}
    for place, own in enumerate(records):
        for figure, record in own.items():
            points.setdefault(figure.without(labels.get(figure.id, ())), []).append((place, record))
    trends = tuple(_trend(series, figure, found, labels, steps) for figure, found in points.items())
    return History(series=series, trends=trends, steps=steps)


def _trend(
    series: Series,
    figure: Figure,
    records: Sequence[tuple[int, Mapping[str, Any]]],
    labels: Mapping[str, Mapping[str, Sequence[str | None]]],
    steps: Mapping[int, tuple[Difference, ...]],
) -> Trend:
    last = records[-1][1]
    unit = str(last.get("unit") or "")
    points = tuple(
        _point(place, record)
        for place, record in records
        if _is_plain(record) and str(record.get("unit") or "") == unit
    )
    exact = _without_chance(points)
    values = [point.value for point in points]
    found = exact_changes(values) if exact else change_points(values)
    own = labels.get(figure.id, {})
    return Trend(
        figure=figure,
        unit=unit,
        better=str(last.get("better") or "none"),
        headline=any(record.get("headline") for _, record in records),
        exact=exact,
        tested=exact or len(points) >= 2 * LEAST_RUNS,
        points=points,
        changes=tuple(_change(series, at, points, own, steps) for at in found),
    )


def _change(
    series: Series,
    at: ChangePoint,
    points: Sequence[Point],
    labels: Mapping[str, Sequence[str | None]],
    steps: Mapping[int, tuple[Difference, ...]],
) -> Change:
    run, previous = points[at.index].run, points[at.index - 1].run
    differs = _differences(series.runs[previous], series.runs[run], series.scenario)
    near = [(away, steps.get(run + away, ())) for away in range(-_NEAR, _NEAR + 1)]
    return Change(
        at=at,
        run=run,
        previous=previous,
        labels=tuple(
            Renamed(name=name, before=str(texts[previous]), after=str(texts[run]))
            for name, texts in labels.items()
            if texts[previous] != texts[run]
        ),
        differs=differs,
        near=() if differs else tuple((away, found) for away, found in near if found),
    )


def _own(run: Recorded, scenario: str) -> dict[Figure, Mapping[str, Any]]:
    return {figure: record for figure, record in run.findings.items() if record.get("scenario") == scenario}


def _run_labels(records: Sequence[Mapping[Figure, Any]]) -> dict[str, dict[str, list[str | None]]]:
    """For each id the labels that tell runs apart, with their value in each run; None in one that doesn't have the id."""
    by_id: dict[str, dict[int, list[Figure]]] = {}
    for place, own in enumerate(records):
        for figure in own:
            by_id.setdefault(figure.id, {}).setdefault(place, []).append(figure)
    return {
        id: {name: [values.get(place) for place in range(len(records))] for name, values in apart.items()}
        for id, runs in by_id.items()
        if (apart := labels_of_groups(runs))
    }


def _differences(before: Recorded, after: Recorded, scenario: str) -> tuple[Difference, ...]:
    """What of two manifests may have changed a figure of this scenario."""
    return tuple(one for one in differences([before], [after]) if _matters(one, scenario))


def _matters(one: Difference, scenario: str) -> bool:
    words = one.name.split(".")
    if one.topic == "configuration":
        return words[0] not in _NO_MATTER and (words[0] != "scenarios" or words[1:2] == [scenario])
    return one.topic != "servers" or words[0] == scenario


def _is_plain(record: Mapping[str, Any]) -> bool:
    """Whether it has a value that isn't only a bound."""
    return _number(record.get("value")) is not None and record.get("status", "measured") in _PLAIN


def _point(place: int, record: Mapping[str, Any]) -> Point:
    low, high = (_number(record.get(name)) for name in ("low", "high"))
    return Point(run=place, value=float(record["value"]), low=low, high=high)


def _number(value: object) -> float | None:
    """A finite number of the file, or nothing."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def _without_chance(points: Sequence[Point]) -> bool:
    """Whether every run says so, and at least half of the neighbours agree: what differs each time has chance in it after all."""
    if len(points) < 2 or not all(point.exact for point in points):
        return False
    return 2 * len(exact_changes([point.value for point in points])) <= len(points) - 1


def _weight(trend: Trend) -> tuple[bool, float, str]:
    return (not trend.headline, -trend.largest.size, str(trend.figure))
