"""The compiled replay: the rules of admission.py, growth.py, autoscaling.py and quotas.py over arrays of minutes.

``reference.py`` does the same through those modules themselves; property tests hold the two equal. Each function is
compiled when it is first called and kept on disk beside this file, or in the user's cache where that can't be written.

A minute's units are asked for evenly in its first ``busy_s`` seconds. What can be served then is what is stored at its
beginning and what comes in while it is busy; for the store at its end only the sum matters (B2, B11).
"""

import numpy as np
import numpy.typing as npt

from harness.compiled import compiled as _compiled
from harness.dynamodb.planner.model import Capacities, Units

Tracking = npt.NDArray[np.float64]
"""One kind's auto scaling: the columns below, the policy's figures first, then what it remembers."""

MINUTE, DAY = 60.0, 86_400.0
TARGET, MINIMUM, MAXIMUM, OUT_COOLDOWN, IN_COOLDOWN, SCALE_IN, LAST_OUT, LAST_IN, STEP_OUT, DUE, DUE_UNITS = range(11)
"""Columns of Tracking. ``DUE`` is infinite where nothing is due."""
COUNT, LAST, NEXT, MOST_A_DAY, INTERVAL, DAY_BEGAN = range(6)
"""Columns of the decreases' record: how many on the last one's day, when it was, when one is allowed, the quota's figures."""


@_compiled
def _serve(level: float, rate: float, units: float, busy_s: float) -> float:
    """What is served of a minute's units: all, or what is stored and comes in while they are asked for."""
    most = max(level, 0.0) + rate * busy_s
    return min(units, most)


@_compiled
def serve_path(units: Units, rates: Capacities, burst_s: float, fill: float, busy_s: float, served: Units) -> None:
    """Serve a demand from capacities given for each minute; fills ``served``."""
    rate = float(rates[0])
    level = rate * burst_s * fill
    for minute in range(len(units)):
        if rates[minute] != rate:
            rate = float(rates[minute])
            level = min(level, rate * burst_s)
        served[minute] = _serve(level, rate, units[minute], busy_s)
        level = min((level - served[minute]) + MINUTE * rate, rate * burst_s)


@_compiled
def serve_on_demand(
    units: Units, start: float, account: float, burst_s: float, delay_minutes: int, busy_s: float, served: Units
) -> None:
    """Serve a demand on demand: twice the peak of any minute that ended ``delay_minutes`` ago, ``start`` at least (B5)."""
    sustained = start
    rate = min(sustained, account)
    level = rate * burst_s
    for minute in range(len(units)):
        before = minute - 1 - delay_minutes
        if before >= 0 and 2.0 * (served[before] / MINUTE) > sustained:
            sustained = 2.0 * (served[before] / MINUTE)
            rate = min(sustained, account)
        served[minute] = _serve(level, rate, units[minute], busy_s)
        level = min((level - served[minute]) + MINUTE * rate, rate * burst_s)


@_compiled
def _record(now_s: float, decreases: Units) -> None:
    """A decrease has been made; when the next one is allowed (B6), as quotas.py has it."""
    day = (now_s - decreases[DAY_BEGAN]) // DAY
    same = decreases[LAST] != -np.inf and day == (decreases[LAST] - decreases[DAY_BEGAN]) // DAY
    decreases[COUNT] = decreases[COUNT] + 1.0 if same else 1.0
    decreases[LAST] = now_s
    decreases[NEXT] = -np.inf
    if decreases[COUNT] >= decreases[MOST_A_DAY]:
        midnight_s = (day + 1.0) * DAY + decreases[DAY_BEGAN]
        allowed_s = now_s + decreases[INTERVAL]
        decreases[NEXT] = min(allowed_s, midnight_s) if decreases[MOST_A_DAY] > 0.0 else allowed_s


@_compiled
def _at_target(units: float, target: float) -> float:
    """The capacity of which a minute's units are the target's share, as autoscaling.py rounds it."""
    return float(np.ceil(np.rint(units / MINUTE * 100.0 / target * 1e6) / 1e6))


@_compiled
def _thresholds(capacity: float, target: float, points: float) -> tuple[float, float]:
    """A minute's units above which the one alarm counts, and below which the other does (B6)."""
    provisioned = capacity * MINUTE
    return provisioned * target / 100.0, provisioned * (target - points) / 100.0


@_compiled
def _all_above(served: Units, minute: int, minutes: int, limit: float) -> bool:
    for at in range(minute + 1 - minutes, minute + 1):  # noqa: SIM110 - generators aren't compiled
        if served[at] <= limit:
            return False
    return True


@_compiled
def _wanted(
    served: Units, minute: int, now_s: float, capacity: float, up: int, down: int, points: float,
    one: Tracking, decreases: Units,
) -> float:  # fmt: skip
    """What the alarms ask for, -1 for nothing."""
    target = one[TARGET]
    above, below = _thresholds(capacity, target, points)
    if minute + 1 >= up and _all_above(served, minute, up, above):
        wanted = min(max(_at_target(served[minute], target), capacity + 1.0), one[MAXIMUM])
        cooled = now_s >= one[LAST_OUT] + one[OUT_COOLDOWN]
        if wanted > capacity and (cooled or wanted - capacity > one[STEP_OUT]):
            return float(wanted)
        return -1.0
    if one[SCALE_IN] == 0.0 or minute + 1 < down or now_s < decreases[NEXT]:
        return -1.0
    busiest = 0.0
    for at in range(minute, minute - down, -1):
        if served[at] >= below:
            return -1.0
        busiest = max(busiest, served[at])
    wanted = max(_at_target(busiest, target), one[MINIMUM])
    if wanted >= capacity or now_s < one[LAST_IN] + one[IN_COOLDOWN]:
        return -1.0
    return float(wanted)


@_compiled
def _step(
    served: Units, minute: int, now_s: float, capacity: float, up: int, down: int, points: float, delay_s: float,
    one: Tracking, decreases: Units,
) -> float:  # fmt: skip
    """TargetTracking.step: the capacity from now on."""
    if one[DUE] == np.inf:
        asked = _wanted(served, minute, now_s, capacity, up, down, points, one, decreases)
        if asked >= 0.0:
            one[DUE], one[DUE_UNITS] = now_s + delay_s, asked
    if one[DUE] == np.inf or now_s < one[DUE]:
        return capacity
    wanted, one[DUE] = one[DUE_UNITS], np.inf
    if wanted == capacity or (wanted < capacity and now_s < decreases[NEXT]):
        return capacity
    if wanted > capacity:
        one[LAST_OUT], one[STEP_OUT], one[LAST_IN] = now_s, wanted - capacity, -np.inf
    else:
        one[LAST_IN] = now_s
        _record(now_s, decreases)
    return float(wanted)


@_compiled
def _serve_quietly(
    asked: Units, begin: int, start_s: float, level: float, rate: float, burst_s: float, busy_s: float, up: int, down: int,
    points: float, one: Tracking, next_s: float, served: Units, capacity: Capacities,
) -> tuple[int, float]:  # fmt: skip
    """Serve one kind from a minute on, up to and with the first in which its capacity might change; that minute, and the store.

    Might: a change is due, or enough minutes in a row are beyond an alarm (beyond the lower one, if anything can be taken away,
    and the next decrease is allowed, ``next_s``). Past the last minute where there is none.
    """
    above, below = _thresholds(rate, one[TARGET], points)
    due_s, most = one[DUE], rate * burst_s
    earliest_s = next_s if rate > one[MINIMUM] and one[SCALE_IN] != 0.0 else np.inf
    hot, cold = _in_a_row(served, begin, up, down, above, below)
    for minute in range(begin, len(asked)):
        capacity[minute] = int(rate)
        now = served[minute] = _serve(level, rate, asked[minute], busy_s)
        level = min((level - now) + MINUTE * rate, most)
        ends_s = start_s + MINUTE * (minute + 1)
        hot = hot + 1 if now > above else 0
        cold = cold + 1 if now < below else 0
        if due_s != np.inf:
            if ends_s >= due_s:
                return minute, level
        elif hot >= up or (cold >= down and ends_s >= earliest_s):
            return minute, level
    return len(asked), level


@_compiled
def _in_a_row(served: Units, end: int, up: int, down: int, above: float, below: float) -> tuple[int, int]:
    """How many minutes in a row before ``end`` are above the one limit, or below the other; no more than an alarm needs."""
    hot, cold = 0, 0
    while hot < min(up, end) and served[end - 1 - hot] > above:
        hot += 1
    while cold < min(down, end) and served[end - 1 - cold] < below:
        cold += 1
    return hot, cold


@_compiled
def serve_autoscaled(
    asked: Units, first: Capacities, start_s: float, burst_s: float, fill: float, busy_s: float, up: int, down: int,
    points: float, delay_s: float, tracking: Tracking, decreases: Units, served: Units, capacity: Capacities,
) -> None:  # fmt: skip
    """Both kinds of one table under target tracking, row 0 reads and row 1 writes; fills ``served`` and ``capacity``.

    Each kind runs ahead to where its capacity might change. They share the quota of decreases, which only such a minute
    alters, and which never allows one sooner than it said before; so the earlier of them is decided first, and reads before
    writes where both are of one minute.
    """
    levels = np.empty(2)
    rates = np.empty(2)
    reached = np.full(2, -1)
    for kind in range(2):
        rates[kind] = float(first[kind])
        levels[kind] = rates[kind] * burst_s * fill
    minute = -1
    while minute < asked.shape[1]:
        for kind in range(2):
            if reached[kind] == minute:
                reached[kind], levels[kind] = _serve_quietly(
                    asked[kind], minute + 1, start_s, levels[kind], rates[kind], burst_s, busy_s, up, down, points,
                    tracking[kind], decreases[NEXT], served[kind], capacity[kind],
                )  # fmt: skip
        minute = min(reached[0], reached[1])
        if minute == asked.shape[1]:
            return
        ends_s = start_s + MINUTE * (minute + 1)
        for kind in range(2):
            if reached[kind] == minute:
                rates[kind] = _step(
                    served[kind], minute, ends_s, rates[kind], up, down, points, delay_s, tracking[kind], decreases
                )
                levels[kind] = min(levels[kind], rates[kind] * burst_s)


@_compiled
def pass_keys(units: Units, shares: Units, rate: float, burst_s: float, busy_s: float, passed: Units) -> None:
    """What single keys let through of a demand, each alone on a partition that serves ``rate`` (B1); fills ``passed``."""
    passed[:] = units
    store = rate * burst_s
    for key in range(len(shares)):
        share, level = shares[key], store
        for minute in range(len(units)):
            asked = units[minute] * share
            through = _serve(level, rate, asked, busy_s)
            level = min((level - through) + MINUTE * rate, store)
            passed[minute] -= asked - through


@_compiled
def throttled(units: Units, served: Units) -> tuple[float, int, int]:
    """Units that were not served, in how many minutes, and the most such minutes in a row."""
    total, minutes, longest, stretch = 0.0, 0, 0, 0
    for minute in range(len(units)):
        missing = units[minute] - served[minute]
        if missing > 1e-9 * units[minute]:
            total += missing
            minutes += 1
            stretch += 1
            longest = max(longest, stretch)
        else:
            stretch = 0
    return total, minutes, longest
