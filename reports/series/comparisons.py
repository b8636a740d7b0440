"""A series cut into comparisons: each figure of each trial, and what K pairs in a row say of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats as scipy_stats

from reports import stats
from reports.load import Run
from reports.stats import PairedRatio, Verdict

Figure = Literal["p50", "p95", "p99", "mean"]
FIGURES: tuple[Figure, ...] = ("p50", "p95", "p99", "mean")
BASE, CANDIDATE = "a", "b"
_ALARM_P = 0.05
Arrays = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Some pairs in a row, compared by one figure."""

    figure: Figure
    ratio: PairedRatio
    verdict: Verdict

    @property
    def alarm(self) -> bool:
        """Whether what is the same was told apart: the interval excludes *equal*."""
        low, high = self.ratio.low, self.ratio.high
        return low is not None and high is not None and not low <= 1 <= high

    def finds(self, planted: float) -> bool:
        """Whether it would have found that side b took ``planted`` (0.1 is 10 %) longer.

        Every latency of b times 1 + planted makes its percentiles and its mean, and so the ratio and both ends of its interval,
        as many times as large: no need to plant it request by request.
        """
        return self.ratio.low is not None and self.ratio.low * (1 + planted) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two trials side by side: service times in ms, in the order they were taken."""

    number: int
    trials: tuple[int, int]
    a_ms: Arrays
    b_ms: Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """All whole pairs in the order they were measured.

    ``figures`` maps a figure to (a, b), one value a pair, in ms; ``worth`` has the effective samples of each trial, (a, b) too.
    """

    pairs: tuple[Pair, ...]
    figures: Mapping[Figure, tuple[Arrays, Arrays]]
    worth: tuple[Arrays, Arrays]

    def compared(self, figure: Figure, pairs: int) -> list[Comparison]:
        """Every ``pairs`` pairs in a row, none in two comparisons; what is left over at the end is left out."""
        base, candidate = self.figures[figure]
        return [compare(figure, base[part], candidate[part]) for part in self.parts(pairs)]

    def parts(self, pairs: int) -> list[slice]:
        """The comparisons as slices of the pairs."""
        return [slice(start, start + pairs) for start in range(0, len(self.pairs) - pairs + 1, pairs)]

    def too_few(self, figure: Figure, pairs: int) -> str | None:
        """Why a side of ``pairs`` trials can't carry this percentile, or None: its effective samples, added up, are too few."""
        if figure == "mean":
            return None
        least = stats.LEAST_SAMPLES[percent_of(figure)]
        fewest = min((float(side[part].sum()) for side in self.worth for part in self.parts(pairs)), default=math.inf)
        if fewest >= least:
            return None
        return f"a side of {pairs} trials is worth {fewest:.0f} independent samples, a {figure} needs {least}"


def series_of(run: Run, samples: pd.DataFrame, name: str) -> Series:
    """The series in a run's samples: measured, answered requests of pairs whose two trials came to their end."""
    done = {trial["trial"] for trial in run.scenario(name)["trials"] if trial["done"]}
    rows = samples[(samples["phase"] == "measured") & (samples["outcome"] == "ok") & samples["trial"].isin(done)]
    times = (rows["t_end"] - rows["t_start"]) / 1e6
    sides: dict[int, dict[str, tuple[int, Arrays]]] = {}
    of_trials: Any = times.groupby([rows["pair"], rows["trial"], rows["arm"]])
    for (pair, trial, arm), of_trial in of_trials:
        sides.setdefault(int(pair), {})[str(arm)] = int(trial), of_trial.to_numpy(dtype=np.float64)
    pairs = tuple(
        Pair(
            number=number, trials=(both[BASE][0], both[CANDIDATE][0]), a_ms=both[BASE][1], b_ms=both[CANDIDATE][1],
        )
        for number, both in sorted(sides.items())
        if both.keys() >= {BASE, CANDIDATE}
    )  # fmt: skip
    sides_ms = [pair.a_ms for pair in pairs], [pair.b_ms for pair in pairs]
    return Series(
        pairs=pairs,
        figures={figure: (_each(figure, sides_ms[0]), _each(figure, sides_ms[1])) for figure in FIGURES},
        worth=(np.array([*map(stats.effective_n, sides_ms[0])]), np.array([*map(stats.effective_n, sides_ms[1])])),
    )


def compare(figure: Figure, base: Arrays, candidate: Arrays) -> Comparison:
    """The way of every comparison by pairs: ratio, then verdict on the figure's margin."""
    ratio = stats.paired_ratio(base, candidate)
    margin = stats.MARGINS.get(figure, stats.MARGINS["p50"])
    return Comparison(figure=figure, ratio=ratio, verdict=stats.verdict(ratio, margin=margin, better="lower"))


def mann_whitney_alarms(series: Series, pairs: int) -> int:
    """How many of the same comparisons a Mann–Whitney test on all requests of both sides would have told apart."""
    alarms = 0
    for part in series.parts(pairs):
        chosen = series.pairs[part]
        a_ms, b_ms = (np.concatenate(side) for side in ([one.a_ms for one in chosen], [one.b_ms for one in chosen]))
        alarms += bool(scipy_stats.mannwhitneyu(a_ms, b_ms).pvalue < _ALARM_P)
    return alarms


def words(figure: Figure) -> str:
    """A figure in a sentence."""
    return "the mean" if figure == "mean" else figure


def percent_of(figure: Figure) -> float:
    """The percentile that a figure is."""
    return float(figure.removeprefix("p"))


def _each(figure: Figure, trials_ms: Sequence[Arrays]) -> Arrays:
    if figure == "mean":
        return np.array([float(times.mean()) for times in trials_ms])
    return np.array([float(np.percentile(times, percent_of(figure))) for times in trials_ms])
