"""Relative gates: no worse than so much, on the interval of the change; several of them share one error."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gated import finding, gated, judged
from scipy import stats

from harness.gate_rules import parse
from reports.gates.outcome import CannotAsk, Outcome
from reports.gates.relative import judge_all
from reports.records import Recorded

LATER = "2026-11-28T19:00:00+00:00"


def units(value: float, **fields: Any) -> dict[str, Any]:
    """A figure without chance in it."""
    return finding("units", value, value, value, unit="read units") | fields


def both(tmp_path: Path, base: dict[str, Any], candidate: dict[str, Any]) -> tuple[Recorded, Recorded]:
    """A baseline with one figure and a run with one."""
    return gated(tmp_path / "base", [base]), gated(tmp_path / "run", [candidate], started=LATER)


def sentence(tmp_path: Path, base: dict[str, Any], candidate: dict[str, Any], gate: str) -> str:
    baseline, run = both(tmp_path, base, candidate)
    return judged(run, gate, baselines=[baseline]).outcomes[0].sentence


def refusal(run: Recorded, gate: str, **options: Any) -> str:
    with pytest.raises(CannotAsk) as caught:
        judged(run, gate, **options)
    return str(caught.value)


def test_a_missing_baseline_is_told_with_how_to_make_one(tmp_path: Path) -> None:
    """The command has the run's profile and seed."""
    run = gated(tmp_path / "run", [units(10.0)])
    assert refusal(run, "shop.units no worse than 5%") == (
        "gate shop.units no worse than 5% is relative, and there is no baseline; make one: "
        "`dbharness run shop --profile quick --seed 1 --out BASELINE`, then --baseline BASELINE"
    )


def test_exact_figures_are_decided_by_one_run_a_side(tmp_path: Path) -> None:
    """10 → 10.4 units is 4 % more, 10 → 11 is 10 %: within 5 % and beyond."""
    kept = sentence(tmp_path / "kept", units(10.0), units(10.4), "shop.units no worse than 5%")
    assert kept == "Pass: +4 %, exact (10 read units → 10.4 read units), against no worse than 5%."
    broken = sentence(tmp_path / "broken", units(10.0), units(11.0), "shop.units no worse than 5%")
    assert broken == "Fail: +10 %, exact (10 read units → 11 read units), against no worse than 5%."


def test_less_is_worse_where_more_is_better(tmp_path: Path) -> None:
    """Odds of 0.5 are 1, of 0.4 two thirds: 33.3 % less. The other way round they are half as many again."""
    hits = {"unit": "share", "better": "higher"}
    fell = sentence(tmp_path / "fell", units(0.5, **hits), units(0.4, **hits), "shop.units no worse than 30%")
    assert fell.startswith("Fail: −33.3 % (odds), exact (50 % → 40 %)")
    rose = sentence(tmp_path / "rose", units(0.4, **hits), units(0.5, **hits), "shop.units no worse than 0%")
    assert rose.startswith("Pass: +50 % (odds), exact")


def test_of_nothing_no_per_cent_is_more_than_nothing(tmp_path: Path) -> None:
    """0 → 0 is no worse, 0 → 2 is worse than by any per cent."""
    loads = {"unit": "queries"}
    assert sentence(
        tmp_path / "same", units(0.0, **loads), units(0.0, **loads), "shop.units no worse than 50%"
    ).startswith("Pass")
    assert sentence(
        tmp_path / "more", units(0.0, **loads), units(2.0, **loads), "shop.units no worse than 50%"
    ).startswith("Fail")


def test_one_run_a_side_cannot_tell_change_from_chance(tmp_path: Path) -> None:
    """Whatever the two values are; exit 4 where inconclusive fails, and the report says what would help."""
    baseline, run = both(tmp_path, finding("p95_ms", 1.0, 0.9, 1.1), finding("p95_ms", 1.0, 0.9, 1.1))
    verdict = judged(run, "shop.p95_ms no worse than 50%", baselines=[baseline], inconclusive="fail")
    assert (verdict.word, verdict.exit_code, verdict.baselines) == ("inconclusive", 4, ("base",))
    assert verdict.outcomes[0].sentence.endswith("one run a side can't tell change from chance.")
    assert any("`dbharness ab` makes pairs" in warning for warning in verdict.warnings)


@pytest.mark.parametrize("side", ["baseline", "run"])
def test_a_tool_bound_figure_on_either_side_is_invalid(tmp_path: Path, side: str) -> None:
    """Exit 3, and which side it is."""
    bound, plain = units(10.0, status="tool_bound", reason="the core was busy"), units(10.0)
    pair = (bound, plain) if side == "baseline" else (plain, bound)
    baseline, run = both(tmp_path, *pair)
    verdict = judged(run, "shop.units no worse than 5%", baselines=[baseline])
    where = "baseline: " if side == "baseline" else ""
    assert (verdict.exit_code, verdict.outcomes[0].figures[0].reason) == (3, f"{where}tool bound: the core was busy")


def test_a_baseline_that_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    """Not whole, of another seed, or without the figure: wrong usage, with the way out."""
    run = gated(tmp_path / "run", [units(10.0)], started=LATER)
    gate = "shop.units no worse than 5%"
    cut = gated(tmp_path / "cut", [units(10.0)], status="partial")
    assert refusal(run, gate, baselines=[cut]).endswith("cut: shop is partial there; give another with --baseline")
    other = gated(tmp_path / "other", [units(10.0)])
    seeded = Recorded(path=other.path, manifest={**other.manifest, "seed": 2}, findings=other.findings)
    assert "the runs differ in seed" in refusal(run, gate, baselines=[seeded])
    assert judged(run, gate, baselines=[seeded], allowed=["seed"]).word == "pass"
    empty = gated(tmp_path / "empty", [finding("else_ms", 1.0)])
    assert "the baseline empty has none of its figures; make another: `dbharness run shop" in refusal(
        run, gate, baselines=[empty]
    )


def test_of_several_figures_those_that_the_baseline_lacks_are_inconclusive(tmp_path: Path) -> None:
    """One step was added since."""
    steps = [units(10.0, labels={"step": step}) for step in ("1", "2")]
    baseline, run = gated(tmp_path / "base", steps[:1]), gated(tmp_path / "run", steps, started=LATER)
    [outcome] = judged(run, "all shop.units no worse than 5%", baselines=[baseline]).outcomes
    assert [(one.word, one.reason) for one in outcome.figures] == [
        ("pass", None),
        ("inconclusive", "the baseline has no such figure"),
    ]


def test_a_figure_of_no_direction_cannot_be_worse(tmp_path: Path) -> None:
    """Nor can what is better the more there is fall by 100 %."""
    baseline, run = both(tmp_path, units(10.0, better="none"), units(10.0, better="none"))
    assert "neither more nor less of shop.units is better; give it a limit" in refusal(
        run, "shop.units no worse than 5%", baselines=[baseline]
    )
    baseline, run = both(tmp_path / "more", units(10.0, better="higher"), units(10.0, better="higher"))
    assert "can't fall by 100 % or more" in refusal(run, "shop.units no worse than 100%", baselines=[baseline])


PAIRS = 8
LOGS = np.array(
    [0.02, -0.03, 0.01, -0.01, 0.03, -0.02, 0.015, -0.005]
)  # candidate ÷ base of each pair, no effect in it


def bound(confidence: float, logs: np.ndarray[Any, Any] = LOGS) -> float:
    """The upper bound of the relative change: exp(mean + t·s/√K) − 1, by numpy and scipy alone."""
    half = stats.t.ppf((1 + confidence) / 2, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs))
    return float(math.exp(logs.mean() + half) - 1)


def of_pairs(tmp_path: Path, *gates: str, shift: float = 0.0) -> list[Outcome]:
    """Three figures, each the same in eight interleaved pairs."""

    def side(name: str, factor: list[float]) -> list[Recorded]:
        return [
            gated(
                tmp_path / f"{name}-{pair}",
                [finding(which, 10.0 * by, 9.0, 11.0) for which in ("a_ms", "b_ms", "c_ms")],
            )
            for pair, by in enumerate(factor)
        ]

    bases = side("base", [1.0] * PAIRS)
    candidates = side("candidate", [math.exp(log + shift) for log in LOGS])
    return list(judge_all([parse(gate) for gate in gates], bases, candidates, design="interleaved_pairs").outcomes)


def test_pairs_decide_what_one_run_a_side_cannot(tmp_path: Path) -> None:
    """By the bounds at 95 %: 1.92 % at worst is within 3 %, and with 20 % more everywhere is beyond it."""
    assert 0.018 < bound(0.95) < 0.02
    [kept] = of_pairs(tmp_path / "kept", "shop.a_ms no worse than 3%")
    [open_] = of_pairs(tmp_path / "open", "shop.a_ms no worse than 1%")
    [broken] = of_pairs(tmp_path / "broken", "shop.a_ms no worse than 3%", shift=math.log(1.2))
    assert [kept.word, open_.word, broken.word] == ["pass", "inconclusive", "fail"]
    assert kept.figures[0].high == pytest.approx(bound(0.95), rel=1e-9)
    assert "the least change that 8 pairs find is" in str(open_.figures[0].reason)


def test_several_relative_gates_share_one_error(tmp_path: Path) -> None:
    """Holm over three figures of which none changed: each at 1 − 0.05/3, so that a limit between the two bounds is kept alone only."""
    between = 100 * (bound(0.95) + bound(1 - 0.05 / 3)) / 2
    gates = [f"shop.{name}_ms no worse than {between}%" for name in "abc"]
    [alone] = of_pairs(tmp_path / "alone", gates[0])
    together = of_pairs(tmp_path / "together", *gates)
    assert alone.word == "pass"
    assert [outcome.word for outcome in together] == ["inconclusive"] * 3
    assert [outcome.figures[0].high for outcome in together] == pytest.approx([bound(1 - 0.05 / 3)] * 3, rel=1e-9)
    assert [outcome.figures[0].more["confidence"] for outcome in together] == pytest.approx([1 - 0.05 / 3] * 3)


def test_one_gate_over_several_figures_shares_the_error_like_several_gates(tmp_path: Path) -> None:
    """A family is of figures, and a figure that two gates mean is in it once."""
    [outcome, _] = of_pairs(tmp_path, "shop.a_ms no worse than 3%", "shop.a_ms no worse than 1%")
    assert outcome.figures[0].more["confidence"] == pytest.approx(0.95)
