"""Planted truths: what must come back, by hand, and that a spoilt one doesn't."""

from dataclasses import replace
from typing import Any

import pytest

from harness.planted.truths import PlantedSettings, Truth, recovered, stalled_percentile, tail_percentile, truths
from harness.selftest import Outcome

TRUTH = Truth(name="service time at p50", finding="planted.service_p50_ms", value=5.0, error=0.75, unit="ms")


def found(value: float | None, **fields: Any) -> dict[str, Any]:
    """A finding's record, measured unless told otherwise."""
    usual = {"id": TRUTH.finding, "value": value, "low": None, "high": None, "status": "measured", "reason": None}
    return usual | fields


def test_a_truth_that_is_found_within_its_error_is_recovered() -> None:
    """5.2 for 5 ± 0.75; the last line counts it, and the exit code is 0."""
    outcome = Outcome(recoveries=tuple(recovered([TRUTH], [found(5.2)])))
    assert outcome.exit_code == 0
    assert list(outcome.lines()) == [
        "service time at p50: planted 5 ms ± 0.75, found 5.2: recovered",
        "1 of 1 planted truths recovered",
    ]


@pytest.mark.parametrize(
    ("truth", "finding", "why"),
    [
        (replace(TRUTH, value=6.0), found(5.2), "off by -0.8 ms"),
        (TRUTH, found(5.2, status="tool_bound", reason="the core was busy"), "marked tool_bound, not measured"),
        (replace(TRUTH, status="tool_bound"), found(5.2), "marked measured, not tool_bound"),
        (replace(TRUTH, excludes=5.0), found(5.2, low=4.9, high=5.5), "doesn't exclude 5"),
        (replace(TRUTH, excludes=5.0), found(5.2), "doesn't exclude 5"),
        (TRUTH, found(None, status="unknown", reason="too few"), "too few"),
        (replace(TRUTH, finding="planted.other"), found(5.2), "no such finding"),
    ],
    ids=["spoilt", "marked", "not marked", "too wide", "no interval", "refused", "missing"],
)
def test_a_truth_that_is_spoilt_fails_the_self_test(truth: Truth, finding: dict[str, Any], why: str) -> None:
    """Whatever is wrong with it: exit 1, its line says what, and the last line doesn't count it."""
    outcome = Outcome(recoveries=tuple(recovered([truth, TRUTH], [finding, found(5.0) | {"id": "x"}])))
    lines = list(outcome.lines())
    assert outcome.exit_code == 1
    assert "NOT recovered" in lines[0] and why in lines[0], lines
    assert not lines[-1].startswith("2 of 2")


def test_an_interrupted_self_test_recovered_nothing() -> None:
    """Exit 130, as Ctrl-C has it, and no count that could be read as a success."""
    outcome = Outcome(recoveries=(), interrupted=True)
    assert outcome.exit_code == 130
    assert list(outcome.lines()) == ["interrupted: no truth was looked for"]


def test_the_stall_is_exact_arithmetic() -> None:
    """Ten requests, one a ms, 1 ms each; the server stands still from 2.5 to 5.5 ms.

    Those due at 3, 4 and 5 take 3.5, 2.5 and 1.5 ms, the other seven 1 ms. p100 is 3.5; p90 has rank 8.1: 2.5 + 0.1.
    """
    planted = PlantedSettings(stub_ms=1, stall_ms=3, stall_at_ms=2.5, stall_duration_ms=10, stall_rate_per_s=1000)
    assert stalled_percentile(planted, 100) == pytest.approx(3.5)
    assert stalled_percentile(planted, 90) == pytest.approx(2.6)
    assert stalled_percentile(planted, 50) == pytest.approx(1.0)


def test_what_is_planted_by_default_is_what_the_issue_asks_for() -> None:
    """5 ms with its tail, 20 %, 80 %, 3.000 s, +10 %, and the p99.9 of a 200 ms stall.

    The longest of the stalled is due half a ms after it began: 199.5 + 1 = 200.5, each next a ms less. Of 10,000 the
    p99.9 has rank 9,989.001: ten are above it, so 190.5 and a thousandth of a ms.
    """
    expected = {truth.finding.removeprefix("planted."): truth for truth in truths(PlantedSettings())}
    values = {name: truth.value for name, truth in expected.items()}
    assert (values["service_p50_ms"], values["service_p95_ms"], values["service_p99_ms"]) == (5.0, 15.0, 40.0)
    assert (values["throttled_share"], values["hit_share"], values["down_s"]) == (0.2, 0.8, 3.0)
    assert values["arms_ratio"] == pytest.approx(1.1)
    assert values["stall_p999_ms"] == pytest.approx(190.501)
    assert expected["stall_p999_ms"].error == pytest.approx(0.02 * 190.501)
    assert expected["slow_tool_p50_ms"].status == "tool_bound"


def test_the_tail_is_a_hundred_answers_in_order() -> None:
    """90 of 1 ms, 9 of 2, 1 of 3: the 91st to 99th are p90 to p98.…; the last is p99."""
    tail = ((1.0, 90), (2.0, 9), (3.0, 1))
    assert [tail_percentile(tail, p) for p in (50, 89, 90, 98, 99, 100)] == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
