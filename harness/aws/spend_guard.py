"""Stops a run that reaches its limit of money. Pure: the clock is given."""

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.aws.estimate import Estimate

_HOUR_NS = 3_600 * 10**9


@dataclass(slots=True, kw_only=True)
class SpendGuard:
    """Counts dollars from the moment that the first rate is told, by an hourly rate that may change.

    What has no known price isn't counted: ``at_least`` says so, and then the limit holds for what is known alone.
    """

    max_usd: float
    clock_ns: Callable[[], int]
    at_least: bool = False
    _usd: float = 0.0
    _usd_hour: float = 0.0
    _since_ns: int | None = field(default=None)

    def __post_init__(self) -> None:
        if not 0 < self.max_usd < float("inf"):
            raise ValueError(f"--max-usd must be above 0, got {self.max_usd:g}")

    def charge(self, usd_hour: float, *, began_ns: int | None = None) -> None:
        """From now on the stack costs so much an hour; the first time, since a moment in the past on the same clock."""
        if not 0 <= usd_hour < float("inf"):
            raise ValueError(f"expected dollars an hour, 0 or more, got {usd_hour:g}")
        if began_ns is not None and self._since_ns is not None:
            raise ValueError("began_ns: what was before is counted already")
        self._usd = self.usd
        self._since_ns = self.clock_ns() if began_ns is None else began_ns
        self._usd_hour = usd_hour

    def spend(self, usd: float) -> None:
        """What doesn't depend on time: requests on demand, data."""
        if not 0 <= usd < float("inf"):
            raise ValueError(f"expected dollars, 0 or more, got {usd:g}")
        self._usd += usd

    @property
    def usd(self) -> float:
        """Dollars so far."""
        if self._since_ns is None:
            return self._usd
        return self._usd + max(0, self.clock_ns() - self._since_ns) / _HOUR_NS * self._usd_hour

    @property
    def left_s(self) -> float:
        """Seconds until the limit at today's rate; 0 where it is reached, without end where nothing is charged."""
        left_usd = self.max_usd - self.usd
        if left_usd <= 0:
            return 0.0
        return left_usd / self._usd_hour * 3_600 if self._usd_hour else float("inf")

    def stop(self) -> str | None:
        """Why to stop now, None where it may go on; at the limit itself it stops."""
        if (usd := self.usd) < self.max_usd:
            return None
        return f"{self._said}${usd:,.2f} spent, --max-usd is ${self.max_usd:,.2f}: stopped"

    def refuse(self, planned: Estimate) -> str | None:
        """Why what is planned can't begin: what is known of it already costs more than the limit leaves, or nothing is known."""
        asked = planned.run
        if asked.usd is None:
            return f"nothing of what it costs in {planned.region} is known, so --max-usd holds nothing; name a price file with prices_file"
        if asked.usd <= (left_usd := max(0.0, self.max_usd - self.usd)):
            return None
        least = "at least " if asked.at_least else ""
        return f"the planned run costs {least}${asked.usd:,.2f}, --max-usd leaves ${left_usd:,.2f}; raise it, or measure less"

    @property
    def _said(self) -> str:
        return "at least " if self.at_least else ""
