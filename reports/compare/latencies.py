"""The latencies behind a figure, from the samples of both sides: for what a percentile alone doesn't show.

A cell's samples are found by the labels of its figures. They are shown only where they give back what the finding says: the way from
samples to a figure is each scenario's own, and a plot of something else would contradict the figure beside it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports import stats
from reports.compare import told
from reports.compare.changes import Change
from reports.compare.matching import Match
from reports.damage import Damaged
from reports.load import NotARun, Run
from reports.records import Figure, Recorded

MOST_CELLS = 3  # of a scenario that are drawn: the family's first, then what changed most
_PERCENTILE = re.compile(r"latency_p(50|95|99)_(us|ms|s)$")
_UNITS_NS: Mapping[str, float] = {"us": 1e3, "ms": 1e6, "s": 1e9}
_AS_FOUND = 0.005  # relative: by so much a percentile of the samples may differ from the finding
_OF_ROWS = (
    "arm",
    "op",
    "client",
)  # what tells the rows of a trial apart; its step is the trial's, as the manifest has it in the end
_COLUMNS = ("trial", "phase", "outcome", "t_intended", "t_start", "t_end", *_OF_ROWS)
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """One cell's latencies in ``unit``: each run of the base, each of the candidate, in the order of the sides' runs.

    ``base_worth``, ``candidate_worth``: how many independent samples each run is worth, added up over its trials as its figures do.
    Between trials there is no order to read that from.
    """

    name: Figure
    unit: str
    base: tuple[Values, ...]
    candidate: tuple[Values, ...]
    base_worth: tuple[float, ...]
    candidate_worth: tuple[float, ...]


def chosen(changes: Sequence[Change], scenario: str, matches: Mapping[Figure, Match]) -> list[Match]:
    """The figures whose latencies are drawn, one a cell: the family's first, then the loudest."""
    those = [one for one in changes if one.word != "not compared" and _is_of(one, scenario)]
    ranked = sorted(those, key=lambda one: (not one.confirmatory, one.word in told.QUIET, -abs(one.effect or 0.0)))
    cells: dict[tuple[tuple[str, str], ...], Match] = {}
    for change in ranked:
        cells.setdefault(change.figure.labels, matches[change.figure])
    return list(cells.values())[:MOST_CELLS]


def read(
    those: Sequence[Match], scenario: str, bases: Sequence[Recorded], candidates: Sequence[Recorded]
) -> Iterator[Latencies]:
    """The latencies of each cell that every run's samples give back; one run at a time is in memory."""
    of_base = [_of_run(run, scenario, [one.base for one in those]) for run in bases]
    of_candidate = [_of_run(run, scenario, [one.candidate for one in those]) for run in candidates]
    for place, which in enumerate(those):
        base, candidate = ([run[place] for run in side] for side in (of_base, of_candidate))
        found_base = tuple(one for one in base if one is not None)
        found_candidate = tuple(one for one in candidate if one is not None)
        if len(found_base) == len(bases) and len(found_candidate) == len(candidates):
            unit = _parts(which.figure)[1]
            name = Figure(which.figure.id.rpartition("_p")[0], which.figure.labels)
            yield Latencies(
                name=name, unit=unit,
                base=tuple(values for values, _ in found_base), candidate=tuple(values for values, _ in found_candidate),
                base_worth=tuple(worth for _, worth in found_base), candidate_worth=tuple(worth for _, worth in found_candidate),
            )  # fmt: skip


def _is_of(change: Change, scenario: str) -> bool:
    return change.figure.id.startswith(f"{scenario}.") and _PERCENTILE.search(change.figure.id) is not None


def _parts(figure: Figure) -> tuple[float, str]:
    found = _PERCENTILE.search(figure.id)
    assert found, f"{figure} is no percentile of a latency"
    return float(found[1]), found[2]


def _of_run(recorded: Recorded, scenario: str, figures: Sequence[Figure]) -> list[tuple[Values, float] | None]:
    """Each figure's latencies in one run, and what they are worth; None where its samples aren't there, or give another figure."""
    try:
        run = Run.load(Path(recorded.path))
        samples = run.samples(scenario, _COLUMNS)
    except (NotARun, Damaged, OSError):
        return [None] * len(figures)
    if samples.empty:
        return [None] * len(figures)
    good = samples[(samples["phase"] == "measured") & (samples["outcome"] == "ok")]
    good = good.sort_values(["trial", "t_start"], kind="stable")
    labels = {trial["trial"]: {**trial["labels"], "step": trial["step"]} for trial in run.scenario(scenario)["trials"]}
    return [_of_figure(good, labels, figure, recorded.findings[figure]) for figure in figures]


def _of_figure(
    good: pd.DataFrame, labels: Mapping[int, Mapping[str, Any]], figure: Figure, record: Mapping[str, Any]
) -> tuple[Values, float] | None:
    wanted, (percentile, unit) = dict(figure.labels), _parts(figure)
    trials = [number for number, told in labels.items() if _agree(told, wanted)]
    rows = good[good["trial"].isin(trials)]
    for name in _OF_ROWS:
        if name in wanted and rows[name].notna().any():
            rows = rows[rows[name] == wanted[name]]
    if rows.empty:
        return None
    due = rows["t_intended"].fillna(rows["t_start"]) if wanted.get("loop") == "open" else rows["t_start"]
    values: Values = ((rows["t_end"] - due) / _UNITS_NS[unit]).to_numpy(dtype=np.float64)
    found = float(np.percentile(values, percentile))
    if abs(found - record["value"]) > _AS_FOUND * record["value"]:
        return None
    starts = np.flatnonzero(np.diff(rows["trial"].to_numpy())) + 1  # rows come trial by trial
    return values, sum(map(stats.effective_n, np.split(values, starts)))


def _agree(told: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Whether a trial's labels say nothing else than the figure's."""
    return all(str(text) == wanted[name] for name, text in told.items() if name in wanted)
