"""Figures, bounds and words of findings are written alike on every page."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reports.findings import Basis, Finding, Status
from reports.render import figures
from reports.section import Section

FOUND = Finding(
    id="s.x", scenario="s", sentence="It is so.", value=0.2, unit="share", better="lower", n=6, target="local", low=0.15,
    high=0.25, labels={"arm": "on_demand", "cache_share": "0.05"},
)  # fmt: skip
ABSENT = replace(FOUND, value=None, low=None, high=None, n=0, status="not_measured", reason="no server")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (27004, "27,004"), (0, "0"), (-0.0, "0"), (0.012345, "0.01235"), (12.3, "12.3"), (1234.56, "1,235"), (9.99996, "10"),
        (-3, "−3"), (-0.5, "−0.5"), (0.1 + 0.2, "0.3"), (1e-9, "1e−09"), (math.nan, "–"), (math.inf, "∞"), (-math.inf, "−∞"),
    ],
)  # fmt: skip
def test_a_number_has_four_significant_digits_and_whole_ones_stay_whole(value: float, text: str) -> None:
    """A real minus sign; nothing is a dash."""
    assert figures.number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.2, "share", "20 %"),
        (3430, "ratio", "3,430 ×"),
        (1.25, "USD", "1.25 USD"),
        (7, "", "7"),
        (160, "us", "160 µs"),
        (0.01985, "s", "19.85 ms"),
        (0.0000603, "s", "60.3 µs"),
        (1500, "ms", "1.5 s"),
        (0, "s", "0 s"),
        (-0.25, "s", "−250 ms"),
        (1, "pages", "1 page"),
        (1, "queries", "1 query"),
        (2, "pages", "2 pages"),
        (1, "reads/s", "1 reads/s"),
    ],
)
def test_a_quantity_has_its_unit_shares_in_per_cent_ratios_as_multiples_times_as_fits(
    value: float, unit: str, text: str
) -> None:
    """One of something is written in the singular; everything else has the unit it came in."""
    assert figures.quantity(value, unit) == text


def test_a_value_that_is_a_lower_bound_says_so_and_an_absent_one_says_why_in_a_word() -> None:
    """At least 700 s; not measured; unknown."""
    assert figures.value(FOUND) == "20 %"
    assert figures.value(replace(FOUND, value=700, unit="s", high=None, status="at_least")) == "at least 700 s"
    assert figures.value(ABSENT) == "not measured"
    assert figures.value(replace(ABSENT, status="unknown")) == "unknown"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.15, 0.25, "15 to 25 %"), (0.2, 0.2, "exact"), (None, None, "–"), (0.15, None, "from 15 %"), (0.0, None, "from 0 %"),
        (None, 0.25, "up to 25 %"),
    ],
)  # fmt: skip
def test_an_interval_says_each_side_that_is_open(low: float | None, high: float | None, text: str) -> None:
    """An open side isn't left out, no width is exact, nothing is a dash."""
    assert figures.interval(replace(FOUND, low=low, high=high)) == text


def test_an_interval_of_a_time_is_in_one_unit_that_of_its_upper_bound() -> None:
    """232 ms to 1.9 s is 0.232 to 1.9 s, as one reads it."""
    assert figures.interval(replace(FOUND, value=0.9, unit="s", low=0.232, high=1.9)) == "0.232 to 1.9 s"
    assert figures.interval(replace(FOUND, value=0.9, unit="s", low=0.151, high=0.428)) == "151 to 428 ms"


def test_an_absent_finding_has_no_interval() -> None:
    """Where there is no value there are no bounds."""
    assert figures.interval(ABSENT) == "–"


def test_basis_status_and_labels_are_words_and_each_status_has_a_shape_of_its_own() -> None:
    """Told apart without colour."""
    statuses: tuple[Status, ...] = ("measured", "at_least", "tool_bound", "not_measured", "unknown")
    every = [replace(ABSENT if name in ("not_measured", "unknown") else FOUND, status=name) for name in statuses]
    assert len({figures.shape(one) for one in every}) == len(every)
    assert [figures.status(one) for one in every] == ["measured", "at least", "tool bound", "not measured", "unknown"]
    assert figures.labels(FOUND) == "arm on_demand · cache share 0.05"
    bases: tuple[Basis, ...] = ("local_model", "modelled", "aws")
    assert [figures.basis(replace(FOUND, basis=name)) for name in bases] == [
        "local model", "modelled", "AWS",
    ]  # fmt: skip


def test_a_tables_cells_are_written_as_figures_are() -> None:
    """Words stay, whole numbers are grouped, floats have four digits, nothing is a dash; numpy's kinds like Python's."""
    table = pd.DataFrame(
        {
            "arm": ["scan", None], "items": np.array([27004, -5], dtype=np.int64), "p50": [0.123456, math.nan],
            "ended": [True, False], "missing": [pd.NA, pd.NaT],
        }
    )  # fmt: skip
    assert figures.rows(table, 10) == [["scan", "27,004", "0.1235", "yes", "–"], ["–", "−5", "–", "no", "–"]]
    assert len(figures.rows(table, 1)) == 1


def test_headlines_come_in_the_order_of_the_sections_and_one_value_anywhere_counts_as_measured() -> None:
    """At least is a value; not measured and unknown are none."""
    first, second = replace(FOUND, id="a.x", headline=True), replace(ABSENT, id="b.x", headline=True)
    sections = [_section(replace(FOUND, id="a.y"), first), _section(second)]
    assert [one.id for one in figures.headlines(sections)] == ["a.x", "b.x"]
    assert figures.anything_measured(sections)
    assert figures.anything_measured([_section(second, replace(FOUND, status="at_least", high=None))])
    assert not figures.anything_measured([_section(second, replace(ABSENT, status="unknown"))])
    assert not figures.anything_measured([])


def _section(*findings: Finding) -> Section:
    return Section(scenario="s", title="S", verdict=(), findings=findings, charts=(), method=())


@pytest.mark.parametrize(
    "wrong", [{"value": None}, {"status": "not_measured", "reason": "why"}, {"value": None, "status": "unknown"}]
)
def test_a_finding_has_a_value_exactly_where_its_status_says_so_and_else_a_reason(wrong: dict[str, object]) -> None:
    """Measured without a value, absent with one, absent without a reason: none can be made."""
    with pytest.raises(ValueError, match="s.x: status"):
        replace(FOUND, **wrong)  # type: ignore[arg-type]


def test_a_findings_record_has_the_contracts_fields() -> None:
    """What findings.json promises, and no word on where the report prints it."""
    assert set(FOUND.as_record()) == {
        "id", "labels", "scenario", "sentence", "value", "unit", "better", "low", "high", "n", "target", "basis", "status", "reason",
    }  # fmt: skip
