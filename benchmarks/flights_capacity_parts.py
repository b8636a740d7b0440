"""The parts of the demand that were replayed against the twin, what came of each, and how far it is from the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.flights_capacity_check import REQUEST_UNITS, Trial
from harness.dynamodb.parameters import KINDS, MINUTE_S, Kind
from harness.dynamodb.planner.model import Demand, LaneReplay, Outcome, short
from reports.charts import new_rows, style
from reports.section import Chart
from reports.words import number


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the demand that is replayed, its letter on the page, and why this one."""

    letter: str
    why: str
    demand: Demand

    @property
    def when(self) -> str:
        """Its begin and end in UTC."""
        begin, end = (datetime.fromtimestamp(self.demand.start_s + 60 * at, UTC) for at in (0, self.demand.minutes))
        return f"{begin.day} {begin:%B %Y, %H:%M} to {end:%H:%M} UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One setting in one stretch: what was planned for it, the trials, and how many were late and done again."""

    stretch: Stretch
    outcome: Outcome
    planned: dict[Kind, LaneReplay]
    trials: tuple[Trial, ...]
    missed: int

    def planned_share(self, kind: Kind) -> float:
        """Of the units asked for, how many the planner says are throttled."""
        asked = float(self.stretch.demand.of(kind).sum())
        return 1 - float(self.planned[kind].served.sum()) / asked if asked else 0.0

    def refused_and_asked(self, kind: Kind) -> tuple[list[int], list[int]]:
        """Requests of each trial."""
        return [trial.refused[kind] for trial in self.trials], [trial.asked[kind] for trial in self.trials]

    def measured_share(self, kind: Kind) -> float:
        """Of all trials' requests."""
        refused, asked = self.refused_and_asked(kind)
        return sum(refused) / sum(asked) if sum(asked) else 0.0


def agreement(checked: Sequence[Checked]) -> str:
    """How far what was measured is from what was planned, and whether units add up: in sentences."""
    pairs = [(one, kind) for one in checked for kind in KINDS if sum(one.refused_and_asked(kind)[1])]
    off = max(abs(one.planned_share(kind) - one.measured_share(kind)) for one, kind in pairs)
    quiet = [(one, kind) for one, kind in pairs if not one.planned_share(kind) and not one.measured_share(kind)]
    same = sum(
        all(
            0 <= one.planned[kind].served.sum() - trial.served_units[kind].sum() < REQUEST_UNITS[kind]
            for trial in one.trials
        )
        for one, kind in quiet
    )
    trials = [trial for one in checked for trial in one.trials]
    reconciled = sum(
        all(trial.served_units[kind].sum() == trial.counted_units[kind] for kind in KINDS) for trial in trials
    )
    within = "within" if off <= 0.01 else "**not within**"
    return (
        f"The largest difference between a planned and a measured share is {number(100 * off)} percentage points, {within} the 1 that is asked for. "
        f"Where neither says that anything is throttled, {len(quiet)} of {len(pairs)} comparisons, the units are the same in {same} (but for the part of a "
        f"request that a whole number of them leaves over). In {reconciled} of {len(trials)} trials the units that answers told and those that the service counted "
        "are the same."
    )


def check_chart(stretches: Sequence[Stretch], checked: Sequence[Checked]) -> Chart:
    """In each stretch the setting that throttles most of it by the plan: planned and measured, by the minute."""
    parts = []
    for stretch in stretches:
        one = max((one for one in checked if one.stretch is stretch), key=lambda one: one.planned_share("read"))
        measured = np.mean([trial.refused_units["read"] for trial in one.trials], axis=0)
        asked = stretch.demand.read
        parts.append(
            pd.DataFrame(
                {
                    "stretch": f"{stretch.letter}: {short(one.outcome.setting)}",
                    "minute": np.arange(stretch.demand.minutes),
                    "demand, units/s": asked / MINUTE_S,
                    "throttled, planned, units/s": (asked - one.planned["read"].served) / MINUTE_S,
                    "throttled, measured, units/s": measured / MINUTE_S,
                }
            )
        )
    return Chart(
        id="planner-check", title="Reads in each part under the setting that throttles most there: planned and measured", caption="Minutes since the part began.",
        alt=agreement(checked), table=pd.concat(parts, ignore_index=True), draw=_draw_check,
    )  # fmt: skip


def _draw_check(table: pd.DataFrame) -> Figure:
    names = list(dict.fromkeys(table["stretch"]))
    figure, rows = new_rows(len(names), height_each=2.0)
    plain = {"marker": "", "linewidth": 1.2}
    for axes, name in zip(rows, names, strict=True):
        part = table[table["stretch"] == name]
        axes.plot(part["minute"], part["demand, units/s"], label="demand", **style(0) | plain)
        axes.plot(part["minute"], part["throttled, planned, units/s"], label="throttled, planned", **style(1) | plain)
        axes.plot(
            part["minute"], part["throttled, measured, units/s"], label="measured", color=style(2)["color"], marker=".", linestyle="", markersize=4
        )  # fmt: skip
        axes.set_title(name, fontsize="small", loc="left")
        axes.set_ylabel("read units / s")
        axes.set_ylim(bottom=0)
    rows[0].legend(loc="best", ncols=3)
    rows[-1].set_xlabel("minutes since the part began")
    return figure
