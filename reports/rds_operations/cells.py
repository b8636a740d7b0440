"""What was recorded: cells (an arm of a part on an engine, at a step), their trials, samples and events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.findings import Basis, Better, Finding
from reports.load import Run
from reports.rds_operations.arms import CONNECTIONS, LAG, MEANWHILE, NAME, PARAMETERS, PARTS, WRITE
from reports.samples import Wanted, trial_by_trial
from reports.stats import Interval
from reports.tool import Floor, Tool
from reports.words import DRIVERS, absent, engine_name, measured, number, setting

_KEYS = ("trial", "phase", "t_end")
_COLUMNS = ("trial", "op", "outcome", "error_code", "t_intended", "t_start", "t_end", "lag_ns")
Event = Mapping[str, Any]
Labels = Mapping[str, str]
_NONE: Labels = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """An arm at a step; ``trials`` are those that ran to their end, each with the round that it shares with the other arms."""

    part: str
    engine: str
    arm: str
    step: str
    server: str
    params: Mapping[str, Any]
    trials: Mapping[int, int]

    @property
    def about(self) -> str:
        """What it is, in words, to begin a sentence with."""
        return f"{engine_name(self.engine)}, {self.row}"

    @property
    def row(self) -> str:
        """The same without its engine."""
        if self.part == PARAMETERS:
            return f"parameter group {self.arm}"
        if self.part == LAG:
            rate = float(self.params.get("writes_per_s") or 0)
            return f"{number(rate)} writes a second beside" if rate else "nothing written beside"
        if self.part == CONNECTIONS:
            return f"max_connections {self.step}, connections opened {'past it' if self.arm == 'above' else 'to half of it'}"
        size = f"{int(self.flights):,} flights, " if self.flights else ""
        return f"{size}{MEANWHILE.get((self.part, self.arm), self.arm.replace('_', ' '))}"

    @property
    def flights(self) -> float:
        """How much data; 0 where that isn't said."""
        told = self.params.get("flights")
        return 0.0 if told is None or pd.isna(told) else float(told)

    def loop(self, op: str) -> str:
        """How an operation comes: writers of a parameter group write one row after the other, all else is due."""
        return "closed" if (self.part, op) == (PARAMETERS, WRITE) else "open"

    def id(self, figure: str) -> str:
        """A finding's id."""
        return f"{NAME}.{self.engine}.{self.part}.{figure}"

    def labels(self, op: str | None = None) -> dict[str, str]:
        """What tells findings of this cell apart; with ``op`` those of one operation."""
        driver = DRIVERS.get(self.engine, self.engine)
        labels = {
            "engine": self.engine, "part": self.part, "arm": self.arm, "step": self.step, "server": self.server,
            "driver": driver, "client": driver,
        }  # fmt: skip
        return labels if op is None else labels | {"op": op, "loop": self.loop(op)}


@dataclass(frozen=True, slots=True)
class Measured:
    """The run of this scenario as its analyses take it; ``rows`` are each trial's measured samples by when they ended.

    Beside the columns of the samples a row has ``due_ns``, when it was due or else began, ``ms`` from then on, and whether it was ``ok``.
    """

    run: Run
    tool: Tool
    cells: tuple[Cell, ...]
    rows: Mapping[int, pd.DataFrame]
    events: Mapping[int, tuple[Event, ...]]

    @classmethod
    def of(cls, run: Run) -> "Measured":
        """Reads the samples; a run without any has cells without trials."""
        cells = tuple(_cells(run))
        events: dict[int, list[Event]] = {}
        for event in run.events:
            if event["scenario"] == NAME and event["trial"] is not None:
                events.setdefault(int(event["trial"]), []).append(event)
        done = sorted(trial for cell in cells for trial in cell.trials)
        told = {trial: tuple(those) for trial, those in events.items()}
        return cls(run, Tool.of(run, NAME), cells, _rows(run, done), told)

    @property
    def engines(self) -> list[str]:
        """The engines that were asked for, and those that were planned beside them."""
        asked = self.run.scenario(NAME)["params"].get("engines", ())
        return list(dict.fromkeys([*asked, *(cell.engine for cell in self.cells)]))

    @property
    def parts(self) -> list[str]:
        """The parts that were asked for, and those that were planned beside them, in their order."""
        asked = {*self.run.scenario(NAME)["params"].get("parts", ()), *(cell.part for cell in self.cells)}
        return [part for part in PARTS if part in asked]

    def where(self, engine: str, part: str, arm: str | None = None, step: str | None = None) -> list[Cell]:
        """The cells of a part of which a trial ended, of one arm or step where that is given."""
        return [
            cell for cell in self.cells
            if (cell.engine, cell.part) == (engine, part) and arm in (None, cell.arm) and step in (None, cell.step) and cell.trials
        ]  # fmt: skip

    def events_of(self, cell: Cell, kind: str) -> list[Event]:
        """The events of a kind in a cell's trials."""
        return [one for trial in cell.trials for one in self.events.get(trial, ()) if one["kind"] == kind]

    def at_ns(self, trial: int, kind: str) -> int | None:
        """When the first event of a kind came in a trial."""
        return next((int(one["t_ns"]) for one in self.events.get(trial, ()) if one["kind"] == kind), None)

    def of_op(self, cell: Cell, op: str) -> dict[int, pd.DataFrame]:
        """One operation's rows by trial, those that were due while something was done where that was noted; none are left out otherwise."""
        found = {}
        for trial in cell.trials:
            if (rows := self.rows.get(trial)) is None:
                continue
            began_ns, ended_ns = self.at_ns(trial, "operation_began"), self.at_ns(trial, "operation_ended")
            wanted = rows["op"] == op
            if began_ns is not None and ended_ns is not None:
                wanted &= (rows["due_ns"] >= began_ns) & (rows["due_ns"] <= ended_ns)
            if len(mine := rows[wanted]):
                found[trial] = mine
        return found

    def why_absent(self, engine: str, part: str) -> str:
        """Why a part gave nothing on an engine, where that was recorded."""
        unavailable = self.run.scenario(NAME).get("unavailable", {}).get(engine)
        numbers = {
            trial["trial"] for trial in self.run.scenario(NAME).get("trials") or ()
            if (trial["labels"].get("engine"), trial["labels"].get("part")) == (engine, part)
        }  # fmt: skip
        failed = [one for one in self.run.events_of(NAME, "trial_failed") if one["trial"] in numbers]
        reason = unavailable or (failed[0]["reason"] if failed else None) or self.run.scenario(NAME).get("reason")
        return str(reason or "no trial of it ran to its end")

    def on(self, cell: Cell) -> str:
        """What a figure was measured on."""
        return setting(self.run, NAME, cell.engine)

    def floor(self, cell: Cell, op: str) -> Floor | None:
        """The tool's own time for a read or a write."""
        labels = cell.labels(op)
        return self.tool.floor(labels["client"], op, labels)

    def say(
        self, cell: Cell, figure: str, sentence: str, interval: Interval, unit: str, better: Better, *,
        op: str | None = None, basis: Basis = "local_model", headline: bool = False, about: Labels = _NONE,
    ) -> Finding:  # fmt: skip
        """A finding of a cell; ``about`` labels beside the usual ones."""
        labels = {**cell.labels(op), **about}
        return measured(
            self.run, NAME, cell.id(figure), sentence, interval, unit, better, labels, basis=basis, headline=headline
        )

    def absent(
        self, cell: Cell, figure: str, unit: str, reason: str, better: Better = "lower", *, op: str | None = None,
        headline: bool = False, about: Labels = _NONE,
    ) -> Finding:  # fmt: skip
        """The finding of what a cell doesn't tell."""
        labels = {**cell.labels(op), **about}
        return absent(self.run, NAME, cell.id(figure), unit, better, reason, labels, headline=headline)


def counted(number_of: int, n: int) -> Interval:
    """A count of what is there: no chance is in it."""
    return Interval(value=float(number_of), low=float(number_of), high=float(number_of), n=n, method="counted")


def _cells(run: Run) -> Iterator[Cell]:
    """The planned ones, by engine and part as asked for, in the order of the plan; arms as their part compares them."""
    by_key: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for trial in run.scenario(NAME).get("trials") or ():
        labels = trial["labels"]
        if {"part", "engine"} <= labels.keys():
            by_key.setdefault((labels["part"], labels["engine"], trial["arm"], trial["step"]), []).append(trial)
    for (part, engine, arm, step), trials in sorted(by_key.items(), key=lambda one: _place(run, one[0])):
        yield Cell(
            part=part, engine=engine, arm=arm, step=step, params=trials[0]["params"],
            server=str(run.scenario(NAME).get("servers", {}).get(engine, engine)),
            trials={int(trial["trial"]): int(trial["pair"]) for trial in trials if trial["done"]},
        )  # fmt: skip


def _place(run: Run, key: tuple[str, ...]) -> tuple[int, int, int, float, int, str]:
    """Numbers by size, groups of parameters as the configuration names them."""
    part, engine, arm, step = key
    params = run.scenario(NAME)["params"]
    groups = list(params.get("parameter_groups", ()))
    order = ["idle", "quiet", "below", "create", *groups]
    size = float(step) if step.replace(".", "", 1).isdecimal() else 0.0
    return (
        _index(list(params.get("engines", ())), engine), _index(list(PARTS), part), 0, size, _index(order, arm), arm,
    )  # fmt: skip


def _index(of: Sequence[str], word: str) -> int:
    return of.index(word) if word in of else len(of)


def _rows(run: Run, done: Sequence[int]) -> dict[int, pd.DataFrame]:
    keys = run.samples(NAME, _KEYS)
    if keys.empty or not done:
        return {}
    chosen = (keys["phase"] == "measured").to_numpy()
    places = trial_by_trial(keys["trial"].to_numpy(), done, chosen, keys["t_end"].to_numpy())
    frames = run.frames(NAME, [Wanted(_COLUMNS, mine) for mine in places.values()])
    return {trial: _dressed(rows) for trial, rows in zip(places, frames, strict=True) if len(rows)}


def _dressed(rows: pd.DataFrame) -> pd.DataFrame:
    due_ns = rows["t_intended"].fillna(rows["t_start"]).astype("int64")
    return rows.assign(due_ns=due_ns, ms=(rows["t_end"] - due_ns) / 1e6, ok=rows["outcome"] == "ok")
