"""A plan as ``plan.json`` has it, schema 1: docs/cache-planner.md lists its members."""

from dataclasses import asdict
from typing import Any

import numpy as np

from harness.cache.sizing.analysis import Analysis
from harness.cache.sizing.curve import HitCurve
from harness.cache.sizing.plan import Plan

SCHEMA = 1
_POINTS = 200


def curve_record(curve: HitCurve) -> dict[str, Any]:
    """Where the curve bends, and points of it from its first hit to a little beyond what is enough."""
    knee = curve.knee()
    found: dict[str, Any] = {"knee": None, "points": []}
    if knee is None:
        return found
    sizes = np.geomspace(max(curve.least(0.0) or 1.0, curve.enough / 1e6), 1.1 * curve.enough, _POINTS)
    rates, widths = curve.hit_rates(sizes), curve.half_widths(sizes)
    found["knee"] = {"size": knee, "hit_rate": curve.hit_rate(knee)}
    found["least_for_90_percent_of_hits"] = curve.least(0.9)
    found["enough"] = curve.enough
    found["points"] = [
        {"size": float(size), "hit_rate": float(rate), "half_width": float(width)}
        for size, rate, width in zip(sizes, rates, widths, strict=True)
    ]
    return found


def plan_record(plan: Plan) -> dict[str, Any]:
    """The outcomes, the best of them, whether it pays, and the variations."""
    return {
        "outcomes": [asdict(one) for one in plan.outcomes],
        "best": None if plan.best is None else asdict(plan.best),
        "pays": plan.pays,
        "variations": [asdict(one) for one in plan.variations],
    }


def analysis_record(analysis: Analysis) -> dict[str, Any]:
    """What the trace holds, and both of its curves; beside the one over entries stands that of the same accesses in random order (E2)."""
    by_entries = curve_record(analysis.by_entries)
    for point in by_entries["points"]:
        point["che_hit_rate"] = analysis.in_random_order(point["size"])
    if by_entries["knee"]:
        by_entries["knee"]["che_hit_rate"] = analysis.in_random_order(by_entries["knee"]["size"])
    return {
        "entries": analysis.entries,
        "stored_bytes": analysis.stored_bytes,
        "entry_bytes": analysis.entry_bytes,
        "most_hit_rate": analysis.by_bytes.most,
        "by_entries": by_entries,
        "by_bytes": curve_record(analysis.by_bytes),
    }
