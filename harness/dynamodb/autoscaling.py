"""Target tracking: what auto scaling makes of a table's capacity, minute by minute (B6). Pure, on the caller's clock.

The service's own alarms are what is modelled. For a target of 70 % they go off when consumption was above 70 % of what
is provisioned in each of 2 minutes, or below 50 % in each of 15. A change of capacity moves both thresholds, for the
minutes that are past too.
"""

from collections import deque
from dataclasses import dataclass
from math import ceil

from harness.dynamodb.parameters import MINUTE_S
from harness.dynamodb.quotas import Decreases

LEAST_TARGET, MOST_TARGET = 20, 90


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalingParameters:
    """The figures of the service's auto scaling, by default as it publishes them, or as they were measured on it."""

    up_minutes: int = 2
    """Minutes above the target after which capacity is raised (B6; developer guide, auto scaling)."""
    down_minutes: int = 15
    """Minutes below the lower threshold after which it is lowered (B6; same)."""
    down_points: float = 20.0
    """How far below the target that threshold is, in points of utilisation (B6; measured: 50 % for a target of 70 %)."""
    delay_s: float = 0.0
    """From the end of the last of those minutes to the change.

    The developer guide says "up to a few minutes" for the alarm and "several minutes" for the change; 82 s were measured.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a target tracking policy asks for, and the bounds of what it scales. Cooldowns are 0 where nobody sets them.

    Raises ValueError for a target outside 20–90 %, bounds that cross, or a cooldown below 0.
    """

    target_percent: float
    minimum: int
    maximum: int
    scale_out_cooldown_s: float = 0.0
    scale_in_cooldown_s: float = 0.0
    scale_in: bool = True

    def __post_init__(self) -> None:
        if not LEAST_TARGET <= self.target_percent <= MOST_TARGET:
            raise ValueError(f"expected a target from {LEAST_TARGET} to {MOST_TARGET} %, found {self.target_percent}")
        if not 1 <= self.minimum <= self.maximum:
            raise ValueError(f"expected 1 ≤ minimum ≤ maximum, found {self.minimum} and {self.maximum}")
        if min(self.scale_in_cooldown_s, self.scale_out_cooldown_s) < 0:
            raise ValueError(
                f"expected cooldowns of 0 s or more, found {self.scale_in_cooldown_s} and {self.scale_out_cooldown_s}"
            )


class TargetTracking:
    """One policy at work on one kind of capacity of one table or index."""

    def __init__(
        self,
        policy: Policy,
        *,
        decreases: Decreases | None = None,
        params: AutoscalingParameters | None = None,
    ) -> None:
        self.policy = policy
        """May be replaced: a policy that is put again goes on with the minutes that were seen."""
        self._params = params or AutoscalingParameters()
        self._decreases = decreases
        self._minutes: deque[float] = deque(maxlen=max(self._params.up_minutes, self._params.down_minutes))
        self._out_s = self._in_s = float("-inf")  # when it last scaled out, and in
        self._step_out = 0
        self._due: tuple[float, int] | None = None

    def step(self, now_s: float, consumed_units: float, capacity: int) -> int | None:
        """Tell what was consumed in the minute that has ended; the capacity to set now, None to leave it.

        Called once a minute, at its end. ``capacity`` is what is provisioned at present. A decrease that the quota of
        ``decreases`` forbids is left for a later minute.
        """
        self._minutes.append(consumed_units)
        if self._due is None:
            wanted = self._wanted(now_s, capacity)
            if wanted is not None:
                self._due = (now_s + self._params.delay_s, wanted)
        if self._due is None or now_s < self._due[0]:
            return None
        wanted, self._due = self._due[1], None
        if wanted == capacity or self._forbidden(wanted, now_s, capacity):
            return None
        if wanted > capacity:
            self._out_s, self._step_out = now_s, wanted - capacity
            self._in_s = float("-inf")  # to scale out ends the cooldown of scaling in
        else:
            self._in_s = now_s
        return wanted

    def _wanted(self, now_s: float, capacity: int) -> int | None:
        up, down = self._params.up_minutes, self._params.down_minutes
        policy, provisioned = self.policy, capacity * MINUTE_S
        minutes = list(self._minutes)
        above = provisioned * policy.target_percent / 100
        if len(minutes) >= up and all(units > above for units in minutes[-up:]):
            # Out as far as the last minute asks for, at once.
            wanted = min(max(self._at_target(minutes[-1]), capacity + 1), policy.maximum)
            cooled = now_s >= self._out_s + policy.scale_out_cooldown_s
            return wanted if wanted > capacity and (cooled or wanted - capacity > self._step_out) else None
        below = provisioned * (policy.target_percent - self._params.down_points) / 100
        if policy.scale_in and len(minutes) >= down and all(units < below for units in minutes[-down:]):
            # In with care: the busiest of the minutes still fits.
            wanted = max(self._at_target(max(minutes[-down:])), policy.minimum)
            cooled = now_s >= self._in_s + policy.scale_in_cooldown_s
            return wanted if wanted < capacity and cooled and not self._forbidden(wanted, now_s, capacity) else None
        return None

    def _at_target(self, units_a_minute: float) -> int:
        """The capacity of which a minute's consumption is the target's share."""
        return ceil(round(units_a_minute / MINUTE_S * 100 / self.policy.target_percent, 6))

    def _forbidden(self, wanted: int, now_s: float, capacity: int) -> bool:
        return wanted < capacity and self._decreases is not None and self._decreases.next_s(now_s) > now_s
