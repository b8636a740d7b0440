"""docs/examples/flights-capacity.md as its maker writes it: the frame is here, every figure and every sentence with one is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import fill

import numpy as np

from benchmarks.flights_capacity_check import REQUEST_UNITS
from benchmarks.flights_capacity_parts import Checked, Stretch, agreement, check_chart
from benchmarks.where import measured_on
from harness.dynamodb.parameters import KINDS, MINUTE_S
from harness.dynamodb.planner.model import Demand, Outcome, Scheduled, short
from harness.dynamodb.planner.search import usd_month
from harness.planning import Planned, family_rows, lines, variation_rows, why
from reports.section import Chart, Section
from reports.stats import share_of_trials
from reports.words import count, dollars, number, percent, span

_PAGE = """# What to provision for a year of flights

A worked example, written by `python -m benchmarks.flights_capacity`: `dbharness plan` answers for a demand, and its answer is then
checked with real requests. No figure on this page is typed by hand. [The planner](../planner.md) says what its words mean.

{answer}

## The demand

{demand}

![{timeline_alt}]({timeline})

The rows are requests a second from that hour to the next, in UTC:

```
{head}
```

## What it would cost

`dbharness plan flights.csv` replays these minutes under {settings} settings. The cheapest of each kind that throttles at most {limit} of
reads and of writes:

{families}

*Reserved* is with as much capacity reserved for a year as pays for itself. *R used* and *W used* are the share of what is provisioned
that is consumed.

{frontier_sentence}

![{frontier_alt}]({frontier})

{why}

## Where it throttles

{throttles}

![{close_up_alt}]({close_up})

## What would change the answer

{variations}

![{sensitivity_alt}]({sensitivity})

{varied}

**Planned from one half, held against the other.** The settings above were chosen by the demand that judges them. Chosen from the first half
of it alone, they do this in the second:

{halves}

{halves_sentence}

## Checked with requests

{checked_intro}

{checked}

{agreement}

![{check_alt}]({check})

{checked_method}

## For your own table

```
dbharness plan --from-table shop --region us-east-1 --days 14   # what CloudWatch says it consumed, by the minute
dbharness plan shop.csv --out plans/shop                        # or a trace of your own; a report with these charts
```

The first only reads (`dynamodb:DescribeTable`, `cloudwatch:GetMetricData`; four metrics at $0.01 a thousand). Look for four things in
its answer: what it *supposed*, above all whether the table throttled while it was observed; how the advised setting does with 20 % more
demand; how it does without a store of unused capacity, which AWS doesn't promise; and whether the answer is a table of hours, which was
fitted on these very days. [The planner](../planner.md) has the other options: reservations, hot keys, slow scaling, your own hours.

## Measured on

{where}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All that the page is written from. ``halves``: chosen from the first half, and what it comes to in the second."""

    planned: Planned
    section: Section
    stretches: tuple[Stretch, ...]
    checked: tuple[Checked, ...]
    halves: tuple[tuple[Outcome, Outcome], ...]
    trials: int
    speed: float
    seed: int


def render(made: Made) -> str:
    """The page."""
    plan, said = made.planned.plan, lines(made.planned)
    charts = {chart.id.removeprefix("planner-"): chart for chart in charts_of(made)}
    named = {
        "timeline": "timeline-read",
        "frontier": "frontier",
        "close_up": "close-up-read",
        "sensitivity": "sensitivity",
        "check": "check",
    }
    pictures = {name: picture(charts[id]) for name, id in named.items()}
    alts = {f"{name}_alt": charts[id].title for name, id in named.items()}
    where, versions = measured_on()
    prices = made.planned.prices
    paragraphs = {
        "demand": _demand(made), "frontier_sentence": _frontier(made), "why": _break_even(made), "throttles": _throttles(made),
        "varied": _varied(made), "halves_sentence": _halves_sentence(made), "agreement": agreement(made.checked),
        "checked_method": _checked_method(made), "where": f"{where}. Prices: {prices.region}, {prices.date}, {prices.source}. Versions: {versions}.",
    }  # fmt: skip
    return _PAGE.format(
        answer="\n\n".join(_filled(text) for text in (f"**{said[0]}**", why(made.planned), _caution(made)) if text), head=_head(plan.demand), settings=len(plan.found.outcomes),
        limit=percent(plan.wanted.most_throttled), families=_table(*family_rows(plan)[1:]), variations=_table(*variation_rows(plan)[1:]),
        halves=_halves(made), checked_intro=_checked_intro(made), checked=_checked(made), **pictures, **alts,
        **{name: _filled(text) for name, text in paragraphs.items()},
    )  # fmt: skip


def _filled(text: str) -> str:
    """A paragraph in lines of the width that the other pages have."""
    return fill(text, width=120, break_long_words=False, break_on_hyphens=False)


def picture(chart: Chart) -> str:
    """The name of its file, beside the page."""
    return f"flights-capacity-{chart.id.removeprefix('planner-')}.png"


def charts_of(made: Made) -> tuple[Chart, ...]:
    """Those of the page: of the plan's own all but the writes', which have the same shape, and the check's."""
    return (
        *(chart for chart in made.section.charts if not chart.id.endswith("-write")),
        check_chart(made.stretches, made.checked),
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    ruled = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in ruled)


def _demand(made: Made) -> str:
    demand = made.planned.plan.demand
    figures = {
        kind: (float(demand.of(kind).mean()) / MINUTE_S, float(demand.of(kind).max()) / MINUTE_S) for kind in KINDS
    }
    kinds = " and ".join(
        f"{number(mean)} {kind} units a second on the mean and {number(most)} at most"
        for kind, (mean, most) in figures.items()
    )
    notes = " ".join(made.planned.trace.notes)
    return (
        "For every flight that is scheduled to leave New York in an hour, ten reads a second and one write a second, of an item of 430 bytes, "
        "as a departure board would make them: eventually consistent reads, half a unit each (A1), and writes of one unit (A2). That is "
        f"{count(demand.minutes, 'minute')} with {kinds}. Nights are empty, and summer time moves every flight by an hour of UTC. {notes}"
    )  # fmt: skip


def _head(demand: Demand) -> str:
    """The first hours of the day in which somebody flies, as the trace has them."""
    first = int(np.flatnonzero(demand.read)[0]) // 60 * 60
    rows = []
    for minute in range(first, min(first + 180, demand.minutes), 60):
        at = datetime.fromtimestamp(demand.start_s + 60 * minute, UTC)
        writes = demand.write[minute] / MINUTE_S
        rows.append(f"{at.isoformat()},{10 * writes:.0f},{writes:.0f},430")
    return "\n".join(["time,reads_per_s,writes_per_s,item_bytes", *rows])


def _frontier(made: Made) -> str:
    plan = made.planned.plan
    nothing = next((one for one in reversed(plan.found.frontier) if one.throttled_share == 0), None)
    if nothing is None:
        return "No setting throttles nothing at all."
    price, least = usd_month(plan.advised, plan.wanted), usd_month(nothing, plan.wanted)
    if least <= price:
        return "The advised setting throttles nothing at all; nothing cheaper does so little."
    return (
        f"To throttle nothing at all costs {dollars(least)} a month ({short(nothing.setting)}), {percent(least / price - 1)} more than the advised "
        "setting. On the line below nothing is cheaper and throttles less:"
    )


def _break_even(made: Made) -> str:
    even = made.planned.plan.break_even["read"]
    if even is None:
        return "Where on demand and provisioned capacity cost the same isn't known: a price is missing."
    return (
        f"On demand is paid by the request, provisioned capacity by the hour, used or not: both cost the same where {percent(even)} of what is "
        "provisioned is used (a price check, C1). What is used of each setting stands in the table above."
    )


def _throttles(made: Made) -> str:
    advised = made.planned.plan.advised
    if not advised.throttled_share:
        return "The advised setting throttles nothing. The three days around the busiest minute:"
    table = (
        " A table of hours knows the usual day and falls short on days that have more."
        if isinstance(advised.setting, Scheduled)
        else ""
    )
    return (
        f"{count(max(advised.read.throttled_minutes, advised.write.throttled_minutes), 'minute')} of {made.planned.plan.demand.minutes:,} have a throttled "
        f"request, at most {count(advised.longest_throttled_minutes, 'minute')} in a row.{table} The three days around the worst:"
    )


def _varied(made: Made) -> str:
    plan = made.planned.plan
    other = [
        one for one in plan.variations if one.cheapest and one.cheapest.setting.family != plan.advised.setting.family
    ]
    broken = [one for one in plan.variations if one.kept.throttled_share > plan.wanted.most_throttled]
    first = (
        f"Of {count(len(plan.variations), 'variation')}, {len(broken)} take the advised setting over the limit: {', '.join(one.name for one in broken)}."
        if broken
        else "None of the variations takes the advised setting over the limit."
    )
    second = (
        f" Another kind of setting becomes the cheapest with {', '.join(one.name for one in other)}."
        if other
        else " The kind of setting that is cheapest stays the same in all of them."
    )
    return first + second


def _halves(made: Made) -> str:
    rows = [
        (short(before.setting), dollars(before.usd_month), f"{100 * before.throttled_share:.3f} %", dollars(after.usd_month), f"{100 * after.throttled_share:.3f} %")
        for before, after in made.halves
    ]  # fmt: skip
    return _table(
        ("chosen from the first half", "USD a month", "throttled", "second half, USD a month", "throttled"), rows
    )


def _caution(made: Made) -> str:
    """Whether what is advised would have been right if it had been chosen half-way."""
    plan = made.planned.plan
    own = next((after for before, after in made.halves if before.setting.family == plan.advised.setting.family), None)
    if own is None or own.throttled_share <= plan.wanted.most_throttled:
        return ""
    kept = [after for _, after in made.halves if after.throttled_share <= plan.wanted.most_throttled]
    instead = min(kept, key=lambda one: one.usd_month, default=None)
    return (
        f"Mind: the answer is judged by the demand that it was fitted on. Chosen from its first half alone, a setting of this kind throttles "
        f"{percent(own.throttled_share)} of the second, over the limit"
        + (
            f"; the cheapest that keeps it is {short(instead.setting)}, {dollars(instead.usd_month)} a month."
            if instead
            else "."
        )
    )


def _halves_sentence(made: Made) -> str:
    limit = made.planned.plan.wanted.most_throttled
    kept = [after for _, after in made.halves if after.throttled_share <= limit]
    broke = [after for _, after in made.halves if after.throttled_share > limit]
    said = f"{len(kept)} of {len(made.halves)} stay within {percent(limit)}"
    if kept:
        cheapest = min(kept, key=lambda one: one.usd_month)
        said += f", the cheapest of them {short(cheapest.setting)} at {dollars(cheapest.usd_month)} a month"
    if broke:
        said += f"; over it: {'; '.join(short(one.setting) for one in broke)}"
    return f"{said}."


def _checked_intro(made: Made) -> str:
    listed = "\n".join(f"* **{one.letter}**, {one.why}: {one.when}" for one in made.stretches)
    return (
        _filled(
            f"{count(len(made.stretches), 'part')} of the demand went to the [twin of DynamoDB](../twin.md), a process of its own whose clock runs "
            f"{number(made.speed)} times as fast as the wall's, under each of the settings above, with {count(made.trials, 'trial')} each in a drawn order "
            f"(seed {made.seed}). Every part begins with a full store, for the planner as for the table. A share is of that part alone: the parts are the worst, "
            "not the usual."
        )
        + f"\n\n{listed}"
    )


def _checked(made: Made) -> str:
    rows = []
    for one in made.checked:
        asked = {kind: one.refused_and_asked(kind)[1] for kind in KINDS}
        cells = [one.stretch.letter, short(one.outcome.setting), f"{sum(sum(asked[kind]) for kind in KINDS):,}"]
        for kind in KINDS:
            refused, of = one.refused_and_asked(kind)
            interval = share_of_trials(refused, of) if sum(of) else None
            measured = f"{percent(interval.value)}{span(interval.low, interval.high, percent)}" if interval else "–"
            cells += [percent(one.planned_share(kind)), measured.replace(", 95 % interval ", ", ")]
        rows.append(cells)
    headings = (
        "part",
        "setting",
        "requests",
        "reads throttled, planned",
        "measured",
        "writes throttled, planned",
        "measured",
    )
    return _table(headings, rows)


def _checked_method(made: Made) -> str:
    trials = [trial for one in made.checked for trial in one.trials]
    reasons = sorted({reason for trial in trials for reason in trial.reasons})
    missed = sum(one.missed for one in made.checked)
    again = (
        f" {count(missed, 'more trial')} missed their schedule, p99 above 6 service seconds, and were done again."
        if missed
        else ""
    )
    return (
        f"A request stands for many: a Query that counts consumes {REQUEST_UNITS['read']} read units, a PutItem {REQUEST_UNITS['write']} write units. "
        f"The loop is open: a request is sent when it is due by the demand, whatever became of others; p99 of lateness was at most "
        f"{number(max(trial.late_p99_s for trial in trials))} service seconds.{again} Nothing that was throttled was asked for again. Reasons that were told: "
        f"{', '.join(reasons) or 'none'}. The table of hours was followed by UpdateTable, auto scaling set up by its own API. Limits of single partitions (B1) "
        "were off: at this speed a stall of the machine would look like a burst. Shares are of the *local model*; none of it is AWS."
    )
