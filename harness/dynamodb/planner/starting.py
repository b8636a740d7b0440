"""What a setting provisions without looking at what was consumed: at first, and in each hour of a day."""

from math import ceil

import numpy as np

from harness.dynamodb.parameters import DAY_S, MINUTE_S, Kind
from harness.dynamodb.planner.model import (
    HOURS_A_DAY,
    Autoscaled,
    Capacities,
    Fixed,
    OnDemand,
    Scheduled,
    Setting,
)

_HOUR_S = 3_600


def first_capacity(setting: Setting, kind: Kind, first_minute_units: float, now_s: float) -> int:
    """What is provisioned as the demand begins; 0 on demand.

    Auto scaling has been at work before: the first minute is at the target, as far as the bounds let it.
    """
    match setting:
        case OnDemand():
            return 0
        case Fixed():
            return setting.read if kind == "read" else setting.write
        case Scheduled():
            return hour_capacity(setting, kind, now_s)
        case Autoscaled():
            policy = setting.read if kind == "read" else setting.write
            at_target = ceil(round(first_minute_units / MINUTE_S * 100 / policy.target_percent, 6))
            return min(max(at_target, policy.minimum), policy.maximum)


def hour_capacity(setting: Scheduled, kind: Kind, now_s: float) -> int:
    """What the schedule provisions at this second of UTC."""
    table = setting.read if kind == "read" else setting.write
    return table[int(now_s % DAY_S) // _HOUR_S]


def scheduled_path(setting: Scheduled, kind: Kind, start_s: int, minutes: int) -> Capacities:
    """The schedule's capacity in each of so many minutes."""
    table = np.array(setting.read if kind == "read" else setting.write, dtype=np.int64)
    return table[hours_of(start_s, minutes)]


def hours_of(start_s: int, minutes: int) -> Capacities:
    """The hour of the UTC day of each minute."""
    hours: Capacities = ((start_s // 60 + np.arange(minutes, dtype=np.int64)) // 60) % HOURS_A_DAY
    return hours
