"""What reading a demand gives, whatever it was read from."""

from dataclasses import dataclass

from harness.dynamodb.planner.model import Demand

MOST_MINUTES = 10 * 366 * 24 * 60
"""Ten years: a trace that spans more has a wrong date in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A demand, where it comes from, and what was supposed in reading it."""

    demand: Demand
    source: str
    notes: tuple[str, ...]
