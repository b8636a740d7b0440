"""The planted servers' schedule: exact over whole blocks, and windows in which they stand still or are down."""

from collections import Counter

from harness.planted.server import Behaviour
from harness.planted.truths import PlantedSettings

MS = 1_000_000


def behaviour() -> Behaviour:
    """What is planted by default: 94 of 100 take 5 ms, 4 take 15, 2 take 40; 2 of 10 throttled, 8 of 10 hit."""
    return Behaviour(PlantedSettings().model_dump(mode="json"))


def test_shares_are_exact_over_whole_blocks() -> None:
    """Two of every ten throttled, eight of every ten hit; of every hundred answers 94, 4 and 2."""
    planted = behaviour()
    for _ in range(3):
        assert sum(planted.throttles("throttled") for _ in range(10)) == 2
        assert sum(planted.hits() for _ in range(10)) == 8
        assert Counter(planted.until_ns("tail", 0) for _ in range(100)) == {5 * MS: 94, 15 * MS: 4, 40 * MS: 2}


def test_only_the_table_that_is_meant_is_throttled() -> None:
    """Others answer, and use none of the schedule up."""
    planted = behaviour()
    assert not any(planted.throttles("swift") for _ in range(10))
    assert sum(planted.throttles("throttled") for _ in range(10)) == 2


def test_a_request_in_a_stall_is_answered_when_it_is_over() -> None:
    """1 ms after its coming outside the window, 1 ms after the window's end inside; the end isn't in it."""
    planted = behaviour()
    planted.open_window("stalling", 100 * MS, 300 * MS)
    answered = [planted.until_ns("stalling", at * MS) for at in (99, 100, 250, 300)]
    assert answered == [100 * MS, 301 * MS, 301 * MS, 301 * MS]


def test_a_table_that_is_down_answers_nothing_in_its_window() -> None:
    """At once before and after, never inside; other tables don't notice."""
    planted = behaviour()
    planted.open_window("down", 100 * MS, 300 * MS)
    assert [planted.until_ns("down", at * MS) for at in (99, 100, 299, 300)] == [99 * MS, None, None, 300 * MS]
    assert planted.until_ns("swift", 200 * MS) == 200 * MS


def test_each_arm_takes_what_it_takes() -> None:
    """10 and 11 ms; a table that nobody planted is answered at once."""
    planted = behaviour()
    assert [planted.until_ns(table, 0) for table in ("base", "slower", "swift")] == [10 * MS, 11 * MS, 0]
