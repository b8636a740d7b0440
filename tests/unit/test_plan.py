"""Plans interleave their arms and repeat by seed."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harness.plan import Cell, interleave

CELLS = [Cell(arms=("query", "scan"), step=step) for step in ("10", "100", "1000")]


@given(rounds=st.integers(1, 12), seed=st.text(max_size=8))
def test_every_pair_holds_each_arm_of_one_cell_once_and_side_by_side(rounds: int, seed: str) -> None:
    """Pairs are adjacent in time and never mix steps."""
    trials = interleave(CELLS, rounds=rounds, seed=seed)
    assert [t.trial for t in trials] == list(range(rounds * 6))
    for first, second in zip(trials[::2], trials[1::2], strict=True):
        assert (first.pair, first.step) == (second.pair, second.step)
        assert {first.arm, second.arm} == {"query", "scan"}
    assert Counter(t.step for t in trials) == {"10": 2 * rounds, "100": 2 * rounds, "1000": 2 * rounds}


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    """Two plans of 20 rounds agree by chance once in 2^60."""
    assert interleave(CELLS, rounds=20, seed="a") == interleave(CELLS, rounds=20, seed="a")
    assert interleave(CELLS, rounds=20, seed="a") != interleave(CELLS, rounds=20, seed="b")
