"""Absolute gates: a word by the interval, and an exit code by the word; what can't be asked is told apart from what failed."""

import math
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from gated import SCENARIO, finding, gated, judged
from hypothesis import given
from hypothesis import strategies as st

from harness.gate_rules import SIGNS, Sign
from reports.gates.limits import decide
from reports.gates.outcome import CannotAsk, Verdict, Word, together

DOWNTIME = finding("downtime_s", 0.29, 0.15, 0.43, unit="s")
SAMPLES = f"samples/{SCENARIO}.0.parquet"
WORDS = ("pass", "fail", "inconclusive", "invalid")


def said(verdict: Verdict) -> str:
    [outcome] = verdict.outcomes
    return outcome.sentence


def refusal(run: object, *gates: str, **options: object) -> str:
    with pytest.raises(CannotAsk) as caught:
        judged(run, *gates, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_gate_passes_where_the_whole_interval_keeps_the_limit(tmp_path: Path) -> None:
    """0.15 to 0.43 s is below 1 s."""
    verdict = judged(gated(tmp_path / "run", [DOWNTIME]), "shop.downtime_s <= 1.0")
    assert (verdict.word, verdict.exit_code) == ("pass", 0)
    assert said(verdict) == "Pass: 290 ms, 95 % interval 150 ms to 430 ms, against <= 1 s."


def test_a_gate_fails_where_the_whole_interval_breaks_the_limit(tmp_path: Path) -> None:
    """0.15 to 0.43 s is above 100 ms; exit 1."""
    verdict = judged(gated(tmp_path / "run", [DOWNTIME]), "shop.downtime_s <= 100 ms")
    assert (verdict.word, verdict.exit_code) == ("fail", 1)
    assert said(verdict) == "Fail: 290 ms, 95 % interval 150 ms to 430 ms, against <= 100 ms."


def test_an_inconclusive_gate_passes_with_a_warning_unless_it_is_asked_to_fail(tmp_path: Path) -> None:
    """The value is below 300 ms, its interval isn't: exit 0, or 4 where inconclusive fails."""
    run = gated(tmp_path / "run", [DOWNTIME])
    verdict = judged(run, "shop.downtime_s <= 300 ms")
    assert (verdict.word, verdict.exit_code) == ("inconclusive", 0)
    assert "the interval has the limit in it; more trials narrow it" in said(verdict)
    assert judged(run, "shop.downtime_s <= 300 ms", inconclusive="fail").exit_code == 4


def test_a_figure_without_an_interval_is_inconclusive_however_far_it_is_from_the_limit(tmp_path: Path) -> None:
    """Two trials carry none."""
    verdict = judged(gated(tmp_path / "run", [finding("p50_ms", 0.1, n=2)]), "shop.p50_ms <= 1000")
    assert said(verdict) == "Inconclusive: 100 µs, against <= 1000 ms: it has no interval at n = 2."


def test_an_exact_figure_is_judged_by_its_value(tmp_path: Path) -> None:
    """No write lost is no write lost; two are more than one."""
    lost = [
        finding("lost", value, value, value, unit="writes", labels={"arm": arm})
        for arm, value in (("a", 0.0), ("b", 2.0))
    ]
    run = gated(tmp_path / "run", lost)
    assert said(judged(run, "shop.lost{arm=a} <= 0")) == "Pass: 0 writes, exact, against <= 0 writes."
    assert said(judged(run, "shop.lost{arm=b} < 2")) == "Fail: 2 writes, exact, against < 2 writes."


def test_what_is_known_from_below_fails_above_a_limit_and_passes_a_least_one(tmp_path: Path) -> None:
    """At least 200 s: more than 150 s, less than 250 s nobody knows."""
    run = gated(tmp_path / "run", [finding("onset_s", 200.0, unit="s", status="at_least", n=3)])
    words = {gate: judged(run, f"shop.onset_s {gate}").word for gate in ("<= 150", "<= 250", ">= 150", ">= 250")}
    assert words == {"<= 150": "fail", "<= 250": "inconclusive", ">= 150": "pass", ">= 250": "inconclusive"}
    assert said(judged(run, "shop.onset_s <= 250")).endswith("how much more it is was not seen.")


def test_known_from_below_with_a_lower_bound_is_judged_by_the_bound(tmp_path: Path) -> None:
    """A median at the cap of 10 s, whose interval goes down to 1 s, doesn't break a limit of 5 s for certain."""
    run = gated(tmp_path / "run", [finding("down_s", 10.0, 1.0, None, unit="s", status="at_least")])
    assert judged(run, "shop.down_s <= 5").word == "inconclusive"
    assert judged(run, "shop.down_s <= 0.5").word == "fail"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "tool_bound", "reason": "the core was busy."}, "tool bound: the core was busy"),
        ({"value": None, "status": "unknown", "reason": "a p95 takes 72"}, "unknown: a p95 takes 72"),
        ({"value": None, "status": "not_measured", "reason": "no server"}, "not measured: no server"),
    ],
)
def test_a_gated_figure_that_is_no_answer_makes_the_run_invalid(
    tmp_path: Path, fields: dict[str, object], why: str
) -> None:
    """Exit 3, although the interval that a tool-bound figure has would keep the limit."""
    run = gated(tmp_path / "run", [finding("p95_ms", 1.0, 0.9, 1.1) | fields])
    verdict = judged(run, "shop.p95_ms <= 5")
    assert (verdict.word, verdict.exit_code) == ("invalid", 3)
    assert said(verdict).endswith(f"against <= 5 ms: {why}.")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "partial", "reason": "worker 1 of 2 (w1) is gone"}, "shop is partial: worker 1 of 2 (w1) is gone"),
        ({"status": "not_measured", "reason": "no server."}, "shop is not measured: no server"),
        ({"workers": [{"worker": "0", "rows": 3}, {"worker": "1", "host": "h", "rows": None}]}, "worker 1 on h was lost: it told no rows"),
        (
            {"workers_lost": [{"worker": "1", "host": "h", "reason": "it took its leave", "trial": None}]},
            "worker 1 on h was lost: it took its leave",
        ),
        ({"rows": 4}, "shop: the samples have 3 rows, and 4 were written: a file is cut off, altered or missing"),
    ],
)  # fmt: skip
def test_a_scenario_that_is_not_whole_makes_its_gates_invalid(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    """Cut short, a worker lost, rows missing: exit 3, even for a figure that isn't there because of it."""
    run = gated(tmp_path / "run", [DOWNTIME], **changes)
    verdict = judged(run, "shop.downtime_s <= 1", "shop.never_reached_s <= 1")
    assert (verdict.word, verdict.exit_code) == ("invalid", 3)
    assert [outcome.sentence.split(": ", 2)[2] for outcome in verdict.outcomes] == [f"{why}."] * 2


def test_samples_that_are_not_those_that_were_written_make_the_gates_invalid(tmp_path: Path) -> None:
    """One value altered, as many rows as before; what another scenario wrote says nothing, what the whole run wrote does."""
    run = gated(tmp_path / "run", [finding("p95_ms", 2.0, 1.9, 2.1)])
    samples, events, other = (Path(run.path) / name for name in (SAMPLES, "events.jsonl", "samples/bank.0.parquet"))
    shutil.copy(samples, other)
    noted = {
        str(file.relative_to(run.path)): sha256(file.read_bytes()).hexdigest() for file in (samples, events, other)
    }
    run = replace(run, manifest=run.manifest | {"hashes": noted})
    assert judged(run, "shop.p95_ms <= 3").exit_code == 0
    other.write_bytes(b"another's")
    assert judged(run, "shop.p95_ms <= 3").exit_code == 0

    rows = pq.read_table(samples)
    at = rows.schema.get_field_index("op_id")
    pq.write_table(rows.set_column(at, rows.schema.field(at), pc.add(rows["op_id"], 1)), samples)
    verdict = judged(run, "shop.p95_ms <= 3", "shop.p95_ms >= 3")
    assert (verdict.word, verdict.exit_code) == ("invalid", 3)
    assert f"shop: {SAMPLES} isn't what was written: its SHA-256 is " in verdict.outcomes[0].sentence
    pq.write_table(rows, samples)
    assert judged(run, "shop.p95_ms <= 3").exit_code == 0

    events.write_text("{}")
    assert "shop: events.jsonl isn't what was written" in judged(run, "shop.p95_ms <= 3").outcomes[0].sentence


def test_a_scenario_whose_analysis_failed_makes_its_gates_invalid(tmp_path: Path) -> None:
    """Its figures aren't there, and yet nobody mistyped them."""
    failed = finding(
        "analysis", None, status="unknown", reason="the analysis failed (KeyError: x).", unit="", better="none"
    )
    verdict = judged(gated(tmp_path / "run", [failed]), "shop.downtime_s <= 1")
    assert verdict.exit_code == 3
    assert said(verdict) == "Invalid: not judged, against <= 1: unknown: the analysis failed (KeyError: x)."


def test_samples_that_cannot_be_read_are_rows_that_are_missing(tmp_path: Path) -> None:
    """A file cut in half holds none."""
    run = gated(tmp_path / "run", [DOWNTIME])
    file = tmp_path / "run" / "samples" / f"{SCENARIO}.0.parquet"
    file.write_bytes(file.read_bytes()[:100])
    assert "shop: the samples have 0 rows, and 3 were written" in said(judged(run, "shop.downtime_s <= 1"))


def test_a_metric_that_is_not_there_is_told_with_the_nearest_names(tmp_path: Path) -> None:
    """By the id first."""
    run = gated(tmp_path / "run", [DOWNTIME, finding("latency_p95_ms", 1.0)])
    told = refusal(run, "shop.latency_p59_ms <= 1")
    assert (
        told
        == "gate shop.latency_p59_ms <= 1: no figure of this run has the id shop.latency_p59_ms; nearest: shop.latency_p95_ms, shop.downtime_s"
    )


def test_a_label_that_is_not_there_is_told_with_what_there_is(tmp_path: Path) -> None:
    """The label's name, its value, or all of them together."""
    figures = [
        finding("hits", 0.5, unit="share", labels={"share": share, "arm": arm})
        for share, arm in (("0.1", "a"), ("0.3", "b"))
    ]
    run = gated(tmp_path / "run", figures)
    assert "shop.hits has no label shar; nearest: share, arm" in refusal(run, "shop.hits{shar=0.3} >= 0.4")
    assert "no shop.hits has share=0.25; nearest: 0.3, 0.1" in refusal(run, "shop.hits{share=0.25} >= 0.4")
    both = "no shop.hits has all these labels; nearest: shop.hits{arm=a,share=0.1}, shop.hits{arm=b,share=0.3}"
    assert both in refusal(run, "shop.hits{share=0.3,arm=a} >= 0.4")


def test_several_figures_need_all_or_any(tmp_path: Path) -> None:
    """Without either they are listed by the labels that tell them apart."""
    figures = [finding("hits", value, value, value, unit="share", better="higher", labels={"share": share, "arm": "x"})
               for share, value in (("0.1", 0.2), ("0.3", 0.6))]  # fmt: skip
    run = gated(tmp_path / "run", figures)
    assert refusal(run, "shop.hits{arm=x} >= 50 %") == (
        "gate shop.hits{arm=x} >= 50 %: shop.hits{arm=x} means 2 figures: write all or any before it, or a label that one has: "
        "shop.hits{arm=x,share=0.1}, shop.hits{arm=x,share=0.3}"
    )
    assert (
        said(judged(run, "all shop.hits >= 0.5"))
        == "Fail: of 2 figures 1 fail, 1 pass; share 0.1: 20 %, exact, against >= 50 %."
    )
    assert (
        said(judged(run, "any shop.hits >= 0.5"))
        == "Pass: of 2 figures 1 fail, 1 pass; share 0.3: 60 %, exact, against >= 50 %."
    )
    assert said(judged(run, "all shop.hits >= 10 %")) == "Pass: all 2 figures."
    assert judged(run, "shop.hits{share=0.30} >= 0.5").word == "pass"


def test_a_limit_in_a_unit_that_the_figure_is_not_in_is_wrong_usage(tmp_path: Path) -> None:
    """A share is no time; times are turned into each other."""
    run = gated(
        tmp_path / "run",
        [finding("hits", 0.5, 0.4, 0.6, unit="share"), finding("p50_us", 250.0, 240.0, 260.0, unit="us")],
    )
    assert refusal(run, "shop.hits >= 5 ms").endswith("shop.hits is a share, and the limit in ms; write no unit, or %")
    assert refusal(run, "shop.p50_us <= 5 bytes").endswith(
        "shop.p50_us is in us, and the limit in bytes; write no unit, or one of time"
    )
    assert judged(run, "shop.p50_us <= 0.26 ms").word == "pass"
    assert judged(run, "shop.p50_us <= 0.000239 s").word == "fail"


def test_gates_of_scenarios_that_were_not_asked_for_are_told_and_fail_nothing(tmp_path: Path) -> None:
    """Those of a configuration; one that was typed must be answered."""
    run = gated(tmp_path / "run", [DOWNTIME])
    verdict = judged(run, "shop.downtime_s <= 1", "other.downtime_s <= 1")
    assert (verdict.exit_code, len(verdict.outcomes)) == (0, 1)
    assert [(str(gate), why) for gate, why in verdict.not_asked] == [
        ("other.downtime_s <= 1", "this run wasn't asked for other")
    ]
    assert "has no scenario other; it has shop" in refusal(run, "other.downtime_s <= 1", every=True)


@pytest.mark.parametrize(
    ("words", "of_all", "of_any"),
    [
        (("pass", "pass"), "pass", "pass"),
        (("pass", "fail"), "fail", "pass"),
        (("fail", "fail"), "fail", "fail"),
        (("fail", "inconclusive"), "fail", "inconclusive"),
        (("invalid", "fail"), "invalid", "invalid"),
        (("invalid", "pass"), "invalid", "pass"),
    ],
)
def test_the_word_of_several(words: tuple[Word, ...], of_all: str, of_any: str) -> None:
    """What can't be trusted isn't called a failure; any of them is enough for any."""
    assert (together(words, "all"), together(words, "any")) == (of_all, of_any)


ENDS = st.one_of(st.floats(-10, 10), st.integers(-3, 3).map(float))
HOLDS = {"<=": lambda x, y: x <= y, "<": lambda x, y: x < y, ">=": lambda x, y: x >= y, ">": lambda x, y: x > y}


@given(ENDS, ENDS, st.sampled_from(SIGNS), ENDS, st.booleans(), st.booleans())
def test_the_word_is_that_of_every_place_in_the_interval(
    one: float, other: float, sign: Sign, limit: float, no_low: bool, no_high: bool
) -> None:
    """Against an evaluator that knows no bounds: it tries the ends, the limit, its neighbours and a grid between."""
    low, high = (-math.inf if no_low else min(one, other)), (math.inf if no_high else max(one, other))
    near = [limit, math.nextafter(limit, -math.inf), math.nextafter(limit, math.inf), limit - 1, limit + 1, one, other]
    grid = [one + (other - one) * step / 16 for step in range(17)]
    kept = {HOLDS[sign](place, limit) for place in [*near, *grid, low, high] if low <= place <= high}
    assert decide(low, high, sign, limit) == (
        "inconclusive" if len(kept) == 2 else "pass" if kept == {True} else "fail"
    )


@given(st.lists(st.sampled_from(WORDS[:3]), min_size=1, max_size=5))
def test_several_without_invalid_ones_are_as_every_outcome_that_is_still_open(words: list[Word]) -> None:
    """An inconclusive figure may turn out either way: all and any are decided where it doesn't matter which way it does."""
    worlds: list[list[bool]] = [[]]
    for word in words:
        turns = {"pass": [True], "fail": [False], "inconclusive": [True, False]}[word]
        worlds = [[*world, turn] for world in worlds for turn in turns]
    for which, of in (("all", all), ("any", any)):
        outcomes = {of(world) for world in worlds}
        expected = "inconclusive" if len(outcomes) == 2 else "pass" if outcomes == {True} else "fail"
        assert together(words, which) == expected  # type: ignore[arg-type]
