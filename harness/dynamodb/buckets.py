"""Token buckets over a clock that the caller passes in: the one mechanism behind every limit (B1, B2, B11)."""

from typing import Final

SAMPLES_A_MINUTE: Final = 64
"""Requests a minute, of a partition at its limit, whose place is remembered: enough to halve its heat within a tenth."""

_GOLDEN: Final = 0.6180339887498949


class TokenBucket:
    """Tokens that refill at a rate up to what ``burst_s`` seconds bring, and may go below zero (B2, B11).

    A request is admitted while anything is left, whatever it turns out to take: it is accounted afterwards.
    ``tokens`` are those there were when last asked; time only adds to them, so more than none is enough to admit.
    """

    __slots__ = ("_burst_s", "_capacity", "_rate_per_s", "_then_s", "tokens")

    def __init__(self, rate_per_s: float, burst_s: float = 300.0, *, now_s: float = 0.0, fill: float = 1.0) -> None:
        if rate_per_s < 0 or burst_s < 0 or not 0 <= fill <= 1:
            raise ValueError(
                "expected a rate and a burst of 0 or more and a fill from 0 to 1, "
                f"found {rate_per_s}, {burst_s} and {fill}"
            )
        self._burst_s = max(burst_s, 1.0)  # the present second's own tokens are always there to be used
        self._rate_per_s = rate_per_s
        self._capacity = rate_per_s * self._burst_s
        self.tokens = self._capacity * fill
        self._then_s = now_s

    @property
    def rate_per_s(self) -> float:
        """Tokens that come back each second."""
        return self._rate_per_s

    @property
    def capacity(self) -> float:
        """The most it can hold."""
        return self._capacity

    def level(self, now_s: float) -> float:
        """Tokens left at this instant; negative after a request that took more than there was."""
        elapsed_s = now_s - self._then_s
        if elapsed_s > 0:
            tokens = self.tokens + elapsed_s * self._rate_per_s
            self.tokens = tokens if tokens < self._capacity else self._capacity
            self._then_s = now_s
        return self.tokens

    def try_take(self, units: float, now_s: float) -> bool:
        """Take the units if anything is left; False, and nothing taken, if not."""
        if self.level(now_s) <= 0:
            return False
        self.tokens -= units
        return True

    def take(self, units: float, now_s: float) -> None:
        """Take the units of a request that was admitted before they were known."""
        # level(), written out: this is done for every request.
        elapsed_s = now_s - self._then_s
        if elapsed_s > 0:
            tokens = self.tokens + elapsed_s * self._rate_per_s
            self.tokens = (tokens if tokens < self._capacity else self._capacity) - units
            self._then_s = now_s
        else:
            self.tokens -= units

    def set_rate(self, rate_per_s: float, now_s: float) -> None:
        """Change the rate; what is stored stays, up to the new maximum."""
        self.level(now_s)
        self._rate_per_s = rate_per_s
        self._capacity = rate_per_s * self._burst_s
        self.tokens = min(self.tokens, self._capacity)


class PartitionBucket(TokenBucket):
    """The bucket of one partition, which also keeps its heat: the units of this minute and where they went.

    Every so many units the hash of the request is remembered. The distance between two is spread by the golden
    ratio, so that keys asked for in turn are all met.
    """

    __slots__ = ("_phase", "_sample_at", "_stride", "samples", "units")

    def __init__(self, rate_per_s: float, burst_s: float, *, now_s: float) -> None:
        super().__init__(rate_per_s, burst_s, now_s=now_s)
        self._stride = rate_per_s * 60 / SAMPLES_A_MINUTE
        self._phase = 0.0
        self.samples: list[int] = []
        self.units = 0.0
        self._sample_at = self._stride

    def take_at(self, units: float, now_s: float, partition_hash: int) -> None:
        """Take the units of an admitted request, and remember where the heat is."""
        self.take(units, now_s)
        self.units += units
        if self.units >= self._sample_at:
            self.samples.append(partition_hash)
            self._phase = (self._phase + _GOLDEN) % 1.0
            self._sample_at = self.units + self._stride * (0.5 + self._phase)

    def close_minute(self, *, forget: bool) -> float:
        """The units of the minute that has ended; the next begins, its samples added to these unless told to forget."""
        units, self.units = self.units, 0.0
        self._sample_at = max(self._sample_at - units, 0.0)
        if forget:
            self.samples.clear()
        return units

    def sibling(self, now_s: float) -> "PartitionBucket":
        """A bucket as full as this one, for the other half of a split."""
        other = PartitionBucket(self._rate_per_s, self._burst_s, now_s=now_s)
        other.tokens = self.level(now_s)
        return other
