"""The run as cells: one arm asked one pattern of one table, with its answers, what they cost its servers, and what stands against them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from harness.stores_compared.patterns import PATTERNS
from reports import stats
from reports.findings import Basis, Better, Finding
from reports.load import Run
from reports.samples import by_trial
from reports.sql_vs_nosql.arms import (
    ARMS,
    GROWTH,
    NAME,
    PATTERNS_PART,
    arm_words,
    is_cached,
    plain,
    sentence_of,
    server_of,
)
from reports.sql_vs_nosql.checked import Checked, checked
from reports.stats import Interval
from reports.tool import Tool
from reports.words import absent, measured, setting

_COLUMNS = (
    "trial", "phase", "outcome", "error_code", "arm", "client", "t_start", "t_end", "read_units", "write_units", "index_units", "bytes",
    "items_returned", "items_scanned", "question", "round_trips", "served_from",
)  # fmt: skip
_ORDER = tuple(PATTERNS)
_ARMS = [*ARMS, *(f"{arm}_cached" for arm in ARMS)]
_UNKNOWN = 10_000  # the place of what isn't known, behind all that is


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one server used in one trial, by answer; ``resolution_s`` is how exactly the processor time of all answers is known."""

    trial: int
    server: str
    cpu_s: float
    io_bytes: float
    resolution_s: float
    answers: int


@dataclass(frozen=True, slots=True)
class Cell:
    """``rows`` are the measured, right answers of the trials that ended, ``every`` all right ones, the warm-up's too.

    ``planned`` are its trials in order, ended or not: the place of one is its round.
    """

    part: str
    pattern: str
    arm: str
    step: str
    planned: tuple[int, ...]
    rows: pd.DataFrame
    every: pd.DataFrame
    costs: tuple[Cost, ...]

    @property
    def labels(self) -> dict[str, str]:
        """What tells this cell's findings apart."""
        client = str(self.rows["client"].iloc[0]) if len(self.rows) else ""
        about = {"part": self.part, "pattern": self.pattern, "arm": self.arm, "step": self.step}
        return about | {"client": client, "op": self.pattern, "loop": "closed"}

    @property
    def flights(self) -> int:
        """Of the table."""
        return int(self.step)

    @property
    def about(self) -> str:
        """What is asked of whom, to begin a sentence with."""
        return f"{sentence_of(self.pattern)}, {arm_words(self.arm)}, {self.flights:,} flights"

    @property
    def trials(self) -> list[int]:
        """Those it was measured in."""
        return sorted(int(number) for number in self.rows["trial"].unique())

    @property
    def servers(self) -> list[str]:
        """Whose costs are known, the database first."""
        return sorted({cost.server for cost in self.costs}, key=lambda one: (one.startswith("cache"), one))

    def costs_of(self, server: str) -> list[Cost]:
        """One a trial."""
        return [cost for cost in self.costs if cost.server == server]

    def cpu_s(self) -> Interval | None:
        """Processor time an answer of the database's server, over trials; None where it isn't known."""
        costs = self.costs_of(server_of(self.arm))
        return positive(stats.mean_of_trials([cost.cpu_s / cost.answers for cost in costs])) if costs else None

    def means(self, column: str) -> Interval | None:
        """A column's mean an answer, over trials; None where there is no figure of it."""
        known = self.rows.groupby("trial")[column].mean().dropna().to_numpy()
        return positive(stats.mean_of_trials(known)) if len(known) else None

    def times_ms(self) -> list[stats.Numbers]:
        """Service times of each trial, in order."""
        return [rows["service_ms"].to_numpy() for _, rows in by_trial(self.rows)]

    def round_of(self, trial: int) -> int:
        """Which round a trial is of."""
        return self.planned.index(trial)


@dataclass(frozen=True, slots=True)
class Measured:
    """The run of this scenario as its analyses take it. Cells whose arm gave other rows than pandas aren't among ``cells``."""

    run: Run
    tool: Tool
    checked: Checked
    planned: tuple[Cell, ...]
    cannot: Mapping[tuple[str, str], str]
    needed: Mapping[tuple[str, str], Mapping[str, str]]
    bad: pd.DataFrame

    @classmethod
    def of(cls, run: Run) -> "Measured":
        """Reads samples and events; a run without any has cells without rows."""
        samples = run.samples(NAME, _COLUMNS)
        bad = samples[samples["outcome"] != "ok"] if len(samples) else samples
        events = run.events_of(NAME, "cannot")
        needed = {(event["arm"], event["pattern"]): event for event in run.events_of(NAME, "needed")}
        return cls(
            run, Tool.of(run, NAME), checked(run), tuple(_cells(run, samples)),
            {(event["arm"], event["pattern"]): str(event["reason"]) for event in events}, needed, bad,
        )  # fmt: skip

    @property
    def cells(self) -> list[Cell]:
        """Those that have figures."""
        return [cell for cell in self.planned if len(cell.rows) and self.why_wrong(cell) is None]

    def why_wrong(self, cell: Cell) -> str | None:
        """What stands against its answers; of a cached arm also against those of the store behind, which it keeps."""
        return self.checked.why_wrong(cell.arm, cell.pattern) or self.checked.why_wrong(plain(cell.arm), cell.pattern)

    def where(self, part: str, pattern: str | None = None, arm: str | None = None) -> list[Cell]:
        """The cells of a part with figures, of one pattern and arm where these are given, by size."""
        return [
            cell
            for cell in self.cells
            if cell.part == part and pattern in (None, cell.pattern) and arm in (None, cell.arm)
        ]

    def cell(self, pattern: str, arm: str) -> Cell | None:
        """Part ``patterns``' cell."""
        return next(iter(self.where(PATTERNS_PART, pattern, arm)), None)

    @property
    def patterns(self) -> list[str]:
        """What part ``patterns`` was to ask, in the patterns' own order."""
        planned = (cell.pattern for cell in self.planned if cell.part == PATTERNS_PART)
        return sorted({*planned, *(pattern for _, pattern in self.cannot)}, key=_place_of)

    @property
    def arms(self) -> list[str]:
        """Every arm that was to be asked, or said what it can't, in order; those without a cache first."""
        return sorted({*(cell.arm for cell in self.planned), *(arm for arm, _ in self.cannot)}, key=_arm_place)

    @property
    def plain_arms(self) -> list[str]:
        """Those without a cache."""
        return [arm for arm in self.arms if not is_cached(arm)]

    def price(self, key: str) -> float | None:
        """Dollars; None where the price isn't known."""
        value = self.run.manifest["prices"]["values"].get(key)
        return None if value is None else float(value)

    @property
    def prices_of(self) -> str:
        """The prices' region and date, in words."""
        prices = self.run.manifest["prices"]
        return f"{prices['region']} prices of {prices['date']}"

    def on(self, arm: str) -> str:
        """What an arm was measured on."""
        return setting(self.run, NAME, server_of(arm))

    def measured(
        self, id: str, sentence: str, figure: Interval, unit: str, labels: Mapping[str, str], *, better: Better = "lower",
        basis: Basis = "local_model", headline: bool = False,
    ) -> Finding:  # fmt: skip
        """A finding of this scenario; ``id`` without its name."""
        return measured(
            self.run, NAME, f"{NAME}.{id}", sentence, figure, unit, better, labels, basis=basis, headline=headline
        )

    def absent(self, id: str, unit: str, reason: str, labels: Mapping[str, str], *, headline: bool = False) -> Finding:
        """The same of what wasn't measured."""
        return absent(self.run, NAME, f"{NAME}.{id}", unit, "lower", reason, labels, headline=headline)

    def unknown(self, id: str, about: str, reason: str, unit: str, labels: Mapping[str, str], n: int = 0) -> Finding:
        """The same of what can't be given, though something was measured; ``about`` opens its sentence."""
        return Finding(
            id=f"{NAME}.{id}", scenario=NAME, sentence=f"{about}: {reason}.", value=None, unit=unit, better="lower", n=n,
            labels=dict(labels), target=self.run.manifest["target"], status="unknown", reason=reason,
        )  # fmt: skip


def positive(interval: Interval) -> Interval:
    """An estimate of what can't be below nothing."""
    return replace(interval, low=None if interval.low is None else max(0.0, interval.low))


def trials_of(cells: Iterable[Cell]) -> list[int]:
    """The trials of several cells."""
    return sorted({trial for cell in cells for trial in cell.trials})


def _cells(run: Run, samples: pd.DataFrame) -> Iterator[Cell]:
    plan = run.trials(NAME)
    if plan.empty:
        return
    frame = _right(samples)
    costs = _costs(run)
    places = frame.groupby("trial").indices if len(frame) else {}
    warm = (frame["phase"] != "measured").to_numpy() if len(frame) else np.empty(0, bool)
    ended = {int(trial) for trial in plan.loc[plan["done"].astype(bool), "trial"]}
    keys: Any = list(plan.groupby(["label_part", "label_pattern", "arm", "step"], sort=False)["trial"])
    for (part, pattern, arm, step), numbers in sorted(keys, key=lambda one: _place(one[0])):
        planned = tuple(int(number) for number in sorted(numbers))
        mine = [places[number] for number in planned if number in places and number in ended]
        at = np.concatenate(mine) if mine else np.empty(0, np.intp)
        yield Cell(
            part, pattern, arm, step, planned, frame.iloc[at[~warm[at]]], frame.iloc[at],
            tuple(cost for number in planned if number in ended for cost in costs.get(number, ())),
        )  # fmt: skip


def _right(samples: pd.DataFrame) -> pd.DataFrame:
    if samples.empty:
        return samples
    good = samples[samples["outcome"] == "ok"].sort_values(["trial", "t_start"], kind="stable")
    return good.assign(service_ms=(good["t_end"] - good["t_start"]) / 1e6)


def _costs(run: Run) -> dict[int, list[Cost]]:
    found: dict[int, list[Cost]] = {}
    for event in run.events_of(NAME, "server_cost"):
        if event["answers"]:
            cost = Cost(
                trial=event["trial"], server=event["server"], cpu_s=event["cpu_s"], io_bytes=event["read_bytes"] + event["write_bytes"],
                resolution_s=event.get("resolution_s", 0.0), answers=event["answers"],
            )  # fmt: skip
            found.setdefault(cost.trial, []).append(cost)
    return found


def _place(key: Sequence[str]) -> tuple[int, int, int, int]:
    """Part ``patterns`` first: of one figure at the same size, it is what was asked for with all keys."""
    part, pattern, arm, step = key
    return int(part == GROWTH), _place_of(pattern), _arm_place(arm), int(step)


def _place_of(pattern: str) -> int:
    return _ORDER.index(pattern) if pattern in _ORDER else _UNKNOWN


def _arm_place(arm: str) -> int:
    return _ARMS.index(arm) if arm in _ARMS else _UNKNOWN
