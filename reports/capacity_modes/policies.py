"""What retries do on a table that refuses: attempts, what is served in the end, and how long that takes."""

from collections.abc import Iterator

import numpy as np

from reports import stats
from reports.capacity_modes.onset import not_negative
from reports.capacity_modes.samples import NAME, Cell
from reports.capacity_modes.wording import Sayer, arm, case, sure
from reports.findings import Finding
from reports.tool import Statistic
from reports.words import count, measured, number, percent, seconds

PERCENTILES: tuple[tuple[float, Statistic], ...] = ((50.0, "p50"), (99.0, "p99"))


def policy(sayer: Sayer, cell: Cell) -> Iterator[Finding]:
    """The findings of one retry policy, for reads or writes."""
    yield _attempts(sayer, cell)
    yield _served(sayer, cell)
    yield _wasted(sayer, cell)
    for p, statistic in PERCENTILES:
        yield _latency(sayer, cell, p, statistic)


def _attempts(sayer: Sayer, cell: Cell) -> Finding:
    each = not_negative(stats.mean_of_trials(cell.ops.groupby("trial")["attempts"].mean().to_numpy()))
    sentence = (
        f"{case(cell)}, {arm(cell)}: a {cell.kind} took {number(each.value)} attempts ({sure(each)}; {sayer.on(cell)})."
    )
    return sayer.say(cell, "policy.attempts_per_request", sentence, each, "attempts", "lower")


def _served(sayer: Sayer, cell: Cell) -> Finding:
    ops = cell.ops.groupby("trial")["served"]
    share = stats.share_of_trials(ops.sum().to_numpy(), ops.size().to_numpy())
    sentence = (
        f"{case(cell)}, {arm(cell)}: {percent(share.value)} of {len(cell.ops):,} {cell.kind}s were served in the end "
        f"({sure(share, percent)}; {sayer.on(cell)})."
    )
    return sayer.say(cell, "policy.served_share", sentence, share, "share", "higher")


def _wasted(sayer: Sayer, cell: Cell) -> Finding:
    """Attempts that were refused for each request that was served: they cost no capacity, only time and connections."""
    id, ops = "policy.refused_attempts_per_served", cell.ops.groupby("trial")
    served = ops["served"].sum()
    if (served == 0).any():
        return sayer.absent(cell, id, "attempts", "lower", f"a trial served no {cell.kind} at all")
    each = not_negative(stats.mean_of_trials((ops["refused"].sum() / served).to_numpy()))
    sentence = (
        f"{case(cell)}, {arm(cell)}: {number(each.value)} attempts were refused for each {cell.kind} that was served "
        f"({sure(each)}; {sayer.on(cell)})."
    )
    return sayer.say(cell, id, sentence, each, "attempts", "lower")


def _seconds(value_s: float) -> str:
    return seconds(value_s) if value_s else "0 s"


def _latency(sayer: Sayer, cell: Cell, p: float, statistic: Statistic) -> Finding:
    """From when a served request was due to the end of its last attempt; the mean of the trials' own percentiles.

    Within a trial latency changes by design, once the store is empty: effective samples mean nothing there, and the
    trials' spread is what says how sure it is. The tool's own time passes on the wall's clock, and counts ``speed`` times here: what it comes to is said.
    """
    id = f"policy.latency_{statistic}_s"
    served = cell.ops[cell.ops["served"]].sort_values("due_s")
    trials = [times.to_numpy() for _, times in served.groupby("trial")["latency_s"]]
    fewest = min(len(times) for times in trials) if len(trials) == len(cell.trials) else 0
    if fewest < stats.LEAST_SAMPLES[p]:
        reason = f"a trial with {count(fewest, 'served request')} has too few for a {statistic}"
        return sayer.absent(cell, id, "s", "lower", reason)
    each = [float(np.percentile(times, p)) for times in trials]
    time, op = not_negative(stats.mean_of_trials(each)), str(cell.attempts["op"].mode().iloc[0])
    sentence = (
        f"{case(cell)}, {arm(cell)}: a {cell.kind} that was served had taken {seconds(time.value)} at {statistic}, pauses and "
        f"refused attempts included ({sure(time, _seconds)}; {count(len(served), 'request')}; {sayer.on(cell)}, service seconds)."
    )
    finding = measured(sayer.run, NAME, f"{NAME}.{id}", sentence, time, "s", "lower", cell.labels | {"op": op})
    floor = sayer.tool.floor(cell.client, op)
    held = sayer.tool.judged(
        finding, trials=cell.trials, per_trial=each, floor=floor, statistic=statistic, speed=cell.speed
    )
    # A policy that waits keeps slots busy, and the wait for one is its doing; without retries it is the tool's.
    stands_on_s = time.value if cell.policy == "none" else cell.length_s
    return held if held.status == "tool_bound" else sayer.came_as_planned(cell, held, stands_on_s)
