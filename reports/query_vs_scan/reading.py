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
_CELL = (
    "trial", "client", "op", "read_units", "write_units", "index_units", "items_returned", "items_scanned", "bytes", "pages",
    "round_trips", "t_start", "t_end",
)  # fmt: skip
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
    """The scenario's samples."""
    keys = run.samples(NAME, _KEYS)
    if keys.empty:
        return Read(cells={}, besides=(), bad=keys, parts=frozenset())
    return _Reading(run, keys).read()


def part_of(trial: Mapping[str, Any]) -> str:
    """A run older than parts grew its tables, and did nothing else."""
    return str(trial["labels"].get("part", "table_items"))


class _Reading:
    """One reading: ``keys`` of all rows, by which the others are chosen."""

    def __init__(self, run: Run, keys: pd.DataFrame) -> None:
        self._run, self._keys, self._trials = run, keys, keys["trial"].to_numpy()
        self._planned = {trial["trial"]: trial for trial in run.scenario(NAME).get("trials") or ()}
        self._measured, self._ok = (
            (keys[name] == word).to_numpy() for name, word in (("phase", "measured"), ("outcome", "ok"))
        )
        self._every = trial_by_trial(self._trials, np.unique(self._trials).tolist(), np.ones(len(keys), dtype=bool))
        firsts = keys.iloc[[int(places[0]) for places in self._every.values()]]
        self._firsts = {int(row["trial"]): row for row in firsts.to_dict("records")}
        self._round_of = self._rounds()

    def read(self) -> Read:
        """All of it, in one go through the files."""
        cells, (reads, reports) = self._cells(), self._besides()
        wanted = [Wanted(_BAD, self._bad()), *(Wanted(_CELL, places) for places in cells.values())]
        for arm, places in reads.items():
            wanted += [Wanted(_ATTEMPT, places), Wanted(_REPORT, reports.get(arm, NOWHERE))]
        bad, *frames = self._run.frames(NAME, wanted)
        answers = {
            key: self._dressed(key, rows, places) for (key, places), rows in zip(cells.items(), frames, strict=False)
        }
        rest = iter(frames[len(cells) :])
        besides = [self._beside(arm, next(rest), next(rest)) for arm in reads]
        besides.sort(key=lambda one: [*ARMS, *reads].index(one.arm))
        return Read(cells=answers, besides=besides, bad=bad, parts=frozenset(map(self._part, self._every)))

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
        asked = [trial for trial in self._every if self._part(trial) != PART]
        found: dict[Key, list[Places]] = {}
        for trial, places in trial_by_trial(self._trials, asked, self._measured & self._ok).items():
            if len(places):
                found.setdefault(self._key(trial), []).append(places)
        return {key: np.concatenate(found[key]) for key in sorted(found)}

    def _besides(self) -> tuple[dict[str, Places], dict[str, Places]]:
        """Where everyone else's attempts are, and the reporting job's, by arm; of trials that ended and were planned as such."""
        done = [trial for trial in self._every if self._part(trial) == PART and self._planned[trial]["done"]]
        roles = self._keys["role"] if "role" in self._keys else pd.Series("", index=self._keys.index)
        others = (roles == PART).to_numpy()
        return self._by_arm(done, self._measured & others), self._by_arm(done, self._measured & ~others)

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

    def _dressed(self, key: Key, rows: pd.DataFrame, places: Places) -> pd.DataFrame:
        """With round and service time; what older runs don't have is filled in. Part *arms* has each answer's place in its trial too."""
        trips = rows["round_trips"].fillna(rows["pages"]) if "round_trips" in rows else rows["pages"]
        placed = {"nth": self._nth(rows["trial"].unique(), places)} if key[0] == "arms" else {}
        return rows.drop(columns="t_end").assign(
            round_trips=trips, service_ms=(rows["t_end"] - rows["t_start"]) / 1e6, round=self._round_of[rows["trial"]],
            **placed,
        )  # fmt: skip

    def _nth(self, trials: Iterable[int], places: Places) -> npt.NDArray[np.int64]:
        """For each of ``places``, trial by trial, the how manieth operation of its trial it is, whatever became of the others."""
        op_id, t_start = self._keys["op_id"].to_numpy(), self._keys["t_start"].to_numpy()
        found = []
        for trial in trials:
            every = self._every[trial]
            nth = np.empty(len(every), dtype=np.int64)
            nth[np.lexsort((t_start[every], op_id[every]))] = np.arange(len(every))
            mine = places[self._trials[places] == trial]
            found.append(nth[np.searchsorted(every, mine)])
        return np.concatenate(found)

    def _beside(self, arm: str, attempts: pd.DataFrame, report: pd.DataFrame) -> Beside:
        """One arm; of which step and client its first trial says."""
        trial = int(min([*attempts["trial"].head(1), *report["trial"].head(1)]))
        params, first = self._planned[trial]["params"], self._firsts[trial]
        return Beside(
            arm=arm, step=str(first["step"]), client=str(first["client"]), params=params,
            reads=one_row_a_read(attempts, float(params.get("speed", 1))), report=report,
        )  # fmt: skip


def _place(trial: Mapping[str, Any]) -> tuple[str, ...]:
    return part_of(trial), str(trial["labels"].get("question", "")), str(trial["step"])
