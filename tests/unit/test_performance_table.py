"""The performance table: ratios, words and figures read from other people's programs, held to values worked out by hand."""

import math

import pytest

from benchmarks import performance_others as others
from benchmarks import performance_page as page
from benchmarks.performance_lines import Absolute, Comparison, Goal, Row
from benchmarks.performance_others import Figures

FASTER = Goal(limit=3, at_least=True)
CLOSER = Goal(limit=1.5, at_least=False)


def rounds(ours_s: list[float], theirs_s: list[float]) -> list[dict[str, Figures]]:
    """Rounds of 1,000 operations of two arms that took so many seconds of CPU."""
    return [
        {"ours": Figures(operations=1_000, cpu_s=a), "theirs": Figures(operations=1_000, cpu_s=b)}
        for a, b in zip(ours_s, theirs_s, strict=True)
    ]


@pytest.mark.parametrize(
    ("goal", "value", "low", "high", "word"),
    [
        (FASTER, 4, 3.5, 4.5, "reached"),
        (FASTER, 4, 2.9, 5, "reached, not surely"),
        (FASTER, 2, 1.5, 2.5, "**missed**"),
        (FASTER, 2, 1.0, 4, "**missed**, not surely"),
        (CLOSER, 1.2, 1.1, 1.4, "reached"),
        (CLOSER, 1.2, 0.9, 1.6, "reached, not surely"),
        (CLOSER, 1.2, None, None, "reached"),
        (FASTER, 4, 0.0, 9, "reached, not surely"),
    ],
)
def test_a_goal_says_whether_the_interval_is_on_its_side(
    goal: Goal, value: float, low: float | None, high: float | None, word: str
) -> None:
    """An interval that reaches to the other side of the limit makes the word unsure."""
    assert goal.verdict(value, low, high) == word


def test_a_ratio_is_of_pairs_and_says_how_many_times_less() -> None:
    """10 µs against 200 µs in every round is 20 times less, exactly."""
    line = Comparison(
        what="w", against="a", ours="ours", theirs="theirs", figure="cpu_us", inverse=True, goal=Goal(limit=15, at_least=True)
    )  # fmt: skip
    row = line.row(rounds([0.01] * 6, [0.2] * 6))
    assert (row.ours, row.theirs, row.value) == ("10 µs of CPU", "200 µs of CPU", "20.00 ×")
    assert (row.interval, row.goal, row.verdict) == ("20 – 20", "≥ 15 ×", "reached")


def test_a_rate_is_ours_over_theirs() -> None:
    """1,000 operations in 0.01 CPU-seconds are 100,000 a CPU-second, 5 times 20,000."""
    line = Comparison(what="w", against="a", ours="ours", theirs="theirs", figure="per_cpu_second")
    row = line.row(rounds([0.01] * 6, [0.05] * 6))
    assert (row.ours, row.theirs, row.value) == ("100,000 /CPU-s", "20,000 /CPU-s", "5.00 ×")
    assert (row.goal, row.verdict) == ("–", "–")


def test_two_rounds_carry_no_interval() -> None:
    """A quick run shows its ratio and a dash."""
    line = Comparison(what="w", against="a", ours="ours", theirs="theirs", figure="cpu_us")
    assert line.row(rounds([0.01, 0.02], [0.2, 0.1])).interval == "–"


def test_a_figure_without_a_counterpart_is_the_median_of_its_rounds() -> None:
    """Of six rounds the interval runs from the smallest to the largest (96.9 %)."""
    line = Absolute(what="w", against="–", figure="late_ms", unit="ms", goal=Goal(limit=0.5, at_least=False))
    row = line.row([{"late_ms": value} for value in (0.1, 0.2, 0.3, 0.5, 0.2, 9.0)])
    assert (row.ours, row.interval, row.verdict) == ("0.25 ms", "0.1 – 9", "reached, not surely")


def test_the_median_of_a_histogram_is_the_bucket_that_holds_it() -> None:
    """Of 7 the fourth, of 4 the second."""
    assert others._middle([(0.1, 3), (0.2, 1), (0.3, 3)]) == 0.2
    assert others._middle([(0.1, 2), (0.2, 2)]) == 0.1


def test_sysbench_is_read_from_its_histogram(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own percentile is rounded to 10 µs, its histogram isn't."""
    said = """Latency histogram (values are in milliseconds)
       value  ------------- distribution ------------- count
       0.018 |***                                      1
       0.019 |**************************************** 5
       0.021 |                                         3
"""
    monkeypatch.setattr(others, "_sysbench", lambda *_: said)
    found = others.sysbench(None, 1)  # type: ignore[arg-type]
    assert found.operations == 9
    assert found.p50_us == pytest.approx(19)


def test_the_page_has_a_row_a_line_and_a_dash_for_what_an_arm_does_not_tell() -> None:
    """sysbench tells neither CPU nor rate."""
    line = Comparison(what="SELECT", against="x", ours="sysbench", theirs="pgbench", figure="p50_us")
    taken = [
        {
            "sysbench": Figures(operations=9, p50_us=30.0),
            "pgbench": Figures(operations=8, cpu_s=0.0001, wall_s=0.5, p50_us=15.0),
        }
    ] * 6
    arms = {name: [one[name] for one in taken] for name in ("sysbench", "pgbench")}
    measured = page.Measured(
        rows=[line.row(taken)], arms=arms, products={"sysbench": "1.0.20"}, missing={"cache": "no redis-tools"}
    )  # fmt: skip
    text = page.render(measured, rounds=6, seconds=2, seed=7)
    assert "| SELECT | x | 30 µs | 15 µs | 2.00 × | 2 – 2 | – | – |" in text
    assert "| SELECT, sysbench, one connection | – | – | 30 µs |" in text
    assert "| SELECT, pgbench, one connection | 16 | 12.5 µs | 15 µs |" in text
    assert "sysbench 1.0.20" in text
    assert "Not measured: cache: no redis-tools." in text


def test_the_page_counts_its_goals() -> None:
    """Of three goals one is reached, one not surely, one missed; what has no goal isn't counted."""
    words = ("reached", "reached, not surely", "**missed**", "–")
    rows = [
        Row(what="", against="", ours="", theirs="", value="", interval="", goal="", verdict=word) for word in words
    ]
    assert page._score(rows) == "1 of 3 goals reached, 1 more not surely."


def test_what_is_not_known_is_not_a_number() -> None:
    """A program that doesn't tell its CPU has none."""
    assert math.isnan(Figures(operations=5).cpu_us)
