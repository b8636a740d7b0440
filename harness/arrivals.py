"""When operations are due: pure generators of offsets from a trial's beginning, in ns.

An open loop takes its intended starts from here and records how late it was; nothing is slowed down silently.
"""

from collections.abc import Iterable, Iterator
from math import sqrt

NS_PER_S = 1_000_000_000


def constant(*, interval_ns: int, duration_ns: int) -> Iterator[int]:
    """One arrival every ``interval_ns``, the first at 0, none at or after ``duration_ns``."""
    if interval_ns <= 0:
        raise ValueError(f"interval_ns must be > 0, got {interval_ns}")
    return iter(range(0, duration_ns, interval_ns))


def work_ramp(
    costs: Iterable[float], *, peak_per_s: float, ramp_s: float, hold_s: float
) -> Iterator[tuple[int, float]]:
    """Arrivals whose *work* follows a ramp: 0 to ``peak_per_s`` over ``ramp_s``, then level for ``hold_s``.

    ``costs`` gives each arrival's work in turn (units of capacity, say). An arrival is due when the demand
    integrated so far covers the work of those before it: D(t) = peak·t²/(2·ramp) while rising,
    peak·ramp/2 + peak·(t − ramp) after. Yields (offset ns, cost) until ramp and hold are over.
    """
    if peak_per_s <= 0 or ramp_s < 0 or hold_s < 0:
        raise ValueError(f"a ramp needs peak > 0 and times >= 0, got {peak_per_s}, {ramp_s}, {hold_s}")
    risen = peak_per_s * ramp_s / 2
    asked = 0.0
    for cost in costs:
        due_s = sqrt(2 * ramp_s * asked / peak_per_s) if asked < risen else ramp_s + (asked - risen) / peak_per_s
        if due_s >= ramp_s + hold_s:
            return
        yield int(due_s * NS_PER_S), cost
        asked += cost
