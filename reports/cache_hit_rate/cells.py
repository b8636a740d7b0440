"""The samples of a run as cells, by engine, part, step and arm; and how findings of a cell are made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from reports import stats
from reports.cache_hit_rate.arms import ARMS, NAME, PARTS, SIZE, TRIPS, arm_words, step_words
from reports.findings import Basis, Better, Finding
from reports.load import Run
from reports.samples import NOWHERE, Places, Wanted, by_trial, those, trial_by_trial
from reports.stats import Interval
from reports.tool import Tool
from reports.words import absent, engine_name, measured, setting

# What is used of the samples: to find a cell's rows, of every cell, of some parts besides; and of writes, in whichever phase.
_KEYS = ("trial", "phase", "t_start", "op", "outcome")
_COLUMNS = ("trial", "step", "op", "outcome", "error_code", "hit", "t_intended", "t_start", "t_end", "db_ns")
_OF_PART: Mapping[str, tuple[str, ...]] = {
    SIZE: ("get_ns", "set_ns"), TRIPS: ("get_ns", "set_ns"), "stale": ("key", "version_read", "version_current"),
}  # fmt: skip
_BAD = ("trial", "arm", "outcome", "error_code")
_WRITES = ("trial", "key", "version_current", "t_start", "t_end", "db_ns")
_ORDER = tuple(PARTS)
_CELL = ["label_engine", "part", "step", "arm"]
_NO_ROWS = pd.DataFrame({"trial": [], "intended": [], "op": [], "outcome": []})
Labels = Mapping[str, str]
_NONE: Labels = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One arm at one step in front of one engine: ``rows`` are the measured reads and writes of its trials that ended.

    ``params`` are those of its trials; ``named`` are their labels. A cell none of whose trials ended has no rows.
    """

    engine: str
    part: str
    step: str
    arm: str
    params: Mapping[str, Any]
    named: Mapping[str, str]
    server: str
    rows: pd.DataFrame

    @property
    def labels(self) -> dict[str, str]:
        """What tells this cell's findings apart."""
        told = {"part": self.part, "arm": self.arm, "engine": self.engine, "server": self.server, "step": self.step}
        others = {name: str(text) for name, text in self.named.items() if name not in ("part", "engine")}
        return told | others | {"client": "lean", "op": "read", "loop": "open" if self.is_open else "closed"}

    @property
    def is_open(self) -> bool:
        """Whether reads were due at times of their own."""
        return bool(self.rows["intended"].any())

    @property
    def about(self) -> str:
        """The arm, the engine and the step in words, to begin a sentence with."""
        words = arm_words(self.arm)
        return (
            f"{words[0].upper()}{words[1:]} in front of {engine_name(self.engine)}, {step_words(self.part, self.step)}"
        )

    @property
    def reads(self) -> pd.DataFrame:
        """Reads, answered or not."""
        return those(self.rows, self.rows["op"] == "read")

    @property
    def answered(self) -> pd.DataFrame:
        """Reads that gave the application its value."""
        reads = self.reads
        return those(reads, reads["outcome"] == "ok")

    @property
    def asked(self) -> pd.DataFrame:
        """Answered reads that asked the cache."""
        answered = self.answered
        return those(answered, answered["hit"].notna())

    @property
    def refused(self) -> "pd.Series[bool]":
        """For each read, whether a full cache refused to keep what was loaded."""
        codes = self.reads["error_code"]
        return codes.isin([code for code in codes.cat.categories if code.startswith("OOM")])

    @property
    def writes(self) -> pd.DataFrame:
        """Writes that the database has."""
        return self.rows[(self.rows["op"] == "write") & (self.rows["outcome"] == "ok")]

    @property
    def trials(self) -> list[int]:
        """The trials it was measured in."""
        return sorted(int(number) for number in self.rows["trial"].unique())

    def hit_rate(self) -> Interval | None:
        """Hits of the answered reads that asked a cache; None where none did."""
        asked = self.asked
        if asked.empty:
            return None
        hits = asked["hit"].eq(True).groupby(asked["trial"])
        return stats.share_of_trials(hits.sum().to_numpy(), hits.size().to_numpy())

    def times_us(self, rows: pd.DataFrame) -> list[stats.Numbers]:
        """How long the application waited for each of ``rows``, µs, of each trial in order."""
        return [one["latency_us"].to_numpy() for _, one in by_trial(rows)]


@dataclass(frozen=True, slots=True)
class Measured:
    """The run of this scenario as its analyses take it; cells in the order of engines, parts and steps, planned ones without rows too; ``writes``
    are those that a database has and ``bad`` the attempts without an answer, in whichever phase."""

    run: Run
    tool: Tool
    writes: pd.DataFrame
    bad: pd.DataFrame
    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, run: Run) -> "Measured":
        """Reads the samples; a run without any has cells without rows."""
        plan, keys = _planned(run.trials(NAME)), run.samples(NAME, _KEYS)
        if plan.empty:
            return cls(run, Tool.of(run, NAME), keys, keys, ())
        planned = [numbers for _, numbers in plan.groupby(_CELL)["trial"]]
        parts = [str(rows["part"].iloc[0]) for _, rows in plan.groupby(_CELL)]
        if keys.empty:
            return cls(run, Tool.of(run, NAME), keys, keys, tuple(_cells(run, plan, [_NO_ROWS] * len(planned))))
        written = np.flatnonzero((keys["op"] == "write") & (keys["outcome"] == "ok"))
        each = [(*_COLUMNS, *_OF_PART.get(part, ())) for part in parts]
        wanted = [Wanted(*one) for one in zip(each, _by_cell(keys, plan, planned), strict=True)]
        wanted = [Wanted(_WRITES, written), Wanted(_BAD, np.flatnonzero(keys["outcome"] != "ok")), *wanted]
        writes, bad, *frames = run.frames(NAME, wanted)
        frames = [_dressed(rows.reindex(columns=list(own)), plan) for rows, own in zip(frames, each, strict=True)]
        return cls(run, Tool.of(run, NAME), writes, bad, tuple(_cells(run, plan, frames)))

    @property
    def engines(self) -> list[str]:
        """The engines that were asked for: by part size, which has some of its own, or by any other part."""
        params = self.run.scenario(NAME)["params"]
        return [one for one in dict.fromkeys((*params["engines"], *params.get("parts_engines", ()))) if self.asked(one)]

    def asked(self, engine: str) -> list[str]:
        """The parts that were asked for of an engine; ``size`` in runs older than parts."""
        params = self.run.scenario(NAME)["params"]
        return [
            part
            for part in params.get("parts", (SIZE,))
            if engine in params["engines" if part in (SIZE, TRIPS) else "parts_engines"]
        ]

    @property
    def cache(self) -> str:
        """The cache that it was measured on: Valkey, or the Redis that stands in where TLS is asked for."""
        servers = self.run.scenario(NAME).get("servers", {})
        return setting(self.run, NAME, "redis" if "redis" in servers else "valkey")

    def on(self, cell: Cell) -> str:
        """What a cell was measured on: loop, cache and database."""
        cache = self.cache.partition(", ")[2]
        return f"{cell.labels['loop']} loop; {setting(self.run, NAME, cell.engine)} behind {cache}"

    def where(self, engine: str, part: str, step: str | None = None) -> list[Cell]:
        """The measured cells of a part, and of a step where that is given, by step."""
        return [
            cell
            for cell in self.cells
            if (cell.engine, cell.part) == (engine, part) and step in (None, cell.step) and len(cell.rows)
        ]

    def writes_of(self, cell: Cell) -> pd.DataFrame:
        """Writes that the database has in a cell's trials, those of the warm-up too."""
        return self.writes[self.writes["trial"].isin(cell.trials)]

    def events(self, kind: str, cell: Cell) -> dict[int, dict[str, Any]]:
        """The last event of a kind in each of a cell's trials, by trial."""
        mine = set(cell.trials)
        return {event["trial"]: event for event in self.run.events_of(NAME, kind) if event["trial"] in mine}

    def say(
        self, cell: Cell, id: str, sentence: str, figure: Interval, unit: str, better: Better, *,
        basis: Basis = "local_model", headline: bool = False, about: Labels = _NONE,
    ) -> Finding:  # fmt: skip
        """A finding of a cell; ``id`` without scenario, engine and part, ``about`` labels beside the cell's."""
        return measured(
            self.run, NAME, full_id(cell, id), sentence, figure, unit, better, {**cell.labels, **about}, basis=basis,
            headline=headline,
        )  # fmt: skip

    def absent(self, cell: Cell, id: str, unit: str, better: Better, reason: str, about: Labels = _NONE) -> Finding:
        """The finding of what one cell doesn't tell."""
        return absent(self.run, NAME, full_id(cell, id), unit, better, reason, {**cell.labels, **about})


def full_id(cell: Cell, id: str) -> str:
    """``cache_hit_rate.postgres.stampede.queries_per_expiry``."""
    return f"{NAME}.{cell.engine}.{cell.part}.{id}"


def clipped(figure: Interval, least: float = 0.0, most: float = float("inf")) -> Interval:
    """The same within what is possible: no time is below 0 and no share above 1, whatever t says."""
    low, high = (None if bound is None else min(most, max(least, bound)) for bound in (figure.low, figure.high))
    return replace(figure, value=min(most, max(least, figure.value)), low=low, high=high)


def _by_cell(keys: pd.DataFrame, plan: pd.DataFrame, cells: Sequence["pd.Series[int]"]) -> Iterator[Places]:
    """Where each cell's measured rows of trials that ended are, trial by trial, by when they began."""
    ended = set(plan.loc[plan["done"], "trial"])
    of_cell = [[int(number) for number in numbers if number in ended] for numbers in cells]
    measured_ = (keys["phase"] == "measured").to_numpy()
    in_turn = [number for numbers in of_cell for number in numbers]
    places = trial_by_trial(keys["trial"].to_numpy(), in_turn, measured_, keys["t_start"].to_numpy())
    return (np.concatenate([NOWHERE, *(places[number] for number in numbers)]) for numbers in of_cell)


def _dressed(rows: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """The rows of a cell with their round and times.

    A round is every cell once: the n-th planned trial of a cell is of round n. ``intended``: whether a row was due at a time of its
    own. In a closed loop none was, and its latency is its service time.
    """
    round_of = np.zeros(int(plan["trial"].max()) + 1, dtype=np.int32)
    round_of[plan["trial"]] = plan["round"]
    intended, service_us = rows["t_intended"].notna(), (rows["t_end"] - rows["t_start"]) / 1e3
    due_ns, latency_us = rows["t_start"], service_us
    if intended.any():
        due_ns = rows["t_intended"].fillna(rows["t_start"]).astype("int64")
        latency_us = (rows["t_end"] - due_ns) / 1e3
    return rows.drop(columns="t_intended").assign(
        round=round_of[rows["trial"]], due_ns=due_ns, service_us=service_us, latency_us=latency_us, intended=intended,
        asked_db=rows["db_ns"] > 0,
    )  # fmt: skip


def _planned(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with their part (``size`` in runs older than parts) and the round they are of."""
    if trials.empty:
        return trials
    part = trials["label_part"].fillna(SIZE) if "label_part" in trials else SIZE
    plan = trials.assign(part=part).sort_values("trial")
    return plan.assign(round=plan.groupby(_CELL).cumcount())


def _cells(run: Run, plan: pd.DataFrame, frames: Sequence[pd.DataFrame]) -> Iterator[Cell]:
    """A cell for each of ``frames``, its rows, which stand in the order of the plan's groups."""
    servers = run.scenario(NAME).get("servers", {})
    records = {trial["trial"]: trial for trial in run.scenario(NAME)["trials"]}
    groups: Any = plan.groupby(_CELL)["trial"]
    cells = []
    for ((engine, part, step, arm), numbers), rows in zip(groups, frames, strict=True):
        first = records[int(numbers.iloc[0])]
        cells.append(
            Cell(
                engine=engine, part=part, step=str(step), arm=arm, params=first["params"], named=first["labels"],
                server=str(servers.get(engine, engine)), rows=rows,
            )
        )  # fmt: skip
    engines = list(run.scenario(NAME)["params"]["engines"])
    arms = list(ARMS)

    def place(cell: Cell) -> tuple[int, int, tuple[float, float, str], int, str]:
        engine = engines.index(cell.engine) if cell.engine in engines else len(engines)
        part = _ORDER.index(cell.part) if cell.part in _ORDER else len(_ORDER)
        return engine, part, _size(cell), arms.index(cell.arm) if cell.arm in arms else len(arms), cell.arm

    yield from sorted(cells, key=place)


def _size(cell: Cell) -> tuple[float, float, str]:
    """Steps that are words by these, then numbers by size, ``zipf_0.8`` by its exponent."""
    try:
        return 1.0, float(cell.step.removeprefix("zipf_")), cell.step
    except ValueError:
        return 0.0, 0.0, cell.step
