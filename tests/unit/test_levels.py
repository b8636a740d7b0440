"""How sure each interval of a family is: Holm's steps by hand, and a share of the error for every look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pairs.plan import declared_looks
from reports import stats


@pytest.mark.parametrize(
    ("p_values", "levels"),
    [
        # 0.05/3 = 0.01667 > 0.01: next; 0.05/2 = 0.025 < 0.03: it and all after it stand at 0.05/2
        ([0.01, 0.04, 0.03], [0.05 / 3, 0.05 / 2, 0.05 / 2]),
        # 0.05/3 > 0.001, 0.05/2 > 0.01, 0.05/1 > 0.02: each its own
        ([0.001, 0.02, 0.01], [0.05 / 3, 0.05, 0.05 / 2]),
        # 0.05/2 < 0.5: both at the first step
        ([0.9, 0.5], [0.05 / 2, 0.05 / 2]),
        ([0.9], [0.05]),
        ([], []),
    ],
)
def test_holm_gives_each_figure_the_level_of_its_own_step(p_values: list[float], levels: list[float]) -> None:
    """The k-th smallest is held against α/(m − k + 1), until one isn't below."""
    assert [1 - one for one in stats.holm_levels(p_values)] == pytest.approx(levels)


def test_the_levels_share_another_error_too() -> None:
    """α = 0.025 of one of two looks, over two figures."""
    assert [1 - one for one in stats.holm_levels([0.2, 0.9], confidence=0.975)] == pytest.approx([0.0125, 0.0125])


@given(st.lists(st.floats(min_value=1e-6, max_value=1), min_size=1, max_size=12))
def test_an_interval_at_its_level_excludes_no_change_where_holms_adjusted_p_is_below_alpha_and_nowhere_else(
    p_values: list[float],
) -> None:
    """Two ways to the same rejections; a p within rounding of a step is left out."""
    levels, adjusted = stats.holm_levels(p_values), stats.holm(p_values)
    for p, level, together in zip(p_values, levels, adjusted, strict=True):
        if abs(together - 0.05) > 1e-9:
            assert (p < 1 - level) == (together < 0.05)


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=12))
def test_no_level_is_looser_than_alpha_nor_stricter_than_bonferroni(p_values: list[float]) -> None:
    """α/m at the first step, α at the last."""
    for level in stats.holm_levels(p_values):
        assert 0.05 / len(p_values) - 1e-12 <= 1 - level <= 0.05 + 1e-12


def test_stopping_at_the_first_look_that_decides_errs_no_more_often_than_declared() -> None:
    """Equal sides, 4,000 times: told apart at either look in at most 5 %, as often as 5 % would be once in a thousand."""
    rng, errors = np.random.default_rng(20261128), 0
    declared = [(look.pairs, look.confidence) for look in declared_looks(6, 12)]
    for logs in rng.normal(0, 0.05, (4000, 12)):
        found = (stats.paired_ratio([1.0] * k, list(np.exp(logs[:k])), confidence) for k, confidence in declared)
        errors += any(not one.low <= 1 <= one.high for one in found if one.low is not None and one.high is not None)
    assert errors <= 244  # the 99.9 % point of Bin(4000, 0.05): 200 + 3.09 · 13.8 = 242.6, and its skew


@pytest.mark.parametrize(("gates", "confidence", "pairs"), [(1, 0.95, 6), (1, 0.975, 7), (6, 0.95, 8), (6, 0.975, 9)])
def test_a_split_error_takes_a_pair_more(gates: int, confidence: float, pairs: int) -> None:
    """2/2^K ≤ α/m: 2/128 ≤ 0.025, 2/512 ≤ 0.0042."""
    assert stats.least_pairs(gates, confidence) == pairs
