"""What a history says in words: the short table of a terminal, and one document for programs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.compare.differences import Difference
from reports.history.runs import LeftOut, counted, name_of
from reports.history.trends import Change, History, Trend
from reports.records import Figure, Recorded
from reports.render import figures
from reports.stats import LEAST_RUNS, by_chance

SCHEMA = 1  # of --json and history.json: members may be added
MOST_ROWS = 20  # of changed figures, in a terminal
SCREEN = (
    "Where to look, not a verdict: runs one after the other can't tell a change of the software from one of its surroundings. "
    "Interleaved pairs can: dbharness ab."
)
AGAINST = "against the run before"
HOW_TO_READ = (
    "A figure stands under the first run of its new level; a level is the mean of the runs from one change to the next. Change: –, where it was 0 "
    "before. p ranks the changes of figures with chance in them; exact: it has none, and any other value is a change."
)
NOTHING = "nothing that the manifest records"
_MOST_DIFFERENCES = 4
_COMMIT_LETTERS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The changes that came with one run, of which the same is said to have changed there."""

    run: int
    words: str
    changes: tuple[tuple[Trend, Change], ...]


def lines(one: History, *, most: int = MOST_ROWS) -> Iterator[str]:
    """What the terminal says of one scenario; the table is of the figures that changed, and no others."""
    yield f"{one.series.scenario}: {lead(one)}"
    if not one.series.runs:
        return
    changed = one.changed
    if changed:
        yield ""
        yield from _table(one, changed[:most])
        yield ""
    if len(changed) > most:
        yield f"And {len(changed) - most} more that changed: --figure chooses, --json and the page of --out have all."
    yield summary(one)


def lead(one: History) -> str:
    """How many runs of what, since when, and which were left out."""
    series = one.series
    left_out = counted(series.left_out)
    if not series.runs:
        return f"no runs; {left_out}."
    n = len(series.runs)
    alike = " · ".join(f"{name} {text}" for name, text in series.alike.items() if text != "none" and name != "schema")
    since = f"{day(series.runs[0])} to {day(series.runs[-1])}" if n > 1 else day(series.runs[0])
    return f"{n} run{'' if n == 1 else 's'}, {since} ({'' if n == 1 else 'alike in '}{alike}){f'; {left_out}' if left_out else ''}."


def summary(one: History) -> str:
    """How many figures changed, how many didn't, how many couldn't be tested, and how many would have changed by chance."""
    changed, steady, untested = len(one.changed), len(one.steady), len(one.untested)
    tested = changed + steady
    told = []
    if tested:
        told.append(f"{changed} of {tested} figures changed their level, {steady} didn't.")
    by_luck = expected_by_chance(one)
    if by_luck >= 1:
        told.append(
            f"By chance alone up to about {by_luck:.0f} would seem to, more where runs are like their neighbours."
        )
    if untested:
        told.append(f"{untested} can't be tested: fewer than {2 * LEAST_RUNS} runs have them.")
    return " ".join(told) or "No figure has a value in these runs."


def expected_by_chance(one: History) -> float:
    """How many figures that didn't change may show a change point all the same, at most."""
    return sum(by_chance(len(trend.points)) for trend in one.trends if trend.tested and not trend.exact)


def relative(change: Change) -> str:
    """``+12.3 %``; a dash where it was 0 before."""
    size = change.at.change
    if size is None:
        return figures.NONE
    if abs(size) >= 10:
        return f"× {figures.number(float(f'{size + 1:.3g}'))}"
    return f"{'+' if size > 0 else ''}{figures.number(float(f'{100 * size:.3g}'))} %"


def labels(figure: Figure) -> str:
    """``arm query · step 1000``."""
    return " · ".join(f"{name.replace('_', ' ')} {text}" for name, text in figure.labels)


def levels(trend: Trend, change: Change) -> str:
    """``2.1 → 3.4 ms``."""
    scale = 100 if trend.unit == "share" else 1
    before = figures.number(float(f"{change.at.before * scale:.4g}"))
    return f"{before} → {figures.quantity(float(f'{change.at.after:.4g}'), trend.unit)}"


def chance(trend: Trend, change: Change) -> str:
    """The p of the test, or that there is no chance in it."""
    if trend.exact:
        return "exact"
    return f"{change.at.p:.2g}" if change.at.p >= 1e-6 else "< 1e-6"


def what_changed(change: Change) -> str:
    """What the manifests and labels say changed there; else what did close by."""
    told = [f"{one.name} {one.before} → {one.after}" for one in change.labels if not _told_by(one.name, change.differs)]
    told += _told(change.differs)
    if told:
        return "; ".join(told)
    near = [
        f"{abs(away)} run{'' if abs(away) == 1 else 's'} {'later' if away > 0 else 'earlier'}: {'; '.join(_told(found))}"
        for away, found in change.near
    ]
    return "; ".join([NOTHING, *near])


def places(changed: Iterable[Trend]) -> list[Place]:
    """The changes of these trends by where they came and by what changed there, the earliest first."""
    found: dict[tuple[int, str], list[tuple[Trend, Change]]] = {}
    for trend in changed:
        for change in trend.changes:
            found.setdefault((change.run, what_changed(change)), []).append((trend, change))
    return [
        Place(run=run, words=words, changes=tuple(changes))
        for (run, words), changes in sorted(found.items(), key=lambda item: item[0][0])
    ]  # fmt: skip


def step_words(found: Sequence[Difference]) -> str:
    """The differences of two runs in a line."""
    return "; ".join(_told(found, most=len(found)))


def day(run: Recorded) -> str:
    """``28 Nov 2026, 18:29``."""
    stamp = str(run.manifest.get("started"))
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{at.day} {at:%b %Y, %H:%M}"


def document(store: str, histories: Iterable[History], unread: Sequence[LeftOut]) -> dict[str, Any]:
    """All of it for programs."""
    return {
        "schema": SCHEMA, "store": store, "note": SCREEN, "left_out": [_left_out(one) for one in unread],
        "histories": [_record(one) for one in histories],
    }  # fmt: skip


def _record(one: History) -> dict[str, Any]:
    series = one.series
    names = [name_of(run) for run in series.runs]
    return {
        "scenario": series.scenario,
        "alike": dict(series.alike),
        "runs": [{"name": name_of(run), "started": run.manifest.get("started")} for run in series.runs],
        "left_out": [_left_out(left) for left in series.left_out],
        "manifest_changes": [{"run": names[run], "differs": _differs(found)} for run, found in one.steps.items()],
        "figures": {"changed": len(one.changed), "unchanged": len(one.steady), "not_tested": len(one.untested)},
        "expected_by_chance": expected_by_chance(one),
        "trends": [_trend(trend, names) for trend in one.trends],
    }


def _trend(trend: Trend, names: Sequence[str]) -> dict[str, Any]:
    return {
        "figure": str(trend.figure), "id": trend.figure.id, "labels": dict(trend.figure.labels), "unit": trend.unit,
        "better": trend.better, "headline": trend.headline, "exact": trend.exact, "tested": trend.tested,
        "points": [{"run": names[one.run], "value": one.value, "low": one.low, "high": one.high} for one in trend.points],
        "change_points": [_change(change, names) for change in trend.changes],
    }  # fmt: skip


def _change(change: Change, names: Sequence[str]) -> dict[str, Any]:
    at = change.at
    return {
        "run": names[change.run], "previous": names[change.previous], "before": at.before, "after": at.after,
        "n_before": at.n_before, "n_after": at.n_after, "change": at.change, "p": at.p,
        "labels": [{"name": one.name, "before": one.before, "after": one.after} for one in change.labels],
        "differs": _differs(change.differs), "words": what_changed(change),
    }  # fmt: skip


def _differs(found: Sequence[Difference]) -> list[dict[str, str]]:
    return [{"topic": one.topic, "name": one.name, "before": one.base, "after": one.candidate} for one in found]


def _left_out(one: LeftOut) -> dict[str, str]:
    return {"run": one.run, "kind": one.kind, "reason": one.reason}


def _told(found: Sequence[Difference], most: int = _MOST_DIFFERENCES) -> list[str]:
    told = [f"{one.where} {_short(one.base)} → {_short(one.candidate)}" for one in found[:most]]
    return [*told, f"and {len(found) - most} more"] if len(found) > most else told


def _short(text: str) -> str:
    """A commit as one names it."""
    is_commit = len(text) == 40 and all(letter in "0123456789abcdef" for letter in text)
    return text[:_COMMIT_LETTERS] if is_commit else text


def _told_by(label: str, differs: Sequence[Difference]) -> bool:
    """Whether a setting of the label's name says it already."""
    return any(one.name.rpartition(".")[2] == label for one in differs)


def _table(one: History, changed: Sequence[Trend]) -> Iterator[str]:
    """A line for each change, columns under each other, below the run it came with and what changed there."""
    for place in places(changed):
        yield f"run {place.run + 1}: {name_of(one.series.runs[place.run])}, {day(one.series.runs[place.run])}"
        yield f"  {AGAINST}: {place.words}"
        cells = [
            (relative(change), levels(trend, change), ("" if trend.exact else "p ") + chance(trend, change), str(trend.figure))
            for trend, change in place.changes
        ]  # fmt: skip
        widths = [max(len(row[at]) for row in cells) for at in range(3)]
        for size, level, p, figure in cells:
            yield f"  {size:>{widths[0]}}  {level:<{widths[1]}}  {p:<{widths[2]}}  {figure}"
