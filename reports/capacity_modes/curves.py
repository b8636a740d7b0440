"""The demand of a cell as its params describe it, and what the documented rules make of it: where a formula holds, only there."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reports.capacity_modes.arithmetic import BURST_S, PARAMETERS, Stretch, Supply, expected
from reports.capacity_modes.samples import TABLE, Cell, mean_demand

CAME_AS_PLANNED = 0.05  # the demand that came may differ by so much from the curve; else the curve says nothing of it
RATES = {"on_demand": "on_demand", "on_demand_warm": "warm", "on_demand_max": "max"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """What ``rule`` (a fact's number) makes of a cell's demand; ``share`` is None where it says nothing of that.

    ``onset_s`` is infinity where nothing is to be refused within the trial.
    """

    rule: str
    onset_s: float
    share: float | None


def arithmetic(cell: Cell) -> Arithmetic | None:
    """The rules' answer for one cell, or None where there is no formula or the demand didn't come as planned."""
    curve, limits = demand(cell), supplies(cell)
    if not curve or not limits or not cell.trials or not _as_planned(cell, curve):
        return None
    found = [(rule, expected(curve, supply)) for rule, supply in limits]
    # Of several limits the tightest refuses first, and most.
    rule, first = min(found, key=lambda one: (one[1].onset_s, -one[1].refused_units))
    if cell.arm == "autoscaled":
        # Of the capacity that the trial began with: from its first change on another sum is due.
        changed = first.onset_s > _first_change_s(cell)
        return None if changed else Arithmetic(rule=rule, onset_s=first.onset_s, share=None)
    return Arithmetic(rule=rule, onset_s=first.onset_s, share=max(one.share for _, one in found))


def demand(cell: Cell) -> tuple[Stretch, ...]:
    """The demand as stretches of units a second; none for what follows a trace or the data's own skew."""
    params, unit = cell.params, cell.capacity_units

    def flat(multiple: Any, length_s: Any) -> Stretch:
        return Stretch(from_per_s=multiple * unit, to_per_s=multiple * unit, length_s=float(length_s))

    match cell.demand:
        case "ramp":
            peak, rising_s = params["peak_multiple"], float(params["ramp_service_s"])
            rise = (Stretch(from_per_s=0.0, to_per_s=peak * unit, length_s=rising_s),) if rising_s else ()
            return (*rise, flat(peak, params["hold_service_s"]))
        case "flat" | "hot_key":
            return (flat(params.get("multiple", params["peak_multiple"]), cell.length_s),)
        case "spike":
            base, peak = params["base_multiple"], params["peak_multiple"]
            lengths = [params[f"{when}_service_s"] for when in ("before", "spike", "after")]
            return tuple(map(flat, (base, peak, base), lengths))
    return ()


def supplies(cell: Cell) -> list[tuple[str, Supply]]:
    """The limits that a cell's requests pass, each with the fact that tells of it; none where no figure holds throughout."""
    limits = []
    if not cell.on_demand:
        limits.append(("B2", Supply(per_s=cell.capacity_units, store_s=BURST_S)))
        limits += [("B2", Supply(per_s=units, store_s=BURST_S)) for units in _through_index(cell)]
    elif (rate := sustained(cell)) and cell.length_s <= PARAMETERS.on_demand_growth_s:
        # Later than that a new peak counts, and more is sustained.
        store_s = cell.params.get("on_demand_burst_s", PARAMETERS.on_demand_burst_s)
        limits.append(("B5", Supply(per_s=rate, store_s=store_s)))
    if limits and cell.demand == "hot_key":
        store_s = cell.params.get("partition_burst_s", PARAMETERS.partition_burst_s)
        limits.append(("B1", Supply(per_s=partition_rate(cell), store_s=store_s)))
    return limits


def _through_index(cell: Cell) -> Iterator[float]:
    """Units of the table that an index lets through (B8): its capacity, in what one of the table's units takes of it."""
    index = cell.params.get("index_write_units")
    if not index or cell.kind != "write":
        return
    served = cell.ops[cell.ops["served"]]
    taken = float(served["index_units"].sum())
    if taken:
        yield float(index) * float(served["units"].sum()) / taken


def sustained(cell: Cell) -> float | None:
    """What the table of an on-demand arm may serve from its first second on, units a second; None where nobody said."""
    given = cell.params.get(f"{RATES[cell.arm]}_{cell.kind}_rate") if cell.arm in RATES else None
    if given is not None:
        return float(given)
    return PARAMETERS.start_rate(cell.kind) / cell.scale if cell.arm == "on_demand" else None


def partition_rate(cell: Cell) -> float:
    """The limit of a single partition in the twin (B1), units a second."""
    return float(cell.params[f"partition_{cell.kind}_rate"])


def _as_planned(cell: Cell, curve: Sequence[Stretch]) -> bool:
    planned = sum(stretch.units for stretch in curve)
    return abs(mean_demand(cell) - planned) <= CAME_AS_PLANNED * planned


def _first_change_s(cell: Cell) -> float:
    """When the earliest of its trials saw the table's capacity change."""
    changes = (steps[1][0] for trial in cell.trials if len(steps := cell.provisioned(trial)[TABLE]) > 1)
    return min(changes, default=math.inf)
