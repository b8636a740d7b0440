"""A comparison by pairs says what its interval carries on a margin declared before, and no more."""

import math
from typing import Literal

import pytest

from reports import stats
from reports.stats import PairedRatio, Word

# Student's t with 7 degrees of freedom, 97.5 and 80 %, from a printed table.
T_975, T_80 = 2.364624, 0.896030


def pairs(low: float | None, high: float | None) -> PairedRatio:
    """Eight pairs with that interval of B ÷ A; one where there is none."""
    known = low is not None and high is not None
    return PairedRatio(
        ratio=math.sqrt(low * high) if low is not None and high is not None else 1.0, low=low, high=high,
        hodges_lehmann=1.0, sign_flip_p=0.5, n=8 if known else 1, exact=known and low == high,
        log_sd=0.1 if known else 0.0, p=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "lower_is_better", "higher_is_better"),
    [
        (1.06, 1.20, "regression", "improved"),
        (0.80, 0.94, "improved", "regression"),
        (0.96, 1.04, "equivalent", "equivalent"),
        (1.01, 1.04, "equivalent", "equivalent"),  # surely more, and surely too little to matter
        (1.02, 1.20, "worse, size unresolved", "better, size unresolved"),
        (0.80, 0.98, "better, size unresolved", "worse, size unresolved"),
        (0.90, 1.20, "inconclusive", "inconclusive"),
        (0.96, 1.20, "inconclusive", "inconclusive"),
        (1.00, 1.20, "inconclusive", "inconclusive"),  # 0 at its very end isn't excluded
        (1.10, 1.10, "regression", "improved"),  # exact
        (1.00, 1.00, "equivalent", "equivalent"),
        (None, None, "inconclusive", "inconclusive"),  # one pair
    ],
)
def test_the_interval_against_a_margin_of_five_per_cent_decides_in_the_direction_of_better(
    low: float | None, high: float | None, lower_is_better: Word, higher_is_better: Word
) -> None:
    """The same interval is a regression of a latency and an improvement of a hit rate."""
    better: Literal["lower", "higher"]
    for better, word in (("lower", lower_is_better), ("higher", higher_is_better)):
        assert stats.verdict(pairs(low, high), margin=0.05, better=better).word == word


def test_a_verdict_carries_what_it_rests_on() -> None:
    """Eight logs of mean 0.1 and s = 0.1: half = 2.364624·0.1/√8 = 0.083602, so e^0.016398 − 1 to e^0.183602 − 1.

    Detectable: e^((2.364624 + 0.896030)·0.1/√8) − 1. Needed at 5 %: 7.85·0.01/0.0487902² + 2 = 34.98.
    """
    wide = 0.1 * math.sqrt(7 / 8)
    ratio = stats.paired_ratio([1.0] * 8, [math.exp(0.1 + wide), math.exp(0.1 - wide)] * 4)
    found = stats.verdict(ratio, margin=stats.MARGINS["p95"], better="lower")
    assert found.word == "worse, size unresolved"
    assert (found.effect, found.low, found.high) == pytest.approx((0.105171, 0.016533, 0.201538), rel=1e-4)
    assert found.detectable == pytest.approx(math.expm1((T_975 + T_80) * 0.1 / math.sqrt(8)), rel=1e-5)
    assert (found.n, found.margin, found.exact, found.pairs_needed) == (8, 0.05, False, 35)


def test_one_pair_is_inconclusive_and_says_nothing_of_its_spread() -> None:
    """Twice as slow, once: neither a detectable effect nor a number of pairs can be told."""
    found = stats.verdict(stats.paired_ratio([1.0], [2.0]), margin=0.05, better="lower")
    assert (found.word, found.effect, found.low, found.high) == ("inconclusive", 1.0, None, None)
    assert (found.detectable, found.pairs_needed) == (None, None)


def test_units_that_are_the_same_in_every_pair_are_exactly_equivalent() -> None:
    """No spread: any change would be seen, and two pairs are enough."""
    found = stats.verdict(stats.paired_ratio([2.5] * 6, [2.5] * 6), margin=0.05, better="lower")
    assert (found.word, found.exact, found.effect, found.detectable, found.pairs_needed) == (
        "equivalent",
        True,
        0,
        0,
        2,
    )


def test_the_margins_are_those_of_the_method() -> None:
    """5 % at p50 and p95, 10 % at p99."""
    assert stats.MARGINS == {"p50": 0.05, "p95": 0.05, "p99": 0.10}


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, 5.0])
def test_a_margin_that_is_no_share_is_refused(margin: float) -> None:
    """5 for 5 % is the likely mistake."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        stats.verdict(pairs(1.0, 1.1), margin=margin, better="lower")


@pytest.mark.parametrize(
    ("log_sd", "margin", "count"),
    [
        (0.1, 0.05, 35),  # 7.85 · (0.1/0.0487902)² + 2 = 34.98
        (0.05, 0.10, 5),  # 7.85 · (0.05/0.0953102)² + 2 = 4.16
        (0.0, 0.05, 2),
    ],
)
def test_the_pairs_a_margin_takes_are_the_methods_formula_rounded_up(log_sd: float, margin: float, count: int) -> None:
    """7.85·s²/δ² + 2, δ = ln(1 + margin)."""
    assert stats.pairs_needed(log_sd, margin) == count


@pytest.mark.parametrize(("gates", "count"), [(1, 6), (6, 8), (12, 9)])
def test_more_gates_need_more_pairs_before_any_can_fail(gates: int, count: int) -> None:
    """2/2^K ≤ 0.05/m: 2/64 ≤ 0.05, 2/256 ≤ 0.0083, 2/512 ≤ 0.0042, and half as many flips are too few each time."""
    assert stats.least_pairs(gates) == count
    assert 2 / 2**count <= 0.05 / gates < 2 / 2 ** (count - 1)


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3·0.01, 2·0.03, and 1·0.04 not below the one before
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_multiplies_by_how_many_are_left_and_never_falls(given: list[float], adjusted: list[float]) -> None:
    """In the order they were given; never above 1."""
    assert stats.holm(given) == pytest.approx(adjusted)
