"""How capacity_modes was measured, in words that follow from the run's own plan."""

from collections.abc import Iterator, Sequence

import numpy as np

from reports.capacity_modes.arithmetic import BURST_S
from reports.capacity_modes.curves import CAME_AS_PLANNED
from reports.capacity_modes.samples import KINDS, NAME
from reports.capacity_modes.told import Told, chosen
from reports.load import Run
from reports.places import is_aws
from reports.stats.quantiles import of_sorted
from reports.words import number, percent

_PARTS = {
    "ramp": "a rising demand", "steps": "flat demands", "spike": "a spike", "diurnal": "a day of flights",
    "hot": "hot partitions and keys", "policy": "retry policies", "back_pressure": "an index that gets too little",
}  # fmt: skip


def method(run: Run, told: Sequence[Told]) -> tuple[str, ...]:
    """The paragraphs under the charts."""
    return (*_parts(told), *_load(run, told), *_arithmetic(told), _lateness(run))


def _parts(told: Sequence[Told]) -> Iterator[str]:
    """What the plan left out, where it had parts to choose from."""
    planned = {one.cell.part for one in told}
    left_out = [text for part, text in _PARTS.items() if part not in planned]
    if left_out and planned != {"ramp"}:
        yield f"Not asked of this run (setting parts): {', '.join(left_out)}."


def _load(run: Run, told: Sequence[Told]) -> Iterator[str]:
    slots = run.scenario(NAME).get("slots", 1)
    units = [tuple(number(one.cell.params[f"{kind}_capacity_units"]) for kind in KINDS) for one in told]
    bases = " or ".join(f"{read} and {write}" for read, write in dict.fromkeys(units))
    yield (
        f"Open loop: every request has an intended start, {slots} may be in flight, and what can't start in time is late, not left out. "
        f"Demand is stated in multiples of what the part's provisioned arm begins with: {bases} read and write units a second. Reads "
        "are strongly consistent."
    )
    if ramp := chosen(told, part="ramp"):
        params = ramp[0].cell.params
        yield (
            f"Ramp: from 0 to {number(params['peak_multiple'])} times within {number(params['ramp_service_s'])} service seconds, then "
            f"so for {number(params['hold_service_s'])}."
        )
    speeds = sorted({one.cell.speed for one in told})
    if is_aws(run):
        yield (
            "A throttled attempt is a result; where a policy retries, each attempt is a row. All trials of a mode share one table; a trial begins "
            f"once it was left alone for {number(BURST_S)} s, in which the service may have filled its burst store (B2). Times are the wall's."
        )
    else:
        yield _twin(speeds)
    if waits_s := {float(one.cell.params.get("patience_service_s", 0)) for one in told} - {0.0}:
        yield (
            f"Retries are botocore's. What `adaptive` itself holds back for more than {number(max(waits_s))} s isn't sent: in shares of attempts "
            "it counts as one, throttled for ClientSendRate; in attempts a request it doesn't."
        )
    scale = max(one.cell.scale for one in told)
    if scale != 1:
        yield (
            f"Scale: what one partition serves (B1, part hot) and what an on-demand table starts with (B5) are divided by {number(scale)} in the "
            "twin. Admission is linear in its rates, so shares and seconds carry over; units a second are to be multiplied."
        )


def _twin(speeds: Sequence[float]) -> str:
    return (
        "A throttled attempt is a result; where a policy retries, each attempt is a row. Each trial has a table of its own, its burst "
        f"bucket full when the demand begins. The twin's clock runs {' to '.join(map(number, sorted({speeds[0], speeds[-1]})))} times the wall's; times are "
        "service seconds, in which the tool's own milliseconds of a request count as many times."
    )


def _arithmetic(told: Sequence[Told]) -> Iterator[str]:
    kept_s = max(one.cell.params.get("on_demand_burst_s", 1.0) for one in told)
    kept = (
        ""
        if kept_s <= 1
        else (
            f"; here up to {number(kept_s)} s of it, so that what the machine delays and then does at once doesn't look like demand"
        )
    )
    yield (
        f"Arithmetic: a store of {number(BURST_S)} s of provisioned capacity, full at first, drains by what is demanded above capacity (B2); of a flat "
        "demand of m times capacity the first request is refused after 300/(m − 1) s, and capacity × (t + 300) is served in t s. On demand "
        f"and in one partition the present second is kept (B5, B1){kept}. It is given where a formula holds and the demand came within "
        f"{percent(CAME_AS_PLANNED)} of its curve."
    )
    yield (
        "Onset: when the first throttled request was due; the mean over trials with its t interval where every trial throttled, else the median, "
        "the others as bounds from below. Shares: pooled, interval by a t on the trials' log-odds. Latencies: the mean of the trials' own percentiles. "
        "Dollars: capacity by the hour for the whole trial, indexes too, or units, divided by the requests that were served."
    )


def _lateness(run: Run) -> str:
    firsts = np.flatnonzero(run.samples(NAME, ("attempt",))["attempt"] == 1)
    samples = run.samples(NAME, ("t_intended", "t_start"), firsts)
    late_ms = (samples["t_start"] - samples["t_intended"]).to_numpy() / 1e6
    middle, p99 = (number(value) for value in of_sorted(np.sort(late_ms), (50, 99)).tolist())
    return (
        f"Requests started late by {middle} ms of the wall's clock at the median and {p99} ms at p99, waits for a slot included; onset "
        "counts from when a request was due."
    )
