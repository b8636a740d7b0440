"""How much is asked for over time: demand in units a second, and when requests of known cost are due under it. Pure.

A demand is a row of stretches, each going evenly from one rate to another; flat, ramp, spike and a replayed trace are
all of that kind. It is stated in the service's seconds, whose clock may run faster than the wall's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Demand that goes evenly from one rate, units a second, to another within ``for_s``. Raises ValueError below 0."""

    from_per_s: float
    to_per_s: float
    for_s: float

    def __post_init__(self) -> None:
        if min(self.from_per_s, self.to_per_s, self.for_s) < 0:
            raise ValueError(f"rates and times of a demand must be >= 0, got {self}")

    @property
    def units(self) -> float:
        """All it asks for."""
        return (self.from_per_s + self.to_per_s) / 2 * self.for_s

    def reaches_s(self, units: float) -> float:
        """When it has asked for so many of its units, seconds since it began.

        a·t + (b − a)·t²/(2T) = u gives t = 2u / (a + √(a² + 2u(b − a)/T)), the form of the root that loses no digits
        when b is near a.
        """
        if not units:
            return 0.0
        slope = (self.to_per_s - self.from_per_s) / self.for_s
        return min(2 * units / (self.from_per_s + sqrt(max(0.0, self.from_per_s**2 + 2 * units * slope))), self.for_s)


Demand = tuple[Stretch, ...]


def flat(per_s: float, *, for_s: float) -> Demand:
    """The same all the time."""
    return (Stretch(from_per_s=per_s, to_per_s=per_s, for_s=for_s),)


def ramp(peak_per_s: float, *, ramp_s: float, hold_s: float) -> Demand:
    """From nothing evenly up to a peak, which is then held."""
    return (Stretch(from_per_s=0.0, to_per_s=peak_per_s, for_s=ramp_s), *flat(peak_per_s, for_s=hold_s))


def spike(base_per_s: float, peak_per_s: float, *, before_s: float, spike_s: float, after_s: float) -> Demand:
    """A base, at once a peak, and at once the base again."""
    return (*flat(base_per_s, for_s=before_s), *flat(peak_per_s, for_s=spike_s), *flat(base_per_s, for_s=after_s))


def trace(rates_per_s: Sequence[float], *, bin_s: float) -> Demand:
    """A recorded demand again: each bin of ``bin_s`` at its own rate throughout."""
    return tuple(stretch for rate in rates_per_s for stretch in flat(rate, for_s=bin_s))


def due_ns(demand: Demand, costs: Iterable[float], *, speed: float = 1.0) -> Iterator[int]:
    """When each request is due, wall ns since the demand began, on a clock ``speed`` times the wall's.

    ``costs`` are the units of each in turn. One is due when the demand so far covers those before it; the first at
    once. Ends with the demand, or with the costs.
    """
    asked = covered = begins_s = 0.0
    rest = iter(costs)
    for stretch in demand:
        ahead = covered + stretch.units
        while asked < ahead:
            cost = next(rest, None)
            if cost is None:
                return
            yield int((begins_s + stretch.reaches_s(max(0.0, asked - covered))) / speed * NS_PER_S)
            asked += cost
        covered, begins_s = ahead, begins_s + stretch.for_s
