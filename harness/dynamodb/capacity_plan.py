"""What capacity_modes measures: its settings, the cells of each part, and the demand that a trial's params describe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, ValidationInfo, field_validator

from harness import demand_shapes
from harness.config import EachOnce, Settings
from harness.demand_shapes import Demand
from harness.dynamodb.clients import ClientName
from harness.dynamodb.parameters import KINDS, AdmissionParameters, Kind
from harness.dynamodb.retries import Mode
from harness.plan import Cell, Trial, interleave

Part = Literal["ramp", "steps", "spike", "diurnal", "hot", "policy", "back_pressure"]
PARTS: tuple[Part, ...] = ("ramp", "steps", "spike", "diurnal", "hot", "policy", "back_pressure")
POLICIES: tuple[Mode, ...] = ("none", "standard", "adaptive")
AS_PUBLISHED = AdmissionParameters()
PAST_ONSET = 1.4
"""How long a flat demand above capacity is watched, as a multiple of when B2 lets the first throttle come."""
TRIED_AGAIN = 1.5
"""Attempts a request at most, on average, where throttled requests are tried again: so much slower the clock must run."""
HOUR_S = 3600.0
Capacity = Annotated[int, Field(ge=1, le=int(AS_PUBLISHED.account_rate))]
UnitsPair = tuple[Capacity, Capacity]


class CapacityModesSettings(Settings):
    """Section ``scenarios.capacity_modes`` of config.yaml, which says what each is for."""

    parts: Annotated[tuple[Part, ...], EachOnce] = Field(default=PARTS, min_length=1)
    read_capacity_units: Capacity = 2
    write_capacity_units: Capacity = 2
    scale: float = Field(
        default=800, ge=1, le=AS_PUBLISHED.on_demand_write_rate
    )  # down to a write a second, which loads
    jitter_ms: PositiveFloat = 25
    peak_multiple: PositiveFloat = 2.0
    ramp_service_s: float = Field(default=300, ge=0)
    hold_service_s: float = Field(default=300, ge=0)
    multiples: Annotated[tuple[PositiveFloat, ...], EachOnce] = Field(default=(0.5, 1, 2, 4), min_length=1)
    flat_least_service_s: PositiveFloat = 200
    flat_most_service_s: PositiveFloat = 420
    base_multiple: PositiveFloat = 0.6
    spike_multiple: PositiveFloat = 10
    before_service_s: float = Field(default=20, ge=0)
    spike_service_s: PositiveFloat = 300
    after_service_s: float = Field(default=20, ge=0)
    target_percent: float = Field(default=70, ge=20, le=90)
    max_capacity_units: Capacity = Field(default=40, validate_default=True)
    warm_multiple: PositiveFloat = 1.25
    max_multiple: PositiveFloat = 2
    diurnal_hours: tuple[int, int] = (5, 10)
    diurnal_peak_multiple: PositiveFloat = 1.5
    hot_partition_units: UnitsPair = (12, 1)
    hot_key_units: UnitsPair = (6, 2)
    hot_multiple: PositiveFloat = 0.95
    hot_service_s: PositiveFloat = 200
    policy_multiple: PositiveFloat = 2
    policy_service_s: PositiveFloat = 480
    patience_service_s: PositiveFloat = 10
    table_units: UnitsPair = (8, 8)
    index_multiple: PositiveFloat = 0.5
    starved_index_units: Capacity = 1
    index_service_s: PositiveFloat = 200
    speed: float = Field(default=800, gt=0, le=10_000)
    requests_per_s: PositiveFloat = 7_000
    rest_s: float = Field(default=300, ge=0)
    pairs: PositiveInt = 3
    client: ClientName = "lean"
    retries: Mode = "none"

    @field_validator("max_capacity_units")
    @classmethod
    def _not_below_its_beginning(cls, most: int, info: ValidationInfo) -> int:
        begins = max(info.data.get(f"{kind}_capacity_units", 1) for kind in KINDS)
        if most < begins:
            raise ValueError(
                f"must be at least the {begins} that auto scaling begins with (read_ and write_capacity_units)"
            )
        return most

    @field_validator("diurnal_hours")
    @classmethod
    def _of_one_day(cls, hours: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= hours[0] < hours[1] <= 24:
            raise ValueError("must be two hours of a day, 0 to 24, the earlier one first")
        return hours


def trials_of(settings: CapacityModesSettings, seed: str) -> list[Trial]:
    """Every cell of the chosen parts once a round, its arms interleaved."""
    trials = interleave(list(cells(settings)), rounds=settings.pairs, seed=seed)
    return [_of_its_arm(trial, settings) for trial in trials]


def cells(settings: CapacityModesSettings) -> Iterator[Cell]:
    """The cells of one round."""
    for part in PARTS:
        if part in settings.parts:
            yield from _CELLS[part](settings)


def demand_of(trial: Trial, kind: Kind, day: Sequence[int]) -> Demand:
    """What a trial asks of one kind, units a service second. ``day`` has the flights of each hour of the busiest day."""
    params = trial.params
    units = float(params[f"{kind}_capacity_units"])

    def times(multiple: str) -> float:
        return float(params[multiple]) * units

    def lasts(what: str) -> float:
        return float(params[f"{what}_service_s"])

    match trial.labels["demand"]:
        case "ramp":
            return demand_shapes.ramp(times("peak_multiple"), ramp_s=lasts("ramp"), hold_s=lasts("hold"))
        case "spike":
            lengths = {f"{when}_s": lasts(when) for when in ("before", "spike", "after")}
            return demand_shapes.spike(times("base_multiple"), times("peak_multiple"), **lengths)
        case "diurnal":
            first = int(params["first_hour"])
            hours = day[first : first + int(params["hours"])]
            return demand_shapes.trace([times("peak_multiple") * flights / max(day) for flights in hours], bin_s=HOUR_S)
    return demand_shapes.flat(times("multiple"), for_s=float(params["service_s"]))


def onset_s(multiple: float) -> float:
    """When a flat demand of so many times the capacity is first throttled (B2): 300·C stored, (m − 1)·C drained a second."""
    return AS_PUBLISHED.burst_s / (multiple - 1) if multiple > 1 else float("inf")


def _of_its_arm(trial: Trial, settings: CapacityModesSettings) -> Trial:
    """What differs between the arms of a cell: the retry policy, where it is the arm, and what the index has."""
    labels, params = trial.labels, trial.params
    match trial.labels["part"]:
        case "policy":
            labels = labels | {"policy": trial.arm}
        case "back_pressure":
            enough = settings.table_units[1]
            of_index = {"no_index": 0, "index_enough": enough, "index_starved": settings.starved_index_units}
            params = params | {"index_write_units": of_index[trial.arm]}
    return replace(trial, labels=labels, params=params)


def _cell(
    settings: CapacityModesSettings, part: Part, arms: Sequence[str], step: str, params: Mapping[str, float],
    *, demand: str, service_s: float, units: UnitsPair | None = None,
) -> Cell:  # fmt: skip
    read, write = units or (settings.read_capacity_units, settings.write_capacity_units)
    attempts = 1.0 if part != "policy" and settings.retries == "none" else TRIED_AGAIN
    # Every request consumes one unit of its table, so units are requests.
    busiest_per_s = params["peak_multiple"] * (read + write) * attempts
    speed = round(min(settings.speed, settings.requests_per_s / busiest_per_s), 1)
    # On-demand limits are of a second: jitter that makes requests come in bunches must not look like demand.
    keeps_s = max(AS_PUBLISHED.on_demand_burst_s, settings.jitter_ms / 1000 * speed)
    common: dict[str, float | int | str] = {
        "speed": speed, "scale": settings.scale, "service_s": service_s,
        "read_capacity_units": read, "write_capacity_units": write,
        **{f"on_demand_{kind}_rate": AS_PUBLISHED.start_rate(kind) / settings.scale for kind in KINDS},
        "on_demand_burst_s": keeps_s, **params,
    }  # fmt: skip
    labels = {"part": part, "demand": demand, "policy": str(settings.retries)}
    return Cell(arms=tuple(arms), step=step, labels=labels, params=common)


def _flat_at(multiple: float) -> dict[str, float]:
    return {"multiple": multiple, "peak_multiple": multiple}


def _ramp(settings: CapacityModesSettings) -> Iterator[Cell]:
    params = {
        "peak_multiple": settings.peak_multiple, "ramp_service_s": settings.ramp_service_s,
        "hold_service_s": settings.hold_service_s,
    }  # fmt: skip
    lasts_s = settings.ramp_service_s + settings.hold_service_s
    step = f"ramp_{settings.peak_multiple:g}x"
    yield _cell(settings, "ramp", ("provisioned", "on_demand"), step, params, demand="ramp", service_s=lasts_s)


def _steps(settings: CapacityModesSettings) -> Iterator[Cell]:
    least, most = settings.flat_least_service_s, settings.flat_most_service_s
    for multiple in settings.multiples:
        past_onset_s = PAST_ONSET * onset_s(multiple) if multiple > 1 else least
        yield _cell(
            settings, "steps", ("provisioned", "on_demand"), f"{multiple:g}x", _flat_at(multiple), demand="flat",
            service_s=max(least, min(most, past_onset_s)),
        )  # fmt: skip


def _spike(settings: CapacityModesSettings) -> Iterator[Cell]:
    """Warm throughput has room above the spike; a maximum lies between base and spike."""
    peak = settings.base_multiple * settings.spike_multiple
    lengths = {
        "before_service_s": settings.before_service_s, "spike_service_s": settings.spike_service_s,
        "after_service_s": settings.after_service_s,
    }  # fmt: skip
    params = {"base_multiple": settings.base_multiple, "peak_multiple": peak, **lengths, **_bounds(settings)}
    capacity: Mapping[Kind, int] = {"read": settings.read_capacity_units, "write": settings.write_capacity_units}
    for kind, units in capacity.items():
        new = AS_PUBLISHED.start_rate(kind) / settings.scale  # what is warmed up in advance can't be less
        params[f"warm_{kind}_rate"] = ceil(max(settings.warm_multiple * peak * units, new))
        params[f"max_{kind}_rate"] = ceil(settings.max_multiple * units)
    yield _cell(
        settings, "spike", ("provisioned", "autoscaled", "on_demand", "on_demand_warm", "on_demand_max"),
        f"spike_{settings.spike_multiple:g}x", params, demand="spike", service_s=sum(lengths.values()),
    )  # fmt: skip


def _diurnal(settings: CapacityModesSettings) -> Iterator[Cell]:
    first, end = settings.diurnal_hours
    params = {"peak_multiple": settings.diurnal_peak_multiple, "first_hour": first, "hours": end - first}
    yield _cell(
        settings, "diurnal", ("provisioned", "autoscaled", "on_demand"), "diurnal", params | _bounds(settings),
        demand="diurnal", service_s=(end - first) * HOUR_S,
    )  # fmt: skip


def _hot(settings: CapacityModesSettings) -> Iterator[Cell]:
    """Demand that the whole table could serve, and one of its partitions can't (B1).

    By default, in the scale of 800, a partition serves 3.75 R and 1.25 W.

    * ``hot_partition``: 12 R and 1 W make 12/3.75 + 1/1.25 = 4 partitions (B4); an on-demand table of 15 R and 5 W has
      15/3.75 = 5/1.25 = 4 as well. January's destinations lie in them as 44.7, 22.6, 20.0 and 12.6 %. Of 0.95 × 12 =
      11.4 R/s the busiest gets 5.10, of which 1.35 are refused: 11.8 % of all reads, in both modes. Of 0.95 W/s it gets
      0.42, below 1.25.
    * ``hot_key``: one partition gets all, however many there are: of 0.95 × 6 = 5.7 R/s and 0.95 × 2 = 1.9 W/s,
      1 − 3.75/5.7 = 1 − 1.25/1.9 = 34.2 % are refused.

    Until a partition that stays hot is split, 600 s (B3), nothing else happens.
    """
    rates = {f"partition_{kind}_rate": AS_PUBLISHED.partition_rate(kind) / settings.scale for kind in KINDS}
    for step, units in (("hot_partition", settings.hot_partition_units), ("hot_key", settings.hot_key_units)):
        cell = _cell(
            settings, "hot", ("provisioned", "on_demand"), step, _flat_at(settings.hot_multiple) | rates, demand=step,
            service_s=settings.hot_service_s, units=units,
        )  # fmt: skip
        yield replace(cell, params=cell.params | {"partition_burst_s": cell.params["on_demand_burst_s"]})


def _policy(settings: CapacityModesSettings) -> Iterator[Cell]:
    params = _flat_at(settings.policy_multiple) | {"patience_service_s": settings.patience_service_s}
    step = f"retries_{settings.policy_multiple:g}x"
    yield _cell(settings, "policy", POLICIES, step, params, demand="flat", service_s=settings.policy_service_s)


def _back_pressure(settings: CapacityModesSettings) -> Iterator[Cell]:
    """The table has plenty (B8).

    By default its writes ask for 0.5 × 8 = 4 of the index's units a second. Where that has 1, its store of 300 is gone
    after 300/(4 − 1) = 100 s, and from then on 1 write in 4 passes: of the 200 s, 0.75 × 100 s, 37.5 % are refused.
    """
    yield _cell(
        settings, "back_pressure", ("no_index", "index_enough", "index_starved"), "index_writes",
        _flat_at(settings.index_multiple), demand="flat", service_s=settings.index_service_s, units=settings.table_units,
    )  # fmt: skip


def _bounds(settings: CapacityModesSettings) -> dict[str, float]:
    """What auto scaling may do; it never goes below what it starts with."""
    return {"target_percent": settings.target_percent, "max_capacity_units": settings.max_capacity_units}


_CELLS = {
    "ramp": _ramp, "steps": _steps, "spike": _spike, "diurnal": _diurnal, "hot": _hot, "policy": _policy,
    "back_pressure": _back_pressure,
}  # fmt: skip
