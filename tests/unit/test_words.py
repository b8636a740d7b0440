"""Numbers are written so that a sentence reads well and says no more than was measured."""

from pathlib import Path

import pandas as pd
import pytest
from rundir import PlantedRun

from reports import words
from reports.stats import Interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (3430, "3,430"), (61.24, "61.2"), (0.002126, "0.00213"), (0.000001234, "0.00000123"), (12, "12"),
        (99.96, "100"), (0.9996, "1"), (640, "640"), (1_234_567, "1,230,000"), (-0.5, "−0.5"), (-4321, "−4,320"),
        (2e15, "2,000,000,000,000,000"),
    ],
)  # fmt: skip
def test_a_number_has_three_significant_digits_grouped_and_without_an_exponent(value: float, text: str) -> None:
    """Small ones and large ones alike."""
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value_us", "text"),
    [(0, "0 µs"), (0.5, "0.5 µs"), (130, "130 µs"), (1000, "1 ms"), (2_400, "2.4 ms"), (1e6, "1 s"), (1_900_000, "1.9 s")],
)  # fmt: skip
def test_a_time_is_in_the_unit_that_fits(value_us: float, text: str) -> None:
    """From one thousand on the next unit begins."""
    assert words.microseconds(value_us) == text
    assert words.seconds(value_us / 1e6) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(0.0625, "$0.0625"), (1.25, "$1.25"), (214.375, "$214.38"), (1234.5, "$1,234.50")]
)
def test_money_has_cents_from_ten_dollars_on_and_digits_below(usd: float, text: str) -> None:
    """Small prices keep their three digits."""
    assert words.dollars(usd) == text


def test_a_share_is_in_per_cent() -> None:
    """Three digits here too."""
    assert [words.percent(share) for share in (0, 0.2, 0.9995, 1)] == ["0 %", "20 %", "100 %", "100 %"]


def test_a_span_says_its_bounds_or_exact_or_nothing() -> None:
    """Where a bound is missing nothing is claimed; where both are one, it is exact."""
    assert words.span(1.5, 2.5) == ", 95 % interval 1.5 to 2.5"
    assert words.span(0.38, 0.42, words.seconds) == ", 95 % interval 380 ms to 420 ms"
    assert words.span(2, 2) == ", exact"
    assert words.span(2, None) == ", 95 % interval from 2 on"
    assert words.span(None, 2) == words.span(None, None) == ""


def test_counts_and_engines_are_written_as_people_write_them() -> None:
    """One trial, many trials; MySQL, PostgreSQL, and what isn't known as it stands."""
    assert [words.count(n, "trial") for n in (0, 1, 2000)] == ["0 trials", "1 trial", "2,000 trials"]
    assert [words.engine_name(name) for name in ("mysql", "postgres", "x")] == ["MySQL", "PostgreSQL", "x"]


def test_attempts_without_an_answer_are_counted_by_arm_outcome_and_code() -> None:
    """Those that were answered are in no warning, nor is a run without samples."""
    rows = [("scan", "error", "Wrong"), ("scan", "error", "Wrong"), ("query", "timeout", None), ("query", "ok", None)]
    samples = pd.DataFrame(rows, columns=["arm", "outcome", "error_code"])
    (warning,) = words.troubles(samples)
    assert "2 × scan error Wrong" in warning
    assert "1 × query timeout" in warning
    assert "ok" not in warning.split(":")[1]
    assert words.troubles(samples[samples["outcome"] == "ok"]) == words.troubles(pd.DataFrame()) == ()


def test_what_was_not_measured_has_a_reason_and_no_value(tmp_path: Path) -> None:
    """Its sentence names id, labels and reason."""
    found = words.absent(
        PlantedRun(tmp_path / "run").load(), "s", "s.x", "ms", "lower", "it rained", {"engine": "mysql"}
    )
    assert (found.value, found.low, found.high, found.n, found.status) == (None, None, None, 0, "not_measured")
    assert found.sentence == "Not measured: s.x, engine mysql: it rained."


def test_a_setting_names_the_server_that_was_measured(tmp_path: Path) -> None:
    """Or its role, where the manifest doesn't name it."""
    planted = PlantedRun(tmp_path / "run")
    planted.scenario("s", params={}, trials=[], servers={"mysql": "MariaDB 10.11.19"})
    run = planted.load()
    assert words.setting(run, "s", "mysql") == "local model, MariaDB 10.11.19"
    assert words.setting(run, "s", "postgres") == "local model, postgres"


def test_an_estimate_in_another_unit_keeps_its_open_side() -> None:
    """Value and bounds are multiplied, None stays None."""
    found = words.scaled(Interval(value=2, low=1, high=None, n=6, method="m"), 1000)
    assert (found.value, found.low, found.high, found.n, found.method) == (2000, 1000, None, 6, "m")
