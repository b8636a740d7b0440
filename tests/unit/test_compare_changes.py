"""By how much a figure changed and what that is worth: each scale, each design, and figures that can't be compared."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_sides import exact, figure, interleaved, latency, record, run, side

from reports import stats
from reports.compare.changes import Change
from reports.compare.comparison import change_of

A, B = [1.0, 1.1, 1.3, 0.9, 1.2, 1.0], [1.5, 1.2, 1.6, 1.4, 1.3, 1.5]


def changed(base: list[dict[str, Any]], candidate: list[dict[str, Any]], **about: Any) -> Change:
    """The change of one figure over interleaved pairs, a record a run."""
    found = change_of(figure(base[0]["id"].removeprefix("query_vs_scan.")), *interleaved([base], [candidate]), **about)
    assert found is not None
    return found


def test_a_latency_over_pairs_is_students_t_on_log_ratios() -> None:
    """The mean of ln B − ln A and its t interval with 5 degrees of freedom, 2.570582 from a printed table."""
    found = changed(latency("latency_p95_ms", A), latency("latency_p95_ms", B))
    logs = np.log(B) - np.log(A)
    half = 2.570582 * logs.std(ddof=1) / math.sqrt(6)
    assert found.design == "interleaved_pairs"
    assert found.scale == "ratio"
    assert found.effect == pytest.approx(math.expm1(logs.mean()))
    assert (found.low, found.high) == pytest.approx(
        (math.expm1(logs.mean() - half), math.expm1(logs.mean() + half)), rel=1e-5
    )
    assert found.word == "regression"
    assert (found.n, found.margin, found.exact) == (6, 0.05, False)


def test_the_level_of_a_side_is_the_mean_of_its_runs() -> None:
    """(1.0 + 1.1 + 1.3 + 0.9 + 1.2 + 1.0) ÷ 6."""
    found = changed(latency("latency_p95_ms", A), latency("latency_p95_ms", B))
    assert found.base is not None
    assert (found.base.mean, found.base.n, found.base.values) == (pytest.approx(6.5 / 6), 6, tuple(A))


def test_higher_is_worse_only_where_lower_is_better() -> None:
    """A rate that rises improves."""
    found = changed(latency("reads", A, better="higher"), latency("reads", B, better="higher"))
    assert found.word == "improved"


def test_a_figure_of_no_direction_has_a_change_and_no_verdict() -> None:
    """An exponent is neither good nor bad."""
    found = changed(latency("exponent", A, better="none"), latency("exponent", B, better="none"))
    assert (found.word, found.low is not None, found.reason) == (
        "no verdict",
        True,
        "neither more nor less of it is better",
    )


@pytest.mark.parametrize(
    ("id", "unit", "margin"),
    [
        ("latency_p95_ms", "ms", 0.05),
        ("latency_p99_ms", "ms", 0.10),
        ("latency_p99_9_ms", "ms", 0.10),
        ("hit_rate", "share", 0.2),
    ],
)
def test_the_margin_is_the_configurations_by_the_kind_of_figure(id: str, unit: str, margin: float) -> None:
    """The candidate's configuration declares another one for shares; the others are the method's."""
    records = [record(id, value, unit=unit) for value in (0.4, 0.5)]
    base = [run(0, records[0]), run(3, records[0])]
    candidate = [run(place, records[1], config={"comparison": {"margin_share": 0.2}}) for place in (1, 2)]
    found = change_of(figure(id), base, candidate)
    assert found is not None
    assert found.margin == margin


def test_a_counted_share_of_0_is_compared_by_odds_with_half_a_success_added() -> None:
    """0 of 100 against 20 of 80 + 20: (20.5/80.5) ÷ (0.5/100.5), in every pair; six pairs of one sign are enough."""
    base = [record("throttled_share", 0.0, unit="share", counts=(0, 100))] * 6
    candidate = [record("throttled_share", 0.2, unit="share", counts=(20, 100))] * 6
    found = changed(base, candidate)
    assert (found.scale, found.word) == ("odds", "regression")
    assert found.effect == pytest.approx((20.5 / 80.5) / (0.5 / 100.5) - 1)


def test_a_share_without_counts_is_compared_by_its_own_odds() -> None:
    """0.2 against 0.5: odds 1/4 and 1, so four times."""
    found = changed([record("hit_rate", 0.2, unit="share")] * 2, [record("hit_rate", 0.5, unit="share")] * 2)
    assert (found.scale, found.effect) == ("odds", pytest.approx(3.0))


def test_a_share_of_0_without_counts_is_a_difference_whose_margin_is_the_odds_at_the_base() -> None:
    """Base mean 0.05: a tenth of the odds is 0.1 · 0.05 · 0.95."""
    base = [record("throttled_share", value, unit="share") for value in (0.0, 0.1)]
    found = changed(base, [record("throttled_share", value, unit="share") for value in (0.2, 0.3)])
    assert (found.scale, found.effect) == ("difference", pytest.approx(0.2))
    assert found.margin == pytest.approx(0.1 * 0.05 * 0.95)


def test_lost_writes_of_0_are_compared_by_differences() -> None:
    """0 0 0 1 0 0 against 3 2 4 2 3 3: a mean of 16 ÷ 6 more, and anything more than the base's 1/6 · 5 % matters."""
    lost = [exact("lost_writes", float(value), unit="writes") for value in (0, 0, 0, 1, 0, 0)]
    more = [exact("lost_writes", float(value), unit="writes") for value in (3, 2, 4, 2, 3, 3)]
    found = changed(lost, more)
    assert (found.scale, found.effect, found.word) == ("difference", pytest.approx(16 / 6), "regression")
    assert found.margin == pytest.approx(0.05 / 6)


def test_no_lost_write_on_either_side_is_exactly_equivalent() -> None:
    """In all pairs."""
    none = [exact("lost_writes", 0.0, unit="writes")] * 6
    found = changed(none, none)
    assert (found.word, found.exact, found.effect, found.relative) == ("equivalent", True, 0.0, (0.0, 0.0, 0.0))


def test_one_lost_write_more_in_each_of_three_pairs_may_be_luck_and_in_six_it_is_not() -> None:
    """2/2³ = 0.25 is above 0.05, 2/2⁶ = 0.031 isn't: what happened, counted, is exact of its own run only."""
    none, one = ([exact("lost_writes", value, unit="writes")] for value in (0.0, 1.0))
    few, enough = changed(none * 3, one * 3), changed(none * 6, one * 6)
    assert (few.word, few.exact, few.low) == ("inconclusive", False, None)
    assert few.reason is not None
    assert "agree by chance" in few.reason
    assert (enough.word, enough.exact, enough.effect) == ("regression", True, 1.0)


def test_units_that_no_chance_is_in_have_a_verdict_from_a_single_run_a_side() -> None:
    """2.5 against 2: exact in both."""
    found = change_of(
        figure("units"),
        [run(0, exact("units", 2.5, unit="read units"))],
        [run(1, exact("units", 2.0, unit="read units"))],
    )
    assert found is not None
    assert (found.design, found.word, found.exact) == ("one_against_one", "improved", True)
    assert (found.effect, found.low, found.high) == (pytest.approx(-0.2), found.effect, found.effect)


def test_units_from_0_to_something_are_an_exact_regression_of_no_relative_size() -> None:
    """Anything is infinitely more than nothing."""
    found = change_of(figure("units"), [run(0, exact("units", 0.0))], [run(1, exact("units", 2.0))])
    assert found is not None
    assert (found.scale, found.word, found.effect, found.relative) == ("difference", "regression", 2.0, None)


def test_a_count_of_what_happened_has_no_verdict_from_a_single_run_a_side() -> None:
    """24 ambiguous writes and 8: exact of their runs, and the next has others."""
    base = [run(0, exact("ambiguous_writes", 24.0, unit="writes"))]
    found = change_of(figure("ambiguous_writes"), base, [run(1, exact("ambiguous_writes", 8.0, unit="writes"))])
    assert found is not None
    assert (found.word, found.exact, found.effect) == ("no verdict", False, pytest.approx(-2 / 3))


def test_one_run_against_one_has_a_change_and_says_why_no_verdict() -> None:
    """Its own interval is of requests of one run, and they move together."""
    found = change_of(
        figure("latency_p95_ms"),
        side([latency("latency_p95_ms", [1.0])], [0]),
        side([latency("latency_p95_ms", [2.0])], [1]),
    )
    assert found is not None
    assert (found.word, found.effect, found.low) == ("no verdict", pytest.approx(1.0), None)
    assert found.reason == "one run a side can't tell change from chance"


def test_one_run_against_several_is_compared_with_their_mean() -> None:
    """1.0 and 3.0 have the mean 2; a single candidate still says nothing of its spread."""
    base = side([latency("latency_p95_ms", [1.0, 3.0])], [0, 1])
    found = change_of(figure("latency_p95_ms"), base, side([latency("latency_p95_ms", [3.0])], [2]))
    assert found is not None
    assert (found.word, found.effect) == ("no verdict", pytest.approx(0.5))


def test_runs_in_sequence_are_welchs_on_logarithms() -> None:
    """Against the core's own, which scipy checks."""
    base = side([latency("latency_p95_ms", A)], range(6))
    found = change_of(figure("latency_p95_ms"), base, side([latency("latency_p95_ms", B)], range(6, 12)))
    welch = stats.ratio_of_sets(A, B)
    assert found is not None
    assert welch.low is not None
    assert (found.design, found.effect, found.low) == (
        "runs_in_sequence",
        pytest.approx(welch.ratio - 1),
        pytest.approx(welch.low - 1),
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record("f", None, status="not_measured", reason="no server"), "not measured: no server"),
        (record("f", None, status="unknown", reason="too few"), "unknown: too few"),
        (record("f", 5.0, 5.0, None, status="at_least"), "known from below only"),
        (record("f", 5.0, 4.0, None, status="tool_bound", reason="late"), "known from below only"),
    ],
)
def test_a_value_that_is_not_plain_is_not_compared_and_the_reason_stands_there(
    bad: dict[str, Any], reason: str
) -> None:
    """In one of two runs of the candidate."""
    good = record("f", 1.0)
    found = changed([good, good], [good, bad])
    assert (found.word, found.effect, found.reason) == ("not compared", None, f"candidate, 1 of 2 runs: {reason}")


def test_a_figure_that_a_run_of_a_side_lacks_is_not_compared() -> None:
    """The others' mean would be of other runs."""
    bases, candidates = interleaved([latency("f", [1.0, 1.0])], [latency("f", [1.0, 1.0])])
    found = change_of(figure("f"), [bases[0], run(3)], candidates)
    assert found is not None
    assert (found.word, found.reason) == ("not compared", "base, 1 of 2 runs: not there")


def test_figures_in_two_units_are_not_compared() -> None:
    """ms and s."""
    found = changed([record("f", 1.0, unit="ms")] * 2, [record("f", 1.0, unit="s")] * 2)
    assert (found.word, found.reason) == ("not compared", "it is in ms and in s")


def test_a_tool_bound_figure_is_compared_and_marked() -> None:
    """One run says that the tool was too slow."""
    late = record("f", 1.0, 0.9, 1.1, status="tool_bound", reason="late")
    found = changed([record("f", 1.0), late], [record("f", 2.0)] * 2)
    assert (found.tool_bound, found.effect) == (True, pytest.approx(1.0))


def test_a_figure_the_base_does_not_have_has_no_change() -> None:
    """None, so that whoever asked can say so."""
    assert change_of(figure("new"), [run(0, record("f", 1.0))], [run(1, record("new", 1.0))]) is None


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=2, max_size=8),
    st.floats(0.01, 50),
)
def test_the_unit_a_figure_is_written_in_changes_nothing_but_its_levels(
    pairs: list[tuple[float, float]], factor: float
) -> None:
    """ms or µs: the same effect, interval and word."""
    a, b = ([pair[side] for pair in pairs] for side in (0, 1))
    plain = changed(latency("f", a), latency("f", b))
    scaled = changed(latency("f", [factor * value for value in a]), latency("f", [factor * value for value in b]))
    assert scaled.effect == pytest.approx(plain.effect, rel=1e-6, abs=1e-9)
    if plain.low is not None and scaled.low is not None:
        assert (scaled.low, scaled.high) == pytest.approx((plain.low, plain.high), rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=2, max_size=8))
def test_the_sides_exchanged_give_the_inverse_ratio(pairs: list[tuple[float, float]]) -> None:
    """A ÷ B is 1 ÷ (B ÷ A), bounds exchanged."""
    a, b = ([pair[side] for pair in pairs] for side in (0, 1))
    there, back = changed(latency("f", a), latency("f", b)), changed(latency("f", b), latency("f", a))
    assert there.effect is not None
    assert back.effect == pytest.approx(1 / (1 + there.effect) - 1, rel=1e-6, abs=1e-9)
    if there.high is not None and back.low is not None:
        assert back.low == pytest.approx(1 / (1 + there.high) - 1, rel=1e-6, abs=1e-9)
