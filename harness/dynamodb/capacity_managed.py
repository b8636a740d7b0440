"""What of capacity_modes runs on two real tables, at the service's own clock and without a scale model. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from harness.dynamodb.capacity_arms import Scaling, Units
from harness.dynamodb.capacity_plan import CapacityModesSettings, Part
from harness.errors import CannotMeasure
from harness.plan import Trial

RUNS: tuple[Part, ...] = ("ramp", "steps", "spike", "policy")
ARMS = frozenset({"provisioned", "on_demand", "none", "standard", "adaptive"})
WHY_NOT = {
    "diurnal": "it lasts hours of the service's own clock, which only the twin's can be sped up",
    "hot": "its demand is that of one partition, 3,000 reads and 1,000 writes a second (B1), and its tables have other keys",
    "back_pressure": "it sets what an index gets, and these tables' indexes stay as they are",
}
OTHER_ARMS = "it takes a table of its own, made so for each trial"
SCALED = "the provisioned table is under auto scaling, so its capacity doesn't stay; a stack with AutoScaling=off has one that does"


def for_tables(
    settings: CapacityModesSettings, units: Units, scaling: Scaling | None
) -> tuple[CapacityModesSettings, dict[str, str]]:
    """(the settings as they run, what is left out and why). Raises CannotMeasure where nothing is left."""
    left_out: dict[str, str] = {part: WHY_NOT[part] for part in settings.parts if part not in RUNS}
    parts = tuple(part for part in settings.parts if part in RUNS)
    if scaling is not None and "policy" in parts:
        left_out["policy"], parts = SCALED, tuple(part for part in parts if part != "policy")
    if "spike" in parts:
        left_out |= {f"spike.{arm}": OTHER_ARMS for arm in ("on_demand_warm", "on_demand_max")}
        if scaling is None:
            left_out["spike.autoscaled"] = "the provisioned table has no auto scaling"
    if not parts:
        raise CannotMeasure(
            f"capacity_modes: nothing of parts {', '.join(settings.parts)} runs on aws: {'; '.join(left_out.values())}"
        )
    update: dict[str, Any] = {
        "parts": parts, "speed": 1.0, "scale": 1.0, "requests_per_s": 1e9, "read_capacity_units": units.read,
        "write_capacity_units": units.write,
    }  # fmt: skip
    if scaling is not None:
        update |= {"target_percent": scaling.target_percent, "max_capacity_units": scaling.most}
    return settings.model_copy(update=update), left_out


def on_real_tables(trials: Iterable[Trial], settings: CapacityModesSettings, *, scaled: bool) -> list[Trial]:
    """The plan's trials that there are tables for, numbered anew; under auto scaling the provisioned arm is called so."""
    return [replace(trial, trial=number) for number, trial in enumerate(_kept(trials, settings, scaled=scaled))]


def _kept(trials: Iterable[Trial], settings: CapacityModesSettings, *, scaled: bool) -> Iterator[Trial]:
    bounds: dict[str, float | int | str] = {
        "target_percent": settings.target_percent,
        "max_capacity_units": settings.max_capacity_units,
    }
    for trial in trials:
        if trial.arm not in ARMS:
            continue
        if scaled and trial.arm == "provisioned":
            yield replace(trial, arm="autoscaled", params=trial.params | bounds)
        else:
            yield trial
