"""A series' analysis on runs whose truth is known without a server."""

from collections.abc import Iterator, Sequence
from math import log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rundir import PlantedRun, assert_nothing_measured, finding_of, findings_of, trial
from scipy import stats as scipy_stats

from reports.load import Run
from reports.series import NAME, analyse
from reports.series.comparisons import mann_whitney_alarms, series_of

MS = 1_000_000
TENTH = 1.1
# Six pairs of 10 % and 21 % more: L and 2·L on logs, L = ln 1.1. Mean 1.5·L, s = √0.3·L, half an interval 2.5706·√0.3/√6·L =
# 0.5748·L: from 0.925·L to 2.075·L, so equal is excluded.
APART = (TENTH, TENTH, TENTH, TENTH**2, TENTH**2, TENTH**2)
# Six pairs of 10 % more and as much less: mean 0, s = √1.2·L, half an interval 1.1497·L: 10 % more (L) isn't found, 20 % (1.913·L) is.
ALIKE = (TENTH, 1 / TENTH, TENTH, 1 / TENTH, TENTH, 1 / TENTH)


def pairs_of(ratios: Sequence[float], answers: int = 80, a_ms: float = 10.0) -> list[list[tuple[str, list[float]]]]:
    """Pairs in which every answer of a trial takes the same time, b's first in every other."""
    both = [[("a", [a_ms] * answers), ("b", [a_ms * ratio] * answers)] for ratio in ratios]
    return [pair[::-1] if number % 2 else pair for number, pair in enumerate(both)]


def series_run(path: Path, pairs: Sequence[Sequence[tuple[str, list[float]]]], *, undone: int | None = None) -> Run:
    """A run with those trials; each begins with an answer of 500 ms that warms it up. ``undone`` didn't end."""
    trials: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, pair in enumerate(pairs):
        for arm, times_ms in pair:
            at = len(trials)
            trials.append(trial(at, arm, "dynamodb", pair=number, done=at != undone))
            common = {"trial": at, "pair": number, "arm": arm, "step": "dynamodb", "op": "GetItem"}
            rows += _rows(common, at, times_ms)
    run = PlantedRun(path)
    params = {"through": "dynamodb", "comparisons": 2, "pairs": 6}
    run.scenario(NAME, params=params, trials=trials, servers={"dynamodb": "a twin"})
    run.samples(NAME, rows, {})
    return run.load()


def _rows(common: dict[str, Any], trial: int, times_ms: list[float]) -> Iterator[dict[str, Any]]:
    for place, time_ms in enumerate([500.0, *times_ms]):
        start = (trial * 1_000 + place) * 1_000 * MS
        phase = "measured" if place else "warm-up"
        yield common | {"phase": phase, "t_start": start, "t_end": start + round(time_ms * MS)}


def test_a_comparison_that_excludes_equal_is_a_false_alarm(tmp_path: Path) -> None:
    """One of two: 50 %, between 1 − √0.975 (two of two or none within 2.5 %) and √0.975, at every figure; one is chance."""
    section = analyse(series_run(tmp_path / "run", pairs_of([*APART, *ALIKE])))
    for figure in ("p50", "p95", "p99", "mean"):
        found = finding_of(section, "series.false_alarm_share", figure=figure, pairs="6")
        assert (found.value, found.n, found.headline) == (0.5, 2, True)
        assert (found.low, found.high) == (pytest.approx(1 - sqrt(0.975)), pytest.approx(sqrt(0.975)))
    said = finding_of(section, "series.false_alarm_share", figure="p95", pairs="6").sentence
    assert said == (
        "At p95, 1 of 2 comparisons of an operation with itself told it apart: 50 %, 95 % interval 1.26 % to 98.7 %; "
        "chance gives up to 1 (6 pairs each; local model, a twin)."
    )


def test_the_same_series_is_cut_by_other_numbers_of_pairs_too(tmp_path: Path) -> None:
    """Twelve pairs make two comparisons of six, one of eight, one of ten; what is left over is in none."""
    section = analyse(series_run(tmp_path / "run", pairs_of([*APART, *ALIKE])))
    counts = {one.labels["pairs"]: one.n for one in findings_of(section, "series.false_alarm_share", figure="mean")}
    assert counts == {"6": 2, "8": 1, "10": 1}


def test_a_planted_change_is_found_where_the_interval_moves_wholly_above_equal(tmp_path: Path) -> None:
    """5 and 10 % by the first comparison alone, whose interval lies there anyhow; 20 % by both."""
    section = analyse(series_run(tmp_path / "run", pairs_of([*APART, *ALIKE])))
    found = {
        one.labels["planted"]: one.value
        for one in findings_of(section, "series.found_share", figure="p50", pairs="6")
    }  # fmt: skip
    assert found == {"0.05": 0.5, "0.1": 0.5, "0.2": 1.0}


def test_planting_into_the_requests_themselves_finds_the_same(tmp_path: Path) -> None:
    """Every answer of side b taking 10 % longer, 60 pairs of drawn times: the same comparisons lie above equal."""
    seed = 11
    rng = np.random.default_rng(seed)
    drawn = [[(arm, list(10 * rng.lognormal(rng.normal(0, 0.05), 0.2, 30))) for arm in ("a", "b")] for _ in range(60)]
    slower = [[(arm, [t * (1.1 if arm == "b" else 1) for t in times]) for arm, times in pair] for pair in drawn]
    before, after = (
        series_of(run, run.samples(NAME), NAME)
        for run in (series_run(tmp_path / "before", drawn), series_run(tmp_path / "after", slower))
    )
    for figure in ("p50", "p95", "mean"):
        planted = [one.finds(0.10) for one in before.compared(figure, 6)]
        seen = [one.ratio.low is not None and one.ratio.low > 1 for one in after.compared(figure, 6)]
        assert planted == seen, f"seed {seed}"
        assert 0 < sum(planted) < len(planted)


def test_the_p_value_is_that_of_the_paired_t_test(tmp_path: Path) -> None:
    """By scipy, on the logs; equal only where the test is, below 0.05 exactly where the interval excludes equal."""
    run = series_run(tmp_path / "run", pairs_of([*APART, *ALIKE]))
    compared = series_of(run, run.samples(NAME), NAME).compared("mean", 6)
    for one, ratios in zip(compared, (APART, ALIKE), strict=True):
        assert one.ratio.p == pytest.approx(scipy_stats.ttest_1samp([log(ratio) for ratio in ratios], 0).pvalue)
        assert one.alarm == (one.ratio.p < 0.05)


def test_mann_whitney_sees_the_requests_where_the_pairs_see_trials(tmp_path: Path) -> None:
    """480 requests above 480 others are told apart; as many above as below are not."""
    run = series_run(tmp_path / "run", pairs_of([*APART, *ALIKE]))
    assert mann_whitney_alarms(series_of(run, run.samples(NAME), NAME), 6) == 1


def test_a_percentile_that_a_side_cannot_carry_is_not_compared(tmp_path: Path) -> None:
    """Six trials of 60 answers are 360, a p99 takes 368 (docs/method.md); with eight trials there are 480."""
    section = analyse(series_run(tmp_path / "run", pairs_of([*APART, *ALIKE], answers=60)))
    six = finding_of(section, "series.false_alarm_share", figure="p99", pairs="6")
    assert (six.status, six.value) == ("not_measured", None)
    assert six.reason == "a side of 6 trials is worth 360 independent samples, a p99 needs 368"
    assert finding_of(section, "series.false_alarm_share", figure="p99", pairs="8").value is not None


def test_a_pair_that_did_not_end_is_in_no_comparison(tmp_path: Path) -> None:
    """The last trial cut short leaves eleven pairs, one comparison of six."""
    section = analyse(series_run(tmp_path / "run", pairs_of([*APART, *ALIKE]), undone=23))
    assert finding_of(section, "series.false_alarm_share", figure="mean", pairs="6").n == 1


def test_the_charts_show_what_the_findings_say(tmp_path: Path) -> None:
    """A bar a figure and K, every comparison with its verdict, p values in order."""
    charts = {one.id: one for one in analyse(series_run(tmp_path / "run", pairs_of([*APART, *ALIKE]))).charts}
    assert list(charts) == [
        "series-false-alarms",
        "series-p-values",
        "series-effects",
        "series-found",
        "series-verdicts",
    ]
    assert list(charts["series-effects"].table["verdict"]) == ["regression", "inconclusive"]
    assert list(charts["series-effects"].table["alarm"]) == [True, False]
    alarms = charts["series-false-alarms"].table
    assert set(alarms.loc[alarms["pairs"] == 6, "share, %"]) == {50.0}
    for chart in charts.values():
        chart.draw(chart.table)


def test_a_run_without_samples_says_why_and_so_does_one_of_too_few_pairs(tmp_path: Path) -> None:
    """Not measured, never zero."""
    run = PlantedRun(tmp_path / "none")
    run.scenario(NAME, params={"pairs": 6}, trials=[], status="not_measured", reason="mysql: no MariaDB here")
    assert_nothing_measured(analyse(run.load()), "mysql: no MariaDB here")
    few = series_run(tmp_path / "few", pairs_of(APART[:3]))
    assert_nothing_measured(analyse(few), "3 pairs make no comparison of 6 or more")
