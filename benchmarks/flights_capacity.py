"""``python -m benchmarks.flights_capacity``: what to provision for a year of flights, planned and then checked by real requests.

The demand is that of the flights data by the hour; ``dbharness plan`` answers it; its worst stretches are replayed against the twin
as a server, under the cheapest setting of each kind. A whole run writes docs/examples/flights-capacity.md with its charts;
``--quick`` prints the page of one month, checked once.
"""

import argparse
import csv
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks import flights_capacity_page as page
from benchmarks.flights_capacity_check import Trial, drive
from benchmarks.flights_capacity_parts import Checked, Stretch
from harness import dataset, planning
from harness.dynamodb.parameters import KINDS
from harness.dynamodb.planner.model import Assumptions, Demand, Outcome
from harness.dynamodb.planner.plan import Plan, worst_minute
from harness.dynamodb.planner.replay import Replayer
from harness.dynamodb.planner.search import search
from harness.errors import CannotMeasure
from harness.paths import PROJECT_ROOT
from reports.charts import to_png
from reports.load import Run
from reports.planner import analyse
from reports.section import Chart

SEED = 20260106
NEW_YORK = ZoneInfo("America/New_York")
READS_PER_FLIGHT, WRITES_PER_FLIGHT, ITEM_BYTES = 10, 1, 430
STRETCH_MINUTES, BEFORE_WORST = 120, 80
LATEST_P99_S = 6.0
"""Of requests in service seconds, a fiftieth of a full store: a trial that is later than this missed its schedule."""
MOST_ATTEMPTS = 4
PAGE_DPI = 130
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What to plan and how much to check: months of the data, trials of each setting, the twin's speed."""

    months: tuple[int, ...]
    trials: int
    speed: float
    stretch_minutes: int = STRETCH_MINUTES


def main() -> int:
    """Parse, plan, check, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flights_capacity", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="January, one trial, an hour a stretch; printed only")
    parser.add_argument("--trials", type=int, default=3, help="of each setting in each stretch")
    parser.add_argument("--speed", type=float, default=200.0, help="of the twin's clock")
    parser.add_argument("--page", type=Path, default=PROJECT_ROOT / "docs" / "examples" / "flights-capacity.md")
    words = parser.parse_args()
    extent = Extent(months=tuple(range(1, 13)), trials=words.trials, speed=words.speed)
    if words.quick:
        extent = Extent(months=(1,), trials=1, speed=words.speed, stretch_minutes=60)
    made, charts = measure(extent, lambda line: print(line, file=sys.stderr, flush=True))
    text = page.render(made)
    if words.quick:
        print(text)
        return 0
    words.page.parent.mkdir(parents=True, exist_ok=True)
    words.page.write_text(text)
    for chart in charts:
        save(chart, words.page.parent)
    print(f"written: {words.page} and {len(charts)} charts")
    return 0


def measure(extent: Extent, say: Say) -> tuple[page.Made, Sequence[Chart]]:
    """Plan the demand, replay its stretches, and draw."""
    with TemporaryDirectory() as folder:
        trace = Path(folder) / "flights.csv"
        write_trace(trace, extent.months)
        say("planning")
        planned = planning.plan(planning.Request(traces=(trace,), check=True))
        planning.write_report(planned, Path(folder) / "plan", None)
        section = analyse(Run.load(Path(folder) / "plan"))
    stretches = stretches_of(planned.plan, extent.stretch_minutes)
    settings = settings_of(planned.plan)
    checked = check(stretches, settings, extent, say)
    made = page.Made(
        planned=planned, section=section, stretches=stretches, checked=checked, halves=halves(planned), trials=extent.trials,
        speed=extent.speed, seed=SEED,
    )  # fmt: skip
    return made, page.charts_of(made)


def save(chart: Chart, folder: Path) -> None:
    """Draw it into a PNG, as the page names it, small enough for a repository."""
    (folder / page.picture(chart)).write_bytes(to_png(chart.draw(chart.table), dpi=PAGE_DPI))


def write_trace(path: Path, months: Sequence[int]) -> None:
    """A row for each hour of UTC: so many requests a second for every flight that New York schedules in it, by its own clock.

    Where the clock is set back an hour comes twice, and nobody flies in it.
    """
    flights = dict(zip(_local_hours(months), dataset.load(months).flights_per_hour(), strict=True))
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "reads_per_s", "writes_per_s", "item_bytes"])
        at = datetime(2013, min(months), 1, tzinfo=NEW_YORK).astimezone(UTC)
        while (local := at.astimezone(NEW_YORK).replace(tzinfo=None, fold=0)) in flights:
            count = flights[local]
            rows.writerow([at.isoformat(), READS_PER_FLIGHT * count, WRITES_PER_FLIGHT * count, ITEM_BYTES])
            at += timedelta(hours=1)


def _local_hours(months: Sequence[int]) -> Iterator[datetime]:
    """The hours of the months on a clock that is never set."""
    at, end = datetime(2013, min(months), 1), datetime(2013 + max(months) // 12, max(months) % 12 + 1, 1)  # noqa: DTZ001
    while at < end:
        yield at
        at += timedelta(hours=1)


def settings_of(plan: Plan) -> tuple[Outcome, ...]:
    """The advised setting, then the cheapest of each other family that throttles little enough, from the cheapest on."""
    others = [one for one in plan.found.by_family.values() if one.setting != plan.advised.setting]
    return (plan.advised, *sorted(others, key=lambda one: one.usd_month))


def stretches_of(plan: Plan, minutes: int) -> tuple[Stretch, ...]:
    """The busiest hours, and where the advised setting and the next cheapest provisioned one throttle most."""
    demand = plan.demand
    units = sum((demand.of(kind) / max(float(demand.of(kind).sum()), 1.0) for kind in KINDS), np.zeros(demand.minutes))
    sums = np.convolve(units, np.ones(minutes), "valid")
    found = [Stretch(letter="A", why="the busiest hours of all", demand=_cut(demand, int(sums.argmax()), minutes))]
    replayer = Replayer(demand)
    ranks = ("the advised setting", "the second cheapest kind")
    for letter, whose, one in zip("BC", ranks, settings_of(plan), strict=False):
        if one.throttled_share:
            worst = worst_minute(demand, replayer.replay(one.setting))
            begin = min(max(worst - BEFORE_WORST * minutes // STRETCH_MINUTES, 0), demand.minutes - minutes)
            found.append(
                Stretch(letter=letter, why=f"where {whose} throttles most", demand=_cut(demand, begin, minutes))
            )
    return tuple(found)


def _cut(demand: Demand, begin: int, minutes: int) -> Demand:
    return Demand(
        start_s=demand.start_s + 60 * begin, read=demand.read[begin : begin + minutes], write=demand.write[begin : begin + minutes]
    )  # fmt: skip


def check(stretches: Sequence[Stretch], settings: Sequence[Outcome], extent: Extent, say: Say) -> tuple[Checked, ...]:
    """Every setting in every stretch, as often as there are trials, in a drawn order; beside what the planner says of it."""
    trials: dict[tuple[int, int], list[Trial]] = {}
    missed: dict[tuple[int, int], int] = {}
    cells = [(at, one) for at in range(len(stretches)) for one in range(len(settings))]
    rng = random.Random(SEED)
    for number in range(extent.trials):
        for done, (at, one) in enumerate(rng.sample(cells, len(cells)), start=1):
            say(f"trial {number + 1} of {extent.trials}: {done} of {len(cells)}")
            trial, late = _on_time(stretches[at].demand, settings[one], extent.speed)
            trials.setdefault((at, one), []).append(trial)
            missed[at, one] = missed.get((at, one), 0) + late
    return tuple(
        Checked(
            stretch=stretches[at], outcome=settings[one], trials=tuple(trials[at, one]), missed=missed[at, one],
            planned=Replayer(stretches[at].demand).replay(settings[one].setting),
        )
        for at, one in cells
    )  # fmt: skip


def _on_time(demand: Demand, outcome: Outcome, speed: float) -> tuple[Trial, int]:
    """A trial whose requests were sent when they were due, and how many were thrown away before."""
    for late in range(MOST_ATTEMPTS):
        trial = drive(demand, outcome.setting, speed)
        if trial.late_p99_s <= LATEST_P99_S:
            return trial, late
    raise CannotMeasure(
        f"{MOST_ATTEMPTS} times requests were {trial.late_p99_s:.1f} service seconds late (p99); lower --speed, or wait for a quieter machine"
    )


def halves(planned: planning.Planned) -> tuple[tuple[Outcome, Outcome], ...]:
    """What would have been chosen from the first half of the demand, and what it would have come to in the second."""
    demand, middle = planned.plan.demand, planned.plan.demand.minutes // 2
    before, after = _cut(demand, 0, middle), _cut(demand, middle, demand.minutes - middle)
    found = search(before, planned.prices, planned.plan.wanted, Assumptions(), levels=0)
    replayer = Replayer(after)
    return tuple((one, replayer.outcome(one.setting, planned.prices)) for one in found.by_family.values())


if __name__ == "__main__":
    sys.exit(main())
