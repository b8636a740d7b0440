"""The whole way from findings to verdicts, on planted truths: equal sides are rarely told apart, planted changes are found.

Printed with ``-s``: the figures of docs/method.md.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from planted_sides import exact, interleaved, latency, pairs_with_ratio, record, side
from scipy import stats as scipy_stats

from reports.compare import designs
from reports.compare.compared import compared
from reports.compare.comparison import Comparison

SEED = 20261128
REPETITIONS = 400
TOLD_APART = ("regression", "improved", "worse, size unresolved", "better, size unresolved")
Side = list[list[dict[str, Any]]]
Rng = np.random.Generator


def share(rng: Rng, pairs: int, odds: float = 1.0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Throttled requests of 200, a level of 3 % that walks from pair to pair; the candidate's odds are ``odds`` times."""
    levels = np.log(0.03 / 0.97) + np.cumsum(rng.normal(0, 0.1, pairs))
    found = []
    for shift in (0.0, np.log(odds)):
        throttled = rng.binomial(200, 1 / (1 + np.exp(-(levels + shift + rng.normal(0, 0.1, pairs)))))
        found.append(
            [record("throttled_share", n / 200, unit="share", headline=True, counts=(int(n), 200)) for n in throttled]
        )
    return found[0], found[1]


def lost(rng: Rng, pairs: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lost writes, one in three runs."""
    a, b = (
        [exact("lost_writes", float(n), unit="writes", headline=True) for n in rng.poisson(0.33, pairs)]
        for _ in range(2)
    )
    return a, b


def planted(rng: Rng, pairs: int, ratio: float = 1.0, odds: float = 1.0) -> tuple[Side, Side]:
    """Three latencies, a share, a count and units that no chance is in; all headlines."""
    both: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []
    for n in range(3):
        a, b = pairs_with_ratio(rng, pairs, ratio)
        both.append(
            (latency(f"latency_{n}_p95_ms", a, headline=True), latency(f"latency_{n}_p95_ms", b, headline=True))
        )
    units = [exact("units", 2.5, unit="read units", headline=True)] * pairs
    both += [share(rng, pairs, odds), lost(rng, pairs), (units, units)]
    return [a for a, _ in both], [b for _, b in both]


def of_pairs(base: Side, candidate: Side) -> Comparison:
    """From runs whose start times alternate to the comparison, nothing left out."""
    return compared(designs.of_runs(*interleaved(base, candidate))).comparison


def in_sequence(base: Side, candidate: Side) -> Comparison:
    """The base's runs first, then the candidate's."""
    pairs = len(base[0])
    return compared(designs.of_runs(side(base, range(pairs)), side(candidate, range(pairs, 2 * pairs)))).comparison


@functools.cache
def families(pairs: int, ratio: float = 1.0) -> tuple[Comparison, ...]:
    rng = np.random.default_rng([SEED, pairs])
    return tuple(of_pairs(*planted(rng, pairs, ratio)) for _ in range(REPETITIONS))


def share_of(found: tuple[Comparison, ...], alike: Callable[[Comparison], bool]) -> float:
    return sum(map(alike, found)) / REPETITIONS


def any_told_apart(comparison: Comparison) -> bool:
    return any(change.word in TOLD_APART for change in comparison.family)


@pytest.mark.parametrize("pairs", [6, 8])
def test_of_equal_sides_a_family_of_six_has_a_false_alarm_in_at_most_one_of_twenty(pairs: int) -> None:
    """Within binomial error: were it 5 % of families, more than this would come once in a thousand."""
    found = share_of(families(pairs), any_told_apart)
    print(f"equal sides, {pairs} pairs, a family of six: {found:.1%} of {REPETITIONS} families told apart")
    assert found * REPETITIONS <= scipy_stats.binom.ppf(0.999, REPETITIONS, 0.05)


def test_of_equal_sides_no_regression_is_reported_more_than_rarely() -> None:
    """Wholly above the margin by chance: fewer than 2 in 100 families."""
    found = share_of(families(8), lambda comparison: comparison.word == "regression")
    print(f"equal sides, 8 pairs: {found:.1%} of families are a regression")
    assert found < 0.02


def test_a_latency_a_tenth_slower_is_found_by_ten_pairs_in_nine_of_ten_families() -> None:
    """Each latency of the three, with a share, a count and units beside them."""
    found = share_of(
        families(10, ratio=1.10),
        lambda comparison: all(
            change.word in TOLD_APART for change in comparison.family if "latency" in change.figure.id
        ),
    )
    print(f"10 % slower, 10 pairs: all three latencies found in {found:.1%} of families")
    assert found >= 0.90


def test_the_interval_of_a_family_figure_covers_the_planted_ratio() -> None:
    """At its Holm level or at 95 %, in at least 95 % of the repetitions."""
    rng, covered, n = np.random.default_rng([SEED, 5]), 0, 0
    for _ in range(200):
        for change in of_pairs(*planted(rng, 8, ratio=1.2)).family:
            if "latency" in change.figure.id and change.low is not None and change.high is not None:
                covered, n = covered + (change.low <= 0.2 <= change.high), n + 1
    print(f"the planted ratio is covered by {covered / n:.1%} of {n} intervals")
    assert n == 600
    assert covered >= scipy_stats.binom.ppf(0.001, n, 0.95)


def test_odds_that_double_are_called_worse_and_never_better() -> None:
    """A share of 3 % of 200 requests, 12 pairs."""
    rng = np.random.default_rng([SEED, 6])
    words = []
    for _ in range(100):
        comparison = of_pairs(*planted(rng, 12, odds=2.0))
        words += [change.word for change in comparison.family if "throttled" in change.figure.id]
    print({word: words.count(word) for word in dict.fromkeys(words)})
    assert not {"improved", "better, size unresolved", "equivalent"} & set(words)
    assert sum(word in TOLD_APART for word in words) >= 80


def test_runs_in_sequence_cry_wolf_where_the_machine_drifts_and_pairs_do_not() -> None:
    """Equal sides, the level of one latency walking by 5 % a run: why a comparison of runs in sequence carries a warning."""
    rng = np.random.default_rng([SEED, 7])
    alarms = {"sequence": 0, "pairs": 0}
    for _ in range(200):
        drift = np.exp(np.cumsum(rng.normal(0, 0.05, 12)) + rng.normal(0, 0.03, 12))
        first, last = ([latency("f_p95_ms", list(part), headline=True)] for part in (drift[:6], drift[6:]))
        apart = in_sequence(first, last)
        assert any("drift" in warning for warning in apart.warnings)
        alarms["sequence"] += any_told_apart(apart)
        even, odd = ([latency("f_p95_ms", list(part), headline=True)] for part in (drift[0::2], drift[1::2]))
        alarms["pairs"] += any_told_apart(of_pairs(even, odd))
    print(
        f"equal sides under drift: {alarms['sequence'] / 2:.0f} % told apart in sequence, {alarms['pairs'] / 2:.0f} % in pairs"
    )
    assert alarms["sequence"] > 40
    assert alarms["pairs"] <= scipy_stats.binom.ppf(0.999, 200, 0.05)
