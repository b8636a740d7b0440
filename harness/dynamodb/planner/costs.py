"""Dollars a month of a setting, and how much capacity it pays to reserve for a year. Section C of docs/facts.md."""

from dataclasses import dataclass

import numpy as np

from harness.dynamodb.parameters import Kind
from harness.dynamodb.planner.model import MONTH_HOURS, Capacities
from harness.dynamodb.pricing import Prices, on_demand_usd, provisioned_usd

BLOCK = 100
"""Capacity is reserved by the hundred units."""
_UNIT = {"read": "rcu", "write": "wcu"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One kind's capacity with ``units`` of it reserved for a year: dollars a month, the payment in advance spread over it."""

    units: int
    usd_month: float


def on_demand_usd_month(prices: Prices, read_units: float, write_units: float, hours: float) -> float:
    """Units of so many hours, for a month that goes on like them. Raises ValueError where a price isn't known."""
    return _known(on_demand_usd(prices, read_units, write_units)) * MONTH_HOURS / hours


def provisioned_usd_month(prices: Prices, mean_read: float, mean_write: float) -> float:
    """Capacity by the hour, the mean of the demand's time for a whole month. Raises ValueError where a price isn't known."""
    return _known(provisioned_usd(prices, mean_read, mean_write, MONTH_HOURS))


def reservation(prices: Prices, kind: Kind, capacity: Capacities) -> Reservation | None:
    """As many hundreds reserved as pay for themselves; None where a price isn't known.

    ``capacity`` is what is provisioned in each minute (or once, if it never changes). What is above the reserved part
    is paid by the hour. One hundred more pays while the hours that need it cost more than it does.
    """
    upfront = prices.usd(f"dynamodb.reserved_1y_{BLOCK}_{_UNIT[kind]}_upfront_usd")
    hourly = prices.usd(f"dynamodb.reserved_1y_{BLOCK}_{_UNIT[kind]}_hour_usd")
    unit_hour = prices.usd(f"dynamodb.provisioned_{_UNIT[kind]}_hour_usd")
    if upfront is None or hourly is None or unit_hour is None:
        return None
    block_usd = upfront / 12 + hourly * MONTH_HOURS
    counts = np.bincount(capacity)
    levels = np.flatnonzero(counts)
    weights = counts[levels] / len(capacity)
    blocks = 0
    while _used(levels, weights, blocks) * unit_hour * MONTH_HOURS > block_usd:
        blocks += 1
    above = float((np.maximum(levels - blocks * BLOCK, 0) * weights).sum())
    return Reservation(units=blocks * BLOCK, usd_month=blocks * block_usd + above * unit_hour * MONTH_HOURS)


def _used(levels: Capacities, weights: np.ndarray[tuple[int], np.dtype[np.float64]], blocks: int) -> float:
    """Mean units that one block more would be used for."""
    return float((np.clip(levels - blocks * BLOCK, 0, BLOCK) * weights).sum())


def _known(usd: float | None) -> float:
    if usd is None:
        raise ValueError("the price of a unit that is needed isn't in the price file")
    return usd
