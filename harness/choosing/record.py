"""A choice as ``plan.json`` has it, schema 1: docs/choosing.md lists its members. Rates are answers a second, dollars a month."""

from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from harness.choosing.choose import STORES, Choice, Outcome, Turn, Variation
from harness.choosing.curves import exact
from harness.choosing.figures import SCENARIO
from harness.choosing.notes import notes_of
from harness.stores_compared.patterns import PATTERNS

SCHEMA = 1
_POINTS = 241
_WIDEST = 100  # times today's rate, either way, on the chart


def record_of(choice: Choice) -> dict[str, Any]:
    """The choice for JSON: the members of schema 1."""
    best, prices = choice.best, choice.prices
    return {
        "schema": SCHEMA,
        "name": choice.workload.name,
        "run": choice.measured.run,
        "workload": choice.workload.model_dump(mode="json"),
        "prices": {"date": prices.date, "region": prices.region, "source": prices.source},
        "rate_per_s": choice.workload.rate_per_s,
        "best": None if best is None else best.store,
        "outcomes": [_outcome(one, choice) for one in choice.outcomes],
        "decides": dict(choice.decides),
        "difference": _difference(choice),
        "turns": [_turn(one) for one in choice.turns],
        "own_turns": [_turn(one) for one in choice.own_turns],
        "variations": [_variation(one) for one in choice.variations],
        "months": _months(choice),
        "stands_on": [asdict(one) for one in choice.stands_on()],
        "measure": command(choice),
        "notes": list(notes_of(choice)),
        "chart": _chart(choice),
    }


def command(choice: Choice) -> str | None:
    """What measures the figures that are lacking; None where none is."""
    lacking = [one for outcome in choice.outcomes for one in outcome.costs.case.lacking]
    if not lacking:
        return None
    arms = [name for name in STORES if name in {one.arm for one in lacking}]
    patterns = [name for name in PATTERNS if name in {one.pattern for one in lacking}]
    parts = dict.fromkeys(("patterns", *(one.part for one in lacking)))
    settings = {"arms": arms, "patterns": patterns, "parts": parts}
    sets = (f"--set '{SCENARIO}.{name}=[{', '.join(values)}]'" for name, values in settings.items())
    return f"dbharness run {SCENARIO} --profile standard {' '.join(sets)}"


def _outcome(one: Outcome, choice: Choice) -> dict[str, Any]:
    case, usd, best = one.costs.case, one.usd_month, choice.best
    places = {figure: place for place, figure in enumerate(choice.stands_on())}
    first, last = (one.bills[0], one.bills[-1]) if usd is not None else (None, None)
    return {
        "store": one.store,
        "usd_month": _number(usd),
        "times_best": None if usd is None or best is None or not best.usd_month else float(usd / best.usd_month),
        "first_usd_month": None if first is None else float(first.usd),
        "last_usd_month": None if last is None else float(last.usd),
        "bought": None if first is None else first.bought,
        "bought_at_last": None if last is None else last.bought,
        "parts": {name: float(each) for name, each in _mean_parts(one).items()},
        "turns": [_turn(turn) for turn in choice.rivals.get(one.store, ())],
        "stands_on": [] if usd is None else sorted({places[figure] for figure in case.stands_on()}),
        "helpers": [{"pattern": pattern, "usd_month": each} for pattern, each in case.helpers],
        "reasons": list(one.reasons),
        "lacking": [asdict(each) for each in case.lacking],
        "unknown": list(one.costs.unknown),
        "unpriced": list(one.costs.unpriced),
    }


def _mean_parts(one: Outcome) -> dict[str, Fraction]:
    """What of the mean month is whose; empty where it can't be had."""
    parts: dict[str, Fraction] = {}
    if one.usd_month is not None:
        for bill in one.bills:
            for name, usd in bill.parts.items():
                parts[name] = parts.get(name, Fraction(0)) + usd / len(one.bills)
    return parts


def _difference(choice: Choice) -> dict[str, Any] | None:
    """Which part most of the difference between the cheapest and the next is made of."""
    if len(choice.ranked) < 2:
        return None
    best, second = choice.ranked[:2]
    mine, its = _mean_parts(best), _mean_parts(second)
    by_part = {name: its.get(name, Fraction(0)) - mine.get(name, Fraction(0)) for name in {*mine, *its}}
    part = max(sorted(by_part), key=lambda name: by_part[name])
    assert best.usd_month is not None and second.usd_month is not None, "both are ranked"
    gap = second.usd_month - best.usd_month
    return {"to": second.store, "usd_month": float(gap), "part": part, "part_usd_month": float(by_part[part])}


def _turn(one: Turn) -> dict[str, Any]:
    return {
        "pattern": one.pattern, "direction": one.direction, "rate_per_s": float(one.rate_per_s), "factor": float(one.factor),
        "included": one.included, "store": one.store,
    }  # fmt: skip


def _variation(one: Variation) -> dict[str, Any]:
    return {
        "name": one.name, "cheapest": one.cheapest, "usd_month": {store: _number(usd) for store, usd in one.usd.items()},
        "turns": [_turn(turn) for turn in one.turns],
    }  # fmt: skip


def _months(choice: Choice) -> list[dict[str, Any]]:
    """Each month's bills of the stores that nothing else stands against, and which is the cheapest then."""
    found = []
    for month in range(choice.workload.growth.months):
        usd = {one.store: one.bills[month].usd for one in choice.outcomes if one.bills and one.bills[month].why is None}
        cheapest = min(usd, key=lambda store: (usd[store], store), default=None)
        found.append(
            {"month": month, "cheapest": cheapest, "usd_month": {name: float(each) for name, each in usd.items()}}
        )
    return found


def _chart(choice: Choice) -> dict[str, Any]:
    """Points of each store's curve, over all rates together, as far as the flips and a little beyond."""
    factors = [float(turn.factor) for turn in choice.turns if turn.factor > 0]
    low, high = min([1 / _WIDEST, *(one / 3 for one in factors)]), max([_WIDEST, *(3 * one for one in factors)])
    grid = np.geomspace(low, high, _POINTS).tolist()
    rate = choice.workload.rate_per_s
    usd = {
        one.store: [_number(choice.curves[one.store].at(exact(factor))) for factor in grid]
        for one in choice.outcomes
        if one.store in choice.curves
    }
    return {"rate_per_s": [rate * factor for factor in grid], "usd_month": usd}


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
