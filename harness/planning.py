"""`dbharness plan`: reads a demand, replays it, says what to set; with a directory, leaves a report there."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from harness import config as configuration
from harness import plan_output
from harness.config import Config
from harness.demand.files import read_trace
from harness.demand.run import read_run
from harness.demand.settings import read_key_shares, read_schedule
from harness.demand.table import Table as AwsTable
from harness.demand.table import read_table
from harness.demand.trace import Trace
from harness.dynamodb.autoscaling import AutoscalingParameters
from harness.dynamodb.parameters import KINDS, AdmissionParameters
from harness.dynamodb.planner import reference
from harness.dynamodb.planner.model import Assumptions, Demand, Family, Outcome, Scheduled, describe, short
from harness.dynamodb.planner.plan import Plan, as_record, make_plan, weighted_utilisation
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.planner.search import MOST_CAPACITY, Wanted, usd_month
from harness.dynamodb.pricing import Prices
from harness.errors import CannotMeasure, UsageError
from harness.plan_output import Rows, usd

SCENARIO = "planner"
"""The name under which a plan stands in its directory's manifest, and of its analysis in reports."""
CHECKED_MINUTES = 31 * 24 * 60
LEAST_MINUTES = 7 * 24 * 60
"""A week: the store that a table begins with, 300 s of its capacity, is then a two-thousandth of what it serves."""
FAMILIES: dict[Family, str] = {
    "on_demand": "on demand",
    "fixed": "fixed",
    "autoscaled": "auto scaling",
    "scheduled": "by the hour of the day",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line; ``most_throttled_percent`` of either kind's units."""

    traces: tuple[Path, ...]
    from_run: Path | None = None
    from_table: str | None = None
    days: int = 14
    endpoint_url: str | None = None
    scenario: str | None = None
    arm: str | None = None
    most_throttled_percent: float = 0.1
    timezone: str | None = None
    item_bytes: int | None = None
    strong: bool = False
    reserved: bool = False
    key_shares: Path | None = None
    schedule: Path | None = None
    scaling_delay_s: float = 0.0
    most_capacity: int = MOST_CAPACITY
    region: str = "us-east-1"
    prices_file: str | None = None
    check: bool = False
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what it stands on."""

    plan: Plan
    prices: Prices
    assumptions: Assumptions
    trace: Trace
    seconds: float
    config: Config
    checked: str | None

    def as_record(self) -> dict[str, Any]:
        """The plan for JSON."""
        record = as_record(self.plan, self.prices, self.assumptions, source=self.trace.source, notes=self.trace.notes)
        return record | {"checked": self.checked}


def plan(asked: Request) -> Planned:
    """Read, replay, choose. Raises UsageError, and CannotMeasure where a price that is needed isn't known."""
    if not 0 <= asked.most_throttled_percent <= 100:
        raise UsageError(f"--most-throttled must be from 0 to 100 %, got {asked.most_throttled_percent:g}")
    if asked.item_bytes is not None and not 0 < asked.item_bytes <= 409_600:
        raise UsageError(f"--item-bytes must be from 1 to 409600, got {asked.item_bytes}")
    if asked.scaling_delay_s < 0 or asked.most_capacity < 1:
        raise UsageError("--scaling-delay must be 0 or more, and --most-capacity 1 or more")
    plan_output.refuse_used(asked.out)
    config = Config(region=asked.region, prices_file=asked.prices_file)
    prices = configuration.load_prices(config)
    trace = _long_enough(_trace(asked))
    assumptions = Assumptions(
        key_shares=read_key_shares(asked.key_shares) if asked.key_shares else (),
        admission=AdmissionParameters(account_rate=float(asked.most_capacity)),
        autoscaling=AutoscalingParameters(delay_s=asked.scaling_delay_s),
    )
    wanted = Wanted(
        most_throttled=asked.most_throttled_percent / 100, reserved=asked.reserved, most_capacity=asked.most_capacity,
        schedule=read_schedule(asked.schedule) if asked.schedule else None,
    )  # fmt: skip
    began_s = time.monotonic()
    try:
        made = make_plan(trace.demand, prices, wanted, assumptions)
    except ValueError as error:
        raise CannotMeasure(f"prices of {prices.region} ({prices.date}): {error}") from error
    seconds = time.monotonic() - began_s
    checked = check(made, assumptions) if asked.check else None
    return Planned(
        plan=made, prices=prices, assumptions=assumptions, trace=trace, seconds=seconds, config=config, checked=checked
    )


def check(made: Plan, assumptions: Assumptions) -> str:
    """Replay the cheapest setting of each kind through the twin's own rules too, for at most a month; what came of it.

    Raises CannotMeasure where the two differ.
    """
    minutes = min(made.demand.minutes, CHECKED_MINUTES)
    demand = Demand(start_s=made.demand.start_s, read=made.demand.read[:minutes], write=made.demand.write[:minutes])
    outcomes = {id(one): one for one in (made.advised, *made.found.by_family.values())}
    for one in outcomes.values():
        compiled, scalar = (replay(one, demand, assumptions) for replay in (_compiled, _scalar))
        for kind in KINDS:
            if not np.allclose(compiled[kind], scalar[kind], rtol=1e-9, atol=1e-6):
                raise CannotMeasure(
                    f"the two replays of {describe(one.setting)} differ in their {kind}s; please report it"
                )
    return f"{len(outcomes)} settings over {minutes:,} minutes, minute by minute the same through the twin's own rules"


def lines(planned: Planned) -> list[str]:
    """The answer in sentences: what to set, why, and what was supposed."""
    made, prices = planned.plan, planned.prices
    share = f"{made.wanted.most_throttled * 100:g} %"
    advised = made.advised
    if made.found.cheapest is None:
        first = (
            f"No setting throttles at most {share} of reads and of writes; the least throttles "
            f"{100 * advised.throttled_share:.3f} %: {describe(advised.setting)}, {usd(usd_month(advised, made.wanted))} a month."
        )
    else:
        first = (
            f"Set {describe(advised.setting)}: {usd(usd_month(advised, made.wanted))} a month, the cheapest that throttles at "
            f"most {share} of reads and of writes ({_throttles(advised)})."
        )
    said = [first, why(planned)]
    said += [f"Supposed: {note}" for note in planned.trace.notes]
    if planned.checked:
        said.append(f"Checked: {planned.checked}.")
    said.append(
        f"Modelled, not measured: {planned.trace.source}, {made.demand.minutes:,} minutes, {len(made.found.outcomes)} settings, a month "
        f"of 730 hours, {prices.region} prices of {prices.date}, without storage; replayed in {planned.seconds:.1f} s."
    )
    return said


def _throttles(one: Outcome) -> str:
    if not one.throttled_share:
        return "it throttles nothing"
    minutes = one.longest_throttled_minutes
    return f"{100 * one.throttled_share:.3f} %, at most {minutes:,} minute{'' if minutes == 1 else 's'} in a row"


def why(planned: Planned) -> str:
    """Why the advised setting is cheaper than the other capacity mode."""
    made = planned.plan
    even = made.break_even["read"]
    on_demand = made.on_demand.usd_month
    if made.advised.setting.family == "on_demand":
        others = [one for family, one in made.found.by_family.items() if family != "on_demand"]
        if not others:
            return "Why: nothing provisioned throttles so little."
        next_one = min(others, key=lambda one: usd_month(one, made.wanted))
        used = weighted_utilisation(next_one, planned.prices) or 0.0
        return (
            f"Why: the cheapest provisioned ({describe(next_one.setting)}) would cost {usd(usd_month(next_one, made.wanted))} and be "
            f"used to {100 * used:.1f} %"
            + (f", below the {100 * even:.1f} % at which both modes cost the same." if even else ".")
        )
    used = weighted_utilisation(made.advised, planned.prices) or 0.0
    price = usd_month(made.advised, made.wanted)
    times = f", {on_demand / price:.2g} times as much" if price else ""
    fitted = (
        " The table of hours was fitted on this very demand." if isinstance(made.advised.setting, Scheduled) else ""
    )
    return (
        f"Why: what it provisions is used to {100 * used:.1f} %"
        + (f"; from {100 * even:.1f} % on, provisioned is cheaper (a price check)" if even else "")
        + f". On demand would cost {usd(on_demand)}{times}.{fitted}"
    )


def show(planned: Planned, console: Console) -> None:
    """The answer and its reason, the tables, then what it stands on."""
    said = lines(planned)
    plan_output.show(said[:2], (family_rows(planned.plan), variation_rows(planned.plan)), said[2:], console)


def family_rows(made: Plan) -> Rows:
    """The cheapest of each family that throttles little enough."""
    rows: list[tuple[str, ...]] = []
    for family, name in FAMILIES.items():
        one = made.found.by_family.get(family)
        rows.append(_cells(one) if one else (f"{name}: none", *["–"] * 6))
    headings = ("setting", "USD", "reserved", "throttled", "longest", "R used", "W used")
    return "The cheapest of each kind that throttles little enough, USD a month", headings, rows


def variation_rows(made: Plan) -> Rows:
    """What another demand would change."""
    rows: list[tuple[str, ...]] = []
    for other in made.variations:
        cheapest = (
            (short(other.cheapest.setting), usd(usd_month(other.cheapest, made.wanted)))
            if other.cheapest
            else ("none", "–")
        )
        rows.append((other.name, f"{100 * other.kept.throttled_share:.3f} %", *cheapest))
    return "If it is otherwise", ("supposed", "this setting throttles", "cheapest then", "USD"), rows


def write_report(planned: Planned, out: Path, console: Console | None) -> int:
    """A directory with the plan and its report; the report's exit code."""
    return plan_output.write_report(SCENARIO, planned.as_record(), planned.config, planned.prices, out, console)


def _trace(asked: Request) -> Trace:
    if [bool(asked.traces), asked.from_run is not None, asked.from_table is not None].count(True) != 1:
        raise UsageError("expected one of: trace files, --from-run RUN, --from-table NAME")
    if asked.from_run:
        return read_run(asked.from_run, asked.scenario, asked.arm)
    if asked.from_table is not None:
        table = AwsTable(name=asked.from_table, region=asked.region, days=asked.days, endpoint_url=asked.endpoint_url)
        return read_table(table, time.time)
    return read_trace(asked.traces, timezone=asked.timezone, item_bytes=asked.item_bytes, strong=asked.strong)


def _long_enough(trace: Trace) -> Trace:
    """A short trace repeated: or a month would be priced that lives on the store that its first minutes find full."""
    demand = trace.demand.repeated(LEAST_MINUTES)
    if demand is trace.demand:
        return trace
    times = demand.minutes // trace.demand.minutes
    minutes = trace.demand.minutes
    short_of = f"{minutes:,} minute{' is' if minutes == 1 else 's are'}"
    note = f"{short_of} shorter than a week: the same {times:,} times after each other."
    return replace(trace, demand=demand, notes=(*trace.notes, note))


def _compiled(one: Outcome, demand: Demand, assumptions: Assumptions) -> dict[str, Any]:
    return {kind: lane.served for kind, lane in Replayer(demand, assumptions).replay(one.setting).items()}


def _scalar(one: Outcome, demand: Demand, assumptions: Assumptions) -> dict[str, Any]:
    return {kind: lane.served for kind, lane in reference.replay(demand, one.setting, assumptions).items()}


def _cells(one: Outcome) -> tuple[str, ...]:
    used = [one.of(kind).utilisation for kind in KINDS]
    return (
        short(one.setting), usd(one.usd_month),
        "–" if one.reserved_usd_month is None else usd(one.reserved_usd_month),
        f"{100 * one.throttled_share:.3f} %", f"{one.longest_throttled_minutes:,} min",
        *("–" if share is None else f"{100 * share:.1f} %" for share in used),
    )  # fmt: skip
