"""How an on-demand table grows: twice its previous peak (B5)."""

from collections import deque

from harness.dynamodb.parameters import MINUTE_S


class Growth:
    """What an on-demand table sustains: twice its previous peak, at least what it began with (B5).

    A peak is the mean of a clock minute; it counts as previous once ``delay_s`` have passed since.
    """

    __slots__ = ("_delay_s", "_peaks", "rate_per_s")

    def __init__(self, rate_per_s: float, delay_s: float) -> None:
        self.rate_per_s = rate_per_s
        """Units a second that are sustained, as of the last ``catch_up``."""
        self._delay_s = delay_s
        self._peaks: deque[tuple[float, float]] = deque()  # (counts from, mean); one a minute of the delay at most

    @property
    def next_s(self) -> float:
        """When it will have to be looked at again; infinity while no peak waits to count."""
        return self._peaks[0][0] if self._peaks else float("inf")

    def close_minute(self, units: float, ended_s: float) -> None:
        """The units that were consumed in the clock minute that ended then."""
        mean = units / MINUTE_S
        if 2 * mean > self.rate_per_s:
            self._peaks.append((ended_s + self._delay_s, mean))

    def catch_up(self, now_s: float) -> float:
        """What is sustained now, in units a second."""
        while self._peaks and self._peaks[0][0] <= now_s:
            self.rate_per_s = max(self.rate_per_s, 2 * self._peaks.popleft()[1])
        return self.rate_per_s

    def warm_up(self, rate_per_s: float) -> None:
        """Sustain this much from now on, if it is more: warm throughput set in advance."""
        self.rate_per_s = max(self.rate_per_s, rate_per_s)
