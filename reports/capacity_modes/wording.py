"""How a cell is said: the demand, the arm, what it was measured on, how sure; and the finding that says it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from reports.capacity_modes.curves import Arithmetic, arithmetic
from reports.capacity_modes.samples import ARMS, NAME, Cell
from reports.findings import Basis, Better, Finding
from reports.load import Run
from reports.stats import Interval
from reports.tool import Tool
from reports.words import absent, count, measured, number, percent, setting, span


@dataclass(frozen=True, slots=True)
class Sayer:
    """Makes findings of one run, each held against what the tool itself did in the trials it rests on."""

    run: Run
    tool: Tool

    def say(
        self, cell: Cell, id: str, sentence: str, interval: Interval, unit: str, better: Better, *,
        basis: Basis = "local_model", stands_on_s: float | None = None, **labels: str,
    ) -> Finding:  # fmt: skip
        """A finding of one cell; exempt as long as the demand came as planned. ``stands_on_s``: the figure's own time,
        where it isn't the whole trial.
        """
        finding = measured(
            self.run, NAME, f"{NAME}.{id}", sentence, interval, unit, better, cell.labels | labels, basis=basis
        )
        return self.came_as_planned(cell, finding, cell.length_s if stands_on_s is None else stands_on_s)

    def came_as_planned(self, cell: Cell, finding: Finding, stands_on_s: float) -> Finding:
        """The finding, marked where its demand came late, measured by the time that it stands on (service s)."""
        wall_ms = 1e3 * stands_on_s / cell.speed
        return self.tool.exempt(finding, trials=cell.trials, figure_ms=wall_ms, queue_counts=True)

    def absent(self, cell: Cell, id: str, unit: str, better: Better, reason: str) -> Finding:
        """The finding of what one cell doesn't tell."""
        return absent(self.run, NAME, f"{NAME}.{id}", unit, better, reason, cell.labels)

    def on(self, cell: Cell) -> str:
        """What a cell was measured on."""
        rates = f", rates of B1 and B5 ÷ {number(cell.scale)}" if cell.scale != 1 and _scaled(cell) else ""
        return f"{setting(self.run, NAME, 'dynamodb')}, speed {cell.speed:g}{rates}"


def _scaled(cell: Cell) -> bool:
    return cell.on_demand or cell.part == "hot"


def case(cell: Cell) -> str:
    """The demand in words, to begin a sentence with."""
    params, unit = cell.params, f"times the {number(cell.capacity_units)} provisioned {cell.kind} units"
    multiple = number(params.get("multiple", params["peak_multiple"]))
    if cell.part == "back_pressure" and cell.kind == "write":
        return f"With writes of {multiple} times the {number(cell.capacity_units)} write units"
    match cell.demand:
        case "ramp":
            return f"With demand rising to {multiple} {unit} over {number(params['ramp_service_s'])} s"
        case "spike":
            peak, length = number(params["peak_multiple"]), number(params["spike_service_s"])
            return f"With a spike from {number(params['base_multiple'])} to {peak} {unit} for {length} s"
        case "diurnal":
            first, hours = int(params["first_hour"]), int(params["hours"])
            return f"Over {first} to {first + hours} h of the busiest day's flights, its peak at {multiple} {unit}"
        case "hot_partition":
            top = params.get("top_key_share")
            hottest = "" if top is None else f", {percent(top)} of requests for the hottest"
            return f"With demand of {multiple} {unit} for keys as uneven as the data{hottest}"
        case "hot_key":
            return f"With demand of {multiple} {unit} for one key alone"
    return f"With demand of {multiple} {unit}"


def arm(cell: Cell) -> str:
    """The arm in words."""
    words = ARMS.get(cell.arm, cell.arm.replace("_", " "))
    index = cell.params.get("index_write_units")
    return f"{words} ({number(index)} write {'unit' if index == 1 else 'units'})" if index else words


def sure(interval: Interval, show: Callable[[float], str] = number) -> str:
    """``3 trials, 95 % interval a to b``; where so few trials carry none, that is said."""
    bounds = span(interval.low, interval.high, show)
    return f"{count(interval.n, 'trial')}{bounds or ', no interval from so few'}"


def by_arithmetic(cell: Cell) -> str:
    """``; B2's arithmetic: 33 %`` for a share that was throttled, where a formula holds."""
    rule = arithmetic(cell)
    return "" if rule is None or rule.share is None else f"; {rule.rule}'s arithmetic: {percent(rule.share)}"


def onset_by(rule: Arithmetic | None) -> str:
    """The same for an onset."""
    if rule is None:
        return ""
    if math.isinf(rule.onset_s):
        return f"; by {rule.rule}'s arithmetic never"
    return f"; {rule.rule}'s arithmetic: {number(rule.onset_s)} s"
