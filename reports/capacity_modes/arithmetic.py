"""What the documented rules let through of a demand: leaking stores, walked in closed form. Nothing here is measured.

A store fills at a rate up to so many seconds of it and starts full; demand above the rate drains it; once it is empty, what
exceeds the rate is refused. B2: 300 s of provisioned capacity. B1 and B5 (one partition, on demand): the present second alone,
which AWS doesn't publish (``AdmissionParameters``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.dynamodb.parameters import AdmissionParameters

PARAMETERS = AdmissionParameters()
BURST_S = PARAMETERS.burst_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What a limit lets through: ``per_s`` units a second and, at first, ``store_s`` seconds of them at once."""

    per_s: float
    store_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Demand that goes evenly from one rate to another, units a second, within ``length_s`` service seconds."""

    from_per_s: float
    to_per_s: float
    length_s: float

    @property
    def units(self) -> float:
        """What it asks for."""
        return (self.from_per_s + self.to_per_s) / 2 * self.length_s

    def cut(self, per_s: float) -> tuple["Stretch", ...]:
        """Itself, or the two parts on either side of where demand passes ``per_s``."""
        below, above = sorted((self.from_per_s, self.to_per_s))
        if not below < per_s < above:
            return (self,)
        at_s = self.length_s * (per_s - self.from_per_s) / (self.to_per_s - self.from_per_s)
        return (
            Stretch(from_per_s=self.from_per_s, to_per_s=per_s, length_s=at_s),
            Stretch(from_per_s=per_s, to_per_s=self.to_per_s, length_s=self.length_s - at_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """``onset_s``: when the first request is refused, infinity for never; units refused of those asked."""

    onset_s: float
    refused_units: float
    asked_units: float

    @property
    def share(self) -> float:
        """The share refused."""
        return self.refused_units / self.asked_units


def expected(demand: Sequence[Stretch], supply: Supply) -> Expected:
    """What becomes of ``demand`` under one limit: each refused unit is gone, none is asked for again.

    A flat demand of m times the rate is refused first after store_s/(m − 1) seconds.
    """
    full = left = supply.per_s * supply.store_s
    now_s, onset_s, refused = 0.0, math.inf, 0.0
    for part in (part for stretch in demand for part in stretch.cut(supply.per_s)):
        excess = part.units - supply.per_s * part.length_s  # of one sign, since the part was cut where it would change
        if excess <= left:
            left = min(full, left - excess)
        else:
            if onset_s == math.inf:
                onset_s = now_s + _emptied_s(part, supply.per_s, left)
            refused, left = refused + excess - left, 0.0
        now_s += part.length_s
    return Expected(onset_s=onset_s, refused_units=refused, asked_units=sum(stretch.units for stretch in demand))


def _emptied_s(part: Stretch, per_s: float, left: float) -> float:
    """When ``left`` units are drained: the first root of e·t + slope·t²/2 = left, e the excess at the part's beginning."""
    excess, slope = part.from_per_s - per_s, (part.to_per_s - part.from_per_s) / part.length_s
    if slope == 0:
        return left / excess
    # Written so that nothing cancels: for a falling demand this is the earlier root.
    return 2 * left / (excess + math.sqrt(max(0.0, excess**2 + 2 * slope * left))) if left else 0.0
