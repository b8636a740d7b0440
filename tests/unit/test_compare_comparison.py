"""A whole comparison: who is in the family, at which level, what is said of both sides; and what isn't compared at all."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_sides import exact, figure, interleaved, latency, manifest, record, run

from reports.compare import designs, gating
from reports.compare.compared import compared
from reports.compare.comparison import Comparison, compare
from reports.compare.differences import differences
from reports.compare.refusals import Invalid, NotComparable, refuse
from reports.gates.outcome import CannotAsk
from reports.records import Recorded
from reports.stats import paired_ratio

ONES = [1.0, 1.02, 0.99, 1.01, 0.98, 1.0, 1.03, 0.97]


def slower(by: float, jitter: int) -> list[float]:
    """``ONES`` times ``1 + by``, in another order."""
    return [value * (1 + by) for value in np.roll(ONES, jitter)]


def headline_pairs(*effects: float, **about: Any) -> tuple[list[Recorded], list[Recorded]]:
    """Eight pairs with a headline latency for each effect, numbered."""
    base = [latency(f"latency_{n}_p95_ms", ONES, headline=True, **about) for n in range(len(effects))]
    candidate = [
        latency(f"latency_{n}_p95_ms", slower(by, n + 1), headline=True, **about) for n, by in enumerate(effects)
    ]
    return interleaved(base, candidate)


def compared_pairs(*effects: float, **about: Any) -> Comparison:
    return compare(*headline_pairs(*effects), design="interleaved_pairs", **about)


def test_the_family_is_the_headlines_that_have_a_direction() -> None:
    """A headline ratio of arms is neither good nor bad; a figure that opens no report is exploratory."""
    base = [latency("a", ONES, headline=True), latency("b", ONES, headline=True, better="none"), latency("c", ONES)]
    comparison = compare(*interleaved(base, base), design="interleaved_pairs")
    assert [change.figure.id for change in comparison.family] == ["query_vs_scan.a"]
    assert [change.figure.id for change in comparison.exploratory] == ["query_vs_scan.b", "query_vs_scan.c"]


def test_a_headline_of_one_side_is_one_of_both() -> None:
    """Which cell opens a report may depend on what was found."""
    base, candidate = interleaved([latency("a", ONES)], [latency("a", ONES, headline=True)])
    assert len(compare(base, candidate, design="interleaved_pairs").family) == 1


def test_a_family_is_judged_at_holms_levels_and_all_else_at_95_per_cent() -> None:
    """Three figures, one far apart: it stands at 0.05/3, the two that aren't at 0.05/2; one that isn't declared at 0.05."""
    bases, candidates = headline_pairs(0.5, 0.0, 0.0)
    declared = {figure(f"latency_{n}_p95_ms") for n in range(3)}
    found = compare(bases, candidates, design="interleaved_pairs", family=declared)
    levels = {change.figure.id[-8]: 1 - change.confidence for change in found.family}
    assert levels == pytest.approx({"0": 0.05 / 3, "1": 0.05 / 2, "2": 0.05 / 2})
    alone = compare(bases, candidates, design="interleaved_pairs", family={figure("latency_0_p95_ms")})
    assert [1 - change.confidence for change in alone.exploratory] == pytest.approx([0.05, 0.05])


def test_the_interval_of_a_family_figure_is_that_of_its_level() -> None:
    """By the core's own function at 1 − 0.05/3."""
    change = compared_pairs(0.5, 0.0, 0.0).family[0]
    there = paired_ratio(ONES, slower(0.5, 1), 1 - 0.05 / 3)
    assert there.low is not None
    assert there.high is not None
    assert (change.low, change.high) == pytest.approx((there.low - 1, there.high - 1))


def test_an_exact_figure_takes_no_part_of_the_error() -> None:
    """Chance can't be in it, so that the only figure it may be in has all of the 5 %."""
    base = [latency("a_p95_ms", ONES, headline=True), [exact("units", 2.0, headline=True)] * 8]
    found = compare(*interleaved(base, base), design="interleaved_pairs")
    assert {change.figure.id[14:]: 1 - change.confidence for change in found.family} == pytest.approx(
        {"a_p95_ms": 0.05, "units": 0.05}
    )


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=6))
def test_what_is_told_apart_in_a_family_is_told_apart_alone_too(effects: list[float]) -> None:
    """Its interval is never narrower than at 95 %."""
    together = compared_pairs(*effects)
    for number, change in enumerate(together.family):
        alone = compare(
            *headline_pairs(*effects), design="interleaved_pairs", family={figure(f"latency_{number}_p95_ms")}
        ).family[0]
        assert change.low is not None and alone.low is not None and change.high is not None and alone.high is not None
        assert change.low <= alone.low + 1e-12
        assert change.high >= alone.high - 1e-12


def test_the_familys_word_is_its_worst_and_it_is_decided_where_nothing_is_inconclusive() -> None:
    """A regression beside an improvement is a regression."""
    assert compared_pairs(0.5, -0.4).word == "regression"
    assert compared_pairs(-0.4, 0.0).word == "improved"
    assert compared_pairs(0.5).decided
    wide = [1.0, 2.0, 0.5, 1.5, 0.7, 1.2, 2.2, 0.6]
    found = compare(
        *interleaved([latency("a", wide, headline=True)], [latency("a", wide[::-1], headline=True)]),
        design="interleaved_pairs",
    )
    assert (found.word, found.decided) == ("inconclusive", False)


def test_a_declared_figure_without_a_verdict_leaves_the_comparison_undecided() -> None:
    """One run a side tells the units, which are the same, and nothing of the latency: that isn't *equivalent*."""
    base = [[exact("units", 3.0, headline=True)], latency("p50", [1.0], headline=True)]
    comparison = compare(*interleaved(base, base), design="one_against_one")
    assert [change.word for change in comparison.family] == ["equivalent", "no verdict"]
    assert comparison.word == "inconclusive"


@pytest.mark.parametrize(
    ("design", "order", "said"),
    [
        ("runs_in_sequence", (), "drift of the machine isn't excluded"),
        ("one_against_one", (), "only exact figures have a verdict"),
        ("interleaved_pairs", ("base",) * 8, "The base ran first in every pair"),
    ],
)
def test_what_a_design_cannot_tell_is_a_warning(design: Any, order: tuple[str, ...], said: str) -> None:
    """Drift, chance, and an order that never changed."""
    assert any(said in one for one in compare(*headline_pairs(0.0), design=design, order=order).warnings)


def test_eight_pairs_in_changing_order_are_no_cause_for_a_warning() -> None:
    """One declared figure, which six pairs would be enough for."""
    assert compared_pairs(0.0).warnings == ()
    assert compare(*headline_pairs(0.0), design="interleaved_pairs", order=("base", "candidate") * 4).warnings == ()


def test_too_few_pairs_for_the_family_are_said() -> None:
    """Seven figures take 9 pairs: 2/2⁸ = 0.0078 is above 0.05/7 = 0.0071."""
    (said,) = compared_pairs(*[0.0] * 7).warnings
    assert said.startswith("8 pairs are few for 7 figures together")
    assert "9 pairs" in said


def test_tool_bound_figures_of_the_family_are_counted_in_a_warning() -> None:
    """Their change may be the tool's own."""
    base, candidate = headline_pairs(0.0, status="tool_bound", reason="late")
    (said,) = compare(base, candidate, design="interleaved_pairs").warnings
    assert said.startswith("1 of 1 figures of the family are tool-bound")


def sides(base: dict[str, Any], candidate: dict[str, Any]) -> designs.Sides:
    """One run a side, manifests as given."""
    return designs.of_runs([run(0, record("f", 1.0), **base)], [run(1, record("f", 1.0), **candidate)])


def refused(base: dict[str, Any], candidate: dict[str, Any], *allowed: str) -> str:
    """What is said."""
    given = sides(base, candidate)
    with pytest.raises((NotComparable, Invalid)) as error:
        refuse(given, differences(given.base.runs, given.candidate.runs), allowed)
    return str(error.value)


@pytest.mark.parametrize(
    ("other", "topic", "said"),
    [
        ({"scenarios": {"cache_hit_rate": {"status": "complete"}}}, None, "no scenario in common"),
        ({"samples_schema": 2}, "schema", "samples_schema: 1 against 2"),
        ({"target": "aws"}, "target", "local against aws, other services"),
        ({"profile": "smoke"}, "profile", "quick against smoke, other sizes and lengths"),
        ({"seed": 2}, "seed", "seed: 1 against 2, other questions"),
        ({"dataset": manifest()["dataset"] | {"months": "February 2013"}}, "dataset", "February 2013"),
        ({"machine": manifest()["machine"] | {"cores": 8}}, "machine", "machine: cores: 2 against 8"),
        (
            {"prices": {"date": "2026-11", "region": "us-east-1", "values": {"a": 2.0}}},
            "prices",
            "prices: a: 1.0 against 2.0",
        ),
    ],
)
def test_runs_that_answer_another_question_are_refused_unless_that_is_allowed(
    other: dict[str, Any], topic: str | None, said: str
) -> None:
    """Each by the name of what differs, with the way out; other scenarios are never allowed."""
    told = refused({}, other)
    assert said in told
    if topic is not None:
        assert told.endswith(f"--allow {topic}")
        given = sides({}, other)
        assert refuse(given, differences(given.base.runs, given.candidate.runs), [topic]) == ("query_vs_scan",)


def test_runs_of_some_scenarios_in_common_are_compared_in_those_where_that_is_allowed() -> None:
    """The others are only one side's."""
    more = {"scenarios": manifest()["scenarios"] | {"cache_hit_rate": {"status": "complete"}}}
    assert "--allow scenario compares query_vs_scan" in refused({}, more)
    given = sides({}, more)
    assert refuse(given, (), ["scenario"]) == ("query_vs_scan",)


def test_versions_commit_and_configuration_may_differ_and_are_listed() -> None:
    """That is what runs are compared for."""
    other = {
        "git": {"commit": "beef", "dirty": True},
        "versions": {"dbharness": "0.2.0"},
        "config": {"scenarios": {"query_vs_scan": {"client": "boto3"}}},
    }
    given = sides({}, other)
    found = differences(given.base.runs, given.candidate.runs)
    assert refuse(given, found, ()) == ("query_vs_scan",)
    assert [(one.where, one.base, one.candidate) for one in found] == [
        ("versions: dbharness", "0.1.0", "0.2.0"), ("git: commit", "c0ffee", "beef"), ("git: uncommitted changes", "no", "yes"),
        ("configuration: scenarios.query_vs_scan.client", "lean", "boto3"),
    ]  # fmt: skip


def test_a_setting_of_a_scenario_that_was_not_run_is_no_difference() -> None:
    """Nobody used it."""
    config = {"scenarios": {"query_vs_scan": {"client": "lean"}, "rds_failover": {"trials": 3}}}
    given = sides({}, {"config": config})
    assert differences(given.base.runs, given.candidate.runs) == ()


def test_the_runs_of_a_side_are_of_one_make() -> None:
    """Else what is its mean of? Seeds may differ from pair to pair."""
    bases = [run(0, record("f", 1.0)), run(3, record("f", 1.0), versions={"dbharness": "0.2.0"})]
    given = designs.of_runs(bases, [run(1, record("f", 1.0)), run(2, record("f", 1.0))])
    found = differences(given.base.runs, given.candidate.runs)
    with pytest.raises(
        NotComparable, match=r"aren't of one make \(versions: dbharness: 0\.1\.0 \| 0\.2\.0 against 0\.1\.0\)"
    ):
        refuse(given, found, ())
    assert refuse(given, found, ["mixed"])


def test_each_pair_may_have_a_seed_of_its_own() -> None:
    """Both its sides asked the same."""
    bases, candidates = (
        [run(place, record("f", 1.0), seed=seed) for place, seed in those]
        for those in (((0, 1), (3, 2)), ((1, 1), (2, 2)))
    )
    given = designs.of_runs(bases, candidates)
    assert refuse(given, differences(bases, candidates), ()) == ("query_vs_scan",)


def test_a_run_given_twice_is_refused() -> None:
    """It would pass for two, or be compared with itself."""
    same = run(0, record("f", 1.0))
    with pytest.raises(NotComparable, match="given twice"):
        refuse(designs.of_runs([same], [same]), (), ())


def gated(*texts: str, config: tuple[str, ...] = ()) -> Any:
    """Eight pairs, 50 % slower, gates given or configured."""
    bases, candidates = headline_pairs(0.5, 0.0)
    configured = [
        Recorded.of(
            one.path,
            {**one.manifest, "config": {**one.manifest["config"], "gates": list(config)}},
            list(one.findings.values()),
        )
        for one in candidates
    ]
    given = designs.of_runs(bases, configured)
    return compared(given, allowed=["seed"], gates=list(texts) or None)


def test_the_relative_gates_of_the_configuration_declare_the_family() -> None:
    """Limits aren't a comparison's, nor are other scenarios' gates."""
    found = gated(config=(
        "query_vs_scan.latency_0_p95_ms no worse than 5%", "query_vs_scan.latency_1_p95_ms <= 3 ms",
        "cache_hit_rate.hits no worse than 5%",
    ))  # fmt: skip
    assert [change.figure.id for change in found.comparison.family] == ["query_vs_scan.latency_0_p95_ms"]
    assert (found.gates.word, found.gates.exit_code) == ("fail", 1)


def test_gates_that_were_given_take_the_place_of_the_configurations() -> None:
    """60 % is more than half."""
    found = gated(
        "query_vs_scan.latency_0_p95_ms no worse than 60%", config=("query_vs_scan.latency_0_p95_ms no worse than 5%",)
    )
    assert (found.gates.word, found.gates.exit_code) == ("pass", 0)
    assert "--gate 'query_vs_scan.latency_0_p95_ms no worse than 60%'" in found.command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query_vs_scan.latency_0_p95_ms <= 5 ms", "a limit is `dbharness gate`'s"),
        ("cache_hit_rate.hits no worse than 5%", "cache_hit_rate isn't compared, query_vs_scan is"),
        ("query_vs_scan.latency_9_p95_ms no worse than 5%", "nearest: query_vs_scan.latency_"),
        ("query_vs_scan.latency_0_p95_ms no worse than", "a number of per cent"),
    ],
)
def test_a_gate_that_this_comparison_cannot_judge_is_refused(text: str, said: str) -> None:
    """With what there is."""
    with pytest.raises(CannotAsk, match=said):
        gated(text)


def test_without_a_gate_there_is_no_gates_verdict() -> None:
    """And the headlines are the family."""
    found = gated()
    assert (found.gates.outcomes, found.gates.exit_code, len(found.comparison.family)) == ((), 0, 2)
    assert gating.family_of([], found.sides, found.comparison.matching) is None
