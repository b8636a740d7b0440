"""Part ``lost``: the cache dies, hangs, is slow or empty; errors, waits and the database's load before, during and after."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports import stats
from reports.cache_hit_rate import figures
from reports.cache_hit_rate.arms import FAULTS, arm_words
from reports.cache_hit_rate.cells import Cell, Measured, clipped
from reports.findings import Finding
from reports.samples import by_trial
from reports.words import count, engine_name, milliseconds, number, percent, seconds, span

PART = "lost"
When = Literal["before", "during", "after"]
WHEN: tuple[When, ...] = ("before", "during", "after")
HIT_SHARE, P99_TIMES = 0.95, 2.0  # of before: recovered
LEAST_WINDOW_S, LEAST_READS = 0.05, 25  # of the windows in which recovery is looked for
Floats = npt.NDArray[np.float64]
_SAID: Mapping[When, str] = {"before": "before the fault", "during": "during the fault", "after": "after the fault"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulted:
    """One trial: its reads, answered or not, and when the fault came and was repaired, ns; ``ends_ns`` is when its last read ended."""

    reads: pd.DataFrame
    injected_ns: int
    repaired_ns: int

    @property
    def ends_ns(self) -> int:
        """When the last read was over."""
        return int(self.reads["t_end"].max())

    def bounds_ns(self, when: When) -> tuple[int, int]:
        """From when until when."""
        begins = int(self.reads["due_ns"].min())
        edges = {"before": (begins, self.injected_ns), "during": (self.injected_ns, self.repaired_ns)}
        return edges.get(when, (self.repaired_ns, self.ends_ns + 1))

    def due(self, when: When) -> pd.DataFrame:
        """The reads that were due then."""
        begins, ends = self.bounds_ns(when)
        return self.reads[(self.reads["due_ns"] >= begins) & (self.reads["due_ns"] < ends)]

    def database_per_s(self, when: When) -> float:
        """Answers of the database a second, then; NaN where *then* has no length."""
        begins, ends = self.bounds_ns(when)
        asked = self.reads[self.reads["asked_db"] & (self.reads["t_end"] >= begins) & (self.reads["t_end"] < ends)]
        return len(asked) / ((ends - begins) / 1e9) if ends > begins else math.nan


def findings(found: Measured, engine: str) -> list[Finding]:
    """By fault and client; what opens the report is the first fault of FAULTS that was measured, under the first client."""
    cells = [cell for fault in FAULTS for cell in found.where(engine, PART, fault)]
    cells += [cell for cell in found.where(engine, PART) if cell.step not in FAULTS]
    made: list[Finding] = []
    for place, cell in enumerate(cells):
        clients = [one for one in cells if one.step == cell.step]
        made += _of_cell(found, cell, clients if cell is clients[0] else (), opens=place == 0)
    return made


def of_one_node(found: Measured, fault: str) -> bool:
    """Whether a fault is one node's: in a cluster the first is killed or stopped, the others go on."""
    return fault in ("kill", "hang") and "cluster of" in found.cache


def faulted(found: Measured, cell: Cell) -> list[Faulted]:
    """The trials whose fault was recorded; one that was never repaired lasted until the end, a flush is over at once."""
    injected, repaired = found.events("fault_injected", cell), found.events("fault_repaired", cell)
    made = []
    for trial, rows in by_trial(cell.reads):
        if trial not in injected:
            continue
        at_ns = int(injected[trial]["t_ns"])
        never = at_ns if cell.step == "flush" else int(rows["t_end"].max()) + 1
        until_ns = int(repaired[trial]["t_ns"]) if trial in repaired else never
        made.append(Faulted(reads=rows, injected_ns=at_ns, repaired_ns=max(at_ns, until_ns)))
    return made


def recovered_s(one: Faulted) -> dict[str, float]:
    """Seconds from the repair until the hit rate, and the p99, are as before in two windows in a row; infinite for never."""
    before, after = one.due("before"), one.due("after")
    width_s = _window_s(before, one)
    place = ((after["due_ns"] - one.repaired_ns) / 1e9 // width_s).astype(int)
    windows = int((one.ends_ns - one.repaired_ns) / 1e9 // width_s)
    whole = after.assign(hits=after["hit"].eq(True))[place < windows].groupby(place[place < windows])
    hits = whole["hits"].mean().reindex(range(windows))
    p99 = whole["latency_us"].quantile(0.99).reindex(range(windows))
    like_before = {
        "hit_rate": hits >= HIT_SHARE * float(before["hit"].eq(True).mean()),
        "p99": p99 <= P99_TIMES * float(before["latency_us"].quantile(0.99)),
    }
    return {which: _first(good.to_numpy()) * width_s for which, good in like_before.items()}


def _window_s(before: pd.DataFrame, one: Faulted) -> float:
    """Wide enough for LEAST_READS at the rate of before."""
    begins, ends = one.bounds_ns("before")
    per_s = len(before) / ((ends - begins) / 1e9)
    return max(LEAST_WINDOW_S, LEAST_READS / per_s) if per_s else math.inf


def _first(good: npt.NDArray[np.bool_]) -> float:
    """The first window that is good and has a good one after it."""
    both = np.flatnonzero(good[:-1] & good[1:])
    return float(both[0]) if len(both) else math.inf


def _of_cell(found: Measured, cell: Cell, others: Sequence[Cell], *, opens: bool) -> Iterator[Finding]:
    """``others``: all clients under this fault, to be told of together; ``opens`` the report."""
    trials = faulted(found, cell)
    if not trials:
        yield found.absent(
            cell, "error_share", "share", "lower", "when the cache was lost wasn't recorded", {"when": "during"}
        )
        return
    worst: When = "during" if any(len(one.due("during")) for one in trials) else "after"
    for when in WHEN:
        due = [one.due(when) for one in trials]
        rows = pd.concat(due)
        if rows.empty:
            continue
        yield _errors(found, cell, rows, when, others if when == worst else (), opens=opens and when == worst)
        p99_ms = [figures.seen_p99_ms(reads["latency_us"].to_numpy()) for reads in due]
        yield figures.seen_p99(found, cell, p99_ms, f"of all reads due {_SAID[when]}", {"when": when})
        yield _database(found, cell, trials, when)
    yield from _recovery(found, cell, trials)


def _errors(
    found: Measured, cell: Cell, rows: pd.DataFrame, when: When, others: Sequence[Cell], *, opens: bool
) -> Finding:
    share = figures.share_of(rows["outcome"] != "ok", rows["trial"])
    grounds = f"({len(rows):,} reads{_over(faulted(found, cell), when)}, {count(share.n, 'trial')}{span(share.low, share.high, percent)}; {found.on(cell)})"
    if others:
        fault = FAULTS[cell.step][0] if cell.step in FAULTS else f"had the fault {cell.step}"
        told = "; ".join(f"{arm_words(one.arm)} {_outcome(found, one, when)}" for one in others)
        lost = "one node of the cache" if of_one_node(found, cell.step) else "the cache"
        sentence = f"While {lost} in front of {engine_name(cell.engine)} {fault}: {told} {grounds}."
    else:
        sentence = f"{cell.about}: {percent(share.value)} of reads got no answer {_SAID[when]} {grounds}."
    finding = found.say(cell, "error_share", sentence, share, "share", "lower", headline=opens, about={"when": when})
    return found.tool.exempt(finding, trials=cell.trials)


def _outcome(found: Measured, cell: Cell, when: When) -> str:
    """What one client's readers met: errors, p99 and the database's load against before."""
    trials = faulted(found, cell)
    rows = pd.concat([one.due(when) for one in trials]) if trials else pd.DataFrame()
    if rows.empty:
        return "wasn't measured"
    errors = percent(float((rows["outcome"] != "ok").mean()))
    load, before = (np.nanmean([one.database_per_s(at) for one in trials]) for at in (when, "before"))
    seen = [figures.seen_p99_ms(one.due(when)["latency_us"].to_numpy()) for one in trials]
    p99_ms = [time for time in seen if time is not None]
    wait = f", p99 {milliseconds(float(np.mean(p99_ms)))}" if p99_ms else ""
    return f"{errors} of reads without an answer{wait}, {number(float(load))} database reads/s (before {number(float(before))})"


def _over(trials: Sequence[Faulted], when: When) -> str:
    """`` in 0.35 s``: the window that a count or a rate is of, the mean of the trials'."""
    spans_s = [(ends - begins) / 1e9 for begins, ends in (one.bounds_ns(when) for one in trials)]
    return f" in {seconds(float(np.mean(spans_s)))}"


def _database(found: Measured, cell: Cell, trials: Sequence[Faulted], when: When) -> Finding:
    rates = [rate for rate in (one.database_per_s(when) for one in trials) if math.isfinite(rate)]
    load = clipped(stats.mean_of_trials(rates))
    sentence = (
        f"{cell.about}: {number(load.value)} reads a second came from the database {_SAID[when]} "
        f"({count(load.n, 'trial')}{_over(trials, when)}{span(load.low, load.high)}; {found.on(cell)})."
    )
    finding = found.say(cell, "database_reads_per_s", sentence, load, "reads/s", "lower", about={"when": when})
    return found.tool.exempt(finding, trials=cell.trials)


def _recovery(found: Measured, cell: Cell, trials: Sequence[Faulted]) -> Iterator[Finding]:
    measured = [one for one in trials if len(one.due("before")) and len(one.due("after"))]
    if not measured:
        yield found.absent(cell, "recovery_s", "s", "lower", "nothing was read before the fault, or after its repair")
        return
    times = [recovered_s(one) for one in measured]
    until = [(one.ends_ns - one.repaired_ns) / 1e9 for one in measured]
    goals = {
        "hit_rate": ("the hit rate", f"back at {percent(HIT_SHARE)} of before"),
        "p99": ("p99", f"within {P99_TIMES:g} × before"),
    }
    for which, (what, goal) in goals.items():
        ended = [one[which] for one in times if math.isfinite(one[which])]
        unended = [last for one, last in zip(times, until, strict=True) if not math.isfinite(one[which])]
        time = stats.median_of_trials(ended, unended)
        when = f"{seconds(time.value)} after the repair" if time.value else "at once"
        said = f"wasn't {goal} within {seconds(time.value)}" if time.at_least else f"was {goal} {when}"
        sentence = f"{cell.about}: {what} {said} (median of {count(time.n, 'trial')}{span(time.low, time.high, seconds)}; {found.on(cell)})."
        finding = found.say(cell, "recovery_s", sentence, time, "s", "lower", about={"of": which})
        yield found.tool.exempt(finding, trials=cell.trials, figure_ms=1e3 * max(time.value, LEAST_WINDOW_S))
