"""The self-test's analysis on runs whose truth is known without a server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rundir import PlantedRun, assert_nothing_measured, finding_of, trial

from reports.planted import NAME, analyse

MS = 1_000_000


def rows(number: int, arm: str, times_ms: list[float], *, pair: int = 0, **fields: Any) -> Iterator[dict[str, Any]]:
    """Rows of one trial, one after the other, each with its service time."""
    at = number * 100_000 * MS
    for place, time_ms in enumerate(times_ms):
        start = at + place * 100 * MS
        common = {"trial": number, "pair": pair, "arm": arm, "step": "0", "op": "GetItem", "op_id": place}
        yield common | {"t_start": start, "t_end": start + round(time_ms * MS)} | fields


def planted_run(path: Path, samples: list[dict[str, Any]], cpu_share: float = 0.1) -> PlantedRun:
    """A run with those samples, whose generator was so busy in each trial."""
    run = PlantedRun(path)
    numbers = sorted({row["trial"] for row in samples})
    run.scenario(NAME, params={}, trials=[trial(number, "any", "0") for number in numbers])
    for number in numbers:
        run.event(
            NAME, "generator", trial=number, t_ns=0, cpu_share=cpu_share, lateness_p50_ms=None, lateness_p99_ms=None,
            attempts=1, dropped=0, gc_pauses=0,
        )  # fmt: skip
    run.samples(NAME, samples, {})
    return run


def test_service_times_are_given_back_and_a_busy_core_marks_them(tmp_path: Path) -> None:
    """400 answers of which every 20th takes 40 ms: that is the p99; above 80 % of a core it is tool-bound."""
    times = [40.0 if place % 20 == 19 else 5.0 + 2 * (place % 2) for place in range(100)]
    samples = [row for number in range(4) for row in rows(number, "tail", times)]
    calm = analyse(planted_run(tmp_path / "calm", samples).load())
    p99 = finding_of(calm, "planted.service_p99_ms")
    assert (p99.value, p99.status) == (pytest.approx(40.0), "measured")
    busy = analyse(planted_run(tmp_path / "busy", samples, cpu_share=0.95).load())
    assert finding_of(busy, "planted.service_p99_ms").status == "tool_bound"


def test_shares_are_counted_and_the_core_does_not_matter_to_them(tmp_path: Path) -> None:
    """2 of 10 throttled, 8 of 10 hits; a busy core marks neither."""
    throttled = [
        row | {"outcome": "throttled" if place % 5 == 0 else "ok"}
        for place, row in enumerate(rows(0, "throttled", [1.0] * 10))
    ]
    hits = [row | {"hit": place % 5 != 0} for place, row in enumerate(rows(1, "hits", [1.0] * 10))]
    section = analyse(planted_run(tmp_path / "run", throttled + hits, cpu_share=0.95).load())
    for id, share in (("planted.throttled_share", 0.2), ("planted.hit_share", 0.8)):
        finding = finding_of(section, id)
        assert (finding.value, finding.status) == (pytest.approx(share), "measured")


def test_two_arms_are_compared_by_pairs(tmp_path: Path) -> None:
    """In six pairs 10 against 11, 20 against 22 … ms: 1.1 exactly, whatever the pairs' own level."""
    samples = []
    for pair in range(6):
        samples += rows(2 * pair, "base", [10.0 * (pair + 1)] * 3, pair=pair)
        samples += rows(2 * pair + 1, "slower", [11.0 * (pair + 1)] * 3, pair=pair)
    ratio = finding_of(analyse(planted_run(tmp_path / "run", samples).load()), "planted.arms_ratio")
    assert (ratio.value, ratio.n) == (pytest.approx(1.1), 6)


def test_an_outage_is_from_the_last_answer_to_the_first(tmp_path: Path) -> None:
    """Probes every 100 ms of 1 ms each, those at 500 to 900 ms unanswered: from 401 to 1,001 ms, 600 ms."""
    samples = [
        row | {"outcome": "ok" if not 5 <= place <= 9 else "error"}
        for place, row in enumerate(rows(0, "down", [1.0] * 15))
    ]
    run = planted_run(tmp_path / "run", samples)
    run.event(NAME, "window", trial=0, t_ns=0, from_ns=450 * MS, until_ns=950 * MS)
    assert finding_of(analyse(run.load()), "planted.down_s").value == pytest.approx(0.6)


def test_a_run_without_samples_says_why(tmp_path: Path) -> None:
    """Not measured, never zero."""
    run = PlantedRun(tmp_path / "run")
    run.scenario(NAME, params={}, trials=[], status="not_measured", reason="the planted server didn't start")
    assert_nothing_measured(analyse(run.load()), "the planted server didn't start")
