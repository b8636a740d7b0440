"""How often a table may be changed: decreases of its capacity by the day, switches to on-demand in 24 hours (B6, B7)."""

from collections import deque

from harness.dynamodb.parameters import DAY_S, AdmissionParameters


class Decreases:
    """Decreases of one table's or one index's capacity: some a UTC day, then one for each hour without any (B6).

    What was measured on the service: the hour counts from the last decrease, not by the clock, and midnight ends it.
    """

    __slots__ = ("_params", "_today", "last_s")

    def __init__(self, params: AdmissionParameters) -> None:
        self._params = params
        self._today = 0
        self.last_s: float | None = None
        """When the last one was."""

    def today(self, now_s: float) -> int:
        """Decreases so far in the UTC day of this instant."""
        return self._today if self.last_s is not None and self._day(now_s) == self._day(self.last_s) else 0

    def next_s(self, now_s: float) -> float:
        """The earliest instant, now or later, at which one more is allowed."""
        if self.last_s is None or self.today(now_s) < self._params.decreases_a_day:
            return now_s
        midnight_s = (self._day(now_s) + 1) * DAY_S + self._params.day_began_s
        return max(now_s, min(self.last_s + self._params.decrease_interval_s, midnight_s))

    def record(self, now_s: float) -> None:
        """One has been made."""
        self._today = self.today(now_s) + 1
        self.last_s = now_s

    def _day(self, now_s: float) -> float:
        return (now_s - self._params.day_began_s) // DAY_S


class Switches:
    """Switches of one table to on-demand: so many in any 24 hours; back is free (B7)."""

    __slots__ = ("_at_s", "_params")

    def __init__(self, params: AdmissionParameters) -> None:
        self._params = params
        self._at_s: deque[float] = deque(maxlen=max(params.switches_a_day, 1))

    @property
    def last_s(self) -> float | None:
        """When the last one was."""
        return self._at_s[-1] if self._at_s else None

    def next_s(self, now_s: float) -> float:
        """The earliest instant, now or later, at which one more is allowed."""
        if not self._at_s or len(self._at_s) < self._params.switches_a_day:
            return now_s
        return max(now_s, self._at_s[0] + DAY_S)

    def record(self, now_s: float) -> None:
        """One has been made."""
        self._at_s.append(now_s)
