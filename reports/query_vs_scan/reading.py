"""Reads the samples trial by trial: which part, round and cell each is of, and of each cell the columns that are used.

A trial is one arm that asks one question at one step, so its first row says of which cell all of them are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.load import Run
from reports.query_vs_scan.arms import NAME
from reports.query_vs_scan.beside import ARMS, PART, Beside, one_row_a_read
from reports.samples import NOWHERE, Places, Wanted, trial_by_trial

Key: TypeAlias = tuple[str, str, str, str]
"""A cell's part, question, step and arm."""
_KEYS = ("trial", "pair", "phase", "outcome", "arm", "question", "step", "role", "client", "op_id", "t_start")
_TIMED = ("trial", "client", "op", "t_start", "t_end")
_ANSWER = (*_TIMED, "read_units", "items_returned", "items_scanned", "bytes", "pages", "round_trips")
_OF_PART: Mapping[str, tuple[str, ...]] = {"arms": (*_ANSWER, "index_units"), "index_writes": (*_TIMED, "write_units")}
_ATTEMPT = ("trial", "worker", "op_id", "outcome", "t_intended", "t_start", "t_end")
_REPORT = ("trial", "op", "outcome", "items_scanned", "t_start", "t_end")
_BAD = ("arm", "outcome", "error_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read: the right, measured answers of each cell; everyone else's reads by what somebody did meanwhile; attempts without
    an answer, but for the throttles beside a Scan, which are a result; the parts that there are samples of.
    """

    cells: Mapping[Key, pd.DataFrame]
    besides: Sequence[Beside]
    bad: pd.DataFrame
    parts: frozenset[str]


def read(run: Run) -> Read:
    """The scenario's samples, in two goes through the files: which rows are whose, then those."""
    keys = run.samples(NAME, _KEYS)
    if keys.empty:
        return Read(cells={}, besides=(), bad=keys, parts=frozenset())
    chosen = _Reading(run, keys).chosen()
    del keys
    wanted = [Wanted(_BAD, chosen.bad)]
    wanted += [Wanted(_OF_PART.get(key[0], _ANSWER), places) for key, places in chosen.cells.items()]
    for _, attempts, report in chosen.besides:
        wanted += [Wanted(_ATTEMPT, attempts), Wanted(_REPORT, report)]
    bad, *frames = run.frames(NAME, wanted)
    rest = iter(frames[len(chosen.cells) :])
    return Read(
        cells={key: _dressed(rows, chosen.round_of, chosen.nth.get(key)) for key, rows in zip(chosen.cells, frames, strict=False)},
        besides=[_beside(about, next(rest), next(rest)) for about, _, _ in chosen.besides],
        bad=bad, parts=chosen.parts,
    )  # fmt: skip


def part_of(trial: Mapping[str, Any]) -> str:
    """A run older than parts grew its tables, and did nothing else."""
    return str(trial["labels"].get("part", "table_items"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Where the rows are: of each cell, of part *arms* with each answer's place in its trial; of each arm beside a Scan, about whom
    its first trial tells, everyone else's attempts and the reporting job's; attempts without an answer. ``round_of`` is by trial.
    """

    cells: Mapping[Key, Places]
    nth: Mapping[Key, npt.NDArray[np.int64]]
    besides: Sequence[tuple[Mapping[str, Any], Places, Places]]
    bad: Places
    round_of: npt.NDArray[np.int64]
    parts: frozenset[str]


class _Reading:
    """Tells by the ``keys`` of all rows which are whose."""

    def __init__(self, run: Run, keys: pd.DataFrame) -> None:
        self._keys, self._trials = keys, keys["trial"].to_numpy()
        self._planned = {trial["trial"]: trial for trial in run.scenario(NAME).get("trials") or ()}
        self._broken_off = run.broken_off(NAME)
        self._measured, self._ok = (
            (keys[name] == word).to_numpy() for name, word in (("phase", "measured"), ("outcome", "ok"))
        )
        self._every = trial_by_trial(self._trials, np.unique(self._trials).tolist(), np.ones(len(keys), dtype=bool))
        firsts = keys.iloc[[int(places[0]) for places in self._every.values()]]
        self._firsts: dict[int, dict[str, Any]] = {
            int(trial): {str(name): value for name, value in row.items()}
            for trial, row in zip(firsts["trial"], firsts.to_dict("records"), strict=True)
        }

    def chosen(self) -> _Chosen:
        """All of it."""
        cells = self._cells()
        return _Chosen(
            cells=cells, nth={key: self._nth(places) for key, places in cells.items() if key[0] == "arms"},
            besides=self._besides(), bad=self._bad(), round_of=self._rounds(), parts=frozenset(map(self._part, self._every)),
        )  # fmt: skip

    def _part(self, trial: int) -> str:
        return part_of(self._planned[trial]) if trial in self._planned else "table_items"

    def _key(self, trial: int) -> Key:
        """The cell that a trial is of; the index arm of runs older than parts is renamed."""
        first = self._firsts[trial]
        older = trial in self._planned and "part" not in self._planned[trial]["labels"]
        arm = "gsi_all" if older and first["arm"] == "gsi_query" else first["arm"]
        return self._part(trial), str(first["question"]), str(first["step"]), str(arm)

    def _rounds(self) -> npt.NDArray[np.int64]:
        """By trial. Pairs are numbered over the whole plan; the n-th pair of a question at a step is of round n."""
        pairs: dict[tuple[str, ...], set[int]] = {}
        for trial in self._planned.values():
            pairs.setdefault(_place(trial), set()).add(trial["pair"])
        order = {place: sorted(numbers) for place, numbers in pairs.items()}
        round_of = np.zeros(max(self._every) + 1, dtype=np.int64)
        for trial, first in self._firsts.items():
            planned = self._planned.get(trial)
            round_of[trial] = order[_place(planned)].index(planned["pair"]) if planned else first["pair"]
        return round_of

    def _cells(self) -> dict[Key, Places]:
        """Where the right, measured answers of each cell are."""
        asked = [trial for trial in self._every if self._part(trial) != PART and trial not in self._broken_off]
        found: dict[Key, list[Places]] = {}
        for trial, places in trial_by_trial(self._trials, asked, self._measured & self._ok).items():
            if len(places):
                found.setdefault(self._key(trial), []).append(places)
        return {key: np.concatenate(found[key]) for key in sorted(found)}

    def _besides(self) -> list[tuple[Mapping[str, Any], Places, Places]]:
        """Of trials that ended and were planned as such; an arm of which nothing of everyone else was recorded tells nothing."""
        done = [trial for trial in self._every if self._part(trial) == PART and self._planned[trial]["done"]]
        roles = self._keys["role"] if "role" in self._keys else pd.Series("", index=self._keys.index)
        others = (roles == PART).to_numpy()
        reads, reports = (self._by_arm(done, self._measured & chosen) for chosen in (others, ~others))
        firsts = {arm: min(trial for trial in done if self._firsts[trial]["arm"] == arm) for arm in reads}
        return [
            (
                self._firsts[firsts[arm]] | {"params": self._planned[firsts[arm]]["params"]},
                places,
                reports.get(arm, NOWHERE),
            )
            for arm, places in sorted(reads.items(), key=lambda one: [*ARMS, *reads].index(one[0]))
        ]

    def _by_arm(self, trials: Iterable[int], chosen: npt.NDArray[np.bool_]) -> dict[str, Places]:
        found: dict[str, list[Places]] = {}
        for trial, places in trial_by_trial(self._trials, trials, chosen).items():
            if len(places):
                found.setdefault(str(self._firsts[trial]["arm"]), []).append(places)
        return {arm: np.concatenate(found[arm]) for arm in sorted(found)}

    def _bad(self) -> Places:
        """Where attempts without an answer are, but for the throttles beside a Scan."""
        bad, throttled = ~self._ok, (self._keys["outcome"] == "throttled").to_numpy()
        for trial, places in self._every.items():
            if self._part(trial) == PART:
                bad[places] &= ~throttled[places]
        return np.flatnonzero(bad)

    def _nth(self, places: Places) -> npt.NDArray[np.int64]:
        """Of each of ``places`` the number of its operation within its trial, whatever became of the others."""
        op_id, t_start, trials = self._keys["op_id"].to_numpy(), self._keys["t_start"].to_numpy(), self._trials[places]
        found = np.empty(len(places), dtype=np.int64)
        for trial in np.unique(trials).tolist():
            every, mine = self._every[trial], trials == trial
            nth = np.empty(len(every), dtype=np.int64)
            nth[np.lexsort((t_start[every], op_id[every]))] = np.arange(len(every))
            found[mine] = nth[np.searchsorted(every, places[mine])]
        return found


def _dressed(rows: pd.DataFrame, round_of: npt.NDArray[np.int64], nth: npt.NDArray[np.int64] | None) -> pd.DataFrame:
    """With round and service time; what older runs don't have is filled in."""
    more: dict[str, Any] = {} if nth is None else {"nth": nth}
    if "pages" in rows:
        more["round_trips"] = rows["round_trips"].fillna(rows["pages"]) if "round_trips" in rows else rows["pages"]
    service_ms = (rows["t_end"] - rows["t_start"]) / 1e6
    return rows.drop(columns="t_end").assign(service_ms=service_ms, round=round_of[rows["trial"]], **more)


def _beside(about: Mapping[str, Any], attempts: pd.DataFrame, report: pd.DataFrame) -> Beside:
    speed = float(about["params"].get("speed", 1))
    return Beside(
        arm=str(about["arm"]), step=str(about["step"]), client=str(about["client"]), params=about["params"],
        reads=one_row_a_read(attempts, speed), report=report,
    )  # fmt: skip


def _place(trial: Mapping[str, Any]) -> tuple[str, ...]:
    return part_of(trial), str(trial["labels"].get("question", "")), str(trial["step"])
