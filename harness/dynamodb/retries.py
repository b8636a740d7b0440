"""What an application's client does about an attempt that failed: botocore's rules, with nothing hidden.

Pure over an injected clock and generator: nothing here sleeps or sends. The constants and the order of the rules are
botocore 1.44's (``botocore/retries``: standard.py, quota.py, adaptive.py, throttling.py, bucket.py), and a test drives
both side by side. Since that version DynamoDB gets 4 attempts, backs off from 25 ms, and from 1 s after a throttle;
before it, 3 attempts from 1 s each.
"""

import math
import random
import time
from collections.abc import Callable
from typing import Literal

Mode = Literal["none", "standard", "adaptive"]
Fate = Literal["ok", "throttled", "transient", "final"]

MAX_ATTEMPTS = 4  # standard.py, _SERVICE_MAX_ATTEMPTS["dynamodb"]
BACKOFF_BASE_S = {"throttled": 1.0, "transient": 0.025}
BACKOFF_MOST_S = 20.0
RETRY_AFTER_MOST_S = 5.0  # what a header may add to the pause
QUOTA = 500
QUOTA_COST = {"throttled": 5, "transient": 14}
QUOTA_BACK = 1  # for an operation that succeeded at once

# standard.py: answers that are tried again, by status or by code. A refusal of a limit counts as a throttle there.
TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
TRANSIENT_CODES = frozenset({"RequestTimeout", "RequestTimeoutException"})
THROTTLED_STATUS = 429
THROTTLED_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)


def fate(status: int | None, error_code: str | None) -> Fate:
    """What becomes of an attempt; ``status`` None where no answer came, whatever was sent: that is transient."""
    if status is None:
        return "transient"
    if 200 <= status < 300:
        return "ok"
    if error_code in THROTTLED_CODES or status == THROTTLED_STATUS:
        return "throttled"
    if status in TRANSIENT_STATUSES or error_code in TRANSIENT_CODES:
        return "transient"
    return "final"


class Retries:
    """One client's policy, shared by all its operations: quota and rate are the application's, not a request's.

    ``clock_s`` and ``rng`` are the only sources of time and chance. Not for use by several threads at once.
    """

    __slots__ = ("_limiter", "_rng", "available", "max_attempts", "mode")

    def __init__(
        self,
        mode: Mode = "none",
        *,
        max_attempts: int = MAX_ATTEMPTS,
        clock_s: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self.mode = mode
        self.max_attempts = 1 if mode == "none" else max_attempts
        self.available = QUOTA
        self._rng = rng or random.Random()
        self._limiter = RateLimiter(clock_s) if mode == "adaptive" else None

    def start(self) -> "Tries":
        """The bookkeeping of one operation."""
        return Tries(self)

    @property
    def holds(self) -> bool:
        """Whether attempts may be held back at all: ``adaptive`` alone does that."""
        return self._limiter is not None

    def hold_s(self) -> float:
        """How long to wait before asking again; 0: an attempt may be sent now."""
        return self._limiter.hold_s() if self._limiter else 0.0

    def answered(self, end: Fate) -> None:
        """Every attempt's end moves the rate of ``adaptive``, the last one's too."""
        if self._limiter:
            self._limiter.answered(throttled=end == "throttled")

    def take(self, cost: int) -> bool:
        """Take ``cost`` from the quota, or nothing and False where it isn't there."""
        if cost > self.available:
            return False
        self.available -= cost
        return True

    def give_back(self, amount: int) -> None:
        """Return some of the quota, to its size at most."""
        self.available = min(QUOTA, self.available + amount)

    def backoff_s(self, attempt: int, end: Fate, retry_after_s: float | None) -> float:
        """rand(0, 1) × min(base × 2^(attempt − 1), 20 s); a service's wish raises it, by 5 s at most."""
        pause_s = self._rng.random() * min(BACKOFF_BASE_S[end] * 2.0 ** (attempt - 1), BACKOFF_MOST_S)
        if retry_after_s is None:
            return pause_s
        return max(pause_s, min(retry_after_s, RETRY_AFTER_MOST_S + pause_s))


class Tries:
    """One operation's attempts under a policy; ``attempt`` is the number of the latest that ended."""

    __slots__ = ("_policy", "_taken", "attempt")

    def __init__(self, policy: Retries) -> None:
        self._policy = policy
        self._taken: int | None = None
        self.attempt = 0

    def ended(self, end: Fate, retry_after_s: float | None = None) -> float | None:
        """Note how an attempt ended: seconds to pause before the next, or None: that was the last."""
        policy = self._policy
        self.attempt += 1
        policy.answered(end)
        if end == "ok":
            policy.give_back(QUOTA_BACK if self._taken is None else self._taken)
            return None
        if end == "final" or self.attempt >= policy.max_attempts:
            return None
        cost = QUOTA_COST[end]
        if not policy.take(cost):
            return None
        self._taken = cost
        return policy.backoff_s(self.attempt, end, retry_after_s)


class RateLimiter:
    """``adaptive``: once throttled, sends no faster than CUBIC lets it (throttling.py), from a token bucket.

    botocore wakes a waiting request when the rate changes; here it looks again when its wait is over.
    """

    __slots__ = ("_clock_s", "_cubic", "_enabled", "_rate", "_tokens")

    SCALE_MOST = 2.0  # the limit never exceeds twice the rate that is being sent

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._enabled = False
        self._cubic = _Cubic(clock_s())
        self._tokens = _Tokens(clock_s())
        self._rate = _SendRate(clock_s())

    def hold_s(self) -> float:
        """0 and a token taken, or the seconds until there is one."""
        return self._tokens.hold_s(self._clock_s()) if self._enabled else 0.0

    def answered(self, *, throttled: bool) -> None:
        """One attempt ended."""
        now_s = self._clock_s()
        sending_per_s = self._rate.record(now_s)
        if throttled:
            failed_at = min(sending_per_s, self._tokens.per_s) if self._enabled else sending_per_s
            limit_per_s = self._cubic.throttled(failed_at, now_s)
            self._enabled = True
        else:
            limit_per_s = self._cubic.succeeded(now_s)
        self._tokens.set_rate(min(limit_per_s, self.SCALE_MOST * sending_per_s), now_s)


class _Cubic:
    """Down to 0.7 of the rate that throttled, then slowly back to it and past it."""

    __slots__ = ("_failed_s", "_flat_s", "_most_per_s")

    SCALE, BETA = 0.4, 0.7

    def __init__(self, now_s: float) -> None:
        self._most_per_s, self._flat_s, self._failed_s = 0.0, 0.0, now_s

    def succeeded(self, now_s: float) -> float:
        return float(self.SCALE * (now_s - self._failed_s - self._flat_s) ** 3 + self._most_per_s)

    def throttled(self, per_s: float, now_s: float) -> float:
        self._most_per_s, self._failed_s = per_s, now_s
        self._flat_s = (per_s * (1 - self.BETA) / self.SCALE) ** (1 / 3)
        return per_s * self.BETA


class _SendRate:
    """Attempts a second, smoothed over windows of half a second."""

    __slots__ = ("_count", "_per_s", "_window_s")

    WINDOWS_PER_S, SMOOTHING = 2, 0.8

    def __init__(self, now_s: float) -> None:
        self._count, self._per_s, self._window_s = 0, 0.0, float(math.floor(now_s))

    def record(self, now_s: float) -> float:
        window_s = math.floor(now_s * self.WINDOWS_PER_S) / self.WINDOWS_PER_S
        self._count += 1
        if window_s > self._window_s:
            latest_per_s = self._count / (window_s - self._window_s)
            self._per_s = latest_per_s * self.SMOOTHING + self._per_s * (1 - self.SMOOTHING)
            self._count, self._window_s = 0, window_s
        return self._per_s


class _Tokens:
    """A token an attempt, at ``per_s``; a second's worth is kept, one at least."""

    __slots__ = ("_filled_s", "_held", "_most", "per_s")

    LEAST_PER_S = 0.5

    def __init__(self, now_s: float) -> None:
        self.per_s, self._most, self._held, self._filled_s = 1.0, 1.0, 0.0, now_s

    def hold_s(self, now_s: float) -> float:
        self._fill(now_s)
        if self._held < 1:
            return (1 - self._held) / self.per_s
        self._held -= 1
        return 0.0

    def set_rate(self, per_s: float, now_s: float) -> None:
        self._fill(now_s)
        self.per_s, self._most = max(per_s, self.LEAST_PER_S), max(per_s, 1.0)
        self._held = min(self._held, self._most)

    def _fill(self, now_s: float) -> None:
        self._held = min(self._most, self._held + (now_s - self._filled_s) * self.per_s)
        self._filled_s = now_s
